"""Past of a forecast that is explained, and the ensemble bound to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from lstmcast.data.panel import Panel
from lstmcast.errors import UsageError
from lstmcast.forecasting.ensemble.ensemble import BoundEnsemble
from lstmcast.forecasting.forecaster import Forecaster
from lstmcast.forecasting.split_data import tail
from lstmcast.forecasts import Forecast
from lstmcast.statistical.newest_value import damp_newest
from lstmcast.types import Floats

FIRST_SERIES = np.zeros(1, np.int64)  # index of the only series


@dataclass(frozen=True)
class ExplainedPast:
    """One series up to an origin, and its forecast.

    Attributes:
        forecast: of the one series.
        past: the series; an unlikely newest value is damped.
        damped: True if the newest value is damped.
        bound: the ensemble, and the series.
        weights: [M, H] of the members.
    """

    forecast: Forecast
    past: Panel
    damped: bool
    bound: BoundEnsemble
    weights: Floats

    @classmethod
    def of(
        cls, forecaster: Forecaster, panel: Panel, series: int, origin: int | None, horizon: int | None = None
    ) -> Self:
        """Forecast one series from an origin; see `explain` for arguments and errors."""
        length = int(panel.lengths[series])
        origin = length - 1 if origin is None else origin
        if not 1 <= origin < length:
            raise UsageError(f"origin: must be a step from 1 to {length - 1} of the series (got {origin})")
        ensemble = forecaster.ensemble
        past = tail(panel.select(np.array([series])).drop_last(length - 1 - origin), ensemble.required_history)
        forecast = forecaster.predict(past, horizon)
        end = past.lengths - 1
        newest = damp_newest(past.values, FIRST_SERIES, end, past.calendar.season)
        past = past.until(FIRST_SERIES, end, newest.values).within(forecast.horizon)
        bound = ensemble.bind(past)
        weights = bound.weights(FIRST_SERIES, end)[:, 0]
        step = np.minimum(np.arange(forecast.horizon), weights.shape[1] - 1)
        return cls(forecast, past, bool(newest.damped[0]), bound, weights[:, step])
