"""Current time, which `--now` can replace."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

from lstmcast.errors import UsageError

Clock = Callable[[], datetime]
"""Returns the current time, in UTC."""


def system_clock() -> datetime:
    """Current time of the system clock, in UTC."""
    return datetime.now(UTC)


_FIXED: ContextVar[datetime | None] = ContextVar("fixed_time", default=None)


def reading_time() -> datetime:
    """Time at which data are read, in UTC: that of `fixed_time`, else the current one."""
    return _FIXED.get() or system_clock()


@contextmanager
def fixed_time(now: datetime | None) -> Iterator[None]:
    """Read data in the block as if it were `now`, a time with a zone; None: the current time."""
    token = _FIXED.set(now)
    try:
        yield
    finally:
        _FIXED.reset(token)


def clock_at(text: str | None) -> Clock:
    """Create a clock fixed at an ISO 8601 time with a time zone, or return the system clock for None.

    Raises:
        UsageError: the text is not such a time.
    """
    if text is None:
        return system_clock
    now = time_at(text, "--now")
    return lambda: now


def time_at(text: str, flag: str, *, may_be_local: bool = False) -> datetime:
    """Parse the value of a flag, an ISO 8601 time, to UTC.

    Args:
        text: the value.
        flag: its name, for errors.
        may_be_local: a time without a time zone is in that of the machine; otherwise it is an error.

    Raises:
        UsageError: the text is not such a time.
    """
    zone = "" if may_be_local else " with a time zone"
    fault = f"{flag} {text}: must be an ISO 8601 time{zone}, such as 2026-11-20T08:45Z"
    try:
        parsed = datetime.fromisoformat(text)
        time = parsed.astimezone(UTC)
    except (ValueError, OverflowError) as err:
        raise UsageError(fault) from err
    if parsed.tzinfo is None and not may_be_local:
        raise UsageError(fault)
    return time
