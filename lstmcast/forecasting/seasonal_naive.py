"""Naive forecasts with conformal intervals, and the fallback forecast of a job."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from lstmcast.calibration.conformal import calibrate
from lstmcast.data.panel import Panel
from lstmcast.evaluation.splits import plan_holdout
from lstmcast.forecasting.split_data import actuals_after, naive_scales, valid_origins
from lstmcast.forecasts import Forecast
from lstmcast.statistical.naive import Rule, seasonal_naive
from lstmcast.types import Floats


def min_bounds(panel: Panel) -> Floats:
    """[S] lower limit of bounds: 0 for a series that was never negative, else none."""
    return np.where(np.minimum.reduceat(panel.values, panel.offsets[:-1]) >= 0, 0.0, -np.inf)


def conformal_half_widths(past: Panel, rule: Rule, horizon: int, levels: Sequence[float]) -> Floats:
    """[Q, S, H] quantiles of the hold-out |y − f| of a rule, scaled by series; NaN if none was observed.

    Raises:
        DataError: the series are too short for the horizon.
    """
    series, origins = plan_holdout(past.lengths, horizon).test_origins(past.lengths)
    valid = valid_origins(past, series, origins, horizon)
    series, origins = series[valid], origins[valid]
    forecast = rule(past.values, past.offsets[series], origins, horizon)
    scale = naive_scales(past)[:, None]
    errors = np.abs(actuals_after(past, series, origins, horizon) - forecast) / scale[series]
    widths = calibrate(errors[None], levels).widths if valid.any() else np.full((len(levels), horizon), np.nan)
    return widths[:, None] * scale


def seasonal_naive_values(panel: Panel, horizon: int) -> Floats:
    """[S, H] the seasonal naive forecast from the end of every series."""
    season = panel.calendar.season
    return seasonal_naive(panel.values, panel.offsets[:-1], panel.lengths - 1, horizon, season=season)


def seasonal_naive_forecast(panel: Panel, horizon: int, levels: Sequence[float]) -> Forecast:
    """The seasonal naive forecast from the end of every series, with its intervals.

    Raises:
        DataError: the series are too short for the horizon.
    """
    values = seasonal_naive_values(panel, horizon)
    half = conformal_half_widths(panel, partial(seasonal_naive, season=panel.calendar.season), horizon, levels)
    return Forecast(
        **Forecast.index_of(panel),
        values=values,
        levels=tuple(levels),
        lower=np.maximum(values - half, min_bounds(panel)[:, None]),
        upper=values + half,
    )


LSTMCAST, SEASONAL_NAIVE = "lstmcast", "seasonal_naive"


def fill_with_seasonal_naive(panel: Panel, forecast: Forecast, model_names: tuple[str, ...]) -> Forecast:
    """Replace the forecasts of the series whose model is seasonal naive, with intervals.

    Args:
        panel: the newest data.
        forecast: of its series, S.
        model_names: [S] the name of the model of each series.

    Raises:
        DataError: the series are too short for the horizon.
    """
    if SEASONAL_NAIVE not in model_names:
        return replace(forecast, model_names=model_names)
    fallback = seasonal_naive_forecast(panel, forecast.horizon, forecast.levels)
    naive = np.array([name == SEASONAL_NAIVE for name in model_names])[:, None]  # [S, 1]
    return replace(
        forecast,
        values=np.where(naive, fallback.values, forecast.values),
        lower=np.where(naive, fallback.lower, forecast.lower),
        upper=np.where(naive, fallback.upper, forecast.upper),
        model_names=model_names,
    )
