"""Event baselines: empirical rates of an event.

`events` is [N] concatenated labels of all series, 1 or 0, NaN where unknown. Each of B origins is `first`, the
position of its series in the array, and `origins`, steps from there. Rates are [B, H].
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from lstmcast.types import Floats, Ints

Rate = Callable[[Floats, Ints, Ints, int], Floats]

DECAY, MAX_SEASONS = 0.85, 30  # weight per season of age; 0.85³⁰ < 0.01
RECENT_SEASONS, RECENT_LONG_SEASONS = 28, 8  # of the recent rates: four weeks of days, or eight weeks


def base_rate(events: Floats, first: Ints, origins: Ints, horizon: int, *, window: int | None = None) -> Floats:
    """Event rate over all known steps, or the last `window`, with one pseudo-event and one pseudo-non-event."""
    known = ~np.isnan(events)
    count, total = (np.concatenate([[0.0], np.cumsum(part)]) for part in (known, np.where(known, events, 0.0)))
    last = first + origins + 1
    begin = first if window is None else np.maximum(first, last - window)
    rate = (total[last] - total[begin] + 1) / (count[last] - count[begin] + 2)
    return np.repeat(rate[:, None], horizon, axis=1)


def seasonal_rate(
    events: Floats, first: Ints, origins: Ints, horizon: int, *, season: int, seasons: int | None = None
) -> Floats:
    """Event rate at the same phase of all, or the last `seasons`, seasons; the base rate counts as one season."""
    base = base_rate(events, first, origins, horizon)
    ahead = (np.arange(horizon) % season)[None, :] + 1
    max_seasons = int(origins.max(initial=0)) // season + 1
    total, count = base.copy(), np.ones_like(base)
    for back in range(1, min(max_seasons, seasons or max_seasons) + 1):
        step = origins[:, None] + ahead - back * season  # [B, H]
        value = events[first[:, None] + np.maximum(step, 0)]
        known = (step >= 0) & ~np.isnan(value)
        total += np.where(known, value, 0.0)
        count += known
    return np.asarray(total / count, dtype=np.float64)


@dataclass(frozen=True)
class DecayedSeasonalRates:
    """Event rates by phase, with exponentially decaying weights of older seasons.

    Attributes:
        total, count: [N + S · m] decayed sums of events and of known steps at the phase of each step, over the steps
            before it; each series extends a season beyond its end.
        base: [N] event rate over the last `required_history` steps.
        offsets: [S + 1] of the series among N.
        season: m.
    """

    total: Floats
    count: Floats
    base: Floats
    offsets: Ints
    season: int

    @classmethod
    def of(cls, events: Floats, offsets: Ints, season: int) -> DecayedSeasonalRates:
        """Compute the rates of [N] labels."""
        lengths, known = np.diff(offsets), ~np.isnan(events)
        total, count = (
            np.concatenate([_decayed_sums(values, season) for values in np.split(part, offsets[1:-1])])
            for part in (np.where(known, events, 0.0), known.astype(np.float64))
        )
        first = np.repeat(offsets[:-1], lengths)
        base = base_rate(events, first, np.arange(len(events)) - first, 1, window=cls.required_history(season))[:, 0]
        return cls(total, count, base, offsets, season)

    @staticmethod
    def required_history(season: int) -> int:
        """Number of past steps that matter; older ones have a total weight below 1 %."""
        return MAX_SEASONS * season

    def at(self, series: Ints, origins: Ints, horizon: int) -> Floats:
        """Rates [B, H] for series indices [B] and origins [B]."""
        first = self.offsets[series] + self.season * series
        ahead = (first + origins)[:, None] + np.arange(horizon) % self.season + 1
        base = self.base[self.offsets[series] + origins][:, None]
        return np.asarray((self.total[ahead] + base) / (self.count[ahead] + 1), dtype=np.float64)


def _decayed_sums(values: Floats, season: int) -> Floats:
    """[T] to [T + m]: decayed sum of the values one, two, … seasons before each step."""
    rows = -(-len(values) // season)
    table = np.zeros((rows + 1, season))
    table.ravel()[season : season + len(values)] = values  # shifted by a season
    for row in range(1, rows + 1):
        table[row] += DECAY * table[row - 1]
    return np.asarray(table.ravel()[: len(values) + season])


def event_baselines(season: int, longer: int | None = None) -> Mapping[str, Rate]:
    """Baselines by name; `season` and `longer` (a week of hours) are steps, and 1 and None mean none."""
    rates: dict[str, Rate] = {"base_rate": base_rate}
    if season > 1:
        rates["seasonal_rate"] = partial(seasonal_rate, season=season)
        rates["recent_seasonal_rate"] = partial(seasonal_rate, season=season, seasons=RECENT_SEASONS)
    if longer:
        rates["weekly_rate"] = partial(seasonal_rate, season=longer)
        rates["recent_weekly_rate"] = partial(seasonal_rate, season=longer, seasons=RECENT_LONG_SEASONS)
    return rates
