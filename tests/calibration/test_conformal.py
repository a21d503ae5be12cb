"""Conformal calibration: ranks by hand, the promised coverage by simulation, and widths that behave."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lstmcast.calibration.conformal import MIN_ORIGINS_PER_STEP, Calibration, calibrate, cross_coverage

NAN = float("nan")
RNG_SEED = 20261120


def alike(scores: np.ndarray | list[list[float]]) -> np.ndarray:
    """[B, H] scores that are those of every level: [1, B, H]."""
    return np.asarray(scores)[None]


def test_a_quantile_is_the_rank_that_the_sample_size_asks_for() -> None:
    """Of 1 … 9, 50 % is the 5th, 75 % the ⌈7.5⌉ = 8th, 80 % the 8th; 95 % would be the 10th, and is the largest."""
    scores = np.random.default_rng(0).permutation(np.arange(1.0, 10.0))[:, None]
    calibration = calibrate(alike(scores), [50, 75, 80, 95])
    assert calibration.levels == (50, 75, 80, 95)
    np.testing.assert_array_equal(calibration.widths, [[5], [8], [8], [9]])


@pytest.mark.parametrize(("n", "level", "rank"), [(19, 95, 19), (20, 95, 20), (39, 95, 38), (4, 80, 4), (199, 99, 198)])
def test_ranks_do_not_slip_where_the_product_is_a_whole_number(n: int, level: float, rank: int) -> None:
    """⌈(n + 1)·level⌉ worked by hand: 20·0.95 = 19, ⌈21·0.95⌉ = 20, 40·0.95 = 38, 5·0.8 = 4, 200·0.99 = 198."""
    assert calibrate(alike(np.arange(1.0, n + 1)[:, None]), [level]).widths[0, 0] == rank


def test_many_scores_give_each_step_its_own_quantile() -> None:
    """With 249 scores a step, 80 % is the 200th of each; NaN is not a score."""
    scores = np.arange(1.0, 250.0)[:, None] * [1.0, 10.0, 4.0]
    scores = np.concatenate([scores, np.full((7, 3), NAN)])
    np.testing.assert_allclose(calibrate(alike(scores), [80]).widths, [[200, 2000, 800]])


def test_few_scores_are_pooled_over_the_steps() -> None:
    """Steps with mean scores 2 and 4: divided by these, the pool is .5 1.5 | .5 1.5; 60 % is its 3rd: 1.5 · (2, 4)."""
    calibration = calibrate(alike([[1.0, 6.0], [3.0, 2.0]]), [40, 60])
    np.testing.assert_allclose(calibration.widths, [[0.5 * 2, 0.5 * 4], [1.5 * 2, 1.5 * 4]])


def test_pooled_widths_do_not_fall_with_the_step() -> None:
    """A third step that happened to be easier is no narrower than the second; exact first steps are as wide as it."""
    scores = np.array([[0.0, 0.004, 0.001], [0.0, 0.002, 0.001]])
    np.testing.assert_allclose(calibrate(alike(scores), [99]).widths, [[0.004, 0.004, 0.004]])


def test_widths_trusted_in_part_lie_nearer_to_one() -> None:
    """Half trusted, 4 and .25 become their roots, 2 and .5; not trusted at all, 1."""
    scores = np.array([[4.0, 0.25]] * MIN_ORIGINS_PER_STEP)
    for trust, widths in ((1.0, [4, 0.25]), (0.5, [2, 0.5]), (0.0, [1, 1])):
        np.testing.assert_allclose(calibrate(alike(scores), [80], trust=trust).widths, [widths])


def test_exact_forecasts_have_no_width() -> None:
    """Scores that are all 0 make widths of 0."""
    np.testing.assert_array_equal(calibrate(np.zeros((1, 5, 3)), [80, 95]).widths, np.zeros((2, 3)))


def test_widths_grow_with_the_root_of_the_step_beyond_what_was_calibrated() -> None:
    """Calibrated for 4 steps: the 16th is twice as wide as the 4th; a shorter horizon takes the first steps."""
    known = Calibration((80.0,), np.array([[1.0, 2.0, 2.5, 3.0]]))
    np.testing.assert_allclose(known.widths_at(16)[0, [0, 3, 4, 15]], [1, 3, 3 * math.sqrt(5 / 4), 6])
    np.testing.assert_array_equal(known.widths_at(2), [[1, 2]])


def test_bounds_are_the_forecast_plus_and_minus_the_unit_times_the_width() -> None:
    """Two levels, two forecasts with units 1 and 10, the same on both sides and for all levels."""
    unit = np.array([[[1.0, 1.0], [10.0, 10.0]]])
    lower, upper = Calibration((50.0, 90.0), np.array([[1.0, 2.0], [3.0, 4.0]])).bounds(
        np.array([[0.0, 5.0], [100.0, 200.0]]), unit, unit
    )
    np.testing.assert_array_equal(lower, [[[-1, 3], [90, 180]], [[-3, 1], [70, 160]]])
    np.testing.assert_array_equal(upper, [[[1, 7], [110, 220]], [[3, 9], [130, 240]]])


def test_bounds_of_units_that_differ_by_side_and_level_by_hand() -> None:
    """Widths 2 and 3 of a forecast of 10: 2 · 1 and 3 · 4 below, 2 · 0.5 and 3 · 1 above; beyond, they grow by √2."""
    below, above = np.array([[[1.0, 1.0]], [[4.0, 4.0]]]), np.array([[[0.5, 0.5]], [[1.0, 1.0]]])
    z, grown = np.array([[10.0, 10.0]]), math.sqrt(2)
    lower, upper = Calibration((50.0, 90.0), np.array([[2.0], [3.0]])).bounds(z, below, above)
    np.testing.assert_allclose(lower, [[[8, 10 - 2 * grown]], [[-2, 10 - 12 * grown]]])
    np.testing.assert_allclose(upper, [[[11, 10 + grown]], [[13, 10 + 3 * grown]]])


def test_an_outer_interval_holds_every_inner_one_by_hand() -> None:
    """90 % with a width of 1 in units of 2 lies inside 50 % with 3 in units of 1: it is moved to it, only below."""
    below, above = np.array([[[1.0]], [[2.0]]]), np.array([[[1.0]], [[4.0]]])
    lower, upper = Calibration((50.0, 90.0), np.array([[3.0], [1.0]])).bounds(np.zeros((1, 1)), below, above)
    np.testing.assert_array_equal(lower[:, 0, 0], [-3, -3])
    np.testing.assert_array_equal(upper[:, 0, 0], [3, 4])


@settings(deadline=None)
@given(st.data(), st.integers(1, 4), st.integers(1, 5), st.integers(1, 8), st.booleans())
def test_bounds_nest_whatever_the_units(data: st.DataObject, n: int, known: int, horizon: int, alike: bool) -> None:
    """Any widths and any positive units of any level: lower_outer ≤ lower_inner ≤ z ≤ upper_inner ≤ upper_outer."""
    positive = st.floats(1e-6, 1e6)
    widths = data.draw(hnp.arrays(np.float64, (n, known), elements=st.floats(0, 1e6)))
    shape = (1 if alike else n, 3, horizon)
    below, above = (data.draw(hnp.arrays(np.float64, shape, elements=positive)) for _ in range(2))
    z = data.draw(hnp.arrays(np.float64, (3, horizon), elements=st.floats(-1e6, 1e6)))
    lower, upper = Calibration(tuple(range(10, 10 + n)), widths).bounds(z, below, above)
    assert lower.shape == upper.shape == (n, 3, horizon)
    ordered = np.concatenate([lower[::-1], z[None], upper])
    assert (np.diff(ordered, axis=0) >= 0).all()


def test_no_levels_have_no_bounds() -> None:
    """Of nothing there are no widths and no bounds, in the right shapes."""
    none = calibrate(np.ones((1, 4, 3)), [])
    assert (none.levels, none.widths.shape) == ((), (0, 3))
    lower, upper = none.bounds(np.zeros((2, 5)), np.ones((1, 2, 5)), np.ones((1, 2, 5)))
    assert lower.shape == upper.shape == (0, 2, 5)


def test_levels_with_scores_of_their_own_are_calibrated_by_their_own() -> None:
    """Of 1 … 9 the 50 % is the 5th, of ten times as many the 80 % the 8th, and of 3 … 11 the 95 % the largest."""
    scores = np.stack([np.arange(1.0, 10.0), 10 * np.arange(1.0, 10.0), np.arange(3.0, 12.0)])[..., None]
    np.testing.assert_array_equal(calibrate(scores, [50, 80, 95]).widths, [[5], [80], [11]])
    many = np.stack([np.arange(1.0, 250.0), 2 * np.arange(1.0, 250.0)])[..., None] * [1.0, 3.0]
    np.testing.assert_array_equal(calibrate(many, [80, 80.4]).widths, [[200, 600], [402, 1206]])


def test_the_widths_of_bounds_that_are_right_already_are_one() -> None:
    """If the predicted bounds are the true quantiles of a skewed error, calibration keeps them."""
    rng, levels = np.random.default_rng(RNG_SEED), [50.0, 90.0]
    off = rng.exponential(size=(20_000, 1)) * np.where(rng.random((20_000, 1)) < 0.5, -1.0, 5.0)
    far = np.array([[-math.log(1 - level / 100)] for level in levels])[..., None]  # of the exponential
    unit = np.where(off < 0, far, 5 * far)
    np.testing.assert_allclose(calibrate(np.abs(off) / unit, levels).widths, 1.0, atol=0.04)


@settings(deadline=None)
@given(
    hnp.arrays(np.float64, st.tuples(st.integers(2, 30), st.integers(1, 5)), elements=st.floats(0, 1e9)),
    st.lists(st.floats(1, 99.9), min_size=1, max_size=4).map(sorted),
    st.integers(1, 20),
)
def test_widths_are_finite_nested_and_never_negative(scores: np.ndarray, levels: list[float], horizon: int) -> None:
    """Whatever the scores, the horizon and the levels; pooled widths never fall with the step."""
    widths = calibrate(alike(scores), levels).widths_at(horizon)
    assert np.isfinite(widths).all()
    assert (widths >= 0).all()
    assert (np.diff(widths, axis=0) >= 0).all()
    assert (np.diff(widths, axis=1) >= -1e-9 * widths[:, 1:]).all()


@pytest.mark.parametrize(("n", "level"), [(19, 80), (30, 90), (MIN_ORIGINS_PER_STEP + 3, 80), (9, 95)])
def test_coverage_is_what_a_finite_sample_promises(n: int, level: float) -> None:
    """A new score of the same distribution lies within the width with probability rank / (n + 1), whatever it is."""
    rng = np.random.default_rng(RNG_SEED)
    scores = rng.lognormal(sigma=2, size=(4000, n + 1))
    inside = [row[-1] <= calibrate(alike(row[:-1, None]), [level]).widths[0, 0] for row in scores]
    promised = min(math.ceil((n + 1) * level / 100), n) / (n + 1)
    assert np.mean(inside) == pytest.approx(promised, abs=4 * math.sqrt(promised * (1 - promised) / 4000))


def test_cross_coverage_by_hand() -> None:
    """Fold 0 scores 1 2 3 against 9 (all inside); fold 1 scores 9 against 1 2 3, whose 50 % is 2 (outside)."""
    all_, steps = cross_coverage(alike([[1.0], [2.0], [3.0], [9.0]]), np.array([0, 0, 0, 1]), [50])
    np.testing.assert_array_equal(all_, [0.75])
    np.testing.assert_array_equal(steps, [[0.75]])


def test_cross_coverage_counts_intervals_that_are_not_calibrated_as_they_are() -> None:
    """The hand example, with the last origin inside; an unknown outcome remains unknown."""
    scores = alike([[1.0], [2.0], [3.0], [9.0], [NAN]])
    inside = np.array([NAN, NAN, NAN, 1.0, 1.0])[None, :, None]
    all_, steps = cross_coverage(scores, np.array([0, 0, 0, 1, 1]), [50], inside=inside)
    np.testing.assert_array_equal(all_, [1.0])
    np.testing.assert_array_equal(steps, [[1.0]])


def test_cross_coverage_uses_the_calibration_weight() -> None:
    """Folds with scores of 2 and of 16: 16 covers 2, and so does its root; 2 does not cover 16."""
    scores, folds = alike([[2.0], [2.0], [16.0], [16.0]]), np.array([0, 0, 1, 1])
    assert cross_coverage(scores, folds, [80])[0] == 0.5
    assert cross_coverage(scores, folds, [80], trust=0.5)[0] == 0.5
    assert cross_coverage(scores, folds, [80], trust=0.0)[0] == 0.0


def test_cross_coverage_leaves_out_what_is_not_known() -> None:
    """A step that no origin knows is NaN, and the total counts the others alone."""
    scores = np.array([[1.0, NAN], [2.0, NAN], [3.0, NAN], [4.0, NAN]])
    all_, steps = cross_coverage(alike(scores), np.array([0, 0, 1, 1]), [50, 90])
    np.testing.assert_array_equal(all_, [0.5, 0.5])  # 1 and 2 lie below 3 and 4, which lie above 2
    np.testing.assert_array_equal(steps, [[0.5, NAN], [0.5, NAN]])


@pytest.mark.parametrize("known", [[0], []])
def test_cross_coverage_is_undefined_where_one_fold_knows_everything(known: list[int]) -> None:
    """A single fold, or one fold that alone has scores, cannot be held against others."""
    scores = np.full((4, 1), NAN)
    scores[known] = 1.0
    assert np.isnan(cross_coverage(alike(scores), np.array([0, 1, 1, 1]), [80])[0]).all()
    assert np.isnan(cross_coverage(np.ones((1, 4, 1)), np.zeros(4, np.int64), [80])[0]).all()


def test_cross_coverage_of_exchangeable_scores_is_nominal() -> None:
    """3,000 origins of the same distribution in five folds: each level is met to within two points, at each step."""
    rng = np.random.default_rng(RNG_SEED)
    scores = np.abs(rng.standard_t(4, size=(3000, 3))) * [1.0, 2.0, 3.0]
    all_, steps = cross_coverage(alike(scores), np.arange(3000) % 5, [50, 80, 95])
    np.testing.assert_allclose(all_, [0.5, 0.8, 0.95], atol=0.015)
    np.testing.assert_allclose(steps, np.array([[0.5], [0.8], [0.95]]) * np.ones(3), atol=0.03)


def test_cross_coverage_of_levels_with_scores_of_their_own_by_hand() -> None:
    """Each level against its own widths: 1 1 | 5 5 at 50 % is half covered, 5 1 | 1 5 at 90 % wholly."""
    scores = np.array([[1.0, 1, 5, 5], [5, 1, 1, 5]])[..., None]
    all_, steps = cross_coverage(scores, np.array([0, 0, 1, 1]), [50, 90])
    np.testing.assert_array_equal(all_, [0.5, 1.0])
    np.testing.assert_array_equal(steps, [[0.5], [1.0]])


def test_origins_near_to_a_fold_do_not_calibrate_for_it() -> None:
    """Fold 1 scores 2; of the others 9 is near to it, so 1 alone is its width; without that 9 would have held it."""
    scores, folds = alike([[1.0], [9.0], [2.0]]), np.array([0, 0, 1])
    near = np.array([[0, 0, 0], [0, 0, 1], [0, 1, 0]], bool)
    hits = [cross_coverage(scores, folds, [90], overlapping=which)[0].item() for which in (near, None)]
    assert hits == [0.0, pytest.approx(2 / 3)]
