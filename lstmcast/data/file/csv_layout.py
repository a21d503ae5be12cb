"""Layout of a CSV text: delimiter, records and numbers of fields."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lstmcast.errors import ConfigError, DataError, Fault, FaultCode, Fix
from lstmcast.types import Bools, Ints

Bytes = npt.NDArray[np.uint8]

DELIMITERS = ",;\t|"
SAMPLE_BYTES = 1 << 16
_MIN_ALIGNED = 5  # lines that show columns aligned by blanks

_PLAIN_FIELD = re.compile(r"[\w.:/+\- ]*|\s*[+-]?[\d.]*,\d+\s*")
_NEWLINE, _QUOTE, _SPACE, _TAB = b'\n" \t'
_SPELLED = {"\\t": "\t", "tab": "\t"}


@dataclass(frozen=True)
class CsvLayout:
    """Physical start lines [R], from 1, and numbers of fields [R] of the non-blank records; record 0 is the header."""

    lines: Ints
    widths: Ints


def find_layout(text: bytes, delimiter: str, source: str) -> CsvLayout:
    r"""Find the records as in RFC 4180: quoted fields may contain delimiters, newlines and doubled quotes.

    Args:
        text: UTF-8 that ends with `\n` and has no `\r`.
        delimiter: one ASCII character.

    Raises:
        DataError: a quote that is not closed at the end of its field.
    """
    marks = np.frombuffer(text, dtype=np.uint8)
    if b'"' not in text:
        return _unquoted_layout(marks, ord(delimiter), None)
    if _quotes_are_simple(marks, ord(delimiter)):
        return _unquoted_layout(marks, ord(delimiter), np.logical_xor.accumulate(marks == _QUOTE))
    return _exact_layout(text, delimiter, source)


def choose_delimiter(text: bytes, given: str | None, source: str) -> str:
    r"""Return the given delimiter, or infer it: the one of `, ; tab |` for which most first rows have equal widths.

    Args:
        text: UTF-8 with `\n` between lines.
        given: the pinned delimiter; `"\t"` and `"tab"` are a tab.

    Raises:
        DataError: two delimiters fit equally well.
        ConfigError: the given delimiter is not one ASCII character.
    """
    if given is not None:
        return _checked(_SPELLED.get(given, given))
    sample = text[:SAMPLE_BYTES]
    sample = sample[: sample.rfind(b"\n") + 1] or text[: text.find(b"\n") + 1]
    agreements = {
        delimiter: agreement
        for delimiter in DELIMITERS
        if (agreement := _agreement(sample.decode(), delimiter)) is not None
    }
    best = [delimiter for delimiter, agreement in agreements.items() if agreement == max(agreements.values())]
    if "\t" in best and re.match(rb"[^\t\n]*\\[^\t\n]*\t", text):  # geo\TIME_PERIOD of Eurostat
        return "\t"
    if len(best) > 1:
        signs = " and ".join(f"'{sign}'" for sign in best).replace("\t", "\\t")
        likely = sorted(best, key=lambda sign: not _holds_plain_fields(sample.decode(), sign))
        shown = [sign.replace("\t", "\\t") for sign in likely]
        fixes = tuple(Fix(f'data.delimiter="{sign}"', f"separate by '{sign}'") for sign in shown)
        rule = f"{source}:1: {signs} separate the fields equally well"
        raise DataError(Fault(rule, FaultCode.DELIMITER_UNCLEAR, 1, "", fixes))
    return best[0] if best else ","


def join_blanks(text: bytes, given: str | None) -> bytes:
    """Replace the blanks between aligned columns by tabs, if no delimiter is given or found in the first lines.

    Most lines must have the same columns, of which the last holds numbers.
    """
    sample = text[: text.rfind(b"\n", 0, SAMPLE_BYTES) + 1] or text[: text.find(b"\n") + 1]
    if given not in {None, " "} or b" " not in sample:
        return text
    lines = [line.strip() for line in sample.split(b"\n") if line.strip() and not line.lstrip().startswith(b"#")]
    if any(sign in line for line in lines for sign in b',;|"'):
        return text
    for titled in (False, True):
        for blanks in (re.compile(rb" {2,}|\t+"), re.compile(rb"[ \t]+")):
            if _are_aligned([blanks.split(line) for line in lines], titled=titled):
                return b"\n".join(blanks.sub(b"\t", line.strip()) for line in text.split(b"\n"))
    return text


def _are_aligned(rows: list[list[bytes]], *, titled: bool) -> bool:
    """True if most rows have the same width, and the last field of most is a number or a mark of a missing one.

    Args:
        titled: true if the first row is a title, of at most half the width.
    """
    if len(rows) < _MIN_ALIGNED:
        return False
    width, count = Counter(map(len, rows)).most_common(1)[0]
    same = [row for row in rows[1:] if len(row) == width]
    if width < 2 or count < 0.8 * len(rows) or (len(rows[0]) != width) != titled or any(map(_has_several, same[-1])):
        return False
    if titled and (len(rows[0]) > width // 2 or _are_thousands(same)):
        return False
    numbers = sum(re.fullmatch(rb"[+-]?[0-9.]+|[A-Z]{2,3}", row[-1]) is not None for row in same)
    return numbers >= 0.9 * len(same)


def _are_thousands(rows: list[list[bytes]]) -> bool:
    """True if all fields but the first are three digits, as in 1 234 567."""
    return all(re.fullmatch(rb"[0-9]{3}", field) for row in rows for field in row[1:])


def _has_several(field: bytes) -> bool:
    """True for several numbers, which are not groups of thousands."""
    numbers = re.fullmatch(rb"[+-]?[0-9.]+(?: [+-]?[0-9.]+)+", field)
    return numbers is not None and not re.fullmatch(rb"[+-]?[0-9]{1,3}(?: [0-9]{3})+(?:\.[0-9]+)?", field)


def _checked(delimiter: str) -> str:
    """Raise ConfigError for a delimiter that may be part of a field."""
    if len(delimiter) != 1 or not delimiter.isascii() or delimiter.isalnum() or delimiter in '"\n\r.+-':
        raise ConfigError(f"data.delimiter: must be one character such as , ; | or \\t (got {delimiter!r})")
    return delimiter


def _agreement(sample: str, delimiter: str) -> float | None:
    """Fraction of rows as wide as the header, or wider by a trailing delimiter; None for a header of one field."""
    try:
        rows = [row for row in csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter) if row]
    except csv.Error:  # a field of more than 128 KiB
        return None
    if not rows or len(rows[0]) < 2:
        return None
    width = len(rows[0])
    fits = Counter(len(row) == width or (len(row) == width + 1 and row[-1] == "") for row in rows[1:])
    return fits[True] / max(len(rows) - 1, 1)


def _holds_plain_fields(sample: str, delimiter: str) -> bool:
    """True if the fields below the header are words, times and numbers, possibly with a decimal comma."""
    rows = list(csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter))[1:]
    return all(_PLAIN_FIELD.fullmatch(field) for row in rows for field in row)


def _quotes_are_simple(marks: Bytes, delimiter: int) -> bool:
    """True if all quotes are at the start and end of fields, so that parity identifies quoted text."""
    quotes = np.flatnonzero(marks == _QUOTE)
    if len(quotes) % 2:
        return False
    opening, closing = quotes[0::2], quotes[1::2]
    edges = np.array([delimiter, _NEWLINE, _QUOTE], dtype=np.uint8)
    before = marks[opening[opening > 0] - 1]
    return bool(np.isin(before, edges).all() and np.isin(marks[closing + 1], edges).all())


def _unquoted_layout(marks: Bytes, delimiter: int, inside: Bools | None) -> CsvLayout:
    """Compute the layout by counting bytes; `inside` [bytes] is true within quotes."""
    newlines = np.flatnonzero(marks == _NEWLINE)
    ends = newlines if inside is None else newlines[~inside[newlines]]
    delimiters = np.flatnonzero(marks == delimiter)
    if inside is not None:
        delimiters = delimiters[~inside[delimiters]]
    starts = np.concatenate([[0], ends[:-1] + 1])
    widths = np.diff(np.searchsorted(delimiters, ends), prepend=0) + 1
    solid = (marks != _NEWLINE) & (marks != _SPACE) & (marks != _TAB) | (marks == delimiter)
    kept = np.logical_or.reduceat(solid, starts)
    lines = np.searchsorted(newlines, starts[kept]) + 1
    return CsvLayout(lines.astype(np.int64), widths[kept].astype(np.int64))


def _exact_layout(text: bytes, delimiter: str, source: str) -> CsvLayout:
    """Compute the layout by the csv module, for quotes in unusual places."""
    reader = csv.reader(io.TextIOWrapper(io.BytesIO(text), "utf-8", newline=""), delimiter=delimiter, strict=True)
    physical = text.decode().split("\n")
    lines, widths, line = [], [], 1
    try:
        for row in reader:
            if len(row) > 1 or "".join(physical[line - 1 : reader.line_num]).strip(" \t"):  # quoted blanks are a row
                lines.append(line)
                widths.append(len(row))
            line = reader.line_num + 1
    except csv.Error as err:
        hint = 'close it, and double the quotes inside a field ("")'
        raise DataError(
            f"{source}:{line}: a quote opened in this row is not closed at the end of its field; {hint}"
        ) from err
    return CsvLayout(np.array(lines, dtype=np.int64), np.array(widths, dtype=np.int64))
