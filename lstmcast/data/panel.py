"""Series on one calendar: ragged, flat, sorted, with what was missing marked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from lstmcast.data.alignment import (
    DUPLICATES,
    Observations,
    check_duplicates,
    check_skipped_hours,
    join_notes,
    sort_rows,
    to_cells,
)
from lstmcast.data.calendar import Calendar
from lstmcast.data.missing import (
    MISSING,
    UNKNOWN,
    expand,
    extent_of,
    fill_notes,
    gaps_of,
    lengths_of,
    refuse_gaps,
    too_long,
    trim_notes,
)
from lstmcast.data.schema import Columns, InferredSetting, Table, fingerprint
from lstmcast.data.series_columns import group_codes
from lstmcast.data.time_column import Times
from lstmcast.errors import ConfigError, DataError
from lstmcast.text import MAX_SHOWN, truncate_items
from lstmcast.types import Bools, Floats, Ints

_FEWEST = 2  # values in the longest series


@dataclass(frozen=True)
class Panel:
    """S series on one calendar, one after the other in flat arrays of N values.

    Attributes:
        columns: which column plays which part.
        calendar: the grid of times.
        keys: S keys, one text for each column that names a series, then that of the target where there are several;
            `()` for one series.
        values: [N] the values, filled where they were missing.
        observed: [N] False where a value was filled in.
        offsets: [S+1] series k is `values[offsets[k]:offsets[k+1]]`.
        starts: [S] position on the calendar of each series' first step.
        inferred: what was inferred, and why.
        notes: what was handled, with counts.
        source: how messages name the file.
        dropped: series that cannot be used, each with its reason.
        symbols: [V] what the values 0 … V − 1 stand for, where they are no numbers of their own; −1 then stands for
            what is not known: missing, or none of them.
    """

    columns: Columns
    calendar: Calendar
    keys: tuple[tuple[str, ...], ...]
    values: Floats
    observed: Bools
    offsets: Ints
    starts: Ints
    inferred: tuple[InferredSetting, ...]
    notes: tuple[str, ...]
    source: str
    dropped: tuple[str, ...] = ()
    symbols: tuple[str, ...] = ()

    def fingerprint(self) -> str:
        """Return the sha256 of all that a forecast depends on: columns, keys, times, values, symbols."""
        described = (self.columns, self.calendar.to_dict(), self.keys, self.symbols)
        return fingerprint(described, self.offsets, self.starts, self.values, self.observed)

    @property
    def n_series(self) -> int:
        """S, the number of series."""
        return len(self.keys)

    @property
    def lengths(self) -> Ints:
        """[S] steps of each series."""
        return np.diff(self.offsets)

    @property
    def ends(self) -> Ints:
        """[S] position on the calendar of each series' last step."""
        return np.asarray(self.starts + self.lengths - 1, dtype=np.int64)

    @property
    def key_columns(self) -> tuple[str, ...]:
        """What the parts of a key are called."""
        return self.columns.keys

    def series(self, k: int) -> Floats:
        """[T] the values of series k, a view."""
        return self.values[self.offsets[k] : self.offsets[k + 1]]

    def observed_of(self, k: int) -> Bools:
        """[T] whether each value of series k was in the file, a view."""
        return self.observed[self.offsets[k] : self.offsets[k + 1]]

    def select(self, indices: Ints) -> Panel:
        """The series at these indices, in this order."""
        selected = np.asarray(indices, dtype=np.int64)
        keys = tuple(self.keys[k] for k in selected.tolist())
        return self._cut(selected, self.lengths[selected], keys)

    def drop_last(self, steps: int) -> Panel:
        """Every series without its last `steps` steps; a series that has no more is left empty."""
        return self._cut(np.arange(self.n_series), np.maximum(self.lengths - steps, 0), self.keys)

    def _cut(self, selected: Ints, lengths: Ints, keys: tuple[tuple[str, ...], ...]) -> Panel:
        """The first `lengths` [K] steps of the series `selected` [K]."""
        offsets = _offsets(lengths)
        rows = np.arange(offsets[-1]) + np.repeat(self.offsets[selected] - offsets[:-1], lengths)
        return replace(
            self,
            keys=keys,
            values=self.values[rows],
            observed=self.observed[rows],
            offsets=offsets,
            starts=self.starts[selected],
        )


def build_panel(
    table: Table,
    columns: Columns,
    times: Times | None,
    values: Mapping[str, Floats],
    calendar: Calendar,
    *,
    symbols: tuple[str, ...] = (),
    missing: str = "auto",
    duplicates: str = "error",
    inferred: Sequence[InferredSetting] = (),
    notes: Sequence[str] = (),
) -> Panel:
    """Put the rows of a file on the calendar: sort, refuse or join duplicates, trim the ends, fill or refuse gaps.

    Args:
        table: the file as text.
        columns: which column plays which part.
        times: [N] the time of each row; None where rows are counted.
        values: [N] the values of each target column; NaN where missing.
        calendar: the grid of times.
        symbols: what the values stand for; empty: numbers.
        missing: `auto` fills short gaps and refuses long ones, `interpolate` fills any, `zero` too, `error` none.
            Between symbols nothing can be filled in: with `auto`, whatever is missing stays unknown.
        duplicates: what becomes of rows of one series and time: `error`, `sum`, `mean` or `last`.
        inferred: what was inferred before.
        notes: what was handled before.

    Returns:
        The series that can be used; the others are listed in `dropped`.

    Raises:
        DataError: duplicates, gaps that may not be filled, or no series that can be used.
        ConfigError: `missing` or `duplicates` is none of these.
    """
    _check_choice("data.missing", missing, ("auto", "error") if symbols else MISSING)
    _check_choice("data.duplicates", duplicates, ("error", "last") if symbols else DUPLICATES)
    groups = group_codes(table.text, columns.series)
    keys = _keys(table, columns.series, groups)
    stamps = _row_numbers(groups) if times is None else times.stamps
    rows, row_notes = sort_rows(groups, stamps, table.lines, calendar)
    if duplicates == "error":
        check_duplicates(rows, calendar, _names(keys), table.source)
    if missing in {"auto", "error"}:
        check_skipped_hours(rows, calendar, table.source)
    how = ("last" if symbols else "mean") if duplicates == "error" else duplicates
    cells = to_cells(rows, [values[name] for name in columns.target], len(keys), how)
    row_notes += join_notes(rows, calendar, how)
    if len(columns.target) > 1:
        keys = tuple((*key, name) for name in columns.target for key in keys)
    parts = _filled(cells, keys, calendar, UNKNOWN if symbols and missing == "auto" else missing, table.source)
    return Panel(
        columns=columns,
        calendar=calendar,
        keys=parts.keys,
        values=parts.values,
        observed=parts.observed,
        offsets=_offsets(parts.lengths),
        starts=parts.starts,
        inferred=tuple(inferred),
        notes=(*notes, *row_notes, *parts.notes),
        source=table.source,
        dropped=parts.dropped,
        symbols=symbols,
    )


@dataclass(frozen=True)
class _Filled:
    """The series that can be used, and what was done to them."""

    keys: tuple[tuple[str, ...], ...]
    values: Floats
    observed: Bools
    starts: Ints
    lengths: Ints
    notes: tuple[str, ...]
    dropped: tuple[str, ...]


def _filled(
    cells: Observations, keys: tuple[tuple[str, ...], ...], calendar: Calendar, missing: str, source: str
) -> _Filled:
    """Trim, drop what cannot be used, and fill."""
    names = _names(keys)
    empty = np.isnan(cells.values)
    observed = cells.where(~empty)
    extent = extent_of(observed, len(keys))
    lengths = lengths_of(observed, extent)
    gaps = gaps_of(observed, lengths, calendar.season)
    if missing == "error":
        refuse_gaps(gaps, observed, calendar, names, source)
    dropped = {int(k): (0, "no value is observed") for k in np.flatnonzero(extent.empty)}
    if missing == "auto":
        dropped |= too_long(gaps, observed, calendar)
    reasons = tuple(f"{names[k]}{dropped[k][1]}" for k in sorted(dropped))
    if len(dropped) == len(keys):
        raise DataError(_unusable(reasons, [dropped[k][0] for k in sorted(dropped)], source))
    if lengths.max() < _FEWEST:
        raise DataError(f"{source}: must hold at least {_FEWEST} values of a series (got {lengths.max()}); add rows")
    kept = np.setdiff1d(np.arange(len(keys)), list(dropped))
    trimmed = trim_notes(cells.where(empty), observed, extent)
    observed = observed.renumbered(kept, len(keys))
    lengths = lengths[kept]
    starts = observed.positions[extent_of(observed, len(kept)).first]
    values, there = expand(observed, starts, lengths, missing)
    filled = fill_notes(observed, lengths, missing)
    listed = f"{len(dropped)} of {len(keys)} series cannot be used: {truncate_items(reasons, len(reasons))}"
    notes = (*trimmed, *filled, *((listed,) if dropped else ()))
    return _Filled(tuple(keys[k] for k in kept.tolist()), values, there, starts, lengths, notes, reasons)


def _unusable(reasons: tuple[str, ...], lines: list[int], source: str) -> list[str]:
    """The faults of a file without a series that can be used: the first five with their lines, and how many more."""
    faults = [
        f"{source}:{line}: {reason}" if line else f"{source}: {reason}"
        for line, reason in zip(lines[:MAX_SHOWN], reasons, strict=False)
    ]
    more = len(reasons) - len(faults)
    return [*faults, f"{source}: the other {more} series cannot be used either"] if more else faults


def _offsets(lengths: Ints) -> Ints:
    """[S+1] where each series begins and ends."""
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def _keys(table: Table, columns: tuple[str, ...], groups: Ints) -> tuple[tuple[str, ...], ...]:
    """The texts that name each group, in order of appearance."""
    _, first = np.unique(groups, return_index=True)
    return tuple(zip(*(table.text[name].iloc[first] for name in columns), strict=True)) if columns else ((),)


def _names(keys: tuple[tuple[str, ...], ...]) -> list[str]:
    """How messages begin that are about a series."""
    return [f"series '{', '.join(key)}': " if key else "" for key in keys]


def _row_numbers(groups: Ints) -> Ints:
    """[N] 1, 2, 3 … within each group."""
    return np.asarray(pd.Series(groups).groupby(groups).cumcount(), dtype=np.int64) + 1


def _check_choice(key: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ConfigError(f"{key}: must be one of {', '.join(choices)} (got '{value}')")
