"""Warnings about new data that differ from the training data."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lstmcast.data.drivers.options import CovariateOptions
from lstmcast.data.load import read
from lstmcast.data.panel import Panel
from lstmcast.data.schema import ReadOptions
from lstmcast.errors import UsageError
from lstmcast.forecasting.forecaster import Forecaster
from lstmcast.forecasting.new_data import data_warnings, find_series, find_step, pinned_options
from lstmcast.forecasting.saved_parts import context_arrays, context_of, to_facts


def warnings(before: Panel, now: Panel) -> list[str]:
    """All of it."""
    return list(data_warnings(before, now))


def test_the_same_data_longer_or_a_little_revised_are_those_of_the_model(air_panel: Panel) -> None:
    """Additional rows, a few corrected values and the training file itself give no warning."""
    longer, before = air_panel, air_panel.drop_last(24)
    corrected = air_panel.values.copy()
    corrected[-40:-30] += 1
    for now in (before, longer, replace(air_panel, values=corrected)):
        assert warnings(before, now) == []


def test_a_stored_panel_fixes_the_holidays_of_new_data(air: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are read from its facts, and new data have them without the library; other codes are refused."""
    options = ReadOptions(covariates=CovariateOptions(holidays=("US",)))
    panel = read(air, options)
    stored = context_of(json.loads(json.dumps(to_facts(panel))), context_arrays(panel))
    assert stored.holidays == panel.holidays is not None
    monkeypatch.setitem(sys.modules, "holidays", None)
    assert read(air, pinned_options(stored, options)).holidays == panel.holidays
    with pytest.raises(UsageError):
        pinned_options(stored, options, {"covariates": {"holidays": ["DE"]}})


def test_a_stored_panel_fixes_the_covariates_of_new_data(tmp_path: Path) -> None:
    """Columns and categories are those of training; other columns are refused. Values ahead may be in another file."""
    days = pd.date_range("2024-01-01", periods=45, freq="D").strftime("%Y-%m-%d")
    table = pd.DataFrame(
        {"day": days, "y": np.arange(45.0), "heat": np.arange(45) / 4, "sky": ["dry", "rain", "fog"] * 15}
    )
    table.loc[40:, "y"] = np.nan
    options = ReadOptions(target=("y",), covariates=CovariateOptions(past=("sky",)))
    panel = read(table, options)
    stored = context_of(json.loads(json.dumps(to_facts(panel))), context_arrays(panel))
    assert stored.covariates is not None
    assert replace(stored, holidays=None).fingerprint() == panel.fingerprint()
    newer = table.assign(sky="dry")
    again = read(newer, pinned_options(stored, options))
    assert again.covariates is not None
    assert again.covariates.names == ("heat", "sky=dry", "sky=fog", "sky=rain")
    assert again.default_horizon == 14
    table[["day", "heat"]].assign(heat=50.0).to_csv(tmp_path / "future.csv", index=False)
    given = {"covariates": {"future": str(tmp_path / "future.csv")}}
    warmer = read(newer, pinned_options(stored, options, given))
    assert warmer.covariates is not None
    assert warmer.covariates.values[39:41, 0].tolist() == [39 / 4, 50.0]
    assert pinned_options(stored, replace(options, covariates=replace(options.covariates, future="gone.csv")))
    for wrong in ({"known": ["sky"]}, {"past": []}, {"static": ["heat"]}):
        with pytest.raises(UsageError):
            pinned_options(stored, options, {"covariates": wrong})
    with pytest.raises(UsageError):
        pinned_options(replace(stored, covariates=None), ReadOptions(), given)


def test_changed_values_at_most_known_steps_are_reported(air_panel: Panel) -> None:
    """Another column or another unit: how many, and the newest of them."""
    before, now = air_panel.drop_last(24), replace(air_panel, values=1000 * air_panel.values)
    (warning,) = warnings(before, now)
    assert "120 of 120 values known at training have changed (1958-12: 337 before, 337000 now);" in warning


def test_only_what_both_know_is_compared(shops_file: Path) -> None:
    """Steps by their time and series by their names; filled values and new series count for nothing."""
    panel = read(shops_file)
    swapped = panel.select(np.array([k for k, key in reversed(list(enumerate(panel.keys))) if key != ("gap",)]))
    assert not any("have changed" in warning for warning in warnings(panel, swapped))
    filled = replace(panel, values=np.where(panel.observed, panel.values, -1.0))
    assert not any("have changed" in warning for warning in warnings(panel, filled))
    renamed = replace(panel, keys=tuple((f"new {name}",) for (name,) in panel.keys), values=-panel.values)
    assert not any("have changed" in warning for warning in warnings(panel, renamed))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["forecaster", "shops"])
def test_what_a_model_kept_is_what_it_was_trained_on(
    name: str, request: pytest.FixtureRequest, air: Path, shops_file: Path
) -> None:
    """Saved and loaded, its context has the values of the file."""
    model: Forecaster = request.getfixturevalue(name)
    now = read(air if name == "forecaster" else shops_file)
    assert not any("have changed" in warning for warning in warnings(model.context, now))


@pytest.fixture(scope="module")
def panel(tmp_path_factory: pytest.TempPathFactory, write_series: Callable[..., Path]) -> Panel:
    """Two daily series of 10 and 30 values."""
    series = {"north": np.arange(1.0, 11), "south/west": np.arange(1.0, 31)}
    return read(write_series(tmp_path_factory.mktemp("position") / "place.csv", series))


def test_series_by_name(panel: Panel) -> None:
    """A key, or the first where none is named."""
    assert find_series(panel, "south/west") == 1
    assert find_series(panel, None) == 0


def test_an_unknown_series_is_refused_with_the_nearest(panel: Panel) -> None:
    """The message contains the requested key, similar keys and all keys."""
    with pytest.raises(UsageError, match=r"--series nort: no such series; did you mean 'north'\? there are: north, s"):
        find_series(panel, "nort")


def test_one_series_without_a_name_takes_none(air_panel: Panel) -> None:
    """With a single series, --series may be left out."""
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
