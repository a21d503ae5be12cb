"""Bounds from the past values of series whose values repeat."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lstmcast.calibration.repeated_values import PastValues, WeightedSample, blend_repeated, history_steps

Floats = npt.NDArray[np.float64]
LEVELS, HORIZON = (80.0, 95.0), 10


def past_of(values: Floats, season: int = 7) -> PastValues:
    """All values of one series are known."""
    return PastValues(values[None], np.ones((1, len(values)), np.bool_), season)


def bounds_of(values: Floats, season: int = 7, forecast: float | None = None) -> tuple[Floats, Floats]:
    """Bounds [Q, H] of one series that are 0 to 3 and 0 to 5 without the past values, around their mean."""
    middle = np.full((1, HORIZON), values.mean() if forecast is None else forecast)
    unit = np.abs(values).max() + 1.0
    before = np.zeros((2, 1, HORIZON)), np.ones((2, 1, HORIZON)) * np.array([3.0, 5.0])[:, None, None] * unit
    lower, upper = blend_repeated(past_of(values, season), middle, *before, LEVELS)
    return lower[:, 0], upper[:, 0]


def demand(rate: float, size: float, seed: int = 0, n: int = history_steps(7)) -> Floats:
    """Demand on some steps at random, and 0 on all others."""
    rng = np.random.default_rng(seed)
    return np.asarray((rng.random(n) < rate) * (1.0 + rng.poisson(size, n)))


@given(arrays(np.float64, st.integers(2, 60), elements=st.integers(0, 4).map(float)), st.floats(0, 6))
def test_bounds_are_nested_around_the_forecast_and_not_negative(values: Floats, forecast: float) -> None:
    """For any counts, and a forecast of any size."""
    lower, upper = bounds_of(values, forecast=forecast)
    assert (lower >= 0).all()
    assert (lower[1] <= lower[0]).all()
    assert (lower[0] <= forecast + 1e-9).all()
    assert (upper[0] >= forecast - 1e-9).all()
    assert (upper[1] >= upper[0]).all()


@given(arrays(np.float64, st.integers(10, 60), elements=st.integers(0, 4).map(float)), st.floats(1e-3, 1e6))
def test_scaled_values_have_scaled_bounds(values: Floats, factor: float) -> None:
    """The sample has no unit of its own."""
    sample, scaled = (
        WeightedSample.of(v[None], np.arange(len(v), 0, -1), 7, HORIZON) for v in (values, factor * values)
    )
    np.testing.assert_allclose(scaled.weights, sample.weights, rtol=1e-6, atol=1e-9)
    middle = np.full((1, HORIZON), values.mean())
    for bound, other in zip(sample.bounds(middle, LEVELS), sample_bounds(sample, scaled, factor * middle), strict=True):
        np.testing.assert_allclose(other, factor * bound, rtol=1e-6, atol=1e-9 * factor)


def sample_bounds(sample: WeightedSample, scaled: WeightedSample, middle: Floats) -> tuple[Floats, Floats]:
    """Bounds of the scaled values with the weights of the others: a tie may be decided by rounding."""
    return WeightedSample(scaled.values, sample.weights, sample.persistence).bounds(middle, LEVELS)


@given(arrays(np.float64, st.integers(30, 60), elements=st.integers(0, 2).map(float)), st.integers(1, HORIZON))
def test_a_longer_forecast_begins_with_the_shorter_one(values: Floats, horizon: int) -> None:
    """The bounds at a lead do not depend on the horizon."""
    ages = np.arange(len(values), 0, -1)
    shorter, longer = (
        WeightedSample.of(values[None], ages, 7, h).bounds(np.full((1, h), values.mean()), LEVELS)
        for h in (horizon, HORIZON)
    )
    for short, long in zip(shorter, longer, strict=True):
        np.testing.assert_array_equal(short, long[..., :horizon])


@pytest.mark.parametrize("rate", [0.03, 0.1, 0.3, 0.6])
def test_rare_demand_has_a_width_and_contains_zero(rate: float) -> None:
    """Also after a stretch of zeros, and the outer interval is wider."""
    values = np.append(demand(rate, 1.0)[40:], np.zeros(40))
    lower, upper = bounds_of(values)
    assert (lower == 0).all()
    assert (upper > 0).all()
    assert (upper[1] > upper[0]).all()


def test_the_lower_bound_is_zero_if_zeros_are_frequent() -> None:
    """More than a tenth of zeros are inside the 80 % interval, and fewer are not."""
    rng = np.random.default_rng(0)
    for zeros, expected in ((0.15, 0.0), (0.05, 1.0)):
        lower, _ = bounds_of((rng.random(256) > zeros) * (1.0 + rng.poisson(1.0, 256)), season=1)
        assert (lower[0] == expected).all()


@pytest.mark.parametrize("rate", [0.1, 0.3, 0.5])
def test_coverage_is_near_the_level(rate: float) -> None:
    """As near as integers make possible, about."""
    values = demand(rate, 2.0, n=60_000)
    inside = np.zeros(2)
    for k in range(60):
        _, upper = bounds_of(values[k * 256 : (k + 1) * 256], season=1)
        inside += (values[-10_000:] <= upper[:, :1]).mean(axis=1) / 60
    fractions = np.array(LEVELS) / 100
    possible = np.array([(values <= v).mean() for v in range(12)])
    nearest = np.abs(possible[:, None] - fractions).min(axis=0)
    assert (np.abs(inside - fractions) <= nearest + 0.02).all()


def test_phases_of_a_clear_season_have_their_own_bounds() -> None:
    """A day of the week without demand has an upper bound below that of the others."""
    rng = np.random.default_rng(0)
    values = rng.poisson(3.0, 252) * (np.arange(252) % 7 != 0)
    _, upper = bounds_of(values.astype(float), forecast=0.5)
    assert upper[0, 0] < 1 < upper[0, 1]
    assert upper[0, 7] < 1 < upper[0, 8]


@pytest.mark.parametrize(
    "values",
    [
        pytest.param(np.full(200, 3.0), id="constant"),
        pytest.param(np.tile([0.0, 0, 0, 2, 1, 0, 5], 30), id="exactly periodic"),
        pytest.param(np.repeat(np.arange(4.0), 50), id="a counter"),
        pytest.param(np.repeat([2.0, 2.25, 2.5, 2.25], 50), id="a rate that is set"),
        pytest.param(np.random.default_rng(0).normal(100, 9, 200), id="values that do not repeat"),
        pytest.param(np.random.default_rng(0).integers(-2, 3, 200).astype(float), id="negative values"),
    ],
)
def test_other_series_keep_their_bounds(values: Floats) -> None:
    """If values persist, do not repeat, or are negative."""
    lower, upper = bounds_of(values)
    unit = np.abs(values).max() + 1.0
    np.testing.assert_array_equal(lower, np.zeros_like(lower))
    np.testing.assert_array_equal(upper, np.outer([3.0, 5.0], np.ones(HORIZON)) * unit)


def test_unknown_values_are_not_in_the_sample() -> None:
    """Series with different unknown values are computed apart, and as if these had not been there."""
    values = np.stack([demand(0.3, 1.0, seed) for seed in (1, 2)])
    known = np.ones(values.shape, np.bool_)
    known[1, 100:150] = False
    filled = np.where(known, values, 40.0)
    middle, before = np.full((2, HORIZON), 0.5), (np.zeros((2, 2, HORIZON)), np.full((2, 2, HORIZON), 9.0))
    found = blend_repeated(PastValues(filled, known, 7), middle, *before, LEVELS)
    for row in (0, 1):
        one = PastValues(values[[row]], known[[row]], 7)
        alone = blend_repeated(one, middle[:1], *(side[:, :1] for side in before), LEVELS)
        for both, single in zip(found, alone, strict=True):
            np.testing.assert_allclose(both[:, row], single[:, 0])
