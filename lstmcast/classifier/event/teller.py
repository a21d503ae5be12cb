"""Networks on a panel: what they say of the steps after any origin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lstmcast.classifier.event.lessons import EventWindowDataset
from lstmcast.classifier.event.truth import EventRule
from lstmcast.data.panel import Panel
from lstmcast.evaluation.rates import DecayedSeasonalRates
from lstmcast.forecaster.measure import Key, ScalingSpec, as_known, scale, windows
from lstmcast.model import lstm
from lstmcast.model.lstm import Network
from lstmcast.model.recursion import AT_ONCE
from lstmcast.model.scaling import Scaling
from lstmcast.model.windows import WindowSpec

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class EventPipeline:
    """What turns the past of any series into log-odds of its future.

    Attributes:
        networks: one, or several whose log-odds are averaged.
        shape: what they read; its horizon is H.
        measure: how values become z.
        scales: what one unit of z is, and the floor, of each series known from training.
        usual: the usual step of the series in training, for those that were not there.
        rule: what is asked of each step.
        season: steps in the season whose rates they see: the longest there is.
    """

    networks: tuple[Network, ...]
    shape: WindowSpec
    measure: ScalingSpec
    scales: Mapping[Key, tuple[float, float]]
    usual: float | None
    rule: EventRule
    season: int

    @property
    def reach(self) -> int:
        """How many past steps of a series the networks depend on."""
        return max(self.shape.reach, DecayedSeasonalRates.reach(self.season))

    def on(self, panel: Panel) -> EventWindowDataset:
        """The panel as the networks read it."""
        scaling = scale(panel, self.measure, self.shape.level, usual=self.usual)
        return lessons(panel, as_known(scaling, panel, self.scales), self.shape, self.rule, self.season)

    def logits(self, seen: EventWindowDataset, series: Ints, origins: Ints) -> Floats:
        """[B] series and origins (steps from the series' first value) to log-odds [B, H]."""
        widest = max(seen.features, *(4 * layer.units for network in self.networks for layer in network.layers))
        size = max(1, AT_ONCE // (self.shape.context * widest))
        parts = [self._logits(seen, series[k : k + size], origins[k : k + size]) for k in range(0, len(series), size)]
        return np.concatenate(parts) if parts else np.empty((0, self.shape.horizon))

    def _logits(self, seen: EventWindowDataset, series: Ints, origins: Ints) -> Floats:
        x = seen.inputs(series, origins - self.shape.context + 1)
        said = [lstm.dense(one, lstm.run(one, x, lstm.start(one, len(x)))[:, -1], x[:, -1]) for one in self.networks]
        return np.asarray(np.mean(said, axis=0, dtype=np.float64))


def probability(logits: Floats, temperature: float = 1.0) -> Floats:
    """Log-odds of any shape as probabilities: the higher the temperature, the nearer to a half."""
    return np.asarray(0.5 * np.tanh(0.5 * logits / temperature) + 0.5, dtype=np.float64)


def lessons(panel: Panel, scaling: Scaling, shape: WindowSpec, rule: EventRule, season: int) -> EventWindowDataset:
    """The panel's values in z, its limits in z, what came true, and how often."""
    with np.errstate(divide="ignore", invalid="ignore"):  # a limit at or below 0 among logs: all values lie above it
        limits = scaling.forward(rule.each(panel))
    limits = limits if rule.moves else np.nan_to_num(limits, nan=-np.inf, neginf=-np.inf)
    truth = rule.truth(panel)
    rates = DecayedSeasonalRates.of(truth, panel.offsets, season)
    return EventWindowDataset(windows(panel, scaling, shape), truth, limits, rates)
