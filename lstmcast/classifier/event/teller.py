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
from lstmcast.forecaster.measure import Key, ScalingSpec, fit_panel_scaling, windows, with_training_scales
from lstmcast.model import lstm
from lstmcast.model.lstm import Network
from lstmcast.model.recursion import CHUNK_SIZE
from lstmcast.model.scaling import Scaling
from lstmcast.model.windows import WindowSpec

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class EventPipeline:
    """What turns the past of any series into log-odds of its future.

    Attributes:
        networks: one, or several whose log-odds are averaged.
        window_spec: what they read; its horizon is H.
        scaling_spec: how values become z.
        scales: what one unit of z is, and the floor, of each series known from training.
        typical_step: the usual step of the series in training, for those that were not there.
        rule: what is asked of each step.
        season_length: steps in the season whose rates they see: the longest there is.
    """

    networks: tuple[Network, ...]
    window_spec: WindowSpec
    scaling_spec: ScalingSpec
    scales: Mapping[Key, tuple[float, float]]
    typical_step: float | None
    rule: EventRule
    season_length: int

    @property
    def required_history(self) -> int:
        """How many past steps of a series the networks depend on."""
        return max(self.window_spec.required_history, DecayedSeasonalRates.required_history(self.season_length))

    def bind(self, panel: Panel) -> EventWindowDataset:
        """The panel as the networks read it."""
        scaling = fit_panel_scaling(panel, self.scaling_spec, self.window_spec.level, typical_step=self.typical_step)
        return event_dataset(
            panel, with_training_scales(scaling, panel, self.scales), self.window_spec, self.rule, self.season_length
        )

    def logits(self, seen: EventWindowDataset, series: Ints, origins: Ints) -> Floats:
        """[B] series and origins (steps from the series' first value) to log-odds [B, H]."""
        widest = max(seen.features, *(4 * layer.units for network in self.networks for layer in network.layers))
        size = max(1, CHUNK_SIZE // (self.window_spec.context * widest))
        parts = [self._logits(seen, series[k : k + size], origins[k : k + size]) for k in range(0, len(series), size)]
        return np.concatenate(parts) if parts else np.empty((0, self.window_spec.horizon))

    def _logits(self, seen: EventWindowDataset, series: Ints, origins: Ints) -> Floats:
        x = seen.inputs(series, origins - self.window_spec.context + 1)
        logits = [
            lstm.dense(network, lstm.run(network, x, lstm.zero_state(network, len(x)))[:, -1], x[:, -1])
            for network in self.networks
        ]
        return np.asarray(np.mean(logits, axis=0, dtype=np.float64))


def probability(logits: Floats, temperature: float = 1.0) -> Floats:
    """Log-odds of any shape as probabilities: the higher the temperature, the nearer to a half."""
    return np.asarray(0.5 * np.tanh(0.5 * logits / temperature) + 0.5, dtype=np.float64)


def event_dataset(
    panel: Panel, scaling: Scaling, shape: WindowSpec, rule: EventRule, season: int
) -> EventWindowDataset:
    """The panel's values in z, its limits in z, what came true, and how often."""
    with np.errstate(divide="ignore", invalid="ignore"):  # a limit at or below 0 among logs: all values lie above it
        limits = scaling.forward(rule.each(panel))
    limits = limits if rule.moves else np.nan_to_num(limits, nan=-np.inf, neginf=-np.inf)
    labels = rule.labels(panel)
    rates = DecayedSeasonalRates.of(labels, panel.offsets, season)
    return EventWindowDataset(windows(panel, scaling, shape), labels, limits, rates)
