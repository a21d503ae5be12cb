"""Covariates whose values ahead differ between two runs, and their effects on the forecast."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lstmcast.data.drivers.covariates import Covariates, Versions
from lstmcast.data.panel import Panel
from lstmcast.errors import DataError, ModelError
from lstmcast.jobs.context import CurrentModel
from lstmcast.jobs.replay import recompute
from lstmcast.persistence.ledger.records import RecordedForecast
from lstmcast.report.console import number
from lstmcast.text import pluralize
from lstmcast.types import Bools, Floats, Ints


@dataclass(frozen=True)
class CovariateChange:
    """A covariate with other values ahead at the steps that two runs forecast.

    Attributes:
        column: its column in the file.
        steps: number of values that differ; one for each step of the series that share them.
        mean: mean difference, later − earlier; None for text.
        effect: change of the sum of the forecasts by these values, relative to that by the earlier ones; None if it
            cannot be computed.
    """

    column: str
    steps: int
    mean: float | None
    effect: float | None

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {"column": self.column, "changed": self.steps, "mean": self.mean, "effect": self.effect}

    def describe(self) -> str:
        """Format the change: `temperature: 14 values ahead changed, by 2.1 on average: forecast -3.0%`."""
        by = "" if self.mean is None else f", by {number(self.mean)} on average"
        effect = "" if self.effect is None else f": forecast {self.effect:+.1%}"
        return f"{self.column}: {pluralize(self.steps, 'value')} ahead changed{by}{effect}"


def covariate_changes(
    old: Panel,
    new: Panel,
    series: tuple[Ints, Ints],
    positions: Ints,
    later: tuple[CurrentModel | None, RecordedForecast],
) -> tuple[CovariateChange, ...]:
    """Compare the covariates that two runs knew ahead, at the N steps that both forecast.

    Args:
        old, new: the data of the earlier and the later run.
        series: [N] indices of the series in both.
        positions: [N] calendar positions.
        later: the model of the later run, None without one, and its forecast.
    """
    before, after = old.covariates, new.covariates
    if before is None or after is None or before.names != after.names or not len(positions):
        return ()
    was = before.at(series[0], positions[:, None], old.ends[series[0]])[:, 0]
    now = after.at(series[1], positions[:, None], new.ends[series[1]])[:, 0]
    differs = (np.abs(now - was) > 0) & after.known & ~after.static
    _, first = np.unique(np.stack([after.blocks[series[1]], positions]), axis=1, return_index=True)
    rows = _rows(after, series[1], positions)
    found = []
    for column in dict.fromkeys(np.array(after.columns)[differs.any(axis=0)].tolist()):
        names = np.array([name == column for name in after.columns])
        changed = np.asarray(differs[:, names].any(axis=1))
        shown = np.intersect1d(first, np.flatnonzero(changed))
        is_text = names.sum() > 1 or after.names[int(names.argmax())] != column
        mean = None if is_text else float((now - was)[shown][:, names].mean())
        earlier = _with_values(after, names, rows[changed], was[changed])
        effect = _effect(new, replace(new, covariates=earlier), later, series[1], positions)
        found.append(CovariateChange(column, len(shown), mean, effect))
    return tuple(found)


def _rows(covariates: Covariates, series: Ints, positions: Ints) -> Ints:
    """[N] rows of the values of series at positions."""
    blocks = covariates.blocks[series]
    return np.asarray(covariates.offsets[blocks] + positions - covariates.starts[blocks])


def _with_values(covariates: Covariates, names: Bools, rows: Ints, values: Floats) -> Covariates:
    """Replace the values, and all versions, of some covariates [K] in rows [N] by those of `values` [N, K]."""
    changed = covariates.values.copy()
    changed[np.ix_(rows, names)] = values[:, names]
    versions = covariates.versions
    if versions is not None:
        revised = versions.values.copy()
        at = np.flatnonzero(np.isin(versions.rows, rows))
        revised[np.ix_(at, names)] = changed[np.ix_(versions.rows[at], names)]
        versions = Versions(versions.rows, versions.known_at, revised)
    return replace(covariates, values=changed, versions=versions)


def _effect(
    new: Panel,
    earlier: Panel,
    later: tuple[CurrentModel | None, RecordedForecast],
    series: Ints,
    positions: Ints,
) -> float | None:
    """Relative change of the sum of the forecasts from one panel to the newer one; None if it cannot be computed."""
    model, recorded = later
    if model is None:
        return None
    try:
        forecasts = [recompute(panel, model, recorded) for panel in (earlier, new)]
    except (ModelError, DataError):
        return None
    steps = positions - new.ends[series] - 1
    without, now = (float(np.sum(forecast.values[series, steps])) for forecast in forecasts)
    return (now - without) / abs(without) if without else None
