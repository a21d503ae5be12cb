"""What is known at many origins at once, gathered so that a recurrence runs over all of them together."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lstmcast.types import Bools, Floats, Ints

HORIZONS, TRIALS = 5, 15  # the trial origins lie up to so many horizons back; how many
EPSILON = 1e-12  # an error that is none


@dataclass(frozen=True)
class HistoryBatch:
    """What is known at B origins: every series ends in the last of T columns.

    Methods are tried at earlier columns: what they say after one is held against what came.

    Attributes:
        z: [T, B]; 0 before a series.
        known: [B] how many of them are its own.
        season_length: m.
        trial: the horizon at which methods are tried, so that a longer forecast begins with the shorter one.
    """

    z: Floats
    known: Ints
    season_length: int
    trial: int

    @classmethod
    def of(cls, z: Floats, last: Ints, known: Ints, *, season: int, trial: int) -> HistoryBatch:
        """Gather what ends at the [B] places `last`."""
        back = np.arange(int(known.max()))[::-1, None]
        return cls(np.where(back < known, z[np.maximum(last - back, 0)], 0.0), known, season, trial)

    @cached_property
    def trials(self) -> dict[int, int]:
        """The columns after which methods are tried, and for how many steps."""
        last, distances = len(self.z) - 1, np.linspace(max(self.trial // 3, 1), HORIZONS * self.trial, TRIALS)
        return {
            last - back: min(back, self.trial)
            for back in sorted({round(distance) for distance in distances})
            if back < last
        }

    @property
    def last_horizon_trials(self) -> list[int]:
        """Those of the last horizon."""
        return [t for t in self.trials if len(self.z) - 1 - t <= self.trial]

    def has_enough_history(self, t: int) -> Bools:
        """[B] whether enough is known up to column t: the first season, where there is one, came from its past."""
        min_history = np.where(self.seasonal, 2 * self.season_length, max(self.season_length, 3))
        return np.asarray(t + 1 - len(self.z) + self.known >= min_history)

    def trial_error(self, t: int, forecast: Floats) -> Floats:
        """[B] mean |z − f| of [steps, B] forecasts from column t; 0 where that would not be fair."""
        abs_error = np.abs(forecast - self.z[t + 1 : t + 1 + len(forecast)]).mean(axis=0)
        return np.where(self.has_enough_history(t), abs_error, 0.0)

    @cached_property
    def seasonal(self) -> Bools:
        """[B] whether two whole seasons are known, so that there is one to begin with."""
        return np.asarray(self.known >= 2 * self.season_length) & (self.season_length > 1)

    def seasonal_naive(self, t: int, steps: int) -> Floats:
        """[steps, B] the last season again, as known at column t; the last value where there is no whole one."""
        has_full_season = t + 1 - len(self.z) + self.known >= self.season_length
        again = self.z[np.maximum(t + 1 - self.season_length + np.arange(steps) % self.season_length, 0)]
        return again if has_full_season.all() else np.where(has_full_season, again, self.z[t])

    def initial_state(self) -> tuple[Floats, Floats, Floats]:
        """Level [B], trend [B] and season [m, B] before the first value, the season by its column modulo m.

        From the first two seasons: what they rose by, and how far each phase lies from their lines, in the mean of the
        two. Where two are not known, the first value.
        """
        m, start = self.season_length, len(self.z) - self.known
        steps = np.minimum(start + np.arange(2 * m)[:, None], len(self.z) - 1)
        two = np.take_along_axis(self.z, steps, axis=0).reshape(2, m, -1)
        means = two.mean(axis=1)  # [2, B]
        slope = np.where(self.seasonal, (means[1] - means[0]) / m, 0.0)
        line = slope * (np.arange(m) - (m - 1) / 2)[:, None]
        phases = np.where(self.seasonal, (two - means[:, None] - line).mean(axis=0), 0.0)
        season = np.empty_like(phases)
        np.put_along_axis(season, (start + np.arange(m)[:, None]) % m, phases, axis=0)
        return np.where(self.seasonal, means[0] - slope * (m + 1) / 2, two[0, 0]), slope, season


@dataclass(frozen=True)
class MethodForecast:
    """What a method says of B series.

    Attributes:
        z: [B, H].
        abs_error: [B] how wrong it was in the near trials: the sum of its mean absolute errors; 0 where none was fair.
    """

    z: Floats
    abs_error: Floats
