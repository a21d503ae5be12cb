"""Bytes of files: packed files, and files that are refused."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import socket
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from lstmcast.data.file import file_reader
from lstmcast.errors import BusyError, DataError, FileError, UsageError

TEXT = b"date,y\n2020-01-01,1\n2020-02-01,2\n"


def zipped(data: bytes, *names: str) -> bytes:
    """A ZIP archive holding the same data under each name."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names or ("data.csv",):
            archive.writestr(name, data)
    return packed.getvalue()


def zst(data: bytes) -> bytes:
    """A Zstandard frame."""
    return bytes(pytest.importorskip("zstandard").ZstdCompressor().compress(data))


PACK: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress,
    ".xz": lzma.compress,
    ".bz2": bz2.compress,
    ".zst": zst,
    ".zip": zipped,
}


@pytest.mark.parametrize("suffix", PACK)
def test_packed_files_unpack_to_the_same_bytes(tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every packed form gives back what was packed, also above one piece, and with an upper-case suffix."""
    monkeypatch.setattr(file_reader, "CHUNK_BYTES", 1000)
    data = TEXT + os.urandom(10_000).hex().encode()
    for name in ("d.csv" + suffix, "D" + suffix.upper()):
        (tmp_path / name).write_bytes(PACK[suffix](data))
        assert file_reader.read_input(tmp_path / name) == data


@pytest.mark.parametrize("suffix", [".gz", ".xz", ".bz2", ".zst"])
def test_frames_in_a_row_are_all_unpacked(tmp_path: Path, suffix: str) -> None:
    """Two packed parts appended to each other hold the data of both."""
    path = tmp_path / f"d{suffix}"
    path.write_bytes(PACK[suffix](TEXT) + PACK[suffix](b"2020-03-01,3\n"))
    assert file_reader.read_input(path) == TEXT + b"2020-03-01,3\n"


@pytest.mark.parametrize("suffix", PACK)
def test_damaged_archives_are_refused(tmp_path: Path, suffix: str) -> None:
    """A file cut short, and one that never was an archive, are refused as damaged, never read in part."""
    path = tmp_path / f"d{suffix}"
    packed = PACK[suffix](os.urandom(50_000).hex().encode())
    for bad in (packed[:-20], packed[: len(packed) // 2], TEXT, packed[:3]):
        path.write_bytes(bad)
        with pytest.raises(DataError, match=f"not a complete {suffix} file") as caught:
            file_reader.read_input(path)
        assert str(caught.value).startswith(str(path))


@pytest.mark.parametrize("suffix", PACK)
def test_a_bomb_is_refused(tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Far more text than the packed size explains is refused, and so is more than the limit."""
    path = tmp_path / f"d{suffix}"
    path.write_bytes(PACK[suffix](b"0" * 8_000_000))
    monkeypatch.setattr(file_reader, "BOMB_BYTES", 1_000_000)
    with pytest.raises(DataError, match="decompress to more than"):
        file_reader.read_input(path)
    monkeypatch.setattr(file_reader, "BOMB_RATIO", 10**9)
    assert len(file_reader.read_input(path)) == 8_000_000
    monkeypatch.setattr(file_reader, "MAX_BYTES", 7_999_999)
    with pytest.raises(DataError, match="more than 7,999,999 bytes"):
        file_reader.read_input(path)


def test_a_zip_must_hold_one_file(tmp_path: Path) -> None:
    """Two files in an archive are refused and named; folders and the notes of macOS do not count."""
    path = tmp_path / "d.zip"
    path.write_bytes(zipped(TEXT, "a.csv", "b.csv"))
    with pytest.raises(DataError, match=r"exactly one file \(it holds 2: a.csv, b.csv\)"):
        file_reader.read_input(path)
    path.write_bytes(zipped(TEXT, "folder/"))
    with pytest.raises(DataError, match=r"exactly one file \(it holds 0\)"):
        file_reader.read_input(path)
    path.write_bytes(zipped(TEXT, "folder/", "folder/a.csv", "__MACOSX/._a.csv"))
    assert file_reader.read_input(path) == TEXT


def test_zst_without_its_package_names_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without zstandard, the message names the command that installs it."""
    path = tmp_path / "d.zst"
    path.write_bytes(b"\x28\xb5\x2f\xfd")
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(UsageError, match="pip install zstandard"):
        file_reader.read_input(path)


def test_missing_files_and_folders_are_refused(tmp_path: Path) -> None:
    """A missing path and a folder have different messages."""
    with pytest.raises(FileError, match=r"gone\.csv: No such file"):
        file_reader.read_input(tmp_path / "gone.csv")
    with pytest.raises(FileError, match="is a directory, not a regular file"):
        file_reader.read_input(tmp_path)
    with pytest.raises(FileError, match="null"):
        file_reader.read_input("a\0b")


def test_what_is_no_regular_file_is_refused_without_blocking(tmp_path: Path) -> None:
    """Reading a FIFO would wait for ever; a socket or a device never ends."""
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(FileError, match="is a FIFO"):
        file_reader.read_input(tmp_path / "pipe.csv")
    with pytest.raises(FileError, match="is a device"):
        file_reader.read_input("/dev/zero")
    with socket.socket(socket.AF_UNIX) as server, pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        server.bind("sock")
        with pytest.raises(FileError, match="is a socket"):
            file_reader.read_input("sock")


@pytest.mark.parametrize("url", ["https://example.org/a.csv", "s3://bucket/a.csv", "file:///tmp/a.csv"])
def test_urls_are_refused(url: str) -> None:
    """A URL is not taken for a path, and nothing is fetched."""
    with pytest.raises(FileError, match="download the file first"):
        file_reader.read_input(url)


def test_an_unreadable_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file without permission is a matter of the file system."""
    path = tmp_path / "d.csv"
    path.write_bytes(TEXT)

    def refuse(*_args: object, **_kwargs: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(FileError, match=r"d\.csv: Permission denied"):
        file_reader.read_input(path)


@pytest.mark.parametrize("name", ["d.csv", "d.csv.gz"])
def test_an_empty_file_is_refused(tmp_path: Path, name: str) -> None:
    """No bytes at all, packed or not."""
    (tmp_path / name).write_bytes(gzip.compress(b"") if name.endswith(".gz") else b"")
    with pytest.raises(DataError, match="the file is empty"):
        file_reader.read_input(tmp_path / name)


def test_a_file_that_grows_meanwhile_is_busy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row appended between the first and the last look at the file is noticed."""
    path = tmp_path / "d.csv"
    path.write_bytes(TEXT)
    plain = file_reader._bounded

    def reading(pieces: object, name: str) -> bytes:
        data = plain(pieces, name)  # type: ignore[arg-type]
        with path.open("ab") as other:
            other.write(b"2020-03-01,3\n")
        return data

    monkeypatch.setattr(file_reader, "_bounded", reading)
    with pytest.raises(BusyError, match="changed while it was read; try again"):
        file_reader.read_input(path)


def test_stdin_is_read_as_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """`-` reads what is piped in; nothing piped in is refused."""
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(TEXT)))
    assert file_reader.read_input("-") == TEXT
    with pytest.raises(DataError, match="stdin: the file is empty"):
        file_reader.read_input("-")


def test_a_closed_stdin_is_a_matter_of_the_file_system(monkeypatch: pytest.MonkeyPatch) -> None:
    """A closed stdin has its own message; an empty path, as of an unset variable, is not a folder."""
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(FileError, match="stdin: is closed"):
        file_reader.read_input("-")
    with pytest.raises(FileError, match="empty name"):
        file_reader.read_input("")


def test_stdin_of_a_real_process() -> None:
    """A pipe of the operating system gives the same result."""
    program = "import sys; from lstmcast.data.file.file_reader import read_input; sys.exit(len(read_input('-')))"
    done = subprocess.run([sys.executable, "-c", program], input=TEXT, check=False, cwd=Path(__file__).parents[3])
    assert done.returncode == len(TEXT)
