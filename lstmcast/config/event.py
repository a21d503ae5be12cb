"""What is to come true, as a person writes it: `users > 500`, `users > p90`, `y rises`.

event = name OP limit | name "rises" | name "falls"
name  = y | the target column's
OP    = > | >= | < | <=
limit = a number | p1 … p99: that percentile of what each series showed before anything was held out
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_OP = r"(?P<op>>=|<=|>|<)"
_LIMIT = r"(?:p(?P<percentile>[1-9]\d?)|(?P<limit>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?))"
_EVENT = re.compile(rf"(?P<name>.+?)(?:\s*{_OP}\s*{_LIMIT}|\s+(?P<move>rises|falls))", re.ASCII | re.DOTALL)


@dataclass(frozen=True)
class EventExpression:
    """What each step is asked.

    Attributes:
        text: as it was written.
        name: of the column it speaks of, or `y`.
        op: `>`, `>=`, `<` or `<=`, for `limit` or `percentile`; or `rises` or `falls`, since the step before.
        limit: the number.
        percentile: whose value is the limit, 1 to 99.
    """

    text: str
    name: str
    op: str
    limit: float | None = None
    percentile: int | None = None


def parse_event(text: str) -> EventExpression:
    """What is to come true.

    Raises:
        ValueError: something else; says the rule.
    """
    found = _EVENT.fullmatch(text.strip())
    if not found:
        raise ValueError(
            "must be the target (or y), one of > >= < <=, and a number or a percentile, or rises or falls: "
            f"'y > 500', 'y > p90', 'y rises' (got {text!r})"
        )
    return EventExpression(
        text=text.strip(),
        name=found["name"].strip(),
        op=found["op"] or found["move"],
        limit=None if found["limit"] is None else float(found["limit"]),
        percentile=None if found["percentile"] is None else int(found["percentile"]),
    )
