"""Log events of a run: a text for a person, and fields for a program."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Level = Literal["info", "warning", "error"]


@dataclass(frozen=True)
class LogEvent:
    """One event of a run.

    Attributes:
        name: for programs, such as `read`, `violation`, `trained`, `forecast` or `finished`.
        text: for a person; may have several lines.
        level: `error` for the reason of an exit code other than 0.
        fields: JSON values.
    """

    name: str
    text: str
    level: Level = "info"
    fields: Mapping[str, Any] = field(default_factory=dict)


Note = Callable[[LogEvent], None]
