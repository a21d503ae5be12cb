"""Inputs and targets of event networks.

Beside the F lags relative to their level, step t has two features for each of the next H steps:

- margins: level plus seasonal profile, minus the limit (or minus the step before, for an event that is a move), in z.
  The lags alone show where the values move, but not where the limit is.
- odds: log-odds of the event rate at the same step of the season, with older seasons decayed.

No feature at step t depends on a value after t.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lstmcast.preprocessing.windows import Batch, WindowDataset, WindowSpec, gathered
from lstmcast.statistical.event_rates import DecayedSeasonalRates
from lstmcast.types import Array, Floats, Ints

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
