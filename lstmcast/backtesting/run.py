"""Rolling origins: the LSTM beside every baseline on the user's own past, backtest(panel, config) → BacktestResult."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from lstmcast.backtesting.network import forecast_single_fit, forecast_with_refit
from lstmcast.backtesting.rivals import baseline_forecasts, classical_forecasts
from lstmcast.data.panel import Panel
from lstmcast.errors import DataError
from lstmcast.evaluation import metrics
from lstmcast.evaluation.classical import require
from lstmcast.evaluation.folds import RollingOrigins, filter_long_enough, plan_backtest
from lstmcast.evaluation.scores import BacktestResult, MethodForecasts, Table
from lstmcast.evaluation.scoring import score
from lstmcast.evaluation.skill import Skill, bootstrap_groups, skill, verdict
from lstmcast.forecaster.truth import actuals_after, mase_scales, valid_origins
from lstmcast.model.scaling import valid_transforms

if TYPE_CHECKING:
    from lstmcast.config import Config
    from lstmcast.forecaster.fits import ProgressCallback

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def backtest(
    panel: Panel,
    config: Config,
    *,
    origins: int | None = None,
    step: int | None = None,
    refit: bool = False,
    classical: Sequence[str] = (),
    on_progress: ProgressCallback = lambda _: None,
    note: Callable[[str], None] = lambda _: None,
) -> BacktestResult:
    """Forecast from several past origins, knowing only what came before each, and hold it against what came.

    Args:
        panel: the data.
        config: as for training; `forecast.horizon` is H.
        origins: N of each series, counted back from its end; None: up to 10, as long as a third of a typical series is
            enough for them.
        step: from one origin to the next; None: H, so that no two forecasts of a series share an outcome.
        refit: train anew before every origin, side by side on the cores there are; else once, before the first.
        classical: `ets`, `theta`, `arima`: fitted anew at every origin, where statsforecast is installed.
        on_progress: called after every epoch of a single training.
        note: called with a line on what is going on, where that takes long.

    Raises:
        UsageError: a number below 1, an unknown classical method, or something is not installed.
        DataError: the series are too short for so many origins, or nothing was observed at any.
        ModelError: training exploded.
    """
    require(classical)
    requested = config.forecast.horizon
    folds = plan_backtest(panel, None if requested == "auto" else requested, origins, step)
    long_enough = filter_long_enough(panel, folds)
    actual = _outcomes(long_enough, folds)
    config, notes = _resolve_config(long_enough, config, folds)
    levels = tuple(config.forecast.levels)
    if refit:
        network = forecast_with_refit(long_enough, config, folds, lambda k: note(f"trained {k} of {folds.n_origins}"))
    else:
        network = forecast_single_fit(long_enough, config, folds, on_progress)
    by_method = {"lstm": network, **baseline_forecasts(long_enough, folds, levels, refit=refit)}
    if classical:
        by_method |= classical_forecasts(long_enough, folds, levels, list(dict.fromkeys(classical)), note)
        notes += _failure_notes(by_method)
    scale = mase_scales(long_enough.drop_last(folds.held_out))
    tables = score(actual, by_method, scale, levels)
    result = _skill(tables["all"], actual, by_method, scale, folds.at(long_enough.lengths))
    n_scored = int((~np.isnan(actual)).any(axis=2).sum())
    return BacktestResult(
        panel=long_enough,
        origins=folds.at(long_enough.lengths),
        step=folds.step_size,
        refit=refit,
        levels=levels,
        actual=actual,
        by_method=by_method,
        tables=tables,
        skill=result,
        verdict=verdict(result, n_scored),
        left_out=panel.n_series - long_enough.n_series,
        notes=tuple(notes),
    )


def _outcomes(panel: Panel, folds: RollingOrigins) -> Floats:
    """[S, N, H] what came after each origin; NaN where it is not known, or the origin itself was not observed.

    Raises:
        DataError: nothing is left.
    """
    origins = folds.at(panel.lengths)
    where = np.repeat(np.arange(panel.n_series), folds.n_origins), origins.ravel()
    valid = valid_origins(panel, *where, folds.horizon)
    if not valid.any():
        raise DataError(
            f"{panel.source}: no origin can judge: none of them was observed with anything after it. Give another "
            "--step or --origins"
        )
    actual = np.where(valid[:, None], actuals_after(panel, *where, folds.horizon), np.nan)
    return actual.reshape(*origins.shape, folds.horizon)


def _resolve_config(panel: Panel, config: Config, folds: RollingOrigins) -> tuple[Config, list[str]]:
    """The config with the horizon, and with a transform that values after the first origin can take too."""
    forecast = config.forecast.model_copy(update={"horizon": folds.horizon})
    config = config.model_copy(update={"forecast": forecast})
    later, before = (valid_transforms(values) for values in (panel.values, panel.drop_last(folds.held_out).values))
    if config.model.transform != "auto" or later == before:
        return config, []
    note = f"values after the first origin are {'0' if 'sqrt' in later else 'negative'}: model.transform is {later[0]}"
    return config.model_copy(update={"model": config.model.model_copy(update={"transform": later[0]})}), [note]


def _failure_notes(by_method: Mapping[str, MethodForecasts]) -> list[str]:
    """A line for every method that did not forecast from every origin."""
    missing = {name: np.isnan(forecasts.values).any(axis=2) for name, forecasts in by_method.items()}
    return [
        f"{name} refused {none.sum()} of {none.size} histories (too short, say): it is scored on the others alone"
        for name, none in missing.items()
        if none.any()
    ]


def _skill(
    overall: Table, actual: Floats, by_method: Mapping[str, MethodForecasts], scale: Floats, origins: Ints
) -> Skill:
    """The LSTM against the best of the others: least MASE, or MAE where that is undefined."""
    metric = "mae" if np.isnan(overall["lstm"]["mase"][0]) else "mase"
    rank = {name: scores[metric][0] for name, scores in overall.items() if name != "lstm"}
    best = min(rank, key=lambda name: np.nan_to_num(rank[name], nan=np.inf))
    each = np.ones_like(scale)[:, None] if metric == "mae" else scale[:, None]
    ours, best_errors = (metrics.mase(actual, by_method[name].values, each).ravel() for name in ("lstm", best))
    series = np.repeat(np.arange(len(origins)), origins.shape[1])
    return skill(ours, best_errors, bootstrap_groups(series, origins.ravel(), actual.shape[2]), name=best)
