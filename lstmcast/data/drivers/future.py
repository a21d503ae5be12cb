"""Values ahead in a file of their own, whose frequency may differ."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from lstmcast.data.drivers.blocks import PlacedRows, block_rows, on_clock
from lstmcast.data.panel import Panel
from lstmcast.data.schema import DataNote, NoteCode, ReadOptions, Table
from lstmcast.data.time.calendar import Calendar
from lstmcast.data.time.frequency import TimeGrid
from lstmcast.data.time.inference import find_grid, steps_of
from lstmcast.data.time.text.column import Times, parse_times
from lstmcast.data.time.text.parts import join_columns
from lstmcast.data.time.text.recognition import looks_like_times
from lstmcast.data.time.zones import DAY, to_wall
from lstmcast.errors import DataError, Fault, FaultCode
from lstmcast.text import pluralize, truncate_list
from lstmcast.types import Ints

_MONTH = 30 * DAY
_MIN_TIMES = 3  # distinct times that have a frequency


def locate_future(
    table: Table, panel: Panel, keys: Sequence[tuple[str, ...]], options: ReadOptions
) -> tuple[PlacedRows, tuple[DataNote, ...]]:
    """Place the rows of a file of values ahead on the calendar of a panel.

    Rows between steps belong to their step. Rows of a coarser frequency are repeated for each of its steps. Without a
    time column, rows follow the last value of each series. Without id columns, they hold for all series.

    Args:
        table: the file.
        panel: the series.
        keys: ids of the blocks.
        options: of the file of the panel.

    Returns:
        The rows, and notes.

    Raises:
        DataError: no column has times, or they cannot be read.
    """
    rows = block_rows(table, panel, keys)
    blocks = np.repeat(np.arange(len(rows)), [len(found) for found in rows])
    row = np.concatenate(rows)
    notes = _unknown_series(table, len(np.unique(row)))
    if panel.columns.time is None:
        ahead = np.concatenate([np.arange(1, len(found) + 1) for found in rows])
        return PlacedRows(row, blocks, panel.ends.max() + ahead), notes
    times = _times(table, panel, options)
    calendar = panel.calendar
    grid = _coarser_grid(times, calendar)
    if grid is None:
        stamps = on_clock(times.stamps, times.timezone, calendar)[row]
        is_open = ~calendar.is_closed(stamps)
        return PlacedRows(row[is_open], blocks[is_open], calendar.positions(stamps[is_open])), notes
    index, positions = _repeated(grid, _wall(times, calendar)[row], calendar)
    text = f"{table.source}: its rows are {grid.label}, and each is repeated for the steps in it ({calendar.label})"
    return PlacedRows(row[index], blocks[index], positions), (*notes, DataNote(NoteCode.FUTURE_REPEATED, text))


def _unknown_series(table: Table, used: int) -> tuple[DataNote, ...]:
    """Note about rows of series that the panel does not have."""
    count = len(table.text) - used
    text = f"{table.source}: {pluralize(count, 'row')} of other series left out"
    return (DataNote(NoteCode.FUTURE_SERIES, text),) if count else ()


def time_column(table: Table, time: str) -> str:
    """Column of the times of a file: that of the panel, or the only one that reads as times.

    Raises:
        DataError: there is none, or there are several.
    """
    names = [str(name) for name in join_columns(table.text, time).columns]
    if time in names:
        return time
    timely = [name for name in names if looks_like_times(table.text[name])]
    if len(timely) != 1:
        found = truncate_list(timely) if timely else "none"
        text = f"{table.source}: needs the time column '{time}', or one column that reads as times (got {found})"
        raise DataError(Fault(text, FaultCode.UNREAD_TIME))
    return timely[0]


def _times(table: Table, panel: Panel, options: ReadOptions) -> Times:
    """Parse the times in the format of the panel or, failing that, in their own."""
    time = time_column(table, panel.columns.time or "")
    text, zone = join_columns(table.text, time)[time], options.timezone or panel.calendar.timezone
    parse = partial(parse_times, text, table.lines, column=time, source=table.source, timezone=zone)
    style = panel.calendar.style
    try:
        return parse(time_format=style.pattern if style else None)
    except DataError:
        try:
            return parse()
        except DataError as err:
            end = panel.calendar.wall(panel.ends.max(keepdims=True)).astype(np.int64)
            return _nearest(parse, int(end[0]), err)


def _nearest(parse: Callable[..., Times], end: int, err: DataError) -> Times:
    """Times in the one of several possible formats that stays nearest to a time; raises the error without one."""
    formats = [fix.setting.partition("=")[2] for fix in err.faults[0].fixes]
    faults = [replace(fault, fixes=()) for fault in err.faults]  # settings of the data file, which has another format
    if err.faults[0].code is not FaultCode.AMBIGUOUS_TIMES:
        raise DataError(faults) from err
    read = [parse(time_format=each) for each in formats]
    distances = [int(np.abs(times.stamps - end).max()) for times in read]
    first, *_, second = sorted(distances)[:2]
    if 2 * first >= second:
        raise DataError(faults) from err
    return read[distances.index(first)]


def _wall(times: Times, calendar: Calendar) -> Ints:
    """[N] times on the wall clock of a calendar."""
    return to_wall(times.stamps, times.timezone and (calendar.timezone or times.timezone))


def _coarser_grid(times: Times, calendar: Calendar) -> TimeGrid | None:
    """Grid of times that are rarer than the steps of a calendar; None if they are as frequent or irregular."""
    wall = np.unique(_wall(times, calendar))
    if len(wall) >= _MIN_TIMES:
        grid = find_grid(steps_of(wall, np.zeros_like(wall)))
    else:
        grid = TimeGrid("fixed", DAY) if not (wall % DAY).any() else None
    return grid if grid is not None and _length(grid) > _length(calendar.grid) else None


def _length(grid: TimeGrid) -> int:
    """Length of a step in microseconds, about."""
    return {"fixed": grid.step, "month": grid.step * _MONTH}.get(grid.kind, _MONTH)


def _repeated(grid: TimeGrid, wall: Ints, calendar: Calendar) -> tuple[Ints, Ints]:
    """Index of the row and calendar position of each step of a calendar within the steps of rows at times [N]."""
    own = grid.positions(wall)
    bounds = grid.times(np.array([own.min() - 1, own.max() + 1]))
    first, last = calendar.positions(on_clock(bounds, None, calendar)).tolist()
    positions = np.arange(first, last + 1)
    within = grid.positions(calendar.wall(positions).astype(np.int64))
    left, right = np.searchsorted(within, own, "left"), np.searchsorted(within, own, "right")
    index = np.repeat(np.arange(len(own)), right - left)
    step = np.arange(len(index)) - np.repeat(np.cumsum(right - left) - (right - left), right - left)
    return index, positions[left[index] + step]
