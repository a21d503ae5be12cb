"""Series and steps by their names in the data."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lstmcast.data.panel import Panel
from lstmcast.data.read import read
from lstmcast.errors import UsageError
from lstmcast.forecaster.place import find_series, find_step


@pytest.fixture(scope="module")
def panel(tmp_path_factory: pytest.TempPathFactory, write_series: Callable[..., Path]) -> Panel:
    """Two daily series of 10 and 30 values."""
    series = {"north": np.arange(1.0, 11), "south/west": np.arange(1.0, 31)}
    return read(write_series(tmp_path_factory.mktemp("place") / "place.csv", series))


def test_series_by_name(panel: Panel) -> None:
    """A key, or the first where none is named."""
    assert find_series(panel, "south/west") == 1
    assert find_series(panel, None) == 0


def test_an_unknown_series_is_refused_with_the_nearest(panel: Panel) -> None:
    """The message names what was asked for, the most alike, and all there are."""
    with pytest.raises(UsageError, match=r"--series nort: no such series; did you mean 'north'\? there are: north, s"):
        find_series(panel, "nort")


def test_one_series_without_a_name_takes_none(air_panel: Panel) -> None:
    """Where there is one series, --series is left out."""
    with pytest.raises(UsageError, match="leave --series out"):
        find_series(air_panel, "x")


def test_steps_by_time(panel: Panel, air_panel: Panel) -> None:
    """As the file writes it, as ISO, or the last one; from the series' own first value."""
    assert find_step(panel, 1, "2024-01-05") == 4
    assert find_step(panel, 1, "2024-01-05T00:00") == 4
    assert find_step(panel, 0, None) == 9
    assert find_step(air_panel, 0, "1950-01") == 12
    assert find_step(air_panel, 0, "1950-01-01") == 12


@pytest.mark.parametrize("time", ["2024-01-01", "2024-01-11", "2023-12-31", "yesterday", ""])
def test_a_time_that_is_no_origin_is_refused(panel: Panel, time: str) -> None:
    """The first step, one after the last, one before the first, and what is no time: the span is named."""
    with pytest.raises(UsageError, match="a step of the series from 2024-01-02 to 2024-01-10"):
        find_step(panel, 0, time)
