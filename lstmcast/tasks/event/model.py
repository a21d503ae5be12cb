"""Trained forecaster of an event, its networks, its report, and its form in a saved version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from lstmcast.data.panel import Panel
from lstmcast.errors import ModelError, UsageError
from lstmcast.forecasting.forecaster import check_same_calendar
from lstmcast.forecasting.saved_parts import (
    context_arrays,
    context_of,
    preprocessing_of,
    preprocessing_to_dict,
    scales_by_key,
    scales_of,
    to_facts,
)
from lstmcast.forecasting.split_data import tail
from lstmcast.forecasts import Forecast
from lstmcast.nn import numpy_lstm
from lstmcast.nn.multistep import CHUNK_SIZE
from lstmcast.preprocessing.panel_scaling import Preprocessing
from lstmcast.preprocessing.scaling import Scaling
from lstmcast.preprocessing.windows import WindowSpec
from lstmcast.results import Evaluation, Holdout, TrainingReport
from lstmcast.statistical.event_rates import DecayedSeasonalRates
from lstmcast.tasks.event.rule import OPERATORS, EventRule, EventWindowDataset, n_features
from lstmcast.tasks.model import NetworkModel, NetworkPipeline, Parts, networks_of
from lstmcast.types import Floats, Ints, TensorFiles


@dataclass(frozen=True)
class ReliabilityCurve:
    """Predicted probabilities and observed frequencies in K bins.

    Attributes:
        predicted: [K] mean probability.
        observed: [K] frequency of the event.
        counts: [K] number of predictions.
    """

    predicted: tuple[float, ...]
    observed: tuple[float, ...]
    counts: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class EventScores(Evaluation):
    """Scores of event probabilities: brier, log_loss, accuracy and calibration_error.

    Attributes:
        brier_by_step: Brier score of each method at each of the H steps.
        skills: skill of lstmcast against each baseline; NaN for an exact one.
        rate: frequency of the event.
        reliability: of lstmcast.
    """

    error: ClassVar[str] = "Brier score"

    brier_by_step: Mapping[str, tuple[float, ...]]
    skills: Mapping[str, float]
    rate: float
    reliability: ReliabilityCurve


@dataclass(frozen=True, kw_only=True)
class EventReport(TrainingReport):
    """The result of a training on an event.

    Attributes:
        event: the rule.
        preprocessing: transform, level and seasonal profile.
        temperature: divides the log-odds.
        holdout: the held-out steps.
    """

    evaluation: EventScores
    event: str
    preprocessing: str
    temperature: float
    holdout: Holdout


@dataclass(frozen=True)
class EventPipeline(NetworkPipeline):
    """Networks that map the past of a series to the log-odds of an event at each of the next H steps.

    Attributes:
        preprocessing: the steps from values to the windows that the networks read; their horizon is H.
        rule: the definition of the event.
        season_length: steps in the longest season, whose event rates are features.
    """

    preprocessing: Preprocessing
    rule: EventRule
    season_length: int

    @property
    def window_spec(self) -> WindowSpec:
        """The windows that the networks read."""
        return self.preprocessing.window_spec

    @property
    def required_history(self) -> int:
        """Past steps of a series that a forecast depends on."""
        return max(self.window_spec.required_history, DecayedSeasonalRates.required_history(self.season_length))

    def bind(self, panel: Panel) -> EventWindowDataset:
        """Scale a panel and compute its event labels, limits and rates."""
        bound, labels = self.preprocessing.bind(panel), self.rule.labels(panel)
        rates = DecayedSeasonalRates.of(labels, panel.offsets, self.season_length)
        return EventWindowDataset(bound.windows, labels, self._scaled_limits(panel, bound.scaling), rates)

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
            numpy_lstm.dense(
                network, numpy_lstm.run(network, x, numpy_lstm.zero_state(network, len(x)))[:, -1], x[:, -1]
            )
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


HOLDOUT = ("series", "positions", "probabilities", "actual")
RULE = ("text", "op", "limit", "percentile")


@dataclass(frozen=True)
class EventForecaster(NetworkModel):
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

    @property
    def context_length(self) -> int:
        """L, the steps that the networks read."""
        return self.pipeline.window_spec.context

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

    def to_parts(self) -> Parts:
        """Return context, preprocessing, rule and hold-out; scales and limits are NaN where a series has none."""
        pipeline, context = self.pipeline, self.context
        limits = np.array([pipeline.rule.limits.get(key, np.nan) for key in context.keys])
        manifest = {
            **to_facts(context),
            "pipeline": {"preprocessing": preprocessing_to_dict(pipeline.preprocessing)},
            "rule": {key: getattr(pipeline.rule, key) for key in RULE},
            "longest_season": pipeline.season_length,
        }
        tensors: dict[str, Mapping[str, np.ndarray]] = {
            "context": context_arrays(context),
            "scaling": scales_of(pipeline.preprocessing, context, "") | {"limit": limits},
            "holdout_forecasts": {name: getattr(self.holdout, name) for name in HOLDOUT},
        }
        return manifest, tensors

    @classmethod
    def of_parts(cls, manifest: Mapping[str, Any], tensors: TensorFiles) -> EventForecaster:
        """Build a model; see `NetworkModel`."""
        context, rule = context_of(manifest, tensors["context"]), manifest["rule"]
        if rule["op"] not in OPERATORS:
            raise ValueError(f"unknown operator {rule['op']!r:.20}")
        preprocessing = preprocessing_of(manifest["pipeline"]["preprocessing"])
        limits = zip(context.keys, tensors["scaling"]["limit"].tolist(), strict=True)
        spec = preprocessing.window_spec
        pipeline = EventPipeline(
            **networks_of(manifest, tensors["weights"], features=n_features(spec), outputs=spec.horizon),
            preprocessing=replace(preprocessing, series_scales=scales_by_key(context.keys, tensors, "")),
            rule=EventRule(**rule, limits={key: limit for key, limit in limits if not np.isnan(limit)}),
            season_length=int(manifest["longest_season"]),
        )
        holdout = EventHoldout(**{name: tensors["holdout_forecasts"][name] for name in HOLDOUT})
        return cls(pipeline, context, holdout, EventReport.from_dict(manifest["report"]))
