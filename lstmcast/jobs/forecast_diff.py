"""Difference between the forecasts of two runs, attributed to data, model and fallback.

Between two runs the data changed from D to D', and the model from M to M'. Where both changed, the older model is run
on the newer data, if it is still stored: M(D') − M(D) is the effect of the data, M'(D') − M(D') that of the model. The
difference of a series that changed to or from the seasonal naive forecast is attributed to the fallback.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from lstmcast.data.panel import Panel
from lstmcast.errors import DataError, Fault, FaultCode, ModelError, UsageError
from lstmcast.jobs.context import AnyForecast
from lstmcast.jobs.covariate_changes import CovariateChange, covariate_changes
from lstmcast.jobs.replay import forecast_from_ledger, load_recorded, recompute
from lstmcast.persistence.ledger.ledger import Ledger
from lstmcast.persistence.ledger.records import RecordedForecast, RunRecord
from lstmcast.tasks.category.model import SymbolForecast
from lstmcast.types import Floats, Ints

CAUSES = ("data", "model", "fallback")
Values = npt.NDArray[Any]
"""Numbers, or symbols as objects."""


@dataclass(frozen=True)
class ForecastDiff:
    """Two runs at the N steps that both forecast.

    Attributes:
        earlier, later: the two runs.
        series: N names, the parts of each key joined by `/`.
        times: N times as the file writes them.
        before, after: [N] the forecasts of the earlier and the later run: numbers, or symbols.
        moved: [N] after − before; of symbols 1 where they differ, else 0.
        parts: for each of `CAUSES`, [N] its part of the difference; NaN where it cannot be computed.
        new: number of values observed since.
        revised: number of values that changed.
        covariates: known covariates whose values ahead changed.
        unknown: the reason why the parts cannot be computed; empty if they can.
    """

    earlier: RunRecord
    later: RunRecord
    series: tuple[str, ...]
    times: tuple[str, ...]
    before: Values
    after: Values
    moved: Floats
    parts: dict[str, Floats]
    new: int
    revised: int
    covariates: tuple[CovariateChange, ...]
    unknown: str

    @property
    def of_symbols(self) -> bool:
        """True if the forecasts are symbols."""
        return self.later.task == "category"

    @property
    def changed(self) -> dict[str, bool]:
        """True for each of data, model and config that differs."""
        return {
            "data": self.earlier.data_digest != self.later.data_digest,
            "model": self.earlier.version != self.later.version,
            "config": self.earlier.config_digest != self.later.config_digest,
        }

    def to_dict(self) -> dict[str, Any]:
        """The differences as JSON values; an unknown part is null."""
        columns = {"before": self.before, "after": self.after, **self.parts}
        numbers = zip(*(column.tolist() for column in columns.values()), strict=True)
        return {
            "earlier": _run_to_dict(self.earlier),
            "later": _run_to_dict(self.later),
            "changed": self.changed,
            "values": {"new": self.new, "revised": self.revised},
            "covariates": [change.to_dict() for change in self.covariates],
            "unknown": self.unknown or None,
            "steps": [
                {"series": series, "time": time, **{n: _json_value(v) for n, v in zip(columns, row, strict=True)}}
                for series, time, row in zip(self.series, self.times, numbers, strict=True)
            ],
        }


def difference(ledger: Ledger, folder: Path, earlier: RunRecord, later: RunRecord) -> ForecastDiff:
    """Compare a run with an earlier one.

    Args:
        ledger: the open ledger.
        folder: of the model, with its versions.
        earlier: the earlier run.
        later: the later run.

    Raises:
        UsageError: the runs have other tasks.
    """
    if earlier.task != later.task:
        text = f"diff: the earlier run is of model.task: {earlier.task}, and the later one of {later.task}"
        raise UsageError(Fault(f"{text}; choose a later run with --against", FaultCode.OTHER_TASK))
    old, new = ledger.recorded_forecast(earlier.number), ledger.recorded_forecast(later.number)
    both = _Pair.of(old, new)
    forecast = forecast_from_ledger(ledger, later, new)
    before, after = both.old(_values(forecast_from_ledger(ledger, earlier, old))), both.new(_values(forecast))
    parts, unknown = _parts(ledger, folder, (earlier, later), (old, new), both, (before, after))
    panels = ledger.panel_of(earlier), ledger.panel_of(later)
    added, revised = _changed_values(*panels)
    return ForecastDiff(
        earlier=earlier,
        later=later,
        series=tuple("/".join(forecast.keys[k]) for k in both.rows[1].tolist()),
        times=tuple(forecast.calendar.text(both.new(forecast.positions))),
        before=before,
        after=after,
        moved=_difference(before, after),
        parts=parts,
        new=added,
        revised=revised,
        covariates=_covariates(folder, panels, both, both.new(forecast.positions), (later, new)),
        unknown=unknown,
    )


@dataclass(frozen=True)
class _Pair:
    """The rows and columns of the N common steps in the [S, H] arrays of two runs, the earlier run first."""

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
        """Select [N] from [S, H] of the earlier run."""
        return numbers[self.rows[0], self.steps[0]]

    def new(self, numbers: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Select [N] from [S, H] of the later run."""
        return numbers[self.rows[1], self.steps[1]]


def _parts(
    ledger: Ledger,
    folder: Path,
    runs: tuple[RunRecord, RunRecord],
    recorded: tuple[RecordedForecast, RecordedForecast],
    both: _Pair,
    values: tuple[Values, Values],
) -> tuple[dict[str, Floats], str]:
    """Return the part of each cause, and the reason if it is unknown."""
    (earlier, later), (before, after) = runs, values
    model_names = [np.array(forecast.model_names)[rows] for forecast, rows in zip(recorded, both.rows, strict=True)]
    same, none = model_names[0] == model_names[1], np.zeros(len(after))
    unknown = ""
    if earlier.data_digest == later.data_digest:
        between = before
    elif earlier.version == later.version and same.all():
        between = after
    else:
        between, unknown = _between(ledger, folder, runs, recorded, both)
        between = between.astype(after.dtype)
    rest = _difference(between, after)
    parts = _difference(before, between), np.where(same, rest, none), np.where(same, none, rest)
    return dict(zip(CAUSES, parts, strict=True)), unknown


def _between(
    ledger: Ledger,
    folder: Path,
    runs: tuple[RunRecord, RunRecord],
    recorded: tuple[RecordedForecast, RecordedForecast],
    both: _Pair,
) -> tuple[Values, str]:
    """Return the forecasts [N] of the earlier model from the later data; NaN and a reason where it cannot be run."""
    earlier, later = runs
    model_names = dict(zip(recorded[0].series.tolist(), recorded[0].model_names, strict=True))
    alike = replace(
        recorded[1], model_names=tuple(model_names.get(n, earlier.model) for n in recorded[1].series.tolist())
    )
    try:
        forecast = recompute(ledger.panel_of(later), load_recorded(folder, earlier), alike)
    except (ModelError, DataError) as err:
        return np.full(len(both.rows[0]), np.nan), f"version {earlier.version} cannot be run on the newer data: {err}"
    return both.new(_values(forecast)), ""


def _covariates(
    folder: Path, panels: tuple[Panel, Panel], both: _Pair, positions: Ints, later: tuple[RunRecord, RecordedForecast]
) -> tuple[CovariateChange, ...]:
    """Return the covariates that changed, with their effects on the later run if its version is still stored."""
    if panels[1].covariates is None:
        return ()
    try:
        model = load_recorded(folder, later[0])
    except ModelError:
        model = None
    return covariate_changes(*panels, both.rows, positions, (model, later[1]))


def _values(forecast: AnyForecast) -> Values:
    """Return the numbers or symbols [S, H]."""
    return forecast.predicted_symbols if isinstance(forecast, SymbolForecast) else forecast.values


def _difference(before: Values, after: Values) -> Floats:
    """Return after − before [N]; of symbols 1 where they differ, else 0; NaN where one is NaN."""
    if before.dtype != object:
        return np.asarray(after - before, dtype=np.float64)
    known = (before == before) & (after == after)
    return np.where(known, (before != after).astype(np.float64), np.nan)


def _changed_values(old: Panel, new: Panel) -> tuple[int, int]:
    """Return the number of observed values that are not in the older panel, and of those that differ."""
    old = old.recode(new.symbols)
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


def _json_value(value: float | str) -> float | str | None:
    return value if isinstance(value, str) or np.isfinite(value) else None
