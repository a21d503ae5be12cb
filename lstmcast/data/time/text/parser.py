"""Vectorized parsing of times by the shape of the text, in which digits become `0` and letters `a`.

In texts of one shape each field of a pattern has a fixed position, so that it is parsed for all of them together.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pandas as pd

from lstmcast.data.time.text.formats import (
    DECIMALS,
    EXCEL,
    EXCEL_EPOCH,
    INTEGERS,
    NAMES,
    WIDTHS,
    TimeFormat,
    Token,
    add_months,
    counts_through,
    end_of_range,
    first_days,
    periods,
    tokens,
    weekdays,
)
from lstmcast.data.time.text.names import HALVES, ZONE_MINUTES, completed, month_of, plain, weekday_of
from lstmcast.data.time.zones import DAY, SECOND
from lstmcast.types import Bools, Ints

Characters = npt.NDArray[np.uint32]  # [N, W] N texts of W characters

_LETTERS = "bcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" + "".join(
    chr(code) for code in (*range(0xC0, 0x250), *range(0x400, 0x530)) if chr(code).isalpha()
)
_SHAPE = str.maketrans("123456789" + _LETTERS, "0" * 9 + "a" * len(_LETTERS))
_SHAPES = {**dict.fromkeys("bB", r"a{3,12}\.?"),
           **dict.fromkeys("aA", r"(?:a{2,12}\.?|[月火水木金土日星期周曜一二三四五六]{1,3})"),
           "p": r"(?:aa|a\.\s?a\.|上午|下午|午前|午後|오전|오후)", "f": "0{1,9}",
           "z": "(?:a|a{3,4}|[+-]00(?::?00)?)", "o": "a{1,3}", "L": "[^()]{2,50}", "s": "0{9,10}",
           "Q": "0{12,13}"}  # fmt: skip
_SAME = {"B": "b", "A": "a", "Z": "z"}  # directives that differ only in formatting
_SAMPLE = 2_000  # texts whose names and ranges are compared with those of a format
_DECIMAL = re.compile(r"-?0{1,9}(?:\.(0{1,17}))?")
_EARLIEST, _LATEST = -62_135_596_800 * SECOND, 253_402_300_799 * SECOND  # years 1 and 9999
_CHUNK_SIZE = 500_000  # texts per character matrix
_DAY = frozenset("md")
_NO_OFFSET = 10_000  # minutes: code of an invalid offset
_VALUED = frozenset("bBaApZLo")
_COMMON_SPAN = 0.9  # of the ranges have the span with which new ones are written


@dataclass(frozen=True)
class ShapedTexts:
    """N texts, their distinct shapes in order of appearance, and the index of each text's shape [N]."""

    texts: npt.NDArray[np.object_]
    shapes: tuple[str, ...]
    codes: Ints

    def example(self, code: int) -> str:
        """First text of a shape."""
        return str(self.texts[int(np.argmax(self.codes == code))])


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


def group_by_shape(texts: Sequence[str]) -> ShapedTexts:
    """Group texts by shape."""
    codes, distinct = pd.factorize(np.array([text.translate(_SHAPE) for text in texts], dtype=object))
    return ShapedTexts(np.array(texts, dtype=object), tuple(distinct), codes.astype(np.int64))


def follows(pattern: str, shape: str) -> bool:
    """True if texts of this shape may match the pattern."""
    return _regex(pattern).fullmatch(shape) is not None


def beginning(pattern: str, shape: str) -> int:
    """Number of characters at the start of the shape that match the pattern."""
    match = _regex(pattern).match(shape)
    return match.end() if match else 0


def read_texts(pattern: str, shaped: ShapedTexts, *, end: bool = False) -> ParsedTimes:
    """Parse N texts by a pattern (see `lstmcast.data.time.text.formats`); with `end`, the ends of ranges."""
    n = len(shaped.texts)
    result = ParsedTimes(np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64), np.ones(n, dtype=np.bool_))
    order = np.argsort(shaped.codes, kind="stable")
    bounds = np.searchsorted(shaped.codes[order], np.arange(len(shaped.shapes) + 1))
    decimals = _decimals(shaped) if pattern in DECIMALS else 0
    for k, shape in enumerate(shaped.shapes):
        if (match := _regex(pattern).fullmatch(shape)) is None:
            continue
        for start in range(bounds[k], bounds[k + 1], _CHUNK_SIZE):
            rows = order[start : min(start + _CHUNK_SIZE, bounds[k + 1])]
            words = shaped.texts[rows].astype(f"U{len(shape)}")
            if pattern in DECIMALS:
                part = _read_decimals(pattern, words, decimals)
            else:
                part = (
                    _read_integers(pattern, words)
                    if pattern in INTEGERS
                    else _read_fields(pattern, match, words, end=end)
                )
            result.stamps[rows], result.offsets[rows], result.faulty[rows] = part.stamps, part.offsets, part.faulty
    return result


def format_as_written(pattern: str, shaped: ShapedTexts) -> TimeFormat:
    """Add the details of the texts to a pattern: padding, case, digits of a fraction, names, the span of ranges."""
    if pattern in INTEGERS:
        return TimeFormat(pattern)
    if pattern in DECIMALS:
        lengths = {len(match[1] or "") for shape in shaped.shapes if (match := _DECIMAL.fullmatch(shape))}
        return TimeFormat(pattern, decimals=max(lengths) * (1 if len(lengths) == 1 else -1))
    flagged = _pattern_as_written(pattern, shaped)
    parts = tokens(pattern)
    with_names = any(token.letter in _VALUED for token in tokens(flagged))
    if not with_names and end_of_range(parts) == len(parts):
        return TimeFormat(flagged)
    sample = _sample(shaped)
    return TimeFormat(flagged, _names(pattern, flagged, sample) if with_names else (), span=_span(pattern, sample))


def _sample(shaped: ShapedTexts) -> ShapedTexts:
    """Texts at even distances."""
    kept = np.arange(0, len(shaped.texts), max(1, len(shaped.texts) // _SAMPLE))
    return ShapedTexts(shaped.texts[kept], shaped.shapes, shaped.codes[kept])


def _names(pattern: str, flagged: str, sample: ShapedTexts) -> tuple[tuple[str, int, str], ...]:
    """Names of months, weekdays, halves of a day and offsets that the flags of the pattern do not describe."""
    reading = read_texts(pattern, sample)
    wall = reading.stamps + reading.offsets
    minutes = (reading.offsets // (60 * SECOND)).tolist()
    parts = tokens(flagged)
    limit = end_of_range(parts)
    seen: dict[str, dict[int, str]] = {}
    unusual: set[str] = set()
    for k in np.flatnonzero(~reading.faulty).tolist():
        match = _regex(pattern).fullmatch(sample.shapes[sample.codes[k]])
        for i, token in enumerate(parts):
            letter = _SAME.get(token.letter, token.letter)
            if match is None or token.letter not in _VALUED or not match[f"g{i}"] or (letter in "zL" and i >= limit):
                continue
            word = sample.texts[k][slice(*match.span(f"g{i}"))]
            if letter == "o":
                number = int(sample.texts[k][slice(*match.span(f"g{i - 1}"))])
            else:
                number = minutes[k] if letter in "zL" else _word_value(letter, word)
            seen.setdefault(letter, {})[number] = word
            if letter in "bap" and TimeFormat(token.text).format(wall[k : k + 1]) != [word]:
                unusual.add(letter)
    if _has_zone_names(seen.get("z", {})):
        unusual.add("z")
    if any(word not in {"st", "nd", "rd", "th"} for word in seen.get("o", {}).values()):
        unusual.add("o")
    named = {letter: words for letter, words in seen.items() if letter == "L" or letter in unusual}
    whole = {letter: completed(letter, words) if letter in "ba" else words for letter, words in named.items()}
    return tuple((letter, number, word) for letter, words in whole.items() for number, word in sorted(words.items()))


def _has_zone_names(words: Mapping[int, str]) -> bool:
    """True for names of offsets such as CET."""
    return any(word.isalpha() and word not in {"Z", "UTC"} for word in words.values())


def _span(pattern: str, sample: ShapedTexts) -> tuple[int, int]:
    """Months and microseconds from the start to the end of most ranges; (0, 0) without a range or a common span."""
    parts = tokens(pattern)
    if end_of_range(parts) == len(parts):
        return 0, 0
    start, end = read_texts(pattern, sample), read_texts(pattern, sample, end=True)
    good = ~(start.faulty | end.faulty)
    first, last = start.stamps[good], end.stamps[good]
    last = np.where((last <= first) & (last > first - DAY), last + DAY, last)
    found = [_common(first, last, 0)]
    months = np.unique(
        (
            last.astype("datetime64[us]").astype("datetime64[M]")
            - first.astype("datetime64[us]").astype("datetime64[M]")
        ).astype(np.int64)
    )
    found += [_common(first, last, int(months[0]) + k) for k in (1, 0) if len(months) <= 2 and months[0] + k > 0]
    fraction, span = max(found, key=lambda one: one[0])
    return span if fraction >= _COMMON_SPAN else (0, 0)


def _common(first: Ints, last: Ints, months: int) -> tuple[float, tuple[int, int]]:
    """Share and size of the most common span of some months and a rest."""
    rests, counts = np.unique(last - add_months(first, months), return_counts=True)
    return float(counts.max() / counts.sum()), (months, int(rests[np.argmax(counts)]))


def _pattern_as_written(pattern: str, shaped: ShapedTexts) -> str:
    """Add flags to a pattern."""
    examples = [shaped.example(k) for k in range(len(shaped.shapes))]
    matched = [(text, match) for text in examples if (match := _regex(pattern).fullmatch(text.translate(_SHAPE)))]
    parts = tokens(pattern)
    seen = [[text[slice(*match.span(f"g{i}"))] for text, match in matched if match[f"g{i}"]] for i in range(len(parts))]
    bare = any(
        len(text) == 1 for token, texts in zip(parts, seen, strict=True) if token.letter in _DAY for text in texts
    )
    return "".join(_flagged(token, texts, bare=bare) for token, texts in zip(parts, seen, strict=True))


def _flagged(token: Token, seen: list[str], *, bare: bool) -> str:
    """Add the flags of the fields `seen` to a directive; `bare` if days or months are not padded."""
    letter = token.letter
    if not letter:
        return (seen[0] if seen else token.text).replace("%", "%%")
    if not seen:
        return token.text
    if letter == "f":
        return f"%{max(map(len, seen))}f"
    if letter in "oL":
        return token.text
    if letter in "zZ":
        return _offset_directive(seen[0])
    if letter in NAMES:
        full = any(len(text.rstrip(".")) > 3 and text.lower() not in {"sept", "sept."} for text in seen)
        letter = letter.upper() if letter in "ba" and full else letter
        if letter == "p" and len(seen[0]) > 2:
            return "%p"
        return f"%{'#' if seen[0].islower() else '^' if letter != 'p' and seen[0].isupper() else ''}{letter}"
    alike = bare and letter in _DAY and not any(text.startswith("0") for text in seen)
    count = token.flag.strip("-") or "24" if letter == "N" else ""
    width = len(count) or WIDTHS[letter]
    return f"%{'-' if alike or min(map(len, seen)) < width else ''}{count}{letter}"


def _offset_directive(text: str) -> str:
    if text.isalpha():
        return "%^z" if text == "Z" else "%Z"
    return "%:z" if ":" in text else "%-z" if len(text) == 3 else "%z"


@lru_cache(maxsize=4096)
def _regex(pattern: str) -> re.Pattern[str]:
    """Regular expression of the shapes that match a pattern, with a group `g3` for its token 3."""
    if pattern in INTEGERS:
        return re.compile("-?0{1,19}")
    if pattern in DECIMALS:
        return _DECIMAL
    parts = tokens(pattern)
    pieces: list[str] = []
    for i, token in enumerate(parts):
        if token.letter == "f" and pieces and pieces[-1].endswith(r"\.)"):  # a fraction of zero may be left out
            pieces[-1] = rf"{pieces[-1][:-3]})(?:\.(?P<g{i}>0{{1,9}}))?"
        else:
            packed = any(0 <= j < len(parts) and parts[j].letter in WIDTHS for j in (i - 1, i + 1))
            pieces.append(f"(?P<g{i}>{_allowed(token, packed)})")
    return re.compile("".join(pieces))


def _allowed(token: Token, packed: bool) -> str:
    """Shapes of one token; a number adjacent to another (`packed`) must be padded."""
    if not token.letter:
        return re.escape(token.text.translate(_SHAPE))
    if token.letter in _SHAPES or token.letter in _SAME:
        return _SHAPES[_SAME.get(token.letter, token.letter)]
    width = max(len(token.flag.strip("-")), 2) if token.letter == "N" else WIDTHS[token.letter]
    optional = "-" in token.flag or (not packed and token.letter not in "YGyg")
    return f"0{{{1 if optional else width},{width}}}"


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
    return max(len(match[1] or "") for shape in ("0", *shaped.shapes) if (match := _DECIMAL.fullmatch(shape)))


def _read_decimals(pattern: str, words: npt.NDArray[np.str_], decimals: int) -> ParsedTimes:
    """Parse decimal numbers of days or years, as precise as their digits allow."""
    numbers = words.astype(np.float64)
    tolerance = 0.51 * 10.0**-decimals
    stamps, faulty = (_excel_times if pattern == EXCEL else _decimal_year_times)(numbers, tolerance)
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
        letter = _SAME.get(token.letter, token.letter)
        fields = start if i < limit else later
        if not letter:
            faulty |= _differs(token.text, chars[:, first:last])
        elif last > first and letter not in {"o", "L", *fields} and (end or fields is start or letter == "y"):
            fields[letter] = _read_field(letter, np.ascontiguousarray(chars[:, first:last]))
    for token in parts:
        if token.letter == "N":
            count = periods(token.flag)
            faulty |= (start["N"] < 1) | (start["N"] > (count * 25 // 24 if counts_through(token) else count or 100))
            start["N"] = (start["N"] - 1) * (DAY // count if count else 0)
    if later.keys() == {"y"} and "Y" in start:  # a split year such as 2019/20
        faulty |= later["y"] != (start["Y"] + 1) % 100
        later = {"Y": start["Y"] + 1}
    return _assemble(start | later if end else start, faulty)


def _differs(literal: str, part: Characters) -> Bools:
    """[N] true where the characters differ from the literal text, ignoring case."""
    literal = literal[: part.shape[1]]
    lower = np.array([ord(c.lower() if c.isascii() else c) for c in literal], dtype=np.uint32)
    upper = np.array([ord(c.upper() if c.isascii() else c) for c in literal], dtype=np.uint32)
    return np.asarray(np.any((part != lower) & (part != upper), axis=1), dtype=np.bool_)


def _read_field(letter: str, part: Characters) -> Ints:
    """[N] values of a field; -1 if invalid."""
    if letter in NAMES or letter == "z":
        words, inverse = np.unique(part.view(f"U{part.shape[1]}").ravel(), return_inverse=True)
        return np.array([_word_value(letter, str(word)) for word in words], dtype=np.int64)[inverse]
    numbers = (part.astype(np.int64) - ord("0")) @ 10 ** np.arange(part.shape[1], dtype=np.int64)[::-1]
    return np.asarray(numbers * 10 ** (9 - part.shape[1]) if letter == "f" else numbers, dtype=np.int64)


def _word_value(letter: str, word: str) -> int:
    """Value of a word: a month 1-12, a weekday 1-7, AM 0, PM 1, an offset in minutes."""
    if letter == "z":
        return _minutes(word)
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
    year = fields.get("Y", fields.get("G", short + np.where(short < 69, 2000, 1900)))
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
