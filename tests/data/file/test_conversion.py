"""Parquet files and Excel workbooks, read as they would be read from CSV."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from lstmcast.data.file.conversion import parquet_to_csv
from lstmcast.data.load import read
from lstmcast.data.schema import NoteCode, ReadOptions
from lstmcast.errors import DataError, FaultCode, UsageError

MONTHS = [datetime(2019 + k // 12, k % 12 + 1, 1) for k in range(30)]
HOURS = [datetime(2024, 1, 1) + timedelta(hours=k) for k in range(30)]


def workbook(path: Path, **sheets: Sequence[Sequence[object]]) -> Path:
    """A workbook with these rows."""
    book = pytest.importorskip("openpyxl").Workbook()
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


def test_parquet_keeps_every_digit_as_text() -> None:
    """Floats come in their shortest exact form, nulls as empty fields, categories as their text."""
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    packed = io.BytesIO()
    names = pa.array(["a", None, "001"]).dictionary_encode()
    parquet.write_table(pa.table({"id": names, "y": [0.1, None, 1 / 3], "n": [2**60, 1, None]}), packed)
    rows = parquet_to_csv(packed.getvalue(), "f").decode().replace('"', "").splitlines()
    assert rows == ["id,y,n", f"a,0.1,{2**60}", ",,1", "001,0.3333333333333333,"]


def test_parquet_times_are_as_short_as_they_are_exact() -> None:
    """Days are written as dates, seconds without a fraction, and what is finer keeps it; a zone keeps its offset."""
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    def written(kind: object, *micros: int | None) -> list[str]:
        packed = io.BytesIO()
        parquet.write_table(pa.table({"t": pa.array(micros, pa.timestamp("us")).cast(kind)}), packed)
        return parquet_to_csv(packed.getvalue(), "f").decode().replace('"', "").splitlines()[1:]

    day, second = 86_400_000_000, 1_000_000
    assert written(pa.timestamp("ns"), 0, day, None) == ["1970-01-01", "1970-01-02", ""]
    assert written(pa.timestamp("us"), 0, second) == ["1970-01-01 00:00:00", "1970-01-01 00:00:01"]
    assert written(pa.timestamp("us"), 0, 1) == ["1970-01-01 00:00:00.000000", "1970-01-01 00:00:00.000001"]
    assert written(pa.timestamp("us", "UTC"), 0, day) == ["1970-01-01 00:00:00Z", "1970-01-02 00:00:00Z"]


def test_parquet_that_is_no_flat_table_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Garbage and nested columns are faults of the data; a missing pyarrow names the extra."""
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    packed = io.BytesIO()
    parquet.write_table(pa.table({"y": [[1, 2], [3]]}), packed)
    for data in (packed.getvalue(), b"PAR1 nothing", b"date,y"):
        with pytest.raises(DataError, match=r"^f: cannot be read as a flat Parquet table"):
            parquet_to_csv(data, "f")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(UsageError, match=r"lstmcast\[parquet\]"):
        parquet_to_csv(packed.getvalue(), "f")
