"""Backtest results: forecasts with actuals, scores by method, step, origin and series.

A score of a group is one formula over all its known values, each with the same weight.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from lstmcast.data.panel import Panel
from lstmcast.evaluation import metrics
from lstmcast.evaluation.metrics import DECILES, interpolate_quantiles
from lstmcast.evaluation.skill import Skill, finite
from lstmcast.plain import to_plain
from lstmcast.text import pluralize
from lstmcast.types import Floats, Ints

if TYPE_CHECKING:
    import pandas as pd

Table = Mapping[str, Mapping[str, Floats]]
"""Method → metric → [G] values, one per group."""


@dataclass(frozen=True)
class MethodForecasts:
    """Forecasts of one method: values [S, N, H], lower and upper bounds of each level [Q, S, N, H]."""

    values: Floats
    lower: Floats
    upper: Floats

    @classmethod
    def without_intervals(cls, values: Floats) -> MethodForecasts:
        """Forecasts [S, N, H] without bounds."""
        return cls(values, values[None][:0], values[None][:0])


@dataclass(frozen=True)
class BacktestResult:
    """S series, N origins of each, H steps ahead.

    Attributes:
        panel: the series that were scored.
        origins: [S, N] last known step of each forecast, from the first value of the series, ascending.
        step: distance between origins.
        refit: whether the model was trained before every origin.
        fits: number of fits; those after the first continue from its weights, unless `refit`.
        refit_every: steps between them at least; 0: there are none.
        levels: [Q] of the intervals, in percent.
        actual: [S, N, H]; NaN where not observed, or at an invalid origin.
        by_method: method → forecasts; "lstmcast" is the first.
        tables: scope ("all", "step", "origin", "series") → scores of 1, H, N or S groups, of the methods and of the
            members of the ensemble.
        skill: relative to the best baseline.
        left_out: number of series too short to be scored.
        notes: further remarks.
        members: member of the ensemble → its median weight; 0 for a member that is scored and not used.
    """

    panel: Panel
    origins: Ints
    step: int
    refit: bool
    levels: tuple[float, ...]
    actual: Floats
    by_method: Mapping[str, MethodForecasts]
    tables: Mapping[str, Table]
    skill: Skill
    left_out: int
    notes: tuple[str, ...]
    members: Mapping[str, float] = field(default_factory=dict)
    fits: int = 1
    refit_every: int = 0

    @property
    def horizon(self) -> int:
        """H."""
        return int(self.actual.shape[2])

    @property
    def training(self) -> str:
        """The fits in words."""
        if self.refit:
            return "trained at each origin"
        once = "trained once, before the first origin"
        if not self.refit_every:
            return once
        return f"{once}, and refitted {pluralize(self.fits - 1, 'time')}, every {pluralize(self.refit_every, 'step')}"

    @property
    def better(self) -> bool:
        """True if lstmcast beats the best baseline by a reportable margin."""
        return self.skill.better

    @property
    def warnings(self) -> tuple[str, ...]:
        """Series that were not scored."""
        return excluded_warnings(self.left_out)

    @property
    def n_scored(self) -> int:
        """Number of scored origins over all series."""
        return int((~np.isnan(self.actual)).any(axis=2).sum())

    def overall(self, method: str, metric: str) -> float:
        """Score over all values; NaN where undefined, as is the coverage of a method without intervals."""
        found = self.tables["all"][method].get(metric)
        return float("nan") if found is None else float(found[0])

    def summary(self, method: str) -> dict[str, float]:
        """All scores of a method over all values; NaN where undefined."""
        return {metric: float(values[0]) for metric, values in self.tables["all"][method].items()}

    def keys(self, scope: str) -> list[str]:
        """Names of the groups of a scope: steps ahead, times of the origins, series ids."""
        if scope == "step":
            return [str(step) for step in range(1, self.horizon + 1)]
        if scope == "origin":
            return [self._origin_name(k) for k in range(self.origins.shape[1])]
        return ["/".join(key) for key in self.panel.keys] if scope == "series" else [""]

    def to_frame(self) -> pd.DataFrame:
        """Scores in long format: `method, scope, key, metric, value`; undefined values are empty."""
        import pandas as pd

        rows = [
            (method, scope, key, metric, value)
            for scope, table in self.tables.items()
            for method, scores in table.items()
            for metric, values in scores.items()
            for key, value in zip(self.keys(scope), map(finite, values.tolist()), strict=True)
        ]
        frame = pd.DataFrame(rows, columns=["method", "scope", "key", "metric", "value"])
        return frame.astype({"value": np.float64})

    def forecasts(self) -> pd.DataFrame:
        """All forecasts, one row per series, origin and step, in the column names and time format of the input.

        Columns: series id, time, `origin` (the last known time), `step`, `actual`, one per method, then
        `lstmcast_lower_80`, `lstmcast_upper_80` …. A name that the input uses already gets an underscore.
        """
        import pandas as pd

        calendar, rows = self.panel.calendar, self.actual[0].size
        last = self.panel.starts[:, None] + self.origins  # [S, N] on the calendar
        ahead = last[:, :, None] + np.arange(1, self.horizon + 1)
        columns: dict[str, object] = {
            name: np.repeat(np.array([key[k] for key in self.panel.keys], dtype=object), rows)
            for k, name in enumerate(self.panel.key_columns)
        }
        columns |= calendar.named_texts(self.panel.columns.time or "row", ahead.ravel())
        added: dict[str, object] = {
            "origin": calendar.text(np.repeat(last.ravel(), self.horizon)),
            "step": np.tile(np.arange(1, self.horizon + 1), self.origins.size),
            "actual": self.actual.ravel(),
            **{method: forecasts.values.ravel() for method, forecasts in self.by_method.items()},
        }
        own = self.by_method["lstmcast"]
        for level, lower, upper in zip(self.levels, own.lower, own.upper, strict=True):
            added[f"lstmcast_lower_{level:g}"], added[f"lstmcast_upper_{level:g}"] = lower.ravel(), upper.ravel()
        columns |= {f"{name}_" if name in columns else name: values for name, values in added.items()}
        return pd.DataFrame(columns)

    def to_dict(self) -> dict[str, Any]:
        """JSON values of everything except the forecasts; undefined values are null."""
        return {
            "source": self.panel.source,
            "series": self.panel.n_series,
            "left_out": self.left_out,
            "origins": self.origins.shape[1],
            "step": self.step,
            "horizon": self.horizon,
            "refit": self.refit,
            "fits": self.fits,
            "n_scored": self.n_scored,
            "levels": list(self.levels),
            "skill": to_plain(self.skill),
            "member_weights": dict(self.members),
            "notes": list(self.notes),
            "scores": {
                scope: {"keys": self.keys(scope), "methods": dict(_as_lists(table))}
                for scope, table in self.tables.items()
            },
        }

    def _origin_name(self, k: int) -> str:
        """Time of the k-th origin; if the series end at different times, its distance from their ends."""
        times = np.unique(self.panel.starts + self.origins[:, k])
        if len(times) == 1:
            return self.panel.calendar.text(times)[0]
        return f"{int(self.panel.lengths[0] - 1 - self.origins[0, k])} before the end"


def _as_lists(table: Table) -> Iterator[tuple[str, dict[str, list[float | None]]]]:
    for method, scores in table.items():
        yield method, {metric: [finite(v) for v in values.tolist()] for metric, values in scores.items()}


SCOPES = ("all", "step", "origin", "series")
MSIS_QUANTILES = (0.025, 0.975)


@dataclass(frozen=True)
class _ScoreInputs:
    """Inputs of the scores of one method, [S, N, H] or [G, M]; quantiles have a leading axis."""

    actual: Floats
    values: Floats
    scale: Floats
    lower: Floats
    upper: Floats
    deciles: Floats
    outer: Floats

    @classmethod
    def of(cls, actual: Floats, forecasts: MethodForecasts, scale: Floats, levels: Sequence[float]) -> _ScoreInputs:
        """Inputs of one method, [S, N, H]."""
        values, lower, upper = forecasts.values, forecasts.lower, forecasts.upper
        known = levels[: len(lower)]
        quantiles = [interpolate_quantiles(q, values, known, lower, upper) for q in (DECILES, MSIS_QUANTILES)]
        return cls(actual, values, scale, lower, upper, *quantiles)

    def grouped(self, scope: str) -> _ScoreInputs:
        """Inputs as [G, M]."""
        return _ScoreInputs(*(grouped(scope, getattr(self, field.name)) for field in fields(self)))


def score(
    actual: Floats, by_method: Mapping[str, MethodForecasts], scale: Floats, levels: Sequence[float]
) -> dict[str, dict[str, dict[str, Floats]]]:
    """Score all methods.

    Args:
        actual: [S, N, H], NaN where unknown.
        by_method: method → forecasts, without bounds [0, S, N, H] where it has no intervals; OWA requires "Naive2".
        scale: [S] the denominators of MASE; NaN where undefined.
        levels: Q, in percent, ascending.

    Returns:
        Scope → method → metric → [G]: mae, rmse, smape, mase, owa, wql, msis and coverage_80 … for every level. WQL
        requires a level of at least 80, MSIS one of at least 95; else they are NaN.
    """
    scales = np.broadcast_to(scale[:, None, None], actual.shape)
    inputs = {method: _ScoreInputs.of(actual, forecasts, scales, levels) for method, forecasts in by_method.items()}
    return {
        scope: _with_owa({method: _scores(values.grouped(scope), levels) for method, values in inputs.items()})
        for scope in SCOPES
    }


def grouped(scope: str, values: Floats) -> Floats:
    """Reshape […, S, N, H] to […, G, M]: G groups of M values."""
    lead, (series, origins, horizon) = values.shape[:-3], values.shape[-3:]
    if scope == "step":
        return np.moveaxis(values, -1, -3).reshape(*lead, horizon, series * origins)
    if scope == "origin":
        return np.moveaxis(values, -2, -3).reshape(*lead, origins, series * horizon)
    groups = series if scope == "series" else 1
    return values.reshape(*lead, groups, series // groups * origins * horizon)


def _scores(parts: _ScoreInputs, levels: Sequence[float]) -> dict[str, Floats]:
    """[G] of all metrics except OWA; MASE and MSIS scale the values of each series."""
    actual, scale = parts.actual, parts.scale
    scores = {
        "mae": metrics.mae(actual, parts.values),
        "rmse": np.sqrt(metrics.mse(actual, parts.values)),
        "smape": metrics.smape(actual, parts.values),
        "mase": metrics.mase(actual / scale, parts.values / scale, 1.0),
        "wql": metrics.wql(actual, parts.deciles, DECILES),
        "msis": metrics.msis(actual / scale, parts.outer[0] / scale, parts.outer[1] / scale, 1.0),
    }
    for level, lower, upper in zip(levels, parts.lower, parts.upper, strict=False):
        scores[f"coverage_{level:g}"] = metrics.coverage(actual, lower, upper)
    return scores


def _with_owa(table: dict[str, dict[str, Floats]]) -> dict[str, dict[str, Floats]]:
    """Insert OWA after MASE if there is a Naive2."""
    naive = table.get("Naive2")
    if naive is None:
        return table
    return {
        method: {
            **{name: scores[name] for name in ("mae", "rmse", "smape", "mase")},
            "owa": metrics.owa(scores["smape"], scores["mase"], naive["smape"], naive["mase"]),
            **scores,
        }
        for method, scores in table.items()
    }


def excluded_warnings(n_excluded: int) -> tuple[str, ...]:
    """Warning about series that are too short for the origins of a backtest."""
    return (f"left out: {n_excluded:,} series too short for so many origins",) if n_excluded else ()
