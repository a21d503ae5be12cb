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

    def columns(self) -> Members:
        """The same as [M, 1], to stand before series."""
        return Members(*(each[:, None] for each in (self.alpha, self.beta, self.phi, self.gamma)))


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
        """[steps, B] the last season again, as known at column t; the last value where there is no whole one."""
        whole = t + 1 - len(self.z) + self.known >= self.season
        again = self.z[np.maximum(t + 1 - self.season + np.arange(steps) % self.season, 0)]
        return again if whole.all() else np.where(whole, again, self.z[t])

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
    mean: Floats = said.sum(axis=1).T
    return mean


def trusted(past: Past, members: Members, horizon: int, trial: int) -> tuple[Floats, Floats]:
    """The members' forecasts [H, M + 1, B], and how much each counts [M + 1, B]: 1 in all."""
    last = len(past.z) - 1
    trials = {last - back: min(back, trial) for back in _trials(trial) if back < last}
    said, errors, count = _run(past, members, trials, horizon)
    relative = np.maximum(errors, LEAST) / np.maximum(errors.min(axis=0), LEAST)
    weights = relative ** -(TRUST[0] + TRUST[1] * count)
    hedge = REPEATED if past.season > 1 else 0.0
    weights *= (1 - hedge) / weights.sum(axis=0)
    weights[-1] += hedge
    return said, weights


def _trials(horizon: int) -> list[int]:
    """How many steps before the origin the trial origins lie."""
    apart = np.linspace(max(horizon // 3, 1), HORIZONS * horizon, TRIALS)
    return sorted({round(back) for back in apart.tolist()})


def _run(past: Past, members: Members, trials: dict[int, int], horizon: int) -> tuple[Floats, Floats, Ints]:
    """Run all members over the past, the seasonal naive forecast as one more.

    Returns:
        Their forecasts [H, M + 1, B], mean absolute errors over the trials [M + 1, B], and the number of trials [B].
    """
    steps, n = past.z.shape
    start = steps - past.known
    beginning = {int(t): start == t for t in np.unique(start)}
    ripe = np.where(past.seasonal, 2 * past.season, max(past.season, 3))  # a first season came from a trial's past
    errors, count = np.zeros((len(members) + 1, n)), np.zeros(n, np.int64)
    recurrences = _Recurrences.of(past, members, max(horizon, *trials.values(), 1))
    for t in range(min(beginning), steps):
        if (new := beginning.get(t)) is not None:
            recurrences.begin(new)
        recurrences.learn(t)
        if (known := trials.get(t)) is not None:
            fair = t + 1 - start >= ripe
            errors += recurrences.off(t, known) * fair
            count += fair
    return recurrences.said(steps - 1, horizon), errors / np.maximum(count, 1), count


@dataclass
class _Recurrences:
    """All members on their way through the past, changed in place.

    Attributes:
        past: of B series.
        begun: level [B], trend [B] and season [m, B] before the first value.
        members: the grid, [M, 1] each.
        taught: [M, B] γ(1 − α), 0 where no season is seen.
        damping: [H, M, 1] φ + φ² + … + φʰ.
        level, trend: [M, B].
        season: [m, M, B], by the column modulo m.
    """

    past: Past
    begun: tuple[Floats, Floats, Floats]
    members: Members
    taught: Floats
    damping: Floats
    level: Floats
    trend: Floats
    season: Floats

    @classmethod
    def of(cls, past: Past, members: Members, furthest: int) -> _Recurrences:
        """Before the first value, to say up to `furthest` steps."""
        members, size = members.columns(), (len(members), past.z.shape[1])
        taught = members.gamma * (1 - members.alpha) * past.seasonal
        damping = np.cumsum(members.phi ** np.arange(1, furthest + 1)[:, None, None], axis=0)
        season = np.zeros((past.season, *size))
        return cls(past, past.begun(), members, taught, damping, np.zeros(size), np.zeros(size), season)

    def begin(self, new: Bools) -> None:
        """Begin with the series, [B], whose first value comes next."""
        level, trend, season = self.begun
        self.level[:, new] = level[new]
        self.trend[:, new] = trend[new] * (self.members.beta > 0)
        self.season[:, :, new] = season[:, None, new] * (self.members.gamma > 0)

    def learn(self, t: int) -> None:
        """Take in column t."""
        members, season = self.members, self.season[t % self.past.season]
        self.trend *= members.phi
        self.level += self.trend
        e = self.past.z[t] - self.level
        e -= season
        season += self.taught * e
        e *= members.alpha
        self.level += e
        e *= members.beta
        self.trend += e

    def ahead(self, t: int, h: int) -> Floats:
        """[M, B] what is said of column t + h, t being the last known."""
        said: Floats = self.trend * self.damping[h - 1]
        said += self.level
        said += self.season[(t + h) % self.past.season]
        return said

    def off(self, t: int, steps: int) -> Floats:
        """[M + 1, B] mean absolute errors of what is said of `steps` columns after t."""
        came = self.past.z[t + 1 : t + 1 + steps]
        total = np.zeros((len(self.level) + 1, came.shape[1]))
        for h, value in enumerate(came, start=1):
            off = self.ahead(t, h)
            off -= value
            total[:-1] += np.abs(off, out=off)
        total[-1] = np.abs(self.past.repeated(t, steps) - came).sum(axis=0)
        return total / steps

    def said(self, t: int, horizon: int) -> Floats:
        """[H, M + 1, B] what is said after column t."""
        said = np.empty((horizon, len(self.level) + 1, self.level.shape[1]))
        said[:, -1] = self.past.repeated(t, horizon)
        for h in range(horizon):
            said[h, :-1] = self.ahead(t, h + 1)
        return said
