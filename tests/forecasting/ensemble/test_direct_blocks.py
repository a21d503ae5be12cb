"""Series of a panel as rows of blocks."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from lstmcast.data.drivers.options import CovariateOptions
from lstmcast.data.load import read
from lstmcast.data.schema import ReadOptions
from lstmcast.forecasting.ensemble.direct_blocks import Bending, BlockReader
from lstmcast.forecasting.ensemble.direct_member import direct_preprocessing
from lstmcast.preprocessing.calendar_features import calendar_features
from lstmcast.preprocessing.panel_scaling import BoundPanel, Preprocessing, ScalingSpec
from lstmcast.preprocessing.windows import WindowSpec


def bound_of(calendar: str) -> BoundPanel:
    """Fifty hours from three in the morning."""
    times = pd.date_range("2024-01-01 03:00", periods=50, freq="h")
    options = ReadOptions(covariates=CovariateOptions(calendar=calendar))
    panel = read(pd.DataFrame({"time": times, "y": np.arange(1.0, 51.0)}), options)
    return direct_preprocessing(Preprocessing(ScalingSpec("none"), WindowSpec(context=6, lags=1)), panel).bind(panel)


def test_blocks_end_with_the_origin() -> None:
    """Whole days back from the origin, and enough for the horizon, with the calendar of each step."""
    bound = bound_of("auto")
    read_series = BlockReader(bound, drivers=True, quick=False, horizon=30).read(0, 47, 47)
    assert (read_series.first, read_series.rows) == (0, 2)
    blocks = read_series.blocks
    assert blocks.values.shape == (4, 24)
    np.testing.assert_array_equal(read_series.curve.inverse(blocks.values[:2]).ravel(), bound.windows.z[:48])
    assert np.isnan(blocks.values[2:]).all()
    positions = bound.panel.starts[0] + np.arange(96)
    expected = calendar_features(bound.panel.calendar, positions, within_day=False).values
    np.testing.assert_array_equal(blocks.calendar.reshape(96, -1), expected)


def test_no_calendar() -> None:
    """Of the calendar features, only holidays are left."""
    assert BlockReader(bound_of("none"), drivers=True, quick=False, horizon=1).calendar.values.shape[1] == 0


@pytest.mark.parametrize("curve", [Bending(), Bending(2.0, 0.5)])
def test_slope_of_bending(curve: Bending) -> None:
    """The quotient of small differences."""
    z = np.array([-3.0, 1.9, 2.0, 7.0])
    quotient = (curve.forward(z + 1e-6) - curve.forward(z - 1e-6)) / 2e-6
    np.testing.assert_allclose(curve.slope(z), quotient, rtol=1e-6)
    np.testing.assert_allclose(curve.inverse(curve.forward(z)), z)
