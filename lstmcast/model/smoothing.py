"""Exponential smoothing: many damped additive Holt-Winters recurrences, each trusted as far as it forecast well lately.

A recurrence keeps a level l, a trend b and a season s. With e = z_t − (l + φb + s), what came less what was expected,

    l ← l + φb + αe        b ← φb + αβe        s ← s + γ(1 − α)e

and h steps ahead it says l + (φ + φ² + … + φʰ)b + s. (Holt 1957, Winters 1960; damped: Gardner & McKenzie 1985; as
errors corrected: Hyndman et al., Forecasting with Exponential Smoothing, 2008, ch. 2.) Nothing is fitted: a grid of
constants is run, the seasonal naive forecast beside it, and each counts by its errors from origins of the last HORIZONS
horizons.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

ALPHAS = (0.03, 0.1, 0.3, 0.6, 0.9)
TRENDS = ((0.0, 1.0), (0.03, 0.999), (0.1, 0.97), (0.3, 0.97))  # (β, φ)
GAMMAS = (0.1, 0.4, 1.0)
SEASONS, STEPS = 20, 300  # a recurrence sees the last so many seasons, and not fewer steps
HORIZONS, TRIALS = 5, 15  # the trial origins lie up to so many horizons back; how many
TRUST = (4.0, 2 / 3)  # a member counts by its error to the power of minus the first, and the second for each trial
REPEATED = 0.25  # the least that the seasonal naive forecast counts where there is a season: trials are few
LEAST = 1e-12
AT_ONCE = 1 << 18  # numbers of one kind held at once: 2 MB, what a core keeps near it


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
        trial: the horizon at which the members are tried, so that a longer forecast begins with the shorter one.

    Returns:
        [B, H] z.
    """
    members = Members.of(season)
    known = np.minimum(origins + 1, reach(season))
    order = np.argsort(known, kind="stable")  # series of one length together: none waits long for another to begin
    said = np.empty((len(origins), horizon))
    rows = max(1, AT_ONCE // ((season + horizon + 8) * len(members)))
    for part in (order[k : k + rows] for k in range(0, len(order), rows)):
        past = Past.of(z, first[part] + origins[part], known[part], season)
        said[part] = _weighted(past, members, horizon, trial)
    return said


@dataclass(frozen=True)
class Members:
    """The grid: [M] constants of each member; those without γ see no season."""

    alpha: Floats
    beta: Floats
    phi: Floats
    gamma: Floats

    @classmethod
    def of(cls, season: int) -> Members:
        """Those that make sense for a season."""
        gammas = (0.0, *GAMMAS) if season > 1 else (0.0,)
        grid = np.array([(a, b, p, g) for a, (b, p), g in product(ALPHAS, TRENDS, gammas)])
        return cls(*grid.T)

    def __len__(self) -> int:
        return len(self.alpha)


@dataclass(frozen=True)
class Past:
    """What is known at B origins: every series ends in the last of T columns.

    Attributes:
        z: [T, B]; 0 before a series.
        known: [B] how many of them are its own.
        season: m.
    """

    z: Floats
    known: Ints
    season: int

    @classmethod
    def of(cls, z: Floats, last: Ints, known: Ints, season: int) -> Past:
        """Gather what ends at the [B] places `last`."""
        back = np.arange(int(known.max()))[::-1, None]
        return cls(np.where(back < known, z[np.maximum(last - back, 0)], 0.0), known, season)

    @cached_property
    def seasonal(self) -> Bools:
        """[B] whether two whole seasons are known, so that there is one to begin with."""
        return np.asarray(self.known >= 2 * self.season) & (self.season > 1)

    def repeated(self, t: int, steps: int) -> Floats:
        """[B, steps] the last season again, as known at column t; the last value where there is no whole one."""
        whole = t + 1 - len(self.z) + self.known >= self.season
        back = np.where(whole, self.season - 1 - np.arange(steps)[:, None] % self.season, 0)
        again: Floats = np.take_along_axis(self.z, t - back, axis=0).T
        return again

    def begun(self) -> tuple[Floats, Floats, Floats]:
        """Level [B], trend [B] and season [m, B] before the first value, the season by its column modulo m.

        From the first two seasons: what they rose by, and how far each phase lies from their lines, in the mean of the
        two. Where two are not known, the first value.
        """
        m, start = self.season, len(self.z) - self.known
        steps = np.minimum(start + np.arange(2 * m)[:, None], len(self.z) - 1)
        two = np.take_along_axis(self.z, steps, axis=0).reshape(2, m, -1)
        means = two.mean(axis=1)  # [2, B]
        slope = np.where(self.seasonal, (means[1] - means[0]) / m, 0.0)
        line = slope * (np.arange(m) - (m - 1) / 2)[:, None]
        phases = np.where(self.seasonal, (two - means[:, None] - line).mean(axis=0), 0.0)
        season = np.empty_like(phases)
        np.put_along_axis(season, (start + np.arange(m)[:, None]) % m, phases, axis=0)
        return np.where(self.seasonal, means[0] - slope * (m + 1) / 2, two[0, 0]), slope, season


def _weighted(past: Past, members: Members, horizon: int, trial: int) -> Floats:
    """[B, H]: the members' forecasts, weighted by how they did in the trials."""
    said, weights = trusted(past, members, horizon, trial)
    said *= weights
    mean: Floats = said.sum(axis=2).T
    return mean


def trusted(past: Past, members: Members, horizon: int, trial: int) -> tuple[Floats, Floats]:
    """The members' forecasts [H, B, M + 1], and how much each counts [B, M + 1]: 1 in all."""
    last = len(past.z) - 1
    trials = {last - back: min(back, trial) for back in _trials(trial) if back < last}
    said, errors, count = _run(past, members, trials, horizon)
    relative = np.maximum(errors, LEAST) / np.maximum(errors.min(axis=1, keepdims=True), LEAST)
    weights = relative ** -(TRUST[0] + TRUST[1] * count)[:, None]
    hedge = REPEATED if past.season > 1 else 0.0
    weights *= (1 - hedge) / weights.sum(axis=1, keepdims=True)
    weights[:, -1] += hedge
    return said, weights


def _trials(horizon: int) -> list[int]:
    """How many steps before the origin the trial origins lie."""
    apart = np.linspace(max(horizon // 3, 1), HORIZONS * horizon, TRIALS)
    return sorted({round(back) for back in apart.tolist()})


def _run(past: Past, members: Members, trials: dict[int, int], horizon: int) -> tuple[Floats, Floats, Ints]:
    """Run all members over the past, the seasonal naive forecast as one more.

    Returns:
        Their forecasts [H, B, M + 1], mean absolute errors over the trials [B, M + 1], and the number of trials [B].
    """
    steps, n = past.z.shape
    m, start = past.season, steps - past.known
    level, trend = np.zeros((n, len(members))), np.zeros((n, len(members)))
    season = np.zeros((m, n, len(members)))
    damping = np.cumsum(members.phi ** np.arange(1, max(horizon, *trials.values(), 1) + 1)[:, None], axis=0)  # [H, M]
    taught = members.gamma * (1 - members.alpha) * past.seasonal[:, None]  # [B, M]
    errors, count = np.zeros((n, len(members) + 1)), np.zeros(n, np.int64)
    ripe = np.where(past.seasonal, 2 * m, max(m, 3))  # what a trial must know: the first season came from its past
    level_0, trend_0, season_0 = past.begun()
    beginning = {int(t): start == t for t in np.unique(start)}

    def ahead(t: int, count: int) -> Floats:
        """[count, B, M] what is said after column t."""
        own: Floats = season[(t + 1 + np.arange(count)) % m]  # a copy
        own += level
        own += trend * damping[:count, None]
        return own

    for t in range(min(beginning), steps):
        if (new := beginning.get(t)) is not None:
            level[new] = level_0[new, None]
            trend[new] = trend_0[new, None] * (members.beta > 0)
            season[:, new] = season_0[:, new, None] * (members.gamma > 0)
        trend *= members.phi
        level += trend
        e = past.z[t][:, None] - level - season[t % m]
        level += members.alpha * e
        trend += members.alpha * members.beta * e
        season[t % m] += taught * e
        if (known := trials.get(t)) is not None:
            came, fair = past.z[t + 1 : t + 1 + known], t + 1 - start >= ripe
            off = ahead(t, known)
            off -= came[..., None]
            np.abs(off, out=off)
            errors[:, :-1] += off.mean(axis=0) * fair[:, None]
            errors[:, -1] += np.abs(past.repeated(t, known).T - came).mean(axis=0) * fair
            count += fair
    said = np.concatenate([ahead(steps - 1, horizon), past.repeated(steps - 1, horizon).T[..., None]], axis=2)
    return said, errors / np.maximum(count, 1)[:, None], count
