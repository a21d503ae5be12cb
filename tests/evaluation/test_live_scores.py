"""Live scores: sums that add up to what a plain loop finds."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lstmcast.evaluation.live_scores import ErrorSums, LiveScores, LiveSymbolScores, block_steps, blocks, drift

LEVELS = (80.0, 95.0)


def scores_of(parts: list[tuple[np.ndarray, ...]], series: int = 2, horizon: int = 3) -> LiveScores:
    """The scores of several forecasts of all series."""
    total = ErrorSums.zeros(2, series, horizon)
    for part in parts:
        total += ErrorSums.of(*part)
    return LiveScores.of(total, LEVELS)


def test_scores_by_a_plain_loop() -> None:
    """MAE, bias, MASE and coverage of 40 random forecasts, some outcomes unknown, value by value."""
    rng = np.random.default_rng(0)
    parts, rows = [], []
    for _ in range(40):
        actual, forecast, naive = rng.normal(size=(3, 2, 3))
        actual[rng.uniform(size=(2, 3)) < 0.3] = np.nan
        half = np.array([1.0, 2.0])[:, None, None] * np.ones((2, 2, 3))
        parts.append((actual, forecast, naive, forecast - half, forecast + half))
        rows += [
            (s, h, actual[s, h], forecast[s, h], naive[s, h])
            for s in range(2)
            for h in range(3)
            if not math.isnan(actual[s, h])
        ]
    found = scores_of(parts)
    assert found.n_actuals == len(rows)
    assert found.mae == pytest.approx(sum(abs(y - f) for _, _, y, f, _ in rows) / len(rows))
    assert found.bias == pytest.approx(sum(f - y for _, _, y, f, _ in rows) / len(rows))
    ratios = [
        sum(abs(y - f) for k, _, y, f, _ in rows if k == s) / sum(abs(y - n) for k, _, y, _, n in rows if k == s)
        for s in range(2)
    ]
    assert found.mase == pytest.approx(sum(ratios) / 2)
    for q, half_width in enumerate((1.0, 2.0)):
        inside = [(h, abs(y - f) <= half_width) for _, h, y, f, _ in rows]
        assert found.coverage[q] == pytest.approx(sum(hit for _, hit in inside) / len(inside))
        for h in range(3):
            own = [hit for step, hit in inside if step == h]
            assert found.coverage_by_step[q, h] == pytest.approx(sum(own) / len(own))


def test_nothing_came_true() -> None:
    """Every score is undefined, none is 0, and JSON has null."""
    found = scores_of([])
    assert found.n_actuals == 0
    assert all(math.isnan(value) for name, value in found.named().items() if name != "outcomes")
    assert found.to_dict()["mase"] is None
    assert found.to_dict()["coverage_by_step"] == {"80": [None] * 3, "95": [None] * 3}


def test_a_series_that_repeats_itself_has_no_mase() -> None:
    """A series whose seasonal naive forecast has no error is left out of the mean."""
    actual = np.array([[1.0, 2.0], [1.0, 2.0]])
    forecast, naive = actual + 1, np.array([[1.0, 2.0], [3.0, 4.0]])
    none = np.full((2, 2, 2), np.nan)
    found = scores_of([(actual, forecast, naive, none, none)], horizon=2)
    assert found.mase == 0.5
    assert np.isnan(found.coverage).all()


def test_series_and_steps_keep_their_positions() -> None:
    """A run of one series and two steps counts for that series among three, in the first two of four steps."""
    one = ErrorSums.of(
        *np.array([[[5.0, 7.0]], [[4.0, 4.0]], [[5.0, 5.0]]]), np.zeros((1, 1, 2)), np.full((1, 1, 2), 6.0)
    )
    placed = one.align(np.array([2]), 3, 4)
    assert placed.count.tolist() == [[0, 0, 0, 0], [0, 0, 0, 0], [1, 1, 0, 0]]
    assert placed.abs_errors[2].tolist() == [1, 3, 0, 0]
    assert placed.covered[0, 2].tolist() == [1, 0, 0, 0]


def test_wealth_by_hand() -> None:
    """Nine blocks of calibration, two larger ones since: each gambler's odds on one chance in ten, then two in eleven.

    With nine blocks the ranks are 1 (shares 0 and .1), 3 and 5; the first gambler has ½ of the capital, the second ⅙.
    """
    found = drift(np.arange(1.0, 10.0), np.array([20.0, 30.0]))
    expected = []
    for rank in (1, 3, 5):
        densities = rank / 10, (rank + 1) / 11
        first = max(0.5, densities[0]) / densities[0] * max(1.5 / 2, densities[1]) / densities[1]
        second = max(0.5, densities[1]) / densities[1]
        expected.append(first / 2 + second / 6 + 1 / 3)
    assert found.statistic == pytest.approx(np.mean(expected))
    assert (found.found, found.blocks, found.ratio) == (False, 2, 5.0)


def test_the_chance_of_a_hit_is_that_of_the_urn() -> None:
    """After any history, how often a new block exceeds the largest of calibration: by counting exchangeable orders."""
    orders = np.random.default_rng(0).permuted(np.tile(np.arange(6.0), (200_000, 1)), axis=1)
    hits = orders[:, 3:] > orders[:, :3].max(axis=1, keepdims=True)
    for history in ((0, 0), (0, 1), (1, 1)):
        such = (hits[:, :2] == history).all(axis=1)
        assert hits[such, 2].mean() == pytest.approx((1 + sum(history)) / (3 + 1 + 2), abs=0.01)


def test_smaller_errors_are_no_drift() -> None:
    """A model that forecasts better than in calibration is never accused."""
    rng = np.random.default_rng(0)
    found = drift(1 + rng.uniform(size=50), 0.1 * rng.uniform(size=300))
    assert not found.found
    assert found.statistic == 1.0


def errors_of(rng: np.random.Generator, length: int, horizon: int, shock: np.ndarray) -> np.ndarray:
    """[origins, H] absolute errors of the best forecasts of an AR(1), in their standard deviation: overlapping."""
    y = np.zeros(length)
    for t in range(1, length):
        y[t] = 0.9 * y[t - 1] + shock[t] * rng.normal()
    ahead = np.arange(1, horizon + 1)
    origins = np.arange(length - horizon)
    spread = np.sqrt(np.cumsum(0.9 ** (2 * (ahead - 1))))
    return np.abs(y[origins[:, None] + ahead] - 0.9**ahead * y[origins, None]) / spread


def alarmed(rng: np.random.Generator, change: float) -> bool:
    """Return True if 600 live forecasts of 9 steps raise an alarm; shocks grow from the middle on."""
    horizon, past, since = 9, 120, 600
    shock = np.ones(past + since)
    shock[past + since // 2 :] = change
    errors, steps = errors_of(rng, past + since, horizon, shock), block_steps(horizon)
    positions = np.arange(len(errors))
    before, after = positions < past - horizon, positions >= past
    parts = [blocks(positions[part], errors[part], steps)[1] for part in (before, after)]
    return drift(*parts, false_alarm_rate=0.05).found


def test_false_alarms_are_as_rare_as_stated() -> None:
    """Of 300 models whose errors do not change, looked at after every block, no more than 5 % are ever accused."""
    rng = np.random.default_rng(1)
    assert np.mean([alarmed(rng, 1.0) for _ in range(300)]) <= 0.05


def test_doubled_errors_are_found() -> None:
    """Of 30 models whose errors double in the middle of their life, all but a few are found out."""
    rng = np.random.default_rng(2)
    assert np.mean([alarmed(rng, 2.0) for _ in range(30)]) >= 0.9


def test_since_is_where_the_change_began() -> None:
    """200 blocks as before, then much larger ones: the evidence begins within a few blocks of the change."""
    rng = np.random.default_rng(0)
    live = np.concatenate([rng.uniform(size=200), 3 + rng.uniform(size=40)])
    found = drift(rng.uniform(size=30), live)
    assert found.found
    assert found.since == pytest.approx(200, abs=3)
    assert found.ratio > 5


def test_blocks_do_not_overlap_and_hold_all_series() -> None:
    """Origins at least r apart, the first that are known; two series at one origin make one block."""
    positions = np.array([10, 10, 11, 12, 13, 15])
    errors = np.array(
        [[1.0, 3.0, 9.0], [2.0, 2.0, 9.0], [5.0, 5.0, 5.0], [np.nan, 1.0, 1.0], [4.0, 6.0, 1.0], [0, 0, 0]]
    )
    origins, means = blocks(positions, errors, 2)
    assert origins.tolist() == [10, 13, 15]
    assert means.tolist() == [2.0, 5.0, 0.0]


def test_nothing_to_look_at() -> None:
    """Without live blocks, or without any at all: no alarm, no ratio."""
    for calibration in (np.empty(0), np.ones(3)):
        found = drift(calibration, np.empty(0))
        assert (found.found, found.since, found.blocks, found.statistic) == (False, None, 0, 1.0)
        assert math.isnan(found.ratio)
        assert found.to_dict()["ratio"] is None
    assert blocks(np.empty(0, np.int64), np.empty((0, 3)), 2)[1].size == 0


def test_the_accuracy_of_symbols() -> None:
    """Fractions of the known symbols, in all and by step; undefined where none is known."""
    scores = LiveSymbolScores.of(np.array([4.0, 1.0, 0.0]), np.array([3.0, 0.0, 0.0]), np.array([1.0, 1.0, 0.0]))
    assert (scores.n_actuals, scores.accuracy, scores.naive_accuracy) == (5, 0.6, 0.4)
    assert scores.named() == {"accuracy": 0.6, "naive_accuracy": 0.4, "outcomes": 5.0}
    assert scores.to_dict()["accuracy_by_step"] == [0.75, 0.0, None]
    assert LiveSymbolScores.of(*np.zeros((3, 2))).to_dict()["accuracy"] is None
