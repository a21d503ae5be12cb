"""Holidays of regions and events of files, against dates computed or known by hand."""

from __future__ import annotations

import json
import sys
from datetime import date, timedelta
from pathlib import Path

import pytest

from lstmcast.data.drivers.holidays import YEARS_AHEAD, Holidays
from lstmcast.data.drivers.regions import likely_zone, plain_name
from lstmcast.errors import ConfigError, DataError, FaultCode, FileError, UsageError

EPOCH = date(1970, 1, 1)


def day(text: str) -> int:
    """Days since 1970-01-01 of `2024-12-25`."""
    return (date.fromisoformat(text) - EPOCH).days


def load(*codes: str, first: str = "2015-01-01", last: str = "2026-12-31") -> Holidays:
    """Holidays of codes."""
    return Holidays.load(codes, day(first), day(last))


def dates(holidays: Holidays, year: int, name: str | None = None) -> list[str]:
    """Dates of a year as `12-25`, of one name or all."""
    found = [(EPOCH + timedelta(days=entry.day), entry.name) for entry in holidays.entries]
    return [f"{on:%m-%d}" for on, named in found if on.year == year and name in {None, named}]


def easter(year: int) -> date:
    """Easter Sunday by the algorithm of Meeus, Jones and Butcher."""
    a, b, c = year % 19, year // 100, year % 100
    h = (19 * a + b - b // 4 - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    k = (32 + 2 * (b % 4) + 2 * (c // 4) - h - c % 4) % 7
    m = (a + 11 * h + 22 * k) // 451
    month, on = divmod(h + k - 7 * m + 114, 31)
    return date(year, month, on + 1)


@pytest.mark.parametrize(
    ("name", "offset"),
    [
        ("Good Friday", -2),
        ("Easter Monday", 1),
        ("Ascension Day", 39),
        ("Pentecost Monday", 50),
        ("Corpus Christi", 60),
    ],
)
def test_feasts_follow_easter(name: str, offset: int) -> None:
    """The feasts of Bavaria are the days after Easter Sunday that the church calendar names."""
    holidays = load("DE-BY")
    for year in range(2015, 2027):
        assert dates(holidays, year, name) == [f"{easter(year) + timedelta(days=offset):%m-%d}"]


def test_holidays_of_bavaria_in_2024() -> None:
    """All thirteen, by hand; Assumption Day is one of the category `catholic`."""
    expected = [
        "01-01",
        "01-06",
        "03-29",
        "04-01",
        "05-01",
        "05-09",
        "05-20",
        "05-30",
        "10-03",
        "11-01",
        "12-25",
        "12-26",
    ]
    assert dates(load("DE-BY"), 2024) == expected
    assert dates(load("DE-BY:catholic"), 2024) == sorted([*expected, "08-15"])


def test_observed_days_have_the_names_of_their_holidays() -> None:
    """The United States in 2021, when three holidays fell on weekends, and New Year's Day of 2022."""
    holidays = load("US")
    expected = [
        "01-01",
        "01-18",
        "02-15",
        "05-31",
        "06-18",
        "06-19",
        "07-04",
        "07-05",
        "09-06",
        "10-11",
        "11-11",
        "11-25",
        "12-24",
        "12-25",
        "12-31",
    ]
    assert dates(holidays, 2021) == expected
    assert dates(holidays, 2021, "Independence Day") == ["07-04", "07-05"]
    assert dates(holidays, 2021, "New Year's Day") == ["01-01", "12-31"]


def test_feasts_of_the_moon_move() -> None:
    """The first day of Eid al-Fitr in Turkey, by the calendar of its authority."""
    holidays = load("TR")
    firsts = {year: dates(holidays, year, "Eid al-Fitr")[0] for year in range(2019, 2025)}
    assert firsts == {2019: "06-04", 2020: "05-24", 2021: "05-13", 2022: "05-02", 2023: "04-21", 2024: "04-10"}


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("Boxing Day (observed)", "Boxing Day"),
        ("Eid al-Fitr (observed, estimated)", "Eid al-Fitr"),
        ("Australia Day (in lieu)", "Australia Day"),
        ("Day off (substituted from 02/02/2019)", "Day off"),
        ("Alternative holiday for Children's Day", "Children's Day"),
        ("Chinese New Year (Spring Festival) (observed)", "Chinese New Year (Spring Festival)"),
        ("Queen's Birthday", "King's Birthday"),
        ("Christmas Day", "Christmas Day"),
    ],
)
def test_names_have_no_remarks(name: str, plain: str) -> None:
    """The remark of an observed or estimated day goes; other parentheses stay."""
    assert plain_name(name) == plain


def test_names_do_not_depend_on_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """English names where there are some, whatever language the shell has."""
    before = load("DE", "JP", "SE")
    monkeypatch.setenv("LANGUAGE", "de")
    assert load("DE", "JP", "SE") == before
    assert "Christmas Day" in before.names


def test_weekends_and_worked_weekends_of_the_region() -> None:
    """Friday and Saturday are free in Saudi Arabia; China worked on Sunday, 29 September 2019."""
    assert load("SA", first="2019-01-01", last="2019-12-31").weekend == (4, 5)
    assert day("2019-09-29") in load("CN", first="2019-01-01", last="2019-12-31").workdays


def test_years_before_and_after_the_data_are_loaded() -> None:
    """All years from the one before the data until five after, in order and without repetition."""
    holidays = load("DE", "DE-BY", first="2020-06-01", last="2021-06-01")
    assert (holidays.first_day, holidays.last_day) == (day("2019-01-01"), day(f"{2021 + YEARS_AHEAD}-12-31"))
    assert dates(holidays, 2021 + YEARS_AHEAD)[-1] == "12-26"
    keys = [(entry.day, entry.name) for entry in holidays.entries]
    assert keys == sorted(set(keys))
    assert holidays.days.tolist() == [key[0] for key in keys]


def test_holidays_of_one_name_on_other_days_are_apart() -> None:
    """Labor Day is on 1 May in Germany, on the first Monday of September in the United States; others are shared."""
    holidays = load("DE", "US", "DE-BY")
    assert dates(holidays, 2024, "Labor Day (US)") == ["09-02"]
    assert dates(holidays, 2024, "Labor Day (DE)") == dates(holidays, 2024, "Labor Day (DE-BY)") == ["05-01"]
    assert dates(holidays, 2024, "Christmas Day") == ["12-25"]
    assert "Labor Day" not in holidays.names


def test_days_that_are_not_off_are_events() -> None:
    """Breaks of schools and half days are no days off."""
    holidays = load("DE-BY:school", first="2023-01-01", last="2023-12-31")
    off = {entry.name: entry.is_off for entry in holidays.entries}
    assert off["Christmas Day"]
    assert not off["Summer Break"]


def test_json_round_trip_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """The dates of a model are enough; only loading requires the library."""
    holidays = load("CN", "DE-BY:catholic")
    monkeypatch.setitem(sys.modules, "holidays", None)
    assert Holidays.from_dict(json.loads(json.dumps(holidays.to_dict()))) == holidays
    with pytest.raises(UsageError) as caught:
        load("DE")
    assert caught.value.faults[0].code is FaultCode.NO_HOLIDAYS


def test_later_years_are_added_to_known_ones() -> None:
    """Known ones do not change; a day that is covered loads nothing."""
    known = load("DE-BY", first="2020-01-01", last="2020-12-31")
    assert known.extended(day("2025-12-31")) is known
    longer = known.extended(day("2028-03-01"))
    assert longer.entries[: len(known.entries)] == known.entries
    assert longer == load("DE-BY", first="2020-01-01", last="2028-01-01")


def test_summary_counts_holidays_and_events(tmp_path: Path) -> None:
    """Days off for each year of the data, and the events within and after it."""
    path = tmp_path / "events.csv"
    path.write_text("date,name\n2024-02-11,Final\n2025-02-09,Final\n2026-02-08,Final\n")
    span = (day("2023-01-01"), day("2025-12-31"))
    named = "New Year's Day, Epiphany, Good Friday, Easter Monday, Labor Day and 7 more"
    assert load("DE-BY").summary(*span) == f"12 holidays a year ({named})"
    events = "2 events (Final) and 1 after the data"
    assert load("DE-BY", str(path)).summary(*span) == f"12 holidays a year ({named}); {events}"
    assert load(str(path)).summary(*span) == events


@pytest.mark.parametrize("code", ["de-by", "DE-Bayern", "de-bayern", "DEU-BY"])
def test_spellings_of_a_region(code: str) -> None:
    """Case does not matter, and the names of subdivisions are theirs too."""
    assert load(code).names == load("DE-BY").names
    assert {entry.source for entry in load(code).entries} == {"DE-BY"}


def test_a_market_has_holidays() -> None:
    """The stock exchange of New York is open on Columbus Day and closed on Good Friday."""
    assert dates(load("XNYS"), 2024, "Good Friday") == ["03-29"]
    assert dates(load("NYSE"), 2024, "Columbus Day") == []


@pytest.mark.parametrize(
    ("code", "zone"),
    [
        ("DE-BY", "Europe/Berlin"),
        ("AU-VIC", "Australia/Melbourne"),
        ("AU-QLD", "Australia/Brisbane"),
        ("FR", "Europe/Paris"),
        ("us", "America/New_York"),
        ("XNYS", None),
    ],
)
def test_likely_time_zone_of_a_region(code: str, zone: str | None) -> None:
    """That of the subdivision, or of most of the country."""
    assert likely_zone(code) == zone


@pytest.mark.parametrize(
    ("code", "fault", "better"),
    [
        ("Germany", FaultCode.UNKNOWN_REGION, "DE"),
        ("United States", FaultCode.UNKNOWN_REGION, "US"),
        ("DE_BY", FaultCode.UNKNOWN_REGION, "DE-BY"),
        ("DE-BAY", FaultCode.UNKNOWN_REGION, "DE-BY"),
        ("DE-Bayrn", FaultCode.UNKNOWN_REGION, "DE-BY"),
        ("DE-17", FaultCode.UNKNOWN_REGION, ""),
        ("de-by:catolic", FaultCode.UNKNOWN_CATEGORY, "DE-BY:catholic"),
        ("DE:xyz", FaultCode.UNKNOWN_CATEGORY, ""),
        ("QQ", FaultCode.UNKNOWN_REGION, ""),
        ("PUBLIC", FaultCode.UNKNOWN_REGION, ""),
        ("", FaultCode.UNKNOWN_REGION, ""),
    ],
)
def test_unknown_regions_are_refused(code: str, fault: FaultCode, better: str) -> None:
    """The fault has a code and a key, and names a similar region that works."""
    with pytest.raises(ConfigError) as caught:
        load("US", code)
    (found,) = caught.value.faults
    assert (found.code, found.column) == (fault, "covariates.holidays")
    assert found.text.endswith(f"did you mean '{better}'?") == bool(better)
    if better:
        load(better)


@pytest.mark.parametrize(
    "text",
    [
        "date,name,days_before,days_after\n2024-02-11,Super Bowl,2,1\n2023-02-12,Super Bowl,2,1\n",
        "ds,holiday,lower_window,upper_window\n2024-02-11,Super Bowl,-2,1\n2023-02-12,Super Bowl,-2,1\n",
        "Event;Date;Days_after;Days_before\nSuper Bowl;11.02.2024;1;2\nSuper Bowl;12.02.2023;1;2\n",
        "Datum;Ereignis;days_before;days_after\n11.02.2024;Super Bowl;2;1\n12.02.2023;Super Bowl;2;1\n",
        "date,name,at,days_before,days_after\n2024-02-11,Super Bowl,Nevada,2,1\n2023-02-12,Super Bowl,Arizona,2,1\n",
        "date,name,days_before,days_after\n2024-02-11 18:30:00,Super Bowl,2,1\n2023-02-12 18:30:00,Super Bowl,2.0,1\n",
    ],
)
def test_files_of_events(tmp_path: Path, text: str) -> None:
    """Columns in any order, the names of Prophet, and other separators give the same events."""
    path = tmp_path / "events.csv"
    path.write_text(text)
    holidays = load(str(path), first="2023-01-01", last="2024-12-31")
    found = [(entry.day, entry.name, entry.before, entry.after, entry.is_off) for entry in holidays.entries]
    assert found == [(day("2023-02-12"), "Super Bowl", 2, 1, False), (day("2024-02-11"), "Super Bowl", 2, 1, False)]


def test_events_may_be_days_off_and_join_a_region(tmp_path: Path) -> None:
    """The column `day_off` marks them; windows are optional."""
    path = tmp_path / "local.csv"
    path.write_text("date,name,day_off\n2024-07-08,Town feast,yes\n2024-07-09,Fireworks,no\n")
    holidays = load("DE-BY", str(path))
    found = {entry.name: (entry.is_off, entry.before) for entry in holidays.entries if entry.source == str(path)}
    assert found == {"Town feast": (True, 0), "Fireworks": (False, 0)}
    assert "Christmas Day" in holidays.names


@pytest.mark.parametrize(
    ("text", "code", "line", "column"),
    [
        ("when,what\n11 days on,Final\n", FaultCode.EVENT_COLUMNS, 1, "date"),
        ("date,what,where\n2024-02-11,Final,Berlin\n", FaultCode.EVENT_COLUMNS, 1, "name"),
        ("date,end,name\n2024-02-11,2024-02-13,Final\n", FaultCode.EVENT_COLUMNS, 1, "end"),
        ("start,end,name\n2024-02-11,2024-02-13,Final\n", FaultCode.EVENT_COLUMNS, 1, "date"),
        ("date,name\n2024-02-11,Final\n2025-02-30,Final\n", FaultCode.UNREAD_TIME, 3, "date"),
        ("date,name\n2024-02-11,Final\n2025-02-10,\n", FaultCode.BAD_EVENT, 3, "name"),
        ("2024-02-11,Final\n2025-02-10,Final\n", FaultCode.NO_HEADER, 1, ""),
        ("date,name\n1,Final\n2,Final\n", FaultCode.BAD_EVENT, 2, "date"),
        ("date,name\n03/04/2024,Final\n05/06/2024,Final\n", FaultCode.AMBIGUOUS_TIMES, 2, "date"),
        ("date,name,days_before\n2024-02-11,Final,two\n", FaultCode.BAD_EVENT, 2, "days_before"),
        ("date,name,days_after\n2024-02-11,Final,1.5\n", FaultCode.BAD_EVENT, 2, "days_after"),
        ("date,name,days_after\n2024-02-11,Final,1\n2025-02-11,Final,400\n", FaultCode.BAD_EVENT, 3, "days_after"),
        ("date,name,day_off\n2024-02-11,Final,maybe\n", FaultCode.BAD_EVENT, 2, "day_off"),
    ],
)
def test_bad_files_of_events_are_refused(tmp_path: Path, text: str, code: FaultCode, line: int, column: str) -> None:
    """The fault has the line and the column."""
    path = tmp_path / "events.csv"
    path.write_text(text)
    with pytest.raises(DataError) as caught:
        load(str(path))
    fault = caught.value.faults[0]
    assert (fault.code, fault.line, fault.column) == (code, line, column)
    assert not fault.fixes


@pytest.mark.parametrize("path", ["missing.csv", "./DE"])
def test_a_missing_file_is_refused(path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path is a file of events, whether it exists or not."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileError):
        load(path)
