"""Training of a symbol forecaster, and its report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import numpy as np

from lstmcast.calibration.temperature import temperature
from lstmcast.data.panel import Panel
from lstmcast.evaluation.classification import bits_per_symbol
from lstmcast.evaluation.skill import finite
from lstmcast.forecasting import forecaster
from lstmcast.forecasting.actuals import tail
from lstmcast.forecasting.fitting import FitStage, ProgressCallback
from lstmcast.forecasting.report import library_versions
from lstmcast.nn.beam_search import AutoregressiveEnsemble
from lstmcast.nn.keras_backend import check_forward, load_keras
from lstmcast.nn.numpy_lstm import Network
from lstmcast.persistence.checkpoint import Checkpoint
from lstmcast.tasks.category.evaluate import SymbolEvaluation, evaluate, one_step_predictions
from lstmcast.tasks.category.model import SymbolForecaster, SymbolPipeline, sequences
from lstmcast.tasks.category.plan import SymbolPlan, make_plan

if TYPE_CHECKING:
    from lstmcast.config import Config


def report(
    panel: Panel,
    config: Config,
    plan: SymbolPlan,
    evaluation: SymbolEvaluation,
    *,
    epochs: tuple[int, ...],
    temperature: float,
) -> dict[str, Any]:
    """Plain JSON-able values; what is undefined is null."""
    return {
        "config": config.model_dump(mode="json"),
        "inferred": [asdict(setting) for setting in (*panel.inferred, *plan.inferred)],
        "network": str(plan.architecture),
        "parameters": plan.architecture.parameters,
        "epochs": list(epochs),
        "temperature": temperature,
        "verdict": evaluation.verdict,
        "scores": {name: {k: finite(v) for k, v in row.items()} for name, row in evaluation.scores.items()},
        "scored_network": _scored_network(plan),
        "skill": evaluation.skill.to_dict(),
        "held_out": {
            "steps": len(evaluation.predictions.actual),
            "paths": evaluation.n_paths,
            "horizon": plan.holdout.horizon,
            "stop_steps": plan.holdout.validation_steps,
            "judge_steps": plan.holdout.test_steps,
        },
        "data": {
            "source": panel.source,
            "series": panel.n_series,
            "rows": len(panel.values),
            "first": panel.calendar.text(panel.starts[[0]])[0],
            "last": panel.calendar.text(panel.ends[[0]])[0],
            "fingerprint": fingerprint(panel),
        },
        "libraries": library_versions(),
    }


def fingerprint(panel: Panel) -> str:
    """sha256 over everything a forecast depends on: keys, times, codes, and what they stand for."""
    return sha256(repr((forecaster.fingerprint(panel), panel.symbols)).encode()).hexdigest()


def _scored_network(plan: SymbolPlan) -> str:
    """Which network the scores belong to."""
    if plan.refit:
        return "the network fitted without the held-out steps; the saved one learnt from all the data, as many epochs"
    return "the saved network, fitted without the held-out steps"


def train(
    panel: Panel,
    config: Config,
    *,
    checkpoint: Checkpoint | None = None,
    on_progress: ProgressCallback = lambda _: None,
    planned: Callable[[SymbolPlan], None] = lambda _: None,
) -> SymbolForecaster:
    """Train: plan, fit with the best epoch by held-out symbols, judge on later ones, fit again on all the data.

    Args:
        panel: the past, of symbols.
        config: how.
        checkpoint: where each fit leaves what it has reached, and goes on from.
        on_progress: called after every epoch.
        planned: called once, with everything that was decided.

    Raises:
        UsageError: TensorFlow is not installed.
        DataError: too little data.
        ModelError: training exploded, or the two forward passes differ.
    """
    plan = make_plan(panel, config)
    planned(plan)
    holdout_pipeline, epochs = fitted(panel, plan, on_progress=on_progress, checkpoint=checkpoint)
    evaluation = evaluate(holdout_pipeline, panel, plan.holdout)
    reader = holdout_pipeline
    if plan.refit:
        stage = _stage("fitting again on all the data", plan, on_progress, checkpoint)
        again = stage.each(sequences(panel, plan.architecture.context), epochs=epochs)
        networks = tuple(fit.network for fit in again)
        reader = replace(holdout_pipeline, ensemble=replace(holdout_pipeline.ensemble, networks=networks))
    _check(reader, panel, plan)
    summary = report(panel, config, plan, evaluation, epochs=epochs, temperature=reader.ensemble.temperature)
    return SymbolForecaster(
        reader, holdout_pipeline, tail(panel, reader.required_history), plan.holdout.horizon, summary
    )


def fitted(
    panel: Panel,
    plan: SymbolPlan,
    *,
    on_progress: ProgressCallback = lambda _: None,
    checkpoint: Checkpoint | None = None,
) -> tuple[SymbolPipeline, tuple[int, ...]]:
    """Fit on all but the held-out steps; the stopping ones choose each network's epoch, and how bold all of them are.

    Returns:
        The networks, and their epochs.
    """
    load_keras()
    held = plan.holdout
    stopping = panel.drop_last(held.test_steps)
    fits = _stage("fitting", plan, on_progress, checkpoint).each(
        sequences(panel.drop_last(held.total), plan.architecture.context),
        validate=lambda network: _lost(_reader(plan, [network]), stopping, plan),
    )
    reader = _calibrated(_reader(plan, [fit.network for fit in fits]), stopping, plan)
    return reader, tuple(fit.epoch for fit in fits)


def _stage(name: str, plan: SymbolPlan, on_progress: ProgressCallback, checkpoint: Checkpoint | None) -> FitStage:
    return FitStage(name, plan.architecture, plan.recipe, plan.networks, on_progress, checkpoint)


def _reader(plan: SymbolPlan, networks: Sequence[Network]) -> SymbolPipeline:
    return SymbolPipeline(AutoregressiveEnsemble(tuple(networks)), plan.architecture.context)


def _lost(reader: SymbolPipeline, panel: Panel, plan: SymbolPlan) -> float:
    """Mean bits of the stopping steps, which end the panel."""
    steps = one_step_predictions(reader, panel, plan.holdout.validation_steps)
    return float(bits_per_symbol(steps.log_probs, steps.actual).mean())


def _calibrated(reader: SymbolPipeline, panel: Panel, plan: SymbolPlan) -> SymbolPipeline:
    """The networks as bold as they were right on the stopping steps, which end the panel."""
    steps = one_step_predictions(reader, panel, plan.holdout.validation_steps)
    return replace(reader, ensemble=replace(reader.ensemble, temperature=temperature(steps.log_probs, steps.actual)))


def _check(reader: SymbolPipeline, panel: Panel, plan: SymbolPlan) -> None:
    """Hold the NumPy forward pass against Keras's on the windows that the forecast will be made from."""
    series = np.arange(min(panel.n_series, 64))
    x = reader.bind(panel).inputs(series, panel.lengths[series] - 1, reader.context)
    for network in reader.ensemble.networks:
        check_forward(network, plan.architecture, x)
