"""Fit, judge, fit again on everything: train(panel of symbols, config) → SymbolForecaster."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from lstmcast.classifier.category.judging import foretold, judge
from lstmcast.classifier.category.plan import SymbolPlan, make_plan
from lstmcast.classifier.category.report import report
from lstmcast.classifier.category.running import SymbolPipeline, sequences
from lstmcast.classifier.category.trained import SymbolForecaster
from lstmcast.data.panel import Panel
from lstmcast.evaluation.symbols import bits
from lstmcast.evaluation.temperature import temperature
from lstmcast.forecaster.fits import FitStage, Tell
from lstmcast.forecaster.truth import last_steps
from lstmcast.model.lstm import Network
from lstmcast.model.network import check_forward, load_keras
from lstmcast.model.paths import AutoregressiveEnsemble
from lstmcast.store.checkpoint import Checkpoint

if TYPE_CHECKING:
    from lstmcast.config import Config


def train(
    panel: Panel,
    config: Config,
    *,
    checkpoint: Checkpoint | None = None,
    tell: Tell = lambda _: None,
    planned: Callable[[SymbolPlan], None] = lambda _: None,
) -> SymbolForecaster:
    """Train: plan, fit with the best epoch by held-out symbols, judge on later ones, fit again on all the data.

    Args:
        panel: the past, of symbols.
        config: how.
        checkpoint: where each fit leaves what it has reached, and goes on from.
        tell: called after every epoch.
        planned: called once, with everything that was decided.

    Raises:
        UsageError: TensorFlow is not installed.
        DataError: too little data.
        ModelError: training exploded, or the two forward passes differ.
    """
    plan = make_plan(panel, config)
    planned(plan)
    judged, epochs = fitted(panel, plan, tell=tell, checkpoint=checkpoint)
    judgement = judge(judged, panel, plan.hold_out)
    reader = judged
    if plan.refit:
        stage = _stage("fitting again on all the data", plan, tell, checkpoint)
        again = stage.each(sequences(panel, plan.architecture.context), epochs=epochs)
        networks = tuple(one.network for one in again)
        reader = replace(judged, speaker=replace(judged.speaker, networks=networks))
    _check(reader, panel, plan)
    said = report(panel, config, plan, judgement, epochs=epochs, temperature=reader.speaker.temperature)
    return SymbolForecaster(reader, judged, last_steps(panel, reader.reach), plan.hold_out.horizon, said)


def fitted(
    panel: Panel, plan: SymbolPlan, *, tell: Tell = lambda _: None, checkpoint: Checkpoint | None = None
) -> tuple[SymbolPipeline, tuple[int, ...]]:
    """Fit on all but the held-out steps; the stopping ones choose each network's epoch, and how bold all of them are.

    Returns:
        The networks, and their epochs.
    """
    load_keras()
    held = plan.hold_out
    stopping = panel.drop_last(held.judge)
    fits = _stage("fitting", plan, tell, checkpoint).each(
        sequences(panel.drop_last(held.total), plan.architecture.context),
        judge=lambda network: _lost(_reader(plan, [network]), stopping, plan),
    )
    reader = _calibrated(_reader(plan, [one.network for one in fits]), stopping, plan)
    return reader, tuple(one.epoch for one in fits)


def _stage(name: str, plan: SymbolPlan, tell: Tell, checkpoint: Checkpoint | None) -> FitStage:
    return FitStage(name, plan.architecture, plan.recipe, plan.networks, tell, checkpoint)


def _reader(plan: SymbolPlan, networks: Sequence[Network]) -> SymbolPipeline:
    return SymbolPipeline(AutoregressiveEnsemble(tuple(networks)), plan.architecture.context)


def _lost(reader: SymbolPipeline, panel: Panel, plan: SymbolPlan) -> float:
    """Mean bits of the stopping steps, which end the panel."""
    steps = foretold(reader, panel, plan.hold_out.stop)
    return float(bits(steps.logs, steps.came).mean())


def _calibrated(reader: SymbolPipeline, panel: Panel, plan: SymbolPlan) -> SymbolPipeline:
    """The networks as bold as they were right on the stopping steps, which end the panel."""
    steps = foretold(reader, panel, plan.hold_out.stop)
    return replace(reader, speaker=replace(reader.speaker, temperature=temperature(steps.logs, steps.came)))


def _check(reader: SymbolPipeline, panel: Panel, plan: SymbolPlan) -> None:
    """Hold the NumPy forward pass against Keras's on the windows that the forecast will be made from."""
    series = np.arange(min(panel.n_series, 64))
    x = reader.on(panel).inputs(series, panel.lengths[series] - 1, reader.context)
    for network in reader.speaker.networks:
        check_forward(network, plan.architecture, x)
