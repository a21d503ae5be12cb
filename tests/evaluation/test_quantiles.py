"""Quantiles between those that are known, held against the distributions they were taken from."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest

from lstmcast.evaluation.quantiles import DECILES, interpolate_quantiles


def test_a_normal_distribution_is_found_again() -> None:
    """From its median and its 80 and 95 % bounds: every decile and the 2.5 % tails of N(10, 3)."""
    normal = NormalDist(10, 3)
    lower, upper = (np.array([[normal.inv_cdf(q)] for q in tails]) for tails in ((0.1, 0.025), (0.9, 0.975)))
    found = interpolate_quantiles((*DECILES, 0.025, 0.975), np.array([10.0]), (80, 95), lower, upper)
    np.testing.assert_allclose(found[:, 0], [normal.inv_cdf(q) for q in (*DECILES, 0.025, 0.975)], rtol=1e-12)


def test_each_side_has_its_own_width() -> None:
    """Half normals of width 1 below and 5 above 0: each side is that of its own distribution."""
    z = NormalDist().inv_cdf
    lower, upper = np.array([[[z(0.025)]]]), np.array([[[5 * z(0.975)]]])
    found = interpolate_quantiles((0.2, 0.5, 0.8), np.zeros((1, 1)), (95,), lower, upper)
    np.testing.assert_allclose(found[:, 0, 0], [z(0.2), 0, 5 * z(0.8)], rtol=1e-12)


def test_what_is_known_is_taken_as_it_is() -> None:
    """The bounds of 80 % are the deciles .1 and .9, to the byte, and an infinite bound beyond does not spoil them."""
    lower, upper = np.array([[0.1], [-np.inf]]), np.array([[0.7], [np.inf]])
    found = interpolate_quantiles((0.1, 0.5, 0.9), np.array([0.3]), (80, 95), lower, upper)
    assert found[:, 0].tolist() == [0.1, 0.3, 0.7]


@pytest.mark.parametrize("levels", [(), (50,)])
def test_nothing_is_invented_outside_the_widest_interval(levels: tuple[float, ...]) -> None:
    """Without a level of 80 or more, .1 and .9 are undefined; the median always is the forecast."""
    lower, upper = np.full((len(levels), 1), 1.0), np.full((len(levels), 1), 3.0)
    found = interpolate_quantiles((0.1, 0.5, 0.9), np.array([2.0]), levels, lower, upper)
    np.testing.assert_array_equal(found[:, 0], [np.nan, 2.0, np.nan])
