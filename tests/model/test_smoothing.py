"""Exponential smoothing: the recurrences against a slow loop, the weights, and that nothing after an origin counts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from lstmcast.model import smoothing
from lstmcast.model.smoothing import ALPHAS, GAMMAS, HORIZONS, LEAST, REPEATED, TRENDS, TRIALS, TRUST, reach, smoothed

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
        """What is said of step t + h, t being the last known."""
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


def by_loop(z: list[float], horizon: int, season: int) -> list[float]:
    """The forecast of one series."""
    z = z[-reach(season) :]
    last, seasonal = len(z) - 1, season > 1 and len(z) >= 2 * season
    nearest, furthest = max(horizon // 3, 1), HORIZONS * horizon
    backs = {round(nearest + k * (furthest - nearest) / (TRIALS - 1)) for k in range(TRIALS)}
    ripe = 2 * season if seasonal else max(season, 3)
    trials = {last - back: min(back, horizon) for back in backs if last - back >= max(ripe - 1, 0)}

    def again(t: int, h: int) -> float:
        return z[t] if t + 1 < season else z[t + 1 - season + (h - 1) % season]

    def off(said: list[float], t: int) -> float:
        return sum(abs(one - z[t + 1 + k]) for k, one in enumerate(said)) / len(said)

    said, errors = [], []
    for member in members(z, season):
        found = []
        for t, value in enumerate(z):
            member.learn(t, value, seasonal=seasonal)
            if t in trials:
                found.append(off([member.ahead(t, h + 1) for h in range(trials[t])], t))
        said.append([member.ahead(last, h + 1) for h in range(horizon)])
        errors.append(sum(found) / max(len(found), 1))
    said.append([again(last, h + 1) for h in range(horizon)])
    found = [off([again(t, h + 1) for h in range(steps)], t) for t, steps in trials.items()]
    errors.append(sum(found) / max(len(found), 1))
    trust = TRUST[0] + TRUST[1] * len(trials)
    weights = [(max(error, LEAST) / max(min(errors), LEAST)) ** -trust for error in errors]
    hedge = REPEATED if season > 1 else 0.0
    weights = [(1 - hedge) * weight / sum(weights) for weight in weights]
    weights[-1] += hedge
    return [sum(w * one[h] for w, one in zip(weights, said, strict=True)) for h in range(horizon)]


@pytest.mark.parametrize(("season", "horizon"), [(1, 3), (4, 3), (7, 10), (12, 1)])
def test_many_origins_against_a_loop(season: int, horizon: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """From origins of series of many lengths at once, in one part and in many."""
    rng = np.random.default_rng(season)
    offsets = np.cumsum([0, *LENGTHS])
    z = rng.normal(size=offsets[-1]).cumsum() + 3 * np.sin(2 * np.pi * np.arange(offsets[-1]) / season)
    where = [(k, t) for k, n in enumerate(LENGTHS) for t in range(n) if t > n - 4 or t % 5 == 0]
    series, origins = np.array(where).T
    expected = [by_loop(z[offsets[k] : offsets[k] + t + 1].tolist(), horizon, season) for k, t in where]
    found = smoothed(z, offsets[series], origins, horizon, season=season, trial=horizon)
    np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-9)
    monkeypatch.setattr(smoothing, "AT_ONCE", 1000)
    np.testing.assert_allclose(
        smoothed(z, offsets[series], origins, horizon, season=season, trial=horizon), found, rtol=1e-9
    )


def test_it_reaches_back_so_far_and_not_to_what_comes_after(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever lies before the reach, after the origin or in another series: the same bytes."""
    monkeypatch.setattr(smoothing, "STEPS", 20)
    monkeypatch.setattr(smoothing, "SEASONS", 3)
    assert reach(4) == 20
    assert reach(12) == 36
    z, other = np.random.default_rng(0).normal(size=100), np.random.default_rng(1).normal(size=100) * 100
    other[31:51] = z[31:51]
    said = [smoothed(values, np.array([10]), np.array([40]), 6, season=4, trial=6).tobytes() for values in (z, other)]
    assert said[0] == said[1]
    other[31] += 1
    assert smoothed(other, np.array([10]), np.array([40]), 6, season=4, trial=6).tobytes() != said[0]


def test_what_repeats_exactly_goes_on() -> None:
    """A wave without noise, a series that stands still, and a line: on and on."""
    still, wave = np.full(96, 3.0), np.tile([0.0, 5, 1, -2], 24)
    said = smoothed(np.concatenate([still, wave]), np.array([0, 96]), np.array([95, 95]), 8, season=4, trial=8)
    np.testing.assert_allclose(said[0], 3.0)
    np.testing.assert_allclose(said[1], np.tile([0.0, 5, 1, -2], 2), atol=1e-6)
    (line,) = smoothed(2.0 * np.arange(96), np.array([0]), np.array([95]), 4, season=1, trial=4)
    np.testing.assert_allclose(line, 2.0 * np.arange(96, 100), rtol=0.01)


def test_shifted_and_stretched_values_are_forecast_so() -> None:
    """The forecast of a·z + b is a times that of z, plus b: no unit is preferred."""
    z = np.random.default_rng(3).normal(size=70).cumsum()
    asked = np.array([0]), np.array([69]), 9
    plain, other = smoothed(z, *asked, season=7, trial=9), smoothed(1e4 - 50 * z, *asked, season=7, trial=9)
    np.testing.assert_allclose(other, 1e4 - 50 * plain, rtol=1e-8)


def test_a_longer_forecast_begins_with_the_shorter_one() -> None:
    """How far is asked does not change what counts: the trials are those of the horizon they are for."""
    z = np.random.default_rng(5).normal(size=80).cumsum()
    asked = np.array([0]), np.array([79])
    long, short = (smoothed(z, *asked, steps, season=12, trial=6) for steps in (30, 2))
    np.testing.assert_allclose(long[:, :2], short)


def test_no_origins() -> None:
    """Nothing asked, nothing said."""
    none = np.empty(0, np.int64)
    assert smoothed(np.ones(3), none, none, 4, season=2, trial=4).shape == (0, 4)
