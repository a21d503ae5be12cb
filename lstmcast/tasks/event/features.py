"""What a network that says chances reads and learns: windows of values, and what they say of a yes by themselves.

Beside the F last values, counted from their level as everywhere, each step t brings two numbers for each of the next H:

- margins: what level and profile say, less the limit (or less the step before, where a move is asked), in z: without
  them the network would see where the values move, but not where the limit is;
- odds: the log-odds of how often it was so at the same step of the season, older seasons counting less and less.

Nothing at step t looks at a value after t.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lstmcast.preprocessing.windows import Batch, WindowDataset, WindowSpec, gathered
from lstmcast.statistical.event_rates import DecayedSeasonalRates
from lstmcast.types import Array, Floats, Ints

MAX_LOG_ODDS = 10.0  # usual steps: a margin further off says no more
MAX_INPUT_LOG_ODDS = 5.0  # log-odds: less than a yes in 150 says no more


def n_features(window: WindowSpec) -> int:
    """F + 2H, how many numbers each step brings."""
    return window.lags + 2 * window.horizon


@dataclass(frozen=True)
class EventWindowDataset:
    """Windows with what came true at their steps.

    Attributes:
        windows: of the values; their horizon is H.
        labels: [N] 1, 0, or NaN where it is not known.
        limits: [S] in z; NaN where a step is held against the one before it.
        rates: of the truth, as known at each step.
    """

    windows: WindowDataset
    labels: Floats
    limits: Floats
    rates: DecayedSeasonalRates

    @property
    def features(self) -> int:
        """F + 2H, how many numbers each step brings."""
        return n_features(self.windows.spec)

    def inputs(self, series: Ints, starts: Ints) -> Array:
        """[B] series and first steps of windows to [B, L, F + 2H]."""
        context = self.windows.spec.context
        steps = np.maximum(starts[:, None] + np.arange(context), 0)  # [B, L]
        margins, odds = self._margins(series, starts, steps), self._log_odds(series, steps)
        return np.concatenate([self.windows.inputs(series, starts, context), margins, odds], axis=-1)

    def _margins(self, series: Ints, starts: Ints, steps: Ints) -> Array:
        baseline = self.windows.window_baselines(series, starts)  # [B, L, H]
        now = self.windows.z[self.windows.offsets[series][:, None] + steps]
        before = np.concatenate([now[..., None], baseline[..., :-1]], axis=-1)
        limits = self.limits[series][:, None, None]
        margins = np.clip(baseline - np.where(np.isnan(limits), before, limits), -MAX_LOG_ODDS, MAX_LOG_ODDS)
        return margins.astype(np.float32)

    def _log_odds(self, series: Ints, steps: Ints) -> Array:
        rates = self.rates.at(np.repeat(series, steps.shape[1]), steps.ravel(), self.windows.spec.horizon)
        odds = np.clip(np.log(rates / (1 - rates)), -MAX_INPUT_LOG_ODDS, MAX_INPUT_LOG_ODDS)
        return odds.reshape(*steps.shape, -1).astype(np.float32)

    def batch(self, series: Ints, starts: Ints) -> Batch:
        """[B] windows: inputs [B, L, F + 2H], truths and weights [B, L, H]."""
        at, known = self.windows.target_indices(series, starts)
        actual = self.labels[at]
        known_targets = known & ~np.isnan(actual)
        return (
            self.inputs(series, starts),
            np.where(known_targets, actual, 0.0).astype(np.float32),
            known_targets.astype(np.float32),
        )

    def batches(self, rng: np.random.Generator, *, count: int, size: int) -> Iterator[Batch]:
        """One epoch: `count` windows in batches of `size`, rounded up so that every batch is full."""
        return gathered(self.batch, *self.windows.sample(rng, -(-count // size) * size), size)
