"""Files of events: `date, name[, days_before, days_after, day_off]`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from lstmcast.data.drivers.holiday import Holiday
from lstmcast.data.file.csv_reader import PARQUET, WORKBOOKS, read_table
from lstmcast.data.schema import Table
from lstmcast.data.time.text.column import parse_times
from lstmcast.data.time.text.patterns import COUNT
from lstmcast.data.time.text.recognition import looks_like_times
from lstmcast.data.time.zones import DAY, to_wall
from lstmcast.errors import DataError, Fault, FaultCode
from lstmcast.types import Bools, Ints

MAX_WINDOW = 60  # days
_NAMES = {  # role of a column → its names, those of Prophet included
    "date": ("date", "ds", "day"),
    "name": ("name", "holiday", "event"),
    "days_before": ("days_before", "lower_window"),
    "days_after": ("days_after", "upper_window"),
    "day_off": ("day_off",),
}
_FLAGS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False, "": False}
_SUFFIXES = {".csv", ".tsv", ".txt", ".gz", ".xz", ".bz2", ".zst", ".zip", *PARQUET, *WORKBOOKS}


def is_event_file(code: str) -> bool:
    """True for the path of a file; false for the code of a region."""
    return Path(code).suffix.lower() in _SUFFIXES or "/" in code or "\\" in code


def read_events(path: str) -> list[Holiday]:
    """Read a file of events.

    Raises:
        FileError: missing or unreadable.
        DataError: columns that are missing, dates, names or windows that cannot be read.
    """
    table = _table(path)
    columns = _columns(table)
    days, names = _days(table, columns["date"]), _texts(table, columns["name"])
    _refuse(table, np.array([not name for name in names]), columns["name"], "must have a name")
    before, after = (_windows(table, columns.get(role)) for role in ("days_before", "days_after"))
    rows = zip(days.tolist(), names, before, after, _flags(table, columns.get("day_off")), strict=True)
    return [Holiday(day, name, path, ahead, behind, is_off) for day, name, ahead, behind, is_off in rows]


def _table(path: str) -> Table:
    """Read the file as text; settings that resolve faults are left out, as they are of another file."""
    try:
        return read_table(path)
    except DataError as err:
        raise DataError([replace(fault, fixes=()) for fault in err.faults]) from err


def _columns(table: Table) -> Mapping[str, str]:
    """Columns of the file by role: by their names, else the only column of dates, and the only other one.

    Raises:
        DataError: no date or name, or several columns of dates.
    """
    by_name = {str(column).strip().lower(): str(column) for column in table.text.columns}
    found = {role: by_name[name] for role, names in _NAMES.items() for name in reversed(names) if name in by_name}
    free = [column for column in by_name.values() if column not in found.values()]
    dates = [column for column in free if looks_like_times(table.text[column])]
    texts = [column for column in free if column not in dates]
    for role, columns in (("date", dates), ("name", texts)):
        if role not in found and len(columns) == 1:
            found[role] = columns[0]
    listed = f"(got {', '.join(by_name.values())})"
    if missing := [role for role in ("date", "name") if role not in found]:
        text = f"{table.source}: events need the columns date and name {listed}"
        raise DataError(Fault(text, FaultCode.EVENT_COLUMNS, 1, missing[0]))
    if more := [column for column in dates if column != found["date"]]:
        text = f"{table.source}: events have one column of dates {listed}; write a row for each day"
        raise DataError(Fault(text, FaultCode.EVENT_COLUMNS, 1, more[0]))
    return found


def _texts(table: Table, column: str | None) -> list[str]:
    """Fields of a column; empty texts without the column."""
    return [""] * len(table.text) if column is None else [str(field).strip() for field in table.text[column]]


def _days(table: Table, column: str) -> Ints:
    """Days [N] since 1970-01-01."""
    try:
        times = parse_times(table.text[column], table.lines, column=column, source=table.source)
    except DataError as err:
        faults = [
            Fault(f"{fault.text}; write dates as 2024-12-25", fault.code, fault.line, column) for fault in err.faults
        ]
        raise DataError(faults) from err
    _refuse(table, np.full(len(table.text), times.style.pattern == COUNT), column, "must be a date such as 2024-12-25")
    return np.asarray(to_wall(times.stamps, times.timezone) // DAY, dtype=np.int64)


def _windows(table: Table, column: str | None) -> list[int]:
    """Days [N] of windows before or after; empty fields are 0, and -2 before is 2."""
    texts = [text.removeprefix("-") or "0" for text in _texts(table, column)]
    whole = [text.removesuffix(".0") for text in texts]
    bad = np.array([not text.isdecimal() or int(text) > MAX_WINDOW for text in whole])
    _refuse(table, bad, column or "", f"must be a number of days up to {MAX_WINDOW}")
    return list(map(int, whole))


def _flags(table: Table, column: str | None) -> list[bool]:
    """[N] true for days off."""
    texts = [text.lower() for text in _texts(table, column)]
    _refuse(table, np.array([text not in _FLAGS for text in texts]), column or "", "must be yes or no")
    return [_FLAGS[text] for text in texts]


def _refuse(table: Table, bad: Bools, column: str, rule: str) -> None:
    """Raise DataError about the first of the rows [N] marked bad."""
    if not bad.any():
        return
    row = int(np.argmax(bad))
    line, text = int(table.lines[row]), table.text[column].iloc[row]
    raise DataError(Fault(f"{table.source}:{line}: {column}: {rule} (got '{text}')", FaultCode.BAD_EVENT, line, column))
