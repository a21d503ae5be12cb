"""Held-out probabilities beside how often it came true before: scores, a verdict, and whether they hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from lstmcast.data.panel import Panel
from lstmcast.evaluation import classification
from lstmcast.evaluation.classification import Reliability, reliability
from lstmcast.evaluation.skill import Skill, bootstrap_groups, skill, verdict
from lstmcast.statistical.event_rates import event_baselines
from lstmcast.tasks.event.rule import weekly_season
from lstmcast.types import Floats, Ints


@dataclass(frozen=True)
class EventEvaluation:
    """What B origins said.

    Attributes:
        scores: for "lstm" and each baseline: brier, log_loss, accuracy, calibration_error.
        by_step: the same methods' Brier score at each of the H steps.
        skill: of the LSTM's Brier score against the best baseline's.
        skills: the same against each baseline by its name: 1 − Brier / baseline's Brier.
        verdict: in one sentence.
        origins: B.
        rate: the share of yeses among what came.
        reliability: of the LSTM.
    """

    scores: Mapping[str, Mapping[str, float]]
    by_step: Mapping[str, Floats]
    skill: Skill
    skills: Mapping[str, float]
    verdict: str
    origins: int
    rate: float
    reliability: Reliability


def outcomes(panel: Panel, labels: Floats, series: Ints, origins: Ints, horizon: int) -> Floats:
    """What came true after each origin: [B, H] 1 or 0; NaN where it was not observed, nor was the origin."""
    ahead = panel.offsets[series][:, None] + origins[:, None] + np.arange(1, horizon + 1)
    inside = (ahead < panel.offsets[series + 1][:, None]) & panel.observed[panel.offsets[series] + origins][:, None]
    return np.where(inside, labels[np.minimum(ahead, len(labels) - 1)], np.nan)


def evaluate(
    panel: Panel, labels: Floats, where: tuple[Ints, Ints], actual: Floats, probabilities: Floats
) -> EventEvaluation:
    """Hold probabilities against what came, beside the baselines.

    Args:
        panel: all the data.
        labels: [N] what came true at each of its steps.
        where: [B] series and [B] origins.
        actual: [B, H] what came after them, somewhere known in each row.
        probabilities: [B, H] the LSTM's probabilities.
    """
    (series, origins), horizon = where, actual.shape[1]
    first = panel.offsets[series]
    rules = event_baselines(panel.calendar.season, weekly_season(panel))
    methods = {"lstm": probabilities, **{name: rule(labels, first, origins, horizon) for name, rule in rules.items()}}
    scores = {name: _scores(actual, values) for name, values in methods.items()}
    best = min(rules, key=lambda name: scores[name]["brier"])
    ours, best_errors = (classification.brier(actual, methods[name]) for name in ("lstm", best))
    result = skill(ours, best_errors, bootstrap_groups(series, origins, horizon), name=best)
    return EventEvaluation(
        scores=scores,
        by_step={name: classification.brier(actual.T, values.T) for name, values in methods.items()},
        skill=result,
        skills={name: _error_reduction(scores["lstm"]["brier"], scores[name]["brier"]) for name in rules},
        verdict=verdict(result, len(series)),
        origins=len(series),
        rate=float(np.nanmean(actual)),
        reliability=reliability(actual, probabilities),
    )


def _scores(actual: Floats, probabilities: Floats) -> dict[str, float]:
    """Of one method, over all that is known."""
    flat, given = actual.ravel(), probabilities.ravel()
    return {
        "brier": float(classification.brier(flat, given)),
        "log_loss": float(classification.log_loss(flat, given)),
        "accuracy": float(classification.accuracy(flat, given)),
        "calibration_error": reliability(flat, given).error,
    }


def _error_reduction(error: float, other: float) -> float:
    """By what share an error is smaller than another; NaN where that was exact."""
    return 1 - error / other if other > 0 else float("nan")
