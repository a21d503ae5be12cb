"""Rows of a file → the observed values of each series, sorted, one for each step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lstmcast.data.calendar import Calendar
from lstmcast.data.frequency import HOUR
from lstmcast.data.time_format import has_utc_offset
from lstmcast.data.timezones import DAY
from lstmcast.errors import DataError
from lstmcast.text import MAX_SHOWN, pluralize, truncate_items
from lstmcast.types import Bools, Floats, Ints

DUPLICATES = ("error", "sum", "mean", "last")

_TURNING_MONTHS = (3, 4, 9, 10, 11)  # in which clocks are turned, on a Sunday before four


@dataclass(frozen=True)
class SortedRows:
    """N rows in order of series and time.

    Attributes:
        order: [N] which row of the file each one is.
        series: [N] which series it belongs to.
        stamps: [N] its time.
        positions: [N] its step on the calendar.
        lines: [N] its line in the file.
    """

    order: Ints
    series: Ints
    stamps: Ints
    positions: Ints
    lines: Ints


@dataclass(frozen=True)
class Observations:
    """Values by series and step, in that order.

    Attributes:
        series: [N] which series a value belongs to.
        positions: [N] its step on the calendar.
        values: [N] the value; NaN where it is missing.
        lines: [N] the first line of the file that contributes to it.
    """

    series: Ints
    positions: Ints
    values: Floats
    lines: Ints

    def where(self, mask: Bools) -> Observations:
        """The cells that are marked."""
        return Observations(self.series[mask], self.positions[mask], self.values[mask], self.lines[mask])

    def renumbered(self, kept: Ints, n_series: int) -> Observations:
        """The cells of the series `kept` (ascending), which become series 0, 1, 2 … of what were `n_series`."""
        number = np.full(n_series, -1, dtype=np.int64)
        number[kept] = np.arange(len(kept))
        some = self.where(number[self.series] >= 0)
        return Observations(number[some.series], some.positions, some.values, some.lines)


def sort_rows(series: Ints, stamps: Ints, lines: Ints, calendar: Calendar) -> tuple[SortedRows, tuple[str, ...]]:
    """Sort rows by series and time; rows of one time keep their order.

    Returns:
        The rows, and a note where times were not ascending.
    """
    order = np.argsort(series, kind="stable") if np.any(np.diff(series) < 0) else np.arange(len(series))
    steps = np.diff(stamps[order])[np.diff(series[order]) == 0]
    notes: tuple[str, ...] = ()
    if (backward := int(np.count_nonzero(steps < 0))) > 0:
        order = np.lexsort((stamps, series))
        some = f"{pluralize(backward, 'row')} earlier than the row before"
        notes = (f"{some if np.any(steps > 0) else 'times run backward'}: rows sorted by time",)
    stamps = stamps[order]
    return SortedRows(order, series[order], stamps, calendar.positions(stamps), lines[order]), notes


def check_duplicates(rows: SortedRows, calendar: Calendar, names: list[str], source: str) -> None:
    """Refuse two rows of one series and time.

    Raises:
        DataError: naming series, time and lines of the first five, and their number.
    """
    again = _same(rows.series) & _same(rows.stamps)
    if not again.any():
        return
    pairs = np.flatnonzero(again)
    texts = _stamp_texts(rows.stamps[pairs[:MAX_SHOWN]], calendar)
    shown = (
        f"{names[rows.series[i]]}{text} on lines {rows.lines[i]} and {rows.lines[i + 1]}"
        for i, text in zip(pairs, texts, strict=False)
    )
    turned = _may_be_turned(rows.stamps[pairs], calendar)
    hint = "set data.timezone (a clock put back shows an hour twice)" if turned else "delete one of each"
    many = "rows repeat" if len(pairs) > 1 else "row repeats"
    raise DataError(
        f"{source}:{rows.lines[pairs[0] + 1]}: a series must have one row for each time, but {len(pairs)} {many} one: "
        f"{truncate_items(shown, len(pairs))}; {hint}, or set data.duplicates to sum, mean or last"
    )


def check_skipped_hours(rows: SortedRows, calendar: Calendar, source: str) -> None:
    """Refuse times without a zone that lack one hour of a Sunday in spring, as a clock that is put forward does.

    Raises:
        DataError: naming the lines around the first such hour, and asking for the zone.
    """
    step = calendar.step
    if calendar.kind != "fixed" or HOUR % step:
        return
    gap = (np.diff(rows.positions) == HOUR // step + 1) & (np.diff(rows.series) == 0)
    before = np.flatnonzero(gap)
    before = before[_turns(rows.stamps[before] + step, calendar)]
    if before.size:
        i = before[0]
        first, last = _stamp_texts(rows.stamps[i : i + 2], calendar)
        raise DataError(
            f"{source}:{rows.lines[i + 1]}: between {first} (line {rows.lines[i]}) and {last} an hour is missing on a "
            "Sunday, as where a clock is put forward; set data.timezone, or data.missing to interpolate or zero"
        )


def to_cells(rows: SortedRows, values: Sequence[Floats], n_groups: int, how: str) -> Observations:
    """The cells of all target columns, those of one column after those of the other.

    Args:
        rows: N rows.
        values: [N] the values of each target column, in the order of the file.
        n_groups: series in each column.
        how: what becomes of several values in one cell: `sum`, `mean` or `last`.
    """
    starts = _cell_starts(rows)
    columns = [_combined(column[rows.order], starts, how) for column in values]
    return Observations(
        series=np.concatenate([rows.series[starts] + k * n_groups for k in range(len(columns))]),
        positions=np.tile(rows.positions[starts], len(columns)),
        values=np.concatenate(columns),
        lines=np.tile(rows.lines[starts], len(columns)),
    )


def join_notes(rows: SortedRows, calendar: Calendar, how: str) -> tuple[str, ...]:
    """A note where rows lie between steps or several became one value; one where the last step may not be whole."""
    starts = _cell_starts(rows)
    joined = len(rows.series) - len(starts)
    between = int(np.count_nonzero(calendar.stamps(rows.positions) != rows.stamps))
    if not joined:
        return (f"{pluralize(between, 'row')} between steps: each is taken for its step",) if between else ()
    if not between:
        return (f"{pluralize(joined, 'row')} with the time of another: their {how} is used",)
    counts = np.diff([*starts, len(rows.series)])
    typical, last = int(np.median(counts)), int(counts[-1])
    notes = (f"{len(rows.series)} rows taken into {len(starts)} {calendar.label} steps by their {how}",)
    return (*notes, f"the last step holds {last} rows where {typical} are usual") if last < typical else notes


def _cell_starts(rows: SortedRows) -> Ints:
    """[M] the first row of each cell."""
    return np.flatnonzero(~(_same(rows.series, shift=True) & _same(rows.positions, shift=True)))


def _combined(values: Floats, starts: Ints, how: str) -> Floats:
    """One value [M] for each run of rows that begins at `starts` [M]; missing ones count for nothing."""
    if len(starts) == len(values):
        return values
    there = ~np.isnan(values)
    if how == "last":
        latest = np.maximum.reduceat(np.where(there, np.arange(len(values)), -1), starts)
        return np.where(latest >= starts, values[latest], np.nan)
    counts = np.add.reduceat(there.astype(np.int64), starts)
    known = np.where(there, values, 0.0)
    with np.errstate(over="ignore"):
        totals = np.add.reduceat(known, starts)
    beyond = np.isinf(totals)
    if how == "mean":
        totals = totals / np.maximum(counts, 1)
        if beyond.any():  # the sum of huge values is no number, their mean is
            weights = np.repeat(np.maximum(counts, 1), np.diff([*starts, len(values)]))
            totals = np.where(beyond, np.add.reduceat(known / weights, starts), totals)
    elif beyond.any():
        raise DataError("data.duplicates: the sum of a step is beyond the range of numbers (1.8e308); use mean or last")
    return np.where(counts > 0, totals, np.nan)


def _same(array: Ints, *, shift: bool = False) -> Bools:
    """[N-1] whether each element equals the one before it; [N] with `shift`, where the first does not."""
    equal = array[1:] == array[:-1]
    return np.concatenate([[False], equal]) if shift else equal


def _stamp_texts(stamps: Ints, calendar: Calendar) -> list[str]:
    if calendar.style is None:
        return [str(stamp) for stamp in stamps.tolist()]
    return calendar.style.format(stamps, calendar.timezone)


def _may_be_turned(stamps: Ints, calendar: Calendar) -> bool:
    return bool(_turns(stamps, calendar).all())


def _turns(stamps: Ints, calendar: Calendar) -> Bools:
    """[N] whether a clock may have been turned at such a time, where nothing says the zone."""
    if calendar.timezone is not None or calendar.style is None or has_utc_offset(calendar.style.pattern):
        return np.zeros(stamps.shape, dtype=np.bool_)
    month = stamps.astype("datetime64[us]").astype("datetime64[M]").astype(np.int64) % 12 + 1
    sunday = (stamps // DAY) % 7 == 3
    return np.asarray(sunday & (stamps % DAY < 4 * HOUR) & np.isin(month, _TURNING_MONTHS), dtype=np.bool_)
