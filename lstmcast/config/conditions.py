"""Conditions as a person writes them: `mase > 1`, `coverage_80 < 0.6`, `p90 > 500 within 24h`.

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
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from lstmcast.config.durations import parse_duration

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
