"""Properties that forecasts of every series have: zero-shot over thousands of generated series, trained on a few."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from lstmcast.api import train
from lstmcast.config import load_config
from lstmcast.data.panel import Panel
from lstmcast.forecasting.forecaster import Forecaster
from lstmcast.forecasting.pretrained import load_pretrained_forecaster
from lstmcast.forecasts import Forecast

SERIES, STEPS, SEASON = 400, 84, 7
Make = Callable[[np.random.Generator], np.ndarray]


def lines(rng: np.random.Generator) -> np.ndarray:
    """[S, T] exact lines."""
    return rng.uniform(50, 500, (SERIES, 1)) + rng.uniform(-0.4, 4, (SERIES, 1)) * np.arange(STEPS)


def constants(rng: np.random.Generator) -> np.ndarray:
    """[S, T] constants from 1e-3 to 1e9, some of them negative, some 0."""
    sizes = 10 ** rng.uniform(-3, 9, (SERIES, 1)) * rng.choice([-1, 0, 1, 1], (SERIES, 1))
    return np.broadcast_to(sizes, (SERIES, STEPS)).copy()


def seasons(rng: np.random.Generator) -> np.ndarray:
    """[S, T] weeks that repeat exactly."""
    return np.tile(rng.uniform(10, 100, (SERIES, SEASON)), STEPS // SEASON)


def walks(rng: np.random.Generator) -> np.ndarray:
    """[S, T] positive random walks."""
    return 100 * np.exp(np.cumsum(rng.normal(scale=0.03, size=(SERIES, STEPS)), axis=1))


def signed(rng: np.random.Generator) -> np.ndarray:
    """[S, T] noise with a week around 0: logs are not possible."""
    return np.tile(rng.normal(size=(SERIES, SEASON)), STEPS // SEASON) + rng.normal(size=(SERIES, STEPS))


def counts(rng: np.random.Generator) -> np.ndarray:
    """[S, T] counts, from rare to common."""
    return rng.poisson(rng.uniform(0.05, 20, (SERIES, 1)), (SERIES, STEPS)).astype(float)


FAMILIES: tuple[Make, ...] = (lines, constants, seasons, walks, signed, counts)


@pytest.fixture(scope="module")
def panel_of(daily_panel: Callable[[np.ndarray], Panel]) -> Callable[[Make], Panel]:
    """The panel of a family."""
    return lambda make: daily_panel(make(np.random.default_rng(5)))


def forecast(panel: Panel, horizon: int = 14) -> Forecast:
    """Forecast without training."""
    return load_pretrained_forecaster(panel).predict(panel, horizon)


def spread(panel: Panel) -> np.ndarray:
    """[S, 1] range of each series, or 1."""
    values = panel.values.reshape(panel.n_series, -1)
    return np.maximum(np.ptp(values, axis=1, keepdims=True), 1e-12)


@pytest.mark.parametrize("make", FAMILIES)
@pytest.mark.parametrize("factor", [1e-3, 7.0, 1e6])
def test_scaled_series_have_scaled_forecasts(make: Make, factor: float, panel_of: Callable[[Make], Panel]) -> None:
    """The unit of the values changes nothing."""
    panel = panel_of(make)
    plain, scaled = forecast(panel), forecast(replace(panel, values=panel.values * factor))
    for name in ("values", "lower", "upper"):
        expected = getattr(plain, name) * factor
        limit = 1e-6 * (np.abs(expected) + factor * spread(panel))
        assert (np.abs(getattr(scaled, name) - expected) <= limit).all(), name


def test_shifted_series_have_shifted_forecasts_without_logs(panel_of: Callable[[Make], Panel]) -> None:
    """Values that stay on both sides of 0 are not transformed: a shift moves forecasts and bounds."""
    panel = panel_of(signed)
    moved = panel.values.reshape(SERIES, -1)
    small = 0.1 * np.minimum(-moved.min(axis=1), moved.max(axis=1))
    plain, shifted = forecast(panel), forecast(replace(panel, values=panel.values + np.repeat(small, STEPS)))
    for name in ("values", "lower", "upper"):
        np.testing.assert_allclose(getattr(shifted, name), getattr(plain, name) + small[:, None], atol=1e-5)


def test_mirrored_series_have_mirrored_forecasts_without_logs(panel_of: Callable[[Make], Panel]) -> None:
    """Up is no other direction than down for series on both sides of 0."""
    panel = panel_of(signed)
    plain, mirrored = forecast(panel, 60), forecast(replace(panel, values=-panel.values), 60)
    np.testing.assert_allclose(mirrored.values, -plain.values, atol=1e-5)
    np.testing.assert_allclose(mirrored.lower, -plain.upper, atol=1e-5)
    np.testing.assert_allclose(mirrored.upper, -plain.lower, atol=1e-5)


@pytest.mark.parametrize("make", FAMILIES)
def test_intervals_nest(make: Make, panel_of: Callable[[Make], Panel]) -> None:
    """95 % is wider than 80 % unless both are zero or end at the same floor; the forecast lies inside."""
    panel = panel_of(make)
    found = forecast(panel, 60)
    for below, above in ((found.lower[1], found.lower[0]), (found.upper[0], found.upper[1])):
        assert (below <= above).all()
    assert (found.lower[0] <= found.values).all()
    assert (found.values <= found.upper[0]).all()
    wide, narrow = found.upper - found.lower
    assert ((found.upper[1] - found.lower[1] > narrow - wide) | (wide == 0)).all()


def test_constant_series_are_continued_exactly(panel_of: Callable[[Make], Panel]) -> None:
    """With zero width."""
    panel = panel_of(constants)
    found = forecast(panel, 60)
    value = panel.values.reshape(SERIES, -1)[:, :1]
    np.testing.assert_allclose(found.values, np.broadcast_to(value, found.values.shape), rtol=1e-9)
    assert (found.upper - found.lower <= 1e-9 * np.abs(value)).all()


@pytest.mark.parametrize(("make", "tolerance"), [(lines, 1e-6), (seasons, 1e-6)])
def test_lines_and_seasons_are_continued_exactly(
    make: Make, tolerance: float, panel_of: Callable[[Make], Panel]
) -> None:
    """Sixty steps ahead, within a millionth of the range."""
    panel = panel_of(make)
    y = panel.values.reshape(SERIES, -1)
    ahead = np.arange(60)
    expected = y[:, :1] + (y[:, 1:2] - y[:, :1]) * (STEPS + ahead) if make is lines else y[:, ahead % SEASON]
    error = np.abs(forecast(panel, 60).values - np.maximum(expected, 0))
    assert (error <= tolerance * spread(panel)).mean() > 0.99
    assert (error <= 0.05 * spread(panel)).all()


@pytest.mark.parametrize("make", [walks, counts, signed])
def test_a_permutation_of_the_series_changes_nothing(make: Make, panel_of: Callable[[Make], Panel]) -> None:
    """Each series has the forecast that it has in another order, to the last digits."""
    panel = panel_of(make)
    order = np.random.default_rng(0).permutation(SERIES)
    plain, other = forecast(panel), forecast(panel.select(order))
    for name in ("values", "lower", "upper"):
        np.testing.assert_allclose(
            getattr(other, name), getattr(plain, name)[..., order, :], rtol=1e-5, atol=1e-5 * spread(panel).max()
        )


@pytest.mark.parametrize("factor", [0.1, 10.0])
@pytest.mark.parametrize("back", [0, 3, 6])
def test_an_outlier_in_the_last_season_hardly_moves_the_forecast(
    factor: float, back: int, panel_of: Callable[[Make], Panel]
) -> None:
    """A newest value ten times off moves it by a tenth of the level on average, an earlier one by four tenths."""
    panel = panel_of(walks)
    values = panel.values.reshape(SERIES, -1).copy()
    values[:, -1 - back] *= factor
    plain, other = forecast(panel).values, forecast(replace(panel, values=values.ravel())).values
    moved = np.abs(other - plain).mean(axis=1) / plain.mean(axis=1)
    assert moved.mean() < (0.1 if back == 0 else 0.4)


@pytest.mark.parametrize("make", [counts])
def test_counts_stay_sane(make: Make, panel_of: Callable[[Make], Panel]) -> None:
    """Not negative; nothing above a few times the largest value; rare demand has 0 in its intervals."""
    panel = panel_of(make)
    y = panel.values.reshape(SERIES, -1)
    found = forecast(panel, 60)
    assert (found.lower >= 0).all()
    assert (found.upper <= 5 * np.maximum(y.max(axis=1)[:, None], 1)).all()
    rare = (y == 0).mean(axis=1) > 0.5
    assert (found.lower[:, rare] == 0).mean() > 0.95


FEW, HORIZON = 10, 7
BRIEF = {"train.epochs": 3, "train.steps_per_epoch": 8, "model.units": [8], "forecast.horizon": HORIZON}


def trained(panel: Panel) -> Forecaster:
    """A model that was trained briefly on a panel."""
    return train(panel, load_config(None, BRIEF))


@pytest.mark.slow
@pytest.mark.parametrize("make", [walks, signed, counts])
def test_trained_on_scaled_series_forecasts_are_scaled(make: Make, panel_of: Callable[[Make], Panel]) -> None:
    """A power of two as the unit changes nothing, whatever the network learns."""
    panel = panel_of(make).select(np.arange(FEW))
    scaled = replace(panel, values=panel.values * 1024)
    plain, other = trained(panel).predict(panel, HORIZON), trained(scaled).predict(scaled, HORIZON)
    for name in ("values", "lower", "upper"):
        expected = getattr(plain, name) * 1024
        limit = 1e-3 * (np.abs(expected) + 1024 * spread(panel))
        assert (np.abs(getattr(other, name) - expected) <= limit).all(), name


@pytest.mark.slow
def test_trained_on_shifted_series_forecasts_are_shifted_without_logs(panel_of: Callable[[Make], Panel]) -> None:
    """Values that stay on both sides of 0 are not transformed."""
    panel = panel_of(signed).select(np.arange(FEW))
    y = panel.values.reshape(FEW, -1)
    small = 0.1 * np.minimum(-y.min(axis=1), y.max(axis=1))
    shifted = replace(panel, values=panel.values + np.repeat(small, STEPS))
    plain, other = trained(panel).predict(panel, HORIZON), trained(shifted).predict(shifted, HORIZON)
    for name in ("values", "lower", "upper"):
        moved = getattr(plain, name) + small[:, None]
        assert (np.abs(getattr(other, name) - moved) <= 1e-3 * spread(panel)).all(), name


@pytest.mark.slow
@pytest.mark.parametrize("make", FAMILIES)
def test_trained_intervals_nest_in_any_order_of_the_series(make: Make, panel_of: Callable[[Make], Panel]) -> None:
    """95 % contains 80 %, which contains the forecast; a permutation of the series changes nothing."""
    panel = panel_of(make).select(np.arange(FEW))
    model, order = trained(panel), np.random.default_rng(0).permutation(FEW)
    plain, other = model.predict(panel, HORIZON), model.predict(panel.select(order), HORIZON)
    bounds = [plain.lower[1], plain.lower[0], plain.values, plain.upper[0], plain.upper[1]]
    for below, above in pairwise(bounds):
        assert (below <= above + 1e-9 * np.abs(above)).all()
    for name in ("values", "lower", "upper"):
        limit = 1e-5 * spread(panel)[order]
        assert (np.abs(getattr(other, name) - getattr(plain, name)[..., order, :]) <= limit).all(), name


@pytest.mark.slow
@pytest.mark.parametrize(("make", "tolerance"), [(constants, 1e-6), (lines, 0.05), (seasons, 0.05)])
def test_trained_forecasts_continue_regular_series(
    make: Make, tolerance: float, panel_of: Callable[[Make], Panel]
) -> None:
    """Constants exactly; lines and weeks within a twentieth of the range, on average over the series."""
    panel = panel_of(make).select(np.arange(FEW))
    y = panel.values.reshape(FEW, -1)
    ahead = np.arange(HORIZON)
    by_line = y[:, :1] + (y[:, 1:2] - y[:, :1]) * (STEPS + ahead)
    expected = by_line if make is lines else y[:, ahead % SEASON]
    size = np.abs(y[:, :1]) if make is constants else spread(panel)
    error = np.abs(trained(panel).predict(panel, HORIZON).values - expected) / np.maximum(size, 1e-12)
    assert error.mean() <= tolerance


def test_rare_demand_has_sane_bounds(daily_panel: Callable[[np.ndarray], Panel]) -> None:
    """Not negative, around 0 where zeros are frequent, wider outside, and never far above the largest value."""
    rng = np.random.default_rng(6)
    values = (rng.random((SERIES, STEPS)) < rng.uniform(0.03, 0.6, (SERIES, 1))) * (
        1.0 + rng.poisson(2, (SERIES, STEPS))
    )
    values[:, 10] = 1.0  # no series is constant
    found = forecast(daily_panel(values))
    largest, zeros = values.max(axis=1, keepdims=True), (values == 0).mean(axis=1)
    assert (found.lower >= 0).all()
    assert (found.lower[:, zeros > 0.4] == 0).all()
    assert (found.upper[0] > 0).all()
    assert (found.upper[1] - found.lower[1] > found.upper[0] - found.lower[0]).all()
    assert (found.upper <= 2 * largest).all()
