"""How the newest data are read for a model: as those it was trained on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lstmcast.data.panel import Panel
from lstmcast.data.records import ReadOptions
from lstmcast.forecaster.trained import Forecaster


def pinned(forecaster: Forecaster) -> ReadOptions:
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


def lacking(before: Panel, now: Panel) -> Iterator[str]:
    """What the newest data lack that training had."""
    yield from (f"left out: {reason}" for reason in now.dropped)
    lost = sorted(set(before.keys) - set(now.keys))
    if lost:
        names = ", ".join("/".join(key) for key in lost[:5]) + (" …" if len(lost) > 5 else "")
        yield f"{now.source}: {len(lost)} of the series of training are not there: {names}"
    if now.ends.max() < before.ends.max():
        ends = " and ".join(panel.calendar.text(panel.ends[[panel.ends.argmax()]])[0] for panel in (now, before))
        yield f"{now.source}: ends before the data of training did ({ends})"
