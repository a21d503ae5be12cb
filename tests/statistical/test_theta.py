"""The Theta method against the method as its inventors describe it, two lines and all, one series after the other."""

from __future__ import annotations

import numpy as np
import pytest

from lstmcast.statistical import theta
from lstmcast.statistical.history import HistoryBatch
from lstmcast.statistical.theta import ALPHAS

CASES = [(1, 1), (1, 2), (1, 30), (4, 11), (4, 40), (7, 60), (12, 100)]


def past_of(z: np.ndarray, season: int, trial: int = 6) -> HistoryBatch:
    """All of one series."""
    return HistoryBatch.of(z, np.array([len(z) - 1]), np.array([len(z)]), season=season, trial=trial)


def indices(z: np.ndarray, season: int) -> list[float]:
    """The season of a series by its phase, value by value; zeros where it has none that is significant."""
    n, mean = len(z), float(np.mean(z))
    if season == 1 or n < 2 * season:
        return [0.0] * season
    r = [sum((z[t] - mean) * (z[t - k] - mean) for t in range(k, n)) for k in range(season + 1)]
    r = [one / r[0] for one in r]
    if abs(r[season]) <= 1.645 * ((1 + 2 * sum(one**2 for one in r[1:season])) / n) ** 0.5:
        return [0.0] * season
    found: list[list[float]] = [[] for _ in range(season)]
    half = season // 2
    for t in range(half, n - half):
        around = list(z[t - half : t + half + 1])
        if season % 2 == 0:
            around[0], around[-1] = around[0] / 2, around[-1] / 2
        found[t % season].append(z[t] - sum(around) / season)
    means = [sum(one) / len(one) for one in found]
    return [one - sum(means) / season for one in means]


def two_lines(z: np.ndarray, horizon: int, season: int) -> list[float]:
    """The mean of the trend line (θ = 0), carried on, and of the line of twice the curvature (θ = 2), smoothed."""
    s = indices(z, season)
    y = np.array([value - s[t % season] for t, value in enumerate(z)])
    t = np.arange(len(y))
    slope = np.polyfit(t, y, 1)[0] if len(y) > 2 else 0.0
    trend = y.mean() + slope * (t - t.mean())

    def smooth(values: np.ndarray, alpha: float) -> tuple[float, float]:
        level, squares = values[0], 0.0
        for value in values[1:]:
            squares += (value - level) ** 2
            level += alpha * (value - level)
        return level, squares

    alpha = min(ALPHAS, key=lambda one: smooth(y, one)[1])
    curved = smooth(2 * y - trend, alpha)[0]
    n = len(y)
    carried = [y.mean() + slope * (n - 1 + h - t.mean()) for h in range(1, horizon + 1)]
    return [(line + curved) / 2 + s[(n - 1 + h) % season] for h, line in enumerate(carried, 1)]


@pytest.mark.parametrize(("season", "steps"), CASES)
@pytest.mark.parametrize("swing", [0.0, 8.0])
def test_it_is_the_mean_of_two_lines(season: int, steps: int, swing: float) -> None:
    """On the seasonally adjusted series: its trend carried on, and its doubled curvature smoothed."""
    t = np.arange(steps)
    z = 100 + np.random.default_rng(steps).normal(size=steps).cumsum() + swing * np.sin(2 * np.pi * t / max(season, 2))
    np.testing.assert_allclose(theta.forecast(past_of(z, season), 9).z[0], two_lines(z, 9, season), rtol=1e-9)


def test_both_types_of_season_were_tested() -> None:
    """Of the cases above, some have a significant season, and some with two known have none."""
    t = np.arange(40)
    noise = np.random.default_rng(40).normal(size=40).cumsum()
    assert not any(indices(noise, 4))
    assert any(indices(noise + 8 * np.sin(np.pi * t / 2), 4))


def test_many_series_are_forecast_as_each_alone() -> None:
    """Of all lengths, with and without a season: one block gives what one after the other does, errors too."""
    rng = np.random.default_rng(1)
    lengths = np.array([1, 2, 3, 7, 12, 13, 25, 48])
    each = [rng.normal(size=n).cumsum() + (n % 2) * 5 * np.cos(np.pi * np.arange(n) / 2) for n in lengths]
    block = HistoryBatch.of(np.concatenate(each), np.cumsum(lengths) - 1, lengths, season=4, trial=6)
    found, alone = theta.forecast(block, 6), [theta.forecast(past_of(z, 4), 6) for z in each]
    np.testing.assert_allclose(found.z, [one.z[0] for one in alone], rtol=1e-9)
    np.testing.assert_allclose(found.abs_error, [one.abs_error[0] for one in alone], rtol=1e-9)


def test_its_errors_are_those_of_its_trials(monkeypatch: pytest.MonkeyPatch) -> None:
    """With α known and no season, the trial forecasts equal forecasts of the series cut at the trial."""
    monkeypatch.setattr(theta, "ALPHAS", np.array([0.3]))
    z = np.random.default_rng(2).normal(size=30).cumsum()
    past, expected = past_of(z, 1), 0.0
    for t in past.last_horizon_trials:
        (forecast,) = theta.forecast(past_of(z[: t + 1], 1), past.trials[t]).z
        expected += np.abs(forecast - z[t + 1 : t + 1 + len(forecast)]).mean()
    np.testing.assert_allclose(theta.forecast(past, 6).abs_error[0], expected, rtol=1e-9)
