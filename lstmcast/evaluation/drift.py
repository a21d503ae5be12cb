"""Are the errors of live forecasts larger than those of calibration? A test that may be looked at after every run.

The errors of overlapping forecasts are dependent: what surprises one surprises all that look past it. So only blocks
are compared: the first r steps of forecasts whose origins lie at least r steps apart, each block with one number, its
mean error in units of the interval's width. Errors of a model that leaves no pattern over come from the surprises
inside the block alone, and blocks then are exchangeable as long as nothing changes.

The p-value of a block is its rank among all blocks before it, those of calibration first (conformal prediction; ties
count against an alarm, so p is never too small). A gambler who bets on small p with stake κ·p^(κ−1) owns a test
martingale (Vovk, Gammerman & Shafer 2005, ch. 7; Shafer 2021); one gambler starts at each block j, with the share
1 / (j·(j + 1)) of the capital, so that a change is found whenever it comes. The wealth of all starts at 1, and the
chance that it ever reaches 1/ε while nothing changes is at most ε (Ville's inequality): the false-alarm rate over the
whole life of a model, not of a single look.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

FALSE_ALARMS = 0.01  # ε: of a hundred models under which nothing changes, one at most is ever accused
STAKES = np.array([0.1, 0.2, 0.4, 0.7])  # κ: the smaller, the more is bet on the smallest p


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
    """r: the root of H, rounded up: outlasts what little pattern a model leaves, and leaves many blocks."""
    return math.ceil(math.sqrt(horizon))


def blocks(positions: Ints, errors: Floats, steps: int) -> tuple[Ints, Floats]:
    """Forecasts to blocks: origins at least `steps` apart, each with its mean error over its first steps.

    Args:
        positions: [B] the origins, on the calendar; those of several series at one origin make one block.
        errors: [B, H] in units that make series and steps comparable; NaN where not known.
        steps: r.

    Returns:
        The origins [K] and the mean errors [K] of the blocks whose first steps are known.
    """
    near = errors[:, :steps]
    whole = ~np.isnan(near).any(axis=1)
    origins, group = np.unique(positions[whole], return_inverse=True)
    means = np.bincount(group, near[whole].mean(axis=1)) / np.maximum(np.bincount(group), 1)
    chosen: list[int] = []
    for k, origin in enumerate(origins.tolist()):
        if not chosen or origin - origins[chosen[-1]] >= steps:
            chosen.append(k)
    return origins[chosen], means[chosen]


def drift(calibration: Floats, live: Floats, *, false_alarm_rate: float = FALSE_ALARMS) -> Drift:
    """Test whether live errors have grown.

    Args:
        calibration: [N] errors of the blocks that calibrated.
        live: [K] errors of the blocks since, in order.
        false_alarm_rate: ε.
    """
    wealth = _wealth(p_values(calibration, live))
    largest = float(wealth.max(initial=1.0))
    found = largest >= 1 / false_alarm_rate
    since = _since(p_values(calibration, live)) if found else None
    ratio = float(live[since or 0 :].mean() / calibration.mean()) if len(live) and calibration.mean() > 0 else math.nan
    return Drift(found, since, largest, false_alarm_rate, len(live), ratio)


def p_values(calibration: Floats, live: Floats) -> Floats:
    """[K] of each live error, the share of errors up to it, its own included, that are as large."""
    known = np.concatenate([calibration, live])
    first = len(calibration)
    return np.array([(known[: first + k + 1] >= error).mean() for k, error in enumerate(live)])


def _wealth(p: Floats) -> Floats:
    """[K] the wealth of all gamblers, and of those that have not begun yet, after each block."""
    begun, waiting, wealth = np.zeros(len(STAKES)), 1.0, np.empty(len(p))
    for k, each in enumerate(p):
        share = 1 / ((k + 1) * (k + 2))
        begun = (begun + share / len(STAKES)) * STAKES * each ** (STAKES - 1)
        waiting -= share
        wealth[k] = begun.sum() + waiting
    return wealth


def _since(p: Floats) -> int:
    """The block from which on the evidence is largest, of the stake that gains most."""
    gains = np.cumsum(np.log(STAKES) + (STAKES - 1) * np.log(p)[:, None], axis=0)  # [K, stakes]
    before = np.vstack([np.zeros(len(STAKES)), gains[:-1]])
    rise = gains - np.minimum.accumulate(before, axis=0)
    end, stake = np.unravel_index(int(rise.argmax()), rise.shape)
    return int(before[: end + 1, stake].argmin())
