"""Quantiles that nobody asked for, found between those that were: so that all methods are scored on the same ones."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

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
