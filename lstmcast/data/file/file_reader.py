"""Reading of complete files: decompression, decoding, Parquet, and checks before any parsing."""

from __future__ import annotations

import bz2
import codecs
import csv
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
from contextlib import suppress
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import IO, Any

from lstmcast.errors import BusyError, ConfigError, DataError, Fault, FaultCode, FileError, Fix, UsageError

MAX_BYTES = 4 << 30  # of decompressed text
BOMB_BYTES, BOMB_RATIO = 100 << 20, 500  # reject compressed files above both size and compression ratio
CHUNK_BYTES = 1 << 20

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
MIN_LETTERS = 0.8  # fraction of the signs beyond ASCII, in the right encoding
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_MAGIC = {
    b"PK\x03\x04": "a ZIP archive or an Excel workbook: name it .zip or .xlsx",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook: save it as .xlsx or the sheet as CSV",
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
    NotImplementedError,  # of zipfile, for an unknown compression
    zlib.error,
    lzma.LZMAError,
    zipfile.BadZipFile,
)


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


def to_utf8(data: bytes, source: str, encoding: str | None = None) -> bytes:
    r"""Convert as `to_text`, with `\n` at the end of the last line."""
    text = to_text(data, source, encoding)
    return text if text.endswith(b"\n") else text + b"\n"


def to_text(data: bytes, source: str, encoding: str | None = None) -> bytes:
    r"""Convert bytes to UTF-8 without a byte order mark, with `\n` between lines.

    Args:
        encoding: a Python codec; None for UTF-8, or UTF-16 with a byte order mark.

    Raises:
        DataError: invalid bytes, or a NUL.
        ConfigError: the encoding is unknown.
    """
    codec = _codec(encoding or ("utf-16" if data.startswith(_UTF16) else "utf-8"))
    try:
        text = data if codec == "utf-8" and data.isascii() else data.decode(codec).encode()
    except UnicodeDecodeError as err:
        raise DataError(_undecodable(data, source, codec, err)) from err
    text = text.removeprefix(codecs.BOM_UTF8)
    if (nul := text.find(b"\0")) >= 0:
        line = _line_at(text, nul)
        rule = f"{source}:{line}: NUL byte: the file is damaged, or not {codec.upper()}"
        raise DataError(Fault(rule, FaultCode.NOT_UTF8, line, fixes=tuple(_wide_fixes(data))))
    return text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def parquet_to_csv(data: bytes, source: str) -> bytes:
    """Convert Parquet to CSV text, with numbers in their shortest exact form and nulls as empty fields.

    Raises:
        UsageError: pyarrow is not installed.
        DataError: not Parquet, or a column of lists or records.
    """
    try:
        import pyarrow as pa
        from pyarrow import csv as arrow_csv
        from pyarrow import parquet
    except ImportError as err:
        raise UsageError(f"{source}: Parquet files require pyarrow; run pip install 'lstmcast[parquet]'") from err
    text = io.BytesIO()
    try:
        table = parquet.read_table(io.BytesIO(data))
        arrow_csv.write_csv(
            pa.table([_to_csv_column(column) for column in table.columns], names=table.column_names), text
        )
    except (pa.ArrowException, OSError) as err:
        raise DataError(f"{source}: cannot be read as a flat Parquet table ({str(err).splitlines()[0]})") from err
    return text.getvalue()


def workbook_to_csv(data: bytes, source: str, sheet: str | None) -> tuple[bytes, str]:
    """Convert a sheet of an Excel workbook to CSV text, one line for each row of the sheet.

    Args:
        sheet: the name of the sheet, or its number from 1; None for the first that is not empty.

    Returns:
        The text, and a description of the sheet.

    Raises:
        UsageError: openpyxl is not installed.
        DataError: not a workbook, no such sheet, or all are empty.
    """
    try:
        import openpyxl
    except ImportError as err:
        raise UsageError(f"{source}: Excel workbooks require openpyxl; run pip install 'lstmcast[excel]'") from err
    try:
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        sheets = {str(page.title): page for page in book.worksheets}
        titles = list(sheets)
        wanted = _sheets(titles, sheet, source)
        cells = {title: [list(row) for row in sheets[title].iter_rows(values_only=True)] for title in wanted[:1]}
        while not any(map(any, cells[wanted[0]])) and len(wanted) > 1:
            wanted = wanted[1:]
            cells[wanted[0]] = [list(row) for row in sheets[wanted[0]].iter_rows(values_only=True)]
    except (*_DAMAGE, KeyError, TypeError) as err:
        raise DataError(f"{source}: cannot be read as an Excel workbook ({err}); save the sheet as CSV") from err
    rows = cells[wanted[0]]
    if not any(cell is not None for row in rows for cell in row):
        raise DataError(f"{source}: sheet '{wanted[0]}' is empty")
    location = f"sheet '{wanted[0]}'" + (f", one of {len(titles)}" if len(titles) > 1 else "")
    return _rows_to_csv(rows), f"{location}: line numbers are its rows"


def _sheets(titles: list[str], sheet: str | None, source: str) -> list[str]:
    """Sheets to try; raises DataError for one that is not there."""
    if sheet is None or sheet in titles:
        return titles if sheet is None else [sheet]
    if sheet.isdigit() and 1 <= int(sheet) <= len(titles):
        return [titles[int(sheet) - 1]]
    fixes = tuple(Fix(f"data.sheet={k}", f"read '{title}'") for k, title in enumerate(titles, 1))
    raise DataError(Fault(f"{source}: data.sheet: no sheet '{sheet}'", FaultCode.NO_SHEET, 0, "data.sheet", fixes))


def _rows_to_csv(rows: list[list[Any]]) -> bytes:
    """CSV text of the rows of a sheet, without empty columns at its sides; titles above the table are single fields."""
    width = max(map(len, rows))
    filled = [[k < len(row) and row[k] is not None for row in rows] for k in range(width)]
    columns = [k for k in range(width) if any(filled[k])]
    columns = list(range(columns[0], columns[-1] + 1))
    dates = {k for k in columns if all(_is_midnight(row[k]) for row in rows if k < len(row))}
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    table = False
    for row in rows:
        fields = [_cell_text(row[k], date_only=k in dates) if k < len(row) else "" for k in columns]
        count = sum(field != "" for field in fields)
        table = table or count > 1
        writer.writerow(fields if table else [field for field in fields if field])
    return text.getvalue().encode()


def _is_midnight(cell: Any) -> bool:
    """True unless a cell is a time with hours."""
    return not isinstance(cell, datetime) or cell.time() == time()


def _cell_text(cell: Any, *, date_only: bool) -> str:
    """A cell of a workbook as text."""
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        rounded = (cell + timedelta(milliseconds=0.5)).replace(microsecond=0) if cell.microsecond > 999_000 else cell
        return rounded.date().isoformat() if date_only else rounded.isoformat(" ")
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(float(f"{cell:.15g}"))  # as Excel
    return " ".join(str(cell).split("\n"))


def _to_csv_column(column: Any) -> Any:
    """Cast a pyarrow column for CSV: dictionaries to values, timestamps to dates or seconds where exact."""
    import pyarrow as pa

    if pa.types.is_dictionary(column.type):
        return column.cast(column.type.value_type)
    if not pa.types.is_timestamp(column.type):
        return column
    coarser = [pa.timestamp("s", column.type.tz), *([] if column.type.tz else [pa.date32()])]
    exact = [column.cast(coarser_type, safe=False) for coarser_type in coarser]
    return next((cast for cast in reversed(exact) if cast.cast(column.type).equals(column)), column)


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
    except _DAMAGE as err:
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


def _codec(encoding: str) -> str:
    """Normalized name of a text encoding, without a byte order mark."""
    try:
        b"\n\n\n\n".decode(encoding, errors="ignore")
    except LookupError as err:
        raise ConfigError(
            f"data.encoding: must be a text encoding such as utf-8, latin-1 or cp1252 (got '{encoding}')"
        ) from err
    return codecs.lookup(encoding).name.replace("utf-8-sig", "utf-8")


def _undecodable(data: bytes, source: str, codec: str, err: UnicodeDecodeError) -> Fault:
    """Fault of bytes that are not text, with encodings that read them."""
    for magic, file_type in _MAGIC.items():
        if data.startswith(magic):
            return Fault(f"{source}: is {file_type}")
    before = data[: err.start].decode(codec, errors="ignore").encode()
    line = _line_at(before, len(before))
    where = f"{source}:{line}: byte offset {err.start}: 0x{data[err.start]:02x}"
    text = f"{where} is not {codec.upper()} ({err.reason})"
    fixes = tuple(_wide_fixes(data)) or tuple(_encoding_fixes(data, err.start))
    return Fault(text if fixes else f"{text}; save the file as UTF-8", FaultCode.NOT_UTF8, line, fixes=fixes)


def _wide_fixes(data: bytes) -> Iterator[Fix]:
    """Yield the encoding of two bytes for each character, if ASCII text has a NUL in every other byte."""
    for name, start in (("utf-16-le", 1), ("utf-16-be", 0)):
        if data[start::2].count(0) > len(data) // 4 > data[1 - start :: 2].count(0):
            yield Fix(f"data.encoding={name}", "read two bytes for each character")


def _encoding_fixes(data: bytes, start: int) -> Iterator[Fix]:
    """Yield encodings that read all bytes as text, with the word at a byte; that of the likely script first."""
    runs = re.findall(rb"[\x80-\xff]+", data)
    single = sum(map(len, runs)) < 1.7 * len(runs)  # as letters with accents among others
    for name in ("cp1252", "cp1250") if single else ("cp1251", "cp932", "gb18030", "cp949"):
        with suppress(UnicodeDecodeError):
            text = data.decode(name)
            foreign = [sign for sign in text if sign > "\x7f"]
            if sum(sign.isalpha() and not "\uff61" <= sign <= "\uff9f" for sign in foreign) < MIN_LETTERS * len(
                foreign
            ):
                continue  # also for half-width katakana
            if name == "cp1251" and sum(map(str.islower, foreign)) < len(foreign) / 2:
                continue
            position = len(data[:start].decode(name, errors="ignore"))
            word = re.split(r"[^\w]", text[:position])[-1] + re.split(r"[^\w]", text[position:])[0]
            yield Fix(f"data.encoding={name}", f"read '{word or text[position]}'")


def _line_at(text: bytes, offset: int) -> int:
    """Physical line, from 1, of a byte."""
    return text[:offset].replace(b"\r\n", b"\n").replace(b"\r", b"\n").count(b"\n") + 1
