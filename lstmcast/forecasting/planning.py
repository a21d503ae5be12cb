"""Training plan: every setting that `auto` leaves open, inferred from the data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import numpy as np

from lstmcast.data.panel import Panel
from lstmcast.data.schema import InferredSetting, SettingKey
from lstmcast.errors import DataError
from lstmcast.evaluation.splits import HoldoutSplit, default_horizon, plan_holdout
from lstmcast.forecasting.preprocessing_search import PreprocessingSpec, preprocessing_candidates, rank_preprocessing
from lstmcast.forecasting.split_data import SplitData
from lstmcast.nn.heads import OutputHead, QuantileHead
from lstmcast.nn.keras_backend import Architecture
from lstmcast.nn.specs import Recipe
from lstmcast.preprocessing.panel_scaling import Preprocessing, ScalingSpec
from lstmcast.preprocessing.scaling import ScaleMode, TransformName, valid_transforms
from lstmcast.preprocessing.windows import WindowSpec

if TYPE_CHECKING:
    from lstmcast.config import StepsConfig, ValueConfig
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


PROFILE_SEASONS = (0, 1, 2, 4, 8, 16)  # candidates: seasons that a profile averages
MAX_RELATIVE_ERROR = 1.5  # of the second candidate to the best, up to which networks are fitted for both
LARGE_PANEL_VALUES = 200_000  # above it, one candidate is fitted, without early stopping
PASSES_SHORT_SERIES = 24  # uses of each value without early stopping
PASSES_LONG_SERIES = (12, 16)  # without and with a season
DAY_OF_HOURS = 24
MAX_CONTEXT = 400  # lags
MIN_STEPS_FOR_LOCAL_SCALE = 200  # below it, the scale of one series is unreliable
MAX_TARGET_STEPS = 3.0  # typical steps; a few larger targets would dominate a mean of squares
LEARNING_RATES = (0.001, 0.003)  # few data, or many, which give stable gradients
STEPS_PER_EPOCH_LIMITS = (8, 100)  # steps of an epoch: minimum, maximum


def make_plan(panel: Panel, config: ValueConfig, *, split: SplitData | None = None) -> TrainingPlan:
    """Decide everything that the config leaves to `auto`, from the data before the hold-out.

    The one exception is the smallest of all values, which decides whether logs or roots are possible.

    Args:
        panel: the data.
        config: the settings.
        split: the hold-out if it is already decided; None: a third of a typical series.

    Raises:
        DataError: the series are too short, or the requested transform is impossible.
    """
    horizon = split.holdout.horizon if split else horizon_of(panel, config)
    patience = _patience(panel, config)
    no_early_stopping = patience is None
    split = split or SplitData(panel, plan_holdout(panel.lengths, horizon, stopping=not no_early_stopping))
    past = split.past
    candidates, found = _select_preprocessing(past, panel, horizon, config, no_early_stopping=no_early_stopping)
    size = _size(panel, config)
    head = _head(horizon, config)
    variants = tuple(
        Preprocessing(
            ScalingSpec(candidate.transform, _scale_mode(candidate.transform, past, config)),
            _shape(candidate, *size, head.steps),
            horizon,
        )
        for candidate in candidates
    )
    shape = variants[0].window_spec
    architecture = architecture_of(
        config.model, context=shape.context, lags=shape.lags, head=head, skip=config.model.skip_connection
    )
    inferred = (
        horizon_setting(panel, config, horizon),
        *found,
        InferredSetting(
            SettingKey.WINDOW, f"{shape.context} steps of {shape.lags} lags", f"{len(past.values):,} training values"
        ),
    )
    return TrainingPlan(
        split=split,
        variants=variants,
        architecture=architecture,
        head=head,
        recipe=_recipe(past, shape, config, patience),
        networks=config.train.ensemble_size,
        smoothing_weight=None if config.model.smoothing_weight == "auto" else config.model.smoothing_weight,
        refit=config.train.refit_on_all_data,
        levels=tuple(config.forecast.levels),
        inferred=inferred,
    )


def horizon_of(panel: Panel, config: StepsConfig) -> int:
    """Return H: as requested, or the default of the frequency."""
    requested = config.forecast.horizon
    return default_horizon(panel.lengths, panel.calendar.default_horizon) if requested == "auto" else requested


def horizon_setting(panel: Panel, config: StepsConfig, horizon: int) -> InferredSetting:
    """Return H with its reason."""
    if config.forecast.horizon != "auto":
        reason = "pinned"
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


def _select_preprocessing(
    past: Panel, panel: Panel, horizon: int, config: ValueConfig, *, no_early_stopping: bool
) -> tuple[list[PreprocessingSpec], tuple[InferredSetting, ...]]:
    """Select transform, level and profile: as requested, or with the smallest error on the training data."""
    requested, season = config.model, panel.calendar.season
    transforms = valid_transforms(panel.values)
    if requested.transform != "auto" and requested.transform not in transforms:
        raise DataError(
            f"model.transform: {requested.transform} cannot take a smallest value of {panel.values.min():g}; "
            f"possible here: {', '.join(transforms)}, or auto"
        )
    transforms = transforms if requested.transform == "auto" else (requested.transform,)
    longest = int(past.lengths.max()) // max(season, 1)
    most = (
        0 if no_early_stopping and not _is_long(past) else longest
    )  # networks learn the season from many short series
    seasons = (
        [k for k in PROFILE_SEASONS if k <= most]
        if requested.profile_seasons == "auto"
        else [requested.profile_seasons]
    )
    week = panel.calendar.week
    week = week if week and past.lengths.max() >= 3 * week else None
    candidates = list(
        preprocessing_candidates(transforms[0], season, longer=week, seasons=seasons, level=requested.level_window)
    )
    ranked = rank_preprocessing(past, horizon, candidates, transforms)
    finalists = [candidate for candidate, error in ranked[:2] if error <= MAX_RELATIVE_ERROR * ranked[0][1]]
    selected = finalists[:1] if no_early_stopping or len(past.values) > LARGE_PANEL_VALUES else finalists
    return selected, (
        InferredSetting(
            SettingKey.TRANSFORM,
            selected[0].transform,
            "pinned" if requested.transform != "auto" else "smallest error on training origins",
        ),
        InferredSetting(
            SettingKey.PREPROCESSING,
            str(selected[0]),
            f"best of {len(candidates) + len(transforms) - 1} candidates on training origins"
            + "".join(f"; runner-up: {variant}" for variant in selected[1:]),
        ),
    )


def _size(panel: Panel, config: ValueConfig) -> tuple[int, int]:
    """Return context (three seasons) and lags (two seasons, or a week of hours), limited by the length of a series."""
    typical, season, requested = int(np.median(panel.lengths)), panel.calendar.season, config.model
    if season == DAY_OF_HOURS and typical >= 3 * 7 * season:
        lags = 7 * season
    else:
        lags = 2 * season if season > 1 else int(np.clip(typical // 16, 8, 52))
    lags = max(2, min(lags, MAX_CONTEXT, typical // 3))
    context = max(4, min(max(24, 3 * season if season > 1 else lags), 96, typical))
    return (
        context if requested.context == "auto" else requested.context,
        lags if requested.lags == "auto" else requested.lags,
    )


def _scale_mode(transform: TransformName, past: Panel, config: ValueConfig) -> ScaleMode:
    """Select the unit of z: the step of each series; for logs of several series also the typical step of all."""
    if config.model.scale != "auto":
        return config.model.scale
    if transform != "log" or past.n_series == 1:
        return "local"
    return "global" if _is_long(past) else "blended"


def _is_long(past: Panel) -> bool:
    """Return True if a typical series is long enough for its own scale."""
    return bool(np.median(past.lengths) >= MIN_STEPS_FOR_LOCAL_SCALE)


def _has_enough_data(past: Panel, season: int) -> bool:
    """Return True if the training data suffice for a larger learning rate."""
    return len(past.values) >= max(100 * season, 2000)


def _patience(panel: Panel, config: ValueConfig) -> int | None:
    """Return the patience of early stopping; None, without early stopping, for data too large to overfit."""
    requested = config.train.patience
    if requested == "auto":
        return None if len(panel.values) >= LARGE_PANEL_VALUES and config.train.init != "ensemble" else 10
    return requested


def _head(horizon: int, config: ValueConfig) -> QuantileHead:
    """Return the output head."""
    if config.model.strategy == "recursive":
        return QuantileHead()
    return QuantileHead(horizon, tuple(config.forecast.levels) if config.train.loss == "pinball" else ())


def _shape(candidate: PreprocessingSpec, context: int, lags: int, horizon: int) -> WindowSpec:
    return WindowSpec(
        context=context,
        lags=lags,
        level_window=candidate.level_window,
        season_length=candidate.season_length,
        profile_seasons=candidate.profile_seasons,
        burn_in=context // 4,
        horizon=horizon,
    )


def _winsorize(shape: WindowSpec, config: ValueConfig) -> float | None:
    """Return the limit of targets: squared errors need one, unless the profile may cause large deviations."""
    requested = config.train.clip_targets
    if requested == "auto":
        return MAX_TARGET_STEPS if config.train.loss == "mse" and not shape.profile_seasons else None
    return requested


def _recipe(past: Panel, shape: WindowSpec, config: ValueConfig, patience: int | None) -> Recipe:
    """Return the recipe: each step is read about four times an epoch; fixed passes without early stopping."""

    def steps_per_epoch(batch_size: int) -> int:
        if patience is None:
            passes = PASSES_LONG_SERIES[past.calendar.season > 1] if _is_long(past) else PASSES_SHORT_SERIES
            return max(1, round(passes * len(past.values) / (shape.context * batch_size * config.train.epochs)))
        return int(np.clip(-(-4 * len(past.values) / shape.context // batch_size), *STEPS_PER_EPOCH_LIMITS))

    return recipe_of(
        config.train,
        loss=config.train.loss,
        batch_size=int(np.clip(past.n_series // 8, 32, 128)),
        steps_per_epoch=steps_per_epoch,
        patience=patience,
        learning_rate=LEARNING_RATES[_has_enough_data(past, past.calendar.season)],
        winsorize=_winsorize(shape, config),
    )
