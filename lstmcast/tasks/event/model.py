"""Trained models of the event task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from lstmcast.data.panel import Panel
from lstmcast.errors import ModelError, UsageError
from lstmcast.forecasting.actuals import tail
from lstmcast.forecasting.forecaster import check_same_calendar
from lstmcast.nn import numpy_lstm as lstm
from lstmcast.nn.multistep import CHUNK_SIZE
from lstmcast.preprocessing.panel_scaling import Key, ScalingSpec, fit_panel_scaling, windows, with_training_scales
from lstmcast.preprocessing.scaling import Scaling
from lstmcast.preprocessing.windows import WindowSpec
from lstmcast.results import Forecast
from lstmcast.statistical.event_rates import DecayedSeasonalRates
from lstmcast.tasks.event.features import EventWindowDataset
from lstmcast.tasks.event.rule import EventRule
from lstmcast.tasks.event.scores import EventReport
from lstmcast.tasks.pipeline import NetworkPipeline
from lstmcast.types import Floats, Ints


@dataclass(frozen=True)
class EventPipeline(NetworkPipeline):
    """Networks that map the past of a series to the log-odds of an event at each of the next H steps.

    Attributes:
        window_spec: the windows that the networks read; its horizon is H.
        scaling_spec: transform and scaling mode of the values.
        scales: scale and floor of each series known from training.
        typical_step: the typical step of the training series, for series that were not among them.
        rule: the definition of the event.
        season_length: steps in the longest season, whose event rates are features.
    """

    window_spec: WindowSpec
    scaling_spec: ScalingSpec
    scales: Mapping[Key, tuple[float, float]]
    typical_step: float | None
    rule: EventRule
    season_length: int

    @property
    def required_history(self) -> int:
        """Past steps of a series that a forecast depends on."""
        return max(self.window_spec.required_history, DecayedSeasonalRates.required_history(self.season_length))

    def bind(self, panel: Panel) -> EventWindowDataset:
        """Scale a panel and compute its event labels, limits and rates."""
        scaling = fit_panel_scaling(panel, self.scaling_spec, self.window_spec.level, typical_step=self.typical_step)
        scaling = with_training_scales(scaling, panel, self.scales)
        labels = self.rule.labels(panel)
        rates = DecayedSeasonalRates.of(labels, panel.offsets, self.season_length)
        return EventWindowDataset(
            windows(panel, scaling, self.window_spec), labels, self._scaled_limits(panel, scaling), rates
        )

    def _scaled_limits(self, panel: Panel, scaling: Scaling) -> Floats:
        """[S] limits in z; −inf for a limit at or below 0 under logs, which every value exceeds."""
        with np.errstate(divide="ignore", invalid="ignore"):
            limits = scaling.forward(self.rule.series_limits(panel))
        return limits if self.rule.moves else np.nan_to_num(limits, nan=-np.inf, neginf=-np.inf)

    def logits(self, dataset: EventWindowDataset, series: Ints, origins: Ints) -> Floats:
        """Return log-odds [B, H], before the temperature.

        Args:
            dataset: a bound panel.
            series: [B] indices of its series.
            origins: [B] last known steps, counted from the first step of the series.
        """
        widest = max(dataset.features, *(4 * layer.units for network in self.networks for layer in network.layers))
        size = max(1, CHUNK_SIZE // (self.window_spec.context * widest))
        chunks = [slice(k, k + size) for k in range(0, len(series), size)]
        parts = [self._logits(dataset, series[chunk], origins[chunk]) for chunk in chunks]
        return np.concatenate(parts) if parts else np.empty((0, self.window_spec.horizon))

    def _logits(self, dataset: EventWindowDataset, series: Ints, origins: Ints) -> Floats:
        x = dataset.inputs(series, origins - self.window_spec.context + 1)
        outputs = [
            lstm.dense(network, lstm.run(network, x, lstm.zero_state(network, len(x)))[:, -1], x[:, -1])
            for network in self.networks
        ]
        return np.asarray(np.mean(outputs, axis=0, dtype=np.float64))


def sigmoid(logits: Floats) -> Floats:
    """Return 1 / (1 + exp(−logits)), without overflow."""
    return np.asarray(0.5 * np.tanh(0.5 * logits) + 0.5, dtype=np.float64)


@dataclass(frozen=True)
class EventHoldout:
    """Probabilities at the test origins, and the outcomes.

    Attributes:
        series: [B] indices of the series.
        positions: [B] the origins, as positions on the calendar.
        probabilities: [B, H] calibrated on earlier steps.
        actual: [B, H] 1 or 0, NaN where not observed.
    """

    series: Ints
    positions: Ints
    probabilities: Floats
    actual: Floats


@dataclass(frozen=True)
class EventForecaster:
    """A trained model of an event, with all that `predict` needs where the training file is gone.

    Attributes:
        pipeline: the final networks, their preprocessing and temperature.
        context: the last steps of every training series.
        holdout: the forecasts that the scores belong to.
        report: of the training.
    """

    pipeline: EventPipeline
    context: Panel
    holdout: EventHoldout
    report: EventReport

    @property
    def horizon(self) -> int:
        """H."""
        return self.pipeline.window_spec.horizon

    def predict(self, panel: Panel | None = None, horizon: int | None = None) -> Forecast:
        """Forecast the probability of the event at each of the next H steps of every series.

        Args:
            panel: the newest data; None: the stored context.
            horizon: steps ahead, at most H; None: H.

        Raises:
            UsageError: horizon is below 1 or above H.
            ModelError: a probability is not a number.
            DataError: columns or frequency differ from training, or the values cannot be transformed.
        """
        panel = self.context if panel is None else panel
        steps = self.horizon if horizon is None else horizon
        if not 1 <= steps <= self.horizon:
            raise UsageError(f"--horizon: must be 1 to {self.horizon}, the horizon of training (got {steps})")
        check_same_calendar(self.context, panel)
        recent = tail(panel, self.pipeline.required_history)
        values = self.at(recent, np.arange(recent.n_series), recent.lengths - 1)[:, :steps]
        if not np.isfinite(values).all():
            raise ModelError("a probability is not a number; train again")
        no_bounds = np.empty((0, *values.shape))
        return Forecast(
            **Forecast.index_of(panel),
            values=values,
            levels=(),
            lower=no_bounds,
            upper=no_bounds,
            name="probability",
        )

    def at(self, panel: Panel, series: Ints, origins: Ints) -> Floats:
        """Return the probabilities [B, H] after [B] origins of [B] series, from the steps up to each origin."""
        logits = self.pipeline.logits(self.pipeline.bind(panel), series, origins)
        return sigmoid(logits / self.pipeline.temperature)
