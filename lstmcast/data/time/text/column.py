"""Parsing of a column of times; the time format is inferred from all values."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from lstmcast.data.schema import InferredSetting, SettingKey
from lstmcast.data.time.text.as_written import format_as_written
from lstmcast.data.time.text.formats import TimeFormat
from lstmcast.data.time.text.parser import ParsedTimes, read_texts
from lstmcast.data.time.text.pattern_inference import Reading, TimeColumn, infer_pattern, time_column
from lstmcast.data.time.text.patterns import (
    COUNT,
    EPOCHS,
    Token,
    check_pattern,
    counts_through,
    end_of_range,
    has_utc_offset,
    periods,
    tokens,
)
from lstmcast.data.time.zones import (
    CHANGING_ZONES,
    DAY,
    SECOND,
    check_zone,
    fixed_name,
    from_wall,
    has_single_time_of_day,
    zone_of_offsets,
)
from lstmcast.errors import DataError, FaultCode, Fix
from lstmcast.types import Bools, Ints

_EMPTY = {"", "na", "n/a", "nan", "nat", "null", "none", "<na>"}
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
    at = time_column(text, lines, column, source)
    shaped = at.texts
    if (empty := np.array([word.lower() in _EMPTY for word in shaped.texts])).any():
        raise at.fault(empty, "the time is empty; fill it in or delete those rows")
    pattern, reading, inferred = _read_as(time_format, at) if time_format is not None else infer_pattern(at)
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


def _read_as(pattern: str, at: TimeColumn) -> Reading:
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


def _through_fault(token: Token, reading: ParsedTimes, at: TimeColumn) -> DataError:
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


def _localized(wall: Ints, zone: str, at: TimeColumn, groups: Ints | None) -> Ints:
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
