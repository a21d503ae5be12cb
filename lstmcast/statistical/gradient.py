"""How each step of exponential smoothing's forecast changes with each past value, backwards through its recurrences.

A recurrence is linear in the values, and so is its forecast; only how much each member is trusted is not, nor what the
Theta method chooses. With these held, the whole is a weighted sum of the past: forecast = J z, exactly. What it leaves
out is that another past would have chosen otherwise.

Backwards, with λ for the gradient with respect to a level l, trend b or season s, and e = z − (l + φb) − s, a step is

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
    """Differentiate the forecast from the end of one series, with the members' trust held.

    Args:
        z: [T] the series.
        horizon: H.
        season: m, steps in a season; 1: none.
        trial: the horizon at which the members are tried (see `smoothing.forecast`).

    Returns:
        [H, T] J, with J z the forecast; 0 where a value is out of reach.
    """
    known = min(len(z), history_length(season))
    methods = weighted_methods(z, np.array([len(z) - 1]), np.array([known]), horizon, season=season, trial=trial)
    found = np.zeros((horizon, known))
    for method in methods:
        gradient = theta.gradient if method.line else _of_grid
        found[:, known - len(method.history.z) :] += method.weight[0] * gradient(method.history, horizon)
    return np.pad(found, ((0, 0), (len(z) - known, 0)))


def _of_grid(past: HistoryBatch, horizon: int) -> Floats:
    """[H, T] of the members, and of the seasonal naive forecast beside them."""
    run, known, season = fit_grid(past), len(past.z), past.season_length
    trust = run.weights[:, 0]  # [M + 1]
    found = _recurrences(past, run.members, trust[:-1], horizon)
    at, has_season = np.arange(horizon), known >= season
    found[at, known - season + at % season if has_season else known - 1] += trust[-1]  # the last season again
    return found


def _recurrences(past: HistoryBatch, members: ParameterGrid, trust: Floats, horizon: int) -> Floats:
    """[H, T] of the members alone: [M] how much each counts."""
    steps, m = len(past.z), past.season_length
    damping = np.cumsum(members.phi[:, None] ** np.arange(1, horizon + 1), axis=1).T  # [H, M]
    taught = members.gamma * (1 - members.alpha) * past.seasonal[0]
    level = np.broadcast_to(trust, damping.shape).copy()  # [H, M]
    trend, season = trust * damping, np.zeros((m, *damping.shape))
    season[(steps + np.arange(horizon)) % m, np.arange(horizon)] = trust
    found = np.empty((horizon, steps))
    for t in range(steps)[::-1]:
        e = members.alpha * (level + members.beta * trend) + taught * season[t % m]
        found[:, t] = e.sum(axis=1)
        season[t % m] -= e
        level -= e
        trend = members.phi * (trend + level)
    begun = level.sum(axis=1), trend @ (members.beta > 0), season @ (members.gamma > 0)
    return found + _beginning(past, *begun)


def _beginning(past: HistoryBatch, level: Floats, trend: Floats, season: Floats) -> Floats:
    """[H, T] through the initial state of the recurrences: [H] level, [H] trend and [m, H] season."""
    steps, m = len(past.z), past.season_length
    if not past.seasonal[0]:
        return np.outer(level, np.arange(steps) == 0)
    slope = trend - level * (m + 1) / 2 - (np.arange(m) - (m - 1) / 2) @ season
    shared = season.sum(axis=0) / 2
    means = level - shared - slope / m, slope / m - shared  # of the first season and of the second
    found = np.zeros((len(level), steps))
    for half, mean in enumerate(means):
        found[:, half * m : (half + 1) * m] = season.T / 2 + mean[:, None] / m
    return found
