"""Periods of whole weeks, against lists of dates made by adding weeks."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lstmcast.data.load import read
from lstmcast.data.schema import ReadOptions
from lstmcast.data.time.calendar import Calendar
from lstmcast.data.time.week_years import WeekYears, find_week_years

NRF_LONG = (2012, 2017, 2023)  # years from 2010 on


def starts(first: str, n_years: int, weeks: tuple[int, ...], long: tuple[int, ...] = ()) -> pd.DatetimeIndex:
    """First days of all periods of consecutive years, of which some have a 53rd week."""
    days, day = [], pd.Timestamp(first)
    for year in range(n_years):
        for k, length in enumerate(weeks):
            days.append(day)
            day += pd.Timedelta(weeks=length + (year in long and k == len(weeks) - 1))
    return pd.DatetimeIndex(days)


def days_of(index: pd.DatetimeIndex) -> np.ndarray:
    """Days since 1970."""
    return index.to_numpy().astype("datetime64[D]").astype(np.int64)


QUARTERS = st.permutations([4, 4, 5]).map(tuple)


@settings(deadline=None)
@given(QUARTERS, st.dates(date(1980, 1, 1), date(2040, 1, 1)), st.integers(8, 60))
def test_years_of_52_weeks_go_on(quarter: tuple[int, ...], first: date, known: int) -> None:
    """The dates after the last one are those of the pattern, also after a hole."""
    whole = starts(str(first), 8, quarter * 4)
    days = days_of(whole)
    years = find_week_years(np.delete(days[:known], known // 2))
    assert years is not None
    last = years.positions(days[known - 1 : known])
    assert years.days(last + 1 + np.arange(20)).tolist() == days[known : known + 20].tolist()


@pytest.mark.parametrize("known", [60, 90, 150, 168])
@pytest.mark.parametrize("quarter", [(4, 5, 4), (4, 4, 5), (5, 4, 4)])
def test_the_rule_of_the_53rd_week_is_found(known: int, quarter: tuple[int, ...]) -> None:
    """The retail years from 2010 on begin on the Sunday nearest to 1 February: 2029 has 53 weeks too."""
    days = days_of(starts("2010-01-31", 20, quarter * 4, tuple(year - 2010 for year in (*NRF_LONG, 2028))))
    years = find_week_years(days[:known])
    assert years is not None
    positions = years.positions(days[:1]) + np.arange(240)
    if known >= 150:
        assert years.days(positions).tolist() == days.tolist()
    assert years.days(positions[:known]).tolist() == days[:known].tolist()


def test_quarters_of_thirteen_weeks() -> None:
    """One quarter of 14 weeks in 12 years, on the last Saturday of December."""
    days = days_of(starts("2011-12-31", 12, (13,) * 4, (5, 11)))
    years = find_week_years(days[:40])
    assert years is not None
    assert years.days(years.positions(days[:1]) + np.arange(40)).tolist() == days[:40].tolist()


def test_a_53rd_week_without_a_rule() -> None:
    """One long year that no rule explains is kept, and years of 52 weeks follow."""
    days = days_of(starts("2014-12-28", 12, (4, 4, 5) * 4, (5,)))
    years = find_week_years(days[:110])
    assert years is not None
    assert (years.month, years.long) == (0, (5,))
    assert years.days(years.positions(days[:1]) + np.arange(144)).tolist() == days.tolist()


@given(st.integers(0, 12), st.integers(-6, 6), st.integers(-20_000, 40_000), st.lists(st.integers(-5_000, 50_000)))
def test_positions_and_days_are_inverse(month: int, first_day: int, origin: int, days: list[int]) -> None:
    """A period contains its days, and the next one begins after them."""
    years = WeekYears((4, 4, 5) * 4, origin, month, first_day if month else 0)
    some = np.array([origin, *days])
    positions = years.positions(some)
    assert (years.days(positions) <= some).all()
    assert (years.days(positions + 1) > some).all()
    assert np.array_equal(years.positions(years.days(positions)), positions)
    assert WeekYears.from_dict(json.loads(json.dumps(asdict(years)))) == years


def test_other_steps_are_no_periods() -> None:
    """Months, weeks, and periods with a day off are not taken for periods of weeks."""
    days = days_of(starts("2015-01-04", 3, (4, 4, 5) * 4))
    for other in (
        days_of(pd.date_range("2015-01-01", periods=40, freq="MS")),
        days[::2] + 1,
        np.append(days, days[-1] + 29),
    ):
        found = find_week_years(other)
        assert found is None or np.array_equal(found.days(found.positions(other)), other)
    assert find_week_years(np.append(days, days[-1] + 29)) is None


def test_a_file_of_periods(tmp_path: Path) -> None:
    """The calendar is named by its weeks, has a season of a year, and its name can be pinned."""
    index = starts("2015-01-04", 9, (4, 4, 5) * 4)
    file = tmp_path / "f.csv"
    file.write_text("start,y\n" + "".join(f"{day:%Y-%m-%d},{k}\n" for k, day in enumerate(index)), encoding="utf-8")
    calendar = read(file).calendar
    assert (calendar.name, calendar.season, calendar.mase_season, calendar.default_horizon) == ("4-4-5", 12, 12, 12)
    positions = calendar.positions(days_of(index) * 86_400_000_000)
    assert (np.diff(positions) == 1).all()
    assert calendar.text(positions[-1:] + np.array([1, 2, 3, 4])) == [
        "2023-12-24",
        "2024-01-21",
        "2024-02-18",
        "2024-03-24",
    ]
    assert read(file, ReadOptions(frequency="4-4-5")).calendar.grid == calendar.grid
    assert Calendar.from_dict(json.loads(json.dumps(calendar.to_dict()))) == calendar
