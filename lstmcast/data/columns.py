"""Roles of columns: pinned, or inferred with a reason."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from lstmcast.data.aggregation import COUNT, count_column
from lstmcast.data.column_hints import (
    EVERY,
    NONE,
    ROW_ID_WORDS,
    TARGET_NAMES,
    TARGET_WORDS,
    ColumnChoice,
    are_integers,
    holds_records,
    is_row_id,
    named_like_row_id,
    quote_value,
    words,
)
from lstmcast.data.numbers.fields import SAMPLE, is_missing, looks_like_numbers
from lstmcast.data.schema import Columns, DataNote, InferredSetting, NoteCode, ReadOptions, SettingKey, Table
from lstmcast.data.series_columns import Holds, find_series
from lstmcast.data.time.text.part_patterns import DATE_PARTS, is_named
from lstmcast.data.time.text.recognition import looks_like_decimal_years
from lstmcast.data.time_column import find_time
from lstmcast.errors import ConfigError, DataError, Fault, FaultCode, Fix
from lstmcast.text import MAX_SHOWN, pluralize, suggest, truncate_items, truncate_list

RESERVED_NAMES = re.compile(r"forecast|probability|(?:lower|upper)_[0-9.]+")  # columns of a forecast

NO_TIME = "none"  # value of data.time for a file without a time column

Choose = Callable[[Table, list[str], ReadOptions, bool], ColumnChoice]
"""Selects the target among columns without a role; the last argument is true if there is a time column."""


def find_columns(
    table: Table, options: ReadOptions, choose: Choose | None = None, holds: Holds = looks_like_numbers
) -> tuple[Columns, tuple[InferredSetting, ...], tuple[DataNote, ...]]:
    """Find the time column, the id columns and the target.

    Args:
        options: pinned columns; `target=("*",)` selects every numeric column.
        choose: selects the target if none is pinned; None for `find_numbers`.
        holds: true for columns that may be a target.

    Returns:
        The columns, an inferred setting for each role, and notes.

    Raises:
        DataError: a pinned column is not in the file, or the target is ambiguous.
        ConfigError: a column is pinned for two roles.
    """
    names = [str(name) for name in table.text.columns]
    _check_pins(names, options, table.source)
    names = [name for name in names if name not in options.covariates.columns]
    time = find_time(table, names, options)
    series = find_series(_without_versions(table, names, options), names, options, time.only, holds)
    used = {*time.names, *series.names}
    target = ColumnChoice(options.target, "given")
    if options.aggregate == COUNT:
        target = ColumnChoice((count_column(names),), "the rows of each step are counted")
    elif not options.target or options.target == EVERY:
        free = [name for name in names if name not in used]
        target = (choose or find_numbers)(table, free, options, bool(time.names))
    columns = Columns(time.only, target.names, series.names)
    _check_names(columns, table.source)
    selected = {*used, *target.names}
    unused = [name for name in names if name not in selected]
    row_ids = [name for name in unused if is_row_id(table.text[name], name)]
    unused = [name for name in unused if name not in row_ids]
    notes = [DataNote(NoteCode.UNUSED_COLUMNS, f"columns not used: {truncate_list(unused)}")] if unused else []
    if not time.names:
        notes.insert(0, DataNote(NoteCode.NO_TIME_COLUMN, "no time column: rows are counted 1, 2, 3 …"))
    if row_ids:
        listed = truncate_list([f"'{name}'" for name in row_ids])
        notes.append(DataNote(NoteCode.ROW_IDS, f"different in every row, so neither target nor series id: {listed}"))
    notes += [
        DataNote(NoteCode.EMPTY_ID, f"column '{name}' is empty in {pluralize(empty, 'row')}: used as a series id")
        for name in series.names
        if (empty := int((table.text[name].str.strip() == "").sum()))
    ]
    inferred = (
        time.inferred(SettingKey.TIME),
        series.inferred(SettingKey.ID_COLUMNS),
        target.inferred(SettingKey.TARGET),
    )
    return columns, inferred, tuple(notes)


def _without_versions(table: Table, names: list[str], options: ReadOptions) -> Table:
    """One row of each step, where rows that differ in covariates are revised."""
    if options.covariates.known_as_of is None:
        return table
    kept = [name for name in names if name not in options.target]
    first = ~table.text.duplicated(kept).to_numpy()
    return replace(table, text=table.text[first].reset_index(drop=True), lines=table.lines[first])


def without_used(
    notes: Sequence[DataNote], table: Table, columns: Columns, used: Sequence[str]
) -> tuple[DataNote, ...]:
    """Notes of `find_columns` without the columns that are used after all."""
    taken = {columns.time, *columns.target, *columns.series, *used}
    free = [str(name) for name in table.text.columns if name not in taken]
    unused = [name for name in free if not is_row_id(table.text[name], name)]
    note = DataNote(NoteCode.UNUSED_COLUMNS, f"columns not used: {truncate_list(unused)}")
    found = (note if old.code is NoteCode.UNUSED_COLUMNS else old for old in notes)
    return tuple(kept for kept in found if unused or kept is not note)


def _check_names(columns: Columns, source: str) -> None:
    """Raise DataError if a column of the forecast would have a reserved name."""
    repeated = [name for name in (columns.time or "step", *columns.series) if name]
    faults = [name for name in repeated if RESERVED_NAMES.fullmatch(name)]
    if columns.time is None and "step" in columns.series:
        faults.append("step")
    if len(columns.target) > 1 and "series" in repeated:
        faults.append("series")
    if faults:
        raise DataError([f"{source}: a forecast has a column '{name}' of its own; rename it" for name in faults])


def _check_pins(names: list[str], options: ReadOptions, source: str) -> None:
    """Raise DataError for a pinned column that does not exist, ConfigError for one with two roles."""
    target = () if options.target == EVERY or options.aggregate == COUNT else options.target
    ids = () if options.id_columns == NONE and NONE[0] not in names else options.id_columns
    pins = [] if options.time is None or options.time == NO_TIME else [("data.time", options.time)]
    pins += [("data.id_columns", name) for name in ids] + [("data.target", name) for name in target]
    pins += options.covariates.pins
    future = options.covariates.future_table
    ahead = set() if future is None else set(map(str, future.text.columns))
    missing = [(key, name) for key, name in pins if name not in names]
    missing = [(key, name) for key, name in missing if name not in ahead or not key.startswith("covariates.")]
    faults = [f"{source}: {key}: no column '{name}'; {suggest(name, names)}" for key, name in missing]
    if faults:
        raise DataError(faults)
    parts: dict[str, str] = {}
    for key, name in pins:
        if name in parts:
            faults.append(f"{key}: column '{name}' already is {parts[name]}; a column has one role")
        parts[name] = key
    if faults:
        raise ConfigError(faults)


def find_numbers(table: Table, free: list[str], options: ReadOptions, has_time: bool) -> ColumnChoice:
    """Find the target: the only numeric column that is no row id, or the one named so."""
    numeric = [name for name in free if looks_like_numbers(table.text[name])]
    numeric = _without_row_ids(table, numeric, every=options.target == EVERY)
    if not numeric and len(free) == 1 and table.text.shape[1] > 1 and _may_be_target(table, free[0]):
        return ColumnChoice((free[0],), "the only column left")
    if not numeric:
        raise DataError(_no_numbers(table, free, has_time=has_time))
    if options.target == EVERY:
        return ColumnChoice(tuple(numeric), "given: every numeric column")
    if len(numeric) == 1:
        return ColumnChoice((numeric[0],), "the only numeric column left")
    exact = [name for name in numeric if name.lower() in TARGET_NAMES]
    worded = [name for name in numeric if has_time and words(name) & TARGET_WORDS]
    named = exact or worded
    if len(named) == 1:
        return ColumnChoice((named[0],), f"by its name, of {len(numeric)} numeric columns")
    if options.covariates.known is None and (ending := _ending_before(table, numeric)):
        return ColumnChoice((ending,), "the only one without values in the newest rows, so that others are known ahead")
    raise DataError(_unclear(table, numeric))


def _ending_before(table: Table, numeric: list[str]) -> str | None:
    """The only one of the columns without a value in the last row of a table or, failing that, in the first."""
    for row in (-1, 0):
        empty = [name for name in numeric if is_missing(table.text[name].iloc[[row]])[0]]
        if empty:
            return empty[0] if len(empty) == 1 < len(numeric) else None
    return None


def _may_be_target(table: Table, name: str) -> bool:
    """True for a column named so, or with a digit in a sample, as numbers with a fault have."""
    text = table.text[name]
    digits = text.iloc[:: max(1, len(text) // SAMPLE)].str.contains(r"\d")
    named = name.lower() in TARGET_NAMES or bool(words(name) & TARGET_WORDS)
    return named or (bool(digits.any()) and not named_like_row_id(text, name))


def _without_row_ids(table: Table, numeric: list[str], *, every: bool) -> list[str]:
    """Remove row ids and, if one of several columns is the target, running numbers."""
    kept = [] if every else [name for name in numeric if not _is_no_value(table.text[name], name)]
    return kept or [name for name in numeric if not named_like_row_id(table.text[name], name)]


def _is_no_value(text: pd.Series, name: str) -> bool:
    """True for row ids, other integers named like ids, and constants."""
    if words(name) & ROW_ID_WORDS and are_integers(text):
        return True
    constant = text.iloc[:SAMPLE].nunique() == 1 and text.nunique() == 1
    return constant or is_row_id(text, name)


def _no_numbers(table: Table, free: list[str], *, has_time: bool) -> str | Fault:
    """Fault of a table without a numeric column, with a field of each other column."""
    alone = "if the file uses another delimiter, set data.delimiter; " * (table.text.shape[1] == 1)
    if not free:
        columns = truncate_list([str(name) for name in table.text.columns])
        return f"{table.source}: no column is left to forecast (columns: {columns}); {alone}add a numeric column"
    shown = truncate_items((f"'{name}' holds {_first_of(table, name)}" for name in free), len(free))
    hint = f"{alone}name a column with --target NAME to see its faults"
    text = f"{table.source}: no column holds numbers to forecast: {shown}; {hint}"
    events = has_time and any(_are_event_times(table.text[name]) for name in table.text if name not in free)
    fixes = (Fix("data.aggregate=count", "count the rows of each step"),) if events else ()
    return Fault(text, FaultCode.NO_NUMBERS, fixes=fixes)


def _are_event_times(text: pd.Series) -> bool:
    """True if a time occurs twice, or times have minutes."""
    return bool(text.iloc[:SAMPLE].str.contains(r"[0-9]:[0-9]").any() or text.duplicated().any())


def _first_of(table: Table, name: str) -> str:
    """First field of a column that is not missing, with its line."""
    filled = np.flatnonzero(~is_missing(table.text[name]))
    return f"'{table.text[name].iloc[filled[0]]}' (line {table.lines[filled[0]]})" if len(filled) else "nothing"


def _unclear(table: Table, numeric: list[str]) -> Fault:
    """Fault of several numeric columns; rows with an id of their own may be counted instead."""
    text = f"{table.source}: {len(numeric)} columns hold numbers: {truncate_list(numeric)}; name the one to forecast"
    flags = {name for name in numeric if table.text[name].iloc[:SAMPLE].str.strip().isin(("0", "1")).all()}
    flags |= {name for name in numeric if looks_like_decimal_years(table.text[name])}
    flags |= {name for name in numeric if is_named(name, *DATE_PARTS)}
    likely = sorted(numeric, key=lambda name: (name in flags, not words(name) & TARGET_WORDS))
    every = Fix("data.target=*", "forecast each as a series")
    records = holds_records(table.text)
    count = (Fix("data.aggregate=count", "count the rows of each step"),) if records else ()
    return Fault(text, FaultCode.UNCLEAR_TARGET, fixes=(*target_fixes(likely), every, *count))


def target_fixes(names: Sequence[str]) -> tuple[Fix, ...]:
    """Settings that name the target, for the first columns."""
    return tuple(Fix(f"data.target={quote_value(name)}", f"forecast '{name}'") for name in names[:MAX_SHOWN])
