"""Recognition of columns of times, and of numbers that are times, by their texts."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from lstmcast.data.time.text.candidates import EPOCH_FRACTION, candidates
from lstmcast.data.time.text.names import month_of, weekday_of
from lstmcast.data.time.text.parser import ParsedTimes, read_texts
from lstmcast.data.time.text.patterns import DECIMAL_MIDDLE, DECIMAL_YEAR, EXCEL, YEAR_POINT_MONTH, has_utc_offset
from lstmcast.data.time.text.shapes import ShapedTexts, follows, group_by_shape
from lstmcast.data.time.text.text_patterns import unmarked
from lstmcast.data.time.zones import DAY
from lstmcast.types import Ints

DECIMAL_SHAPE = re.compile(r"0{4,6}(?:\.0{1,17})?")
_NUMBER = re.compile(r"0+(?:\.0+)?")
_DIGITS = str.maketrans("123456789", "0" * 9)
_MAX_LENGTH = 80  # of a text with a time
_SIGNS_OF_TIME = re.compile(
    r"(?<![\d.])\d{1,2}([-./])\d{1,2}\1\d{2}(?:\d{2})?(?![\d.])|(?<!\d)(?:19|20)\d{2}[-./:]\d{1,2}(?!\d)"
    r"|(?<![\d:])\d{1,2}:\d{2}(?::\d{2})?(?![\d:])|(?<!\d)(?:19|20)\d{2}\W*[A-Za-z]{1,8}\W?\d{1,2}(?!\d)"
    r"|(?<![\d.])(?:19|20)\d{2}(?![\d.])|[12]\d{3}年"
)
_INTEGER = re.compile(r"-?[1-9][0-9]{0,8}|0")
_SAMPLE = 1_000


def looks_like_times(text: pd.Series) -> bool:
    """True if the first non-empty fields of a column are times.

    Integers are times only as dates of at least 6 digits, or as ordered years (1000 to 2999) or epochs; decimal numbers
    never.
    """
    head = [word for field in text.iloc[:_SAMPLE].tolist() if (word := str(field).strip())]
    if not head and len(text) > _SAMPLE:
        head = text[text.str.strip() != ""].head(_SAMPLE).str.strip().tolist()
    if _look_like_times(group_by_shape(head)):
        return True
    bare = [word if word[-1] in "0123456789" else unmarked(word) for word in head]
    return bare != head and _look_like_times(group_by_shape(bare))


def _look_like_times(shaped: ShapedTexts) -> bool:
    """True if most texts are times; see `looks_like_times`."""
    if not shaped.shapes:
        return False
    code = int(np.argmax(np.bincount(shaped.codes)))
    main = shaped.shapes[code]
    if "0" not in main:  # every time has a digit
        return False
    if _NUMBER.fullmatch(main) and "." in main:
        return follows(EPOCH_FRACTION, main) and _plausible(EPOCH_FRACTION, read_texts(EPOCH_FRACTION, shaped))
    read = ((pattern, read_texts(pattern, shaped)) for group in candidates(code, shaped) for pattern in group)
    if not _NUMBER.fullmatch(main):
        return any(np.mean(reading.faulty) <= 0.1 for _, reading in read)
    return any(_plausible(pattern, reading) for pattern, reading in read)


def looks_like_decimal_years(text: pd.Series) -> bool:
    """True for decimal numbers that are the months of years, at even distances."""
    shaped = _distinct(text)
    if not any("." in shape for shape in shaped.shapes) or not all(map(DECIMAL_SHAPE.fullmatch, shaped.shapes)):
        return False
    readings = [read_texts(pattern, shaped) for pattern in (DECIMAL_YEAR, DECIMAL_MIDDLE, YEAR_POINT_MONTH)]
    return any(within_years(reading, 1000, 2999) and are_regular(reading.stamps) for reading in readings)


def looks_like_excel(text: pd.Series) -> bool:
    """True for decimal numbers that are days of 1970 to 2064 as Excel counts them."""
    shaped = _distinct(text)
    if not all(map(DECIMAL_SHAPE.fullmatch, shaped.shapes)):
        return False
    return within_years(read_texts(EXCEL, shaped), 1970, 2064)


def looks_like_counts(text: pd.Series) -> bool:
    """True for a column of integers that count steps, such as 1, 2, 3 …."""
    return are_counts(_distinct(text))


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


def is_regular(text: pd.Series, pattern: str) -> bool:
    """True if texts follow a pattern, with even steps."""
    reading = read_texts(pattern, _distinct(text))
    return not reading.faulty.any() and are_regular(reading.stamps)


def _distinct(text: pd.Series) -> ShapedTexts:
    """Distinct texts of a column."""
    return group_by_shape([str(word).strip() for word in pd.unique(text)])


def _plausible(pattern: str, reading: ParsedTimes) -> bool:
    """True if integers that can be parsed as times are likely to be times."""
    low, high = (1000, 2999) if pattern == "%Y" else (2001, 2100) if has_utc_offset(pattern) else (1800, 2100)
    if not within_years(reading, low, high):
        return False
    return pattern in {"%Y%m%d", "%Y%m%d%H%M%S"} or _is_in_time_order(reading.stamps)


def _is_in_time_order(stamps: Ints) -> bool:
    """True if times ascend or descend, or restart for each series after even steps."""
    steps = np.diff(stamps)
    forward = steps[steps > 0]
    restarts = np.count_nonzero(steps < 0)
    even = len(forward) >= 2 * restarts and np.unique(forward // (DAY * 27)).size == 1
    return bool((steps >= 0).all() or (steps <= 0).all() or even)


def are_counts(shaped: ShapedTexts) -> bool:
    """True for integers at regular steps, of which at most half are missing."""
    if not all(_INTEGER.fullmatch(word) for word in shaped.texts):
        return False
    distinct = np.unique(shaped.texts.astype(np.int64))
    return len(distinct) > 1 and bool(np.ptp(distinct) // np.gcd.reduce(np.diff(distinct)) < 2 * len(distinct))


def within_years(reading: ParsedTimes, low: int, high: int) -> bool:
    """True if all times are in these years."""
    years = reading.stamps.astype("datetime64[us]").astype("datetime64[Y]").astype(np.int64) + 1970
    return not reading.faulty.any() and bool(((years >= low) & (years <= high)).all())


def are_regular(stamps: Ints) -> bool:
    """True if the sorted times are equidistant, in microseconds or in months."""
    distinct = np.unique(stamps)
    months = distinct.astype("datetime64[us]").astype("datetime64[M]")
    in_month = distinct - months.astype("datetime64[us]").astype(np.int64)
    even = np.unique(np.diff(months.astype(np.int64))).size == 1 and np.unique(in_month).size == 1
    return bool(even or np.unique(np.diff(distinct)).size == 1)
