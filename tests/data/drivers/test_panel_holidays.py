"""Holidays of panels that are read from files."""

from __future__ import annotations

import sys
from datetime import date, timedelta
from pathlib import Path

import pytest

from lstmcast.data.drivers.holidays import YEARS_AHEAD
from lstmcast.data.drivers.options import CovariateOptions
from lstmcast.data.load import read
from lstmcast.data.panel import Panel
from lstmcast.data.schema import NoteCode, ReadOptions, SettingKey
from lstmcast.errors import ConfigError, DataError, FaultCode


def write(path: Path, first: date, n: int, step: int = 1) -> Path:
    """A file of n values, `step` days apart."""
    rows = [f"{first + timedelta(days=step * k)},{100 + k % 7 * 10 + k % 3}" for k in range(n)]
    path.write_text("\n".join(["date,sales", *rows]) + "\n")
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Three years of days."""
    return write(tmp_path / "sales.csv", date(2021, 1, 1), 3 * 365)


def load(file: Path, *codes: str, **options: object) -> Panel:
    """Panel with the holidays of codes."""
    return read(file, ReadOptions(covariates=CovariateOptions(holidays=codes, **options)))  # type: ignore[arg-type]


def test_holidays_of_the_data_and_the_next_years(file: Path) -> None:
    """They are found, printed with their number and names, and part of the fingerprint."""
    panel = load(file, "DE-BY")
    (setting,) = [setting for setting in panel.inferred if setting.key is SettingKey.HOLIDAYS]
    assert setting.value == "DE-BY"
    assert "12 holidays a year" in setting.reason
    assert "Epiphany" in setting.reason
    assert panel.holidays is not None
    assert panel.holidays.last_date == date(2024 + YEARS_AHEAD, 12, 31)
    plain = load(file)
    assert plain.holidays is None
    assert panel.fingerprint() != plain.fingerprint()
    assert panel.fingerprint() != load(file, "DE-BE").fingerprint()


def test_a_model_needs_no_library(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its holidays are enough; a note names their end where data reach beyond it."""
    known = load(file, "DE-BY").holidays
    monkeypatch.setitem(sys.modules, "holidays", None)
    panel = load(file, "DE-BY", dates=known)
    assert panel.holidays == known
    later = write(file.parent / "later.csv", date(2030, 1, 1), 100)
    panel = load(later, "DE-BY", dates=known)
    assert panel.holidays == known
    assert NoteCode.HOLIDAYS_END in {note.code for note in panel.notes}


@pytest.mark.parametrize(("ending", "noted"), [("Z", True), ("", False)])
def test_holidays_of_hours_in_utc_are_noted(tmp_path: Path, ending: str, noted: bool) -> None:
    """The note names the local zone; with it, there is none."""
    path = tmp_path / "hours.csv"
    hours = [f"2024-01-{1 + k // 24:02d}T{k % 24:02d}:00{ending},{k % 24 + k % 5}" for k in range(24 * 14)]
    path.write_text("\n".join(["time,load", *hours]) + "\n")
    notes = {note.code: note.text for note in load(path, "AU-VIC").notes}
    assert (NoteCode.HOLIDAYS_IN_UTC in notes) == noted
    if noted:
        assert "data.timezone=Australia/Melbourne" in notes[NoteCode.HOLIDAYS_IN_UTC]
        options = ReadOptions(timezone="Australia/Melbourne", covariates=CovariateOptions(holidays=("AU-VIC",)))
        assert NoteCode.HOLIDAYS_IN_UTC not in {note.code for note in read(path, options).notes}


def test_later_years_are_loaded_for_a_model(file: Path) -> None:
    """With the library, the holidays of a model are extended."""
    known = load(file, "DE-BY").holidays
    panel = load(write(file.parent / "later.csv", date(2030, 1, 1), 100), "DE-BY", dates=known)
    assert panel.holidays is not None
    assert panel.holidays.last_date.year > 2030
    assert NoteCode.HOLIDAYS_END not in {note.code for note in panel.notes}


def test_a_model_has_the_events_of_its_file_as_they_are_now(file: Path) -> None:
    """New ones are added and old ones are corrected; without the file, those of training are used."""
    events = file.parent / "events.csv"
    events.write_text("date,name\n2022-07-01,Fair\n2023-07-02,Fair\n")
    known = load(file, "DE-BY", str(events)).holidays
    assert known is not None
    events.write_text("date,name\n2022-07-01,Fair\n2023-07-03,Fair\n2024-07-01,Fair\n")
    newer = load(file, "DE-BY", str(events), dates=known).holidays
    assert newer == load(file, "DE-BY", str(events)).holidays != known
    events.unlink()
    panel = load(file, "DE-BY", str(events), dates=known)
    assert panel.holidays == known
    assert NoteCode.EVENTS_OF_MODEL in {note.code for note in panel.notes}


@pytest.mark.parametrize("code", ["Germany", "DE-BAY", "DE:x"])
def test_codes_are_checked_before_the_file_is_read(code: str, tmp_path: Path) -> None:
    """An unknown code is refused although the file is missing."""
    with pytest.raises(ConfigError):
        load(tmp_path / "missing.csv", code)


def test_events_are_checked_before_the_file_is_read(tmp_path: Path) -> None:
    """A bad file of events is refused although the data are missing."""
    events = tmp_path / "events.csv"
    events.write_text("date,name\n2024-13-01,Final\n")
    with pytest.raises(DataError):
        load(tmp_path / "missing.csv", str(events))


def test_counted_rows_have_no_holidays(tmp_path: Path) -> None:
    """Rows without times are refused."""
    file = tmp_path / "values.csv"
    file.write_text("sales\n" + "\n".join(map(str, range(30))) + "\n")
    with pytest.raises(ConfigError) as caught:
        load(file, "DE")
    assert caught.value.faults[0].code is FaultCode.NO_DATES
