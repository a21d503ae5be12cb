"""Event rule, and the labels that it gives the steps of a panel as network inputs.

In addition to the F lags relative to their level, step t has two features for each of the next H steps:

- margins: level plus seasonal profile, minus the limit (or minus the step before, for an event that is a move), in z.
  The lags alone show where the values move, but not where the limit is.
- odds: log-odds of the event rate at the same step of the season, with older seasons decayed.

No feature at step t depends on a value after t.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from lstmcast.data.panel import Panel
from lstmcast.errors import ConfigError, DataError
from lstmcast.preprocessing.windows import Batch, WindowDataset, WindowSpec, gathered
from lstmcast.statistical.event_rates import DecayedSeasonalRates
from lstmcast.types import Array, Floats, Ints

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
        """True if a step is compared with the one before it."""
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


MAX_MARGIN = 10.0  # typical steps; larger margins are clipped
MAX_LOG_ODDS = 5.0  # an event rate of 1 in 150; larger log-odds are clipped


def n_features(window: WindowSpec) -> int:
    """Return F + 2H, the features of each step."""
    return window.lags + 2 * window.horizon


@dataclass(frozen=True)
class EventWindowDataset:
    """Windows of scaled values with the event labels of their steps.

    Attributes:
        windows: of the values; their horizon is H.
        labels: [N] 1, 0, or NaN where not observed.
        limits: [S] in z; NaN for an event that is a move.
        rates: event rates known at each step.
    """

    windows: WindowDataset
    labels: Floats
    limits: Floats
    rates: DecayedSeasonalRates

    @property
    def features(self) -> int:
        """F + 2H, the features of each step."""
        return n_features(self.windows.spec)

    def inputs(self, series: Ints, starts: Ints) -> Array:
        """Return the inputs [B, L, F + 2H] of windows that start at [B] steps of [B] series."""
        context = self.windows.spec.context
        steps = np.maximum(starts[:, None] + np.arange(context), 0)  # [B, L]
        margins, odds = self._margins(series, starts, steps), self._log_odds(series, steps)
        return np.concatenate([self.windows.inputs(series, starts, context), margins, odds], axis=-1)

    def _margins(self, series: Ints, starts: Ints, steps: Ints) -> Array:
        baseline = self.windows.window_baselines(series, starts)  # [B, L, H]
        now = self.windows.z[self.windows.offsets[series][:, None] + steps]
        before = np.concatenate([now[..., None], baseline[..., :-1]], axis=-1)
        limits = self.limits[series][:, None, None]
        margins = np.clip(baseline - np.where(np.isnan(limits), before, limits), -MAX_MARGIN, MAX_MARGIN)
        return margins.astype(np.float32)

    def _log_odds(self, series: Ints, steps: Ints) -> Array:
        rates = self.rates.at(np.repeat(series, steps.shape[1]), steps.ravel(), self.windows.spec.horizon)
        odds = np.clip(np.log(rates / (1 - rates)), -MAX_LOG_ODDS, MAX_LOG_ODDS)
        return odds.reshape(*steps.shape, -1).astype(np.float32)

    def batch(self, series: Ints, starts: Ints) -> Batch:
        """Return inputs [B, L, F + 2H], labels and weights [B, L, H] of [B] windows."""
        at, known = self.windows.target_indices(series, starts)
        actual = self.labels[at]
        known_targets = known & ~np.isnan(actual)
        return (
            self.inputs(series, starts),
            np.where(known_targets, actual, 0.0).astype(np.float32),
            known_targets.astype(np.float32),
        )

    def batches(self, rng: np.random.Generator, *, count: int, size: int) -> Iterator[Batch]:
        """Yield one epoch: `count` windows, rounded up to full batches of `size`."""
        return gathered(self.batch, *self.windows.sample(rng, -(-count // size) * size), size)
