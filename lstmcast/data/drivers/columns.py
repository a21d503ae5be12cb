"""Numbers of a column of covariates: numeric, boolean or text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import pandas as pd

from lstmcast.data.column_hints import setting_of
from lstmcast.data.drivers.options import CovariateOptions
from lstmcast.data.numbers.columns import parse_number_column
from lstmcast.data.numbers.fields import is_missing, looks_like_numbers
from lstmcast.data.schema import DataNote, NoteCode, ReadOptions, Table
from lstmcast.errors import DataError, Fault, FaultCode, Fix
from lstmcast.text import pluralize, truncate_items
from lstmcast.types import Floats

MAX_LEVELS = 50  # categories of a text column
MAX_EMPTY = 0.1  # fraction of the fields; with more, an empty field is a state of its own

_YES = {"true", "t", "yes", "y", "on", "ja", "wahr", "oui", "vrai", "si", "sí", "verdadero", "vero", "sim", "tak"}
_NO = {"false", "f", "no", "n", "off", "nein", "falsch", "non", "faux", "falso", "nee", "não", "nao", "nie"}


class Kind(StrEnum):
    """Types of columns."""

    NUMBER = "numeric"
    BOOLEAN = "yes/no"
    TEXT = "text"


@dataclass(frozen=True)
class DriverColumn:
    """Numbers of one column of a file.

    Attributes:
        column: its name in the file.
        names: [k] the column, or its categories, such as `weather=rain`.
        values: [N, k]; NaN where missing.
        kind: its type.
    """

    column: str
    names: tuple[str, ...]
    values: Floats
    kind: Kind


def leave_out(section: CovariateOptions, column: str) -> tuple[Fix, ...]:
    """Setting that leaves a column out of the covariates."""
    for key, names in (("known", section.pinned_known), ("past", section.past), ("static", section.static)):
        if column in names:
            rest = [name for name in names if name != column]
            value = setting_of(rest) if rest else "none" if key == "known" else "[]"
            return (Fix(f"covariates.{key}={value}", f"leave '{column}' out"),)
    return ()


def with_levels(texts: Sequence[pd.Series], known: Sequence[str] | None) -> tuple[str, ...] | None:
    """Categories of a column that several files have: those of training, or of all files; None for one file."""
    if known is not None or len(texts) < 2:
        return None if known is None else tuple(known)
    text = pd.concat(texts)
    if kind_of(text) is not Kind.TEXT:
        return ()
    return tuple(sorted(map(str, text[~is_missing(text)].str.strip().unique())))


def kind_of(text: pd.Series) -> Kind:
    """Type of a column by its fields."""
    words = set(text.str.strip().str.lower()[~is_missing(text)].unique())
    if words and words <= _YES | _NO and (words & _YES or len(words) < 2):
        return Kind.BOOLEAN
    return Kind.NUMBER if looks_like_numbers(text) else Kind.TEXT


def parse_driver(
    table: Table, name: str, options: ReadOptions, levels: Sequence[str] | None = None
) -> tuple[DriverColumn, tuple[DataNote, ...]]:
    """Parse a column as numbers.

    Args:
        table: the file.
        name: the column.
        options: of the file.
        levels: categories of training, empty for a column without; None: those of the file.

    Raises:
        DataError: a field is not of the type of the column, or there are too many categories.
    """
    text = table.text[name]
    kind = kind_of(text)
    if levels is not None:
        kind = Kind.TEXT if levels else Kind.BOOLEAN if kind is Kind.BOOLEAN else Kind.NUMBER
    if kind is Kind.TEXT:
        return _categories(table, name, options, levels)
    if kind is Kind.BOOLEAN:
        words = text.str.strip().str.lower()
        values = np.where(is_missing(text), np.nan, words.isin(_YES).to_numpy(dtype=np.float64))
        return DriverColumn(name, (name,), values[:, None], kind), ()
    values, notes = parse_number_column(table, name, options)
    empty = np.isnan(values)
    if empty.mean() > MAX_EMPTY and len(np.unique(values[~empty])) == 1 and values[~empty][0] != 0:
        values[empty] = 0
        text_of = f"column '{name}': {pluralize(int(empty.sum()), 'empty field')} read as 0: all others are equal"
        notes += (DataNote(NoteCode.EMPTY_COVARIATE, text_of),)
    return DriverColumn(name, (name,), values[:, None], kind), notes


def _categories(
    table: Table, name: str, options: ReadOptions, levels: Sequence[str] | None
) -> tuple[DriverColumn, tuple[DataNote, ...]]:
    """Expand a text column to one column for each category, with 1 where a field is that category."""
    fields = table.text[name].str.strip()
    missing = is_missing(table.text[name])
    known = tuple(levels or sorted(map(str, fields[~missing].unique())))
    where = f"{table.source}: column '{name}'"
    if not known:
        raise DataError(Fault(f"{where}: all {len(fields)} fields are missing", column=name))
    if len(known) > MAX_LEVELS:
        text = f"{where}: must hold at most {MAX_LEVELS} categories (got {len(known):,})"
        fixes = leave_out(options.covariates, name)
        raise DataError(Fault(text, FaultCode.MANY_CATEGORIES, column=name, fixes=fixes))
    codes = pd.Index(known).get_indexer(pd.Index(fields))
    values = (codes[:, None] == np.arange(len(known))).astype(np.float64)
    notes: list[DataNote] = []
    if missing.mean() > MAX_EMPTY:
        text = f"column '{name}': {pluralize(int(missing.sum()), 'empty field')} read as no category"
        notes.append(DataNote(NoteCode.EMPTY_COVARIATE, text))
    else:
        values[missing] = np.nan
    unseen = np.flatnonzero((codes < 0) & ~missing)
    if len(unseen):
        first = fields.iloc[unseen].drop_duplicates()
        shown = (f"'{field}' (line {table.lines[row]})" for row, field in zip(first.index, first, strict=True))
        text = f"column '{name}': {pluralize(len(unseen), 'field')} of categories that training did not see, read as "
        notes.append(DataNote(NoteCode.UNSEEN_CATEGORIES, f"{text}none: {truncate_items(shown, len(first))}"))
    names = tuple(f"{name}={level}" for level in known)
    return DriverColumn(name, names, values, Kind.TEXT), tuple(notes)
