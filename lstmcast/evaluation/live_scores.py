"""Scores of recorded forecasts, and a sequential test for drift of their errors.

MASE (Hyndman & Koehler 2006) is relative to the recorded seasonal naive forecasts: Σ|y − f| / Σ|y − naive| for each
series over the same origins and steps, then the mean over the series.

Errors of overlapping forecasts are dependent. The test therefore compares blocks: the first r steps of forecasts whose
origins are at least r steps apart, each reduced to its mean error in units of the interval width. Without drift, blocks
are approximately exchangeable.

A hit is a live block that exceeds the r-th largest of n calibration blocks. Under exchangeability its probability is
(r + hits so far) / (n + 1 + blocks so far), for any error distribution (Pólya's urn). A bet on the hit rate observed
since its start is a test martingale (Shafer 2021). One bet starts at each block j with 1 / (j·(j + 1)) of the capital,
so that a change is detected whenever it happens. The total wealth starts at 1 and ever reaches 1/ε without drift with
probability at most ε (Ville's inequality): ε bounds the false-alarm rate over the lifetime of a model.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from lstmcast.types import Bools, Floats, Ints


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


@dataclass(frozen=True)
class LiveSymbolScores:
    """Scores of recorded forecasts of symbols; NaN without actual values.

    Attributes:
        n_actuals: number of scored symbols over all series and steps.
        accuracy: fraction of steps whose symbol was forecast.
        naive_accuracy: the same of the recorded seasonal naive forecasts.
        accuracy_by_step: [H].
    """

    n_actuals: int
    accuracy: float
    naive_accuracy: float
    accuracy_by_step: Floats

    @classmethod
    def of(cls, count: Floats, hits: Floats, naive_hits: Floats) -> Self:
        """Compute the scores from [H] numbers of actual symbols, and of those that were forecast."""
        return cls(
            n_actuals=int(count.sum()),
            accuracy=float(_ratio(hits.sum(), count.sum())),
            naive_accuracy=float(_ratio(naive_hits.sum(), count.sum())),
            accuracy_by_step=_ratio(hits, count),
        )

    def named(self) -> dict[str, float]:
        """Scores by the names that conditions use: `accuracy`, `naive_accuracy`, `outcomes`."""
        scores = {"accuracy": self.accuracy, "naive_accuracy": self.naive_accuracy}
        return {**scores, "outcomes": float(self.n_actuals)}

    def to_dict(self) -> dict[str, Any]:
        """JSON values; undefined ones are null."""
        return {
            **{name: _float_or_none(value) for name, value in self.named().items()},
            "outcomes": self.n_actuals,
            "accuracy_by_step": [_float_or_none(value) for value in self.accuracy_by_step],
        }


AnyLiveScores = LiveScores | LiveSymbolScores


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


FALSE_ALARM_RATE = 0.01  # ε, over the lifetime of a model
TAIL_FRACTIONS = (0.0, 0.1, 0.25, 0.5)  # of the calibration blocks above each threshold


@dataclass(frozen=True)
class Drift:
    """Result of the test.

    Attributes:
        found: whether the errors increased.
        since: index of the first live block of the evidence; None if nothing was found.
        statistic: maximum wealth; at least 1 / false_alarm_rate if found.
        false_alarm_rate: ε.
        blocks: number of live blocks.
        ratio: mean live error, from `since` on, relative to that of calibration; NaN without blocks.
    """

    found: bool
    since: int | None
    statistic: float
    false_alarm_rate: float
    blocks: int
    ratio: float

    def to_dict(self) -> dict[str, Any]:
        """JSON values; undefined ones are null."""
        return {**vars(self), "ratio": self.ratio if math.isfinite(self.ratio) else None}


def block_steps(horizon: int) -> int:
    """Block length r: half of H, rounded up."""
    return math.ceil(horizon / 2)


def blocks(positions: Ints, errors: Floats, steps: int) -> tuple[Ints, Floats]:
    """Reduce forecasts to blocks.

    Args:
        positions: [B] origins on the calendar; series with the same origin form one block.
        errors: [B, H] normalized errors; NaN where unknown.
        steps: r.

    Returns:
        Origins [K], at least r apart, and mean errors [K] of the blocks whose r steps are known.
    """
    first_steps = errors[:, :steps]
    complete = ~np.isnan(first_steps).any(axis=1)
    origins, group = np.unique(positions[complete], return_inverse=True)
    means = np.bincount(group, first_steps[complete].mean(axis=1)) / np.maximum(np.bincount(group), 1)
    selected: list[int] = []
    for k, origin in enumerate(origins.tolist()):
        if not selected or origin - origins[selected[-1]] >= steps:
            selected.append(k)
    return origins[selected], means[selected]


def drift(calibration: Floats, live: Floats, *, false_alarm_rate: float = FALSE_ALARM_RATE) -> Drift:
    """Test for increased errors of live blocks [K], in order, against calibration blocks [N]."""
    bets = [_test_martingale(hits, rank, len(calibration)) for rank, hits in _hits(calibration, live)]
    unused = 1 - np.cumsum(_capital(len(live)))  # [K] of the bets that start later
    wealth = np.mean([bet.sum(axis=0) for bet in bets], axis=0) + unused if bets else np.ones(0)
    largest = float(wealth.max(initial=1.0))
    found = largest >= 1 / false_alarm_rate
    end = int(wealth.argmax()) if found else 0
    since = int(max(bets, key=lambda bet: bet[:, end].max())[:, end].argmax()) if found else None
    ratio = float(live[since or 0 :].mean() / calibration.mean()) if len(live) and calibration.mean() > 0 else math.nan
    return Drift(found, since, largest, false_alarm_rate, len(live), ratio)


def _hits(calibration: Floats, live: Floats) -> list[tuple[int, Bools]]:
    """Ranks of the thresholds (1 is the largest calibration block), and the hits [K] of each."""
    ranks = sorted({1 + int(fraction * len(calibration)) for fraction in TAIL_FRACTIONS}) if len(calibration) else []
    return [(rank, live > np.sort(calibration)[-rank]) for rank in ranks]


def _test_martingale(hits: Bools, rank: int, n: int) -> Floats:
    """[K, K] wealth of the bet that starts at each block (row) after each block (column); 0 before its start."""
    count = len(hits)
    current, wealth = _capital(count), np.zeros((count, count))
    hits_since_start = np.zeros(count)
    for k, hit in enumerate(hits.tolist()):
        null = (rank + hits[:k].sum()) / (n + 1 + k)
        starts = np.arange(k + 1)
        estimate = np.maximum((0.5 + hits_since_start[: k + 1]) / (1 + k - starts), null)
        current[: k + 1] *= estimate / null if hit else (1 - estimate) / (1 - null)
        hits_since_start[: k + 1] += hit
        wealth[: k + 1, k] = current[: k + 1]
    return wealth


def _capital(count: int) -> Floats:
    """[K] initial capital of the bet that starts at each block."""
    starts = np.arange(1, count + 1)
    return np.asarray(1 / (starts * (starts + 1)), dtype=np.float64)
