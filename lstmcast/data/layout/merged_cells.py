"""Merged cells: labels that a spreadsheet or a pivot table writes once, above empty cells."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from lstmcast.data.numbers.fields import SAMPLE, looks_like_numbers
from lstmcast.data.schema import DataNote, NoteCode, Table
from lstmcast.data.series_columns import group_codes
from lstmcast.data.time.text.recognition import looks_like_times
from lstmcast.text import pluralize

MIN_EMPTY = 1 / 3  # fraction of the cells of a column with merged cells


def fill_merged(table: Table) -> Table:
    """Fill the cells below a label, if labels are written once and the filled columns and the time identify rows.

    Returns:
        The table, with a note for each filled column.
    """
    names = [str(name) for name in table.text.columns]
    merged = [name for name in names if _may_be_merged(table.text[name])]
    times = tuple(name for name in names if merged and looks_like_times(table.text[name]))
    if not times or not table.text.duplicated(list(times)).any():
        return table
    text, notes, labels = table.text.copy(deep=False), [], pd.Series(0, index=table.text.index)
    for name in merged:
        empty = _is_empty(table.text[name])
        if not _written_once(table.text[name], ~empty, labels):
            continue
        text[name] = table.text[name].mask(empty).ffill()
        labels = labels + (~empty).cumsum()
        count = pluralize(int(empty.sum()), "empty cell")
        notes.append(DataNote(NoteCode.MERGED_CELLS, f"column '{name}': {count} filled with the value above"))
    if not notes or not _identify(text, tuple(dict.fromkeys((*merged, *times)))):
        return table
    return replace(table, text=text, notes=(*table.notes, *notes))


def _may_be_merged(text: pd.Series) -> bool:
    """True for labels or times of which a sample has many empty cells, but not in the first row."""
    head = text.iloc[:SAMPLE]
    empty = _is_empty(head)
    if len(head) < 2 or empty.iloc[0] or empty.mean() < MIN_EMPTY:
        return False
    filled = text[~_is_empty(text)]
    return bool(looks_like_times(filled) or not looks_like_numbers(filled))


def _is_empty(text: pd.Series) -> pd.Series:
    return text.str.strip() == ""


def _written_once(text: pd.Series, written: pd.Series, outer: pd.Series) -> bool:
    """True if no label is written twice within a label of the columns before."""
    labels = pd.DataFrame({"label": text[written], "outer": outer[written]})
    return len(labels) > 1 and not labels.duplicated().any()


def _identify(text: pd.DataFrame, keys: tuple[str, ...]) -> bool:
    """True if no two rows have equal keys, or with one more column."""
    columns = (None, *(str(name) for name in text.columns if name not in keys and not looks_like_numbers(text[name])))
    groups = (group_codes(text, keys if other is None else (*keys, other)) for other in columns)
    return any(int(group.max()) == len(group) - 1 for group in groups)
