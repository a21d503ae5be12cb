"""Text helpers for messages."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from itertools import islice

MAX_LISTED = 20  # names in a list
MAX_SHOWN = 5  # offending items in a message


def truncate_items(items: Iterable[str], total: int) -> str:
    """Join the first five of `total` items: `a, b, c, d, e and 7 more`."""
    shown = list(islice(items, MAX_SHOWN))
    return ", ".join(shown) + (f" and {total - len(shown)} more" if total > len(shown) else "")


def pluralize(number: int, noun: str) -> str:
    """Join a number and a noun: `1 row`, `2,000 rows`; `series` stays as it is."""
    return f"{number:,} {noun}" + ("" if number == 1 or noun.endswith("series") else "s")


def truncate_list(names: Sequence[str]) -> str:
    """Join the first twenty names: `a, b … and 7 more`."""
    more = f" and {len(names) - MAX_LISTED} more" if len(names) > MAX_LISTED else ""
    return ", ".join(names[:MAX_LISTED]) + more


def suggest(name: str, names: Sequence[str]) -> str:
    """List the valid names, after the most similar one: `did you mean 'sales'? columns: date, sales`."""
    lowered = {valid.lower(): valid for valid in reversed(names)}
    close = difflib.get_close_matches(name.lower(), list(lowered), n=1)
    guess = f"did you mean '{lowered[close[0]]}'? " if close else ""
    return f"{guess}columns: {truncate_list(names)}"
