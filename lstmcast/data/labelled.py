"""Series of several features on one calendar, ragged and flat, with one label each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from lstmcast.data.calendar import Calendar
from lstmcast.data.panel import Panel
from lstmcast.data.records import Bools, Floats, InferredSetting, Ints
from lstmcast.data.wording import MAX_SHOWN, pluralize
from lstmcast.errors import DataError

UNKNOWN = ""  # the label of a series that has none

Key = tuple[str, ...]


@dataclass(frozen=True)
class LabeledPanel:
    """S series of F features on one calendar, one after the other in flat arrays of N steps, each with one label.

    Attributes:
        time: the time column; None where rows are counted.
        key_columns: the columns that together name a series.
        features: F columns.
        label: the column of the labels.
        calendar: the grid of times.
        keys: S keys, one text for each key column.
        values: [N, F] the features, filled where they were missing.
        observed: [N, F] False where a value was filled in.
        offsets: [S + 1] series k is `values[offsets[k]:offsets[k + 1]]`.
        starts: [S] position on the calendar of each series' first step.
        labels: S texts as the file writes them; `""` where the label is not known.
        findings: what was inferred, and why.
        notes: what was handled, with counts.
        source: how messages name the file.
        dropped: series that cannot be used, each with its reason.
    """

    time: str | None
    key_columns: tuple[str, ...]
    features: tuple[str, ...]
    label: str
    calendar: Calendar
    keys: tuple[Key, ...]
    values: Floats
    observed: Bools
    offsets: Ints
    starts: Ints
    labels: tuple[str, ...]
    findings: tuple[InferredSetting, ...]
    notes: tuple[str, ...]
    source: str
    dropped: tuple[str, ...] = ()

    @property
    def n_series(self) -> int:
        """S, the number of series."""
        return len(self.keys)

    @property
    def lengths(self) -> Ints:
        """[S] steps of each series."""
        return np.diff(self.offsets)

    @property
    def classes(self) -> tuple[str, ...]:
        """The labels there are: numbers by size, then words."""
        return tuple(sorted({label for label in self.labels if label != UNKNOWN}, key=_by_size))

    def select(self, indices: Ints) -> LabeledPanel:
        """The series at these indices, in this order."""
        selected, lengths = indices.tolist(), self.lengths[indices]
        offsets = _offsets(lengths)
        rows = np.arange(offsets[-1]) + np.repeat(self.offsets[indices] - offsets[:-1], lengths)
        return replace(
            self,
            keys=tuple(self.keys[k] for k in selected),
            labels=tuple(self.labels[k] for k in selected),
            values=self.values[rows],
            observed=self.observed[rows],
            offsets=offsets,
            starts=self.starts[indices],
        )


def to_multivariate(
    panel: Panel, labels: Mapping[Key, str], label: str, findings: Sequence[InferredSetting]
) -> LabeledPanel:
    """The features of each series beside each other, on the steps at which all of them are there.

    Args:
        panel: each feature of each series as a series of its own.
        labels: of each series, as far as it is known.
        label: what the column of the labels is called.
        findings: what was inferred.

    Raises:
        DataError: no series has all its features at any step.
    """
    keys, at = _parts(panel)
    first, last = panel.starts[at].max(axis=1), panel.ends[at].min(axis=1)
    kept = np.flatnonzero((at >= 0).all(axis=1) & (last >= first))
    if not len(kept):
        raise DataError([f"{panel.source}: no series has all its features at any step", *panel.dropped[:MAX_SHOWN]])
    at, first, lengths = at[kept], first[kept], (last - first + 1)[kept]
    offsets = _offsets(lengths)
    step = np.arange(offsets[-1]) - np.repeat(offsets[:-1], lengths)
    rows = np.repeat(panel.offsets[at] + first[:, None] - panel.starts[at], lengths, axis=0) + step[:, None]  # [N, F]
    alone = int((panel.lengths[at] - lengths[:, None]).sum())
    known = [keys[k] for k in kept.tolist()]
    unmet = (f"{pluralize(alone, 'value')} at steps without the other features: not used",) if alone else ()
    return LabeledPanel(
        time=panel.columns.time,
        key_columns=panel.columns.series,
        features=panel.columns.target,
        label=label,
        calendar=panel.calendar,
        keys=tuple(known),
        values=panel.values[rows],
        observed=panel.observed[rows],
        offsets=offsets,
        starts=first,
        labels=tuple(labels.get(key, UNKNOWN) for key in known),
        findings=tuple(findings),
        notes=(*panel.notes, *unmet),
        source=panel.source,
        dropped=tuple(_left_out(panel, keys, at=kept)),
    )


def _parts(panel: Panel) -> tuple[list[Key], Ints]:
    """The keys of S series without their feature, and [S, F] which series of the panel holds each; -1 where none."""
    depth, features = len(panel.columns.series), panel.columns.target
    keys = list(dict.fromkeys(key[:depth] for key in panel.keys))
    row, column = ({name: k for k, name in enumerate(names)} for names in (keys, features))
    at = np.full((len(keys), len(features)), -1, dtype=np.int64)
    for k, key in enumerate(panel.keys):
        at[row[key[:depth]], column[key[-1]] if len(features) > 1 else 0] = k
    return keys, at


def _left_out(panel: Panel, keys: Sequence[Key], *, at: Ints) -> list[str]:
    """Why series are left out: what is wrong with one of their features, or that these do not meet."""
    there = set(at.tolist())
    gone = [", ".join(key) for k, key in enumerate(keys) if k not in there]
    mentioned = [name for name in gone if any(f"'{name}, " in reason for reason in panel.dropped)]
    return [
        *panel.dropped,
        *(f"series '{name}': its features meet at no step" for name in gone if name not in mentioned),
    ]


def _offsets(lengths: Ints) -> Ints:
    """[S + 1] where each series begins and ends."""
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def _by_size(label: str) -> tuple[bool, float, str]:
    try:
        return (False, float(label), label)
    except ValueError:
        return (True, 0.0, label)
