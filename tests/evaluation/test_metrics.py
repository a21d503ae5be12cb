"""The metrics against numbers worked by hand, and against a loop over single values."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lstmcast.evaluation import metrics

NAN = float("nan")
# Origin 1: errors 1, -2, 3. Origin 2: the second outcome is not known; errors 2 and 0. Origin 3: nothing is known.
ACTUAL = np.array([[3.0, 2.0, 9.0], [-4.0, NAN, 0.0], [NAN, NAN, NAN]])
FORECAST = np.array([[2.0, 4.0, 6.0], [-6.0, 7.0, 0.0], [1.0, 2.0, 3.0]])

tables = hnp.arrays(np.float64, (4, 3), elements=st.floats(-1e6, 1e6) | st.just(NAN))


def test_absolute_and_squared_errors_by_hand() -> None:
    """(1 + 2 + 3) / 3 = 2 and (2 + 0) / 2 = 1; (1 + 4 + 9) / 3 and (4 + 0) / 2; what is not known is left out."""
    np.testing.assert_allclose(metrics.mae(ACTUAL, FORECAST), [2, 1, NAN])
    np.testing.assert_allclose(metrics.mse(ACTUAL, FORECAST), [14 / 3, 2, NAN])
    assert metrics.rmse(ACTUAL, FORECAST) == pytest.approx(math.sqrt(18 / 5))


def test_smape_by_hand() -> None:
    """200·1/5, 200·2/6 and 200·3/15; then 200·2/10, and a step where both are 0 counts as 0."""
    np.testing.assert_allclose(metrics.smape(ACTUAL, FORECAST), [(40 + 200 / 3 + 40) / 3, 20, NAN])


def test_mase_by_hand() -> None:
    """History 1 4 2 8 with season 2 changes by 1 and 4, 2.5 in the mean; with season 1 by 3, 2 and 6."""
    history = np.array([1.0, 4.0, 2.0, 8.0])
    assert metrics.mase_scale(history, 2) == 2.5
    assert metrics.mase_scale(history, 1) == pytest.approx(11 / 3)
    np.testing.assert_allclose(metrics.mase(ACTUAL, FORECAST, np.array([2.5, NAN, 1.0])), [0.8, NAN, NAN])


@pytest.mark.parametrize(
    ("history", "season"), [([], 1), ([5.0], 1), ([1.0, 2.0], 2), ([1.0, 2.0], 7), ([3.0] * 9, 1), ([1.0, 2.0] * 4, 2)]
)
def test_mase_scale_is_undefined_without_a_change(history: list[float], season: int) -> None:
    """A history no longer than a season, or one that repeats itself, cannot divide anything."""
    assert math.isnan(metrics.mase_scale(np.array(history), season))


def test_coverage_counts_known_values_and_includes_the_bounds() -> None:
    """3 in [3, 5] and 9 in [8, 9] are inside, 2 in [3, 4] and -4 in [-3, 0] outside, 0 in [-1, 1] inside: 3 of 5."""
    lower = np.array([[3.0, 3.0, 8.0], [-3.0, 0.0, -1.0], [0.0, 0.0, 0.0]])
    upper = np.array([[5.0, 4.0, 9.0], [0.0, 9.0, 1.0], [9.0, 9.0, 9.0]])
    assert metrics.coverage(ACTUAL, lower, upper) == pytest.approx(0.6)


def test_nothing_known_is_undefined() -> None:
    """Numbers over all origins are NaN where no outcome is known."""
    none = np.full((2, 3), NAN)
    assert math.isnan(metrics.rmse(none, np.zeros((2, 3))))
    assert math.isnan(metrics.coverage(none, np.zeros((2, 3)), np.ones((2, 3))))


@settings(deadline=None)
@given(tables, hnp.arrays(np.float64, (4, 3), elements=st.floats(-1e6, 1e6)))
def test_every_metric_agrees_with_a_loop(actual: np.ndarray, forecast: np.ndarray) -> None:
    """One value at a time in plain Python gives the same scores."""
    for b in range(4):
        pairs = [(y, f) for y, f in zip(actual[b].tolist(), forecast[b].tolist(), strict=True) if not math.isnan(y)]
        n = len(pairs) or NAN
        off = [abs(y - f) for y, f in pairs]
        shares = [0.0 if y == f == 0 else 200 * abs(y - f) / (abs(y) + abs(f)) for y, f in pairs]
        expected = [sum(off) / n, sum(e * e for e in off) / n, sum(shares) / n]
        scores = [metric(actual, forecast)[b] for metric in (metrics.mae, metrics.mse, metrics.smape)]
        np.testing.assert_allclose(scores, expected, rtol=1e-9, atol=1e-12)
