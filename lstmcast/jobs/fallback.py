"""What is forecast where the data, or the model, are not fit for more."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lstmcast.data.panel import Panel
from lstmcast.forecast import Forecast
from lstmcast.forecaster.rules import seasonal_naive_forecast

LSTM, NAIVE = "lstm", "seasonal_naive"


def fill_with_seasonal_naive(panel: Panel, forecast: Forecast, sources: tuple[str, ...]) -> Forecast:
    """The forecast with the seasonal naive one, and its intervals, in place of the series whose source that is.

    Args:
        panel: the newest data.
        forecast: of its series, S.
        sources: S words.

    Raises:
        DataError: the series are too short for the horizon.
    """
    if NAIVE not in sources:
        return replace(forecast, sources=sources)
    fallback = seasonal_naive_forecast(panel, forecast.horizon, forecast.levels)
    naive = np.array([source == NAIVE for source in sources])[:, None]  # [S, 1]
    return replace(
        forecast,
        values=np.where(naive, fallback.values, forecast.values),
        lower=np.where(naive, fallback.lower, forecast.lower),
        upper=np.where(naive, fallback.upper, forecast.upper),
        sources=sources,
    )
