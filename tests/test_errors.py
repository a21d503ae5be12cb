"""Expected failures: one exit code each, and several faults in one."""

from __future__ import annotations

import pytest

from lstmcast import errors
from lstmcast.errors import Fault, Fix, LstmcastError

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
    classes = {
        name: kind
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and kind.__module__ == errors.__name__ and issubclass(kind, Exception)
    }
    assert {name: kind.exit_code for name, kind in classes.items()} == CODES
    assert all(issubclass(kind, LstmcastError) and kind.__doc__ for kind in classes.values())


@pytest.mark.parametrize(("given", "faults"), [("one", ("one",)), (["one", "two"], ("one", "two")), ((), ())])
def test_faults_travel_together(given: str | list[str], faults: tuple[str, ...]) -> None:
    """One text is one fault, several stay apart and are one text a line."""
    error = LstmcastError(given)
    assert tuple(fault.text for fault in error.faults) == faults
    assert str(error) == "\n".join(faults)


def test_a_fault_lists_its_fixes() -> None:
    """Every fix is printed as it is typed, and stays with its effect when a location is added."""
    fixes = (Fix("data.missing=zero", "fill them with 0"), Fix("data.frequency=B", "keep five days a week"))
    fault = Fault("f.csv:3: a gap", line=3, fixes=fixes)
    listed = "-s data.missing=zero to fill them with 0, or -s data.frequency=B to keep five days a week"
    assert str(fault) == f"f.csv:3: a gap; use {listed}"
    assert LstmcastError(fault.within("job")).faults[0].fixes == fixes
    assert str(LstmcastError([fault.within("job"), "two"])) == f"job: {fault}\ntwo"
