"""Records of the ledger, and their conversion to and from SQLite values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import numpy as np

from lstmcast.data.drivers.holidays import Holidays
from lstmcast.data.schema import Columns
from lstmcast.data.time.calendar import Calendar
from lstmcast.types import Floats, Ints

Key = tuple[str, ...]


class ForecastArrays(Protocol):
    """The arrays of a forecast to record: S series, H steps ahead, Q intervals."""

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
    def symbols(self) -> tuple[str, ...]:
        """[V] the symbols, of which the values are codes; empty for numbers."""

    @property
    def probabilities(self) -> Floats:
        """[S, H] of the symbols; [S, 0] for numbers."""

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
    """One run.

    Attributes:
        run_key: identifies data, config and models: equal keys mean equal forecasts.
        created_at: the time, with a zone.
        version: of the model; empty without one.
        config_digest: of the configuration.
        data_digest: of the data.
        task: of the forecast (`model.task`).
        model: `lstmcast`, `seasonal_naive`, or `mixed`.
        status: the result of the run.
        output: the file written; empty: none.
        output_digest: sha256 of its bytes.
        details: further JSON values.
        number: of the run in the ledger, from 1; 0 until it is recorded.
    """

    run_key: str
    created_at: datetime
    version: str
    config_digest: str
    data_digest: str
    task: str = "value"
    model: str = "lstmcast"
    status: str = "done"
    output: str = ""
    output_digest: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)
    number: int = 0


@dataclass(frozen=True)
class RetrainRecord:
    """A comparison of a challenger with the incumbent.

    Attributes:
        created_at: the time, with a zone.
        challenger: the new version; empty if it was not saved.
        incumbent: the version in use; empty: none.
        accepted: whether the challenger became the current version.
        reason: for the fit and for the decision.
        figures: scores of both, as JSON values.
    """

    created_at: datetime
    challenger: str
    incumbent: str
    accepted: bool
    reason: str = ""
    figures: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class RecordedForecast:
    """A recorded forecast: S series, H steps, Q levels.

    Attributes:
        run: the number of the run.
        series: [S] the numbers of the series in the ledger.
        model_names: [S] the model of each series, `lstmcast` or `seasonal_naive`.
        origins: [S] the last known step of each series, on the calendar.
        levels: [Q] in percent.
        values, naive: [S, H] the forecast, and the seasonal naive one from the same origins; symbols by their numbers
            in the ledger, −1 for an unknown one.
        probabilities: [S, H] of the symbols; [S, 0] for numbers.
        lower, upper: [Q, S, H] the bounds of the model.
        factors: [Q, S, H] factors of the interval widths (see `calibration/adaptive_conformal.py`).
    """

    run: int
    series: Ints
    model_names: tuple[str, ...]
    origins: Ints
    levels: tuple[float, ...]
    values: Floats
    naive: Floats
    probabilities: Floats
    lower: Floats
    upper: Floats
    factors: Floats


@dataclass(frozen=True)
class PanelInfo:
    """A recorded panel without its values.

    Attributes:
        number: of the panel in the ledger.
        first_seen_at: the time, in UTC.
        columns, calendar: of the data.
        symbols: [V] their symbols; empty for numbers.
        holidays: of the calendar; None without any.
        keys: S keys.
        series: [S] the numbers of the series in the ledger.
        starts, ends: [S] the first and the last step of each series, on the calendar.
        covariates: their summary; empty without any.
    """

    number: int
    first_seen_at: datetime
    columns: Columns
    calendar: Calendar
    symbols: tuple[str, ...]
    holidays: Holidays | None
    keys: tuple[Key, ...]
    series: Ints
    starts: Ints
    ends: Ints
    covariates: str = ""


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
MAX_TIME_US = 2**62  # µs: after all times


def micros(when: datetime) -> int:
    """Return microseconds since 1970 in UTC."""
    return (when - EPOCH) // MICROSECOND


def moment(when: int) -> datetime:
    """Return the time of `micros`."""
    return EPOCH + when * MICROSECOND


def span(since: datetime | None, until: datetime | None) -> tuple[int, int]:
    """Return the first and last microsecond of an interval; None: unbounded."""
    return -MAX_TIME_US if since is None else micros(since), MAX_TIME_US if until is None else micros(until)


def text(value: object) -> str:
    """Return canonical JSON."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, allow_nan=False)


def floats(content: bytes) -> Floats:
    """Return the numbers of a blob, flat."""
    return np.frombuffer(content, dtype="<f8").astype(np.float64)


def ints(content: bytes) -> Ints:
    """Return the integers of a blob, flat."""
    return np.frombuffer(content, dtype="<i8").astype(np.int64)


def blob(array: Floats | Ints) -> bytes:
    """Return an array's numbers, little-endian, without its shape."""
    return np.ascontiguousarray(array, dtype="<i8" if array.dtype.kind == "i" else "<f8").tobytes()
