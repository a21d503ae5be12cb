"""Closed steps: which holes of a file are regular, on files of several kinds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lstmcast.data.load import read
from lstmcast.data.panel import Panel
from lstmcast.data.schema import NoteCode, ReadOptions, SettingKey
from lstmcast.errors import ConfigError, DataError, Fault, FaultCode

DAYS = pd.date_range("2022-01-03", "2023-12-31")
HOURS = pd.date_range("2024-01-01", "2024-03-10 23:00", freq="h")
MONTHS = pd.date_range("2012-01-01", "2023-12-01", freq="MS")


def at_minute(index: pd.DatetimeIndex, *spans: tuple[str, str]) -> np.ndarray:
    """True for times of day within spans that exclude their end."""
    clock = index.strftime("%H:%M")
    return np.logical_or.reduce([(clock >= first) & (clock < end) for first, end in spans])


def panel_of(folder: Path, index: pd.DatetimeIndex, form: str = "%Y-%m-%d %H:%M", **options: object) -> Panel:
    """A file with a value for each time, without a season."""
    file = folder / "f.csv"
    values = np.random.default_rng(0).integers(100, 107, len(index))
    rows = [f"{text},{value}" for text, value in zip(index.strftime(form), values, strict=True)]
    file.write_text("\n".join(["time,y", *rows]) + "\n", encoding="utf-8")
    return read(file, ReadOptions(**options))


def refusal(folder: Path, index: pd.DatetimeIndex, form: str = "%Y-%m-%d %H:%M", **options: object) -> Fault:
    """The last fault of a file that is refused; each of its fixes is then accepted."""
    with pytest.raises(DataError) as caught:
        panel_of(folder, index, form, **options)
    fault = caught.value.faults[-1]
    for fix in fault.fixes:
        key, _, value = fix.setting.removeprefix("data.").partition("=")
        read(folder / "f.csv", ReadOptions(**{**options, key: value}))
    return fault


def weekdays(*selected: int) -> pd.DatetimeIndex:
    """Days of two years on some weekdays, Monday 0."""
    return DAYS[DAYS.day_of_week.isin(selected)]


BERLIN = pd.date_range("2023-09-01", "2024-05-30 23:00", freq="h", tz="Europe/Berlin")
MINUTES = pd.date_range("2024-01-08", "2024-02-16 23:59", freq="min")
FIVE = pd.date_range("2023-11-01", "2024-02-16 23:55", freq="5min")
SHORT_SATURDAY = ((HOURS.day_of_week < 5) & at_minute(HOURS, ("08:00", "20:00"))) | (
    (HOURS.day_of_week == 5) & at_minute(HOURS, ("09:00", "14:00"))
)
FUTURES = ~(
    (HOURS.day_of_week == 5)
    | ((HOURS.day_of_week == 4) & (HOURS.hour >= 17))
    | ((HOURS.day_of_week == 6) & (HOURS.hour < 18))
    | (HOURS.hour == 17)
)
PATTERNS = {
    "gym": (weekdays(1, 2, 3, 4, 5, 6), "D", "Mon", 6),
    "shop": (weekdays(0, 1, 2, 3, 4, 5), "D", "Sun", 6),
    "office": (weekdays(0, 1, 2, 3, 4), "B", "Sat,Sun", 5),
    "lottery": (weekdays(1, 3, 5), "D", "Mon,Wed,Fri,Sun", 3),
    "market": (weekdays(0, 4), "D", "Tue-Thu,Sat,Sun", 2),
    "course": (weekdays(0, 2, 4), "D", "Tue,Thu,Sat,Sun", 3),
    "ferry": (weekdays(4, 5, 6), "D", "Mon-Thu", 3),
    "night": (HOURS[at_minute(HOURS, ("08:00", "21:00"))], "h", "21:00-08:00", 13),
    "saturday": (HOURS[SHORT_SATURDAY], "h", "Sun,20:00-08:00,Sat@08:00-09:00,Sat@14:00-20:00", 65),
    "futures": (HOURS[FUTURES], "h", "Sat,17:00-18:00,Fri@18:00-24:00,Sun@00:00-17:00", 115),
    "session": (MINUTES[(MINUTES.day_of_week < 5) & at_minute(MINUTES, ("09:30", "16:00"))], "min",
                "Sat,Sun,16:00-09:30", 390),
    "lunch": (FIVE[(FIVE.day_of_week < 5) & at_minute(FIVE, ("09:00", "11:30"), ("12:30", "15:00"))], "5min",
              "Sat,Sun,11:30-12:30,15:00-09:00", 60),
    "meals": (HOURS[HOURS.hour.isin([7, 12, 19])], "h", "08:00-12:00,13:00-19:00,20:00-07:00", 3),
    "august": (MONTHS[MONTHS.month != 8], "MS", "Aug", 11),
    "school": (MONTHS[~MONTHS.month.isin([7, 8])], "MS", "Jul,Aug", 10),
}  # fmt: skip


@pytest.mark.parametrize("name", PATTERNS)
def test_regular_holes_are_closed_steps(tmp_path: Path, name: str) -> None:
    """They are named, nothing is filled, the season counts open steps, and the next year is the file's pattern."""
    index, frequency, closed, season = PATTERNS[name]
    form = "%Y-%m" if frequency == "MS" else "%Y-%m-%d" if frequency in "DB" else "%Y-%m-%d %H:%M"
    panel = panel_of(tmp_path, index, form)
    assert (panel.calendar.name, panel.calendar.closed, panel.calendar.season) == (frequency, closed, season)
    assert panel.observed.all()
    assert not panel.notes[1:]
    found = {setting.key: setting.value for setting in panel.inferred}
    assert found.get(SettingKey.CLOSED, "Sat,Sun") == closed
    again = panel_of(tmp_path, index[: len(index) // 2], form, closed=closed)
    assert again.calendar.grid == panel.calendar.grid
    assert again.calendar.text(again.ends + 1 + np.arange(9)) == index[len(index) // 2 :].strftime(form)[:9].tolist()


def test_exceptions_are_counted_and_holidays_are_missing_steps(tmp_path: Path) -> None:
    """Three open Sundays in two years are left out with their lines; two closed weekdays are filled."""
    days = weekdays(0, 1, 2, 3, 4, 5).union(pd.DatetimeIndex(["2022-12-04", "2022-12-11", "2022-12-18"]))
    days = days[~days.isin(pd.DatetimeIndex(["2022-12-26", "2023-05-01"]))]
    panel = panel_of(tmp_path, days, "%Y-%m-%d")
    notes = {note.code: note.text for note in panel.notes}
    assert panel.calendar.closed == "Sun"
    assert notes[NoteCode.CLOSED_ROWS].startswith("3 rows ")
    assert "line 290 '2022-12-04'" in notes[NoteCode.CLOSED_ROWS]
    assert np.count_nonzero(~panel.observed) == 2


def test_a_shop_that_opens_on_sundays_lately_is_refused(tmp_path: Path) -> None:
    """After two years without Sundays, the last three are open: the rows are not left out without a word."""
    days = weekdays(0, 1, 2, 3, 4, 5).union(DAYS[-15:])
    fault = refusal(tmp_path, days, "%Y-%m-%d")
    assert (fault.code, fault.fixes[0].setting) == (FaultCode.MANY_GAPS, "data.closed=Sun")


def test_rows_without_values_are_closed_too(tmp_path: Path) -> None:
    """A calendar with blank Sundays is closed on Sundays, and no row is counted as left out."""
    file = tmp_path / "f.csv"
    rows = [f"{day:%Y-%m-%d},{'' if day.weekday() == 6 else day.day}" for day in DAYS[:200]]
    file.write_text("\n".join(["date,y", *rows]) + "\n", encoding="utf-8")
    panel = read(file)
    assert (panel.calendar.closed, len(panel.values)) == ("Sun", 172)
    assert NoteCode.CLOSED_ROWS not in {note.code for note in panel.notes}


def test_all_series_count(tmp_path: Path) -> None:
    """Sundays are closed if no shop has them; if one of them has, the others are closed by themselves."""
    file = tmp_path / "f.csv"
    rows = [f"{day:%Y-%m-%d},{shop},{day.day}" for shop in "abc" for day in weekdays(0, 1, 2, 3, 4, 5)]
    file.write_text("\n".join(["date,shop,y", *rows]) + "\n", encoding="utf-8")
    assert read(file).calendar.closed == "Sun"
    rows += [f"{day:%Y-%m-%d},d,{day.day}" for day in DAYS]
    file.write_text("\n".join(["date,shop,y", *rows]) + "\n", encoding="utf-8")
    panel = read(file)
    assert panel.calendar.closed == "none"
    assert [mask is not None for mask in panel.closed] == [True, True, True, False]
    with pytest.raises(DataError) as caught:
        read(file, ReadOptions(closed="none"))
    assert caught.value.faults[-1].code == FaultCode.MANY_GAPS


@pytest.mark.parametrize("seed", range(5))
def test_random_holes_are_not_closed(tmp_path: Path, seed: int) -> None:
    """A tenth of random holes is filled, a third is refused, and no weekday or hour is closed."""
    rng = np.random.default_rng(seed)
    for index in (DAYS[:90], DAYS, HOURS):
        few = index[rng.random(len(index)) > 0.04]
        assert panel_of(tmp_path, few, missing="interpolate").calendar.closed == "none"
        many = index[rng.random(len(index)) > 0.4]
        fault = refusal(tmp_path, many, timezone="UTC" if index is HOURS else None)
        assert fault.code in {FaultCode.MANY_GAPS, FaultCode.LONG_GAP}
        assert {"data.missing=interpolate", "data.missing=zero"} <= {fix.setting for fix in fault.fixes}


def test_few_cycles_are_refused_with_the_closed_steps(tmp_path: Path) -> None:
    """Two weeks of office hours are refused with the closed steps that would fit."""
    index = HOURS[(HOURS < "2024-01-13") & (HOURS.day_of_week < 5) & at_minute(HOURS, ("09:00", "17:00"))]
    fault = refusal(tmp_path, index)
    assert (fault.code, fault.fixes[0].setting) == (FaultCode.LONG_GAP, "data.closed=Sat,Sun,17:00-09:00")


def test_hours_of_a_zone_follow_its_clock(tmp_path: Path) -> None:
    """A shop in Berlin opens at eight all year, also after the clock change."""
    index = BERLIN[(BERLIN.day_of_week < 6) & at_minute(BERLIN, ("08:00", "20:00"))]
    panel = panel_of(tmp_path, index, timezone="Europe/Berlin")
    assert (panel.calendar.closed, panel.observed.all()) == ("Sun,20:00-08:00", True)
    assert panel.calendar.text(panel.ends + np.array([1, 13])) == ["2024-05-31 08:00", "2024-06-01 08:00"]


def test_sessions_of_a_zone_in_utc_are_refused_with_the_zone(tmp_path: Path) -> None:
    """Trading hours of New York in UTC move by an hour; the zone makes them regular."""
    local = pd.date_range("2023-09-01", "2024-05-30 23:30", freq="30min", tz="America/New_York")
    index = local[(local.day_of_week < 5) & at_minute(local, ("09:30", "16:00"))].tz_convert("UTC")
    fault = refusal(tmp_path, index, "%Y-%m-%dT%H:%M:%SZ")
    assert (fault.code, fault.fixes[0].setting) == (FaultCode.MOVING_SESSIONS, "data.timezone=America/New_York")
    panel = panel_of(tmp_path, index, "%Y-%m-%dT%H:%M:%SZ", timezone="America/New_York")
    assert (panel.calendar.closed, panel.observed.all()) == ("Sat,Sun,16:00-09:30", True)


def test_local_midnights_in_utc_are_refused_with_the_zone(tmp_path: Path) -> None:
    """Days of Berlin in UTC are irregular; the zone makes them days."""
    index = pd.date_range("2024-01-01", periods=200, tz="Europe/Berlin").tz_convert("UTC")
    fault = refusal(tmp_path, index, "%Y-%m-%dT%H:%M:%SZ")
    assert (fault.code, fault.fixes[0].setting) == (FaultCode.IRREGULAR_TIMES, "data.timezone=Europe/Berlin")


def test_closed_steps_can_be_pinned(tmp_path: Path) -> None:
    """`none` fills Sundays; a given text closes steps whose rows are left out; contradictions are refused."""
    six = weekdays(0, 1, 2, 3, 4, 5)
    assert panel_of(tmp_path, six, closed="none", missing="zero").calendar.closed == "none"
    assert len(panel_of(tmp_path, DAYS[:70], closed="Sat,Sun").values) == 50
    for closed in ("Foo", "Mon-Sun", "20:00-08:00", "W60", ""):
        with pytest.raises(ConfigError, match=r"data\.closed"):
            panel_of(tmp_path, DAYS, "%Y-%m-%d", closed=closed)
    with pytest.raises(ConfigError, match=r"data\.closed"):
        panel_of(tmp_path, HOURS, closed="20:00-25:00")


@pytest.mark.parametrize(
    ("first", "second", "coarser"),
    [
        (DAYS[:180], pd.date_range("2022-07-08", periods=52, freq="W-FRI"), "W-FRI"),
        (pd.date_range("2020-01-03", "2021-12-31", freq="W-FRI"), weekdays(0, 1, 2, 3, 4), "W-FRI"),
        (HOURS[:480], pd.date_range("2024-01-21", "2024-01-30 23:45", freq="15min"), "h"),
        (MONTHS, pd.date_range("2024-01-01", "2024-12-31"), "MS"),
        (DAYS, pd.date_range("2024-01-07", periods=4, freq="W-SUN"), "W-SUN"),
        (pd.date_range("2000-01-01", "2011-10-01", freq="QS"), MONTHS, "QS-OCT"),
    ],
)
def test_a_change_of_the_frequency_is_refused(
    tmp_path: Path, first: pd.DatetimeIndex, second: pd.DatetimeIndex, coarser: str
) -> None:
    """The line of the first time of the second frequency is named, and the coarser one works for all."""
    fault = refusal(tmp_path, first.append(second))
    assert (fault.code, fault.line, fault.column) == (FaultCode.FREQUENCY_CHANGE, len(first) + 2, "time")
    assert [fix.setting for fix in fault.fixes] == [f"data.frequency={coarser}"]


@pytest.mark.parametrize("form", ["{q}-{y}", "{q}/{y}", "{y}-{q}", "{y}-0{q}"])
def test_quarters_written_as_months_are_refused(tmp_path: Path, form: str) -> None:
    """Both readings are offered, and each works: quarters, and months of which eight are closed."""
    file = tmp_path / "f.csv"
    rows = [f"{form.format(q=q, y=y)},{q * y}" for y in range(2015, 2023) for q in range(1, 5)]
    file.write_text("\n".join(["period,sales", *rows]) + "\n", encoding="utf-8")
    with pytest.raises(DataError) as caught:
        read(file)
    (fault,) = caught.value.faults
    assert fault.code in {FaultCode.QUARTERS_AS_MONTHS, FaultCode.AMBIGUOUS_TIMES}
    readings = (dict([fix.setting.removeprefix("data.").partition("=")[::2]]) for fix in fault.fixes)
    calendars = [read(file, ReadOptions(**reading)).calendar for reading in readings]
    assert sorted((calendar.grid.step, calendar.closed) for calendar in calendars) == [(1, "May-Dec"), (3, "none")]


@pytest.mark.parametrize(
    ("parts", "form", "expected"),
    [
        (12, "%Y-%d-%m", ("monthly", "2023-01-01")),
        (12, "%d.%m.%Y", ("monthly", "01.01.2023")),
        (4, "%Y-01-0%q", ("quarterly", "2023-01-01")),
    ],
)
def test_months_written_as_days_are_refused(tmp_path: Path, parts: int, form: str, expected: tuple[str, str]) -> None:
    """Dates of which each year has the first days of January only are not daily values with long gaps."""
    file = tmp_path / "f.csv"
    swapped = "{1:02d}.01.{0}" if form.startswith("%d") else "{0}-01-{1:02d}"
    rows = [f"{swapped.format(year, part)},{part}" for year in range(2015, 2023) for part in range(1, parts + 1)]
    file.write_text("\n".join(["date;y", *(row.replace(",", ";") for row in rows)]) + "\n", encoding="utf-8")
    with pytest.raises(DataError) as caught:
        read(file)
    (fault,) = caught.value.faults
    assert (fault.code, fault.line) == (FaultCode.DAYS_AS_MONTHS, 2)
    key, _, value = fault.fixes[0].setting.removeprefix("data.").partition("=")
    calendar = read(file, ReadOptions(**{key: value})).calendar
    ends = calendar.positions(np.array([np.datetime64("2022-12-31", "us").astype(np.int64)]))
    assert (calendar.label, calendar.text(ends + 1)[0]) == expected
