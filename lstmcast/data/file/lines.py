"""Physical lines of a CSV text, and those that are skipped."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from lstmcast.data.schema import DataNote, NoteCode
from lstmcast.text import pluralize, truncate_items

_MAX_FOUND = 10_000  # lines that begin with a mark
_MAX_BYTES = 1 << 16  # of the first lines


@dataclass(frozen=True)
class Line:
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
class Skips:
    """Lines to skip, with a reason each, and new text of lines that are changed."""

    lines: dict[int, tuple[Line, str]] = field(default_factory=dict)
    changed: list[tuple[Line, bytes]] = field(default_factory=list)

    def add(self, lines: Iterable[Line], reason: str) -> None:
        """Skip lines for a reason; an empty one leaves no note."""
        self.lines.update({line.number: (line, reason) for line in lines})

    def notes(self) -> tuple[DataNote, ...]:
        """One note for each reason, with the count and the first lines."""
        reasons = dict.fromkeys(reason for _, reason in self.lines.values() if reason)
        return tuple(self._note(reason) for reason in reasons)

    def _note(self, reason: str) -> DataNote:
        numbers = [number for number, (_, found) in sorted(self.lines.items()) if found == reason]
        listed = f"line{'s' * (len(numbers) > 1)} {truncate_items(map(str, numbers), len(numbers))}"
        return DataNote(NoteCode.LINES_SKIPPED, f"{pluralize(len(numbers), 'line')} skipped as {reason}: {listed}")


def first_lines(text: bytes, count: int, size: int = _MAX_BYTES) -> list[Line]:
    """The first physical lines, without fields."""
    lines: list[Line] = []
    start = 0
    while len(lines) < count and start < min(len(text), size):
        end = text.find(b"\n", start)
        lines.append(Line(len(lines) + 1, start, end, ()))
        start = end + 1
    return lines


def last_lines(text: bytes, count: int, least: int = 0) -> list[Line]:
    """The last lines that are not blank and start at `least` or later, in order, without fields."""
    lines: list[Line] = []
    number, end = text.count(b"\n"), len(text) - 1
    while len(lines) < count and end >= least:
        start = text.rfind(b"\n", 0, end) + 1
        if start >= least and text[start:end].strip():
            lines.append(Line(number, start, end, ()))
        number, end = number - 1, start - 1
    return lines[::-1]


def split_lines(text: bytes, lines: Iterable[Line], delimiter: str) -> list[Line]:
    """The lines with their fields; blank lines are left out."""
    found = []
    for line in lines:
        raw = text[line.start : line.end]
        if not raw.strip(b" \t"):
            continue
        fields = [] if raw.count(b'"') % 2 else _fields(raw.decode("utf-8", "replace"), delimiter)
        found.append(Line(line.number, line.start, line.end, tuple(word.strip() for word in fields)))
    return found


def _fields(line: str, delimiter: str) -> list[str]:
    """Fields of a line; none if one is too long for the csv module."""
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return []


def lines_with(text: bytes, mark: bytes, start: int) -> list[Line]:
    """The lines that begin with a mark, which starts with the newline before them; none if there are very many."""
    lines: list[Line] = []
    number, at = 0, 0
    while (found := text.find(mark, start)) >= 0:
        number += text.count(b"\n", at, found + 1)
        at = found + 1
        start = text.find(b"\n", at)
        lines.append(Line(number + 1, at, start, ()))
        if len(lines) == _MAX_FOUND:
            return []
    return lines


def line_ranges(numbers: Sequence[int]) -> Iterator[str]:
    """Write line numbers for `data.skip`; the first lines as their number."""
    while numbers:
        length = next((k for k in range(1, len(numbers)) if numbers[k] != numbers[0] + k), len(numbers))
        first, last = numbers[0], numbers[length - 1]
        yield str(last) if first == 1 else f"{first}-{last}"
        numbers = numbers[length:]
