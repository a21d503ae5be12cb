"""Held-out forecasts beside those of the baselines: scores, a verdict, and the errors that make intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from lstmcast.calibration.conformal import Calibration, calibrate, cross_coverage
from lstmcast.errors import ModelError
from lstmcast.evaluation import metrics
from lstmcast.evaluation.skill import MIN_EFFECT, MIN_SERIES_FOR_GROUPING, Skill, bootstrap_groups, skill, verdict
from lstmcast.forecasting.pipeline import BoundPipeline, ForecastPipeline, ScaledForecast
from lstmcast.forecasting.split_data import SplitData
from lstmcast.statistical.naive import baselines
from lstmcast.types import Floats, Ints

FOLDS = 5
MAX_STORED_FORECASTS = 2000  # held-out forecasts kept for the figure
BORROWED_HORIZONS = 6  # held-out horizons that tell as much of how wide intervals must be as many other series do


@dataclass(frozen=True)
class HoldoutForecasts:
    """Forecasts from held-out origins and what became of them.

    Attributes:
        series: [B] which series.
        positions: [B] the origins, on the calendar.
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
    """What the held-out origins said.

    Attributes:
        scores: for "lstm" and each baseline: mae, rmse, smape, mase (means over origins; NaN where undefined).
        smoothing_scores: the same scores of exponential smoothing alone.
        pretrained_scores: of the pretrained networks that speak beside those of the training; None: none do.
        trained_scores: then, of those of the training.
        skill: against the best baseline.
        verdict: in one sentence.
        origins: how many judged.
        calibration: widths of the intervals.
        calibration_weight: how much these origins say of the widths, 0 to 1; the rest, what the pretrained networks'
            intervals need.
        coverage: [Q] of the intervals on origins that did not calibrate them; coverage_by_step: [Q, H] likewise.
        coverage_folds_overlap: whether their futures overlap those that did, for want of others.
        holdout: the forecasts themselves, of the first series.
    """

    scores: dict[str, dict[str, float]]
    smoothing_scores: dict[str, float]
    pretrained_scores: dict[str, float] | None
    trained_scores: dict[str, float] | None
    skill: Skill
    verdict: str
    origins: int
    calibration: Calibration
    calibration_weight: float
    coverage: Floats
    coverage_by_step: Floats
    coverage_folds_overlap: bool
    holdout: HoldoutForecasts


def evaluate_holdout(pipeline: ForecastPipeline, split: SplitData, levels: tuple[float, ...]) -> HoldoutEvaluation:
    """Forecast from every judging origin and compare.

    Args:
        pipeline: not trained on the hold-out.
        split: the data.
        levels: of the intervals, in percent.

    Raises:
        ModelError: a forecast is no number.
        DataError: nothing was observed in the steps that judge.
    """
    running, test = pipeline.bind(split.panel), split.test
    series, origins, actual = test.series, test.steps, test.actuals
    ahead = running.forecast(series, origins, test.horizon)
    forecast = running.inverse_transform(ahead.z, series)
    if not np.isfinite(forecast).all():
        raise ModelError(
            "the held-out forecasts grow beyond every number: nothing was saved. Lower train.learning_rate, or use "
            "model.activation: tanh"
        )
    errors = ahead.errors(running.scaling.take(series).forward(actual))
    trust = _calibration_weight(pipeline, split.holdout.horizons(split.panel.lengths))
    calibration = calibrate(errors, levels, trust=trust)
    lower, upper = running.intervals(ahead, calibration, series)
    shown = slice(0, MAX_STORED_FORECASTS)
    return HoldoutEvaluation(
        **_comparison_scores(running, split, ahead),
        origins=len(series),
        calibration=calibration,
        calibration_weight=trust,
        **_coverage_scores(errors, series, origins, levels, trust),
        holdout=HoldoutForecasts(
            series=series[shown],
            positions=test.positions[shown],
            forecast=forecast[shown],
            lower=lower[:, shown],
            upper=upper[:, shown],
            actual=actual[shown],
        ),
    )


def _comparison_scores(running: BoundPipeline, split: SplitData, scaled: ScaledForecast) -> dict[str, Any]:
    """The scores, the skill and the verdict of a HoldoutEvaluation."""
    panel, test = split.panel, split.test
    series, origins, actual = test.series, test.steps, test.actuals
    forecast = running.inverse_transform(scaled.z, series)
    scales = split.mase_scales[series]
    baseline_values = {
        name: rule(panel.values, panel.offsets[series], origins, test.horizon)
        for name, rule in baselines(panel.calendar.season).items()
    }
    scores = {
        name: _score(actual, predicted, scales) for name, predicted in {"lstm": forecast, **baseline_values}.items()
    }
    smooth = (
        running.smoothing_forecast(series, origins, test.horizon)
        if scaled.smoothing_forecast is None
        else scaled.smoothing_forecast
    )
    smoothing_scores = _score(actual, running.inverse_transform(smooth, series), scales)
    pretrained_scores, trained_scores = [
        _score(actual, running.inverse_transform(z, series), scales) for z in scaled.member_forecasts or ()
    ] or (None, None)
    best = min(baseline_values, key=lambda name: _rank(scores[name]))
    scale = np.where(np.isnan(scales), 1.0, scales) if panel.n_series == 1 else scales
    ours, best_errors = (metrics.mae(actual, predicted) / scale for predicted in (forecast, baseline_values[best]))
    result = skill(ours, best_errors, bootstrap_groups(series, origins, test.horizon), name=best)
    sentence = verdict(result, len(series))
    ratio = _rank(scores["lstm"]) / (_rank(smoothing_scores) or 1.0)
    if ratio > 1 - MIN_EFFECT:
        sentence += (
            f" Exponential smoothing alone does {'as well' if ratio < 1 + MIN_EFFECT else 'better'}, without the "
            "network."
        )
    return {
        "scores": scores,
        "smoothing_scores": smoothing_scores,
        "pretrained_scores": pretrained_scores,
        "trained_scores": trained_scores,
        "skill": result,
        "verdict": sentence,
    }


def _calibration_weight(pipeline: ForecastPipeline, horizons: float) -> float:
    """How much few held-out horizons say of widths that were calibrated elsewhere; all, where there are no such."""
    if pipeline.partner is None or pipeline.partner.intervals is None:
        return 1.0
    return horizons / (horizons + BORROWED_HORIZONS)


def _coverage_scores(
    errors: Floats, series: Ints, origins: Ints, levels: tuple[float, ...], trust: float
) -> dict[str, Any]:
    """The coverage of a HoldoutEvaluation.

    Of few series the folds are stretches of time; origins whose futures overlap those of a fold do not calibrate for
    it, unless no others are left, which is said.
    """
    horizon = errors.shape[2]
    folds = bootstrap_groups(series, origins, horizon) % FOLDS
    if len(np.unique(series)) >= MIN_SERIES_FOR_GROUPING:
        return _coverage(cross_coverage(errors, folds, levels, trust=trust), overlapping=False)
    overlapping = (np.abs(origins[:, None] - origins) < horizon) & (series[:, None] == series)
    separate = cross_coverage(errors, folds, levels, overlapping=overlapping, trust=trust)
    if np.isnan(separate[0]).any():
        return _coverage(cross_coverage(errors, folds, levels, trust=trust), overlapping=True)
    return _coverage(separate, overlapping=False)


def _coverage(found: tuple[Floats, Floats], *, overlapping: bool) -> dict[str, Any]:
    return {"coverage": found[0], "coverage_by_step": found[1], "coverage_folds_overlap": overlapping}


def _score(actual: Floats, forecast: Floats, scales: Floats) -> dict[str, float]:
    """The four scores of one method, means over origins."""
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
    """What the best baseline has least of: MASE, or MAE where that is undefined."""
    return score["mae"] if np.isnan(score["mase"]) else score["mase"]
