"""Trained models of the label task, and their predictions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lstmcast.calibration.temperature import softmax
from lstmcast.data.labeled_panel import UNKNOWN, Key, LabeledPanel
from lstmcast.errors import DataError
from lstmcast.nn import numpy_lstm as lstm
from lstmcast.preprocessing.sequences import SeriesDataset, StandardScaler
from lstmcast.results import rendered
from lstmcast.tasks.label.scores import LabelReport
from lstmcast.tasks.pipeline import NetworkPipeline
from lstmcast.text import truncate_list
from lstmcast.types import Array, Floats, Ints

if TYPE_CHECKING:
    import pandas as pd


CHUNK_SIZE = 1 << 24  # gate values of a forward pass, in memory
PROBABILITY = "probability"


@dataclass(frozen=True)
class ClassifierPipeline(NetworkPipeline):
    """Networks that map a whole series to the logits of its label.

    Attributes:
        scaler: mean and standard deviation of each feature.
        context: L, the steps read of a series, counted from its end.
    """

    scaler: StandardScaler
    context: int

    def bind(self, data: LabeledPanel, codes: Ints | None = None) -> SeriesDataset:
        """Scale the series; `codes` [S] are their labels, needed for training."""
        labels = np.empty(0, np.int64) if codes is None else codes
        return SeriesDataset(self.scaler.transform(data.values), data.offsets, labels, self.context)

    def logits(self, data: LabeledPanel) -> Floats:
        """Return [S, C] mean outputs of the networks, before the temperature."""
        dataset, series = self.bind(data), np.arange(data.n_series)
        size = max(1, CHUNK_SIZE // (4 * self.context * max(layer.units for layer in self.networks[0].layers)))
        chunks = [dataset.inputs(series[k : k + size]) for k in range(0, len(series), size)]
        with np.errstate(over="ignore", invalid="ignore"):
            return np.concatenate([self._mean_output(x) for x in chunks])

    def _mean_output(self, x: Array) -> Floats:
        outputs = [lstm.forward(network, x)[:, -1].astype(np.float64) for network in self.networks]
        return np.asarray(np.mean(outputs, axis=0), dtype=np.float64)

    def probabilities(self, data: LabeledPanel) -> Floats:
        """Return [S, C] probabilities of the labels."""
        return softmax(self.logits(data), self.temperature)


@dataclass(frozen=True)
class LabelPredictions:
    """The predicted labels of S series.

    Attributes:
        key_columns: the names of the key columns.
        label: the name of the label column.
        keys: S keys.
        classes: C labels.
        probabilities: [S, C].
    """

    key_columns: tuple[str, ...]
    label: str
    keys: tuple[Key, ...]
    classes: tuple[str, ...]
    probabilities: Floats

    @property
    def predicted(self) -> tuple[str, ...]:
        """The most probable label of each series."""
        return tuple(self.classes[k] for k in self.probabilities.argmax(axis=1).tolist())

    def to_frame(self) -> pd.DataFrame:
        """One row a series: key, most probable label, its probability, then the probability of each label."""
        import pandas as pd

        parts = zip(*self.keys, strict=True)
        table: dict[str, object] = dict(zip(self.key_columns, map(list, parts), strict=True))
        table |= {self.label: list(self.predicted), PROBABILITY: self.probabilities.max(axis=1)}
        return pd.DataFrame(table | probability_columns(self.classes, self.probabilities))

    def render(self, suffix: str) -> bytes:
        """The table as a file; see `rendered`."""
        return rendered(self.to_frame(), suffix)


def probability_columns(classes: tuple[str, ...], probabilities: Floats) -> dict[str, Floats]:
    """A column of a table for the probability of each label."""
    return {f"p_{label}": probabilities[:, k] for k, label in enumerate(classes)}


def check_column_names(data: LabeledPanel) -> None:
    """Check that no key column has the name of a column that `predict` writes.

    Raises:
        DataError: one has.
    """
    written = {PROBABILITY, *(f"p_{label}" for label in data.classes)}
    taken = [name for name in data.key_columns if name in written]
    if taken:
        raise DataError([f"{data.source}: predict writes a column '{name}' of its own; rename it" for name in taken])


def count_correct(labels: Sequence[str], predicted: Sequence[str]) -> tuple[int, int]:
    """Return the number of known labels, and how many of them were predicted."""
    pairs = [(known, label) for known, label in zip(labels, predicted, strict=True) if known != UNKNOWN]
    return len(pairs), sum(known == label for known, label in pairs)


@dataclass(frozen=True)
class SeriesClassifier:
    """A trained classifier of whole series.

    Attributes:
        pipeline: networks, scaler and temperature.
        context: columns and calendar of training, without any series.
        classes: C labels.
        report: of the training.
    """

    pipeline: ClassifierPipeline
    context: LabeledPanel
    classes: tuple[str, ...]
    report: LabelReport

    def predict(self, data: LabeledPanel) -> LabelPredictions:
        """Label every series.

        Raises:
            DataError: there is no series, the frequency differs from training, or a value overflows.
        """
        if not data.n_series:
            raise DataError(f"{data.source}: there is no series to label; name a file with series")
        if data.calendar.name != self.context.calendar.name:
            raise DataError(
                f"{data.source}: the frequency was {self.context.calendar.name} in training and is "
                f"{data.calendar.name} here; train again on such data"
            )
        probabilities = self.pipeline.probabilities(data)
        if not (finite := np.isfinite(probabilities).all(axis=1)).all():
            worst = ", ".join(data.keys[int(np.argmin(finite))])
            raise DataError(f"{data.source}: series '{worst}' has values too large for the model and cannot be labeled")
        return LabelPredictions(data.key_columns, self.context.label, data.keys, self.classes, probabilities)

    def warnings(self, data: LabeledPanel) -> Iterator[str]:
        """Series that were left out, and labels that training did not see."""
        yield from (f"left out: {reason}" for reason in data.dropped)
        new = [label for label in data.classes if label not in self.classes]
        if new:
            count = sum(label in new for label in data.labels)
            known = f"{count} series with a {data.label} that was not in the training data"
            yield f"{data.source}: {known}: {truncate_list(new)}"
