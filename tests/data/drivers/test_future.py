"""Values ahead in a file of their own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lstmcast.data.drivers.ahead import horizon_ahead
from lstmcast.data.drivers.options import CovariateOptions
from lstmcast.data.load import read
from lstmcast.data.panel import Panel
from lstmcast.data.schema import NoteCode, ReadOptions, SettingKey
from lstmcast.errors import DataError, FaultCode, FileError

HOURS = 24 * 10


def hours(n: int, first: str = "2024-03-01", freq: str = "h", pattern: str = "%Y-%m-%d %H:%M") -> pd.Index:
    """Texts of times."""
    return pd.date_range(first, periods=n, freq=freq).strftime(pattern)


def load(n: int = HOURS) -> pd.DataFrame:
    """An hourly load with a temperature."""
    return pd.DataFrame({"time": hours(n), "load": np.arange(n) % 24 + 50.0, "temperature": np.arange(n) / 10})


def panel_of(table: pd.DataFrame, future: pd.DataFrame | Path, target: str = "load", **covariates: object) -> Panel:
    """The panel of a DataFrame with values ahead elsewhere."""
    options = CovariateOptions(future=future, **covariates)  # type: ignore[arg-type]
    return read(table, ReadOptions(target=(target,), covariates=options))


def ahead_of(panel: Panel, steps: int, series: int = 0) -> list[float]:
    """[steps] values of the first covariate after the end of a series."""
    assert panel.covariates is not None
    ends = panel.ends[[series]]
    values = panel.covariates.at(np.array([series]), ends[:, None] + np.arange(1, steps + 1), ends)
    return list(values[0, :, 0])


def test_the_columns_of_the_file_are_known() -> None:
    """Those that both files have, joined by time."""
    future = pd.DataFrame({"time": hours(48, "2024-03-11"), "temperature": np.arange(48.0), "other": 1.0})
    panel = panel_of(load(), future)
    assert ahead_of(panel, 3) == [0, 1, 2]
    assert horizon_ahead(panel) == 48
    (setting,) = (one for one in panel.inferred if one.key is SettingKey.KNOWN)
    assert setting.value == "temperature (numeric)"


def test_the_past_is_that_of_the_data(tmp_path: Path) -> None:
    """A file that overlaps the data changes values ahead alone; it may have another notation."""
    future = pd.DataFrame({"Zeit": hours(72, "2024-03-10", pattern="%d.%m.%Y %H:%M"), "temperature": ["7,5"] * 72})
    path = tmp_path / "future.csv"
    future.to_csv(path, index=False, sep=";")
    panel = panel_of(load(), path)
    assert panel.covariates is not None
    np.testing.assert_allclose(panel.covariates.values[:HOURS, 0], np.arange(HOURS) / 10)
    assert ahead_of(panel, 48) == [7.5] * 48


def test_rows_ahead_of_the_data_yield_to_the_file() -> None:
    """Another scenario than that of the data."""
    table = load()
    table.loc[HOURS - 24 :, "load"] = np.nan
    future = pd.DataFrame({"time": hours(12, "2024-03-10"), "temperature": 99.0})
    assert ahead_of(panel_of(table, future), 13) == [*[99.0] * 12, (HOURS - 12) / 10]


def test_daily_values_are_repeated_for_hours() -> None:
    """With a note; also where two days show no frequency."""
    for days in (2, 3):
        future = pd.DataFrame({"day": hours(days, "2024-03-11", "D", "%Y-%m-%d"), "temperature": np.arange(days)})
        panel = panel_of(load(), future)
        assert ahead_of(panel, 48) == [0.0] * 24 + [1.0] * 24
        assert NoteCode.FUTURE_REPEATED in {note.code for note in panel.notes}


def test_months_are_repeated_for_days() -> None:
    """Months of different lengths."""
    table = pd.DataFrame({"day": hours(31, "2024-01-01", "D", "%Y-%m-%d"), "y": np.arange(31.0)})
    future = pd.DataFrame({"month": ["2024-01", "2024-02", "2024-03"], "rate": [1.0, 2.0, 3.0]})
    panel = panel_of(table, future, "y")
    assert ahead_of(panel, 30) == [2.0] * 29 + [3.0]
    assert horizon_ahead(panel) == 29 + 31


def test_dates_are_read_as_those_near_the_data() -> None:
    """Twelve days that may be twelve months, and a single day; dates that are far in any case remain unclear."""
    future = pd.DataFrame({"day": hours(12, "2024-03-01", "D", "%d/%m/%Y"), "rate": np.arange(12.0)})
    table = pd.DataFrame({"day": hours(60, "2024-01-01", "D", "%Y-%m-%d"), "y": np.arange(60.0)}).assign(rate=1.5)
    assert ahead_of(panel_of(table, future, "y", known=("rate",)), 3) == [0, 1, 2]
    assert ahead_of(panel_of(table, future[:1], "y", known=("rate",)), 1) == [0]
    with pytest.raises(DataError) as caught:
        panel_of(table, pd.DataFrame({"day": ["11/12/2024"], "rate": [1.0]}), "y", known=("rate",))
    assert [(fault.code, fault.fixes) for fault in caught.value.faults] == [(FaultCode.AMBIGUOUS_TIMES, ())]


def test_finer_values_are_averaged() -> None:
    """Quarter hours of hours."""
    future = pd.DataFrame({"time": hours(96, "2024-03-11", "15min"), "temperature": np.arange(96.0)})
    assert ahead_of(panel_of(load(), future), 2) == [1.5, 5.5]


def test_times_with_an_offset_join_local_times() -> None:
    """The zone of the data is pinned, and the file has UTC offsets."""
    future = pd.DataFrame({"time": hours(4, "2024-03-10 23:00", pattern="%Y-%m-%dT%H:%MZ"), "temperature": range(4)})
    options = CovariateOptions(future=future)
    panel = read(load(), ReadOptions(target=("load",), timezone="Europe/Berlin", covariates=options))
    assert ahead_of(panel, 2) == [0, 1]


def shops() -> pd.DataFrame:
    """Two shops by week."""
    weeks = hours(60, "2022-01-07", "W-FRI", "%Y-%m-%d")
    shops = [pd.DataFrame({"shop": name, "week": weeks, "sales": k + np.arange(60.0)}) for k, name in enumerate("AB")]
    return pd.concat(shops).assign(price=5 + np.arange(120.0) % 7)


def test_values_are_joined_by_series() -> None:
    """By the id columns that the file has; rows of other series are noted; without ids they hold for all."""
    weeks = hours(3, "2023-03-03", "W-FRI", "%Y-%m-%d")
    future = pd.concat([pd.DataFrame({"shop": name, "week": weeks, "price": float(ord(name))}) for name in "BAC"])
    panel = panel_of(shops(), future, "sales")
    assert [ahead_of(panel, 3, k) for k in (0, 1)] == [[65.0] * 3, [66.0] * 3]
    assert NoteCode.FUTURE_SERIES in {note.code for note in panel.notes}
    panel = panel_of(shops(), future[future["shop"] == "A"].drop(columns="shop"), "sales")
    assert [ahead_of(panel, 3, k) for k in (0, 1)] == [[65.0] * 3] * 2


def test_a_column_of_the_file_alone_needs_its_past() -> None:
    """A file with history is read; one with values ahead alone is refused."""
    table = load()[["time", "load"]]
    sun = pd.DataFrame({"day": hours(12, "2024-03-01", "D", "%Y-%m-%d"), "sun": np.arange(12.0)})
    panel = panel_of(table, sun)
    assert ahead_of(panel, 1) == [10.0]
    with pytest.raises(DataError):
        panel_of(table, sun[10:])


def test_counted_rows_follow_the_data() -> None:
    """Without times, the rows continue."""
    table = pd.DataFrame({"load": np.arange(30.0), "temperature": np.arange(30.0) % 7})
    assert ahead_of(panel_of(table, pd.DataFrame({"temperature": [3.0, 4.0]})), 2) == [3, 4]


def test_categories_of_both_files() -> None:
    """A category that occurs ahead alone has a column of zeros in the past."""
    table = load().assign(sky=lambda table: np.where(table["load"] > 60, "clear", "fog"))
    future = pd.DataFrame({"time": hours(2, "2024-03-11"), "sky": ["snow", "fog"]})
    panel = panel_of(table, future)
    assert panel.covariates is not None
    assert panel.covariates.names == ("sky=clear", "sky=fog", "sky=snow")


def test_a_missing_file_and_a_wrong_column() -> None:
    """Both are refused."""
    with pytest.raises(FileError):
        panel_of(load(), Path("none.csv"))
    with pytest.raises(DataError, match=r"covariates\.known"):
        panel_of(load(), pd.DataFrame({"time": hours(2, "2024-03-11"), "temperature": 1.0}), known=("tmp",))
    with pytest.raises(DataError, match="time"):
        panel_of(load(), pd.DataFrame({"when": ["soon", "later"], "temperature": [1.0, 2.0]}))


def versions() -> pd.DataFrame:
    """Daily loads, and temperatures that were forecast 3, 2, 1 and 0 days before: the day, and a tenth for each."""
    days = pd.date_range("2024-01-01", periods=33, freq="D")
    rows = [
        (day.date(), 100.0 + k if k < 30 else np.nan, k + lead / 10, (day - pd.Timedelta(days=lead)).date())
        for k, day in enumerate(days)
        for lead in (3, 2, 1, 0)
        if k - lead < 30
    ]
    return pd.DataFrame(rows, columns=["day", "load", "temperature", "issued"])


def test_versions_are_those_of_the_origin() -> None:
    """The newest one that was known; no row is taken for a series, and each day has one target."""
    options = CovariateOptions(known=("temperature",), known_as_of="issued")
    panel = read(versions(), ReadOptions(target=("load",), covariates=options))
    assert panel.keys == ((),)
    assert panel.lengths.tolist() == [30]
    assert panel.covariates is not None
    assert horizon_ahead(panel) == 3
    np.testing.assert_allclose(ahead_of(panel, 4), [30.1, 31.2, 32.3, np.nan])
    origin = panel.starts + 10
    found = panel.covariates.at(np.array([0]), origin[:, None] + np.arange(-1, 5), origin)[0, :, 0]
    np.testing.assert_allclose(found, [9, 10, 11.1, 12.2, 13.3, np.nan])
