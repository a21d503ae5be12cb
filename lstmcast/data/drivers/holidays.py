"""Holidays and events by codes of regions, or files of events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from typing import Any, Self

import numpy as np

from lstmcast.data.drivers.holiday import Holiday
from lstmcast.text import pluralize, truncate_items
from lstmcast.types import Ints

YEARS_AHEAD = 5  # after the year of the last day
_EPOCH = date(1970, 1, 1)
_WEEKEND = (5, 6)  # Saturday and Sunday


@dataclass(frozen=True)
class Holidays:
    """Holidays and events.

    Attributes:
        codes: as requested: codes of regions such as `DE-BY`, or files of events.
        first_day, last_day: days since 1970-01-01 between which all holidays are known.
        entries: the N holidays, ascending; a day with two names has two.
        weekend: weekdays off, Monday = 0.
        workdays: days of weekends that are worked, ascending.
    """

    codes: tuple[str, ...]
    first_day: int
    last_day: int
    entries: tuple[Holiday, ...]
    weekend: tuple[int, ...] = _WEEKEND
    workdays: tuple[int, ...] = ()

    @property
    def days(self) -> Ints:
        """Days [N] since 1970-01-01, local."""
        return np.array([holiday.day for holiday in self.entries], dtype=np.int64)

    @property
    def names(self) -> tuple[str, ...]:
        """Names [N]."""
        return tuple(holiday.name for holiday in self.entries)

    @property
    def last_date(self) -> date:
        """Last day as a date."""
        return _date(self.last_day)

    @classmethod
    def load(cls, codes: Sequence[str], first_day: int, last_day: int) -> Self:
        """Load the holidays of data from `first_day` to `last_day`, and those of the next years.

        Args:
            codes: regions of the library `holidays` with their categories (`DE`, `AU-VIC`, `DE-BY:catholic`), markets
                (`XNYS`), or files of events (`date, name[, days_before, days_after, day_off]`).
            first_day, last_day: days since 1970-01-01.

        Raises:
            UsageError: a region is requested, and the library is not installed.
            ConfigError: an unknown region or category.
            DataError, FileError: a file of events that cannot be read.
        """
        from lstmcast.data.drivers.events import is_event_file, read_events
        from lstmcast.data.drivers.regions import find_region

        years = range(_date(first_day).year - 1, _date(last_day).year + YEARS_AHEAD + 1)
        regions = [find_region(code) for code in codes if not is_event_file(code)]
        found = [holiday for region in regions for holiday in region.holidays(years)]
        found += [holiday for code in codes if is_event_file(code) for holiday in read_events(code)]
        found = _with_sources(found)
        distinct = {(holiday.day, holiday.name): holiday for holiday in reversed(found)}
        return cls(
            codes=tuple(codes),
            first_day=_day(date(years[0], 1, 1)),
            last_day=_day(date(years[-1], 12, 31)),
            entries=tuple(sorted(distinct.values())),
            weekend=regions[0].weekend if regions else _WEEKEND,
            workdays=tuple(sorted({day for region in regions for day in region.workdays(years)})),
        )

    def extended(self, last_day: int) -> Self:
        """Return the holidays with those of later years, if they are not known until `last_day`.

        Those that are known do not change. See `load` for errors; files of events are not read.
        """
        from lstmcast.data.drivers.events import is_event_file

        if last_day <= self.last_day:
            return self
        regions = [code for code in self.codes if not is_event_file(code)]
        newer = type(self).load(regions, self.last_day, last_day)
        later = tuple(entry for entry in newer.entries if entry.day > self.last_day)
        workdays = self.workdays + tuple(day for day in newer.workdays if day > self.last_day)
        entries = tuple(sorted(self.entries + later))
        return replace(self, last_day=newer.last_day, entries=entries, workdays=workdays)

    def with_events(self, files: Sequence[str]) -> Self:
        """Return the holidays with the events of some of their files as they are now.

        Raises:
            DataError, FileError: a file that cannot be read.
        """
        from lstmcast.data.drivers.events import read_events

        apart = {entry.name for entry in self.entries}
        found = [entry for file in files for entry in read_events(file)]
        longer = [(entry, f"{entry.name} ({entry.source})") for entry in found]
        newest = {replace(entry, name=name) if name in apart else entry for entry, name in longer}
        kept = {entry for entry in self.entries if entry.source not in files}
        return replace(self, entries=tuple(sorted(kept | newest)))

    def summary(self, first_day: int, last_day: int) -> str:
        """Describe the holidays of data from `first_day` to `last_day`: `12 holidays a year (Epiphany, …)`."""
        inside = [entry for entry in self.entries if first_day <= entry.day <= last_day]
        off = [entry for entry in inside if entry.is_off]
        events = [entry for entry in inside if not entry.is_off]
        years = max((last_day - first_day + 1) / 365.25, 1.0)
        parts = [f"{round(len({entry.day for entry in off}) / years)} holidays a year ({_names(off)})"] if off else []
        if len(self.entries) > sum(entry.is_off for entry in self.entries):
            later = sum(entry.day > last_day and not entry.is_off for entry in self.entries)
            named = f" ({_names(events)})" if events else ""
            parts.append(f"{pluralize(len(events), 'event')}{named} and {later} after the data")
        return "; ".join(parts) or "no holidays within the data"

    def to_dict(self) -> dict[str, object]:
        """JSON values; the days of a name are one list of dates as `2024-12-25`."""
        groups: dict[Holiday, list[str]] = {}
        for entry in self.entries:
            groups.setdefault(replace(entry, day=0), []).append(_text(entry.day))
        entries = [{**asdict(common), "day": days} for common, days in groups.items()]
        days = {"first_day": _text(self.first_day), "last_day": _text(self.last_day)}
        lists = {"weekend": list(self.weekend), "workdays": list(map(_text, self.workdays))}
        return {"codes": list(self.codes), **days, **lists, "entries": entries}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`."""
        entries = [
            Holiday(**{**common, "day": _from_text(day)}) for common in values["entries"] for day in common["day"]
        ]
        return cls(
            codes=tuple(values["codes"]),
            first_day=_from_text(values["first_day"]),
            last_day=_from_text(values["last_day"]),
            entries=tuple(sorted(entries)),
            weekend=tuple(values["weekend"]),
            workdays=tuple(map(_from_text, values["workdays"])),
        )


def _with_sources(found: Sequence[Holiday]) -> list[Holiday]:
    """Add its source to each name that has no day in common with that name elsewhere: `Labor Day (US)`."""
    days: dict[tuple[str, str], set[int]] = {}
    for holiday in found:
        days.setdefault((holiday.name, holiday.source), set()).add(holiday.day)
    apart = {
        (name, source)
        for (name, source), own in days.items()
        if any(name == other[0] and own.isdisjoint(elsewhere) for other, elsewhere in days.items())
    }
    named = ((entry, f"{entry.name} ({entry.source})") for entry in found)
    return [replace(entry, name=name) if (entry.name, entry.source) in apart else entry for entry, name in named]


def _names(entries: Sequence[Holiday]) -> str:
    """Names in the order of their first day."""
    distinct = list(dict.fromkeys(entry.name for entry in entries))
    return truncate_items(distinct, len(distinct))


def _date(day: int) -> date:
    return _EPOCH + timedelta(days=day)


def _day(day: date) -> int:
    return (day - _EPOCH).days


def _text(day: int) -> str:
    return _date(day).isoformat()


def _from_text(text: str) -> int:
    return _day(date.fromisoformat(text))
