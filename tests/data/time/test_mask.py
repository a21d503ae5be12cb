"""Masks: positions of open steps, their inverse, and the grids that they belong to."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lstmcast.data.time.calendar import Calendar
from lstmcast.data.time.closed import closed_text, parse_closed
from lstmcast.data.time.frequency import HOUR, MINUTE, TimeGrid
from lstmcast.data.time.mask import Mask
from lstmcast.data.time.text.formats import TimeFormat
from lstmcast.data.time.zones import DAY

MASKS = st.lists(st.booleans(), min_size=1, max_size=60).filter(any).map(Mask.of)
STEPS = st.sampled_from([DAY, 12 * HOUR, HOUR, 30 * MINUTE])


@given(MASKS, st.lists(st.integers(-(10**6), 10**6), min_size=1, max_size=50))
def test_fold_and_unfold_are_inverse(mask: Mask, numbers: list[int]) -> None:
    """Positions lead to open ticks and back; ticks in closed slots lead to the open one before."""
    positions = np.array(numbers)
    ticks = mask.unfold(positions)
    assert mask.contains(ticks).all()
    assert np.array_equal(mask.fold(ticks), positions)
    before = mask.unfold(mask.fold(positions))
    assert (before <= positions).all()
    assert np.array_equal(before == positions, mask.contains(positions))
    assert (mask.unfold(mask.fold(positions) + 1) > positions).all()


@given(MASKS, st.integers(-(10**6), 10**6))
def test_positions_count_open_ticks(mask: Mask, first: int) -> None:
    """Consecutive open ticks have consecutive positions."""
    ticks = np.arange(first, first + 3 * mask.cycle + 1)
    ticks = ticks[mask.contains(ticks)]
    assert (np.diff(mask.fold(ticks)) == 1).all()


@given(MASKS)
def test_a_mask_survives_json(mask: Mask) -> None:
    """The open slots, and the mask from JSON, are those of the mask."""
    assert Mask.of(mask.is_open) == mask
    assert mask.size == mask.is_open.sum()
    assert Mask.from_dict(json.loads(json.dumps({"cycle": mask.cycle, "runs": mask.runs}))) == mask


@st.composite
def masked_grids(draw: st.DrawFn) -> TimeGrid:
    """Grids of days or parts of a day, with closed days, times of day or both."""
    step = draw(STEPS)
    slots = DAY // step
    phase = draw(st.integers(0, step // MINUTE - 1)) * MINUTE if step < DAY else 0
    days = np.array(draw(st.lists(st.booleans(), min_size=7, max_size=7)))
    times = np.array(draw(st.lists(st.booleans(), min_size=slots, max_size=slots)))
    is_open = days[:, None] & (times if slots > 1 else np.array([True]))
    assume(is_open.any() and not is_open.all())
    same = slots > 1 and bool((is_open == is_open[0]).all())
    return TimeGrid("fixed", step, phase, mask=Mask.of(is_open[0] if same else is_open.ravel()))


@settings(deadline=None)
@given(masked_grids())
def test_the_text_of_closed_steps_closes_them_again(grid: TimeGrid) -> None:
    """The printed text of data.closed leads to the same grid."""
    assert parse_closed(closed_text(grid), grid) == grid


@settings(deadline=None)
@given(masked_grids(), st.integers(-20_000, 30_000), st.sampled_from([None, "Europe/Berlin", "America/New_York"]))
def test_next_steps_are_open(grid: TimeGrid, day: int, zone: str | None) -> None:
    """Steps after any time are open, ascend, and have consecutive positions."""
    calendar = Calendar(grid, timezone=zone, style=TimeFormat("%Y-%m-%d %H:%M"))
    start = int(calendar.positions(np.array([day * DAY]))[0])
    positions = start + 1 + np.arange(50)
    stamps = calendar.stamps(positions)
    on_clock = grid.times(positions)
    assert grid.mask is not None
    assert grid.mask.contains(grid.ticks(on_clock)).all()
    assert grid.holds(on_clock).all()
    assert (np.diff(stamps) >= 0).all()
    if zone is None:
        assert not calendar.is_closed(stamps).any()
        assert np.array_equal(calendar.positions(stamps), positions)
        assert (stamps > day * DAY).all()


@pytest.mark.parametrize(
    ("closed", "step", "season", "week", "horizon", "mase"),
    [
        ("Sun", DAY, 6, None, 12, 1),
        ("Sat,Sun", DAY, 5, None, 10, 1),
        ("21:00-08:00", HOUR, 13, 91, 13, 13),
        ("Sun,21:00-08:00", HOUR, 13, 78, 13, 13),
        ("Sun,21:00-08:00,Sat@14:00-21:00", HOUR, 71, None, 71, 71),
        ("Sat,Sun,16:00-09:30", 30 * MINUTE, 13, 65, 13, 1),
        ("Sat,Sun,16:00-09:30", MINUTE, 390, 1950, 288, 1),
    ],
)
def test_seasons_and_horizon_count_open_steps(
    closed: str, step: int, season: int, week: int | None, horizon: int, mase: int
) -> None:
    """The season is the open steps of a day (of a week where days differ), the week those of seven days."""
    grid = parse_closed(closed, TimeGrid("fixed", step))
    calendar = Calendar(grid, season=grid.season)
    assert (grid.season, calendar.week, grid.horizon, grid.mase_season) == (season, week, horizon, mase)
    assert calendar.closed == closed


def test_closed_months_shorten_the_year() -> None:
    """Monthly data without July and August have a season of ten."""
    grid = parse_closed("Jul-Aug", TimeGrid("month"))
    assert (grid.season, grid.horizon, grid.mase_season, closed_text(grid)) == (10, 10, 10, "Jul,Aug")


def test_steps_end_where_the_next_tick_begins() -> None:
    """Saturday ends on Sunday, although the next open step is Monday; the last hour of a shop ends when it closes."""
    saturday = np.array([np.datetime64("2024-03-02", "us").astype(np.int64)])
    for closed, step, hours in (("Sun", DAY, 24), ("none", DAY, 24), ("Sun,20:00-08:00", HOUR, 1)):
        calendar = Calendar(parse_closed(closed, TimeGrid("fixed", step)), timezone="Europe/Berlin")
        stamps = saturday + 18 * HOUR if step == HOUR else saturday - HOUR
        assert calendar.ends(calendar.positions(stamps)).tolist() == (stamps + hours * HOUR).tolist()
    months = Calendar(parse_closed("Aug", TimeGrid("month")))
    july = np.array([np.datetime64("2024-07-01", "us").astype(np.int64)])
    assert months.ends(months.positions(july)).tolist() == [july[0] + 31 * DAY]
