"""Conformal calibration: ranks by hand, the promised coverage by simulation, and widths that behave."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lstmcast.evaluation.intervals import ENOUGH, Calibration, calibrate, cross_coverage

NAN = float("nan")
RNG_SEED = 20261120


def test_a_quantile_is_the_rank_that_the_sample_size_asks_for() -> None:
    """Of 1 … 9, 50 % is the 5th, 75 % the ⌈7.5⌉ = 8th, 80 % the 8th; 95 % would be the 10th, and is the largest."""
    scores = np.random.default_rng(0).permutation(np.arange(1.0, 10.0))[:, None]
    said = calibrate(scores, [95, 50, 80, 75])
    assert said.levels == (50, 75, 80, 95)
    np.testing.assert_array_equal(said.widths, [[5], [8], [8], [9]])


@pytest.mark.parametrize(("n", "level", "rank"), [(19, 95, 19), (20, 95, 20), (39, 95, 38), (4, 80, 4), (199, 99, 198)])
def test_ranks_do_not_slip_where_the_product_is_a_whole_number(n: int, level: float, rank: int) -> None:
    """⌈(n + 1)·level⌉ worked by hand: 20·0.95 = 19, ⌈21·0.95⌉ = 20, 40·0.95 = 38, 5·0.8 = 4, 200·0.99 = 198."""
    assert calibrate(np.arange(1.0, n + 1)[:, None], [level]).widths[0, 0] == rank


def test_many_scores_give_each_step_its_own_quantile() -> None:
    """With 249 scores a step, 80 % is the 200th of each; NaN is not a score."""
    scores = np.arange(1.0, 250.0)[:, None] * [1.0, 10.0, 4.0]
    scores = np.concatenate([scores, np.full((7, 3), NAN)])
    np.testing.assert_allclose(calibrate(scores, [80]).widths, [[200, 2000, 800]])


def test_few_scores_are_pooled_over_the_steps() -> None:
    """Steps with mean scores 2 and 4: divided by these, the pool is .5 1.5 | .5 1.5; 60 % is its 3rd: 1.5 · (2, 4)."""
    said = calibrate(np.array([[1.0, 6.0], [3.0, 2.0]]), [60, 40])
    np.testing.assert_allclose(said.widths, [[0.5 * 2, 0.5 * 4], [1.5 * 2, 1.5 * 4]])


def test_pooled_widths_do_not_fall_with_the_step() -> None:
    """A third step that happened to be easier is no narrower than the second; exact first steps are as wide as it."""
    scores = np.array([[0.0, 0.004, 0.001], [0.0, 0.002, 0.001]])
    np.testing.assert_allclose(calibrate(scores, [99]).widths, [[0.004, 0.004, 0.004]])


def test_exact_forecasts_have_no_width() -> None:
    """Scores that are all 0 make widths of 0."""
    np.testing.assert_array_equal(calibrate(np.zeros((5, 3)), [80, 95]).widths, np.zeros((2, 3)))


def test_widths_grow_with_the_root_of_the_step_beyond_what_was_calibrated() -> None:
    """Calibrated for 4 steps: the 16th is twice as wide as the 4th; a shorter horizon takes the first steps."""
    known = Calibration((80.0,), np.array([[1.0, 2.0, 2.5, 3.0]]))
    np.testing.assert_allclose(known.at(16)[0, [0, 3, 4, 15]], [1, 3, 3 * math.sqrt(5 / 4), 6])
    np.testing.assert_array_equal(known.at(2), [[1, 2]])


def test_bounds_are_the_forecast_plus_and_minus_the_spread_times_the_width() -> None:
    """Two levels, two forecasts with spreads 1 and 10."""
    lower, upper = Calibration((50.0, 90.0), np.array([[1.0, 2.0], [3.0, 4.0]])).bounds(
        np.array([[0.0, 5.0], [100.0, 200.0]]), np.array([1.0, 10.0])
    )
    np.testing.assert_array_equal(lower, [[[-1, 3], [90, 180]], [[-3, 1], [70, 160]]])
    np.testing.assert_array_equal(upper, [[[1, 7], [110, 220]], [[3, 9], [130, 240]]])


@settings(deadline=None)
@given(
    hnp.arrays(np.float64, st.tuples(st.integers(2, 30), st.integers(1, 5)), elements=st.floats(0, 1e9)),
    st.lists(st.floats(1, 99.9), min_size=1, max_size=4),
    st.integers(1, 20),
)
def test_widths_are_finite_nested_and_never_negative(scores: np.ndarray, levels: list[float], horizon: int) -> None:
    """Whatever the scores, the horizon and the order of the levels; pooled widths never fall with the step."""
    widths = calibrate(scores, levels).at(horizon)
    assert np.isfinite(widths).all()
    assert (widths >= 0).all()
    assert (np.diff(widths, axis=0) >= 0).all()
    assert (np.diff(widths, axis=1) >= -1e-9 * widths[:, 1:]).all()


@pytest.mark.parametrize(("n", "level"), [(19, 80), (30, 90), (ENOUGH + 3, 80), (9, 95)])
def test_coverage_is_what_a_finite_sample_promises(n: int, level: float) -> None:
    """A new score of the same distribution lies within the width with probability rank / (n + 1), whatever it is."""
    rng = np.random.default_rng(RNG_SEED)
    scores = rng.lognormal(sigma=2, size=(4000, n + 1))
    inside = [row[-1] <= calibrate(row[:-1, None], [level]).widths[0, 0] for row in scores]
    promised = min(math.ceil((n + 1) * level / 100), n) / (n + 1)
    assert np.mean(inside) == pytest.approx(promised, abs=4 * math.sqrt(promised * (1 - promised) / 4000))


def test_cross_coverage_by_hand() -> None:
    """Fold 0 scores 1 2 3 against 9 (all inside); fold 1 scores 9 against 1 2 3, whose 50 % is 2 (outside)."""
    all_, steps = cross_coverage(np.array([[1.0], [2.0], [3.0], [9.0]]), np.array([0, 0, 0, 1]), [50])
    np.testing.assert_array_equal(all_, [0.75])
    np.testing.assert_array_equal(steps, [[0.75]])


def test_cross_coverage_leaves_out_what_is_not_known() -> None:
    """A step that no origin knows is NaN, and the total counts the others alone."""
    scores = np.array([[1.0, NAN], [2.0, NAN], [3.0, NAN], [4.0, NAN]])
    all_, steps = cross_coverage(scores, np.array([0, 0, 1, 1]), [50, 90])
    np.testing.assert_array_equal(all_, [0.5, 0.5])  # 1 and 2 lie below 3 and 4, which lie above 2
    np.testing.assert_array_equal(steps, [[0.5, NAN], [0.5, NAN]])


@pytest.mark.parametrize("known", [[0], []])
def test_cross_coverage_is_undefined_where_one_fold_knows_everything(known: list[int]) -> None:
    """A single fold, or one fold that alone has scores, cannot be held against others."""
    scores = np.full((4, 1), NAN)
    scores[known] = 1.0
    assert np.isnan(cross_coverage(scores, np.array([0, 1, 1, 1]), [80])[0]).all()
    assert np.isnan(cross_coverage(np.ones((4, 1)), np.zeros(4, np.int64), [80])[0]).all()


def test_cross_coverage_of_exchangeable_scores_is_nominal() -> None:
    """3,000 origins of the same distribution in five folds: each level is met to within two points, at each step."""
    rng = np.random.default_rng(RNG_SEED)
    scores = np.abs(rng.standard_t(4, size=(3000, 3))) * [1.0, 2.0, 3.0]
    all_, steps = cross_coverage(scores, np.arange(3000) % 5, [50, 80, 95])
    np.testing.assert_allclose(all_, [0.5, 0.8, 0.95], atol=0.015)
    np.testing.assert_allclose(steps, np.array([[0.5], [0.8], [0.95]]) * np.ones(3), atol=0.03)
