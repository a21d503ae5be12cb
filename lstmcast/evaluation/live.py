"""How good forecasts were that came true since, as sums that add up run by run.

MASE is that of Hyndman & Koehler (2006) with the seasonal naive forecast that was recorded beside each forecast as its
measure: for each series Σ|y − f| / Σ|y − naive| over the same origins and steps, then the mean over the series. Above
1, repeating the last season would have been better.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class ErrorSums:
    """Sums over outcomes of S series, H steps ahead; tallies of the same series add up.

    Attributes:
        count: [S, H] how many outcomes are known.
        off: [S, H] the sum of |y − f|.
        over: [S, H] the sum of f − y.
        naive: [S, H] the sum of |y − naive|.
        bounded: [Q, S, H] how many had an interval of each level.
        held: [Q, S, H] how many lay inside it.
    """

    count: Floats
    off: Floats
    over: Floats
    naive: Floats
    bounded: Floats
    held: Floats

    @classmethod
    def of(cls, actual: Floats, said: Floats, naive: Floats, lower: Floats, upper: Floats) -> Self:
        """The tally of one forecast.

        Args:
            actual: [S, H] what came; NaN where it is not known.
            said: [S, H] the forecast.
            naive: [S, H] the seasonal naive one.
            lower: [Q, S, H] the bounds, NaN where a level had none.
            upper: [Q, S, H] likewise.
        """
        known = ~np.isnan(actual)
        y = np.where(known, actual, 0.0)
        bounded = known & ~np.isnan(lower)
        return cls(
            count=known.astype(np.float64),
            off=np.where(known, np.abs(y - said), 0.0),
            over=np.where(known, said - y, 0.0),
            naive=np.where(known, np.abs(y - naive), 0.0),
            bounded=bounded.astype(np.float64),
            held=(bounded & (lower <= y) & (y <= upper)).astype(np.float64),
        )

    @classmethod
    def nothing(cls, levels: int, series: int, horizon: int) -> Self:
        """Of no outcome: Q levels, S series, H steps."""
        none = np.zeros((series, horizon))
        each = np.zeros((levels, series, horizon))
        return cls(count=none, off=none, over=none, naive=none, bounded=each, held=each)

    def __add__(self, other: ErrorSums) -> ErrorSums:
        return ErrorSums(*(mine + its for mine, its in zip(self._sums, other._sums, strict=True)))

    def among(self, rows: Ints, series: int, horizon: int) -> ErrorSums:
        """The same as a tally of more series, of which these are the rows [S], and of more steps."""

        def placed(sums: Floats) -> Floats:
            room = np.zeros((*sums.shape[:-2], series, horizon))
            room[..., rows, : sums.shape[-1]] = sums
            return room

        return ErrorSums(*map(placed, self._sums))

    @property
    def _sums(self) -> tuple[Floats, ...]:
        return self.count, self.off, self.over, self.naive, self.bounded, self.held


@dataclass(frozen=True)
class LiveScores:
    """What came of forecasts; NaN where nothing did.

    Attributes:
        outcomes: how many values, of all series and steps, were held against what came.
        mae: mean |y − f|, in the target's unit.
        bias: mean f − y: above 0 the forecasts are too high.
        mase: against the recorded seasonal naive forecasts.
        levels: [Q] in percent.
        coverage: [Q] the share inside each level's interval.
        mae_by_step: [H].
        coverage_by_step: [Q, H].
    """

    outcomes: int
    mae: float
    bias: float
    mase: float
    levels: tuple[float, ...]
    coverage: Floats
    mae_by_step: Floats
    coverage_by_step: Floats

    @classmethod
    def of(cls, tally: ErrorSums, levels: tuple[float, ...]) -> Self:
        """The scores of all that was tallied."""
        total, by_step = tally.count.sum(), tally.count.sum(axis=0)
        return cls(
            outcomes=int(total),
            mae=float(_ratio(tally.off.sum(), total)),
            bias=float(_ratio(tally.over.sum(), total)),
            mase=_mase(tally),
            levels=levels,
            coverage=_ratio(tally.held.sum(axis=(1, 2)), tally.bounded.sum(axis=(1, 2))),
            mae_by_step=_ratio(tally.off.sum(axis=0), by_step),
            coverage_by_step=_ratio(tally.held.sum(axis=1), tally.bounded.sum(axis=1)),
        )

    def named(self) -> dict[str, float]:
        """What a condition may speak of: `mae`, `bias`, `mase`, `outcomes`, `coverage_80` …."""
        shares = {f"coverage_{level:g}": float(share) for level, share in zip(self.levels, self.coverage, strict=True)}
        return {"mae": self.mae, "bias": self.bias, "mase": self.mase, "outcomes": float(self.outcomes), **shares}

    def to_dict(self) -> dict[str, Any]:
        """Plain values that JSON can carry; what is undefined is null."""
        by_level = zip(self.levels, self.coverage_by_step, strict=True)
        return {
            **{name: _plain(value) for name, value in self.named().items()},
            "outcomes": self.outcomes,
            "mae_by_step": [_plain(value) for value in self.mae_by_step],
            "coverage_by_step": {f"{level:g}": [_plain(share) for share in steps] for level, steps in by_level},
        }


def _mase(tally: ErrorSums) -> float:
    """The mean over the series whose seasonal naive forecasts were ever wrong; NaN where there is none."""
    off, naive = tally.off.sum(axis=1), tally.naive.sum(axis=1)
    judged = naive > 0
    return float((off[judged] / naive[judged]).mean()) if judged.any() else float("nan")


def _ratio(part: Floats, whole: Floats) -> Floats:
    """Part / whole; NaN where the whole is 0."""
    return np.asarray(np.where(whole > 0, part / np.where(whole > 0, whole, 1.0), np.nan), dtype=np.float64)


def _plain(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
