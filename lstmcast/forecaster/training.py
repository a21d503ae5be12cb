"""Fit, judge, fit again on everything: train(panel, config) → Forecaster."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from lstmcast.data.panel import Panel
from lstmcast.errors import DataError
from lstmcast.forecaster.judging import judge
from lstmcast.forecaster.plan import Chosen, Plan, Way, learnable, make_plan
from lstmcast.forecaster.report import report
from lstmcast.forecaster.running import Runner, honest, last_steps, outcomes, scale, usual_steps, windows
from lstmcast.forecaster.trained import Forecaster
from lstmcast.model.lstm import Network
from lstmcast.model.network import check_forward, load_keras
from lstmcast.model.training import Fit, Progress, fit

if TYPE_CHECKING:
    from lstmcast.config import Config


@dataclass(frozen=True)
class Stage:
    """Where a training run stands: what is fitted, and how far it is.

    Attributes:
        name: "fitting" or "fitting again on all the data".
        network: which of `networks`, from 1.
        progress: of that network.
    """

    name: str
    network: int
    networks: int
    progress: Progress


Tell = Callable[[Stage], None]
SHARES = (1.0, 0.75, 0.5, 0.25, 0.0)  # of what a network says: one that learnt chance is better damped


def train(
    panel: Panel, config: Config, *, tell: Tell = lambda _: None, planned: Callable[[Plan], None] = lambda _: None
) -> Forecaster:
    """Train a forecaster: plan, fit with early stopping, judge on later origins, fit again on all the data.

    Args:
        panel: the past.
        config: how.
        tell: called after every epoch.
        planned: called once, with everything that was decided.

    Raises:
        UsageError: TensorFlow is not installed.
        DataError: too little data, or not transformable as asked.
        ModelError: training exploded, or the two forward passes differ.
    """
    load_keras()
    plan = make_plan(panel, config)
    planned(plan)
    past = learnable(panel, plan.hold_out.total)
    chosen, networks = _fit_best(past, panel, plan, tell)
    judged = _runner(past, plan, chosen.way, networks)
    judgement = judge(judged, panel, plan.hold_out, plan.levels)
    runner = judged
    if plan.refit:
        again = [_fit(panel, plan, chosen.way, k, epoch, None, tell) for k, epoch in enumerate(chosen.epochs)]
        saved = [plan.architecture.head.damped(fit.network, chosen.share) for fit in again]
        runner = _runner(panel, plan, chosen.way, saved)
    _check(runner, panel, plan)
    return Forecaster(
        runner=runner,
        calibration=judgement.calibration,
        horizon=plan.hold_out.horizon,
        context=last_steps(panel, runner.reach),
        held_out=judgement.held_out,
        report=report(panel, config, plan, judgement, chosen),
    )


def _fit_best(past: Panel, panel: Panel, plan: Plan, tell: Tell) -> tuple[Chosen, list[Network]]:
    """Fit every network, each from its own seed, in each way; keep what forecast the stopping origins best."""
    if plan.recipe.patience is None:
        (way,) = plan.ways
        fits = [_fit(past, plan, way, k, plan.recipe.epochs, None, tell) for k in range(plan.networks)]
        return Chosen(way, tuple(fit.epoch for fit in fits), 1.0), [fit.network for fit in fits]
    found = []
    for way in plan.ways:
        stop = _stopper(panel, plan, _runner(past, plan, way, []))
        fits = [_fit(past, plan, way, k, plan.recipe.epochs, stop, tell) for k in range(plan.networks)]
        for share in SHARES:
            networks = [plan.architecture.head.damped(fit.network, share) for fit in fits]
            error = float(np.mean([stop(network) for network in networks]))
            found.append((error, Chosen(way, tuple(fit.epoch for fit in fits), share), networks))
    return min(found, key=lambda one: one[0])[1:]


def _stopper(panel: Panel, plan: Plan, runner: Runner) -> Callable[[Network], float]:
    """How a network is held against the stopping origins: mean |y − f|, in units of each series' usual step."""
    asked, origins = plan.hold_out.stopping(panel.lengths)
    fair = honest(panel, asked, origins, plan.hold_out.horizon)
    if not fair.any():
        raise DataError(
            f"{panel.source}: nothing was observed in the {plan.hold_out.stop} steps that decide when to stop (before "
            f"the last {plan.hold_out.judge}); cut the file, or give another --horizon"
        )
    asked, origins = asked[fair], origins[fair]
    kept, series = np.unique(asked, return_inverse=True)
    known = panel.select(kept).drop_last(plan.hold_out.judge)  # the other series may have nothing left
    actual = outcomes(known, series, origins, plan.hold_out.horizon)
    unit = usual_steps(known)[series, None]
    running = runner.on(known)

    def error(network: Network) -> float:
        ahead = replace(running, networks=(network,)).ahead(series, origins, plan.hold_out.horizon)
        return float(np.nanmean(np.abs(running.back(ahead.z, series) - actual) / unit))

    return error


def _fit(
    panel: Panel, plan: Plan, way: Way, k: int, epochs: int, stop: Callable[[Network], float] | None, tell: Tell
) -> Fit:
    """Fit network k on a panel: with early stopping where `stop` is given, else for all the epochs."""
    scaling = scale(panel, way.kind, way.shape.level, {})
    recipe = replace(plan.recipe, seed=(plan.recipe.seed + k) % 2**32, epochs=epochs, decay=plan.recipe.epochs)
    name = "fitting" if stop else "fitting again on all the data"
    return fit(
        windows(panel, scaling, way.shape),
        plan.architecture,
        recipe,
        judge=stop,
        tell=lambda progress: tell(Stage(name, k + 1, plan.networks, progress)),
    )


def _runner(panel: Panel, plan: Plan, way: Way, networks: list[Network]) -> Runner:
    """The fitted networks with the scales of the data they learnt from."""
    scaling = scale(panel, way.kind, way.shape.level, {})
    scales = {key: (float(scaling.scale[k]), float(scaling.floor[k])) for k, key in enumerate(panel.keys)}
    return Runner(tuple(networks), plan.architecture.head, way.shape, way.kind, scales)


def _check(runner: Runner, panel: Panel, plan: Plan) -> None:
    """Hold the NumPy forward pass against Keras's on the windows that the forecast will be made from."""
    series = np.arange(min(panel.n_series, 64))
    windows = runner.on(panel.select(series)).windows
    x = windows.inputs(series, panel.lengths[series] - runner.shape.context, runner.shape.context)
    for network in runner.networks:
        check_forward(network, plan.architecture, x)
