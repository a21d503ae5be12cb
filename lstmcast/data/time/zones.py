"""Vectorized conversion between instants in UTC and wall times.

A zone is a name of the IANA database (`Europe/Paris`) or a fixed offset (`UTC+02:00`). Instants and wall times are
int64 microseconds since 1970-01-01.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

import numpy as np

from lstmcast.errors import ConfigError, Fix
from lstmcast.types import Bools, Ints

SECOND = 1_000_000
DAY = 86_400 * SECOND

CHANGING_ZONES = (  # whose changes explain hours that are missing or repeated
    "Europe/Berlin", "Europe/London", "America/New_York", "Europe/Athens", "Australia/Sydney", "Pacific/Auckland",
    "America/Santiago", "Asia/Jerusalem",
)  # fmt: skip

_FIXED = re.compile(r"(?:UTC|GMT)(?:([+-])(\d{2}):(\d{2}))?")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CLOCK_DAYS = (16_436, 24_836)  # 2015-01-01 and 2037-12-31
_MAX_UNSEEN = 31 * DAY  # between two times with different offsets
_ZONES = (  # of the rules for clock changes in use, the most common first
    "Europe/Berlin", "Europe/London", "America/New_York", "America/Chicago", "America/Los_Angeles", "America/Denver",
    "Europe/Athens", "Australia/Sydney", "Pacific/Auckland", "America/Halifax", "Australia/Adelaide",
    "America/St_Johns",
    "America/Anchorage", "America/Santiago", "Asia/Jerusalem", "Atlantic/Azores", "Africa/Cairo", "Asia/Beirut",
    "America/Havana", "America/Asuncion", "Europe/Chisinau", "Australia/Lord_Howe", "Pacific/Chatham",
    "America/Sao_Paulo", "Europe/Moscow", "Europe/Istanbul", "Asia/Tehran", "America/Mexico_City",
)  # fmt: skip
_FIRST_DAY, _LAST_DAY = -719_161, 2_932_895  # 0001-01-02 and 9999-12-30, a day from the limits


@dataclass(frozen=True)
class LocalizedTimes:
    """Wall times of a zone as instants.

    Attributes:
        early, late: [N] instants by the offset before and after a clock change; equal for unambiguous times.
        doubled: [N] true for times that occur twice (autumn).
        skipped: [N] true for times that do not occur (spring).
    """

    early: Ints
    late: Ints
    doubled: Bools
    skipped: Bools


def fixed_name(minutes: int) -> str:
    """Name of a fixed offset from UTC: 120 → `UTC+02:00` and 0 → `UTC`."""
    sign = "-" if minutes < 0 else "+"
    return f"UTC{sign}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}" if minutes else "UTC"


def check_zone(name: str) -> None:
    """Raise ConfigError for a name that is not a time zone."""
    if _FIXED.fullmatch(name):
        return
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as err:
        close = difflib.get_close_matches(name, sorted(available_timezones()), n=1, cutoff=0.5)
        hint = f"did you mean '{close[0]}'?" if close else "e.g. 'Europe/Paris' or 'UTC'"
        raise ConfigError(f"data.timezone: must be a zone of the IANA database (got '{name}'); {hint}") from err


def has_single_time_of_day(wall: Ints) -> bool:
    """True if all wall times have the same time of day."""
    return bool(np.all(wall % DAY == wall[:1] % DAY))


def to_wall(instants: Ints, zone: str | None) -> Ints:
    """Convert instants [N] to wall times [N]; times without a zone are wall times already."""
    if zone is None or not instants.size:
        return instants
    turns, offsets = _dst_transitions(zone, instants)
    return np.asarray(instants + offsets[np.searchsorted(turns, instants, side="right")], dtype=np.int64)


def changes_clock(zone: str | None) -> bool:
    """True if the clock of a zone changes between 2015 and 2037."""
    return zone is not None and not _FIXED.fullmatch(zone) and len(_scan(zone, *_CLOCK_DAYS)[0]) > 0


def zone_of_offsets(instants: Ints, offsets: Ints) -> str | None:
    """Zone whose clock has these offsets [N] in microseconds at instants [N], or None.

    The times must show a change to within a month.
    """
    order = np.argsort(instants, kind="stable")
    instants, offsets = instants[order], offsets[order]
    changes = np.diff(instants)[np.diff(offsets) != 0]
    if not changes.size or changes.min() > _MAX_UNSEEN:
        return None
    zones = (zone for zone in _ZONES if np.array_equal(to_wall(instants, zone) - instants, offsets))
    return next(zones, None)


def from_wall(wall: Ints, zone: str | None) -> LocalizedTimes:
    """Convert wall times [N] to instants; skipped times use the offset before the clock change."""
    if zone is None or not wall.size:
        none = np.zeros(wall.shape, dtype=np.bool_)
        return LocalizedTimes(wall, wall, none, none)
    turns, offsets = _dst_transitions(zone, wall)
    before, after = offsets[:-1], offsets[1:]
    early = offsets[np.searchsorted(turns + np.maximum(before, after), wall, side="right")]
    late = offsets[np.searchsorted(turns + np.minimum(before, after), wall, side="right")]
    return LocalizedTimes(wall - early, wall - late, doubled=early > late, skipped=early < late)


def zone_fixes(wall: Ints, skipped: Ints, doubled: Ints) -> Iterator[Fix]:
    """Yield the first zone that skips and doubles the given wall times, and skips no other ones of `wall` [N]."""
    for zone in CHANGING_ZONES:
        if _explains(zone, wall, skipped, doubled):
            yield Fix(f"data.timezone={zone}", "use its clock changes, or another zone with the same ones")
            return


def _explains(zone: str, wall: Ints, skipped: Ints, doubled: Ints) -> bool:
    explained = from_wall(skipped, zone).skipped.all() and from_wall(doubled, zone).doubled.all()
    return bool(explained and not from_wall(np.asarray(wall), zone).skipped.any())


def _dst_transitions(zone: str, around: Ints) -> tuple[Ints, Ints]:
    """Instants [K] at which the offset changes near the given times, and the offsets [K+1] between them."""
    if match := _FIXED.fullmatch(zone):
        sign, hours, minutes = match.groups(default="0")
        offset = (int(hours) * 60 + int(minutes)) * 60 * SECOND * (-1 if sign == "-" else 1)
        return np.empty(0, dtype=np.int64), np.array([offset], dtype=np.int64)
    first, last = (
        int(day) for day in np.clip([around.min() // DAY - 2, around.max() // DAY + 2], _FIRST_DAY, _LAST_DAY)
    )
    return _scan(zone, first - first % 512, last + 512 - last % 512)


@lru_cache(maxsize=64)
def _scan(zone: str, first: int, last: int) -> tuple[Ints, Ints]:
    """Find the offset changes from day `first` to `last`, to the second."""
    info = ZoneInfo(zone)
    days = np.clip(np.arange(first, last + 1), _FIRST_DAY, _LAST_DAY)
    offsets = np.array([_offset(info, int(day) * 86_400) for day in days], dtype=np.int64)
    changed = np.flatnonzero(np.diff(offsets))
    turns = [_bisect_change(info, int(days[i]) * 86_400, int(days[i + 1]) * 86_400) for i in changed]
    kept = np.concatenate([offsets[changed], offsets[-1:]])
    return np.array(turns, dtype=np.int64) * SECOND, kept * SECOND


def _bisect_change(info: ZoneInfo, low: int, high: int) -> int:
    """First second UTC after `low` with the offset at `high`, by bisection."""
    target = _offset(info, high)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _offset(info, middle) == target else (middle, high)
    return high


def _offset(info: ZoneInfo, second: int) -> int:
    """Offset of the zone in seconds at a second UTC."""
    offset = (_EPOCH + timedelta(seconds=second)).astimezone(info).utcoffset()
    return round(offset.total_seconds()) if offset is not None else 0
