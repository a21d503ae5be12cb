"""Which steps are held out: some to decide when to stop, later ones to judge. Neither set sees its own future.

|<------------ training ------------>|<-- stop -->|<----- judge ----->|
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lstmcast.errors import DataError

Ints = npt.NDArray[np.int64]

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


def hold_out(
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
