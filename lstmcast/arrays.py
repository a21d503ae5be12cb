"""Quantiles of rows with unknown values, for many rows together: `numpy.nanquantile` takes them one at a time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lstmcast.types import Floats


def row_quantiles(rows: Floats, probabilities: Sequence[float]) -> Floats:
    """Interpolate quantiles linearly, as NumPy does. NaN is unknown; a row without known values has 0.

    Args:
        rows: [B, N].
        probabilities: [Q] from 0 to 1.

    Returns:
        [Q, B].
    """
    ordered, count = np.sort(rows, axis=1), (~np.isnan(rows)).sum(axis=1)  # NaN last
    position = np.asarray(probabilities)[:, None] * np.maximum(count - 1, 0)
    low = np.floor(position).astype(np.int64)
    high = np.minimum(low + 1, np.maximum(count - 1, 0))
    row = np.arange(len(rows))
    found = ordered[row, low] + (position - low) * (ordered[row, high] - ordered[row, low])
    return np.where(count > 0, found, 0.0)
