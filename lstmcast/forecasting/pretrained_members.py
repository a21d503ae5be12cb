"""Pretrained members of an ensemble: their weights by validation errors, and the interval widths that they lend.

Weights that few forecasts decide are hardly better than fixed ones: with a single validation origin, the trained LSTM
counts 1, and the pretrained LSTM and exponential smoothing count 14 together. With more origins, the three are weighted
by their errors. An LSTM that forecasts hundreds of steps may diverge: its forecast is limited to the deviation from the
other members that was usual at the validation origins. The pretrained networks are not fine-tuned: on one series, that
makes as many forecasts worse as better.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lstmcast.calibration.conformal import calibrate
from lstmcast.data.panel import Panel
from lstmcast.forecasting.ensemble import BoundEnsemble, Ensemble, IntervalSource, SmoothingMember
from lstmcast.forecasting.ensemble_weights import EnsembleWeights
from lstmcast.forecasting.fitting import HoldoutFit
from lstmcast.forecasting.planning import TrainingPlan
from lstmcast.forecasting.pretrained import PretrainedModel, load_pretrained
from lstmcast.forecasting.split_data import OriginSet
from lstmcast.forecasting.validation_errors import ValidationSet
from lstmcast.statistical.history import EPSILON
from lstmcast.types import Floats

PRIOR_WEIGHT = 14  # of the pretrained LSTM and smoothing together, where that of an equally good trained LSTM is 1
PRIOR_SMOOTHING_WEIGHT = 3 / 7  # fraction of smoothing in it, averaged with that of the pretrained model alone
PLANNED_SMOOTHING_WEIGHT = PRIOR_WEIGHT * PRIOR_SMOOTHING_WEIGHT / (PRIOR_WEIGHT + 1)
ERROR_EXPONENT = 4  # of the inverse errors, for every tenfold number of validation origins
MIN_TEST_HORIZONS = 16  # horizons of test data that suffice to calibrate intervals
DEVIATION_LEVEL = 95.0  # percent of the deviations at the validation origins that stay below the limit
MIN_DEVIATION_ORIGINS = 10  # validation origins that the limit needs


def add_pretrained(fit: HoldoutFit, validation: ValidationSet, plan: TrainingPlan, *, pinned: bool) -> HoldoutFit:
    """Add a pretrained LSTM to the ensemble, with weights by validation errors.

    Args:
        fit: the trained members.
        validation: the origins where they were stopped early.
        plan: of the training.
        pinned: whether the weight of exponential smoothing is the planned one.
    """
    split, own = plan.split, fit.bound.ensemble
    model = load_pretrained(split.past)
    lstm = replace(model.ensemble.lstm, preprocessing=1)
    preprocessing = (
        replace(model.ensemble.preprocessings[0], horizon=plan.holdout.horizon).fit(split.past).preprocessing
    )
    other = ValidationSet(preprocessing.bind(split.validation.panel), lstm.head, split.validation)
    errors = [validation.rmse(own.lstm.networks), other.rmse(lstm.networks), validation.smoothing_rmse()]
    weights = _weights(_prior(model, split.panel), np.maximum(errors, EPSILON), len(split.validation))
    smoothing = fit.selection.smoothing_weight if pinned else float(weights[2] / weights.sum())
    pretrained = float(weights[1] / weights[:2].sum())
    fixed = np.outer([1 - pretrained, pretrained], [1 - smoothing, smoothing]).ravel()
    ensemble = Ensemble(
        preprocessings=(*own.preprocessings, preprocessing),
        members=(own.lstm, SmoothingMember(), lstm, SmoothingMember(1)),
        weights=EnsembleWeights(tuple(fixed.tolist())),
    )
    deviation = _deviation(BoundEnsemble(ensemble, (validation.bound, other.bound)), split.validation)
    ensemble = replace(ensemble, max_deviation=deviation)
    if _borrows_widths(model, plan):
        source = IntervalSource(EnsembleWeights((0.0, 0.0, 1 - smoothing, smoothing)), model.calibration)
        ensemble = replace(ensemble, interval_source=source)
    bound = BoundEnsemble(ensemble, (*fit.bound.panels, preprocessing.bind(split.panel)))
    return replace(fit, selection=replace(fit.selection, smoothing_weight=smoothing), bound=bound)


def borrow_interval_widths(fit: HoldoutFit, plan: TrainingPlan) -> HoldoutFit:
    """Measure errors in the intervals of the zero-shot forecast, if the test data are too few to calibrate others.

    Its members have no weight in the forecast.
    """
    if not _few_test_horizons(plan):
        return fit
    model, own = load_pretrained(plan.split.past), fit.bound.ensemble
    if not _borrows_widths(model, plan):
        return fit
    zeros, zero_shot = (0.0,) * len(own.members), model.ensemble
    preprocessing = zero_shot.preprocessings[0].fit(plan.split.past).preprocessing
    ensemble = replace(
        own,
        preprocessings=(*own.preprocessings, preprocessing),
        members=(*own.members, replace(zero_shot.lstm, preprocessing=1), SmoothingMember(1)),
        weights=replace(own.weights, fixed=(*own.weights.fixed, 0.0, 0.0)),
        interval_source=IntervalSource(
            replace(zero_shot.weights, fixed=(*zeros, *zero_shot.weights.fixed)), model.calibration
        ),
    )
    return replace(fit, bound=BoundEnsemble(ensemble, (*fit.bound.panels, preprocessing.bind(plan.split.panel))))


def _prior(model: PretrainedModel, panel: Panel) -> Floats:
    """[3] weights of a trained LSTM, a pretrained LSTM and exponential smoothing with equal errors."""
    preprocessing, rule = model.ensemble.preprocessings[0], model.ensemble.weights
    typical = np.ceil(np.median(panel.lengths, keepdims=True) / preprocessing.polyphase.count)
    alone = rule.smoothing_fraction(rule.fixed[1], typical, preprocessing.window_spec.season_length)
    smoothing = (PRIOR_SMOOTHING_WEIGHT + float(alone[0])) / 2
    return np.array([1.0, PRIOR_WEIGHT * (1 - smoothing), PRIOR_WEIGHT * smoothing])


def _weights(prior: Floats, errors: Floats, n_origins: int) -> Floats:
    """[3] prior weights, divided by a power of the errors."""
    return np.asarray(prior / (errors / errors.min()) ** (ERROR_EXPONENT * np.log10(n_origins)))


def _deviation(bound: BoundEnsemble, origins: OriginSet) -> Floats | None:
    """[H] z, usual deviation of the first preprocessing's forecasts from the others; None: too few origins."""
    if len(origins) < MIN_DEVIATION_ORIGINS:
        return None
    first, *rest = bound.forecast(origins.series, origins.steps, origins.horizon).parts
    return calibrate(np.abs(first - rest[-1])[None], (DEVIATION_LEVEL,)).widths[0] if rest else None


def _borrows_widths(model: PretrainedModel, plan: TrainingPlan) -> bool:
    """True if the intervals use the widths of the pretrained members."""
    return _few_test_horizons(plan) and plan.levels == model.calibration.levels


def _few_test_horizons(plan: TrainingPlan) -> bool:
    """Return True if the test data are too few to calibrate intervals, and all values are positive.

    A floor of zero would cut off the intervals of a pretrained model.
    """
    panel = plan.split.panel
    return plan.holdout.horizons(panel.lengths) < MIN_TEST_HORIZONS and bool(panel.values.min() > 0)
