"""Theta method: simple exponential smoothing with half of the linear trend as drift.

For n deseasonalized values, with b the slope of their least-squares line and l the level of simple smoothing,
l ← l + α(z − l), the forecast h steps ahead is

    l + b/2 · (h − 1 + (1 − (1 − α)ⁿ) / α) + s

(Assimakopoulos & Nikolopoulos 2000; in this form Hyndman & Billah 2003). α of ALPHAS minimizes the squared one-step
errors. The season s is the mean deviation from the centered moving mean, by phase, if two seasons are known and the
autocorrelation at a season is significant; else 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lstmcast.statistical.history import HistoryBatch, MethodForecast
from lstmcast.statistical.seasonality import by_phase, moving_mean, significant
from lstmcast.types import Bools, Floats, Ints

ALPHAS = np.array([0.02, 0.05, 0.1, 0.2, 0.3, 0.45, 0.6, 0.75, 0.9, 0.99])


def forecast(past: HistoryBatch, horizon: int) -> MethodForecast:
    """Forecast by the Theta method; the trials use the season and the α of the whole history."""
    adjusted = DeseasonalizedBatch.of(past, seasonal(past))
    last = len(past.z) - 1
    best, levels = adjusted.forecast(ALPHAS, [*past.last_horizon_trials, last])
    abs_error = np.zeros(len(past.known))
    for t in past.last_horizon_trials:
        abs_error += past.trial_error(t, adjusted.ahead(t, past.trials[t], ALPHAS[best], levels[t]))
    return MethodForecast(adjusted.ahead(last, horizon, ALPHAS[best], levels[last]).T, abs_error)


def gradient(past: HistoryBatch, horizon: int) -> Floats:
    """Jacobian [H, T] of the forecast of one series, with the season test and α held fixed."""
    n, m, is_seasonal = len(past.z), past.season_length, seasonal(past)
    best, _ = DeseasonalizedBatch.of(past, is_seasonal).forecast(ALPHAS, [])
    alpha = ALPHAS[best[0]]
    t, h = np.arange(n), np.arange(1, horizon + 1)[:, None]
    level = np.where(t > 0, alpha, 1.0) * (1 - alpha) ** (n - 1 - t)
    slope = (t - (n - 1) / 2) * (12 / (n * (n * n - 1.0)) if n > 2 else 0.0)
    adjusted = level + slope / 2 * (h - 1 + (1 - (1 - alpha) ** n) / alpha)  # [H, T] of the deseasonalized values
    if not is_seasonal[0]:
        return np.asarray(adjusted)
    removed = np.zeros((m, horizon))
    np.add.at(removed, t % m, adjusted.T)
    season = np.eye(m)[(n - 1 + h[:, 0]) % m] - removed.T  # [H, m] season added minus season removed
    return np.asarray(adjusted + _season_gradient(season, n))


def _season_gradient(season: Floats, steps: int) -> Floats:
    """Backpropagate gradients of the season [H, m] to the values [H, T]."""
    m, t = season.shape[1], np.arange(steps)
    inside = (t >= m // 2) & (t < steps - m // 2)
    phases = (season - season.mean(axis=1, keepdims=True)) / np.bincount(t[inside] % m, minlength=m)
    deviations = np.where(inside, phases[:, t % m], 0.0)
    return deviations - moving_mean(np.pad(deviations, ((0, 0), (m // 2, m // 2))), m)


@dataclass(frozen=True)
class DeseasonalizedBatch:
    """Deseasonalized series.

    Attributes:
        z: [T, B] minus the first value; 0 before it.
        first: [B] the first value.
        season: [m, B] by step modulo m; 0 without a season.
        count: [T, B] number of values up to each step.
    """

    z: Floats
    first: Floats
    season: Floats
    count: Ints

    @classmethod
    def of(cls, past: HistoryBatch, is_seasonal: Bools) -> DeseasonalizedBatch:
        """Subtract the season from the series that have one."""
        steps, n = past.z.shape
        season = np.zeros((past.season_length, n))
        if is_seasonal.any():
            season[:, is_seasonal] = _season(past.z[:, is_seasonal], past.known[is_seasonal], past.season_length)
        count = np.maximum(np.arange(1, steps + 1)[:, None] - steps + past.known, 0)
        z = past.z - season[np.arange(steps) % past.season_length]
        first = z[steps - past.known, np.arange(n)]
        return cls(np.where(count > 0, z - first, 0.0), first, season, count)

    def forecast(self, alphas: Floats, at: list[int]) -> tuple[Ints, dict[int, Floats]]:
        """Simple exponential smoothing: index of the best α [B], and its levels [B] after the steps `at`."""
        level = np.zeros((self.z.shape[1], len(alphas)))
        squares, levels = np.zeros_like(level), {}
        for t, z in enumerate(self.z):
            e = z[:, None] - level
            squares += e * e
            level += alphas * e
            if t in at:
                levels[t] = level.copy()
        best = squares.argmin(axis=1)
        return best, {t: level[np.arange(len(best)), best] for t, level in levels.items()}

    def ahead(self, t: int, steps: int, alpha: Floats, level: Floats) -> Floats:
        """Forecasts [steps, B] from step t, with α [B] and the level [B] at t."""
        n, h = self.count[t], np.arange(1, steps + 1)[:, None]
        lag = (1 - (1 - alpha) ** n) / alpha  # steps that the level lags behind a line
        drift = self._slope(t) / 2 * (h - 1 + lag)
        return np.asarray(self.first + level + drift + self.season[(t + h[:, 0]) % len(self.season)])

    def _slope(self, t: int) -> Floats:
        """[B] slope of the least-squares line through the values up to step t; 0 for fewer than three."""
        n, z = self.count[t], self.z[: t + 1]
        centered = self.count[: t + 1] - (n + 1) / 2  # irrelevant before the first value, where z is 0
        slope: Floats = np.einsum("tb,tb->b", centered, z) * 12 / np.maximum(n * (n * n - 1.0), 1)
        return np.where(n > 2, slope, 0.0)


def seasonal(past: HistoryBatch) -> Bools:
    """[B] true where two seasons are known and the autocorrelation at a season is significant."""
    steps, m = len(past.z), past.season_length
    if m == 1 or steps < 2 * m:
        return np.zeros(len(past.known), np.bool_)
    known = np.arange(steps)[:, None] >= steps - past.known
    mean = past.z.sum(axis=0) / past.known
    centered = np.where(known, past.z - mean, 0.0).T
    return significant(centered, past.known, m) & (past.known >= 2 * m)


def _season(z: Floats, known: Ints, season: int) -> Floats:
    """Seasonal profile [m, B] by step modulo m, of mean 0."""
    steps = len(z)
    before = -steps % season  # padding to whole seasons
    history = np.full((z.shape[1], before + steps), np.nan)
    history[:, before:] = np.where(np.arange(steps)[:, None] >= steps - known, z, np.nan).T
    trend, half = moving_mean(history, season), season // 2
    deviations = np.full_like(history, np.nan)
    deviations[:, half : half + trend.shape[1]] = history[:, half : half + trend.shape[1]] - trend
    phases = by_phase(deviations, season)
    phases -= phases.mean(axis=1, keepdims=True)
    return np.asarray(phases[:, (before + np.arange(season)) % season].T)
