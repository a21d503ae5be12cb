"""Encodings of text: bytes as UTF-8, and refused bytes."""

from __future__ import annotations

import gzip
import lzma
import os

import pytest

from lstmcast.data.file.encoding import to_text
from lstmcast.errors import ConfigError, DataError

TEXT = b"date,y\n2020-01-01,1\n2020-02-01,2\n"


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le+bom", "utf-16-be+bom"])
def test_byte_order_marks_and_line_ends_leave_no_trace(codec: str, newline: str) -> None:
    """UTF-8 and UTF-16 with marks of any order become the same UTF-8 with plain line ends."""
    text = newline.join(["date,Größe", "2020-01-01,1", "x"])
    name, _, mark = codec.partition("+")
    data = (("\ufeff" if mark else "") + text).encode(name)
    assert to_text(data, "f") == "date,Größe\n2020-01-01,1\nx".encode()


def test_mixed_line_ends_count_as_one_each() -> None:
    """CRLF, CR and LF in one file each end one line."""
    assert to_text(b"a\r\nb\rc\nd\r\r\ne", "f") == b"a\nb\nc\nd\n\ne"


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "ISO-8859-15"])
def test_a_given_encoding_is_used(encoding: str) -> None:
    """A Latin file is read when its encoding is named."""
    assert to_text("a,é\n1,2\n".encode(encoding), "f", encoding) == "a,é\n1,2\n".encode()


def test_invalid_utf8_is_refused_with_its_position() -> None:
    """The byte, its offset in the file and its line are named, whatever the line ends."""
    for newline in (b"\n", b"\r\n", b"\r"):
        data = newline.join([b"a,b", b"1,2", b"\xc3\xa9,caf\xe9,3"])
        offset = data.index(b"\xe9")
        with pytest.raises(DataError, match=rf"^f\.csv:3: byte offset {offset}: 0xe9 is not UTF-8 .*save the file"):
            to_text(data, "f.csv")


def test_half_a_utf16_character_is_refused() -> None:
    """UTF-16 with an odd number of bytes is cut off."""
    with pytest.raises(DataError, match=r"^f:2: byte offset 8: 0x31 is not UTF-16"):
        to_text("a\n1".encode("utf-16") + b"1", "f")


@pytest.mark.parametrize(
    ("data", "line"), [(b"a\n1\0xyz\n", 2), (b"a\r\n1\r\n\0\r\n", 3), ("a\n1\n".encode("utf-16-le"), 1)]
)
def test_a_nul_byte_is_refused_with_its_line(data: bytes, line: int) -> None:
    """A NUL never ends a field early; UTF-16 without a mark shows itself the same way."""
    with pytest.raises(DataError, match=rf"^f:{line}: NUL byte"):
        to_text(data, "f")


def test_an_unknown_encoding_is_a_fault_of_the_config() -> None:
    """Codecs that Python does not know, or that are not for text, name the key."""
    for encoding in ("utf9", "hex"):
        with pytest.raises(ConfigError, match=rf"^data\.encoding: .*\(got '{encoding}'\)"):
            to_text(TEXT, "f", encoding)


@pytest.mark.parametrize(
    ("data", "hint"),
    [
        (b"PK\x03\x04" + os.urandom(99), "an Excel workbook"),
        (gzip.compress(TEXT, mtime=0), r"name the file \.gz"),
        (lzma.compress(TEXT), r"\.xz"),
    ],
)
def test_packed_files_without_their_suffix_are_recognised(data: bytes, hint: str) -> None:
    """A workbook or an archive with a wrong extension is reported by its actual format."""
    with pytest.raises(DataError, match=hint):
        to_text(data, "f")
