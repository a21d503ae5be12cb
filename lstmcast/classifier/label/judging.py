"""Held-out series with the labels they were given, beside what simple rules say: scores, a verdict, a report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lstmcast.classifier.label.labeller import ClassifierPipeline
from lstmcast.data.labelled import LabeledPanel
from lstmcast.evaluation.labels import chance_scores, named_scores, nearest_neighbour, rules, shares
from lstmcast.evaluation.origins import evenly
from lstmcast.evaluation.skill import Skill, skill, verdict

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

OURS = "lstm"
NUMBERS = 1 << 24  # that the rules look at: of very many series they know some, evenly spaced


@dataclass(frozen=True)
class LabelEvaluation:
    """What B held-out series said.

    Attributes:
        actual: [B] their labels.
        chances: [B, C] the probabilities that they were given.
        rivals: rule to the labels [B] that it says.
        shares: [C] of the labels among the series that were learnt from: the chances that no network is needed for.
    """

    actual: Ints
    chances: Floats
    rivals: Mapping[str, Ints]
    shares: Floats

    @property
    def said(self) -> Ints:
        """[B] the most probable labels."""
        return np.asarray(self.chances.argmax(axis=1), dtype=np.int64)

    def scores(self) -> dict[str, dict[str, float]]:
        """For "lstm" and each rule: accuracy, balanced accuracy and, of chances, cross-entropy and Brier score."""
        blind = np.broadcast_to(self.shares, self.chances.shape)
        given = {OURS: self.chances, "most_frequent": blind}
        of_chances = {name: chance_scores(self.actual, chances) for name, chances in given.items()}
        named = {OURS: self.said, **self.rivals}
        return {name: named_scores(self.actual, said) | of_chances.get(name, {}) for name, said in named.items()}

    def skill(self) -> Skill:
        """Against the rule that was right most often, in wrong labels."""
        best = max(self.rivals, key=lambda name: (self.rivals[name] == self.actual).mean())
        wrong, theirs = ((said != self.actual).astype(np.float64) for said in (self.said, self.rivals[best]))
        return skill(wrong, theirs, np.arange(len(wrong)), name=best)

    def verdict(self) -> str:
        """How often the LSTM is right, and how that compares, in two sentences."""
        right = int((self.said == self.actual).sum())
        share = f"{right / len(self.actual):.1%}"
        said = f"The LSTM gives {right:,} of {len(self.actual):,} held-out series their label ({share})."
        return f"{said} {verdict(self.skill(), len(self.actual), what='series')}"


def judge(
    reader: ClassifierPipeline, data: LabeledPanel, codes: Ints, *, learnt: Ints, judging: Ints
) -> LabelEvaluation:
    """Label the series that judge, and let the rules do so too.

    Args:
        reader: fitted on nothing of the series that judge.
        data: all series.
        codes: [S] their labels.
        learnt: the series that the rules may look at.
        judging: the series that judge.
    """
    most = max(1, NUMBERS // (reader.context * data.values.shape[1]))
    known = evenly(learnt, most)
    parts = [_rivals(reader, data, codes, known, judging[k : k + most]) for k in range(0, len(judging), most)]
    return LabelEvaluation(
        actual=codes[judging],
        chances=reader.chances(data.select(judging)),
        rivals={name: np.concatenate([part[name] for part in parts]) for name in parts[0]},
        shares=shares(codes[learnt], reader.networks[0].d.shape[0]),
    )


def _rivals(reader: ClassifierPipeline, data: LabeledPanel, codes: Ints, known: Ints, asked: Ints) -> dict[str, Ints]:
    """What the rules say of some series: on the numbers as they are, and one in each feature's own unit."""
    cases, labels = reader.cases(data), codes[known]
    z = [cases.inputs(series).astype(np.float64) for series in (known, asked)]  # [K, L, F] and [B, L, F]
    raw = [(part * reader.standard.scale).reshape(len(part), -1) for part in z]  # counted from each feature's mean
    scaled = [part.reshape(len(part), -1) for part in z]
    return {
        **rules(raw[0], labels, raw[1]),
        "scaled_neighbour": nearest_neighbour(scaled[0], labels, scaled[1]),
    }
