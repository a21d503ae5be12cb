"""Value types of the reader."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from lstmcast.data.drivers.options import INFERRED, CovariateOptions
from lstmcast.data.time.text.patterns import PART
from lstmcast.types import Ints

if TYPE_CHECKING:
    import pandas as pd


_LABELS = {"hold_out": "hold-out", "id_columns": "series", "season_length": "season"}
_LABELS |= {"known": "known ahead", "past": "past only"}


class SettingKey(StrEnum):
    """Keys of inferred settings; those of data equal the keys of the config sections `data` and `covariates`."""

    LAYOUT = "layout"
    TIME = "time"
    TARGET = "target"
    ID_COLUMNS = "id_columns"
    FEATURES = "features"
    LABEL = "label"
    KNOWN = "known"
    PAST = "past"
    STATIC = "static"
    HOLIDAYS = "holidays"
    FREQUENCY = "frequency"
    CLOSED = "closed"
    SEASON_LENGTH = "season_length"
    TIMEZONE = "timezone"
    TIME_FORMAT = "time_format"
    HORIZON = "horizon"
    TRANSFORM = "transform"
    PREPROCESSING = "preprocessing"
    WINDOW = "window"
    INIT = "init"
    ENSEMBLE = "ensemble"
    EVENT = "event"
    SYMBOLS = "symbols"
    LABELS = "labels"
    HOLDOUT = "hold_out"
    NETWORK = "network"

    @property
    def config_key(self) -> str:
        """The dotted key of a setting of the data or the covariates."""
        section = "covariates" if self in _OF_COVARIATES else "data"
        return f"{section}.{self.value}"

    @property
    def label(self) -> str:
        """The key in print."""
        return _LABELS.get(self.value, self.value.replace("_", " "))


_OF_COVARIATES = (SettingKey.KNOWN, SettingKey.PAST, SettingKey.STATIC, SettingKey.HOLIDAYS)


@dataclass(frozen=True)
class InferredSetting:
    """An inferred setting with its printed value and reason: `(FREQUENCY, "MS", "143 steps are a month")`."""

    key: SettingKey
    value: str
    reason: str


class NoteCode(StrEnum):
    """Types of remarks about data."""

    DELIMITER = "delimiter"
    ALIGNED = "aligned"
    TRAILING_DELIMITERS = "trailing_delimiters"
    DECIMAL_COMMA = "decimal_comma"
    POINT = "point"
    THOUSANDS = "thousands"
    NUMBER_SIGNS = "number_signs"
    MISSING_MARKS = "missing_marks"
    ROW_INDEX = "row_index"
    BLANK_LINES = "blank_lines"
    VALUES_OUTSIDE = "values_outside"
    SHEET = "sheet"
    LINES_SKIPPED = "lines_skipped"
    NO_FINAL_NEWLINE = "no_final_newline"
    PARQUET_ROWS = "parquet_rows"
    ANNUAL_ROWS = "annual_rows"
    NO_TIME_COLUMN = "no_time_column"
    UNUSED_COLUMNS = "unused_columns"
    EMPTY_ID = "empty_id"
    ROW_IDS = "row_ids"
    MERGED_CELLS = "merged_cells"
    ROUNDED_INTEGERS = "rounded_integers"
    UNKNOWN_SYMBOLS = "unknown_symbols"
    ROWS_SORTED = "rows_sorted"
    ROWS_BETWEEN_STEPS = "rows_between_steps"
    ROWS_AGGREGATED = "rows_aggregated"
    INCOMPLETE_STEP = "incomplete_step"
    UNFINISHED_STEP = "unfinished_step"
    INCOMPLETE_FEATURES = "incomplete_features"
    CLOCK_CHANGES = "clock_changes"
    ENDS_TRIMMED = "ends_trimmed"
    STEPS_FILLED = "steps_filled"
    CLOSED_ROWS = "closed_rows"
    CLOSED_SERIES = "closed_series"
    SERIES_DROPPED = "series_dropped"
    SERIES_ENDED = "series_ended"
    UNLIKELY_NEWEST = "unlikely_newest"
    EMPTY_COVARIATE = "empty_covariate"
    COVARIATE_FILLED = "covariate_filled"
    HOLIDAYS_END = "holidays_end"
    HOLIDAYS_IN_UTC = "holidays_in_utc"
    EVENTS_OF_MODEL = "events_of_model"
    UNSEEN_CATEGORIES = "unseen_categories"
    FEW_AHEAD = "few_ahead"
    FUTURE_REPEATED = "future_repeated"
    FUTURE_SERIES = "future_series"


@dataclass(frozen=True)
class DataNote:
    """A remark about the data."""

    code: NoteCode
    text: str

    def __str__(self) -> str:
        return self.text


class DropReason(StrEnum):
    """Reasons for unusable series."""

    NO_VALUES = "no_values"
    LONG_GAP = "long_gap"
    MANY_GAPS = "many_gaps"
    NO_COMMON_STEP = "no_common_step"


@dataclass(frozen=True)
class DroppedSeries:
    """An unusable series, its reason and a message; `line` is the line of the fault, or 0."""

    key: tuple[str, ...]
    reason: DropReason
    text: str
    line: int = 0

    def __str__(self) -> str:
        name = f"series '{', '.join(self.key)}': " if self.key else ""
        return f"{name}{self.text}"


@dataclass(frozen=True)
class Table:
    """A file as text.

    Attributes:
        source: the file name in messages.
        text: one text column for each header, in file order; an empty field is `""`.
        lines: [N] physical line on which each row starts (the header of a plain file is line 1).
        decimal: `"."` or `","`.
        thousands: the thousands separator; None for none.
        unclear: columns in which every point may group thousands: `1.234` may be 1234.
        notes: remarks.
        inferred: inferred settings of the layout.
        typed: columns whose numbers were numbers in the source, so that their points are decimal.
        skipped: numbers of the lines that are no rows.
    """

    source: str
    text: pd.DataFrame
    lines: Ints
    decimal: str = "."
    thousands: str | None = None
    unclear: tuple[str, ...] = ()
    notes: tuple[DataNote, ...] = ()
    inferred: tuple[InferredSetting, ...] = ()
    typed: frozenset[str] = frozenset()
    skipped: tuple[int, ...] = ()


@dataclass(frozen=True)
class Columns:
    """Roles of columns.

    Attributes:
        time: the time column; None if rows are counted.
        target: the columns to forecast; each is a series in a wide table.
        series: the id columns of a long table; empty for one series or a wide table.
    """

    time: str | None
    target: tuple[str, ...]
    series: tuple[str, ...] = ()

    @property
    def keys(self) -> tuple[str, ...]:
        """Names of the parts of a series key."""
        return (*self.series, *(("series",) if len(self.target) > 1 else ()))


@dataclass(frozen=True)
class ReadOptions:
    """Pinned settings, with the keys of the config section `data`; None or "auto" for inference."""

    time: str | None = None  # "none" for no time column; "year + month" for the parts of a time
    target: tuple[str, ...] = ()
    id_columns: tuple[str, ...] = ()
    frequency: str | None = None
    closed: str = "auto"  # auto | none | closed steps such as Sun or 20:00-08:00
    season_length: int | None = None
    timezone: str | None = None
    time_format: str | None = None
    missing: str = "auto"  # auto | interpolate | zero | error
    ended: str = "drop"  # drop | keep
    unfinished: str = "drop"  # drop | keep
    aggregate: str = "error"  # error | sum | mean | count | last
    delimiter: str | None = None
    encoding: str | None = None
    decimal: str | None = None
    thousands: str | None = None
    units: str = "auto"  # auto | multiply | ignore | error
    layout: str = "auto"  # auto | long | wide | wide-times
    sheet: str | None = None  # name or number of the sheet of a workbook
    header: str = "auto"  # auto | none
    skip: tuple[str, ...] = ()  # lines that are no rows; empty: found
    missing_marks: tuple[str, ...] = ()  # empty: those in common use, and others are refused; "none": no others
    features: tuple[str, ...] = ()  # of series with a label: the columns of numbers; empty: all that are left
    format: str = "table"  # table | text
    covariates: CovariateOptions = INFERRED

    @classmethod
    def of(cls, section: Mapping[str, Any], covariates: Mapping[str, Any] | None = None) -> Self:
        """Build from the sections `data` and `covariates` of a config; None: no covariates."""
        return cls(covariates=CovariateOptions.of(covariates)).updated(section)

    def updated(self, section: Mapping[str, Any]) -> Self:
        """Return the options with the values of some keys of a `data` section, and of its key `covariates`."""
        values = {key: _option(key, value) for key, value in section.items() if key != "covariates"}
        return replace(self, **values, covariates=self.covariates.updated(section.get("covariates", {})))


def _option(key: str, value: Any) -> Any:
    """Convert the value of a key of the `data` section: lists to tuples, parts of a time and a sheet to text."""
    if key == "target":
        return (value,) if isinstance(value, str) else tuple(value or ())
    if key in {"id_columns", "features", "missing_marks", "skip"}:
        return tuple(map(str, value))
    if key == "time":
        return value if isinstance(value, str | None) else PART.join(value)
    return str(value) if key == "sheet" and value is not None else value


def fingerprint(described: object, *arrays: np.ndarray) -> str:
    """Compute the sha256 of a description and of arrays."""
    digest = sha256(repr(described).encode())
    for array in arrays:
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
