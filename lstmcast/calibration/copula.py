"""Gaussian copula: probabilities of paths from the intervals of single steps.

Intervals give the marginal distribution of each step. The dependence between steps comes from hold-out forecasts: each
outcome becomes a normal score under its marginal distribution, the correlations of the scores over the steps are those
of a Gaussian copula, and paths are sampled with a fixed seed.

A marginal distribution is piecewise linear in normal scores through the forecast, which is its median, and the bounds;
the outer slopes continue. Below a median with positive bounds it is linear in logarithms, so that paths stay positive.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Self

import numpy as np

from lstmcast.types import Bools, Floats

SAMPLE_COUNT = 10_000  # two standard errors of a probability are at most 0.01
SEED = 20_261_120
MAX_SCORE = 6.0  # bound of the absolute normal scores
MIN_COMPLETE_FORECASTS = 3  # hold-out forecasts needed to estimate correlations


@dataclass(frozen=True)
class MarginalDistributions:
    """Marginal distributions of steps in any arrangement […].

    Attributes:
        median: […].
        scores: [Q] normal scores of the upper bounds, ascending.
        above, below: [Q, …] distances of the bounds from the median; lower ones in logarithms where `logs`.
        logs: […].
    """

    median: Floats
    scores: Floats
    above: Floats
    below: Floats
    logs: Bools

    @classmethod
    def of(cls, values: Floats, lower: Floats, upper: Floats, levels: Sequence[float]) -> Self:
        """Build from forecasts […] and bounds [Q, …] of levels in percent; without levels the values are certain."""
        logs = (lower > 0).all(axis=0) & (values > 0)
        with np.errstate(divide="ignore", invalid="ignore"):
            below = np.where(logs, np.log(values / lower), values - lower)
        scores = np.array([NormalDist().inv_cdf(0.5 + level / 200) for level in levels])
        return cls(values, scores, upper - values, below, logs)

    def at(self, z: Floats) -> Floats:
        """Values at normal scores z, which broadcast against […]."""
        up = _interpolate(self.scores, self.above, np.maximum(z, 0.0))
        down = _interpolate(self.scores, self.below, np.maximum(-z, 0.0))
        with np.errstate(over="ignore"):
            lower = np.where(self.logs, self.median * np.exp(-down), self.median - down)
            return np.where(z >= 0, self.median + up, lower)

    def score(self, actual: Floats) -> Floats:
        """Normal scores of actual values […], the inverse of `at`; NaN where unknown."""
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            fall = np.where(self.logs, np.log(self.median / np.maximum(actual, 0.0)), self.median - actual)
        up = _invert(self.scores, self.above, np.maximum(actual - self.median, 0.0))
        down = _invert(self.scores, self.below, np.maximum(fall, 0.0))
        return np.where(np.isnan(actual), np.nan, np.where(actual >= self.median, up, -down))


def quantile(marginals: MarginalDistributions, probability: float) -> Floats:
    """[…] quantile of each step at a probability."""
    return marginals.at(np.asarray(NormalDist().inv_cdf(probability)))


def estimate_correlation(scores: Floats) -> Floats:
    """Correlation matrix [H, H] of normal scores, shrunk to an autoregressive pattern.

    The pattern is ρ^|i − j|, with ρ the mean correlation of adjacent steps. The sample matrix of B forecasts has the
    weight B / (B + H). Fewer than 3 complete forecasts give the correlations of a random walk.

    Args:
        scores: [B, H]; NaN where unknown.
    """
    horizon = scores.shape[1]
    complete = scores[~np.isnan(scores).any(axis=1)]
    ahead = np.arange(1, horizon + 1)
    if len(complete) < MIN_COMPLETE_FORECASTS:
        return np.sqrt(np.minimum(ahead[:, None], ahead) / np.maximum(ahead[:, None], ahead))
    clipped = np.clip(complete, -MAX_SCORE, MAX_SCORE)
    centered = clipped - clipped.mean(axis=0)
    spread = np.sqrt((centered**2).mean(axis=0))
    standardized = centered / np.where(spread > 0, spread, 1.0)
    sample = standardized.T @ standardized / len(standardized)
    np.fill_diagonal(sample, 1.0)
    rho = float(np.clip(np.diagonal(sample, 1).mean(), 0.0, 0.99)) if horizon > 1 else 0.0
    pattern = rho ** np.abs(ahead[:, None] - ahead)
    weight = len(complete) / (len(complete) + horizon)
    return np.asarray(weight * sample + (1 - weight) * pattern, dtype=np.float64)


def extend_correlations(correlations: Floats, horizon: int) -> Floats:
    """Extend [H, H] to [horizon, horizon]: later steps take the last known correlation at their lag, or 0."""
    known = len(correlations)
    if horizon <= known:
        return correlations[:horizon, :horizon]
    ahead = np.arange(horizon)
    lags = np.abs(ahead[:, None] - ahead)
    last: Floats = np.append(correlations[-1, ::-1], 0.0)[np.minimum(lags, known)]
    last[:known, :known] = correlations
    return last


def sample_normal_scores(correlations: Floats, count: int = SAMPLE_COUNT) -> Floats:
    """[count, H] normal scores with these correlations, from a fixed seed."""
    values, vectors = np.linalg.eigh(correlations)
    root = vectors * np.sqrt(np.maximum(values, 0.0))  # the nearest positive semidefinite matrix
    root /= np.sqrt((root**2).sum(axis=1, keepdims=True))
    return np.asarray(np.random.default_rng(SEED).standard_normal((count, len(correlations))) @ root.T)


def _interpolate(scores: Floats, knots: Floats, z: Floats) -> Floats:
    """Distance from the median at z ≥ 0: linear between knots, continued with the last slope."""
    total = np.zeros(np.broadcast_shapes(z.shape, knots.shape[1:]))
    for begin, end, low, high in _segments(scores, knots):
        part = np.maximum(z - begin, 0.0) if end == scores[-1] else np.clip(z - begin, 0.0, end - begin)
        total += part * (high - low) / (end - begin)
    return total


def _invert(scores: Floats, knots: Floats, distance: Floats) -> Floats:
    """The z ≥ 0 at a distance from the median, the inverse of `_interpolate`."""
    total = np.zeros_like(distance)
    for begin, end, low, high in _segments(scores, knots):
        rise = high - low
        part = np.maximum(distance - low, 0.0) if end == scores[-1] else np.clip(distance - low, 0.0, rise)
        with np.errstate(divide="ignore", invalid="ignore"):
            total += np.where(part > 0, np.minimum(part / rise * (end - begin), MAX_SCORE), 0.0)
    return np.minimum(total, MAX_SCORE)


def _segments(scores: Floats, knots: Floats) -> list[tuple[float, float, Floats, Floats]]:
    """Pairs of adjacent scores and of adjacent knots, starting at the median."""
    begins, lows = [0.0, *scores.tolist()][:-1], [np.zeros(knots.shape[1:]), *knots][:-1]
    return list(zip(begins, scores.tolist(), lows, knots, strict=True))
