"""Time formats, used for parsing and for writing forecasts in the format of the file.

A pattern is that of `strptime` with further directives: `%q` a quarter, `%-m` a number without padding, `%^b` upper and
`%#b` lower case, `%3f` a fraction of three digits, `%:z` an offset as `+02:00`, `%-z` as `+02`, `%^z` as `Z`. Other
patterns are `epoch s`, `epoch ms`, `epoch us`, `epoch ns`, and `count` for integers that count steps.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from lstmcast.data.time.zones import DAY, SECOND, to_wall
from lstmcast.errors import ConfigError
from lstmcast.types import Ints

MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
          "December")  # fmt: skip
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
COUNT = "count"
EPOCHS = {"epoch s": 1_000_000_000, "epoch ms": 1_000_000, "epoch us": 1_000, "epoch ns": 1}  # nanoseconds in a unit
INTEGERS = {**EPOCHS, COUNT: 1_000}  # a count is stored as microseconds
WIDTHS = {"Y": 4, "G": 4, "y": 2, "m": 2, "d": 2, "H": 2, "I": 2, "M": 2, "S": 2, "j": 3, "V": 2, "q": 1, "u": 1}
NAMES = frozenset("bBaAp")

_TOKEN = re.compile(r"%([-^#:]|\d)?([A-Za-z%])")
_KNOWN = frozenset(WIDTHS) | NAMES | frozenset("fzZ")
_MINUTE, _HOUR = 60 * SECOND, 3600 * SECOND


class Token(NamedTuple):
    """Part of a pattern: the letter and flag of a directive, or literal text without a letter."""

    letter: str
    flag: str
    text: str


def tokens(pattern: str) -> tuple[Token, ...]:
    """Split a pattern into directives and literal text."""
    found: list[Token] = []
    end = 0
    for match in _TOKEN.finditer(pattern):
        if match.start() > end:
            found.append(Token("", "", pattern[end : match.start()]))
        found.append(Token("", "", "%") if match[2] == "%" else Token(match[2], match[1] or "", match[0]))
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
    if pattern not in INTEGERS and not letters & set("YyG"):
        raise ConfigError(f"data.time_format: must contain the year, as in '%Y-%m-%d' (got '{pattern}')")


def has_utc_offset(pattern: str) -> bool:
    """True if times of this pattern are instants: with a UTC offset, or epochs."""
    return pattern in EPOCHS or any(token.letter in {"z", "Z"} for token in tokens(pattern))


@dataclass(frozen=True)
class TimeFormat:
    """Time format of a file, with a pattern as described above."""

    pattern: str

    def format(self, stamps: Ints, timezone: str | None = None) -> list[str]:
        """Format times [N], microseconds since 1970-01-01 (UTC if there is a zone), as wall times of the zone."""
        if unit := INTEGERS.get(self.pattern):
            return [str(stamp * 1_000 // unit) for stamp in stamps.tolist()]
        wall = to_wall(stamps, timezone)
        pieces = [_written(token, wall, wall - stamps) for token in tokens(self.pattern)]
        return ["".join(parts) for parts in zip(*pieces, strict=True)]

    def to_dict(self) -> dict[str, str]:
        """JSON values."""
        return {"pattern": self.pattern}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> TimeFormat:
        """The inverse of `to_dict`."""
        return cls(str(values["pattern"]))


def first_days(years: Ints) -> Ints:
    """[N] first days of years [N], since 1970-01-01."""
    return (years - 1970).astype("datetime64[Y]").astype("datetime64[D]").astype(np.int64)


def weekdays(days: Ints) -> Ints:
    """[N] weekdays, Monday = 0, of days since 1970-01-01 (a Thursday)."""
    return (days + 3) % 7


def _years(days: Ints) -> Ints:
    return days.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970


def _thursdays(days: Ints) -> Ints:
    """Thursdays of the weeks: an ISO week belongs to the year of its Thursday."""
    return days - weekdays(days) + 3


def _months(days: Ints) -> Ints:
    return days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)


def _days_of_month(days: Ints) -> Ints:
    return days - _months(days).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64) + 1


_NUMBERS: dict[str, Callable[[Ints, Ints], Ints]] = {  # letter → its number, of days since 1970 and µs since midnight
    "Y": lambda days, _: _years(days),
    "y": lambda days, _: _years(days) % 100,
    "q": lambda days, _: _months(days) % 12 // 3 + 1,
    "m": lambda days, _: _months(days) % 12 + 1,
    "d": lambda days, _: _days_of_month(days),
    "j": lambda days, _: days - first_days(_years(days)) + 1,
    "G": lambda days, _: _years(_thursdays(days)),
    "V": lambda days, _: (_thursdays(days) - first_days(_years(_thursdays(days)))) // 7 + 1,
    "u": lambda days, _: weekdays(days) + 1,
    "H": lambda _, time: time // _HOUR,
    "I": lambda _, time: (time // _HOUR + 11) % 12 + 1,
    "M": lambda _, time: time // _MINUTE % 60,
    "S": lambda _, time: time // SECOND % 60,
}


def _written(token: Token, wall: Ints, offsets: Ints) -> list[str]:
    """Format one token for wall times [N] at offsets [N] from UTC."""
    letter, flag, text = token
    if not letter:
        return [text] * len(wall)
    if letter in "zZ":
        return [_offset_text(letter + flag, minutes) for minutes in (offsets // _MINUTE).tolist()]
    days, time = wall // DAY, wall % DAY
    if letter in NAMES:
        return _cased(_names(letter, days, time), flag)
    if letter == "f":
        digits = int(flag or 6)
        return [f"{micros:06d}000"[:digits] for micros in (time % SECOND).tolist()]
    width = 1 if flag == "-" else WIDTHS[letter]
    return [f"{number:0{width}d}" for number in _NUMBERS[letter](days, time).tolist()]


def _names(letter: str, days: Ints, time: Ints) -> list[str]:
    if letter == "p":
        return ["PM" if afternoon else "AM" for afternoon in (time >= 12 * _HOUR).tolist()]
    names, index = (MONTHS, _months(days) % 12) if letter in "bB" else (WEEKDAYS, weekdays(days))
    return [names[i] if letter in "BA" else names[i][:3] for i in index.tolist()]


def _cased(names: list[str], flag: str) -> list[str]:
    return [name.upper() if flag == "^" else name.lower() if flag == "#" else name for name in names]


def _offset_text(how: str, minutes: int) -> str:
    """Format an offset in minutes as `+0200` (`z`), `+02:00` (`z:`), `+02` (`z-`), `Z` (`z^`) or `UTC` (`Z`)."""
    if minutes == 0 and how in {"z^", "Z"}:
        return "Z" if how == "z^" else "UTC"
    sign, hours, rest = "-" if minutes < 0 else "+", abs(minutes) // 60, abs(minutes) % 60
    if how == "z-" and not rest:
        return f"{sign}{hours:02d}"
    return f"{sign}{hours:02d}{'' if how == 'z' else ':'}{rest:02d}"
