"""Years of whole weeks, divided into periods such as 4, 4 and 5 weeks (retail and fiscal calendars).

A year has 52 weeks. A 53rd one is added to its last period where the rule of the calendar requires it, such as a year
that begins on the Sunday nearest to 1 February.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any, Self

import numpy as np

from lstmcast.types import Ints

YEAR_DAYS, QUARTER_DAYS = 364, 91
_DIVISIONS: tuple[tuple[int, ...], ...] = (
    (4, 4, 5) * 4,
    (4, 5, 4) * 4,
    (5, 4, 4) * 4,
    (13,) * 4,
    (4,) * 13,
)  # weeks of the periods of a year
_FIRST_DAYS = (-3, -6, 0, -5, -4, -2, -1, 1, 2, 3, 4, 5, 6)  # days after the first of a month, the usual rules first


@dataclass(frozen=True)
class WeekYears:
    """Years of 52 or 53 weeks and their periods.

    Attributes:
        weeks: weeks of each period of a year of 52 weeks.
        origin: first day of a year, in days since 1970-01-01.
        month: month near whose first day a year begins, 1 to 12; 0 if all years have 52 weeks.
        first_day: days from the first of the month to the earliest day on which a year begins.
        long: years after the origin with 53 weeks, ascending, where no rule explains them.
    """

    weeks: tuple[int, ...]
    origin: int
    month: int = 0
    first_day: int = 0
    long: tuple[int, ...] = ()

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Build from JSON values."""
        return cls(**{**values, "weeks": tuple(values["weeks"]), "long": tuple(values["long"])})

    @property
    def size(self) -> int:
        """Periods of a year."""
        return len(self.weeks)

    @property
    def name(self) -> str:
        """Weeks of the periods, such as `4-4-5` for each quarter."""
        quarter = self.weeks[:3] if self.weeks == self.weeks[:3] * 4 else self.weeks
        return "-".join(map(str, quarter))

    def positions(self, days: Ints) -> Ints:
        """Periods [N] that contain days [N] since 1970-01-01."""
        years = (days - self.origin) // YEAR_DAYS if not self.month else _calendar_years(days) + 1
        for _ in range(3):
            years = years - (self._first_days(years) > days)
        elapsed = days - self._first_days(years)
        periods = np.searchsorted(7 * np.cumsum(self.weeks)[:-1], elapsed, side="right")
        return np.asarray(years * self.size + periods, dtype=np.int64)

    def days(self, positions: Ints) -> Ints:
        """First days [N] of periods [N], the inverse of `positions`."""
        before = np.concatenate([[0], np.cumsum(self.weeks)])
        years, periods = positions // self.size, positions % self.size
        return np.asarray(self._first_days(years) + 7 * before[periods], dtype=np.int64)

    def _first_days(self, years: Ints) -> Ints:
        """First days [N] of years [N], counted from the origin or from 1970."""
        if not self.month:
            return self.origin + YEAR_DAYS * years + 7 * np.searchsorted(self.long, years)
        months = (12 * years + self.month - 1).astype("datetime64[M]")
        earliest = months.astype("datetime64[D]").astype(np.int64) + self.first_day
        return np.asarray(earliest + (self.origin - earliest) % 7, dtype=np.int64)


def find_week_years(days: Ints, name: str | None = None) -> WeekYears | None:
    """Find the years of whole weeks whose periods begin on days [D], ascending; None if there are none.

    Years of 52 weeks are tried first, then rules for the 53rd week, then any years with a 53rd week.

    Args:
        days: distinct days since 1970-01-01.
        name: name of the periods; None for any.
    """
    sizes = np.diff(days)
    if len(days) < 4 or (sizes % 7).any() or sizes.min() < 28 or np.median(sizes) > 7 * 13:
        return None
    named = (years for years in _candidates(days) if name in {None, years.name})
    return next((years for years in named if np.array_equal(years.days(years.positions(days)), days)), None)


def _candidates(days: Ints) -> Iterator[WeekYears]:
    first = int(days[0])
    for before, weeks in product((0, 1, 2), _DIVISIONS[:3]):
        yield WeekYears(weeks, (first - 7 * sum(weeks[:before])) % QUARTER_DAYS)
    if days[-1] - first > YEAR_DAYS:
        for first_day, month, weeks in product(_FIRST_DAYS, range(1, 13), _DIVISIONS):
            yield WeekYears(weeks, first, month, first_day)
        for weeks in _DIVISIONS:
            yield from _with_long_years(days, weeks)


def _with_long_years(days: Ints, weeks: tuple[int, ...]) -> Iterator[WeekYears]:
    """Years of which some have a week more in their last period, by the lengths of all periods."""
    sizes, n = np.diff(days) // 7, len(weeks)
    for phase in range(n):
        periods = phase + np.arange(len(sizes))
        longer = np.flatnonzero(sizes - np.array(weeks)[periods % n])
        if len(longer) <= len(days) / (2 * n) and (periods[longer] % n == n - 1).all():
            yield WeekYears(weeks, int(days[0]) - 7 * sum(weeks[:phase]), long=tuple((periods[longer] // n).tolist()))


def _calendar_years(days: Ints) -> Ints:
    """Years [N] since 1970 of days [N]."""
    return days.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64)
