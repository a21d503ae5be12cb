"""Whether everything in a model's folder is what was written there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from lstmcast.errors import LstmcastError, ModelError
from lstmcast.persistence.ledger.ledger import FILE, Ledger
from lstmcast.persistence.registry import CURRENT, current_version, versions
from lstmcast.tasks.registry import load_version


def verify_model(folder: Path, check_whole: Callable[[Path], None]) -> list[str]:
    """What is wrong, in words.

    Args:
        folder: of a model.
        check_whole: told of everything that is whole.
    """
    found: list[str] = []
    checks: list[tuple[Path, Callable[[Path], object]]] = [(version, load_version) for version in versions(folder)]
    checks.append((folder / CURRENT, _names_a_version))
    if (folder / FILE).exists():
        checks.append((folder / FILE, _opens))
    for path, check in checks:
        try:
            check(path)
        except LstmcastError as err:
            found += err.faults
        else:
            check_whole(path)
    return found


def _names_a_version(path: Path) -> None:
    if current_version(path.parent) is None:
        raise ModelError(f"{path}: names no version that is there; lstmcast models rollback mends that")


def _opens(path: Path) -> None:
    Ledger.open(path, create=False).close()
