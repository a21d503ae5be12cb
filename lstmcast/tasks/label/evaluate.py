"""Held-out series with the labels they were given, beside what simple rules say: scores, a verdict, a report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from lstmcast.data.labeled_panel import LabeledPanel
from lstmcast.evaluation.classification import (
    baseline_classifiers,
    chance_scores,
    class_frequencies,
    named_scores,
    nearest_neighbor,
)
from lstmcast.evaluation.skill import Skill, skill, verdict
from lstmcast.evaluation.splits import evenly
from lstmcast.tasks.label.model import ClassifierPipeline
from lstmcast.types import Floats, Ints

OURS = "lstm"
NUMBERS = 1 << 24  # that the rules look at: of very many series they know some, evenly spaced


@dataclass(frozen=True)
class LabelEvaluation:
    """What B held-out series said.

    Attributes:
        actual: [B] their labels.
        probabilities: [B, C] the probabilities that they were given.
        baselines: rule to the labels [B] that it says.
        class_frequencies: [C] of the labels among the series that were learnt from: the chances that no network is
            needed for.
    """

    actual: Ints
    probabilities: Floats
    baselines: Mapping[str, Ints]
    class_frequencies: Floats

    @property
    def predicted(self) -> Ints:
        """[B] the most probable labels."""
        return np.asarray(self.probabilities.argmax(axis=1), dtype=np.int64)

    def scores(self) -> dict[str, dict[str, float]]:
        """For "lstm" and each rule: accuracy, balanced accuracy and, of chances, cross-entropy and Brier score."""
        blind = np.broadcast_to(self.class_frequencies, self.probabilities.shape)
        given = {OURS: self.probabilities, "most_frequent": blind}
        probability_scores = {name: chance_scores(self.actual, probabilities) for name, probabilities in given.items()}
        named = {OURS: self.predicted, **self.baselines}
        return {
            name: named_scores(self.actual, predicted) | probability_scores.get(name, {})
            for name, predicted in named.items()
        }

    def skill(self) -> Skill:
        """Against the rule that was right most often, in wrong labels."""
        best = max(self.baselines, key=lambda name: (self.baselines[name] == self.actual).mean())
        wrong, best_wrong = (
            (predicted != self.actual).astype(np.float64) for predicted in (self.predicted, self.baselines[best])
        )
        return skill(wrong, best_wrong, np.arange(len(wrong)), name=best)

    def verdict(self) -> str:
        """How often the LSTM is right, and how that compares, in two sentences."""
        right = int((self.predicted == self.actual).sum())
        percent = f"{right / len(self.actual):.1%}"
        sentence = f"The LSTM gives {right:,} of {len(self.actual):,} held-out series their label ({percent})."
        return f"{sentence} {verdict(self.skill(), len(self.actual), what='series')}"


def evaluate(
    reader: ClassifierPipeline, data: LabeledPanel, codes: Ints, *, known_series: Ints, test: Ints
) -> LabelEvaluation:
    """Label the series that judge, and let the rules do so too.

    Args:
        reader: fitted on nothing of the series that judge.
        data: all series.
        codes: [S] their labels.
        known_series: the series that the rules may look at.
        test: the series that judge.
    """
    most = max(1, NUMBERS // (reader.context * data.values.shape[1]))
    known = evenly(known_series, most)
    parts = [_baseline_labels(reader, data, codes, known, test[k : k + most]) for k in range(0, len(test), most)]
    return LabelEvaluation(
        actual=codes[test],
        probabilities=reader.probabilities(data.select(test)),
        baselines={name: np.concatenate([part[name] for part in parts]) for name in parts[0]},
        class_frequencies=class_frequencies(codes[known_series], reader.networks[0].d.shape[0]),
    )


def _baseline_labels(
    reader: ClassifierPipeline, data: LabeledPanel, codes: Ints, known: Ints, test: Ints
) -> dict[str, Ints]:
    """What the rules say of some series: on the numbers as they are, and one in each feature's own unit."""
    cases, labels = reader.cases(data), codes[known]
    z = [cases.inputs(series).astype(np.float64) for series in (known, test)]  # [K, L, F] and [B, L, F]
    raw = [(part * reader.scaler.scale).reshape(len(part), -1) for part in z]  # counted from each feature's mean
    scaled = [part.reshape(len(part), -1) for part in z]
    return {
        **baseline_classifiers(raw[0], labels, raw[1]),
        "scaled_neighbour": nearest_neighbor(scaled[0], labels, scaled[1]),
    }
