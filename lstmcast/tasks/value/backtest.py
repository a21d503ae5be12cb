"""Rolling-origin backtest of lstmcast and the baselines."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from lstmcast.data.panel import Panel
from lstmcast.errors import DataError, ModelError
from lstmcast.evaluation import metrics
from lstmcast.evaluation.backtest_result import BacktestResult, MethodForecasts, Table, score
from lstmcast.evaluation.skill import Skill, bootstrap_groups, skill
from lstmcast.evaluation.splits import RollingOrigins, filter_long_enough, plan_backtest
from lstmcast.forecasting.actuals import actuals_after, mase_scales, valid_origins
from lstmcast.forecasting.seasonal_naive import conformal_half_widths, min_bounds
from lstmcast.parallel import process_map
from lstmcast.preprocessing.scaling import valid_transforms
from lstmcast.results import LSTMCAST
from lstmcast.statistical.naive import Rule, baselines, naive2
from lstmcast.statistical.statsforecast_models import METHODS, FitJob, fit_all, require
from lstmcast.types import Floats, Ints

if TYPE_CHECKING:
    from lstmcast.config import Config
    from lstmcast.forecasting.fitting import ProgressCallback
    from lstmcast.forecasting.forecaster import Forecaster

Parts = tuple[Floats, Floats, Floats]

MAX_PARALLEL_FITS = 8  # trainings at once: each needs about a gigabyte


def forecast_single_fit(
    panel: Panel, config: Config, folds: RollingOrigins, on_progress: ProgressCallback
) -> MethodForecasts:
    """One forecaster, fitted on what came before every series' first origin, asked at all of them at once.

    Raises:
        DataError: too little is left to learn from.
        ModelError: a forecast is no number.
    """
    forecaster = _train(panel.drop_last(folds.held_out), config, on_progress)
    if (
        not config.train.refit_on_all_data
    ):  # of a series that it never learnt from, the unit is measured: on the past alone
        return _stacked([_ends(forecaster, panel.drop_last(back)) for back in folds.offsets_from_end.tolist()])
    series, shape = (
        np.repeat(np.arange(panel.n_series), folds.n_origins),
        (panel.n_series, folds.n_origins, folds.horizon),
    )
    forecasts = forecaster.at(panel, series, folds.at(panel.lengths).ravel(), folds.horizon)
    return _checked(*(part.reshape(*part.shape[:-2], *shape) for part in forecasts))


def forecast_with_refit(
    panel: Panel, config: Config, folds: RollingOrigins, on_progress: Callable[[int], None]
) -> MethodForecasts:
    """A forecaster for every origin, fitted on all that came before it.

    Raises:
        DataError: too little is left to learn from.
        ModelError: a forecast is no number.
    """
    pasts = [panel.drop_last(back) for back in folds.offsets_from_end.tolist()]
    return _stacked(
        process_map(
            partial(_trained_at_the_end, config=config), pasts, max_workers=MAX_PARALLEL_FITS, on_progress=on_progress
        )
    )


def _trained_at_the_end(past: Panel, config: Config) -> Parts:
    """Train on a panel and forecast what follows. Runs in a process of its own."""
    return _ends(_train(past, config, lambda _: None), past)


def _ends(forecaster: Forecaster, past: Panel) -> Parts:
    """Forecast from the end of every series: [S, H], lower and upper [Q, S, H]."""
    return forecaster.at(past, np.arange(past.n_series), past.lengths - 1)


def _stacked(parts: Sequence[Parts]) -> MethodForecasts:
    """Forecasts of N origins as one."""
    return _checked(*(np.stack(part, axis=-2) for part in zip(*parts, strict=True)))


def _train(past: Panel, config: Config, on_progress: ProgressCallback) -> Forecaster:
    from lstmcast.tasks.value.train import train

    try:
        return train(past, config, on_progress=on_progress)
    except DataError as err:
        raise DataError(f"before the first origin: {err}; or give fewer --n-origins") from err


def _checked(values: Floats, lower: Floats, upper: Floats) -> MethodForecasts:
    if not np.isfinite(values).all():
        raise ModelError(
            "forecasts of the backtest grow beyond every number. Lower train.learning_rate, or use "
            "model.activation: tanh"
        )
    return MethodForecasts(values, lower, upper)


def baseline_forecasts(
    panel: Panel, folds: RollingOrigins, levels: Sequence[float], *, refit: bool
) -> dict[str, MethodForecasts]:
    """Every baseline, and the M4 competition's Naive2, at every origin.

    Their intervals are calibrated where the LSTM's are, on held-out steps before the first origin, or, with `refit`,
    before each: forecast ± a quantile of |y − f| in each series' usual step; never below 0 where the series was not.
    """
    past = panel.drop_last(folds.held_out)
    pasts = [panel.drop_last(back) for back in folds.offsets_from_end.tolist()] if refit else [past]
    floor = min_bounds(past)[:, None, None]
    first, origins = np.repeat(panel.offsets[:-1], folds.n_origins), folds.at(panel.lengths)
    found = {}
    for name, rule in _rules(panel).items():
        values = rule(panel.values, first, origins.ravel(), folds.horizon).reshape(*origins.shape, folds.horizon)
        halves = [conformal_half_widths(known, rule, folds.horizon, levels) for known in pasts]
        half = np.stack(halves, axis=2)  # [Q, S, N or 1, H]
        found[name] = MethodForecasts(values, np.maximum(values - half, floor), values + half)
    return found


def _rules(panel: Panel) -> Mapping[str, Rule]:
    season = panel.calendar.mase_season
    return {
        **baselines(panel.calendar.season),
        "Naive2": lambda values, first, origins, horizon: naive2(values, first, origins, horizon, season=season),
    }


def classical_forecasts(
    panel: Panel, folds: RollingOrigins, levels: Sequence[float], methods: Sequence[str], note: Callable[[str], None]
) -> dict[str, MethodForecasts]:
    """Classical methods, fitted anew at every origin, with the intervals they say themselves; NaN where one refuses.

    Args:
        panel: the data.
        folds: the origins.
        levels: of the intervals, in percent, ascending.
        methods: keys of `METHODS`.
        note: told how far it is, about ten times.
    """
    origins, season = folds.at(panel.lengths), panel.calendar.season
    tasks = [
        FitJob(method, panel.series(k)[: origin + 1], folds.horizon, season, tuple(levels))
        for method in methods
        for k, row in enumerate(origins.tolist())
        for origin in row
    ]
    every = -(-len(tasks) // 10)
    rows = fit_all(tasks, on_progress=lambda k: note(f"fitted {k} of {len(tasks)}") if k % every == 0 else None)
    parts = rows.reshape(len(methods), *origins.shape, 1 + 2 * len(levels), folds.horizon).transpose(0, 3, 1, 2, 4)
    return {
        METHODS[method]: MethodForecasts(part[0], part[1 : 1 + len(levels)], part[1 + len(levels) :])
        for method, part in zip(methods, parts, strict=True)
    }


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
    by_method = {LSTMCAST: network, **baseline_forecasts(long_enough, folds, levels, refit=refit)}
    if classical:
        by_method |= classical_forecasts(long_enough, folds, levels, list(dict.fromkeys(classical)), note)
        notes += _failure_notes(by_method)
    scale = mase_scales(long_enough.drop_last(folds.held_out))
    tables = score(actual, by_method, scale, levels)
    result = _skill(tables["all"], actual, by_method, scale, folds.at(long_enough.lengths))
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
            "--step-size or --n-origins"
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
    metric = "mae" if np.isnan(overall[LSTMCAST]["mase"][0]) else "mase"
    rank = {name: scores[metric][0] for name, scores in overall.items() if name != LSTMCAST}
    best = min(rank, key=lambda name: np.nan_to_num(rank[name], nan=np.inf))
    each = np.ones_like(scale)[:, None] if metric == "mae" else scale[:, None]
    ours, best_errors = (metrics.mase(actual, by_method[name].values, each).ravel() for name in (LSTMCAST, best))
    series = np.repeat(np.arange(len(origins)), origins.shape[1])
    return skill(ours, best_errors, bootstrap_groups(series, origins.ravel(), actual.shape[2]), name=best)
