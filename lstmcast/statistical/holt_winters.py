"""Many damped additive Holt-Winters recurrences, each trusted as far as it forecast well lately.

A recurrence keeps a level l, a trend b and a season s. With e = z_t − (l + φb + s), what came less what was expected,

    l ← l + φb + αe        b ← φb + αβe        s ← s + γ(1 − α)e

and h steps ahead it says l + (φ + φ² + … + φʰ)b + s. (Holt 1957, Winters 1960; damped: Gardner & McKenzie 1985; as
errors corrected: Hyndman et al., Forecasting with Exponential Smoothing, 2008, ch. 2.) Nothing is fitted: a grid of
constants is run, the seasonal naive forecast beside it, and each counts by its errors from the trial origins.
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
WEIGHT_EXPONENT = (
    4.0,
    2 / 3,
)  # a member counts by its error to the power of minus the first, and the second for each trial
MIN_SEASONAL_NAIVE_WEIGHT = (
    0.25  # the least that the seasonal naive forecast counts where there is a season: trials are few
)


@dataclass(frozen=True)
class ParameterGrid:
    """The grid: [M] constants of each member; those without γ see no season."""

    alpha: Floats
    beta: Floats
    phi: Floats
    gamma: Floats

    @classmethod
    def of(cls, season: int) -> ParameterGrid:
        """Those that make sense for a season."""
        gammas = (0.0, *GAMMAS) if season > 1 else (0.0,)
        grid = np.array([(a, b, p, g) for a, (b, p), g in product(ALPHAS, TRENDS, gammas)])
        return cls(*grid.T)

    def __len__(self) -> int:
        return len(self.alpha)

    def columns(self) -> ParameterGrid:
        """The same as [M, 1], to stand before series."""
        return ParameterGrid(*(each[:, None] for each in (self.alpha, self.beta, self.phi, self.gamma)))


def size(season: int) -> int:
    """How many members there are."""
    return len(ParameterGrid.of(season))


def forecast(past: HistoryBatch, horizon: int) -> MethodForecast:
    """The members' forecasts, weighted by how they did in the trials."""
    run, last = fit_grid(past), len(past.z) - 1
    error = np.zeros(len(past.known))
    for t in past.last_horizon_trials:
        error += past.trial_error(t, run.forecast(past, t, past.trials[t]))
    return MethodForecast(run.forecast(past, last, horizon).T, error)


@dataclass(frozen=True)
class State:
    """M members after a column: level and trend [M, B], season [m, M, B] by the column modulo m."""

    level: Floats
    trend: Floats
    season: Floats


@dataclass(frozen=True)
class FittedGrid:
    """What M members, and the seasonal naive forecast as one more, have learnt of B series.

    Attributes:
        members: the grid.
        weights: [M + 1, B] how much each counts: 1 in all.
        states: of the members after the near trials' columns, and after the last.
    """

    members: ParameterGrid
    weights: Floats
    states: dict[int, State]

    def forecast(self, past: HistoryBatch, t: int, steps: int) -> Floats:
        """[steps, B] what is said after column t: the weighted mean, for which no member's forecast is written out."""
        state, weights = self.states[t], self.weights[:-1]
        damping = np.cumsum(self.members.phi ** np.arange(1, steps + 1)[:, None], axis=0)  # [steps, M]
        season = np.einsum("kmb,mb->kb", state.season, weights)
        forecasts = (state.level * weights).sum(axis=0) + damping @ (state.trend * weights)
        forecasts += season[(t + 1 + np.arange(steps)) % len(season)]
        return np.asarray(forecasts + self.weights[-1] * past.seasonal_naive(t, steps))


def fit_grid(past: HistoryBatch) -> FittedGrid:
    """Run the grid, and weigh it by its errors in the trials."""
    members = ParameterGrid.of(past.season_length)
    errors, count, states = _run(past, members)
    relative = np.maximum(errors, EPSILON) / np.maximum(errors.min(axis=0), EPSILON)
    weights = relative ** -(WEIGHT_EXPONENT[0] + WEIGHT_EXPONENT[1] * count)
    hedge = MIN_SEASONAL_NAIVE_WEIGHT if past.season_length > 1 else 0.0
    weights *= (1 - hedge) / weights.sum(axis=0)
    weights[-1] += hedge
    return FittedGrid(members, weights, states)


def _run(past: HistoryBatch, members: ParameterGrid) -> tuple[Floats, Ints, dict[int, State]]:
    """Run all members over the past, the seasonal naive forecast as one more.

    Returns:
        Their mean absolute errors over the trials [M + 1, B], the number of trials [B], and the members after the near
        trials and at the end.
    """
    steps, n = past.z.shape
    start = steps - past.known
    beginning = {int(t): start == t for t in np.unique(start)}
    errors, count = np.zeros((len(members) + 1, n)), np.zeros(n, np.int64)
    recurrences, states = _Recurrences.of(past, members), {}
    for t in range(min(beginning), steps):
        if (new := beginning.get(t)) is not None:
            recurrences.begin(new)
        recurrences.update(t)
        if (known := past.trials.get(t)) is not None:
            valid = past.has_enough_history(t)
            errors += recurrences.mean_absolute_errors(t, known) * valid
            count += valid
            if t in past.last_horizon_trials:
                states[t] = recurrences.copied()
    states[steps - 1] = State(recurrences.level, recurrences.trend, recurrences.season)
    return errors / np.maximum(count, 1), count, states


@dataclass
class _Recurrences:
    """All members on their way through the past, changed in place.

    Attributes:
        history: of B series.
        initial_state: level [B], trend [B] and season [m, B] before the first value.
        members: the grid, [M, 1] each.
        taught: [M, B] γ(1 − α), 0 where no season is seen.
        damping: [H, M, 1] φ + φ² + … + φʰ.
        level, trend: [M, B].
        season: [m, M, B], by the column modulo m.
    """

    history: HistoryBatch
    initial_state: tuple[Floats, Floats, Floats]
    members: ParameterGrid
    taught: Floats
    damping: Floats
    level: Floats
    trend: Floats
    season: Floats

    @classmethod
    def of(cls, past: HistoryBatch, members: ParameterGrid) -> _Recurrences:
        """Before the first value."""
        members, size = members.columns(), (len(members), past.z.shape[1])
        taught = members.gamma * (1 - members.alpha) * past.seasonal
        damping = np.cumsum(members.phi ** np.arange(1, past.trial + 1)[:, None, None], axis=0)
        season = np.zeros((past.season_length, *size))
        return cls(past, past.initial_state(), members, taught, damping, np.zeros(size), np.zeros(size), season)

    def begin(self, new: Bools) -> None:
        """Begin with the series, [B], whose first value comes next."""
        level, trend, season = self.initial_state
        self.level[:, new] = level[new]
        self.trend[:, new] = trend[new] * (self.members.beta > 0)
        self.season[:, :, new] = season[:, None, new] * (self.members.gamma > 0)

    def update(self, t: int) -> None:
        """Take in column t."""
        members, season = self.members, self.season[t % self.history.season_length]
        self.trend *= members.phi
        self.level += self.trend
        e = self.history.z[t] - self.level
        e -= season
        season += self.taught * e
        e *= members.alpha
        self.level += e
        e *= members.beta
        self.trend += e

    def ahead(self, t: int, h: int) -> Floats:
        """[M, B] what is said of column t + h, t being the last known."""
        forecasts: Floats = self.trend * self.damping[h - 1]
        forecasts += self.level
        forecasts += self.season[(t + h) % self.history.season_length]
        return forecasts

    def mean_absolute_errors(self, t: int, steps: int) -> Floats:
        """[M + 1, B] mean absolute errors of what is said of `steps` columns after t."""
        actual = self.history.z[t + 1 : t + 1 + steps]
        total = np.zeros((len(self.level) + 1, actual.shape[1]))
        for h, value in enumerate(actual, start=1):
            error = self.ahead(t, h)
            error -= value
            total[:-1] += np.abs(error, out=error)
        total[-1] = np.abs(self.history.seasonal_naive(t, steps) - actual).sum(axis=0)
        return total / steps

    def copied(self) -> State:
        """As they are now."""
        return State(self.level.copy(), self.trend.copy(), self.season.copy())
