"""Pretrained networks, as they came, that speak beside those of a training where values are few, or lend intervals.

Weights that few forecasts decide are hardly better than chosen ones: where there is one stopping origin, networks count
1, pretrained networks and smoothing together 14. The more of them there are, the more each of the three counts by its
errors there. A network that is run on for hundreds of steps may stray: its forecast is held back
where it lies further from the others' than it usually did at the stopping origins. The pretrained ones do not learn on
here: on one series alone that makes as many forecasts worse as better.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from lstmcast.data.panel import Panel
from lstmcast.evaluation.intervals import calibrate
from lstmcast.forecaster.group import HoldoutFit
from lstmcast.forecaster.measure import scales_of
from lstmcast.forecaster.plan import TrainingPlan
from lstmcast.forecaster.planning import learnable
from lstmcast.forecaster.pretrained import pretrained
from lstmcast.forecaster.running import EnsembleMember, ForecastPipeline
from lstmcast.forecaster.trial import ValidationSet
from lstmcast.model.past import LEAST

Floats = npt.NDArray[np.float64]

OTHERS = 14  # of pretrained networks and smoothing together, beside networks of one's own that are equally wrong: 1
USUAL_SHARE = 3 / 7  # of that, smoothing's: halfway from here to what it has beside the pretrained ones alone
POWER = 4  # of its error, by which each is divided, for every tenfold number of stopping origins
ENOUGH = 16  # judging horizons that say by themselves how wide intervals must be
USUAL, TELLING = 95.0, 10  # percent of forecasts at the stopping origins that lie no further off; origins that tell it
SMOOTHING = OTHERS * USUAL_SHARE / (OTHERS + 1)


def both(own: ForecastPipeline, others: EnsembleMember, panel: Panel) -> ForecastPipeline:
    """Networks of one's own, and others beside them, with the scales of the data that the own ones learnt from."""
    return replace(own, beside=replace(others, runner=_scaled(others.runner, panel)))


def leaning(panel: Panel, plan: TrainingPlan, own: HoldoutFit) -> tuple[HoldoutFit, EnsembleMember | None]:
    """The own networks, whose intervals lean on those of pretrained ones where little else tells of them.

    These say nothing of the forecast; None where they say nothing of the intervals either.
    """
    if not _little(panel, plan):
        return own, None
    past = learnable(panel, plan.hold_out.total)
    found = pretrained(past)
    if plan.levels != found.calibration.levels:
        return own, None
    silent = EnsembleMember(found.runner, 0.0, found.calibration)
    return replace(own, runner=both(own.runner, silent, past)), silent


def weighed(panel: Panel, plan: TrainingPlan, own: HoldoutFit, *, pinned: bool) -> tuple[HoldoutFit, EnsembleMember]:
    """The own networks with the share of smoothing that suits all and the others beside them, and these by themselves.

    Args:
        panel: all the data.
        plan: how the own ones were trained.
        own: they, as they are judged.
        pinned: whether smoothing's share is the plan's, whatever it did.
    """
    past = learnable(panel, plan.hold_out.total)
    found = pretrained(past)
    known = replace(found.runner, horizon=plan.hold_out.horizon, smoothing=0.0, half=0)
    alone = replace(own.runner, smoothing=0.0), _scaled(known, past)
    trials = [ValidationSet.stopping(panel, plan.hold_out, one) for one in alone]
    ours, theirs = (trial.apart(one.networks) for trial, one in zip(trials, alone, strict=True))
    power = POWER * np.log10(len(trials[0].origins))
    errors = np.maximum([ours[0], theirs[0], ours[1]], LEAST)
    weights = _weights(found.runner, panel) / (errors / errors.min()) ** power
    share = own.chosen.smoothing if pinned else float(weights[2] / weights.sum())
    lean = _little(panel, plan) and plan.levels == found.calibration.levels
    intervals = found.calibration if lean else None
    others = EnsembleMember(replace(known, smoothing=share), float(weights[1] / weights[:2].sum()), intervals)
    own = own.smoothed(share)
    if len(trials[0].origins) >= TELLING:
        off = ValidationSet.stopping(panel, plan.hold_out, both(own.runner, others, past)).between()
        others = replace(others, furthest=calibrate(off[None], (USUAL,)).widths[0])
    return replace(own, runner=both(own.runner, others, past)), others


def _weights(known: ForecastPipeline, panel: Panel) -> Floats:
    """[3] of networks of one's own, pretrained ones and smoothing, that are equally wrong."""
    typical = np.ceil(np.median(panel.lengths, keepdims=True) / known.phases.count)
    smoothing = (USUAL_SHARE + float(known.share(typical)[0])) / 2
    return np.array([1.0, OTHERS * (1 - smoothing), OTHERS * smoothing])


def _little(panel: Panel, plan: TrainingPlan) -> bool:
    """Whether what is held out tells little of how wide intervals must be, and pretrained networks could tell more.

    They could not of a series with a value that is not positive: a floor cuts off what they say of it.
    """
    return plan.hold_out.horizons(panel.lengths) < ENOUGH and bool(panel.values.min() > 0)


def _scaled(runner: ForecastPipeline, panel: Panel) -> ForecastPipeline:
    """With the scales of these data, whatever comes after."""
    return replace(runner, scales=scales_of(panel, runner.on(panel).scaling))
