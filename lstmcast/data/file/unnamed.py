"""Names for the columns of a text without a header."""

from __future__ import annotations

import csv
import io
import re
from itertools import islice

from lstmcast.data.time.text.formats import MONTHS
from lstmcast.data.time.text.names import month_of

_SAMPLE = 1_000  # rows
_PARTS = (("month", 1, 12), ("day", 1, 31), ("hour", 0, 24), ("minute", 0, 59))  # after a year, with limits
_YEAR = re.compile(r"1[6-9]\d\d|20\d\d|2100")
_DAY = re.compile(r"\d{4}-?\d\d-?\d\d|\d{1,2}([./-])\d{1,2}\1\d{4}|\d{4}/\d\d?/\d\d?")
_INTEGER = re.compile(r"\d{1,2}")


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
