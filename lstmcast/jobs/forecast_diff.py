"""Difference between the forecasts of two runs, attributed to data, model and fallback.

Between two runs the data went from D to D', and the model from M to M'. Where both changed, the older model is run on
the newer data, if it is still kept: M(D') − M(D) is what the data did, M'(D') − M(D') what the model did. A series that
fell back to the seasonal naive forecast, or came back from it, was moved by the fallback.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from lstmcast.data.panel import Panel
from lstmcast.errors import DataError, ModelError
from lstmcast.evaluation.skill import finite
from lstmcast.jobs.replay import forecast_from_ledger, load_recorded, recompute
from lstmcast.persistence.ledger.ledger import Ledger
from lstmcast.persistence.ledger.records import RecordedForecast, RunRecord
from lstmcast.report.console import count, number
from lstmcast.types import Floats, Ints

CAUSES = ("data", "model", "fallback")


@dataclass(frozen=True)
class ForecastDiff:
    """Two runs at the N steps that both forecast.

    Attributes:
        earlier, later: the two runs.
        series: N names, the parts of each key joined by `/`.
        times: N times as the file writes them.
        before, after: [N] what the earlier run said, and the later one.
        parts: for each of `CAUSES`, [N] by how much it moved the forecast; NaN where that cannot be told.
        new: values that were not there before.
        revised: values that were another.
        unknown: why it cannot be told what moved the forecast; empty where it can.
    """

    earlier: RunRecord
    later: RunRecord
    series: tuple[str, ...]
    times: tuple[str, ...]
    before: Floats
    after: Floats
    parts: dict[str, Floats]
    new: int
    revised: int
    unknown: str

    @property
    def moved(self) -> Floats:
        """[N] by how much."""
        return self.after - self.before

    @property
    def changed(self) -> dict[str, bool]:
        """What is another than before."""
        return {
            "data": self.earlier.data_digest != self.later.data_digest,
            "model": self.earlier.version != self.later.version,
            "config": self.earlier.config_digest != self.later.config_digest,
        }

    def to_dict(self) -> dict[str, Any]:
        """Plain values that JSON can carry; what cannot be told is null."""
        columns = {"before": self.before, "after": self.after, **self.parts}
        numbers = zip(*(column.tolist() for column in columns.values()), strict=True)
        return {
            "earlier": _run_to_dict(self.earlier),
            "later": _run_to_dict(self.later),
            "changed": self.changed,
            "values": {"new": self.new, "revised": self.revised},
            "unknown": self.unknown or None,
            "steps": [
                {"series": series, "time": time, **{n: _float_or_none(v) for n, v in zip(columns, row, strict=True)}}
                for series, time, row in zip(self.series, self.times, numbers, strict=True)
            ],
        }


def difference(ledger: Ledger, folder: Path, earlier: RunRecord, later: RunRecord) -> ForecastDiff:
    """Hold a run against an earlier one.

    Args:
        ledger: open.
        folder: of the model, with its versions.
        earlier: the run before.
        later: the run since.
    """
    old, new = ledger.recorded_forecast(earlier.number), ledger.recorded_forecast(later.number)
    both = _Pair.of(old, new)
    forecast = forecast_from_ledger(ledger, later, new)
    before, after = both.old(old.values), both.new(new.values)
    parts, unknown = _parts(ledger, folder, (earlier, later), (old, new), both)
    added, revised = _values(ledger.panel_of(earlier), ledger.panel_of(later))
    return ForecastDiff(
        earlier=earlier,
        later=later,
        series=tuple("/".join(forecast.keys[k]) for k in both.rows[1].tolist()),
        times=tuple(forecast.calendar.text(both.new(forecast.positions))),
        before=before,
        after=after,
        parts=parts,
        new=added,
        revised=revised,
        unknown=unknown,
    )


@dataclass(frozen=True)
class _Pair:
    """Where the N steps that two runs forecast stand in each: row and column in its [S, H] arrays, older run first."""

    rows: tuple[Ints, Ints]
    steps: tuple[Ints, Ints]

    @classmethod
    def of(cls, old: RecordedForecast, new: RecordedForecast) -> Self:
        row_by_series = {number: row for row, number in enumerate(old.series.tolist())}
        there = np.array([row_by_series.get(number, -1) for number in new.series.tolist()], dtype=np.int64)
        step = np.arange(new.values.shape[1]) + (new.origins - old.origins[there])[:, None]  # [S, H] in the older run
        rows, steps = np.nonzero((there >= 0)[:, None] & (step >= 0) & (step < old.values.shape[1]))
        return cls((there[rows], rows), (step[rows, steps], steps))

    def old(self, numbers: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """[S, H] of the older run to [N]."""
        return numbers[self.rows[0], self.steps[0]]

    def new(self, numbers: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """[S, H] of the newer run to [N]."""
        return numbers[self.rows[1], self.steps[1]]


def _parts(
    ledger: Ledger,
    folder: Path,
    runs: tuple[RunRecord, RunRecord],
    issues: tuple[RecordedForecast, RecordedForecast],
    both: _Pair,
) -> tuple[dict[str, Floats], str]:
    """What each mover did, and why that cannot be told."""
    earlier, later = runs
    before, after = both.old(issues[0].values), both.new(issues[1].values)
    model_names = [np.array(issue.model_names)[rows] for issue, rows in zip(issues, both.rows, strict=True)]
    same, none = model_names[0] == model_names[1], np.zeros_like(after)
    unknown = ""
    if earlier.data_digest == later.data_digest:
        between = before
    elif earlier.version == later.version and same.all():
        between = after
    else:
        between, unknown = _between(ledger, folder, runs, issues, both)
    rest = after - between
    parts = between - before, np.where(same, rest, none), np.where(same, none, rest)
    return dict(zip(CAUSES, parts, strict=True)), unknown


def _between(
    ledger: Ledger,
    folder: Path,
    runs: tuple[RunRecord, RunRecord],
    issues: tuple[RecordedForecast, RecordedForecast],
    both: _Pair,
) -> tuple[Floats, str]:
    """Return the forecasts [N] of the earlier model from the later data; NaN and a reason where it cannot be run."""
    earlier, later = runs
    model_names = dict(zip(issues[0].series.tolist(), issues[0].model_names, strict=True))
    alike = replace(issues[1], model_names=tuple(model_names.get(n, earlier.model) for n in issues[1].series.tolist()))
    try:
        forecast = recompute(ledger.panel_of(later), load_recorded(folder, earlier), alike)
    except (ModelError, DataError) as err:
        return np.full(len(both.rows[0]), np.nan), f"version {earlier.version} cannot be run on the newer data: {err}"
    return both.new(forecast.values), ""


def _values(old: Panel, new: Panel) -> tuple[int, int]:
    """How many observed values of a panel were not in an older one, and how many were another."""
    before, added, revised = {key: k for k, key in enumerate(old.keys)}, 0, 0
    for k, key in enumerate(new.keys):
        now = new.series(k)
        was, there = np.full(len(now), np.nan), before.get(key)
        if there is not None:
            at = np.arange(old.lengths[there]) + old.starts[there] - new.starts[k]
            inside = (at >= 0) & (at < len(now)) & old.observed_of(there)
            was[at[inside]] = old.series(there)[inside]
        observed = new.observed_of(k)
        added += int((observed & np.isnan(was)).sum())
        revised += int((observed & ~np.isnan(was) & (was != now)).sum())
    return added, revised


def _run_to_dict(entry: RunRecord) -> dict[str, str]:
    names = ("run_key", "version", "config_digest", "data_digest", "model")
    return {"created_at": entry.created_at.isoformat(), **{name: getattr(entry, name) for name in names}}


def _float_or_none(value: float) -> float | None:
    return value if np.isfinite(value) else None


SHOWN = 24  # steps in the table
CELL = 12


def format_diff(found: ForecastDiff, name: str) -> str:
    """What moved the forecast, in all and step by step."""
    lines = [f"{name}: {_describe_run(found.later)} against {_describe_run(found.earlier)}", *_changes(found)]
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


def _describe_run(entry: RunRecord) -> str:
    return f"the forecast of {entry.created_at:%Y-%m-%d %H:%M} UTC"


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
