"""The metrics against numbers worked by hand, and against a loop over single values."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lstmcast.evaluation import metrics
from lstmcast.evaluation.metrics import DECILES, interpolate_quantiles

NAN = float("nan")
# Origin 1: errors 1, -2, 3. Origin 2: the second outcome is not known; errors 2 and 0. Origin 3: nothing is known.
ACTUAL = np.array([[3.0, 2.0, 9.0], [-4.0, NAN, 0.0], [NAN, NAN, NAN]])
FORECAST = np.array([[2.0, 4.0, 6.0], [-6.0, 7.0, 0.0], [1.0, 2.0, 3.0]])

plain = st.floats(-1e6, 1e6).map(lambda value: round(value, 6))  # sums of what is far smaller vanish
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
    """3 in [3, 5] and 9 in [8, 9] are inside, 2 in [3, 4] and -4 in [-3, 0] outside, 0 in [-1, 1] inside."""
    lower = np.array([[3.0, 3.0, 8.0], [-3.0, 0.0, -1.0], [0.0, 0.0, 0.0]])
    upper = np.array([[5.0, 4.0, 9.0], [0.0, 9.0, 1.0], [9.0, 9.0, 9.0]])
    np.testing.assert_allclose(metrics.coverage(ACTUAL, lower, upper), [2 / 3, 1 / 2, NAN])
    assert metrics.coverage(ACTUAL.ravel(), lower.ravel(), upper.ravel()) == pytest.approx(0.6)


def test_coverage_of_an_unknown_interval_is_undefined() -> None:
    """A bound that is not known holds nothing and misses nothing; an infinite one holds everything."""
    y = np.array([1.0, 2.0, 3.0])
    assert metrics.coverage(y, np.array([0.0, NAN, 4.0]), np.array([9.0, 9.0, 9.0])) == 0.5
    assert metrics.coverage(y, np.full(3, -np.inf), np.full(3, np.inf)) == 1


def test_owa_by_hand() -> None:
    """½·(10/20 + 3/2) = 1; where Naive2 was exact, or a score is not known, it is undefined."""
    found = metrics.owa(*np.array([[10.0, 1, NAN], [3, 1, 1], [20, 0, 1], [2, 1, 1]]))
    np.testing.assert_allclose(found, [1.0, NAN, NAN])


def test_pinball_by_hand() -> None:
    """At q = .9 a value 2 above the quantile costs 1.8, one 2 below it 0.2; the median costs half the distance."""
    y, quantile = np.array([5.0, 1.0, 3.0]), np.full(3, 3.0)
    np.testing.assert_allclose(metrics.pinball(y, quantile, 0.9), [1.8, 0.2, 0])
    np.testing.assert_allclose(metrics.pinball(y, quantile, 0.5), [1, 1, 0])


def test_wql_by_hand() -> None:
    """Quantiles .1 and .9 at 2 and 6 for y = 4, -1: 2·(.2 + 2.7)/5 and 2·(.2 + .7)/5, 0.76 in the mean."""
    y = np.array([[4.0, -1.0, NAN]])
    quantiles = np.stack([np.full((1, 3), 2.0), np.full((1, 3), 6.0)])
    np.testing.assert_allclose(metrics.wql(y, quantiles, (0.1, 0.9)), [0.76])
    assert np.isnan(metrics.wql(np.zeros((1, 3)), quantiles, (0.1, 0.9))).all()


def test_msis_by_hand() -> None:
    """Width 4 each; 3 below costs 2/.05·3 more and 1 above 2/.05·1; over a scale of 2; one value is not known."""
    y = np.array([[-1.0, 4.0, 7.0, NAN]])
    lower, upper = np.full((1, 4), 2.0), np.full((1, 4), 6.0)
    np.testing.assert_allclose(metrics.msis(y, lower, upper, np.array([2.0])), [(4 + 120 + 4 + 4 + 40) / 3 / 2])
    np.testing.assert_allclose(metrics.msis(y, lower, upper, 1.0, level=80), [(12 + 30 + 10) / 3])
    assert np.isnan(metrics.msis(y, lower, upper, NAN)).all()


def test_nothing_known_is_undefined() -> None:
    """Numbers over all origins are NaN where no outcome is known."""
    none = np.full((2, 3), NAN)
    assert math.isnan(metrics.rmse(none, np.zeros((2, 3))))
    quantiles = np.zeros((1, 2, 3))
    for score in (metrics.coverage(none, none, none), metrics.wql(none, quantiles, (0.5,))):
        np.testing.assert_array_equal(score, [NAN, NAN])


def _error(y: float, f: float) -> float:
    """|y − f|; 0 up to four distances between neighboring numbers."""
    error = abs(y - f)
    return error if error > 4 * math.ulp(max(abs(y), abs(f))) else 0.0


@settings(deadline=None)
@given(tables, hnp.arrays(np.float64, (4, 3), elements=st.floats(-1e6, 1e6)))
@example(np.zeros((4, 3)), np.full((4, 3), 5e-324))
def test_every_metric_agrees_with_a_loop(actual: np.ndarray, forecast: np.ndarray) -> None:
    """One value at a time in plain Python gives the same scores."""
    for b in range(4):
        pairs = [(y, f) for y, f in zip(actual[b].tolist(), forecast[b].tolist(), strict=True) if not math.isnan(y)]
        n = len(pairs) or NAN
        off = [_error(y, f) for y, f in pairs]
        ratios = [0.0 if y == f == 0 else 200 * _error(y, f) / (abs(y) + abs(f)) for y, f in pairs]
        expected = [sum(off) / n, sum(e * e for e in off) / n, sum(ratios) / n]
        scores = [metric(actual, forecast)[b] for metric in (metrics.mae, metrics.mse, metrics.smape)]
        np.testing.assert_allclose(scores, expected, rtol=1e-9, atol=1e-12)


@settings(deadline=None)
@given(hnp.arrays(np.float64, (4, 3), elements=plain | st.just(NAN)), hnp.arrays(np.float64, (3, 4, 3), elements=plain))
def test_quantile_and_interval_scores_agree_with_a_loop(actual: np.ndarray, quantiles: np.ndarray) -> None:
    """WQL and MSIS, one value at a time in plain Python, from the formulas of the M4 competition and of the CRPS."""
    quantiles = np.sort(quantiles, axis=0)
    probabilities = (0.1, 0.5, 0.9)
    for b in range(4):
        cells = [(y, quantiles[:, b, h].tolist()) for h, y in enumerate(actual[b].tolist()) if not math.isnan(y)]
        size = sum(abs(y) for y, _ in cells)
        loss = [sum((y - f) * (q - (y < f)) for y, row in cells for f in [row[k]]) for k, q in enumerate(probabilities)]
        wql = sum(2 * part / size for part in loss) / 3 if size else NAN
        np.testing.assert_allclose(metrics.wql(actual[b], quantiles[:, b], probabilities), wql, rtol=1e-9, atol=1e-9)
        costs = [u - w + (w - y) * 40 * (y < w) + (y - u) * 40 * (y > u) for y, (w, _, u) in cells]
        msis = sum(costs) / len(costs) / 7 if costs else NAN
        np.testing.assert_allclose(
            metrics.msis(actual[b], quantiles[0, b], quantiles[2, b], 7.0), msis, rtol=1e-9, atol=1e-9
        )


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


def test_rounding_is_no_error() -> None:
    """0.1 + 0.2 is 0.3; a millionth is an error; an unknown value stays unknown."""
    actual, forecast = np.array([0.3, 1.0, np.nan]), np.array([0.1 + 0.2, 1.000001, 2.0])
    found = metrics.absolute_error(actual, forecast)
    assert found[0] == 0
    assert found[1] == pytest.approx(1e-6)
    assert np.isnan(found[2])
