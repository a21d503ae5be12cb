"""Columns that identify a series: given by the user, or inferred from names and values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import combinations

import numpy as np
import pandas as pd

from lstmcast.data.column_hints import (
    EVERY,
    MIN_ROWS,
    NONE,
    PERSON_WORDS,
    SERIES_WORDS,
    TARGET_NAMES,
    TARGET_WORDS,
    TIME_PARTS,
    ColumnChoice,
    are_integers,
    clocks,
    named_like_row_id,
    setting_of,
    words,
)
from lstmcast.data.numbers.fields import looks_like_numbers
from lstmcast.data.schema import ReadOptions, Table
from lstmcast.errors import DataError, Fault, FaultCode, Fix
from lstmcast.text import pluralize
from lstmcast.types import Ints

Holds = Callable[[pd.Series], bool]

MAX_ID_COLUMNS = 3
MAX_CANDIDATES = 8
MIN_REPEATED_FRACTION = 0.2  # of rows with a repeated time, for id columns without a typical name
MAX_DUPLICATE_FRACTION = 0.05  # of the repeats may remain, as duplicates
MANY_ROWS = 50  # for each value of a column; fewer may be those of a record, such as an order
MIN_TIMES = 2  # at which the values of an id column occur, on average
MIN_COVERAGE = 0.5  # of the times, for further id columns of rows that are aggregated
SAMPLE_TIMES = 200


def find_series(
    table: Table, names: list[str], options: ReadOptions, time: str | None, holds: Holds = looks_like_numbers
) -> ColumnChoice:
    """Find the id columns: if times repeat, the smallest set that, with the time, identifies every row.

    Args:
        holds: true for columns that may be a target; one must remain.
    """
    if options.id_columns == NONE and NONE[0] not in names:
        return ColumnChoice((), "given")
    if options.id_columns:
        return ColumnChoice(options.id_columns, "given")
    if time is None:
        named = _named_series(table.text, [name for name in names if name not in options.target], holds)
        reason = "named so; rows are counted within each" if named else "without times, all rows are one series"
        return ColumnChoice(named, reason)
    stamps = _codes(table.text[time])
    repeats = len(stamps) - _distinct(stamps)
    aggregated = options.aggregate in {"sum", "mean", "last"}
    if repeats == 0 and not aggregated:
        return ColumnChoice((), "no time occurs twice")
    often = repeats >= MIN_REPEATED_FRACTION * len(stamps)
    search = _SeriesKeySearch(table.text, stamps, repeats)
    free = [name for name in names if name != time and name not in options.target]
    persons = {name for name in free if aggregated and words(name) & PERSON_WORDS}
    candidates = search.candidates(
        [name for name in free if name not in persons and (often or words(name) & SERIES_WORDS)]
    )
    left = (
        None if options.target and options.target != EVERY else partial(_leaves_target, table.text, free, holds=holds)
    )
    if repeats and (selected := search.identifying(candidates, left)):
        kept = tuple(name for name in names if name in selected)
        _refuse_time_parts(table, time, kept)
        return ColumnChoice(kept, f"{repeats} rows repeat a time; with the time, the columns identify each row")
    if often:
        _refuse_time_parts(table, time, [name for name in free if _is_time_part(table.text[name], name)])
    if aggregated and (selected := search.recurring(candidates)):
        kept = tuple(name for name in names if name in selected)
        return ColumnChoice(kept, "named so; rows of one time are aggregated")
    rows = f"{pluralize(repeats, 'row')} with the time of another, and no columns distinguish them"
    return ColumnChoice((), rows if repeats else "no time occurs twice")


def _refuse_time_parts(table: Table, time: str, selected: Sequence[str]) -> None:
    """Raise DataError if a selected column is a part of the time, such as an hour, rather than an id."""
    parts = [name for name in selected if _is_time_part(table.text[name], name)]
    if parts:
        pieces = ", ".join(f"'{name}'" for name in (time, *parts))
        text = (
            f"{table.source}: columns {pieces} look like parts of one time; join them into one column, such as "
            "'2024-01-31 13:00'"
        )
        fix = Fix(f"data.id_columns={setting_of(selected)}", "read each value as a series")
        raise DataError(Fault(text, FaultCode.TIME_PARTS, column=parts[0], fixes=(fix,)))


def _is_time_part(text: pd.Series, name: str) -> bool:
    """True for times of day, and for integers with the name of a part of a time."""
    return clocks(text) or bool(words(name) & TIME_PARTS and are_integers(text))


def _named_series(text: pd.DataFrame, names: list[str], holds: Holds) -> tuple[str, ...]:
    """Columns with names of ids and a few rows for each value, if a target remains."""
    found = tuple(
        name
        for name in names
        if words(name) & SERIES_WORDS and (distinct := text[name].nunique()) > 1 and len(text) >= MIN_ROWS * distinct
    )
    return found if _leaves_target(text, names, found, holds) else ()


class _SeriesKeySearch:
    """Search for the id columns of a long table."""

    def __init__(self, text: pd.DataFrame, stamps: Ints, repeats: int) -> None:
        self.text, self.stamps, self.repeats = text, stamps, repeats
        self.codes: dict[str, Ints] = {}
        self.sample = np.flatnonzero(stamps < SAMPLE_TIMES)

    def candidates(self, names: Iterable[str]) -> list[str]:
        """Candidate id columns, most likely first: text or integers, with a few rows for each value."""
        found: list[tuple[bool, bool, int, int, str]] = []
        for position, name in enumerate(names):
            column, named_like_series = self.text[name], bool(words(name) & SERIES_WORDS)
            numeric = looks_like_numbers(column)
            value = numeric and (not are_integers(column) or bool(words(name) & TARGET_WORDS))
            if name.lower() in TARGET_NAMES or (value and not named_like_series):
                continue
            codes = _codes(column)
            distinct = _distinct(codes)
            rows = MIN_TIMES if named_like_series else MIN_ROWS
            if distinct > 1 and len(codes) >= rows * distinct and self._recurs(codes, distinct):
                self.codes[name] = codes
                found.append((not named_like_series, numeric and not named_like_series, distinct, position, name))
        return [name for *_, name in sorted(found)[:MAX_CANDIDATES]]

    def _recurs(self, codes: Ints, distinct: int) -> bool:
        """True if values occur at several times, as those of series do, and those of orders do not."""
        return len(codes) >= MANY_ROWS * distinct or self._times(codes) >= MIN_TIMES * distinct

    def _times(self, group: Ints) -> int:
        """Number of distinct pairs of group and time."""
        return _distinct(_joined([group, self.stamps]))

    def recurring(self, candidates: list[str]) -> tuple[str, ...]:
        """Columns named like ids of which rows may be aggregated: the first, and others that leave long series."""
        selected: tuple[str, ...] = ()
        least = MIN_COVERAGE * _distinct(self.stamps)
        for name in candidates:
            wider = (*selected, name)
            group = _joined([self.codes[column] for column in wider])
            dense = not selected or self._times(group) >= least * _distinct(group)
            if words(name) & SERIES_WORDS and dense and len(wider) <= MAX_ID_COLUMNS:
                selected = wider
        return selected

    def identifying(
        self, candidates: list[str], leaves_target: Callable[[tuple[str, ...]], bool] | None
    ) -> tuple[str, ...]:
        """The smallest set that, with the time, identifies every row or, failing that, nearly every one; or none."""
        for duplicates in (0, int(MAX_DUPLICATE_FRACTION * self.repeats)):
            for selected in self.by_size(candidates):
                if (leaves_target is None or leaves_target(selected)) and self.identifies_rows(selected, duplicates):
                    return selected
        return ()

    def by_size(self, candidates: list[str]) -> Iterable[tuple[str, ...]]:
        """All sets of up to three candidates, small sets first."""
        for size in range(1, MAX_ID_COLUMNS + 1):
            yield from combinations(candidates, size)

    def identifies_rows(self, names: tuple[str, ...], duplicates: int) -> bool:
        """True if at most `duplicates` rows share id and time, and the median series is long enough."""
        group = _joined([self.codes[name] for name in names])
        rows = _joined([group, self.stamps])
        if len(self.sample) - _distinct(rows[self.sample]) > duplicates or len(rows) - _distinct(rows) > duplicates:
            return False
        lengths = pd.Series(group).value_counts()
        named_like_series = all(words(name) & SERIES_WORDS for name in names)
        return bool(lengths.median() >= (MIN_TIMES if named_like_series else MIN_ROWS))


def _codes(text: pd.Series) -> Ints:
    """[N] codes of distinct texts, in order of appearance."""
    return pd.factorize(text)[0].astype(np.int64)


def _distinct(codes: Ints) -> int:
    """Number of distinct codes."""
    return len(pd.unique(codes))


def _joined(columns: list[Ints]) -> Ints:
    """[N] codes of distinct combinations of codes."""
    joined = columns[0]
    for codes in columns[1:]:
        joined = pd.factorize(joined * (int(codes.max()) + 1) + codes)[0].astype(np.int64)
    return joined


def group_codes(text: pd.DataFrame, names: tuple[str, ...]) -> Ints:
    """[N] index of the series of each row, in order of appearance; 0 without id columns."""
    return _joined([np.zeros(len(text), dtype=np.int64), *(_codes(text[name]) for name in names)])


def _leaves_target(text: pd.DataFrame, free: list[str], selected: tuple[str, ...], holds: Holds) -> bool:
    """True if a column is left to forecast."""
    return any(holds(text[name]) and not named_like_row_id(text[name], name) for name in free if name not in selected)
