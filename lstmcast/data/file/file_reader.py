"""Bytes of complete files and of stdin, decompressed."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import re
import stat
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO

from lstmcast.errors import BusyError, DataError, FileError, UsageError

MAX_BYTES = 4 << 30  # of decompressed text
BOMB_BYTES, BOMB_RATIO = 100 << 20, 500  # reject compressed files above both size and compression ratio
CHUNK_BYTES = 1 << 20
DAMAGE = (
    OSError,
    EOFError,
    ValueError,
    RuntimeError,  # with NotImplementedError of zipfile
    zlib.error,
    lzma.LZMAError,
    zipfile.BadZipFile,
)

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")


def read_input(source: str | Path) -> bytes:
    """Read a file or stdin (`"-"`), decompressing .gz, .xz, .bz2, .zst and .zip.

    Raises:
        FileError: missing, not a regular file, a URL, or unreadable.
        BusyError: the file changed while it was read.
        DataError: empty, too large, a damaged archive, or an archive of several files.
        UsageError: a `.zst` file without the zstandard package.
    """
    packed = _read_stdin() if source == "-" else _read(str(source))
    unpack = None if source == "-" else _UNPACKERS.get(Path(source).suffix.lower())
    data = _unpacked(packed, str(source), unpack) if unpack and packed else packed
    if not data:
        raise DataError(f"{_name(source)}: the file is empty; it needs a header line and at least one row")
    return data


def _name(source: str | Path) -> str:
    """Name of the source in messages."""
    return "stdin" if source == "-" else str(source)


def _read_stdin() -> bytes:
    """Read stdin."""
    if sys.stdin is None:
        raise FileError("stdin: is closed; pipe the data in, or name a file")
    try:
        return _bounded(iter(lambda: sys.stdin.buffer.read(CHUNK_BYTES), b""), "stdin")
    except OSError as err:
        raise FileError(f"stdin: {err.strerror or err}") from err


def _read(source: str) -> bytes:
    """Read a regular file; raises BusyError if it changes meanwhile."""
    if not source:
        raise FileError("the data file has an empty name; name a file, or '-' for stdin")
    if _URL.match(source):
        raise FileError(f"{source}: a URL is not read; download the file first, or pipe it in and name it '-'")
    try:
        _require_regular(source, Path(source).stat())
        with Path(source).open("rb") as stream:
            before = os.fstat(stream.fileno())
            data = _bounded(iter(lambda: stream.read(CHUNK_BYTES), b""), source)
            after = os.fstat(stream.fileno())
    except (OSError, ValueError) as err:
        raise FileError(f"{source}: {getattr(err, 'strerror', None) or err}") from err
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns) or len(data) != before.st_size:
        raise BusyError(f"{source}: the file changed while it was read; try again when its writer is done")
    return data


def _require_regular(source: str, status: os.stat_result) -> None:
    """Raise FileError for anything but a regular file: reading it could block, or never end."""
    names = {stat.S_IFDIR: "a directory", stat.S_IFIFO: "a FIFO", stat.S_IFSOCK: "a socket"}
    if not stat.S_ISREG(status.st_mode):
        file_type = names.get(stat.S_IFMT(status.st_mode), "a device")
        hint = "name one file in it" if file_type == "a directory" else "pipe its content in and name it '-'"
        raise FileError(f"{source}: is {file_type}, not a regular file; {hint}")


def _bounded(pieces: Iterable[bytes], source: str, packed: int | None = None) -> bytes:
    """Join chunks; raises DataError above the maximum size or compression ratio."""
    data, size = io.BytesIO(), 0
    for piece in pieces:
        size += len(piece)
        if size > MAX_BYTES:
            raise DataError(
                f"{source}: more than {MAX_BYTES:,} bytes of text; keep the columns and rows that a forecast needs"
            )
        if packed is not None and size > max(BOMB_BYTES, BOMB_RATIO * packed):
            raise DataError(
                f"{source}: {packed:,} bytes decompress to more than {size:,}; decompress the file first if intended"
            )
        data.write(piece)
    return data.getvalue()


def _unpacked(packed: bytes, source: str, unpack: Callable[[bytes, str], Iterator[bytes]]) -> bytes:
    """Decompress an archive; raises DataError if it is damaged."""
    try:
        return _bounded(unpack(packed, source), source, len(packed))
    except DAMAGE as err:
        suffix = Path(source).suffix.lower()
        raise DataError(f"{source}: not a complete {suffix} file ({err}); download or compress it again") from err


def _stream(opener: Callable[[IO[bytes]], io.BufferedIOBase]) -> Callable[[bytes, str], Iterator[bytes]]:
    """Create a decompressor from a file object of the standard library."""

    def pieces(packed: bytes, _source: str) -> Iterator[bytes]:
        with opener(io.BytesIO(packed)) as stream:
            yield from iter(lambda: stream.read(CHUNK_BYTES), b"")

    return pieces


def _zip(packed: bytes, source: str) -> Iterator[bytes]:
    """Decompress the only file of a ZIP archive."""
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        names = [name for name in archive.namelist() if not name.endswith("/") and not name.startswith("__MACOSX/")]
        if len(names) != 1:
            raise DataError(
                f"{source}: the archive must hold exactly one file (it holds {len(names)}"
                f"{': ' if names else ''}{', '.join(names[:5])})"
            )
        with archive.open(names[0]) as stream:
            yield from iter(lambda: stream.read(CHUNK_BYTES), b"")


def _zst(packed: bytes, source: str) -> Iterator[bytes]:
    """Decompress Zstandard frames in small chunks, because a few bytes can decompress to very many."""
    try:
        import zstandard
    except ImportError as err:
        raise UsageError(f"{source}: .zst files require zstandard; run pip install zstandard") from err
    rest = packed
    try:
        while rest:
            frame = zstandard.ZstdDecompressor().decompressobj()
            for start in range(0, len(rest), 1024):
                yield frame.decompress(rest[start : start + 1024])
                if frame.eof:
                    break
            if not frame.eof:
                raise EOFError("the last frame is cut off")
            rest = frame.unused_data + rest[start + 1024 :]
    except zstandard.ZstdError as err:
        raise ValueError(str(err)) from err


_UNPACKERS: dict[str, Callable[[bytes, str], Iterator[bytes]]] = {
    ".gz": _stream(lambda packed: gzip.GzipFile(fileobj=packed)),
    ".xz": _stream(lzma.LZMAFile),
    ".bz2": _stream(bz2.BZ2File),
    ".zst": _zst,
    ".zip": _zip,
}
