"""Fit, judge on held-out series, fit again on all of them: train(data, config) → Labeller."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from threading import Event
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from lstmcast.classifier.label.judging import Judgement, judge
from lstmcast.classifier.label.labeller import Labeller, Reader
from lstmcast.classifier.label.labels import Columns, refuse_clashes
from lstmcast.classifier.label.plan import Plan, batches_of, make_plan
from lstmcast.classifier.label.report import report
from lstmcast.data.labelled import Labelled
from lstmcast.errors import ModelError
from lstmcast.evaluation.labels import chance_scores
from lstmcast.evaluation.temperature import softmax, temperature
from lstmcast.forecaster.resuming import keep, standing
from lstmcast.forecaster.training import Stage, Tell
from lstmcast.model.cases import Cases, Standard
from lstmcast.model.lstm import Network
from lstmcast.model.network import check_forward, load_keras
from lstmcast.model.training import Fit, fit, together
from lstmcast.store.checkpoint import Checkpoint

if TYPE_CHECKING:
    from lstmcast.config import Config

Ints = npt.NDArray[np.int64]

CHECKED = 64  # series on which both forward passes are compared


def train(
    data: Labelled,
    config: Config,
    *,
    checkpoint: Checkpoint | None = None,
    tell: Tell = lambda _: None,
    planned: Callable[[Plan], None] = lambda _: None,
) -> Labeller:
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
    judged, epochs = fit_part(plan, plan.parts.learn, _Job(plan, "fitting", tell, checkpoint))
    judgement, reader = judge_plan(judged, plan), judged
    if plan.refit:
        again = _Job(plan, "fitting again on all the series", tell, checkpoint)
        reader = _sound(replace(_fit_all(plan, epochs, again), temperature=judged.temperature), judged, plan)
    _check(reader, plan)
    return Labeller(
        reader=reader,
        columns=Columns(data.time, data.key_columns, data.features, data.label),
        calendar=data.calendar,
        classes=plan.classes,
        report=report(data, config, plan, judgement, epochs, temperature=reader.temperature, strayed=reader is judged),
    )


def fit_and_judge(plan: Plan, *, tell: Tell = lambda _: None) -> Judgement:
    """Fit on the part that learns, and judge; nothing is kept."""
    load_keras()
    reader, _ = fit_part(plan, plan.parts.learn, _Job(plan, "fitting", tell, None))
    return judge_plan(reader, plan)


def judge_plan(reader: Reader, plan: Plan) -> Judgement:
    """The series that judge; the rules may look at all the others.

    Raises:
        ModelError: what the network says is no number.
    """
    others = np.union1d(plan.parts.learn, plan.parts.stop)
    judgement = judge(reader, plan.data, plan.codes, learnt=others, judging=plan.parts.judge)
    if not np.isfinite(judgement.chances).all():
        raise ModelError("what the network says of held-out series is no number: nothing was saved; train again")
    return judgement


@dataclass(frozen=True)
class _Job:
    """What all fits of one stage share."""

    plan: Plan
    name: str
    tell: Tell
    checkpoint: Checkpoint | None
    stop: Event = field(default_factory=Event)

    def fit(
        self, cases: Cases, k: int, *, epochs: int | None = None, judge: Callable[[Network], float] | None = None
    ) -> Fit:
        """Fit network k: with early stopping where there is a judge, else for all the epochs."""
        recipe, name = self.plan.recipe, f"{self.name}, network {k + 1}"
        return fit(
            cases,
            self.plan.architecture,
            replace(
                recipe,
                seed=(recipe.seed + k) % 2**32,
                epochs=epochs or recipe.epochs,
                decay=recipe.epochs,
                batches=self._batches(len(cases.labels)),
            ),
            judge=judge,
            stop=self.stop,
            resume=standing(self.checkpoint, name),
            keep=lambda now: keep(self.checkpoint, name, now),
            tell=lambda progress: self.tell(Stage(self.name, k + 1, self.plan.networks, progress)),
        )

    def _batches(self, series: int) -> int:
        """Of an epoch: as many more as there are more series than in the part that learns."""
        own = self.plan.recipe.batches
        usual, now = (batches_of(n, self.plan.recipe.batch_size) for n in (len(self.plan.parts.learn), series))
        return max(1, round(own * now / usual))


def fit_part(plan: Plan, learning: Ints, job: _Job) -> tuple[Reader, tuple[int, ...]]:
    """Fit every network on some series, each from its own seed; the stopping series say when, and how bold they are."""
    some = plan.data.select(learning)
    empty = Reader((), Standard.of(some.values, some.observed), plan.architecture.context)
    cases = replace(empty.cases(some), labels=plan.codes[learning])
    stopping, codes = plan.data.select(plan.parts.stop), plan.codes[plan.parts.stop]

    def error(network: Network) -> float:
        raw = replace(empty, networks=(network,)).raw(stopping)
        return chance_scores(codes, softmax(raw))["cross_entropy"]

    judge = error if plan.recipe.patience is not None else None
    fits = together([partial(job.fit, cases, k, judge=judge) for k in range(plan.networks)], job.stop)
    reader = replace(empty, networks=tuple(fit.network for fit in fits))
    found = replace(reader, temperature=temperature(reader.raw(stopping), codes))
    return found, tuple(fit.epoch for fit in fits)


def _fit_all(plan: Plan, epochs: tuple[int, ...], job: _Job) -> Reader:
    """Fit every network on all the series, for as many epochs."""
    whole = plan.data
    empty = Reader((), Standard.of(whole.values, whole.observed), plan.architecture.context)
    cases = replace(empty.cases(whole), labels=plan.codes)
    fits = together([partial(job.fit, cases, k, epochs=n) for k, n in enumerate(epochs)], job.stop)
    return replace(empty, networks=tuple(fit.network for fit in fits))


def _sound(again: Reader, judged: Reader, plan: Plan) -> Reader:
    """What was fitted again on all the series, unless it is worse even on these than what was judged: it strayed."""
    now, before = (chance_scores(plan.codes, one.chances(plan.data))["cross_entropy"] for one in (again, judged))
    return again if now <= before else judged


def _check(reader: Reader, plan: Plan) -> None:
    """Hold the NumPy forward pass against Keras's on series as they are."""
    some = plan.data.select(np.arange(min(plan.data.n_series, CHECKED)))
    x = reader.cases(some).inputs(np.arange(some.n_series))
    for network in reader.networks:
        check_forward(network, plan.architecture, x)
