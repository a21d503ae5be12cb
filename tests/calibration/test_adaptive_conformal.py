"""Intervals that follow what came true: coverage holds, bounds keep their sign and their order."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lstmcast.calibration.adaptive_conformal import MAX_LOG_FACTOR, apply_factors, extend_horizon, update_log_factors

ALPHA = np.array([0.2, 0.05])


def test_one_miss_and_one_hit_by_hand() -> None:
    """θ rises by γ·(1 − α) after a miss and falls by γ·α after a hit, where all steps are alike."""
    missed = np.array([[[1.0]], [[0.0]]])
    after = update_log_factors(np.zeros((2, 1, 1)), missed, ALPHA, 0.1)
    assert after.ravel() == pytest.approx([0.08, -0.005])


def test_half_of_an_update_applies_to_all_steps() -> None:
    """Of two steps, one missed and one held: each moves by half its own surprise and half the mean of both."""
    after = update_log_factors(np.zeros((1, 1, 2)), np.array([[[1.0, 0.0]]]), np.array([0.2]), 0.1)
    mean = (0.8 - 0.2) / 2
    assert after.ravel() == pytest.approx([0.1 * (0.4 + mean / 2), 0.1 * (-0.1 + mean / 2)])


def test_what_is_not_known_moves_nothing_of_its_own() -> None:
    """A step without an outcome moves with the others only; without any outcome nothing moves."""
    nothing = np.full((2, 3, 4), np.nan)
    theta = np.random.default_rng(0).normal(size=(2, 3, 4))
    assert np.array_equal(update_log_factors(theta, nothing, ALPHA, 0.3), theta)
    one = update_log_factors(np.zeros((1, 1, 2)), np.array([[[1.0, np.nan]]]), np.array([0.2]), 0.1)
    assert one.ravel() == pytest.approx([0.08, 0.04])


@pytest.mark.parametrize("delay", [1, 14])
def test_coverage_holds_when_the_noise_doubles(delay: int) -> None:
    """Over a year after the noise doubles, an 80 % interval for it covers 80 % ± 4, where a fixed one covers 48 %."""
    noise = np.random.default_rng(delay).normal(size=(1, 400, 1000))
    noise[:, :, 500:] *= 2
    theta, hits, issued = np.zeros((1, 400, 1)), [], []
    for t in range(1000):
        issued.append(theta)
        if t >= delay:  # what was issued so long ago comes true now
            missed = np.abs(noise[:, :, t, None]) > 1.2816 * np.exp(issued[t - delay])
            theta = update_log_factors(theta, missed.astype(float), np.array([0.2]), 0.1)
            hits.append(1 - missed.mean())
    assert np.mean(hits[-500 : -500 + 365]) == pytest.approx(0.8, abs=0.04)
    assert np.mean(np.abs(noise[:, :, 500:]) < 1.2816) == pytest.approx(0.478, abs=0.01)


def test_the_long_run_miss_rate_is_bounded_by_the_updates() -> None:
    """Whatever comes, |misses / T − α| ≤ |θ_T − θ_0| / (γ·T): the identity behind the method."""
    rng = np.random.default_rng(3)
    missed = rng.integers(0, 2, size=(300, 1, 1, 1)).astype(float) * rng.integers(0, 2, size=(300, 1, 1, 1))
    theta = np.zeros((1, 1, 1))
    for one in missed:
        theta = update_log_factors(theta, one, np.array([0.2]), 0.05)
        assert abs(theta.item()) < MAX_LOG_FACTOR
    assert missed.mean() - 0.2 == pytest.approx(theta.item() / (0.05 * 300))


def test_a_factor_stays_within_bounds() -> None:
    """Misses without end, as of a series that jumps out of every interval, do not make a factor infinite."""
    theta = np.zeros((1, 1, 1))
    for _ in range(1000):
        theta = update_log_factors(theta, np.ones((1, 1, 1)), np.array([0.2]), 0.3)
    assert theta.item() == MAX_LOG_FACTOR


def test_later_steps_begin_where_the_last_one_stands() -> None:
    """A longer horizon takes the last step's θ, a shorter one cuts."""
    theta = np.array([[[1.0, 2.0]]])
    assert extend_horizon(theta, 4).tolist() == [[[1.0, 2.0, 2.0, 2.0]]]
    assert extend_horizon(theta, 1).tolist() == [[[1.0]]]


def test_widening_by_hand() -> None:
    """Twice the upper half; the lower half twice in logarithms where its bound is positive, else twice as it is."""
    values = np.array([[8.0, 8.0]])
    lower, upper = apply_factors(values, np.array([[[4.0, -2.0]]]), np.array([[[10.0, 9.0]]]), np.full((1, 1, 2), 2.0))
    assert lower.ravel() == pytest.approx([8 * (4 / 8) ** 2, 8 - 2 * 10])
    assert upper.ravel() == pytest.approx([12.0, 10.0])


def test_a_factor_of_one_changes_nothing() -> None:
    """Bounds come out as they went in, to rounding."""
    rng = np.random.default_rng(0)
    values = rng.uniform(1, 9, size=(3, 5))
    half = np.array([0.5, 0.9])[:, None, None] * values
    lower, upper = apply_factors(values, values - half, values + half, np.ones((2, 3, 5)))
    assert np.allclose(lower, values - half, rtol=1e-14)
    assert np.array_equal(upper, values + half)


@given(
    hnp.arrays(np.float64, (1, 4), elements=st.floats(1e-3, 1e6)),
    hnp.arrays(np.float64, (2, 1, 4), elements=st.floats(1e-3, 0.999)),
    hnp.arrays(np.float64, (2, 1, 4), elements=st.floats(math.exp(-MAX_LOG_FACTOR), math.exp(MAX_LOG_FACTOR))),
)
def test_bounds_keep_sign_and_order(values: np.ndarray, weight: np.ndarray, factors: np.ndarray) -> None:
    """Of what is positive: no bound becomes negative, no width either, and the outer interval holds the inner."""
    inner_first = np.sort(weight, axis=0)[::-1]
    lower, upper = apply_factors(values, values * inner_first, values * (2 - inner_first), factors)
    assert (lower >= 0).all()
    assert (lower <= values).all()
    assert (upper >= values).all()
    assert (lower[1] <= lower[0]).all()
    assert (upper[1] >= upper[0]).all()
