"""The whole way from a file to a panel."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from lstmcast.data.load import read
from lstmcast.data.panel import Panel
from lstmcast.data.schema import Columns, DataNote, NoteCode, ReadOptions
from lstmcast.errors import ConfigError, DataError, FaultCode, FileError


def panel_of(folder: Path, text: str, **options: object) -> Panel:
    """Writes the text to a file and reads it."""
    path = folder / "d.csv"
    path.write_text(text, encoding="utf-8")
    return read(path, ReadOptions(**options))  # type: ignore[arg-type]


def refused(folder: Path, text: str, **options: object) -> list[str]:
    """The faults of the refusal, with the folder taken off."""
    with pytest.raises(DataError) as caught:
        panel_of(folder, text, **options)
    return [str(fault).replace(f"{folder}/", "") for fault in caught.value.faults]


def monthly(count: int, start: int = 0) -> list[str]:
    """Months from January 2020 on."""
    return [f"{2020 + k // 12}-{k % 12 + 1:02d}" for k in range(start, start + count)]


def test_one_series_by_month(tmp_path: Path) -> None:
    """Two columns without any option: the values in order, on a monthly calendar, written as in the file."""
    rows = "\n".join(f"{month},{k}.5" for k, month in enumerate(monthly(30)))
    panel = panel_of(tmp_path, f"Month,Sales\n{rows}\n")
    assert panel.columns == Columns("Month", ("Sales",))
    assert panel.keys == ((),)
    assert panel.values.tolist() == [k + 0.5 for k in range(30)]
    assert panel.observed.all()
    assert (panel.calendar.label, panel.calendar.season) == ("monthly", 12)
    assert panel.calendar.text(panel.ends + 1) == ["2022-07"]
    assert {one.key for one in panel.inferred} >= {"time", "id_columns", "target", "frequency"}


def test_a_long_table_in_another_notation(tmp_path: Path) -> None:
    """Packed, with semicolons, decimal commas, day-first dates and text ids: every series keeps its own values."""
    days = [f"{day:02d}.01.2020" for day in range(1, 31)]
    rows = [f"{name};{day};{k},{n}" for n, name in enumerate(["001", "NA"]) for k, day in enumerate(days)]
    path = tmp_path / "d.csv.gz"
    path.write_bytes(gzip.compress("\r\n".join(["sku;Datum;Menge", *rows, ""]).encode()))
    panel = read(path)
    assert panel.columns == Columns("Datum", ("Menge",), ("sku",))
    assert panel.keys == (("001",), ("NA",))
    np.testing.assert_allclose(panel.series(0), np.arange(30), rtol=0, atol=0)
    np.testing.assert_allclose(panel.series(1), np.arange(30) + 0.1, rtol=1e-15)
    assert panel.calendar.text(panel.starts) == ["01.01.2020", "01.01.2020"]
    assert [note.code for note in panel.notes] == [NoteCode.DELIMITER, NoteCode.DECIMAL_COMMA]


def test_a_wide_table_is_a_panel(tmp_path: Path) -> None:
    """With `*` each numeric column is a series under its own name."""
    rows = "\n".join(f"{month},{k},{-k},x" for k, month in enumerate(monthly(24)))
    panel = panel_of(tmp_path, f"ds,north,south,note\n{rows}\n", target=("*",))
    assert panel.keys == (("north",), ("south",))
    assert panel.series(1).tolist() == [-k for k in range(24)]
    assert DataNote(NoteCode.UNUSED_COLUMNS, "columns not used: note") in panel.notes


def test_rows_without_times_are_counted(tmp_path: Path) -> None:
    """One column of numbers: positions count, a season may be pinned, a frequency contradicts."""
    text = "load\n" + "\n".join(map(str, range(20))) + "\n"
    panel = panel_of(tmp_path, text, season_length=7)
    assert panel.values.tolist() == list(range(20))
    assert (panel.calendar.kind, panel.calendar.season) == ("counter", 7)
    assert NoteCode.NO_TIME_COLUMN in {note.code for note in panel.notes}
    for key, value in (("frequency", "D"), ("time_format", "FY%Y Q%q"), ("timezone", "Europe/Berlin")):
        with pytest.raises(ConfigError, match=rf"data\.{key} requires a time column"):
            panel_of(tmp_path, text, **{key: value})


def test_years_that_run_into_the_next_are_no_months(tmp_path: Path) -> None:
    """A season written 2001-02 could be a month and is refused unless the frequency is given."""
    text = "year,y\n" + "".join(f"20{k:02d}-{k + 1:02d},{k}\n" for k in range(1, 12))
    with pytest.raises(DataError) as caught:
        panel_of(tmp_path, text)
    (fault,) = caught.value.faults
    assert (fault.code, fault.line, fault.column) == (FaultCode.SPLIT_YEARS, 2, "year")
    assert [fix.setting for fix in fault.fixes] == ["data.frequency=13MS"]
    assert panel_of(tmp_path, text, frequency="13MS").calendar.grid.step == 13


def test_a_grouping_point_brings_the_decimal_comma(tmp_path: Path) -> None:
    """A thousands separator `.` implies the decimal comma."""
    text = "d;y\n" + "".join(f"{month};1.{k:03d}.000,5\n" for k, month in enumerate(monthly(12)))
    assert panel_of(tmp_path, text, thousands=".").values.tolist() == [1_000_000.5 + 1000 * k for k in range(12)]


def test_faults_of_times_and_values_come_together(tmp_path: Path) -> None:
    """One pass reports the impossible date and the text in both targets."""
    rows = [f"{month}-01,{k},{k}" for k, month in enumerate(monthly(12))]
    rows[3], rows[5], rows[7] = "2020-04-31,3,3", "2020-06-01,x,5", "2020-08-01,7,y"
    faults = refused(tmp_path, "\n".join(["ds,a,b", *rows]), target=("a", "b"))
    assert [fault.split(":")[1] for fault in faults] == ["5", "7", "9"]
    assert "column 'ds'" in faults[0]
    assert "'x' (line 7)" in faults[1]
    assert "'y' (line 9)" in faults[2]


def test_options_apply_to_their_columns(tmp_path: Path) -> None:
    """Thousands, missing values, aggregate and the time format change the values as configured."""
    rows = [f'0{k}/0{j}/2020,"1,00{k}"' for j in (1, 2, 3) for k in range(1, 9)]
    text = "\n".join(["when,y", *rows, rows[-1]])
    options = {"thousands": ",", "frequency": "D", "missing": "zero", "aggregate": "sum", "time_format": "%d/%m/%Y"}
    panel = panel_of(tmp_path, text, **options)
    assert panel.calendar.text(panel.ends) == ["08/03/2020"]
    assert panel.values[:9].tolist() == [1001, 1002, 1003, 1004, 1005, 1006, 1007, 1008, 0]
    assert panel.values[-1] == 2016


def test_file_options_apply_to_the_reader(tmp_path: Path) -> None:
    """Encoding, delimiter and decimal sign, each of which would be guessed otherwise here or refused."""
    rows = "\n".join(f"{month}:1,{100 + k}:é" for k, month in enumerate(monthly(12)))
    path = tmp_path / "d.csv"
    path.write_bytes(f"Mois:Débit:z\n{rows}\n".encode("latin-1"))
    panel = read(path, ReadOptions(encoding="latin-1", delimiter=":", decimal=","))
    assert panel.columns == Columns("Mois", ("Débit",))
    assert panel.values.tolist() == [float(f"1.{100 + k}") for k in range(12)]


def test_a_timezone_resolves_the_repeated_hour_of_each_series(tmp_path: Path) -> None:
    """If clocks are set back, two hourly series both repeat the hour without a gap."""
    hours = [0, 1, 2, 2, 3, 4, 5, 6]
    rows = [f"{name},2021-10-31 {hour:02d}:00,{k}" for k, hour in enumerate(hours) for name in "ab"]
    panel = panel_of(tmp_path, "\n".join(["id,ds,y", *rows]), timezone="Europe/Berlin", id_columns=("id",))
    assert [panel.series(k).tolist() for k in range(2)] == [[0, 1, 2.5, 4, 5, 6, 7]] * 2
    assert panel.observed.all()
    assert panel.calendar.timezone == "Europe/Berlin"


def test_rounded_integers_are_said(tmp_path: Path) -> None:
    """An integer beyond 2^53 is read as the nearest float, with a note."""
    rows = "\n".join(f"{month},{2**53 + 1}" for month in monthly(12))
    assert NoteCode.ROUNDED_INTEGERS in {note.code for note in panel_of(tmp_path, f"ds,y\n{rows}\n").notes}


def test_a_missing_file_is_a_matter_of_the_file_system(tmp_path: Path) -> None:
    """The refusals of the file system come through unchanged."""
    with pytest.raises(FileError, match=r"gone\.csv"):
        read(tmp_path / "gone.csv")


def test_a_counting_time_column_is_kept(tmp_path: Path) -> None:
    """Long data whose `ds` are step numbers: each series by its own steps, a gap filled, the column's numbers go on."""
    rows = [f"{name},{10 * k},{k}" for name in "ab" for k in range(1, 31) if (name, k) != ("b", 15)]
    panel = panel_of(tmp_path, "\n".join(["unique_id,ds,y", *rows]))
    assert panel.columns == Columns("ds", ("y",), ("unique_id",))
    assert [panel.series(k).tolist() for k in range(2)] == [list(range(1, 31))] * 2
    assert panel.observed.tolist().index(False) == 30 + 14
    assert panel.calendar.text(panel.ends + 1) == ["310", "310"]


def test_series_without_times_are_counted_each_for_itself(tmp_path: Path) -> None:
    """A column that is named as an id and holds several rows for each parts the series; nothing is run together."""
    rows = [f"{k},{name}" for k in range(6) for name in "ab"]
    panel = panel_of(tmp_path, "\n".join(["y,shop", *rows]))
    assert panel.keys == (("a",), ("b",))
    assert panel.series(1).tolist() == list(range(6))
    assert panel.calendar.text(panel.ends) == ["6", "6"]
