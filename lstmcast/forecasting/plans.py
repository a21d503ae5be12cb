"""Plans of trainings, and the parts that all tasks plan alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import numpy as np

from lstmcast.data.panel import Panel
from lstmcast.data.schema import InferredSetting, SettingKey
from lstmcast.evaluation.splits import HoldoutSplit, default_horizon
from lstmcast.forecasting.split_data import SplitData
from lstmcast.nn.heads import OutputHead, QuantileHead
from lstmcast.nn.keras_backend import Architecture
from lstmcast.nn.specs import Recipe
from lstmcast.preprocessing.panel_scaling import Preprocessing
from lstmcast.text import pluralize

if TYPE_CHECKING:
    from lstmcast.config import StepsConfig
    from lstmcast.config.schema import ModelConfig, TrainConfig

T = TypeVar("T")


@dataclass(frozen=True)
class Selection:
    """Choices made on the validation origins.

    Attributes:
        variant: the preprocessing.
        epochs: of each network.
        smoothing_weight: weight of exponential smoothing, 0 to 1.
        adaptive_weights: whether the errors over the last horizon of a series change it (see `EnsembleWeights`).
    """

    variant: Preprocessing
    epochs: tuple[int, ...]
    smoothing_weight: float
    adaptive_weights: bool = False


@dataclass(frozen=True, kw_only=True)
class NetworkPlan:
    """The decisions that the training runs of all tasks share.

    Attributes:
        architecture: the layers of each network.
        recipe: epochs, batches and optimizer of each fit.
        networks: the size of the ensemble.
        refit: whether the saved networks are refit on all data.
        inferred: the inferred settings, each with its reason.
    """

    architecture: Architecture
    recipe: Recipe
    networks: int
    refit: bool
    inferred: tuple[InferredSetting, ...]


@dataclass(frozen=True, kw_only=True)
class TrainingPlan(NetworkPlan):
    """The decisions of a training run of values.

    Attributes:
        split: training, validation and test data.
        variants: one or two preprocessings with windows of the same size; the validation error selects one.
        head: meaning of the outputs.
        smoothing_weight: weight of exponential smoothing, 0 to 1; None: chosen by validation errors.
        smoothing_half_length: known values at which that weight is halved; 0: it is constant (see `EnsembleWeights`).
        levels: of the intervals, in percent.
    """

    split: SplitData = field(repr=False, compare=False)
    variants: tuple[Preprocessing, ...]
    head: QuantileHead
    smoothing_weight: float | None
    levels: tuple[float, ...]
    smoothing_half_length: int = 0

    @property
    def holdout(self) -> HoldoutSplit:
        """The numbers of validation and test steps, and the horizon H."""
        return self.split.holdout


def horizon_of(panel: Panel, config: StepsConfig) -> int:
    """Return H: as requested, or the default of the frequency."""
    requested = config.forecast.horizon
    return default_horizon(panel.lengths, panel.default_horizon) if requested == "auto" else requested


def horizon_setting(panel: Panel, config: StepsConfig, horizon: int) -> InferredSetting:
    """Return H with its reason."""
    if config.forecast.horizon != "auto":
        reason = "pinned"
    elif horizon == panel.default_horizon < panel.calendar.default_horizon:
        reason = f"{pluralize(horizon, 'step')} known ahead of the covariates"
    elif horizon < panel.calendar.default_horizon:
        reason = f"a sixth of a typical series of {int(np.median(panel.lengths))} steps"
    else:
        reason = panel.calendar.default_reason
    return InferredSetting(SettingKey.HORIZON, str(horizon), reason)


def architecture_of(model: ModelConfig, *, context: int, lags: int, head: OutputHead, **options: Any) -> Architecture:
    """Return the layers that the config asks for.

    Args:
        model: units, activation and dropout.
        context: L.
        lags: F, the features of each step.
        head: of the outputs.
        options: more fields of `Architecture`.
    """
    return Architecture(
        context=context,
        lags=lags,
        units=tuple(model.units),
        head=head,
        activation=model.activation,
        dropout=model.dropout,
        **options,
    )


def recipe_of(
    train: TrainConfig,
    *,
    loss: str,
    batch_size: int,
    steps_per_epoch: Callable[[int], int],
    patience: int | None,
    learning_rate: float,
    schedule: str | None = None,
    winsorize: float | None = None,
) -> Recipe:
    """Return the recipe that the config asks for.

    Args:
        train: the settings.
        loss: its name.
        batch_size: the meaning of `auto`.
        steps_per_epoch: the meaning of `auto`, for a batch size.
        patience: the meaning of `auto`.
        learning_rate: the meaning of `auto`.
        schedule: the meaning of `auto`; None: constant with early stopping, else cosine.
        winsorize: the largest target in units of z; None: any.
    """
    size = resolve_auto(train.batch_size, batch_size)
    patience = resolve_auto(train.patience, patience)
    return Recipe(
        epochs=train.epochs,
        batches=resolve_auto(train.steps_per_epoch, steps_per_epoch(size)),
        batch_size=size,
        patience=patience,
        loss=loss,
        optimizer=train.optimizer,
        learning_rate=resolve_auto(train.learning_rate, learning_rate),
        schedule=resolve_auto(train.schedule, schedule or ("constant" if patience else "cosine")),
        clip_norm=train.clip_norm,
        winsorize=winsorize,
        seed=train.seed,
    )


def resolve_auto(requested: T | Literal["auto"], inferred: T) -> T:
    """Return the requested value, or the inferred one for `auto`."""
    return inferred if requested == "auto" else requested
