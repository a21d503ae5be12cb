"""Fit, judge, fit again on everything: train(panel, config) → Forecaster."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from lstmcast.data.panel import Panel
from lstmcast.forecaster.judging import Judgement, judge
from lstmcast.forecaster.plan import Plan, learnable, make_plan
from lstmcast.forecaster.report import report
from lstmcast.forecaster.running import Runner, last_steps, outcomes, scale, windows
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


def train(panel: Panel, config: Config, *, tell: Tell = lambda _: None, planned: Callable[[Plan], None] = lambda _: None) -> Forecaster:
    """Train a forecaster: plan, fit with early stopping, judge on later origins, fit again on all the data.

    Args:
        panel: the past. config: how.
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
    fits = _fit_all(past, plan, _stopper(panel, plan), tell)
    judged = _runner(past, plan, fits)
    judgement = judge(judged, panel, plan.hold_out, plan.levels)
    epochs = [fit.epoch for fit in fits]
    runner = _runner(panel, plan, _refit_all(panel, plan, epochs, tell)) if plan.refit else judged
    _check(runner, panel, plan)
    return Forecaster(
        runner=runner,
        calibration=judgement.calibration,
        horizon=plan.hold_out.horizon,
        context=last_steps(panel, runner.reach),
        held_out=judgement.held_out,
        report=report(panel, config, plan, judgement, epochs),
    )


Stopper = Callable[[Runner], Callable[[Network], float]]


def _stopper(panel: Panel, plan: Plan) -> Stopper:
    """How a network is held against the stopping origins: the mean |ẑ − z| of its forecasts."""
    series, origins = plan.hold_out.stopping(panel.lengths)
    known = panel.drop_last(plan.hold_out.judge)
    actual = outcomes(known, series, origins, plan.hold_out.horizon)

    def against(runner: Runner) -> Callable[[Network], float]:
        running = runner.on(known)
        z = running.scaling.of(series).forward(actual)

        def error(network: Network) -> float:
            ahead = replace(running, networks=(network,)).ahead(series, origins, plan.hold_out.horizon)
            return float(np.nanmean(np.abs(ahead - z)))

        return error

    return against


def _fit_all(past: Panel, plan: Plan, stopper: Stopper, tell: Tell) -> list[Fit]:
    """Fit every network, each from its own seed, with early stopping."""
    stop = stopper(_runner(past, plan, []))
    return [_fit(past, plan, k, plan.recipe.epochs, stop, tell) for k in range(plan.networks)]


def _refit_all(panel: Panel, plan: Plan, epochs: list[int], tell: Tell) -> list[Fit]:
    """Fit every network on all the data, for the epochs found."""
    return [_fit(panel, plan, k, epoch, None, tell) for k, epoch in enumerate(epochs)]


def _fit(panel: Panel, plan: Plan, k: int, epochs: int, stop: Callable[[Network], float] | None, tell: Tell) -> Fit:
    scaling = scale(panel, plan.kind, plan.shape.season, {})
    recipe = replace(plan.recipe, seed=plan.recipe.seed + k, epochs=epochs, decay=plan.recipe.epochs)
    name = "fitting" if stop else "fitting again on all the data"
    return fit(
        windows(panel, scaling, plan.shape),
        plan.architecture,
        recipe,
        judge=stop,
        tell=lambda progress: tell(Stage(name, k + 1, plan.networks, progress)),
    )


def _runner(panel: Panel, plan: Plan, fits: list[Fit]) -> Runner:
    """The fitted networks with the scales of the data they learnt from."""
    scaling = scale(panel, plan.kind, plan.shape.season, {})
    scales = {key: (float(scaling.scale[k]), float(scaling.floor[k])) for k, key in enumerate(panel.keys)}
    return Runner(tuple(fit.network for fit in fits), plan.shape, plan.kind, scales)


def _check(runner: Runner, panel: Panel, plan: Plan) -> None:
    """Hold the NumPy forward pass against Keras's on the windows that the forecast will be made from."""
    series = np.arange(min(panel.n_series, 64))
    windows = runner.on(panel.select(series)).windows
    x = windows.inputs(series, panel.lengths[series] - plan.shape.context, plan.shape.context)
    for network in runner.networks:
        check_forward(network, plan.architecture, x)
