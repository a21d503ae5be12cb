"""Intervals of an ensemble in the unit of the target."""

from __future__ import annotations

import numpy as np

from lstmcast.calibration.conformal import Calibration
from lstmcast.calibration.repeated_values import PastValues, blend_repeated, history_steps
from lstmcast.forecasting.ensemble.ensemble import BoundEnsemble
from lstmcast.forecasting.ensemble.scaled_forecast import ScaledForecast
from lstmcast.types import Floats, Ints


def intervals(
    bound: BoundEnsemble, forecast: ScaledForecast, calibration: Calibration, series: Ints, origins: Ints
) -> tuple[Floats, Floats]:
    """Lower and upper bounds, [Q, B, H] each, in the unit of the target.

    Those of series whose values repeat follow the past values, if the ensemble depends on enough of them.
    """
    lower, upper = calibrated_bounds(bound, forecast, calibration, series)
    if bound.ensemble.required_history >= history_steps(bound.panels[0].panel.calendar.season):
        values = bound.inverse_transform(forecast.z, series)
        lower, upper = blend_repeated(_past_values(bound, series, origins), values, lower, upper, calibration.levels)
    if len(lower) and forecast.undamped is not None:  # the outermost bounds reach it
        away = (forecast.undamped - forecast.z) / len(lower)
        shown = [bound.inverse_transform(forecast.z + (q + 1) * away, series) for q in range(len(lower))]
        lower, upper = np.minimum(lower, shown), np.maximum(upper, shown)
    return lower, upper


def calibrated_bounds(
    bound: BoundEnsemble, forecast: ScaledForecast, calibration: Calibration, series: Ints
) -> tuple[Floats, Floats]:
    """Lower and upper bounds by the calibration alone, as in `intervals`."""
    growing = bound.ensemble.interval_source is not None
    below, above = calibration.bounds(forecast.z, forecast.below, forecast.above, growing=growing)
    if not len(below):
        return below, above
    lower = [bound.inverse_transform(z, series) for z in below]
    upper = [bound.panels[0].upper_bound(forecast.z, z - forecast.z, series) for z in above]
    return np.stack(lower), np.stack(upper)


def _past_values(bound: BoundEnsemble, series: Ints, origins: Ints) -> PastValues:
    """The last values at each origin."""
    panel = bound.panels[0].panel
    season = panel.calendar.season
    back = np.arange(min(history_steps(season), int(origins.max(initial=0)) + 1))[::-1]
    at = panel.offsets[series, None] + np.maximum(origins[:, None] - back, 0)
    return PastValues(panel.values[at], panel.observed[at] & (back <= origins[:, None]), season)
