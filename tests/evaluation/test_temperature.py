"""Probabilities as bold as they are right."""

from __future__ import annotations

import numpy as np
import pytest

from lstmcast.evaluation.temperature import BOLDEST, SHYEST, softmax, temperature


def cross_entropy(raw: np.ndarray, actual: np.ndarray, t: float) -> float:
    """Mean −log p of what came, in a plain loop."""
    total = 0.0
    for row, k in zip(raw.tolist(), actual.tolist(), strict=True):
        total -= row[k] / t - np.log(sum(np.exp(value / t) for value in row))
    return total / len(raw)


def test_softmax_of_three_known_numbers() -> None:
    """Logs of 1, 2 and 5 are shares of 1/8, 2/8 and 5/8; at T = 2 their roots; huge numbers do not overflow."""
    raw = np.log([[1.0, 2.0, 5.0]])
    np.testing.assert_allclose(softmax(raw), [[0.125, 0.25, 0.625]], rtol=1e-12)
    roots = np.sqrt([1.0, 2.0, 5.0])
    np.testing.assert_allclose(softmax(raw, 2.0)[0], roots / roots.sum(), rtol=1e-12)
    np.testing.assert_allclose(softmax(np.array([[1e4, 0.0]])), [[1.0, 0.0]])


def test_no_temperature_on_a_fine_grid_is_better() -> None:
    """The cross-entropy at the temperature found is the smallest of a grid of a thousand."""
    rng = np.random.default_rng(0)
    raw = 4 * rng.normal(size=(200, 5))
    actual = np.array([rng.choice(5, p=row) for row in softmax(raw, 2.5)])
    found = temperature(raw, actual)
    best = min(cross_entropy(raw, actual, t) for t in np.geomspace(BOLDEST, SHYEST, 1000))
    assert cross_entropy(raw, actual, found) <= best + 1e-12
    assert found == pytest.approx(2.5, rel=0.2)


def test_it_stays_within_bounds() -> None:
    """Where everything is right the boldest, where it says the opposite the shyest, where nothing came 1."""
    raw = np.array([[2.0, 0.0], [0.0, 2.0]])
    assert temperature(raw, np.array([0, 1])) == pytest.approx(BOLDEST)
    assert temperature(raw, np.array([1, 0])) == pytest.approx(SHYEST)
    assert temperature(raw[:0], np.array([], dtype=np.int64)) == 1.0
