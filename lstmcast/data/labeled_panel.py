"""Labeled series of several features, and their reader."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from lstmcast.data.column_hints import EVERY, LABEL_WORDS, quote_value, words
from lstmcast.data.drivers.options import NO_COVARIATES
from lstmcast.data.load import INFER, read_text, to_panel
from lstmcast.data.numbers.fields import looks_like_numbers
from lstmcast.data.panel import Panel, offsets_of
from lstmcast.data.schema import (
    DataNote,
    DroppedSeries,
    DropReason,
    InferredSetting,
    NoteCode,
    ReadOptions,
    SettingKey,
    Table,
    fingerprint,
)
from lstmcast.data.series_columns import group_codes
from lstmcast.data.time.calendar import Calendar
from lstmcast.errors import DataError, Fault, FaultCode, Fix
from lstmcast.text import MAX_SHOWN, pluralize, suggest, truncate_items, truncate_list
from lstmcast.types import Bools, Floats, Ints

UNKNOWN = ""  # label of an unlabeled series

Key = tuple[str, ...]


@dataclass(frozen=True)
class LabeledPanel:
    """S labeled series of F features on one calendar, concatenated in flat arrays of N steps.

    Attributes as those of `Panel`, except for:
        time: the time column; None if rows are counted.
        key_columns: the id columns.
        features: F columns.
        label: the label column.
        values, observed: [N, F].
        labels: S texts as in the file; `""` if unknown.
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
    inferred: tuple[InferredSetting, ...]
    notes: tuple[DataNote, ...]
    source: str
    dropped: tuple[DroppedSeries, ...] = ()

    def fingerprint(self) -> str:
        """Compute the sha256 of columns, keys, times, features and labels."""
        columns = (self.time, self.key_columns, self.features, self.label)
        described = (columns, self.calendar.to_dict(), self.keys, self.labels)
        return fingerprint(described, self.offsets, self.starts, self.values, self.observed)

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
        """Distinct labels: numbers by value, then words."""
        return tuple(sorted({label for label in self.labels if label != UNKNOWN}, key=_by_size))

    def select(self, indices: Ints) -> LabeledPanel:
        """Select series by index, in this order."""
        selected, lengths = indices.tolist(), self.lengths[indices]
        offsets = offsets_of(lengths)
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
    panel: Panel, labels: Mapping[Key, str], label: str, inferred: Sequence[InferredSetting]
) -> LabeledPanel:
    """Join the features of each series, on the steps that have all of them.

    Args:
        panel: each feature of each series as a series of its own.
        labels: known labels by series.

    Raises:
        DataError: no series has a step with all features.
    """
    keys, at = _parts(panel)
    first, last = panel.starts[at].max(axis=1), panel.ends[at].min(axis=1)
    kept = np.flatnonzero((at >= 0).all(axis=1) & (last >= first))
    if not len(kept):
        faults = map(str, panel.dropped[:MAX_SHOWN])
        raise DataError([f"{panel.source}: no series has all its features at any step", *faults])
    at, first, lengths = at[kept], first[kept], (last - first + 1)[kept]
    offsets = offsets_of(lengths)
    step = np.arange(offsets[-1]) - np.repeat(offsets[:-1], lengths)
    rows = np.repeat(panel.offsets[at] + first[:, None] - panel.starts[at], lengths, axis=0) + step[:, None]  # [N, F]
    alone = int((panel.lengths[at] - lengths[:, None]).sum())
    known = [keys[k] for k in kept.tolist()]
    unused = f"{pluralize(alone, 'value')} at steps without the other features: not used"
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
        inferred=tuple(inferred),
        notes=(*panel.notes, *((DataNote(NoteCode.INCOMPLETE_FEATURES, unused),) if alone else ())),
        source=panel.source,
        dropped=tuple(_left_out(panel, keys, at=kept)),
    )


def _parts(panel: Panel) -> tuple[list[Key], Ints]:
    """Keys of S series, and the index [S, F] of each feature among the panel's series; -1 where missing."""
    depth, features = len(panel.columns.series), panel.columns.target
    keys = list(dict.fromkeys(key[:depth] for key in panel.keys))
    row, column = ({name: k for k, name in enumerate(names)} for names in (keys, features))
    at = np.full((len(keys), len(features)), -1, dtype=np.int64)
    for k, key in enumerate(panel.keys):
        at[row[key[:depth]], column[key[-1]] if len(features) > 1 else 0] = k
    return keys, at


def _left_out(panel: Panel, keys: Sequence[Key], *, at: Ints) -> Iterator[DroppedSeries]:
    """Left-out series: those with an unusable feature, and those without a step of all features."""
    yield from panel.dropped
    listed = {series.key[: len(panel.columns.series)] for series in panel.dropped}
    kept = set(at.tolist())
    for k, key in enumerate(keys):
        if k not in kept and key not in listed:
            yield DroppedSeries(key, DropReason.NO_COMMON_STEP, "no step has all its features")


def _by_size(label: str) -> tuple[bool, float, str]:
    try:
        return (False, float(label), label)
    except ValueError:
        return (True, 0.0, label)


def read_labels(path: str | Path, options: ReadOptions = INFER, *, known: bool = True) -> LabeledPanel:
    """Read a file of labeled series: one row per series and time, with the features and the label of the series.

    Args:
        options: pinned settings; `target` is the label column.
        known: whether the label column is required.

    Raises:
        DataError: a label changes within a series, the label column is ambiguous, or there are no id columns.
        LstmcastError: as for `read`.
    """
    table = read_text(path, options)
    _check_pins(table, options, known=known)
    label, reason = _label_column(table, options)
    rest = replace(table, text=table.text.drop(columns=label, errors="ignore"))
    wanted = replace(options, target=options.features or EVERY, covariates=NO_COVARIATES)
    panel = to_panel(rest, wanted)
    counting = None if options.features else _counting(panel)
    if counting is not None:
        panel = to_panel(rest, replace(wanted, time=counting))
    _refuse_single(panel)
    labels = _labels(table, label, panel.columns.series) if label in table.text else {}
    return to_multivariate(
        panel, labels, label, (InferredSetting(SettingKey.LABEL, label, reason), *_named(panel, counting))
    )


def _check_pins(table: Table, options: ReadOptions, *, known: bool) -> None:
    """Raise DataError unless there is one label column and all pinned columns exist."""
    names = [str(name) for name in table.text.columns]
    if len(options.target) > 1 or options.target == EVERY:
        raise DataError(f"{table.source}: a series has one label: name one column (got {', '.join(options.target)})")
    pins = [("data.target", name) for name in options.target if known]
    pins += [("data.id_columns", name) for name in options.id_columns]
    pins += [("data.features", name) for name in options.features]
    lost = [(key, name) for key, name in pins if name not in names]
    faults = [f"{table.source}: {key}: no column '{name}'; {suggest(name, names)}" for key, name in lost]
    if faults:
        raise DataError(faults)


def _label_column(table: Table, options: ReadOptions) -> tuple[str, str]:
    """Label column and reason: pinned, named so, or the only one that is constant within each series."""
    if options.target:
        return options.target[0], "given"
    free = [str(name) for name in table.text.columns]
    free = [name for name in free if name not in {options.time, *options.id_columns, *options.features}]
    named = [name for name in free if words(name) & LABEL_WORDS]
    if len(named) == 1:
        return named[0], "by its name"
    groups = group_codes(table.text, options.id_columns)
    keeping = [name for name in named or free if options.id_columns and _keeps(table.text[name], groups)]
    if len(keeping) == 1:
        return keeping[0], "the only column that keeps one value in each series"
    names = keeping or [name for name in free if not looks_like_numbers(table.text[name])]
    text = f"{table.source}: the column of the labels is not clear; it may be one of {truncate_list(names or free)}"
    fixes = (Fix(f"data.target={quote_value(name)}", f"learn '{name}'") for name in names[:MAX_SHOWN])
    raise DataError(Fault(text, FaultCode.UNCLEAR_LABEL, fixes=tuple(fixes)))


def _keeps(text: pd.Series, groups: Ints) -> bool:
    """True if a column is constant within each series and its values, at least two, repeat over series."""
    pairs = pd.DataFrame({"text": text.to_numpy(), "series": groups}).drop_duplicates()
    return bool(len(pairs) == groups.max() + 1 and 2 <= text.nunique() <= len(pairs) // 2)


def _counting(panel: Panel) -> str | None:
    """Column that numbers the steps of every series from 0 or 1, if there is no time column."""
    if panel.columns.time is not None or len(panel.columns.target) < 2:
        return None
    for name in panel.columns.target:
        series = [panel.series(k) for k, key in enumerate(panel.keys) if key[-1] == name]
        if any(all((steps == first + np.arange(len(steps))).all() for steps in series) for first in (0, 1)):
            return name
    return None


def _named(panel: Panel, counting: str | None) -> Iterator[InferredSetting]:
    """Inferred settings with the keys of labeled series."""
    for found in panel.inferred:
        if found.key == SettingKey.TARGET:
            yield replace(found, key=SettingKey.FEATURES, reason=found.reason.removeprefix("given: "))
        elif found.key == SettingKey.TIME and counting:
            yield replace(found, reason="it counts the steps of every series")
        else:
            yield found


def _refuse_single(panel: Panel) -> None:
    """Raise DataError without id columns."""
    if not panel.columns.series:
        raise DataError(
            f"{panel.source}: a label belongs to a whole series, and no column identifies the series; name it with "
            "--id-columns NAME (data.id_columns)"
        )


def _labels(table: Table, label: str, series: tuple[str, ...]) -> dict[Key, str]:
    """Labels by series; raises DataError if a label changes within a series."""
    text = table.text[label].str.strip()
    groups = group_codes(table.text, series)
    _, first = np.unique(groups, return_index=True)
    before = first[groups]  # [N] the first row of each row's series
    changed = np.flatnonzero(text.to_numpy() != text.to_numpy()[before])
    if len(changed):
        _, first_rows = np.unique(groups[changed], return_index=True)
        rows = changed[np.sort(first_rows)]  # first change of each series
        where = {k: f"'{text.iloc[k]}' on line {table.lines[k]}" for k in {*before[rows].tolist(), *rows.tolist()}}
        shown = (
            f"series '{', '.join(table.text[list(series)].iloc[now])}' has {where[was]} and {where[now]}"
            for was, now in zip(before[rows].tolist(), rows.tolist(), strict=True)
        )
        raise DataError(
            f"{table.source}:{table.lines[rows[0]]}: column '{label}': a series must keep one label: "
            f"{truncate_items(shown, len(rows))}; correct it, or name all columns that identify the "
            "series with --id-columns"
        )
    keys = zip(*(table.text[name].iloc[first] for name in series), strict=True)
    return dict(zip(keys, text.iloc[first], strict=True))
