"""Files without a line of column names: refused with a setting that reads them, by commas and by blanks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lstmcast.data.file.csv_layout import join_blanks
from lstmcast.data.file.csv_reader import read_table
from lstmcast.data.file.header import column_names
from lstmcast.data.load import ReadOptions, read
from lstmcast.data.panel import Panel
from lstmcast.data.schema import NoteCode
from lstmcast.errors import DataError, FaultCode

DAYS = np.arange("2023-01-01", "2023-04-01", dtype="datetime64[D]")
MONTHS = np.arange("2010-01", "2020-01", dtype="datetime64[M]")
HOURS = np.arange("2024-01-01T00", "2024-01-15T00", dtype="datetime64[h]").astype("datetime64[s]").tolist()
MATRIX = [f"{year} " + " ".join(f"{year / 100 + month:8.2f}" for month in range(12)) for year in range(1990, 2010)]


def panel_after_fix(folder: Path, lines: list[str], *, joined: bool = True, **given: object) -> Panel:
    """Write lines, see that the first line is refused, and read them with the fix."""
    path = folder / "d.txt"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    with pytest.raises(DataError) as caught:
        read(path, ReadOptions(**given))  # type: ignore[arg-type]
    (fault,) = caught.value.faults
    assert (fault.code, [fix.setting for fix in fault.fixes]) == (FaultCode.NO_HEADER, ["data.header=none"])
    panel = read(path, ReadOptions(header="none", **given))  # type: ignore[arg-type]
    assert joined == any(note.code is NoteCode.ALIGNED for note in panel.notes)
    return panel


@pytest.mark.parametrize(("sign", "joined"), [(",", False), (";", False), ("\t", False), ("   ", True), (" ", True)])
def test_dates_and_values(tmp_path: Path, sign: str, joined: bool) -> None:
    """The first line is a row; columns are numbered."""
    panel = panel_after_fix(tmp_path, [f"{day}{sign}{k}.5" for k, day in enumerate(DAYS)], joined=joined)
    assert (panel.columns.time, panel.columns.target, len(panel.values)) == ("column_1", ("column_2",), len(DAYS))
    assert panel.values[0] == 0.5


def test_years_and_months(tmp_path: Path) -> None:
    """Numbers that are the parts of a time are named so."""
    rows = [f"{month.item().year}  {month.item().month:2d}  {k}.25" for k, month in enumerate(MONTHS)]
    panel = panel_after_fix(tmp_path, rows)
    assert (panel.columns.time, panel.calendar.name) == ("year + month", "MS")


def test_year_to_hour(tmp_path: Path) -> None:
    """A year, a month, a day and an hour before the value."""
    rows = [f"{t:%Y %m %d %H} {k}.25" for k, t in enumerate(HOURS)]
    panel = panel_after_fix(tmp_path, rows)
    assert (panel.columns.time, panel.calendar.name) == ("year + month + day + hour", "h")


def test_days_and_hours(tmp_path: Path) -> None:
    """A column of the hours of a day, after one of days, is no series."""
    rows = [f"{t:%Y-%m-%d},{t.hour},{k}.25,,{k}" for k, t in enumerate(HOURS)]
    panel = panel_after_fix(tmp_path, rows, joined=False, target=("column_3",))
    assert (panel.columns.time, panel.calendar.name, panel.n_series) == ("date + hour", "h", 1)


def test_years_and_names_of_months(tmp_path: Path) -> None:
    """Names of months after a year are its months, with names of columns or without."""
    names = "Januar Februar März April Mai Juni Juli August September Oktober November Dezember".split()  # noqa: SIM905
    rows = [f"{m.item().year};{names[m.item().month - 1]};{k},25" for k, m in enumerate(MONTHS)]
    panel = panel_after_fix(tmp_path, rows, joined=False, delimiter=";")
    assert (panel.columns.time, panel.calendar.name) == ("year + month", "MS")
    path = tmp_path / "named.csv"
    path.write_text("\n".join(["Jahr;x;y", *rows]) + "\n", encoding="utf-8")
    assert read(path).columns.time == "Jahr + x"


def test_first_row_with_empty_fields(tmp_path: Path) -> None:
    """A first line of values and empty fields is no header either."""
    panel = panel_after_fix(tmp_path, [f"{day},{k}.5,,350,," for k, day in enumerate(DAYS)], joined=False)
    assert panel.columns.target == ("column_2",)


def test_a_faulty_header_is_left_out(tmp_path: Path) -> None:
    """Columns of a header with a blank or doubled name are numbered."""
    for head in ("day,y,,z", "day,y,y,z"):
        path = tmp_path / "d.csv"
        path.write_text("\n".join([head, *(f"{day},{k},a,b" for k, day in enumerate(DAYS))]) + "\n")
        with pytest.raises(DataError) as caught:
            read(path)
        assert [fix.setting for fix in caught.value.faults[-1].fixes] == ["data.header=none"]
        assert len(read(path, ReadOptions(header="none")).values) == len(DAYS)


def test_a_year_and_its_months(tmp_path: Path) -> None:
    """Twelve columns after a year are its months."""
    panel = panel_after_fix(tmp_path, MATRIX)
    assert (panel.calendar.name, len(panel.values)) == ("MS", 240)
    assert panel.values[:2].tolist() == [19.9, 20.9]


def test_lines_around_the_rows(tmp_path: Path) -> None:
    """The years above the rows are refused as a header; the mark of missing values below them as a row."""
    path = tmp_path / "index.data"
    path.write_text("\n".join([" 1990 2009", *MATRIX, "  -99.99", "  an index", "  of a center"]) + "\n")
    with pytest.raises(DataError) as caught:
        read(path)
    assert [fix.setting for fix in caught.value.faults[0].fixes] == ["data.header=none"]
    with pytest.raises(DataError) as caught:
        read(path, ReadOptions(header="none"))
    assert [fix.setting for fix in caught.value.faults[0].fixes] == ["data.skip=1,22-24"]
    assert len(read(path, ReadOptions(header="none", skip=("1", "22-24"))).values) == 240


def test_commented_names_and_units(tmp_path: Path) -> None:
    """Names in a comment, with units in the next one, as of buoys."""
    path = tmp_path / "buoy.txt"
    head = ["#YY  MM DD hh mm WSPD  PRES", "#yr  mo dy hr mn m/s   hPa"]
    path.write_text("\n".join([*head, *(f"{t:%Y %m %d %H %M} {k}.5  {900 + k}.1" for k, t in enumerate(HOURS))]) + "\n")
    panel = read(path, ReadOptions(target=("WSPD",)))
    assert (panel.columns.time, panel.calendar.name) == ("YY + MM + DD + hh", "h")
    assert any(note.code is NoteCode.LINES_SKIPPED and "line 2" in note.text for note in panel.notes)


def test_line_numbers(tmp_path: Path) -> None:
    """The first row is on line 1; a blank line is counted."""
    path = tmp_path / "d.csv"
    path.write_text("1.5\n\n2.5\n3.5\n")
    table = read_table(path, header="none")
    assert table.lines.tolist() == [1, 3, 4]
    assert sum(note.code is NoteCode.BLANK_LINES for note in table.notes) == 1


@pytest.mark.parametrize(
    "text",
    [
        "value\n" + "\n".join(f"{k} 250" for k in range(1, 9)) + "\n",  # 1 250 is a number
        "a title of words\n" + "\n".join(f"1 {k}00 000" for k in range(1, 9)) + "\n",
    ],
)
def test_groups_of_thousands_are_one_number(text: str) -> None:
    """Blanks in a number are no columns."""
    assert join_blanks(text.encode(), None) == text.encode()


@pytest.mark.parametrize(
    ("rows", "names"),
    [
        (["1999,1,5.5", "1999,2,5.5"], ["year", "month", "column_3"]),
        (["1999,3,5", "1999,1,5", "1999,2,5"], ["column_1", "column_2", "column_3"]),  # in no order
        (["1999,3", "2000,1", "2001,7"], ["column_1", "column_2"]),  # the years suffice
        ([f"{y},{m},{m}" for y in (2001, 2002) for m in range(1, 13)], ["year", "month", "column_3"]),
        (["x,1", "y,2"], ["column_1", "column_2"]),
    ],
)
def test_names(rows: list[str], names: list[str]) -> None:
    """Parts of a date are named by their values, which must be in order."""
    assert column_names(("\n".join(rows) + "\n").encode(), ",", len(names)) == names
