"""Jacobian of the exponential smoothing forecast with respect to the past values.

With the member weights and the choices of the Theta method held fixed, the forecast is linear in the past:
forecast = J z, exactly. J is found by backpropagation through the recurrences. With λ the gradient with respect to the
level l, trend b or season s, and e = z − (l + φb) − s, a step is

    λe = αλl + αβλb + γ(1 − α)λs        δz = λe
    λs ← λs − λe        λl ← λl − λe        λb ← φ(λb + λl)
"""

from __future__ import annotations

import numpy as np

from lstmcast.statistical import theta
from lstmcast.statistical.ensemble import history_length, weighted_methods
from lstmcast.statistical.history import HistoryBatch
from lstmcast.statistical.holt_winters import ParameterGrid, fit_grid
from lstmcast.types import Floats


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
