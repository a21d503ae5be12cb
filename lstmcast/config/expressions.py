"""Grammars of conditions, durations and event definitions.

condition = score OP number
alert     = what OP number ["with" P"%"] ["within" SPAN]
score     = mae | bias | mase | outcomes | coverage_LEVEL
what      = value     the series itself: does its path get there, at any step?        with 50% unless said
          | mean      the path's mean over the span                                   with 50% unless said
          | sum       the path's sum over the span                                    with 50% unless said
          | forecast  the forecast at any step
          | p1 … p99  that percentile of the forecast at any step
OP        = > | >= | < | <=
SPAN      = 90s | 30min | 24h | 7d | 4w | "6 steps"         after the last known step; without one: all steps

event = name OP limit | name "rises" | name "falls"
name  = y | the target column's
OP    = > | >= | < | <=
limit = a number | p1 … p99: that percentile of what each series showed before anything was held out
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


OPERATORS: Mapping[str, Callable[[Any, Any], Any]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
OF_PATHS = ("value", "mean", "sum")
"""What is asked of whole paths: the answer is a probability."""

_OP = r"(?P<op>>=|<=|>|<)"
_NUMBER = r"(?P<limit>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)"
_SCORE = r"(?P<name>mae|bias|mase|outcomes|coverage_\d+(?:\.\d+)?)"
_WHAT = r"(?P<what>value|mean|sum|forecast|p[1-9]\d?)"
_WITH = r"(?:\s+with\s+(?P<share>\d+(?:\.\d+)?)\s*%)?"
_WITHIN = r"(?:\s+within\s+(?:(?P<steps>[1-9]\d{0,5})\s+steps?|(?P<span>\S+(?: \S+)?)))?"
_CONDITION = re.compile(rf"{_SCORE}\s*{_OP}\s*{_NUMBER}", re.ASCII)
_ALERT = re.compile(rf"{_WHAT}\s*{_OP}\s*{_NUMBER}{_WITH}{_WITHIN}", re.ASCII)


@dataclass(frozen=True)
class Condition:
    """A live score held against a number.

    Attributes:
        text: as it was written.
        name: of the score.
        op: `>`, `>=`, `<` or `<=`.
        limit: the number.
    """

    text: str
    name: str
    op: str
    limit: float

    def met(self, scores: Mapping[str, float]) -> bool:
        """Whether it holds; a score that is undefined (NaN), or is not there, meets nothing."""
        return bool(OPERATORS[self.op](scores.get(self.name, float("nan")), self.limit))


@dataclass(frozen=True)
class AlertCondition:
    """What an alert waits for.

    Attributes:
        text: as it was written.
        quantity: `value`, `mean`, `sum`, `forecast`, or a percentile such as `p90`.
        op: `>`, `>=`, `<` or `<=`.
        limit: the number.
        probability: from which probability on it fires; None: what is asked has no probability of its own.
        steps: it looks so many steps ahead; None: as `span` says.
        span: it looks so far ahead; None, and no steps: as far as the forecast goes.
    """

    text: str
    quantity: str
    op: str
    limit: float
    probability: float | None = None
    steps: int | None = None
    span: timedelta | None = None


def parse_condition(text: str) -> Condition:
    """A condition on live scores.

    Raises:
        ValueError: something else; says the rule.
    """
    found = _CONDITION.fullmatch(text.strip())
    if not found:
        scores = "mae, bias, mase, outcomes or coverage_LEVEL"
        raise ValueError(f"must be a score ({scores}), one of > >= < <=, and a number: 'mase > 1' (got {text!r})")
    return Condition(text.strip(), found["name"], found["op"], float(found["limit"]))


def parse_alert(text: str) -> AlertCondition:
    """What an alert waits for.

    Raises:
        ValueError: something else; says the rule.
    """
    found = _ALERT.fullmatch(text.strip())
    if not found:
        raise ValueError(
            "must be value, mean, sum, forecast or a percentile (p90), one of > >= < <=, a number, and if wanted "
            f"'with 20%' and 'within 24h' or 'within 6 steps': 'value > 500 with 20% within 24h' (got {text!r})"
        )
    what, fraction = found["what"], found["share"]
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
