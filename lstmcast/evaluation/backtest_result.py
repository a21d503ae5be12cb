"""Backtest results: forecasts with actuals, scores by method, step, origin and series.

Every known value counts the same: a score of a group is one formula over all its values.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from lstmcast.data.panel import Panel
from lstmcast.evaluation import metrics
from lstmcast.evaluation.metrics import DECILES, interpolate_quantiles
from lstmcast.evaluation.skill import Skill, finite
from lstmcast.plain import to_plain
from lstmcast.types import Floats, Ints

if TYPE_CHECKING:
    import pandas as pd

Table = Mapping[str, Mapping[str, Floats]]
"""Method to metric to [G] values, one for each group."""


@dataclass(frozen=True)
class MethodForecasts:
    """What one method forecast.

    Attributes:
        values: [S, N, H].
        lower: [Q, S, N, H] and upper: [Q, S, N, H] the bounds of each level's interval.
    """

    values: Floats
    lower: Floats
    upper: Floats


@dataclass(frozen=True)
class BacktestResult:
    """S series, N origins of each, H steps ahead.

    Attributes:
        panel: the series that were scored.
        origins: [S, N] the last known step of each forecast, counted from the series' first value, earliest first.
        step: from one origin to the next.
        refit: whether the models were trained at every origin.
        levels: [Q] of the intervals, in percent.
        actual: [S, N, H] what came; NaN where it was not observed, or the origin cannot judge.
        by_method: method to forecasts; "lstmcast" is the first.
        tables: "all" (one group), "step" (H groups), "origin" (N) and "series" (S) to the scores of every method.
        skill: of lstmcast against the best other method.
        left_out: series too short to be scored.
        notes: what else a reader must know.
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

    @property
    def horizon(self) -> int:
        """H."""
        return int(self.actual.shape[2])

    @property
    def better(self) -> bool:
        """Whether lstmcast beat the best baseline, by a reportable margin."""
        return self.skill.better

    @property
    def warnings(self) -> tuple[str, ...]:
        """Series that were not scored."""
        return excluded_warnings(self.left_out)

    @property
    def n_scored(self) -> int:
        """How many origins, of all series, were scored."""
        return int((~np.isnan(self.actual)).any(axis=2).sum())

    def overall(self, method: str, metric: str) -> float:
        """One score over everything; NaN where undefined."""
        return float(self.tables["all"][method][metric][0])

    def keys(self, scope: str) -> list[str]:
        """What the groups of a scope are called: steps ahead, times of the origins, names of the series."""
        if scope == "step":
            return [str(step) for step in range(1, self.horizon + 1)]
        if scope == "origin":
            return [self._origin_name(k) for k in range(self.origins.shape[1])]
        return ["/".join(key) for key in self.panel.keys] if scope == "series" else [""]

    def to_frame(self) -> pd.DataFrame:
        """The scores, one row each: `method, scope, key, metric, value`; the value is empty where undefined."""
        import pandas as pd

        names = {scope: self.keys(scope) for scope in self.tables}
        rows = [
            (method, scope, key, metric, value)
            for scope, table in self.tables.items()
            for method, scores in table.items()
            for metric, values in scores.items()
            for key, value in zip(names[scope], map(finite, values.tolist()), strict=True)
        ]
        frame = pd.DataFrame(rows, columns=["method", "scope", "key", "metric", "value"])
        return frame.astype({"value": np.float64})

    def forecasts(self) -> pd.DataFrame:
        """Every forecast, one row a series, origin and step, in the input's own column names and time format.

        Columns: those that name the series, the time, `origin` (the last known time), `step`, `actual`, one for each
        method, then `lstmcast_lower_80`, `lstmcast_upper_80` ….
        """
        import pandas as pd

        calendar, each = self.panel.calendar, self.actual[0].size  # rows of a series
        last = self.panel.starts[:, None] + self.origins  # [S, N] on the calendar
        ahead = last[:, :, None] + np.arange(1, self.horizon + 1)
        columns: dict[str, object] = {
            name: np.repeat(np.array([key[k] for key in self.panel.keys], dtype=object), each)
            for k, name in enumerate(self.panel.key_columns)
        }
        columns[self.panel.columns.time or "row"] = calendar.text(ahead.ravel())
        columns |= self._of_ours(calendar.text(np.repeat(last.ravel(), self.horizon)), taken=list(columns))
        return pd.DataFrame(columns)

    def _of_ours(self, origins: list[str], taken: Sequence[str]) -> dict[str, object]:
        """The columns that are not the file's; a name that the file has taken gets an underscore."""
        ours: dict[str, object] = {
            "origin": origins,
            "step": np.tile(np.arange(1, self.horizon + 1), self.origins.size),
            "actual": self.actual.ravel(),
            **{method: forecasts.values.ravel() for method, forecasts in self.by_method.items()},
        }
        for level, lower, upper in zip(
            self.levels, self.by_method["lstmcast"].lower, self.by_method["lstmcast"].upper, strict=True
        ):
            ours[f"lstmcast_lower_{level:g}"], ours[f"lstmcast_upper_{level:g}"] = lower.ravel(), upper.ravel()
        return {f"{name}_" if name in taken else name: values for name, values in ours.items()}

    def to_dict(self) -> dict[str, Any]:
        """Everything but the single forecasts as plain values that JSON can carry; what is undefined is null."""
        return {
            "source": self.panel.source,
            "series": self.panel.n_series,
            "left_out": self.left_out,
            "origins": self.origins.shape[1],
            "step": self.step,
            "horizon": self.horizon,
            "refit": self.refit,
            "n_scored": self.n_scored,
            "levels": list(self.levels),
            "skill": to_plain(self.skill),
            "notes": list(self.notes),
            "scores": {
                scope: {"keys": self.keys(scope), "methods": dict(_as_lists(table))}
                for scope, table in self.tables.items()
            },
        }

    def _origin_name(self, k: int) -> str:
        """The time of the k-th origin; where the series end at different times, how long before their ends it lies."""
        times = np.unique(self.panel.starts + self.origins[:, k])
        if len(times) == 1:
            return self.panel.calendar.text(times)[0]
        return f"{int(self.panel.lengths[0] - 1 - self.origins[0, k])} before the end"


def _as_lists(table: Table) -> Iterator[tuple[str, dict[str, list[float | None]]]]:
    for method, scores in table.items():
        yield method, {metric: [finite(v) for v in values.tolist()] for metric, values in scores.items()}


SCOPES = ("all", "step", "origin", "series")
OUTER = (0.025, 0.975)  # the bounds of MSIS


@dataclass(frozen=True)
class _Parts:
    """Everything that the scores of one method need, in one layout: [S, N, H] or [G, M], quantiles one axis more."""

    actual: Floats
    values: Floats
    scale: Floats
    lower: Floats
    upper: Floats
    deciles: Floats
    outer: Floats

    @classmethod
    def of(cls, actual: Floats, forecasts: MethodForecasts, scale: Floats, levels: Sequence[float]) -> _Parts:
        """Those of one method: [S, N, H]."""
        bounds = forecasts.values, levels, forecasts.lower, forecasts.upper
        return cls(
            actual,
            forecasts.values,
            scale,
            forecasts.lower,
            forecasts.upper,
            interpolate_quantiles(DECILES, *bounds),
            interpolate_quantiles(OUTER, *bounds),
        )

    def grouped(self, scope: str) -> _Parts:
        """The same as [G, M]."""
        return _Parts(*(grouped(scope, getattr(self, field.name)) for field in fields(self)))


def score(
    actual: Floats, by_method: Mapping[str, MethodForecasts], scale: Floats, levels: Sequence[float]
) -> dict[str, dict[str, dict[str, Floats]]]:
    """Score every method.

    Args:
        actual: [S, N, H], NaN where not known.
        by_method: method to its forecasts; where "Naive2" is among them, OWA is defined.
        scale: [S] what MASE divides by; NaN: undefined for that series.
        levels: Q, in percent, ascending.

    Returns:
        Scope to method to metric to [G]: mae, rmse, smape, mase, owa, wql, msis and coverage_80 … for every level. WQL
        needs a level of 80 or more, MSIS one of 95 or more; both are NaN without.
    """
    spread = np.broadcast_to(scale[:, None, None], actual.shape)
    parts = {method: _Parts.of(actual, forecasts, spread, levels) for method, forecasts in by_method.items()}
    return {
        scope: _with_owa({method: _scores(forecasts.grouped(scope), levels) for method, forecasts in parts.items()})
        for scope in SCOPES
    }


def grouped(scope: str, values: Floats) -> Floats:
    """Lay out […, S, N, H] as […, G, M]: G groups of M values."""
    lead, (series, origins, horizon) = values.shape[:-3], values.shape[-3:]
    if scope == "step":
        return np.moveaxis(values, -1, -3).reshape(*lead, horizon, series * origins)
    if scope == "origin":
        return np.moveaxis(values, -2, -3).reshape(*lead, origins, series * horizon)
    groups = series if scope == "series" else 1
    return values.reshape(*lead, groups, series // groups * origins * horizon)


def _scores(parts: _Parts, levels: Sequence[float]) -> dict[str, Floats]:
    """[G] of every metric but OWA; MASE and MSIS divide each value by its own series' scale."""
    actual, scale = parts.actual, parts.scale
    scores = {
        "mae": metrics.mae(actual, parts.values),
        "rmse": np.sqrt(metrics.mse(actual, parts.values)),
        "smape": metrics.smape(actual, parts.values),
        "mase": metrics.mase(actual / scale, parts.values / scale, 1.0),
        "wql": metrics.wql(actual, parts.deciles, DECILES),
        "msis": metrics.msis(actual / scale, parts.outer[0] / scale, parts.outer[1] / scale, 1.0),
    }
    for level, lower, upper in zip(levels, parts.lower, parts.upper, strict=True):
        scores[f"coverage_{level:g}"] = metrics.coverage(actual, lower, upper)
    return scores


def _with_owa(table: dict[str, dict[str, Floats]]) -> dict[str, dict[str, Floats]]:
    """The scores, with OWA after MASE where there is a Naive2."""
    naive = table.get("Naive2")
    if naive is None:
        return table
    return {
        method: {
            "mae": scores["mae"],
            "rmse": scores["rmse"],
            "smape": scores["smape"],
            "mase": scores["mase"],
            "owa": metrics.owa(scores["smape"], scores["mase"], naive["smape"], naive["mase"]),
            **scores,
        }
        for method, scores in table.items()
    }


def excluded_warnings(n_excluded: int) -> tuple[str, ...]:
    """Return the warning about series that are too short for the origins of a backtest."""
    return (f"left out: {n_excluded:,} series too short for so many origins",) if n_excluded else ()
