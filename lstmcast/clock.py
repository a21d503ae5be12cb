"""Current time, which `--now` can replace."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from lstmcast.errors import UsageError

Clock = Callable[[], datetime]
"""Returns the current time, in UTC."""


def system_clock() -> datetime:
    """Current time of the system clock, in UTC."""
    return datetime.now(UTC)


def clock_at(text: str | None) -> Clock:
    """Create a clock fixed at an ISO 8601 time with a time zone, or return the system clock for None.

    Raises:
        UsageError: the text is not such a time.
    """
    if text is None:
        return system_clock
    now = time_at(text, "--now")
    return lambda: now


def time_at(text: str, flag: str) -> datetime:
    """Parse the value of a flag, an ISO 8601 time with a time zone, to UTC.

    Raises:
        UsageError: the text is not such a time.
    """
    fault = f"{flag} {text}: must be an ISO 8601 time with a time zone, such as 2026-11-20T08:45Z"
    try:
        parsed = datetime.fromisoformat(text)
        time = parsed.astimezone(UTC)
    except (ValueError, OverflowError) as err:
        raise UsageError(fault) from err
    if parsed.tzinfo is None:
        raise UsageError(fault)
    return time
