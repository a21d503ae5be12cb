"""Times whose parts are in several columns, and files without readable times."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lstmcast.data.load import read
from lstmcast.data.panel import Panel
from lstmcast.data.schema import NoteCode, ReadOptions, SettingKey
from lstmcast.errors import DataError, FaultCode

EPOCH = datetime(1970, 1, 1)
MONTHS = [datetime(2019 + k // 12, k % 12 + 1, 1) for k in range(48)]
DAYS = [datetime(2022, 11, 1) + timedelta(days=k) for k in range(200)]
WEEKS = [datetime(2020, 1, 6) + timedelta(weeks=k) for k in range(100)]
HOURS = [datetime(2024, 2, 27) + timedelta(hours=k) for k in range(120)]
HALVES = [datetime(2024, 2, 27) + timedelta(minutes=30 * k) for k in range(240)]
MONTH_NAMES = "janvier février mars avril mai juin juillet août septembre octobre novembre décembre".split()  # noqa: SIM905


def frame(columns: dict[str, list[str]]) -> pd.DataFrame:
    """A table with the columns and a value."""
    n = len(next(iter(columns.values())))
    return pd.DataFrame({**columns, "load": [f"{100 + k * 7 % 13}.5" for k in range(n)]})


def check(columns: dict[str, Sequence[object]], moments: Sequence[datetime], used: int | None = None) -> Panel:
    """Check that the first columns are read as one time, and written back."""
    texts = {name: [str(value) for value in values] for name, values in columns.items()}
    panel = read(frame(texts))
    positions = panel.starts[0] + np.arange(panel.lengths[0])
    expected = [(moment - EPOCH) // timedelta(microseconds=1) for moment in moments]
    assert panel.calendar.stamps(positions).tolist() == expected
    parts = dict(list(texts.items())[:used])
    assert panel.columns.time == " + ".join(parts)
    assert panel.calendar.named_texts(panel.columns.time, positions) == parts
    return panel


def test_parts_of_a_year() -> None:
    """A year with the name or number of a month, a quarter, a week or a day."""
    years = [m.year for m in MONTHS]
    check({"Year": years, "Month": [f"{m:%b}" for m in MONTHS]}, MONTHS)
    check({"année": years, "mois": [MONTH_NAMES[m.month - 1] for m in MONTHS]}, MONTHS)
    check({"Jahr": years, "Monat": [m.month for m in MONTHS]}, MONTHS)
    check({"YYYY": years, "MM": [f"{m.month:02d}" for m in MONTHS]}, MONTHS)
    quarters = MONTHS[::3]
    for style in ("{}", "Q{}", "T{}", "Q0{}"):
        texts = [style.format(m.month // 3 + 1) for m in quarters]
        check({"year": years[::3], "quarter": texts}, quarters)
    iso = [m.isocalendar() for m in WEEKS]
    check({"year": [y for y, _, _ in iso], "week": [w for _, w, _ in iso]}, WEEKS)
    check({"Jahr": [y for y, _, _ in iso], "KW": [f"KW{w:02d}" for _, w, _ in iso]}, WEEKS)
    check({"year": [m.year for m in DAYS], "doy": [f"{m:%j}" for m in DAYS]}, DAYS)
    check({"year": [m.year for m in DAYS], "month": [m.month for m in DAYS], "day": [m.day for m in DAYS]}, DAYS)


def test_a_day_and_an_hour() -> None:
    """A date with hours 0 to 23, hours ending 1 to 24, 24:00, half hours 1 to 48, or a clock."""
    dates = [f"{m:%Y-%m-%d}" for m in HOURS]
    check({"date": dates, "hour": [m.hour for m in HOURS]}, HOURS)
    check({"Date": dates, "HE": [m.hour + 1 for m in HOURS]}, HOURS)
    check({"fecha": [f"{m:%d/%m/%Y}" for m in HOURS], "hora": [f"{m.hour + 1:02d}" for m in HOURS]}, HOURS)
    check({"Date": dates, "Hour": [f"H{m.hour + 1}" for m in HOURS]}, HOURS)
    check({"Datum": [f"{m:%d.%m.%Y}" for m in HOURS], "Uhrzeit": [f"{m:%H:%M}" for m in HOURS]}, HOURS)
    check({"Date": [f"{m:%m/%d/%Y}" for m in HOURS], "Time": [f"{m:%I:%M %p}" for m in HOURS]}, HOURS)
    check({"Date": [f"{m:%d/%m/%Y}" for m in HOURS], "Time": [f"{m:%H.%M.%S}" for m in HOURS]}, HOURS)
    ends = [m + timedelta(hours=1) for m in HOURS]
    check({"Date": dates, "Hour Ending": [f"{m.hour or 24:02d}:00" for m in ends]}, ends)
    half_dates = [f"{m:%d-%b-%Y}" for m in HALVES]
    check({"SETTLEMENT_DATE": half_dates, "SETTLEMENT_PERIOD": [k % 48 + 1 for k in range(240)]}, HALVES)
    days = [datetime(2024, 2, 20) + timedelta(hours=k) for k in range(120)]
    check({"year": [m.year for m in days], "month": [m.month for m in days], "day": [m.day for m in days],
           "hour": [m.hour for m in days]}, days)  # fmt: skip


def test_annual_averages_are_left_out_and_counted() -> None:
    """M13, Q05 and S03 are no steps."""
    for prefix, count in (("M", 13), ("Q0", 5), ("S0", 3)):
        numbers = [k % count + 1 for k in range(6 * count)]
        texts = [f"{prefix}{number:02d}" if prefix == "M" else f"{prefix}{number}" for number in numbers]
        panel = read(frame({"year": [str(2015 + k // count) for k in range(6 * count)], "period": texts}))
        assert panel.lengths.tolist() == [6 * (count - 1)]
        note = next(note for note in panel.notes if note.code == NoteCode.ANNUAL_ROWS)
        assert note.text.startswith("6 rows")


def test_parts_of_several_series() -> None:
    """The id column is found in addition to the parts."""
    texts = {"store": ["A"] * 48 + ["B"] * 48, "year": [str(m.year) for m in MONTHS] * 2}
    panel = read(frame({**texts, "month": [str(m.month) for m in MONTHS] * 2}))
    assert (panel.columns.time, panel.columns.series, panel.n_series) == ("year + month", ("store",), 2)


def test_pinned_parts() -> None:
    """A list of columns pins the parts, in their order; a trained model pins the joined name and format."""
    columns = {"Berichtsmonat": [str(m.month) for m in MONTHS], "y2": [str(m.year) for m in MONTHS]}
    section = {"target": "load", "time": ["y2", "Berichtsmonat"]}
    panel = read(frame(columns), ReadOptions.of(section))
    assert panel.columns.time == "y2 + Berichtsmonat"
    reasons = {setting.key: setting.reason for setting in panel.inferred}
    assert reasons[SettingKey.TIME] == "given"
    again = read(frame(columns), ReadOptions.of({**section, "time": panel.columns.time, "time_format": "%Y + %-m"}))
    assert again.fingerprint() == panel.fingerprint()


def test_parts_are_not_joined_where_a_time_is_there() -> None:
    """Features made of a date stay features."""
    columns = {"date": [f"{m:%Y-%m-%d}" for m in DAYS], "year": [str(m.year) for m in DAYS]}
    panel = read(
        frame({**columns, "month": [str(m.month) for m in DAYS], "hour": ["12"] * 200}), ReadOptions(target=("load",))
    )
    assert panel.columns.time == "date"


def blocks(first_year: int = 1990, years: int = 30) -> list[str]:
    """Years, their quarters and their months, one after the other."""
    every = range(first_year, first_year + years)
    quarters = [f"{year} Q{quarter}" for year in every for quarter in range(1, 5)]
    return [*map(str, every), *quarters, *(f"{m:%Y %b}".upper() for m in months_of_years(every))]


def months_of_years(years: Iterable[int]) -> list[datetime]:
    """First days of the months of years."""
    return [datetime(year, month, 1) for year in years for month in range(1, 13)]


def test_blocks_of_years_quarters_and_months_are_refused(tmp_path: Path) -> None:
    """Each block is offered, with the lines of the others left out."""
    path = tmp_path / "d.csv"
    texts = blocks()
    path.write_text("\n".join(["a title", "Title,y", *(f"{text},{k}.5" for k, text in enumerate(texts))]) + "\n")
    with pytest.raises(DataError) as caught:
        read(path)
    (fault,) = caught.value.faults
    assert (fault.code, fault.line, fault.column) == (FaultCode.TIME_BLOCKS, 3, "Title")
    found = [read(path, ReadOptions(skip=(fix.setting.partition("=")[2],))) for fix in fault.fixes]
    assert [(panel.calendar.grid.step, len(panel.values)) for panel in found] == [(1, 360), (3, 120), (12, 30)]


def test_a_new_format_of_later_times_is_no_other_block() -> None:
    """Times that go on in another format are refused as such: no rows are left out."""
    texts = [f"{m:%Y-%m}" for m in MONTHS[:18]] + [f"{m:%m/%Y}" for m in MONTHS[18:]]
    with pytest.raises(DataError) as caught:
        read(frame({"month": texts}), ReadOptions(target=("load",)))
    assert caught.value.faults[0].code is FaultCode.UNREAD_TIME


@pytest.mark.parametrize(
    ("name", "texts"),
    [
        ("Okres", [f"{'ABCD'[k % 4]} kw. {2010 + k // 4}" for k in range(40)]),
        ("month", [f"{m:%b}" for m in MONTHS]),
        ("weekday", [f"{m:%a}" for m in DAYS]),
        ("clock", [f"{m:%H:%M}" for m in HOURS]),
        ("stamp", [f"run {m:%Y-%m-%d} x" for m in DAYS]),
        ("x", [f"{m:%d.%m.%Y}?" for m in DAYS]),
        ("time", [f"T{k} of run" for k in range(50)]),
    ],
)
def test_a_column_that_may_hold_times_is_not_dropped(name: str, texts: list[str]) -> None:
    """It is refused with the setting that counts the rows, which works."""
    table = frame({name: texts})
    with pytest.raises(DataError) as caught:
        read(table, ReadOptions(target=("load",)))
    fault = caught.value.faults[0]
    assert (fault.code, fault.column) == (FaultCode.UNREAD_TIME, name)
    assert [fix.setting for fix in fault.fixes] == ["data.time=none"]
    assert read(table, ReadOptions(time="none", target=("load",))).columns.time is None


@pytest.mark.parametrize(
    ("name", "texts"),
    [
        ("product", ["A 2020", "A 2020", "A 2020", "B 2021", "B 2021", "B 2021"]),
        ("remark", ["", "", "checked", "", "repaired", ""]),
        ("version", ["1.2.3", "1.2.4", "1.2.5", "1.3.0", "1.3.1", "1.3.2"]),
        ("code", ["A-1", "B-2", "C-3", "D-4", "E-5", "F-6"]),
        ("host", ["192.168.1.1", "192.168.1.2", "10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"]),
    ],
)
def test_other_text_is_no_time(name: str, texts: list[str]) -> None:
    """Rows are counted, and the column is noted as not used."""
    panel = read(frame({name: texts}), ReadOptions(target=("load",)))
    assert panel.columns.time is None
    assert {note.code for note in panel.notes} >= {NoteCode.NO_TIME_COLUMN, NoteCode.UNUSED_COLUMNS}


def test_a_plain_file_has_the_same_settings(tmp_path: Path) -> None:
    """Nothing is joined in a file of dates and values."""
    path = tmp_path / "d.csv"
    frame({"date": [f"{m:%Y-%m-%d}" for m in DAYS]}).to_csv(path, index=False)
    assert read(path).columns.time == "date"


def counted(zone: str, first: str, last: str, freq: str) -> tuple[pd.DataFrame, pd.DatetimeIndex]:
    """Days with the number of each period since their midnight."""
    index = pd.date_range(first, last, freq=freq, tz=zone, inclusive="left")
    days = pd.Series(index.strftime("%Y-%m-%d"))
    numbers = days.groupby(days).cumcount() + 1
    columns = {"date": days.tolist(), "period" if freq != "h" else "hour": numbers.astype(str).tolist()}
    return frame(columns), index


@pytest.mark.parametrize(("zone", "freq", "count"), [("Europe/London", "30min", 50), ("Europe/Madrid", "h", 25)])
def test_periods_that_count_on_through_a_repeated_hour(zone: str, freq: str, count: int) -> None:
    """A day has more periods when clocks repeat an hour: refused with a zone that reads and writes them."""
    table, index = counted(zone, "2023-03-01", "2023-11-05", freq)
    with pytest.raises(DataError) as caught:
        read(table)
    (fault,) = caught.value.faults
    (fix,) = fault.fixes
    key, _, offered = fix.setting.partition("=")
    assert (fault.code, key) == (FaultCode.UNREAD_TIME, "data.timezone")
    panel = read(table, ReadOptions(timezone=offered))
    positions = panel.starts[0] + np.arange(panel.lengths[0])
    rows, columns = panel.calendar.written_texts(str(panel.columns.time), positions[None, :])
    names = str(panel.columns.time).split(" + ")
    assert columns == {name: table[name].tolist() for name in names}
    assert max(map(int, columns[names[1]])) == count
    assert len(rows) == len(index)
    assert NoteCode.CLOCK_CHANGES in {note.code for note in panel.notes}


def test_an_ambiguous_date_among_parts() -> None:
    """The offered formats are those of all parts; a format of the date alone is completed."""
    even = [datetime(2024, 3, 1) + timedelta(hours=k) for k in range(216)]
    check({"date": [f"{m:%d/%m/%Y}" for m in even], "hour": [m.hour for m in even]}, even)
    days = [datetime(2024, 3, 1) + timedelta(days=k) for k in (0, 1, 2, 3, 4, 5, 6, 8, 9)]
    columns = {"date": [f"{m:%d/%m/%Y}" for m in days for _ in range(24)], "hour": [str(h) for h in range(24)] * 9}
    with pytest.raises(DataError) as caught:
        read(frame(columns))
    fault = caught.value.faults[0]
    formats = [fix.setting.removeprefix("data.time_format=") for fix in fault.fixes]
    assert (fault.code, formats) == (FaultCode.AMBIGUOUS_TIMES, ["%d/%m/%Y + %H", "%m/%d/%Y + %H"])
    for time_format in (formats[0], "%d/%m/%Y"):
        assert read(frame(columns), ReadOptions(time_format=time_format)).lengths.tolist() == [240]
