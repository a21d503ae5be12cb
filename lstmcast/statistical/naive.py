"""Naive baselines.

`values` is [N] concatenated values of all series. Each of B origins is `first`, the position of its series in the
array, and `origins`, steps from there. Forecasts are [B, H].
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np

from lstmcast.statistical.seasonality import by_phase, moving_mean, significant
from lstmcast.types import Bools, Floats, Ints

Rule = Callable[[Floats, Ints, Ints, int], Floats]

WINDOW_LENGTH = 5  # of the window mean without a season
CHUNK_SIZE = 1 << 22  # values of histories per array: 32 MB


def naive(values: Floats, first: Ints, origins: Ints, horizon: int) -> Floats:
    """Last value, H times."""
    return np.repeat(values[first + origins][:, None], horizon, axis=1)


def seasonal_naive(values: Floats, first: Ints, origins: Ints, horizon: int, *, season: int) -> Floats:
    """Last season, repeated; the naive forecast where no whole season is known."""
    back = season - 1 - np.arange(horizon) % season  # [H] steps before the origin
    source_steps = origins[:, None] - np.where(origins[:, None] + 1 >= season, back, 0)
    repeated: Floats = values[first[:, None] + source_steps]
    return repeated


def drift(values: Floats, first: Ints, origins: Ints, horizon: int) -> Floats:
    """Line through the first and the last value, extended."""
    last = values[first + origins]
    slope = (last - values[first]) / np.maximum(origins, 1)
    line: Floats = last[:, None] + slope[:, None] * np.arange(1, horizon + 1)
    return line


def window_mean(values: Floats, first: Ints, origins: Ints, horizon: int, *, season: int) -> Floats:
    """Mean of the last season, or of the last 5 values without a season, or of all if there are fewer."""
    count = np.minimum(season if season > 1 else WINDOW_LENGTH, origins + 1)
    ends = first + origins + 1
    bounds = np.stack([ends - count, ends], axis=1).ravel()
    sums = np.add.reduceat(np.append(values, 0.0), bounds)[::2]
    return np.repeat((sums / count)[:, None], horizon, axis=1)


def naive2(values: Floats, first: Ints, origins: Ints, horizon: int, *, season: int) -> Floats:
    """Naive2 of the M4 competition, the baseline of OWA: the naive forecast of the seasonally adjusted series.

    A history that is positive, has three seasons and a significant autocorrelation at a season (90 %) is divided by its
    seasonal indices (classical multiplicative decomposition), and the forecast multiplied by them.
    """
    forecast = naive(values, first, origins, horizon)
    candidates = np.flatnonzero(origins + 1 >= 3 * season) if season > 1 else np.empty(0, np.int64)
    longest = int(origins[candidates].max(initial=0)) + 1
    longest += -longest % season  # whole seasons
    rows = max(1, CHUNK_SIZE // longest)
    for part in (candidates[k : k + rows] for k in range(0, len(candidates), rows)):
        steps = origins[part, None] + 1 + np.arange(-longest, 0)  # [B, longest], aligned at the end
        known = steps >= 0
        history = np.where(known, values[first[part, None] + np.maximum(steps, 0)], np.nan)
        seasonal = _is_seasonal(history, origins[part] + 1, season)
        indices = _seasonal_indices(history[seasonal], season)
        ahead = indices[:, np.arange(horizon) % season] / indices[:, -1:]
        forecast[part[seasonal]] *= ahead
    return forecast


def baselines(season: int, seasons: Sequence[int]) -> Mapping[str, Rule]:
    """Baselines by name: `seasonal_naive` for one season, `seasonal_naive_7` and `seasonal_naive_365` for two.

    Args:
        season: steps of the window mean; 1 for the last five values.
        seasons: lengths of the seasonal naive forecasts.
    """
    rules: dict[str, Rule] = {"naive": naive, "drift": drift, "window_mean": partial(window_mean, season=season)}
    for length in seasons:
        name = "seasonal_naive" if len(seasons) == 1 else f"seasonal_naive_{length}"
        rules[name] = partial(seasonal_naive, season=length)
    return rules


def _is_seasonal(history: Floats, lengths: Ints, season: int) -> Bools:
    """[B] true where a history [B, T], padded with NaN in front, is positive and seasonal."""
    known = ~np.isnan(history)
    centered = np.where(known, history - np.nanmean(history, axis=1, keepdims=True), 0.0)
    return np.asarray(significant(centered, lengths, season) & (np.nanmin(history, axis=1) > 0))


def _seasonal_indices(history: Floats, season: int) -> Floats:
    """[B, m] of histories [B, T]: the mean of y over its centered moving average, by phase, with mean 1."""
    trend, half = moving_mean(history, season), season // 2
    ratio = np.full_like(history, np.nan)
    ratio[:, half : half + trend.shape[1]] = history[:, half : half + trend.shape[1]] / trend
    indices = by_phase(ratio, season)
    return np.asarray(indices / indices.mean(axis=1, keepdims=True), dtype=np.float64)
