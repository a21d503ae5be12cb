"""The difference between two forecasts as text."""

from __future__ import annotations

import numpy as np

from lstmcast.evaluation.skill import finite
from lstmcast.jobs.forecast_diff import CAUSES, ForecastDiff
from lstmcast.persistence.ledger.records import RunRecord
from lstmcast.report.console import number
from lstmcast.text import pluralize

SHOWN = 24  # rows of the table
CELL = 12


def format_diff(found: ForecastDiff, name: str) -> str:
    """Format the difference: its causes, and a table of steps."""
    lines = [f"{name}: {_describe_run(found.later)} against {_describe_run(found.earlier)}", *_changes(found)]
    if not len(found.moved):
        return "\n".join([*lines, "  the forecasts have no step in common"])
    lines += [f"  {_moved(found)}", *([f"  {found.unknown}"] if found.unknown else [])]
    heads = ("before", "after", *CAUSES)
    columns = (found.before, found.after, *found.parts.values())
    wide = max(map(len, _names(found)))
    lines.append(f"  {'':{wide}}" + "".join(f"{head:>{CELL}}" for head in heads))
    for k, label in enumerate(_names(found)):
        lines.append(f"  {label:{wide}}" + "".join(_cell(column[k]) for column in columns))
    more = len(found.moved) - SHOWN
    return "\n".join(lines + ([f"  … and {pluralize(more, 'more step')} (--json has all)"] if more > 0 else []))


def _describe_run(entry: RunRecord) -> str:
    return f"the forecast of {entry.created_at:%Y-%m-%d %H:%M} UTC"


def _changes(found: ForecastDiff) -> list[str]:
    """Return one line for each change."""
    changed, lines = found.changed, []
    if changed["data"]:
        lines.append(f"  data: {pluralize(found.new, 'new value')}, {found.revised:,} revised")
    lines += [f"  {change.describe()}" for change in found.covariates]
    if changed["model"]:
        lines.append(f"  model: {found.later.version or 'none'} instead of {found.earlier.version or 'none'}")
    if changed["config"]:
        lines.append("  config: changed")
    return lines or ["  no change"]


def _cell(value: float | str) -> str:
    """Return a number or a symbol in a cell of the table."""
    if isinstance(value, str):
        return f"{value if len(value) < CELL else value[: CELL - 2] + '…':>{CELL}}"
    return number(finite(value), CELL)


def _moved(found: ForecastDiff) -> str:
    """Return the mean absolute difference, or the number of changed symbols, in total and for each cause."""
    if found.of_symbols:
        counts = {mover: float(part.sum()) for mover, part in found.parts.items()}
        parts = [f"{mover} {changed:,.0f}" for mover, changed in counts.items() if changed > 0]
        by = f" ({', '.join(parts)})" if parts else ""
        return f"{pluralize(len(found.moved), 'step')} in common, {found.moved.sum():,.0f} with another symbol{by}"
    total = float(np.abs(found.moved).mean())
    each = {mover: float(np.abs(part).mean()) for mover, part in found.parts.items()}
    parts = [f"{mover} {number(finite(size), 0)}" for mover, size in each.items() if size > 0]
    by = f" ({', '.join(parts)})" if parts else ""
    return f"{pluralize(len(found.moved), 'step')} in common, {number(total, 0)} mean absolute difference{by}"


def _names(found: ForecastDiff) -> list[str]:
    """Return the labels of the first steps."""
    pairs = zip(found.series[:SHOWN], found.times[:SHOWN], strict=True)
    return [f"{series} {time}".strip() for series, time in pairs]
