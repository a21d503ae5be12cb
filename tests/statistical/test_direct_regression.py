"""Direct regression on the past, the calendar and covariates."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lstmcast.statistical import direct_regression
from lstmcast.statistical.direct_features import PAST, Blocks, Label
from lstmcast.statistical.direct_regression import MIN_ROWS, decompose, fit_lead, forecast, gradient


def _blocks(values: np.ndarray, drivers: np.ndarray, *, fitted: int, season: int = 7, year: int = 0) -> Blocks:
    """Rows [R, b] of values, and drivers [R, b, K] known ahead."""
    rows, size = values.shape
    weekday = np.eye(7)[np.arange(rows) % 7]
    calendar = np.repeat(weekday[:, None], size, axis=1)
    observed = np.ones(rows, dtype=np.bool_)
    return Blocks(values, observed, calendar, lambda _: drivers, season, year, fitted)


def _series(size: int, rows: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """Values with a weekday, and an effect of a covariate that bends."""
    rng = np.random.default_rng(1)
    parts = rng.normal(size=(rows, min(size, 4), 1))
    driver = np.repeat(parts, -(-size // 4), axis=1)
    weekday = np.where(np.arange(rows) % 7 < 5, 2.0, 0.0)[:, None]
    return 10 + weekday + 3 * np.maximum(driver[..., 0], 0), driver


@pytest.mark.parametrize("size", [1, 24])
def test_known_effects_are_forecast(size: int) -> None:
    """A weekday and a bent covariate explain the values ahead."""
    values, driver = _series(size)
    known = values.copy()
    known[190:] = np.nan
    found = forecast(_blocks(known, driver, fitted=190), np.array([189]), 4 * size)
    np.testing.assert_allclose(found[0], values[190:194].ravel(), atol=0.3)


@pytest.mark.parametrize("size", [1, 24])
def test_later_values_have_no_effect(size: int) -> None:
    """A fit reads rows up to its end, and a forecast those up to its origin."""
    values, driver = _series(size)
    changed = values.copy()
    changed[150:] = 99.0
    later = driver.copy()
    later[160:] = 99.0
    origins, horizon = np.array([149]), 5 * size
    found = forecast(_blocks(values, driver, fitted=150), origins, horizon)
    np.testing.assert_array_equal(found, forecast(_blocks(changed, later, fitted=150), origins, horizon))


def test_one_fit_serves_later_origins() -> None:
    """Features are those of the origin, coefficients those of the fit."""
    values, driver = _series(1)
    blocks = _blocks(values, driver, fitted=100)
    both = forecast(blocks, np.array([120, 150]), 3)
    np.testing.assert_array_equal(both[1], forecast(blocks, np.array([150]), 3)[0])


def test_memory_longer_than_the_past_is_not_limited() -> None:
    """A half-life of more than the rows gives the fit that weights all of them alike."""
    values, driver = _series(1)
    blocks = _blocks(values, driver, fitted=60)
    alike, long = (fit_lead(replace(blocks, half_lives=(life,)), 1) for life in (np.inf, 500.0))
    assert alike is not None
    assert long is not None
    np.testing.assert_array_equal(long.fits[0].coefficients, alike.fits[0].coefficients)


def test_few_rows_leave_the_level() -> None:
    """Too few rows for a regression: the forecast is the level."""
    values, driver = _series(1, rows=MIN_ROWS)
    blocks = _blocks(values, driver, fitted=MIN_ROWS, season=1)
    assert fit_lead(blocks, 1) is None
    np.testing.assert_allclose(forecast(blocks, np.array([MIN_ROWS - 2]), 1)[0], values[MIN_ROWS - 2])


@pytest.mark.parametrize(("size", "rows", "year"), [(1, 30, 0), (1, 200, 63), (4, 70, 0), (24, 40, 0)])
def test_gradient(size: int, rows: int, year: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Forecasts with the same coefficients from a past that differs in one value, also where features are unknown."""
    values, driver = _series(size, rows + 5)
    values[rows:] = np.nan
    horizon, leads = 5 * size, range(1, 6)
    blocks = _blocks(values, driver, fitted=rows, year=year)
    fits = {lead: fit_lead(blocks, lead) for lead in leads}
    monkeypatch.setattr(direct_regression, "fit_lead", lambda _, lead: fits[lead])
    origin = np.array([rows - 1])
    base, found = forecast(blocks, origin, horizon)[0], gradient(blocks, rows - 1, horizon)
    for step in range(rows * size):
        moved = values.copy()
        moved[divmod(step, size)] += 1.0
        change = forecast(replace(blocks, values=moved), origin, horizon)[0] - base
        np.testing.assert_allclose(found[:, step], change, atol=1e-9)
    assert found.any(axis=1).all()


@pytest.mark.parametrize("size", [1, 24])
def test_parts(size: int) -> None:
    """They sum to the forecast; the part of a bent covariate is its effect, relative to its mean effect."""
    values, driver = _series(size)
    values[190:] = np.nan
    blocks, origin, horizon = _blocks(values, driver, fitted=190), 189, 4 * size
    grid = np.array([-2.0, -1.0, 0.0, 2.0])
    found = decompose(blocks, origin, horizon, {0: grid})
    np.testing.assert_allclose(sum(found.parts.values()), forecast(blocks, np.array([origin]), horizon)[0])
    effect = 3 * np.maximum(driver[..., 0], 0)
    part = found.parts[Label("covariate", 0)]
    np.testing.assert_allclose(part, (effect - effect[:190].mean(axis=0))[190:194].ravel(), atol=0.5)
    response = found.responses[0] - found.responses[0][2]
    np.testing.assert_allclose(response.mean(axis=1), [0.0, 0.0, 0.0, 6.0], atol=1.0)


def test_parts_of_few_rows() -> None:
    """Without a regression the forecast is the level, and nothing has an effect."""
    values, driver = _series(1, rows=MIN_ROWS)
    blocks = _blocks(values, driver, fitted=MIN_ROWS, season=1)
    found = decompose(blocks, MIN_ROWS - 2, 1, {0: np.zeros(2)})
    assert set(found.parts) == {PAST}
    assert not found.responses[0].any()
