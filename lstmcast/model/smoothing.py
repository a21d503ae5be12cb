"""Exponential smoothing: two methods that err in different ways, each trusted as far as it did well in the near trials.

A grid of Holt-Winters recurrences follows season and trend of late; beside it, the Theta method knows one season and
half of one drift. Hours and half-hours have two seasons: there a second grid follows the week, where two weeks are
known before the trials. Days of finer steps are the first grid alone. In z, each counts by the inverse of its errors to
the power of TRUST.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lstmcast.model import holt_winters, theta
from lstmcast.model.past import LEAST, HistoryBatch, MethodForecast

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Numbers = Floats | float

SEASONS, STEPS = 20, 300  # the last so many seasons are looked at, and not fewer steps
WEEKS = 6  # or so many weeks
TRUST = 4
DAYS, WEEK = (24, 48), 7  # steps of a day above which a week is looked for; days of it
AT_ONCE = 1 << 19  # numbers of one kind held at once: 4 MB, of which a step needs an eighth; seven times that for weeks


def seasons(season: int) -> tuple[int, ...]:
    """Those that are followed, shortest first: day and week where the season is the one or the other."""
    return next(((day, WEEK * day) for day in DAYS if season in (day, WEEK * day)), (season,))


def reach(season: int) -> int:
    """How many past steps a forecast depends on."""
    *_, longest = followed = seasons(season)
    return WEEKS * longest if len(followed) > 1 else _reach(season)


def _reach(season: int) -> int:
    """The same of one season."""
    return max(SEASONS * season, STEPS)


def smoothed(z: Floats, first: Ints, origins: Ints, horizon: int, *, season: int, trial: int) -> Floats:
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
    known = np.minimum(origins + 1, reach(season))
    order = np.argsort(known, kind="stable")  # series of one length together: none waits long for another to begin
    said = np.empty((len(origins), horizon))
    shortest = min(seasons(season))
    rows = max(1, AT_ONCE // ((shortest + horizon + 8) * holt_winters.size(shortest)))
    for part in (order[k : k + rows] for k in range(0, len(order), rows)):
        ends = first[part] + origins[part]
        methods = voices(z, ends, known[part], horizon, season=season, trial=trial)
        said[part] = sum(voice.weight[:, None] * voice.said.z for voice in methods)
    return said


@dataclass(frozen=True)
class WeightedMethod:
    """One of the methods, as it speaks of B series.

    Attributes:
        line: whether it is the Theta method, else a grid.
        past: what it looks at.
        said: its forecasts.
        weight: [B] how much it counts; 1 over all methods.
    """

    line: bool
    past: HistoryBatch
    said: MethodForecast
    weight: Floats


def voices(z: Floats, last: Ints, known: Ints, horizon: int, *, season: int, trial: int) -> list[WeightedMethod]:
    """The methods that forecast what ends at [B] places of z, of each so many values known (see `smoothed`)."""
    shortest, *longer = seasons(season)
    past = HistoryBatch.of(z, last, np.minimum(known, _reach(shortest)), season=shortest, trial=trial)
    grid = holt_winters.forecast(past, horizon)
    if longer:
        beside = HistoryBatch.of(z, last, known, season=longer[0], trial=trial)
        other = _ripe(beside, horizon)
    elif shortest % DAYS[0]:
        beside, other = past, theta.forecast(past, horizon)
    else:
        return [WeightedMethod(False, past, grid, np.ones(len(last)))]
    weight = heavier(other.off, grid.off) * np.isfinite(other.off)
    return [WeightedMethod(False, past, grid, 1 - weight), WeightedMethod(not longer, beside, other, weight)]


def _ripe(past: HistoryBatch, horizon: int) -> MethodForecast:
    """The grid, endlessly wrong where no two seasons are known before all near trials."""
    ripe = past.seasonal & past.fair(len(past.z) - 1 - past.trial)
    if not ripe.any():
        return MethodForecast(np.zeros((len(ripe), horizon)), np.full(len(ripe), np.inf))
    said = holt_winters.forecast(past, horizon)
    return MethodForecast(said.z, np.where(ripe & (said.off > 0), said.off, np.inf))


def heavier(one: Numbers, other: Numbers, equal: Numbers = 0.5) -> Floats:
    """The weight of the one of two forecasts by the errors of both, 0 to 1.

    Args:
        one: its error, or [B] of them.
        other: that of the other.
        equal: the weight where both were equally wrong.
    """
    ratio = np.maximum(one, LEAST) / np.maximum(other, LEAST)
    with np.errstate(over="ignore", divide="ignore"):
        return np.asarray(1 / (1 + (np.divide(1, equal) - 1) * ratio**TRUST))
