"""A trained labeller: what it is made of, and what it says of whole series."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lstmcast.classifier.label.labels import Columns, LabelPredictions
from lstmcast.data.calendar import Calendar
from lstmcast.data.labelled import LabeledPanel
from lstmcast.errors import DataError
from lstmcast.evaluation.temperature import softmax
from lstmcast.model import lstm
from lstmcast.model.cases import SeriesDataset, StandardScaler
from lstmcast.model.lstm import Network

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

CHUNK = 1 << 24  # numbers that the gates of a forward pass may hold at once


@dataclass(frozen=True)
class ClassifierPipeline:
    """Networks with what they need to read a series.

    Attributes:
        networks: one, or several whose outputs are averaged before the softmax.
        scaler: how the features become z.
        context: L.
        temperature: of the softmax.
    """

    networks: tuple[Network, ...]
    scaler: StandardScaler
    context: int
    temperature: float = 1.0

    def cases(self, data: LabeledPanel) -> SeriesDataset:
        """The series as the networks read them; their labels do not matter."""
        return SeriesDataset(self.scaler.transform(data.values), data.offsets, np.empty(0, np.int64), self.context)

    def raw(self, data: LabeledPanel) -> Floats:
        """[S, C] what the networks say of every series, before the softmax."""
        cases, every = self.cases(data), np.arange(data.n_series)
        size = max(1, CHUNK // (4 * self.context * max(layer.units for layer in self.networks[0].layers)))
        parts = [cases.inputs(every[k : k + size]) for k in range(0, len(every), size)]
        with np.errstate(over="ignore", invalid="ignore"):
            logits = [
                np.mean([lstm.forward(network, x)[:, -1].astype(np.float64) for network in self.networks], axis=0)
                for x in parts
            ]
        return np.concatenate(logits)

    def probabilities(self, data: LabeledPanel) -> Floats:
        """[S, C] the probability of each label."""
        return softmax(self.raw(data), self.temperature)


@dataclass(frozen=True)
class SeriesClassifier:
    """A trained model and all it needs to label series.

    Attributes:
        pipeline: networks, scales, temperature.
        columns: which column plays which part.
        calendar: of the data of training.
        classes: C labels.
        report: what a person may want to know later; its `confusion` [C, C] is that of the series that judged.
    """

    pipeline: ClassifierPipeline
    columns: Columns
    calendar: Calendar
    classes: tuple[str, ...]
    report: Mapping[str, Any]

    def predict(self, data: LabeledPanel) -> LabelPredictions:
        """Label every series.

        Raises:
            DataError: there is none, its steps are not those of training, or it holds numbers beyond all that training
                saw.
        """
        if not data.n_series:
            raise DataError(f"{data.source}: there is no series to label; name the file that holds some")
        if data.calendar.name != self.calendar.name:
            raise DataError(
                f"{data.source}: the frequency was {self.calendar.name} in training and is {data.calendar.name} here; "
                "train again on such data"
            )
        probabilities = self.pipeline.probabilities(data)
        if not (finite := np.isfinite(probabilities).all(axis=1)).all():
            worst = ", ".join(data.keys[int(np.argmin(finite))])
            raise DataError(
                f"{data.source}: series '{worst}' holds numbers beyond all that training saw, and cannot be labelled"
            )
        return LabelPredictions(self.columns, data.keys, self.classes, probabilities)
