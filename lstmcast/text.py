"""Small phrases that the messages of this room share."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from itertools import islice

MAX_LISTED = 20  # names that a list holds
MAX_SHOWN = 5  # how many offending places a message names


def truncate_items(items: Iterable[str], total: int) -> str:
    """The first five items in one line, and how many more there are: `a, b, c, d, e and 7 more`."""
    shown = list(islice(items, MAX_SHOWN))
    return ", ".join(shown) + (f" and {total - len(shown)} more" if total > len(shown) else "")


def pluralize(number: int, noun: str) -> str:
    """A number of things: `1 row`, `2 rows`."""
    return f"{number} {noun}" + ("" if number == 1 else "s")


def truncate_list(names: Sequence[str]) -> str:
    """Names in one line; of very many, the first twenty and how many more there are."""
    more = f" and {len(names) - MAX_LISTED} more" if len(names) > MAX_LISTED else ""
    return ", ".join(names[:MAX_LISTED]) + more


def suggest(name: str, names: Sequence[str]) -> str:
    """All valid names, the one most like `name` first: `did you mean 'sales'? columns: date, sales`."""
    lowered = {valid.lower(): valid for valid in reversed(names)}
    close = difflib.get_close_matches(name.lower(), list(lowered), n=1)
    guess = f"did you mean '{lowered[close[0]]}'? " if close else ""
    return f"{guess}columns: {truncate_list(names)}"
