"""Exponential smoothing ensemble: a grid of Holt-Winters recurrences and the Theta method, weighted by trial errors.

Hourly and half-hourly series have two seasonal periods: there a second, weekly grid replaces Theta where two weeks
precede the trials. Finer steps use the daily grid alone. Weights are inverse errors to the power `WEIGHT_EXPONENT`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lstmcast.statistical import holt_winters, theta
from lstmcast.statistical.history import EPSILON, HistoryBatch, MethodForecast
from lstmcast.types import Floats, Ints

Numbers = Floats | float

HISTORY_SEASONS, MIN_HISTORY_STEPS = 20, 300  # history length: this many seasons, and at least this many steps
HISTORY_WEEKS = 6  # history length of weekly grids
WEIGHT_EXPONENT = 4
DAILY_PERIODS, DAYS_PER_WEEK = (24, 48), 7  # daily periods that a weekly grid complements
CHUNK_SIZE = 1 << 19  # numbers per array: 4 MB, seven times that for weeks


def seasonal_periods(season: int) -> tuple[int, ...]:
    """Seasonal periods that the grids model, shortest first: day and week if the season is either."""
    pairs = [(day, DAYS_PER_WEEK * day) for day in DAILY_PERIODS]
    return next((pair for pair in pairs if season in pair), (season,))


def history_length(season: int) -> int:
    """Number of past steps that a forecast depends on."""
    *_, longest = periods = seasonal_periods(season)
    return HISTORY_WEEKS * longest if len(periods) > 1 else _season_history_length(season)


def _season_history_length(season: int) -> int:
    return max(HISTORY_SEASONS * season, MIN_HISTORY_STEPS)


def forecast(z: Floats, first: Ints, origins: Ints, horizon: int, *, season: int, trial: int) -> Floats:
    """Forecast z [B, H] from any number of origins.

    Args:
        z: [N] concatenated values of all series.
        first: [B] position in z of the first value of each origin's series.
        origins: [B] steps from there; later values are not used.
        horizon: H.
        season: m, steps in a season; 1 for none.
        trial: the horizon of the trials. It is fixed so that forecasts of different horizons agree.
    """
    known = np.minimum(origins + 1, history_length(season))
    order = np.argsort(known, kind="stable")  # batches of similar history lengths
    forecasts = np.empty((len(origins), horizon))
    shortest = min(seasonal_periods(season))
    rows = max(1, CHUNK_SIZE // ((shortest + horizon + 8) * holt_winters.size(shortest)))
    for part in (order[k : k + rows] for k in range(0, len(order), rows)):
        ends = first[part] + origins[part]
        methods = weighted_methods(z, ends, known[part], horizon, season=season, trial=trial)
        forecasts[part] = sum(method.weight[:, None] * method.forecast.z for method in methods)
    return forecasts


@dataclass(frozen=True)
class WeightedMethod:
    """A method's forecasts for B series.

    Attributes:
        is_theta: whether it is the Theta method rather than a grid.
        history: the values it uses.
        forecast: its forecasts.
        weight: [B], of sum 1 over all methods.
    """

    is_theta: bool
    history: HistoryBatch
    forecast: MethodForecast
    weight: Floats


def weighted_methods(
    z: Floats, last: Ints, known: Ints, horizon: int, *, season: int, trial: int
) -> list[WeightedMethod]:
    """Weigh the methods for the histories of z that end at positions `last` [B] with `known` [B] values."""
    shortest, *longer = seasonal_periods(season)
    past = HistoryBatch.of(z, last, np.minimum(known, _season_history_length(shortest)), season=shortest, trial=trial)
    grid = holt_winters.forecast(past, horizon)
    if longer:
        weekly = HistoryBatch.of(z, last, known, season=longer[0], trial=trial)
        other = _weekly_forecast(weekly, horizon)
    elif shortest % DAILY_PERIODS[0]:
        weekly, other = past, theta.forecast(past, horizon)
    else:
        return [WeightedMethod(False, past, grid, np.ones(len(last)))]
    weight = inverse_error_weight(other.abs_error, grid.abs_error) * np.isfinite(other.abs_error)
    return [WeightedMethod(False, past, grid, 1 - weight), WeightedMethod(not longer, weekly, other, weight)]


def _weekly_forecast(past: HistoryBatch, horizon: int) -> MethodForecast:
    """Forecast by a weekly grid; the error is inf where fewer than two seasons precede the trials."""
    valid = past.seasonal & past.has_enough_history(len(past.z) - 1 - past.trial)
    if not valid.any():
        return MethodForecast(np.zeros((len(valid), horizon)), np.full(len(valid), np.inf))
    fitted = holt_winters.forecast(past, horizon)
    return MethodForecast(fitted.z, np.where(valid & (fitted.abs_error > 0), fitted.abs_error, np.inf))


def inverse_error_weight(error: Numbers, other: Numbers, equal: Numbers = 0.5) -> Floats:
    """Weight of a forecast, 0 to 1, by its error and that of the other; `equal` is the weight for equal errors."""
    ratio = np.maximum(error, EPSILON) / np.maximum(other, EPSILON)
    with np.errstate(over="ignore", divide="ignore"):
        return np.asarray(1 / (1 + (np.divide(1, equal) - 1) * ratio**WEIGHT_EXPONENT))
