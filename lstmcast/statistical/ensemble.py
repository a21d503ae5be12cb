"""Exponential smoothing: the weighted forecasts of several methods, and their gradient.

Hourly and half-hourly series have two seasonal periods: there a second, weekly grid replaces Theta where two weeks
precede the trials. Finer steps use the daily grid alone. Weights are inverse errors to the power `WEIGHT_EXPONENT`.

With the member weights and the choices of the Theta method held fixed, the forecast is linear in the past:
forecast = J z, exactly. J is found by backpropagation through the recurrences. With λ the gradient with respect to the
level l, trend b or season s, and e = z − (l + φb) − s, a step is

    λe = αλl + αβλb + γ(1 − α)λs        δz = λe
    λs ← λs − λe        λl ← λl − λe        λb ← φ(λb + λl)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lstmcast.statistical import holt_winters, theta
from lstmcast.statistical.history import EPSILON, HistoryBatch, MethodForecast
from lstmcast.statistical.holt_winters import ParameterGrid, fit_grid
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


def smoothing_gradient(z: Floats, horizon: int, *, season: int, trial: int) -> Floats:
    """Jacobian J [H, T] of the forecast from the end of a series z [T]; arguments as for `ensemble.forecast`."""
    known = min(len(z), history_length(season))
    methods = weighted_methods(z, np.array([len(z) - 1]), np.array([known]), horizon, season=season, trial=trial)
    jacobian = np.zeros((horizon, known))
    for method in methods:
        gradient = theta.gradient if method.is_theta else _grid_gradient
        jacobian[:, known - len(method.history.z) :] += method.weight[0] * gradient(method.history, horizon)
    return np.pad(jacobian, ((0, 0), (len(z) - known, 0)))


def _grid_gradient(past: HistoryBatch, horizon: int) -> Floats:
    """[H, T] of the grid members and the seasonal naive forecast."""
    fitted, known, season = fit_grid(past), len(past.z), past.season_length
    weights = fitted.weights[:, 0]  # [M + 1]
    jacobian = _member_gradient(past, fitted.members, weights[:-1], horizon)
    step, has_season = np.arange(horizon), known >= season
    jacobian[step, known - season + step % season if has_season else known - 1] += weights[-1]
    return jacobian


def _member_gradient(past: HistoryBatch, members: ParameterGrid, weights: Floats, horizon: int) -> Floats:
    """[H, T] of the grid members with [M] weights."""
    steps, m = len(past.z), past.season_length
    damping = np.cumsum(members.phi[:, None] ** np.arange(1, horizon + 1), axis=1).T  # [H, M]
    season_rate = members.gamma * (1 - members.alpha) * past.seasonal[0]
    level = np.broadcast_to(weights, damping.shape).copy()  # [H, M]
    trend, season = weights * damping, np.zeros((m, *damping.shape))
    season[(steps + np.arange(horizon)) % m, np.arange(horizon)] = weights
    jacobian = np.empty((horizon, steps))
    for t in range(steps)[::-1]:
        e = members.alpha * (level + members.beta * trend) + season_rate * season[t % m]
        jacobian[:, t] = e.sum(axis=1)
        season[t % m] -= e
        level -= e
        trend = members.phi * (trend + level)
    initial = level.sum(axis=1), trend @ (members.beta > 0), season @ (members.gamma > 0)
    return jacobian + _initial_state_gradient(past, *initial)


def _initial_state_gradient(past: HistoryBatch, level: Floats, trend: Floats, season: Floats) -> Floats:
    """[H, T] through the initial state, from gradients of level [H], trend [H] and season [m, H]."""
    steps, m = len(past.z), past.season_length
    if not past.seasonal[0]:
        return np.outer(level, np.arange(steps) == 0)
    slope = trend - level * (m + 1) / 2 - (np.arange(m) - (m - 1) / 2) @ season
    half_sum = season.sum(axis=0) / 2
    means = level - half_sum - slope / m, slope / m - half_sum  # of the first season and of the second
    jacobian = np.zeros((len(level), steps))
    for half, mean in enumerate(means):
        jacobian[:, half * m : (half + 1) * m] = season.T / 2 + mean[:, None] / m
    return jacobian
