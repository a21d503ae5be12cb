"""Was the LSTM worth it? Its skill against the best baseline, with an interval, in one plain sentence."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from lstmcast.types import Floats, Ints

MIN_EFFECT = 0.005  # a share of the error that is worth a word
MIN_SERIES_FOR_GROUPING = 10  # series, from which each is one piece of evidence
MOST_GROUPS = 500
RESAMPLES = 1000


@dataclass(frozen=True)
class Skill:
    """How much smaller the LSTM's error is than the best baseline's.

    Attributes:
        baseline: which baseline was best.
        skill: 1 − error / baseline's error; negative where the LSTM is worse, -inf where the baseline was exact; NaN
            where no outcome is known, or the LSTM's forecasts are beyond every number.
        low, high: 95 % bootstrap interval; NaN where there are fewer than 3 independent groups to draw from.
        groups: how many there were: series, or stretches of one series.
    """

    baseline: str
    skill: float
    low: float
    high: float
    groups: int

    @property
    def better(self) -> bool:
        """Whether the LSTM had the smaller error, by enough to speak of."""
        return self.skill >= MIN_EFFECT

    def to_dict(self) -> dict[str, Any]:
        """Plain values that JSON can carry; what is undefined is null."""
        return {
            "against": self.baseline,
            "value": finite(self.skill),
            "better": self.better,
            "interval_95": [finite(self.low), finite(self.high)],
        }


def finite(value: float) -> float | None:
    """The number as JSON can carry it: None where it is none."""
    return float(value) if math.isfinite(value) else None


def bootstrap_groups(series: Ints, origins: Ints, horizon: int) -> Ints:
    """[B] which origins are one piece of evidence: those of a series, or of a stretch of it where series are few.

    Args:
        series: [B] which series.
        origins: [B] steps from its first value.
        horizon: H, the length of a stretch.
    """
    if len(np.unique(series)) >= MIN_SERIES_FOR_GROUPING:
        return series
    stretch = origins // horizon
    return np.unique(series * (stretch.max() + 1) + stretch, return_inverse=True)[1].astype(np.int64)


def skill(error: Floats, baseline: Floats, groups: Ints, *, name: str, seed: int = 0) -> Skill:
    """Compare two errors of the same origins.

    Args:
        error: [B] the LSTM's error at each origin.
        baseline: [B] the best baseline's. NaN in either leaves it out.
        groups: [B] which origins belong together (the same series, or overlapping futures): they are drawn together.
        name: the baseline's.
        seed: of the resampling.
    """
    known = ~(np.isnan(error) | np.isnan(baseline))
    _, group = np.unique(groups[known], return_inverse=True)
    group = group % MOST_GROUPS
    ours, baseline_sums = (np.bincount(group, weights=e[known]) for e in (error, baseline))
    if not len(ours) or not np.isfinite(ours).all():
        return Skill(name, float("nan"), float("nan"), float("nan"), len(ours))
    if baseline_sums.sum() == 0:
        return Skill(name, 0.0 if ours.sum() == 0 else float("-inf"), float("nan"), float("nan"), len(ours))
    low = high = float("nan")
    if len(ours) >= 3:
        draws = np.random.default_rng(seed).integers(0, len(ours), (RESAMPLES, len(ours)))
        sums = baseline_sums[draws].sum(axis=1)
        skills = 1 - ours[draws].sum(axis=1)[sums > 0] / sums[sums > 0]
        low, high = (float(q) for q in np.quantile(skills, (0.025, 0.975)))
    return Skill(name, float(1 - ours.sum() / baseline_sums.sum()), low, high, len(ours))


def verdict(result: Skill, count: int, what: str = "origin") -> str:
    """The one plain sentence, of so many origins, or what else was held out."""
    baseline, percent = result.baseline.replace("_", " "), f"{abs(result.skill):.0%}"
    over = f"over {count} held-out {what}{'' if count == 1 or what == 'series' else 's'}"
    if np.isnan(result.skill):
        return f"The LSTM and {baseline} cannot be compared {over}: use {baseline}."
    if np.isinf(result.skill):
        return f"The LSTM is worse than {baseline}, which was exact {over}: use {baseline}."
    if abs(result.skill) < MIN_EFFECT:
        return (
            f"The LSTM is no better than {baseline} {over}: their errors are equal to within 1%, and {baseline} is "
            "simpler."
        )
    if not result.better:
        return (
            f"The LSTM is worse than {baseline}: its error is {percent} larger {over}. Use {baseline}, or give it "
            "more data."
        )
    sentence = f"The LSTM is better than the best baseline, {baseline}: its error is {percent} smaller {over}"
    if np.isnan(result.low):
        return f"{sentence}; too few of them to say how surely."
    bounds = f"95 % interval {result.low:.0%} to {result.high:.0%}"
    return f"{sentence} ({bounds})." if result.low > 0 else f"{sentence}, but that may be chance ({bounds})."
