"""Pretrained members of an ensemble: their weights by validation errors, and the interval widths that they lend.

Weights that few forecasts decide are hardly better than fixed ones: with a single validation origin, the trained LSTM
counts 1, and all other members count 14 together. With more origins, both are weighted by their errors. Where the
origins are many, all others count 2 against a trained LSTM that forecasts all steps together from their covariates. The
others are weighted among themselves by their errors at past origins (see `past_forecasts`), or, where the series are
too many for that, by their errors at the validation origins. An LSTM that forecasts hundreds of steps may diverge: its
forecast is limited to the deviation from the other members that was usual at the validation origins. The pretrained
networks are not fine-tuned: on one series, that makes as many forecasts worse as better.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from lstmcast.calibration.conformal import calibrate
from lstmcast.data.panel import Panel
from lstmcast.forecasting.ensemble.ensemble import BoundEnsemble, Ensemble, IntervalSource
from lstmcast.forecasting.ensemble.members import Member, SmoothingMember
from lstmcast.forecasting.ensemble.validation_errors import ValidationSet
from lstmcast.forecasting.ensemble.weights import EnsembleWeights
from lstmcast.forecasting.fitting import HoldoutFit
from lstmcast.forecasting.plans import TrainingPlan
from lstmcast.forecasting.pretrained import PretrainedModel, load_pretrained
from lstmcast.forecasting.split_data import OriginSet, SplitData
from lstmcast.preprocessing.panel_scaling import BoundPanel, Preprocessing
from lstmcast.statistical.history import EPSILON
from lstmcast.types import Floats

PRIOR_WEIGHT = 14  # of all other members together, where that of an equally good trained LSTM is 1
PRIOR_WEIGHT_WITH_DRIVERS = 2  # where the trained LSTM reads the covariates of all steps ahead
MIN_DRIVER_ORIGINS = 30  # validation origins that this weight needs
PRIOR_SMOOTHING_WEIGHT = 3 / 7  # fraction of smoothing in it, averaged with that of the pretrained model alone
PLANNED_SMOOTHING_WEIGHT = PRIOR_WEIGHT * PRIOR_SMOOTHING_WEIGHT / (PRIOR_WEIGHT + 1)
ERROR_EXPONENT = 4  # of the inverse errors, for every tenfold number of validation origins
MIN_TEST_HORIZONS = 16  # horizons of test data that suffice to calibrate intervals
DEVIATION_LEVEL = 95.0  # percent of the deviations at the validation origins that stay below the limit
MIN_DEVIATION_ORIGINS = 10  # validation origins that the limit needs


def add_pretrained(fit: HoldoutFit, validation: ValidationSet, plan: TrainingPlan, *, pinned: bool) -> HoldoutFit:
    """Add the members of the zero-shot ensemble, with weights by validation errors.

    Args:
        fit: the trained members.
        validation: the origins where they were stopped early.
        plan: of the training.
        pinned: whether the weight of exponential smoothing is the planned one.
    """
    model, split = load_pretrained(plan.split.past), plan.split
    zero_shot, rule = model.ensemble, model.ensemble.weights
    known = _fitted(zero_shot.preprocessings, split.past, plan.holdout.horizon)
    validated = tuple(each.bind(split.validation.panel) for each in known)
    if rule.past_origins and not pinned:
        other = BoundEnsemble(replace(zero_shot, preprocessings=known), validated)
        errors = np.maximum([validation.rmse(fit.bound.networks), validation.rmse_of(other)], EPSILON)
        own, rest = _weights(np.array([1.0, _other_prior(fit, split)]), errors, len(split.validation)).tolist()
        own = own / (own + rest)
        weights = replace(rule, fixed=(own, *((1 - own) * weight for weight in rule.fixed)))
        members = (fit.bound.ensemble.lstm, *_shifted(zero_shot.members))
        source = replace(rule, fixed=(0.0, *rule.fixed))
        smoothing = weights.fixed[2]
    else:
        members, weights, source = _fixed_members(fit, validation, plan, model, validated[0], pinned=pinned)
        known, validated, smoothing = known[:1], validated[:1], weights.fixed[1] + weights.fixed[3]
    ensemble = Ensemble((*fit.bound.ensemble.preprocessings, *known), members, weights)
    panels = (validation.bound, *validated)
    ensemble = replace(ensemble, max_deviation=_deviation(BoundEnsemble(ensemble, panels), split.validation))
    if _borrows_widths(model, plan):
        ensemble = replace(ensemble, interval_source=IntervalSource(source, model.calibration))
    bound = BoundEnsemble(ensemble, (*fit.bound.panels, *(each.bind(split.panel) for each in known)))
    return replace(fit, selection=replace(fit.selection, smoothing_weight=smoothing), bound=bound)


def _other_prior(fit: HoldoutFit, split: SplitData) -> float:
    """Prior weight of all other members together, where that of the trained LSTM is 1."""
    ensemble, many = fit.bound.ensemble, len(split.validation) >= MIN_DRIVER_ORIGINS
    is_direct = ensemble.preprocessings[0].drivers is not None and ensemble.lstm.head.outputs > 1
    return PRIOR_WEIGHT_WITH_DRIVERS if is_direct and many else PRIOR_WEIGHT


def _fixed_members(
    fit: HoldoutFit,
    validation: ValidationSet,
    plan: TrainingPlan,
    model: PretrainedModel,
    validated: BoundPanel,
    *,
    pinned: bool,
) -> tuple[tuple[Member, ...], EnsembleWeights, EnsembleWeights]:
    """Both LSTMs and exponential smoothing, with weights by validation errors; the rule of the interval source."""
    split, lstm = plan.split, replace(model.ensemble.lstm, preprocessing=1)
    other = ValidationSet(validated, lstm.head, split.validation)
    errors = [validation.rmse(fit.bound.networks), other.rmse(lstm.networks), validation.smoothing_rmse()]
    weights = _weights(_prior(model, split.panel), np.maximum(errors, EPSILON), len(split.validation))
    smoothing = fit.selection.smoothing_weight if pinned else float(weights[2] / weights.sum())
    pretrained = float(weights[1] / weights[:2].sum())
    fixed = np.outer([1 - pretrained, pretrained], [1 - smoothing, smoothing]).ravel()
    members = (fit.bound.ensemble.lstm, SmoothingMember(), lstm, SmoothingMember(1))
    return members, EnsembleWeights(tuple(fixed.tolist())), EnsembleWeights((0.0, 0.0, 1 - smoothing, smoothing))


def _fitted(known: Sequence[Preprocessing], past: Panel, horizon: int | None = None) -> tuple[Preprocessing, ...]:
    """Preprocessings with another horizon if given, the first with the scales of a panel: regressions need none."""
    first, *rest = (replace(each, horizon=horizon or each.horizon) for each in known)
    return first.fit(past).preprocessing, *rest


def _shifted(members: tuple[Member, ...], by: int = 1) -> tuple[Member, ...]:
    """Members with other indices of preprocessing."""
    return tuple(replace(member, preprocessing=member.preprocessing + by) for member in members)  # type: ignore[type-var]


def borrow_interval_widths(fit: HoldoutFit, plan: TrainingPlan) -> HoldoutFit:
    """Measure errors in the intervals of the zero-shot forecast, if the test data are too few to calibrate others.

    Its members have no weight in the forecast.
    """
    if not _few_test_horizons(plan):
        return fit
    model, own = load_pretrained(plan.split.past), fit.bound.ensemble
    if not _borrows_widths(model, plan):
        return fit
    zero_shot, rule = model.ensemble, model.ensemble.weights
    known = _fitted(zero_shot.preprocessings, plan.split.past)
    source = replace(rule, fixed=(*(0.0 for _ in own.members), *rule.fixed))
    ensemble = replace(
        own,
        preprocessings=(*own.preprocessings, *known),
        members=(*own.members, *_shifted(zero_shot.members)),
        weights=replace(own.weights, fixed=(*own.weights.fixed, *(0.0 for _ in rule.fixed))),
        interval_source=IntervalSource(source, model.calibration),
    )
    return replace(
        fit, bound=BoundEnsemble(ensemble, (*fit.bound.panels, *(each.bind(plan.split.panel) for each in known)))
    )


def _prior(model: PretrainedModel, panel: Panel) -> Floats:
    """[3] weights of a trained LSTM, a pretrained LSTM and exponential smoothing with equal errors."""
    preprocessing, rule = model.ensemble.preprocessings[0], model.ensemble.weights
    typical = np.ceil(np.median(panel.lengths, keepdims=True) / preprocessing.polyphase.count)
    alone = rule.smoothing_fraction(model.smoothing_fraction, typical, preprocessing.window_spec.season_length)
    smoothing = (PRIOR_SMOOTHING_WEIGHT + float(alone[0])) / 2
    return np.array([1.0, PRIOR_WEIGHT * (1 - smoothing), PRIOR_WEIGHT * smoothing])


def _weights(prior: Floats, errors: Floats, n_origins: int) -> Floats:
    """[3] prior weights, divided by a power of the errors."""
    return np.asarray(prior / (errors / errors.min()) ** (ERROR_EXPONENT * np.log10(n_origins)))


def _deviation(bound: BoundEnsemble, origins: OriginSet) -> Floats | None:
    """[H] z, usual deviation of the first preprocessing's forecasts from the others; None: too few origins."""
    if len(origins) < MIN_DEVIATION_ORIGINS:
        return None
    deviation = bound.forecast(origins.series, origins.steps, origins.horizon).deviation
    return None if deviation is None else calibrate(np.abs(deviation)[None], (DEVIATION_LEVEL,)).widths[0]


def _borrows_widths(model: PretrainedModel, plan: TrainingPlan) -> bool:
    """True if the intervals use the widths of the pretrained members."""
    return _few_test_horizons(plan) and plan.levels == model.calibration.levels


def _few_test_horizons(plan: TrainingPlan) -> bool:
    """Return True if the test data are too few to calibrate intervals, and all values are positive.

    A floor of zero would cut off the intervals of a pretrained model.
    """
    panel = plan.split.panel
    return plan.holdout.horizons(panel.lengths) < MIN_TEST_HORIZONS and bool(panel.values.min() > 0)
