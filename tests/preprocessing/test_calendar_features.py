"""Calendar features against loops over days and dates known by hand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from lstmcast.data.drivers.holiday import Holiday
from lstmcast.data.drivers.holidays import Holidays
from lstmcast.data.time.calendar import Calendar
from lstmcast.data.time.frequency import HOUR, MINUTE, WEEK, WORKWEEK, TimeGrid
from lstmcast.data.time.week_years import WeekYears
from lstmcast.data.time.zones import DAY
from lstmcast.preprocessing.calendar_features import CalendarFeatures, calendar_features, step_days
from lstmcast.preprocessing.day_features import MONTHS, WEEKDAYS, FeatureGroup

EPOCH = date(1970, 1, 1)
DAILY = Calendar(TimeGrid("fixed", DAY))
MONTHLY = Calendar(TimeGrid("month"))


def day(text: str) -> int:
    """Days since 1970-01-01 of `2024-12-25`."""
    return (date.fromisoformat(text) - EPOCH).days


def weekly(name: str) -> Calendar:
    """Calendar of weeks named by a weekday."""
    return Calendar(TimeGrid("fixed", WEEK, phase=(WEEKDAYS.index(name) + 4) % 7 * DAY))


@pytest.fixture(scope="module")
def bavaria() -> Holidays:
    """Holidays of Bavaria from 2014 to 2030."""
    return Holidays.load(["DE-BY"], day("2015-01-01"), day("2025-12-31"))


def active(features: CalendarFeatures, row: int, *groups: FeatureGroup) -> set[str]:
    """Names of the features that are 1 in a row."""
    return {
        name
        for name, group, value in zip(features.names, features.groups, features.values[row], strict=True)
        if group in groups and value == 1
    }


def of_day(text: str, holidays: Holidays, *groups: FeatureGroup) -> set[str]:
    """Names of the features of holidays that are 1 on a day."""
    features = calendar_features(DAILY, np.array([day(text)]), holidays)
    return active(features, 0, *(groups or (FeatureGroup.HOLIDAY, FeatureGroup.HOLIDAY_GROUP)))


def column(features: CalendarFeatures, name: str) -> list[float]:
    """Values [P] of one feature."""
    found: list[float] = features.values[:, features.names.index(name)].tolist()
    return found


def test_a_counter_has_no_features() -> None:
    """Rows that are counted have no dates."""
    features = calendar_features(Calendar(TimeGrid("counter")), np.arange(3))
    assert features.values.shape == (3, 0)
    assert features.names == features.groups == ()


@pytest.mark.parametrize(
    "calendar",
    [DAILY, MONTHLY, weekly("Sunday"), Calendar(TimeGrid("fixed", HOUR)), Calendar(TimeGrid("month", 3, anchor="E"))],
)
def test_columns_do_not_depend_on_the_steps(calendar: Calendar, bavaria: Holidays) -> None:
    """No step, one step and steps far beyond the known holidays have the same columns, in the order of the steps."""
    whole = calendar_features(calendar, np.arange(400, 700), bavaria, crossed=True)
    for positions in (np.zeros(0, dtype=np.int64), np.array([5]), np.arange(10**5, 10**5 + 3)):
        part = calendar_features(calendar, positions, bavaria, crossed=True)
        assert (part.names, part.groups) == (whole.names, whole.groups)
        assert part.values.shape == (len(positions), len(whole.names))
    assert len(set(whole.names)) == len(whole.names)
    order = np.array([7, 3, 3, 250])
    np.testing.assert_allclose(
        calendar_features(calendar, 400 + order, bavaria, crossed=True).values, whole.values[order], atol=1e-12
    )


def test_features_are_aligned_with_those_of_a_fit(bavaria: Holidays) -> None:
    """Those of a fit that are unknown now are 0; new ones are left out."""
    features = calendar_features(DAILY, np.array([day("2024-12-25"), day("2024-12-27")]), bavaria)
    names = ["Town feast", "Christmas Day", "Friday"]
    np.testing.assert_array_equal(features.aligned(names), [[0, 1, 0], [0, 0, 1]])
    np.testing.assert_array_equal(features.aligned(features.names), features.values)


def test_weekday_month_and_days_of_the_month_by_a_loop() -> None:
    """Four years of days, against the dates of the standard library."""
    first = day("2019-01-01")
    features = calendar_features(DAILY, first + np.arange(4 * 365 + 1), pairs=2)
    for row in range(len(features.values)):
        on = EPOCH + timedelta(days=first + row)
        last = (on.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
        ends = {f"day {on.day} of month"} if on.day <= 3 else set()
        ends |= {f"day -{(last - on).days + 1} of month"} if (last - on).days < 3 else set()
        groups = (FeatureGroup.WEEKDAY, FeatureGroup.MONTH, FeatureGroup.MONTH_DAY)
        found = {name for name in active(features, row, *groups) if "cos" not in name and "sin" not in name}
        assert found == {WEEKDAYS[on.weekday()], MONTHS[on.month - 1], *ends}
        length = (date(on.year + 1, 1, 1) - date(on.year, 1, 1)).days
        angle = 2 * np.pi * (on.timetuple().tm_yday - 1) / length
        expected = [np.sin(angle), np.cos(angle), np.sin(2 * angle), np.cos(2 * angle)]
        np.testing.assert_allclose(features.values[row][[g == FeatureGroup.YEAR for g in features.groups]], expected)


@pytest.mark.parametrize(
    ("on", "names"),
    [
        ("2024-05-08", {"day before a holiday", "Ascension Day -1"}),
        ("2024-05-09", {"holiday", "Sunday or holiday", "Ascension Day"}),
        ("2024-05-10", {"day after a holiday", "bridge day", "Ascension Day +1"}),
        ("2024-05-11", set()),
        ("2024-05-12", {"Sunday or holiday"}),
        ("2024-10-04", {"day after a holiday", "bridge day", "German Unity Day +1"}),
        ("2023-10-02", {"day before a holiday", "bridge day", "German Unity Day -1"}),
        ("2020-10-03", {"holiday on a weekend", "German Unity Day (weekend)"}),
        ("2020-10-02", {"German Unity Day -1"}),
        ("2022-12-25", {"holiday on a weekend", "Sunday or holiday", "Christmas Day (weekend)"}),
        ("2024-12-24", {"day before a holiday", "end of year", "Christmas Day -1"}),
        ("2024-12-25", {"holiday", "Sunday or holiday", "Christmas Day"}),
        ("2024-12-26", {"holiday", "Sunday or holiday", "Second Day of Christmas"}),
        ("2024-12-27", {"day after a holiday", "bridge day", "end of year", "Second Day of Christmas +1"}),
        ("2024-12-28", set()),
        ("2024-12-30", {"end of year"}),
        ("2024-12-31", {"day before a holiday", "end of year", "New Year's Day -1"}),
        ("2024-03-31", {"Sunday or holiday", "Easter Monday -1"}),
        ("2024-07-10", set()),
    ],
)
def test_types_of_days_in_bavaria(bavaria: Holidays, on: str, names: set[str]) -> None:
    """Days around holidays, by hand; a day of a window that is a holiday itself has its own name only."""
    assert of_day(on, bavaria) == names


def entries(*named: tuple[str, str], off: bool = True, window: tuple[int, int] = (0, 0)) -> Holidays:
    """Holidays of dates and names."""
    listed = tuple(sorted(Holiday(day(on), name, "x", *window, is_off=off) for on, name in named))
    return Holidays(("x",), day("2015-01-01"), day("2030-12-31"), listed)


def test_events_have_a_group_of_their_own() -> None:
    """They make no day off, no bridge day and no other shape of the day."""
    events = entries(("2024-05-09", "Fair"), off=False, window=(2, 1))
    features = calendar_features(DAILY, np.arange(day("2024-05-06"), day("2024-05-12")), events)
    names = [name for name, group in zip(features.names, features.groups, strict=True) if "holiday" in group]
    assert names == ["event", "Fair, days before", "Fair -2", "Fair -1", "Fair", "Fair +1"]
    table = features.values[:, [features.names.index(name) for name in names]]
    np.testing.assert_array_equal(
        table,
        [
            [0, 0, 0, 0, 0, 0],
            [0, 1, 1, 0, 0, 0],
            [0, 1, 0, 1, 0, 0],
            [1, 0, 0, 0, 1, 0],
            [0, 0, 0, 0, 0, 1],
            [0, 0, 0, 0, 0, 0],
        ],
    )


def test_weekends_that_are_worked_are_no_weekends() -> None:
    """China worked on Sunday, 29 September 2019, before the holidays of October."""
    china = Holidays.load(["CN"], day("2019-01-01"), day("2019-12-31"))
    assert of_day("2019-09-29", china, FeatureGroup.HOLIDAY_GROUP) == {"working weekend"}
    assert of_day("2019-09-22", china, FeatureGroup.HOLIDAY_GROUP) == {"Sunday or holiday"}


def test_the_last_day_of_a_weekend_is_that_of_the_region() -> None:
    """Saturday in Saudi Arabia; a holiday on Thursday has no bridge before Sunday."""
    arabia = Holidays.load(["SA"], day("2019-01-01"), day("2019-12-31"))
    assert "Sunday or holiday" in of_day("2019-03-02", arabia)
    assert "Sunday or holiday" not in of_day("2019-03-03", arabia)


@pytest.mark.parametrize(("zone", "step"), [("Europe/Berlin", HOUR), ("Australia/Melbourne", 30 * MINUTE)])
def test_hours_and_holidays_follow_the_local_clock(zone: str, step: int, bavaria: Holidays) -> None:
    """A year with both clock changes, against the standard library; steps are instants in UTC."""
    calendar = Calendar(TimeGrid("fixed", step), timezone=zone)
    start = datetime(2023, 12, 31, tzinfo=ZoneInfo("UTC"))
    positions = np.arange(366 * DAY // step) + int(start.timestamp()) * 1_000_000 // step
    features = calendar_features(calendar, positions, bavaria)
    names = np.array(features.names)
    hours = [k for k, group in enumerate(features.groups) if group == FeatureGroup.HOUR]
    off = {entry.day for entry in bavaria.entries}
    local = [(start + timedelta(microseconds=step * k)).astimezone(ZoneInfo(zone)) for k in range(len(positions))]
    assert len(hours) == DAY // step
    assert features.values[:, hours].sum() == len(positions)
    found = names[hours][features.values[:, hours].argmax(axis=1)]
    assert found.tolist() == [f"{time:%H:%M}" for time in local]
    is_off = [float((time.date() - EPOCH).days in off and time.weekday() < 5) for time in local]
    assert column(features, "holiday") == is_off


def test_hours_of_a_holiday_have_the_shape_of_a_sunday(bavaria: Holidays) -> None:
    """Crossed with the type of the day: Wednesday, a holiday, Saturday, Sunday."""
    calendar = Calendar(TimeGrid("fixed", HOUR))
    days = [day("2024-05-08"), day("2024-05-09"), day("2024-05-11"), day("2024-05-12")]
    features = calendar_features(calendar, np.array([24 * on + 13 for on in days]), bavaria, crossed=True)
    groups = (FeatureGroup.DAY_TYPE_HOUR, FeatureGroup.HOLIDAY_HOUR)
    assert [active(features, row, *groups) for row in range(4)] == [
        set(), {"Sunday or holiday 13:00", "holiday 13:00"}, {"Saturday 13:00"}, {"Sunday or holiday 13:00"},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("step", "columns"), [(MINUTE, 48), (15 * MINUTE, 48), (HOUR, 24), (5 * HOUR, 24), (6 * HOUR, 4), (DAY, 0)]
)
def test_columns_of_the_time_of_day(step: int, columns: int) -> None:
    """Half hours at most, or the steps of a day; they may be left out."""
    calendar = Calendar(TimeGrid("fixed", step))
    positions = np.arange(3 * DAY // step)
    features = calendar_features(calendar, positions)
    assert features.groups.count(FeatureGroup.HOUR) == columns
    if columns:
        hours = [group == FeatureGroup.HOUR for group in features.groups]
        np.testing.assert_array_equal(features.values[:, hours].sum(axis=1), 1)
    assert FeatureGroup.HOUR not in calendar_features(calendar, positions, within_day=False).groups


def test_business_days_are_days() -> None:
    """Friday is followed by Monday."""
    calendar = Calendar(TimeGrid("fixed", DAY, mask=WORKWEEK))
    friday = calendar.positions(np.array([day("2024-05-10") * DAY]))
    features = calendar_features(calendar, friday[0] + np.arange(2))
    assert [active(features, row, FeatureGroup.WEEKDAY) for row in range(2)] == [{"Friday"}, {"Monday"}]


GRIDS = [
    *(TimeGrid("month", anchor=anchor) for anchor in ("S", "E", "BS", "BE")),
    TimeGrid("month", shift=14 * DAY),
    TimeGrid("month", 3),
    TimeGrid("month", 3, 1, "E"),
    TimeGrid("month", 12, 11, "E"),
    *(weekly(name).grid for name in WEEKDAYS[1:]),
    TimeGrid("fixed", 2 * WEEK, phase=3 * DAY),
    TimeGrid("fixed", 10 * DAY, phase=2 * DAY),
    TimeGrid("weeks", years=WeekYears((4, 4, 5) * 4, day("2017-01-29"), 2, -3)),
]


@pytest.mark.parametrize("grid", GRIDS, ids=lambda grid: grid.name)
def test_days_of_steps_are_those_that_the_grid_counts(grid: TimeGrid) -> None:
    """Each day of nine years belongs to the step that the grid finds for it, those of years of 53 weeks included."""
    days = np.arange(day("2015-01-01"), day("2023-12-31"))
    positions = grid.positions(days * DAY)
    first, end = step_days(Calendar(grid), positions)
    assert ((first <= days) & (days < end)).all()
    distinct = np.unique(positions)
    first, end = step_days(Calendar(grid), distinct)
    np.testing.assert_array_equal(first[1:], end[:-1])


def test_weeks_named_by_a_monday_begin_on_it() -> None:
    """Other weekdays end the weeks that they name."""
    for name, on, first in (("Monday", "2020-12-28", 0), ("Friday", "2020-12-25", -6), ("Sunday", "2020-12-27", -6)):
        calendar = weekly(name)
        begin, end = step_days(calendar, calendar.positions(np.array([day(on) * DAY])))
        assert (int(begin[0]), int(end[0])) == (day(on) + first, day(on) + first + 7)


def mean_of_days(calendar: Calendar, position: int, names: Sequence[str], holidays: Holidays) -> list[float]:
    """Sums of the daily features of a step over its days from Monday to Friday."""
    (first,), (end,) = step_days(calendar, np.array([position]))
    daily = calendar_features(DAILY, np.arange(first, end), holidays)
    weekday = sum((EPOCH + timedelta(days=int(on))).weekday() < 5 for on in range(first, end))
    return [sum(column(daily, name)) / weekday for name in names]


@pytest.mark.parametrize("calendar", [MONTHLY, weekly("Sunday"), Calendar(TimeGrid("month", 3, 2, "E"))])
def test_groups_of_long_steps_are_fractions_of_their_working_days(calendar: Calendar, bavaria: Holidays) -> None:
    """The sum over the days of each step, divided by the days from Monday to Friday."""
    positions = calendar.positions(np.array([day("2020-10-01") * DAY])) + np.arange(40)
    features = calendar_features(calendar, positions, bavaria)
    names = [name for name, group in zip(features.names, features.groups, strict=True) if group == "holiday group"]
    columns = [features.names.index(name) for name in names]
    for row, position in enumerate(positions.tolist()):
        expected = mean_of_days(calendar, position, names, bavaria)
        np.testing.assert_allclose(features.values[row, columns], expected, atol=1e-12)


def test_working_days_of_months_by_a_loop(bavaria: Holidays) -> None:
    """Ten years of months; without holidays, all days from Monday to Friday count."""
    positions = np.arange(45 * 12, 55 * 12)
    with_holidays = column(calendar_features(MONTHLY, positions, bavaria), "working days")
    without = column(calendar_features(MONTHLY, positions), "working days")
    off = set(bavaria.days.tolist())
    for row, position in enumerate(positions.tolist()):
        year, month = 1970 + position // 12, position % 12 + 1
        days = [date(year, month, k) for k in range(1, 32) if _exists(year, month, k)]
        weekday = [on for on in days if on.weekday() < 5]
        assert without[row] == len(weekday)
        assert with_holidays[row] == sum((on - EPOCH).days not in off for on in weekday)


def _exists(year: int, month: int, on: int) -> bool:
    following = date(year + month // 12, month % 12 + 1, 1)
    return on <= (following - date(year, month, 1)).days


def test_easter_moves_between_months(bavaria: Holidays) -> None:
    """Easter Monday is in March in 2016 and 2024; a week before it is in both months in 2017 or 2024."""
    positions = np.array([(year - 1970) * 12 + month for year in (2016, 2017, 2024) for month in (2, 3)])
    features = calendar_features(MONTHLY, positions, bavaria)
    weekday = [23, 21, 23, 20, 21, 22]
    counts = [count * days for count, days in zip(column(features, "Easter Monday"), weekday, strict=True)]
    np.testing.assert_allclose(counts, [1, 0, 0, 1, 0, 1])  # 28 March 2016, 17 April 2017, 1 April 2024
    before = [count * days for count, days in zip(column(features, "Easter Monday, days before"), weekday, strict=True)]
    np.testing.assert_allclose(before, [7, 0, 0, 7, 7, 0])
    assert "Christmas Day, days before" not in features.names


def test_days_before_a_holiday_are_shared_between_weeks(bavaria: Holidays) -> None:
    """Christmas Day of 2024 is a Wednesday: two of the seven days before it are in its week, five in the one before."""
    calendar = weekly("Sunday")
    positions = calendar.positions(np.array([day(on) * DAY for on in ("2024-12-22", "2024-12-29", "2025-01-05")]))
    features = calendar_features(calendar, positions, bavaria)
    np.testing.assert_allclose(column(features, "Christmas Day, days before"), [1, 2 / 5, 0])
    np.testing.assert_allclose(column(features, "Christmas Day"), [0, 1 / 5, 0])
    np.testing.assert_allclose(column(features, "Christmas Day, days after"), [0, 4 / 5, 3 / 5])
    np.testing.assert_allclose(column(features, "holiday"), [0, 2 / 5, 1 / 5])


def test_long_steps_have_the_months_of_their_days() -> None:
    """A week has days of two months, a quarter of three, and a month has its weekdays."""
    calendar = weekly("Sunday")
    week = calendar_features(calendar, calendar.positions(np.array([day("2024-02-04") * DAY])))
    assert (column(week, "January"), column(week, "February")) == ([3 / 7], [4 / 7])
    assert "Monday" not in week.names
    month = calendar_features(MONTHLY, np.array([(2024 - 1970) * 12 + 1]))
    assert (column(month, "February"), column(month, "Thursday"), column(month, "Friday")) == ([1], [5 / 29], [4 / 29])
