"""Fixtures of the tests of persistence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from lstmcast.errors import Fault, LstmcastError


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """An empty place for models."""
    return tmp_path / "models"


@pytest.fixture
def refused() -> Callable[[type[LstmcastError], Callable[[], object]], Fault]:
    """Return the only fault of a call."""

    def fault_of(kind: type[LstmcastError], call: Callable[[], object]) -> Fault:
        with pytest.raises(kind) as caught:
            call()
        (fault,) = caught.value.faults
        return fault

    return fault_of
