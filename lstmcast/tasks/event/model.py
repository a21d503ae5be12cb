"""Trained forecaster of an event, its networks, its report, and its form in a saved version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np

from lstmcast.data.panel import Panel
from lstmcast.errors import ModelError, UsageError
from lstmcast.forecasting.codec import as_model_error, context_arrays, context_of, to_arrays, to_facts
from lstmcast.forecasting.forecaster import check_same_calendar
from lstmcast.forecasting.split_data import tail
from lstmcast.nn import numpy_lstm
from lstmcast.nn.multistep import CHUNK_SIZE
from lstmcast.preprocessing.panel_scaling import Key, ScalingSpec, fit_panel_scaling, windows, with_training_scales
from lstmcast.preprocessing.scaling import Scaling
from lstmcast.preprocessing.windows import WindowSpec
from lstmcast.results import Evaluation, Forecast, Holdout, TrainingReport
from lstmcast.statistical.event_rates import DecayedSeasonalRates
from lstmcast.tasks.codec import Tensors, networks_of, networks_to_dict
from lstmcast.tasks.event.rule import OPERATORS, EventRule, EventWindowDataset, n_features
from lstmcast.tasks.pipeline import NetworkPipeline
from lstmcast.types import Floats, Ints


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


HOLDOUT = ("series", "positions", "probabilities", "actual")
PER_SERIES = ("scale", "floor", "limit")  # [S] arrays of the context; NaN where not known


def to_artifact(model: EventForecaster) -> tuple[dict[str, Any], dict[str, dict[str, np.ndarray]]]:
    """Return the manifest and the tensor files of a model."""
    pipeline, context = model.pipeline, model.context
    manifest = {
        "report": model.report.to_dict(),
        **networks_to_dict(pipeline),
        **to_facts(context),
        "rule": {key: getattr(pipeline.rule, key) for key in ("text", "op", "limit", "percentile")},
        "transform": pipeline.scaling_spec.transform,
        "scaling": {"mode": pipeline.scaling_spec.mode, "typical_step": pipeline.typical_step},
        "shape": asdict(pipeline.window_spec),
        "longest_season": pipeline.season_length,
    }
    scales = [pipeline.scales.get(key, (np.nan, np.nan)) for key in context.keys]
    limits = [pipeline.rule.limits.get(key, np.nan) for key in context.keys]
    per_series = np.column_stack([np.array(scales), np.array(limits)]).T.copy()
    tensors = {
        "weights": to_arrays(pipeline.networks),
        "context": context_arrays(context) | dict(zip(PER_SERIES, per_series, strict=True)),
        "holdout_forecasts": {name: getattr(model.holdout, name) for name in HOLDOUT},
    }
    return manifest, tensors


@as_model_error
def from_artifact(manifest: Mapping[str, Any], tensors: Tensors) -> EventForecaster:
    """Build a model from its manifest and tensors.

    Raises:
        ModelError: a part is missing or does not fit the others.
    """
    context = context_of(manifest, tensors["context"])
    window, rule = WindowSpec(**manifest["shape"]), manifest["rule"]
    if rule["op"] not in OPERATORS:
        raise ValueError(f"unknown operator {rule['op']!r:.20}")
    scale, floor, limit = (_by_key(tensors["context"][name], context) for name in PER_SERIES)
    pipeline = EventPipeline(
        **networks_of(manifest, tensors["weights"], features=n_features(window), outputs=window.horizon),
        window_spec=window,
        scaling_spec=ScalingSpec(manifest["transform"], manifest["scaling"]["mode"]),
        scales={key: (value, floor[key]) for key, value in scale.items()},
        typical_step=manifest["scaling"]["typical_step"],
        rule=EventRule(**rule, limits=limit),
        season_length=int(manifest["longest_season"]),
    )
    holdout = EventHoldout(**{name: tensors["holdout_forecasts"][name] for name in HOLDOUT})
    return EventForecaster(pipeline, context, holdout, EventReport.from_dict(manifest["report"]))


def _by_key(values: np.ndarray, context: Panel) -> dict[Key, float]:
    """The known values by series key."""
    return {key: value for key, value in zip(context.keys, values.tolist(), strict=True) if value == value}
