"""Grammars of conditions, durations and event definitions.

condition = score OP number
alert     = what OP number ["with" P"%"] ["within" SPAN]
score     = mae | bias | mase | outcomes | coverage_LEVEL
what      = value     the path at any step           with 50% by default
          | mean      the mean of the path            with 50% by default
          | sum       the sum of the path             with 50% by default
          | forecast  the forecast at any step
          | p1 … p99  a percentile of the forecast at any step
OP        = > | >= | < | <=
SPAN      = 90s | 30min | 24h | 7d | 4w | "6 steps"   after the last known step; default: all steps

event = name OP limit | name "rises" | name "falls"
name  = y | the target column
OP    = > | >= | < | <=
limit = a number | p1 … p99: a percentile of the training part of each series
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

UNITS = {"s": "seconds", "min": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_WRITTEN = re.compile(r"(\d{1,9}(?:\.\d{1,9})?) ?(s|min|h|d|w)", re.ASCII)
_LONGEST = timedelta(days=366 * 100)


def parse_duration(text: str) -> timedelta:
    """Parse a number and a unit.

    Raises:
        ValueError: another form, zero, or more than a century.
    """
    written = _WRITTEN.fullmatch(text)
    span = timedelta(**{UNITS[written[2]]: float(written[1])}) if written else timedelta()
    if not timedelta() < span <= _LONGEST:
        raise ValueError(f"must be a number and a unit (90s, 30min, 2h, 7d, 4w), at most a century (got {text!r})")
    return span


def duration_text(span: timedelta) -> str:
    """Format a duration in the largest unit of which it is a multiple: the inverse of `parse_duration`."""
    for unit in reversed(UNITS):
        count = span / timedelta(**{UNITS[unit]: 1})
        if count >= 1 and count == int(count):
            return f"{int(count)}{unit}"
    return f"{span.total_seconds():.6f}".rstrip("0").rstrip(".") + "s"


def span_words(span: timedelta) -> str:
    """Format a duration roughly, in its two largest units: `3 d 4 h`, or `0 min` below a minute."""
    minutes = max(int(span.total_seconds()) // 60, 0)
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    if days:
        return f"{days:,} d" + (f" {hours} h" if hours else "")
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


OPERATORS: Mapping[str, Callable[[Any, Any], Any]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
OF_PATHS = ("value", "mean", "sum")
"""Quantities of a path, whose conditions hold with a probability."""

_OP = r"(?P<op>>=|<=|>|<)"
_NUMBER = r"(?P<limit>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)"
_SCORE = r"(?P<name>mae|bias|mase|outcomes|accuracy|naive_accuracy|coverage_\d+(?:\.\d+)?)"
_WHAT = r"(?P<what>value|mean|sum|forecast|p[1-9]\d?)"
_WITH = r"(?:\s+with\s+(?P<percent>\d+(?:\.\d+)?)\s*%)?"
_WITHIN = r"(?:\s+within\s+(?:(?P<steps>[1-9]\d{0,5})\s+steps?|(?P<span>\S+(?: \S+)?)))?"
_CONDITION = re.compile(rf"{_SCORE}\s*{_OP}\s*{_NUMBER}", re.ASCII)
_ALERT = re.compile(rf"{_WHAT}\s*{_OP}\s*{_NUMBER}{_WITH}{_WITHIN}", re.ASCII)


@dataclass(frozen=True)
class Condition:
    """A condition on a live score.

    Attributes:
        text: the expression.
        name: of the score.
        op: `>`, `>=`, `<` or `<=`.
        limit: the number.
    """

    text: str
    name: str
    op: str
    limit: float

    def met(self, scores: Mapping[str, float]) -> bool:
        """Return True if the condition holds; False for a missing or undefined (NaN) score."""
        return bool(OPERATORS[self.op](scores.get(self.name, float("nan")), self.limit))


@dataclass(frozen=True)
class AlertCondition:
    """The condition of an alert.

    Attributes:
        text: the expression.
        quantity: `value`, `mean`, `sum`, `forecast`, or a percentile such as `p90`.
        op: `>`, `>=`, `<` or `<=`.
        limit: the number.
        probability: minimum probability at which the alert fires; None for quantities without a probability.
        steps: number of steps ahead; None: by `span`.
        span: time ahead; None, and no steps: the whole forecast.
    """

    text: str
    quantity: str
    op: str
    limit: float
    probability: float | None = None
    steps: int | None = None
    span: timedelta | None = None


def parse_condition(text: str) -> Condition:
    """Parse a condition on live scores.

    Raises:
        ValueError: another form.
    """
    found = _CONDITION.fullmatch(text.strip())
    if not found:
        scores = "mae, bias, mase, outcomes or coverage_LEVEL; of symbols: accuracy, naive_accuracy or outcomes"
        raise ValueError(f"must be a score ({scores}), one of > >= < <=, and a number: 'mase > 1' (got {text!r})")
    return Condition(text.strip(), found["name"], found["op"], float(found["limit"]))


def parse_alert(text: str) -> AlertCondition:
    """Parse the condition of an alert.

    Raises:
        ValueError: another form.
    """
    found = _ALERT.fullmatch(text.strip())
    if not found:
        raise ValueError(
            "must be value, mean, sum, forecast or a percentile (p90), one of > >= < <=, a number, and optionally "
            f"'with 20%' and 'within 24h' or 'within 6 steps': 'value > 500 with 20% within 24h' (got {text!r})"
        )
    what, fraction = found["what"], found["percent"]
    if fraction is not None and what not in OF_PATHS:
        raise ValueError(
            f"'with' goes with {', '.join(OF_PATHS)}: a forecast and its percentiles are numbers (got {text!r})"
        )
    probability = (50.0 if fraction is None else float(fraction)) / 100 if what in OF_PATHS else None
    if probability is not None and not 0 < probability <= 1:
        raise ValueError(f"'with' takes more than 0% and at most 100% (got {text!r})")
    return AlertCondition(
        text=text.strip(),
        quantity=what,
        op=found["op"],
        limit=float(found["limit"]),
        probability=probability,
        steps=None if found["steps"] is None else int(found["steps"]),
        span=None if found["span"] is None else parse_duration(found["span"]),
    )


_LIMIT = r"(?:p(?P<percentile>[1-9]\d?)|(?P<limit>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?))"
_EVENT = re.compile(rf"(?P<name>.+?)(?:\s*{_OP}\s*{_LIMIT}|\s+(?P<move>rises|falls))", re.ASCII | re.DOTALL)


@dataclass(frozen=True)
class EventExpression:
    """The definition of an event.

    Attributes:
        text: the expression.
        name: of the target column, or `y`.
        op: `>`, `>=`, `<` or `<=`, with `limit` or `percentile`; or `rises` or `falls`, compared with the step before.
        limit: the number.
        percentile: 1 to 99, the percentile that is the limit.
    """

    text: str
    name: str
    op: str
    limit: float | None = None
    percentile: int | None = None


def parse_event(text: str) -> EventExpression:
    """Parse the definition of an event.

    Raises:
        ValueError: another form.
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
