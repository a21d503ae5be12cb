"""Histories of many origins in one array, so that recurrences run over all of them together."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lstmcast.types import Bools, Floats, Ints

MAX_TRIAL_HORIZONS, TRIAL_COUNT = 5, 15  # trial origins: age in horizons, and number
EPSILON = 1e-12  # errors below this count as zero


@dataclass(frozen=True)
class HistoryBatch:
    """Histories of B origins, aligned at their end; methods are compared on forecasts from earlier steps (trials).

    Attributes:
        z: [T, B]; 0 before a series.
        known: [B] lengths of the histories.
        season_length: m.
        trial: the horizon of the trials.
    """

    z: Floats
    known: Ints
    season_length: int
    trial: int

    @classmethod
    def of(cls, z: Floats, last: Ints, known: Ints, *, season: int, trial: int) -> HistoryBatch:
        """Gather the histories of z [N] that end at positions `last` [B]."""
        back = np.arange(int(known.max()))[::-1, None]
        return cls(np.where(back < known, z[np.maximum(last - back, 0)], 0.0), known, season, trial)

    @cached_property
    def trials(self) -> dict[int, int]:
        """Trial origins (steps of z), and the number of steps to forecast from each."""
        last = len(self.z) - 1
        distances = np.linspace(max(self.trial // 3, 1), MAX_TRIAL_HORIZONS * self.trial, TRIAL_COUNT)
        ages = sorted({round(distance) for distance in distances})
        return {last - age: min(age, self.trial) for age in ages if age < last}

    @property
    def last_horizon_trials(self) -> list[int]:
        """Trial origins within the last horizon."""
        return [t for t in self.trials if len(self.z) - 1 - t <= self.trial]

    def has_enough_history(self, t: int) -> Bools:
        """[B] true where the values up to step t cover the initial state."""
        min_history = np.where(self.seasonal, 2 * self.season_length, max(self.season_length, 3))
        return np.asarray(t + 1 - len(self.z) + self.known >= min_history)

    def trial_error(self, t: int, forecast: Floats) -> Floats:
        """[B] mean |z − f| of [steps, B] forecasts from step t; 0 with too little history."""
        abs_error = np.abs(forecast - self.z[t + 1 : t + 1 + len(forecast)]).mean(axis=0)
        return np.where(self.has_enough_history(t), abs_error, 0.0)

    @cached_property
    def seasonal(self) -> Bools:
        """[B] true where two whole seasons are known."""
        return np.asarray(self.known >= 2 * self.season_length) & (self.season_length > 1)

    def seasonal_naive(self, t: int, steps: int) -> Floats:
        """[steps, B] seasonal naive forecast from step t; the last value where no whole season is known."""
        has_full_season = t + 1 - len(self.z) + self.known >= self.season_length
        again = self.z[np.maximum(t + 1 - self.season_length + np.arange(steps) % self.season_length, 0)]
        return again if has_full_season.all() else np.where(has_full_season, again, self.z[t])

    def initial_state(self) -> tuple[Floats, Floats, Floats]:
        """Level [B], trend [B] and season [m, B] before the first value.

        The trend is the slope between the means of the first two seasons, the season the mean deviation of each phase
        from their lines. Otherwise the level is the first value.
        """
        m, start = self.season_length, len(self.z) - self.known
        steps = np.minimum(start + np.arange(2 * m)[:, None], len(self.z) - 1)
        seasons = np.take_along_axis(self.z, steps, axis=0).reshape(2, m, -1)
        means = seasons.mean(axis=1)  # [2, B]
        slope = np.where(self.seasonal, (means[1] - means[0]) / m, 0.0)
        line = slope * (np.arange(m) - (m - 1) / 2)[:, None]
        phases = np.where(self.seasonal, (seasons - means[:, None] - line).mean(axis=0), 0.0)
        season = np.empty_like(phases)
        np.put_along_axis(season, (start + np.arange(m)[:, None]) % m, phases, axis=0)
        return np.where(self.seasonal, means[0] - slope * (m + 1) / 2, seasons[0, 0]), slope, season


@dataclass(frozen=True)
class MethodForecast:
    """Forecasts of a method for B series.

    Attributes:
        z: [B, H].
        abs_error: [B] sum of the mean absolute errors of the last-horizon trials; 0 without valid trials.
    """

    z: Floats
    abs_error: Floats
