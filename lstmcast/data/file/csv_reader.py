"""Strict CSV reader: a file as a table of text, without padded, shifted or dropped fields."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from lstmcast.data.file.conversion import parquet_to_csv, workbook_to_csv
from lstmcast.data.file.csv_layout import CsvLayout, choose_delimiter, find_layout, join_blanks
from lstmcast.data.file.encoding import to_text
from lstmcast.data.file.file_reader import read_input
from lstmcast.data.file.header import NO_HEADER, read_header, refuse_headless, unnamed_header
from lstmcast.data.file.lines import line_ranges
from lstmcast.data.file.skipped_lines import NONE, skip_lines
from lstmcast.data.file.table_lines import MIN_ROWS
from lstmcast.data.layout.headers import has_time_columns
from lstmcast.data.schema import DataNote, NoteCode, Table
from lstmcast.data.time.text.recognition import looks_like_times
from lstmcast.errors import DataError, Fault, FaultCode, Fix
from lstmcast.text import MAX_SHOWN, pluralize, truncate_items
from lstmcast.types import Bools, Ints

PARQUET = (".parquet", ".pq")
WORKBOOKS = (".xlsx", ".xlsm")
JSON = (".json", ".jsonl", ".ndjson")
FRAME = "DataFrame"  # source in messages

_SAMPLE = 1_000  # rows
_ALIGNED = DataNote(NoteCode.ALIGNED, "columns aligned by blanks")
_NO_NEWLINE = DataNote(
    NoteCode.NO_FINAL_NEWLINE, "the last line has no newline, unlike all others: the file may be incomplete"
)


def read_table(
    source: str | Path,
    *,
    delimiter: str | None = None,
    encoding: str | None = None,
    skip: Sequence[str] = (),
    sheet: str | None = None,
    header: str = "auto",
) -> Table:
    """Read a CSV file (plain or compressed), stdin, a Parquet file or a sheet of an Excel workbook as text.

    Args:
        source: a path; `"-"` is stdin.
        delimiter: None to infer it among `, ; tab |`.
        encoding: a Python codec; None for UTF-8, or UTF-16 with a byte order mark.
        skip: lines that are no rows, as in `skip_lines`; empty to find them.
        sheet: name or number of the sheet; None for the first that is not empty.
        header: "none" for a file without a line of column names.

    Raises:
        FileError: missing, not a regular file, unreadable.
        BusyError: the file changed while it was read.
        DataError: the content is not a table that can be read exactly.
        ConfigError: an unknown encoding or delimiter.
        UsageError: the file requires a package that is not installed.
    """
    name = "stdin" if source == "-" else str(source)
    data = read_input(source)
    if Path(name).suffix.lower() in PARQUET:
        table = _parse(to_text(parquet_to_csv(data, name), name), ",", name)
        rows = np.arange(1, len(table.text) + 1, dtype=np.int64)
        note = DataNote(NoteCode.PARQUET_ROWS, "Parquet: line numbers count rows from 1")
        return Table(name, table.text, rows, notes=(note,))
    if Path(name).suffix.lower() in WORKBOOKS:
        text, description = workbook_to_csv(data, name, sheet)
        notes: tuple[DataNote, ...] = (DataNote(NoteCode.SHEET, description),)
        delimiter = ","
    elif Path(name).suffix.lower() in JSON:
        raise DataError(f"{name}: is JSON by its name; lstmcast reads CSV and Parquet: write it as one of these")
    else:
        text = to_text(data, name, encoding)
        notes = () if text.endswith(b"\n") or b"\n" not in text else (_NO_NEWLINE,)
    del data
    text = text if text.endswith(b"\n") else text + b"\n"
    if (aligned := join_blanks(text, delimiter)) is not text:
        text, delimiter, notes = aligned, "\t", (*notes, _ALIGNED)
    skipped = skip_lines(text, skip, delimiter, name, has_header=header != NONE)
    delimiter = choose_delimiter(skipped.text, skipped.delimiter, name)
    table = _parse(skipped.text, delimiter, name, skipped.numbers, has_header=header != NONE)
    found = tuple(note for note in table.notes if _ALIGNED not in notes or note.code is not NoteCode.DELIMITER)
    return replace(table, notes=(*found, *skipped.notes, *notes))


def table_of_frame(frame: pd.DataFrame) -> Table:
    """Convert a DataFrame to a table of text; an index with a name or with times becomes a column.

    Raises:
        DataError: no rows, several header rows, or column names that repeat or are not text.
    """
    names = [None] if frame.columns.nlevels > 1 else [_text_name(name) for name in frame.columns]
    if None in names:
        raise DataError(f"{FRAME}: column names must be text in one row (got {list(frame.columns)[:5]})")
    frame = frame.set_axis(names, axis="columns")
    index = frame.index
    if isinstance(index, pd.DatetimeIndex | pd.PeriodIndex) and index.name is None:
        frame = frame.rename_axis(index="time")
    if not isinstance(index, pd.RangeIndex) or index.name is not None:
        frame = frame.reset_index()
    if frame.empty:
        raise DataError(f"{FRAME}: it is empty; it needs at least one row and one column")
    table = _parse(frame.to_csv(index=False).encode(), ",", FRAME)
    typed = frozenset(str(name) for name in frame if pd.api.types.is_numeric_dtype(frame[name]))
    return replace(table, lines=np.arange(1, len(table.text) + 1, dtype=np.int64), typed=typed)


def _text_name(name: object) -> str | None:
    """Name of a column of a DataFrame as text: of a time or a year too; None for others."""
    if isinstance(name, pd.Timestamp):
        return name.isoformat(sep=" ").removesuffix(" 00:00:00")
    years = isinstance(name, int | np.integer) and 1000 <= int(name) < 3000
    return str(name) if years or isinstance(name, str | pd.Period) else None


def _parse(
    text: bytes, delimiter: str, source: str, skipped: tuple[int, ...] = (), *, has_header: bool = True
) -> Table:
    """Check the width of every row, then parse the fields by pandas; `skipped` are the numbers of emptied lines."""
    layout = find_layout(text, delimiter, source)
    if has_header:
        header = read_header(text, delimiter, source, layout)
    else:
        header, layout = unnamed_header(text, delimiter, source, layout)
    width, notes = _row_width(delimiter, source, layout, len(header), skipped)
    frame = pd.read_csv(
        io.BytesIO(text),
        sep=delimiter,
        header=None,
        names=range(max(width, layout.widths[0])),
        index_col=False,
        dtype=str,
        na_filter=False,
        encoding="utf-8",
    )
    if len(frame) != len(layout.lines) - (not has_header):
        raise DataError(f"{source}: rows and quotes are ambiguous; write the file with standard CSV quoting")
    frame = frame.iloc[int(has_header) :].reset_index(drop=True)
    if has_header and width == len(header) + 1 and count_rows(frame.iloc[:, 0]):
        header, notes = ["", *header], ()  # row names of R
    _refuse_extra_values(frame.iloc[:, len(header) : width], layout, source, delimiter)
    frame = frame.iloc[:, : len(header)]
    frame.columns = pd.Index(header)
    if has_header:
        refuse_headless(frame, source, int(layout.lines[0]))
    sign = r"'\t' (tab)" if delimiter == "\t" else f"'{delimiter}'"
    delimiter_notes = () if delimiter == "," else (DataNote(NoteCode.DELIMITER, f"delimiter {sign}"),)
    if header[0] == "":
        frame, note = _without_index(frame, f"{source}:{layout.lines[0]}")
        notes = (*notes, note)
    all_notes = (*delimiter_notes, *notes, *_blank_lines(text, layout, skipped))
    return Table(source, frame, layout.lines[1:], notes=all_notes, skipped=skipped)


def count_rows(fields: pd.Series) -> bool:
    """True if the fields are the numbers of the rows, from 0 or 1."""
    start = {"0": 0, "1": 1}.get(fields.iloc[0])
    return start is not None and fields.tolist() == [str(k) for k in range(start, start + len(fields))]


def _without_index(frame: pd.DataFrame, where: str) -> tuple[pd.DataFrame, DataNote]:
    """Remove a first column without a name that is empty or only counts rows, as pandas writes it; returns a note."""
    index = frame.iloc[:, 0]
    if frame.shape[1] > 1 and (index == "").all():
        return frame.iloc[:, 1:], DataNote(NoteCode.ROW_INDEX, "column 1 has neither a name nor fields: not used")
    if not count_rows(index):
        if has_time_columns([str(name) for name in frame.columns[1:]]):
            frame.columns = pd.Index(["series", *frame.columns[1:]])
            return frame, DataNote(NoteCode.ROW_INDEX, "column 1 has no name: series")
        if "time" not in frame and looks_like_times(index):
            frame.columns = pd.Index(["time", *frame.columns[1:]])
            return frame, DataNote(NoteCode.ROW_INDEX, "column 1 has no name: time")
        hint = "write one, such as 'id', before the first delimiter, or delete the column"
        text = f"{where}: column 1 has no name; {hint}"
        raise DataError(Fault(text, FaultCode.NO_HEADER, fixes=NO_HEADER))
    return frame.iloc[:, 1:], DataNote(NoteCode.ROW_INDEX, "column 1 has no name and only counts rows: not used")


def _blank_lines(text: bytes, layout: CsvLayout, skipped: tuple[int, ...]) -> tuple[DataNote, ...]:
    """Note about blank lines in a single column, which may be intended as missing values."""
    first, last = layout.lines[[0, -1]]
    steps = np.diff(layout.lines)  # 0 for rows of one line
    blank = int((steps[steps > 0] - 1).sum()) - sum(first < number < last for number in skipped)
    if layout.widths[0] > 1 or not blank or b'"' in text:
        return ()
    message = f"{pluralize(blank, 'blank line')} left out; a missing value is written as NA"
    return (DataNote(NoteCode.BLANK_LINES, message),)


def _row_width(
    delimiter: str, source: str, layout: CsvLayout, names: int, skipped: tuple[int, ...]
) -> tuple[int, tuple[DataNote, ...]]:
    """Number of fields of every row, which exceeds the names only by delimiters at the end of lines, and notes."""
    head, widths = int(layout.widths[0]), layout.widths[1:]
    width = int(widths[0]) if (widths == widths[0]).all() and widths[0] >= names else head
    if not (bad := widths != width).any():
        note = DataNote(NoteCode.TRAILING_DELIMITERS, "delimiters at the end of every line: ignored")
        return width, (note,) if max(width, head) > names else ()
    lines = layout.lines[1:][bad]
    fix = Fix(f"data.skip={','.join(line_ranges(sorted([*skipped, *lines.tolist()])))}", "leave out those rows")
    fixes = (fix,) if len(lines) <= MAX_SHOWN and len(lines) < len(widths) else ()
    common = np.bincount(widths).argmax()
    if common != head and len(widths) >= MIN_ROWS and np.count_nonzero(widths == common) > 0.8 * len(widths):
        fixes = NO_HEADER
    text = _ragged(delimiter, source, layout.lines[1:], widths, bad, width)
    raise DataError(Fault(text, FaultCode.RAGGED_ROWS, int(lines[0]), "", fixes))


def _ragged(delimiter: str, source: str, lines: Ints, widths: Ints, bad: Bools, width: int) -> str:
    """Message about rows that are longer or shorter than the header."""
    locations = [
        f"line {line} has {count}" for line, count in zip(lines[bad][:MAX_SHOWN], widths[bad][:MAX_SHOWN], strict=True)
    ]
    count = int(bad.sum())
    rows = "1 row does" if count == 1 else f"{count} rows do"
    return (
        f"{source}:{lines[bad][0]}: every row must have {width} fields like the header; {rows} not: "
        f"{truncate_items(locations, count)}; {_hint(delimiter, longer=bool((widths[bad] > width).all()))}"
    )


def _hint(delimiter: str, *, longer: bool) -> str:
    """Fix for rows of the wrong width."""
    if longer and delimiter == ",":
        return "quote fields that hold a comma; if 1,5 means 1.5, quote it (\"1,5\") or use ';' as the delimiter"
    return "correct or delete those rows"


def _refuse_extra_values(extra: pd.DataFrame, layout: CsvLayout, source: str, delimiter: str) -> None:
    """Raise DataError if fields beyond the last name are not empty."""
    filled = (extra != "").any(axis=1).to_numpy()
    if not filled.any():
        return
    lines, count = layout.lines[1:][filled], int(filled.sum())
    locations = truncate_items((str(line) for line in lines), count)
    fields, names = layout.widths[1], layout.widths[1] - extra.shape[1]
    title = f"if line {layout.lines[0]} is a title or a remark, delete it; " if names == 1 else ""
    fault = f"{fields} fields, but the header on line {layout.lines[0]} names {pluralize(int(names), 'column')}"
    hint = f"{title}name every column, or {_hint(delimiter, longer=True)}"
    raise DataError(f"{source}:{lines[0]}: {fault} (lines {locations}); {hint}")
