"""The Theta method: simple exponential smoothing that carries on half of the drift that a series has had.

Of n values, less their season, with b the slope of the least-squares line through them and l the level of simple
smoothing, l ← l + α(z − l), it says h steps ahead

    l + b/2 · (h − 1 + (1 − (1 − α)ⁿ) / α) + s

(Assimakopoulos & Nikolopoulos 2000; in this form Hyndman & Billah 2003.) α is that of ALPHAS whose squared one-step
errors are smallest. The season s is the mean, by phase, of how far values lie from the moving mean of a season around
them, where two seasons are known and the autocorrelation of one is significant; else there is none.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lstmcast.statistical.history import HistoryBatch, MethodForecast
from lstmcast.statistical.seasonality import by_phase, moving_mean, significant
from lstmcast.types import Bools, Floats, Ints

ALPHAS = np.array([0.02, 0.05, 0.1, 0.2, 0.3, 0.45, 0.6, 0.75, 0.9, 0.99])


def forecast(past: HistoryBatch, horizon: int) -> MethodForecast:
    """What it says; in the trials with the season and the α that all of the past gave."""
    adjusted = DeseasonalizedBatch.of(past, seasonal(past))
    last = len(past.z) - 1
    best, levels = adjusted.forecast(ALPHAS, [*past.last_horizon_trials, last])
    abs_error = np.zeros(len(past.known))
    for t in past.last_horizon_trials:
        abs_error += past.trial_error(t, adjusted.ahead(t, past.trials[t], ALPHAS[best], levels[t]))
    return MethodForecast(adjusted.ahead(last, horizon, ALPHAS[best], levels[last]).T, abs_error)


def gradient(past: HistoryBatch, horizon: int) -> Floats:
    """[H, T] J of one series: with its season test and its α held, the forecast is J z."""
    n, m, has = len(past.z), past.season_length, seasonal(past)
    best, _ = DeseasonalizedBatch.of(past, has).forecast(ALPHAS, [])
    alpha = ALPHAS[best[0]]
    t, h = np.arange(n), np.arange(1, horizon + 1)[:, None]
    level = np.where(t > 0, alpha, 1.0) * (1 - alpha) ** (n - 1 - t)
    slope = (t - (n - 1) / 2) * (12 / (n * (n * n - 1.0)) if n > 2 else 0.0)
    adjusted = level + slope / 2 * (h - 1 + (1 - (1 - alpha) ** n) / alpha)  # [H, T] of the values less their season
    if not has[0]:
        return np.asarray(adjusted)
    taken = np.zeros((m, horizon))
    np.add.at(taken, t % m, adjusted.T)
    season = np.eye(m)[(n - 1 + h[:, 0]) % m] - taken.T  # [H, m] what is put on, less what was taken off
    return np.asarray(adjusted + _through_season(season, n))


def _through_season(season: Floats, steps: int) -> Floats:
    """[H, m] gradients with respect to a season to [H, T], with respect to the values that it came from."""
    m, t = season.shape[1], np.arange(steps)
    inside = (t >= m // 2) & (t < steps - m // 2)
    each = (season - season.mean(axis=1, keepdims=True)) / np.bincount(t[inside] % m, minlength=m)
    away = np.where(inside, each[:, t % m], 0.0)
    return away - moving_mean(np.pad(away, ((0, 0), (m // 2, m // 2))), m)


@dataclass(frozen=True)
class DeseasonalizedBatch:
    """Series less their season.

    Attributes:
        z: [T, B] counted from the first value, and 0 before it.
        first: [B] the first value.
        season_length: [m, B] by column modulo m; 0 where there is none.
        count: [T, B] how many values are known up to each column; 0 before the first.
    """

    z: Floats
    first: Floats
    season_length: Floats
    count: Ints

    @classmethod
    def of(cls, past: HistoryBatch, has: Bools) -> DeseasonalizedBatch:
        """Take off the season of those that have one."""
        steps, n = past.z.shape
        season = np.zeros((past.season_length, n))
        if has.any():
            season[:, has] = _season(past.z[:, has], past.known[has], past.season_length)
        count = np.maximum(np.arange(1, steps + 1)[:, None] - steps + past.known, 0)
        z = past.z - season[np.arange(steps) % past.season_length]
        first = z[steps - past.known, np.arange(n)]
        return cls(np.where(count > 0, z - first, 0.0), first, season, count)

    def forecast(self, alphas: Floats, at: list[int]) -> tuple[Ints, dict[int, Floats]]:
        """Simple exponential smoothing: which α is best, [B], and its levels [B] after the columns `at`."""
        level = np.zeros((self.z.shape[1], len(alphas)))
        squares, kept = np.zeros_like(level), {}
        for t, z in enumerate(self.z):
            e = z[:, None] - level
            squares += e * e
            level += alphas * e
            if t in at:
                kept[t] = level.copy()
        best = squares.argmin(axis=1)
        return best, {t: levels[np.arange(len(best)), best] for t, levels in kept.items()}

    def ahead(self, t: int, steps: int, alpha: Floats, level: Floats) -> Floats:
        """[steps, B] what is said after column t, with [B] α and the level there."""
        n, h = self.count[t], np.arange(1, steps + 1)[:, None]
        lag = (1 - (1 - alpha) ** n) / alpha  # steps that the level stays behind a line
        drift = self._slope(t) / 2 * (h - 1 + lag)
        return np.asarray(self.first + level + drift + self.season_length[(t + h[:, 0]) % len(self.season_length)])

    def _slope(self, t: int) -> Floats:
        """[B] of the least-squares line through the values up to column t; 0 through one or two."""
        n, z = self.count[t], self.z[: t + 1]
        centred = self.count[: t + 1] - (n + 1) / 2  # where z is 0, it is no matter
        slope: Floats = np.einsum("tb,tb->b", centred, z) * 12 / np.maximum(n * (n * n - 1.0), 1)
        return np.where(n > 2, slope, 0.0)


def seasonal(past: HistoryBatch) -> Bools:
    """[B] whether two seasons are known, and the autocorrelation a season apart is significant."""
    steps, m = len(past.z), past.season_length
    if m == 1 or steps < 2 * m:
        return np.zeros(len(past.known), np.bool_)
    known = np.arange(steps)[:, None] >= steps - past.known
    mean = past.z.sum(axis=0) / past.known  # before a series z is 0
    centred = np.where(known, past.z - mean, 0.0).T
    return significant(centred, past.known, m) & (past.known >= 2 * m)


def _season(z: Floats, known: Ints, season: int) -> Floats:
    """[m, B] by column modulo m, of mean 0."""
    steps = len(z)
    before = -steps % season  # columns, so that those of a phase stand below each other
    history = np.full((z.shape[1], before + steps), np.nan)
    history[:, before:] = np.where(np.arange(steps)[:, None] >= steps - known, z, np.nan).T
    trend, half = moving_mean(history, season), season // 2
    away = np.full_like(history, np.nan)
    away[:, half : half + trend.shape[1]] = history[:, half : half + trend.shape[1]] - trend
    phases = by_phase(away, season)
    phases -= phases.mean(axis=1, keepdims=True)
    return np.asarray(phases[:, (before + np.arange(season)) % season].T)
