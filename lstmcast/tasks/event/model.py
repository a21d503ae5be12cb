"""Trained forecaster of an event, and the networks it consists of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from lstmcast.data.panel import Panel
from lstmcast.errors import ModelError, UsageError
from lstmcast.forecasting.actuals import tail
from lstmcast.forecasting.forecaster import check_same_calendar
from lstmcast.nn import numpy_lstm
from lstmcast.nn.multistep import CHUNK_SIZE
from lstmcast.nn.numpy_lstm import Network
from lstmcast.preprocessing.panel_scaling import Key, ScalingSpec, fit_panel_scaling, windows, with_training_scales
from lstmcast.preprocessing.scaling import Scaling
from lstmcast.preprocessing.windows import WindowSpec
from lstmcast.results import Forecast
from lstmcast.statistical.event_rates import DecayedSeasonalRates
from lstmcast.tasks.event.features import EventWindowDataset
from lstmcast.tasks.event.rule import EventRule
from lstmcast.types import Floats, Ints


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
            numpy_lstm.dense(
                network, numpy_lstm.run(network, x, numpy_lstm.zero_state(network, len(x)))[:, -1], x[:, -1]
            )
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
        limits = scaling.forward(rule.series_limits(panel))
    limits = limits if rule.moves else np.nan_to_num(limits, nan=-np.inf, neginf=-np.inf)
    labels = rule.labels(panel)
    rates = DecayedSeasonalRates.of(labels, panel.offsets, season)
    return EventWindowDataset(windows(panel, scaling, shape), labels, limits, rates)


@dataclass(frozen=True)
class EventHoldout:
    """Probabilities from held-out origins and what became of them.

    Attributes:
        series: [B] which series. positions: [B] the origins, on the calendar.
        said: [B, H] calibrated on steps before them. came: [B, H] 1 or 0, NaN where not observed.
    """

    series: Ints
    positions: Ints
    said: Floats
    came: Floats


@dataclass(frozen=True)
class EventForecaster:
    """A trained model and all it needs to say chances without the file it was trained on.

    Attributes:
        pipeline: networks, scales, rule.
        temperature: by which their log-odds are divided.
        context: the last steps of every series.
        holdout: what judged it.
        report: what a person may want to know later: config, inferred, scores, verdict, data fingerprint, versions.
    """

    pipeline: EventPipeline
    temperature: float
    context: Panel
    holdout: EventHoldout
    report: Mapping[str, Any]

    @property
    def horizon(self) -> int:
        """H."""
        return self.pipeline.window_spec.horizon

    def predict(self, panel: Panel | None = None, horizon: int | None = None) -> Forecast:
        """The probability of a yes at each of the next H steps of every series, in the column `probability`.

        Args:
            panel: the newest data; None: the context kept from training.
            horizon: steps ahead, at most H; None: H.

        Raises:
            UsageError: horizon is below 1 or beyond H.
            ModelError: the network says no numbers.
            DataError: the panel's columns or frequency are not those of training, or its values cannot be transformed.
        """
        panel = self.context if panel is None else panel
        steps = self.horizon if horizon is None else horizon
        if not 1 <= steps <= self.horizon:
            raise UsageError(f"--horizon: must be 1 to {self.horizon}, for which the model was trained (got {steps})")
        check_same_calendar(self.context, panel)
        recent = tail(panel, self.pipeline.required_history)
        values = self.at(recent, np.arange(recent.n_series), recent.lengths - 1)[:, :steps]
        if not np.isfinite(values).all():
            raise ModelError("the probabilities are no numbers; train again")
        none = np.empty((0, *values.shape))
        return Forecast(
            calendar=panel.calendar,
            time=panel.columns.time or "step",
            key_columns=panel.key_columns,
            keys=panel.keys,
            origins=recent.ends,
            values=values,
            levels=(),
            lower=none,
            upper=none,
            name="probability",
        )

    def at(self, panel: Panel, series: Ints, origins: Ints) -> Floats:
        """The probabilities [B, H] after any origins, each knowing only what came before it."""
        return probability(self.pipeline.logits(self.pipeline.bind(panel), series, origins), self.temperature)
