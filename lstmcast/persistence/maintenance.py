"""Maintenance of versions: rollback, pruning, and removal of leftovers."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from lstmcast.errors import ModelError
from lstmcast.persistence import artifact
from lstmcast.persistence.files import UNFINISHED, remove_temporary, translate_os_errors, write_atomically
from lstmcast.persistence.registry import CURRENT, current_version, versions


def remove_leftovers(folder: Path) -> None:
    """Remove unfinished files of killed runs, except a checkpoint; the caller holds the model's lock."""
    with suppress(OSError):  # publishing a version reports failures
        remove_temporary(folder, UNFINISHED)


def make_current(folder: Path, name: str | None) -> Path:
    """Make another version current; the caller holds the model's lock.

    Args:
        folder: of the model.
        name: of the version; None: the one before the current one, or the newest if none is current.

    Returns:
        The version's folder.

    Raises:
        ModelError: there is no such version, or it is damaged.
    """
    version = _before(folder) if name is None else _named(folder, name)
    artifact.load(version)
    write_atomically(folder / CURRENT, f"{version.name}\n".encode())
    return version


def prune(folder: Path, keep: int) -> list[str]:
    """Remove the oldest versions beyond a number, never the current one; the caller holds the lock.

    Returns:
        The names of the removed versions.

    Raises:
        ModelError: no version is current, so none may be removed.
        FileError: the system refused.
    """
    current = current_version(folder)
    if current is None:
        raise ModelError(f"{folder / CURRENT}: names no version that exists; run lstmcast models rollback to repair it")
    with translate_os_errors("cleaned up", folder):
        return artifact.prune(folder, current, keep)


def _before(folder: Path) -> Path:
    existing, current = versions(folder), current_version(folder)
    older = [version for version in existing if current is None or version.name < current.name]
    if not older:
        raise ModelError(f"{folder}: no version before the current one; lstmcast models lists all versions")
    return older[-1]


def _named(folder: Path, name: str) -> Path:
    found = [version for version in versions(folder) if version.name == name]
    if not found:
        names = ", ".join(version.name for version in versions(folder)) or "none"
        raise ModelError(f"{folder}: there is no version {name} (available, newest last: {names})")
    return found[0]
