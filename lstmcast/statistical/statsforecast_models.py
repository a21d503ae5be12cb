"""Automatic statistical methods of the optional statsforecast package, fitted at every origin."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np

from lstmcast.errors import UsageError
from lstmcast.parallel import process_map
from lstmcast.types import Floats

METHODS = {"ets": "AutoETS", "theta": "AutoTheta", "arima": "AutoARIMA"}
MAX_HISTORY = 2_000  # last values that a method is fitted on; more take minutes and change little


@dataclass(frozen=True)
class FitJob:
    """A forecast by a key of `METHODS` from a history [T]; season 1 is none, levels are in percent, ascending."""

    method: str
    history: Floats
    horizon: int
    season: int
    levels: tuple[float, ...]


def require(methods: Sequence[str]) -> None:
    """Raise UsageError for an unknown method, or if statsforecast is not installed (without importing it)."""
    if unknown := [name for name in methods if name not in METHODS]:
        raise UsageError(f"classical: must be of {', '.join(METHODS)} (got '{unknown[0]}')")
    if methods and find_spec("statsforecast") is None:
        raise UsageError(
            f"{', '.join(METHODS[name] for name in methods)} require statsforecast, which is not installed; "
            "run pip install 'lstmcast[baselines]'"
        )


def fit_all(tasks: Sequence[FitJob], *, on_progress: Callable[[int], None] = lambda _: None) -> Floats:
    """Run all jobs in parallel.

    Returns:
        [B, 1 + 2Q, H] forecasts, lower bounds, upper bounds; NaN where a method fails, as on a short history.

    Raises:
        UsageError: statsforecast is not installed.
    """
    require(sorted({task.method for task in tasks}))
    return np.stack(
        process_map(fit_series, tasks, batch_size=max(1, min(16, len(tasks) // 64)), on_progress=on_progress)
    )


def fit_series(task: FitJob) -> Floats:
    """Run one job, [1 + 2Q, H] (see `fit_all`)."""
    from statsforecast import models

    method = getattr(models, METHODS[task.method])
    history = task.history[-MAX_HISTORY:]
    nothing = np.full((1 + 2 * len(task.levels), task.horizon), np.nan)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            output = method(season_length=task.season).forecast(
                y=history, h=task.horizon, level=list(task.levels) or None
            )
        except Exception:  # noqa: BLE001  # the optimizers raise many types; the caller counts the NaN rows
            return nothing
    names = ["mean", *(f"lo-{level}" for level in task.levels), *(f"hi-{level}" for level in task.levels)]
    return np.stack([np.asarray(output[name], dtype=np.float64) for name in names])
