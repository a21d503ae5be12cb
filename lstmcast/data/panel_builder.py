"""Panel of a file: its rows on the calendar, sorted, aggregated, trimmed and filled."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from lstmcast.data.aggregation import AGGREGATES, COUNT
from lstmcast.data.alignment import (
    FILLING,
    Observations,
    are_records,
    bridge_skipped,
    check_repeats,
    check_skipped_hours,
    clock_notes,
    join_notes,
    open_rows,
    repeated_cells,
    sort_rows,
    to_cells,
)
from lstmcast.data.missing import (
    MISSING,
    UNKNOWN,
    closed_note,
    expand,
    extent_of,
    fill_notes,
    gaps_of,
    lengths_of,
    missing_fixes,
    own_masks,
    refuse_gaps,
    refuse_moving_sessions,
    too_long,
    too_many,
    trim_notes,
    without_closed,
)
from lstmcast.data.panel import Panel, offsets_of
from lstmcast.data.schema import Columns, DataNote, DroppedSeries, DropReason, InferredSetting, NoteCode, Table
from lstmcast.data.series_columns import group_codes
from lstmcast.data.time.calendar import Calendar
from lstmcast.data.time.closed import MAX_MISSING
from lstmcast.data.time.mask import Mask
from lstmcast.data.time.text.column import Times
from lstmcast.errors import ConfigError, DataError, Fault, FaultCode, Fix
from lstmcast.text import MAX_SHOWN, truncate_items
from lstmcast.types import Bools, Floats, Ints

_MIN_VALUES = 2  # in the longest series
_CODES = {
    DropReason.NO_VALUES: FaultCode.OTHER,
    DropReason.LONG_GAP: FaultCode.LONG_GAP,
    DropReason.MANY_GAPS: FaultCode.MANY_GAPS,
}


def build_panel(
    table: Table,
    columns: Columns,
    times: Times | None,
    values: Mapping[str, Floats],
    calendar: Calendar,
    *,
    symbols: tuple[str, ...] = (),
    missing: str = "auto",
    aggregate: str = "error",
    own_closed: bool = True,
    declared: bool = False,
    repeat_fixes: Callable[[], tuple[Fix, ...]] = tuple,
    inferred: Sequence[InferredSetting] = (),
    notes: Sequence[DataNote] = (),
) -> Panel:
    """Put the rows of a file on the calendar: sort, aggregate, trim the ends, fill gaps.

    Args:
        times: [N] time of each row; None if rows are counted.
        values: [N] values of each target column; NaN where missing.
        symbols: meaning of the values; empty for numbers.
        missing: `auto` fills short gaps and drops series with long ones, `interpolate` and `zero` fill all gaps,
            `error` none. Missing symbols are never filled; with `auto` they stay unknown. Steps without counted rows
            are 0, and without records, which are a varying number of rows in a step, a sum is 0.
        aggregate: `error`, or the aggregation of rows of one series and step: `sum`, `mean`, `count` or `last`.
        own_closed: whether series may have closed steps of their own.
        declared: whether the user named marks of missing values, so that more of them are filled.
        repeat_fixes: returns settings that resolve repeated times.

    Raises:
        DataError: repeated times, gaps that may not be filled, or no usable series.
        ConfigError: an invalid value of `missing` or `aggregate`.
    """
    _check_choice("data.missing", missing, ("auto", "error") if symbols else MISSING)
    _check_choice("data.aggregate", aggregate, ("error", "last") if symbols else AGGREGATES)
    groups = group_codes(table.text, columns.series)
    keys = _keys(table, columns.series, groups)
    stamps = row_numbers(groups) if times is None else times.stamps
    rows, row_notes = sort_rows(groups, stamps, table.lines, calendar)
    if calendar.grid.mask is not None:
        observed = np.logical_or.reduce([~np.isnan(values[name]) for name in columns.target])
        rows, closed_notes = open_rows(rows, calendar, observed)
        row_notes += closed_notes
    if aggregate == "error":
        check_repeats(rows, calendar, _names(keys), table.source, repeat_fixes)
    if missing == "auto" and (aggregate == COUNT or (aggregate == "sum" and are_records(rows))):
        missing = "zero"
    if missing in {"auto", "error"}:
        check_skipped_hours(rows, calendar, table.source)
    how = ("last" if symbols else "mean") if aggregate == "error" else aggregate
    repeated = repeated_cells(rows, calendar)
    cells = to_cells(rows, [values[name] for name in columns.target], len(keys), how, repeated)
    row_notes += join_notes(rows, calendar, how, repeated)
    if len(columns.target) > 1:
        keys = tuple((*key, name) for name in columns.target for key in keys)
    missing = UNKNOWN if symbols and missing == "auto" else missing
    parts = _filled(
        cells, keys, calendar, missing, table.source, is_symbol=bool(symbols), own_closed=own_closed, declared=declared
    )
    row_notes += clock_notes(repeated, parts.skipped, how)
    panel = Panel(
        columns=columns,
        calendar=calendar,
        keys=parts.keys,
        values=parts.values,
        observed=parts.observed,
        offsets=offsets_of(parts.lengths),
        starts=parts.starts,
        inferred=tuple(inferred),
        notes=(*notes, *row_notes, *parts.notes),
        source=table.source,
        dropped=parts.dropped,
        symbols=symbols,
        n_rows=len(table.text),
        closed=parts.closed,
    )
    if not len(panel.ended):
        return panel
    return replace(panel, notes=(*panel.notes, DataNote(NoteCode.SERIES_ENDED, panel.describe_ended())))


@dataclass(frozen=True)
class _Filled:
    """Usable series after trimming and filling, and the reasons for the others."""

    keys: tuple[tuple[str, ...], ...]
    values: Floats
    observed: Bools
    starts: Ints
    lengths: Ints
    notes: tuple[DataNote, ...]
    dropped: tuple[DroppedSeries, ...]
    skipped: int
    closed: tuple[Mask | None, ...]


def _filled(
    cells: Observations,
    keys: tuple[tuple[str, ...], ...],
    calendar: Calendar,
    missing: str,
    source: str,
    *,
    is_symbol: bool,
    own_closed: bool,
    declared: bool,
) -> _Filled:
    """Trim series, drop unusable ones, and fill gaps."""
    names = _names(keys)
    empty = np.isnan(cells.values)
    observed = bridge_skipped(cells.where(~empty), calendar, is_symbol=is_symbol)
    extent = extent_of(observed, len(keys))
    lengths = lengths_of(observed, extent)
    gaps = gaps_of(observed, lengths, calendar.season)
    if missing == "error":
        refuse_gaps(gaps, observed, calendar, names, source)
    by_index = {
        k: DroppedSeries(keys[k], DropReason.NO_VALUES, "no value is observed")
        for k in np.flatnonzero(extent.empty).tolist()
    }
    masks: dict[int, Mask] = {}
    if missing == "auto" and own_closed and len(keys) > 1:
        masks = own_masks(gaps, lengths, observed, calendar)
        gaps = without_closed(gaps, observed, calendar, masks)
    if missing == "auto":
        long = too_long(gaps, observed, calendar, keys)
        marked = cells.series[empty] if declared else None
        sparse = too_many(gaps, lengths, observed, calendar, keys, marked)
        by_index |= sparse | long
        refuse_moving_sessions(gaps, observed, calendar, source)
        no_long_gap = np.setdiff1d(np.arange(len(keys)), list(long))
        if (
            sparse.keys() - long.keys()
            and gaps.missing_by_series(len(keys))[no_long_gap].sum() > MAX_MISSING * lengths[no_long_gap].sum()
        ):
            raise DataError(_unusable(tuple(by_index.values()), source, observed, calendar))
    dropped = tuple(by_index[k] for k in sorted(by_index))
    if len(dropped) == len(keys):
        raise DataError(_unusable(dropped, source, observed, calendar))
    if lengths.max() < _MIN_VALUES:
        text = f"{source}: must have at least {_MIN_VALUES} values of a series (got {lengths.max()}); add rows"
        raise DataError(Fault(text, FaultCode.FEW_VALUES))
    kept = np.setdiff1d(np.arange(len(keys)), list(by_index))
    trimmed = trim_notes(cells.where(empty), observed, extent)
    observed = observed.renumbered(kept, len(keys))
    lengths = lengths[kept]
    starts = observed.positions[extent_of(observed, len(kept)).first]
    values, there = expand(observed, starts, lengths, missing)
    skipped = _skipped(starts, lengths, calendar)
    there[skipped] = False
    filled = fill_notes(observed, lengths, missing)
    listed = f"{len(dropped)} of {len(keys)} series cannot be used: {truncate_items(map(str, dropped), len(dropped))}"
    if any(series.reason in {DropReason.LONG_GAP, DropReason.MANY_GAPS} for series in dropped):
        listed += f"; use {', or '.join(map(str, FILLING))}"
    closed = tuple(masks.get(k) for k in kept.tolist()) if masks else ()
    if masks:
        filled = (*filled, closed_note(masks, keys, calendar))
    notes = (*trimmed, *filled, *((DataNote(NoteCode.SERIES_DROPPED, listed),) if dropped else ()))
    usable = tuple(keys[k] for k in kept.tolist())
    return _Filled(usable, values, there, starts, lengths, notes, dropped, len(skipped), closed)


def _skipped(starts: Ints, lengths: Ints, calendar: Calendar) -> Ints:
    """Indices of steps that clocks skip, among the steps of all series."""
    if not calendar.has_clock_changes:
        return np.empty(0, dtype=np.int64)
    offsets = offsets_of(lengths)
    positions = np.arange(offsets[-1]) + np.repeat(starts - offsets[:-1], lengths)
    return np.flatnonzero(calendar.occurrences(positions) == 0)


def _unusable(
    dropped: tuple[DroppedSeries, ...], source: str, observed: Observations, calendar: Calendar
) -> list[Fault]:
    """Faults of a file without usable series: the first five with their lines, and the number of others."""
    faults = [
        Fault(f"{source}{f':{series.line}' if series.line else ''}: {series}", _CODES[series.reason], series.line)
        for series in dropped[:MAX_SHOWN]
    ]
    if more := len(dropped) - len(faults):
        faults.append(Fault(f"{source}: the other {more} series cannot be used either"))
    has_gaps = any(series.reason in {DropReason.LONG_GAP, DropReason.MANY_GAPS} for series in dropped)
    return [*faults[:-1], replace(faults[-1], fixes=missing_fixes(observed, calendar) if has_gaps else ())]


def _keys(table: Table, columns: tuple[str, ...], groups: Ints) -> tuple[tuple[str, ...], ...]:
    """Keys of the groups, in order of appearance."""
    _, first = np.unique(groups, return_index=True)
    return tuple(zip(*(table.text[name].iloc[first] for name in columns), strict=True)) if columns else ((),)


def _names(keys: tuple[tuple[str, ...], ...]) -> list[str]:
    """Prefixes of messages about series."""
    return [f"series '{', '.join(key)}': " if key else "" for key in keys]


def row_numbers(groups: Ints) -> Ints:
    """[N] 1, 2, 3 … within each group."""
    return np.asarray(pd.Series(groups).groupby(groups).cumcount(), dtype=np.int64) + 1


def _check_choice(key: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        text = f"{key}: must be one of {', '.join(choices)} (got '{value}')"
        raise ConfigError(Fault(text, FaultCode.BAD_VALUE, column=key))
