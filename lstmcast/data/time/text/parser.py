"""Vectorized parsing of times by the shape of the text.

In texts of one shape each field of a pattern has a fixed position, so that it is parsed for all of them together.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lstmcast.data.time.text.formats import EXCEL_EPOCH, add_months, first_days, weekdays
from lstmcast.data.time.text.names import HALVES, ZONE_MINUTES, is_mark, month_of, plain, weekday_of
from lstmcast.data.time.text.patterns import (
    DECIMAL_MIDDLE,
    DECIMALS,
    EXCEL,
    INTEGERS,
    NAMES,
    ROMAN,
    ROMAN_FIELDS,
    SAME_NAMES,
    counts_through,
    end_of_range,
    periods,
    tokens,
)
from lstmcast.data.time.text.shapes import DECIMAL, ShapedTexts, shape_regex
from lstmcast.data.time.zones import DAY, SECOND
from lstmcast.types import Bools, Ints

Characters = npt.NDArray[np.uint32]  # [N, W] N texts of W characters

_EARLIEST, _LATEST = -62_135_596_800 * SECOND, 253_402_300_799 * SECOND  # years 1 and 9999
_CHUNK_SIZE = 500_000  # texts per character matrix
_WORDS = frozenset("zERr")  # directives of words, besides names
_NO_OFFSET = 10_000  # minutes: code of an invalid offset


@dataclass(frozen=True)
class ParsedTimes:
    """N texts parsed by a pattern.

    Attributes:
        stamps: [N] microseconds since 1970-01-01, UTC if the text has an offset; undefined where faulty.
        offsets: [N] microseconds of the wall clock ahead of UTC.
        faulty: [N] true if the text does not match the pattern, or the time does not exist.
    """

    stamps: Ints
    offsets: Ints
    faulty: Bools


def read_texts(pattern: str, shaped: ShapedTexts, *, end: bool = False) -> ParsedTimes:
    """Parse N texts by a pattern (see `lstmcast.data.time.text.patterns`); with `end`, the ends of ranges."""
    n = len(shaped.texts)
    result = ParsedTimes(np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64), np.ones(n, dtype=np.bool_))
    order = np.argsort(shaped.codes, kind="stable")
    bounds = np.searchsorted(shaped.codes[order], np.arange(len(shaped.shapes) + 1))
    decimals = _decimals(shaped) if pattern in DECIMALS else 0
    for k, shape in enumerate(shaped.shapes):
        if (match := shape_regex(pattern).fullmatch(shape)) is None:
            continue
        for start in range(bounds[k], bounds[k + 1], _CHUNK_SIZE):
            rows = order[start : min(start + _CHUNK_SIZE, bounds[k + 1])]
            words = shaped.texts[rows].astype(f"U{len(shape)}")
            if pattern in DECIMALS:
                part = _read_decimals(pattern, words, decimals)
            elif pattern in INTEGERS:
                part = _read_integers(pattern, words)
            else:
                part = _read_fields(pattern, match, words, end=end)
            result.stamps[rows], result.offsets[rows], result.faulty[rows] = part.stamps, part.offsets, part.faulty
    return result


def _read_integers(pattern: str, words: npt.NDArray[np.str_]) -> ParsedTimes:
    """Parse epochs or counts; fractions of a microsecond are faults."""
    unit = INTEGERS[pattern]
    about = words.astype(np.float64)
    faulty = (np.abs(about) >= 2.0**63) | (about * (unit / 1_000) < _EARLIEST) | (about * (unit / 1_000) > _LATEST)
    counts = np.where(faulty, "0", words).astype(np.int64)
    stamps = counts * (unit // 1_000) if unit >= 1_000 else counts // 1_000
    return ParsedTimes(stamps, np.zeros_like(stamps), faulty | (counts % max(1_000 // unit, 1) != 0))


def _decimals(shaped: ShapedTexts) -> int:
    """Most digits after the point."""
    return max(len(match[1] or "") for shape in ("0", *shaped.shapes) if (match := DECIMAL.fullmatch(shape)))


def _read_decimals(pattern: str, words: npt.NDArray[np.str_], decimals: int) -> ParsedTimes:
    """Parse decimal numbers of days or years, as precise as their digits allow."""
    numbers = words.astype(np.float64)
    tolerance = 0.51 * 10.0**-decimals
    read = {EXCEL: _excel_times, DECIMAL_MIDDLE: _middle_times}.get(pattern, _decimal_year_times)
    stamps, faulty = read(numbers, tolerance)
    return ParsedTimes(stamps, np.zeros_like(stamps), faulty)


def _excel_times(numbers: npt.NDArray[np.float64], tolerance: float) -> tuple[Ints, Bools]:
    """[N] times of days since 1899-12-30, to the coarsest of an hour, quarter, minute, second and millisecond."""
    faulty = (numbers < 61) | (numbers >= 2_958_466)  # Excel counts a February 29 in 1900, and ends with 9999
    micros = np.where(faulty, 0, numbers) * DAY
    stamps = np.round(micros / 1_000) * 1_000
    for unit in (SECOND, 60 * SECOND, 900 * SECOND, 3_600 * SECOND):
        nearest = np.round(micros / unit) * unit
        stamps = np.where(np.abs(nearest - micros) <= tolerance * DAY + 2_000, nearest, stamps)
    return stamps.astype(np.int64) + EXCEL_EPOCH, faulty


def _decimal_year_times(numbers: npt.NDArray[np.float64], tolerance: float) -> tuple[Ints, Bools]:
    """[N] first days of months, or their middles, of decimal years."""
    faulty = (numbers < 1) | (numbers >= 9_999)
    halves = np.where(faulty, 0, numbers - 1970) * 24
    nearest = np.round(halves).astype(np.int64)
    faulty = faulty | (np.abs(halves - nearest) > min(24 * tolerance + 1e-5, 0.3))
    first, following = (add_months(np.zeros_like(nearest), nearest // 2 + k) for k in (0, 1))
    return first + nearest % 2 * ((following - first) // 2), faulty


def _middle_times(numbers: npt.NDArray[np.float64], tolerance: float) -> tuple[Ints, Bools]:
    """[N] first days of the months of which decimal years are the middles."""
    months = np.where((numbers < 1) | (numbers >= 9_999), 0.1, (numbers - 1970) * 12 - 0.5)
    nearest = np.round(months).astype(np.int64)
    return add_months(np.zeros_like(nearest), nearest), np.abs(months - nearest) > min(12 * tolerance + 1e-5, 0.1)


def _read_fields(pattern: str, match: re.Match[str], words: npt.NDArray[np.str_], *, end: bool) -> ParsedTimes:
    """Parse texts of one shape, whose match has the positions of the fields."""
    chars = words.view(np.uint32).reshape(len(words), -1)
    faulty = np.zeros(len(words), dtype=np.bool_)
    start: dict[str, Ints] = {}
    later: dict[str, Ints] = {}  # of the end of a range
    parts = tokens(pattern)
    limit = end_of_range(parts)
    for i, token in enumerate(parts):
        first, last = match.span(f"g{i}")
        letter = SAME_NAMES.get(token.letter, token.letter)
        fields = start if i < limit else later
        if not letter:
            faulty |= _differs(token.text, chars[:, first:last])
        elif last > first and letter == "E":
            faulty |= _read_field(letter, np.ascontiguousarray(chars[:, first:last])) < 0
        elif last > first and letter not in {"o", "L", *fields} and (end or fields is start or letter == "y"):
            read = _read_field(letter, np.ascontiguousarray(chars[:, first:last]))
            fields[ROMAN_FIELDS.get(letter, letter)] = read
    for token in parts:
        if token.letter == "N":
            count = periods(token.flag)
            faulty |= (start["N"] < 1) | (start["N"] > (count * 25 // 24 if counts_through(token) else count or 100))
            start["N"] = (start["N"] - 1) * (DAY // count if count else 0)
    if later.keys() == {"y"} and start.keys() <= {"Y", "y"}:  # a split year such as 2019/20
        year = start["Y"] if "Y" in start else full_years(start["y"])
        faulty |= later["y"] != (year + 1) % 100
        later = {"Y": year + 1}
    return _assemble(start | later if end else start, faulty)


def full_years(short: Ints) -> Ints:
    """Years [N] from 1969 to 2068 by their last two digits [N]."""
    return np.asarray(short + np.where(short < 69, 2000, 1900), dtype=np.int64)


def _differs(literal: str, part: Characters) -> Bools:
    """[N] true where the characters differ from the literal text, ignoring case."""
    literal = literal[: part.shape[1]]
    lower = np.array([ord(c.lower() if c.isascii() else c) for c in literal], dtype=np.uint32)
    upper = np.array([ord(c.upper() if c.isascii() else c) for c in literal], dtype=np.uint32)
    return np.asarray(np.any((part != lower) & (part != upper), axis=1), dtype=np.bool_)


def _read_field(letter: str, part: Characters) -> Ints:
    """[N] values of a field; -1 if invalid."""
    if letter in NAMES or letter in _WORDS:
        words, inverse = np.unique(part.view(f"U{part.shape[1]}").ravel(), return_inverse=True)
        return np.array([word_value(letter, str(word)) for word in words], dtype=np.int64)[inverse]
    numbers = (part.astype(np.int64) - ord("0")) @ 10 ** np.arange(part.shape[1], dtype=np.int64)[::-1]
    return np.asarray(numbers * 10 ** (9 - part.shape[1]) if letter == "f" else numbers, dtype=np.int64)


def word_value(letter: str, word: str) -> int:
    """Value of a word: a month 1-12, a weekday 1-7, AM 0, PM 1, an offset in minutes, a Roman numeral; 0 for a mark."""
    if letter == "z":
        return _minutes(word)
    if letter == "E":
        return 0 if is_mark(word) else -1
    if letter in ROMAN_FIELDS:
        return ROMAN.index(word) + 1 if word in ROMAN[: 4 if letter == "R" else 12] else -1
    if letter == "p":
        return HALVES.get("".join(plain(word).split()), -1)
    return month_of(word) if letter == "b" else weekday_of(word)


def _minutes(word: str) -> int:
    """Minutes of an offset such as `+02:00`, `-0530`, `Z` or `UTC`."""
    if word.isalpha():
        return ZONE_MINUTES.get(word.upper(), _NO_OFFSET)
    digits = word[1:].replace(":", "").ljust(4, "0")
    hours, minutes = int(digits[:2]), int(digits[2:])
    return (hours * 60 + minutes) * (-1 if word[0] == "-" else 1) if hours < 16 and minutes < 60 else _NO_OFFSET


def _assemble(fields: dict[str, Ints], faulty: Bools) -> ParsedTimes:
    """Combine fields [N] to times."""
    zero = np.zeros(len(faulty), dtype=np.int64)
    days, no_day = _date(fields, zero)
    time, no_time = _time(fields, zero)
    minutes = fields.get("z", zero)
    faulty = faulty | no_day | no_time | (minutes == _NO_OFFSET)
    if "a" in fields:
        faulty |= fields["a"] != weekdays(days) + 1
    offsets = minutes * 60 * SECOND
    wall = days * DAY + time
    return ParsedTimes(wall if fields.keys() & {"s", "Q"} else wall - offsets, offsets, faulty)


def _date(fields: dict[str, Ints], zero: Ints) -> tuple[Ints, Bools]:
    """[N] days since 1970-01-01, and true for invalid ones."""
    ones = zero + 1
    short = fields.get("y", fields.get("g", zero))
    year = fields.get("Y", fields.get("G", full_years(short)))
    if "s" in fields or "Q" in fields:
        return zero, np.zeros(len(zero), dtype=np.bool_)
    if "V" in fields:
        return _week_date(year, fields["V"], fields.get("u", ones))
    if "j" in fields:
        day = fields["j"]
        return first_days(year) + day - 1, (day < 1) | (day > first_days(year + 1) - first_days(year)) | (year < 1)
    month = fields.get(
        "m", fields.get("b", 3 * fields.get("q", ones) - 2 if "q" in fields else 6 * fields.get("h", ones) - 5)
    )
    day = fields.get("d", ones)
    start = (year - 1970) * 12 + month - 1
    first, following = (m.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64) for m in (start, start + 1))
    faulty = (year < 1) | (month < 1) | (month > 12) | (day < 1) | (day > following - first)
    return first + day - 1, faulty


def _week_date(year: Ints, week: Ints, day: Ints) -> tuple[Ints, Bools]:
    """Days of ISO weeks; week 1 contains January 4, and a week belongs to the year of its Thursday."""
    fourth = first_days(year) + 3
    monday = fourth - weekdays(fourth) + 7 * (week - 1)
    faulty = (year < 1) | (week < 1) | (monday + 3 >= first_days(year + 1)) | (day < 1) | (day > 7)
    return monday + day - 1, faulty


def _time(fields: dict[str, Ints], zero: Ints) -> tuple[Ints, Bools]:
    """[N] microseconds since midnight, and true for invalid ones."""
    hour, minute, second, nanos = (fields.get(letter, zero) for letter in "HMSf")
    faulty = (hour > 23) | (minute > 59) | (second > 59) | (nanos % 1_000 > 0)
    if "N" in fields:
        return fields["N"], faulty
    if "s" in fields or "Q" in fields:
        whole = fields["s"] * SECOND if "s" in fields else fields["Q"] * 1_000
        return whole + nanos // 1_000, faulty
    if "k" in fields:
        hour = fields["k"]
        faulty |= (hour > 24) | ((hour == 24) & (minute + second + nanos > 0))
    if "I" in fields:
        half = fields.get("p", zero)
        faulty |= (fields["I"] < 1) | (fields["I"] > 12) | (half < 0)
        hour = fields["I"] % 12 + 12 * half
    return ((hour * 60 + minute) * 60 + second) * SECOND + nanos // 1_000, faulty
