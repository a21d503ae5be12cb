"""Features of holidays and events: a column for each name, and columns of groups towards which rare names shrink."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from lstmcast.data.drivers.holiday import Holiday
from lstmcast.data.drivers.holidays import Holidays
from lstmcast.data.time.text.formats import weekdays
from lstmcast.preprocessing.day_features import FeatureBlock, FeatureGroup, month_days
from lstmcast.types import Bools, Ints

_WEEKEND = (5, 6)
_RUN_UP = 7  # least days before and after a holiday that matter to weeks and months
_CHRISTMAS, _END_OF_YEAR = 1225, (1224, 1231)  # 100 × month + day
_MAX_FIXED = 4  # ways to fall on months of a fixed feast, those of days on which it is observed included
_FAR = 999  # more than the days of any window
_Named = tuple[str, int, str]  # name, offset and remark, which sort the columns


@dataclass(frozen=True)
class DayTypes:
    """Types of days [D].

    Attributes:
        weekend: true for weekends that are not worked.
        off: true for holidays on any weekday.
        last: true for the last day of a weekend, such as Sunday.
    """

    weekend: Bools
    off: Bools
    last: Bools

    @classmethod
    def of(cls, days: Ints, holidays: Holidays | None) -> DayTypes:
        """Classify days [D] since 1970-01-01."""
        weekend = holidays.weekend if holidays else _WEEKEND
        weekday, worked = weekdays(days), np.isin(days, holidays.workdays if holidays else ())
        last = [day for day in weekend if (day + 1) % 7 not in weekend]
        off = [entry.day for entry in holidays.entries if entry.is_off] if holidays else []
        return cls(np.isin(weekday, weekend) & ~worked, np.isin(days, off), np.isin(weekday, last) & ~worked)

    def take(self, rows: Ints) -> DayTypes:
        """Types of the days of rows [P]."""
        return DayTypes(self.weekend[rows], self.off[rows], self.last[rows])

    @property
    def holiday(self) -> Bools:
        """[D] true for holidays on days that are worked otherwise."""
        return self.off & ~self.weekend

    @property
    def working(self) -> Bools:
        """[D] true for days that are worked."""
        return ~self.off & ~self.weekend

    @property
    def like_saturday(self) -> Bools:
        """[D] true for the other days of a weekend."""
        return self.weekend & ~self.last

    @property
    def like_sunday(self) -> Bools:
        """[D] true for days of the shape of a Sunday."""
        return self.last | self.holiday


def group_block(days: Ints, holidays: Holidays) -> FeatureBlock:
    """Indicators of groups on consecutive days [D]: holidays, days around them, bridge days, events."""
    around = DayTypes.of(np.arange(days[0] - 1, days[-1] + 2), holidays)
    types = around.take(np.arange(1, len(days) + 1))
    off, free = around.holiday, around.off | around.weekend
    date = month_days(days)
    named = {
        "holiday": types.holiday,
        "holiday on a weekend": types.off & types.weekend,
        "Sunday or holiday": types.like_sunday,
        "day before a holiday": types.working & off[2:],
        "day after a holiday": types.working & off[:-2],
        "bridge day": types.working & free[:-2] & free[2:] & (off[:-2] | off[2:]),
        "end of year": types.working & (date >= _END_OF_YEAR[0]) & (date <= _END_OF_YEAR[1]),
        "working weekend": np.isin(days, holidays.workdays),
        "event": np.isin(days, [entry.day for entry in holidays.entries if not entry.is_off]),
    }
    kept = [name for name in named if name not in _absent(holidays)]
    values = np.array([named[name] for name in kept], dtype=np.float64).reshape(len(kept), len(days))
    return FeatureBlock(FeatureGroup.HOLIDAY_GROUP, tuple(kept), values.T)


def _absent(holidays: Holidays) -> set[str]:
    """Names of groups that these holidays do not have."""
    off = np.array([entry.day for entry in holidays.entries if entry.is_off], dtype=np.int64)
    around = {"day before a holiday", "day after a holiday", "bridge day", "Sunday or holiday"}
    absent = set() if len(off) else {"holiday", "holiday on a weekend", *around}
    absent |= set() if (month_days(off) == _CHRISTMAS).any() else {"end of year"}
    absent |= set() if holidays.workdays else {"working weekend"}
    return absent | (set() if len(off) < len(holidays.entries) else {"event"})


def name_block(days: Ints, holidays: Holidays) -> FeatureBlock:
    """Indicators of holidays by name, and of the days of their windows, on consecutive days [D].

    A holiday that falls on a weekend has a column of its own, unless it always does. A day of a window that is a
    holiday itself does not count. A window of several days has a column for all of them too.
    """
    return _scattered(days, list(_day_names(holidays)))


def _day_names(holidays: Holidays) -> Iterator[tuple[_Named, int]]:
    """Columns of holidays and their windows, each with a day."""
    days = holidays.days
    weekend = DayTypes.of(days, holidays).weekend
    off = {entry.day for entry in holidays.entries if entry.is_off}
    weekly = {entry.name for entry, on in zip(holidays.entries, weekend, strict=True) if not on}
    for entry, on in zip(holidays.entries, weekend, strict=True):
        for offset in range(-entry.before, entry.after + 1):
            day = entry.day + offset
            if offset == 0:
                yield (entry.name, 0, " (weekend)" if on and entry.name in weekly else ""), day
            elif day not in off:
                yield (entry.name, offset, f" {offset:+d}"), day
                if (entry.before if offset < 0 else entry.after) > 1:
                    yield _side(entry.name, offset), day


def _side(name: str, offset: int) -> _Named:
    """Column of all days before or after a holiday."""
    return (name, -_FAR, ", days before") if offset < 0 else (name, _FAR, ", days after")


def run_up_block(days: Ints, holidays: Holidays, *, by_month: bool) -> FeatureBlock:
    """Indicators of holidays by name, and of a week or more before and after each, on consecutive days [D].

    Args:
        by_month: leave out days before and after that are the same days of a month every year: those of Easter stay.
    """
    entries = holidays.entries
    ahead = [range(-max(entry.before, _RUN_UP), 0) for entry in entries]
    behind = [range(1, max(entry.after, _RUN_UP) + 1) for entry in entries]
    keyed = [((entry.name, 0, ""), entry.day) for entry in entries]
    for windows in (ahead, behind):
        kept = _crossing(entries, windows) if by_month else set(holidays.names)
        for entry, window in zip(entries, windows, strict=True):
            if entry.name in kept:
                keyed += [(_side(entry.name, offset), entry.day + offset) for offset in window]
    return _scattered(days, keyed)


def _crossing(entries: Sequence[Holiday], windows: Sequence[range]) -> set[str]:
    """Names whose windows, in days from the holiday, fall on months in many ways."""
    seen = set()
    for entry, window in zip(entries, windows, strict=True):
        months = month_days(entry.day + np.array(window)) // 100
        seen.add((entry.name, tuple(np.bincount(months, minlength=13))))
    names = [name for name, _ in seen]
    return {name for name in names if names.count(name) > _MAX_FIXED}


def _scattered(days: Ints, keyed: Sequence[tuple[_Named, int]]) -> FeatureBlock:
    """Block [D, k] of consecutive days [D] with 1 on each day of a column."""
    columns = {key: k for k, key in enumerate(sorted({key for key, _ in keyed}))}
    values = np.zeros((len(days), len(columns)))
    rows = np.array([day for _, day in keyed], dtype=np.int64) - days[0]
    codes = np.array([columns[key] for key, _ in keyed], dtype=np.int64)
    inside = (rows >= 0) & (rows < len(days))
    values[rows[inside], codes[inside]] = 1.0
    return FeatureBlock(FeatureGroup.HOLIDAY, tuple(f"{name}{remark}" for name, _, remark in columns), values)
