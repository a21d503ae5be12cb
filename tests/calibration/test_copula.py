"""Probabilities of paths: marginals, copula and draws against closed forms."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lstmcast.calibration.copula import (
    MarginalDistributions,
    estimate_correlation,
    extend_correlations,
    quantile,
    sample_normal_scores,
)

pytestmark = pytest.mark.kernel

NORMAL = NormalDist()
LEVELS = (50.0, 80.0, 95.0)


def normal_marginals(mean: float, spread: float, steps: int) -> MarginalDistributions:
    """Normally distributed steps, given by their intervals."""
    half = np.array([NORMAL.inv_cdf(0.5 + level / 200) for level in LEVELS])[:, None] * np.full((1, steps), spread)
    values = np.full(steps, mean)
    return MarginalDistributions.of(values, values - half, values + half, LEVELS)


def test_normal_intervals_give_a_normal_distribution() -> None:
    """Every percentile, also beyond the outermost interval, is that of the normal distribution."""
    marginals = normal_marginals(-10.0, 3.0, 1)
    for percent in (1, 5, 30, 50, 64, 90, 99):
        expected = NormalDist(-10, 3).inv_cdf(percent / 100)
        assert quantile(marginals, percent / 100)[0] == pytest.approx(expected), percent


def test_bounds_are_met_exactly() -> None:
    """Skewed intervals: the percentiles of each level are its bounds; in between it is straight in normal scores."""
    marginals = MarginalDistributions.of(
        np.array([0.0]), np.array([[-1.0], [-9.0]]), np.array([[2.0], [3.0]]), (80.0, 95.0)
    )
    for probability, value in ((0.1, -1.0), (0.025, -9.0), (0.9, 2.0), (0.975, 3.0), (0.5, 0.0)):
        assert quantile(marginals, probability)[0] == pytest.approx(value)
    half = NORMAL.cdf(NORMAL.inv_cdf(0.9) / 2)
    assert quantile(marginals, half)[0] == pytest.approx(1.0)


def test_what_is_positive_stays_positive() -> None:
    """With positive bounds the lower half is straight in logarithms: no path gets to 0."""
    marginals = MarginalDistributions.of(np.array([10.0]), np.array([[2.0]]), np.array([[11.0]]), (80.0,))
    assert quantile(marginals, 0.1)[0] == pytest.approx(2.0)
    assert 0 < marginals.at(np.array([-6.0]))[0] < 0.01


@given(st.lists(st.floats(-50, 150), min_size=1, max_size=5), st.booleans())
@example(actual=[2.3e-311], positive=False)
def test_scores_are_the_inverse_of_values(actual: list[float], positive: bool) -> None:
    """A value brought to its normal score and back is itself, wherever it lies within ± 6."""
    values = np.full(len(actual), 60.0)
    lower = np.stack([values - 10, values - (30 if positive else 90)])
    marginals = MarginalDistributions.of(values, lower, np.stack([values + 10, values + 40]), (80.0, 95.0))
    wanted = np.maximum(actual, 0.5) if positive else np.array(actual)
    score = marginals.score(wanted)
    inside = np.abs(score) < 6
    assert np.allclose(marginals.at(score)[inside], wanted[inside])
    assert np.isnan(marginals.score(np.full(len(actual), np.nan))).all()


def test_certain_forecasts() -> None:
    """Without intervals, or with intervals of no width, every path is the forecast."""
    values = np.array([1.0, 2.0])
    for marginals in (
        MarginalDistributions.of(values, np.empty((0, 2)), np.empty((0, 2)), ()),
        MarginalDistributions.of(values, values[None], values[None], (80.0,)),
    ):
        assert np.array_equal(marginals.at(np.array([[-2.0, 2.0]])), [values])
        assert marginals.score(values).tolist() == [0.0, 0.0]


def test_dependence_finds_the_correlations() -> None:
    """Of many held-out scores with known correlations, those are found."""
    true = 0.7 ** np.abs(np.arange(5)[:, None] - np.arange(5))
    scores = np.random.default_rng(0).multivariate_normal(np.zeros(5), true, size=20_000)
    scores[::7, 2] = np.nan
    assert np.allclose(estimate_correlation(scores), true, atol=0.02)


def test_few_forecasts_say_little() -> None:
    """Fewer than three: as in a random walk; a few: a valid correlation matrix, drawn towards a smooth one."""
    walk = estimate_correlation(np.zeros((2, 4)))
    assert walk[0] == pytest.approx(np.sqrt([1, 1 / 2, 1 / 3, 1 / 4]))
    few = estimate_correlation(np.random.default_rng(1).normal(size=(4, 30)))
    assert np.allclose(np.diagonal(few), 1)
    assert np.linalg.eigvalsh(few).min() > -1e-10


def test_longer_horizons_go_on_alike() -> None:
    """The known corner stays; later steps go together as the last ones that are as far apart do."""
    known = 0.5 ** np.abs(np.arange(3)[:, None] - np.arange(3))
    more = extend_correlations(known, 5)
    assert np.array_equal(more[:3, :3], known)
    assert more[4].tolist() == [0, 0, 0.25, 0.5, 1]
    assert np.array_equal(extend_correlations(known, 2), known[:2, :2])


def test_samples_have_the_given_correlations() -> None:
    """And are the same each time; an impossible matrix is drawn from as the nearest possible one."""
    true = 0.9 ** np.abs(np.arange(4)[:, None] - np.arange(4))
    sampled = sample_normal_scores(true, 50_000)
    assert np.allclose(np.corrcoef(sampled.T), true, atol=0.01)
    assert sampled.std(axis=0) == pytest.approx([1, 1, 1, 1], abs=0.02)
    assert np.array_equal(sample_normal_scores(true, 10), sample_normal_scores(true, 10))
    assert np.isfinite(sample_normal_scores(np.array([[1.0, 0.9, -0.9], [0.9, 1.0, 0.9], [-0.9, 0.9, 1.0]]), 10)).all()


def both_below(limit: float, correlation: float) -> float:
    """P(X < limit and Y < limit) of two standard normal numbers with a correlation: by summing over X."""
    if correlation == 1.0:
        return NORMAL.cdf(limit)
    z = np.linspace(-8, limit, 4001)
    rest = (1 - correlation**2) ** 0.5
    return sum(NORMAL.cdf((limit - correlation * x) / rest) * NORMAL.pdf(x) for x in z) * float(z[1] - z[0])


@pytest.mark.parametrize("correlation", [0.0, 0.6, 1.0])
def test_probability_that_a_path_crosses(correlation: float) -> None:
    """P(any of two steps > its 90th percentile): .19 where independent, .1 where one, and in between by quadrature."""
    both = np.array([[1.0, correlation], [correlation, 1.0]])
    marginals = normal_marginals(5.0, 2.0, 2)
    crossed = (marginals.at(sample_normal_scores(both, 100_000)) > quantile(marginals, 0.9)).any(axis=1).mean()
    assert crossed == pytest.approx(1 - both_below(NORMAL.inv_cdf(0.9), correlation), abs=0.005)
