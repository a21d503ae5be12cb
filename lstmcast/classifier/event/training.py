"""Fit, calibrate, judge, fit again on everything: train(panel, config) → EventForecaster."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from lstmcast.classifier.event.judging import judge, outcomes
from lstmcast.classifier.event.lessons import EventWindowDataset
from lstmcast.classifier.event.plan import EventPlan, make_event_plan
from lstmcast.classifier.event.report import report
from lstmcast.classifier.event.teller import EventPipeline, probability
from lstmcast.classifier.event.trained import EventForecaster, EventHoldout
from lstmcast.data.panel import Panel
from lstmcast.errors import DataError
from lstmcast.evaluation import chances
from lstmcast.evaluation.temperature import temperature
from lstmcast.forecaster.fits import FitStage, Tell
from lstmcast.forecaster.measure import scale, scales_of
from lstmcast.forecaster.plan import TrainingPlan
from lstmcast.forecaster.planning import learnable
from lstmcast.forecaster.truth import last_steps
from lstmcast.model.lstm import Network
from lstmcast.model.network import check_forward, load_keras
from lstmcast.store.checkpoint import Checkpoint

if TYPE_CHECKING:
    from lstmcast.config import Config

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def train(
    panel: Panel,
    config: Config,
    *,
    checkpoint: Checkpoint | None = None,
    tell: Tell = lambda _: None,
    planned: Callable[[EventPlan], None] = lambda _: None,
) -> EventForecaster:
    """Train a forecaster of an event.

    Fit with early stopping, calibrate on the origins that stopped it, judge on later ones, fit again on all the data
    for as many epochs, and calibrate on both.

    Args:
        panel: the past.
        config: how.
        checkpoint: where each fit leaves what it has reached, and goes on from.
        tell: called after every epoch.
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
    past = learnable(panel, plan.hold_out.total)
    teller = _teller(past, plan, ())
    stop, judging = (_OriginSet.of(panel, teller, *where) for where in _origins(panel, plan))
    values = plan.plan
    stage = _stage("fitting", values, tell, checkpoint)
    fitted = stage.each(teller.on(past), judge=stop.error if values.recipe.patience is not None else None)
    epochs = tuple(one.epoch for one in fitted)
    judged = replace(teller, networks=tuple(one.network for one in fitted))
    stopped, later = stop.logits(judged.networks), judging.logits(judged.networks)
    said = probability(later, _temperature(stopped, stop.came))
    judgement = judge(panel, judging.seen.truth, (judging.series, judging.origins), judging.came, said)
    if values.refit:
        whole = _teller(panel, plan, ())
        stage = _stage("fitting again on all the data", values, tell, checkpoint)
        again = stage.each(whole.on(panel), epochs=epochs)
        judged = replace(whole, networks=tuple(one.network for one in again))
    settled = _temperature(np.vstack([stopped, later]), np.vstack([stop.came, judging.came]))
    _check(judged, panel, plan)
    positions = panel.starts[judging.series] + judging.origins
    return EventForecaster(
        teller=judged,
        temperature=settled,
        context=last_steps(panel, judged.reach),
        held_out=EventHoldout(judging.series, positions, said, judging.came),
        report=report(panel, config, plan, judgement, epochs, settled),
    )


def _stage(name: str, plan: TrainingPlan, tell: Tell, checkpoint: Checkpoint | None) -> FitStage:
    return FitStage(name, plan.architecture, plan.recipe, plan.networks, tell, checkpoint)


def _origins(panel: Panel, plan: EventPlan) -> tuple[tuple[Ints, Ints, int], tuple[Ints, Ints, int]]:
    """Series, origins and how many last steps may not be seen: of those that stop, and of those that judge."""
    held = plan.hold_out
    return (*held.stopping(panel.lengths), held.judge), (*held.judging(panel.lengths), 0)


@dataclass(frozen=True)
class _OriginSet:
    """B origins that something is decided by.

    Attributes:
        teller: without networks. seen: the panel as it reads it.
        series: [B]. origins: [B]. came: [B, H], known somewhere in each row.
    """

    teller: EventPipeline
    seen: EventWindowDataset
    series: Ints
    origins: Ints
    came: Floats

    @classmethod
    def of(cls, panel: Panel, teller: EventPipeline, series: Ints, origins: Ints, unseen: int) -> _OriginSet:
        """Gather them; the last `unseen` steps of each series stay unknown."""
        kept = np.unique(series)
        known = panel.select(kept).drop_last(unseen)  # the other series may have nothing left
        seen, series = teller.on(known), np.searchsorted(kept, series)
        came = outcomes(known, seen.truth, series, origins, teller.shape.horizon)
        told = (~np.isnan(came)).any(axis=1)
        if not told.any():
            raise DataError(f"{panel.source}: nothing was observed in the steps held out; cut the file, or give more")
        return cls(teller, seen, series[told], origins[told], came[told])

    def logits(self, networks: Sequence[Network]) -> Floats:
        """What networks say together, [B, H]."""
        return replace(self.teller, networks=tuple(networks)).logits(self.seen, self.series, self.origins)

    def error(self, network: Network) -> float:
        """The log loss of one network's probabilities, as they are."""
        said = probability(self.logits([network]))
        return float(chances.log_loss(self.came.ravel(), said.ravel()))


def _teller(panel: Panel, plan: EventPlan, networks: Sequence[Network]) -> EventPipeline:
    """Networks with the scales of the data they learnt from."""
    way = plan.way
    scaling = scale(panel, way.measure, way.shape.level)
    return EventPipeline(
        networks=tuple(networks),
        shape=way.shape,
        measure=way.measure,
        scales=scales_of(panel, scaling),
        usual=scaling.usual,
        rule=plan.rule,
        season=plan.season,
    )


def _temperature(logits: Floats, came: Floats) -> float:
    """What [B, H] log-odds are best divided by. That is all: how often a yes came of late is not how often it will."""
    known = ~np.isnan(came)
    of_yes = logits[known]
    return temperature(np.stack([np.zeros_like(of_yes), of_yes], axis=1), came[known].astype(np.int64))


def _check(teller: EventPipeline, panel: Panel, plan: EventPlan) -> None:
    """Hold the NumPy forward pass against Keras's on the windows that the probabilities will be made from."""
    series = np.arange(min(panel.n_series, 64))
    x = teller.on(panel.select(series)).inputs(series, panel.lengths[series] - teller.shape.context)
    for network in teller.networks:
        check_forward(network, plan.plan.architecture, x)
