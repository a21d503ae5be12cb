"""Least-squares line and seasonal means of the whole past.

With t the step, m the season and k = t mod m its phase, a series is y_t = a_k + b·t + e_t. The slope b is that of the
deviations from the means of each phase; b = 0 leaves the seasonal means. Fewer than two seasons and one step have a
single phase.
"""

from __future__ import annotations

import numpy as np

from lstmcast.types import Bools, Floats, Ints

CHUNK_SIZE = 1 << 22  # numbers per array: 32 MB


def forecast(
    values: Floats, first: Ints, origins: Ints, horizon: int, *, season: int, trend: bool, history: int
) -> Floats:
    """Forecast [B, H] from any number of origins.

    Args:
        values: [N] concatenated values of all series.
        first: [B] position of the first value of each origin's series.
        origins: [B] steps from there; later values are not used.
        horizon: H.
        season: m; 1 for none.
        trend: whether the line has a slope.
        history: number of past values to use.
    """
    forecasts = np.empty((len(origins), horizon))
    known = np.minimum(origins + 1, history)
    rows = max(1, CHUNK_SIZE // max(1, int(known.max(initial=1))))
    for begin in range(0, len(origins), rows):
        part = slice(begin, begin + rows)
        past = _aligned(values, first[part] + origins[part], known[part])
        forecasts[part] = _extrapolate(past, known[part], horizon, season, trend=trend)
    return forecasts


def gradient(known: int, horizon: int, *, season: int, trend: bool) -> Floats:
    """Jacobian [H, T] of the forecast from T known values, oldest first; the forecast is linear in them."""
    return _extrapolate(np.eye(known)[:, ::-1], np.full(known, known), horizon, season, trend=trend).T


def _aligned(values: Floats, last: Ints, known: Ints) -> Floats:
    """[B, T] values that end at positions `last`, newest first; 0 before the history."""
    back = np.arange(int(known.max()))
    return np.where(back < known[:, None], values[np.maximum(last[:, None] - back, 0)], 0.0)


def _extrapolate(past: Floats, known: Ints, horizon: int, season: int, *, trend: bool) -> Floats:
    """[B, H] forecasts from [B, T] values, newest first."""
    forecasts = np.empty((len(past), horizon))
    whole = known >= 2 * season + 1
    for has_season in (False, True):
        rows = whole if has_season else ~whole
        if rows.any():
            phases = season if has_season else 1
            forecasts[rows] = _by_phase(past[rows], known[rows], horizon, phases, trend=trend)
    return forecasts


def _by_phase(past: Floats, known: Ints, horizon: int, season: int, *, trend: bool) -> Floats:
    """[B, H] forecasts with `season` phases; the phase of the newest value is 0, and steps back are negative times."""
    series, back = len(past), -(-past.shape[1] // season) * season
    padded = np.zeros((series, back))
    padded[:, : past.shape[1]] = past
    valid: Bools = np.arange(back) < known[:, None]
    t = -np.arange(back, dtype=np.float64).reshape(-1, season)  # [n, m]
    y, valid = padded.reshape(series, -1, season), valid.reshape(series, -1, season)
    count = valid.sum(axis=1)  # [B, m]
    mean_y, mean_t = y.sum(axis=1) / count, (t * valid).sum(axis=1) / count
    slope = np.zeros(series)
    if trend:
        moved = np.where(valid, t - mean_t[:, None], 0.0)
        square = np.square(moved).sum(axis=(1, 2))
        product = (moved * (y - mean_y[:, None])).sum(axis=(1, 2))
        slope = np.divide(product, square, out=slope, where=square > 0)
    ahead = np.arange(1, horizon + 1)
    phase = -ahead % season
    line: Floats = mean_y[:, phase] + slope[:, None] * (ahead - mean_t[:, phase])
    return line
