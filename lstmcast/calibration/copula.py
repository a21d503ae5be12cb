"""From the intervals of single steps to the probability that a path does something.

Intervals say how each step is distributed, but not how the steps go together: whether a series that is high at one is
high at the next. That comes from held-out forecasts. Each outcome becomes a normal score by the distribution that was
forecast for its step; the correlations of the scores over the steps make a Gaussian copula; and paths are drawn from it
with a fixed seed, so that the same forecast gives the same probability.

The distribution of a step runs through the forecast, its median, and its bounds: in normal scores it is straight from
each to the next, and goes on beyond the outermost with the last slope. Below the forecast it is straight in
logarithms where the bounds are positive, as in `widened` of `adaptive.py`: paths of what is positive are positive.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Self

import numpy as np

from lstmcast.types import Bools, Floats

DRAWS = 10_000  # a probability is then known to ± .01 (two standard errors, at most)
SEED = 20_261_120
MAX_SCORE = 6.0  # normal scores lie between ± 6
MIN_VECTORS = 3  # held-out forecasts that say how steps go together


@dataclass(frozen=True)
class MarginalDistributions:
    """The distributions of steps in any arrangement […], each by itself.

    Attributes:
        middle: […] the medians.
        scores: [Q] normal scores of the upper bounds, ascending.
        above: [Q, …] how far the upper bounds lie above the median.
        below: [Q, …] how far the lower bounds lie below it; in logarithms where `logs`.
        logs: […].
    """

    middle: Floats
    scores: Floats
    above: Floats
    below: Floats
    logs: Bools

    @classmethod
    def of(cls, values: Floats, lower: Floats, upper: Floats, levels: Sequence[float]) -> Self:
        """The distributions that intervals describe.

        Args:
            values: […] the forecasts.
            lower: [Q, …] the bounds of each level's interval.
            upper: [Q, …] likewise.
            levels: [Q] in percent, ascending. Without any, every value is certain.
        """
        logs = (lower > 0).all(axis=0) & (values > 0)
        with np.errstate(divide="ignore", invalid="ignore"):
            below = np.where(logs, np.log(values / lower), values - lower)
        scores = np.array([NormalDist().inv_cdf(0.5 + level / 200) for level in levels])
        return cls(values, scores, upper - values, below, logs)

    def at(self, z: Floats) -> Floats:
        """The values at normal scores z, which broadcast against […]."""
        up = _through(self.scores, self.above, np.maximum(z, 0.0))
        down = _through(self.scores, self.below, np.maximum(-z, 0.0))
        with np.errstate(over="ignore"):
            return np.where(
                z >= 0, self.middle + up, np.where(self.logs, self.middle * np.exp(-down), self.middle - down)
            )

    def score(self, actual: Floats) -> Floats:
        """The normal scores of what came, […]: the inverse of `at`. NaN where that is not known."""
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            fall = np.where(self.logs, np.log(self.middle / np.maximum(actual, 0.0)), self.middle - actual)
        up = _back(self.scores, self.above, np.maximum(actual - self.middle, 0.0))
        down = _back(self.scores, self.below, np.maximum(fall, 0.0))
        return np.where(np.isnan(actual), np.nan, np.where(actual >= self.middle, up, -down))


def quantile(marginals: MarginalDistributions, probability: float) -> Floats:
    """[…] the value below which a step lies with this probability."""
    return marginals.at(np.asarray(NormalDist().inv_cdf(probability)))


def estimate_correlation(scores: Floats) -> Floats:
    """How steps go together: the correlations of held-out normal scores, drawn towards a smooth pattern where few.

    The pattern is ρ to the power of how far apart two steps are, with ρ the mean correlation of neighbours; B forecasts
    of H steps count B / (B + H). Of fewer than 3 forecasts nothing is learnt: steps then go together as those of a
    random walk do.

    Args:
        scores: [B, H]; NaN where not known.

    Returns:
        [H, H] a correlation matrix.
    """
    horizon = scores.shape[1]
    complete = scores[~np.isnan(scores).any(axis=1)]
    ahead = np.arange(1, horizon + 1)
    if len(complete) < MIN_VECTORS:
        return np.sqrt(np.minimum(ahead[:, None], ahead) / np.maximum(ahead[:, None], ahead))
    centred = np.clip(complete, -MAX_SCORE, MAX_SCORE) - np.clip(complete, -MAX_SCORE, MAX_SCORE).mean(axis=0)
    spread = np.sqrt((centred**2).mean(axis=0))
    standardized = centred / np.where(spread > 0, spread, 1.0)
    found = standardized.T @ standardized / len(standardized)
    np.fill_diagonal(found, 1.0)
    neighbours = float(np.clip(np.diagonal(found, 1).mean(), 0.0, 0.99)) if horizon > 1 else 0.0
    smooth = neighbours ** np.abs(ahead[:, None] - ahead)
    weight = len(complete) / (len(complete) + horizon)
    return np.asarray(weight * found + (1 - weight) * smooth, dtype=np.float64)


def longer(correlations: Floats, horizon: int) -> Floats:
    """[H, H] to [horizon, horizon]: later steps go together as the last ones so far apart do; others not at all."""
    known = len(correlations)
    if horizon <= known:
        return correlations[:horizon, :horizon]
    ahead = np.arange(horizon)
    lags = np.abs(ahead[:, None] - ahead)
    last: Floats = np.append(correlations[-1, ::-1], 0.0)[np.minimum(lags, known)]
    last[:known, :known] = correlations
    return last


def sample_normal_scores(correlations: Floats, count: int = DRAWS) -> Floats:
    """[count, H] normal scores with these correlations, always the same."""
    values, vectors = np.linalg.eigh(correlations)
    root = vectors * np.sqrt(np.maximum(values, 0.0))  # what is no correlation matrix becomes the nearest that is
    root /= np.sqrt((root**2).sum(axis=1, keepdims=True))
    return np.asarray(np.random.default_rng(SEED).standard_normal((count, len(correlations))) @ root.T)


def _through(scores: Floats, knots: Floats, z: Floats) -> Floats:
    """How far from the median at z ≥ 0: straight from knot to knot, and on with the last slope."""
    total = np.zeros(np.broadcast_shapes(z.shape, knots.shape[1:]))
    for begin, end, low, high in _segments(scores, knots):
        part = np.maximum(z - begin, 0.0) if end == scores[-1] else np.clip(z - begin, 0.0, end - begin)
        total += part * (high - low) / (end - begin)
    return total


def _back(scores: Floats, knots: Floats, distance: Floats) -> Floats:
    """The z ≥ 0 at which so far from the median: the inverse of `_through`."""
    total = np.zeros_like(distance)
    for begin, end, low, high in _segments(scores, knots):
        rise = high - low
        part = np.maximum(distance - low, 0.0) if end == scores[-1] else np.clip(distance - low, 0.0, rise)
        with np.errstate(divide="ignore", invalid="ignore"):
            total += np.where(part > 0, np.minimum(part / rise * (end - begin), MAX_SCORE), 0.0)
    return np.minimum(total, MAX_SCORE)


def _segments(scores: Floats, knots: Floats) -> list[tuple[float, float, Floats, Floats]]:
    """From score to score, and from knot to knot, beginning at the median."""
    begins, lows = [0.0, *scores.tolist()][:-1], [np.zeros(knots.shape[1:]), *knots][:-1]
    return list(zip(begins, scores.tolist(), lows, knots, strict=True))
