"""Forecasts that need no network, with conformal intervals: of a rule of `evaluation/baselines.py`, on a panel."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import numpy.typing as npt

from lstmcast.data.panel import Panel
from lstmcast.evaluation.baselines import Rule, seasonal_naive
from lstmcast.evaluation.intervals import calibrate
from lstmcast.evaluation.origins import hold_out
from lstmcast.forecast import Forecast
from lstmcast.forecaster.truth import actuals_after, naive_scales, valid_origins

Floats = npt.NDArray[np.float64]


def min_bounds(panel: Panel) -> Floats:
    """[S] where bounds end: 0 of a series that was never negative, else nowhere."""
    return np.where(np.minimum.reduceat(panel.values, panel.offsets[:-1]) >= 0, 0.0, -np.inf)


def conformal_half_widths(past: Panel, rule: Rule, horizon: int, levels: Sequence[float]) -> Floats:
    """[Q, S, H]: a quantile of the rule's held-out |y − f| in each series' usual step; NaN where nothing could say.

    Raises:
        DataError: the series are too short for the horizon.
    """
    series, origins = hold_out(past.lengths, horizon).test_origins(past.lengths)
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
        calendar=panel.calendar,
        time=panel.columns.time or "step",
        key_columns=panel.key_columns,
        keys=panel.keys,
        origins=panel.ends,
        values=values,
        levels=tuple(levels),
        lower=np.maximum(values - half, min_bounds(panel)[:, None]),
        upper=values + half,
    )
