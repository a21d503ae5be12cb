"""Shape of the rows of a table: which fields they have, and which of them are times and numbers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from lstmcast.data.file.lines import Line

_NUMBER = re.compile(r"[\s$€£¥(+\-−<>~]*[.,]?[0-9][0-9.,'’\s]*(?:[eE][+-]?[0-9]+)?\D{0,8}")
_MISSING = re.compile(r"[\s\-–—.:*?]*|#?n/?\.?a\.?n?|null|none|nan|unknown|unavailable", re.IGNORECASE)
_COLUMN_TYPE = re.compile(r"[0-9]+[sdn]")  # of USGS: the width of a column and its type


@dataclass(frozen=True)
class RowShape:
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

    def fits(self, line: Line) -> bool:
        """True if a line may be a row: it has values where the rows have values."""
        if len(line.fields) != self.width or any(not line.fields[k] for k in self.filled):
            return False
        if all(_COLUMN_TYPE.fullmatch(word) for word in line.filled):
            return False
        words = [(k, line.fields[k]) for k in self.values]
        return any(not _MISSING.fullmatch(word) for _, word in words) and all(
            self.is_value(k, word) for k, word in words
        )

    def has_numbers(self, line: Line) -> bool:
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

    def may_be_row(self, line: Line) -> bool:
        """True if the first value of a line, such as its time, is one; the others may be faulty."""
        first = self.values[0]
        word = line.fields[first] if first < len(line.fields) else ""
        return word != "" and self.is_value(first, word) and not _MISSING.fullmatch(word)


def find_shape(lines: Sequence[Line]) -> RowShape | None:
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
    return RowShape(width, filled, values, numbers, dated) if values else None
