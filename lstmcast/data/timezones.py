"""Time zones, vectorised: instants in UTC to what a clock on the wall shows, and back.

A zone is a name of the IANA database (`Europe/Paris`) or a fixed offset (`UTC+02:00`). Instants and wall times are
int64 microseconds since 1970-01-01.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

import numpy as np

from lstmcast.errors import ConfigError
from lstmcast.types import Bools, Ints

SECOND = 1_000_000
DAY = 86_400 * SECOND

_FIXED = re.compile(r"(?:UTC|GMT)(?:([+-])(\d{2}):(\d{2}))?")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_DAY, _LAST_DAY = -719_161, 2_932_895  # 0001-01-02 and 9999-12-30: a day's room for any offset


@dataclass(frozen=True)
class LocalizedTimes:
    """Wall times of one zone as instants, each read both ways where the clock is turned.

    Attributes:
        early: [N] the instant before the clock is turned (the usual reading).
        late: [N] the instant after it; equal to `early` but for the hours below.
        doubled: [N] the clock showed this time twice (autumn).
        skipped: [N] the clock never showed this time (spring).
    """

    early: Ints
    late: Ints
    doubled: Bools
    skipped: Bools


def fixed_name(minutes: int) -> str:
    """The name of a fixed offset from UTC, e.g. 120 → `UTC+02:00` and 0 → `UTC`."""
    sign = "-" if minutes < 0 else "+"
    return f"UTC{sign}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}" if minutes else "UTC"


def check_zone(name: str) -> None:
    """Refuse a name that is no time zone.

    Raises:
        ConfigError: naming `data.timezone`, what was received and the nearest name.
    """
    if _FIXED.fullmatch(name):
        return
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as err:
        close = difflib.get_close_matches(name, sorted(available_timezones()), n=1, cutoff=0.5)
        hint = f"did you mean '{close[0]}'?" if close else "e.g. 'Europe/Paris' or 'UTC'"
        raise ConfigError(f"data.timezone: must be a zone of the IANA database (got '{name}'); {hint}") from err


def has_single_time_of_day(wall: Ints) -> bool:
    """Whether wall times are dates: all at midnight, or all at one other time of day."""
    return bool(np.all(wall % DAY == wall[:1] % DAY))


def to_wall(instants: Ints, zone: str | None) -> Ints:
    """What the clock on the wall shows.

    Args:
        instants: [N] microseconds UTC.
        zone: the zone; None where times carry none, and are wall times already.

    Returns:
        [N] wall times.
    """
    if zone is None or not instants.size:
        return instants
    turns, offsets = _dst_transitions(zone, instants)
    return np.asarray(instants + offsets[np.searchsorted(turns, instants, side="right")], dtype=np.int64)


def from_wall(wall: Ints, zone: str | None) -> LocalizedTimes:
    """The instants at which the clock on the wall shows these times.

    Args:
        wall: [N] wall times.
        zone: the zone; None where times carry none.

    Returns:
        Both readings of each time. A time that the clock skips is read with the offset before the turn, and so
        lands as far after it as the clock was put forward.
    """
    if zone is None or not wall.size:
        none = np.zeros(wall.shape, dtype=np.bool_)
        return LocalizedTimes(wall, wall, none, none)
    turns, offsets = _dst_transitions(zone, wall)
    before, after = offsets[:-1], offsets[1:]
    early = offsets[np.searchsorted(turns + np.maximum(before, after), wall, side="right")]
    late = offsets[np.searchsorted(turns + np.minimum(before, after), wall, side="right")]
    return LocalizedTimes(wall - early, wall - late, doubled=early > late, skipped=early < late)


def _dst_transitions(zone: str, around: Ints) -> tuple[Ints, Ints]:
    """The instants [K] at which the zone's offset changes near the given times, and the offsets [K+1] between them."""
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
    """Look at the offset once a day from day `first` to `last`, and close in on each change to the second."""
    info = ZoneInfo(zone)
    days = np.clip(np.arange(first, last + 1), _FIRST_DAY, _LAST_DAY)
    offsets = np.array([_offset(info, int(day) * 86_400) for day in days], dtype=np.int64)
    changed = np.flatnonzero(np.diff(offsets))
    turns = [_close_in(info, int(days[i]) * 86_400, int(days[i + 1]) * 86_400) for i in changed]
    kept = np.concatenate([offsets[changed], offsets[-1:]])
    return np.array(turns, dtype=np.int64) * SECOND, kept * SECOND


def _close_in(info: ZoneInfo, low: int, high: int) -> int:
    """The first second UTC after `low` with the offset that holds at `high`, by bisection."""
    target = _offset(info, high)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _offset(info, middle) == target else (middle, high)
    return high


def _offset(info: ZoneInfo, second: int) -> int:
    """The zone's offset in seconds at a second UTC."""
    offset = (_EPOCH + timedelta(seconds=second)).astimezone(info).utcoffset()
    return round(offset.total_seconds()) if offset is not None else 0
