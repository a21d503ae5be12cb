"""Faults of regular dates that have another, likelier reading: quarters, split years, and days in place of months."""

from __future__ import annotations

import numpy as np

from lstmcast.data.time.closed import MAX_MISSING, distinct, missing_steps
from lstmcast.data.time.frequency import TimeGrid
from lstmcast.data.time.rows import TimeRows
from lstmcast.data.time.text.patterns import tokens
from lstmcast.data.time.zones import DAY
from lstmcast.errors import Fault, FaultCode, Fix
from lstmcast.types import Ints

_SPLIT_YEAR_STEP = 13  # months between split years such as 2001-02, 2002-03 when read as months
_SPLIT_YEAR_PATTERNS = ("%Y-%m", "%Y/%m")
_PARTS = {2: ("half-years", "%h", "Mar-Dec"), 3: ("thirds of a year", "", "Apr-Dec"), 4: ("quarters", "%q", "May-Dec")}


def other_reading_fault(rows: TimeRows, grid: TimeGrid) -> Fault | None:
    """Fault of dates that are regular if they are read otherwise; None if there is no such reading."""
    pattern = rows.times.style.pattern
    if (grid.kind, grid.step) == ("month", _SPLIT_YEAR_STEP) and pattern in _SPLIT_YEAR_PATTERNS:
        return _split_years(rows)
    letters = {token.letter for token in tokens(pattern)}
    if rows.is_format_pinned or "m" not in letters:
        return None
    if (grid.kind, grid.step) == ("month", 1):
        return _parts_of_years(rows, grid.ticks(rows.steps.distinct))
    if (grid.kind, grid.step) == ("fixed", DAY) and "d" in letters:
        return _days_of_january(rows)
    return None


def _split_years(rows: TimeRows) -> Fault:
    first, second = rows.texts(rows.steps.distinct[:2])
    text = f"{first}, {second} and so on are 13 months apart, as if they were split years; write the first year only"
    fix = Fix("data.frequency=13MS", "keep steps of 13 months")
    return _fault(rows, f"{text} ({first[:4]})", FaultCode.SPLIT_YEARS, fix)


def _parts_of_years(rows: TimeRows, months: Ints) -> Fault | None:
    """Fault of months (since 1970-01) of which every year has the first two to four only."""
    parts = _cycle(months // 12, months % 12)
    if parts not in _PARTS:
        return None
    name, directive, rest = _PARTS[parts]
    pattern = rows.times.style.pattern
    text = f"every year has the months 1 to {parts} only, as if {name} were written as months ({_first_texts(rows)})"
    fixes = [Fix(f"data.closed={rest}", f"read months and forecast 1 to {parts} only")]
    if directive:
        fixes.insert(0, Fix(f"data.time_format={_with_part(pattern, 'm', directive)}", f"read {name}"))
    return _fault(rows, text, FaultCode.QUARTERS_AS_MONTHS, *fixes)


def _days_of_january(rows: TimeRows) -> Fault | None:
    """Fault of days of which every year has the first four or twelve of January only."""
    days = rows.steps.distinct // DAY
    months = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    if (months % 12).any():
        return None
    day_of_month = days - months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    parts = _cycle(months // 12, day_of_month)
    if parts not in {4, 12}:
        return None
    pattern = rows.times.style.pattern
    text = f"every year has the days 1 to {parts} of January only ({_first_texts(rows)})"
    if parts == 12:
        swapped = pattern.replace("m", "?").replace("d", "m").replace("?", "d")
        return _fault(rows, text, FaultCode.DAYS_AS_MONTHS, Fix(f"data.time_format={swapped}", "read months"))
    quarters = _with_part(pattern.replace("%-m", "1").replace("%m", "01"), "d", "%q")
    return _fault(rows, text, FaultCode.DAYS_AS_MONTHS, Fix(f"data.time_format={quarters}", "read quarters"))


def _cycle(years: Ints, parts: Ints) -> int:
    """Parts of a year if nearly all of 1 to n occur in each of several years; 0 otherwise."""
    size = int(parts.max()) + 1
    steps = distinct(years * size + parts)
    is_complete = missing_steps(None, steps) <= MAX_MISSING * len(steps)
    return size if 2 <= size <= 12 and len(steps) > size and is_complete else 0


def _with_part(pattern: str, letter: str, directive: str) -> str:
    """Pattern with a directive of one digit in place of one of two."""
    return pattern.replace(f"%-{letter}", directive).replace(f"%{letter}", f"0{directive}")


def _first_texts(rows: TimeRows) -> str:
    return ", ".join(rows.texts(rows.steps.distinct[:2]))


def _fault(rows: TimeRows, text: str, code: FaultCode, *fixes: Fix) -> Fault:
    line = rows.first_line(int(rows.steps.distinct[0]))
    return Fault(f"{rows.source}:{line}: column '{rows.column}': {text}", code, line, rows.column, fixes)
