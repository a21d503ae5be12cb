"""Lines around and between the rows of a table: titles above the header, units below it, totals and notes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

from lstmcast.data.file.lines import Line, Skips, line_ranges, lines_with, split_lines
from lstmcast.data.file.row_shape import RowShape
from lstmcast.data.layout.headers import has_time_columns
from lstmcast.errors import DataError, Fault, FaultCode, Fix
from lstmcast.text import pluralize

_MAX_HEADERS = 3  # in a message
MIN_ROWS = 7  # that show what a row is
_WIDE, _MIN_WIDE_ROWS = 12, 2  # fields of a row, of which a few show it
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
_UNIT = re.compile(
    r"[\[(].*[\])]|[-=+:| ]+|[0-9]+[sdn]|[-–]|%|[kMGT]?Wh?(/m[2²])?|k?VA|[kM]?V|A|Hz|°?[CFK]|deg(rees|C|F)?|m/s|km/h|"
    r"mph|kn|[kcm]?m[2²3³]?|[hkM]?Pa|mbar|bar|psi|in(Hg)?|ft|[kmµ]?g(/m[3³])?|t|tons?|lbs?|[mh]?l|L|pp[mb]|EUR|USD|GBP|"
    r"CHF|[€$£¥](/\w+)?|\w{1,4}/\w{1,4}|pcs|units?|pieces|stück|number|index|date(time)?|time(stamp)?|float(64|32)?|"
    r"int(64|32|eger)?|str(ing)?|double|long|text|utc|local|local time|[ymdhs]{2,4}([-/.: ][ymdhs]{2,4})*|"
    r"yr|mo|dy|hr|mn|mi|sec|nmi|degt|(tsd|mio|mrd|1000|million)\.? \S+",
    re.IGNORECASE,
)


def names_units(comment: bytes) -> bool:
    """True if most words of a comment are units."""
    words = comment.decode("utf-8", "replace").lstrip("#/; ").split()
    return sum(_UNIT.fullmatch(word) is not None for word in words) > 0.6 * len(words)


@dataclass(frozen=True)
class TableLines:
    """Search for lines that are no rows, by the shape of the rows.

    Attributes:
        head, tail: the first and the last lines of the file; each line is in one of them.
        has_header: false for a text without column names.
    """

    text: bytes
    source: str
    delimiter: str
    shape: RowShape
    head: list[Line]
    tail: list[Line]
    has_header: bool = True

    def find(self, skips: Skips) -> bool:
        """Find the lines above and below the header and at the end; False if the delimiter does not fit a header."""
        first = next((k for k, line in enumerate(self.head) if self._starts_rows(k)), len(self.head))
        above = self.head[:first]
        if sum(map(self.shape.fits, self.head)) < (MIN_ROWS if self.shape.width < _WIDE else _MIN_WIDE_ROWS):
            return False
        if not self.has_header:
            skips.add(above, "a preamble")
            self._skip_end(self.head[first:], skips)
            return True
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

    def _is_full(self, line: Line) -> bool:
        """True if a line may name all columns."""
        fields = line.fields[: self.shape.width] if not any(line.fields[self.shape.width :]) else line.fields
        needed = max(min(2, len(self.shape.filled)), len(self.shape.filled) - 1)
        return len(fields) == self.shape.width and (len(line.filled) >= needed or all(fields[1:]))

    def _header(self, above: list[Line]) -> Line | None:
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

    def _may_follow(self, line: Line, header: Line) -> bool:
        """True if a line between header and rows is a row with a fault, a total, or names units."""
        total = bool(line.filled) and bool(_TOTAL.match(line.filled[0]))
        return total or self.shape.may_be_row(line) or self._are_units(line, header)

    @staticmethod
    def _is_plain_value(word: str) -> bool:
        """True for a field that begins with a digit, as dates and numbers do."""
        return word[:1].isdigit()

    @staticmethod
    def _after_blank(lines: list[Line], above: list[Line]) -> list[Line]:
        """The lines after the last blank line above the rows; none if there is no blank line, or no line after it."""
        numbers = [line.number for line in above]
        cut = max((after for before, after in pairwise(numbers) if after > before + 1), default=0)
        return [line for line in lines if cut and line.number >= cut]

    def _refuse_headers(self, names: list[Line], end: Line, *, last: bool) -> None:
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
    def _as_header(line: Line, end: Line) -> str:
        """Setting that leaves out all other lines above the rows."""
        above = [str(line.number - 1)] * (line.number > 1)
        below = [f"{line.number + 1}-{end.number}"] * (line.number < end.number)
        return f"data.skip={','.join([*above, *below])}"

    def _are_units(self, line: Line, header: Line) -> bool:
        """True if a line below a header names units or types, or repeats one text."""
        words = [word for word in line.filled if word not in header.fields]
        if not line.filled or any(self._is_plain_value(word) and not _UNIT.fullmatch(word) for word in words):
            return False
        if all(_UNIT.fullmatch(word) for word in line.filled):
            return True
        return len(line.fields) > 2 and (len(set(line.fields[1:])) == 1 or len(line.filled) <= len(line.fields) // 2)

    def _skip_below(self, header: Line, lines: list[Line], skips: Skips) -> None:
        """Skip the lines between header and rows that name units; others may be rows with faults."""
        for line in lines:
            if self.shape.may_be_row(line) and not all(map(_UNIT.fullmatch, line.filled)):
                continue
            if self._are_units(line, header):
                skips.add([line], "units below the header")
            elif line.filled and _TOTAL.match(line.filled[0]):
                skips.add([line], "a total")

    def _skip_end(self, rows: list[Line], skips: Skips) -> None:
        """Skip totals and notes after the rows; raises DataError about other lines that are no rows."""
        end: list[Line] = []
        for line in reversed([*rows, *split_lines(self.text, self.tail, self.delimiter)]):
            if self.shape.fits(line) or self.shape.may_be_row(line) or self.shape.has_numbers(line) or not line.fields:
                break
            end.insert(0, line)
        unclear = [line for line in end if not self._ends_table(line)]
        if not end or len(end) == len(rows) + len(self.tail):
            return
        if unclear:
            self._refuse_end(unclear, end, skips)
        skips.add(end, "totals or notes at the end")

    def _ends_table(self, line: Line) -> bool:
        """True for a total, or a note in one field."""
        if not line.filled:
            return True
        note = len(line.filled) == 1 or len(line.fields) < self.shape.width
        word = line.filled[0]
        return bool(_TOTAL.match(word) or _NOTE.match(word)) or (note and not word[:1].isdigit())

    def _refuse_end(self, unclear: list[Line], end: list[Line], skips: Skips) -> None:
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

    def _skip_inside(self, header: Line, skips: Skips) -> None:
        """Skip comments and repeated headers between the rows."""
        name = self.text[header.start : header.end]
        for reason, mark in (("repeated headers", b"\n" + name + b"\n"), ("comments", b"\n#"), ("comments", b"\n//")):
            if reason != "comments" or not self._are_ids(mark):
                found = lines_with(self.text, mark, header.end)
                skips.add((line for line in found if line.number not in skips.lines), reason)
