"""Hold-out split for training, and rolling origins for backtests.

|<------------ training ------------>|<-- validation -->|<----- test ----->|

|<------------ training ------------>|<- H ->|
                                     |<- step ->|<- H ->|
                                                |<- step ->|<- H ->|
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lstmcast.data.panel import Panel
from lstmcast.errors import DataError, UsageError
from lstmcast.types import Ints

MAX_VALIDATION_HORIZONS = 20  # horizons in the validation and in the test part
MAX_ORIGINS_PER_SERIES, MAX_VALIDATION_ORIGINS = 60, 2_000
MAX_TEST_ORIGINS = 10_000  # except that every series has one
MIN_TRAIN_STEPS = 3  # training steps of a series
MIN_ROWS = 10  # rows of a typical series


@dataclass(frozen=True)
class HoldoutSplit:
    """Number of steps at the end of each series for validation (early stopping), then for the test."""

    horizon: int
    validation_steps: int
    test_steps: int
    max_origins_per_series: int = MAX_ORIGINS_PER_SERIES

    @property
    def total(self) -> int:
        """Number of steps after the training part."""
        return self.validation_steps + self.test_steps

    def validation_origins(self, lengths: Ints) -> tuple[Ints, Ints]:
        """Validation origins: series [B] and steps [B]; few, because every epoch forecasts from them."""
        return self._origins(lengths, lengths - self.test_steps, self.validation_steps, MAX_VALIDATION_ORIGINS)

    def test_origins(self, lengths: Ints) -> tuple[Ints, Ints]:
        """Test origins: series [B] and steps [B]; at least one for every series that is long enough."""
        return self._origins(lengths, lengths, self.test_steps, MAX_TEST_ORIGINS)

    def horizons(self, lengths: Ints) -> float:
        """Number of disjoint horizons in the test parts of all series."""
        return len(np.unique(self.test_origins(lengths)[0])) * self.test_steps / self.horizon

    def _origins(self, lengths: Ints, ends: Ints, steps: int, most: int) -> tuple[Ints, Ints]:
        """Evenly spaced origins whose horizons lie in the last `steps` steps before `ends`."""
        series = np.flatnonzero(lengths >= self.total + max(self.horizon, MIN_TRAIN_STEPS))
        if most == MAX_VALIDATION_ORIGINS:
            series = evenly(series, MAX_VALIDATION_ORIGINS)
        back = np.arange(self.horizon, steps + 1)[::-1]
        selected = evenly(back, max(1, min(self.max_origins_per_series, most // max(len(series), 1))))
        series_index = np.repeat(series, len(selected))
        return series_index, ends[series_index] - 1 - np.tile(selected, len(series))


def evenly(values: Ints, most: int) -> Ints:
    """At most `most` evenly spaced values, including both ends."""
    return values[np.unique(np.linspace(0, len(values) - 1, min(most, len(values))).round().astype(np.int64))]


def plan_holdout(
    lengths: Ints,
    horizon: int,
    *,
    stopping: bool = True,
    most: int = MAX_VALIDATION_HORIZONS,
    each: int = MAX_ORIGINS_PER_SERIES,
) -> HoldoutSplit:
    """Hold out about a third of a typical series, and at least one horizon for each part.

    Args:
        lengths: [S] steps of each series.
        horizon: H.
        stopping: whether to hold out a validation part.
        most: maximum number of horizons in each part.
        each: maximum number of origins per series.

    Raises:
        DataError: the series are too short for the horizon.
    """
    typical = int(np.median(lengths))
    required = max(MIN_ROWS, 2 * horizon + max(horizon, MIN_TRAIN_STEPS))
    if typical < required:
        raise DataError(
            f"a horizon of {horizon} requires series of at least {required} rows for training, validation and test "
            f"(a typical series has {typical}); provide more history, or a shorter --horizon"
        )
    validation_steps = max(horizon, min(typical // 8, most * horizon)) if stopping else 0
    test_steps = max(horizon, min(typical // 5, most * horizon))
    return HoldoutSplit(horizon, validation_steps, test_steps, each)


def default_horizon(lengths: Ints, season_default: int) -> int:
    """Default horizon of the frequency, or a sixth of a typical series if that is shorter."""
    return max(1, min(season_default, int(np.median(lengths)) // 6))


DEFAULT_ORIGINS = 10  # number of origins if the series are long enough
HOLDOUT_DIVISOR = 3  # by default, the origins lie in the last third of a typical series


@dataclass(frozen=True)
class RollingOrigins:
    """`n_origins` N origins of every series, `step_size` apart, each with a horizon H."""

    horizon: int
    n_origins: int
    step_size: int

    @property
    def offsets_from_end(self) -> Ints:
        """[N] steps after each origin, earliest origin first."""
        return self.horizon + self.step_size * np.arange(self.n_origins)[::-1]

    @property
    def held_out(self) -> int:
        """Number of steps after the first origin."""
        return int(self.offsets_from_end[0])

    def at(self, lengths: Ints) -> Ints:
        """[S, N] origins of series of these lengths, from the first value."""
        return np.asarray(lengths[:, None] - 1 - self.offsets_from_end, dtype=np.int64)


def plan_backtest(panel: Panel, horizon: int | None, origins: int | None, step: int | None) -> RollingOrigins:
    """Plan the origins of a backtest.

    Args:
        horizon: H; None for the default of training.
        origins: N; None for up to 10 in the last third of a typical series.
        step: steps between origins; None for H, so that forecasts do not overlap.

    Raises:
        UsageError: fewer than one origin, or a step below 1.
    """
    ahead = horizon or default_horizon(panel.lengths, panel.default_horizon)
    for name, number in (("n-origins", origins), ("step-size", step)):
        if number is not None and number < 1:
            raise UsageError(f"--{name}: must be an integer ≥ 1 (got {number})")
    step_size = step or ahead
    room = int(np.median(panel.lengths)) // HOLDOUT_DIVISOR - ahead
    return RollingOrigins(ahead, origins or int(np.clip(room // step_size + 1, 1, DEFAULT_ORIGINS)), step_size)


def filter_long_enough(panel: Panel, folds: RollingOrigins) -> Panel:
    """Select the series with training steps before their first origin.

    Raises:
        DataError: all series are too short.
    """
    kept = np.flatnonzero(panel.lengths >= folds.held_out + MIN_TRAIN_STEPS)
    if not len(kept):
        raise DataError(
            f"{panel.source}: {folds.n_origins} origins, {folds.step_size} steps apart, with a horizon of "
            f"{folds.horizon} require at least {folds.held_out + MIN_TRAIN_STEPS} rows (the longest series has "
            f"{panel.lengths.max()}); use fewer --n-origins, a smaller --step-size or a shorter --horizon"
        )
    return panel.select(kept)
