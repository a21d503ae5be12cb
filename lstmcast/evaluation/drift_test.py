"""Sequential drift test: compare live forecast errors with calibration errors after every run.

Errors of overlapping forecasts are dependent. The test therefore compares blocks: the first r steps of forecasts whose
origins are at least r steps apart, each reduced to its mean error in units of the interval width. Without drift, blocks
are approximately exchangeable.

A hit is a live block that exceeds the r-th largest of n calibration blocks. Under exchangeability its probability is
(r + hits so far) / (n + 1 + blocks so far), for any error distribution (Pólya's urn). A bet on the hit rate observed
since its start is a test martingale (Shafer 2021). One bet starts at each block j with 1 / (j·(j + 1)) of the capital,
so that a change is detected whenever it happens. The total wealth starts at 1 and ever reaches 1/ε without drift with
probability at most ε (Ville's inequality): ε bounds the false-alarm rate over the lifetime of a model.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from lstmcast.types import Bools, Floats, Ints

FALSE_ALARM_RATE = 0.01  # ε, over the lifetime of a model
TAIL_FRACTIONS = (0.0, 0.1, 0.25, 0.5)  # of the calibration blocks above each threshold


@dataclass(frozen=True)
class Drift:
    """Result of the test.

    Attributes:
        found: whether the errors increased.
        since: index of the first live block of the evidence; None if nothing was found.
        statistic: maximum wealth; at least 1 / false_alarm_rate if found.
        false_alarm_rate: ε.
        blocks: number of live blocks.
        ratio: mean live error, from `since` on, relative to that of calibration; NaN without blocks.
    """

    found: bool
    since: int | None
    statistic: float
    false_alarm_rate: float
    blocks: int
    ratio: float

    def to_dict(self) -> dict[str, Any]:
        """JSON values; undefined ones are null."""
        return {**vars(self), "ratio": self.ratio if math.isfinite(self.ratio) else None}


def block_steps(horizon: int) -> int:
    """Block length r: half of H, rounded up."""
    return math.ceil(horizon / 2)


def blocks(positions: Ints, errors: Floats, steps: int) -> tuple[Ints, Floats]:
    """Reduce forecasts to blocks.

    Args:
        positions: [B] origins on the calendar; series with the same origin form one block.
        errors: [B, H] normalized errors; NaN where unknown.
        steps: r.

    Returns:
        Origins [K], at least r apart, and mean errors [K] of the blocks whose r steps are known.
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


def drift(calibration: Floats, live: Floats, *, false_alarm_rate: float = FALSE_ALARM_RATE) -> Drift:
    """Test for increased errors of live blocks [K], in order, against calibration blocks [N]."""
    bets = [_test_martingale(hits, rank, len(calibration)) for rank, hits in _hits(calibration, live)]
    unused = 1 - np.cumsum(_capital(len(live)))  # [K] of the bets that start later
    wealth = np.mean([bet.sum(axis=0) for bet in bets], axis=0) + unused if bets else np.ones(0)
    largest = float(wealth.max(initial=1.0))
    found = largest >= 1 / false_alarm_rate
    end = int(wealth.argmax()) if found else 0
    since = int(max(bets, key=lambda bet: bet[:, end].max())[:, end].argmax()) if found else None
    ratio = float(live[since or 0 :].mean() / calibration.mean()) if len(live) and calibration.mean() > 0 else math.nan
    return Drift(found, since, largest, false_alarm_rate, len(live), ratio)


def _hits(calibration: Floats, live: Floats) -> list[tuple[int, Bools]]:
    """Ranks of the thresholds (1 is the largest calibration block), and the hits [K] of each."""
    ranks = sorted({1 + int(fraction * len(calibration)) for fraction in TAIL_FRACTIONS}) if len(calibration) else []
    return [(rank, live > np.sort(calibration)[-rank]) for rank in ranks]


def _test_martingale(hits: Bools, rank: int, n: int) -> Floats:
    """[K, K] wealth of the bet that starts at each block (row) after each block (column); 0 before its start."""
    count = len(hits)
    current, wealth = _capital(count), np.zeros((count, count))
    hits_since_start = np.zeros(count)
    for k, hit in enumerate(hits.tolist()):
        null = (rank + hits[:k].sum()) / (n + 1 + k)
        starts = np.arange(k + 1)
        estimate = np.maximum((0.5 + hits_since_start[: k + 1]) / (1 + k - starts), null)
        current[: k + 1] *= estimate / null if hit else (1 - estimate) / (1 - null)
        hits_since_start[: k + 1] += hit
        wealth[: k + 1, k] = current[: k + 1]
    return wealth


def _capital(count: int) -> Floats:
    """[K] initial capital of the bet that starts at each block."""
    starts = np.arange(1, count + 1)
    return np.asarray(1 / (starts * (starts + 1)), dtype=np.float64)
