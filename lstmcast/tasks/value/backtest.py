"""Rolling-origin backtests of the value task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from lstmcast.data.panel import Panel
from lstmcast.errors import DataError, ModelError
from lstmcast.evaluation import metrics
from lstmcast.evaluation.backtest_result import BacktestResult, MethodForecasts, Table, score
from lstmcast.evaluation.skill import Skill, bootstrap_groups, skill
from lstmcast.evaluation.splits import RollingOrigins
from lstmcast.forecasting.forecaster import Forecaster, MemberForecasts
from lstmcast.forecasting.seasonal_naive import conformal_half_widths, min_bounds
from lstmcast.forecasting.split_data import actuals_after, mase_scales, valid_origins
from lstmcast.preprocessing.scaling import valid_transforms
from lstmcast.results import LSTMCAST, MemberName
from lstmcast.statistical.naive import Rule, baselines, naive2
from lstmcast.statistical.statsforecast_models import METHODS, FitJob, fit_all, require
from lstmcast.tasks.backtest import FitCall, RollingBacktest, train_before_origins
from lstmcast.tasks.base import BacktestOptions, Note
from lstmcast.tasks.pipeline import FitOptions
from lstmcast.tasks.value.refits import Refits
from lstmcast.tasks.value.train import ValueTraining
from lstmcast.types import Floats, Ints

if TYPE_CHECKING:
    from lstmcast.config import ValueConfig


@dataclass(frozen=True)
class ValueBacktest(RollingBacktest["ValueConfig", MemberForecasts, BacktestResult]):
    """A backtest of values: forecasts by one training, by one before every origin, or by one that is continued.

    Attributes:
        actual: [S, N, H] outcomes; NaN where the value or the origin was not observed.
        refits: the origins before which the model is fitted.
        classical: keys of `METHODS`, fitted at every origin.
        notes: remarks.
    """

    actual: Floats
    refits: Refits
    classical: tuple[str, ...]
    notes: tuple[str, ...]

    @classmethod
    def of(cls, panel: Panel, config: ValueConfig, options: BacktestOptions) -> ValueBacktest:
        """Place the origins and check that they can be scored.

        Raises:
            UsageError: a number below 1, no duration, an unknown classical method, or statsforecast is not installed.
            DataError: the series are too short for so many origins, or no outcome was observed.
        """
        require(options.classical)
        origins = cls.origins_of(panel, config, options.n_origins, options.step_size)
        scored, rolling = origins["panel"], origins["rolling"]
        actual = _outcomes(scored, rolling)
        config, notes = _resolve_transform(scored, origins["config"], rolling)
        classical = tuple(dict.fromkeys(options.classical))
        refits = Refits.of(options.refit, scored, rolling)
        return cls(**origins | {"config": config}, actual=actual, refits=refits, classical=classical, notes=notes)

    @property
    def in_parallel(self) -> bool:
        """True if the fits run in processes of their own."""
        return self.refits.is_cold

    @property
    def fits(self) -> Sequence[FitCall[MemberForecasts]]:
        """One training before the first origin, which may be continued, or one before every origin."""
        if self.refits.is_cold:
            return [partial(_forecast_ends, past, self.config) for past in self.pasts]
        return [self._forecast_in_turn]

    def _forecast_in_turn(self, options: FitOptions) -> MemberForecasts:
        """Forecast by one training before the first origin, continued from its weights before some others."""
        forecaster, parts = None, []
        for origins in self.refits.groups:
            forecaster = _train(self._past(int(origins[0])), self.config, options, forecaster)
            parts.append(self._forecast(forecaster, origins))
        return join_origins(parts)

    def _forecast(self, forecaster: Forecaster, origins: Ints) -> MemberForecasts:
        """Forecast [S, n, H] from n of the origins, given as indices."""
        if not self.config.train.refit_on_all_data:  # scales of series without training steps may use the past only
            return stack_origins([_ends(forecaster, self._past(k)) for k in origins.tolist()])
        S, shape = self.panel.n_series, (self.panel.n_series, len(origins), self.rolling.horizon)
        last = self.rolling.at(self.panel.lengths)[:, origins].ravel()
        found = forecaster.at_by_member(self.panel, np.repeat(np.arange(S), len(origins)), last)
        values, lower, upper = (
            part.reshape(*part.shape[:-2], *shape) for part in (found.values, found.lower, found.upper)
        )
        members = {name: part.reshape(shape) for name, part in found.members.items()}
        return MemberForecasts(values, lower, upper, members, found.weights)

    def _past(self, origin: int) -> Panel:
        """The steps up to an origin, given as an index."""
        return self.panel.drop_last(int(self.rolling.offsets_from_end[origin]))

    def score(self, found: Sequence[MemberForecasts], note: Note) -> BacktestResult:
        """Score the ensemble, its members, the baselines and the classical methods.

        Raises:
            ModelError: a forecast is not a number.
        """
        ensemble, panel, rolling = stack_origins(found) if self.refits.is_cold else found[0], self.panel, self.rolling
        if not np.isfinite(ensemble.values).all():
            raise ModelError(
                "forecasts of the backtest overflow to infinity. Lower train.learning_rate, or use model.activation: "
                "tanh"
            )
        levels, notes = tuple(self.config.forecast.levels), self.notes
        own = MethodForecasts(ensemble.values, ensemble.lower, ensemble.upper)
        fitted = rolling.offsets_from_end[self.refits.fitted]
        by_method = {LSTMCAST: own, **baseline_forecasts(panel, rolling, levels, fitted)}
        if self.classical:
            by_method |= classical_forecasts(panel, rolling, levels, self.classical, note)
            notes += tuple(_failure_notes(by_method))
        scale, origins = mase_scales(self.past), rolling.at(panel.lengths)
        members = {str(name): MethodForecasts.without_intervals(values) for name, values in ensemble.members.items()}
        tables = score(self.actual, {LSTMCAST: own, **members, **by_method}, scale, levels)
        return BacktestResult(
            panel=panel,
            origins=origins,
            step=rolling.step_size,
            refit=self.refits.is_cold,
            fits=self.refits.n_fits,
            refit_every=self.refits.every,
            levels=levels,
            actual=self.actual,
            by_method=by_method,
            tables=tables,
            skill=_skill(tables["all"], self.actual, by_method, scale, origins),
            left_out=self.n_excluded,
            notes=notes,
            members={name: ensemble.weights.get(MemberName(name), 0.0) for name in members},
        )


def _train(past: Panel, config: ValueConfig, options: FitOptions, start: Forecaster | None = None) -> Forecaster:
    return train_before_origins(lambda: ValueTraining.of(past, config, start), options)


def _forecast_ends(past: Panel, config: ValueConfig, options: FitOptions) -> MemberForecasts:
    """Train on a panel and forecast the next steps. Runs in a process of its own."""
    return _ends(_train(past, config, options), past)


def _ends(forecaster: Forecaster, past: Panel) -> MemberForecasts:
    """Forecast [S, H] from the end of every series, with bounds [Q, S, H]."""
    return forecaster.at_by_member(past, np.arange(past.n_series), past.lengths - 1)


def join_origins(parts: Sequence[MemberForecasts]) -> MemberForecasts:
    """Join the forecasts [S, n, H] of groups of origins; a member is NaN at the origins where it was not used."""
    if len(parts) == 1:
        return parts[0]
    names = tuple(dict.fromkeys(name for part in parts for name in part.members))
    counts = [part.values.shape[1] for part in parts]
    each = {name: [part.members.get(name, np.full_like(part.values, np.nan)) for part in parts] for name in names}
    weights = {name: np.repeat([part.weights.get(name, 0.0) for part in parts], counts) for name in names}
    return MemberForecasts(
        values=np.concatenate([part.values for part in parts], axis=-2),
        lower=np.concatenate([part.lower for part in parts], axis=-2),
        upper=np.concatenate([part.upper for part in parts], axis=-2),
        members={name: np.concatenate(found, axis=-2) for name, found in each.items()},
        weights={name: float(np.median(found)) for name, found in weights.items()},
    )


def stack_origins(parts: Sequence[MemberForecasts]) -> MemberForecasts:
    """Stack the forecasts of N origins; a member is NaN at the origins where the ensemble does not have it."""
    names = tuple(dict.fromkeys(name for part in parts for name in part.members))
    undefined = np.full_like(parts[0].values, np.nan)
    return MemberForecasts(
        values=np.stack([part.values for part in parts], axis=-2),
        lower=np.stack([part.lower for part in parts], axis=-2),
        upper=np.stack([part.upper for part in parts], axis=-2),
        members={name: np.stack([part.members.get(name, undefined) for part in parts], axis=-2) for name in names},
        weights={name: float(np.median([part.weights.get(name, 0.0) for part in parts])) for name in names},
    )


def baseline_forecasts(
    panel: Panel, rolling: RollingOrigins, levels: Sequence[float], fitted: Ints
) -> dict[str, MethodForecasts]:
    """Forecast by every baseline, and Naive2 of the M4 competition, from every origin.

    Their intervals are the forecast ± a quantile of |y − f| in typical steps of the series, and not below 0 for a
    series that never was.

    Args:
        panel: the data.
        rolling: the N origins.
        levels: of the intervals, in percent.
        fitted: [N] last steps that are left out of the calibration of each origin, as of the fit of lstmcast.
    """
    past = panel.drop_last(rolling.held_out)
    distinct, fits = np.unique(fitted, return_inverse=True)
    pasts = [panel.drop_last(back) for back in distinct.tolist()]
    floor = min_bounds(past)[:, None, None]
    first, origins = np.repeat(panel.offsets[:-1], rolling.n_origins), rolling.at(panel.lengths)
    found = {}
    for name, rule in _rules(panel).items():
        values = rule(panel.values, first, origins.ravel(), rolling.horizon).reshape(*origins.shape, rolling.horizon)
        halves = [conformal_half_widths(known, rule, rolling.horizon, levels) for known in pasts]
        half = np.stack(halves, axis=2)[:, :, fits]  # [Q, S, N, H]
        found[name] = MethodForecasts(values, np.maximum(values - half, floor), values + half)
    return found


def _rules(panel: Panel) -> Mapping[str, Rule]:
    season = panel.calendar.mase_season
    return {
        **baselines(panel.calendar.season, panel.calendar.naive_seasons),
        "Naive2": lambda values, first, origins, horizon: naive2(values, first, origins, horizon, season=season),
    }


def classical_forecasts(
    panel: Panel, rolling: RollingOrigins, levels: Sequence[float], methods: Sequence[str], note: Note
) -> dict[str, MethodForecasts]:
    """Fit classical methods at every origin, with their own intervals; NaN where one fails.

    Args:
        panel: the data.
        rolling: the origins.
        levels: of the intervals, in percent, ascending.
        methods: keys of `METHODS`.
        note: receives the progress, about ten times.
    """
    origins, season = rolling.at(panel.lengths), panel.calendar.season
    tasks = [
        FitJob(method, panel.series(k)[: origin + 1], rolling.horizon, season, tuple(levels))
        for method in methods
        for k, row in enumerate(origins.tolist())
        for origin in row
    ]
    every = -(-len(tasks) // 10)
    rows = fit_all(tasks, on_progress=lambda k: note(f"fitted {k} of {len(tasks)}") if k % every == 0 else None)
    parts = rows.reshape(len(methods), *origins.shape, 1 + 2 * len(levels), rolling.horizon).transpose(0, 3, 1, 2, 4)
    return {
        METHODS[method]: MethodForecasts(part[0], part[1 : 1 + len(levels)], part[1 + len(levels) :])
        for method, part in zip(methods, parts, strict=True)
    }


def _outcomes(panel: Panel, rolling: RollingOrigins) -> Floats:
    """[S, N, H] actual values after each origin; NaN where the value or the origin was not observed.

    Raises:
        DataError: there is none.
    """
    origins = rolling.at(panel.lengths)
    where = np.repeat(np.arange(panel.n_series), rolling.n_origins), origins.ravel()
    valid = valid_origins(panel, *where, rolling.horizon)
    if not valid.any():
        raise DataError(
            f"{panel.source}: no origin can be scored: none was observed and has an observed value ahead. Give another "
            "--step-size or --n-origins"
        )
    actual = np.where(valid[:, None], actuals_after(panel, *where, rolling.horizon), np.nan)
    return actual.reshape(*origins.shape, rolling.horizon)


def _resolve_transform(
    panel: Panel, config: ValueConfig, rolling: RollingOrigins
) -> tuple[ValueConfig, tuple[str, ...]]:
    """The config with a transform that is valid for the values after the first origin too."""
    later, before = (valid_transforms(values) for values in (panel.values, panel.drop_last(rolling.held_out).values))
    if config.model.transform != "auto" or later == before:
        return config, ()
    note = f"values after the first origin are {'0' if 'sqrt' in later else 'negative'}: model.transform is {later[0]}"
    return config.model_copy(update={"model": config.model.model_copy(update={"transform": later[0]})}), (note,)


def _failure_notes(by_method: Mapping[str, MethodForecasts]) -> list[str]:
    """A line for every method that failed at some origins."""
    missing = {name: np.isnan(forecasts.values).any(axis=2) for name, forecasts in by_method.items()}
    return [
        f"{name} failed at {none.sum()} of {none.size} origins (too short a history, for example); scored on the rest"
        for name, none in missing.items()
        if none.any()
    ]


def _skill(
    overall: Table, actual: Floats, by_method: Mapping[str, MethodForecasts], scale: Floats, origins: Ints
) -> Skill:
    """The skill of lstmcast against the baseline of least MASE, or MAE where that is undefined."""
    metric = "mae" if np.isnan(overall[LSTMCAST]["mase"][0]) else "mase"
    rank = {name: overall[name][metric][0] for name in by_method if name != LSTMCAST}
    best = min(rank, key=lambda name: np.nan_to_num(rank[name], nan=np.inf))
    each = np.ones_like(scale)[:, None] if metric == "mae" else scale[:, None]
    ours, best_errors = (metrics.mase(actual, by_method[name].values, each).ravel() for name in (LSTMCAST, best))
    series = np.repeat(np.arange(len(origins)), origins.shape[1])
    return skill(ours, best_errors, bootstrap_groups(series, origins.ravel(), actual.shape[2]), name=best)
