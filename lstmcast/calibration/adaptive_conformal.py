"""Adaptive conformal inference: intervals that grow after misses and shrink after hits, so that coverage holds.

A fixed interval covers as long as the future resembles the held-out past. Here the interval of each level at each step
ahead is widened by a factor e^θ, and after every outcome

    θ ← θ + γ · (missed − α),    α = 1 − level,

so that over T outcomes the share of misses differs from α by no more than |θ_T − θ_0| / (γ·T), whatever the series does
(Gibbs & Candès 2021, with the logarithm of the width in place of α, as in the quantile tracking of Angelopoulos et al.
2023: no width is ever negative). Half of each move is that of all steps together, for what widens one widens others.

That a forecast of step h missed is known only h steps later. What counts is whether the interval that was issued then
missed: so the share of misses is kept for the intervals that people saw.
"""

from __future__ import annotations

import numpy as np

from lstmcast.types import Floats

OFTEN, RARELY = 0.1, 0.3  # γ, where a year has 300 steps, and where it has fewer
SHARED = 0.5  # of a move: that of all steps
MAX_LOG_FACTOR = 5.0  # |θ| at most: a factor between 1/148 and 148


def update_log_factors(theta: Floats, missed: Floats, alpha: Floats, rate: float) -> Floats:
    """θ after one outcome of each step that has one.

    Args:
        theta: [Q, S, H].
        missed: [Q, S, H] 1 where the interval that was issued missed, 0 where it held, NaN where that is not known.
        alpha: [Q] the share of misses that is meant.
        rate: γ.

    Returns:
        [Q, S, H].
    """
    known = ~np.isnan(missed)
    surprise = np.where(known, missed - alpha[:, None, None], 0.0)
    together = surprise.sum(axis=2, keepdims=True) / np.maximum(known.sum(axis=2, keepdims=True), 1)
    step = SHARED * together + (1 - SHARED) * surprise
    after: Floats = np.clip(theta + rate * step, -MAX_LOG_FACTOR, MAX_LOG_FACTOR)
    return after


def extend_horizon(theta: Floats, horizon: int) -> Floats:
    """[…, H] to […, horizon]: a step that had no θ takes that of the last one that has."""
    return theta[..., np.minimum(np.arange(horizon), theta.shape[-1] - 1)]


def apply_factors(values: Floats, lower: Floats, upper: Floats, factors: Floats) -> tuple[Floats, Floats]:
    """Intervals widened by factors: each half's width times the factor.

    Where the lower bound is positive, the lower half is widened in logarithms, so that no factor makes it negative.

    Args:
        values: [S, H] the forecasts.
        lower: [Q, S, H] the bounds as the model says them, the inner level first.
        upper: [Q, S, H] likewise.
        factors: [Q, S, H], positive.

    Returns:
        Lower and upper, each [Q, S, H]; an outer interval holds every inner one.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        in_logs = values * np.power(lower / values, factors)
    below = np.where(lower > 0, in_logs, values - factors * (values - lower))
    above = values + factors * (upper - values)
    return np.minimum.accumulate(below, axis=0), np.maximum.accumulate(above, axis=0)
