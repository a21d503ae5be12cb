"""Parquet files and Excel workbooks as CSV text."""

from __future__ import annotations

import csv
import io
from datetime import datetime, time, timedelta
from typing import Any

from lstmcast.data.file.file_reader import DAMAGE
from lstmcast.errors import DataError, Fault, FaultCode, Fix, UsageError


def parquet_to_csv(data: bytes, source: str) -> bytes:
    """Convert Parquet to CSV text, with numbers in their shortest exact form and nulls as empty fields.

    Raises:
        UsageError: pyarrow is not installed.
        DataError: not Parquet, or a column of lists or records.
    """
    try:
        import pyarrow as pa
        from pyarrow import csv as arrow_csv
        from pyarrow import parquet
    except ImportError as err:
        raise UsageError(f"{source}: Parquet files require pyarrow; run pip install 'lstmcast[parquet]'") from err
    text = io.BytesIO()
    try:
        table = parquet.read_table(io.BytesIO(data))
        arrow_csv.write_csv(
            pa.table([_to_csv_column(column) for column in table.columns], names=table.column_names), text
        )
    except (pa.ArrowException, OSError) as err:
        raise DataError(f"{source}: cannot be read as a flat Parquet table ({str(err).splitlines()[0]})") from err
    return text.getvalue()


def workbook_to_csv(data: bytes, source: str, sheet: str | None) -> tuple[bytes, str]:
    """Convert a sheet of an Excel workbook to CSV text, one line for each row of the sheet.

    Args:
        sheet: the name of the sheet, or its number from 1; None for the first that is not empty.

    Returns:
        The text, and a description of the sheet.

    Raises:
        UsageError: openpyxl is not installed.
        DataError: not a workbook, no such sheet, or all are empty.
    """
    try:
        import openpyxl
    except ImportError as err:
        raise UsageError(f"{source}: Excel workbooks require openpyxl; run pip install 'lstmcast[excel]'") from err
    try:
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        sheets = {str(page.title): page for page in book.worksheets}
        titles = list(sheets)
        wanted = _sheets(titles, sheet, source)
        cells = {title: [list(row) for row in sheets[title].iter_rows(values_only=True)] for title in wanted[:1]}
        while not any(map(any, cells[wanted[0]])) and len(wanted) > 1:
            wanted = wanted[1:]
            cells[wanted[0]] = [list(row) for row in sheets[wanted[0]].iter_rows(values_only=True)]
    except (*DAMAGE, KeyError, TypeError) as err:
        raise DataError(f"{source}: cannot be read as an Excel workbook ({err}); save the sheet as CSV") from err
    rows = cells[wanted[0]]
    if not any(cell is not None for row in rows for cell in row):
        raise DataError(f"{source}: sheet '{wanted[0]}' is empty")
    location = f"sheet '{wanted[0]}'" + (f", one of {len(titles)}" if len(titles) > 1 else "")
    return _rows_to_csv(rows), f"{location}: line numbers are its rows"


def _sheets(titles: list[str], sheet: str | None, source: str) -> list[str]:
    """Sheets to try; raises DataError for one that is not there."""
    if sheet is None or sheet in titles:
        return titles if sheet is None else [sheet]
    if sheet.isdigit() and 1 <= int(sheet) <= len(titles):
        return [titles[int(sheet) - 1]]
    fixes = tuple(Fix(f"data.sheet={k}", f"read '{title}'") for k, title in enumerate(titles, 1))
    raise DataError(Fault(f"{source}: data.sheet: no sheet '{sheet}'", FaultCode.NO_SHEET, 0, "data.sheet", fixes))


def _rows_to_csv(rows: list[list[Any]]) -> bytes:
    """CSV text of the rows of a sheet, without empty columns at its sides; titles above the table are single fields."""
    width = max(map(len, rows))
    filled = [[k < len(row) and row[k] is not None for row in rows] for k in range(width)]
    columns = [k for k in range(width) if any(filled[k])]
    columns = list(range(columns[0], columns[-1] + 1))
    dates = {k for k in columns if all(_is_midnight(row[k]) for row in rows if k < len(row))}
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    table = False
    for row in rows:
        fields = [_cell_text(row[k], date_only=k in dates) if k < len(row) else "" for k in columns]
        count = sum(field != "" for field in fields)
        table = table or count > 1
        writer.writerow(fields if table else [field for field in fields if field])
    return text.getvalue().encode()


def _is_midnight(cell: Any) -> bool:
    """True unless a cell is a time with hours."""
    return not isinstance(cell, datetime) or cell.time() == time()


def _cell_text(cell: Any, *, date_only: bool) -> str:
    """A cell of a workbook as text."""
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        rounded = (cell + timedelta(milliseconds=0.5)).replace(microsecond=0) if cell.microsecond > 999_000 else cell
        return rounded.date().isoformat() if date_only else rounded.isoformat(" ")
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(float(f"{cell:.15g}"))  # as Excel
    return " ".join(str(cell).split("\n"))


def _to_csv_column(column: Any) -> Any:
    """Cast a pyarrow column for CSV: dictionaries to values, timestamps to dates or seconds where exact."""
    import pyarrow as pa

    if pa.types.is_dictionary(column.type):
        return column.cast(column.type.value_type)
    if not pa.types.is_timestamp(column.type):
        return column
    coarser = [pa.timestamp("s", column.type.tz), *([] if column.type.tz else [pa.date32()])]
    exact = [column.cast(coarser_type, safe=False) for coarser_type in coarser]
    return next((cast for cast in reversed(exact) if cast.cast(column.type).equals(column)), column)
