"""Evaluation on the hold-out: scores next to the baselines, interval calibration and coverage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from lstmcast.calibration.conformal import Calibration, calibrate, cross_coverage
from lstmcast.errors import ModelError
from lstmcast.evaluation import metrics
from lstmcast.evaluation.skill import MIN_SERIES_FOR_GROUPING, bootstrap_groups, skill
from lstmcast.forecasting.ensemble import BoundEnsemble, Ensemble, ScaledForecast, SmoothingMember, forecast_series
from lstmcast.forecasting.split_data import SplitData
from lstmcast.results import LSTMCAST, MemberName, ValueEvaluation
from lstmcast.statistical.naive import baselines
from lstmcast.types import Floats, Ints

FOLDS = 5
MAX_STORED_FORECASTS = 2000  # stored for the figure
BORROWED_HORIZONS = 6  # test horizons that count as much as the borrowed calibration


@dataclass(frozen=True)
class HoldoutForecasts:
    """Forecasts from the test origins, and the actual values.

    Attributes:
        series: [B] index of the series.
        positions: [B] calendar positions of the origins.
        forecast: [B, H].
        lower, upper: [Q, B, H].
        actual: [B, H], NaN where not observed.
    """

    series: Ints
    positions: Ints
    forecast: Floats
    lower: Floats
    upper: Floats
    actual: Floats


@dataclass(frozen=True)
class HoldoutEvaluation:
    """The hold-out of a training.

    Attributes:
        evaluation: the scores.
        calibration: the interval widths.
        holdout: the forecasts from the held-out origins, of the first series.
    """

    evaluation: ValueEvaluation
    calibration: Calibration
    holdout: HoldoutForecasts


def evaluate_holdout(bound: BoundEnsemble, split: SplitData, levels: tuple[float, ...]) -> HoldoutEvaluation:
    """Forecast from every test origin, score against the baselines, and calibrate the intervals.

    Args:
        bound: the ensemble, not trained on the hold-out, and all the data.
        split: the data.
        levels: of the intervals, in percent.

    Raises:
        ModelError: a forecast is not finite.
        DataError: nothing was observed in the test steps.
    """
    test = split.test
    series, origins, actual = test.series, test.steps, test.actuals
    ahead = bound.forecast(series, origins, test.horizon)
    forecast = bound.inverse_transform(ahead.z, series)
    if not np.isfinite(forecast).all():
        raise ModelError(
            "the held-out forecasts grow beyond every number: nothing was saved. Lower train.learning_rate, or use "
            "model.activation: tanh"
        )
    errors = ahead.errors(bound.panels[0].transform(actual, series))
    trust = _calibration_weight(bound.ensemble, split.holdout.horizons(split.panel.lengths))
    calibration = calibrate(errors, levels, trust=trust)
    lower, upper = bound.intervals(ahead, calibration, series)
    shown = slice(0, MAX_STORED_FORECASTS)
    return HoldoutEvaluation(
        evaluation=ValueEvaluation(
            **_comparison(bound, split, ahead),
            n_scored=len(series),
            calibration_weight=trust,
            **_coverage(errors, series, origins, levels, trust),
        ),
        calibration=calibration,
        holdout=HoldoutForecasts(
            series=series[shown],
            positions=test.positions[shown],
            forecast=forecast[shown],
            lower=lower[:, shown],
            upper=upper[:, shown],
            actual=actual[shown],
        ),
    )


def _comparison(bound: BoundEnsemble, split: SplitData, scaled: ScaledForecast) -> dict[str, Any]:
    """The scores of lstmcast, its members and the baselines, and the skill."""
    panel, test = split.panel, split.test
    series, origins, actual = test.series, test.steps, test.actuals
    forecast = bound.inverse_transform(scaled.z, series)
    scales = split.mase_scales[series]
    baseline_values = {
        name: rule(panel.values, panel.offsets[series], origins, test.horizon)
        for name, rule in baselines(panel.calendar.season).items()
    }
    members = bound.member_values(scaled, series)
    if MemberName.SMOOTHING not in members:
        z = forecast_series(SmoothingMember(), bound.panels[0], series, origins, test.horizon).z
        members[MemberName.SMOOTHING] = bound.inverse_transform(z, series)
    scores = {name: _score(actual, values, scales) for name, values in {LSTMCAST: forecast, **baseline_values}.items()}
    best = min(baseline_values, key=lambda name: _rank(scores[name]))
    scale = np.where(np.isnan(scales), 1.0, scales) if panel.n_series == 1 else scales
    errors, best_errors = (metrics.mae(actual, values) / scale for values in (forecast, baseline_values[best]))
    return {
        "scores": scores,
        "members": {name: _score(actual, values, scales) for name, values in members.items()},
        "skill": skill(errors, best_errors, bootstrap_groups(series, origins, test.horizon), name=best),
    }


def _calibration_weight(ensemble: Ensemble, horizons: float) -> float:
    """Weight of the test origins in the calibration; 1 if no interval widths are borrowed."""
    if ensemble.interval_source is None:
        return 1.0
    return horizons / (horizons + BORROWED_HORIZONS)


def _coverage(errors: Floats, series: Ints, origins: Ints, levels: tuple[float, ...], trust: float) -> dict[str, Any]:
    """The cross-validated coverage of the intervals.

    With few series, folds are stretches of time. Origins with outcomes in common with a fold do not calibrate for it,
    unless no others are left.
    """
    horizon, overlap = errors.shape[2], False
    folds = bootstrap_groups(series, origins, horizon) % FOLDS
    if len(np.unique(series)) >= MIN_SERIES_FOR_GROUPING:
        overall, by_step = cross_coverage(errors, folds, levels, trust=trust)
    else:
        overlapping = (np.abs(origins[:, None] - origins) < horizon) & (series[:, None] == series)
        overall, by_step = cross_coverage(errors, folds, levels, overlapping=overlapping, trust=trust)
        if overlap := bool(np.isnan(overall).any()):
            overall, by_step = cross_coverage(errors, folds, levels, trust=trust)
    names = [f"{level:g}" for level in levels]
    return {
        "coverage": dict(zip(names, overall.tolist(), strict=True)),
        "coverage_by_step": dict(zip(names, map(tuple, by_step.tolist()), strict=True)),
        "coverage_folds_overlap": overlap,
    }


def _score(actual: Floats, forecast: Floats, scales: Floats) -> dict[str, float]:
    """Four scores of one method, averaged over origins."""
    return {
        "mae": _mean(metrics.mae(actual, forecast)),
        "rmse": metrics.rmse(actual, forecast),
        "smape": _mean(metrics.smape(actual, forecast)),
        "mase": _mean(metrics.mase(actual, forecast, scales)),
    }


def _mean(scores: Floats) -> float:
    known = scores[~np.isnan(scores)]
    return float(known.mean()) if len(known) else float("nan")


def _rank(score: dict[str, float]) -> float:
    """Score by which baselines are ranked: MASE, or MAE where that is undefined."""
    return score["mae"] if np.isnan(score["mase"]) else score["mase"]
