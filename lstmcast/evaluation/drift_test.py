"""Are the errors of live forecasts larger than those of calibration? A test that may be looked at after every run.

The errors of overlapping forecasts are dependent: what surprises one surprises all that look past it. So only blocks
are compared: the first r steps of forecasts whose origins lie at least r steps apart, each block with one number, its
mean error in units of the interval's width. Errors of a model that leaves no pattern over come from the surprises
inside the block alone, and blocks then are exchangeable as long as nothing changes.

What is asked of a live block is whether it exceeds one of the largest blocks of calibration, the r-th of n. As long as
nothing changes, the chance of it is known exactly, however errors are distributed: (r + hits so far) / (n + 1 + blocks
so far), for a new block is as likely to fall between any two of the old ones (Pólya's urn). A gambler who thinks hits
have become more likely bets on the share of hits that he has seen since he began, and what he owns is a test
martingale (Shafer 2021). One begins at each block j, with the share 1 / (j·(j + 1)) of the capital, so that a change
is found whenever it comes. The wealth of all starts at 1, and the chance that it ever reaches 1/ε while nothing
changes is at most ε (Ville's inequality): that is the false-alarm rate over the whole life of a model, not of a single
look.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from lstmcast.types import Bools, Floats, Ints

FALSE_ALARMS = 0.01  # ε: of a hundred models under which nothing changes, one at most is ever accused
BET_FRACTIONS = (0.0, 0.1, 0.25, 0.5)  # of the blocks of calibration, those beyond the one that is to be exceeded


@dataclass(frozen=True)
class Drift:
    """What the test found.

    Attributes:
        found: whether the errors have grown.
        since: which live block the evidence begins with, from 0; None where there is none.
        statistic: the largest wealth reached; an alarm from 1 / false_alarm_rate on.
        false_alarm_rate: the chance that the test ever alarms while nothing has changed.
        blocks: how many live blocks were looked at.
        ratio: the mean live error over that of calibration, from `since` on where an alarm was found; NaN without
            blocks.
    """

    found: bool
    since: int | None
    statistic: float
    false_alarm_rate: float
    blocks: int
    ratio: float

    def to_dict(self) -> dict[str, Any]:
        """Plain values that JSON can carry; what is undefined is null."""
        return {**vars(self), "ratio": self.ratio if math.isfinite(self.ratio) else None}


def block_steps(horizon: int) -> int:
    """r: half of H, rounded up. Blocks outlast what little pattern a model leaves, and there are enough of them."""
    return math.ceil(horizon / 2)


def blocks(positions: Ints, errors: Floats, steps: int) -> tuple[Ints, Floats]:
    """Forecasts to blocks: origins at least `steps` apart, each with its mean error over its first steps.

    Args:
        positions: [B] the origins, on the calendar; those of several series at one origin make one block.
        errors: [B, H] in units that make series and steps comparable; NaN where not known.
        steps: r.

    Returns:
        The origins [K] and the mean errors [K] of the blocks whose first steps are known.
    """
    first_steps = errors[:, :steps]
    complete = ~np.isnan(first_steps).any(axis=1)
    origins, group = np.unique(positions[complete], return_inverse=True)
    means = np.bincount(group, first_steps[complete].mean(axis=1)) / np.maximum(np.bincount(group), 1)
    selected: list[int] = []
    for k, origin in enumerate(origins.tolist()):
        if not selected or origin - origins[selected[-1]] >= steps:
            selected.append(k)
    return origins[selected], means[selected]


def drift(calibration: Floats, live: Floats, *, false_alarm_rate: float = FALSE_ALARMS) -> Drift:
    """Test whether live errors have grown.

    Args:
        calibration: [N] errors of the blocks that calibrated.
        live: [K] errors of the blocks since, in order.
        false_alarm_rate: ε.
    """
    bets = [_test_martingale(hits, rank, len(calibration)) for rank, hits in _exceeded(calibration, live)]
    wealth = np.mean([bet.sum(axis=0) for bet in bets], axis=0) + _waiting(len(live)) if bets else np.ones(0)
    largest = float(wealth.max(initial=1.0))
    found = largest >= 1 / false_alarm_rate
    end = int(wealth.argmax()) if found else 0
    since = int(max(bets, key=lambda bet: bet[:, end].max())[:, end].argmax()) if found else None
    ratio = float(live[since or 0 :].mean() / calibration.mean()) if len(live) and calibration.mean() > 0 else math.nan
    return Drift(found, since, largest, false_alarm_rate, len(live), ratio)


def _exceeded(calibration: Floats, live: Floats) -> list[tuple[int, Bools]]:
    """Ranks among the blocks of calibration, the largest is 1, and [K] which live blocks exceed them."""
    ranks = sorted({1 + int(fraction * len(calibration)) for fraction in BET_FRACTIONS}) if len(calibration) else []
    return [(rank, live > np.sort(calibration)[-rank]) for rank in ranks]


def _test_martingale(hits: Bools, rank: int, n: int) -> Floats:
    """[K, K] what the gambler who begins at each block owns after each block; nothing before he begins."""
    count = len(hits)
    owned, wealth = _capital(count), np.zeros((count, count))
    seen = np.zeros(count)  # hits since each began
    for k, hit in enumerate(hits.tolist()):
        chance = (rank + hits[:k].sum()) / (n + 1 + k)
        begun = np.arange(k + 1)
        believed = np.maximum((0.5 + seen[: k + 1]) / (1 + k - begun), chance)
        owned[: k + 1] *= believed / chance if hit else (1 - believed) / (1 - chance)
        seen[: k + 1] += hit
        wealth[: k + 1, k] = owned[: k + 1]
    return wealth


def _capital(count: int) -> Floats:
    """[K] the capital of the gambler who begins at each block."""
    begins = np.arange(1, count + 1)
    return np.asarray(1 / (begins * (begins + 1)), dtype=np.float64)


def _waiting(count: int) -> Floats:
    """[K] the capital of those who have not begun after each block."""
    return np.asarray(1 - np.cumsum(_capital(count)), dtype=np.float64)
