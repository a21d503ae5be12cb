"""Hold-out split for training, and rolling origins for backtests.

|<------------ training ------------>|<-- stop -->|<----- judge ----->|

|<------------ learnt from ------------>|<- H ->|
                                        |<- step ->|<- H ->|
                                                   |<- step ->|<- H ->|
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lstmcast.data.panel import Panel
from lstmcast.errors import DataError, UsageError
from lstmcast.types import Ints

MAX_VALIDATION_HORIZONS = 20  # horizons held out at most: more would say little more
MAX_ORIGINS_PER_SERIES, MAX_VALIDATION_ORIGINS, MAX_TEST_ORIGINS = (
    60,
    2_000,
    10_000,
)  # origins: of one series, that stop, that judge (at most, but one a series)
MIN_TRAIN_STEPS = 3  # steps that a series must have left to learn from
MIN_ROWS = 10  # rows: with fewer nothing can be learnt and judged


@dataclass(frozen=True)
class HoldoutSplit:
    """How many steps at each series' end are held out.

    Attributes:
        horizon: H.
        validation_steps: steps whose forecasts decide when to stop.
        test_steps: steps at the end whose forecasts are scored.
        max_origins_per_series: origins of one series, at most.
    """

    horizon: int
    validation_steps: int
    test_steps: int
    max_origins_per_series: int = MAX_ORIGINS_PER_SERIES

    @property
    def total(self) -> int:
        """Steps that the judged network never learns from."""
        return self.validation_steps + self.test_steps

    def validation_origins(self, lengths: Ints) -> tuple[Ints, Ints]:
        """The origins that decide when to stop, series [B] and origin [B]: few, for every epoch meets them."""
        return self._origins(lengths, lengths - self.test_steps, self.validation_steps, MAX_VALIDATION_ORIGINS)

    def test_origins(self, lengths: Ints) -> tuple[Ints, Ints]:
        """The origins that judge: series [B] and origin [B]; every series that is long enough has one."""
        return self._origins(lengths, lengths, self.test_steps, MAX_TEST_ORIGINS)

    def horizons(self, lengths: Ints) -> float:
        """How many horizons judge, of all series together; their origins may lie closer than these."""
        return len(np.unique(self.test_origins(lengths)[0])) * self.test_steps / self.horizon

    def _origins(self, lengths: Ints, ends: Ints, steps: int, most: int) -> tuple[Ints, Ints]:
        """Evenly spaced origins whose H steps lie in the `steps` steps before `ends`; too short a series has none."""
        series = np.flatnonzero(lengths >= self.total + max(self.horizon, MIN_TRAIN_STEPS))
        if most == MAX_VALIDATION_ORIGINS:
            series = evenly(series, MAX_VALIDATION_ORIGINS)
        back = np.arange(self.horizon, steps + 1)[::-1]  # from the earliest on
        picked = evenly(back, max(1, min(self.max_origins_per_series, most // max(len(series), 1))))
        which = np.repeat(series, len(picked))
        return which, ends[which] - 1 - np.tile(picked, len(series))


def evenly(values: Ints, most: int) -> Ints:
    """At most `most` of them, evenly spaced, ends included."""
    return values[np.unique(np.linspace(0, len(values) - 1, min(most, len(values))).round().astype(np.int64))]


def plan_holdout(
    lengths: Ints,
    horizon: int,
    *,
    stopping: bool = True,
    most: int = MAX_VALIDATION_HORIZONS,
    each: int = MAX_ORIGINS_PER_SERIES,
) -> HoldoutSplit:
    """Hold out about a third of a typical series, at most 20 horizons to stop and as many to judge, at least one each.

    Args:
        lengths: [S] steps of each series.
        horizon: H.
        stopping: whether anything has to be held out to decide when to stop.
        most: horizons to stop, and to judge.
        each: origins of one series, at most.

    Raises:
        DataError: the series are too short for the horizon.
    """
    typical = int(np.median(lengths))
    needed = max(MIN_ROWS, 2 * horizon + max(horizon, MIN_TRAIN_STEPS))
    if typical < needed:
        raise DataError(
            f"a typical series has {typical} rows; a horizon of {horizon} needs at least {needed} "
            "(to learn, to stop and to judge). Give more history, or a shorter --horizon"
        )
    validation_steps = max(horizon, min(typical // 8, most * horizon)) if stopping else 0
    test_steps = max(horizon, min(typical // 5, most * horizon))
    return HoldoutSplit(horizon, validation_steps, test_steps, each)


def default_horizon(lengths: Ints, season_default: int) -> int:
    """The frequency's usual horizon, or a sixth of a typical series where that is shorter."""
    return max(1, min(season_default, int(np.median(lengths)) // 6))


DEFAULT_ORIGINS = 10  # origins, where the user does not say, and the series are long enough
HOLDOUT_DIVISOR = 3  # of a typical series, at most one part in so many is held out, where the user does not say


@dataclass(frozen=True)
class RollingOrigins:
    """N origins of every series.

    Attributes:
        horizon: H.
        n_origins: N.
        step_size: from one origin to the next.
    """

    horizon: int
    n_origins: int
    step_size: int

    @property
    def offsets_from_end(self) -> Ints:
        """[N] steps of each series that come after each origin, earliest origin first."""
        return self.horizon + self.step_size * np.arange(self.n_origins)[::-1]

    @property
    def held_out(self) -> int:
        """Steps after the first origin: what a network trained once never learns from."""
        return int(self.offsets_from_end[0])

    def at(self, lengths: Ints) -> Ints:
        """[S, N] the origins of series of these lengths, counted from the first value."""
        return np.asarray(lengths[:, None] - 1 - self.offsets_from_end, dtype=np.int64)


def plan_backtest(panel: Panel, horizon: int | None, origins: int | None, step: int | None) -> RollingOrigins:
    """Decide how many origins, and how far apart.

    Args:
        panel: the data.
        horizon: H; None: as training would choose.
        origins: N; None: up to 10, as long as a third of a typical series is enough for them.
        step: None: H, so that no two forecasts of a series share an outcome.

    Raises:
        UsageError: fewer than one origin, or a step below 1.
    """
    ahead = horizon or default_horizon(panel.lengths, panel.calendar.default_horizon)
    for name, number in (("n-origins", origins), ("step-size", step)):
        if number is not None and number < 1:
            raise UsageError(f"--{name}: must be an integer ≥ 1 (got {number})")
    step_size = step or ahead
    room = int(np.median(panel.lengths)) // HOLDOUT_DIVISOR - ahead
    return RollingOrigins(ahead, origins or int(np.clip(room // step_size + 1, 1, DEFAULT_ORIGINS)), step_size)


def filter_long_enough(panel: Panel, folds: RollingOrigins) -> Panel:
    """The series that have something to learn from before their first origin.

    Raises:
        DataError: none has.
    """
    kept = np.flatnonzero(panel.lengths >= folds.held_out + MIN_TRAIN_STEPS)
    if not len(kept):
        raise DataError(
            f"{panel.source}: {folds.n_origins} origins, {folds.step_size} steps apart, with {folds.horizon} steps "
            f"ahead of each, need {folds.held_out + MIN_TRAIN_STEPS} rows and more to learn from; the longest "
            "series has "
            f"{panel.lengths.max()}. Give fewer --n-origins, a smaller --step-size or a shorter --horizon"
        )
    return panel.select(kept)
