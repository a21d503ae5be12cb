"""Closed weeks and months of the year: school holidays, seasons, and shops that close between the years."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from lstmcast.data.load import ReadOptions, read
from lstmcast.data.panel import Panel
from lstmcast.data.time.calendar import Calendar
from lstmcast.data.time.closed import closed_text, parse_closed
from lstmcast.data.time.frequency import WEEK, TimeGrid
from lstmcast.data.time.zones import DAY
from lstmcast.errors import ConfigError, DataError

DAYS = pd.date_range("2019-01-01", "2023-12-31")
WEEKS = pd.date_range("2016-01-04", "2023-12-25", freq="7D")
HOLIDAYS = {1, 13, 14, 28, 29, 30, 31, 52, 53}
DAILY, WEEKLY = TimeGrid("fixed", DAY), TimeGrid("fixed", WEEK, 4 * DAY)


def week(time: pd.Timestamp) -> int:
    """ISO week."""
    return int(time.isocalendar()[1])


def panel_of(times: pd.DatetimeIndex, is_open: Callable[[pd.Timestamp], bool], **options: object) -> Panel:
    """Panel of values at open times."""
    rows = [(f"{time:%Y-%m-%d}", 10.5 + k % 11) for k, time in enumerate(times) if is_open(time)]
    return read(pd.DataFrame(rows, columns=["date", "y"]), ReadOptions(**options))  # type: ignore[arg-type]


def coming(panel: Panel, steps: int) -> pd.DatetimeIndex:
    """The next steps."""
    return pd.DatetimeIndex(panel.calendar.wall(panel.ends[0] + 1 + np.arange(steps)))


@pytest.mark.parametrize(
    ("times", "is_open", "text", "season"),
    [
        (DAYS, lambda t: week(t) not in HOLIDAYS, "W01,W13-W14,W28-W31,W52-W53", 7),
        (DAYS, lambda t: week(t) not in HOLIDAYS and t.day_of_week < 5, "Sat,Sun,W01,W13-W14,W28-W31,W52-W53", 5),
        (DAYS, lambda t: 6 <= t.month <= 9, "Jan-May,Oct-Dec", 7),
        (DAYS, lambda t: t.month != 8 and t.day_of_week != 6, "Sun,Aug", 6),
        (WEEKS, lambda t: week(t) not in {52, 53, 1}, "W01,W52-W53", 50),
        (WEEKS, lambda t: 30 <= week(t) <= 44, "W01-W29,W45-W53", 15),
    ],
)
def test_closed_weeks_and_months(
    times: pd.DatetimeIndex, is_open: Callable[[pd.Timestamp], bool], text: str, season: int
) -> None:
    """They are found, are no gaps, and are never forecast."""
    panel = panel_of(times, is_open)
    assert (panel.calendar.closed, panel.calendar.grid.season) == (text, season)
    assert panel.observed.all()
    assert all(map(is_open, coming(panel, 500)))
    assert Calendar.from_dict(panel.calendar.to_dict()) == panel.calendar
    assert panel_of(times, is_open, closed=text).calendar.grid == panel.calendar.grid


def test_week_53_is_open_if_it_is_observed() -> None:
    """A week between closed ones is closed only if it was never observed."""
    panel = panel_of(WEEKS, lambda t: week(t) not in {52, 1})
    assert panel.calendar.closed == "W01,W52"


def test_two_years_do_not_close_weeks() -> None:
    """Holes of two years are no pattern, but a setting offers it."""
    with pytest.raises(DataError) as caught:
        panel_of(DAYS[:800], lambda t: not 20 <= week(t) <= 30)
    assert caught.value.faults[0].fixes[0].setting == "data.closed=W20-W30"
    assert panel_of(DAYS[:800], lambda t: not 20 <= week(t) <= 30, closed="W20-W30").observed.all()


@pytest.mark.parametrize("seed", range(5))
def test_random_holes_close_no_weeks(seed: int) -> None:
    """Scattered holes of many years have no pattern."""
    kept = np.random.default_rng(seed).random(len(DAYS)) < 0.93
    panel = panel_of(DAYS[kept], lambda _: True)
    assert panel.calendar.closed == "none"


@pytest.mark.parametrize(
    ("grid", "text"),
    [(DAILY, "W52-W53"), (DAILY, "Sun,Jun-Aug"), (DAILY, "Sat,Sun,W30-W32,W52"), (WEEKLY, "W01-W29"), (WEEKLY, "Aug")],
)
def test_texts(grid: TimeGrid, text: str) -> None:
    """The text of closed steps is that of the setting."""
    assert closed_text(parse_closed(text, grid)) == text


def test_weeks_around_the_new_year() -> None:
    """W52-W01 includes week 53."""
    assert parse_closed("W52-W01", DAILY) == parse_closed("W01,W52-W53", DAILY)


@pytest.mark.parametrize(
    ("grid", "text"), [(DAILY, "W54"), (DAILY, "W01-W53"), (WEEKLY, "Sun"), (TimeGrid("fixed", DAY // 24), "W52")]
)
def test_invalid_texts(grid: TimeGrid, text: str) -> None:
    """Weeks that do not exist, all of them, and those of other steps are refused."""
    with pytest.raises(ConfigError):
        parse_closed(text, grid)
