"""The one source of now: the machine's clock, or one that stands still."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from lstmcast.clock import clock_at, fixed_time, reading_time, system_clock, time_at
from lstmcast.errors import UsageError


def test_the_machine_s_clock() -> None:
    """Without a text it is the time of this machine, in UTC."""
    before = datetime.now(UTC)
    now = clock_at(None)()
    assert before <= now <= datetime.now(UTC)
    assert now.tzinfo is UTC
    assert clock_at(None) is system_clock


@pytest.mark.parametrize(
    "text", ["2026-11-20T08:45Z", "2026-11-20 09:45+01:00", "2026-11-20T03:15:00-05:30", "20261120T084500+0000"]
)
def test_a_clock_that_stands_still(text: str) -> None:
    """Times in different zones are the same moment; the current time does not change within a run."""
    clock = clock_at(text)
    assert clock() == clock() == datetime(2026, 11, 20, 8, 45, tzinfo=UTC)
    assert clock().utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    "text", ["2026-11-20T08:45", "2026-11-20", "now", "", "2026-02-30T00:00Z", "9999-12-31T23:59-14:00"]
)
def test_what_is_no_moment_is_refused(text: str) -> None:
    """A time without a zone, a day that does not exist, words, and what lies beyond the calendar."""
    with pytest.raises(UsageError, match="must be an ISO 8601 time with a time zone"):
        clock_at(text)


def test_time_of_reading() -> None:
    """In the block it is the given time; after it, the current one."""
    now = time_at("2024-04-29T10:03+02:00", "--now", may_be_local=True)
    with fixed_time(now):
        assert reading_time() == now == datetime(2024, 4, 29, 8, 3, tzinfo=UTC)
    assert reading_time() > now


def test_local_time() -> None:
    """A time without a zone is in that of the machine, where this is allowed."""
    assert time_at("2024-04-29T10:03", "--now", may_be_local=True) == datetime(2024, 4, 29, 10, 3).astimezone()
    with pytest.raises(UsageError):
        time_at("soon", "--now", may_be_local=True)
