"""Parsing of a time column; the time format is inferred from all values."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product

import numpy as np
import pandas as pd

from lstmcast.data.schema import InferredSetting, SettingKey
from lstmcast.data.series_columns import words
from lstmcast.data.time.clock_changes import CHANGING_ZONES
from lstmcast.data.time.text.as_written import format_as_written
from lstmcast.data.time.text.formats import (
    COUNT,
    DECIMAL_MIDDLE,
    DECIMAL_YEAR,
    EPOCH_DAYS,
    EPOCHS,
    EXCEL,
    TimeFormat,
    Token,
    check_pattern,
    counts_through,
    end_of_range,
    has_utc_offset,
    periods,
    tokens,
)
from lstmcast.data.time.text.names import DATE_NAMES, PERIOD_NAMES, month_of, name_words, weekday_of
from lstmcast.data.time.text.parser import ParsedTimes, read_texts
from lstmcast.data.time.text.shapes import ShapedTexts, beginning, follows, group_by_shape, may_follow
from lstmcast.data.time.text.text_patterns import derived_patterns
from lstmcast.data.time.zones import (
    DAY,
    SECOND,
    check_zone,
    fixed_name,
    from_wall,
    has_single_time_of_day,
    zone_of_offsets,
)
from lstmcast.errors import DataError, Fault, FaultCode, Fix
from lstmcast.text import MAX_SHOWN, truncate_items
from lstmcast.types import Bools, Ints

_DATES: tuple[tuple[str, ...], ...] = (  # ambiguous patterns of one shape are grouped
    ("%Y",), ("%Y%m",), ("%Y%m%d",), ("%Y%m%d%H",), ("%Y%m%d%H%M",), ("%Y%m%d%H%M%S",),
    ("%Y-%m-%d",), ("%Y/%m/%d",), ("%Y.%m.%d",), ("%Y:%m:%d",), ("%Y-%m", "%Y-%q"), ("%Y/%m", "%Y/%q"),
    ("%Y:%m", "%Y:%q"), ("%Y %m", "%Y %q"), ("%-Y-%m",), ("%m/%Y", "%q/%Y"), ("%m-%Y", "%q-%Y"), ("%m.%Y", "%q.%Y"),
    ("%m %Y", "%q %Y"), ("%m:%Y", "%q:%Y"), ("%d/%m/%Y", "%m/%d/%Y"), ("%d-%m-%Y", "%m-%d-%Y"), ("%d.%m.%Y",),
    ("%d/%m/%y", "%m/%d/%y", "%y/%m/%d"), ("%d-%m-%y", "%m-%d-%y", "%y-%m-%d"), ("%d.%m.%y",),
    ("%YQ%q", "%GW%V", "%YM%m"), ("%Y-Q%q", "%G-W%V", "%Y-M%m"), ("%Y Q%q", "%G W%V"), ("%G-W%V-%u",),
    ("Q%q %Y",), ("Q%q-%Y",), ("Q%q/%Y",),
    ("%b %Y",), ("%b-%Y",), ("%b/%Y",), ("%b%Y",), ("%b, %Y",), ("%Y %b",), ("%Y-%b",), ("%b-%y",), ("%b %y",),
    ("%d-%b-%Y",), ("%d %b %Y",), ("%d/%b/%Y",), ("%d%b%Y",), ("%Y-%b-%d",), ("%Y %b %d",), ("%d-%b-%y", "%y-%b-%d"),
    ("%b %d, %Y",), ("%b %d %Y",), ("%a, %d %b %Y",), ("%a %d %b %Y",), ("%a, %b %d, %Y",),
    ("%Y/%y",), ("%Y-%y",), ("%G-%V",), ("%G/%V",), ("%G%V",), ("%V/%G",), ("%V-%G",), ("%V.%G",), ("%Y-%j",),
    ("%Y%j",), ("%Y/%j",),
    ("%d%m%Y", "%m%d%Y"), ("%y%m%d",), ("%Y. %m. %d.",), ("%Y. %m. %d",), ("%Y.%m.%d.",),
    ("%d. %m. %Y",), ("%Y_%m",), ("%Y_%m_%d",), ("%d_%m_%Y", "%m_%d_%Y"), ("%m_%Y",),
    ("%Y-%m-%d-%H.%M.%S",), ("%Y-%m-%d-%H:%M:%S",), ("%d/%b/%Y:%H:%M:%S",),
    ("%Y-%m-%d:%H:%M:%S",), ("%Y%m%d-%H:%M",), ("%Y%m%d:%H%M",),
)  # fmt: skip
_CLOCKS = ("%H:%M:%S", "%H:%M", "%H:%M:%S.%f", "%I:%M:%S %p", "%I:%M %p", "%I:%M:%S%p", "%I:%M%p", "%H%M%S", "%H",
           "%H.%M", "%H.%M.%S", "%H%M")  # fmt: skip
_SUFFIXES = tuple("".join(parts) for parts in product((" ", "T", ", ", "  "), _CLOCKS, ("", "%z", " %z")))
_TO_24 = {"%H:%M": "%k:%M", "%H:%M:%S": "%k:%M:%S", "%H": "%24N", "%H%M": "%k%M", "%H%M%S": "%k%M%S"}
_BETWEEN = (" - ", " – ", "–", " to ", " bis ", " until ", " au ", " a ", "/", "..", " / ", "-",
            " -> ", "~", " ~ ")  # fmt: skip
_EPOCH_FRACTION = "%s.%f"
_EPOCH_WIDTHS = {
    _EPOCH_FRACTION: r"0{9,10}\.0{1,9}",
    "epoch s": r"0{9,10}",
    "epoch ms": r"0{12,13}",
    "epoch us": r"0{15,16}",
    "epoch ns": r"0{18,19}",
}
YEAR_POINT_MONTH = "%Y.%m"
_DAILY = frozenset("dju")  # directives of days
_COUNTED_YEAR = re.compile(r"0-00?")
_DECIMAL = re.compile(r"0{4,6}(?:\.0{1,17})?")
_NUMBER = re.compile(r"0+(?:\.0+)?")
_MIDNIGHT = re.compile(r"(?<!\d)24:?00")
_DIGITS = str.maketrans("123456789", "0" * 9)
_MAX_LENGTH = 80  # of a text with a time
_SIGNS_OF_TIME = re.compile(
    r"(?<![\d.])\d{1,2}([-./])\d{1,2}\1\d{2}(?:\d{2})?(?![\d.])|(?<!\d)(?:19|20)\d{2}[-./:]\d{1,2}(?!\d)"
    r"|(?<![\d:])\d{1,2}:\d{2}(?::\d{2})?(?![\d:])|(?<!\d)(?:19|20)\d{2}\W*[A-Za-z]{1,8}\W?\d{1,2}(?!\d)"
    r"|(?<![\d.])(?:19|20)\d{2}(?![\d.])|[12]\d{3}年"
)
_INTEGER = re.compile(r"-?[1-9][0-9]{0,8}|0")
_EMPTY = {"", "na", "n/a", "nan", "nat", "null", "none", "<na>"}
_Read = tuple[str, ParsedTimes, tuple[InferredSetting, ...]]  # pattern, parsed times, inferred settings
_SAMPLE = 1_000
_MAX_OFFSETS = 4  # in one column
_MINUTE = 60 * SECOND


@dataclass(frozen=True)
class Times:
    """Times of N rows.

    Attributes:
        stamps: [N] microseconds since 1970-01-01, UTC if there is a zone.
        style: time format of the file.
        timezone: zone of the wall times; None if times have no zone.
        inferred: inferred settings.
    """

    stamps: Ints
    style: TimeFormat
    timezone: str | None = None
    inferred: tuple[InferredSetting, ...] = ()


@dataclass(frozen=True)
class _Column:
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


def _column(text: pd.Series, lines: Ints, column: str, source: str) -> _Column:
    """A column with its distinct texts grouped by shape."""
    codes, distinct = pd.factorize(text.to_numpy(dtype=object))
    shaped = group_by_shape([str(word).strip() for word in distinct])
    return _Column(shaped, codes.astype(np.int64), lines, column, source)


def parse_times(
    text: pd.Series,
    lines: Ints,
    *,
    column: str,
    source: str,
    time_format: str | None = None,
    timezone: str | None = None,
    groups: Ints | None = None,
) -> Times:
    """Parse a column of times in one format.

    Args:
        text: [N] the column as text.
        lines: [N] the physical line of each row.
        time_format: a pinned format (`%d/%m/%Y`).
        timezone: a pinned zone of the wall times.
        groups: [N] index of the series, to resolve repeated hours.

    Raises:
        DataError: an empty field, text that is not a time, mixed or ambiguous formats, a date that does not exist, or a
            time that the clock skipped.
        ConfigError: an unknown zone or directive.
    """
    if timezone is not None:
        check_zone(timezone)
    at = _column(text, lines, column, source)
    shaped = at.texts
    if (empty := np.array([word.lower() in _EMPTY for word in shaped.texts])).any():
        raise at.fault(empty, "the time is empty; fill it in or delete those rows")
    pattern, reading, inferred = _read_as(time_format, at) if time_format is not None else _infer(at)
    style = format_as_written(pattern, shaped)
    if style.span == (0, 0) and end_of_range(tokens(pattern)) < len(tokens(pattern)):
        raise at.fault(~reading.faulty, "the ranges have different lengths; write their starts only")
    stamps = reading.stamps[at.rows]
    if pattern == COUNT:
        return Times(stamps, style, None, inferred)
    if has_utc_offset(pattern):
        zone, reason = (timezone, "data.timezone") if timezone else _zone_of(pattern, reading)
        return Times(stamps, style, zone, (*inferred, InferredSetting(SettingKey.TIMEZONE, zone, reason)))
    through = next((token for token in tokens(pattern) if counts_through(token)), None)
    if timezone is None and through:
        raise _through_fault(through, reading, at)
    if timezone is None or has_single_time_of_day(stamps):
        return Times(stamps, style, None, inferred)
    if through:
        days = read_texts(pattern.replace(f"{through.text}", "%0N"), shaped).stamps[at.rows]
        instants = from_wall(days, timezone).early + stamps - days
    else:
        instants = _localized(stamps, timezone, at, groups)
    zone_setting = InferredSetting(SettingKey.TIMEZONE, timezone, "data.timezone")
    return Times(instants, style, timezone, (*inferred, zone_setting))


def looks_like_times(text: pd.Series) -> bool:
    """True if the first non-empty fields of a column are times.

    Integers are times only as dates of at least 6 digits, or as ordered years (1000 to 2999) or epochs; decimal numbers
    never.
    """
    head = [word for field in text.iloc[:_SAMPLE].tolist() if (word := str(field).strip())]
    if not head and len(text) > _SAMPLE:
        head = text[text.str.strip() != ""].head(_SAMPLE).str.strip().tolist()
    shaped = group_by_shape(head)
    if not shaped.shapes:
        return False
    code = int(np.argmax(np.bincount(shaped.codes)))
    main = shaped.shapes[code]
    if "0" not in main:  # every time has a digit
        return False
    if _NUMBER.fullmatch(main) and "." in main:
        return follows(_EPOCH_FRACTION, main) and _plausible(_EPOCH_FRACTION, read_texts(_EPOCH_FRACTION, shaped))
    read = ((pattern, read_texts(pattern, shaped)) for group in _groups(code, shaped) for pattern in group)
    if not _NUMBER.fullmatch(main):
        return any(np.mean(reading.faulty) <= 0.1 for _, reading in read)
    return any(_plausible(pattern, reading) for pattern, reading in read)


def looks_like_decimal_years(text: pd.Series) -> bool:
    """True for decimal numbers that are the months of years, at even distances."""
    shaped = group_by_shape([str(word).strip() for word in pd.unique(text)])
    if not any("." in shape for shape in shaped.shapes) or not all(map(_DECIMAL.fullmatch, shaped.shapes)):
        return False
    readings = [read_texts(pattern, shaped) for pattern in (DECIMAL_YEAR, DECIMAL_MIDDLE, YEAR_POINT_MONTH)]
    return any(_years_within(reading, 1000, 2999) and _regular(reading.stamps) for reading in readings)


def looks_like_excel(text: pd.Series) -> bool:
    """True for decimal numbers that are days of 1970 to 2064 as Excel counts them."""
    shaped = group_by_shape([str(word).strip() for word in pd.unique(text)])
    if not all(map(_DECIMAL.fullmatch, shaped.shapes)):
        return False
    return _years_within(read_texts(EXCEL, shaped), 1970, 2064)


def may_hold_times(text: pd.Series) -> bool:
    """True if most texts of a sample have the signs of a date or a clock, and change from row to row."""
    head = text.iloc[:_SAMPLE].str.strip()
    head = head[head != ""]
    if len(head) < 2 or (head.iloc[1:].to_numpy() != head.iloc[:-1].to_numpy()).mean() < 0.5:
        return False
    distinct = [str(word) for word in pd.unique(head)[:100]]
    return sum(map(_has_signs_of_time, distinct)) >= 0.8 * len(distinct)


def _has_signs_of_time(text: str) -> bool:
    """True for a text with a date in digits, a clock, or a year or day next to the name of a month."""
    if len(text) > _MAX_LENGTH or _NUMBER.fullmatch(text.lstrip("+-").translate(_DIGITS)):
        return False
    if text.isalpha():
        return month_of(text) > 0 or weekday_of(text) > 0
    named = any(month_of(word) > 0 for word in re.findall(r"[^\W\d_]{3,}", text))
    if re.fullmatch(r"\d{1,2}/\d{1,2}|\d{1,2}\.\d{1,2}\.", text):
        return True
    return bool(_SIGNS_OF_TIME.search(text) or (named and re.search(r"\d", text)))


def looks_like_counts(text: pd.Series) -> bool:
    """True for a column of integers that count steps, such as 1, 2, 3 …."""
    return _counts(group_by_shape([str(word).strip() for word in pd.unique(text)]))


def column_pattern(text: pd.Series, lines: Ints, column: str, source: str, ending: str) -> str:
    """Pattern of a column of times; `ending` completes the formats that an error names.

    Raises:
        DataError: the column cannot be read, or has several meanings.
    """
    at = _column(text, lines, column, source)
    try:
        return _infer(at)[0]
    except DataError as err:
        raise DataError([_completed(fault, ending) for fault in err.faults]) from err


def is_regular(text: pd.Series, pattern: str) -> bool:
    """True if texts follow a pattern, with even steps."""
    reading = read_texts(pattern, group_by_shape([str(word).strip() for word in pd.unique(text)]))
    return not reading.faulty.any() and _regular(reading.stamps)


def _completed(fault: Fault, ending: str) -> Fault:
    """Fault whose formats are completed by those of other parts of the time."""
    return replace(
        fault,
        fixes=tuple(
            replace(fix, setting=fix.setting + ending) if fix.setting.startswith("data.time_format=") else fix
            for fix in fault.fixes
        ),
    )


def _counts(shaped: ShapedTexts) -> bool:
    """True for integers at regular steps, of which at most half are missing."""
    if not all(_INTEGER.fullmatch(word) for word in shaped.texts):
        return False
    distinct = np.unique(shaped.texts.astype(np.int64))
    return len(distinct) > 1 and bool(np.ptp(distinct) // np.gcd.reduce(np.diff(distinct)) < 2 * len(distinct))


def _plausible(pattern: str, reading: ParsedTimes) -> bool:
    """True if integers that can be parsed as times are likely to be times."""
    years = reading.stamps.astype("datetime64[us]").astype("datetime64[Y]").astype(np.int64) + 1970
    low, high = (1000, 2999) if pattern == "%Y" else (2001, 2100) if has_utc_offset(pattern) else (1800, 2100)
    if reading.faulty.any() or (years < low).any() or (years > high).any():
        return False
    return pattern in {"%Y%m%d", "%Y%m%d%H%M%S"} or _is_in_time_order(reading.stamps)


def _is_in_time_order(stamps: Ints) -> bool:
    """True if times ascend or descend, or restart for each series after even steps."""
    steps = np.diff(stamps)
    forward = steps[steps > 0]
    restarts = np.count_nonzero(steps < 0)
    even = len(forward) >= 2 * restarts and np.unique(forward // (DAY * 27)).size == 1
    return bool((steps >= 0).all() or (steps <= 0).all() or even)


def _groups(code: int, shaped: ShapedTexts, name: str = "") -> Iterator[tuple[str, ...]]:
    """Yield the patterns that match texts of a shape; those in one tuple are alternatives. A name may prefer some."""
    shape = shaped.shapes[code]
    counted = any(_COUNTED_YEAR.fullmatch(other) for other in shaped.shapes)
    groups = [group for group in _all_groups(shape) if counted or group != ("%-Y-%m",)]
    known = {pattern for group in groups for pattern in group}
    if derived := tuple(p for p in derived_patterns(shaped.example(code)) if p not in known and follows(p, shape)):
        groups.append(derived)
    if letters := {letter for word in words(name) for letter in PERIOD_NAMES.get(word, "")}:
        groups += _ranges(shaped.example(code))
        patterns = (pattern for group in groups for pattern in group)
        yield from ((each,) for each in patterns if letters & {token.letter for token in tokens(each)})
    yield from groups
    if not letters:
        yield from _ranges(shaped.example(code))


def _ranges(text: str) -> list[tuple[str, ...]]:
    """Patterns of a range, whose end has the format of its start or is a time of day."""
    found = [
        group
        for sign in _BETWEEN
        for start, end in _split_at(text, sign)
        for group in _range_patterns(start, sign, end)
    ]
    return sorted(found, key=lambda group: -max(map(len, group)))


def _split_at(text: str, sign: str) -> list[tuple[str, str]]:
    """Beginnings and ends around each occurrence of a sign."""
    positions = [match.start() for match in re.finditer(re.escape(sign), text)]
    return [(text[:start], text[start + len(sign) :]) for start in positions if start and start + len(sign) < len(text)]


def _range_patterns(start: str, sign: str, end: str) -> list[tuple[str, ...]]:
    """Patterns of a range with these ends."""
    first, last = group_by_shape([start]), group_by_shape([end])
    groups = [*_all_groups(first.shapes[0]), *filter(None, [derived_patterns(start)])]
    shape = last.shapes[0]
    whole = [tuple(p + sign + p for p in group if follows(p, shape)) for group in groups]
    ends = [clock for clock in (*_CLOCKS, "%k:%M") if "%M" in clock and follows(clock, shape)]
    clocks = [tuple(p + sign + clock for p in group if "%H" in p) for group in groups for clock in ends]
    hours = [hour for hour in ("%H", "%k") if follows(hour, shape)]
    clocks += [tuple(p + sign + hour for p in group if p.endswith("%H")) for group in groups for hour in hours]
    return [group for group in (*whole, *clocks) if group]


@lru_cache(maxsize=1024)
def _all_groups(shape: str) -> tuple[tuple[str, ...], ...]:
    """Patterns of a shape, including years counted from 1 and hours to 24."""
    dated = [
        tuple(
            date + suffix
            for date in dates
            if may_follow(date, shape)
            for suffix in _suffixes(date, shape[beginning(date, shape) :])
        )
        for dates in _DATES
    ]
    fitting = [tuple(pattern for pattern in group if follows(pattern, shape)) for group in dated]
    to_24 = [tuple(later for pattern in group if (later := _to_24(pattern)) != pattern) for group in fitting]
    epochs = [(name,) for name, width in _EPOCH_WIDTHS.items() if re.fullmatch(width, shape)]
    return tuple(group for group in (*fitting, *to_24, *epochs) if group)


def _to_24(pattern: str) -> str:
    """Pattern with hours to 24."""
    clock = next((clock for clock in _CLOCKS if pattern.endswith(clock) and clock in _TO_24), "")
    return pattern.removesuffix(clock) + _TO_24.get(clock, "")


def _suffixes(date: str, rest: str) -> tuple[str, ...]:
    """Time of day that matches the shape after the date of a day."""
    if not rest or not _DAILY & {token.letter for token in tokens(date)}:
        return () if rest else ("",)
    return tuple(suffix for suffix in _SUFFIXES if follows(suffix, rest))[:1]


def _infer(at: _Column) -> _Read:
    """Infer the pattern that matches all texts."""
    shaped = at.texts
    counts = np.bincount(shaped.codes, weights=np.bincount(at.rows, minlength=len(shaped.texts)))
    main = int(np.argmax(counts))
    readings: dict[str, ParsedTimes] = {}
    for group in _groups(main, shaped, at.name):
        read = {pattern: read_texts(pattern, shaped) for pattern in group}
        if clean := {pattern: reading for pattern, reading in read.items() if _credible(pattern, reading, shaped)}:
            return _settle(clean, read, at)
        readings |= read
    if decimal := _numbers(at):
        return decimal
    if (not readings or len(shaped.shapes) > 1) and _counts(shaped):
        setting = InferredSetting(SettingKey.TIME_FORMAT, COUNT, "integers that count steps")
        return COUNT, read_texts(COUNT, shaped), (setting,)
    if not readings:
        rule = "must hold times such as '2024-01-31' or '2024-01-31 13:00'; data.time_format names another format"
        raise at.fault(shaped.codes == main, rule, fixes=(Fix("data.time=none", "count the rows"),))
    best = min(readings, key=lambda pattern: int(np.count_nonzero(readings[pattern].faulty)))
    raise _misfit(best, readings[best], main, at)


def _credible(pattern: str, reading: ParsedTimes, shaped: ShapedTexts) -> bool:
    """True if a pattern matches all texts and their ends, and makes no far years of integers or offsets of ends."""
    if reading.faulty.any() or (np.ptp(reading.offsets) > 0 and len(np.unique(reading.offsets)) > _MAX_OFFSETS):
        return False
    if end_of_range(tokens(pattern)) < len(tokens(pattern)) and read_texts(pattern, shaped, end=True).faulty.any():
        return False
    packed = re.fullmatch(r"(?:%[a-zA-Z]){2,}", pattern)
    return not packed or _years_within(reading, 1800, 2100)


def _numbers(at: _Column) -> _Read | None:
    """Parse integers and decimal numbers that are days of Excel or decimal years, by the name of the column."""
    if not all(_DECIMAL.fullmatch(shape) for shape in at.texts.shapes):
        return None
    dated = bool(name_words(at.name) & DATE_NAMES)
    months = read_texts(YEAR_POINT_MONTH, at.texts)
    if any("." in shape for shape in at.texts.shapes) and not months.faulty.any() and _regular(months.stamps):
        reason = "decimal numbers with a month"
        return YEAR_POINT_MONTH, months, (InferredSetting(SettingKey.TIME_FORMAT, YEAR_POINT_MONTH, reason),)
    integers = not any("." in shape for shape in at.texts.shapes)
    for pattern in () if integers else (DECIMAL_YEAR, DECIMAL_MIDDLE):
        years = read_texts(pattern, at.texts)
        if _years_within(years, 1000, 2999) and _regular(years.stamps):
            reason = "decimal numbers at even distances in months"
            return pattern, years, (InferredSetting(SettingKey.TIME_FORMAT, pattern, reason),)
    serial = read_texts(EXCEL, at.texts)
    if serial.faulty.any() or not _years_within(serial, 1927, 2064) or not (dated or not integers):
        return None
    first = str(at.texts.texts[0])
    on_minutes = not integers and _regular(serial.stamps) and not (serial.stamps % _MINUTE).any()
    if on_minutes or (
        dated and _years_within(serial, 1970, 2064) and not _years_within(read_texts(EPOCH_DAYS, at.texts), 1990, 2064)
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


def _other_counts(at: _Column) -> tuple[Fix, ...]:
    """Settings for whole numbers that are not days of Excel."""
    found = [Fix("data.time=none", "count the rows")]
    if _counts(at.texts):
        found = [Fix(f"data.time_format={COUNT}", "count steps")]
        if _years_within(read_texts(EPOCH_DAYS, at.texts), 1990, 2064):
            found.insert(0, Fix(f"data.time_format={EPOCH_DAYS}", "read days since 1970"))
    return tuple(found)


def _years_within(reading: ParsedTimes, low: int, high: int) -> bool:
    """True if all times are in these years."""
    years = reading.stamps.astype("datetime64[us]").astype("datetime64[Y]").astype(np.int64) + 1970
    return not reading.faulty.any() and bool(((years >= low) & (years <= high)).all())


def _settle(clean: dict[str, ParsedTimes], read: dict[str, ParsedTimes], at: _Column) -> _Read:
    """Select among the patterns that match all texts: the only one, or the only one with regular steps."""
    first, *rest = clean
    if all(np.array_equal(clean[first].stamps, clean[other].stamps) for other in rest):
        return first, clean[first], (InferredSetting(SettingKey.TIME_FORMAT, first, _format_reason(first, read, at)),)
    regular = [pattern for pattern, reading in clean.items() if _regular(reading.stamps)]
    quarters_or_months = any("%q" in pattern for pattern in clean) and any("%m" in pattern for pattern in clean)
    if len(regular) == 1 and not quarters_or_months:
        reason = f"all steps are even; read as {' or '.join(p for p in clean if p != regular[0])} they are not"
        return regular[0], clean[regular[0]], (InferredSetting(SettingKey.TIME_FORMAT, regular[0], reason),)
    rule = f"may be {' or '.join(clean)}, and no row decides it"
    fixes = tuple(Fix(f"data.time_format={pattern}", f"read {_meaning(pattern)}") for pattern in clean)
    raise at.fault(np.arange(len(at.texts.texts)) == 0, rule, FaultCode.AMBIGUOUS_TIMES, fixes)


def _meaning(pattern: str) -> str:
    """The order of the fields of a pattern."""
    names = {"d": "day", "m": "month", "b": "month", "y": "year", "Y": "year", "G": "year", "q": "quarter", "V": "week",
             "h": "half year"}  # fmt: skip
    return ", ".join(names[token.letter] for token in tokens(pattern) if token.letter in names)


def _format_reason(pattern: str, read: dict[str, ParsedTimes], at: _Column) -> str:
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


def _regular(stamps: Ints) -> bool:
    """True if the sorted times are equidistant, in microseconds or in months."""
    distinct = np.unique(stamps)
    months = distinct.astype("datetime64[us]").astype("datetime64[M]")
    in_month = distinct - months.astype("datetime64[us]").astype(np.int64)
    even = np.unique(np.diff(months.astype(np.int64))).size == 1 and np.unique(in_month).size == 1
    return bool(even or np.unique(np.diff(distinct)).size == 1)


def _misfit(pattern: str, reading: ParsedTimes, main: int, at: _Column) -> DataError:
    """Error about a column whose best pattern does not match every text."""
    fits = np.array([follows(pattern, shape) for shape in at.texts.shapes])[at.texts.codes]
    if not fits.all():
        model = int(np.flatnonzero(at.texts.codes[at.rows] == main)[0])
        other = f"line {at.lines[model]} has '{at.texts.texts[at.rows[model]]}'"
        return at.fault(~fits, f"times must have one format, and {other}; use the same format in all rows")
    exact = ", or it is finer than a microsecond" if "%f" in pattern or pattern in EPOCHS else ""
    zone = "; a zone is Z, UTC, GMT or +02:00" if "%z" in pattern else ""
    return at.fault(reading.faulty, f"no such time exists{exact}; correct or delete it (read as {pattern}{zone})")


def _read_as(pattern: str, at: _Column) -> _Read:
    """Parse by a pinned pattern."""
    check_pattern(pattern)
    reading = read_texts(pattern, at.texts)
    if reading.faulty.any():
        raise at.fault(reading.faulty, f"must follow data.time_format '{pattern}'")
    return pattern, reading, (InferredSetting(SettingKey.TIME_FORMAT, pattern, "data.time_format"),)


def _zone_of(pattern: str, reading: ParsedTimes) -> tuple[str, str]:
    """Zone of times with UTC offsets, and the reason."""
    distinct = np.unique(reading.offsets)
    if distinct.size > 1:
        zone = zone_of_offsets(reading.stamps, reading.offsets)
        found = "which change on the days of this zone" if zone else "of no known zone"
        return zone or "UTC", f"the times have {distinct.size} different offsets, {found}"
    return fixed_name(int(distinct[0]) // _MINUTE), "epochs are UTC" if pattern in EPOCHS else "the offset of the times"


def _through_fault(token: Token, reading: ParsedTimes, at: _Column) -> DataError:
    """Error about periods beyond a usual day without the zone whose clock repeats an hour there."""
    count = periods(token.flag)
    step = DAY // count
    late = reading.stamps % DAY < DAY // 24
    late &= np.array([int(re.findall(r"\d+", text)[-1]) > count for text in at.texts.texts])
    zones = ("Europe/London", "Europe/Berlin") if count == 48 else ("Europe/Berlin", "Europe/London")
    day = (reading.stamps[late] - DAY) // DAY * DAY
    hours = np.unique(day)[:, None] + np.arange(4) * (DAY // 24)
    found = (
        zone
        for zone in (*zones, *CHANGING_ZONES)
        if from_wall(hours.ravel(), zone).doubled.reshape(-1, 4).any(axis=1).all()
    )
    fixes = tuple(Fix(f"data.timezone={zone}", "use its clock changes") for zone in [next(found, "")] if zone)
    rule = f"a usual day has {count} periods of {step // _MINUTE} minutes, and more when clocks repeat an hour"
    return at.fault(late, rule, FaultCode.UNREAD_TIME, fixes)


def _localized(wall: Ints, zone: str, at: _Column, groups: Ints | None) -> Ints:
    """[N] instants of wall times; repeated hours are resolved by the order of the rows."""
    read = from_wall(wall, zone)
    if read.skipped.any():
        faulty = np.bincount(at.rows, weights=read.skipped, minlength=len(at.texts.texts)) > 0
        rule = f"no such time in data.timezone {zone}, whose clock went forward"
        raise at.fault(faulty, rule, fixes=(Fix("data.timezone=UTC", "read times of a clock that never changes"),))
    if not read.doubled.any():
        return read.early
    groups = np.zeros_like(wall) if groups is None else groups
    order = np.argsort(groups, kind="stable")
    if np.count_nonzero(np.diff(wall[order]) < 0) > len(wall) // 2:
        order = order[::-1]
    late = np.empty_like(read.doubled)
    late[order] = _resolve_folds(wall[order], read.doubled[order], groups[order])
    return np.where(late, read.late, read.early)


def _resolve_folds(wall: Ints, doubled: Bools, groups: Ints) -> Bools:
    """[N] true for the second occurrence of a repeated time: the clock went back before it in its run."""
    follows_on = np.zeros_like(doubled)
    follows_on[1:] = doubled[1:] & doubled[:-1] & (groups[1:] == groups[:-1]) & (np.abs(np.diff(wall)) < DAY // 4)
    back = follows_on.copy()
    back[1:] &= np.diff(wall) <= 0
    turns = np.cumsum(back)
    start = np.maximum.accumulate(np.where(follows_on, 0, np.arange(len(wall))))
    return np.asarray(doubled & (turns > turns[start]), dtype=np.bool_)
