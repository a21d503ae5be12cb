"""What `auto` becomes where symbols are forecast: every number of a training run, each with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lstmcast.data.panel import Panel
from lstmcast.data.schema import InferredSetting, SettingKey
from lstmcast.errors import DataError
from lstmcast.evaluation.splits import MIN_TRAIN_STEPS, HoldoutSplit, default_horizon
from lstmcast.nn.heads import CategoricalHead
from lstmcast.nn.keras_backend import Architecture
from lstmcast.nn.specs import Recipe

if TYPE_CHECKING:
    from lstmcast.config import Config

MAX_VALIDATION_STEPS, MAX_TEST_STEPS = 10_000, 40_000  # steps held out at most: each is a score of its own
READ = 64  # steps of a window without a season
MAX_CONTEXT = 96
BATCH = 128
PASSES = 40  # times that each symbol is learnt from, over all epochs
BATCHES = (20, 1_500)  # in an epoch: fewest, most
RATE = 0.01
PATIENCE = 10


@dataclass(frozen=True)
class SymbolPlan:
    """A training run, decided; as `forecaster.plan.Plan`.

    Attributes:
        holdout: the steps that stop and judge; its horizon is H.
        architecture: the network's layers.
        recipe: how it is fitted.
        networks: how many.
        refit: whether the saved ones have learnt from all the data.
        inferred: what was decided, and why.
    """

    holdout: HoldoutSplit
    architecture: Architecture
    recipe: Recipe
    networks: int
    refit: bool
    inferred: tuple[InferredSetting, ...]


def make_plan(panel: Panel, config: Config, *, test_steps: int | None = None) -> SymbolPlan:
    """Decide everything that the config leaves to `auto`.

    Args:
        panel: the past, of symbols.
        config: what is pinned.
        test_steps: steps that judge; None: a fifth of a typical series, and no more than say enough.

    Raises:
        DataError: the series are too short.
    """
    requested = config.forecast.horizon
    horizon = default_horizon(panel.lengths, panel.calendar.default_horizon) if requested == "auto" else requested
    held = plan_holdout(panel, horizon, test_steps)
    context = _context(panel, config)
    architecture = Architecture(
        context=context,
        lags=len(panel.symbols),
        units=tuple(config.model.units),
        head=CategoricalHead(len(panel.symbols)),
        activation=config.model.activation,
        skip=config.model.skip_connection,
        dropout=config.model.dropout,
    )
    reason = f"usual for data that are {panel.calendar.label}"
    inferred = (
        InferredSetting(SettingKey.HORIZON, str(horizon), "pinned" if requested != "auto" else reason),
        InferredSetting(SettingKey.SYMBOLS, str(len(panel.symbols)), _some(panel.symbols)),
        InferredSetting(SettingKey.WINDOW, f"{context} steps", f"{_learnable(panel, held):,} symbols to learn from"),
    )
    recipe = _recipe(_learnable(panel, held), architecture, config)
    return SymbolPlan(held, architecture, recipe, config.train.ensemble_size, config.train.refit_on_all_data, inferred)


def plan_holdout(panel: Panel, horizon: int, test_steps: int | None = None) -> HoldoutSplit:
    """An eighth of a typical series to stop, a fifth to judge: at least H steps each, and no more than say enough.

    Args:
        panel: the past.
        horizon: H.
        test_steps: steps that judge, where the caller says so.

    Raises:
        DataError: a typical series is too short for the horizon.
    """
    typical = int(np.median(panel.lengths))
    test_steps = min(typical // 5, MAX_TEST_STEPS) if test_steps is None else test_steps
    held = HoldoutSplit(horizon, max(horizon, min(typical // 8, MAX_VALIDATION_STEPS)), max(horizon, test_steps))
    if typical < (needed := held.total + max(horizon, MIN_TRAIN_STEPS)):
        raise DataError(
            f"{panel.source}: a typical series has {typical} steps; a horizon of {horizon} needs at least {needed} "
            "(to learn, to stop and to judge). Give more history, or a shorter --horizon"
        )
    return held


def _learnable(panel: Panel, held: HoldoutSplit) -> int:
    """How many symbols are left to learn from."""
    return int(np.maximum(panel.lengths - held.total, 0).sum())


def _some(symbols: tuple[str, ...]) -> str:
    """The first few symbols in one line, with what cannot be seen as it is escaped."""
    shown = ", ".join(symbol if symbol.isprintable() and symbol.strip() else repr(symbol) for symbol in symbols[:8])
    return shown + (" …" if len(symbols) > 8 else "")


def _context(panel: Panel, config: Config) -> int:
    """Three seasons, or 64 steps; within what a series has."""
    if config.model.context != "auto":
        return config.model.context
    season, typical = panel.calendar.season, int(np.median(panel.lengths))
    return max(4, min(max(24, 3 * season) if season > 1 else READ, MAX_CONTEXT, typical // 4))


def _recipe(symbols: int, architecture: Architecture, config: Config) -> Recipe:
    """Batches and their number: over all epochs each symbol is seen about 40 times, within bounds."""
    train = config.train
    size = BATCH if train.batch_size == "auto" else train.batch_size
    batches = int(np.clip(round(PASSES * symbols / (architecture.context * size * train.epochs)), *BATCHES))
    return Recipe(
        epochs=train.epochs,
        batches=batches if train.steps_per_epoch == "auto" else train.steps_per_epoch,
        batch_size=size,
        patience=PATIENCE if train.patience == "auto" else train.patience,
        loss=architecture.head.loss_name,
        optimizer=train.optimizer,
        learning_rate=RATE if train.learning_rate == "auto" else train.learning_rate,
        schedule="cosine" if train.schedule == "auto" else train.schedule,
        clip_norm=train.clip_norm,
        seed=train.seed,
    )
