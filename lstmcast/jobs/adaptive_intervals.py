"""Intervals of the next forecast, adapted to the coverage of the last ones."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from lstmcast.calibration.adaptive_conformal import (
    HIGH_FREQUENCY_RATE,
    LOW_FREQUENCY_RATE,
    apply_factors,
    extend_horizon,
    update_log_factors,
)
from lstmcast.data.calendar import Calendar
from lstmcast.data.timezones import DAY
from lstmcast.forecasting.seasonal_naive import LSTMCAST
from lstmcast.jobs.live_scores import MIN_POSITION, iter_scored_forecasts
from lstmcast.persistence.ledger.ledger import Ledger
from lstmcast.persistence.ledger.records import PanelInfo
from lstmcast.results import Forecast
from lstmcast.types import Floats, Ints

YEAR = 365 * DAY  # µs
FREQUENT_STEPS = 200  # steps in a year, from which values are frequent


@dataclass(frozen=True)
class AdaptedForecast:
    """A forecast to publish, and its record in the ledger.

    Attributes:
        forecast: with the adapted bounds.
        base: with the bounds of the model; `Ledger.record` takes it together with the factors.
        factors: [Q, S, H] factors of the interval widths.
    """

    forecast: Forecast
    base: Forecast
    factors: Floats


def adapted(ledger: Ledger, forecast: Forecast) -> AdaptedForecast:
    """Update the interval factors by the values observed since the last run, and apply them.

    Args:
        ledger: the ledger, with the newest data recorded.
        forecast: of the model.
    """
    info = ledger.panel_info()
    if info is None or not forecast.levels:
        return unchanged(forecast)
    factors = np.exp(_learn(ledger, info, forecast.levels, forecast.horizon))  # [Q, S of the data, H]
    index_by_key = {key: k for k, key in enumerate(info.keys)}
    factors = factors[:, [index_by_key[key] for key in forecast.keys]]
    for k, name in enumerate(forecast.model_names):
        if name != LSTMCAST:
            factors[:, k] = 1.0
    return AdaptedForecast(apply_interval_factors(forecast, factors), forecast, factors)


def unchanged(forecast: Forecast) -> AdaptedForecast:
    """Return the forecast with the bounds of the model."""
    return AdaptedForecast(forecast, forecast, np.ones_like(forecast.lower))


def apply_interval_factors(base: Forecast, factors: Floats) -> Forecast:
    """Return the forecast with its bounds scaled by factors [Q, S, H]."""
    if (factors == 1).all():
        return base
    lower, upper = apply_factors(base.values, base.lower, base.upper, factors)
    return replace(base, lower=lower, upper=upper)


def _learn(ledger: Ledger, info: PanelInfo, levels: tuple[float, ...], horizon: int) -> Floats:
    """Return the log factors [Q, S, H] after all values observed so far, and store them for the next run."""
    theta, known = _stored_factors(ledger, info, levels, horizon)
    alpha, rate = 1 - np.array(levels) / 100, _rate(info.calendar)
    for missed in _miss_rates(ledger, info, levels, horizon, known):
        theta = update_log_factors(theta, missed, alpha, rate)
    ledger.save_interval_factors(
        (number, level, end, theta[q, k])
        for k, (number, end) in enumerate(zip(info.series.tolist(), info.ends.tolist(), strict=True))
        for q, level in enumerate(levels)
    )
    return theta


def _stored_factors(ledger: Ledger, info: PanelInfo, levels: tuple[float, ...], horizon: int) -> tuple[Floats, Ints]:
    """Return the stored log factors [Q, S, H], 0 where there are none, and the last steps [S] that they include."""
    found = ledger.interval_factors(info.series, levels)
    theta = np.zeros((len(levels), len(info.series), horizon))
    known = np.full(len(info.series), MIN_POSITION)
    for k, number in enumerate(info.series.tolist()):
        for q, level in enumerate(levels):
            if (number, level) in found:
                known[k], left = found[number, level]
                theta[q, k] = extend_horizon(left, horizon)
    return theta, known


def _miss_rates(ledger: Ledger, info: PanelInfo, levels: tuple[float, ...], horizon: int, known: Ints) -> Floats:
    """Return [T, Q, S, H] whether the published interval of a step missed its value, in the order of steps.

    NaN where nothing was forecast, or the value is not observed, or was already used.
    """
    found = list(iter_scored_forecasts(ledger, info, levels, known))
    first = (
        max(int(known.min()), min((int(scored.origins.min()) for scored in found), default=int(info.ends.max()))) + 1
    )
    missed = np.full((max(int(info.ends.max()) - first + 1, 0), len(levels), len(known), horizon), np.nan)
    for scored in found:
        outside = (scored.actual < scored.lower) | (scored.actual > scored.upper)
        has_interval = ~np.isnan(scored.actual) & ~np.isnan(scored.lower)  # [Q, R, H]
        has_interval[:, :, horizon:] = False
        q, r, h = np.nonzero(has_interval)
        missed[scored.origins[r] + h + 1 - first, q, scored.rows[r], h] = outside[q, r, h]
    return missed


def _rate(calendar: Calendar) -> float:
    """Return γ, the step size of a factor; larger where values are rare, so that a year is enough to adapt."""
    if calendar.kind == "counter":
        return HIGH_FREQUENCY_RATE
    begin, end = calendar.positions(np.array([0, YEAR]))
    return HIGH_FREQUENCY_RATE if end - begin >= FREQUENT_STEPS else LOW_FREQUENCY_RATE
