"""A holiday or an event: a day with a name."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Holiday:
    """A holiday or an event.

    Attributes:
        day: days since 1970-01-01, local.
        name: in English where the source has it, without remarks such as `(observed)`.
        source: the code of its region, or its file.
        before, after: days of its window before and after.
        is_off: true for a day off; false for an event, half a day off and the like.
    """

    day: int
    name: str
    source: str
    before: int = 0
    after: int = 0
    is_off: bool = True
