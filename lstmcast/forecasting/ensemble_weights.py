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

from lstmcast.calibration.conformal import calibrate
from lstmcast.data.panel import Panel
from lstmcast.forecasting.fitting import HoldoutFit
from lstmcast.forecasting.pipeline import EnsembleMember, ForecastPipeline
from lstmcast.forecasting.planning import TrainingPlan
from lstmcast.forecasting.pretrained import load_pretrained_forecaster
from lstmcast.forecasting.validation_errors import ValidationSet
from lstmcast.preprocessing.panel_scaling import series_scales
from lstmcast.statistical.history import EPSILON
from lstmcast.types import Floats

PRIOR_WEIGHT = (
    14  # of pretrained networks and smoothing together, beside networks of one's own that are equally wrong: 1
)
PRIOR_SMOOTHING_WEIGHT = (
    3 / 7
)  # of that, smoothing's: halfway from here to what it has beside the pretrained ones alone
ERROR_EXPONENT = 4  # of its error, by which each is divided, for every tenfold number of stopping origins
MIN_TEST_HORIZONS = 16  # judging horizons that say by themselves how wide intervals must be
DEVIATION_LEVEL = 95.0  # percent of forecasts at the validation origins that lie no further off
MIN_DEVIATION_ORIGINS = 10  # validation origins that this level needs
SMOOTHING = PRIOR_WEIGHT * PRIOR_SMOOTHING_WEIGHT / (PRIOR_WEIGHT + 1)


def attach_pretrained(own: ForecastPipeline, member: EnsembleMember, panel: Panel) -> ForecastPipeline:
    """Networks of one's own, and others beside them, with the scales of the data that the own ones learnt from."""
    return replace(own, partner=replace(member, pipeline=_scaled(member.pipeline, panel)))


def borrow_interval_widths(plan: TrainingPlan, own: HoldoutFit) -> tuple[HoldoutFit, EnsembleMember | None]:
    """The own networks, whose intervals lean on those of pretrained ones where little else tells of them.

    These say nothing of the forecast; None where they say nothing of the intervals either.
    """
    if not _few_test_horizons(plan):
        return own, None
    past = plan.split.past
    found = load_pretrained_forecaster(past)
    if plan.levels != found.calibration.levels:
        return own, None
    silent = EnsembleMember(found.pipeline, 0.0, found.calibration)
    return replace(own, pipeline=attach_pretrained(own.pipeline, silent, past)), silent


def weight_members(plan: TrainingPlan, own: HoldoutFit, *, pinned: bool) -> tuple[HoldoutFit, EnsembleMember]:
    """The own networks with the share of smoothing that suits all and the others beside them, and these by themselves.

    Args:
        plan: how the own ones were trained.
        own: they, as they are judged.
        pinned: whether smoothing's share is the plan's, whatever it did.
    """
    past = plan.split.past
    found = load_pretrained_forecaster(past)
    known = replace(found.pipeline, horizon=plan.holdout.horizon, smoothing_weight=0.0, smoothing_half_length=0)
    alone = replace(own.pipeline, smoothing_weight=0.0), _scaled(known, past)
    trials = [ValidationSet.of_validation(plan.split, pipeline) for pipeline in alone]
    trained_errors, pretrained_errors = (
        trial.member_rmse(pipeline.networks) for trial, pipeline in zip(trials, alone, strict=True)
    )
    power = ERROR_EXPONENT * np.log10(len(plan.split.validation))
    errors = np.maximum([trained_errors[0], pretrained_errors[0], trained_errors[1]], EPSILON)
    weights = _weights(found.pipeline, plan.split.panel) / (errors / errors.min()) ** power
    smoothing_weight = own.selection.smoothing_weight if pinned else float(weights[2] / weights.sum())
    borrows = _few_test_horizons(plan) and plan.levels == found.calibration.levels
    intervals = found.calibration if borrows else None
    member = EnsembleMember(
        replace(known, smoothing_weight=smoothing_weight), float(weights[1] / weights[:2].sum()), intervals
    )
    own = own.with_smoothing_weight(smoothing_weight)
    if len(plan.split.validation) >= MIN_DEVIATION_ORIGINS:
        disagreement = ValidationSet.of_validation(
            plan.split, attach_pretrained(own.pipeline, member, past)
        ).member_disagreement()
        member = replace(member, max_deviation=calibrate(disagreement[None], (DEVIATION_LEVEL,)).widths[0])
    return replace(own, pipeline=attach_pretrained(own.pipeline, member, past)), member


def _weights(known: ForecastPipeline, panel: Panel) -> Floats:
    """[3] of networks of one's own, pretrained ones and smoothing, that are equally wrong."""
    typical = np.ceil(np.median(panel.lengths, keepdims=True) / known.phases.count)
    smoothing = (PRIOR_SMOOTHING_WEIGHT + float(known.smoothing_weight_of(typical)[0])) / 2
    return np.array([1.0, PRIOR_WEIGHT * (1 - smoothing), PRIOR_WEIGHT * smoothing])


def _few_test_horizons(plan: TrainingPlan) -> bool:
    """Whether what is held out tells little of how wide intervals must be, and pretrained networks could tell more.

    They could not of a series with a value that is not positive: a floor cuts off what they say of it.
    """
    panel = plan.split.panel
    return plan.holdout.horizons(panel.lengths) < MIN_TEST_HORIZONS and bool(panel.values.min() > 0)


def _scaled(pipeline: ForecastPipeline, panel: Panel) -> ForecastPipeline:
    """With the scales of these data, whatever comes after."""
    return replace(pipeline, scales=series_scales(panel, pipeline.bind(panel).scaling))
