"""What time it is: the one source of "now", so that a rehearsal can say another."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from lstmcast.errors import UsageError

Clock = Callable[[], datetime]
"""Now, in UTC and with its zone."""


def system_clock() -> datetime:
    """Now, by the clock of this machine."""
    return datetime.now(UTC)


def clock_at(text: str | None) -> Clock:
    """A clock that stands still at a time, or the machine's own.

    Args:
        text: an ISO 8601 time with its zone (`2026-11-20T08:45Z`, `2026-11-20 09:45+01:00`); None: the machine's clock.

    Raises:
        UsageError: not such a time.
    """
    if text is None:
        return system_clock
    now = time_at(text, "--now")
    return lambda: now


def time_at(text: str, flag: str) -> datetime:
    """An ISO 8601 time with its zone, in UTC.

    Args:
        text: the time.
        flag: that it was given with, for messages.

    Raises:
        UsageError: not such a time.
    """
    fault = f"{flag} {text}: must be an ISO 8601 time with its zone, such as 2026-11-20T08:45Z"
    try:
        parsed = datetime.fromisoformat(text)
        when = parsed.astimezone(UTC)
    except (ValueError, OverflowError) as err:
        raise UsageError(fault) from err
    if parsed.tzinfo is None:
        raise UsageError(fault)
    return when
