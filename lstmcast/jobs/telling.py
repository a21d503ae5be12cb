"""A difference between two runs as plain text."""

from __future__ import annotations

import numpy as np

from lstmcast.evaluation.skill import finite
from lstmcast.jobs.difference import CAUSES, ForecastDiff
from lstmcast.show.console import count, number
from lstmcast.store.ledger_records import RunRecord

SHOWN = 24  # steps in the table
CELL = 12


def format_diff(found: ForecastDiff, name: str) -> str:
    """What moved the forecast, in all and step by step."""
    lines = [f"{name}: {_run(found.later)} against {_run(found.earlier)}", *_changes(found)]
    if not len(found.moved):
        return "\n".join([*lines, "  no step was forecast by both"])
    lines += [f"  {_moved(found)}", *([f"  {found.unknown}"] if found.unknown else [])]
    heads = ("before", "after", *CAUSES)
    columns = (found.before, found.after, *found.parts.values())
    wide = max(map(len, _names(found)))
    lines.append(f"  {'':{wide}}" + "".join(f"{head:>{CELL}}" for head in heads))
    for k, label in enumerate(_names(found)):
        lines.append(f"  {label:{wide}}" + "".join(number(finite(column[k]), CELL) for column in columns))
    more = len(found.moved) - SHOWN
    return "\n".join(lines + ([f"  … and {count(more, 'more step')} (--json has all)"] if more > 0 else []))


def _run(entry: RunRecord) -> str:
    return f"the forecast of {entry.made:%Y-%m-%d %H:%M} UTC"


def _changes(found: ForecastDiff) -> list[str]:
    """One line for each thing that is another."""
    changed, lines = found.changed, []
    if changed["data"]:
        lines.append(f"  data: {count(found.new, 'new value')}, {found.revised:,} revised")
    if changed["model"]:
        lines.append(f"  model: {found.later.version or 'none'} instead of {found.earlier.version or 'none'}")
    if changed["config"]:
        lines.append("  config: another")
    return lines or ["  nothing was another"]


def _moved(found: ForecastDiff) -> str:
    """By how much on the average, and what did it."""
    total = float(np.abs(found.moved).mean())
    each = {mover: float(np.abs(part).mean()) for mover, part in found.parts.items()}
    parts = [f"{mover} {number(finite(size), 0)}" for mover, size in each.items() if size > 0]
    by = f" (moved by {', '.join(parts)})" if parts else ""
    return f"{count(len(found.moved), 'step')} in both, {number(total, 0)} apart on the average{by}"


def _names(found: ForecastDiff) -> list[str]:
    """What the first steps are called."""
    pairs = zip(found.series[:SHOWN], found.times[:SHOWN], strict=True)
    return [f"{series} {time}".strip() for series, time in pairs]
