"""Lines of a CSV text that are no rows: comments, titles above the header, units below it, totals and notes.

Such lines are emptied, so that the other lines keep their physical numbers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lstmcast.data.file.csv_layout import DELIMITERS
from lstmcast.data.file.lines import Line, Skips, first_lines, last_lines, split_lines
from lstmcast.data.file.row_shape import find_shape
from lstmcast.data.file.table_lines import TableLines, names_units
from lstmcast.data.schema import DataNote
from lstmcast.errors import ConfigError

NONE = "none"  # no line is skipped

_HEAD, _TAIL = 100, 40  # lines that decide
_COMMENT = re.compile(rb"#|//|;")
_SEP = re.compile(rb'"?sep=(.)"?\s*', re.IGNORECASE)
_SPEC = re.compile(r"(?P<first>[0-9]+)(?:-(?P<to>[0-9]+))?|last\s*(?P<last>[0-9]+)")


@dataclass(frozen=True)
class SkippedText:
    """A CSV text without the skipped lines.

    Attributes:
        delimiter: given, or of a `sep=` line; None without one.
        numbers: the skipped lines, from 1.
        notes: counts of skipped lines.
    """

    text: bytes
    delimiter: str | None = None
    numbers: tuple[int, ...] = ()
    notes: tuple[DataNote, ...] = ()


def skip_lines(
    text: bytes, skip: Sequence[str], delimiter: str | None, source: str, *, has_header: bool = True
) -> SkippedText:
    """Empty the lines that are no rows.

    Args:
        text: UTF-8 that ends with a newline.
        skip: `3` (the first three lines), `5-6` (lines 5 and 6), `last 2` (the last two that are not blank) or `none`;
            empty to find them.
        delimiter: the given delimiter.
        has_header: false for a text without column names.

    Raises:
        DataError: lines above the header, below it or at the end that may be rows.
        ConfigError: another form of `skip`.
    """
    skips = Skips()
    if separator := _SEP.match(text, 0, text.find(b"\n")):
        skips.add(first_lines(text, 1), "")
        delimiter = delimiter or separator[1].decode("utf-8", "replace")
    if not skip:
        _find(text, delimiter, source, skips, has_header=has_header)
    elif tuple(skip) != (NONE,):
        skips.add(_given(text, skip), "set by data.skip")
    return SkippedText(_emptied(text, skips), delimiter, tuple(sorted(skips.lines)), skips.notes())


def _emptied(text: bytes, skips: Skips) -> bytes:
    """The text with skipped lines empty and changed lines replaced."""
    edits = [(line.start, line.end, b"") for line, _ in skips.lines.values()]
    edits += [(line.start, line.end, new) for line, new in skips.changed]
    if not edits:
        return text
    parts, at = [], 0
    for start, end, new in sorted(edits):
        parts += [text[at:start], new]
        at = end
    return b"".join([*parts, text[at:]])


def _given(text: bytes, skip: Sequence[str]) -> Iterator[Line]:
    """The lines that `data.skip` names."""
    for spec in (part.strip() for parts in skip for part in parts.split(",")):
        match = _SPEC.fullmatch(spec)
        if match is None:
            rule = "must be a number of first lines, a range such as 5-6, or last 2"
            raise ConfigError(f"data.skip: {rule} (got '{spec}')")
        if match["last"]:
            yield from last_lines(text, int(match["last"]))
        else:
            first, to = (int(match["first"]), int(match["to"])) if match["to"] else (1, int(match["first"]))
            yield from (line for line in first_lines(text, to, 1 << 62) if line.number >= first)


def _find(text: bytes, delimiter: str | None, source: str, skips: Skips, *, has_header: bool) -> None:
    """Find the lines that are no rows; raises DataError if a line may be one."""
    head = [line for line in first_lines(text, _HEAD) if line.number not in skips.lines]
    tail = last_lines(text, _TAIL, head[-1].end + 1 if head else 0)
    _LeadingComments(text, head, has_header).skip(skips)
    rest = [line for line in head if line.number not in skips.lines]
    for sign in [delimiter] if delimiter else DELIMITERS:
        lines = split_lines(text, rest, sign)
        shape = find_shape(lines[len(lines) // 2 :]) or find_shape(lines)
        if shape is not None and TableLines(text, source, sign, shape, lines, tail, has_header).find(skips):
            return


@dataclass(frozen=True)
class _LeadingComments:
    """The lines at the start of a file that begin with `#`, `//` or `;`."""

    text: bytes
    head: list[Line]
    has_header: bool = True

    def skip(self, skips: Skips) -> None:
        """Skip them, unless all lines of the sample begin so; the last one may be the header."""
        solid = [line for line in self.head if self.text[line.start : line.end].strip()]
        leading: list[Line] = []
        for line in solid:
            if not _COMMENT.match(self.text, line.start):
                break
            leading.append(line)
        if not leading or len(leading) == len(solid) or self._are_rows(solid, leading):
            return
        units, header = self._names(leading, solid[len(leading)])
        if header is not None:
            skips.changed.append((leading.pop(), header))
        skips.add(leading, "comments")
        skips.add(units, "units below the header")

    def _names(self, leading: list[Line], first: Line) -> tuple[list[Line], bytes | None]:
        """Lines of units, taken from the end of the comments, and the text of the header before them, if any."""
        units: list[Line] = []
        header = self._header(leading[-1], first) if self.has_header else None
        while header is not None and names_units(self.text[leading[-1].start : leading[-1].end]):
            before = self._header(leading[-2], first) if len(leading) > 1 else None
            if before is None:
                break
            units.append(leading.pop())
            header = before
        return units, header

    def _are_rows(self, solid: list[Line], leading: list[Line]) -> bool:
        """True if a semicolon is the delimiter, or a line later in the sample begins so too."""
        marks = {self.text[line.start : line.start + 1] for line in leading}
        if b";" not in marks:
            return False
        return any(b";" in self.text[line.start : line.end] for line in solid[len(leading) :])

    def _header(self, last: Line, first: Line) -> bytes | None:
        """The last comment without its mark, if it names the columns of the first row; None if not."""
        raw = self.text[last.start : last.end]
        name = re.sub(rb"^(#|//|;)+\s*", b"", raw)
        row = self.text[first.start : first.end]
        for sign in DELIMITERS.encode():
            count = row.count(bytes([sign]))
            if count and name.count(bytes([sign])) == count:
                words = [word.strip(' "') for word in name.decode("utf-8", "replace").split(chr(sign))]
                values = [word.strip(' "') for word in row.decode("utf-8", "replace").split(chr(sign))]
                digits = [any(map(str.isdigit, word)) for word in values]
                if not any(any(map(str.isdigit, word[:1])) for word in words) and any(digits) and digits[0]:
                    return raw if words[0] == "" else name
        return None
