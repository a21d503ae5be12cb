"""What an LSTM has to beat: forecasts that cost nothing.

S series stand flat in one array; B origins are a series and the step, counted from its first value, after which
nothing is known. Every function: [B] series and origins to [B, H].
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from lstmcast.statistical.seasonality import by_phase, moving_mean, significant
from lstmcast.types import Bools, Floats, Ints

Rule = Callable[[Floats, Ints, Ints, int], Floats]

WINDOW = 5  # last values that the window mean averages where there is no season
CHUNK_SIZE = 1 << 22  # values of histories that Naive2 holds at once: 32 MB


def naive(values: Floats, first: Ints, origins: Ints, horizon: int) -> Floats:
    """The last value, H times.

    Args:
        values: [N] flat.
        first: [B] where each origin's series begins in it.
        origins: [B] steps from there.
        horizon: H.
    """
    return np.repeat(values[first + origins][:, None], horizon, axis=1)


def seasonal_naive(values: Floats, first: Ints, origins: Ints, horizon: int, *, season: int) -> Floats:
    """The last season again and again; the naive forecast where a series has not seen a whole season."""
    back = season - 1 - np.arange(horizon) % season  # [H] steps before the origin
    source_steps = origins[:, None] - np.where(origins[:, None] + 1 >= season, back, 0)
    repeated: Floats = values[first[:, None] + source_steps]
    return repeated


def drift(values: Floats, first: Ints, origins: Ints, horizon: int) -> Floats:
    """The line through the first and the last value, carried on."""
    last = values[first + origins]
    slope = (last - values[first]) / np.maximum(origins, 1)
    line: Floats = last[:, None] + slope[:, None] * np.arange(1, horizon + 1)
    return line


def window_mean(values: Floats, first: Ints, origins: Ints, horizon: int, *, season: int) -> Floats:
    """The mean of the last season, of the last 5 values where there is no season, or of all where there are fewer."""
    count = np.minimum(season if season > 1 else WINDOW, origins + 1)
    ends = first + origins + 1
    bounds = np.stack([ends - count, ends], axis=1).ravel()
    sums = np.add.reduceat(np.append(values, 0.0), bounds)[::2]
    return np.repeat((sums / count)[:, None], horizon, axis=1)


def naive2(values: Floats, first: Ints, origins: Ints, horizon: int, *, season: int) -> Floats:
    """The naive forecast of the seasonally adjusted series: what OWA is measured against (the M4 competition's Naive2).

    Where a history is positive, has three seasons, and its autocorrelation at a season is significant at 90 %, it is
    divided by its seasonal indices (classical multiplicative decomposition) and the forecast multiplied by them.
    """
    forecast = naive(values, first, origins, horizon)
    may = np.flatnonzero(origins + 1 >= 3 * season) if season > 1 else np.empty(0, np.int64)
    longest = int(origins[may].max(initial=0)) + 1
    longest += -longest % season  # whole seasons, so that columns of a phase stand below each other
    rows = max(1, CHUNK_SIZE // longest)
    for part in (may[k : k + rows] for k in range(0, len(may), rows)):
        steps = origins[part, None] + 1 + np.arange(-longest, 0)  # [B, longest] every history ends in the last column
        known = steps >= 0
        history = np.where(known, values[first[part, None] + np.maximum(steps, 0)], np.nan)
        seasonal = _is_seasonal(history, origins[part] + 1, season)
        indices = _seasonal_indices(history[seasonal], season)
        ahead = indices[:, np.arange(horizon) % season] / indices[:, -1:]
        forecast[part[seasonal]] *= ahead
    return forecast


def baselines(season: int) -> Mapping[str, Rule]:
    """The baselines by name; without a season the seasonal one is the naive one, and is left out."""
    unseasonal: dict[str, Rule] = {"naive": naive, "drift": drift}
    unseasonal["window_mean"] = lambda v, f, o, h: window_mean(v, f, o, h, season=season)
    if season > 1:
        unseasonal["seasonal_naive"] = lambda v, f, o, h: seasonal_naive(v, f, o, h, season=season)
    return unseasonal


def _is_seasonal(history: Floats, lengths: Ints, season: int) -> Bools:
    """[B] whether positive histories [B, T] that begin with NaN have a season."""
    known = ~np.isnan(history)
    centred = np.where(known, history - np.nanmean(history, axis=1, keepdims=True), 0.0)
    return np.asarray(significant(centred, lengths, season) & (np.nanmin(history, axis=1) > 0))


def _seasonal_indices(history: Floats, season: int) -> Floats:
    """[B, m] of histories [B, T]: the mean of y over its centred moving average, by phase, with mean 1."""
    trend, half = moving_mean(history, season), season // 2
    ratio = np.full_like(history, np.nan)
    ratio[:, half : half + trend.shape[1]] = history[:, half : half + trend.shape[1]] / trend
    indices = by_phase(ratio, season)
    return np.asarray(indices / indices.mean(axis=1, keepdims=True), dtype=np.float64)
