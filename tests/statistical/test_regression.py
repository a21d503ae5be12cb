"""Line and seasonal means, against a least-squares fit with a dummy variable for each phase."""

from __future__ import annotations

import numpy as np
import pytest

from lstmcast.statistical import regression


def fitted(y: np.ndarray, horizon: int, season: int, *, trend: bool) -> np.ndarray:
    """Forecast by numpy's least squares."""
    t = np.arange(len(y) + horizon)
    phases = (t[:, None] % season == np.arange(season)).astype(float)
    design = np.column_stack([phases, t]) if trend else phases
    beta = np.linalg.lstsq(design[: len(y)], y, rcond=None)[0]
    return design[len(y) :] @ beta


@pytest.mark.parametrize("season", [1, 4, 7])
@pytest.mark.parametrize("trend", [True, False])
def test_equals_least_squares(season: int, trend: bool) -> None:
    """Two series of different lengths, from two origins each."""
    rng = np.random.default_rng(3)
    series = [rng.normal(size=n) + 0.3 * np.arange(n) for n in (40, 31)]
    first, origins = np.array([0, 0, 40, 40]), np.array([39, 20, 30, 17])
    found = regression.forecast(np.concatenate(series), first, origins, 9, season=season, trend=trend, history=1000)
    for row, (begin, origin) in zip(found, zip(first, origins, strict=True), strict=True):
        past = series[int(begin > 0)][: origin + 1]
        assert row == pytest.approx(fitted(past, 9, season, trend=trend), abs=1e-9)


def test_short_history_has_no_season() -> None:
    """Two seasons and a step are needed."""
    y = np.arange(14.0)
    at = {"season": 7, "trend": True, "history": 100}
    short = regression.forecast(y, np.array([0]), np.array([13]), 3, **at)
    assert short[0] == pytest.approx([14, 15, 16])


def test_one_value_is_repeated() -> None:
    """Nothing else is known."""
    found = regression.forecast(np.array([5.0]), np.array([0]), np.array([0]), 3, season=7, trend=True, history=9)
    assert found.tolist() == [[5.0, 5.0, 5.0]]


@pytest.mark.parametrize("season", [1, 3])
def test_gradient_is_the_hat_matrix(season: int) -> None:
    """The forecast is linear: its gradient times the past is the forecast."""
    y = np.random.default_rng(1).normal(size=20)
    jacobian = regression.gradient(20, 5, season=season, trend=True)
    expected = regression.forecast(y, np.array([0]), np.array([19]), 5, season=season, trend=True, history=50)
    assert jacobian @ y == pytest.approx(expected[0])
