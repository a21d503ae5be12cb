"""The baselines by hand, and against a loop over single steps."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lstmcast.evaluation.baselines import baselines, drift, naive, seasonal_naive

# Two series: 1 2 4 8 16 32 and 5 3.
VALUES = np.array([1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 5.0, 3.0])
FIRST, ORIGINS = np.array([0, 0, 6, 6]), np.array([5, 2, 1, 0])


def test_naive_by_hand() -> None:
    """The last value known at each origin, again and again."""
    np.testing.assert_array_equal(naive(VALUES, FIRST, ORIGINS, 2), [[32, 32], [4, 4], [3, 3], [5, 5]])


def test_seasonal_naive_by_hand() -> None:
    """The last three values repeat; two values are not a season of three, so the last one is repeated."""
    said = seasonal_naive(VALUES, FIRST, ORIGINS, 5, season=3)
    np.testing.assert_array_equal(said, [[8, 16, 32, 8, 16], [1, 2, 4, 1, 2], [3] * 5, [5] * 5])


def test_drift_by_hand() -> None:
    """From 1 to 32 in 5 steps is 6.2 a step, from 1 to 4 in 2 is 1.5, from 5 to 3 is -2; one value has no slope."""
    said = drift(VALUES, FIRST, ORIGINS, 2)
    np.testing.assert_allclose(said, [[38.2, 44.4], [5.5, 7], [1, -1], [5, 5]])


def test_the_seasonal_baseline_needs_a_season() -> None:
    """Without a season there are two baselines; with one there are three, under these names."""
    assert set(baselines(1)) == {"naive", "drift"}
    assert set(baselines(12)) == {"naive", "drift", "seasonal_naive"}
    said = baselines(2)["seasonal_naive"](VALUES, FIRST, ORIGINS, 3)
    np.testing.assert_array_equal(said, [[16, 32, 16], [2, 4, 2], [5, 3, 5], [5, 5, 5]])


def looped(known: list[float], name: str, step: int, season: int) -> float:
    """One baseline, one step ahead of what is known, by its definition."""
    if name == "drift":
        return known[-1] + step * (known[-1] - known[0]) / max(len(known) - 1, 1)
    if name == "seasonal_naive" and len(known) >= season:
        while step > 0:
            step -= season
        return known[-1 + step]
    return known[-1]


@settings(deadline=None)
@given(st.integers(1, 5), st.integers(2, 6), st.integers(1, 14), st.randoms(use_true_random=False))
def test_every_baseline_agrees_with_a_loop(n_series: int, season: int, horizon: int, random: object) -> None:
    """Series by series and step by step, from what lies at or before the origin alone."""
    rng = np.random.default_rng(random.randrange(2**32))  # type: ignore[attr-defined]
    lengths = rng.integers(1, 20, n_series)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    values, series = rng.normal(size=offsets[-1]), rng.integers(0, n_series, 10)
    origins = np.array([rng.integers(0, lengths[k]) for k in series])
    for name, rule in baselines(season).items():
        said = rule(values, offsets[series], origins, horizon)
        expected = [
            [looped(values[offsets[k] : offsets[k] + o + 1].tolist(), name, h, season) for h in range(1, horizon + 1)]
            for k, o in zip(series, origins, strict=True)
        ]
        np.testing.assert_allclose(said, expected, atol=1e-12)


@pytest.mark.parametrize("name", ["naive", "drift", "seasonal_naive"])
def test_nothing_after_the_origin_is_seen(name: str) -> None:
    """What comes later may be anything."""
    later = VALUES.copy()
    later[3:6], later[7] = -1e9, 1e9
    rule, origins = baselines(3)[name], np.array([2, 1, 0, 0])
    np.testing.assert_array_equal(rule(VALUES, FIRST, origins, 4), rule(later, FIRST, origins, 4))
