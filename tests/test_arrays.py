"""Quantiles of rows, against those of NumPy."""

from __future__ import annotations

import numpy as np

from lstmcast.arrays import row_quantiles


def test_quantiles_are_those_of_numpy() -> None:
    """Rows with and without unknown values; a row without known values has 0."""
    rows = np.random.default_rng(0).normal(size=(6, 9))
    rows[1, 3:] = rows[2, ::2] = rows[5] = np.nan
    found = row_quantiles(rows, (0.1, 0.5, 0.9))
    np.testing.assert_allclose(found[:, :5], np.nanquantile(rows[:5], (0.1, 0.5, 0.9), axis=1))
    assert found[:, 5].tolist() == [0, 0, 0]
