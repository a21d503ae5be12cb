"""The labels that are said of series, and the table they are written as."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from lstmcast.data.labelled import UNKNOWN, Key, LabeledPanel
from lstmcast.errors import DataError
from lstmcast.forecast import rendered

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]

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
