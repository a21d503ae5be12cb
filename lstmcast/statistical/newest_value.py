"""The newest value of each series, where it is outside what its past makes likely.

A value is expected near one of a few references: the last value, those one and two seasons before, and the one a season
before moved by the last change. Its distance is that to the nearest. A newest value whose distance is above LIMIT times
a high quantile of the past distances is damped: the past values with a comparable distance show which part of such a
step remains in the next value, and that part is kept; nothing where there were none.

Of a seasonal series, one value is expected as well: the mean of these references and of seasonal means, weighted by
their past errors. A newest value that is as far from it is damped too, unless its deviation from the seasonal mean is
that of the value before: then it is a new level. Its step, and that of a far value, is measured from the expected
value, and that of others from the nearest reference. Without a season, the reference that was nearest on average is
expected. Positive series are compared in logarithms.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lstmcast.arrays import row_quantiles
from lstmcast.types import Bools, Floats, Ints

QUANTILE, LIMIT = 0.9, 1.5  # of the past distances, and its multiple above which a value is damped
KEPT = 0.5  # of the quantile: the step that a damped value keeps at least
COMPARABLE = 0.5  # of the newest distance: past distances that show what remains of such a step
FAR = 3.0  # times the quantile: the step of a farther value is measured from the expected one
MEAN_SEASONS = 4  # of a seasonal mean
ERROR_EXPONENT = 4.0  # of the inverse past errors that weight the expected values
SMALLEST = 1e-12  # past error
UNSEEN = 2.0  # times the largest past distance, above which nothing is comparable
MIN_VALUES, STEPS, SEASONS = 10, 200, 5  # values needed; values looked at: steps, or seasons if more
MIN_BEYOND_SEASONS = 8  # values beyond two seasons that a season needs
CHUNK_SIZE = 1 << 20  # numbers per array: 8 MB


@dataclass(frozen=True)
class DampedValues:
    """The newest value at B origins, damped where it is unlikely.

    Attributes:
        values: [B].
        damped: [B] whether the value is not that of the data.
    """

    values: Floats
    damped: Bools


def damp_newest(values: Floats, first: Ints, origins: Ints, season: int) -> DampedValues:
    """Damp the newest value at each origin.

    Args:
        values: [N] concatenated values of all series.
        first: [B] position of the first value of each origin's series.
        origins: [B] steps from there; later values are not used.
        season: m; 1 for none.
    """
    known, ends = origins + 1, first + origins
    newest, damped = values[ends].copy(), np.zeros(len(origins), dtype=np.bool_)
    seasonal = (season > 1) & (known >= 2 * season + MIN_BEYOND_SEASONS)
    for m, selected in ((season, seasonal), (1, ~seasonal & (known >= MIN_VALUES))):
        steps = max(STEPS, SEASONS * m)
        rows = np.flatnonzero(selected)
        for part in (rows[k : k + CHUNK_SIZE // steps] for k in range(0, len(rows), CHUNK_SIZE // steps)):
            found, changed = _damp(_aligned(values, ends[part], known[part], steps), m)
            newest[part], damped[part] = np.where(changed, found, newest[part]), changed
    return DampedValues(newest, damped)


def _aligned(values: Floats, ends: Ints, known: Ints, steps: int) -> Floats:
    """[B, T] last values up to each origin, NaN before the series."""
    back = np.arange(min(steps, int(known.max())))[::-1]
    return np.where(back < known[:, None], values[np.maximum(ends[:, None] - back, 0)], np.nan)


def _damp(past: Floats, season: int) -> tuple[Floats, Bools]:
    """Newest values [S] of pasts [S, T] after damping, and whether they changed."""
    logs = np.nanmin(past, axis=1) > 0
    with np.errstate(invalid="ignore", divide="ignore"):
        x = np.where(logs[:, None], np.log(past), past)
    references = _references(x, season)  # [R, S, T]
    distances = np.abs(x - references)
    nearest = np.where(np.isnan(distances), np.inf, distances).argmin(axis=0)
    distance = np.take_along_axis(distances, nearest[None], axis=0)[0]
    distance[np.isnan(references[2])] = np.nan  # the first steps of a series lack most references
    before, newest = distance[:, :-1], distance[:, -1]
    limit = row_quantiles(before, (QUANTILE,))[0]
    likely = LIMIT * np.maximum(limit, np.finfo(float).eps * np.nanmax(np.abs(x), axis=1))
    kept = np.maximum(
        _remaining(x, references, nearest, before, newest, limit) * newest, np.minimum(KEPT * limit, newest)
    )
    expected, surprising, is_new = _expected(x, references, season)
    near = references[nearest[:, -1], np.arange(len(x)), -1]
    center = np.where(surprising | ((newest > FAR * limit) & is_new), expected, near)
    away = x[:, -1] - center
    damped = center + np.sign(away) * np.minimum(kept, np.abs(away))
    with np.errstate(over="ignore"):
        return np.where(logs, np.exp(damped), damped), (newest > likely) | surprising


def _expected(x: Floats, references: Floats, season: int) -> tuple[Floats, Bools, Bools]:
    """[S] expected newest value; whether the newest is far from it, and whether its deviation differs from the last."""
    if season == 1:
        best = references[_mean_errors(x, references).argmin(axis=0), np.arange(len(x)), -1]
        return best, np.zeros(len(x), dtype=np.bool_), np.ones(len(x), dtype=np.bool_)
    means = _seasonal_means(x, season)
    expected, is_new = _weighted(x, np.concatenate([references, means])), _is_far(x, means[-1])
    return expected[:, -1], _is_far(x, expected) & is_new, is_new


def _is_far(x: Floats, expected: Floats) -> Bools:
    """[S] true where the newest value is farther than a multiple of the quantile of the past distances."""
    gaps = np.abs(x - expected)
    return np.asarray(gaps[:, -1] > LIMIT * row_quantiles(gaps[:, :-1], (QUANTILE,))[0])


def _weighted(x: Floats, found: Floats) -> Floats:
    """[S, T] mean of [R, S, T] expected values, weighted by their past errors; NaN where none is known."""
    weights: Floats = np.maximum(_mean_errors(x, found), SMALLEST)[..., None] ** -ERROR_EXPONENT * ~np.isnan(found)
    return _ratio((weights * np.nan_to_num(found)).sum(axis=0), weights.sum(axis=0))


def _mean_errors(x: Floats, found: Floats) -> Floats:
    """[R, S] mean distance of the values before the newest from expected ones; infinite where none is known."""
    distances = np.abs(x - found)[..., :-1]
    known = ~np.isnan(distances)
    mean = np.where(known, distances, 0.0).sum(axis=2) / np.maximum(known.sum(axis=2), 1)
    return np.where(known.any(axis=2), mean, np.inf)


def _seasonal_means(x: Floats, season: int) -> Floats:
    """[3, S, T] mean of values a season apart, as it is, moved by a season's mean deviation, and by the last one."""
    apart = np.stack([_lag(x, k * season) for k in range(1, MEAN_SEASONS + 1)])
    means = _ratio(np.nansum(apart, axis=0), (~np.isnan(apart)).sum(axis=0))
    deviation = _lag(x - means, 1)
    recent = _ratio(_of_last(np.nan_to_num(deviation), season), _of_last(~np.isnan(deviation), season))
    return np.stack([means, means + recent, means + deviation])


def _of_last(values: Floats | Ints | Bools, steps: int) -> Floats:
    """[S, T] sum of the last steps."""
    total = np.cumsum(values, axis=1, dtype=np.float64)
    total[:, steps:] -= total[:, :-steps].copy()
    return total


def _ratio(total: Floats, count: Floats | Ints | Bools) -> Floats:
    """NaN where the count is 0."""
    return np.divide(total, count, out=np.full_like(total, np.nan), where=np.asarray(count > 0))


def _lag(x: Floats, steps: int) -> Floats:
    """[S, T] values some steps before; NaN before the series."""
    before = np.full((len(x), min(steps, x.shape[1])), np.nan)
    return np.concatenate([before, x[:, : max(x.shape[1] - steps, 0)]], axis=1)


def _references(x: Floats, season: int) -> Floats:
    """[R, S, T] values near which each value is expected; NaN before the series."""
    last = _lag(x, 1)
    if season == 1:
        return np.stack([last, _lag(x, 2), 2 * last - _lag(x, 2)])
    again = _lag(x, season)
    return np.stack([last, again, last + again - _lag(x, season + 1), _lag(x, 2 * season)])


def _remaining(x: Floats, references: Floats, nearest: Ints, before: Floats, newest: Floats, limit: Floats) -> Floats:
    """[S] part of a step like the newest one that remained in the next value: a median, shrunk to 0."""
    near = np.take_along_axis(references, nearest[None], axis=0)[0]
    large = (before > 0) & (before >= limit[:, None]) & (before >= COMPARABLE * newest[:, None])
    large &= newest[:, None] <= UNSEEN * np.nanmax(before, axis=1)[:, None]
    large[:, -1] = False  # its next value is the newest one
    with np.errstate(invalid="ignore", divide="ignore"):
        remained = (x[:, 1:] - near[:, :-1]) / (x[:, :-1] - near[:, :-1])
    remained[:, -1] = np.nan
    count = large.sum(axis=1)
    median = row_quantiles(np.where(large, remained, np.nan), (0.5,))[0]
    return np.asarray(np.clip(median, 0, 1) * count / (count + 1))
