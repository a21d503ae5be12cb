"""Encodings of text: bytes as UTF-8, or a fault with the encodings that read them."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from contextlib import suppress

from lstmcast.errors import ConfigError, DataError, Fault, FaultCode, Fix

_MIN_LETTERS = 0.8  # fraction of the signs beyond ASCII, in the right encoding
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
            if sum(sign.isalpha() and not "\uff61" <= sign <= "\uff9f" for sign in foreign) < _MIN_LETTERS * len(
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
