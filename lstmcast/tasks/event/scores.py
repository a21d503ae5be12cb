"""Scores of event probabilities, and the report of a training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from lstmcast.results import Evaluation, Holdout, TrainingReport


@dataclass(frozen=True)
class ReliabilityCurve:
    """Predicted probabilities and observed frequencies in K bins.

    Attributes:
        predicted: [K] mean probability.
        observed: [K] frequency of the event.
        counts: [K] number of predictions.
    """

    predicted: tuple[float, ...]
    observed: tuple[float, ...]
    counts: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class EventScores(Evaluation):
    """Scores of event probabilities: brier, log_loss, accuracy and calibration_error.

    Attributes:
        brier_by_step: Brier score of each method at each of the H steps.
        skills: skill of lstmcast against each baseline; NaN for an exact one.
        rate: frequency of the event.
        reliability: of lstmcast.
    """

    error: ClassVar[str] = "Brier score"

    brier_by_step: Mapping[str, tuple[float, ...]]
    skills: Mapping[str, float]
    rate: float
    reliability: ReliabilityCurve


@dataclass(frozen=True, kw_only=True)
class EventReport(TrainingReport):
    """The result of a training on an event.

    Attributes:
        event: the rule.
        preprocessing: transform, level and seasonal profile.
        temperature: divides the log-odds.
        holdout: the held-out steps.
    """

    evaluation: EventScores
    event: str
    preprocessing: str
    temperature: float
    holdout: Holdout
