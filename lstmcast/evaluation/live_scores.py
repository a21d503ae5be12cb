"""Scores of recorded forecasts against actual values, from sums that accumulate over runs.

MASE (Hyndman & Koehler 2006) is relative to the recorded seasonal naive forecasts: Σ|y − f| / Σ|y − naive| for each
series over the same origins and steps, then the mean over the series.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from lstmcast.types import Floats, Ints


@dataclass(frozen=True)
class ErrorSums:
    """Additive error sums of S series, H steps ahead.

    Attributes:
        count: [S, H] number of actual values.
        abs_errors, signed_errors, naive_errors: [S, H] sums of |y − f|, f − y and |y − naive|.
        bounded: [Q, S, H] number of actual values with an interval.
        covered: [Q, S, H] number inside it.
    """

    count: Floats
    abs_errors: Floats
    signed_errors: Floats
    naive_errors: Floats
    bounded: Floats
    covered: Floats

    @classmethod
    def of(cls, actual: Floats, forecast: Floats, naive: Floats, lower: Floats, upper: Floats) -> Self:
        """Sums of one forecast.

        Args:
            actual: [S, H]; NaN where unknown.
            forecast, naive: [S, H].
            lower, upper: [Q, S, H] bounds; NaN where a level has none.
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
        """Zero sums for Q levels, S series, H steps."""
        none, intervals = np.zeros((series, horizon)), np.zeros((levels, series, horizon))
        return cls(none, none, none, none, bounded=intervals, covered=intervals)

    def __add__(self, other: ErrorSums) -> ErrorSums:
        return ErrorSums(*(left + right for left, right in zip(self._sums, other._sums, strict=True)))

    def align(self, rows: Ints, series: int, horizon: int) -> ErrorSums:
        """Expand to more series, in which these have indices `rows` [S], and to more steps."""

        def expand(sums: Floats) -> Floats:
            expanded = np.zeros((*sums.shape[:-2], series, horizon))
            expanded[..., rows, : sums.shape[-1]] = sums
            return expanded

        return ErrorSums(*map(expand, self._sums))

    @property
    def _sums(self) -> tuple[Floats, ...]:
        return self.count, self.abs_errors, self.signed_errors, self.naive_errors, self.bounded, self.covered


@dataclass(frozen=True)
class LiveScores:
    """Scores of recorded forecasts; NaN without actual values.

    Attributes:
        n_actuals: number of scored values over all series and steps.
        mae: mean |y − f|, in the target's unit.
        bias: mean f − y; positive if the forecasts are too high.
        mase: relative to the recorded seasonal naive forecasts.
        levels: [Q] in percent.
        coverage: [Q] fraction of values inside the intervals.
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
    def of(cls, sums: ErrorSums, levels: tuple[float, ...]) -> Self:
        """Compute the scores from error sums."""
        total, by_step = sums.count.sum(), sums.count.sum(axis=0)
        return cls(
            n_actuals=int(total),
            mae=float(_ratio(sums.abs_errors.sum(), total)),
            bias=float(_ratio(sums.signed_errors.sum(), total)),
            mase=_mase(sums),
            levels=levels,
            coverage=_ratio(sums.covered.sum(axis=(1, 2)), sums.bounded.sum(axis=(1, 2))),
            mae_by_step=_ratio(sums.abs_errors.sum(axis=0), by_step),
            coverage_by_step=_ratio(sums.covered.sum(axis=1), sums.bounded.sum(axis=1)),
        )

    def named(self) -> dict[str, float]:
        """Scores by the names that conditions use: `mae`, `bias`, `mase`, `outcomes`, `coverage_80` …."""
        coverage = {f"coverage_{level:g}": float(part) for level, part in zip(self.levels, self.coverage, strict=True)}
        return {"mae": self.mae, "bias": self.bias, "mase": self.mase, "outcomes": float(self.n_actuals), **coverage}

    def to_dict(self) -> dict[str, Any]:
        """JSON values; undefined ones are null."""
        by_level = zip(self.levels, self.coverage_by_step, strict=True)
        return {
            **{name: _float_or_none(value) for name, value in self.named().items()},
            "outcomes": self.n_actuals,
            "mae_by_step": [_float_or_none(value) for value in self.mae_by_step],
            "coverage_by_step": {
                f"{level:g}": [_float_or_none(fraction) for fraction in steps] for level, steps in by_level
            },
        }


def _mase(sums: ErrorSums) -> float:
    """Mean over the series with a naive error; NaN without such series."""
    abs_errors, naive = sums.abs_errors.sum(axis=1), sums.naive_errors.sum(axis=1)
    is_scored = naive > 0
    return float((abs_errors[is_scored] / naive[is_scored]).mean()) if is_scored.any() else float("nan")


def _ratio(part: Floats, total: Floats) -> Floats:
    """Part / total; NaN where the total is 0."""
    return np.asarray(np.where(total > 0, part / np.where(total > 0, total, 1.0), np.nan), dtype=np.float64)


def _float_or_none(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
