"""Records of the ledger, and their conversion to and from SQLite values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import numpy as np

from lstmcast.data.calendar import Calendar
from lstmcast.data.schema import Columns
from lstmcast.types import Floats, Ints

Key = tuple[str, ...]


class ForecastArrays(Protocol):
    """What can be recorded: the arrays of a forecast of S series, H steps ahead, with Q intervals."""

    @property
    def keys(self) -> tuple[Key, ...]:
        """S keys."""

    @property
    def origins(self) -> Ints:
        """[S] position on the calendar of each series' last known step."""

    @property
    def values(self) -> Floats:
        """[S, H] the forecast."""

    @property
    def levels(self) -> tuple[float, ...]:
        """[Q] in percent."""

    @property
    def lower(self) -> Floats:
        """[Q, S, H] the lower bounds."""

    @property
    def upper(self) -> Floats:
        """[Q, S, H] the upper bounds."""

    @property
    def model_names(self) -> tuple[str, ...]:
        """[S] the model of each series; empty: that of the run."""


@dataclass(frozen=True)
class RunRecord:
    """One run: what was forecast when, by what, from what.

    Attributes:
        run_key: names data, config and model together: the same key, the same forecast.
        created_at: when, with a time zone.
        version: the model's version; empty where none was used.
        config_digest: of the configuration.
        data_digest: of the data.
        model: `lstmcast`, `seasonal_naive`, or `mixed`.
        status: how the run ended.
        output: the file that was written; empty: none.
        output_digest: sha256 of its bytes.
        details: what else is to be kept, as JSON can say it.
        number: counts the entries of a ledger from 1; 0 until it is recorded.
    """

    run_key: str
    created_at: datetime
    version: str
    config_digest: str
    data_digest: str
    model: str = "lstmcast"
    status: str = "done"
    output: str = ""
    output_digest: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)
    number: int = 0


@dataclass(frozen=True)
class RetrainRecord:
    """A challenger held against the incumbent.

    Attributes:
        created_at: when, with a time zone.
        challenger: the version that was fitted; empty where it was not kept.
        incumbent: the version it was to replace; empty: there was none.
        accepted: whether the challenger became the current one.
        reason: why it was fitted, and why it was taken or not.
        figures: scores of both, as JSON can say them.
    """

    created_at: datetime
    challenger: str
    incumbent: str
    accepted: bool
    reason: str = ""
    figures: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class RecordedForecast:
    """What an entry forecast: S series, H steps, Q levels.

    Attributes:
        run: the number of the run.
        series: [S] the numbers of the series in the ledger.
        model_names: [S] the model of each series, `lstmcast` or `seasonal_naive`.
        origins: [S] the last known step of each series, on the calendar.
        levels: [Q] in percent.
        values, naive: [S, H] the forecast, and the seasonal naive one from the same origins.
        lower, upper: [Q, S, H] the bounds as they were before they were widened.
        factors: [Q, S, H] by how much each was widened (see `widened` in `calibration/adaptive_conformal.py`).
    """

    run: int
    series: Ints
    model_names: tuple[str, ...]
    origins: Ints
    levels: tuple[float, ...]
    values: Floats
    naive: Floats
    lower: Floats
    upper: Floats
    factors: Floats


@dataclass(frozen=True)
class PanelInfo:
    """The data at one time, without their values.

    Attributes:
        number: of the panel in the ledger.
        first_seen_at: when, in UTC.
        columns, calendar: of the data.
        keys: S keys.
        series: [S] the numbers of the series in the ledger.
        starts, ends: [S] the first and the last step of each series, on the calendar.
    """

    number: int
    first_seen_at: datetime
    columns: Columns
    calendar: Calendar
    keys: tuple[Key, ...]
    series: Ints
    starts: Ints
    ends: Ints


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
