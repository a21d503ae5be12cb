"""The gradient of exponential smoothing against its forecasts: the whole of them, and quotients of differences."""

from __future__ import annotations

import numpy as np
import pytest

from lstmcast.statistical import ensemble, holt_winters, seasonality, theta
from lstmcast.statistical.gradient import smoothing_gradient

pytestmark = pytest.mark.kernel

CASES = [(40, 1), (60, 4), (7, 4), (3, 4), (1, 1), (350, 1), (90, 4), (80, 24), (50, 72), (60, 3), (90, 21)]


@pytest.fixture(autouse=True)
def small_days(monkeypatch: pytest.MonkeyPatch) -> None:
    """Days of three steps too, above which a week is looked for."""
    monkeypatch.setattr(ensemble, "DAILY_PERIODS", (24, 3))


def said(z: np.ndarray, horizon: int, season: int) -> np.ndarray:
    """[H] the forecast from the end of [T] z."""
    first, last = np.zeros(1, np.int64), np.array([len(z) - 1])
    return ensemble.forecast(z, first, last, horizon, season=season, trial=horizon)[0]


@pytest.mark.parametrize(("steps", "season"), CASES)
@pytest.mark.parametrize("horizon", [1, 6])
def test_the_gradient_times_the_past_is_the_forecast(steps: int, season: int, horizon: int) -> None:
    """With the trust in its members as it is, the forecast is a weighted sum of the past, and nothing is left over."""
    z = np.random.default_rng(steps).normal(size=steps).cumsum()
    found = smoothing_gradient(z, horizon, season=season, trial=horizon)
    np.testing.assert_allclose(found @ z, said(z, horizon, season), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("steps", "season"), CASES)
def test_each_entry_is_a_quotient_of_differences(steps: int, season: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where trust and α do not hang on what came, each value moves the forecast as its entry says."""
    monkeypatch.setattr(holt_winters, "WEIGHT_EXPONENT", 0.0)
    monkeypatch.setattr(holt_winters, "EXPONENT_PER_TRIAL", 0.0)
    monkeypatch.setattr(ensemble, "WEIGHT_EXPONENT", 0.0)
    monkeypatch.setattr(theta, "ALPHAS", np.array([0.3]))
    monkeypatch.setattr(seasonality, "CRITICAL_VALUE", 0.0)
    z = np.random.default_rng(steps).normal(size=steps)
    found = smoothing_gradient(z, 6, season=season, trial=6)
    moved = np.stack([said(z + unit, 6, season) - said(z, 6, season) for unit in np.eye(steps)], axis=1)
    np.testing.assert_allclose(found, moved, atol=1e-9)


def test_what_is_out_of_reach_has_no_effect() -> None:
    """Values further back than smoothing looks have a gradient of 0."""
    z = np.random.default_rng(0).normal(size=400)
    found = smoothing_gradient(z, 2, season=4, trial=2)
    assert found.shape == (2, 400)
    assert not found[:, : 400 - ensemble.history_length(4)].any()
    assert found[:, 400 - ensemble.history_length(4) :].any()
