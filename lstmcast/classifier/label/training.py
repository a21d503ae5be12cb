"""Fit, judge on held-out series, fit again on all of them: train(data, config) → SeriesClassifier."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from lstmcast.classifier.label.judging import LabelEvaluation, judge
from lstmcast.classifier.label.labeller import ClassifierPipeline, SeriesClassifier
from lstmcast.classifier.label.labels import Columns, refuse_clashes
from lstmcast.classifier.label.plan import LabelPlan, batches_of, make_plan
from lstmcast.classifier.label.report import report
from lstmcast.data.labelled import LabeledPanel
from lstmcast.errors import ModelError
from lstmcast.evaluation.labels import chance_scores
from lstmcast.evaluation.temperature import softmax, temperature
from lstmcast.forecaster.fits import FitStage, Tell
from lstmcast.model.cases import StandardScaler
from lstmcast.model.lstm import Network
from lstmcast.model.network import check_forward, load_keras
from lstmcast.store.checkpoint import Checkpoint

if TYPE_CHECKING:
    from lstmcast.config import Config

CHECKED = 64  # series on which both forward passes are compared


def train(
    data: LabeledPanel,
    config: Config,
    *,
    checkpoint: Checkpoint | None = None,
    tell: Tell = lambda _: None,
    planned: Callable[[LabelPlan], None] = lambda _: None,
) -> SeriesClassifier:
    """Train a labeller: plan, fit with early stopping, judge on held-out series, fit again on all of them.

    Args:
        data: series, most of them with a label.
        config: how.
        checkpoint: where each fit leaves what it has reached, and goes on from.
        tell: called after every epoch.
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
    judged, epochs = fit_part(plan, _stage("fitting", plan, len(plan.parts.learn), tell, checkpoint))
    judgement, reader = judge_plan(judged, plan), judged
    if plan.refit:
        again = _stage("fitting again on all the series", plan, plan.data.n_series, tell, checkpoint)
        reader = _sound(replace(_fit_all(plan, epochs, again), temperature=judged.temperature), judged, plan)
    _check(reader, plan)
    return SeriesClassifier(
        reader=reader,
        columns=Columns(data.time, data.key_columns, data.features, data.label),
        calendar=data.calendar,
        classes=plan.classes,
        report=report(data, config, plan, judgement, epochs, temperature=reader.temperature, strayed=reader is judged),
    )


def fit_and_judge(plan: LabelPlan, *, tell: Tell = lambda _: None) -> LabelEvaluation:
    """Fit on the part that learns, and judge; nothing is kept."""
    load_keras()
    reader, _ = fit_part(plan, _stage("fitting", plan, len(plan.parts.learn), tell, None))
    return judge_plan(reader, plan)


def judge_plan(reader: ClassifierPipeline, plan: LabelPlan) -> LabelEvaluation:
    """The series that judge; the rules may look at all the others.

    Raises:
        ModelError: what the network says is no number.
    """
    others = np.union1d(plan.parts.learn, plan.parts.stop)
    judgement = judge(reader, plan.data, plan.codes, learnt=others, judging=plan.parts.judge)
    if not np.isfinite(judgement.chances).all():
        raise ModelError("what the network says of held-out series is no number: nothing was saved; train again")
    return judgement


def _stage(name: str, plan: LabelPlan, series: int, tell: Tell, checkpoint: Checkpoint | None) -> FitStage:
    """Fits on so many series: an epoch has as many more batches as they are more than the part that learns."""
    recipe = plan.recipe
    usual, now = (batches_of(n, recipe.batch_size) for n in (len(plan.parts.learn), series))
    recipe = replace(recipe, batches=max(1, round(recipe.batches * now / usual)))
    return FitStage(name, plan.architecture, recipe, plan.networks, tell, checkpoint)


def fit_part(plan: LabelPlan, stage: FitStage) -> tuple[ClassifierPipeline, tuple[int, ...]]:
    """Fit every network on the part that learns; the stopping series say until when, and how bold they are."""
    learning = plan.parts.learn
    some = plan.data.select(learning)
    empty = ClassifierPipeline((), StandardScaler.of(some.values, some.observed), plan.architecture.context)
    cases = replace(empty.cases(some), labels=plan.codes[learning])
    stopping, codes = plan.data.select(plan.parts.stop), plan.codes[plan.parts.stop]

    def error(network: Network) -> float:
        raw = replace(empty, networks=(network,)).raw(stopping)
        return chance_scores(codes, softmax(raw))["cross_entropy"]

    fits = stage.each(cases, judge=error if plan.recipe.patience is not None else None)
    reader = replace(empty, networks=tuple(fit.network for fit in fits))
    found = replace(reader, temperature=temperature(reader.raw(stopping), codes))
    return found, tuple(fit.epoch for fit in fits)


def _fit_all(plan: LabelPlan, epochs: tuple[int, ...], stage: FitStage) -> ClassifierPipeline:
    """Fit every network on all the series, for as many epochs."""
    whole = plan.data
    empty = ClassifierPipeline((), StandardScaler.of(whole.values, whole.observed), plan.architecture.context)
    cases = replace(empty.cases(whole), labels=plan.codes)
    fits = stage.each(cases, epochs=epochs)
    return replace(empty, networks=tuple(fit.network for fit in fits))


def _sound(again: ClassifierPipeline, judged: ClassifierPipeline, plan: LabelPlan) -> ClassifierPipeline:
    """What was fitted again on all the series, unless it is worse even on these than what was judged: it strayed."""
    now, before = (chance_scores(plan.codes, one.chances(plan.data))["cross_entropy"] for one in (again, judged))
    return again if now <= before else judged


def _check(reader: ClassifierPipeline, plan: LabelPlan) -> None:
    """Hold the NumPy forward pass against Keras's on series as they are."""
    some = plan.data.select(np.arange(min(plan.data.n_series, CHECKED)))
    x = reader.cases(some).inputs(np.arange(some.n_series))
    for network in reader.networks:
        check_forward(network, plan.architecture, x)
