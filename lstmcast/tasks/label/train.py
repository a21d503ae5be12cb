"""Training of a series classifier, and its report."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from lstmcast.calibration.temperature import softmax, temperature
from lstmcast.data.labeled_panel import LabeledPanel
from lstmcast.errors import ModelError
from lstmcast.evaluation.classification import chance_scores, confusion
from lstmcast.evaluation.skill import finite
from lstmcast.forecasting.fitting import FitStage, ProgressCallback
from lstmcast.forecasting.report import library_versions
from lstmcast.nn.keras_backend import check_forward, load_keras
from lstmcast.nn.numpy_lstm import Network
from lstmcast.persistence.checkpoint import Checkpoint
from lstmcast.preprocessing.sequences import StandardScaler
from lstmcast.tasks.label.evaluate import LabelEvaluation, evaluate
from lstmcast.tasks.label.model import ClassifierPipeline, Columns, SeriesClassifier, refuse_clashes
from lstmcast.tasks.label.plan import LabelPlan, batches_of, make_plan

if TYPE_CHECKING:
    from lstmcast.config import Config


def report(
    data: LabeledPanel,
    config: Config,
    plan: LabelPlan,
    evaluation: LabelEvaluation,
    epochs: tuple[int, ...],
    *,
    temperature: float,
    refit_rejected: bool,
) -> dict[str, Any]:
    """Plain JSON-able values; what is undefined is null.

    Args:
        data: all series.
        config: as it was asked for.
        plan: as it was decided.
        evaluation: of the held-out series.
        epochs: of each network.
        temperature: of the softmax.
        refit_rejected: whether the network that was judged is saved, though it was fitted again.
    """
    scores = evaluation.scores()
    return {
        "config": config.model_dump(mode="json"),
        "inferred": [asdict(setting) for setting in (*data.inferred, *plan.inferred)],
        "network": str(plan.architecture),
        "parameters": plan.architecture.parameters,
        "epochs": list(epochs),
        "temperature": temperature,
        "classes": list(plan.classes),
        "verdict": evaluation.verdict(),
        "scores": {name: {k: finite(v) for k, v in row.items()} for name, row in scores.items()},
        "confusion": confusion(evaluation.actual, evaluation.predicted, len(plan.classes)).tolist(),
        "scored_network": _scored_network(plan, refit_rejected=refit_rejected),
        "skill": evaluation.skill().to_dict(),
        "held_out": {"stop_series": len(plan.split.validation), "judge_series": len(plan.split.test)},
        "data": {
            "source": data.source,
            "series": data.n_series,
            "rows": len(data.values),
            "fingerprint": fingerprint(data),
        },
        "libraries": library_versions(),
    }


def fingerprint(data: LabeledPanel) -> str:
    """sha256 over everything a labeller depends on: keys, steps, features, labels."""
    named = (data.time, data.key_columns, data.features, data.label, data.calendar.to_dict(), data.keys, data.labels)
    digest = hashlib.sha256(repr(named).encode())
    for array in (data.offsets, data.starts, data.values, data.observed):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _scored_network(plan: LabelPlan, *, refit_rejected: bool) -> str:
    """Which network the scores belong to."""
    fitted = "fitted without the held-out series"
    if plan.refit and refit_rejected:
        return f"the saved network, {fitted}: fitted again on all of them it strayed, and was worse even on these"
    if plan.refit:
        return f"the network {fitted}; the saved one learnt from all of them, as many epochs"
    return f"the saved network, {fitted}"


CHECKED = 64  # series on which both forward passes are compared


def train(
    data: LabeledPanel,
    config: Config,
    *,
    checkpoint: Checkpoint | None = None,
    on_progress: ProgressCallback = lambda _: None,
    planned: Callable[[LabelPlan], None] = lambda _: None,
) -> SeriesClassifier:
    """Train a labeller: plan, fit with early stopping, judge on held-out series, fit again on all of them.

    Args:
        data: series, most of them with a label.
        config: how.
        checkpoint: where each fit leaves what it has reached, and goes on from.
        on_progress: called after every epoch.
        planned: called once, with everything that was decided.

    Raises:
        UsageError: TensorFlow is not installed.
        DataError: too few series, or a column has the name of one that predict writes.
        ModelError: training exploded, or the two forward passes differ.
    """
    load_keras()
    refuse_clashes(data)
    plan = make_plan(data, config)
    planned(plan)
    holdout_pipeline, epochs = fit_part(plan, _stage("fitting", plan, len(plan.split.train), on_progress, checkpoint))
    evaluation, reader = evaluate_plan(holdout_pipeline, plan), holdout_pipeline
    if plan.refit:
        again = _stage("fitting again on all the series", plan, plan.data.n_series, on_progress, checkpoint)
        reader = _keep_better(
            replace(_fit_all(plan, epochs, again), temperature=holdout_pipeline.temperature), holdout_pipeline, plan
        )
    _check(reader, plan)
    return SeriesClassifier(
        pipeline=reader,
        columns=Columns(data.time, data.key_columns, data.features, data.label),
        calendar=data.calendar,
        classes=plan.classes,
        report=report(
            data,
            config,
            plan,
            evaluation,
            epochs,
            temperature=reader.temperature,
            refit_rejected=reader is holdout_pipeline,
        ),
    )


def fit_and_evaluate(plan: LabelPlan, *, on_progress: ProgressCallback = lambda _: None) -> LabelEvaluation:
    """Fit on the part that learns, and judge; nothing is kept."""
    load_keras()
    reader, _ = fit_part(plan, _stage("fitting", plan, len(plan.split.train), on_progress, None))
    return evaluate_plan(reader, plan)


def evaluate_plan(reader: ClassifierPipeline, plan: LabelPlan) -> LabelEvaluation:
    """The series that judge; the rules may look at all the others.

    Raises:
        ModelError: what the network says is no number.
    """
    known_series = np.union1d(plan.split.train, plan.split.validation)
    evaluation = evaluate(reader, plan.data, plan.codes, known_series=known_series, test=plan.split.test)
    if not np.isfinite(evaluation.probabilities).all():
        raise ModelError("what the network says of held-out series is no number: nothing was saved; train again")
    return evaluation


def _stage(
    name: str, plan: LabelPlan, series: int, on_progress: ProgressCallback, checkpoint: Checkpoint | None
) -> FitStage:
    """Fits on so many series: an epoch has as many more batches as they are more than the part that learns."""
    recipe = plan.recipe
    typical_batches, now = (batches_of(n, recipe.batch_size) for n in (len(plan.split.train), series))
    recipe = replace(recipe, batches=max(1, round(recipe.batches * now / typical_batches)))
    return FitStage(name, plan.architecture, recipe, plan.networks, on_progress, checkpoint)


def fit_part(plan: LabelPlan, stage: FitStage) -> tuple[ClassifierPipeline, tuple[int, ...]]:
    """Fit every network on the part that learns; the stopping series say until when, and how bold they are."""
    learning = plan.split.train
    some = plan.data.select(learning)
    empty = ClassifierPipeline((), StandardScaler.of(some.values, some.observed), plan.architecture.context)
    cases = replace(empty.cases(some), labels=plan.codes[learning])
    stopping, codes = plan.data.select(plan.split.validation), plan.codes[plan.split.validation]

    def error(network: Network) -> float:
        raw = replace(empty, networks=(network,)).raw(stopping)
        return chance_scores(codes, softmax(raw))["cross_entropy"]

    fits = stage.each(cases, validate=error if plan.recipe.patience is not None else None)
    reader = replace(empty, networks=tuple(fit.network for fit in fits))
    found = replace(reader, temperature=temperature(reader.raw(stopping), codes))
    return found, tuple(fit.epoch for fit in fits)


def _fit_all(plan: LabelPlan, epochs: tuple[int, ...], stage: FitStage) -> ClassifierPipeline:
    """Fit every network on all the series, for as many epochs."""
    data = plan.data
    empty = ClassifierPipeline((), StandardScaler.of(data.values, data.observed), plan.architecture.context)
    cases = replace(empty.cases(data), labels=plan.codes)
    fits = stage.each(cases, epochs=epochs)
    return replace(empty, networks=tuple(fit.network for fit in fits))


def _keep_better(
    again: ClassifierPipeline, holdout_pipeline: ClassifierPipeline, plan: LabelPlan
) -> ClassifierPipeline:
    """What was fitted again on all the series, unless it is worse even on these than what was judged: it strayed."""
    now, before = (
        chance_scores(plan.codes, candidate.probabilities(plan.data))["cross_entropy"]
        for candidate in (again, holdout_pipeline)
    )
    return again if now <= before else holdout_pipeline


def _check(reader: ClassifierPipeline, plan: LabelPlan) -> None:
    """Hold the NumPy forward pass against Keras's on series as they are."""
    some = plan.data.select(np.arange(min(plan.data.n_series, CHECKED)))
    x = reader.cases(some).inputs(np.arange(some.n_series))
    for network in reader.networks:
        check_forward(network, plan.architecture, x)
