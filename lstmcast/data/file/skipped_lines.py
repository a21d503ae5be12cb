"""Lines of a CSV text that are no rows: comments, titles above the header, units below it, totals and notes.

Such lines are emptied, so that the other lines keep their physical numbers.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from lstmcast.data.file.csv_layout import DELIMITERS
from lstmcast.data.layout.headers import has_time_columns
from lstmcast.data.schema import DataNote, NoteCode
from lstmcast.errors import ConfigError, DataError, Fault, FaultCode, Fix
from lstmcast.text import pluralize, truncate_items

NONE = "none"  # no line is skipped

_HEAD, _TAIL = 100, 40  # lines that decide
_MAX_BYTES = 1 << 16  # of these lines
_MAX_HEADERS = 3  # in a message
_MAX_COMMENTS = 10_000
_MIN_ROWS = 7  # that show what a row is
_WIDE, _MIN_WIDE_ROWS = 12, 2  # fields of a row, of which a few show it
_COMMENT = re.compile(rb"#|//|;")
_SEP = re.compile(rb'"?sep=(.)"?\s*', re.IGNORECASE)
_SPEC = re.compile(r"(?P<first>[0-9]+)(?:-(?P<to>[0-9]+))?|last\s*(?P<last>[0-9]+)")
_NUMBER = re.compile(r"[\s$€£¥(+\-−<>~]*[.,]?[0-9][0-9.,'’\s]*(?:[eE][+-]?[0-9]+)?\D{0,8}")
_MISSING = re.compile(r"[\s\-–—.:*?]*|#?n/?\.?a\.?n?|null|none|nan|unknown|unavailable", re.IGNORECASE)
_TOTAL = re.compile(
    r"(grand |sub)?totale?s?\b|totaux|(eind)?totaal|ergebnis|sum(me)?\b|gesamt|insgesamt|average|mean\b|mittel|"
    r"durchschnitt|moyenne|media\b|promedio|somma|suma\b|soma\b|count\b|anzahl|min(imum)?\b|max(imum)?\b|median\b|std\b|итого?|合計|总计",
    re.IGNORECASE,
)
_NOTE = re.compile(
    r"source|quelle|fuente|fonte|bron|note|anmerkung|last updated|updated|stand|created|generated|downloaded|export|"
    r"data |daten|copyright|©|\*|[-=]{2,}|\(|\[|legend|license|lizenz|for more|see |http|end of|eof|#|//",
    re.IGNORECASE,
)
_COLUMN_TYPE = re.compile(r"[0-9]+[sdn]")  # of USGS: the width of a column and its type
_UNIT = re.compile(
    r"[\[(].*[\])]|[-=+:| ]+|[0-9]+[sdn]|[-–]|%|[kMGT]?Wh?(/m[2²])?|k?VA|[kM]?V|A|Hz|°?[CFK]|deg(rees|C|F)?|m/s|km/h|"
    r"mph|kn|[kcm]?m[2²3³]?|[hkM]?Pa|mbar|bar|psi|in(Hg)?|ft|[kmµ]?g(/m[3³])?|t|tons?|lbs?|[mh]?l|L|pp[mb]|EUR|USD|GBP|"
    r"CHF|[€$£¥](/\w+)?|\w{1,4}/\w{1,4}|pcs|units?|pieces|stück|number|index|date(time)?|time(stamp)?|float(64|32)?|"
    r"int(64|32|eger)?|str(ing)?|double|long|text|utc|local|local time|[ymdhs]{2,4}([-/.: ][ymdhs]{2,4})*|"
    r"(tsd|mio|mrd|1000|million)\.? \S+",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class SkippedText:
    """A CSV text without the skipped lines.

    Attributes:
        delimiter: of a `sep=` line; None without one.
        numbers: the skipped lines, from 1.
        notes: counts of skipped lines.
    """

    text: bytes
    delimiter: str | None = None
    numbers: tuple[int, ...] = ()
    notes: tuple[DataNote, ...] = ()


@dataclass(frozen=True)
class _Line:
    """A physical line: its number from 1, its place in the text and its fields; no fields where quotes are open."""

    number: int
    start: int
    end: int
    fields: tuple[str, ...]

    @property
    def filled(self) -> list[str]:
        """Fields that are not blank."""
        return [word for word in self.fields if word]


@dataclass
class _Skips:
    """Lines to skip, with a reason each, and new text of lines that are changed."""

    lines: dict[int, tuple[_Line, str]] = field(default_factory=dict)
    changed: list[tuple[_Line, bytes]] = field(default_factory=list)

    def add(self, lines: Iterable[_Line], reason: str) -> None:
        """Skip lines for a reason."""
        self.lines.update({line.number: (line, reason) for line in lines})

    def notes(self) -> tuple[DataNote, ...]:
        """One note for each reason, with the count and the first lines."""
        reasons = dict.fromkeys(reason for _, reason in self.lines.values())
        return tuple(self._note(reason) for reason in reasons)

    def _note(self, reason: str) -> DataNote:
        numbers = [number for number, (_, found) in sorted(self.lines.items()) if found == reason]
        listed = f"line{'s' * (len(numbers) > 1)} {truncate_items(map(str, numbers), len(numbers))}"
        return DataNote(NoteCode.LINES_SKIPPED, f"{pluralize(len(numbers), 'line')} skipped as {reason}: {listed}")


def skip_lines(text: bytes, skip: Sequence[str], delimiter: str | None, source: str) -> SkippedText:
    """Empty the lines that are no rows.

    Args:
        text: UTF-8 that ends with a newline.
        skip: `3` (the first three lines), `5-6` (lines 5 and 6), `last 2` (the last two that are not blank) or `none`;
            empty to find them.
        delimiter: the given delimiter.

    Raises:
        DataError: lines above the header, below it or at the end that may be rows.
        ConfigError: another form of `skip`.
    """
    separator = _SEP.match(text.split(b"\n", 1)[0])
    skips = _Skips()
    if separator:
        skips.add([_Line(1, 0, text.find(b"\n"), ())], "the delimiter")
        delimiter = delimiter or separator[1].decode("utf-8", "replace")
    if skip:
        if tuple(skip) != (NONE,):
            skips.add(_given(text, skip), "set by data.skip")
    else:
        _find(text, delimiter, source, skips)
    notes = tuple(note for note in skips.notes() if "the delimiter" not in note.text)
    named = separator[1].decode("utf-8", "replace") if separator else None
    return SkippedText(_emptied(text, skips), named, tuple(sorted(skips.lines)), notes)


def _emptied(text: bytes, skips: _Skips) -> bytes:
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


def _given(text: bytes, skip: Sequence[str]) -> Iterator[_Line]:
    """The lines that `data.skip` names."""
    for spec in (part.strip() for parts in skip for part in parts.split(",")):
        match = _SPEC.fullmatch(spec)
        if match is None:
            rule = "must be a number of first lines, a range such as 5-6, or last 2"
            raise ConfigError(f"data.skip: {rule} (got '{spec}')")
        if match["last"]:
            yield from _last_lines(text, int(match["last"]))
        else:
            first, to = (int(match["first"]), int(match["to"])) if match["to"] else (1, int(match["first"]))
            yield from (line for line in _first_lines(text, to, 1 << 62) if line.number >= first)


def _first_lines(text: bytes, count: int, size: int = _MAX_BYTES) -> list[_Line]:
    """The first physical lines, without fields."""
    lines: list[_Line] = []
    start = 0
    while len(lines) < count and start < min(len(text), size):
        end = text.find(b"\n", start)
        lines.append(_Line(len(lines) + 1, start, end, ()))
        start = end + 1
    return lines


def _last_lines(text: bytes, count: int, least: int = 0) -> list[_Line]:
    """The last lines that are not blank and start at `least` or later, in order, without fields."""
    lines: list[_Line] = []
    number, end = text.count(b"\n"), len(text) - 1
    while len(lines) < count and end >= least:
        start = text.rfind(b"\n", 0, end) + 1
        if start >= least and text[start:end].strip():
            lines.append(_Line(number, start, end, ()))
        number, end = number - 1, start - 1
    return lines[::-1]


def _split(text: bytes, lines: Iterable[_Line], delimiter: str) -> list[_Line]:
    """The lines with their fields; blank lines are left out."""
    found = []
    for line in lines:
        raw = text[line.start : line.end]
        if not raw.strip(b" \t"):
            continue
        fields = [] if raw.count(b'"') % 2 else _fields(raw.decode("utf-8", "replace"), delimiter)
        found.append(_Line(line.number, line.start, line.end, tuple(word.strip() for word in fields)))
    return found


def _fields(line: str, delimiter: str) -> list[str]:
    """Fields of a line; none if one is too long for the csv module."""
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return []


@dataclass(frozen=True)
class _Shape:
    """Shape of the rows of a table.

    Attributes:
        width: number of fields.
        filled: columns that always have a field.
        values: columns of times and numbers.
        numbers: columns of numbers.
        dated: columns of fields that begin with a digit.
    """

    width: int
    filled: frozenset[int]
    values: tuple[int, ...]
    numbers: frozenset[int]
    dated: frozenset[int]

    def fits(self, line: _Line) -> bool:
        """True if a line may be a row: it has values where the rows have values."""
        if len(line.fields) != self.width or any(not line.fields[k] for k in self.filled):
            return False
        if all(_COLUMN_TYPE.fullmatch(word) for word in line.filled):
            return False
        words = [(k, line.fields[k]) for k in self.values]
        return any(not _MISSING.fullmatch(word) for _, word in words) and all(
            self.is_value(k, word) for k, word in words
        )

    def has_numbers(self, line: _Line) -> bool:
        """True if a line has the width of the rows, with dates and numbers where all rows have some."""
        measured = self.numbers | self.dated
        return (
            len(line.fields) == self.width
            and bool(self.numbers and self.dated - self.numbers)
            and all(line.fields[k] and self.is_value(k, line.fields[k]) for k in measured)
        )

    def is_value(self, column: int, word: str) -> bool:
        """True if a field may be a value of a column."""
        if not word or _MISSING.fullmatch(word):
            return True
        if column in self.numbers:
            return bool(_NUMBER.fullmatch(word))
        return word[0].isdigit() if column in self.dated else any(map(str.isdigit, word))

    def may_be_row(self, line: _Line) -> bool:
        """True if the first value of a line, such as its time, is one; the others may be faulty."""
        first = self.values[0]
        word = line.fields[first] if first < len(line.fields) else ""
        return word != "" and self.is_value(first, word) and not _MISSING.fullmatch(word)


def _shape(lines: Sequence[_Line]) -> _Shape | None:
    """Shape of most lines; None if they have none, or no values."""
    widths = Counter(len(line.fields) for line in lines)
    width, count = widths.most_common(1)[0] if widths else (0, 0)
    if width < 2 or count < 0.6 * len(lines):
        return None
    columns = list(zip(*(line.fields for line in lines if len(line.fields) == width), strict=True))
    present = [[word for word in column if word and not _MISSING.fullmatch(word)] for column in columns]
    digits = [sum(any(map(str.isdigit, word)) for word in words) for words in present]
    values = tuple(k for k, words in enumerate(present) if words and digits[k] >= 0.8 * len(words))
    numbers = frozenset(k for k in values if all(_NUMBER.fullmatch(word) for word in present[k]))
    dated = frozenset(k for k in values if all(word[0].isdigit() for word in present[k]))
    filled = frozenset(k for k, column in enumerate(columns) if all(column))
    return _Shape(width, filled, values, numbers, dated) if values else None


def _find(text: bytes, delimiter: str | None, source: str, skips: _Skips) -> None:
    """Find the lines that are no rows; raises DataError if a line may be one."""
    head = [line for line in _first_lines(text, _HEAD) if line.number not in skips.lines]
    tail = _last_lines(text, _TAIL, head[-1].end + 1 if head else 0)
    _LeadingComments(text, head).skip(skips)
    rest = [line for line in head if line.number not in skips.lines]
    for sign in [delimiter] if delimiter else DELIMITERS:
        lines = _split(text, rest, sign)
        shape = _shape(lines[len(lines) // 2 :]) or _shape(lines)
        if shape is not None and _Reader(text, source, sign, shape, lines, tail).find(skips):
            return


@dataclass(frozen=True)
class _LeadingComments:
    """The lines at the start of a file that begin with `#`, `//` or `;`."""

    text: bytes
    head: list[_Line]

    def skip(self, skips: _Skips) -> None:
        """Skip them, unless all lines of the sample begin so; the last one may be the header."""
        solid = [line for line in self.head if self.text[line.start : line.end].strip()]
        leading: list[_Line] = []
        for line in solid:
            if not _COMMENT.match(self.text, line.start):
                break
            leading.append(line)
        if not leading or len(leading) == len(solid) or self._are_rows(solid, leading):
            return
        header = self._header(leading[-1], solid[len(leading)])
        if header is not None:
            skips.changed.append((leading[-1], header))
            leading.pop()
        skips.add(leading, "comments")

    def _are_rows(self, solid: list[_Line], leading: list[_Line]) -> bool:
        """True if a semicolon is the delimiter, or a line later in the sample begins so too."""
        marks = {self.text[line.start : line.start + 1] for line in leading}
        if b";" not in marks:
            return False
        return any(b";" in self.text[line.start : line.end] for line in solid[len(leading) :])

    def _header(self, last: _Line, first: _Line) -> bytes | None:
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


@dataclass(frozen=True)
class _Reader:
    """Search for lines that are no rows, by the shape of the rows.

    Attributes:
        head, tail: the first and the last lines of the file; each line is in one of them.
    """

    text: bytes
    source: str
    delimiter: str
    shape: _Shape
    head: list[_Line]
    tail: list[_Line]

    def find(self, skips: _Skips) -> bool:
        """Find the lines above and below the header and at the end; False if the delimiter does not fit a header."""
        first = next((k for k, line in enumerate(self.head) if self._starts_rows(k)), len(self.head))
        above = self.head[:first]
        if sum(map(self.shape.fits, self.head)) < (_MIN_ROWS if self.shape.width < _WIDE else _MIN_WIDE_ROWS):
            return False
        header = self._header(above) if above else self.head[0]
        if header is None and all(len(line.filled) <= self.shape.width // 2 for line in above):
            names = self.head[first].fields  # they may be numbers, such as years
            header = self.head[first] if has_time_columns(names) else None
        if header is None:
            return False
        if above:
            skips.add((line for line in above if line.number < header.number), "a preamble")
            self._skip_below(header, [line for line in above if line.number > header.number], skips)
        self._skip_end(self.head[first:], skips)
        self._skip_inside(header, skips)
        return True

    def _starts_rows(self, k: int) -> bool:
        """True if the line k of the head and the next one are rows."""
        return all(self.shape.fits(line) for line in self.head[k : k + 2])

    def _is_full(self, line: _Line) -> bool:
        """True if a line may name all columns."""
        fields = line.fields[: self.shape.width] if not any(line.fields[self.shape.width :]) else line.fields
        needed = max(min(2, len(self.shape.filled)), len(self.shape.filled) - 1)
        return len(fields) == self.shape.width and (len(line.filled) >= needed or all(fields[1:]))

    def _header(self, above: list[_Line]) -> _Line | None:
        """The header among the lines above the rows: the first of those that name all columns.

        Raises:
            DataError: several lines may be the header.
        """
        full = [line for line in above if self._is_full(line)]
        if not full:
            return None
        while len(full) > 1 and self._are_units(full[-1], full[-2]):
            full.pop()
        names = [line for line in full if not any(self._is_plain_value(word) for word in line.fields)] or full
        if len(names) > 1 and (later := self._after_blank(names, above)):
            names = later
        below = [line for line in above if line.number > names[-1].number]
        if len(names) > 1 or not all(self._may_follow(line, names[0]) for line in below):
            self._refuse_headers(names, above[-1], last=not below)
        return names[0]

    def _may_follow(self, line: _Line, header: _Line) -> bool:
        """True if a line between header and rows is a row with a fault, a total, or names units."""
        total = bool(line.filled) and bool(_TOTAL.match(line.filled[0]))
        return total or self.shape.may_be_row(line) or self._are_units(line, header)

    @staticmethod
    def _is_plain_value(word: str) -> bool:
        """True for a field that begins with a digit, as dates and numbers do."""
        return word[:1].isdigit()

    @staticmethod
    def _after_blank(lines: list[_Line], above: list[_Line]) -> list[_Line]:
        """The lines after the last blank line above the rows; none if there is no blank line, or no line after it."""
        numbers = [line.number for line in above]
        cut = max((after for before, after in pairwise(numbers) if after > before + 1), default=0)
        return [line for line in lines if cut and line.number >= cut]

    def _refuse_headers(self, names: list[_Line], end: _Line, *, last: bool) -> None:
        """Raise DataError about lines that may be the header, the likely one first.

        Args:
            end: the last line above the rows.
            last: true if the last candidate is directly above the rows.
        """
        shown = ", ".join(f"line {line.number} '{self.delimiter.join(line.fields)[:40]}'" for line in names)
        fixes = [
            Fix(self._as_header(line, end), f"read line {line.number} as the header")
            for line in (names[::-1] if last else names)[:_MAX_HEADERS]
            if len(set(line.filled)) == self.shape.width
        ]
        text = f"{self.source}:{names[0].number}: {pluralize(len(names), 'line')} may be the header ({shown})"
        raise DataError(Fault(text, FaultCode.LINES_UNCLEAR, names[0].number, "", tuple(fixes)))

    @staticmethod
    def _as_header(line: _Line, end: _Line) -> str:
        """Setting that leaves out all other lines above the rows."""
        above = [str(line.number - 1)] * (line.number > 1)
        below = [f"{line.number + 1}-{end.number}"] * (line.number < end.number)
        return f"data.skip={','.join([*above, *below])}"

    def _are_units(self, line: _Line, header: _Line) -> bool:
        """True if a line below a header names units or types, or repeats one text."""
        words = [word for word in line.filled if word not in header.fields]
        if not line.filled or any(self._is_plain_value(word) and not _UNIT.fullmatch(word) for word in words):
            return False
        if all(_UNIT.fullmatch(word) for word in line.filled):
            return True
        return len(line.fields) > 2 and (len(set(line.fields[1:])) == 1 or len(line.filled) <= len(line.fields) // 2)

    def _skip_below(self, header: _Line, lines: list[_Line], skips: _Skips) -> None:
        """Skip the lines between header and rows that name units; others may be rows with faults."""
        for line in lines:
            if self.shape.may_be_row(line) and not all(map(_UNIT.fullmatch, line.filled)):
                continue
            if self._are_units(line, header):
                skips.add([line], "units below the header")
            elif line.filled and _TOTAL.match(line.filled[0]):
                skips.add([line], "a total")

    def _skip_end(self, rows: list[_Line], skips: _Skips) -> None:
        """Skip totals and notes after the rows; raises DataError about other lines that are no rows."""
        end: list[_Line] = []
        for line in reversed([*rows, *_split(self.text, self.tail, self.delimiter)]):
            if self.shape.fits(line) or self.shape.may_be_row(line) or self.shape.has_numbers(line) or not line.fields:
                break
            end.insert(0, line)
        unclear = [line for line in end if not self._ends_table(line)]
        if not end or len(end) == len(rows) + len(self.tail):
            return
        if unclear:
            self._refuse_end(unclear, end, skips)
        skips.add(end, "totals or notes at the end")

    def _ends_table(self, line: _Line) -> bool:
        """True for a total, or a note in one field."""
        if not line.filled:
            return True
        note = len(line.filled) == 1 or len(line.fields) < self.shape.width
        word = line.filled[0]
        return bool(_TOTAL.match(word) or _NOTE.match(word)) or (note and not word[:1].isdigit())

    def _refuse_end(self, unclear: list[_Line], end: list[_Line], skips: _Skips) -> None:
        """Raise DataError about lines at the end that are no rows."""
        shown = ", ".join(f"line {line.number} '{self.delimiter.join(line.fields)[:40]}'" for line in unclear[:3])
        spec = ",".join([*line_ranges(sorted(skips.lines)), f"last{len(end)}"])
        text = f"{self.source}:{unclear[0].number}: the file does not end with a row like those before ({shown})"
        fix = Fix(f"data.skip={spec}", f"leave out the last {pluralize(len(end), 'line')}")
        raise DataError(Fault(text, FaultCode.LINES_UNCLEAR, unclear[0].number, "", (fix,)))

    def _are_ids(self, mark: bytes) -> bool:
        """True if a row of the sample begins with the mark of a comment, so that the others may be rows too."""
        rows = [line for line in self.head if self.shape.fits(line) or self.shape.may_be_row(line)]
        return sum(self.text.startswith(mark[1:], line.start) for line in rows) > max(1, 0.1 * len(rows))

    def _skip_inside(self, header: _Line, skips: _Skips) -> None:
        """Skip comments and repeated headers between the rows."""
        name = self.text[header.start : header.end]
        for reason, mark in (("repeated headers", b"\n" + name + b"\n"), ("comments", b"\n#"), ("comments", b"\n//")):
            found = list(_lines_with(self.text, mark, header.end))
            inside = [line for line in found if line.number not in skips.lines]
            if reason == "comments":
                inside = [] if self._are_ids(mark) else inside
            if len(found) < _MAX_COMMENTS:
                skips.add(inside, reason)


def line_ranges(numbers: Sequence[int]) -> Iterator[str]:
    """Write line numbers for `data.skip`; the first lines as their number."""
    while numbers:
        length = next((k for k in range(1, len(numbers)) if numbers[k] != numbers[0] + k), len(numbers))
        first, last = numbers[0], numbers[length - 1]
        yield str(last) if first == 1 else f"{first}-{last}"
        numbers = numbers[length:]


def _lines_with(text: bytes, mark: bytes, start: int) -> Iterator[_Line]:
    """Lines that begin with a mark, which starts with the newline before them."""
    number, at = 0, 0
    for _ in range(_MAX_COMMENTS):
        found = text.find(mark, start)
        if found < 0:
            return
        number += text.count(b"\n", at, found + 1)
        at = found + 1
        end = text.find(b"\n", at)
        yield _Line(number + 1, at, end, ())
        start = end
