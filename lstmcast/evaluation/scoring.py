"""Scores of every method, in all and by step, origin and series, from arrays [S, N, H]: S series, N origins, H steps.

Every known value counts the same: a score of a group is one formula over all its values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from lstmcast.evaluation import metrics
from lstmcast.evaluation.quantiles import DECILES, interpolate_quantiles
from lstmcast.evaluation.scores import MethodForecasts

Floats = npt.NDArray[np.float64]

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
