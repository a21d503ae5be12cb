"""Scores of symbol predictions, and the report of a training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lstmcast.results import Evaluation, Holdout, TrainingReport


@dataclass(frozen=True, kw_only=True)
class SymbolScores(Evaluation):
    """Scores of one-step predictions: bits, accuracy, top_3; and path, the accuracy along paths of H steps.

    Attributes:
        n_paths: number of paths.
    """

    unit: ClassVar[str] = "symbol"
    error: ClassVar[str] = "bits per symbol"

    n_paths: int


@dataclass(frozen=True, kw_only=True)
class CategoryReport(TrainingReport):
    """The result of a training on symbols.

    Attributes:
        temperature: of the softmax.
        holdout: the held-out steps.
    """

    evaluation: SymbolScores
    temperature: float
    holdout: Holdout
