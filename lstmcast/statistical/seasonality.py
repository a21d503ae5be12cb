"""Seasonality test and centered moving mean, for B histories aligned at the end of T steps."""

from __future__ import annotations

import numpy as np

from lstmcast.types import Bools, Floats, Ints

CRITICAL_VALUE = 1.645  # standard errors: 90 %


def significant(centered: Floats, lengths: Ints, season: int) -> Bools:
    """[B] true where |r_m| > 1.645·√((1 + 2·Σ_{k<m} r_k²) / n), with r_k the autocorrelation at lag k.

    Args:
        centered: [B, T] histories minus their mean; 0 before their first value.
        lengths: [B] n.
        season: m, below T.
    """
    largest = np.abs(centered).max(axis=1, keepdims=True)
    centered = centered / np.where(largest > 0, largest, 1.0)
    products = [np.einsum("bt,bt->b", centered[:, k:], centered[:, : -k or None]) for k in range(season + 1)]
    r = np.array(products[1:]) / np.where(products[0] > 0, products[0], 1.0)  # [m, B]
    limit = CRITICAL_VALUE * np.sqrt((1 + 2 * (r[:-1] ** 2).sum(axis=0)) / lengths)
    return np.asarray(np.abs(r[-1]) > limit, dtype=np.bool_)


def moving_mean(history: Floats, season: int) -> Floats:
    """Centered moving mean over a season, [B, T] to [B, T − 2·(m // 2)]; an even m has half weights at both ends."""
    half = season // 2
    weights = np.ones(2 * half + 1)
    if season % 2 == 0:
        weights[[0, -1]] = 0.5
    inside = history.shape[1] - 2 * half
    return np.asarray(sum(weight * history[:, k : k + inside] for k, weight in enumerate(weights)) / season)


def by_phase(deviations: Floats, season: int) -> Floats:
    """Mean of each phase, [B, T] to [B, m], ignoring NaN; T is a multiple of m."""
    rows, steps = deviations.shape
    return np.asarray(np.nanmean(deviations.reshape(rows, steps // season, season), axis=1))
