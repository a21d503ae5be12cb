"""Numbers of one column of a table, by the options of the file."""

from __future__ import annotations

import numpy as np

from lstmcast.data.numbers.fields import COMMON_MARKS, NumberStyle
from lstmcast.data.numbers.missing_marks import marked_note, numeric_marks
from lstmcast.data.numbers.parser import check_points, parse_numbers
from lstmcast.data.schema import DataNote, NoteCode, ReadOptions, Table
from lstmcast.types import Floats


def parse_number_column(table: Table, name: str, options: ReadOptions) -> tuple[Floats, tuple[DataNote, ...]]:
    """Parse a column as numbers [N], NaN where missing, with notes.

    Raises:
        DataError: a field is not a number, or its notation is unclear.
    """
    style = NumberStyle(table.decimal, table.thousands, options.units, COMMON_MARKS)
    semicolon = any(note.code is NoteCode.DELIMITER for note in table.notes)  # as where commas are decimal
    text = table.text[name]
    values, notes = parse_numbers(text, table.lines, column=name, source=table.source, style=style)
    if name in table.unclear:
        notes += check_points(text, values, table.lines, column=name, source=table.source, likely=semicolon)
    marks = numeric_marks(options.missing_marks)
    marked = np.isin(values, marks) if len(marks) else np.zeros(0, dtype=np.bool_)
    if marked.any():
        values[marked] = np.nan
        notes += (marked_note(name, int(marked.sum())),)
    return values, notes
