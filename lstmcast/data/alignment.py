"""Alignment of the rows of a file to the steps of each series."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from lstmcast.data.schema import DataNote, NoteCode
from lstmcast.data.time.calendar import Calendar
from lstmcast.data.time.frequency import HOUR
from lstmcast.data.time.text.patterns import has_utc_offset
from lstmcast.data.time.zones import DAY, zone_fixes
from lstmcast.errors import DataError, Fault, FaultCode, Fix
from lstmcast.text import MAX_SHOWN, pluralize, truncate_items
from lstmcast.types import Bools, Floats, Ints

MAX_EQUAL_CELLS = 0.9  # fraction of cells with the same number of rows, where these are records
FILLING = (
    Fix("data.missing=interpolate", "interpolate the missing steps"),
    Fix("data.missing=zero", "fill missing steps with 0"),
)
_NO_TIMES = np.empty(0, dtype=np.int64)
_DST_MONTHS = (3, 4, 9, 10, 11)  # of clock changes, on a Sunday before 4:00


@dataclass(frozen=True)
class SortedRows:
    """N rows sorted by series and time.

    Attributes:
        order: [N] index of the row in the file.
        series: [N] index of the series.
        stamps: [N] time.
        positions: [N] step on the calendar.
        lines: [N] line in the file.
    """

    order: Ints
    series: Ints
    stamps: Ints
    positions: Ints
    lines: Ints


@dataclass(frozen=True)
class Observations:
    """Values sorted by series and step.

    Attributes:
        series: [N] index of the series.
        positions: [N] step on the calendar.
        values: [N]; NaN where missing.
        lines: [N] first line of the file for the value.
    """

    series: Ints
    positions: Ints
    values: Floats
    lines: Ints

    def where(self, mask: Bools) -> Observations:
        """Select cells by a mask."""
        return Observations(self.series[mask], self.positions[mask], self.values[mask], self.lines[mask])

    def renumbered(self, kept: Ints, n_series: int) -> Observations:
        """Select the cells of the series `kept` (ascending, of `n_series`), renumbered 0, 1, 2 …."""
        number = np.full(n_series, -1, dtype=np.int64)
        number[kept] = np.arange(len(kept))
        selected = self.where(number[self.series] >= 0)
        return replace(selected, series=number[selected.series])


def sort_rows(series: Ints, stamps: Ints, lines: Ints, calendar: Calendar) -> tuple[SortedRows, tuple[DataNote, ...]]:
    """Sort rows by series and time, stably; the note is about times that were not ascending."""
    order = np.argsort(series, kind="stable") if np.any(np.diff(series) < 0) else np.arange(len(series))
    steps = np.diff(stamps[order])[np.diff(series[order]) == 0]
    notes: tuple[DataNote, ...] = ()
    if (backward := int(np.count_nonzero(steps < 0))) > 0:
        order = np.lexsort((stamps, series))
        some = f"{pluralize(backward, 'row')} earlier than the row before"
        text = f"{some if np.any(steps > 0) else 'times run backward'}: rows sorted by time"
        notes = (DataNote(NoteCode.ROWS_SORTED, text),)
    stamps = stamps[order]
    rows = SortedRows(order, series[order], stamps, calendar.positions(stamps), lines[order])
    if np.any((np.diff(rows.positions) < 0) & _same(rows.series)):  # in an hour that clocks repeat
        again = np.lexsort((rows.stamps, rows.positions, rows.series))
        rows = SortedRows(*(array[again] for array in (order, rows.series, stamps, rows.positions, rows.lines)))
    return rows, notes


def open_rows(rows: SortedRows, calendar: Calendar, observed: Bools) -> tuple[SortedRows, tuple[DataNote, ...]]:
    """Leave out rows in closed steps; the note is about those with a value (observed [N], in file order)."""
    closed = calendar.is_closed(rows.stamps)
    kept = [array[~closed] for array in (rows.order, rows.series, rows.stamps, rows.positions, rows.lines)]
    left_out = np.flatnonzero(closed & observed[rows.order])
    if not left_out.size:
        return SortedRows(*kept), ()
    texts = _stamp_texts(rows.stamps[left_out[:MAX_SHOWN]], calendar)
    shown = (f"line {rows.lines[i]} '{text}'" for i, text in zip(left_out, texts, strict=False))
    text = f"{pluralize(left_out.size, 'row')} in closed steps ({calendar.closed}) left out"
    return SortedRows(*kept), (DataNote(NoteCode.CLOSED_ROWS, f"{text}: {truncate_items(shown, left_out.size)}"),)


def check_repeats(
    rows: SortedRows, calendar: Calendar, names: list[str], source: str, fixes: Callable[[], tuple[Fix, ...]]
) -> None:
    """Raise DataError, with fixes, for rows of one series and time."""
    again = _same(rows.series) & _same(rows.stamps)
    if not again.any():
        return
    pairs = np.flatnonzero(again)
    texts = _stamp_texts(rows.stamps[pairs[:MAX_SHOWN]], calendar)
    shown = (
        f"{names[rows.series[i]]}{text} on lines {rows.lines[i]} and {rows.lines[i + 1]}"
        for i, text in zip(pairs, texts, strict=False)
    )
    clock_change = bool(_may_be_clock_changes(rows.stamps[pairs], calendar).all())
    zones = zone_fixes(rows.stamps, _NO_TIMES, rows.stamps[pairs]) if clock_change else ()
    hint = "; an hour repeats when clocks go back" if clock_change else ""
    many = "rows repeat" if len(pairs) > 1 else "row repeats"
    line = int(rows.lines[pairs[0] + 1])
    text = f"{source}:{line}: a series must have one row per time, but {len(pairs)} {many} one: "
    listed = truncate_items(shown, len(pairs))
    proposed = (*zones, Fix("data.aggregate=mean", "use the mean of both hours")) if clock_change else fixes()
    raise DataError(Fault(f"{text}{listed}{hint}", FaultCode.REPEATED_ROWS, line, fixes=proposed))


def check_skipped_hours(rows: SortedRows, calendar: Calendar, source: str) -> None:
    """Raise DataError for times without a zone that lack an hour of a Sunday, as when clocks go forward.

    Hours that are missing at other times too are ordinary gaps.
    """
    step = calendar.step
    if calendar.kind != "fixed" or HOUR % step:
        return
    gaps = np.flatnonzero((np.diff(rows.positions) == HOUR // step + 1) & (np.diff(rows.series) == 0))
    before = gaps[_may_be_clock_changes(rows.stamps[gaps] + step, calendar)]
    if 2 * before.size <= gaps.size:
        return
    i = before[0]
    first, last = _stamp_texts(rows.stamps[i : i + 2], calendar)
    line = int(rows.lines[i + 1])
    text = (
        f"between {first} (line {rows.lines[i]}) and {last} an hour is missing on a Sunday, as when clocks go forward"
    )
    zones = zone_fixes(rows.stamps, rows.stamps[before] + step, _NO_TIMES)
    raise DataError(Fault(f"{source}:{line}: {text}", FaultCode.SKIPPED_HOUR, line, fixes=(*zones, *FILLING)))


def are_records(rows: SortedRows) -> bool:
    """True if the number of rows in a cell varies, as that of orders in a day."""
    sizes = np.diff([*_cell_starts(rows), len(rows.series)])
    return bool(np.bincount(sizes).max() < MAX_EQUAL_CELLS * len(sizes))


def repeated_cells(rows: SortedRows, calendar: Calendar) -> Bools:
    """[M] true for cells with rows of both occurrences of an hour that clocks repeat."""
    starts = _cell_starts(rows)
    second = calendar.is_repeat(rows.stamps)
    if not second.any():
        return np.zeros(len(starts), dtype=np.bool_)
    return np.asarray(np.maximum.reduceat(second, starts) & ~second[starts], dtype=np.bool_)


def bridge_skipped(cells: Observations, calendar: Calendar, *, is_symbol: bool) -> Observations:
    """Add cells for steps that clocks skip: between the neighbors, or the symbol before."""
    if not calendar.has_clock_changes or not len(cells.values):
        return cells
    sizes = np.diff(cells.positions) - 1
    before = np.flatnonzero((sizes > 0) & (sizes <= max(1, HOUR // calendar.step)) & _same(cells.series))
    ends = (cells.positions[before] + 1, cells.positions[before + 1] - 1)
    before = before[(calendar.occurrences(ends[0]) == 0) & (calendar.occurrences(ends[1]) == 0)]
    left = np.repeat(before, sizes[before])
    step = np.arange(len(left)) - np.repeat(np.cumsum(sizes[before]) - sizes[before], sizes[before]) + 1
    fraction = np.zeros(len(left)) if is_symbol else step / (np.repeat(sizes[before], sizes[before]) + 1)
    between = cells.values[left] * (1 - fraction) + cells.values[left + 1] * fraction
    added = Observations(cells.series[left], cells.positions[left] + step, between, cells.lines[left + 1])
    columns = [np.concatenate([old, new]) for old, new in zip(_arrays(cells), _arrays(added), strict=True)]
    order = np.lexsort((columns[1], columns[0]))
    return Observations(*(column[order] for column in columns))


def _arrays(cells: Observations) -> tuple[Ints, Ints, Floats, Ints]:
    return cells.series, cells.positions, cells.values, cells.lines


def clock_notes(repeated: Bools, skipped: int, how: str) -> tuple[DataNote, ...]:
    """Notes about steps that clocks repeat (true in [M]) or skip."""
    parts = []
    if count := int(repeated.sum()):
        used = "the mean of both" if how != "last" else "the later"
        parts.append(f"{pluralize(count, 'step')} that clocks repeat: {used} is used")
    if skipped:
        parts.append(f"{pluralize(skipped, 'step')} that clocks skip: interpolated and never forecast")
    return (DataNote(NoteCode.CLOCK_CHANGES, "; ".join(parts)),) if parts else ()


def to_cells(
    rows: SortedRows, values: Sequence[Floats], n_groups: int, how: str, repeated: Bools | None = None
) -> Observations:
    """Concatenate the cells of all target columns.

    Args:
        rows: N rows.
        values: [N] values of each target column, in the order of the file.
        n_groups: number of series in each column.
        how: aggregation of several values in one cell: `sum`, `count` (the sum of ones), `mean` or `last`.
        repeated: [M] true for cells with two hours, whose sum is that of one hour.
    """
    starts = _cell_starts(rows)
    columns = [_combined(column[rows.order], starts, how) for column in values]
    if repeated is not None and repeated.any() and how in {"sum", "count"}:
        columns = [np.where(repeated, column / 2, column) for column in columns]
    return Observations(
        series=np.concatenate([rows.series[starts] + k * n_groups for k in range(len(columns))]),
        positions=np.tile(rows.positions[starts], len(columns)),
        values=np.concatenate(columns),
        lines=np.tile(rows.lines[starts], len(columns)),
    )


def join_notes(rows: SortedRows, calendar: Calendar, how: str, repeated: Bools) -> tuple[DataNote, ...]:
    """Notes about rows between steps, aggregated rows, and an incomplete last step; `repeated` as in `to_cells`."""
    starts = _cell_starts(rows)
    joined = len(rows.series) - len(starts) - int(repeated.sum())
    between = int(np.count_nonzero(calendar.is_between(rows.stamps, rows.positions)))
    if not joined:
        text = f"{pluralize(between, 'row')} between steps: each is taken for its step"
        return (DataNote(NoteCode.ROWS_BETWEEN_STEPS, text),) if between else ()
    if not between:
        text = f"{pluralize(joined, 'row')} with the time of another: their {how} is used"
        return (DataNote(NoteCode.ROWS_AGGREGATED, text),)
    counts = np.diff([*starts, len(rows.series)])
    typical, last = int(np.median(counts)), int(counts[-1])
    text = f"{len(rows.series)} rows aggregated to {len(starts)} {calendar.label} steps by their {how}"
    notes = (DataNote(NoteCode.ROWS_AGGREGATED, text),)
    incomplete = DataNote(NoteCode.INCOMPLETE_STEP, f"the last step has {last} rows (typical: {typical})")
    return (*notes, incomplete) if last < typical else notes


def _cell_starts(rows: SortedRows) -> Ints:
    """[M] first row of each cell."""
    return np.flatnonzero(~(_same(rows.series, shift=True) & _same(rows.positions, shift=True)))


def _combined(values: Floats, starts: Ints, how: str) -> Floats:
    """Aggregate runs of rows from `starts` [M] to one value [M] each, ignoring missing values."""
    if len(starts) == len(values):
        return values
    observed = ~np.isnan(values)
    if how == "last":
        latest = np.maximum.reduceat(np.where(observed, np.arange(len(values)), -1), starts)
        return np.where(latest >= starts, values[latest], np.nan)
    counts = np.add.reduceat(observed.astype(np.int64), starts)
    known = np.where(observed, values, 0.0)
    with np.errstate(over="ignore"):
        totals = np.add.reduceat(known, starts)
    overflow = np.isinf(totals)
    if how == "mean":
        totals = totals / np.maximum(counts, 1)
        if overflow.any():  # a sum may overflow where the mean does not
            weights = np.repeat(np.maximum(counts, 1), np.diff([*starts, len(values)]))
            totals = np.where(overflow, np.add.reduceat(known / weights, starts), totals)
    elif overflow.any():
        text = "data.aggregate: the sum of a step overflows (1.8e308); divide the values first"
        raise DataError(Fault(text, FaultCode.SUM_OVERFLOWS, column="data.aggregate"))
    return np.where(counts > 0, totals, np.nan)


def _same(array: Ints, *, shift: bool = False) -> Bools:
    """[N-1] true where an element equals the previous one; [N] with `shift`, false for the first."""
    equal = array[1:] == array[:-1]
    return np.concatenate([[False], equal]) if shift else equal


def _stamp_texts(stamps: Ints, calendar: Calendar) -> list[str]:
    if calendar.style is None:
        return [str(stamp) for stamp in stamps.tolist()]
    return calendar.style.format(stamps, calendar.timezone)


def _may_be_clock_changes(stamps: Ints, calendar: Calendar) -> Bools:
    """[N] true for times, without a zone, at which clocks may change."""
    if calendar.timezone is not None or calendar.style is None or has_utc_offset(calendar.style.pattern):
        return np.zeros(stamps.shape, dtype=np.bool_)
    month = stamps.astype("datetime64[us]").astype("datetime64[M]").astype(np.int64) % 12 + 1
    sunday = (stamps // DAY) % 7 == 3
    return np.asarray(sunday & (stamps % DAY < 4 * HOUR) & np.isin(month, _DST_MONTHS), dtype=np.bool_)
