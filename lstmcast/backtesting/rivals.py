"""What others forecast from the same origins: the baselines, and the classical automatic methods."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from lstmcast.data.panel import Panel
from lstmcast.evaluation.baselines import Rule, baselines, naive2
from lstmcast.evaluation.classical import METHODS, FitJob, fit_all
from lstmcast.evaluation.folds import RollingOrigins
from lstmcast.evaluation.scores import MethodForecasts
from lstmcast.forecaster.rules import conformal_half_widths, min_bounds

Floats = npt.NDArray[np.float64]


def baseline_forecasts(
    panel: Panel, folds: RollingOrigins, levels: Sequence[float], *, refit: bool
) -> dict[str, MethodForecasts]:
    """Every baseline, and the M4 competition's Naive2, at every origin.

    Their intervals are calibrated where the LSTM's are, on held-out steps before the first origin, or, with `refit`,
    before each: forecast ± a quantile of |y − f| in each series' usual step; never below 0 where the series was not.
    """
    past = panel.drop_last(folds.held_out)
    pasts = [panel.drop_last(back) for back in folds.offsets_from_end.tolist()] if refit else [past]
    floor = min_bounds(past)[:, None, None]
    first, origins = np.repeat(panel.offsets[:-1], folds.n_origins), folds.at(panel.lengths)
    found = {}
    for name, rule in _rules(panel).items():
        values = rule(panel.values, first, origins.ravel(), folds.horizon).reshape(*origins.shape, folds.horizon)
        halves = [conformal_half_widths(known, rule, folds.horizon, levels) for known in pasts]
        half = np.stack(halves, axis=2)  # [Q, S, N or 1, H]
        found[name] = MethodForecasts(values, np.maximum(values - half, floor), values + half)
    return found


def _rules(panel: Panel) -> Mapping[str, Rule]:
    season = panel.calendar.mase_season
    return {
        **baselines(panel.calendar.season),
        "Naive2": lambda values, first, origins, horizon: naive2(values, first, origins, horizon, season=season),
    }


def classical_forecasts(
    panel: Panel, folds: RollingOrigins, levels: Sequence[float], methods: Sequence[str], note: Callable[[str], None]
) -> dict[str, MethodForecasts]:
    """Classical methods, fitted anew at every origin, with the intervals they say themselves; NaN where one refuses.

    Args:
        panel: the data.
        folds: the origins.
        levels: of the intervals, in percent, ascending.
        methods: keys of `METHODS`.
        note: told how far it is, about ten times.
    """
    origins, season = folds.at(panel.lengths), panel.calendar.season
    tasks = [
        FitJob(method, panel.series(k)[: origin + 1], folds.horizon, season, tuple(levels))
        for method in methods
        for k, row in enumerate(origins.tolist())
        for origin in row
    ]
    every = -(-len(tasks) // 10)
    rows = fit_all(tasks, on_progress=lambda k: note(f"fitted {k} of {len(tasks)}") if k % every == 0 else None)
    parts = rows.reshape(len(methods), *origins.shape, 1 + 2 * len(levels), folds.horizon).transpose(0, 3, 1, 2, 4)
    return {
        METHODS[method]: MethodForecasts(part[0], part[1 : 1 + len(levels)], part[1 + len(levels) :])
        for method, part in zip(methods, parts, strict=True)
    }
