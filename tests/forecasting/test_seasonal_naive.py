"""Forecasts without a network: the last season again, with intervals from what it missed in the past."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lstmcast.data.load import read
from lstmcast.data.panel import Panel
from lstmcast.errors import DataError
from lstmcast.evaluation.splits import plan_holdout
from lstmcast.forecasting.seasonal_naive import (
    conformal_half_widths,
    min_bounds,
    seasonal_naive_forecast,
    seasonal_naive_values,
)

Write = Callable[..., Path]
Wave = Callable[[int, int], np.ndarray]


@pytest.fixture(scope="module")
def panel(tmp_path_factory: pytest.TempPathFactory, write_series: Write, waves: Wave) -> Panel:
    """A positive series, and one about 0."""
    folder = tmp_path_factory.mktemp("rules")
    return read(write_series(folder / "x.csv", {"up": waves(120, 1), "about": waves(100, 2) - 100}))


def test_the_last_week_again(panel: Panel) -> None:
    """Nine days of a weekly season are the last seven and the first two of them, from the end of each series."""
    found = seasonal_naive_values(panel, 9)
    for k in range(2):
        week = panel.series(k)[-7:]
        assert found[k].tolist() == [*week, *week[:2]]


def test_the_forecast_of_it(panel: Panel) -> None:
    """Values, origins and keys are those of the panel; intervals lie around them, outer ones wider."""
    found = seasonal_naive_forecast(panel, 5, (80, 95))
    assert (found.keys, found.horizon, found.levels) == (panel.keys, 5, (80, 95))
    assert found.origins.tolist() == panel.ends.tolist()
    assert found.values.tolist() == seasonal_naive_values(panel, 5).tolist()
    assert (found.lower[1] <= found.lower[0]).all()
    assert (found.lower[0] < found.values).all()
    assert (found.values < found.upper[0]).all()
    assert (found.upper[0] <= found.upper[1]).all()


def test_bounds_of_what_was_never_negative_stay_above_nothing(panel: Panel) -> None:
    """The first series ends at 0, the second nowhere."""
    assert min_bounds(panel).tolist() == [0.0, -np.inf]
    small = seasonal_naive_forecast(read_small(panel), 5, (99.9,))
    assert small.lower.min() >= 0


def read_small(panel: Panel) -> Panel:
    """The first series, near 0."""
    one = panel.select(np.array([0]))
    return type(panel)(**{**vars(one), "values": one.values - one.values.min()})


def test_widths_cover_their_fraction_of_the_past(panel: Panel) -> None:
    """Of the held-out errors of both series, in their units, about 80 % lie inside the 80 % width."""
    horizon = 5
    half = conformal_half_widths(panel, lambda v, f, o, h: v[(f + o)[:, None] - 6 + np.arange(h)], horizon, (80,))
    series, origins = plan_holdout(panel.lengths, horizon).test_origins(panel.lengths)
    inside = []
    for k, origin in zip(series.tolist(), origins.tolist(), strict=True):
        past = panel.series(k)
        off = np.abs(past[origin + 1 : origin + 1 + horizon] - past[origin - 6 : origin - 6 + horizon])
        inside.append(off <= half[0, k])
    assert 0.78 <= np.mean(inside) <= 0.85


def test_too_short_a_past(tmp_path: Path, write_series: Write) -> None:
    """Without held-out steps there are no intervals."""
    short = read(write_series(tmp_path / "x.csv", {"one": [1.0, 2.0, 3.0, 4.0, 5.0, 7.0]}))
    with pytest.raises(DataError, match="a horizon of 3 requires series of at least"):
        seasonal_naive_forecast(short, 3, (80,))
