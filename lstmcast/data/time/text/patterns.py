"""Patterns of times.

A pattern is that of `strptime` with further directives:

- `%q` a quarter, `%h` a half year, `%g` the year of an ISO week in two digits, `%s` and `%Q` seconds and milliseconds
  since 1970, `%k` the hour 1 to 24, where 24:00 is midnight of the next day, `%24N` the number of an hour of the day,
  from 1, as in "hour ending" (`%48N` of a half hour; `%25N`, `%50N` and `%100N` count on through an hour that clocks
  repeat), `%o` the letters of an ordinal (1st), `%L` a comment in brackets, `%R` and `%r` a quarter and a month in
  Roman numerals, `%E` a mark at the end that may be left out, such as p, (r) or *;
- `%-m` a number without padding, `%^b` upper and `%#b` lower case, `%3f` a fraction of three digits, `%:z` an offset as
  `+02:00`, `%-z` as `+02`, `%^z` as `Z`.

A directive that occurs again begins the end of a time range, of which the start is used. ` + ` separates columns that
are parts of one time. Other patterns are `epoch s`, `epoch ms`, `epoch us`, `epoch ns` and `epoch d` (days), `excel`
(days since 1899-12-30), `decimal year` (1990.25), `decimal year middle` (1990.042, the middle of January), and `count`
for integers that count steps.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from lstmcast.errors import ConfigError

COUNT = "count"
EPOCHS = {"epoch s": 1_000_000_000, "epoch ms": 1_000_000, "epoch us": 1_000, "epoch ns": 1}  # nanoseconds in a unit
EPOCH_DAYS, EXCEL, DECIMAL_YEAR, DECIMAL_MIDDLE = "epoch d", "excel", "decimal year", "decimal year middle"
INTEGERS = {**EPOCHS, EPOCH_DAYS: 86_400_000_000_000, COUNT: 1_000}  # a count is stored as microseconds
YEAR_POINT_MONTH = "%Y.%m"
DECIMALS = (EXCEL, DECIMAL_YEAR, DECIMAL_MIDDLE)
WIDTHS = {"Y": 4, "G": 4, "y": 2, "g": 2, "m": 2, "d": 2, "H": 2, "I": 2, "M": 2, "S": 2, "j": 3, "V": 2, "q": 1,
          "h": 1, "u": 1, "k": 2, "N": 2, "s": 10, "Q": 13}  # fmt: skip
NAMES = frozenset("bBaAp")
ROMAN = ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII")
ROMAN_FIELDS = {"r": "m", "R": "q"}  # directives of Roman numerals: those of the same number in digits
SAME_NAMES = {"B": "b", "A": "a", "Z": "z"}  # directives that share names
YEARS = frozenset("YyGgsQ")  # directives one of which a pattern needs
PART = " + "  # between columns that are parts of a time

_ON_CHANGE = (25, 50, 100)  # periods of a day with a repeated hour
_TOKEN = re.compile(r"%([-^#:]?\d{0,3})([A-Za-z%])")
_KNOWN = frozenset(WIDTHS) | NAMES | frozenset("fzZoLrRE")
_SAME_FIELD = {**SAME_NAMES, **ROMAN_FIELDS, "y": "Y", "G": "Y", "g": "Y", "I": "H", "k": "H"}  # for the end of a range


class Token(NamedTuple):
    """Part of a pattern: the letter and flag of a directive, or literal text without a letter."""

    letter: str
    flag: str
    text: str


@lru_cache(maxsize=4096)
def tokens(pattern: str) -> tuple[Token, ...]:
    """Split a pattern into directives and literal text."""
    found: list[Token] = []
    end = 0
    for match in _TOKEN.finditer(pattern):
        if match.start() > end:
            found.append(Token("", "", pattern[end : match.start()]))
        found.append(Token("", "", "%") if match[2] == "%" else Token(match[2], match[1], match[0]))
        end = match.end()
    if end < len(pattern):
        found.append(Token("", "", pattern[end:]))
    return tuple(found)


def check_pattern(pattern: str) -> None:
    """Raise ConfigError for a pattern with an unknown directive, or without a year."""
    letters = {token.letter for token in tokens(pattern) if token.letter}
    if unknown := sorted(letters - _KNOWN):
        known = " ".join(f"%{letter}" for letter in sorted(_KNOWN))
        raise ConfigError(f"data.time_format: %{unknown[0]} is not known (got '{pattern}'); known are {known}")
    if pattern not in {*INTEGERS, *DECIMALS} and not letters & YEARS:
        raise ConfigError(f"data.time_format: must contain the year, as in '%Y-%m-%d' (got '{pattern}')")


def has_utc_offset(pattern: str) -> bool:
    """True if times of this pattern are instants: with a UTC offset, or epochs."""
    return pattern in EPOCHS or any(token.letter in {"z", "Z", "s", "Q"} for token in tokens(pattern))


def end_of_range(parts: Sequence[Token]) -> int:
    """Index of the first directive that occurs again, at which the end of a range begins; else the number of tokens."""
    seen: set[str] = set()
    for i, token in enumerate(parts):
        field = _SAME_FIELD.get(token.letter, token.letter)
        if field in seen and field not in {"z", "o"}:
            return i
        seen |= {field} - {""}
    return len(parts)


def periods(flag: str) -> int:
    """Periods of a usual day that a directive `%24N` counts; those of `%50N` are 48."""
    count = int(flag.strip("-^#:") or 24)
    return count * 24 // 25 if count in _ON_CHANGE else count


def counts_through(token: Token) -> bool:
    """True for a number that counts on through an hour that clocks repeat: `%25N`, `%50N`, `%100N`."""
    return token.letter == "N" and token.flag.strip("-") in map(str, _ON_CHANGE)


def split_columns(name: str, texts: Sequence[str]) -> dict[str, list[str]]:
    """Columns of the parts of a joined time, or the column itself."""
    names = name.split(PART)
    pieces = [text.split(PART) for text in texts]
    if len(names) == 1 or any(len(piece) != len(names) for piece in pieces):
        return {name: list(texts)}
    return {part: [piece[k] for piece in pieces] for k, part in enumerate(names)}
