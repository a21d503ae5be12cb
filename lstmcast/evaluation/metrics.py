"""Accuracy and calibration metrics as functions of plain arrays.

Metrics average over the last axis of […, H]. Unknown actual values are NaN and are ignored; a score without known
values is NaN. Definitions: Hyndman & Koehler (2006), Gneiting & Raftery (2007), and the M4 competition (Makridakis et
al. 2020) for sMAPE, OWA and MSIS.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np

from lstmcast.types import Floats

ROUNDING = 4  # distances between neighboring numbers: a smaller error counts as 0


def absolute_error(actual: Floats, forecast: Floats) -> Floats:
    """|y − f|, in the target's unit; 0 where it is rounding. […]."""
    error = np.abs(actual - forecast)
    unit = np.spacing(np.maximum(np.abs(actual), np.abs(forecast)))
    return np.where(error <= ROUNDING * unit, 0.0, error)


def mae(actual: Floats, forecast: Floats) -> Floats:
    """Mean |y − f|, in the target's unit. […, H] to […]."""
    return mean_known(absolute_error(actual, forecast))


def mse(actual: Floats, forecast: Floats) -> Floats:
    """Mean (y − f)², in the target's unit squared. […, H] to […]."""
    return mean_known(absolute_error(actual, forecast) ** 2)


def rmse(actual: Floats, forecast: Floats) -> float:
    """√ of the mean (y − f)² over all origins and steps, in the target's unit. [B, H] to one number."""
    return float(np.sqrt(mse(actual.ravel(), forecast.ravel())))


def smape(actual: Floats, forecast: Floats) -> Floats:
    """Mean 200·|y − f| / (|y| + |f|), in percent; 0 where both are 0. […, H] to […]."""
    size = np.abs(actual) + np.abs(forecast)
    relative = 200 * absolute_error(actual, forecast) / np.where(size == 0, 1.0, size)
    return mean_known(np.where(size == 0, 0.0, relative))


def mase_scale(history: Floats, season: int) -> float:
    """Denominator of MASE, mean |y_t − y_{t−m}| of a history [T]; NaN if T ≤ m or the mean is 0."""
    changes = np.abs(history[season:] - history[:-season])
    scale = float(changes.mean()) if len(changes) else 0.0
    return scale if scale > 0 else float("nan")


def mase(actual: Floats, forecast: Floats, scale: Floats | float) -> Floats:
    """MAE / scale, with the scale […] from `mase_scale`, or 1 for scaled values. […, H] to […]."""
    return mae(actual, forecast) / scale


def owa(smape: Floats, mase: Floats, naive_smape: Floats, naive_mase: Floats) -> Floats:
    """½·(sMAPE / Naive2's + MASE / Naive2's); below 1 is better than Naive2, NaN if Naive2 is exact. […] each."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = (smape / naive_smape + mase / naive_mase) / 2
    return np.where((naive_smape > 0) & (naive_mase > 0), ratio, np.nan)


def pinball(actual: Floats, quantile: Floats, probability: float) -> Floats:
    """Pinball loss: q·(y − ŷ_q) above the quantile, (1 − q)·(ŷ_q − y) below it. […] to […]."""
    error = actual - quantile
    return np.maximum(probability * error, (probability - 1) * error)


def wql(actual: Floats, quantiles: Floats, probabilities: tuple[float, ...]) -> Floats:
    """Weighted quantile loss: 2·Σρ_q(y − ŷ_q) / Σ|y|, the mean over K probabilities q; NaN if all y are 0.

    Actual values are […, N], quantiles [K, …, N]. With deciles it estimates the CRPS relative to the mean |y|.
    """
    loss = np.mean([pinball(actual, forecast, q) for forecast, q in zip(quantiles, probabilities, strict=True)], axis=0)
    size = mean_known(np.abs(actual))
    return 2 * mean_known(loss) / np.where(size > 0, size, np.nan)


def msis(actual: Floats, lower: Floats, upper: Floats, scale: Floats | float, *, level: float = 95) -> Floats:
    """Mean scaled interval score: (width + 2/α · distance of y from the interval) / scale, α = 1 − level / 100.

    […, H] to […]; the scale […] is that of `mase`.
    """
    outside = np.maximum(lower - actual, 0.0) + np.maximum(actual - upper, 0.0)
    return mean_known(upper - lower + 2 / (1 - level / 100) * outside) / scale


def coverage(actual: Floats, lower: Floats, upper: Floats) -> Floats:
    """Fraction of known actual values inside [lower, upper]. […, N] each to […]."""
    inside = (lower <= actual) & (actual <= upper)
    unknown = np.isnan(actual) | np.isnan(lower) | np.isnan(upper)
    return mean_known(np.where(unknown, np.nan, inside))


def mean_known(errors: Floats) -> Floats:
    """Mean of the values that are not NaN, […, N] to […]; NaN where there are none."""
    known = ~np.isnan(errors)
    count = known.sum(axis=-1)
    total = np.where(known, errors, 0.0).sum(axis=-1)
    mean: Floats = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return mean


DECILES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
_TOLERANCE = 1e-9  # normal scores closer than this are equal


def interpolate_quantiles(
    probabilities: Sequence[float], values: Floats, levels: Sequence[float], lower: Floats, upper: Floats
) -> Floats:
    """Interpolate quantiles [K, …] between a forecast, taken as the median, and its interval bounds.

    A quantile is linear in its normal score Φ⁻¹(q) between known ones, which is exact for a normal distribution.
    Quantiles outside the widest interval are NaN.

    Args:
        probabilities: K.
        values: […] the forecast.
        levels: Q, in percent, ascending.
        lower, upper: [Q, …] bounds, the quantiles (1 ∓ level) / 2.
    """
    score = NormalDist().inv_cdf
    outward = [score(0.5 + level / 200) for level in levels]
    scores = np.array([*(-z for z in reversed(outward)), 0.0, *outward])
    known = np.concatenate([lower[::-1], values[None], upper])
    return np.stack([_at(score(q), scores, known) for q in probabilities])


def _at(score: float, scores: Floats, known: Floats) -> Floats:
    """Interpolate the quantile […] at a normal score from known ones [P, …] at `scores` [P]."""
    nearest = int(np.abs(scores - score).argmin())
    if abs(scores[nearest] - score) < _TOLERANCE:
        return np.asarray(known[nearest], dtype=np.float64)
    right = int(np.searchsorted(scores, score))
    if right in (0, len(scores)):
        return np.full(known.shape[1:], np.nan)
    fraction = (score - scores[right - 1]) / (scores[right] - scores[right - 1])
    with np.errstate(invalid="ignore"):  # between two infinite bounds
        return np.asarray((1 - fraction) * known[right - 1] + fraction * known[right], dtype=np.float64)
