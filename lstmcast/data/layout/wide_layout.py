"""Columns of a table on its side: those named by times, and those that complete the times in each row."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from lstmcast.data.column_hints import are_integers, words
from lstmcast.data.layout.headers import MIN_TIMES, PART_WORDS, TimeColumns, find_time_columns, minutes_of, stamps_of
from lstmcast.data.numbers.fields import looks_like_numbers
from lstmcast.data.schema import Table
from lstmcast.data.time.text.names import month_of
from lstmcast.data.time.text.recognition import looks_like_times
from lstmcast.data.time.zones import DAY

_SAMPLE = 5  # columns that decide whether the values are numbers
_ROW_PARTS = {"hour": "day", "day": "month", "month": "year", "quarter": "year", "week": "year", "weekday": "day"}


@dataclass(frozen=True)
class WideLayout:
    """Layout of a table on its side.

    Attributes:
        columns: the columns that are times.
        rows: the columns that complete them in each row: a day, a year, a year and a month (and a day), a month below
            years, or an hour below days; empty for whole times and steps.
    """

    columns: TimeColumns
    rows: tuple[str, ...] = ()


def find_layouts(table: Table, names: Sequence[str], *, given: bool) -> Iterator[WideLayout]:
    """Layouts that fit the table."""
    for columns in find_time_columns(names):
        columns = _of_numbers(table, columns, given=given)
        if len(columns.names) < MIN_TIMES:
            continue
        rest = [name for name in names if name not in set(columns.names)]
        if columns.part in {"time", "count"}:
            row = _completing(table, rest, columns)
            if row is not None:
                yield row
            elif given or not _has_times(table, rest):
                yield WideLayout(columns)
            continue
        part = _ROW_PARTS[columns.part]
        time = _row_time(table, rest, part)
        if time:
            yield WideLayout(columns, time)


def _of_numbers(table: Table, columns: TimeColumns, *, given: bool) -> TimeColumns:
    """The columns without a first one that holds text, such as V1 of M4; none if they do not hold numbers."""
    texts = [_looks_numeric(table, name) for name in (columns.names[0], *_spread(columns.names[1:]))]
    if columns.part == "count" and not texts[0] and all(texts[1:]):
        known = columns.known or table.text[columns.names[0]].is_unique
        return replace(columns, names=columns.names[1:], texts=columns.texts[1:], known=known)
    return columns if all(texts) or given else replace(columns, names=())


def _spread(names: Sequence[str]) -> list[str]:
    """A few of the names."""
    return list(names[:: max(1, len(names) // _SAMPLE)])


def _looks_numeric(table: Table, name: str) -> bool:
    """True for a column of numbers, flags or no fields."""
    filled = table.text[name].str.strip()
    filled = filled[~filled.str.match(r":?\s*[a-z]{0,3}$|[*.\-]+$")]
    return len(filled) == 0 or looks_like_numbers(filled)


def _has_times(table: Table, rest: Sequence[str]) -> bool:
    """True if a column of times is necessary to distinguish the rows."""
    times = [name for name in rest if _is_time_column(table, name)]
    labels = [name for name in rest if name not in times and not looks_like_numbers(table.text[name])]
    return bool(times) and (not labels or bool(table.text.duplicated(labels).any()))


def _is_time_column(table: Table, name: str) -> bool:
    """True for a column of times that are not integers, or of years."""
    text = table.text[name]
    return looks_like_times(text) and (not are_integers(text) or _are_years(text))


def _are_years(text: pd.Series) -> bool:
    return bool(text.str.fullmatch(r"\s*[12]\d{3}\s*").all())


def _row_time(table: Table, rest: Sequence[str], part: str) -> tuple[str, ...]:
    """Columns that complete the parts in the names: a `day`, `month` or `year` of each row; empty if there are none."""
    years = [name for name in rest if _are_years(table.text[name])][:1]
    if part == "year":
        return tuple(years)
    times = [name for name in rest if looks_like_times(table.text[name]) and name not in years]
    if times:
        return (times[0],)
    months = [name for name in rest if _are_months(name, table.text[name])][:1]
    days = [name for name in rest if _are_days(name, table.text[name])][:1]
    found = (*years, *months) if part == "month" else (*years, *months, *days)
    return found if len(found) == (2 if part == "month" else 3) else ()


def _are_days(name: str, text: pd.Series) -> bool:
    """True for days of a month under such a name."""
    distinct = pd.unique(text.str.strip())
    return bool(words(name) & PART_WORDS["day"]) and all(word.isdigit() and 1 <= int(word) <= 31 for word in distinct)


def _are_months(name: str, text: pd.Series) -> bool:
    """True for names of months, or their numbers under such a name."""
    distinct = [str(word).strip() for word in pd.unique(text)]
    if len(distinct) > 12:
        return False
    numbers = all(word.isdigit() and 1 <= int(word) <= 12 for word in distinct)
    return (numbers and bool(words(name) & PART_WORDS["month"])) or all(month_of(word) > 0 for word in distinct)


def _completing(table: Table, rest: Sequence[str], columns: TimeColumns) -> WideLayout | None:
    """Layout of a table with months as rows below years, or hours as rows below days; None for another."""
    if columns.part != "time":
        return None
    if all(re.fullmatch(r"\d{4}", text) for text in columns.texts):
        months = next((name for name in rest if _are_months(name, table.text[name])), "")
        years = replace(columns, part="year", offsets=tuple(int(text) for text in columns.texts))
        return WideLayout(years, (months,)) if months and table.text[months].nunique() > 1 else None
    hours = next((name for name in rest if hour_minutes(name, table.text[name])), "")
    stamps = stamps_of(columns.texts) if hours else np.zeros(0, dtype=np.int64)
    if not hours or (stamps % DAY).any():
        return None
    return WideLayout(replace(columns, part="date", offsets=tuple(stamps.tolist())), (hours,))


def hour_minutes(name: str, text: pd.Series) -> dict[str, int]:
    """Minutes since midnight of each distinct field of a column of hours; empty for another column."""
    distinct = [str(word).strip() for word in pd.unique(text)]
    if not 12 <= len(distinct) <= 100:
        return {}
    if words(name) & PART_WORDS["hour"] and all(word.isdigit() for word in distinct):
        numbers = sorted(map(int, distinct))
        ending = numbers[0] == 1
        return {word: 60 * (int(word) - ending) for word in distinct} if numbers[-1] - ending < 24 else {}
    minutes = {word: minutes_of(word) for word in distinct}
    return {word: found for word, found in minutes.items() if found is not None} if None not in minutes.values() else {}
