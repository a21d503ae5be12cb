"""The folder of results."""

from __future__ import annotations

from pathlib import Path

import pytest

from lstmcast.errors import FileError
from lstmcast.store.outputs import make_folder, write_files


def test_a_folder_is_made_with_those_above_it_and_filled(tmp_path: Path) -> None:
    """Twice is no fault: files of the same name are replaced, others stay."""
    folder = make_folder(tmp_path / "a" / "b")
    write_files(folder, {"one": b"1", "two": b"2"})
    write_files(make_folder(folder), {"two": b"new"})
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {"one": b"1", "two": b"new"}


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    """A folder that cannot be made is a FileError that names it."""
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(FileError, match=r"taken: cannot be written: a file of that name is in the way"):
        make_folder(tmp_path / "taken")
