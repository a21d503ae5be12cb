"""Exponential smoothing: a grid of Holt-Winters recurrences and the Theta method, each trusted as far as it did well.

The two err in different ways: the one follows season and trend of late, the other knows one season and half of one
drift. In z, each counts by the inverse of its errors in the near trials, to the power of TRUST. Days of hours, or of
finer steps, have a week above them, of which one season says nothing: there the grid is alone.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lstmcast.model import holt_winters, theta
from lstmcast.model.past import LEAST, Past

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Numbers = Floats | float

SEASONS, STEPS = 20, 300  # the last so many seasons are looked at, and not fewer steps
TRUST = 4
HOURS = 24  # of a day
AT_ONCE = 1 << 19  # numbers of one kind held at once: 4 MB, of which a step needs an eighth


def reach(season: int) -> int:
    """How many past steps a forecast depends on."""
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
    rows = max(1, AT_ONCE // ((season + horizon + 8) * holt_winters.size(season)))
    for part in (order[k : k + rows] for k in range(0, len(order), rows)):
        past = Past.of(z, first[part] + origins[part], known[part], season=season, trial=trial)
        grid = holt_winters.forecast(past, horizon)
        said[part] = grid.z
        if has_one_season(season):
            line = theta.forecast(past, horizon)
            share = heavier(line.off, grid.off)[:, None]
            said[part] += share * (line.z - grid.z)
    return said


def has_one_season(season: int) -> bool:
    """Whether no longer season is to be expected above one of so many steps."""
    return season % HOURS != 0


def heavier(one: Numbers, other: Numbers, equal: Numbers = 0.5) -> Floats:
    """The weight of the one of two forecasts by the errors of both, 0 to 1.

    Args:
        one: its error, or [B] of them.
        other: that of the other.
        equal: the weight where both were equally wrong.
    """
    worse = np.log(np.maximum(one, LEAST)) - np.log(np.maximum(other, LEAST))
    with np.errstate(over="ignore", divide="ignore"):
        return np.asarray(1 / (1 + np.exp(np.log1p(-equal) - np.log(equal) + TRUST * worse)))
