"""Scores of labels, and the report of a training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lstmcast.results import Evaluation, TrainingReport


@dataclass(frozen=True, kw_only=True)
class LabelScores(Evaluation):
    """Scores of labels: accuracy, balanced_accuracy, cross_entropy and brier.

    Attributes:
        confusion: [C, C] number of series by actual and predicted label.
    """

    unit: ClassVar[str] = "series"
    error: ClassVar[str] = "error rate"

    confusion: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, kw_only=True)
class LabelReport(TrainingReport):
    """The result of a training on labels.

    Attributes:
        classes: C labels.
        temperature: of the softmax.
        validation_series: number of series for early stopping and temperature.
        test_series: number of series for the scores.
    """

    evaluation: LabelScores
    classes: tuple[str, ...]
    temperature: float
    validation_series: int
    test_series: int
