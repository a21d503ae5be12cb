"""Expected failures: one exit code each, and several faults in one."""

from __future__ import annotations

import pytest

from lstmcast import errors
from lstmcast.errors import LstmcastError

CODES = {
    "LstmcastError": 1,
    "UsageError": 2,
    "ConfigError": 3,
    "DataError": 4,
    "ModelError": 5,
    "FileError": 6,
    "BusyError": 7,
    "ConditionError": 8,
}


def test_every_failure_has_a_code_of_its_own() -> None:
    """The classes are those of the table in the help, and each has its number."""
    kinds = {
        name: kind
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and kind.__module__ == errors.__name__
    }
    assert {name: kind.exit_code for name, kind in kinds.items()} == CODES
    assert all(issubclass(kind, LstmcastError) and kind.__doc__ for kind in kinds.values())


@pytest.mark.parametrize(("given", "faults"), [("one", ("one",)), (["one", "two"], ("one", "two")), ((), ())])
def test_faults_travel_together(given: str | list[str], faults: tuple[str, ...]) -> None:
    """One text is one fault, several stay apart and are one text a line."""
    error = LstmcastError(given)
    assert error.faults == faults
    assert str(error) == "\n".join(faults)
