"""Columns of yes and no → 1 and 0."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from lstmcast.data.columns import find_numbers
from lstmcast.data.hints import ColumnChoice
from lstmcast.data.numbers import is_missing
from lstmcast.data.read import ParsedTable, TargetParser
from lstmcast.data.records import Floats, ReadOptions, Table
from lstmcast.data.wording import pluralize, truncate_items
from lstmcast.errors import DataError

YES = {"1", "1.0", "true", "t", "yes", "y", "on"}
NO = {"0", "0.0", "false", "f", "no", "n", "off"}


def find_event_columns(table: Table, free: list[str], options: ReadOptions, has_time: bool) -> ColumnChoice:
    """What to forecast: pinned, the only column of yes and no, or what would be forecast of numbers."""
    boolean_columns = [name for name in free if _is_boolean_column(table.text[name])]
    if not options.target and len(boolean_columns) == 1:
        return ColumnChoice((boolean_columns[0],), "the only column of yes and no")
    return find_numbers(table, boolean_columns or free, options, has_time)


def parse_event_columns(table: Table, names: Sequence[str], _: ReadOptions) -> ParsedTable:
    """The target columns as 1 and 0, NaN where missing; the faults of all are told together.

    Raises:
        DataError: another word, or another number, with its line.
    """
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
                "or say what is to come true of its numbers: model.event: 'y > 500'"
            )
        values[name] = np.where(missing, np.nan, yes.to_numpy(dtype=np.float64))
    if faults:
        raise DataError(faults)
    return ParsedTable(values)


def _is_boolean_column(text: pd.Series) -> bool:
    """Whether a column holds yes and no, and nothing else."""
    words = set(text.str.strip().str.lower()[~is_missing(text)])
    return words <= YES | NO and bool(words & YES) and bool(words & NO)


EVENT_PARSER = TargetParser(find_event_columns, parse_event_columns)
