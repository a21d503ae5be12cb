"""Exponential smoothing: two methods that err in different ways, each trusted as far as it did well in the near trials.

A grid of Holt-Winters recurrences follows season and trend of late; beside it, the Theta method knows one season and
half of one drift. Hours and half-hours have two seasons: there a second grid follows the week, where two weeks are
known before the trials. Days of finer steps are the first grid alone. In z, each counts by the inverse of its errors to
the power of TRUST.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lstmcast.statistical import holt_winters, theta
from lstmcast.statistical.history import EPSILON, HistoryBatch, MethodForecast
from lstmcast.types import Floats, Ints

Numbers = Floats | float

SEASONS, STEPS = 20, 300  # the last so many seasons are looked at, and not fewer steps
WEEKS = 6  # or so many weeks
WEIGHT_EXPONENT = 4
DAYS, WEEK = (24, 48), 7  # steps of a day above which a week is looked for; days of it
CHUNK_SIZE = (
    1 << 19
)  # numbers of one kind held at once: 4 MB, of which a step needs an eighth; seven times that for weeks


def seasonal_periods(season: int) -> tuple[int, ...]:
    """Those that are followed, shortest first: day and week where the season is the one or the other."""
    return next(((day, WEEK * day) for day in DAYS if season in (day, WEEK * day)), (season,))


def history_length(season: int) -> int:
    """How many past steps a forecast depends on."""
    *_, longest = followed = seasonal_periods(season)
    return WEEKS * longest if len(followed) > 1 else _season_history_length(season)


def _season_history_length(season: int) -> int:
    """The same of one season."""
    return max(SEASONS * season, STEPS)


def forecast(z: Floats, first: Ints, origins: Ints, horizon: int, *, season: int, trial: int) -> Floats:
    """Forecast from any number of origins.

    Args:
        z: [N] the values of all series, one after the other; errors of different series are never compared.
        first: [B] where each origin's series begins in it.
        origins: [B] steps from there; what comes after is not looked at.
        horizon: H.
        season: m, steps in a season; 1: none.
        trial: the horizon at which methods are tried, so that a longer forecast begins with the shorter one.

    Returns:
        [B, H] z.
    """
    known = np.minimum(origins + 1, history_length(season))
    order = np.argsort(known, kind="stable")  # series of one length together: none waits long for another to begin
    forecasts = np.empty((len(origins), horizon))
    shortest = min(seasonal_periods(season))
    rows = max(1, CHUNK_SIZE // ((shortest + horizon + 8) * holt_winters.size(shortest)))
    for part in (order[k : k + rows] for k in range(0, len(order), rows)):
        ends = first[part] + origins[part]
        methods = weighted_methods(z, ends, known[part], horizon, season=season, trial=trial)
        forecasts[part] = sum(method.weight[:, None] * method.forecast.z for method in methods)
    return forecasts


@dataclass(frozen=True)
class WeightedMethod:
    """One of the methods, as it speaks of B series.

    Attributes:
        line: whether it is the Theta method, else a grid.
        history: what it looks at.
        forecast: its forecasts.
        weight: [B] how much it counts; 1 over all methods.
    """

    line: bool
    history: HistoryBatch
    forecast: MethodForecast
    weight: Floats


def weighted_methods(
    z: Floats, last: Ints, known: Ints, horizon: int, *, season: int, trial: int
) -> list[WeightedMethod]:
    """The methods that forecast what ends at [B] places of z, of each so many values known (see `forecast`)."""
    shortest, *longer = seasonal_periods(season)
    past = HistoryBatch.of(z, last, np.minimum(known, _season_history_length(shortest)), season=shortest, trial=trial)
    grid = holt_winters.forecast(past, horizon)
    if longer:
        weekly = HistoryBatch.of(z, last, known, season=longer[0], trial=trial)
        other = _enough_history(weekly, horizon)
    elif shortest % DAYS[0]:
        weekly, other = past, theta.forecast(past, horizon)
    else:
        return [WeightedMethod(False, past, grid, np.ones(len(last)))]
    weight = inverse_error_weight(other.abs_error, grid.abs_error) * np.isfinite(other.abs_error)
    return [WeightedMethod(False, past, grid, 1 - weight), WeightedMethod(not longer, weekly, other, weight)]


def _enough_history(past: HistoryBatch, horizon: int) -> MethodForecast:
    """The grid, endlessly wrong where no two seasons are known before all near trials."""
    valid = past.seasonal & past.has_enough_history(len(past.z) - 1 - past.trial)
    if not valid.any():
        return MethodForecast(np.zeros((len(valid), horizon)), np.full(len(valid), np.inf))
    fitted = holt_winters.forecast(past, horizon)
    return MethodForecast(fitted.z, np.where(valid & (fitted.abs_error > 0), fitted.abs_error, np.inf))


def inverse_error_weight(error: Numbers, other: Numbers, equal: Numbers = 0.5) -> Floats:
    """The weight of the one of two forecasts by the errors of both, 0 to 1.

    Args:
        error: its error, or [B] of them.
        other: that of the other.
        equal: the weight where both were equally wrong.
    """
    ratio = np.maximum(error, EPSILON) / np.maximum(other, EPSILON)
    with np.errstate(over="ignore", divide="ignore"):
        return np.asarray(1 / (1 + (np.divide(1, equal) - 1) * ratio**WEIGHT_EXPONENT))
