"""The grid of Holt-Winters recurrences against a slow loop, one value after the other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from lstmcast.statistical import holt_winters
from lstmcast.statistical.history import EPSILON, MAX_TRIAL_HORIZONS, TRIAL_COUNT, HistoryBatch
from lstmcast.statistical.holt_winters import (
    ALPHAS,
    EXPONENT_PER_TRIAL,
    GAMMAS,
    MIN_SEASONAL_NAIVE_WEIGHT,
    TRENDS,
    WEIGHT_EXPONENT,
)

LENGTHS = [1, 2, 4, 7, 9, 15, 23, 45]


@dataclass
class Slow:
    """One member on one series, one value after the other, as the formulas are written."""

    alpha: float
    beta: float
    phi: float
    gamma: float
    level: float
    trend: float
    phases: list[float]

    def ahead(self, t: int, h: int) -> float:
        """The forecast of step t + h, with t the last known step."""
        damped = sum(self.phi**k for k in range(1, h + 1))
        return self.level + damped * self.trend + self.phases[(t + h) % len(self.phases)]

    def learn(self, t: int, value: float, *, seasonal: bool) -> None:
        """Take in the value of step t."""
        phase = t % len(self.phases)
        expected = self.level + self.phi * self.trend
        error = value - expected - self.phases[phase]
        self.level, self.trend = expected + self.alpha * error, self.phi * self.trend + self.alpha * self.beta * error
        self.phases[phase] += self.gamma * (1 - self.alpha) * error if seasonal else 0.0


def begun(z: list[float], season: int) -> tuple[float, float, list[float]]:
    """Level, trend and seasonal deviations before the first value, from two seasons where there are two."""
    if season == 1 or len(z) < 2 * season:
        return z[0], 0.0, [0.0] * season
    means = [sum(z[k * season : (k + 1) * season]) / season for k in (0, 1)]
    slope = (means[1] - means[0]) / season
    line = [slope * (j - (season - 1) / 2) for j in range(season)]
    phases = [sum(z[k * season + j] - means[k] - line[j] for k in (0, 1)) / 2 for j in range(season)]
    return means[0] - slope * (season + 1) / 2, slope, phases


def members(z: list[float], season: int) -> list[Slow]:
    """The whole grid, before the first value."""
    level, trend, phases = begun(z, season)
    gammas = (0.0, *GAMMAS) if season > 1 else (0.0,)
    return [
        Slow(a, b, p, g, level, trend if b else 0.0, list(phases) if g else [0.0] * season)
        for a in ALPHAS
        for b, p in TRENDS
        for g in gammas
    ]


def by_loop(z: list[float], horizon: int, season: int) -> tuple[list[float], float]:
    """The forecast of one series, and how wrong it was in the trials of the last horizon."""
    last, seasonal = len(z) - 1, season > 1 and len(z) >= 2 * season
    nearest, longest = max(horizon // 3, 1), MAX_TRIAL_HORIZONS * horizon
    backs = {round(nearest + k * (longest - nearest) / (TRIAL_COUNT - 1)) for k in range(TRIAL_COUNT)}
    min_known = 2 * season if seasonal else max(season, 3)
    trials = {last - back: min(back, horizon) for back in backs if last - back >= max(min_known - 1, 0)}

    def again(t: int, h: int) -> float:
        return z[t] if t + 1 < season else z[t + 1 - season + (h - 1) % season]

    def off(values: list[float], t: int) -> float:
        return sum(abs(one - z[t + 1 + k]) for k, one in enumerate(values)) / len(values)

    values, errors, tries = [], [], []
    for member in members(z, season):
        trial_forecasts = {}
        for t, value in enumerate(z):
            member.learn(t, value, seasonal=seasonal)
            if t in trials:
                trial_forecasts[t] = [member.ahead(t, h + 1) for h in range(trials[t])]
        tries.append(trial_forecasts)
        values.append([member.ahead(last, h + 1) for h in range(horizon)])
    tries.append({t: [again(t, h + 1) for h in range(steps)] for t, steps in trials.items()})
    values.append([again(last, h + 1) for h in range(horizon)])
    errors = [
        sum(off(each, t) for t, each in trial_forecasts.items()) / max(len(trials), 1) for trial_forecasts in tries
    ]
    trust = WEIGHT_EXPONENT + EXPONENT_PER_TRIAL * len(trials)
    weights = [(max(error, EPSILON) / max(min(errors), EPSILON)) ** -trust for error in errors]
    hedge = MIN_SEASONAL_NAIVE_WEIGHT if season > 1 else 0.0
    weights = [(1 - hedge) * weight / sum(weights) for weight in weights]
    weights[-1] += hedge
    near = [t for t in trials if last - t <= horizon]
    mixed = {
        t: [sum(w * one[t][h] for w, one in zip(weights, tries, strict=True)) for h in range(trials[t])] for t in near
    }
    forecast = [sum(w * one[h] for w, one in zip(weights, values, strict=True)) for h in range(horizon)]
    return forecast, sum(off(mixed[t], t) for t in near)


@pytest.mark.parametrize(("season", "horizon"), [(1, 3), (4, 3), (7, 10), (12, 1)])
def test_many_origins_against_a_loop(season: int, horizon: int) -> None:
    """From origins of series of many lengths at once."""
    rng = np.random.default_rng(season)
    offsets = np.cumsum([0, *LENGTHS])
    z = rng.normal(size=offsets[-1]).cumsum() + 3 * np.sin(2 * np.pi * np.arange(offsets[-1]) / season)
    where = [(k, t) for k, n in enumerate(LENGTHS) for t in range(n) if t > n - 4 or t % 5 == 0]
    series, origins = np.array(where).T
    expected = [by_loop(z[offsets[k] : offsets[k] + t + 1].tolist(), horizon, season) for k, t in where]
    past = HistoryBatch.of(z, offsets[series] + origins, origins + 1, season=season, trial=horizon)
    found = holt_winters.forecast(past, horizon)
    np.testing.assert_allclose(found.z, [one[0] for one in expected], rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(found.abs_error, [one[1] for one in expected], rtol=1e-7, atol=1e-9)
