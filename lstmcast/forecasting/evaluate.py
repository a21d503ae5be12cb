"""Scores of held-out forecasts, and the report of a training for the manifest."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from lstmcast.calibration.conformal import Calibration, calibrate, cross_coverage
from lstmcast.data.panel import Panel
from lstmcast.errors import ModelError
from lstmcast.evaluation import metrics
from lstmcast.evaluation.skill import MIN_SERIES_FOR_GROUPING, bootstrap_groups, skill
from lstmcast.evaluation.splits import HoldoutSplit
from lstmcast.forecasting.ensemble.ensemble import BoundEnsemble, Ensemble
from lstmcast.forecasting.ensemble.intervals import calibrated_bounds, intervals
from lstmcast.forecasting.ensemble.scaled_forecast import ScaledForecast
from lstmcast.forecasting.split_data import SplitData
from lstmcast.results import LSTMCAST, DataInfo, Holdout, RecordedConfig, ScoredNetwork, ValueEvaluation, ValueReport
from lstmcast.statistical.naive import baselines
from lstmcast.types import Floats, Ints

if TYPE_CHECKING:
    from lstmcast.config import Config
    from lstmcast.data.labeled_panel import LabeledPanel
    from lstmcast.forecasting.plans import NetworkPlan, Selection, TrainingPlan

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
            "the held-out forecasts are not finite; no model was saved. Lower train.learning_rate, or use "
            "model.activation: tanh"
        )
    errors = ahead.errors(bound.panels[0].transform(actual, series))
    trust = _calibration_weight(bound.ensemble, split.holdout.horizons(split.panel.lengths))
    calibration = calibrate(errors, levels, trust=trust)
    plain = calibrated_bounds(bound, ahead, calibration, series)
    lower, upper = intervals(bound, ahead, calibration, series, origins)
    shown = slice(0, MAX_STORED_FORECASTS)
    return HoldoutEvaluation(
        evaluation=ValueEvaluation(
            **_comparison(bound, split, ahead),
            n_scored=len(series),
            calibration_weight=trust,
            **_coverage(errors, series, origins, levels, trust, _inside(actual, ahead, plain, (lower, upper))),
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
        for name, rule in baselines(panel.calendar.season, panel.calendar.naive_seasons).items()
    }
    members = bound.member_values(scaled, series, origins)
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


def _inside(
    actual: Floats, forecast: ScaledForecast, calibrated: tuple[Floats, Floats], bounds: tuple[Floats, Floats]
) -> Floats:
    """[Q, B, H] 1 or 0: the outcome is inside bounds that follow the past values; NaN for calibrated bounds.

    Args:
        actual: [B, H].
        forecast: from B origins.
        calibrated, bounds: lower and upper [Q, B, H], by the calibration alone and as they are.
    """
    moved = np.any([(old != new).any(axis=(0, 2)) for old, new in zip(calibrated, bounds, strict=True)], axis=0)
    if forecast.undamped is not None:
        moved &= (forecast.undamped == forecast.z).all(axis=1)
    inside = (actual >= bounds[0]) & (actual <= bounds[1])
    return np.where(moved[:, None], inside, np.nan)


def _coverage(
    errors: Floats, series: Ints, origins: Ints, levels: tuple[float, ...], trust: float, inside: Floats
) -> dict[str, Any]:
    """The cross-validated coverage of the intervals.

    With few series, folds are stretches of time. Origins with outcomes in common with a fold do not calibrate for it,
    unless no others are left.
    """
    horizon, overlap = errors.shape[2], False
    folds = bootstrap_groups(series, origins, horizon) % FOLDS
    if len(np.unique(series)) >= MIN_SERIES_FOR_GROUPING:
        overall, by_step = cross_coverage(errors, folds, levels, trust=trust, inside=inside)
    else:
        overlapping = (np.abs(origins[:, None] - origins) < horizon) & (series[:, None] == series)
        overall, by_step = cross_coverage(errors, folds, levels, overlapping=overlapping, trust=trust, inside=inside)
        if overlap := bool(np.isnan(overall).any()):
            overall, by_step = cross_coverage(errors, folds, levels, trust=trust, inside=inside)
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


LIBRARIES = ("lstmcast", "tensorflow", "keras", "numpy", "pandas", "safetensors")
KERNEL_NAMES = ("scipy_openblas_get_corename64_", "openblas_get_corename64_", "scipy_openblas_get_corename")
"""Functions of OpenBLAS as NumPy's wheels name them; each returns the name of the kernel in use."""


def report(
    panel: Panel,
    config: Config,
    plan: TrainingPlan,
    evaluation: ValueEvaluation,
    selection: Selection,
    bound: BoundEnsemble,
) -> ValueReport:
    """Return the report of a training on values."""
    return ValueReport(
        **common_report(panel, config, plan, selection.epochs),
        evaluation=replace(
            evaluation, member_weights=bound.median_weights(np.arange(panel.n_series), panel.lengths - 1)
        ),
        preprocessing=str(selection.variant),
        adaptive_weights=bound.ensemble.weights.adaptive,
        holdout=describe_holdout(plan.holdout),
        mase_season=panel.calendar.mase_season,
    )


def common_report(
    data: Panel | LabeledPanel, config: Config, plan: NetworkPlan, epochs: Sequence[int], *, scores_saved: bool = False
) -> dict[str, Any]:
    """Return the fields of a `TrainingReport` that do not depend on the task.

    Args:
        data: the training data.
        config: the settings.
        plan: the decisions of the training run.
        epochs: of each network.
        scores_saved: whether the scores are those of the saved networks, though a refit was planned.
    """
    return {
        "config": RecordedConfig(**config.model_dump(mode="json")),
        "inferred": (*data.inferred, *plan.inferred),
        "network": str(plan.architecture),
        "parameters": plan.architecture.parameters,
        "epochs": tuple(epochs),
        "scored_network": _scored_network(plan, rejected=scores_saved),
        "data": describe_data(data),
        "libraries": library_versions(),
    }


def describe_holdout(split: HoldoutSplit) -> Holdout:
    """Return the held-out steps of a split."""
    return Holdout(split.horizon, split.validation_steps, split.test_steps)


def describe_data(data: Panel | LabeledPanel) -> DataInfo:
    """Return source, size, time span of the first series and fingerprint."""
    text, first = data.calendar.text, data.starts[:1]
    return DataInfo(
        source=data.source,
        series=data.n_series,
        rows=len(data.values),
        fingerprint=data.fingerprint(),
        first=text(first)[0],
        last=text(first + data.lengths[:1] - 1)[0],
    )


def library_versions() -> dict[str, str]:
    """Versions of the libraries that a model's numbers depend on, and the BLAS kernel that rounds its sums."""
    return {name: found for name in LIBRARIES if (found := _version(name))} | blas()


def blas() -> dict[str, str]:
    """Name and version of NumPy's BLAS, and the kernel it chose for this processor where it is OpenBLAS."""
    build: Any = np.show_config(mode="dicts")
    name, version = (build["Build Dependencies"]["blas"].get(key, "unknown") for key in ("name", "version"))
    library = ctypes.CDLL(import_module("numpy.linalg._umath_linalg").__file__)
    kernels = [getattr(library, function) for function in KERNEL_NAMES if hasattr(library, function)]
    if not kernels:
        return {"blas": f"{name} {version}"}
    kernels[0].restype = ctypes.c_char_p
    return {"blas": f"{name} {version}", "blas_kernel": kernels[0]().decode()}


def _scored_network(plan: NetworkPlan, *, rejected: bool) -> ScoredNetwork:
    """The model that the scores belong to."""
    if not plan.refit:
        return ScoredNetwork.FINAL
    if rejected:
        return ScoredNetwork.REFIT_REJECTED
    return ScoredNetwork.CONTINUED if plan.recipe.patience is None else ScoredNetwork.HOLDOUT


def _version(name: str) -> str | None:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(name)
    except PackageNotFoundError:
        return None
