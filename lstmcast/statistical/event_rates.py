"""What a network that says chances has to beat: how often it came true before.

S series stand flat in one array of 1 (yes) and 0 (no), NaN where it is not known; B origins are a series and the step,
counted from its first value, after which nothing is known. Every function: [B] series and origins to [B, H].
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from lstmcast.types import Floats, Ints

Rate = Callable[[Floats, Ints, Ints, int], Floats]

FADE, SEASONS = 0.85, 30  # of a season's weight is left a season later; of what is older, 0.85³⁰ < 0.01
RECENT, RECENT_LONG = 28, 8  # seasons that the recent rates look back: four weeks of days, or eight weeks


def base_rate(yes: Floats, first: Ints, origins: Ints, horizon: int, *, window: int | None = None) -> Floats:
    """The share of yeses so far, H times; one yes and one no are taken to have come before the first value.

    Args:
        yes: [N] flat.
        first: [B] where each origin's series begins in it.
        origins: [B] steps from there.
        horizon: H.
        window: only the last so many steps count; None: all.
    """
    known = ~np.isnan(yes)
    count, total = (np.concatenate([[0.0], np.cumsum(part)]) for part in (known, np.where(known, yes, 0.0)))
    last = first + origins + 1
    begin = first if window is None else np.maximum(first, last - window)
    rate = (total[last] - total[begin] + 1) / (count[last] - count[begin] + 2)
    return np.repeat(rate[:, None], horizon, axis=1)


def seasonal_rate(
    yes: Floats, first: Ints, origins: Ints, horizon: int, *, season: int, seasons: int | None = None
) -> Floats:
    """The share of yeses at the same step of the season so far, leaning on the base rate as on one more season.

    Args:
        yes: [N] flat.
        first: [B] where each origin's series begins in it.
        origins: [B] steps from there.
        horizon: H.
        season: steps in a season.
        seasons: how many are looked back at; None: all.
    """
    base = base_rate(yes, first, origins, horizon)
    ahead = (np.arange(horizon) % season)[None, :] + 1
    deepest = int(origins.max(initial=0)) // season + 1
    total, count = base.copy(), np.ones_like(base)
    for back in range(1, min(deepest, seasons or deepest) + 1):
        step = origins[:, None] + ahead - back * season  # [B, H]
        value = yes[first[:, None] + np.maximum(step, 0)]
        known = (step >= 0) & ~np.isnan(value)
        total += np.where(known, value, 0.0)
        count += known
    return np.asarray(total / count, dtype=np.float64)


@dataclass(frozen=True)
class DecayedSeasonalRates:
    """The share of yeses at each step of the season, a season back counting `FADE` times what the one after it counts.

    Attributes:
        total, count: [N + S · m] faded yeses and known steps at the same step of the season before each step; each
            series up to a season after its end.
        base: [N] the share of yeses in the last `required_history` steps up to each step.
        offsets: [S + 1] of the series among N.
        season: m.
    """

    total: Floats
    count: Floats
    base: Floats
    offsets: Ints
    season: int

    @classmethod
    def of(cls, yes: Floats, offsets: Ints, season: int) -> DecayedSeasonalRates:
        """Compute them for [N] flat truths."""
        lengths, known = np.diff(offsets), ~np.isnan(yes)
        total, count = (
            np.concatenate([_faded(series_part, season) for series_part in np.split(part, offsets[1:-1])])
            for part in (np.where(known, yes, 0.0), known.astype(np.float64))
        )
        first = np.repeat(offsets[:-1], lengths)
        base = base_rate(yes, first, np.arange(len(yes)) - first, 1, window=cls.required_history(season))[:, 0]
        return cls(total, count, base, offsets, season)

    @staticmethod
    def required_history(season: int) -> int:
        """How many past steps count: all before them, together, for less than a hundredth."""
        return SEASONS * season

    def at(self, series: Ints, origins: Ints, horizon: int) -> Floats:
        """[B] series and origins (steps from the series' first value) to [B, H], within 0 and 1."""
        first = self.offsets[series] + self.season * series
        ahead = (first + origins)[:, None] + np.arange(horizon) % self.season + 1
        base = self.base[self.offsets[series] + origins][:, None]
        return np.asarray((self.total[ahead] + base) / (self.count[ahead] + 1), dtype=np.float64)


def _faded(values: Floats, season: int) -> Floats:
    """[T] to [T + m]: the faded sum of the values one, two, … seasons before each step."""
    rows = -(-len(values) // season)
    table = np.zeros((rows + 1, season))
    table.ravel()[season : season + len(values)] = values  # each value where it first counts: a season later
    for row in range(1, rows + 1):
        table[row] += FADE * table[row - 1]
    return np.asarray(table.ravel()[: len(values) + season])


def event_baselines(season: int, longer: int | None = None) -> Mapping[str, Rate]:
    """The baselines by name; without a season only the base rate.

    Args:
        season: steps in a season.
        longer: steps in a longer one (a week of hours), if there is one.
    """
    found: dict[str, Rate] = {"base_rate": base_rate}
    if season > 1:
        found["seasonal_rate"] = partial(seasonal_rate, season=season)
        found["recent_seasonal_rate"] = partial(seasonal_rate, season=season, seasons=RECENT)
    if longer:
        found["weekly_rate"] = partial(seasonal_rate, season=longer)
        found["recent_weekly_rate"] = partial(seasonal_rate, season=longer, seasons=RECENT_LONG)
    return found
