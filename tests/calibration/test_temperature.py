"""Probabilities as bold as they are right."""

from __future__ import annotations

import numpy as np
import pytest

from lstmcast.calibration.temperature import MAX_TEMPERATURE, MIN_TEMPERATURE, softmax, temperature


def cross_entropy(raw: np.ndarray, actual: np.ndarray, t: float) -> float:
    """Mean −log p in a plain loop, of what came to all but 1 part in n + 1, of every outcome alike to that part."""
    total, blurred = 0.0, 1 / (len(raw) + 1)
    for row, k in zip(raw.tolist(), actual.tolist(), strict=True):
        logs = [value / t - np.log(sum(np.exp(other / t) for other in row)) for value in row]
        total -= (1 - blurred) * logs[k] + blurred * sum(logs) / len(logs)
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
    best = min(cross_entropy(raw, actual, t) for t in np.geomspace(MIN_TEMPERATURE, MAX_TEMPERATURE, 1000))
    assert cross_entropy(raw, actual, found) <= best + 1e-12
    assert found == pytest.approx(2.5, rel=0.2)


def test_it_stays_within_bounds() -> None:
    """Correct probabilities give the minimum temperature, wrong ones the maximum, no outcomes 1."""
    raw = np.tile([[2.0, 0.0]], (9000, 1))
    assert temperature(raw, np.zeros(9000, np.int64)) == pytest.approx(MIN_TEMPERATURE)
    assert temperature(raw, np.ones(9000, np.int64)) == pytest.approx(MAX_TEMPERATURE)
    assert temperature(raw[:0], np.array([], dtype=np.int64)) == 1.0


def test_two_that_were_right_make_nothing_certain() -> None:
    """Of two outcomes, both right: with one more that was either, the chance is 5/6."""
    raw = np.array([[2.0, 0.0], [0.0, 2.0]])
    assert softmax(raw, temperature(raw, np.array([0, 1])))[0, 0] == pytest.approx(5 / 6)
