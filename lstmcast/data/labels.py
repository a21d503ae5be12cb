"""A file whose series each have one label → LabeledPanel: the numbers and the label of every series."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from lstmcast.data.hints import LABEL_WORDS, words
from lstmcast.data.keys import EVERY, group_codes
from lstmcast.data.labelled import Key, LabeledPanel, to_multivariate
from lstmcast.data.panel import Panel
from lstmcast.data.read import INFER, read_text, to_panel
from lstmcast.data.records import InferredSetting, Ints, ReadOptions, Table
from lstmcast.data.wording import suggest, truncate_items, truncate_list
from lstmcast.errors import DataError


def read_labels(path: str | Path, options: ReadOptions = INFER, *, known: bool = True) -> LabeledPanel:
    """Read a file of labelled series: one row a series and time, with numbers and the label of the series.

    Args:
        path: as for `read`.
        options: what the user pinned; its `target` is the column of the labels.
        known: whether the column of the labels must be there; else it may be missing, and no label is known then.

    Raises:
        DataError: a label changes inside a series, which column holds the labels is not clear, or nothing tells the
            series apart; and as for `read`.
        FileError, BusyError, ConfigError: as for `read`.
    """
    table = read_text(path, options)
    _check_pins(table, options, known=known)
    label, reason = _label_column(table, options)
    rest = replace(table, text=table.text.drop(columns=label, errors="ignore"))
    wanted = replace(options, target=options.features or EVERY)
    panel = to_panel(rest, wanted)
    counting = None if options.features else _counting(panel)
    if counting is not None:
        panel = to_panel(rest, replace(wanted, time=counting))
    _refuse_single(panel)
    labels = _labels(table, label, panel.columns.series) if label in table.text else {}
    return to_multivariate(panel, labels, label, (InferredSetting("label", label, reason), *_named(panel, counting)))


def _check_pins(table: Table, options: ReadOptions, *, known: bool) -> None:
    """One column of labels, and every column that was named, must be there."""
    names = [str(name) for name in table.text.columns]
    if len(options.target) > 1 or options.target == EVERY:
        raise DataError(f"{table.source}: a series has one label: name one column (got {', '.join(options.target)})")
    pins = [("data.target", name) for name in options.target if known]
    pins += [("data.series", name) for name in options.series]
    pins += [("data.features", name) for name in options.features]
    lost = [(key, name) for key, name in pins if name not in names]
    faults = [f"{table.source}: {key}: no column '{name}'; {suggest(name, names)}" for key, name in lost]
    if faults:
        raise DataError(faults)


def _label_column(table: Table, options: ReadOptions) -> tuple[str, str]:
    """The column of the labels, and why: pinned, named so, or the only one that keeps a value in each series."""
    if options.target:
        return options.target[0], "given"
    free = [str(name) for name in table.text.columns]
    free = [name for name in free if name not in {options.time, *options.series, *options.features}]
    named = [name for name in free if words(name) & LABEL_WORDS]
    if len(named) == 1:
        return named[0], "its name says so"
    groups = group_codes(table.text, options.series)
    keeping = [name for name in named or free if options.series and _keeps(table.text[name], groups)]
    if len(keeping) == 1:
        return keeping[0], "the only column that keeps one value in each series"
    found = f"it may be one of {truncate_list(keeping)}" if keeping else f"columns: {truncate_list(free)}"
    raise DataError(
        f"{table.source}: which column holds the labels is not clear; name it with --target NAME (data.target); {found}"
    )


def _keeps(text: pd.Series, groups: Ints) -> bool:
    """Whether a column keeps one value in each series, and its values, two at least, are those of several series."""
    pairs = pd.DataFrame({"text": text.to_numpy(), "series": groups}).drop_duplicates()
    return bool(len(pairs) == groups.max() + 1 and 2 <= text.nunique() <= len(pairs) // 2)


def _counting(panel: Panel) -> str | None:
    """The column that numbers the steps of every series from 0 or from 1, where no other is the time."""
    if panel.columns.time is not None or len(panel.columns.target) < 2:
        return None
    for name in panel.columns.target:
        series = [panel.series(k) for k, key in enumerate(panel.keys) if key[-1] == name]
        if any(all((steps == first + np.arange(len(steps))).all() for steps in series) for first in (0, 1)):
            return name
    return None


def _named(panel: Panel, counting: str | None) -> Iterator[InferredSetting]:
    """What was inferred, in the words of series with labels."""
    for found in panel.findings:
        if found.name == "target":
            yield replace(found, name="features", reason=found.reason.removeprefix("given: "))
        elif found.name == "time" and counting:
            yield replace(found, reason="it counts the steps of every series")
        else:
            yield found


def _refuse_single(panel: Panel) -> None:
    """There must be several series."""
    if not panel.columns.series:
        raise DataError(
            f"{panel.source}: a label belongs to a whole series, and no column tells one series from the next; name it "
            "with --series NAME (data.series)"
        )


def _labels(table: Table, label: str, series: tuple[str, ...]) -> dict[Key, str]:
    """The label of every series.

    Raises:
        DataError: it changes inside one.
    """
    text = table.text[label].str.strip()
    groups = group_codes(table.text, series)
    _, first = np.unique(groups, return_index=True)
    before = first[groups]  # [N] the first row of each row's series
    changed = np.flatnonzero(text.to_numpy() != text.to_numpy()[before])
    if len(changed):
        _, first_rows = np.unique(groups[changed], return_index=True)
        rows = changed[np.sort(first_rows)]  # where the label of each series changes first
        where = {k: f"'{text.iloc[k]}' on line {table.lines[k]}" for k in {*before[rows].tolist(), *rows.tolist()}}
        shown = (
            f"series '{', '.join(table.text[list(series)].iloc[now])}' has {where[was]} and {where[now]}"
            for was, now in zip(before[rows].tolist(), rows.tolist(), strict=True)
        )
        raise DataError(
            f"{table.source}:{table.lines[rows[0]]}: column '{label}': a series must keep one label: "
            f"{truncate_items(shown, len(rows))}; correct it, or name every column that tells series apart "
            "with --series"
        )
    keys = zip(*(table.text[name].iloc[first] for name in series), strict=True)
    return dict(zip(keys, text.iloc[first], strict=True))
