"""Every expected failure, and the exit code a job sees.

A message says where (file, line, column or key), what the rule is, what was received and how to mend it.
"""

from __future__ import annotations

from collections.abc import Sequence


class LstmcastError(Exception):
    """An expected failure: shown as text, never as a traceback.

    Several faults found in one look at a file or a config travel together in `faults`.

    Args:
        faults: one message, or several that belong together (one line each).

    Attributes:
        exit_code: what the process ends with.
    """

    exit_code = 1

    def __init__(self, faults: str | Sequence[str]) -> None:
        self.faults: tuple[str, ...] = (faults,) if isinstance(faults, str) else tuple(faults)
        super().__init__("\n".join(self.faults))


class UsageError(LstmcastError):
    """The command was called wrongly, or asks for a part that is not installed."""

    exit_code = 2


class ConfigError(LstmcastError):
    """A key of the YAML or of `--set` is unknown, doubled, of the wrong type or out of range."""

    exit_code = 3


class DataError(LstmcastError):
    """The file cannot be read exactly, or does not hold what a forecast needs."""

    exit_code = 4


class ModelError(LstmcastError):
    """The model is missing, damaged, of another schema, or does not fit the data."""

    exit_code = 5


class FileError(LstmcastError):
    """The file system refused: missing, read-only, full, not a regular file."""

    exit_code = 6


class BusyError(LstmcastError):
    """Another run holds the lock, or the file changed while it was read. Trying again may help."""

    exit_code = 7


class ConditionError(LstmcastError):
    """Done, but a condition the job asked to fail on was met (`--strict` and the like)."""

    exit_code = 8
