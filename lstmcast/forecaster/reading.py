"""How the newest data are read for a model: as those it was trained on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from lstmcast.data.panel import Panel
from lstmcast.data.records import ReadOptions
from lstmcast.forecaster.trained import Forecaster


def training_read_options(forecaster: Forecaster) -> ReadOptions:
    """The columns, time format and season of training: a file without them is refused, not guessed at again."""
    return pinned_options(forecaster.context, forecaster.report["config"]["data"])


def pinned_options(context: Panel, section: Mapping[str, Any]) -> ReadOptions:
    """The same of any model, by the panel that it kept and the `data` section of its config."""
    columns, calendar = context.columns, context.calendar
    return ReadOptions.of(
        {
            **section,
            "time": columns.time,
            "target": list(columns.target),
            "series": list(columns.series),
            "format": calendar.style.pattern if calendar.style else None,
            "season": calendar.season,
        }
    )


def data_warnings(before: Panel, now: Panel) -> Iterator[str]:
    """What the newest data lack that training had."""
    yield from (f"left out: {reason}" for reason in now.dropped)
    lost = sorted(set(before.keys) - set(now.keys))
    if lost:
        names = ", ".join("/".join(key) for key in lost[:5]) + (" …" if len(lost) > 5 else "")
        yield f"{now.source}: {len(lost)} of the series of training are not there: {names}"
    if now.ends.max() < before.ends.max():
        ends = " and ".join(panel.calendar.text(panel.ends[[panel.ends.argmax()]])[0] for panel in (now, before))
        yield f"{now.source}: ends before the data of training did ({ends})"
    yield from _changed_values_warning(before, now)


def _changed_values_warning(before: Panel, now: Panel) -> Iterator[str]:
    """A word where most values of steps that training knew are others: another column, another unit, another file."""
    number = {key: k for k, key in enumerate(now.keys)}
    which = np.array([number.get(key, -1) for key in before.keys]).repeat(before.lengths)
    positions = before.starts.repeat(before.lengths) + np.arange(len(before.values))
    positions -= before.offsets[:-1].repeat(before.lengths)
    steps = positions - now.starts[which]
    there = np.flatnonzero((which >= 0) & (steps >= 0) & (steps < now.lengths[which]) & before.observed)
    same_steps = now.offsets[which[there]] + steps[there]
    there, same_steps = there[now.observed[same_steps]], same_steps[now.observed[same_steps]]
    other = ~np.isclose(now.values[same_steps], before.values[there], rtol=1e-9, atol=0)
    if not 2 * other.sum() > len(there):
        return
    k = there[other][-1]
    time = before.calendar.text(positions[[k]])[0]
    was, is_now = before.values[k], now.values[same_steps[other][-1]]
    yield (
        f"{now.source}: {other.sum():,} of {len(there):,} values that training knew are others now "
        f"({time}: {was:g} then, {is_now:g} now); are these the data of the model?"
    )
