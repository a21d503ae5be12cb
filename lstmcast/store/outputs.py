"""The folder that a command writes its results into."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from lstmcast.store.files import translate_os_errors, write_atomically


def make_folder(folder: Path) -> Path:
    """Make a folder, and those above it, where it is not there yet: before the work whose results it is to hold.

    Raises:
        FileError: it cannot be made.
    """
    with translate_os_errors("written", folder):
        folder.mkdir(parents=True, exist_ok=True)
    return folder


def write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files into a folder, each whole or not at all; those of the same name are replaced.

    Raises:
        FileError: the system refused.
    """
    for name, content in files.items():
        write_atomically(folder / name, content)
