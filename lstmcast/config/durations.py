"""Spans of time as a person writes them: `90s`, `30min`, `2h`, `7d`, `4w`."""

from __future__ import annotations

import re
from datetime import timedelta

UNITS = {"s": "seconds", "min": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_WRITTEN = re.compile(r"(\d{1,9}(?:\.\d{1,9})?) ?(s|min|h|d|w)", re.ASCII)
_LONGEST = timedelta(days=366 * 100)


def parse_duration(text: str) -> timedelta:
    """A number and a unit as a span of time.

    Raises:
        ValueError: something else, nothing at all, or more than a century; says the rule.
    """
    written = _WRITTEN.fullmatch(text)
    span = timedelta(**{UNITS[written[2]]: float(written[1])}) if written else timedelta()
    if not timedelta() < span <= _LONGEST:
        raise ValueError(f"must be a number and a unit (90s, 30min, 2h, 7d, 4w), at most a century (got {text!r})")
    return span


def duration_text(span: timedelta) -> str:
    """The span in the largest unit of which it is a whole number: the inverse of `parse_duration`."""
    for unit in reversed(UNITS):
        count = span / timedelta(**{UNITS[unit]: 1})
        if count >= 1 and count == int(count):
            return f"{int(count)}{unit}"
    return f"{span.total_seconds():.6f}".rstrip("0").rstrip(".") + "s"


def span_words(span: timedelta) -> str:
    """About how long, for a person: its two largest units, `3 d 4 h`; `0 min` below a minute."""
    minutes = max(int(span.total_seconds()) // 60, 0)
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    if days:
        return f"{days:,} d" + (f" {hours} h" if hours else "")
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
