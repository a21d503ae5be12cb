"""Excel workbooks, read as their sheets would be read from CSV."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from lstmcast.data.load import read
from lstmcast.data.schema import NoteCode, ReadOptions
from lstmcast.errors import DataError, FaultCode, UsageError

openpyxl = pytest.importorskip("openpyxl")
MONTHS = [datetime(2019 + k // 12, k % 12 + 1, 1) for k in range(30)]
HOURS = [datetime(2024, 1, 1) + timedelta(hours=k) for k in range(30)]


def workbook(path: Path, **sheets: Sequence[Sequence[object]]) -> Path:
    """A workbook with these rows."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(list(row))
    book.save(path)
    return path


def rows(moments: Sequence[object]) -> list[list[object]]:
    """A header, and values with and without decimals."""
    return [["Month", "Sales"], *([moment, 100 + k % 7 + 0.5 * (k % 2)] for k, moment in enumerate(moments))]


@pytest.mark.parametrize(
    ("moments", "first"),
    [
        (MONTHS, "2019-01-01"),
        ([date(2019, 1, k + 1) for k in range(30)], "2019-01-01"),
        (HOURS, "2024-01-01 00:00:00"),
        ([f"{m:%b %Y}" for m in MONTHS], "Jan 2019"),
        ([43466 + k for k in range(30)], "43466"),
    ],
)
def test_dates_and_texts(tmp_path: Path, moments: list[object], first: str) -> None:
    """Dates, times, texts and numbers of days are read as in CSV."""
    table = rows(moments)
    table[0][0] = "Date"
    panel = read(workbook(tmp_path / "d.xlsx", Data=table))
    assert panel.calendar.text(panel.starts)[0] == first
    assert panel.values[:4].tolist() == [100, 101.5, 102, 103.5]
    assert panel.lengths.tolist() == [30]


def test_the_sheet(tmp_path: Path) -> None:
    """The first sheet that is not empty, or the one named or numbered; lines are the rows of the sheet."""
    other = [["Date", "y"], *([m, 5.0] for m in MONTHS[:9]), [MONTHS[9], "n.a.?"]]
    path = workbook(tmp_path / "d.xlsx", Empty=[], Data=rows(MONTHS), Other=other)
    panel = read(path)
    assert panel.columns.target == ("Sales",)
    assert "'Data'" in next(note.text for note in panel.notes if note.code == NoteCode.SHEET)
    for sheet in ("Other", "3"):
        with pytest.raises(DataError) as caught:
            read(path, ReadOptions(sheet=sheet))
        assert caught.value.faults[0].line == 11
    with pytest.raises(DataError) as caught:
        read(path, ReadOptions(sheet="Sales"))
    fault = caught.value.faults[0]
    assert fault.code == FaultCode.NO_SHEET
    assert [fix.setting for fix in fault.fixes] == ["data.sheet=1", "data.sheet=2", "data.sheet=3"]


def test_a_title_and_an_empty_column(tmp_path: Path) -> None:
    """A title above the table, and an empty column before it, are no part of it."""
    shifted = [["Report 7"], [], *([None, *row] for row in rows(MONTHS))]
    shifted[0] = [None, "Report of sales"]
    panel = read(workbook(tmp_path / "d.xlsx", Data=shifted))
    assert panel.lengths.tolist() == [30]
    assert panel.columns.time == "Month"


def test_faults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A damaged file, an empty workbook, and a missing package."""
    (tmp_path / "bad.xlsx").write_bytes(b"PK\x03\x04 no workbook")
    with pytest.raises(DataError, match="cannot be read"):
        read(tmp_path / "bad.xlsx")
    with pytest.raises(DataError, match="empty"):
        read(workbook(tmp_path / "none.xlsx", A=[]))
    path = workbook(tmp_path / "d.xlsx", Data=rows(MONTHS))
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(UsageError, match=r"pip install 'lstmcast\[excel\]'"):
        read(path)
