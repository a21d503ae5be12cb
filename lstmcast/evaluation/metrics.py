"""One formula a function, on plain arrays.

`actual` and `forecast` are [B, H]: B origins (of any series), H steps. Actual values that are not known are NaN and are
left out; an origin with none known has an undefined (NaN) score. Definitions: Hyndman & Koehler (2006), and the M4
competition's for sMAPE.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def mae(actual: Floats, forecast: Floats) -> Floats:
    """Mean |y − f| over the horizon, in the target's unit. [B, H] to [B]."""
    return _mean(np.abs(actual - forecast))


def mse(actual: Floats, forecast: Floats) -> Floats:
    """Mean (y − f)² over the horizon, in the target's unit squared. [B, H] to [B]."""
    return _mean((actual - forecast) ** 2)


def rmse(actual: Floats, forecast: Floats) -> float:
    """√ of the mean over all origins and steps of (y − f)², in the target's unit. [B, H] to one number."""
    known = ~np.isnan(actual)
    return float(np.sqrt(np.mean((actual - forecast)[known] ** 2))) if known.any() else float("nan")


def smape(actual: Floats, forecast: Floats) -> Floats:
    """Mean 200·|y − f| / (|y| + |f|) over the horizon, in percent; a step where both are 0 counts 0. [B, H] to [B]."""
    size = np.abs(actual) + np.abs(forecast)
    return _mean(np.where(size == 0, 0.0, 200 * np.abs(actual - forecast) / np.where(size == 0, 1.0, size)))


def mase_scale(history: Floats, season: int) -> float:
    """Mean |y_t − y_{t−m}| of a history [T]: what MASE divides by. NaN where T ≤ m or nothing ever changes."""
    changes = np.abs(history[season:] - history[:-season])
    scale = float(changes.mean()) if len(changes) else 0.0
    return scale if scale > 0 else float("nan")


def mase(actual: Floats, forecast: Floats, scale: Floats) -> Floats:
    """MAE over the horizon / the mean absolute seasonal change of the history.

    Args:
        actual: [B, H].
        forecast: [B, H].
        scale: [B], from `mase_scale`; NaN makes the score undefined.

    Returns:
        [B].
    """
    return mae(actual, forecast) / scale


def coverage(actual: Floats, lower: Floats, upper: Floats) -> float:
    """The share of known actual values inside [lower, upper]. [B, H] each; NaN where none is known."""
    known = ~np.isnan(actual)
    inside = (lower <= actual) & (actual <= upper)
    return float(inside[known].mean()) if known.any() else float("nan")


def _mean(errors: Floats) -> Floats:
    """[B, H] to [B]: the mean of what is not NaN."""
    known = ~np.isnan(errors)
    count = known.sum(axis=1)
    total = np.where(known, errors, 0.0).sum(axis=1)
    mean: Floats = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return mean
