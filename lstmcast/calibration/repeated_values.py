"""Intervals of rare demand and small counts by the past values themselves.

Where few values occur again and again, zeros above all, forecast errors have no smooth distribution. Here the next
values are distributed as a weighted sample of the past ones. The weights are a mixture: each part halves them with the
age of a value by one of HALF_LIVES, for all phases of the season together or for each phase. The parts are mixed by a
power of their inverse ranked probability scores one step ahead.

The interval of such values seldom has exactly the coverage of its level. The lower bound is a quantile: 0 if zeros are
more likely than half the rest. The largest value inside makes the coverage nearest to the level. The upper bound lies
between it and the next value that occurs, as near to the quantile as possible: the coverage is the same, and the
interval of rare demand has a width.

The bounds of a series follow these intervals as far as its values repeat, and not at all where a value persists: there,
errors grow with the lead.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from lstmcast.types import Bools, Floats, Ints

HALF_LIVES = (10.0, 40.0, np.inf)  # steps
STEPS, SEASONS = 256, 4  # past values of a sample: steps, or seasons if more
MIN_SEASONS = 3  # of the past, for weights by phase
SHRINKAGE = 2.0  # values of all phases that are added to those of one
ORIGINS, FIRST_ORIGIN = 128, 8  # past steps that are scored, and values before the first
EXPONENT, HALF_ORIGINS = 60.0, 20  # of the inverse scores with many origins; origins at which it is half of that
THRESHOLDS = 16  # of the ranked probability score
EQUAL = (0.05, 0.1)  # probability that two values are equal: as Poisson counts with a mean of 32, and of 8
PERSISTENT = (1.0, 0.75)  # score of the best part relative to that of a previous value; 0.5 if values are independent
FEW_MOVES = 1.0  # over the range of the values, that count as independent
ROUNDING = 1e-9
CHUNK_SIZE = 1 << 20  # numbers per array: 8 MB


@dataclass(frozen=True)
class PastValues:
    """The last values of B series.

    Attributes:
        values: [B, N], the newest last.
        known: [B, N].
        season: m; 1 for none.
    """

    values: Floats
    known: Bools
    season: int = 1

    def repetition(self) -> Floats:
        """[B] weight of the sample of past values, from 0 to 1; 0 for series with negative values."""
        found = np.zeros(len(self.values))
        for row in np.flatnonzero(((self.values >= 0) | ~self.known).all(axis=1)):
            found[row] = _repetition(self.values[row, self.known[row]])
        return found

    def groups(self, rows: Ints, horizon: int) -> Iterator[tuple[Ints, Floats, Ints]]:
        """Yield series whose values are known at the same steps: rows [b], values [b, n] and their ages [n].

        They are few enough for arrays with a number for each value and phase of the next H steps.
        """
        size = max(1, CHUNK_SIZE // (self.known.shape[1] * max(min(self.season, horizon), THRESHOLDS)))
        masks, which = np.unique(self.known[rows], axis=0, return_inverse=True)
        for g, mask in enumerate(masks):
            alike, steps = rows[which.ravel() == g], np.flatnonzero(mask)
            for part in (alike[k : k + size] for k in range(0, len(alike), size)):
                yield part, self.values[np.ix_(part, steps)], len(mask) - steps


@dataclass(frozen=True)
class WeightedSample:
    """Past values as a distribution of the next ones, for b series.

    Attributes:
        values: [b, n].
        weights: [b, P, n] for each phase of the next steps; their sum is 1. P = 1: all phases are alike.
        persistence: [b] 0 where the past values show no persistence, up to 1.
    """

    values: Floats
    weights: Floats
    persistence: Floats

    @classmethod
    def of(cls, values: Floats, ages: Ints, season: int, horizon: int) -> WeightedSample:
        """Weight past values.

        Args:
            values: [b, n].
            ages: [n] steps from a value to the next step, at least 1; descending.
            season: m; 1 for none.
            horizon: H.
        """
        seasons = (1, season) if season > 1 and ages.max() >= MIN_SEASONS * season else (1,)
        parts = [(half_life, m) for half_life in HALF_LIVES for m in seasons]
        ahead = -np.arange(min(max(seasons), horizon))
        by_part = np.stack([_decay(ages, ahead, *part) for part in parts])
        origins = np.arange(len(ages))[FIRST_ORIGIN:][-ORIGINS:]
        if not origins.size:
            return cls(values, np.repeat(by_part.mean(axis=0)[None], len(values), axis=0), np.zeros(len(values)))
        score = _Score.of(values)
        scores = np.stack([score(_decay(ages, ages[origins], *part) @ score.below, origins) for part in parts])
        naive = np.minimum.reduce([_naive_score(score, ages, origins, m) for m in seasons])
        best = np.maximum(scores.min(axis=0), ROUNDING)
        few = FEW_MOVES / len(origins)
        ratio = np.where(naive > 0, (best + few) / (naive + 2 * few), np.inf)
        persistence = 1 - np.clip((PERSISTENT[0] - ratio) / (PERSISTENT[0] - PERSISTENT[1]), 0, 1)
        mixture = (best / np.maximum(scores, best)) ** (EXPONENT * len(origins) / (len(origins) + HALF_ORIGINS))
        return cls(values, np.einsum("kb,kpn->bpn", mixture / mixture.sum(axis=0), by_part), persistence)

    def with_outer_values(self, lowest: Floats, highest: Floats) -> WeightedSample:
        """Add two values [b] that count together as one of the n that the weights amount to."""
        new = np.square(self.weights).sum(axis=2, keepdims=True)
        new = new / (1 + new)
        outer = np.stack([lowest, highest], axis=1)
        nearest = np.abs(self.values[:, None] - outer[..., None]).argmin(axis=2)
        occurring = np.take_along_axis(self.values, nearest, axis=1)
        outer = np.where(outer > self.values.max(axis=1, keepdims=True), outer, occurring)
        weights = np.concatenate([(1 - new) * self.weights, new / 2, new / 2], axis=2)
        return WeightedSample(np.append(self.values, outer, axis=1), weights, self.persistence)

    def bounds(self, forecast: Floats, levels: Sequence[float]) -> tuple[Floats, Floats]:
        """Lower and upper bounds, [Q, b, H] each: nested, and around the forecast [b, H]; levels in percent."""
        phase = np.arange(forecast.shape[1]) % self.weights.shape[1]
        order = np.argsort(self.values, axis=1, kind="stable")
        values = np.take_along_axis(self.values, order, axis=1)[:, None]  # [b, 1, n]
        weights = np.take_along_axis(self.weights, order[:, None], axis=2)
        each = [_bounds(values, weights, level / 100) for level in levels]
        lower, upper = (np.stack(side)[..., phase] for side in zip(*each, strict=True))
        lower, upper = np.minimum.accumulate(lower, axis=0), np.maximum.accumulate(upper, axis=0)
        lower = np.maximum(lower - np.maximum(lower[0] - forecast, 0), 0.0)
        return lower, upper + np.maximum(forecast - upper[0], 0)


def history_steps(season: int) -> int:
    """N, past values of a sample."""
    return max(STEPS, SEASONS * season)


def blend_repeated(
    past: PastValues, forecast: Floats, lower: Floats, upper: Floats, levels: Sequence[float]
) -> tuple[Floats, Floats]:
    """Move the bounds of series whose values repeat to those of the past values.

    Args:
        past: of B series.
        forecast: [B, H] in the unit of the values.
        lower, upper: [Q, B, H] bounds.
        levels: [Q] in percent, ascending.
    """
    repetition = past.repetition()
    rows = np.flatnonzero(repetition)
    if not rows.size or not len(levels):
        return lower, upper
    lower, upper = lower.copy(), upper.copy()
    for part, values, ages in past.groups(rows, forecast.shape[1]):
        sample = WeightedSample.of(values, ages, past.season, forecast.shape[1])
        sample = sample.with_outer_values(lower[-1, part, 0], upper[-1, part, 0])
        weight = (repetition[part] * (1 - sample.persistence))[:, None]
        for bound, own in zip((lower, upper), sample.bounds(forecast[part], levels), strict=True):
            bound[:, part] = (1 - weight) * bound[:, part] + weight * own
    return lower, upper


def _bounds(values: Floats, weights: Floats, level: float) -> tuple[Floats, Floats]:
    """Bounds [b, P] of one level, a fraction, from ascending values [b, 1, n] and their weights [b, P, n]."""
    up_to = np.cumsum(weights, axis=2)
    before, tail = up_to - weights, (1 - level) / 2
    new = np.diff(values, axis=2) != 0
    true = np.ones((len(values), 1, 1), np.bool_)
    first, last = np.concatenate([true, new], axis=2), np.concatenate([new, true], axis=2)
    at = np.arange(values.shape[2])
    start = np.where(first & (before <= tail + ROUNDING), at, 0).max(axis=2, keepdims=True)
    inside = up_to - np.take_along_axis(before, start, axis=2)
    possible = last & (at >= start)
    end = np.where(possible, np.abs(inside - level), np.inf).argmin(axis=2)[..., None]
    middle = (up_to < 1 - tail - ROUNDING).sum(axis=2, keepdims=True)
    lower, largest, quantile, following = (
        np.take_along_axis(values, np.minimum(k, at[-1]), axis=2)[..., 0] for k in (start, end, middle, end + 1)
    )
    excess = (weights * np.maximum(values - largest[..., None], 0)).sum(axis=2)
    highest = largest + level * (following - largest)
    return lower, np.minimum(np.maximum(quantile, largest + (1 + level) * excess), highest)


@dataclass(frozen=True)
class _Score:
    """Ranked probability score.

    Attributes:
        below: [b, n, V] 1 where a value is at most a threshold, else 0.
        gaps: [b, 1, V] from each threshold to the next, relative to the range of the values.
    """

    below: Floats
    gaps: Floats

    @classmethod
    def of(cls, values: Floats) -> _Score:
        """Compare distributions at all values [b, n] that differ, or at some of them."""
        thresholds = np.empty((len(values), THRESHOLDS))
        for row, each in zip(thresholds, values, strict=True):
            different = np.unique(each)
            row[:] = different[np.linspace(0, len(different) - 1, THRESHOLDS).round().astype(np.int64)]
        spread = np.ptp(values, axis=1)[:, None]
        gaps = np.diff(thresholds, append=thresholds[:, -1:]) / np.where(spread > 0, spread, 1.0)
        return cls((values[:, :, None] <= thresholds[:, None]).astype(float), gaps[:, None])

    def __call__(self, distributions: Floats, steps: Ints) -> Floats:
        """[b] mean over R steps of the score of distributions [b, R, V]."""
        errors = distributions - self.below[:, steps]
        return np.asarray((np.square(errors) * self.gaps).sum(axis=2).mean(axis=1))


def _naive_score(score: _Score, ages: Ints, origins: Ints, lag: int) -> Floats:
    """[b] score of the value some steps before, at the origins where that is known."""
    at = np.searchsorted(-ages, -(ages[origins] + lag))
    known = ages[at] == ages[origins] + lag
    if not known.any():
        return np.full(len(score.below), np.inf)
    return score(score.below[:, at[known]], origins[known])


def _decay(ages: Ints, targets: Ints, half_life: float, season: int) -> Floats:
    """[R, n] weights of the values before each of R target steps, given by their ages; the sum of a row is 1."""
    distance = ages - targets[:, None]
    recent = np.where(distance > 0, 0.5 ** (np.maximum(distance, 0) / half_life), 0.0)
    weights = recent / recent.sum(axis=1, keepdims=True)
    if season == 1:
        return np.asarray(weights)
    same = np.where(distance % season == 0, recent, 0.0)
    return np.asarray((same + SHRINKAGE * weights) / (same.sum(axis=1, keepdims=True) + SHRINKAGE))


def _repetition(values: Floats) -> float:
    """Weight of the sample of a series, from 0 to 1, by the probability that two of its values are equal."""
    n, (_, counts) = len(values), np.unique(values, return_counts=True)
    equal = (counts * (counts - 1)).sum() / max(n * (n - 1), 1)
    return float(np.clip((equal - EQUAL[0]) / (EQUAL[1] - EQUAL[0]), 0, 1))
