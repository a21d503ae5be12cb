"""The LSTM's forecasts: trained once before the first origin, or anew before each, in processes side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from lstmcast.data.panel import Panel
from lstmcast.errors import DataError, ModelError
from lstmcast.evaluation.folds import RollingOrigins
from lstmcast.evaluation.scores import MethodForecasts
from lstmcast.workers import process_map

if TYPE_CHECKING:
    from lstmcast.config import Config
    from lstmcast.forecaster.fits import ProgressCallback
    from lstmcast.forecaster.trained import Forecaster

Floats = npt.NDArray[np.float64]
Parts = tuple[Floats, Floats, Floats]

MAX_PARALLEL_FITS = 8  # trainings at once: each needs about a gigabyte


def forecast_single_fit(
    panel: Panel, config: Config, folds: RollingOrigins, on_progress: ProgressCallback
) -> MethodForecasts:
    """One forecaster, fitted on what came before every series' first origin, asked at all of them at once.

    Raises:
        DataError: too little is left to learn from.
        ModelError: a forecast is no number.
    """
    forecaster = _train(panel.drop_last(folds.held_out), config, on_progress)
    if not config.train.refit:  # of a series that it never learnt from, the unit is measured: on the past alone
        return _stacked([_ends(forecaster, panel.drop_last(back)) for back in folds.offsets_from_end.tolist()])
    series, shape = (
        np.repeat(np.arange(panel.n_series), folds.n_origins),
        (panel.n_series, folds.n_origins, folds.horizon),
    )
    forecasts = forecaster.at(panel, series, folds.at(panel.lengths).ravel(), folds.horizon)
    return _checked(*(part.reshape(*part.shape[:-2], *shape) for part in forecasts))


def forecast_with_refit(
    panel: Panel, config: Config, folds: RollingOrigins, on_progress: Callable[[int], None]
) -> MethodForecasts:
    """A forecaster for every origin, fitted on all that came before it.

    Raises:
        DataError: too little is left to learn from.
        ModelError: a forecast is no number.
    """
    pasts = [panel.drop_last(back) for back in folds.offsets_from_end.tolist()]
    return _stacked(
        process_map(partial(_trained_at_the_end, config=config), pasts, most=MAX_PARALLEL_FITS, on_progress=on_progress)
    )


def _trained_at_the_end(past: Panel, config: Config) -> Parts:
    """Train on a panel and forecast what follows. Runs in a process of its own."""
    return _ends(_train(past, config, lambda _: None), past)


def _ends(forecaster: Forecaster, past: Panel) -> Parts:
    """Forecast from the end of every series: [S, H], lower and upper [Q, S, H]."""
    return forecaster.at(past, np.arange(past.n_series), past.lengths - 1)


def _stacked(parts: Sequence[Parts]) -> MethodForecasts:
    """Forecasts of N origins as one."""
    return _checked(*(np.stack(part, axis=-2) for part in zip(*parts, strict=True)))


def _train(past: Panel, config: Config, on_progress: ProgressCallback) -> Forecaster:
    from lstmcast.forecaster.training import train

    try:
        return train(past, config, on_progress=on_progress)
    except DataError as err:
        raise DataError(f"before the first origin: {err}; or give fewer --origins") from err


def _checked(values: Floats, lower: Floats, upper: Floats) -> MethodForecasts:
    if not np.isfinite(values).all():
        raise ModelError(
            "forecasts of the backtest grow beyond every number. Lower train.learning_rate, or use "
            "model.activation: tanh"
        )
    return MethodForecasts(values, lower, upper)
