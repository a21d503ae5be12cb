"""Whether series have a season, and what it is: the classical test and the centred moving mean.

B histories stand one a row and all end in the last of T columns.
"""

from __future__ import annotations

import numpy as np

from lstmcast.types import Bools, Floats, Ints

SIGNIFICANT = 1.645  # standard errors: 90 %


def significant(centred: Floats, lengths: Ints, season: int) -> Bools:
    """[B] whether |r_m| > 1.645·√((1 + 2·Σ_{k<m} r_k²) / n), r_k the autocorrelation k steps apart.

    Args:
        centred: [B, T] histories less their mean; 0 before their first value.
        lengths: [B] n, how many values each has.
        season: m, below T.
    """
    largest = np.abs(centred).max(axis=1, keepdims=True)
    centred = centred / np.where(largest > 0, largest, 1.0)
    products = [np.einsum("bt,bt->b", centred[:, k:], centred[:, : -k or None]) for k in range(season + 1)]
    r = np.array(products[1:]) / np.where(products[0] > 0, products[0], 1.0)  # [m, B]
    limit = SIGNIFICANT * np.sqrt((1 + 2 * (r[:-1] ** 2).sum(axis=0)) / lengths)
    return np.asarray(np.abs(r[-1]) > limit, dtype=np.bool_)


def moving_mean(history: Floats, season: int) -> Floats:
    """[B, T] to [B, T − 2·(m // 2)]: the mean of the season around each value, half of both ends where m is even."""
    half = season // 2
    weights = np.ones(2 * half + 1)
    if season % 2 == 0:
        weights[[0, -1]] = 0.5
    inside = history.shape[1] - 2 * half
    return np.asarray(sum(weight * history[:, k : k + inside] for k, weight in enumerate(weights)) / season)


def by_phase(deviations: Floats, season: int) -> Floats:
    """[B, T] to [B, m]: the mean of each phase, columns a season apart; NaN is not counted. T is a multiple of m."""
    rows, steps = deviations.shape
    return np.asarray(np.nanmean(deviations.reshape(rows, steps // season, season), axis=1))
