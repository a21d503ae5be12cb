"""Definition of an event: a condition on a column of numbers, or a column of 1 and 0."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from lstmcast.data.panel import Panel
from lstmcast.errors import ConfigError, DataError
from lstmcast.types import Floats

if TYPE_CHECKING:
    from lstmcast.config.expressions import EventExpression

Key = tuple[str, ...]

OPERATORS: Mapping[str, Callable[[Any, Any], Any]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "rises": operator.gt,
    "falls": operator.lt,
}
MOVES = ("rises", "falls")
DAY = 86_400_000_000  # microseconds
WEEK = 7  # days
HALF = 0.5  # between no (0) and yes (1)


@dataclass(frozen=True)
class EventRule:
    """The condition under which a step is an event.

    Attributes:
        text: in print.
        op: `>`, `>=`, `<` or `<=` for a limit; one of `MOVES` for a change since the step before.
        limit: of all series; None for a percentile or a move.
        percentile: of each series, which is the limit of those that `limits` lacks.
        limits: percentiles of the training series by key.
    """

    text: str
    op: str
    limit: float | None = None
    percentile: int | None = None
    limits: Mapping[Key, float] = field(default_factory=dict)

    @property
    def moves(self) -> bool:
        """Whether a step is compared with the one before it."""
        return self.op in MOVES

    def series_limits(self, panel: Panel) -> Floats:
        """Return [S] the limit of each series; NaN for a move."""
        if self.moves:
            return np.full(panel.n_series, np.nan)
        if self.limit is not None:
            return np.full(panel.n_series, self.limit)
        own = (_percentile(panel, k, self.percentile or 50) for k in range(panel.n_series))
        return np.array([self.limits.get(key, found) for key, found in zip(panel.keys, own, strict=True)])

    def labels(self, panel: Panel) -> Floats:
        """Return [N] 1 for an event, 0 for none, NaN where not observed."""
        known, values = panel.observed.copy(), panel.values
        if self.moves:
            compared = np.concatenate([values[:1], values[:-1]])
            known &= np.concatenate([[False], panel.observed[:-1]])
            known[panel.offsets[:-1]] = False  # no step before the first of a series
        else:
            compared = np.repeat(self.series_limits(panel), panel.lengths)
        return np.where(known, OPERATORS[self.op](values, compared), np.nan)


def make_rule(event: EventExpression | None, panel: Panel, past: Panel) -> EventRule:
    """Build the rule of a panel.

    Args:
        event: the expression of the config; None: the target is 1 or 0.
        panel: all the data.
        past: the training part, whose percentiles are limits.

    Raises:
        ConfigError: the event names another column.
        DataError: no event is given, and the target holds other numbers than 1 and 0.
    """
    target = panel.columns.target
    if event is None:
        _refuse_numbers(panel)
        return EventRule(f"{_name(panel)} is 1", ">", HALF)
    if event.name not in ("y", *(target if len(target) == 1 else ())):
        raise ConfigError(f"model.event: must name y or the target, {_name(panel)!r} (got {event.name!r})")
    rule = EventRule(_written(event, target), event.op, event.limit, event.percentile)
    if event.percentile is None:
        return rule
    return EventRule(
        rule.text, rule.op, None, rule.percentile, dict(zip(past.keys, rule.series_limits(past).tolist(), strict=True))
    )


def weekly_season(panel: Panel) -> int | None:
    """Return the steps of a week if the season is a day of several steps, else None."""
    calendar = panel.calendar
    is_day = calendar.kind == "fixed" and calendar.season > 1 and calendar.season * calendar.step == DAY
    return WEEK * calendar.season if is_day else None


def _percentile(panel: Panel, k: int, percentile: int) -> float:
    """Percentile of the observed values of series k; NaN without any."""
    known = panel.series(k)[panel.observed_of(k)]
    return float(np.percentile(known, percentile)) if len(known) else float("nan")


def _written(event: EventExpression, target: tuple[str, ...]) -> str:
    """The expression with the name of the target in place of y."""
    return f"{target[0]}{event.text[1:]}" if event.name == "y" and len(target) == 1 else event.text


def _refuse_numbers(panel: Panel) -> None:
    other = panel.observed & (panel.values != 0) & (panel.values != 1)
    if other.any():
        raise DataError(
            f"{panel.source}: column {_name(panel)!r} must hold 0 and 1 (no and yes, false and true) to be an event "
            f"(got {panel.values[other][0]:g}); or define the event by model.event, such as 'y > 500'"
        )


def _name(panel: Panel) -> str:
    return ", ".join(panel.columns.target)
