"""Columns of symbols (states of a machine, kinds of weather) → codes: each kind a number, none lost, none invented."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import pandas as pd

from lstmcast.data.hints import TARGET_NAMES, ColumnChoice, words
from lstmcast.data.keys import EVERY
from lstmcast.data.numbers import looks_like_numbers
from lstmcast.data.read import ParsedTable, TargetParser
from lstmcast.data.records import Bools, Ints, ReadOptions, Table
from lstmcast.data.wording import pluralize, truncate_items, truncate_list
from lstmcast.errors import DataError

MISSING = ("", "na", "n/a", "nan", "null")
MIN_SYMBOLS, MAX_SYMBOLS = 2, 512  # kinds
ROWS = 5  # for each kind, on average: where most rows differ, a column names things, and no state returns
SYMBOL_WORDS = {"state", "status", "weather", "condition", "kind", "category", "symbol", "event", "mode", "phase"}
SYMBOL_WORDS |= {"type", "class", "label", "level"}


def symbols_of(known: Sequence[str] = ()) -> TargetParser:
    """A target that holds symbols.

    Args:
        known: [V] the only kinds there are, as in training: others are read as not known, and counted; empty: all that
            the file holds, sorted.
    """
    return TargetParser(find_symbols, partial(parse_symbols, known=tuple(known)), _returns)


def find_symbols(table: Table, free: list[str], options: ReadOptions, has_time: bool) -> ColumnChoice:  # noqa: ARG001
    """What to forecast: the only column whose values return again and again, text before numbers; or one named so."""
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
        return ColumnChoice(tuple(named), f"its name says so, of {len(found)} columns of symbols")
    raise DataError(
        f"{table.source}: {len(found)} columns hold symbols: {truncate_list(found)}; name the one to forecast with "
        "--target NAME (data.target)"
    )


def parse_symbols(
    table: Table, names: Sequence[str], _options: ReadOptions, *, known: tuple[str, ...] = ()
) -> ParsedTable:
    """The target columns as codes, all of one vocabulary.

    Args:
        table: the file as text.
        names: the target columns.
        known: [V] the vocabulary; empty: every kind the columns hold, sorted.

    Returns:
        [N] codes of each column: 0 … V − 1, −1 for a kind that is not known, NaN where missing (empty, NA, NaN, null).

    Raises:
        DataError: fewer than two kinds, too many of them, or nothing but missing values.
    """
    fields = {name: table.text[name].str.strip() for name in names}
    gone = {name: _is_missing(field) for name, field in fields.items()}
    empty = [f"{table.source}: column '{name}': all values are missing" for name in names if gone[name].all()]
    if empty:
        raise DataError(empty)
    vocabulary = known or tuple(
        sorted({str(symbol) for name in names for symbol in fields[name][~gone[name]].unique()})
    )
    _check_vocabulary(vocabulary, table, names)
    codes = {name: pd.Index(vocabulary).get_indexer(pd.Index(fields[name])).astype(np.float64) for name in names}
    values = {name: np.where(gone[name], np.nan, codes[name]) for name in names}
    strange = {name: np.flatnonzero(values[name] == -1) for name in names}
    notes = [unknown_symbol_note(fields[name], table.lines, rows, f"column '{name}'") for name, rows in strange.items()]
    return ParsedTable(values, vocabulary, tuple(note for note in notes if note))


def unknown_symbol_note(fields: pd.Series, lines: Ints, rows: Ints, where: str) -> str:
    """What to say of fields that hold no known symbol; nothing where there are none.

    Args:
        fields: [N] what the file holds.
        lines: [N] the line of each.
        rows: [K] those that are not known.
        where: how the note begins.
    """
    if not len(rows):
        return ""
    first = fields.iloc[rows].drop_duplicates()
    locations = (f"'{symbol}' (line {lines[row]})" for row, symbol in zip(first.index, first, strict=True))
    note = f"{pluralize(len(rows), 'value')} that training never met, read as not known"
    return f"{where}: {note}: {truncate_items(locations, len(first))}"


def _check_vocabulary(vocabulary: Sequence[str], table: Table, names: Sequence[str]) -> None:
    """Symbols are a few kinds that return."""
    where = f"{table.source}: column{'s' * (len(names) > 1)} {truncate_list([repr(name) for name in names])}"
    if len(vocabulary) < MIN_SYMBOLS:
        raise DataError(f"{where}: must hold at least {MIN_SYMBOLS} kinds of symbols (got only '{vocabulary[0]}')")
    if len(vocabulary) > MAX_SYMBOLS:
        raise DataError(
            f"{where}: must hold at most {MAX_SYMBOLS} kinds of symbols (got {len(vocabulary):,}); join the rare "
            "ones, or forecast "
            "the numbers with model.head: value"
        )


def _is_missing(text: pd.Series) -> Bools:
    return np.asarray(text.str.lower().isin(MISSING), dtype=bool)


def _returns(text: pd.Series) -> bool:
    """Whether a column holds a few kinds, each of several rows."""
    n_symbols = text.str.strip().nunique()
    return bool(MIN_SYMBOLS <= n_symbols <= MAX_SYMBOLS and len(text) >= ROWS * n_symbols)
