"""The names of frequencies: `data.frequency` → a grid."""

from __future__ import annotations

import difflib
import re

from lstmcast.data.frequency import TimeDeltas, find_grid
from lstmcast.data.grid import HOUR, MINUTE, MONTHS, WEEK, WEEKDAYS, TimeGrid
from lstmcast.data.zones import DAY, SECOND
from lstmcast.errors import ConfigError

_FIXED = {"d": DAY, "h": HOUR, "min": MINUTE, "t": MINUTE, "s": SECOND, "ms": 1_000, "us": 1}
_MONTHS = {"M": 1, "Q": 3, "Y": 12}
_WORDS = {
    "yearly": "Y", "annual": "Y", "quarterly": "Q", "monthly": "M", "weekly": "W", "daily": "D", "business days": "B",
    "hourly": "h", "every minute": "min", "every second": "s",
}  # fmt: skip
_EXAMPLES = ("h", "D", "B", "W", "W-FRI", "MS", "ME", "QS", "QE-DEC", "YS", "YE-JUN", "30min", "s", *list(_WORDS)[:7])
_MONTH_NAME = re.compile(r"(\d{0,4})(B?)([MQYA])([SE]?)(?:-([A-Z]{3}))?")
_WEEK_NAME = re.compile(r"(\d{0,4})W(?:-([A-Z]{3}))?", re.IGNORECASE)
_FIXED_NAME = re.compile(r"(\d{0,9})([dDhHtTsS]|min|ms|us)")


def parse_frequency(text: str, steps: TimeDeltas) -> TimeGrid:
    """The grid that the user named, as pandas names it (`MS`, `W-FRI`, `30min`) or in a word (`monthly`).

    What the name leaves open (the day of a week or month, the minute of an hour) is taken from the data where they
    have that frequency; else it is the start of the unit, and Sunday for the end of a week.

    Args:
        text: the name.
        steps: the times of the data.

    Raises:
        ConfigError: the name is unknown.
    """
    found = find_grid(steps) if len(steps.before) else None
    if found is not None and found.name == text:
        return found
    stem, named = _named(_WORDS.get(text.strip().lower(), text.strip()), int(steps.distinct[0]), text)
    if found is None or (found.kind, found.step) != (named.kind, named.step):
        return named
    return found if found.name.startswith(stem) else named


def _named(name: str, first: int, text: str) -> tuple[str, TimeGrid]:
    """What a grid's name must begin with to be meant, and the grid that is meant where the data have no such grid."""
    if name.upper() == "B":
        return "B", TimeGrid("business")
    if (match := _FIXED_NAME.fullmatch(name)) and not _zero(match[1]):
        step = int(match[1] or 1) * _FIXED[match[2].lower()]
        grid = TimeGrid("fixed", step, first // DAY * DAY % step if step % DAY == 0 else 0)
        return grid.name.partition("-")[0], grid
    if (match := _WEEK_NAME.fullmatch(name)) and not _zero(match[1]) and (match[2] or "SUN").upper() in WEEKDAYS:
        day = WEEKDAYS.index((match[2] or "SUN").upper())
        step = int(match[1] or 1) * WEEK
        upcoming = first // DAY + (day - first // DAY) % 7
        grid = TimeGrid("fixed", step, upcoming * DAY % step)
        return grid.name if match[2] else grid.name.partition("-")[0], grid
    if (match := _MONTH_NAME.fullmatch(name)) and not _zero(match[1]):
        return _named_months(match, text)
    raise _unknown(text)


def _named_months(match: re.Match[str], text: str) -> tuple[str, TimeGrid]:
    """The same for months, quarters and years."""
    count, business, letter, end, month = (part and part.upper() for part in match.groups())
    letter = "Y" if letter == "A" else letter
    anchor = f"{business}{end or 'S'}"
    if month is not None and (letter == "M" or month not in MONTHS):
        raise _unknown(text)
    default = "DEC" if end == "E" else "JAN"
    step = int(count or 1) * _MONTHS[letter]
    grid = TimeGrid("month", step, MONTHS.index(month or default) % step, anchor)
    return grid.name if month else f"{count}{business}{letter}{end}", grid


def _zero(count: str) -> bool:
    return count != "" and int(count) == 0


def _unknown(text: str) -> ConfigError:
    close = difflib.get_close_matches(text, _EXAMPLES, n=1)
    guess = f"did you mean '{close[0]}'? " if close else ""
    return ConfigError(f"data.frequency: no such frequency (got '{text}'); {guess}known are {', '.join(_EXAMPLES)}")
