"""Training of an event forecaster, and its report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from lstmcast.calibration.temperature import temperature
from lstmcast.data.panel import Panel
from lstmcast.errors import DataError
from lstmcast.evaluation import classification
from lstmcast.evaluation.skill import finite
from lstmcast.forecasting.actuals import tail
from lstmcast.forecasting.fitting import FitStage, ProgressCallback
from lstmcast.forecasting.planning import TrainingPlan, train_panel
from lstmcast.forecasting.report import describe_data, describe_scored_network, library_versions
from lstmcast.nn.keras_backend import check_forward, load_keras
from lstmcast.nn.numpy_lstm import Network
from lstmcast.persistence.checkpoint import Checkpoint
from lstmcast.preprocessing.panel_scaling import fit_panel_scaling, series_scales
from lstmcast.tasks.event.evaluate import EventEvaluation, evaluate, outcomes
from lstmcast.tasks.event.features import EventWindowDataset
from lstmcast.tasks.event.model import EventForecaster, EventHoldout, EventPipeline, probability
from lstmcast.tasks.event.plan import EventPlan, make_event_plan
from lstmcast.types import Floats, Ints

if TYPE_CHECKING:
    from lstmcast.config import Config


def report(
    panel: Panel,
    config: Config,
    plan: EventPlan,
    evaluation: EventEvaluation,
    epochs: tuple[int, ...],
    temperature: float,
) -> dict[str, Any]:
    """Plain JSON-able values; what is undefined is null."""
    held, values = plan.holdout, plan.plan
    return {
        "config": config.model_dump(mode="json"),
        "inferred": [asdict(setting) for setting in (*panel.inferred, *values.inferred)],
        "event": plan.rule.text,
        "network": str(values.architecture),
        "parameters": values.architecture.parameters,
        "footing": str(plan.variant),
        "epochs": list(epochs),
        "temperature": temperature,
        "scored_network": describe_scored_network(values),
        "held_out": {
            "origins": evaluation.origins,
            "horizon": held.horizon,
            "stop_steps": held.validation_steps,
            "judge_steps": held.test_steps,
        },
        **to_dict(evaluation),
        "data": describe_data(panel),
        "libraries": library_versions(),
    }


def to_dict(evaluation: EventEvaluation) -> dict[str, Any]:
    """What a judgement says, as plain values."""
    found = evaluation.reliability
    return {
        "verdict": evaluation.verdict,
        "rate": finite(evaluation.rate),
        "scores": {name: {key: finite(v) for key, v in row.items()} for name, row in evaluation.scores.items()},
        "brier_by_step": {name: [finite(v) for v in row.tolist()] for name, row in evaluation.by_step.items()},
        "skill": evaluation.skill.to_dict(),
        "skills": {name: finite(value) for name, value in evaluation.skills.items()},
        "reliability": {
            "said": found.predicted.tolist(),
            "came": found.observed.tolist(),
            "counts": found.counts.tolist(),
        },
    }


def train(
    panel: Panel,
    config: Config,
    *,
    checkpoint: Checkpoint | None = None,
    on_progress: ProgressCallback = lambda _: None,
    planned: Callable[[EventPlan], None] = lambda _: None,
) -> EventForecaster:
    """Train a forecaster of an event.

    Fit with early stopping, calibrate on the origins that stopped it, judge on later ones, fit again on all the data
    for as many epochs, and calibrate on both.

    Args:
        panel: the past.
        config: how.
        checkpoint: where each fit leaves what it has reached, and goes on from.
        on_progress: called after every epoch.
        planned: called once, with everything that was decided.

    Raises:
        UsageError: TensorFlow is not installed.
        ConfigError: the event speaks of another column than the target.
        DataError: too little data, or all yes, or all no.
        ModelError: training exploded, or the two forward passes differ.
    """
    load_keras()
    plan = make_event_plan(panel, config)
    planned(plan)
    past = train_panel(panel, plan.holdout.total)
    pipeline = _pipeline(past, plan, ())
    stop, test = (_OriginSet.of(panel, pipeline, *where) for where in _origins(panel, plan))
    values = plan.plan
    stage = _stage("fitting", values, on_progress, checkpoint)
    fitted = stage.each(pipeline.bind(past), validate=stop.error if values.recipe.patience is not None else None)
    epochs = tuple(fit.epoch for fit in fitted)
    holdout_pipeline = replace(pipeline, networks=tuple(fit.network for fit in fitted))
    stopped, later = stop.logits(holdout_pipeline.networks), test.logits(holdout_pipeline.networks)
    probabilities = probability(later, _temperature(stopped, stop.actual))
    evaluation = evaluate(panel, test.dataset.labels, (test.series, test.origins), test.actual, probabilities)
    if values.refit:
        final = _pipeline(panel, plan, ())
        stage = _stage("fitting again on all the data", values, on_progress, checkpoint)
        again = stage.each(final.bind(panel), epochs=epochs)
        holdout_pipeline = replace(final, networks=tuple(fit.network for fit in again))
    settled = _temperature(np.vstack([stopped, later]), np.vstack([stop.actual, test.actual]))
    _check(holdout_pipeline, panel, plan)
    positions = panel.starts[test.series] + test.origins
    return EventForecaster(
        pipeline=holdout_pipeline,
        temperature=settled,
        context=tail(panel, holdout_pipeline.required_history),
        holdout=EventHoldout(test.series, positions, probabilities, test.actual),
        report=report(panel, config, plan, evaluation, epochs, settled),
    )


def _stage(name: str, plan: TrainingPlan, on_progress: ProgressCallback, checkpoint: Checkpoint | None) -> FitStage:
    return FitStage(name, plan.architecture, plan.recipe, plan.networks, on_progress, checkpoint)


def _origins(panel: Panel, plan: EventPlan) -> tuple[tuple[Ints, Ints, int], tuple[Ints, Ints, int]]:
    """Series, origins and how many last steps may not be seen: of those that stop, and of those that judge."""
    held = plan.holdout
    return (*held.validation_origins(panel.lengths), held.test_steps), (*held.test_origins(panel.lengths), 0)


@dataclass(frozen=True)
class _OriginSet:
    """B origins that something is decided by.

    Attributes:
        pipeline: without networks. dataset: the panel as it reads it.
        series: [B]. origins: [B]. actual: [B, H], known somewhere in each row.
    """

    pipeline: EventPipeline
    dataset: EventWindowDataset
    series: Ints
    origins: Ints
    actual: Floats

    @classmethod
    def of(cls, panel: Panel, pipeline: EventPipeline, series: Ints, origins: Ints, unseen: int) -> _OriginSet:
        """Gather them; the last `unseen` steps of each series stay unknown."""
        kept = np.unique(series)
        known = panel.select(kept).drop_last(unseen)  # the other series may have nothing left
        seen, series = pipeline.bind(known), np.searchsorted(kept, series)
        actual = outcomes(known, seen.labels, series, origins, pipeline.window_spec.horizon)
        known_rows = (~np.isnan(actual)).any(axis=1)
        if not known_rows.any():
            raise DataError(f"{panel.source}: nothing was observed in the steps held out; cut the file, or give more")
        return cls(pipeline, seen, series[known_rows], origins[known_rows], actual[known_rows])

    def logits(self, networks: Sequence[Network]) -> Floats:
        """What networks say together, [B, H]."""
        return replace(self.pipeline, networks=tuple(networks)).logits(self.dataset, self.series, self.origins)

    def error(self, network: Network) -> float:
        """The log loss of one network's probabilities, as they are."""
        probabilities = probability(self.logits([network]))
        return float(classification.log_loss(self.actual.ravel(), probabilities.ravel()))


def _pipeline(panel: Panel, plan: EventPlan, networks: Sequence[Network]) -> EventPipeline:
    """Networks with the scales of the data they learnt from."""
    variant = plan.variant
    scaling = fit_panel_scaling(panel, variant.scaling_spec, variant.window_spec.level)
    return EventPipeline(
        networks=tuple(networks),
        window_spec=variant.window_spec,
        scaling_spec=variant.scaling_spec,
        scales=series_scales(panel, scaling),
        typical_step=scaling.typical_step,
        rule=plan.rule,
        season_length=plan.season,
    )


def _temperature(logits: Floats, actual: Floats) -> float:
    """What [B, H] log-odds are best divided by. That is all: how often a yes came of late is not how often it will."""
    known = ~np.isnan(actual)
    of_yes = logits[known]
    return temperature(np.stack([np.zeros_like(of_yes), of_yes], axis=1), actual[known].astype(np.int64))


def _check(pipeline: EventPipeline, panel: Panel, plan: EventPlan) -> None:
    """Hold the NumPy forward pass against Keras's on the windows that the probabilities will be made from."""
    series = np.arange(min(panel.n_series, 64))
    x = pipeline.bind(panel.select(series)).inputs(series, panel.lengths[series] - pipeline.window_spec.context)
    for network in pipeline.networks:
        check_forward(network, plan.plan.architecture, x)
