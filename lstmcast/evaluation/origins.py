"""Which steps are held out: some to decide when to stop, later ones to judge. Neither set sees its own future.

|<------------ training ------------>|<-- stop -->|<----- judge ----->|
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lstmcast.errors import DataError

Ints = npt.NDArray[np.int64]

STOP = 20  # horizons held out at most: more would say little more
EACH, FEW, MANY = 60, 2_000, 10_000  # origins: of one series, that stop, that judge (at most, but one a series)
LEFT = 3  # steps that a series must have left to learn from
FEWEST = 10  # rows: with fewer nothing can be learnt and judged


@dataclass(frozen=True)
class HoldoutSplit:
    """How many steps at each series' end are held out.

    Attributes:
        horizon: H.
        stop: steps whose forecasts decide when to stop.
        judge: steps at the end whose forecasts are scored.
        each: origins of one series, at most.
    """

    horizon: int
    stop: int
    judge: int
    each: int = EACH

    @property
    def total(self) -> int:
        """Steps that the judged network never learns from."""
        return self.stop + self.judge

    def stopping(self, lengths: Ints) -> tuple[Ints, Ints]:
        """The origins that decide when to stop, series [B] and origin [B]: few, for every epoch meets them."""
        return self._origins(lengths, lengths - self.judge, self.stop, FEW)

    def judging(self, lengths: Ints) -> tuple[Ints, Ints]:
        """The origins that judge: series [B] and origin [B]; every series that is long enough has one."""
        return self._origins(lengths, lengths, self.judge, MANY)

    def horizons(self, lengths: Ints) -> float:
        """How many horizons judge, of all series together; their origins may lie closer than these."""
        return len(np.unique(self.judging(lengths)[0])) * self.judge / self.horizon

    def _origins(self, lengths: Ints, ends: Ints, steps: int, most: int) -> tuple[Ints, Ints]:
        """Evenly spaced origins whose H steps lie in the `steps` steps before `ends`; too short a series has none."""
        series = np.flatnonzero(lengths >= self.total + max(self.horizon, LEFT))
        if most == FEW:
            series = evenly(series, FEW)
        back = np.arange(self.horizon, steps + 1)[::-1]  # from the earliest on
        picked = evenly(back, max(1, min(self.each, most // max(len(series), 1))))
        which = np.repeat(series, len(picked))
        return which, ends[which] - 1 - np.tile(picked, len(series))


def evenly(values: Ints, most: int) -> Ints:
    """At most `most` of them, evenly spaced, ends included."""
    return values[np.unique(np.linspace(0, len(values) - 1, min(most, len(values))).round().astype(np.int64))]


def hold_out(lengths: Ints, horizon: int, *, stopping: bool = True, most: int = STOP, each: int = EACH) -> HoldoutSplit:
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
    needed = max(FEWEST, 2 * horizon + max(horizon, LEFT))
    if typical < needed:
        raise DataError(
            f"a typical series has {typical} rows; a horizon of {horizon} needs at least {needed} "
            "(to learn, to stop and to judge). Give more history, or a shorter --horizon"
        )
    stop = max(horizon, min(typical // 8, most * horizon)) if stopping else 0
    judge = max(horizon, min(typical // 5, most * horizon))
    return HoldoutSplit(horizon, stop, judge, each)


def default_horizon(lengths: Ints, usual: int) -> int:
    """The frequency's usual horizon, or a sixth of a typical series where that is shorter."""
    return max(1, min(usual, int(np.median(lengths)) // 6))
