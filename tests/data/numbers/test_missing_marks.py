"""Marks of missing values."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lstmcast.data.load import read
from lstmcast.data.numbers.missing_marks import refuse_marks
from lstmcast.data.panel import Panel
from lstmcast.data.schema import NoteCode, ReadOptions
from lstmcast.errors import DataError, Fault, FaultCode
from lstmcast.types import Floats

RNG = np.random.default_rng(5)
TEMPERATURES = np.round(15 + 5 * np.sin(np.arange(200) / 30) + RNG.normal(size=200), 1)
COUNTS = RNG.poisson(3, 200).astype(float)


def found(values: Floats, *marks: str, groups: int = 1) -> Fault | None:
    """The fault of a column of series of equal length."""
    ids = np.repeat(np.arange(groups), len(values) // groups)
    try:
        refuse_marks(values, ids, np.arange(2, len(values) + 2), column="y", source="d.csv", marks=marks)
    except DataError as err:
        return err.faults[0]
    return None


@pytest.mark.parametrize("mark", [-9999, -999, -99.99, -99, 999, 9999, 99999, 1e20, -32768, 99.99, -1, -200])
def test_typical_marks_far_outside_are_refused(mark: float) -> None:
    """A mark that repeats is refused with its first line; both settings are offered."""
    values = TEMPERATURES.copy() + 500 * (mark == -1)
    values[[5, 50, 51, 120]] = mark
    fault = found(values)
    assert fault is not None
    assert (fault.code, fault.line, fault.column) == (FaultCode.MARK_UNCLEAR, 7, "y")
    assert [fix.setting for fix in fault.fixes] == [f"data.missing_marks={mark:.15g}", "data.missing_marks=none"]
    assert found(values, "none") is None


@pytest.mark.parametrize(("count", "least"), [(2, 0), (5, -3)])
def test_hundreds_are_marks_only_if_they_repeat_below_zero(count: int, least: float) -> None:
    """Two values of -200, or others below 0, may be returns."""
    values = TEMPERATURES.copy()
    values[:count], values[100] = -200, least
    assert found(values) is None


def test_two_marks_are_named_together() -> None:
    """One setting reads both; marks already given are kept in it."""
    values = TEMPERATURES.copy()
    values[[5, 50]], values[[7, 70]] = -9999, -8888
    fault = found(values)
    assert fault is not None
    assert fault.fixes[0].setting == "data.missing_marks=[-9999, -8888]"
    fault = found(np.where(values == -8888, np.nan, values), "-8888")
    assert fault is not None
    assert fault.fixes[0].setting == "data.missing_marks=[-8888, -9999]"


@pytest.mark.parametrize(
    "values",
    [
        np.arange(9900, 10100).astype(float),  # a counter
        np.minimum(np.arange(9800, 10000), 9999).astype(float),  # a counter that stays at its limit
        np.r_[COUNTS, 99, 99, 99],  # pieces
        RNG.choice([899.0, 999.0, 1049.0, 1099.0], 200),  # prices
        np.r_[np.zeros(100), np.full(100, 9999.0)],  # two levels
        np.full(50, 999.0),
        np.r_[TEMPERATURES, 9999],  # once, and positive
        np.r_[COUNTS * 5000, 9999, 9999],
        TEMPERATURES * 1e20,
        RNG.normal(-9999, 5, 200),
    ],
)
def test_genuine_values_are_kept(values: Floats) -> None:
    """Values within the range of the others, or that do not repeat, are values."""
    assert found(values) is None


def test_series_are_evidence_of_by_themselves() -> None:
    """A price of 999 in one series is no mark for the cheap ones; a mark within large values is none."""
    cheap = np.round(RNG.uniform(5, 9, 100), 2)
    assert found(np.r_[cheap, np.full(100, 999.0)], groups=2) is None
    marked = np.where(np.arange(100) % 20 == 3, 9999, cheap)
    assert found(np.r_[marked, cheap * 1e4], groups=2) is not None
    assert found(np.r_[marked, np.full(100, 9999)], groups=2) is not None  # a series without any value
    assert found(np.r_[cheap, np.where(np.arange(100) == 3, -9999, 0)], groups=2) is not None


def panel_of(folder: Path, fields: list[str], *marks: str) -> Panel:
    """Reads a daily file of these fields."""
    path = folder / "d.csv"
    days = np.arange(np.datetime64("2024-01-01"), np.datetime64("2024-01-01") + len(fields))
    rows = [f"unknown,{day},{field}" for day, field in zip(days, fields, strict=True)]
    path.write_text("\n".join(["place,ds,y", *rows, ""]))
    return read(path, ReadOptions(missing_marks=marks, target=("y",)))


@pytest.mark.parametrize(
    ("mark", "setting"), [("-9999.0", "-9999"), ("<1", "<1"), ("<1", "none"), ("-9999", "-9999.00")]
)
def test_marks_are_read_as_missing(tmp_path: Path, mark: str, setting: str) -> None:
    """Numbers are compared by value and texts without case; a note counts them."""
    fields = [f"{value:.1f}" for value in TEMPERATURES]
    fields[7] = fields[77] = mark
    if setting == "none":
        with pytest.raises(DataError):
            panel_of(tmp_path, fields, setting)
        return
    panel = panel_of(tmp_path, fields, setting)
    assert np.flatnonzero(~panel.observed).tolist() == [7, 77]
    assert NoteCode.MISSING_MARKS in {note.code for note in panel.notes}


@pytest.mark.parametrize(("mark", "every", "refused"), [("offline", 5, False), ("<1", 5, True), ("offline", 1.7, True)])
def test_marked_values_may_be_more_than_a_tenth(tmp_path: Path, mark: str, every: float, refused: bool) -> None:
    """Values that the user calls missing are filled up to a half; those below a limit are not between neighbors."""
    days = np.arange("2023-01-01", "2023-05-01", dtype="datetime64[D]")
    marked = {int(every * k) + 1 for k in range(200)}
    rows = [f"{day},{mark if k in marked else 10.5 + k % 7}" for k, day in enumerate(days)]
    path = tmp_path / "d.csv"
    path.write_text("\n".join(["date,y", *rows]) + "\n")
    options = ReadOptions(missing_marks=(mark,))
    if not refused:
        panel = read(path, options)
        assert np.count_nonzero(~panel.observed) > 0.15 * len(panel.values)
        return
    with pytest.raises(DataError) as caught:
        read(path, options)
    assert caught.value.faults[0].code is FaultCode.MANY_GAPS


def test_an_id_that_reads_like_a_mark_stays(tmp_path: Path) -> None:
    """Marks apply to columns of numbers only."""
    panel = panel_of(tmp_path, [f"{value:.1f}" for value in TEMPERATURES], "unknown")
    assert panel.observed.all()
    assert NoteCode.MISSING_MARKS not in {note.code for note in panel.notes}


def test_one_setting_reads_the_marks_of_all_columns(tmp_path: Path) -> None:
    """The fix of each column names the marks of all, and those already given."""
    rows = [f"2024-01-{day:02d},{day},{day},{day}" for day in range(1, 29)]
    rows[3], rows[5] = "2024-01-04,off,<1,<5", "2024-01-06,1,<1,<5"
    path = tmp_path / "d.csv"
    path.write_text("\n".join(["ds,a,b,c", *rows, ""]))
    with pytest.raises(DataError) as caught:
        read(path, ReadOptions(missing_marks=("<5",), target=("*",)))
    settings = {fix.setting for fault in caught.value.faults for fix in fault.fixes}
    assert settings == {'data.missing_marks=["<5", off, "<1"]'}
    assert read(path, ReadOptions(missing_marks=("<5", "off", "<1"), target=("*",))).n_series == 3
