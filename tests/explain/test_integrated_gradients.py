"""Mirror images of series."""

from __future__ import annotations

from typing import Any

import numpy as np

from lstmcast.explain.integrated_gradients import _signed
from lstmcast.preprocessing.windows import WindowDataset, WindowSpec


def test_mirrored_series_keep_their_drivers() -> None:
    """Only the values change their sign."""
    drivers: Any = object()
    observed, offsets = np.ones(4, dtype=np.bool_), np.array([0, 4])
    windows = WindowDataset.from_panel(np.arange(4.0), observed, offsets, WindowSpec(context=2, lags=1), drivers)
    mirrored = _signed(windows, -1)
    assert mirrored.drivers is drivers
    assert mirrored.z.tolist() == [0.0, -1.0, -2.0, -3.0]
