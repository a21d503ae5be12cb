"""Grid of damped additive Holt-Winters recurrences, weighted by their recent trial errors.

A recurrence has a level l, a trend b and a season s. With the one-step error e = z_t − (l + φb + s),

    l ← l + φb + αe        b ← φb + αβe        s ← s + γ(1 − α)e

and the forecast h steps ahead is l + (φ + φ² + … + φʰ)b + s (Holt 1957; Winters 1960; damped: Gardner & McKenzie 1985;
error correction form: Hyndman et al., Forecasting with Exponential Smoothing, 2008, ch. 2). The constants are not
optimized: the members of the grid, and the seasonal naive forecast, are weighted by their errors in the trials.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

from lstmcast.statistical.history import EPSILON, HistoryBatch, MethodForecast
from lstmcast.types import Bools, Floats, Ints

ALPHAS = (0.03, 0.1, 0.3, 0.6, 0.9)
TRENDS = ((0.0, 1.0), (0.03, 0.999), (0.1, 0.97), (0.3, 0.97))  # (β, φ)
GAMMAS = (0.1, 0.4, 1.0)
WEIGHT_EXPONENT, EXPONENT_PER_TRIAL = 4.0, 2 / 3  # weight = error^−(exponent + trials · exponent per trial)
MIN_SEASONAL_NAIVE_WEIGHT = 0.25  # for series with a season, because trials are few


@dataclass(frozen=True)
class ParameterGrid:
    """[M] smoothing constants of the members; members with γ = 0 have no season."""

    alpha: Floats
    beta: Floats
    phi: Floats
    gamma: Floats

    @classmethod
    def of(cls, season: int) -> ParameterGrid:
        """Build the grid for a season."""
        gammas = (0.0, *GAMMAS) if season > 1 else (0.0,)
        grid = np.array([(a, b, p, g) for a, (b, p), g in product(ALPHAS, TRENDS, gammas)])
        return cls(*grid.T)

    def __len__(self) -> int:
        return len(self.alpha)

    def columns(self) -> ParameterGrid:
        """Constants as [M, 1], to broadcast over series."""
        return ParameterGrid(*(constants[:, None] for constants in (self.alpha, self.beta, self.phi, self.gamma)))


def size(season: int) -> int:
    """Number of members in the grid."""
    return len(ParameterGrid.of(season))


def forecast(past: HistoryBatch, horizon: int) -> MethodForecast:
    """Weighted mean of the members' forecasts."""
    fitted, last = fit_grid(past), len(past.z) - 1
    error = np.zeros(len(past.known))
    for t in past.last_horizon_trials:
        error += past.trial_error(t, fitted.forecast(past, t, past.trials[t]))
    return MethodForecast(fitted.forecast(past, last, horizon).T, error)


@dataclass(frozen=True)
class State:
    """States of M members after a step: level and trend [M, B], season [m, M, B] by step modulo m."""

    level: Floats
    trend: Floats
    season: Floats


@dataclass(frozen=True)
class FittedGrid:
    """M members and the seasonal naive forecast, fitted to B series.

    Attributes:
        members: the grid.
        weights: [M + 1, B], of sum 1 over members.
        states: member states after the origins of the last-horizon trials, and after the last step.
    """

    members: ParameterGrid
    weights: Floats
    states: dict[int, State]

    def forecast(self, past: HistoryBatch, t: int, steps: int) -> Floats:
        """[steps, B] weighted mean forecast from step t, computed from weighted states."""
        state, weights = self.states[t], self.weights[:-1]
        damping = np.cumsum(self.members.phi ** np.arange(1, steps + 1)[:, None], axis=0)  # [steps, M]
        season = np.einsum("kmb,mb->kb", state.season, weights)
        forecasts = (state.level * weights).sum(axis=0) + damping @ (state.trend * weights)
        forecasts += season[(t + 1 + np.arange(steps)) % len(season)]
        return np.asarray(forecasts + self.weights[-1] * past.seasonal_naive(t, steps))


def fit_grid(past: HistoryBatch) -> FittedGrid:
    """Run the grid, and weigh the members by their errors in the trials."""
    members = ParameterGrid.of(past.season_length)
    errors, count, states = _run(past, members)
    relative = np.maximum(errors, EPSILON) / np.maximum(errors.min(axis=0), EPSILON)
    weights = relative ** -(WEIGHT_EXPONENT + EXPONENT_PER_TRIAL * count)
    minimum = MIN_SEASONAL_NAIVE_WEIGHT if past.season_length > 1 else 0.0
    weights *= (1 - minimum) / weights.sum(axis=0)
    weights[-1] += minimum
    return FittedGrid(members, weights, states)


def _run(past: HistoryBatch, members: ParameterGrid) -> tuple[Floats, Ints, dict[int, State]]:
    """Run all members over the past.

    Returns:
        Mean absolute errors over the trials [M + 1, B], seasonal naive last; the number of trials [B]; the states.
    """
    steps, n = past.z.shape
    start = steps - past.known
    starting = {int(t): start == t for t in np.unique(start)}
    errors, count = np.zeros((len(members) + 1, n)), np.zeros(n, np.int64)
    recurrences, states = _Recurrences.of(past, members), {}
    for t in range(min(starting), steps):
        if (new := starting.get(t)) is not None:
            recurrences.initialize(new)
        recurrences.update(t)
        if (known := past.trials.get(t)) is not None:
            valid = past.has_enough_history(t)
            errors += recurrences.mean_absolute_errors(t, known) * valid
            count += valid
            if t in past.last_horizon_trials:
                states[t] = recurrences.state()
    states[steps - 1] = State(recurrences.level, recurrences.trend, recurrences.season)
    return errors / np.maximum(count, 1), count, states


@dataclass
class _Recurrences:
    """States of all members during a run, updated in place.

    Attributes:
        history: of B series.
        initial_state: level [B], trend [B] and season [m, B] before the first value.
        members: the grid, [M, 1] each.
        season_rate: [M, B] γ(1 − α), 0 without a season.
        damping: [H, M, 1] φ + φ² + … + φʰ.
        level, trend: [M, B].
        season: [m, M, B], by step modulo m.
    """

    history: HistoryBatch
    initial_state: tuple[Floats, Floats, Floats]
    members: ParameterGrid
    season_rate: Floats
    damping: Floats
    level: Floats
    trend: Floats
    season: Floats

    @classmethod
    def of(cls, past: HistoryBatch, members: ParameterGrid) -> _Recurrences:
        """Build states for all members, before any value."""
        members, size = members.columns(), (len(members), past.z.shape[1])
        season_rate = members.gamma * (1 - members.alpha) * past.seasonal
        damping = np.cumsum(members.phi ** np.arange(1, past.trial + 1)[:, None, None], axis=0)
        season = np.zeros((past.season_length, *size))
        return cls(past, past.initial_state(), members, season_rate, damping, np.zeros(size), np.zeros(size), season)

    def initialize(self, new: Bools) -> None:
        """Set the initial state of the series [B] that start at the next step."""
        level, trend, season = self.initial_state
        self.level[:, new] = level[new]
        self.trend[:, new] = trend[new] * (self.members.beta > 0)
        self.season[:, :, new] = season[:, None, new] * (self.members.gamma > 0)

    def update(self, t: int) -> None:
        """Update the states with the values of step t."""
        members, season = self.members, self.season[t % self.history.season_length]
        self.trend *= members.phi
        self.level += self.trend
        e = self.history.z[t] - self.level
        e -= season
        season += self.season_rate * e
        e *= members.alpha
        self.level += e
        e *= members.beta
        self.trend += e

    def ahead(self, t: int, h: int) -> Floats:
        """[M, B] forecasts of step t + h from step t."""
        forecasts: Floats = self.trend * self.damping[h - 1]
        forecasts += self.level
        forecasts += self.season[(t + h) % self.history.season_length]
        return forecasts

    def mean_absolute_errors(self, t: int, steps: int) -> Floats:
        """[M + 1, B] mean absolute errors of the forecasts of `steps` steps from step t."""
        actual = self.history.z[t + 1 : t + 1 + steps]
        total = np.zeros((len(self.level) + 1, actual.shape[1]))
        for h, value in enumerate(actual, start=1):
            error = self.ahead(t, h)
            error -= value
            total[:-1] += np.abs(error, out=error)
        total[-1] = np.abs(self.history.seasonal_naive(t, steps) - actual).sum(axis=0)
        return total / steps

    def state(self) -> State:
        """Copy of the current states."""
        return State(self.level.copy(), self.trend.copy(), self.season.copy())
