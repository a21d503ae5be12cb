"""Expected failures and their exit codes.

A message states where (file, line, column or key), the rule, what was received, and the fixes.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self


class FaultCode(StrEnum):
    """Types of faults that callers and tests distinguish."""

    OTHER = "other"
    NOT_A_NUMBER = "not_a_number"
    DECIMAL_UNCLEAR = "decimal_unclear"
    MARK_UNCLEAR = "mark_unclear"
    UNREAD_TIME = "unread_time"
    NO_SHEET = "no_sheet"
    NO_HEADER = "no_header"
    TIME_BLOCKS = "time_blocks"
    AMBIGUOUS_TIMES = "ambiguous_times"
    SERIES_ENDED = "series_ended"
    NOT_UTF8 = "not_utf8"
    TIME_PARTS = "time_parts"
    FEW_TIMES = "few_times"
    UNCLEAR_LABEL = "unclear_label"
    REPEATED_ROWS = "repeated_rows"
    UNCLEAR_TARGET = "unclear_target"
    NO_NUMBERS = "no_numbers"
    LINES_UNCLEAR = "lines_unclear"
    RAGGED_ROWS = "ragged_rows"
    DELIMITER_UNCLEAR = "delimiter_unclear"
    DAYS_AS_MONTHS = "days_as_months"
    FREQUENCY_CHANGE = "frequency_change"
    IRREGULAR_TIMES = "irregular_times"
    LONG_GAP = "long_gap"
    MANY_GAPS = "many_gaps"
    MOVING_SESSIONS = "moving_sessions"
    QUARTERS_AS_MONTHS = "quarters_as_months"
    SKIPPED_HOUR = "skipped_hour"
    SPLIT_YEARS = "split_years"
    LAYOUT_UNCLEAR = "layout_unclear"
    COVARIATE_AHEAD = "covariate_ahead"
    COVARIATE_MISSING = "covariate_missing"
    MANY_CATEGORIES = "many_categories"
    NOT_STATIC = "not_static"
    NO_DATES = "no_dates"
    NO_HOLIDAYS = "no_holidays"
    UNKNOWN_REGION = "unknown_region"
    UNKNOWN_CATEGORY = "unknown_category"
    EVENT_COLUMNS = "event_columns"
    BAD_EVENT = "bad_event"
    NO_JOBS = "no_jobs"
    NO_LIVE_SCORES = "no_live_scores"
    OTHER_TASK = "other_task"
    UNKNOWN_FORMAT = "unknown_format"
    # panels
    FEW_VALUES = "few_values"
    MANY_STEPS = "many_steps"
    SUM_OVERFLOWS = "sum_overflows"
    ANY_GAP = "any_gap"
    FINE_FREQUENCY = "fine_frequency"
    # configs
    UNKNOWN_KEY = "unknown_key"
    OTHER_TASKS_KEY = "other_tasks_key"
    MISSING_KEY = "missing_key"
    REPEATED_KEY = "repeated_key"
    BAD_VALUE = "bad_value"
    NOT_YAML = "not_yaml"
    NO_SECTIONS = "no_sections"
    UNKNOWN_CONFIG = "unknown_config"
    # files and folders
    DISK_FULL = "disk_full"
    TOO_LARGE = "too_large"
    NO_PERMISSION = "no_permission"
    READ_ONLY = "read_only"
    CLOSED = "closed"
    NO_FOLDER = "no_folder"
    PART_IS_FILE = "part_is_file"
    NAME_TAKEN = "name_taken"
    IS_FOLDER = "is_folder"
    LINK_CIRCLE = "link_circle"
    NAME_TOO_LONG = "name_too_long"
    NO_LOCKS = "no_locks"
    FILE_SYSTEM = "file_system"
    LOCKED = "locked"
    # models and ledgers
    BAD_NAME = "bad_name"
    NO_MODEL = "no_model"
    SEVERAL_MODELS = "several_models"
    UNKNOWN_MODEL = "unknown_model"
    NO_VERSION = "no_version"
    NO_LEDGER = "no_ledger"
    OTHER_SCHEMA = "other_schema"
    DAMAGED = "damaged"
    MISSING_FILE = "missing_file"
    FOREIGN_FILE = "foreign_file"
    NOT_REGULAR = "not_regular"
    WRONG_SIZE = "wrong_size"
    WRONG_CHECKSUM = "wrong_checksum"
    WRONG_TENSORS = "wrong_tensors"
    NOT_JSON = "not_json"
    NOT_TENSORS = "not_tensors"


@dataclass(frozen=True)
class Fix:
    """A setting that resolves a fault, as a user types it after `-s`.

    Attributes:
        setting: `data.missing=zero`.
        effect: a phrase that follows "to": `fill the steps with 0`.
    """

    setting: str
    effect: str

    @property
    def typed(self) -> str:
        """The setting, in quotes where a shell requires them."""
        in_double_quotes = "'" in self.setting and not set(self.setting) & set('"$`!\\')
        return f'"{self.setting}"' if in_double_quotes else shlex.quote(self.setting)

    def __str__(self) -> str:
        return f"-s {self.typed} to {self.effect}"


@dataclass(frozen=True)
class Fault:
    """One fault of a file, config or model.

    Attributes:
        text: where, the rule and what was received.
        code: its type.
        line: the physical line of the file; 0 where there is none.
        column: the column or key; empty where there is none.
        fixes: settings, each of which resolves it.
    """

    text: str
    code: FaultCode = FaultCode.OTHER
    line: int = 0
    column: str = ""
    fixes: tuple[Fix, ...] = ()

    def __str__(self) -> str:
        return f"{self.text}; use {', or '.join(map(str, self.fixes))}" if self.fixes else self.text

    def within(self, location: str) -> Self:
        """Return the fault with the name of its file or key in front: `location: text`."""
        return replace(self, text=f"{location}: {self.text}")


class LstmcastError(Exception):
    """An expected failure, printed without a traceback.

    Attributes:
        faults: the faults of a file or config.
        exit_code: of the process.
    """

    exit_code = 1

    def __init__(self, faults: str | Fault | Sequence[str | Fault]) -> None:
        listed = (faults,) if isinstance(faults, str | Fault) else faults
        self.faults: tuple[Fault, ...] = tuple(Fault(fault) if isinstance(fault, str) else fault for fault in listed)
        super().__init__("\n".join(map(str, self.faults)))


class UsageError(LstmcastError):
    """Invalid command-line usage, or a missing optional dependency."""

    exit_code = 2


class ConfigError(LstmcastError):
    """A key of the YAML or of `--set` is unknown, repeated, of the wrong type or out of range."""

    exit_code = 3


class DataError(LstmcastError):
    """The data file cannot be read exactly, or does not contain what a forecast requires."""

    exit_code = 4


class ModelError(LstmcastError):
    """The model is missing, damaged, of another schema, or does not fit the data."""

    exit_code = 5


class FileError(LstmcastError):
    """File system failure: missing, read-only, full, or not a regular file."""

    exit_code = 6


class BusyError(LstmcastError):
    """Another run holds the lock, or the file changed while it was read; retry."""

    exit_code = 7


class ConditionError(LstmcastError):
    """The command completed, but a condition to fail on was met (such as `--strict`)."""

    exit_code = 8
