"""Targets other than numbers: symbols, characters of a text, and yes/no columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from lstmcast.data.column_hints import EVERY, TARGET_NAMES, ColumnChoice, words
from lstmcast.data.columns import find_numbers, target_fixes
from lstmcast.data.file.encoding import to_text
from lstmcast.data.file.file_reader import read_input
from lstmcast.data.load import ParsedTable, TargetParser
from lstmcast.data.numbers.fields import is_missing, looks_like_numbers
from lstmcast.data.panel import Panel
from lstmcast.data.schema import Columns, DataNote, InferredSetting, NoteCode, ReadOptions, SettingKey, Table
from lstmcast.data.time.calendar_inference import counter_calendar
from lstmcast.errors import DataError, Fault, FaultCode
from lstmcast.text import pluralize, truncate_items, truncate_list
from lstmcast.types import Bools, Floats, Ints

MISSING = ("", "na", "n/a", "nan", "null")
MIN_SYMBOLS, MAX_SYMBOLS = 2, 512  # vocabulary size
MIN_ROWS_PER_SYMBOL = 5  # mean number; with fewer, a column holds names rather than states
SYMBOL_WORDS = {"state", "status", "weather", "condition", "kind", "category", "symbol", "event", "mode", "phase"}
SYMBOL_WORDS |= {"type", "class", "label", "level"}


def symbols_of(known: Sequence[str] = (), *, extend: bool = False) -> TargetParser:
    """Parser of a target of symbols.

    Args:
        known: the vocabulary of training; empty: that of the file, sorted.
        extend: add the other symbols of the file to it.
    """
    return TargetParser(find_symbols, partial(parse_symbols, known=tuple(known), extend=extend), _returns)


def find_symbols(table: Table, free: list[str], options: ReadOptions, has_time: bool) -> ColumnChoice:  # noqa: ARG001
    """Find the target: the only column of recurring values, text before numbers, or one named so."""
    returning = [name for name in free if _returns(table.text[name])]
    texts = [name for name in returning if not looks_like_numbers(table.text[name])]
    found = texts or returning
    if not found:
        held = ", ".join(f"'{name}' holds {table.text[name].nunique():,} kinds" for name in free[:3])
        raise DataError(
            f"{table.source}: no column holds {MIN_SYMBOLS} to {MAX_SYMBOLS} symbols that return "
            f"({held or 'no column is left'}); "
            "name the column with --target NAME to see its faults"
        )
    if options.target == EVERY:
        return ColumnChoice(tuple(found), "given: every column of symbols")
    if len(found) == 1:
        return ColumnChoice(tuple(found), "the only column of symbols left")
    exact = [name for name in found if name.lower() in TARGET_NAMES]
    named = exact or [name for name in found if words(name) & SYMBOL_WORDS]
    if len(named) == 1:
        return ColumnChoice(tuple(named), f"by its name, of {len(found)} columns of symbols")
    text = f"{table.source}: {len(found)} columns hold symbols: {truncate_list(found)}; name the one to forecast"
    raise DataError(Fault(text, FaultCode.UNCLEAR_TARGET, fixes=target_fixes(found)))


def parse_symbols(
    table: Table, names: Sequence[str], _options: ReadOptions, *, known: tuple[str, ...] = (), extend: bool = False
) -> ParsedTable:
    """Encode the target columns with one vocabulary: `known` [V], or else all their symbols; see `vocabulary_of`.

    Returns:
        [N] codes of each column: 0 … V − 1, −1 for unknown symbols, NaN where missing (empty, NA, NaN, null).

    Raises:
        DataError: too few or too many distinct symbols, or only missing values.
    """
    fields = {name: table.text[name].str.strip() for name in names}
    gone = {name: _is_missing(field) for name, field in fields.items()}
    empty = [f"{table.source}: column '{name}': all values are missing" for name in names if gone[name].all()]
    if empty:
        raise DataError(empty)
    found = {str(symbol) for name in names for symbol in fields[name][~gone[name]].unique()}
    vocabulary = vocabulary_of(found, known, extend=extend)
    _check_vocabulary(vocabulary, table, names)
    codes = {name: pd.Index(vocabulary).get_indexer(pd.Index(fields[name])).astype(np.float64) for name in names}
    values = {name: np.where(gone[name], np.nan, codes[name]) for name in names}
    unknown = {name: np.flatnonzero(values[name] == -1) for name in names}
    notes = [
        _unknown_symbol_note(fields[name], table.lines, rows, f"column '{name}'")
        for name, rows in unknown.items()
        if len(rows)
    ]
    return ParsedTable(values, vocabulary, tuple(notes))


def vocabulary_of(found: Iterable[str], known: tuple[str, ...], *, extend: bool) -> tuple[str, ...]:
    """Return the vocabulary [V] of a file.

    Args:
        found: its symbols.
        known: the vocabulary of training; empty: there is none.
        extend: append the symbols that it lacks, sorted, as long as there are at most `MAX_SYMBOLS`.
    """
    new = sorted(set(found) - set(known)) if extend or not known else []
    return known if known and len(known) + len(new) > MAX_SYMBOLS else (*known, *new)


def _unknown_symbol_note(fields: pd.Series, lines: Ints, rows: Ints, where: str) -> DataNote:
    """Note about unknown symbols, the rows [K] of fields [N]."""
    first = fields.iloc[rows].drop_duplicates()
    locations = (f"'{symbol}' (line {lines[row]})" for row, symbol in zip(first.index, first, strict=True))
    text = f"{pluralize(len(rows), 'value')} outside the vocabulary of training, read as unknown"
    return DataNote(NoteCode.UNKNOWN_SYMBOLS, f"{where}: {text}: {truncate_items(locations, len(first))}")


def _check_vocabulary(vocabulary: Sequence[str], table: Table, names: Sequence[str]) -> None:
    """Raise DataError if the vocabulary is too small or too large."""
    where = f"{table.source}: column{'s' * (len(names) > 1)} {truncate_list([repr(name) for name in names])}"
    if len(vocabulary) < MIN_SYMBOLS:
        raise DataError(f"{where}: must hold at least {MIN_SYMBOLS} kinds of symbols (got only '{vocabulary[0]}')")
    if len(vocabulary) > MAX_SYMBOLS:
        raise DataError(
            f"{where}: must hold at most {MAX_SYMBOLS} kinds of symbols (got {len(vocabulary):,}); join the rare "
            "ones, or forecast "
            "the numbers with model.task: value"
        )


def _is_missing(text: pd.Series) -> Bools:
    return np.asarray(text.str.lower().isin(MISSING), dtype=bool)


def _returns(text: pd.Series) -> bool:
    """True for a column of a few symbols with several rows each."""
    n_symbols = text.str.strip().nunique()
    return bool(MIN_SYMBOLS <= n_symbols <= MAX_SYMBOLS and len(text) >= MIN_ROWS_PER_SYMBOL * n_symbols)


CHARACTER = "character"


def read_characters(
    path: str | Path, options: ReadOptions, known: Sequence[str] = (), *, extend: bool = False
) -> Panel:
    r"""Read the characters of a text as one series of codes; newlines become `\n`.

    Args:
        path: a file, plain or compressed; `"-"` for stdin.
        options: only `encoding` is used; the default is UTF-8, or UTF-16 with a byte order mark.
        known: [V] the vocabulary of training; empty for all characters of the text.
        extend: add the other characters of the text to it.

    Raises:
        FileError, BusyError: the file cannot be read.
        DataError: invalid text, or fewer than two distinct characters.
        ConfigError: an unknown encoding.
    """
    name = "stdin" if path == "-" else str(path)
    text = to_text(read_input(path), name, options.encoding).decode()
    points = np.frombuffer(text.encode("utf-32-le"), dtype="<u4")
    symbols = vocabulary_of(map(chr, np.unique(points).tolist()), tuple(known), extend=extend)
    vocabulary = np.array([ord(character) for character in symbols], dtype=np.uint32)
    if len(vocabulary) < MIN_SYMBOLS:
        raise DataError(f"{name}: a text must hold at least {MIN_SYMBOLS} kinds of characters (got {len(vocabulary)})")
    order = np.argsort(vocabulary)
    at = order[np.minimum(np.searchsorted(vocabulary, points, sorter=order), len(vocabulary) - 1)]
    codes = np.where(vocabulary[at] == points, at, -1)
    calendar, _ = counter_calendar()
    return Panel(
        columns=Columns(None, (CHARACTER,)),
        calendar=calendar,
        keys=((),),
        values=codes.astype(np.float64),
        observed=np.ones(len(codes), dtype=np.bool_),
        offsets=np.array([0, len(codes)], dtype=np.int64),
        starts=np.array([1], dtype=np.int64),
        inferred=(InferredSetting(SettingKey.TARGET, CHARACTER, "data.format: text, each character is a step"),),
        notes=_unknown_notes(text, points, np.flatnonzero(codes < 0)),
        source=name,
        symbols=symbols,
    )


def _unknown_notes(text: str, points: np.ndarray, rows: np.ndarray) -> tuple[DataNote, ...]:
    """Note about characters outside the vocabulary."""
    if not len(rows):
        return ()
    lines = np.cumsum(points == ord("\n")) - (points == ord("\n")) + 1
    fields = pd.Series(list(text))
    return (_unknown_symbol_note(fields, lines, rows, "text"),)


YES = {"1", "1.0", "true", "t", "yes", "y", "on"}
NO = {"0", "0.0", "false", "f", "no", "n", "off"}


def find_event_columns(table: Table, free: list[str], options: ReadOptions, has_time: bool) -> ColumnChoice:
    """Find the target: pinned, the only yes/no column, or the target among numeric columns."""
    boolean_columns = [name for name in free if _is_boolean_column(table.text[name])]
    if not options.target and len(boolean_columns) == 1:
        return ColumnChoice((boolean_columns[0],), "the only column of yes and no")
    return find_numbers(table, boolean_columns or free, options, has_time)


def parse_event_columns(table: Table, names: Sequence[str], _: ReadOptions) -> ParsedTable:
    """Parse yes/no columns to 1 and 0, NaN where missing; raises DataError with the faults of all columns."""
    faults: list[str] = []
    values: dict[str, Floats] = {}
    for name in names:
        words = table.text[name].str.strip().str.lower()
        yes, no, missing = words.isin(YES), words.isin(NO), is_missing(table.text[name])
        if (other := np.flatnonzero(~(yes | no | missing))).size:
            shown = (f"'{table.text[name].iloc[row]}' on line {table.lines[row]}" for row in other)
            faults.append(
                f"{table.source}:{table.lines[other[0]]}: column '{name}' must hold yes and no (true and false, 1 and "
                f"0) to be an event; {pluralize(other.size, 'field')} do not: {truncate_items(shown, other.size)}; "
                "or define the event of its numbers: model.event: 'y > 500'"
            )
        values[name] = np.where(missing, np.nan, yes.to_numpy(dtype=np.float64))
    if faults:
        raise DataError(faults)
    return ParsedTable(values)


def _is_boolean_column(text: pd.Series) -> bool:
    """True for a column of both yes and no, and nothing else."""
    words = set(text.str.strip().str.lower()[~is_missing(text)])
    return words <= YES | NO and bool(words & YES) and bool(words & NO)


EVENT_PARSER = TargetParser(find_event_columns, parse_event_columns)
