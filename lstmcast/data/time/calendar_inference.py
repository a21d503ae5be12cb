"""Inference of the calendar of the series from the times of all rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd

from lstmcast.data.schema import InferredSetting, SettingKey
from lstmcast.data.time.calendar import Calendar
from lstmcast.data.time.closed import AUTO, distinct, infer_mask, is_sparse, missing_steps, parse_closed
from lstmcast.data.time.frequency import TimeGrid
from lstmcast.data.time.inference import find_grid, masked_grid, parse_frequency, steps_of, week_years_grid
from lstmcast.data.time.irregular import MIN_PART, change_fault, few_times_fault, has_longer_end, irregular_fault
from lstmcast.data.time.other_readings import other_reading_fault
from lstmcast.data.time.rows import TimeRows
from lstmcast.data.time.text.column import Times
from lstmcast.data.time.text.patterns import COUNT
from lstmcast.data.time.zones import changes_clock
from lstmcast.errors import ConfigError, DataError, Fault, FaultCode
from lstmcast.types import Bools, Ints

_MIN_TIMES = 3  # distinct times needed to infer a frequency


def infer_calendar(
    times: Times,
    groups: Ints,
    lines: Ints,
    *,
    column: str,
    source: str,
    frequency: str | None = None,
    season: int | None = None,
    closed: str = AUTO,
    observed: Bools | None = None,
    is_format_pinned: bool = False,
) -> tuple[Calendar, tuple[InferredSetting, ...]]:
    """Infer the regular grid of all rows.

    Args:
        times: the times of N rows.
        groups: [N] index of the series.
        lines: [N] physical line of each row, for messages.
        frequency: a pinned frequency; rows between its steps are aggregated.
        season: a pinned season.
        closed: closed steps, such as `Sun`; `auto` for steps without values in a regular pattern, or `none`.
        observed: [N] true for rows with a value; None if all have one.
        is_format_pinned: months are months, although they may be quarters.

    Raises:
        DataError: fewer than three times, irregular times, or a frequency that is finer than the data.
        ConfigError: an unknown frequency, a frequency of counted steps, or a season below 1.
    """
    if season is not None and season < 1:
        raise ConfigError(f"data.season_length: must be at least 1 (got {season})")
    if times.style.pattern == COUNT:
        return _counted(times, frequency, season)
    rows = TimeRows(times, groups, lines, column, source, observed, is_format_pinned)
    if frequency is None:
        calendar = _found(rows, closed)
        counts = _step_counts(calendar, rows)
        counts = counts[counts > 0]
        reason = f"{np.count_nonzero(counts == 1)} of {len(counts)} steps are {calendar.label}"
    else:
        calendar, reason = _pinned(frequency, rows, closed), "data.frequency"
    inferred = [InferredSetting(SettingKey.FREQUENCY, calendar.name, reason), *_closed_setting(calendar, rows, closed)]
    longest = _longest(calendar.positions(times.stamps), groups)
    calendar, of_season = _with_season(calendar, season, longest)
    return calendar, (*inferred, of_season)


def counter_calendar(season: int | None = None) -> tuple[Calendar, tuple[InferredSetting, ...]]:
    """Calendar of a file without a time column, where rows are counted 1, 2, 3 …; `season` may be pinned."""
    frequency = InferredSetting(SettingKey.FREQUENCY, "1", "there is no time column: rows are counted")
    return Calendar(TimeGrid("counter"), season=season or 1, pinned=season is not None), (frequency,)


def _counted(times: Times, frequency: str | None, season: int | None) -> tuple[Calendar, tuple[InferredSetting, ...]]:
    """Calendar of a column of integers that count steps."""
    if frequency not in (None, "1"):
        raise ConfigError("data.frequency requires times, but the time column counts steps; leave it out")
    distinct = np.unique(times.stamps)
    step = int(np.gcd.reduce(np.diff(distinct))) or 1
    grid = TimeGrid("counter", step, int(distinct[0]) % step)
    calendar = Calendar(grid, season=season or 1, pinned=season is not None, style=times.style)
    reason = "the time column counts steps" + (f" by {step}" if step > 1 else "")
    return calendar, (InferredSetting(SettingKey.FREQUENCY, "1", reason),)


def _found(rows: TimeRows, closed: str) -> Calendar:
    """Calendar of the data; raises DataError if there is none."""
    steps = rows.steps
    if len(steps.distinct) < _MIN_TIMES:
        raise DataError(few_times_fault(rows, _MIN_TIMES))
    if not len(steps.before):
        steps = steps_of(steps.distinct, np.zeros_like(steps.distinct))
    grid = _on_clock(find_grid(steps), rows) or week_years_grid(steps.distinct) or masked_grid(steps.distinct)
    if grid is None:
        raise DataError(change_fault(rows) or irregular_fault(rows))
    if closed == AUTO and (fault := other_reading_fault(rows, grid)):
        raise DataError(fault)
    zone = "UTC" if rows.zone and grid.in_days and not rows.on_days else rows.zone  # e.g. daily at 00:00 UTC
    calendar = _with_mask(Calendar(grid, timezone=zone, style=rows.times.style), rows, closed)
    if closed == AUTO and _may_change(calendar, rows) and (fault := change_fault(rows)):
        raise DataError(fault)
    return calendar


def _on_clock(grid: TimeGrid | None, rows: TimeRows, wall: TimeGrid | None = None) -> TimeGrid | None:
    """Grid on the wall clock of a zone with clock changes, if the times follow it as well as a grid of instants.

    Args:
        grid: on the clock of UTC; None if there is none.
        wall: a pinned grid on the wall clock; None to find it.
    """
    if rows.on_days or not changes_clock(rows.zone) or (grid is not None and (grid.in_days or grid.kind != "fixed")):
        return grid
    steps = rows.wall_steps(rows.zone)
    wall = wall or find_grid(steps)
    if wall is None or wall.in_days or wall.kind != "fixed" or (grid is not None and wall.step < grid.step):
        return grid
    if grid is not None and np.mean(wall.holds(steps.distinct)) < np.mean(grid.holds(rows.steps.distinct)):
        return grid
    return replace(wall, on_clock=True)


def _pinned(frequency: str, rows: TimeRows, closed: str) -> Calendar:
    """Calendar of a pinned frequency; raises DataError if it is finer than the data."""
    grid = parse_frequency(frequency, rows.wall_steps(rows.zone))
    if not grid.in_days:
        grid = _on_clock(parse_frequency(frequency, rows.steps), rows, grid) or grid
    calendar = _with_mask(Calendar(grid, timezone=rows.zone, style=rows.times.style), rows, closed)
    counts = _step_counts(calendar, rows)
    if len(counts) and counts.min() > 1:
        text = f"data.frequency: {frequency} is finer than the data, whose smallest step is {counts.min()} of it; "
        text += "set a coarser one, or leave it out"
        raise DataError(Fault(text, FaultCode.FINE_FREQUENCY, column="data.frequency"))
    return calendar


def _with_mask(calendar: Calendar, rows: TimeRows, closed: str) -> Calendar:
    """Close the steps that are given or, with `auto`, those without values in a regular pattern."""
    grid = calendar.grid
    if closed != AUTO:
        return replace(calendar, grid=parse_closed(closed, grid))
    base = replace(grid, mask=None)
    mask = infer_mask(base, rows.wall_times(calendar.timezone))
    return replace(calendar, grid=replace(base, mask=mask or grid.mask))


def _step_counts(calendar: Calendar, rows: TimeRows) -> Ints:
    """Number of open steps [P] from each time to the next of its series."""
    steps = rows.wall_steps(calendar.timezone) if calendar.grid.on_wall else rows.steps
    return calendar.grid.positions(steps.after) - calendar.grid.positions(steps.before)


def _may_change(calendar: Calendar, rows: TimeRows) -> bool:
    """True if more than a tenth of the open steps has no row, or all of the first or last ones are longer."""
    grid = calendar.grid
    times = (rows.wall_steps(calendar.timezone) if grid.on_wall else rows.steps).distinct
    return is_sparse(grid, times) or has_longer_end(grid.positions(times[:MIN_PART]), grid.positions(times[-MIN_PART:]))


def _closed_setting(calendar: Calendar, rows: TimeRows, closed: str) -> Iterator[InferredSetting]:
    """The closed steps and the number of those without values; nothing for business days."""
    mask = calendar.grid.mask
    if closed != AUTO:
        yield InferredSetting(SettingKey.CLOSED, calendar.closed, "data.closed")
    elif mask is not None and not calendar.grid.is_business:
        ticks = distinct(calendar.grid.ticks(rows.wall_times(calendar.timezone)))
        is_open = mask.contains(ticks)
        total = int(ticks[-1] - ticks[0]) + 1 - int(is_open.sum()) - missing_steps(mask, ticks)
        empty = total - int(np.count_nonzero(~is_open))
        yield InferredSetting(SettingKey.CLOSED, calendar.closed, f"{empty} of {total} steps there have no value")


def _longest(positions: Ints, groups: Ints) -> int:
    """Steps of the longest series."""
    by_series = pd.Series(positions).groupby(groups)
    return int((by_series.max() - by_series.min()).max()) + 1


def _with_season(calendar: Calendar, season: int | None, longest: int) -> tuple[Calendar, InferredSetting]:
    """Set the season: the pinned one, else the default if two seasons are known, else none."""
    default = calendar.grid.season
    if season is not None:
        calendar, reason = replace(calendar, season=season, pinned=season != default), "data.season_length"
    elif default > 1 and longest < 2 * default:
        reason = f"the longest series has {longest} steps, fewer than two seasons of {default}"
    else:
        calendar = replace(calendar, season=default)
        reason = calendar.default_reason if default > 1 else f"none is usual for {calendar.label} data"
    return calendar, InferredSetting(SettingKey.SEASON_LENGTH, str(calendar.season), reason)
