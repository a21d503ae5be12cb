"""Held-out forecasts beside those of the baselines: scores, a verdict, and the errors that make intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lstmcast.data.panel import Panel
from lstmcast.errors import DataError, ModelError
from lstmcast.evaluation import metrics
from lstmcast.evaluation.baselines import baselines
from lstmcast.evaluation.intervals import Calibration, calibrate, cross_coverage
from lstmcast.evaluation.origins import HoldoutSplit
from lstmcast.evaluation.skill import MANY, WORTH, Skill, evidence, skill, verdict
from lstmcast.forecaster.running import BoundPipeline, ForecastPipeline, ScaledForecast
from lstmcast.forecaster.truth import honest, mase_scales, outcomes

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

FOLDS = 5
KEPT = 2000  # held-out forecasts kept for the figure
ELSEWHERE = 6  # held-out horizons that tell as much of how wide intervals must be as many other series do


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
        without_network: the same scores of exponential smoothing alone.
        pretrained_alone: of the pretrained networks that speak beside those of the training; None: none do.
        trained_alone: then, of those of the training.
        skill: against the best baseline.
        verdict: in one sentence.
        origins: how many judged.
        calibration: widths of the intervals.
        trust: how much these origins say of the widths, 0 to 1; the rest, what the pretrained networks' intervals need.
        coverage: [Q] of the intervals on origins that did not calibrate them; coverage_by_step: [Q, H] likewise.
        coverage_overlaps: whether their futures overlap those that did, for want of others.
        held_out: the forecasts themselves, of the first series.
    """

    scores: dict[str, dict[str, float]]
    without_network: dict[str, float]
    pretrained_alone: dict[str, float] | None
    trained_alone: dict[str, float] | None
    skill: Skill
    verdict: str
    origins: int
    calibration: Calibration
    trust: float
    coverage: Floats
    coverage_by_step: Floats
    coverage_overlaps: bool
    held_out: HoldoutForecasts


def judge(runner: ForecastPipeline, panel: Panel, held: HoldoutSplit, levels: tuple[float, ...]) -> HoldoutEvaluation:
    """Forecast from every judging origin and compare.

    Args:
        runner: fitted on nothing of the last `held.total` steps.
        panel: all the data.
        held: which steps judge.
        levels: of the intervals, in percent.

    Raises:
        ModelError: a forecast is no number.
        DataError: nothing was observed in the steps that judge.
    """
    running = runner.on(panel)
    series, origins = held.judging(panel.lengths)
    fair = honest(panel, series, origins, held.horizon)
    if not fair.any():
        raise DataError(
            f"{panel.source}: nothing was observed in the last {held.judge} steps, so nothing can be judged"
        )
    series, origins = series[fair], origins[fair]
    ahead = running.ahead(series, origins, held.horizon)
    actual = outcomes(panel, series, origins, held.horizon)
    forecast = running.back(ahead.z, series)
    if not np.isfinite(forecast).all():
        raise ModelError(
            "the held-out forecasts grow beyond every number: nothing was saved. Lower train.learning_rate, or use "
            "model.activation: tanh"
        )
    errors = ahead.errors(running.scaling.of(series).forward(actual))
    trust = _trust(runner, held.horizons(panel.lengths))
    calibration = calibrate(errors, levels, trust=trust)
    lower, upper = running.bounds(ahead, calibration, series)
    shown = slice(0, KEPT)
    return HoldoutEvaluation(
        **_compared(running, panel, held, (series, origins), actual, ahead),
        origins=len(series),
        calibration=calibration,
        trust=trust,
        **_covered(errors, series, origins, levels, trust),
        held_out=HoldoutForecasts(
            series=series[shown],
            positions=(panel.starts[series] + origins)[shown],
            forecast=forecast[shown],
            lower=lower[:, shown],
            upper=upper[:, shown],
            actual=actual[shown],
        ),
    )


def _compared(
    running: BoundPipeline,
    panel: Panel,
    held: HoldoutSplit,
    where: tuple[Ints, Ints],
    actual: Floats,
    ahead: ScaledForecast,
) -> dict[str, Any]:
    """The scores, the skill and the verdict of a HoldoutEvaluation."""
    series, origins = where
    forecast = running.back(ahead.z, series)
    scales = mase_scales(panel.drop_last(held.total))[series]
    rivals = {
        name: rule(panel.values, panel.offsets[series], origins, held.horizon)
        for name, rule in baselines(panel.calendar.season).items()
    }
    scores = {name: _score(actual, said, scales) for name, said in {"lstm": forecast, **rivals}.items()}
    smooth = running.smoothed(series, origins, held.horizon) if ahead.smooth is None else ahead.smooth
    alone = _score(actual, running.back(smooth, series), scales)
    theirs, own = [_score(actual, running.back(z, series), scales) for z in ahead.apart or ()] or (None, None)
    best = min(rivals, key=lambda name: _rank(scores[name]))
    unit = np.where(np.isnan(scales), 1.0, scales) if panel.n_series == 1 else scales
    ours, best_rival = (metrics.mae(actual, said) / unit for said in (forecast, rivals[best]))
    result = skill(ours, best_rival, evidence(series, origins, held.horizon), name=best)
    sentence = verdict(result, len(series))
    ratio = _rank(scores["lstm"]) / (_rank(alone) or 1.0)
    if ratio > 1 - WORTH:
        sentence += (
            f" Exponential smoothing alone does {'as well' if ratio < 1 + WORTH else 'better'}, without the network."
        )
    return {
        "scores": scores,
        "without_network": alone,
        "pretrained_alone": theirs,
        "trained_alone": own,
        "skill": result,
        "verdict": sentence,
    }


def _trust(runner: ForecastPipeline, horizons: float) -> float:
    """How much few held-out horizons say of widths that were calibrated elsewhere; all, where there are no such."""
    if runner.beside is None or runner.beside.intervals is None:
        return 1.0
    return horizons / (horizons + ELSEWHERE)


def _covered(errors: Floats, series: Ints, origins: Ints, levels: tuple[float, ...], trust: float) -> dict[str, Any]:
    """The coverage of a HoldoutEvaluation.

    Of few series the folds are stretches of time; origins whose futures overlap those of a fold do not calibrate for
    it, unless no others are left, which is said.
    """
    horizon = errors.shape[2]
    folds = evidence(series, origins, horizon) % FOLDS
    if len(np.unique(series)) >= MANY:
        return _coverage(cross_coverage(errors, folds, levels, trust=trust), overlapping=False)
    near = (np.abs(origins[:, None] - origins) < horizon) & (series[:, None] == series)
    apart = cross_coverage(errors, folds, levels, near=near, trust=trust)
    if np.isnan(apart[0]).any():
        return _coverage(cross_coverage(errors, folds, levels, trust=trust), overlapping=True)
    return _coverage(apart, overlapping=False)


def _coverage(found: tuple[Floats, Floats], *, overlapping: bool) -> dict[str, Any]:
    return {"coverage": found[0], "coverage_by_step": found[1], "coverage_overlaps": overlapping}


def _score(actual: Floats, said: Floats, scales: Floats) -> dict[str, float]:
    """The four scores of one method, means over origins."""
    return {
        "mae": _mean(metrics.mae(actual, said)),
        "rmse": metrics.rmse(actual, said),
        "smape": _mean(metrics.smape(actual, said)),
        "mase": _mean(metrics.mase(actual, said, scales)),
    }


def _mean(scores: Floats) -> float:
    known = scores[~np.isnan(scores)]
    return float(known.mean()) if len(known) else float("nan")


def _rank(score: dict[str, float]) -> float:
    """What the best baseline has least of: MASE, or MAE where that is undefined."""
    return score["mae"] if np.isnan(score["mase"]) else score["mase"]
