"""Adaptive conformal inference: intervals grow after misses and shrink after hits, which keeps the coverage.

The interval of each level at each step ahead is scaled by a factor e^θ. After every outcome

    θ ← θ + γ · (missed − α),    α = 1 − level.

Over T outcomes the miss rate differs from α by at most |θ_T − θ_0| / (γ·T) for any series (Gibbs & Candès 2021, with
the log width in place of α, as in the quantile tracking of Angelopoulos et al. 2023: widths stay positive). Half of
each update is the mean over all steps, because their errors are correlated.

The outcome of step h is known h steps later. An update uses the interval that was issued, so the guarantee holds for
the published intervals.
"""

from __future__ import annotations

import numpy as np

from lstmcast.types import Floats

HIGH_FREQUENCY_RATE, LOW_FREQUENCY_RATE = 0.1, 0.3  # γ with at least 300 steps a year, and with fewer
POOLED_WEIGHT = 0.5  # weight of the mean over all steps in an update
MAX_LOG_FACTOR = 5.0  # bound of |θ|: a factor between 1/148 and 148


def update_log_factors(theta: Floats, missed: Floats, alpha: Floats, rate: float) -> Floats:
    """Update θ [Q, S, H] with one outcome for each step.

    Args:
        theta: [Q, S, H].
        missed: [Q, S, H] 1 where the issued interval missed, 0 where it covered, NaN where the outcome is unknown.
        alpha: [Q] the nominal miss rates.
        rate: γ.
    """
    known = ~np.isnan(missed)
    excess = np.where(known, missed - alpha[:, None, None], 0.0)
    pooled = excess.sum(axis=2, keepdims=True) / np.maximum(known.sum(axis=2, keepdims=True), 1)
    step = POOLED_WEIGHT * pooled + (1 - POOLED_WEIGHT) * excess
    updated: Floats = np.clip(theta + rate * step, -MAX_LOG_FACTOR, MAX_LOG_FACTOR)
    return updated


def extend_horizon(theta: Floats, horizon: int) -> Floats:
    """Extend […, H] to […, horizon] by repeating the last step."""
    return theta[..., np.minimum(np.arange(horizon), theta.shape[-1] - 1)]


def apply_factors(values: Floats, lower: Floats, upper: Floats, factors: Floats) -> tuple[Floats, Floats]:
    """Scale both half-widths of intervals; a positive lower bound is scaled in logarithms and stays positive.

    Args:
        values: [S, H] the forecasts.
        lower, upper: [Q, S, H] the model's bounds, innermost level first.
        factors: [Q, S, H], positive.

    Returns:
        Lower and upper bounds, each [Q, S, H]; intervals are nested.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        in_logs = values * np.power(lower / values, factors)
    below = np.where(lower > 0, in_logs, values - factors * (values - lower))
    above = values + factors * (upper - values)
    return np.minimum.accumulate(below, axis=0), np.maximum.accumulate(above, axis=0)
