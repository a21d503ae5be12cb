"""A file → its bytes, refused before any parsing where they cannot be had whole and exact."""

from __future__ import annotations

import bz2
import codecs
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
from typing import IO, Any

from lstmcast.errors import BusyError, ConfigError, DataError, FileError, UsageError

MAX_BYTES = 4 << 30  # of text, once unpacked
BOMB_BYTES = 100 << 20  # above this size ...
BOMB_RATIO = 500  # ... a file that unpacks to so many times its size is no table
PIECE = 1 << 20

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_MAGIC = {
    b"PK\x03\x04": "a ZIP archive or an Excel workbook: save the sheet as CSV, or name an archive .zip",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook: save the sheet as CSV",
    b"\x1f\x8b": "gzip: name the file .gz",
    b"\xfd7zXZ\x00": "xz: name the file .xz",
    b"\x28\xb5\x2f\xfd": "Zstandard: name the file .zst",
    b"BZh": "bzip2: name the file .bz2",
    b"PAR1": "Parquet: name the file .parquet",
}
_DAMAGE = (
    OSError,
    EOFError,
    ValueError,
    RuntimeError,
    NotImplementedError,  # what zipfile says of a compression that it does not know
    zlib.error,
    lzma.LZMAError,
    zipfile.BadZipFile,
)


def read_input(source: str | Path) -> bytes:
    """The bytes of a file or of stdin (`"-"`), unpacked where the name ends in .gz, .xz, .bz2, .zst or .zip.

    Args:
        source: a path, or `"-"` for stdin.

    Returns:
        The unpacked bytes; never empty.

    Raises:
        FileError: missing, not a regular file, a URL, or unreadable.
        BusyError: the file changed while it was read.
        DataError: empty, too large, a damaged archive, or an archive of several files.
        UsageError: a `.zst` without the zstandard package.
    """
    packed = _read_stdin() if source == "-" else _read(str(source))
    unpack = None if source == "-" else _UNPACKERS.get(Path(source).suffix.lower())
    data = _unpacked(packed, str(source), unpack) if unpack and packed else packed
    if not data:
        raise DataError(f"{_name(source)}: the file is empty; it needs a header line and at least one row")
    return data


def to_utf8(data: bytes, source: str, encoding: str | None = None) -> bytes:
    r"""The same as `to_text`, where the last line too ends with `\n`."""
    text = to_text(data, source, encoding)
    return text if text.endswith(b"\n") else text + b"\n"


def to_text(data: bytes, source: str, encoding: str | None = None) -> bytes:
    r"""The same text as UTF-8 without a byte order mark; lines end with `\n`.

    Args:
        data: bytes of UTF-8, of UTF-16 with a byte order mark, or of `encoding`.
        source: how messages name the file.
        encoding: a Python codec name; None means UTF-8 or UTF-16, told by the byte order mark.

    Raises:
        DataError: bytes that the encoding does not allow, or a NUL.
        ConfigError: the encoding is unknown.
    """
    codec = _codec(encoding or ("utf-16" if data.startswith(_UTF16) else "utf-8"))
    try:
        text = data if codec == "utf-8" and data.isascii() else data.decode(codec).encode()
    except UnicodeDecodeError as err:
        raise DataError(_undecodable(data, source, codec, err)) from err
    text = text.removeprefix(codecs.BOM_UTF8)
    if (nul := text.find(b"\0")) >= 0:
        raise DataError(
            f"{source}:{_line_at(text, nul)}: NUL byte: the file is damaged, or not {codec.upper()} (name its encoding "
            "with data.encoding, such as utf-16-le)"
        )
    return text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def parquet_to_csv(data: bytes, source: str) -> bytes:
    """The rows of a Parquet file as CSV text: numbers in their shortest exact form, nulls as empty fields.

    Raises:
        UsageError: pyarrow is not installed.
        DataError: not Parquet, or a column of lists or records.
    """
    try:
        import pyarrow as pa
        from pyarrow import csv, parquet
    except ImportError as err:
        raise UsageError(
            f"{source}: reading Parquet needs pyarrow; install it with: pip install 'lstmcast[parquet]'"
        ) from err
    text = io.BytesIO()
    try:
        table = parquet.read_table(io.BytesIO(data))
        csv.write_csv(pa.table([_to_csv_column(column) for column in table.columns], names=table.column_names), text)
    except (pa.ArrowException, OSError) as err:
        raise DataError(f"{source}: cannot be read as a flat Parquet table ({str(err).splitlines()[0]})") from err
    return text.getvalue()


def _to_csv_column(column: Any) -> Any:
    """A column of pyarrow as CSV should write it: without a dictionary; dates as dates, seconds without a fraction."""
    import pyarrow as pa

    if pa.types.is_dictionary(column.type):
        return column.cast(column.type.value_type)
    if not pa.types.is_timestamp(column.type):
        return column
    coarser = [pa.timestamp("s", column.type.tz), *([] if column.type.tz else [pa.date32()])]
    exact = [column.cast(coarser_type, safe=False) for coarser_type in coarser]
    return next((cast for cast in reversed(exact) if cast.cast(column.type).equals(column)), column)


def _name(source: str | Path) -> str:
    """How messages name the source."""
    return "stdin" if source == "-" else str(source)


def _read_stdin() -> bytes:
    """All bytes that are piped in."""
    if sys.stdin is None:
        raise FileError("stdin: is closed; pipe the data in, or name a file")
    try:
        return _bounded(iter(lambda: sys.stdin.buffer.read(PIECE), b""), "stdin")
    except OSError as err:
        raise FileError(f"stdin: {err.strerror or err}") from err


def _read(source: str) -> bytes:
    """All bytes of a regular file that nobody writes to meanwhile."""
    if not source:
        raise FileError("the data file has an empty name; name a file, or '-' for stdin")
    if _URL.match(source):
        raise FileError(f"{source}: a URL is not read; download the file first, or pipe it in and name it '-'")
    try:
        _require_regular(source, Path(source).stat())
        with Path(source).open("rb") as stream:
            before = os.fstat(stream.fileno())
            data = _bounded(iter(lambda: stream.read(PIECE), b""), source)
            after = os.fstat(stream.fileno())
    except (OSError, ValueError) as err:
        raise FileError(f"{source}: {getattr(err, 'strerror', None) or err}") from err
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns) or len(data) != before.st_size:
        raise BusyError(f"{source}: the file changed while it was read; try again when its writer is done")
    return data


def _require_regular(source: str, status: os.stat_result) -> None:
    """Refuses what is no regular file: reading it could block, or never end."""
    names = {stat.S_IFDIR: "a directory", stat.S_IFIFO: "a FIFO", stat.S_IFSOCK: "a socket"}
    if not stat.S_ISREG(status.st_mode):
        file_type = names.get(stat.S_IFMT(status.st_mode), "a device")
        hint = "name one file in it" if file_type == "a directory" else "pipe its content in and name it '-'"
        raise FileError(f"{source}: is {file_type}, not a regular file; {hint}")


def _bounded(pieces: Iterable[bytes], source: str, packed: int | None = None) -> bytes:
    """The pieces as one, unless they grow beyond what a table of past values can be."""
    data = io.BytesIO()
    for piece in pieces:
        size = data.tell() + len(piece)
        if size > MAX_BYTES:
            raise DataError(
                f"{source}: more than {MAX_BYTES:,} bytes of text; keep the columns and rows a forecast needs"
            )
        if packed is not None and size > max(BOMB_BYTES, BOMB_RATIO * packed):
            raise DataError(
                f"{source}: {packed:,} bytes unpack to more than {size:,}; unpack the file yourself if this is meant"
            )
        data.write(piece)
    return data.getvalue()


def _unpacked(packed: bytes, source: str, unpack: Callable[[bytes, str], Iterator[bytes]]) -> bytes:
    """An archive's content; damage is told in one line."""
    try:
        return _bounded(unpack(packed, source), source, len(packed))
    except _DAMAGE as err:
        suffix = Path(source).suffix.lower()
        raise DataError(f"{source}: not a whole {suffix} file ({err}); fetch or pack it again") from err


def _stream(opener: Callable[[IO[bytes]], io.BufferedIOBase]) -> Callable[[bytes, str], Iterator[bytes]]:
    """An unpacker from one of the standard library's file objects."""

    def pieces(packed: bytes, _source: str) -> Iterator[bytes]:
        with opener(io.BytesIO(packed)) as stream:
            yield from iter(lambda: stream.read(PIECE), b"")

    return pieces


def _zip(packed: bytes, source: str) -> Iterator[bytes]:
    """The only file of a ZIP archive."""
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        names = [name for name in archive.namelist() if not name.endswith("/") and not name.startswith("__MACOSX/")]
        if len(names) != 1:
            raise DataError(
                f"{source}: the archive must hold exactly one file (it holds {len(names)}"
                f"{': ' if names else ''}{', '.join(names[:5])})"
            )
        with archive.open(names[0]) as stream:
            yield from iter(lambda: stream.read(PIECE), b"")


def _zst(packed: bytes, source: str) -> Iterator[bytes]:
    """Zstandard frames, fed in sips: a few bytes can unpack to very many."""
    try:
        import zstandard
    except ImportError as err:
        raise UsageError(f"{source}: reading .zst needs zstandard; install it with: pip install zstandard") from err
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


def _codec(encoding: str) -> str:
    """Python's own name of a text encoding; a byte order mark needs no codec of its own."""
    try:
        b"\n\n\n\n".decode(encoding, errors="ignore")
    except LookupError as err:
        raise ConfigError(
            f"data.encoding: must be a text encoding such as utf-8, latin-1 or cp1252 (got '{encoding}')"
        ) from err
    return codecs.lookup(encoding).name.replace("utf-8-sig", "utf-8")


def _undecodable(data: bytes, source: str, codec: str, err: UnicodeDecodeError) -> str:
    """What to say of bytes that are not text."""
    for magic, what in _MAGIC.items():
        if data.startswith(magic):
            return f"{source}: is {what}"
    before = data[: err.start].decode(codec, errors="ignore").encode()
    where = f"{source}:{_line_at(before, len(before))}: byte offset {err.start}: 0x{data[err.start]:02x}"
    hint = "save the file as UTF-8, or name its encoding with data.encoding"
    return f"{where} is not {codec.upper()} ({err.reason}); {hint}"


def _line_at(text: bytes, offset: int) -> int:
    """The physical line, from 1, of a byte."""
    return text[:offset].replace(b"\r\n", b"\n").replace(b"\r", b"\n").count(b"\n") + 1
