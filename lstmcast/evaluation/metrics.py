"""Accuracy and calibration metrics as functions of plain arrays.

The last axis is averaged over: the H steps of [B, H] origins, or any other values that belong together. Actual values
that are not known are NaN and are left out; where none is known a score is undefined (NaN). Definitions: Hyndman &
Koehler (2006), Gneiting & Raftery (2007), and the M4 competition's (Makridakis et al. 2020) for sMAPE, OWA and MSIS.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np

from lstmcast.types import Floats


def mae(actual: Floats, forecast: Floats) -> Floats:
    """Mean |y − f|, in the target's unit. […, H] to […]."""
    return _mean(np.abs(actual - forecast))


def mse(actual: Floats, forecast: Floats) -> Floats:
    """Mean (y − f)², in the target's unit squared. […, H] to […]."""
    return _mean((actual - forecast) ** 2)


def rmse(actual: Floats, forecast: Floats) -> float:
    """√ of the mean over all origins and steps of (y − f)², in the target's unit. [B, H] to one number."""
    return float(np.sqrt(mse(actual.ravel(), forecast.ravel())))


def smape(actual: Floats, forecast: Floats) -> Floats:
    """Mean 200·|y − f| / (|y| + |f|), in percent; a step where both are 0 counts 0. […, H] to […]."""
    size = np.abs(actual) + np.abs(forecast)
    return _mean(np.where(size == 0, 0.0, 200 * np.abs(actual - forecast) / np.where(size == 0, 1.0, size)))


def mase_scale(history: Floats, season: int) -> float:
    """Mean |y_t − y_{t−m}| of a history [T]: what MASE divides by. NaN where T ≤ m or nothing ever changes."""
    changes = np.abs(history[season:] - history[:-season])
    scale = float(changes.mean()) if len(changes) else 0.0
    return scale if scale > 0 else float("nan")


def mase(actual: Floats, forecast: Floats, scale: Floats | float) -> Floats:
    """MAE / the mean absolute seasonal change of the history.

    Args:
        actual: […, H].
        forecast: […, H].
        scale: […], from `mase_scale`; NaN makes the score undefined. 1 for values that were divided by it before.

    Returns:
        […].
    """
    return mae(actual, forecast) / scale


def owa(smape: Floats, mase: Floats, naive_smape: Floats, naive_mase: Floats) -> Floats:
    """½·(sMAPE / Naive2's + MASE / Naive2's), each a mean over the whole set: below 1 is better than Naive2. […] each.

    Undefined where Naive2 was exact.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = (smape / naive_smape + mase / naive_mase) / 2
    return np.where((naive_smape > 0) & (naive_mase > 0), ratio, np.nan)


def pinball(actual: Floats, quantile: Floats, probability: float) -> Floats:
    """ρ_q of y − ŷ_q at every step: q·(y − ŷ_q) above the quantile, (1 − q)·(ŷ_q − y) below it. […] to […]."""
    error = actual - quantile
    return np.maximum(probability * error, (probability - 1) * error)


def wql(actual: Floats, quantiles: Floats, probabilities: tuple[float, ...]) -> Floats:
    """Weighted quantile loss: 2·Σρ_q(y − ŷ_q) / Σ|y|, the mean over q. Undefined where all y are 0.

    Args:
        actual: […, N].
        quantiles: [K, …, N] the forecast quantiles.
        probabilities: the K probabilities q; of .1 … .9 it is the usual estimate of the CRPS over the mean of |y|.

    Returns:
        […].
    """
    loss = np.mean([pinball(actual, forecast, q) for forecast, q in zip(quantiles, probabilities, strict=True)], axis=0)
    size = _mean(np.abs(actual))
    return 2 * _mean(loss) / np.where(size > 0, size, np.nan)


def msis(actual: Floats, lower: Floats, upper: Floats, scale: Floats | float, *, level: float = 95) -> Floats:
    """Mean scaled interval score: the width and, 2/α times, how far outside y lay, over what MASE divides by.

    Args:
        actual: […, H].
        lower: […, H], of the interval.
        upper: […, H].
        scale: […], as for `mase`.
        level: of the interval, in percent: α = 1 − level / 100.

    Returns:
        […].
    """
    outside = np.maximum(lower - actual, 0.0) + np.maximum(actual - upper, 0.0)
    return _mean(upper - lower + 2 / (1 - level / 100) * outside) / scale


def coverage(actual: Floats, lower: Floats, upper: Floats) -> Floats:
    """The share of known actual values inside [lower, upper]. […, N] each to […]."""
    inside = (lower <= actual) & (actual <= upper)
    unknown = np.isnan(actual) | np.isnan(lower) | np.isnan(upper)
    return _mean(np.where(unknown, np.nan, inside))


def _mean(errors: Floats) -> Floats:
    """[…, N] to […]: the mean of what is not NaN."""
    known = ~np.isnan(errors)
    count = known.sum(axis=-1)
    total = np.where(known, errors, 0.0).sum(axis=-1)
    mean: Floats = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return mean


DECILES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
_TOLERANCE = 1e-9  # in normal scores: a quantile that is known already


def interpolate_quantiles(
    probabilities: Sequence[float], values: Floats, levels: Sequence[float], lower: Floats, upper: Floats
) -> Floats:
    """Quantiles of a forecast, interpolated between its median and its bounds in the target's unit.

    The forecast is taken as the median, the bounds of a level as the quantiles (1 ∓ level) / 2. Between two of them a
    quantile is linear in its normal score Φ⁻¹(q): exact for a normal distribution of any mean and width, and close
    for what resembles one on each side. Outside the widest interval nothing is invented: such a quantile is undefined.

    Args:
        probabilities: K of them.
        values: […] the forecast.
        levels: Q, in percent, ascending.
        lower: [Q, …] the lower bounds.
        upper: [Q, …] the upper bounds.

    Returns:
        [K, …]; NaN where undefined.
    """
    score = NormalDist().inv_cdf
    outward = [score(0.5 + level / 200) for level in levels]
    scores = np.array([*(-z for z in reversed(outward)), 0.0, *outward])
    known = np.concatenate([lower[::-1], values[None], upper])
    return np.stack([_at(score(q), scores, known) for q in probabilities])


def _at(score: float, scores: Floats, known: Floats) -> Floats:
    """The quantile at one normal score: […], from those known [P, …] at `scores` [P]."""
    nearest = int(np.abs(scores - score).argmin())
    if abs(scores[nearest] - score) < _TOLERANCE:
        return np.asarray(known[nearest], dtype=np.float64)
    right = int(np.searchsorted(scores, score))
    if right in (0, len(scores)):
        return np.full(known.shape[1:], np.nan)
    fraction = (score - scores[right - 1]) / (scores[right] - scores[right - 1])
    with np.errstate(invalid="ignore"):  # between two infinite bounds
        return np.asarray((1 - fraction) * known[right - 1] + fraction * known[right], dtype=np.float64)
