"""What happens in a run, as it is told: a line for a person, and the same with its figures for a program."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Level = Literal["info", "warning", "error"]


@dataclass(frozen=True)
class LogEvent:
    """One thing that happened.

    Attributes:
        name: one word for programs: `read`, `breach`, `trained`, `forecast`, `finished` ….
        text: one line for a person, which may be several lines long.
        level: whether it is only information, something to look at, or why the exit code is not 0.
        fields: figures and names, as JSON can say them.
    """

    name: str
    text: str
    level: Level = "info"
    fields: Mapping[str, Any] = field(default_factory=dict)


Note = Callable[[LogEvent], None]
