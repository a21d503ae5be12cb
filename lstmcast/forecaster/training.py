"""Fit, judge, fit again on everything: train(panel, config) → Forecaster."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from lstmcast.data.panel import Panel
from lstmcast.errors import UsageError
from lstmcast.forecaster.fits import Fits, Tell
from lstmcast.forecaster.judging import judge
from lstmcast.forecaster.plan import Chosen, Plan, Way, learnable, make_plan
from lstmcast.forecaster.pretrained import pretrained
from lstmcast.forecaster.report import report
from lstmcast.forecaster.running import Beside, Runner, last_steps, scale, scales_of, windows
from lstmcast.forecaster.trained import Forecaster
from lstmcast.forecaster.trial import Trial, heavier
from lstmcast.forecaster.warm import Warm, further, warmed
from lstmcast.model.lstm import Network
from lstmcast.model.network import check_forward, load_keras
from lstmcast.model.windows import Windows
from lstmcast.store.checkpoint import Checkpoint

if TYPE_CHECKING:
    from lstmcast.config import Config


def train(
    panel: Panel,
    config: Config,
    *,
    checkpoint: Checkpoint | None = None,
    tell: Tell = lambda _: None,
    planned: Callable[[Plan], None] = lambda _: None,
    start: Forecaster | None = None,
) -> Forecaster:
    """Train a forecaster: plan, fit with early stopping, judge on later origins, fit again on all the data.

    Args:
        panel: the past.
        config: how.
        checkpoint: where each fit leaves what it has reached, and goes on from; see `identity`.
        tell: called after every epoch.
        planned: called once, with everything that was decided.
        start: a forecaster whose weights the networks go on from, where they fit (see `warm`); None: from chance's.

    Raises:
        UsageError: TensorFlow is not installed, or the config asks for something else than values.
        DataError: too little data, or not transformable as asked.
        ModelError: training exploded, or the two forward passes differ.
    """
    if (head := config.model.head) != "value":
        raise UsageError(
            f"model.head: train makes forecasters of values (got {head!r}); lstmcast.kinds.kind_of({head!r}) has the "
            "verbs for it"
        )
    load_keras()
    plan, warm = warmed(make_plan(panel, config), panel, start)
    planned(plan)
    past = learnable(panel, plan.hold_out.total)
    fits = partial(Fits, architecture=plan.architecture, networks=plan.networks, tell=tell, checkpoint=checkpoint)
    chosen, networks = _fit_best(panel, past, plan, fits("fitting", recipe=plan.recipe), warm)
    runner = judged = _runner(past, plan, chosen, networks)
    judgement = judge(judged, panel, plan.hold_out, plan.levels)
    if plan.refit:
        again = fits("fitting again on all the data", recipe=plan.recipe)
        runner = _runner(panel, plan, chosen, _fit_all(panel, plan, again, chosen, networks, warm))
    _check(runner, panel, plan)
    return Forecaster(
        runner=runner,
        judged=judged,
        calibration=judgement.calibration,
        context=last_steps(panel, runner.reach),
        held_out=judgement.held_out,
        report=report(panel, config, plan, judgement, chosen),
    )


def _fit_best(panel: Panel, past: Panel, plan: Plan, stage: Fits, warm: Warm | None) -> tuple[Chosen, list[Network]]:
    """Fit every network on the past, in each way; keep what forecast the stopping origins of the panel best."""
    starts: Sequence[Network | None] = warm.judged if warm else [None] * plan.networks
    fitted = [partial(stage.fit, _lessons(past, way), way=_named(plan, way)) for way in plan.ways]
    if plan.recipe.patience is None:
        (way,), (fit_one,) = plan.ways, fitted
        fits = stage.together([partial(fit_one, k, start=start) for k, start in enumerate(starts)])
        chosen, networks = Chosen(way, tuple(fit.epoch for fit in fits), 0.0), [fit.network for fit in fits]
        share = plan.smoothing
        if share is None:
            trial = Trial.judging(panel, plan.hold_out, _runner(past, plan, chosen, []))
            share = trial.best_smoothing(networks) if trial else 0.0
        return _with_pretrained(panel, past, plan, replace(chosen, smoothing=share), networks), networks
    stops = [Trial.stopping(panel, plan.hold_out, _runner(past, plan, Chosen(way, (), 0.0), [])) for way in plan.ways]
    each = [(fit_one, stop, k) for fit_one, stop in zip(fitted, stops, strict=True) for k in range(plan.networks)]
    fits = stage.together([partial(fit_one, k, judge=stop.error, start=starts[k]) for fit_one, stop, k in each])
    found = []
    for n, (way, stop) in enumerate(zip(plan.ways, stops, strict=True)):
        own = fits[n * plan.networks : (n + 1) * plan.networks]
        networks = [fit.network for fit in own]
        share, error = stop.smoothing(networks, plan.smoothing)
        found.append((error, Chosen(way, tuple(fit.epoch for fit in own), share), networks))
    _, chosen, networks = min(found, key=lambda one: one[0])
    return _with_pretrained(panel, past, plan, chosen, networks), networks


def _with_pretrained(panel: Panel, past: Panel, plan: Plan, chosen: Chosen, networks: list[Network]) -> Chosen:
    """The pretrained networks too, where the plan says so: the more, the less they were wrong than those trained."""
    if not plan.pretrained:
        return chosen
    other = replace(pretrained(past).runner, horizon=plan.hold_out.horizon)
    trials = [_trial(panel, plan, runner) for runner in (_runner(past, plan, chosen, networks), other)]
    if trials[0] is None or trials[1] is None:
        return chosen
    own, theirs = trials[0].all(), trials[1].all()
    return replace(chosen, beside=Beside(other, heavier(theirs, own)))


def _trial(panel: Panel, plan: Plan, runner: Runner) -> Trial | None:
    """The origins that decide when to stop; where nothing stops early, those that judge."""
    if plan.recipe.patience:
        return Trial.stopping(panel, plan.hold_out, runner)
    return Trial.judging(panel, plan.hold_out, runner)


def _fit_all(
    panel: Panel, plan: Plan, stage: Fits, chosen: Chosen, judged: list[Network], warm: Warm | None
) -> list[Network]:
    """Learn from all the data, as many epochs: from the start, or on from those of before, or after a long fit."""
    starts: Sequence[Network | None] = warm.whole if warm else [None] * len(judged)
    epochs = chosen.epochs
    if plan.recipe.patience is None and not warm:
        stage, starts = replace(stage, recipe=further(plan.recipe)), judged
        epochs = (stage.recipe.epochs,) * len(judged)
    fit_one = partial(stage.fit, _lessons(panel, chosen.way), way=_named(plan, chosen.way))
    each = zip(epochs, starts, strict=True)
    fits = stage.together([partial(fit_one, k, epochs=n, start=start) for k, (n, start) in enumerate(each)])
    return [fit.network for fit in fits]


def _lessons(panel: Panel, way: Way) -> Windows:
    """The panel as it is learnt from."""
    return windows(panel, scale(panel, way.measure, way.shape.level), way.shape)


def _named(plan: Plan, way: Way) -> str:
    """What tells the fits of one way from those of another."""
    return f", way {plan.ways.index(way) + 1}"


def _runner(panel: Panel, plan: Plan, chosen: Chosen, networks: list[Network]) -> Runner:
    """The fitted networks with the scales of the data they learnt from."""
    way = chosen.way
    scaling = scale(panel, way.measure, way.shape.level)
    return Runner(
        networks=tuple(networks),
        head=plan.head,
        shape=way.shape,
        measure=way.measure,
        scales=scales_of(panel, scaling),
        usual=scaling.usual,
        smoothing=chosen.smoothing,
        beside=chosen.beside,
        horizon=plan.hold_out.horizon,
    )


def _check(runner: Runner, panel: Panel, plan: Plan) -> None:
    """Hold the NumPy forward pass against Keras's on the windows that the forecast will be made from."""
    series = np.arange(min(panel.n_series, 64))
    windows = runner.on(panel.select(series)).windows
    x = windows.inputs(series, panel.lengths[series] - runner.shape.context, runner.shape.context)
    for network in runner.networks:
        check_forward(network, plan.architecture, x)
