"""Newest steps that are not over by the clock."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np

from lstmcast.data.schema import DataNote, NoteCode
from lstmcast.data.time.calendar import Calendar
from lstmcast.data.time.zones import DAY, SECOND, to_wall
from lstmcast.types import Bools, Ints

_EPOCH = datetime(1970, 1, 1)
_WEEK = 7 * DAY
_NEAR = np.arange(-2, 3)  # steps around the current one
_ENDS_OF_WEEKS = (1, 2)  # Friday and Saturday, in days since 1970-01-01, a Thursday


def unfinished_rows(
    calendar: Calendar, stamps: Ints, groups: Ints, observed: Bools | None, now: datetime, zone: str | None
) -> Bools | None:
    """[N] true for rows with a value in the newest step of their series, if it is not over; None if there are none.

    A step covers the time from its label to that of the next one. Months, quarters, years and weeks that are labeled by
    their last day end with that day. Counted steps never end by the clock.

    Args:
        calendar: of the rows.
        stamps: [N] times of the rows.
        groups: [N] index of the series.
        observed: [N] true for rows with a value; None if all have one.
        now: the time, with a zone.
        zone: the zone of times without one; None: that of the machine.
    """
    if calendar.kind == "counter" or not stamps.size:
        return None
    moment = _clock_of(calendar, now, zone)
    near = calendar.positions(np.array([moment])) + _NEAR
    is_late = stamps >= calendar.stamps(near)[0]
    if observed is not None:
        is_late &= observed
    late = np.flatnonzero(is_late)
    positions = calendar.positions(stamps[late])
    current = _current(calendar, near, moment, by_end=_is_labeled_by_end(calendar, stamps[late], positions, moment))
    ahead = np.unique(groups[late[positions > current]])
    dropped = late[(positions == current) & ~np.isin(groups[late], ahead)]
    if not len(dropped):
        return None
    rows = np.zeros(stamps.shape, dtype=np.bool_)
    rows[dropped] = True
    return rows


def unfinished_note(calendar: Calendar, stamps: Ints, groups: Ints, now: datetime, zone: str | None) -> DataNote:
    """Describe rows that are left out, with times and series [N]; `now` and `zone` as in `unfinished_rows`."""
    (step,) = calendar.text(calendar.positions(stamps[:1]))
    moment = np.array([_clock_of(calendar, now, zone)])
    clock = str(to_wall(moment, calendar.timezone).astype("datetime64[us]").astype("datetime64[m]")[0])
    number = len(np.unique(groups))
    of = f" of {number} series" if number > 1 else ""
    reason = f"is not over (now: {clock.replace('T', ' ')})"
    text = f"the newest step{of}, {step}, {reason}: left out; data.unfinished: keep uses it"
    return DataNote(NoteCode.UNFINISHED_STEP, text)


def _clock_of(calendar: Calendar, now: datetime, zone: str | None) -> int:
    """Return a time as the calendar counts it: UTC, or where its times have no zone, the clock of `zone`."""
    if calendar.timezone or zone:
        moment = _microseconds(now.astimezone(UTC))
        return moment if calendar.timezone else int(to_wall(np.array([moment]), zone)[0])
    return _microseconds(_local(now))


def _microseconds(time: datetime) -> int:
    """Microseconds of a wall time since 1970-01-01."""
    since = time.replace(tzinfo=None) - _EPOCH
    return (since.days * 86_400 + since.seconds) * SECOND + since.microseconds


def _local(now: datetime) -> datetime:
    """A time in the zone of the machine."""
    return now.astimezone()


def _current(calendar: Calendar, near: Ints, now: int, *, by_end: bool) -> int:
    """Position of the step at a time, among `near`; below all of them if that step is closed."""
    if by_end:
        days = calendar.grid.times(near) // DAY
        inside = days >= to_wall(np.array([now]), calendar.timezone) // DAY
        return int(near[inside][0])
    inside = (calendar.stamps(near) <= now) & (now < calendar.ends(near))
    return int(near[inside][-1]) if inside.any() else int(near[0]) - 1


def _is_labeled_by_end(calendar: Calendar, stamps: Ints, positions: Ints, now: int) -> bool:
    """True if the labels are the last days of steps: of months by the calendar, and of weeks by their rows.

    Weeks are, if rows lie between labels, if the newest label is in the future, or if it is a Friday or a Saturday.

    Args:
        calendar: of the rows.
        stamps: [N] times of the newest rows.
        positions: [N] their positions.
        now: the time on the clock of the data.
    """
    grid = calendar.grid
    if grid.kind == "month":
        return grid.anchor in {"E", "BE"}
    if not (grid.kind == "fixed" and grid.step % _WEEK == 0 and len(stamps)):
        return False
    newest = calendar.stamps(positions.max(keepdims=True))
    weekday = int(grid.times(positions[:1])[0] // DAY % 7)
    is_near = now < newest[0] < now + grid.step
    return bool(is_near or weekday in _ENDS_OF_WEEKS or calendar.is_between(stamps, positions).any())
