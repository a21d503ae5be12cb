"""The test for a season and the moving mean against loops."""

from __future__ import annotations

import numpy as np
import pytest

from lstmcast.statistical.seasonality import by_phase, moving_mean, significant


@pytest.mark.parametrize("season", [4, 7])
def test_the_moving_mean_is_that_of_the_season_around(season: int) -> None:
    """Value by value; where the season is even, both ends count half."""
    y = np.random.default_rng(season).normal(size=(2, 30))
    half = season // 2
    for row, found in zip(y, moving_mean(y, season), strict=True):
        for k, mean in enumerate(found):
            around = row[k : k + 2 * half + 1]
            expected = around.sum() - (0 if season % 2 else (around[0] + around[-1]) / 2)
            assert mean == pytest.approx(expected / season)


def test_phases_are_averaged_without_what_is_missing() -> None:
    """By hand: columns three apart, one of them missing."""
    np.testing.assert_allclose(by_phase(np.array([[1.0, 2, 3, 5, np.nan, 7]]), 3), [[3, 2, 5]])


def test_a_wave_is_a_season_and_noise_is_none() -> None:
    """A wave of 4 steps in noise, noise alone, and what stands still; their unit is no matter."""
    noise, t = np.random.default_rng(0).normal(size=60), np.arange(60)
    rows = np.stack([noise + 3 * np.sin(np.pi * t / 2), noise, 0 * t])
    rows -= rows.mean(axis=1, keepdims=True)
    expected = [True, False, False]
    for unit in (1.0, 1e200, 1e-200):
        assert significant(unit * rows, np.full(3, 60), 4).tolist() == expected
