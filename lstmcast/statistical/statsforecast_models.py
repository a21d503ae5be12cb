"""The classical automatic methods, from statsforecast where it is installed: each fitted anew at every origin."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np

from lstmcast.errors import UsageError
from lstmcast.parallel import process_map
from lstmcast.types import Floats

METHODS = {"ets": "AutoETS", "theta": "AutoTheta", "arima": "AutoARIMA"}
MAX_HISTORY = 2_000  # last values that a method is fitted on: of more it would hardly learn more, and take minutes


@dataclass(frozen=True)
class FitJob:
    """What is asked of a method at one origin.

    Attributes:
        method: a key of `METHODS`.
        history: [T] all that is known.
        horizon: H.
        season: steps in a season, 1 for none.
        levels: of the intervals, in percent, ascending.
    """

    method: str
    history: Floats
    horizon: int
    season: int
    levels: tuple[float, ...]


def require(methods: Sequence[str]) -> None:
    """Fail early, and without importing anything heavy.

    Raises:
        UsageError: an unknown method, or statsforecast is not installed.
    """
    if unknown := [name for name in methods if name not in METHODS]:
        raise UsageError(f"classical: must be of {', '.join(METHODS)} (got '{unknown[0]}')")
    if methods and find_spec("statsforecast") is None:
        raise UsageError(
            f"{', '.join(METHODS[name] for name in methods)} need statsforecast, which is not installed here: "
            "pip install 'lstmcast[baselines]'"
        )


def fit_all(tasks: Sequence[FitJob], *, on_progress: Callable[[int], None] = lambda _: None) -> Floats:
    """Do every task, side by side on the cores there are.

    Returns:
        [B, 1 + 2Q, H] for each task the forecast, then the lower, then the upper bounds; NaN where a method refuses a
        history (it is too short, say) or gives up on it.

    Raises:
        UsageError: statsforecast is not installed.
    """
    require(sorted({task.method for task in tasks}))
    return np.stack(
        process_map(fit_series, tasks, batch_size=max(1, min(16, len(tasks) // 64)), on_progress=on_progress)
    )


def fit_series(task: FitJob) -> Floats:
    """[1 + 2Q, H], see `fit_all`."""
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
        except Exception:  # noqa: BLE001  # other people's optimisers fail in many ways: the caller counts them
            return nothing
    return _rows(output, task.levels)


def _rows(output: Mapping[str, Any], levels: Sequence[float]) -> Floats:
    """What statsforecast answered, as [1 + 2Q, H]."""
    names = ["mean", *(f"lo-{level}" for level in levels), *(f"hi-{level}" for level in levels)]
    return np.stack([np.asarray(output[name], dtype=np.float64) for name in names])
