"""Header of a CSV text: the names of its columns, or names for columns without any."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from itertools import islice

import numpy as np
import pandas as pd

from lstmcast.data.file.csv_layout import CsvLayout
from lstmcast.data.file.table_lines import MIN_ROWS
from lstmcast.data.layout.headers import has_time_columns
from lstmcast.data.time.text.formats import MONTHS
from lstmcast.data.time.text.names import month_of
from lstmcast.data.time.text.recognition import looks_like_times
from lstmcast.errors import DataError, Fault, FaultCode, Fix
from lstmcast.text import MAX_SHOWN

NO_HEADER = (Fix("data.header=none", "name the columns column_1, column_2 …"),)
_NUMBER = r"\s*[+-]?(?:[0-9]+[.,]?[0-9]*|[.,][0-9]+)(?:[eE][+-]?[0-9]+)?\s*"
_DATED = re.compile(r"[0-9]{4}|[0-9][-/.:][0-9]")
_SAMPLE = 1_000  # rows
_PARTS = (("month", 1, 12), ("day", 1, 31), ("hour", 0, 24), ("minute", 0, 59))  # after a year, with limits
_YEAR = re.compile(r"1[6-9]\d\d|20\d\d|2100")
_DAY = re.compile(r"\d{4}-?\d\d-?\d\d|\d{1,2}([./-])\d{1,2}\1\d{4}|\d{4}/\d\d?/\d\d?")
_INTEGER = re.compile(r"\d{1,2}")


def read_header(text: bytes, delimiter: str, source: str, layout: CsvLayout) -> list[str]:
    """Stripped column names, without blank names at the end; raises DataError for an invalid header."""
    if len(layout.lines) == 0:
        raise DataError(f"{source}: the file is empty; it needs a header line and at least one row")
    lines = islice(io.TextIOWrapper(io.BytesIO(text), "utf-8", newline=""), int(layout.lines[0]) - 1, None)
    try:
        fields = next(csv.reader(lines, delimiter=delimiter))
    except csv.Error as err:
        raise DataError(
            f"{source}:{layout.lines[0]}: the header cannot be read ({err}); is one of its quotes open?"
        ) from err
    header = [field.strip() for field in fields]
    while header and not header[-1]:
        header.pop()
    where = f"{source}:{layout.lines[0]}"
    if not header:
        raise DataError(f"{where}: the header names no column; add a first line of column names")
    doubled = [(name, count) for name, count in Counter(header).items() if count > 1 and name]
    named = [name for name in header if name]
    values = sum(map(_is_value, named))
    if (
        values > (len(named) / 2 if len(named) < len(header) else len(named) - 1) and not has_time_columns(header)
    ) or any(_is_value(name) for name, _ in doubled):
        first = ", ".join(header[:MAX_SHOWN])
        raise _headless(source, int(layout.lines[0]), f"the first line holds values ({first})")
    if len(layout.lines) == 1:
        raise DataError(f"{where}: only a header; at least one row must follow it")
    blank = [k for k, name in enumerate(header, 1) if not name]
    faults = [f"{where}: column {k} has no name; give it one" for k in blank if blank != [1]]  # that may be an index
    faults += [f"{where}: {count} columns are named '{name}'; names must differ" for name, count in doubled]
    if len(faults) > MAX_SHOWN:
        more = f"{where}: {len(faults) - MAX_SHOWN} more column names are blank or doubled"
        faults = [*faults[:MAX_SHOWN], more]
    if faults:
        fixes = NO_HEADER if len(layout.lines) > MIN_ROWS else ()
        last = Fault(faults[-1], FaultCode.NO_HEADER, int(layout.lines[0]), "", fixes)
        raise DataError([*faults[:-1], last])
    return header


def _is_value(name: str) -> bool:
    """True if a header field is a number or a time."""
    field = pd.Series([name], dtype=str)
    return name != "" and (bool(field.str.fullmatch(_NUMBER).iloc[0]) or looks_like_times(field))


def refuse_headless(frame: pd.DataFrame, source: str, line: int) -> None:
    """Raise DataError if the header is missing: a column of times whose name is a time."""
    if has_time_columns([str(name) for name in frame.columns]):
        return
    for k, name in enumerate(frame.columns.map(str)):
        timely = _DATED.search(name) and not name.isdigit() and looks_like_times(pd.Series([name], dtype=str))
        if timely and looks_like_times(frame.iloc[:, k]):
            raise _headless(source, line, f"'{name}' is a time like those below it")
    names = [str(name) for name in frame.columns]
    repeated = [name for k, name in enumerate(names) if name and (frame.iloc[:_SAMPLE, k] == name).any()]
    words = [name for name in repeated if not _is_value(name)]
    if words and any(map(_is_value, names)):
        raise _headless(source, line, f"'{words[0]}' occurs below it too, next to a value")


def _headless(source: str, line: int, reason: str) -> DataError:
    """Error about a first line that holds no names."""
    text = f"{source}:{line}: no header: {reason}; add a first line of column names"
    return DataError(Fault(text, FaultCode.NO_HEADER, line, "", NO_HEADER))


def unnamed_header(text: bytes, delimiter: str, source: str, layout: CsvLayout) -> tuple[list[str], CsvLayout]:
    """Names of the columns of a text without a header, and a layout with a header in front."""
    if len(layout.lines) == 0:
        raise DataError(f"{source}: the file is empty; it needs at least one row")
    width = int(np.bincount(layout.widths).argmax())
    lines, widths = (
        np.insert(values, 0, first) for values, first in ((layout.lines, layout.lines[0]), (layout.widths, width))
    )
    return column_names(text, delimiter, width), CsvLayout(lines, widths)


def column_names(text: bytes, delimiter: str, width: int) -> list[str]:
    """Name the columns by the parts of a date that they hold, others `column_1`, `column_2` …, in their order."""
    lines = io.TextIOWrapper(io.BytesIO(text), "utf-8", newline="")
    rows = [[field.strip() for field in row] for row in islice(csv.reader(lines, delimiter=delimiter), _SAMPLE)]
    columns = list(zip(*(row for row in rows if len(row) == width), strict=True))
    parts = _date_parts(columns) if len(columns) > 1 else []
    return [*parts, *(f"column_{k}" for k in range(len(parts) + 1, width + 1))]


def _number(word: str) -> int:
    """Number of one or two digits, or of a month by its name; -1 for others."""
    return int(word) if _INTEGER.fullmatch(word) else month_of(word)


def _date_parts(columns: list[tuple[str, ...]]) -> list[str]:
    """Names of the first columns if they hold a year and its months, the parts of a date, or days and hours."""
    years, *rest = columns
    if all(map(_DAY.fullmatch, years)) and set(map(_number, rest[0])) == set(range(24)):
        return ["date", "hour"] if len(set(zip(years, rest[0], strict=True))) == len(years) else []
    if not all(map(_YEAR.fullmatch, years)):
        return []
    if len(rest) == len(MONTHS) and len(set(years)) == len(years):
        return ["year", *(month[:3] for month in MONTHS)]
    names = ["year"]
    times: list[tuple[int, ...]] = [(int(year),) for year in years]
    for (name, low, high), column in zip(_PARTS, rest, strict=False):
        if len(set(times)) == len(times):
            break
        numbers = [_number(word) for word in column]
        if min(numbers) < low or max(numbers) > high:
            return []
        names.append(name)
        times = [(*time, number) for time, number in zip(times, numbers, strict=True)]
    ordered = times in (sorted(times), sorted(times, reverse=True)) and len(set(times)) == len(times)
    return names if ordered and len(names) > 1 else []
