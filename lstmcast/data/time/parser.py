"""Vectorized parsing of times by the shape of the text, in which digits become `0` and letters `a`.

In texts of one shape each field of a pattern has a fixed position, so that it is parsed for all of them together.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pandas as pd

from lstmcast.data.time.formats import INTEGERS, MONTHS, NAMES, WEEKDAYS, WIDTHS, Token, first_days, tokens, weekdays
from lstmcast.data.time.zones import DAY, SECOND
from lstmcast.types import Bools, Ints

Characters = npt.NDArray[np.uint32]  # [N, W] N texts of W characters

_SHAPE = str.maketrans("123456789bcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", "0" * 9 + "a" * 51)
_SHAPES = {**dict.fromkeys("bBaA", "a{3,9}"), "p": "aa", "f": "0{1,9}", "z": "(?:a|aaa|[+-]00(?::?00)?)"}
_SAME = {"B": "b", "A": "a", "Z": "z"}  # directives that differ only in formatting
_EARLIEST, _LATEST = -62_135_596_800 * SECOND, 253_402_300_799 * SECOND  # years 1 and 9999
_CHUNK_SIZE = 500_000  # texts per character matrix
_DAY = frozenset("md")
_NO_OFFSET = 10_000  # minutes: code of an invalid offset


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


def read_texts(pattern: str, shaped: ShapedTexts) -> ParsedTimes:
    """Parse N texts by a pattern (see `lstmcast.data.time.formats`)."""
    n = len(shaped.texts)
    result = ParsedTimes(np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64), np.ones(n, dtype=np.bool_))
    order = np.argsort(shaped.codes, kind="stable")
    bounds = np.searchsorted(shaped.codes[order], np.arange(len(shaped.shapes) + 1))
    for k, shape in enumerate(shaped.shapes):
        if (match := _regex(pattern).fullmatch(shape)) is None:
            continue
        for start in range(bounds[k], bounds[k + 1], _CHUNK_SIZE):
            rows = order[start : min(start + _CHUNK_SIZE, bounds[k + 1])]
            words = shaped.texts[rows].astype(f"U{len(shape)}")
            part = _read_integers(pattern, words) if pattern in INTEGERS else _read_fields(pattern, match, words)
            result.stamps[rows], result.offsets[rows], result.faulty[rows] = part.stamps, part.offsets, part.faulty
    return result


def pattern_as_written(pattern: str, shaped: ShapedTexts) -> str:
    """Add the flags of the texts to a pattern: padding, case, digits of a fraction, format of an offset."""
    if pattern in INTEGERS:
        return pattern
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
        return token.text.replace("%", "%%")
    if not seen:
        return token.text
    if letter == "f":
        return f"%{max(map(len, seen))}f"
    if letter in "zZ":
        return _offset_directive(seen[0])
    if letter in NAMES:
        full = any(len(text) > 3 and text.lower() != "sept" for text in seen)
        letter = letter.upper() if letter in "ba" and full else letter
        return f"%{'#' if seen[0].islower() else '^' if letter != 'p' and seen[0].isupper() else ''}{letter}"
    alike = bare and letter in _DAY and not any(text.startswith("0") for text in seen)
    return f"%{'-' if alike or min(map(len, seen)) < WIDTHS[letter] else ''}{letter}"


def _offset_directive(text: str) -> str:
    if text.isalpha():
        return "%^z" if len(text) == 1 else "%Z"
    return "%:z" if ":" in text else "%-z" if len(text) == 3 else "%z"


@lru_cache(maxsize=512)
def _regex(pattern: str) -> re.Pattern[str]:
    """Regular expression of the shapes that match a pattern, with a group `g3` for its token 3."""
    if pattern in INTEGERS:
        return re.compile("-?0{1,19}")
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
    if token.letter not in WIDTHS:
        return _SHAPES[_SAME.get(token.letter, token.letter)]
    width = WIDTHS[token.letter]
    optional = token.flag == "-" or (not packed and token.letter not in "YGy")
    return f"0{{{1 if optional else width},{width}}}"


def _read_integers(pattern: str, words: npt.NDArray[np.str_]) -> ParsedTimes:
    """Parse epochs or counts; fractions of a microsecond are faults."""
    unit = INTEGERS[pattern]
    about = words.astype(np.float64)
    faulty = (np.abs(about) >= 2.0**63) | (about * (unit / 1_000) < _EARLIEST) | (about * (unit / 1_000) > _LATEST)
    counts = np.where(faulty, "0", words).astype(np.int64)
    stamps = counts * (unit // 1_000) if unit >= 1_000 else counts // 1_000
    return ParsedTimes(stamps, np.zeros_like(stamps), faulty | (counts % max(1_000 // unit, 1) != 0))


def _read_fields(pattern: str, match: re.Match[str], words: npt.NDArray[np.str_]) -> ParsedTimes:
    """Parse texts of one shape, whose match has the positions of the fields."""
    chars = words.view(np.uint32).reshape(len(words), -1)
    faulty = np.zeros(len(words), dtype=np.bool_)
    fields: dict[str, Ints] = {}
    for i, token in enumerate(tokens(pattern)):
        first, last = match.span(f"g{i}")
        if not token.letter:
            faulty |= _differs(token.text, chars[:, first:last])
        elif last > first:
            letter = _SAME.get(token.letter, token.letter)
            fields[letter] = _read_field(letter, np.ascontiguousarray(chars[:, first:last]))
    return _assemble(fields, faulty)


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
    names = ("AM", "PM") if letter == "p" else MONTHS if letter == "b" else WEEKDAYS
    index = [i for i, name in enumerate(names) if name.lower().startswith(word.lower())]
    return index[0] + (letter != "p") if index else -1


def _minutes(word: str) -> int:
    """Minutes of an offset such as `+02:00`, `-0530`, `Z` or `UTC`."""
    if word.isalpha():
        return 0 if word.upper() in {"Z", "UTC", "GMT"} else _NO_OFFSET
    digits = word[1:].replace(":", "").ljust(4, "0")
    hours, minutes = int(digits[:2]), int(digits[2:])
    return (hours * 60 + minutes) * (-1 if word[0] == "-" else 1) if hours < 16 and minutes < 60 else _NO_OFFSET


def _assemble(fields: dict[str, Ints], faulty: Bools) -> ParsedTimes:
    """Combine fields [N] to times."""
    zero = np.zeros(len(faulty), dtype=np.int64)
    days, no_day = _date(fields, zero)
    time, no_time = _time(fields, zero)
    minutes = fields.get("z", zero)
    faulty = faulty | no_day | no_time | (minutes == _NO_OFFSET) | (fields.get("a", zero) < 0)
    offsets = minutes * 60 * SECOND
    return ParsedTimes(days * DAY + time - offsets, offsets, faulty)


def _date(fields: dict[str, Ints], zero: Ints) -> tuple[Ints, Bools]:
    """[N] days since 1970-01-01, and true for invalid ones."""
    ones = zero + 1
    short = fields.get("y", zero)
    year = fields.get("Y", fields.get("G", short + np.where(short < 69, 2000, 1900)))
    if "V" in fields:
        return _week_date(year, fields["V"], fields.get("u", ones))
    if "j" in fields:
        day = fields["j"]
        return first_days(year) + day - 1, (day < 1) | (day > first_days(year + 1) - first_days(year)) | (year < 1)
    month = fields.get("m", fields.get("b", 3 * fields.get("q", ones) - 2))
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
    if "I" in fields:
        half = fields.get("p", zero)
        faulty |= (fields["I"] < 1) | (fields["I"] > 12) | (half < 0)
        hour = fields["I"] % 12 + 12 * half
    return ((hour * 60 + minute) * 60 + second) * SECOND + nanos // 1_000, faulty
