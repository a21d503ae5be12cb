"""Plain values as SQLite keeps them, and back."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import numpy as np

from lstmcast.store.ledger_records import Floats, Ints

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
MAX_TIME_US = 2**62  # µs: later than every time


def micros(when: datetime) -> int:
    """Microseconds since 1970 in UTC."""
    return (when - EPOCH) // MICROSECOND


def moment(when: int) -> datetime:
    """The inverse of `micros`."""
    return EPOCH + when * MICROSECOND


def span(since: datetime | None, until: datetime | None) -> tuple[int, int]:
    """The first and last microsecond of a stretch of time; None: without end."""
    return -MAX_TIME_US if since is None else micros(since), MAX_TIME_US if until is None else micros(until)


def text(value: object) -> str:
    """JSON, the same for the same value."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, allow_nan=False)


def floats(content: bytes) -> Floats:
    """The numbers of a blob, flat."""
    return np.frombuffer(content, dtype="<f8").astype(np.float64)


def ints(content: bytes) -> Ints:
    """The whole numbers of a blob, flat."""
    return np.frombuffer(content, dtype="<i8").astype(np.int64)


def blob(array: Floats | Ints) -> bytes:
    """An array's numbers, little-endian, without its shape."""
    return np.ascontiguousarray(array, dtype="<i8" if array.dtype.kind == "i" else "<f8").tobytes()
