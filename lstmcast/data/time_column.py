"""The time column of a table: found by the fields and the names of its columns."""

from __future__ import annotations

import re
from itertools import pairwise

import numpy as np
import pandas as pd

from lstmcast.data.column_hints import (
    RECORD_WORDS,
    ROW_ID_WORDS,
    SERIES_WORDS,
    STEP_WORDS,
    TIME_WORDS,
    ColumnChoice,
    are_integers,
    words,
)
from lstmcast.data.file.lines import line_ranges
from lstmcast.data.numbers.fields import SAMPLE
from lstmcast.data.schema import ReadOptions, Table
from lstmcast.data.time.text.names import TIME_NAMES, name_words
from lstmcast.data.time.text.recognition import (
    looks_like_counts,
    looks_like_decimal_years,
    looks_like_excel,
    looks_like_times,
    may_hold_times,
)
from lstmcast.data.time.text.shapes import group_by_shape
from lstmcast.errors import DataError, Fault, FaultCode, Fix
from lstmcast.types import Ints

MIN_EPOCH = 1e8  # larger numbers may be seconds since 1970
_MAX_ROWS = 100_000
_MAX_BLOCKS, _MIN_ROWS = 6, 4  # of blocks
_YEAR = re.compile(r"(?<!\d)[12]\d{3}(?!\d)")


def find_time(table: Table, names: list[str], options: ReadOptions) -> ColumnChoice:
    """Find the time column: of the columns of times, the one named so that distinguishes most rows."""
    if options.time is not None:
        return ColumnChoice((options.time,) if options.time in names else (), "given")
    free = [name for name in names if name not in {*options.id_columns, *options.target}]
    timely = [name for name in free if looks_like_times(table.text[name])]
    for name in timely or free:
        _refuse_blocks(table, name)
    if not timely:
        return _find_unread_time(table, free)
    timely = [name for name in timely if not _named_like_ids(name, table.text[name])] or timely
    _refuse_dropped(table, timely, free)
    if len(timely) == 1:
        _refuse_finer(table, timely[0], free)
        return ColumnChoice((timely[0],), "the only column that reads as times")
    named_like_time = [name for name in timely if words(name) & TIME_WORDS and not are_integers(table.text[name])]
    best = max(named_like_time or timely, key=lambda name: _rank(table, name))
    return ColumnChoice((best,), f"distinguishes most rows of {', '.join(timely)}")


def _rank(table: Table, name: str) -> tuple[int, bool, bool]:
    """Rank of a column of times: by its distinct ones, then texts before integers, then by its name."""
    return table.text[name].nunique(), not are_integers(table.text[name]), bool(words(name) & TIME_WORDS)


def _named_like_ids(name: str, text: pd.Series) -> bool:
    """True for integers named like ids, such as order numbers that read as years."""
    return bool(words(name) & (SERIES_WORDS | ROW_ID_WORDS | RECORD_WORDS)) and are_integers(text)


def _find_unread_time(table: Table, free: list[str]) -> ColumnChoice:
    """Find a column that is a time column by its name; raises DataError for others that may hold times."""
    named = [name for name in free if _named_like_times(name, table.text[name])]
    if named:
        return ColumnChoice((named[0],), "by its name")
    if unread := [name for name in free if may_hold_times(table.text[name])]:
        raise _unread(table, unread[0])
    return ColumnChoice((), "no column reads as times")


def _refuse_blocks(table: Table, name: str) -> None:
    """Raise DataError for times of several formats, one after the other; the settings keep the rows of one."""
    blocks = _blocks(table.text[name])
    if not blocks:
        return
    fixes = []
    for first, end in sorted(blocks, key=lambda block: block[0] - block[1]):
        elsewhere = np.r_[table.lines[:first], table.lines[end:]].tolist()
        setting = f"data.skip={','.join(line_ranges(sorted({*table.skipped, *elsewhere})))}"
        effect = (
            f"read lines {table.lines[first]} to {table.lines[end - 1]} only, from '{table.text[name].iloc[first]}' on"
        )
        fixes.append(Fix(setting, effect))
    shown = ", ".join(f"line {table.lines[first]} '{table.text[name].iloc[first]}'" for first, _ in blocks)
    line = int(table.lines[0])
    text = (
        f"{table.source}:{line}: column '{name}' holds times of several formats, one after the other (from {shown} on)"
    )
    raise DataError(Fault(text, FaultCode.TIME_BLOCKS, line, name, tuple(fixes)))


def _refuse_dropped(table: Table, timely: list[str], free: list[str]) -> None:
    """Raise DataError for a column that may hold the times, where those of the other columns repeat."""
    if any(table.text[name].is_unique for name in timely):
        return
    named_times = [name for name in free if name not in timely and name_words(name) & TIME_NAMES]
    if unread := [name for name in named_times if may_hold_times(table.text[name])]:
        raise _unread(table, unread[0])


def _refuse_finer(table: Table, time: str, free: list[str]) -> None:
    """Raise DataError for a column that may hold times, such as days without a year, next to one of the same year."""
    if table.text[time].iloc[:SAMPLE].nunique() > 2:
        return
    if unread := [name for name in free if name != time and may_hold_times(table.text[name])]:
        raise _unread(table, unread[0])


def _unread(table: Table, name: str) -> DataError:
    """Error about a column that may hold times and does not read as such."""
    first, line = table.text[name].iloc[0], int(table.lines[0])
    text = (
        f"{table.source}:{line}: column '{name}' may hold times, and they cannot be read ('{first}'); write them as "
        "'2024-01-31' or '2024-01-31 13:00', or name their format in data.time_format and the column in data.time"
    )
    fixes = (Fix("data.time=none", "count the rows"),)
    return DataError(Fault(text, FaultCode.UNREAD_TIME, line, name, fixes))


def _named_like_times(name: str, text: pd.Series) -> bool:
    """True if a column that is not parsed as times has a name of times and may be intended as such.

    Integers that count steps are. Evenly rising numbers below the size of epochs, such as seconds of a measurement, are
    not, unless they are decimal years.
    """
    if looks_like_counts(text):
        return bool(name_words(name) & TIME_NAMES) or (bool(words(name) & STEP_WORDS) and text.is_unique)
    if not name_words(name) & {*TIME_NAMES, "year"}:
        return False
    numbers = pd.to_numeric(text, errors="coerce").to_numpy(dtype=np.float64)
    if not name_words(name) & TIME_NAMES and np.isnan(numbers).any():
        return False
    if len(numbers) > 1 and 1_000 <= numbers[0] < 3_000 and looks_like_decimal_years(text):
        return True
    if not name_words(name) & TIME_NAMES:
        return False
    if looks_like_excel(text):
        return True
    steps = np.diff(numbers)
    return not (len(steps) and numbers[-1] < MIN_EPOCH and steps.min() > 0 and steps.max() <= 1.05 * steps.min())


def _blocks(text: pd.Series) -> list[tuple[int, int]]:
    """First row, and first row after it, of each block of times in one format; empty unless the blocks overlap in time.

    A block that begins where the one before it ends has the same times in a new format.
    """
    if len(text) > _MAX_ROWS or len(set(_outlines(text.iloc[[0, -1]]))) < 2:
        return []
    edges = [0, *(np.flatnonzero(np.diff(_outlines(text))) + 1).tolist(), len(text)]
    blocks = list(pairwise(edges))
    if not 2 <= len(blocks) <= _MAX_BLOCKS or min(end - first for first, end in blocks) < _MIN_ROWS:
        return []
    overlap = all(_year(text.iloc[end - 1]) > _year(text.iloc[end]) > 0 for _, end in blocks[:-1])
    return blocks if overlap and all(looks_like_times(text.iloc[first:end]) for first, end in blocks) else []


def _outlines(text: pd.Series) -> Ints:
    """[N] numbers of the shapes of texts, in which repeated characters count once."""
    shaped = group_by_shape([str(word).strip() for word in text.tolist()])
    outlines, _ = pd.factorize(np.array([re.sub(r"(.)\1+", r"\1", shape) for shape in shaped.shapes], dtype=object))
    return np.asarray(outlines[shaped.codes], dtype=np.int64)


def _year(text: str) -> int:
    """Year of four digits in a text; 0 without one."""
    match = _YEAR.search(text)
    return int(match[0]) if match else 0
