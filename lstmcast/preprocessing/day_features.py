"""Features of days: weekday, day of the month, month and position in the year."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from lstmcast.data.time.text.formats import weekdays
from lstmcast.types import Floats, Ints

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
          "December")  # fmt: skip
_MONTH_ENDS = 3  # first and last days of a month with an indicator


class FeatureGroup(StrEnum):
    """Groups of features; those of a group are alike and may share a penalty."""

    HOUR = "hour"
    WEEKDAY = "weekday"
    MONTH_DAY = "month day"
    MONTH = "month"
    YEAR = "year"
    WORKING_DAYS = "working days"
    HOLIDAY_GROUP = "holiday group"
    HOLIDAY = "holiday"
    DAY_TYPE_HOUR = "day type hour"
    HOLIDAY_HOUR = "holiday hour"


@dataclass(frozen=True)
class FeatureBlock:
    """Features of one group: names [k] and values [N, k]."""

    group: FeatureGroup
    names: tuple[str, ...]
    values: Floats


def indicators(group: FeatureGroup, names: Sequence[str], codes: Ints) -> FeatureBlock:
    """Block [N, k] with 1 in the column of each code [N], and 0 elsewhere; a negative code has no column."""
    values = np.zeros((len(codes), len(names)))
    rows = np.flatnonzero(codes >= 0)
    values[rows, codes[rows]] = 1.0
    return FeatureBlock(group, tuple(names), values)


def day_blocks(days: Ints, pairs: int) -> list[FeatureBlock]:
    """Blocks of days [D] since 1970-01-01: weekday, day of the month, month, position in the year."""
    months = days.astype("datetime64[D]").astype("datetime64[M]")
    number = months.astype(np.int64) % 12
    return [
        indicators(FeatureGroup.WEEKDAY, WEEKDAYS, weekdays(days)),
        _month_days(days, months),
        indicators(FeatureGroup.MONTH, MONTHS, number),
        _year(days, pairs),
    ]


def _month_days(days: Ints, months: np.ndarray) -> FeatureBlock:
    """Indicators of the first and last days of a month, and a wave of a month."""
    first, following = (first_days(months + k) for k in (0, 1))
    names = [
        *(f"day {k + 1} of month" for k in range(_MONTH_ENDS)),
        *(f"day -{k + 1} of month" for k in range(_MONTH_ENDS)),
    ]
    ends = [days - first == k for k in range(_MONTH_ENDS)] + [following - 1 - days == k for k in range(_MONTH_ENDS)]
    waves = fourier((days - first) / (following - first), 1)
    values = np.column_stack([*ends, *waves]).astype(np.float64)
    return FeatureBlock(FeatureGroup.MONTH_DAY, (*names, "month sin 1", "month cos 1"), values)


def _year(days: Ints, pairs: int) -> FeatureBlock:
    """Fourier terms of the position in the year."""
    years = days.astype("datetime64[D]").astype("datetime64[Y]")
    first, following = (first_days(years + k) for k in (0, 1))
    waves = fourier((days - first) / (following - first), pairs)
    names = tuple(f"year {wave} {k + 1}" for k in range(pairs) for wave in ("sin", "cos"))
    return FeatureBlock(FeatureGroup.YEAR, names, np.column_stack([*waves, np.zeros((len(days), 0))]))


def fourier(fraction: Floats, pairs: int) -> list[Floats]:
    """Sine and cosine [N] of 1 to `pairs` cycles at fractions [N] of a period."""
    angles = [2 * np.pi * (k + 1) * fraction for k in range(pairs)]
    return [wave(angle) for angle in angles for wave in (np.sin, np.cos)]


def first_days(periods: np.ndarray) -> Ints:
    """First days [N], since 1970-01-01, of months or years [N]."""
    return np.asarray(periods.astype("datetime64[D]").astype(np.int64), dtype=np.int64)


def month_days(days: Ints) -> Ints:
    """100 times the month and the day of the month of days [N]: 1225 is Christmas Day."""
    months = days.astype("datetime64[D]").astype("datetime64[M]")
    return np.asarray((months.astype(np.int64) % 12 + 1) * 100 + days - first_days(months) + 1, dtype=np.int64)
