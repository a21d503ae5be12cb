"""Fit, judge, fit again on everything: train(panel, config) → Forecaster."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from lstmcast.data.panel import Panel
from lstmcast.data.records import InferredSetting
from lstmcast.errors import UsageError
from lstmcast.forecaster.fits import Tell
from lstmcast.forecaster.group import EnsembleFitter
from lstmcast.forecaster.judging import judge
from lstmcast.forecaster.others import SMOOTHING, both, leaning, weighed
from lstmcast.forecaster.plan import TrainingPlan
from lstmcast.forecaster.planning import learnable, make_plan
from lstmcast.forecaster.pretrained import choose
from lstmcast.forecaster.report import report
from lstmcast.forecaster.running import EnsembleMember, ForecastPipeline
from lstmcast.forecaster.trained import Forecaster
from lstmcast.forecaster.truth import last_steps
from lstmcast.forecaster.tuning import refuse_other_levels, tuned
from lstmcast.forecaster.warm import WarmStart, warmed
from lstmcast.model.network import check_forward, load_keras
from lstmcast.store.checkpoint import Checkpoint

if TYPE_CHECKING:
    from lstmcast.config import Config


def train(
    panel: Panel,
    config: Config,
    *,
    checkpoint: Checkpoint | None = None,
    tell: Tell = lambda _: None,
    planned: Callable[[TrainingPlan], None] = lambda _: None,
    start: Forecaster | None = None,
) -> Forecaster:
    """Train a forecaster: plan, fit with early stopping, judge on later origins, fit again on all the data.

    Args:
        panel: the past.
        config: how.
        checkpoint: where each fit leaves what it has reached, and goes on from; see `identity`.
        tell: called after every epoch.
        planned: called once, with everything that was decided.
        start: a forecaster whose weights the networks go on from, where they fit (see `warm`); None: the config says.

    Raises:
        UsageError: TensorFlow is not installed, or the config asks for something else than values.
        ConfigError: pretrained networks are asked for bounds that they do not say.
        DataError: too little data, or not transformable as asked.
        ModelError: training exploded, or the two forward passes differ.
    """
    if (head := config.model.head) != "value":
        raise UsageError(
            f"model.head: train makes forecasters of values (got {head!r}); lstmcast.kinds.kind_of({head!r}) has the "
            "verbs for it"
        )
    load_keras()
    plan, warm = _begun(panel, config, start)
    planned(plan)
    group = EnsembleFitter(panel, plan, warm, tell, checkpoint)
    fitted = group.judged()
    others: EnsembleMember | None
    if _both(plan, config):
        fitted, others = weighed(panel, plan, fitted, pinned=config.model.smoothing != "auto")
    else:
        fitted, others = leaning(panel, plan, fitted)
    runner = judged = fitted.runner
    judgement = judge(judged, panel, plan.hold_out, plan.levels)
    if plan.refit:
        runner = group.whole(fitted)
        runner = both(runner, others, panel) if others else runner
    _check(runner, panel, plan)
    return Forecaster(
        runner=runner,
        judged=judged,
        calibration=judgement.calibration,
        context=last_steps(panel, runner.reach),
        held_out=judgement.held_out,
        report=report(panel, config, plan, judgement, fitted.chosen, runner),
    )


def _begun(panel: Panel, config: Config, start: Forecaster | None) -> tuple[TrainingPlan, WarmStart | None]:
    """The plan, and the weights to go on from: those of a forecaster where they fit, else as the config says."""
    plan, warm = make_plan(panel, config), None
    if config.train.start == "pretrained":
        plan, warm = tuned(plan, panel)
        refuse_other_levels(plan)
    if start is not None:
        going_on, own = warmed(plan, panel, start)
        plan, warm = (plan, warm) if warm and not own else (going_on, own)
    if _both(plan, config):
        reason = choose(learnable(panel, plan.hold_out.total)).reason
        found = InferredSetting("beside", "pretrained", f"networks of the class {reason} speak too")
        smoothing = SMOOTHING if plan.smoothing is None else plan.smoothing
        plan = replace(plan, smoothing=smoothing, findings=(*plan.findings, found))
    return plan, warm


def _both(plan: TrainingPlan, config: Config) -> bool:
    """Whether pretrained networks speak too: not where nothing stops early, for so many values teach enough."""
    return config.train.start == "auto" and plan.recipe.patience is not None


def _check(runner: ForecastPipeline, panel: Panel, plan: TrainingPlan) -> None:
    """Hold the NumPy forward pass against Keras's on the windows that the forecast will be made from."""
    some = panel.select(np.arange(min(panel.n_series, 64)))
    windows, context = runner.on(some).windows, runner.shape.context
    series = np.arange(len(windows.offsets) - 1)
    x = windows.inputs(series, np.diff(windows.offsets) - context, context)
    for network in runner.networks:
        check_forward(network, plan.architecture, x)
