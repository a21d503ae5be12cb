"""Scores of predicted labels against simple classifiers, and the result of a backtest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lstmcast.data.labeled_panel import LabeledPanel
from lstmcast.evaluation.classification import (
    baseline_classifiers,
    chance_scores,
    class_frequencies,
    confusion,
    named_scores,
    nearest_neighbor,
)
from lstmcast.evaluation.skill import Skill, skill
from lstmcast.evaluation.splits import evenly
from lstmcast.forecasts import with_own_names
from lstmcast.plain import to_plain
from lstmcast.results import LSTMCAST
from lstmcast.tasks.label.model import ClassifierPipeline, LabelScores, probability_columns
from lstmcast.tasks.model import NetworkBacktest
from lstmcast.types import Floats, Ints

if TYPE_CHECKING:
    import pandas as pd

MAX_VALUES = 1 << 24  # held by the baselines; of very many training series they use an even selection


@dataclass(frozen=True)
class LabelEvaluation:
    """Predictions for B test series, of the networks and the baselines.

    Attributes:
        actual: [B] codes of the labels.
        probabilities: [B, C] of the networks.
        baselines: name to predicted codes [B].
        class_frequencies: [C] in the training series, the probabilities of the most_frequent baseline.
    """

    actual: Ints
    probabilities: Floats
    baselines: Mapping[str, Ints]
    class_frequencies: Floats

    @classmethod
    def merge(cls, parts: Sequence[LabelEvaluation], order: Ints) -> LabelEvaluation:
        """Concatenate evaluations and take their series in the given order."""
        return cls(
            actual=np.concatenate([part.actual for part in parts])[order],
            probabilities=np.concatenate([part.probabilities for part in parts])[order],
            baselines={
                name: np.concatenate([part.baselines[name] for part in parts])[order] for name in parts[0].baselines
            },
            class_frequencies=np.mean([part.class_frequencies for part in parts], axis=0),
        )

    @property
    def predicted(self) -> Ints:
        """[B] the most probable codes."""
        return np.asarray(self.probabilities.argmax(axis=1), dtype=np.int64)

    @property
    def by_method(self) -> dict[str, Ints]:
        """Predicted codes [B] of the networks and of each baseline."""
        return {LSTMCAST: self.predicted, **self.baselines}

    @property
    def scores(self) -> dict[str, dict[str, float]]:
        """Accuracy and balanced accuracy of each method; cross-entropy and Brier score of those with probabilities."""
        constant = np.broadcast_to(self.class_frequencies, self.probabilities.shape)
        with_probabilities = {LSTMCAST: self.probabilities, "most_frequent": constant}
        extra = {name: chance_scores(self.actual, p) for name, p in with_probabilities.items()}
        return {name: named_scores(self.actual, p) | extra.get(name, {}) for name, p in self.by_method.items()}

    @property
    def skill(self) -> Skill:
        """Comparison of wrong labels with those of the most accurate baseline."""
        best = max(self.baselines, key=lambda name: (self.baselines[name] == self.actual).mean())
        wrong, baseline = ((p != self.actual).astype(np.float64) for p in (self.predicted, self.baselines[best]))
        return skill(wrong, baseline, np.arange(len(self.actual)), name=best)

    def recall(self, method: str) -> Floats:
        """Return [C] the fraction of the series of each label that a method predicted right."""
        matrix = confusion(self.actual, self.by_method[method], self.probabilities.shape[1])
        return np.asarray(np.diag(matrix) / np.maximum(matrix.sum(axis=1), 1), dtype=np.float64)

    @property
    def confusion(self) -> Ints:
        """[C, C] counts by actual (row) and predicted label (column)."""
        return confusion(self.actual, self.predicted, self.probabilities.shape[1])

    @property
    def summary(self) -> LabelScores:
        """The scores."""
        return LabelScores(
            scores=self.scores,
            skill=self.skill,
            n_scored=len(self.actual),
            confusion=tuple(map(tuple, self.confusion.tolist())),
        )


def evaluate_labels(
    pipeline: ClassifierPipeline, data: LabeledPanel, codes: Ints, *, known: Ints, test: Ints
) -> LabelEvaluation:
    """Predict the labels of the test series, and let the baselines predict them too.

    Args:
        pipeline: networks fitted without the test series.
        data: all series.
        codes: [S] their labels.
        known: indices of the series that the baselines may use.
        test: indices of the test series.
    """
    size = max(1, MAX_VALUES // (pipeline.context * data.values.shape[1]))
    sample = evenly(known, size)
    parts = [_baselines(pipeline, data, codes, sample, test[k : k + size]) for k in range(0, len(test), size)]
    return LabelEvaluation(
        actual=codes[test],
        probabilities=pipeline.probabilities(data.select(test)),
        baselines={name: np.concatenate([part[name] for part in parts]) for name in parts[0]},
        class_frequencies=class_frequencies(codes[known], len(data.classes)),
    )


def _baselines(
    pipeline: ClassifierPipeline, data: LabeledPanel, codes: Ints, known: Ints, test: Ints
) -> dict[str, Ints]:
    """The predictions of simple classifiers: on the values, and of one on scaled features."""
    dataset, labels = pipeline.bind(data), codes[known]
    z = [dataset.inputs(series).astype(np.float64) for series in (known, test)]  # [K, L, F] and [B, L, F]
    centered = [(part * pipeline.scaler.scale).reshape(len(part), -1) for part in z]
    scaled = [part.reshape(len(part), -1) for part in z]
    return {
        **baseline_classifiers(centered[0], labels, centered[1]),
        "scaled_neighbor": nearest_neighbor(scaled[0], labels, scaled[1]),
    }


@dataclass(frozen=True)
class LabelBacktest(NetworkBacktest):
    """Predictions for all series, and their scores.

    Attributes:
        data: the S series with a known label.
        fold: [S] the fold that each was scored in.
        evaluation: of all S series, in their order.
    """

    data: LabeledPanel
    fold: Ints
    evaluation: LabelEvaluation
    warnings: tuple[str, ...] = ()

    def to_frame(self) -> pd.DataFrame:
        """The scores, one row each: `method, scope, key, metric, value`; the scope `label` has the recall by label."""
        result, classes = self.evaluation, self.data.classes
        recalls = {name: zip(classes, result.recall(name).tolist(), strict=True) for name in result.by_method}
        return self.scores_frame(
            (name, "label", label, "recall", value) for name, pairs in recalls.items() for label, value in pairs
        )

    def forecasts(self) -> pd.DataFrame:
        """One row a series: key, fold, label, prediction of each method, probability of each label."""
        import pandas as pd

        data, result = self.data, self.evaluation
        parts = zip(*data.keys, strict=True)
        named: dict[str, object] = dict(zip(data.key_columns, map(list, parts), strict=True))
        labels = np.array(data.classes, dtype=object)
        columns: dict[str, object] = {"fold": self.fold + 1, "actual": list(data.labels)}
        columns |= {name: labels[codes] for name, codes in result.by_method.items()}
        columns |= probability_columns(data.classes, result.probabilities)
        return pd.DataFrame(with_own_names(named, columns))

    def to_dict(self) -> dict[str, Any]:
        """The scores as JSON values."""
        return {
            "source": self.data.source,
            "series": self.data.n_series,
            "folds": int(self.fold.max()) + 1,
            "classes": list(self.data.classes),
            **to_plain(self.evaluation.summary),
        }
