"""Expected failures and their exit codes.

A message states where (file, line, column or key), the rule, what was received, and the fix.
"""

from __future__ import annotations

from collections.abc import Sequence


class LstmcastError(Exception):
    """An expected failure, printed without a traceback.

    Attributes:
        faults: one message per fault of a file or config.
        exit_code: of the process.
    """

    exit_code = 1

    def __init__(self, faults: str | Sequence[str]) -> None:
        self.faults: tuple[str, ...] = (faults,) if isinstance(faults, str) else tuple(faults)
        super().__init__("\n".join(self.faults))


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
