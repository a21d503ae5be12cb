"""Trained classifier of whole series, its report, and its form in a saved version."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from lstmcast.calibration.temperature import softmax
from lstmcast.data.labeled_panel import UNKNOWN, Key, LabeledPanel
from lstmcast.data.time.calendar import Calendar
from lstmcast.errors import DataError
from lstmcast.forecasts import rendered
from lstmcast.nn import numpy_lstm
from lstmcast.preprocessing.sequences import SeriesDataset, StandardScaler
from lstmcast.results import Evaluation, TrainingReport
from lstmcast.tasks.model import NetworkModel, NetworkPipeline, Parts, networks_of
from lstmcast.text import truncate_list
from lstmcast.types import Array, Floats, Ints, TensorFiles

if TYPE_CHECKING:
    import pandas as pd


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
        outputs = [numpy_lstm.forward(network, x)[:, -1].astype(np.float64) for network in self.networks]
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
class SeriesClassifier(NetworkModel):
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

    def to_parts(self) -> Parts:
        """Return columns, calendar, classes and scaling."""
        pipeline, context = self.pipeline, self.context
        manifest = {
            "context": pipeline.context,
            "columns": {
                "time": context.time,
                "series": context.key_columns,
                "features": context.features,
                "label": context.label,
            },
            "calendar": context.calendar.to_dict(),
            "source": context.source,
            "classes": list(self.classes),
        }
        return manifest, {"scaling": {"center": pipeline.scaler.center, "scale": pipeline.scaler.scale}}

    @classmethod
    def of_parts(cls, manifest: Mapping[str, Any], tensors: TensorFiles) -> SeriesClassifier:
        """Build a model; see `NetworkModel`."""
        report = LabelReport.from_dict(manifest["report"])
        context, classes = _context(manifest), tuple(manifest["classes"])
        scaler, n_features = StandardScaler(**tensors["scaling"]), len(context.features)
        if any(part.shape != (n_features,) or not np.isfinite(part).all() for part in (scaler.center, scaler.scale)):
            raise ValueError("the scaling is not that of the features")
        if np.shape(report.evaluation.confusion) != (len(classes), len(classes)):
            raise ValueError("the confusion matrix is not that of the labels")
        networks = networks_of(manifest, tensors["weights"], features=n_features, outputs=len(classes))
        return cls(ClassifierPipeline(scaler, int(manifest["context"]), **networks), context, classes, report)


def _context(manifest: Mapping[str, Any]) -> LabeledPanel:
    """The columns and the calendar of training, without series."""
    columns = manifest["columns"]
    features = tuple(columns["features"])
    return LabeledPanel(
        time=columns["time"],
        key_columns=tuple(columns["series"]),
        features=features,
        label=columns["label"],
        calendar=Calendar.from_dict(manifest["calendar"]),
        keys=(),
        values=np.empty((0, len(features))),
        observed=np.empty((0, len(features)), np.bool_),
        offsets=np.zeros(1, np.int64),
        starts=np.empty(0, np.int64),
        labels=(),
        inferred=(),
        notes=(),
        source=manifest["source"],
    )
