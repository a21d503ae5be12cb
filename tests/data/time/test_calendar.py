"""The grid of times, against `pandas.date_range` and by hand."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lstmcast.data.schema import InferredSetting
from lstmcast.data.time.calendar import Calendar
from lstmcast.data.time.calendar_inference import counter_calendar, infer_calendar
from lstmcast.data.time.frequency import WORKWEEK, TimeGrid
from lstmcast.data.time.text.column import Times, parse_times
from lstmcast.data.time.zones import DAY
from lstmcast.errors import ConfigError, DataError

ALIASES = (
    "MS", "ME", "BMS", "BME", "QS-OCT", "QS-NOV", "QE-DEC", "QE-OCT", "YS-JAN", "YS-APR", "YE-DEC", "YE-FEB", "YE-JUN",
    "W-FRI", "W-SUN", "2W-TUE", "D", "3D", "h", "2h", "30min", "5min", "min", "s", "2YS-JAN",
)  # fmt: skip


def micros(index: pd.DatetimeIndex) -> np.ndarray:
    """Microseconds since 1970."""
    return index.tz_localize(None).to_numpy().astype("datetime64[us]").astype(np.int64)


def texts_of(index: pd.DatetimeIndex) -> list[str]:
    """Dates as `2024-01-31`, other times with their seconds."""
    dates = (index == index.normalize()).all()
    return index.strftime("%Y-%m-%d" if dates else "%Y-%m-%d %H:%M:%S").tolist()


def times_of(texts: list[str], **options: object) -> Times:
    """Texts of a column Date of f.csv from line 2 on, parsed."""
    return parse_times(pd.Series(texts), np.arange(2, 2 + len(texts)), column="Date", source="f.csv", **options)


def infer(texts: list[str], groups: list[int] | None = None, *, zone: str | None = None, **options: object) -> Calendar:
    """The calendar of such a column."""
    return infer_with_settings(texts, groups, zone=zone, **options)[0]


def infer_with_settings(
    texts: list[str], groups: list[int] | None = None, *, zone: str | None = None, **options: object
) -> tuple[Calendar, dict[str, InferredSetting]]:
    """The calendar of such a column, and the inferred settings by key."""
    series = np.zeros(len(texts), dtype=np.int64) if groups is None else np.array(groups)
    times = times_of(texts, timezone=zone, groups=series)
    lines = np.arange(2, 2 + len(texts))
    calendar, inferred = infer_calendar(times, series, lines, column="Date", source="f.csv", **options)
    return calendar, {finding.key: finding for finding in inferred}


@settings(deadline=None, max_examples=200)
@given(st.sampled_from(ALIASES), st.integers(0, 65_000), st.integers(12, 40))
def test_grids_are_those_of_date_range(alias: str, start: int, periods: int) -> None:
    """From 1900 to 2100, any frequency is recognised, numbered without holes, and continued as pandas does."""
    whole = pd.date_range(pd.Timestamp("1900-01-01") + pd.Timedelta(days=start), periods=periods + 6, freq=alias)
    known = whole[:periods]
    calendar = infer(texts_of(known))
    positions = calendar.positions(micros(known))
    assert np.array_equal(positions, positions[0] + np.arange(periods))
    assert calendar.name == alias
    assert calendar.stamps(positions[0] + np.arange(periods + 6)).tolist() == micros(whole).tolist()
    assert calendar.text(positions) == texts_of(known)


@settings(deadline=None)
@given(st.sampled_from(ALIASES[:20]), st.integers(0, 60_000), st.sets(st.integers(1, 58), max_size=12))
def test_holes_do_not_hide_the_frequency(alias: str, start: int, lost: set[int]) -> None:
    """With up to a fifth of the rows lost, the frequency and the place of every row stay the same.

    A month, weekday or hour of which all rows are lost may be closed.
    """
    whole = pd.date_range(pd.Timestamp("1900-01-01") + pd.Timedelta(days=start), periods=60, freq=alias)
    kept = np.setdiff1d(np.arange(60), list(lost))
    for part in ("month", "day_of_week", "hour"):
        assume(set(getattr(whole, part)) == set(getattr(whole[kept], part)))
    calendar = infer(texts_of(whole[kept]))
    assert calendar.name == alias
    positions = calendar.positions(micros(whole[kept]))
    assert np.array_equal(positions - positions[0], kept)


def test_business_days_are_numbered_without_weekends() -> None:
    """Monday to Friday with a holiday: weekends are no steps, the holiday is one that is missing."""
    days = pd.bdate_range("2023-12-01", "2024-03-01")
    days = days[days != "2024-01-01"]
    calendar = infer(texts_of(days))
    assert (calendar.name, calendar.closed, calendar.season, calendar.default_horizon) == ("B", "Sat,Sun", 5, 10)
    steps = np.diff(calendar.positions(micros(days)))
    assert steps.tolist().count(2) == 1
    assert set(steps) == {1, 2}
    end = calendar.positions(micros(days))[-1]
    assert calendar.text(np.array([end, end + 1])) == ["2024-03-01", "2024-03-04"]


def test_daily_rows_of_one_working_week_are_daily() -> None:
    """Five days without a weekend between them do not make business days."""
    assert infer(["2024-01-01", "2024-01-02", "2024-01-03", "2024-01-04", "2024-01-05"]).name == "D"


@pytest.mark.parametrize(
    ("texts", "name", "following"),
    [
        (["2024-01-31", "2024-02-29", "2024-03-31"], "ME", "2024-04-30"),
        (["2023-12-31", "2024-01-31", "2024-02-29"], "ME", "2024-03-31"),
        (["2024-01-15", "2024-02-15", "2024-03-15"], "MS-15", "2024-04-15"),
        (["2024-01-30", "2024-02-29", "2024-03-30"], "MS-30", "2024-04-30"),
        (["2024-03-31", "2024-06-30", "2024-09-30"], "QE-DEC", "2024-12-31"),
        (["2020-02-29", "2021-02-28", "2022-02-28", "2023-02-28"], "YE-FEB", "2024-02-29"),
        (["2024Q1", "2024Q2", "2024Q3"], "QS-OCT", "2024Q4"),
        (["2020-W51", "2020-W52", "2020-W53"], "W-MON", "2021-W01"),
        (["1999", "2000", "2001"], "YS-JAN", "2002"),
        (["1-10", "1-11", "1-12"], "MS", "2-01"),
        (["2024-01-01 06:00", "2024-01-02 06:00", "2024-01-03 06:00"], "D", "2024-01-04 06:00"),
        (["9999-01", "9999-02", "9999-03"], "MS", "9999-04"),
        (["0001-01-01", "0001-01-02", "0001-01-03"], "D", "0001-01-04"),
        (["2024-01-01 00:00:00.5", "2024-01-01 00:00:01.0", "2024-01-01 00:00:01.5"], "500ms", "2024-01-01 00:00:02.0"),
    ],
)
def test_the_next_step_by_hand(texts: list[str], name: str, following: str) -> None:
    """Ends of months and quarters, leap years, week 53, quarters and counted years go on as a person would write."""
    calendar = infer(texts)
    assert calendar.name == name
    last = calendar.positions(times_of(texts).stamps[-1:])
    assert calendar.text(last + 1) == [following]


@pytest.mark.parametrize("minutes", [15, 60])
def test_hours_follow_the_wall_clock(minutes: int) -> None:
    """Steps in Paris are those of the clock: a skipped hour keeps its place, a repeated one has one place."""
    index = pd.date_range("2024-03-30", "2024-11-01", freq=f"{minutes}min", tz="Europe/Paris")
    texts = index.strftime("%Y-%m-%d %H:%M").tolist()
    calendar = infer(texts, zone="Europe/Paris")
    assert (calendar.grid.on_clock, calendar.timezone, calendar.has_clock_changes) == (True, "Europe/Paris", True)
    stamps = times_of(texts, timezone="Europe/Paris").stamps
    assert stamps.tolist() == micros(index.tz_convert("UTC")).tolist()
    positions = calendar.positions(stamps)
    per_hour = 60 // minutes
    steps = np.diff(positions)
    assert np.count_nonzero(steps == per_hour + 1) == 1
    assert np.count_nonzero(steps == 1 - per_hour) == 1
    assert np.count_nonzero(steps == 1) == len(steps) - 2
    assert set(positions % (24 * per_hour) - index.hour * per_hour - index.minute // minutes) == {0}
    every = np.arange(positions[0], positions[-1] + 1)
    assert np.bincount(calendar.occurrences(every)).tolist() == [per_hour, len(every) - 2 * per_hour, per_hour]
    rows, columns = calendar.written_texts("time", every[None, :])
    assert columns == {"time": texts}
    assert np.array_equal(every[rows], positions)
    second = np.flatnonzero(steps == 1 - per_hour) + 1 + np.arange(per_hour)
    assert np.flatnonzero(calendar.is_repeat(stamps)).tolist() == second.tolist()


def test_instants_that_are_even_in_utc_stay_so() -> None:
    """Six-hourly times of UTC, with Paris given, are no even steps of its clock; zones without changes are the same."""
    index = pd.date_range("2024-03-01", "2024-05-01", freq="6h", tz="UTC")
    calendar = infer(index.strftime("%Y-%m-%dT%H:%M:%SZ").tolist(), zone="Europe/Paris")
    assert (calendar.name, calendar.grid.on_clock) == ("6h", False)
    local = index.tz_localize(None).tz_localize("Europe/Paris")
    calendar = infer(local.strftime("%Y-%m-%d %H:%M").tolist(), zone="Europe/Paris")
    assert (calendar.name, calendar.grid.on_clock) == ("6h", True)
    assert not infer(local.strftime("%Y-%m-%d %H:%M").tolist(), zone="Asia/Tokyo").grid.on_clock


def test_days_follow_the_wall_clock() -> None:
    """Local midnights with their offsets are days of the zone, although 23 or 25 hours lie between two of them."""
    index = pd.date_range("2024-03-25", "2024-11-05", freq="D", tz="Europe/Paris")
    texts = [moment.isoformat() for moment in index]
    calendar = infer(texts, zone="Europe/Paris")
    assert (calendar.name, calendar.timezone) == ("D", "Europe/Paris")
    positions = calendar.positions(times_of(texts).stamps)
    assert np.array_equal(positions, positions[0] + np.arange(len(index)))
    assert calendar.text(positions) == texts
    by_offsets = infer(texts)
    assert (by_offsets.name, by_offsets.timezone, by_offsets.text(positions)) == ("D", "Europe/Berlin", texts)


def test_days_of_another_zone_than_the_one_given_stay_days() -> None:
    """Daily at midnight UTC, with Paris given: still daily, counted in UTC."""
    texts = [f"{day:%Y-%m-%d}T00:00Z" for day in pd.date_range("2024-03-25", periods=10)]
    calendar = infer(texts, zone="Europe/Paris")
    assert (calendar.name, calendar.timezone) == ("D", "UTC")
    assert calendar.text(calendar.positions(times_of(texts).stamps)) == texts


SEASONS = {
    "MS": 12, "ME": 12, "QS-OCT": 4, "YS-JAN": 1, "W-FRI": 52, "D": 7, "B": 5, "h": 24, "2h": 12, "12h": 2,
    "5h": 1, "30min": 48, "5min": 288, "min": 1440, "7min": 1, "s": 60, "10s": 6, "3D": 1,
}  # fmt: skip
HORIZONS = {
    "YS-JAN": 6, "QS-OCT": 8, "MS": 12, "W-FRI": 13, "D": 14, "B": 10, "h": 24, "2h": 12, "30min": 48, "5min": 288,
    "min": 288, "s": 60, "3D": 10,
}  # fmt: skip
LABELS = {
    "YS-JAN": "yearly", "QS-OCT": "quarterly", "MS": "monthly", "W-FRI": "weekly", "2W-TUE": "every 2 weeks",
    "D": "daily", "B": "business days", "h": "hourly", "30min": "every 30 minutes", "2h": "every 2 hours",
    "s": "every second", "2YS-JAN": "every 2 years", "3D": "every 3 days",
}  # fmt: skip


@pytest.mark.parametrize("alias", sorted({*SEASONS, *HORIZONS, *LABELS}))
def test_season_horizon_and_label(alias: str) -> None:
    """Each frequency has its usual season, first horizon and name in words, whatever the length of the file."""
    periods = 4000 if "min" in alias else 60 if "Y" in alias else 130
    index = pd.date_range("2023-01-02", periods=periods, freq=alias)
    calendar = infer(texts_of(index))
    assert calendar.name == alias
    assert calendar.season == SEASONS.get(alias, calendar.season)
    assert calendar.default_horizon == HORIZONS.get(alias, calendar.default_horizon)
    assert calendar.label == LABELS.get(alias, calendar.label)


def test_the_season_for_mase_is_the_classic_one() -> None:
    """24 for hours, 12 for months, 4 for quarters, else 1; the season that a user pins counts before them."""
    expected = {"h": 24, "MS": 12, "QS-OCT": 4, "D": 1, "W-FRI": 1, "30min": 1}
    for alias, season in expected.items():
        texts = texts_of(pd.date_range("2024-01-01", periods=130, freq=alias))
        assert infer(texts).mase_season == season
        assert infer(texts, season=6).mase_season == 6
        assert infer(texts, season=6).season == 6


def test_a_short_series_has_no_season_and_that_is_said() -> None:
    """23 months are fewer than two seasons of 12; 24 are enough; the longest series counts."""
    months = texts_of(pd.date_range("2020-01-01", periods=24, freq="MS"))
    calendar, inferred = infer_with_settings(months[:23])
    assert calendar.season == 1
    assert "23" in inferred["season_length"].reason
    assert "12" in inferred["season_length"].reason
    assert infer(months).season == 12
    assert infer(months + months[:3], [0] * 24 + [1] * 3).season == 12


def test_the_finding_counts_the_steps() -> None:
    """A daily file with one day lost has 8 of 9 steps that are daily."""
    days = texts_of(pd.date_range("2024-01-01", periods=11, freq="D"))
    _, inferred = infer_with_settings(days[:4] + days[5:])
    assert inferred["frequency"].value == "D"
    assert "8 of 9" in inferred["frequency"].reason


def test_series_are_looked_at_together() -> None:
    """Steps are those within a series: two series of months that overlap are months; so is one with a single row."""
    months = texts_of(pd.date_range("2020-01-01", periods=12, freq="MS"))
    assert infer(months[:8] + months[4:], [0] * 8 + [1] * 8).name == "MS"
    assert infer(months + months[3:4], [0] * 12 + [1]).name == "MS"
    assert infer(months[:4], [0, 1, 2, 3]).name == "MS"


def test_a_finer_step_needs_to_be_common() -> None:
    """Steps of two hours with some single hours are hourly; one row off the grid makes the series irregular."""
    hours = [0, 2, 4, 5, 7, 8, 10, 12, 13, 15]
    assert infer([f"2024-01-01 {hour:02d}:00" for hour in hours]).name == "h"
    with pytest.raises(DataError) as caught:
        infer([f"2024-01-01 {hour:02d}:00" for hour in range(20)] + ["2024-01-01 20:30"])
    message = str(caught.value)
    assert "f.csv" in message
    assert "1 hour (19 of 20)" in message
    assert "90 minutes (1 of 20)" in message
    assert "line 22 '2024-01-01 20:30'" in message
    assert "data.frequency" in message


def test_a_month_off_its_day_is_named() -> None:
    """Among first days of months, the one row on the second is quoted, and no other."""
    days = texts_of(pd.date_range("2020-01-01", periods=24, freq="MS"))
    days[7] = "2020-08-02"
    with pytest.raises(DataError) as caught:
        infer(days)
    assert "line 9 '2020-08-02'" in str(caught.value)
    assert str(caught.value).count("line ") == 1


def test_fewer_than_three_times_are_refused() -> None:
    """Two different times in four rows are too few, with both numbers; a frequency given is enough."""
    texts = ["2024-01-01", "2024-01-02"] * 2
    with pytest.raises(DataError, match=r"at least 3 different times to be found|at least 3 .*got 2") as caught:
        infer(texts, [0, 0, 1, 1])
    assert "got 2" in str(caught.value)
    assert infer(texts, [0, 0, 1, 1], frequency="D").name == "D"


@pytest.mark.parametrize(
    "alias", ["MS", "ME", "QE-DEC", "QS-OCT", "YE-JUN", "YS-JAN", "W-SUN", "W-WED", "D", "6h", "2h"]
)
def test_resampling_takes_rows_where_pandas_does(alias: str) -> None:
    """Hourly rows fall into the steps of a named frequency as `resample` puts them."""
    index = pd.date_range("2023-12-28 05:00", periods=24 * 70, freq="h")
    calendar = infer(texts_of(index), frequency=alias)
    assert calendar.name == alias
    counts = pd.Series(1, index=index).resample(alias).sum()
    positions, ours = np.unique(calendar.positions(micros(index)), return_counts=True)
    assert ours.tolist() == counts.tolist()
    assert calendar.stamps(positions).tolist() == micros(counts.index).tolist()


@pytest.mark.parametrize(
    ("word", "alias", "name"),
    [("monthly", "MS", "MS"), ("M", "ME", "ME"), ("quarterly", "QE-DEC", "QE-DEC"), ("weekly", "W-WED", "W-WED"),
     ("W", "W-TUE", "W-TUE"), ("Daily", "D", "D"), ("hourly", "h", "h"), ("H", "h", "h"), ("A", "YE-JUN", "YE-JUN"),
     ("yearly", "YS-JAN", "YS-JAN"), ("B", "B", "B"), ("15T", "15min", "15min"), ("MS", "MS", "MS"),
     ("QS", "QS-NOV", "QS-NOV"), ("QS-JAN", "QS-OCT", "QS-OCT")],
)  # fmt: skip
def test_a_named_frequency_leaves_open_what_the_data_settle(word: str, alias: str, name: str) -> None:
    """A word or an old alias means the grid on which the data are, where they have that frequency."""
    index = pd.date_range("2020-01-01", periods=30, freq=alias)
    calendar = infer(texts_of(index), frequency=word)
    assert calendar.name == name
    assert calendar.grid.holds(micros(index)).all()


@pytest.mark.parametrize("name", ["fortnight", "0D", "5m", "MS-15", "QE-FOO", "W-FOO", "", "-1D", "h-FRI"])
def test_an_unknown_frequency_is_refused(name: str) -> None:
    """A name that is no frequency is refused with the key and the known ones."""
    with pytest.raises(ConfigError, match=r"data\.frequency") as caught:
        infer(["2024-01-01", "2024-01-02", "2024-01-03"], frequency=name)
    assert f"'{name}'" in str(caught.value)
    assert "QE-DEC" in str(caught.value)


def test_a_frequency_finer_than_the_data_is_refused() -> None:
    """Daily data are not hourly ones with holes."""
    with pytest.raises(DataError, match="finer than the data") as caught:
        infer(["2024-01-01", "2024-01-02", "2024-01-04"], frequency="h")
    assert "24" in str(caught.value)


@pytest.mark.parametrize("alias", ["MS", "QE-DEC", "B", "W-FRI", "30min"])
def test_a_calendar_survives_json(alias: str) -> None:
    """A calendar goes through JSON and stays the same."""
    calendar = infer(texts_of(pd.date_range("2024-01-01", periods=30, freq=alias)))
    assert Calendar.from_dict(json.loads(json.dumps(calendar.to_dict()))) == calendar
    counter = counter_calendar()[0]
    assert Calendar.from_dict(json.loads(json.dumps(counter.to_dict()))) == counter


def test_a_counter_counts() -> None:
    """Without a time column, positions are row numbers, and the horizon is ten steps or the season."""
    calendar, inferred = counter_calendar()
    assert (calendar.name, calendar.label, calendar.season, calendar.mase_season) == ("1", "row number", 1, 1)
    assert calendar.default_horizon == 10
    assert calendar.text(np.array([1, 37])) == ["1", "37"]
    assert calendar.wall(np.array([4])).tolist() == [4]
    assert calendar.positions(np.array([5])).tolist() == [5]
    assert calendar.stamps(np.array([5])).tolist() == [5]
    assert inferred[0].key == "frequency"
    assert counter_calendar(12)[0].default_horizon == 12
    assert counter_calendar(12)[0].mase_season == 12


def test_a_season_below_one_is_refused() -> None:
    """A season of 0 is refused with its key."""
    with pytest.raises(ConfigError, match=r"data\.season_length"):
        infer(["2024-01-01", "2024-01-02", "2024-01-03"], season=0)


def test_a_grid_contains_only_its_own_times() -> None:
    """A Saturday is on no grid of business days, a Friday is."""
    friday = micros(pd.DatetimeIndex(["2024-03-01", "2024-03-02"]))
    assert TimeGrid("fixed", DAY, mask=WORKWEEK).holds(friday).tolist() == [True, False]


def test_a_column_that_counts_is_its_own_clock() -> None:
    """Steps of ten from 5 on, one of them left out: positions are consecutive, and texts go on as the column does."""
    calendar, inferred = infer_with_settings(["5", "15", "25", "45"])
    stamps = np.array([5, 15, 25, 45])
    assert calendar.positions(stamps).tolist() == [0, 1, 2, 4]
    assert calendar.stamps(calendar.positions(stamps)).tolist() == stamps.tolist()
    assert calendar.text(np.array([3, 5])) == ["35", "55"]
    assert calendar.wall(np.array([3])).tolist() == [35]
    assert (calendar.kind, calendar.name, calendar.season) == ("counter", "1", 1)
    assert inferred["frequency"].reason == "the time column counts steps by 10"
    assert Calendar.from_dict(json.loads(json.dumps(calendar.to_dict()))) == calendar


def test_a_counter_has_no_frequency_but_its_own() -> None:
    """Its name is accepted back, a frequency of times is a contradiction; a season may be pinned."""
    assert infer(["1", "2", "3"], frequency="1").name == "1"
    assert infer(["1", "2", "3"], season=7).mase_season == 7
    with pytest.raises(ConfigError, match=r"data\.frequency requires times"):
        infer(["1", "2", "3"], frequency="D")


@pytest.mark.parametrize("alias", ALIASES)
def test_the_name_of_a_grid_finds_it_again(alias: str) -> None:
    """A frequency printed by `check` and set in a config gives the same grid on the same data."""
    texts = texts_of(pd.date_range("2019-03-01", periods=24, freq=alias))
    grid = infer(texts).grid
    assert infer(texts, frequency=grid.name).grid == grid


def test_the_name_of_a_day_of_the_month_finds_it_again() -> None:
    """Pandas has no name for every 15th; ours, `MS-15`, can be pinned all the same."""
    texts = [f"2020-{month:02d}-15" for month in range(1, 13)]
    calendar = infer(texts, frequency="MS-15")
    assert calendar.name == "MS-15"
    assert calendar.text(calendar.positions(times_of(texts).stamps) + 1)[-1] == "2021-01-15"


def test_irregular_times_begin_with_the_first_line_off_the_grid() -> None:
    """Also where months are skipped unevenly, which no fixed step explains."""
    with pytest.raises(DataError, match=r"^f\.csv:5: column 'Date': the times are irregular"):
        infer(["2024-01-01 00:00", "2024-01-02 00:00", "2024-01-03 00:00", "2024-01-03 13:07"])
    months = ["2020-01-01", "2020-04-01", "2020-07-01", "2020-09-01", "2020-12-01", "2021-03-01"]
    with pytest.raises(DataError, match=r"^f\.csv:5: .* 91 days .* off the regular grid: line 5 '2020-09-01'"):
        infer(months)
