"""Time format of a file, in which forecasts are written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from lstmcast.data.time.text.patterns import (
    DECIMAL_MIDDLE,
    DECIMAL_YEAR,
    DECIMALS,
    EXCEL,
    INTEGERS,
    NAMES,
    ROMAN,
    ROMAN_FIELDS,
    SAME_NAMES,
    WIDTHS,
    Token,
    counts_through,
    end_of_range,
    periods,
    tokens,
)
from lstmcast.data.time.zones import DAY, SECOND, from_wall, to_wall
from lstmcast.types import Ints

MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
          "December")  # fmt: skip
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
EXCEL_EPOCH = -25_569 * DAY  # 1899-12-30
_MINUTE, _HOUR = 60 * SECOND, 3600 * SECOND


@dataclass(frozen=True)
class TimeFormat:
    """Time format of a file.

    Attributes:
        pattern: see above.
        names: names of months (`b`), weekdays (`a`) and offsets in minutes (`z`, `L`) that are not the usual English
            ones: (`b`, 3, `März`).
        decimals: digits after the point of `excel` and `decimal year`; negative: at most so many, without zeros at the
            end.
        span: months and microseconds from the start to the end of a range.
    """

    pattern: str
    names: tuple[tuple[str, int, str], ...] = ()
    decimals: int = 0
    span: tuple[int, int] = (0, 0)

    def format(self, stamps: Ints, timezone: str | None = None) -> list[str]:
        """Format times [N], microseconds since 1970-01-01 (UTC if there is a zone), as wall times of the zone."""
        if unit := INTEGERS.get(self.pattern):
            return [str(stamp * 1_000 // unit) for stamp in stamps.tolist()]
        wall = to_wall(stamps, timezone)
        if self.pattern in DECIMALS:
            return [_decimal_text(number, self.decimals) for number in _DECIMAL_VALUES[self.pattern](wall)]
        parts = tokens(self.pattern)
        start = parts[: end_of_range(parts)]
        pieces = [self._written(token, wall, stamps, start, timezone) for token in start]
        if rest := parts[len(start) :]:
            ends = self._ends(wall, stamps, timezone)
            pieces += [self._written(token, *ends, rest, timezone) for token in rest]
        return ["".join(texts) for texts in zip(*pieces, strict=True)]

    def _ends(self, wall: Ints, stamps: Ints, timezone: str | None) -> tuple[Ints, Ints]:
        """Wall times and stamps at which the ranges end."""
        months, micros = self.span
        if months or timezone is None:
            return add_months(wall, months) + micros, stamps + (add_months(wall, months) + micros - wall)
        return to_wall(stamps + micros, timezone), stamps + micros

    def _written(
        self, token: Token, wall: Ints, stamps: Ints, parts: Sequence[Token], timezone: str | None
    ) -> list[str]:
        """Format one of the tokens `parts` for wall times [N] and instants [N] of a zone."""
        offsets = wall - stamps
        days, time = wall // DAY, wall % DAY
        letters = {other.letter for other in parts}
        if counts_through(token):
            time = stamps - from_wall(days * DAY, timezone).early
        if "k" in letters:
            days = days - (time == 0)
        if "V" in letters and not letters & set("mbBdjq"):
            token = token._replace(letter={"Y": "G", "y": "g"}.get(token.letter, token.letter))
        letter = SAME_NAMES.get(token.letter, token.letter)
        names = {number: text for name, number, text in self.names if name == letter}
        if not names:
            return _written(token, days, time, stamps, offsets // _MINUTE)
        if letter in "zL":
            return [names.get(offset) or _offset_text("z:", offset) for offset in (offsets // _MINUTE).tolist()]
        if letter == "p":
            return [names.get(hour >= 12, "") for hour in (time // _HOUR).tolist()]
        by_quarter = letter == "o" and "q" in letters
        numbers = _NUMBERS["q" if by_quarter else _NUMBERED[letter]](days, time).tolist()
        return [names.get(number) or names[max(names)] for number in numbers]

    def to_dict(self) -> dict[str, object]:
        """JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> TimeFormat:
        """The inverse of `to_dict`."""
        names = tuple((str(letter), int(number), str(text)) for letter, number, text in values.get("names", ()))
        months, micros = values.get("span", (0, 0))
        return cls(str(values["pattern"]), names, int(values.get("decimals", 0)), (int(months), int(micros)))


def _excel_days(wall: Ints) -> list[float]:
    """Days since 1899-12-30."""
    return [(time - EXCEL_EPOCH) / DAY for time in wall.tolist()]


def _decimal_years(wall: Ints) -> list[float]:
    """Years and fractions, in months and parts of a month."""
    months = _months(wall // DAY)
    first, following = (add_months(np.zeros_like(wall), months + k) for k in (0, 1))
    parts = (wall - first) / (following - first)
    return [1970 + (month + part) / 12 for month, part in zip(months.tolist(), parts.tolist(), strict=True)]


def _month_middles(wall: Ints) -> list[float]:
    """Years and fractions at the middles of the months."""
    return [1970 + (month + 0.5) / 12 for month in _months(wall // DAY).tolist()]


_DECIMAL_VALUES: dict[str, Callable[[Ints], list[float]]] = {
    EXCEL: _excel_days,
    DECIMAL_YEAR: _decimal_years,
    DECIMAL_MIDDLE: _month_middles,
}


def _decimal_text(number: float, decimals: int) -> str:
    text = f"{number:.{abs(decimals)}f}"
    return text.rstrip("0").rstrip(".") if decimals < 0 and "." in text else text


def add_months(wall: Ints, months: Ints | int) -> Ints:
    """Add months to times [N]; a day beyond the end of the month becomes its last day."""
    days, time = wall // DAY, wall % DAY
    target = _months(days) + months
    first, following = ((target + k).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64) for k in (0, 1))
    return np.asarray(np.minimum(first + _days_of_month(days), following) * DAY - DAY + time, dtype=np.int64)


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
    "h": lambda days, _: _months(days) % 12 // 6 + 1,
    "g": lambda days, _: _years(_thursdays(days)) % 100,
    "k": lambda _, time: _hour_to_24(time),
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


_NUMBERED = {"b": "m", "a": "u", "o": "d"}  # letters of names: the number that is named


def _hour_to_24(time: Ints) -> Ints:
    """[N] hours 0 to 23, and 24 for midnight."""
    return np.where(time == 0, 24, time // _HOUR)


def _written(token: Token, days: Ints, time: Ints, stamps: Ints, minutes: Ints) -> list[str]:
    """Format one token for days [N] since 1970, microseconds of the day, instants, and offsets in minutes."""
    letter, flag, text = token
    if not letter:
        return [text] * len(days)
    if letter in "zZL":
        return [_offset_text("z:" if letter == "L" else letter + flag, offset) for offset in minutes.tolist()]
    if letter in NAMES:
        return _cased(_names(letter, days, time), flag)
    if letter == "f":
        digits = int(flag or 6)
        return [f"{micros:06d}000"[:digits] for micros in (stamps % SECOND).tolist()]
    if letter == "E":
        return [""] * len(days)
    if letter in ROMAN_FIELDS:
        return [ROMAN[number - 1] for number in _NUMBERS[ROMAN_FIELDS[letter]](days, time).tolist()]
    if letter == "o":
        return [_ordinal(day) for day in _days_of_month(days).tolist()]
    if letter == "N":
        count = periods(flag)
        width = 1 if "-" in flag else len(flag or "24")
        return [f"{number:0{width}d}" for number in (time // (DAY // count) + 1).tolist()]
    if letter in "sQ":
        return [str(stamp // (SECOND if letter == "s" else 1_000)) for stamp in stamps.tolist()]
    width = 1 if "-" in flag else WIDTHS[letter]
    return [f"{number:0{width}d}" for number in _NUMBERS[letter](days, time).tolist()]


def _ordinal(day: int) -> str:
    """Letters of an English ordinal number."""
    return "th" if 10 < day < 14 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")


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
