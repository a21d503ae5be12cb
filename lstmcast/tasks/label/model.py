"""Trained classifier of whole series, its predictions, and reading of new series."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lstmcast.calibration.temperature import softmax
from lstmcast.data.calendar import Calendar
from lstmcast.data.labeled_panel import UNKNOWN, Key, LabeledPanel
from lstmcast.data.schema import ReadOptions
from lstmcast.errors import DataError
from lstmcast.nn import numpy_lstm
from lstmcast.nn.numpy_lstm import Network
from lstmcast.preprocessing.sequences import SeriesDataset, StandardScaler
from lstmcast.results import rendered
from lstmcast.text import truncate_list
from lstmcast.types import Floats

if TYPE_CHECKING:
    import pandas as pd

PROBABILITY = "probability"


@dataclass(frozen=True)
class Columns:
    """Which column plays which part."""

    time: str | None
    series: tuple[str, ...]
    features: tuple[str, ...]
    label: str


@dataclass(frozen=True)
class LabelPredictions:
    """The labels of S series.

    Attributes:
        columns: of the data.
        keys: S keys.
        classes: C labels.
        probabilities: [S, C] the probability of each.
    """

    columns: Columns
    keys: tuple[Key, ...]
    classes: tuple[str, ...]
    probabilities: Floats

    @property
    def predicted(self) -> tuple[str, ...]:
        """The most probable label of each series."""
        return tuple(self.classes[k] for k in self.probabilities.argmax(axis=1).tolist())

    def to_frame(self) -> pd.DataFrame:
        """One row a series: its key, its most probable label, that one's probability, the probability of each label."""
        import pandas as pd

        parts = zip(*self.keys, strict=True)
        table: dict[str, object] = dict(zip(self.columns.series, (list(part) for part in parts), strict=True))
        table |= {self.columns.label: list(self.predicted), PROBABILITY: self.probabilities.max(axis=1)}
        return pd.DataFrame(table | {chance_column(c): self.probabilities[:, k] for k, c in enumerate(self.classes)})

    def render(self, suffix: str) -> bytes:
        """The table as a file of a format; see `rendered`."""
        return rendered(self.to_frame(), suffix)


def chance_column(label: str) -> str:
    """The column of a label's probability."""
    return f"p_{label}"


def refuse_clashes(data: LabeledPanel) -> None:
    """The columns that name a series are repeated beside ours.

    Raises:
        DataError: one has a name of ours.
    """
    ours = {PROBABILITY, *(chance_column(label) for label in data.classes)}
    taken = [name for name in data.key_columns if name in ours]
    if taken:
        raise DataError([f"{data.source}: predict writes a column '{name}' of its own; rename it" for name in taken])


def count_correct(labels: Sequence[str], predicted: Sequence[str]) -> tuple[int, int]:
    """Of how many series the label is known, and of how many of these it is the one that is said."""
    pairs = [(known, ours) for known, ours in zip(labels, predicted, strict=True) if known != UNKNOWN]
    return len(pairs), sum(known == ours for known, ours in pairs)


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
                np.mean([numpy_lstm.forward(network, x)[:, -1].astype(np.float64) for network in self.networks], axis=0)
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


def pinned(classifier: SeriesClassifier) -> ReadOptions:
    """The columns, the time format and the frequency of training: a file without them is refused."""
    columns, calendar = classifier.columns, classifier.calendar
    return ReadOptions.of(
        {
            **classifier.report["config"]["data"],
            "time": columns.time,
            "target": columns.label,
            "series": list(columns.series),
            "features": list(columns.features),
            "format": calendar.style.pattern if calendar.style else None,
            "season": calendar.season,
        }
    )


def data_warnings(classifier: SeriesClassifier, now: LabeledPanel) -> Iterator[str]:
    """What the newest data lack, or have too much of."""
    yield from (f"left out: {reason}" for reason in now.dropped)
    new = [label for label in now.classes if label not in classifier.classes]
    if new:
        many = sum(label in new for label in now.labels if label != UNKNOWN)
        what = f"{many} series with a {now.label} that training did not know, and that cannot be said"
        yield f"{now.source}: {what}: {truncate_list(new)}"


def empty_panel(classifier: SeriesClassifier) -> LabeledPanel:
    """No series at all, in the columns of training."""
    columns = classifier.columns
    return LabeledPanel(
        time=columns.time,
        key_columns=columns.series,
        features=columns.features,
        label=columns.label,
        calendar=classifier.calendar,
        keys=(),
        values=np.empty((0, len(columns.features))),
        observed=np.empty((0, len(columns.features)), np.bool_),
        offsets=np.zeros(1, np.int64),
        starts=np.empty(0, np.int64),
        labels=(),
        inferred=(),
        notes=(),
        source=f"{classifier.report['data']['source']} is gone",
    )
