"""Tables on their side: columns named by times become rows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lstmcast.data.load import read
from lstmcast.data.panel import Panel
from lstmcast.data.schema import NoteCode, ReadOptions, SettingKey
from lstmcast.errors import DataError, Fault, FaultCode
from lstmcast.types import Floats

ENGLISH = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
GERMAN = [
    "Januar",
    "Februar",
    "März",
    "April",
    "Mai",
    "Juni",
    "Juli",
    "August",
    "September",
    "Oktober",
    "November",
    "Dezember",
]
DAYS = [str(day) for day in np.arange(np.datetime64("2024-01-01"), np.datetime64("2024-02-10"))]
MONTHS = [f"{year}-{month:02d}" for year in (2021, 2022, 2023) for month in range(1, 13)]


def values(rows: int, columns: int) -> Floats:
    """[rows, columns] numbers with one decimal, all different."""
    return np.arange(rows * columns).reshape(rows, columns) + 0.5


def written(ids: list[list[str]], names: list[str], times: list[str], cells: Floats) -> str:
    """A table with ids and one column a time."""
    rows = [[*keys, *map(str, row)] for keys, row in zip(ids, cells.tolist(), strict=True)]
    return "\n".join(",".join(row) for row in [[*names, *times], *rows]) + "\n"


def panel_of(folder: Path, text: str, **options: object) -> Panel:
    """Reads a file of this text."""
    path = folder / "d.csv"
    path.write_text(text, encoding="utf-8")
    return read(path, ReadOptions(**options))  # type: ignore[arg-type]


def fault_of(folder: Path, text: str, **options: object) -> Fault:
    """The only fault of a file."""
    with pytest.raises(DataError) as caught:
        panel_of(folder, text, **options)
    (fault,) = caught.value.faults
    return fault


def is_on_side(panel: Panel) -> bool:
    """True if the layout was inferred or given."""
    return SettingKey.LAYOUT in {setting.key for setting in panel.inferred}


@pytest.mark.parametrize(
    "times",
    [
        DAYS,
        MONTHS,
        [f"{month}/{day}/24" for month in (1, 2) for day in range(1, 29)],
        [f"{day[8:]}.{day[5:7]}.{day[:4]}" for day in DAYS],
        [f"X{month}.{day}.24" for month in (1, 2) for day in range(1, 29)],
        [str(year) for year in range(1990, 2020)],
        [str(year) for year in range(2019, 1989, -1)],
        [f"{year} [YR{year}]" for year in range(1990, 2020)],
        [f"Y{year}" for year in range(1990, 2020)],
        [f"{year}Q{quarter}" for year in range(2010, 2020) for quarter in range(1, 5)],
        [f"{month}-{year}" for year in (21, 22, 23) for month in ENGLISH],
        [f"{month} {year}" for year in (2021, 2022, 2023) for month in ENGLISH],
        [f"d_{day}" for day in range(1, 50)],
        [f"t{day}" for day in range(50)],
        [f"Week {week}" for week in range(1, 40)],
    ],
)
def test_whole_times_and_steps_are_recognized(tmp_path: Path, times: list[str]) -> None:
    """Each row is a series by its label; numbers that depend on the label are left out, with a note."""
    cells = values(2, len(times))
    text = written([["North", "A", "1.5"], ["South", "A", "2.5"]], ["region", "unit", "lat"], times, cells)
    panel = panel_of(tmp_path, text)
    assert is_on_side(panel)
    assert panel.columns.series == ("region",)
    assert panel.keys == (("North",), ("South",))
    backward = times[0] == "2019"
    np.testing.assert_array_equal(panel.values[panel.observed], (cells[:, ::-1] if backward else cells).ravel())
    assert NoteCode.UNUSED_COLUMNS in {note.code for note in panel.notes}


@pytest.mark.parametrize(
    ("names", "frequency"),
    [
        ([f"H{hour:02d}" for hour in range(1, 25)], "h"),
        ([f"HE{hour}" for hour in range(1, 25)], "h"),
        ([str(hour) for hour in range(24)], "h"),
        ([f"{hour:02d}:00" for hour in range(24)], "h"),
        ([f"{hour:02d}:00" for hour in range(1, 25)], "h"),
        ([f"{hour:02d}:00-{hour + 1:02d}:00" for hour in range(24)], "h"),
        ([f"{(hour - 1) % 12 + 1}:00 {'AM' if hour < 12 else 'PM'}" for hour in range(24)], "h"),
        ([f"{hour}h" for hour in range(24)], "h"),
        ([f"{hour:02d}:{minute:02d}" for hour in range(24) for minute in (0, 15, 30, 45)], "15min"),
        ([f"SP{half}" for half in range(1, 49)], "30min"),
    ],
)
def test_hours_in_a_row_for_each_day(tmp_path: Path, names: list[str], frequency: str) -> None:
    """The times join the day of the row and the hour of the column, which may name the end of the hour."""
    cells = values(40, len(names))
    panel = panel_of(tmp_path, written([[day] for day in DAYS], ["day"], names, cells))
    assert is_on_side(panel)
    assert (panel.columns.time, panel.calendar.name) == ("day", frequency)
    assert panel.calendar.text(panel.starts) == ["2024-01-01 00:00"]
    np.testing.assert_array_equal(panel.values, cells.ravel())


@pytest.mark.parametrize(
    ("names", "day"),
    [
        (["date"], lambda day: [day.replace("-", "")]),
        (["year", "month", "day"], lambda day: [str(int(part)) for part in day.split("-")]),
    ],
)
def test_days_of_rows_are_read_in_their_forms(
    tmp_path: Path, names: list[str], day: Callable[[str], list[str]]
) -> None:
    """A number of eight digits, or a column each for year, month and day."""
    cells = values(40, 24)
    text = written([day(name) for name in DAYS], names, [f"{hour:02d}" for hour in range(1, 25)], cells)
    panel = panel_of(tmp_path, text)
    assert (panel.columns.series, panel.calendar.name) == ((), "h")
    np.testing.assert_array_equal(panel.values, cells.ravel())


def test_rows_without_ids_are_counted(tmp_path: Path) -> None:
    """Each row is a series by its number."""
    panel = panel_of(tmp_path, written([[], []], [], MONTHS, values(2, 36)))
    assert (panel.columns.series, panel.keys) == (("row",), (("1",), ("2",)))


def test_a_25th_hour_is_left_out(tmp_path: Path) -> None:
    """The hour behind the end of a day, where clocks go back, has no local time of its own."""
    text = written([[day] for day in DAYS], ["day"], [f"H{hour}" for hour in range(1, 26)], values(40, 25))
    panel = panel_of(tmp_path, text)
    assert len(panel.values) == 40 * 24
    assert NoteCode.VALUES_OUTSIDE in {note.code for note in panel.notes}


@pytest.mark.parametrize(
    ("names", "row_name", "frequency"),
    [
        (ENGLISH, "Year", "MS"),
        (GERMAN, "Jahr", "MS"),
        ([str(month) for month in range(1, 13)], "year", "MS"),
        ([f"M{month:02d}" for month in range(1, 13)], "year", "MS"),
        (["Q1", "Q2", "Q3", "Q4"], "year", "QS-OCT"),
        ([f"W{week}" for week in range(1, 53)], "year", "W-MON"),
    ],
)
def test_parts_of_a_year_in_a_row_for_each_year(
    tmp_path: Path, names: list[str], row_name: str, frequency: str
) -> None:
    """Months, quarters and weeks; a column of totals is left out, with a note."""
    years = range(2009, 2015)  # no year of 53 weeks between two others
    cells = values(6, len(names) + 1)
    panel = panel_of(tmp_path, written([[str(year)] for year in years], [row_name], [*names, "Total"], cells))
    assert is_on_side(panel)
    assert (panel.columns.series, panel.calendar.name) == ((), frequency)
    np.testing.assert_array_equal(panel.values[panel.observed], cells[:, :-1].ravel())
    assert NoteCode.UNUSED_COLUMNS in {note.code for note in panel.notes}


def test_years_as_columns_and_months_as_rows(tmp_path: Path) -> None:
    """A matrix of months by years is read in the order of time."""
    cells = values(12, 6)
    text = written([[month] for month in ENGLISH], ["month"], [str(year) for year in range(2018, 2024)], cells)
    panel = panel_of(tmp_path, text)
    assert panel.calendar.name == "MS"
    np.testing.assert_array_equal(panel.values, cells.T.ravel())


def test_days_as_columns_and_hours_as_rows(tmp_path: Path) -> None:
    """A matrix of hours by days is read in the order of time."""
    cells = values(24, 40)
    panel = panel_of(tmp_path, written([[str(hour)] for hour in range(24)], ["hour"], DAYS, cells))
    assert panel.calendar.name == "h"
    np.testing.assert_array_equal(panel.values, cells.T.ravel())


def test_days_of_a_month_as_columns(tmp_path: Path) -> None:
    """Cells of days that a month does not have are left out."""
    months = [[str(year), str(month)] for year in (2022, 2023) for month in range(1, 13)]
    text = written(months, ["year", "month"], [str(day) for day in range(1, 32)], values(24, 31))
    panel = panel_of(tmp_path, text)
    assert (panel.calendar.name, len(panel.values)) == ("D", 730)


def test_weekdays_as_columns(tmp_path: Path) -> None:
    """Each row is a week from its Monday."""
    weeks = [[str(np.datetime64("2024-01-01") + 7 * week)] for week in range(20)]
    panel = panel_of(
        tmp_path, written(weeks, ["week"], ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"], values(20, 7))
    )
    assert (panel.calendar.name, len(panel.values)) == ("D", 140)


def test_flags_and_marks_of_eurostat(tmp_path: Path) -> None:
    r"""Ids in one field, `geo\TIME_PERIOD`, `:` for missing values and flags behind the values."""
    head = "freq,geo\\TIME_PERIOD\t" + "\t".join(f"{month} " for month in MONTHS)
    rows = [f"M,{geo}\t" + "\t".join(["1.5 ", ": ", ": c", "12.3 p", *["2.5 "] * 32]) for geo in ("DE", "FR")]
    panel = panel_of(tmp_path, "\n".join([head, *rows, ""]))
    assert panel.keys == (("DE",), ("FR",))
    np.testing.assert_array_equal(panel.series(0)[panel.observed_of(0)], [1.5, 12.3, *[2.5] * 32])


def test_rows_of_different_lengths(tmp_path: Path) -> None:
    """Empty cells after the end of a series, as in the files of M4, hold no values."""
    names = [f'"V{k}"' for k in range(1, 42)]
    rows = [f'"Y{k}",' + ",".join([str(v) for v in range(40 - 10 * k)] + [""] * (10 * k)) for k in range(3)]
    panel = panel_of(tmp_path, "\n".join([",".join(names), *rows, ""]))
    assert panel.columns.series == ("V1",)
    assert panel.lengths.tolist() == [40, 30, 20]


def test_the_name_of_the_values_is_kept(tmp_path: Path) -> None:
    """`Sales 2010, Sales 2011, …` hold sales; of two values the target decides."""
    sales, cost = ([f"{name} {year}" for year in range(2010, 2020)] for name in ("Sales", "Cost"))
    assert panel_of(tmp_path, written([["A"]], ["store"], sales, values(1, 10))).columns.target == ("Sales",)
    text = written([["A"], ["B"]], ["store"], [*sales, *cost], values(2, 20))
    fault = fault_of(tmp_path, text)
    assert fault.code is FaultCode.LAYOUT_UNCLEAR
    assert [fix.setting for fix in fault.fixes] == ["data.target=Sales", "data.target=Cost"]
    np.testing.assert_array_equal(panel_of(tmp_path, text, target=("Cost",)).series(0), values(2, 20)[0, 10:])


@pytest.mark.parametrize("names", [[f"x{k}" for k in range(1, 31)], [f"2023 P{k:02d}" for k in range(1, 13)]])
def test_columns_that_may_be_steps_are_refused(tmp_path: Path, names: list[str]) -> None:
    """Both settings read the file."""
    text = written([["ab"], ["cd"], ["ef"]], ["name"], names, values(3, len(names)))
    fault = fault_of(tmp_path, text)
    assert fault.code is FaultCode.LAYOUT_UNCLEAR
    assert [fix.setting for fix in fault.fixes] == ["data.layout=wide-times", "data.target=*"]
    assert panel_of(tmp_path, text, layout="wide-times").n_series == 3
    assert panel_of(tmp_path, text, target=("*",)).n_series == len(names)


@pytest.mark.parametrize(
    ("names", "times"),
    [
        (["day"], [f"sensor_{k}" for k in range(1, 11)]),
        (["day"], ["2019", "2020", "2021"]),
        (["day"], [f"GDP_2020{month:02d}01" for month in range(1, 13)]),
        (["day"], ["y"]),
    ],
)
def test_tables_with_a_column_of_times_stay(tmp_path: Path, names: list[str], times: list[str]) -> None:
    """Columns next to a column of times are series, independent of their names."""
    text = written([[day] for day in DAYS], names, times, values(40, len(times)))
    panel = panel_of(tmp_path, text, target=tuple(times))
    assert not is_on_side(panel)
    assert panel.columns.time == "day"
    assert not is_on_side(panel_of(tmp_path, text, target=("*",)))


@pytest.mark.parametrize("layout", ["long", "wide"])
def test_another_layout_can_be_given(tmp_path: Path, layout: str) -> None:
    """A pinned layout or target wins."""
    text = written([["A"], ["B"]], ["name"], MONTHS, values(2, 36))
    assert not is_on_side(panel_of(tmp_path, text, layout=layout, target=("2021-01",)))
    assert not is_on_side(panel_of(tmp_path, text, target=("2021-01",)))


def test_a_layout_without_times_is_refused(tmp_path: Path) -> None:
    """The message lists the columns."""
    assert fault_of(tmp_path, "a,b\nx,1\ny,2\n", layout="wide-times").text.endswith("(a, b)")


def test_options_of_training_read_the_next_file(tmp_path: Path) -> None:
    """The columns of the long table, pinned by a model, read another file on its side."""
    text = written([["A"], ["B"]], ["name"], MONTHS, values(2, 36))
    first = panel_of(tmp_path, text)
    columns = first.columns
    assert columns.time is not None
    again = panel_of(
        tmp_path, text, time=columns.time, target=columns.target, id_columns=columns.series, time_format="%Y-%m"
    )
    assert again.fingerprint() == first.fingerprint()


def test_a_frame_on_its_side() -> None:
    """A DataFrame is read as a file is; its columns may be named by times or years."""
    for names in (MONTHS, pd.date_range("2021-01-01", periods=36, freq="MS"), range(1990, 2026)):
        frame = pd.DataFrame(values(2, 36), columns=list(names))
        frame.insert(0, "name", ["A", "B"])
        assert read(frame).keys == (("A",), ("B",))


def test_lines_stay_physical(tmp_path: Path) -> None:
    """A fault names the line of the row."""
    text = written([["A"], ["B"]], ["name"], MONTHS, values(2, 36)).replace("37.5", "n/x")
    fault = fault_of(tmp_path, "Title\n\n" + text, layout="wide-times", skip=("2",))
    assert (fault.code, fault.line) == (FaultCode.NOT_A_NUMBER, 5)
