"""Gaps of covariates in the past of their series."""

from __future__ import annotations

import numpy as np

from lstmcast.types import Bools, Floats, Ints


def fill_past(values: Floats, owner: Ints, fillable: Bools, *, between: bool) -> Floats:
    """Fill gaps of one covariate.

    Args:
        values: [M] values of all blocks, NaN where missing.
        owner: [M] block of each value, ascending.
        fillable: [M] true for steps that may be filled.
        between: interpolate linearly, and use the nearest value at the ends; false: repeat the last value, which looks
            at no later one.

    Returns:
        [M] values; NaN where there is none to fill with.
    """
    holes = np.flatnonzero(np.isnan(values) & fillable)
    there = np.flatnonzero(~np.isnan(values))
    if not len(holes) or not len(there):
        return values
    after = np.searchsorted(there, holes)
    left, right = there[np.maximum(after - 1, 0)], there[np.minimum(after, len(there) - 1)]
    has_left = (after > 0) & (owner[left] == owner[holes])
    has_right = (after < len(there)) & (owner[right] == owner[holes])
    if not between:
        has_right &= False
    fraction = np.where(has_left & has_right, (holes - left) / np.maximum(right - left, 1), has_right)
    found = np.where(has_left, values[left], 0) * (1 - fraction) + np.where(has_right, values[right], 0) * fraction
    filled = values.copy()
    filled[holes] = np.where(has_left | has_right, found, np.nan)
    return filled
