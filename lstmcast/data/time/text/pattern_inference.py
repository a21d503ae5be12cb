"""Inference of the pattern that matches all texts of a column."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from lstmcast.data.schema import InferredSetting, SettingKey
from lstmcast.data.time.text.candidates import candidates
from lstmcast.data.time.text.formats import TimeFormat
from lstmcast.data.time.text.names import DATE_NAMES, UNCLEAR_ZONES, name_words
from lstmcast.data.time.text.parser import ParsedTimes, read_texts
from lstmcast.data.time.text.patterns import (
    COUNT,
    DECIMAL_MIDDLE,
    DECIMAL_YEAR,
    EPOCH_DAYS,
    EPOCHS,
    EXCEL,
    YEAR_POINT_MONTH,
    end_of_range,
    has_utc_offset,
    tokens,
)
from lstmcast.data.time.text.recognition import DECIMAL_SHAPE, are_counts, are_regular, within_years
from lstmcast.data.time.text.shapes import ShapedTexts, follows, group_by_shape
from lstmcast.data.time.text.text_patterns import unmarked
from lstmcast.data.time.zones import SECOND
from lstmcast.errors import DataError, Fault, FaultCode, Fix
from lstmcast.text import MAX_SHOWN, truncate_items
from lstmcast.types import Bools, Ints

Reading = tuple[str, ParsedTimes, tuple[InferredSetting, ...]]  # pattern, parsed times, inferred settings
_MIDNIGHT = re.compile(r"(?<!\d)24:?00")
_MAX_OFFSETS = 4  # in one column
_MINUTE = 60 * SECOND
_SAMPLE = 1_000
_COUNT_ROWS = Fix("data.time=none", "count the rows")


@dataclass(frozen=True)
class TimeColumn:
    """A column of N texts and its location."""

    texts: ShapedTexts
    rows: Ints  # [N] index of the distinct text of each row
    lines: Ints
    name: str
    source: str

    def fault(
        self, faulty: Bools, rule: str, code: FaultCode = FaultCode.UNREAD_TIME, fixes: tuple[Fix, ...] = ()
    ) -> DataError:
        """Create an error about the distinct texts marked `faulty`, with their first lines and number."""
        rows = np.flatnonzero(faulty[self.rows])
        shown = truncate_items(
            (f"line {self.lines[i]} '{self.texts.texts[self.rows[i]]}'" for i in rows[:MAX_SHOWN]), len(rows)
        )
        line = int(self.lines[rows[0]])
        text = f"{self.source}:{line}: column '{self.name}': {rule} ({shown})"
        return DataError(Fault(text, code, line, self.name, fixes))


def time_column(text: pd.Series, lines: Ints, column: str, source: str) -> TimeColumn:
    """A column with its distinct texts grouped by shape."""
    codes, distinct = pd.factorize(text.to_numpy(dtype=object))
    shaped = group_by_shape([str(word).strip() for word in distinct])
    return TimeColumn(shaped, codes.astype(np.int64), lines, column, source)


def column_pattern(text: pd.Series, lines: Ints, column: str, source: str, ending: str) -> str:
    """Pattern of a column of times; `ending` completes the formats that an error names.

    Raises:
        DataError: the column cannot be read, or has several meanings.
    """
    at = time_column(text, lines, column, source)
    try:
        return infer_pattern(at)[0]
    except DataError as err:
        raise DataError([_completed(fault, ending) for fault in err.faults]) from err


def _completed(fault: Fault, ending: str) -> Fault:
    """Fault whose formats are completed by those of other parts of the time."""
    return replace(
        fault,
        fixes=tuple(
            replace(fix, setting=fix.setting + ending) if fix.setting.startswith("data.time_format=") else fix
            for fix in fault.fixes
        ),
    )


def infer_pattern(at: TimeColumn) -> Reading:
    """Infer the pattern that matches all texts."""
    shaped = at.texts
    counts = np.bincount(shaped.codes, weights=np.bincount(at.rows, minlength=len(shaped.texts)))
    main = int(np.argmax(counts))
    readings: dict[str, ParsedTimes] = {}
    for group in candidates(main, shaped, at.name):
        read = {pattern: read_texts(pattern, shaped) for pattern in group}
        if clean := {pattern: reading for pattern, reading in read.items() if _credible(pattern, reading, shaped)}:
            return _settle(clean, read, at)
        readings |= read
    if marked := _marked(at, main):
        return marked
    if decimal := _numbers(at):
        return decimal
    if (not readings or len(shaped.shapes) > 1) and are_counts(shaped):
        setting = InferredSetting(SettingKey.TIME_FORMAT, COUNT, "integers that count steps")
        return COUNT, read_texts(COUNT, shaped), (setting,)
    if not readings:
        rule = "must hold times such as '2024-01-31' or '2024-01-31 13:00'; data.time_format names another format"
        raise at.fault(shaped.codes == main, rule, fixes=(_COUNT_ROWS,))
    if doubtful := [pattern for pattern, reading in readings.items() if not reading.faulty.any()]:
        raise _doubt(doubtful[0], at)
    best = min(readings, key=lambda pattern: int(np.count_nonzero(readings[pattern].faulty)))
    raise _misfit(best, readings[best], main, at)


def _marked(at: TimeColumn, main: int) -> Reading | None:
    """Parse times of which some have a mark of their status at the end."""
    example = unmarked(at.texts.example(main))
    if example == at.texts.example(main) and len(at.texts.shapes) == 1:
        return None
    marks = [text for text in at.texts.texts[:_SAMPLE] if unmarked(text) != text]
    reason = f"times may end with a mark, as '{marks[0]}' does" if marks else "times may end with a mark"
    for group in candidates(0, group_by_shape([example]), at.name):
        read = {f"{pattern}%E": read_texts(f"{pattern}%E", at.texts) for pattern in group}
        if clean := {pattern: reading for pattern, reading in read.items() if _credible(pattern, reading, at.texts)}:
            pattern, reading, _ = _settle(clean, read, at)
            return pattern, reading, (InferredSetting(SettingKey.TIME_FORMAT, pattern, reason),)
    return None


def _credible(pattern: str, reading: ParsedTimes, shaped: ShapedTexts) -> bool:
    """True if a pattern matches all texts and their ends, and makes no far years of integers or offsets of ends."""
    if reading.faulty.any() or (np.ptp(reading.offsets) > 0 and len(np.unique(reading.offsets)) > _MAX_OFFSETS):
        return False
    if end_of_range(tokens(pattern)) < len(tokens(pattern)) and read_texts(pattern, shaped, end=True).faulty.any():
        return False
    if _has_unclear_zone(pattern, reading, str(shaped.texts[0])) or _are_days(pattern, reading):
        return False
    packed = re.fullmatch(r"(?:%[a-zA-Z]){2,}", pattern)
    return not packed or within_years(reading, 1800, 2100)


def _has_unclear_zone(pattern: str, reading: ParsedTimes, first: str) -> bool:
    """True if all times have one name of an offset that is used in several zones, as CST is."""
    zone = re.search(r"([A-Z]{3})\)?$", first) if has_utc_offset(pattern) else None
    return zone is not None and zone[1] in UNCLEAR_ZONES and bool(np.ptp(reading.offsets) == 0)


def _are_days(pattern: str, reading: ParsedTimes) -> bool:
    """True if numbers that may be years of two digits next to a month count on like days: 01 Jan, 02 Jan."""
    letters = [token.letter for token in tokens(pattern) if token.letter]
    if sorted(letters) != ["b", "y"] or len(reading.stamps) < 3:
        return False
    months = np.diff(reading.stamps.astype("datetime64[us]").astype("datetime64[M]").astype(np.int64))
    return bool(np.median(np.abs(months)) == 12)


def _numbers(at: TimeColumn) -> Reading | None:
    """Parse integers and decimal numbers that are days of Excel or decimal years, by the name of the column."""
    if not all(DECIMAL_SHAPE.fullmatch(shape) for shape in at.texts.shapes):
        return None
    dated = bool(name_words(at.name) & DATE_NAMES)
    months = read_texts(YEAR_POINT_MONTH, at.texts)
    if any("." in shape for shape in at.texts.shapes) and not months.faulty.any() and are_regular(months.stamps):
        reason = "decimal numbers with a month"
        return YEAR_POINT_MONTH, months, (InferredSetting(SettingKey.TIME_FORMAT, YEAR_POINT_MONTH, reason),)
    integers = not any("." in shape for shape in at.texts.shapes)
    for pattern in () if integers else (DECIMAL_YEAR, DECIMAL_MIDDLE):
        years = read_texts(pattern, at.texts)
        if within_years(years, 1000, 2999) and are_regular(years.stamps):
            reason = "decimal numbers at even distances in months"
            return pattern, years, (InferredSetting(SettingKey.TIME_FORMAT, pattern, reason),)
    serial = read_texts(EXCEL, at.texts)
    if serial.faulty.any() or not within_years(serial, 1927, 2064) or not (dated or not integers):
        return None
    first = str(at.texts.texts[0])
    on_minutes = not integers and are_regular(serial.stamps) and not (serial.stamps % _MINUTE).any()
    if on_minutes or (
        dated and within_years(serial, 1970, 2064) and not within_years(read_texts(EPOCH_DAYS, at.texts), 1990, 2064)
    ):
        day = TimeFormat("%Y-%m-%d").format(serial.stamps[:1])[0]
        reason = f"numbers of days as in Excel, where {first} is {day}"
        return EXCEL, serial, (InferredSetting(SettingKey.TIME_FORMAT, EXCEL, reason),)
    raise at.fault(
        ~serial.faulty,
        "may hold days as Excel counts them, or other numbers",
        FaultCode.AMBIGUOUS_TIMES,
        (Fix(f"data.time_format={EXCEL}", "read days as Excel counts them"), *_other_counts(at)),
    )


def _other_counts(at: TimeColumn) -> tuple[Fix, ...]:
    """Settings for whole numbers that are not days of Excel."""
    found = [_COUNT_ROWS]
    if are_counts(at.texts):
        found = [Fix(f"data.time_format={COUNT}", "count steps")]
        if within_years(read_texts(EPOCH_DAYS, at.texts), 1990, 2064):
            found.insert(0, Fix(f"data.time_format={EPOCH_DAYS}", "read days since 1970"))
    return tuple(found)


def _settle(clean: dict[str, ParsedTimes], read: dict[str, ParsedTimes], at: TimeColumn) -> Reading:
    """Select among the patterns that match all texts: the only one, or the only one with regular steps."""
    first, *rest = clean
    if all(np.array_equal(clean[first].stamps, clean[other].stamps) for other in rest):
        return first, clean[first], (InferredSetting(SettingKey.TIME_FORMAT, first, _format_reason(first, read, at)),)
    regular = [pattern for pattern, reading in clean.items() if are_regular(reading.stamps)]
    quarters_or_months = any("%q" in pattern for pattern in clean) and any("%m" in pattern for pattern in clean)
    if len(regular) == 1 and not quarters_or_months:
        reason = f"all steps are even; read as {' or '.join(p for p in clean if p != regular[0])} they are not"
        return regular[0], clean[regular[0]], (InferredSetting(SettingKey.TIME_FORMAT, regular[0], reason),)
    rule = f"may be {' or '.join(clean)}, and no row decides it"
    fixes = tuple(
        Fix(f"data.time_format={pattern}", f"read {_meaning(pattern)}")
        for pattern in [*regular, *(p for p in clean if p not in regular)]
    )
    raise at.fault(np.arange(len(at.texts.texts)) == 0, rule, FaultCode.AMBIGUOUS_TIMES, fixes)


def _meaning(pattern: str) -> str:
    """The order of the fields of a pattern."""
    names = {"d": "day", "m": "month", "b": "month", "y": "year", "Y": "year", "G": "year", "q": "quarter", "V": "week",
             "h": "half year", "r": "month", "R": "quarter"}  # fmt: skip
    return ", ".join(names[token.letter] for token in tokens(pattern) if token.letter in names)


def _format_reason(pattern: str, read: dict[str, ParsedTimes], at: TimeColumn) -> str:
    """Reason for a pattern: the first lines that rule out the alternatives."""
    if pattern == "%-Y-%m":
        return "the years are counted from 1"
    midnights = (i for i, row in enumerate(at.rows) if _MIDNIGHT.search(at.texts.texts[row]))
    if "%k" in pattern and (i := next(midnights, None)) is not None:
        return f"line {at.lines[i]} '{at.texts.texts[at.rows[i]]}' is the midnight of the next day"
    alternatives = {other: reading.faulty[at.rows] for other, reading in read.items()}
    against = {other: np.argmax(faulty) for other, faulty in alternatives.items() if faulty.any() and not faulty.all()}
    reasons = [f"line {at.lines[i]} '{at.texts.texts[at.rows[i]]}' is not {other}" for other, i in against.items()]
    return "; ".join(reasons) or f"all {len(at.rows)} rows"


def _doubt(pattern: str, at: TimeColumn) -> DataError:
    """Error about a column that a pattern matches, but is unlikely to mean."""
    rule = f"may be {pattern} or something else, such as days without a year"
    fixes = (_COUNT_ROWS, Fix(f"data.time_format={pattern}", f"read {_meaning(pattern)}"))
    return at.fault(np.arange(len(at.texts.texts)) == 0, rule, FaultCode.AMBIGUOUS_TIMES, fixes)


def _misfit(pattern: str, reading: ParsedTimes, main: int, at: TimeColumn) -> DataError:
    """Error about a column whose best pattern does not match every text."""
    fits = np.array([follows(pattern, shape) for shape in at.texts.shapes])[at.texts.codes]
    if not fits.all():
        model = int(np.flatnonzero(at.texts.codes[at.rows] == main)[0])
        other = f"line {at.lines[model]} has '{at.texts.texts[at.rows[model]]}'"
        rule = f"times must have one format, and {other}; use the same format in all rows"
        return at.fault(~fits, rule, fixes=(_COUNT_ROWS,))
    exact = ", or it is finer than a microsecond" if "%f" in pattern or pattern in EPOCHS else ""
    zone = "; a zone is Z, UTC, GMT or +02:00" if "%z" in pattern else ""
    rule = f"no such time exists{exact}; correct or delete it (read as {pattern}{zone})"
    return at.fault(reading.faulty, rule, fixes=(_COUNT_ROWS,))
