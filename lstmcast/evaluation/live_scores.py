"""How good forecasts were that came true since, as sums that add up run by run.

MASE is that of Hyndman & Koehler (2006) with the seasonal naive forecast that was recorded beside each forecast as its
measure: for each series Σ|y − f| / Σ|y − naive| over the same origins and steps, then the mean over the series. Above
1, repeating the last season would have been better.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from lstmcast.types import Floats, Ints


@dataclass(frozen=True)
class ErrorSums:
    """Sums over outcomes of S series, H steps ahead; tallies of the same series add up.

    Attributes:
        count: [S, H] how many outcomes are known.
        abs_errors: [S, H] the sum of |y − f|.
        signed_errors: [S, H] the sum of f − y.
        naive_errors: [S, H] the sum of |y − naive|.
        bounded: [Q, S, H] how many had an interval of each level.
        covered: [Q, S, H] how many lay inside it.
    """

    count: Floats
    abs_errors: Floats
    signed_errors: Floats
    naive_errors: Floats
    bounded: Floats
    covered: Floats

    @classmethod
    def of(cls, actual: Floats, forecast: Floats, naive: Floats, lower: Floats, upper: Floats) -> Self:
        """The tally of one forecast.

        Args:
            actual: [S, H] what came; NaN where it is not known.
            forecast: [S, H] the forecast.
            naive: [S, H] the seasonal naive one.
            lower: [Q, S, H] the bounds, NaN where a level had none.
            upper: [Q, S, H] likewise.
        """
        known = ~np.isnan(actual)
        y = np.where(known, actual, 0.0)
        bounded = known & ~np.isnan(lower)
        return cls(
            count=known.astype(np.float64),
            abs_errors=np.where(known, np.abs(y - forecast), 0.0),
            signed_errors=np.where(known, forecast - y, 0.0),
            naive_errors=np.where(known, np.abs(y - naive), 0.0),
            bounded=bounded.astype(np.float64),
            covered=(bounded & (lower <= y) & (y <= upper)).astype(np.float64),
        )

    @classmethod
    def zeros(cls, levels: int, series: int, horizon: int) -> Self:
        """Of no outcome: Q levels, S series, H steps."""
        none = np.zeros((series, horizon))
        each = np.zeros((levels, series, horizon))
        return cls(count=none, abs_errors=none, signed_errors=none, naive_errors=none, bounded=each, covered=each)

    def __add__(self, other: ErrorSums) -> ErrorSums:
        return ErrorSums(*(left + right for left, right in zip(self._sums, other._sums, strict=True)))

    def align(self, rows: Ints, series: int, horizon: int) -> ErrorSums:
        """The same as a tally of more series, of which these are the rows [S], and of more steps."""

        def placed(sums: Floats) -> Floats:
            room = np.zeros((*sums.shape[:-2], series, horizon))
            room[..., rows, : sums.shape[-1]] = sums
            return room

        return ErrorSums(*map(placed, self._sums))

    @property
    def _sums(self) -> tuple[Floats, ...]:
        return self.count, self.abs_errors, self.signed_errors, self.naive_errors, self.bounded, self.covered


@dataclass(frozen=True)
class LiveScores:
    """What came of forecasts; NaN where nothing did.

    Attributes:
        n_actuals: how many values, of all series and steps, were held against what came.
        mae: mean |y − f|, in the target's unit.
        bias: mean f − y: above 0 the forecasts are too high.
        mase: against the recorded seasonal naive forecasts.
        levels: [Q] in percent.
        coverage: [Q] the share inside each level's interval.
        mae_by_step: [H].
        coverage_by_step: [Q, H].
    """

    n_actuals: int
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
            n_actuals=int(total),
            mae=float(_ratio(tally.abs_errors.sum(), total)),
            bias=float(_ratio(tally.signed_errors.sum(), total)),
            mase=_mase(tally),
            levels=levels,
            coverage=_ratio(tally.covered.sum(axis=(1, 2)), tally.bounded.sum(axis=(1, 2))),
            mae_by_step=_ratio(tally.abs_errors.sum(axis=0), by_step),
            coverage_by_step=_ratio(tally.covered.sum(axis=1), tally.bounded.sum(axis=1)),
        )

    def named(self) -> dict[str, float]:
        """What a condition may speak of: `mae`, `bias`, `mase`, `n_actuals`, `coverage_80` …."""
        coverage = {
            f"coverage_{level:g}": float(fraction) for level, fraction in zip(self.levels, self.coverage, strict=True)
        }
        return {"mae": self.mae, "bias": self.bias, "mase": self.mase, "outcomes": float(self.n_actuals), **coverage}

    def to_dict(self) -> dict[str, Any]:
        """Plain values that JSON can carry; what is undefined is null."""
        by_level = zip(self.levels, self.coverage_by_step, strict=True)
        return {
            **{name: _float_or_none(value) for name, value in self.named().items()},
            "outcomes": self.n_actuals,
            "mae_by_step": [_float_or_none(value) for value in self.mae_by_step],
            "coverage_by_step": {
                f"{level:g}": [_float_or_none(fraction) for fraction in steps] for level, steps in by_level
            },
        }


def _mase(tally: ErrorSums) -> float:
    """The mean over the series whose seasonal naive forecasts were ever wrong; NaN where there is none."""
    abs_errors, naive = tally.abs_errors.sum(axis=1), tally.naive_errors.sum(axis=1)
    is_scored = naive > 0
    return float((abs_errors[is_scored] / naive[is_scored]).mean()) if is_scored.any() else float("nan")


def _ratio(part: Floats, total: Floats) -> Floats:
    """Part / whole; NaN where the whole is 0."""
    return np.asarray(np.where(total > 0, part / np.where(total > 0, total, 1.0), np.nan), dtype=np.float64)


def _float_or_none(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
