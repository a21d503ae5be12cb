"""Parts of a forecast: level, season, holidays, covariates and the rest, in the unit of the target.

The forecast is a weighted mean of members. The parts of direct regressions count with their weights, and the forecasts
of other members count as level and past. What the mean adds on another scale, and limits of members, is the rest. If
the horizon has a season, deviations of level and past from their mean over a season belong to the season.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from lstmcast.data.drivers.covariates import Covariates
from lstmcast.data.panel import Panel
from lstmcast.explain.explained_past import FIRST_SERIES, ExplainedPast
from lstmcast.forecasting.ensemble.direct_member import LEVEL, REST, SEASON, DirectMember, Part, PartKind
from lstmcast.forecasting.forecaster import Forecaster
from lstmcast.forecasts import Forecast
from lstmcast.preprocessing.calendar_features import calendar_features
from lstmcast.preprocessing.day_features import FeatureGroup
from lstmcast.types import Floats

NEGLIGIBLE = 1e-6  # of the forecast: parts that are not shown
GRID = np.linspace(0, 1, 9)  # quantiles of a covariate at which its response is computed


@dataclass(frozen=True)
class Response:
    """Response of the mean forecast to a covariate whose value lasts.

    Attributes:
        column: the covariate.
        values: [n] of it.
        effects: [n] relative to its mean in the past, other drivers at their mean.
    """

    column: str
    values: Floats
    effects: Floats


@dataclass(frozen=True)
class DriverEffects:
    """Parts of the forecast of one series.

    Attributes:
        forecast: of the one series.
        past: the values before it.
        parts: [H] each, of sum forecast.
        responses: of numeric covariates.
        weight: mean weight of direct regressions.
        holidays: names of the holidays of each of the H steps.
    """

    forecast: Forecast
    past: Panel
    parts: Mapping[Part, Floats]
    responses: tuple[Response, ...]
    weight: float
    holidays: tuple[str, ...]

    @property
    def visible(self) -> Mapping[Part, Floats]:
        """The level, and the parts that are not negligible."""
        least = NEGLIGIBLE * float(np.abs(self.forecast.values).max())
        return {part: v for part, v in self.parts.items() if part == LEVEL or np.abs(v).max() > least}

    @property
    def has_drivers(self) -> bool:
        """True if holidays or covariates have a part."""
        return any(part.kind in {PartKind.HOLIDAYS, PartKind.COVARIATE} for part in self.parts)


def driver_effects(
    forecaster: Forecaster, panel: Panel, series: int = 0, origin: int | None = None, horizon: int | None = None
) -> DriverEffects:
    """Divide the forecast of one series; see `explain` for arguments and errors."""
    return effects_of(ExplainedPast.of(forecaster, panel, series, origin, horizon))


def effects_of(explained: ExplainedPast) -> DriverEffects:
    """Divide a forecast."""
    forecast, past, bound = explained.forecast, explained.past, explained.bound
    horizon = forecast.horizon
    grids = {} if past.covariates is None else _grids(past, past.covariates)
    parts: dict[Part, Floats] = defaultdict(lambda: np.zeros(horizon))
    responses = {k: np.zeros(len(grid)) for k, grid in grids.items()}
    total = np.zeros(horizon)
    ahead = bound.forecast(FIRST_SERIES, past.lengths - 1, horizon)
    for k, member_forecast in ahead.members.items():
        member, weight = bound.ensemble.members[k], explained.weights[k]
        panel = bound.panels[member.preprocessing]
        if not weight.any():
            continue
        if not isinstance(member, DirectMember):
            parts[LEVEL] += weight * panel.inverse_transform(member_forecast.z, FIRST_SERIES)[0]
            continue
        total += weight
        found = member.parts(panel, horizon, grids)
        for part, effect in found.parts.items():
            parts[part] += weight * effect
        for index, response in found.responses.items():
            responses[index] += (weight * response).mean(axis=1)
    _split_season(parts, past.calendar.season)
    rest = forecast.values[0] - np.sum(list(parts.values()), axis=0)
    return DriverEffects(
        forecast=forecast,
        past=past,
        parts=dict(parts) | {REST: rest},
        responses=tuple(Response(_column(past, k), grids[k], effects) for k, effects in responses.items()),
        weight=float(total.mean()),
        holidays=_holidays(past, forecast),
    )


def _split_season(parts: dict[Part, Floats], season: int) -> None:
    """Move deviations of the level from its mean over a season to the season, if the horizon has one."""
    level = parts[LEVEL]
    if not 1 < season <= len(level):
        return
    means = np.convolve(level, np.full(season, 1 / season), "valid")
    before = (season - 1) // 2
    smooth = np.pad(means, (before, season - 1 - before), "edge")
    parts[LEVEL], parts[SEASON] = smooth, parts[SEASON] + level - smooth


def _grids(past: Panel, covariates: Covariates) -> dict[int, Floats]:
    """Values of each numeric covariate that varied in the past, by index: all, or quantiles of many."""
    steps = past.starts[0] + np.arange(past.lengths[0])
    values = covariates.at(FIRST_SERIES, steps[None], past.ends)[0]
    found = {}
    for k, column in enumerate(values.T):
        distinct = np.unique(column[~np.isnan(column)])
        if covariates.names[k] == covariates.columns[k] and len(distinct) > 1:
            found[k] = distinct if len(distinct) <= len(GRID) else np.unique(np.nanquantile(column, GRID))
    return found


def _column(past: Panel, k: int) -> str:
    """Column of a covariate."""
    return "" if past.covariates is None else past.covariates.columns[k]


def _holidays(past: Panel, forecast: Forecast) -> tuple[str, ...]:
    """Names of the holidays of each step."""
    if past.holidays is None:
        return ("",) * forecast.horizon
    found = calendar_features(past.calendar, forecast.positions[0], past.holidays, within_day=False)
    named = [k for k, group in enumerate(found.groups) if group is FeatureGroup.HOLIDAY]
    return tuple(", ".join(found.names[k] for k in named if row[k]) for row in found.values)
