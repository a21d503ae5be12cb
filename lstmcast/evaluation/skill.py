"""Skill against the best baseline, with a bootstrap confidence interval."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

import numpy as np

from lstmcast.types import Floats, Ints

MIN_EFFECT = 0.005  # a share of the error that is worth a word
MIN_SERIES_FOR_GROUPING = 10  # series, from which each is one piece of evidence
MOST_GROUPS = 500
RESAMPLES = 1000
UNKNOWN = (math.nan, math.nan)


class SkillOutcome(StrEnum):
    """The result of a comparison with the best baseline."""

    BETTER = "better"
    WORSE = "worse"
    TIE = "tie"  # errors within MIN_EFFECT of each other
    BASELINE_EXACT = "baseline_exact"  # only the baseline made no error
    UNDEFINED = "undefined"  # no actual value is known, or forecasts are infinite
    NOT_MEASURED = "not_measured"  # nothing was held out


@dataclass(frozen=True)
class Skill:
    """The relative reduction of the error of the best baseline.

    Attributes:
        baseline: the best baseline.
        value: 1 − error / error of the baseline: negative if lstmcast is worse, -inf if only the baseline is exact, NaN
            where undefined.
        interval_95: bootstrap confidence interval; NaN with fewer than 3 independent groups.
        groups: number of independent groups: series, or stretches of one series.
        outcome: the result.
    """

    baseline: str
    value: float
    interval_95: tuple[float, float]
    groups: int
    outcome: SkillOutcome

    @classmethod
    def of(cls, baseline: str, value: float, interval_95: tuple[float, float] = UNKNOWN, groups: int = 0) -> Self:
        """The skill with the outcome that follows from its value."""
        return cls(baseline, value, interval_95, groups, _outcome(value))

    @classmethod
    def not_measured(cls) -> Self:
        """The skill of a model without a hold-out."""
        return cls("", math.nan, UNKNOWN, 0, SkillOutcome.NOT_MEASURED)

    @property
    def better(self) -> bool:
        """True if the error of lstmcast is smaller by at least MIN_EFFECT."""
        return self.outcome is SkillOutcome.BETTER


def _outcome(value: float) -> SkillOutcome:
    if math.isnan(value):
        return SkillOutcome.UNDEFINED
    if math.isinf(value):
        return SkillOutcome.BASELINE_EXACT
    if abs(value) < MIN_EFFECT:
        return SkillOutcome.TIE
    return SkillOutcome.BETTER if value > 0 else SkillOutcome.WORSE


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
    """Compare the errors of lstmcast with those of a baseline.

    Args:
        error: [B] of lstmcast at each origin.
        baseline: [B] of the baseline. Origins with NaN in either are left out.
        groups: [B] dependent origins (of one series, or with overlapping futures), which are resampled together.
        name: of the baseline.
        seed: of the bootstrap.
    """
    known = ~(np.isnan(error) | np.isnan(baseline))
    _, group = np.unique(groups[known], return_inverse=True)
    group = group % MOST_GROUPS
    sums, baseline_sums = (np.bincount(group, weights=e[known]).astype(np.float64) for e in (error, baseline))
    if not len(sums) or not np.isfinite(sums).all():
        return Skill.of(name, math.nan, groups=len(sums))
    if baseline_sums.sum() == 0:
        return Skill.of(name, 0.0 if sums.sum() == 0 else -math.inf, groups=len(sums))
    value = float(1 - sums.sum() / baseline_sums.sum())
    return Skill.of(name, value, _bootstrap_interval(sums, baseline_sums, seed), len(sums))


def _bootstrap_interval(error: Floats, baseline: Floats, seed: int) -> tuple[float, float]:
    """The 95 % interval of the skill from [G] sums of errors; NaN with fewer than 3 groups."""
    if len(error) < 3:
        return UNKNOWN
    draws = np.random.default_rng(seed).integers(0, len(error), (RESAMPLES, len(error)))
    sums = baseline[draws].sum(axis=1)
    skills = 1 - error[draws].sum(axis=1)[sums > 0] / sums[sums > 0]
    low, high = np.quantile(skills, (0.025, 0.975))
    return float(low), float(high)
