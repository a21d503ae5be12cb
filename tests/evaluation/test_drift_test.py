"""The test for drift: alarms as rarely as it says, and soon enough."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lstmcast.evaluation.drift_test import block_steps, blocks, drift


def test_wealth_by_hand() -> None:
    """Nine blocks of calibration, two larger ones since: each gambler's odds on one chance in ten, then two in eleven.

    With nine blocks the ranks are 1 (shares 0 and .1), 3 and 5; the first gambler has ½ of the capital, the second ⅙.
    """
    found = drift(np.arange(1.0, 10.0), np.array([20.0, 30.0]))
    expected = []
    for rank in (1, 3, 5):
        chances = rank / 10, (rank + 1) / 11
        first = max(0.5, chances[0]) / chances[0] * max(1.5 / 2, chances[1]) / chances[1]
        second = max(0.5, chances[1]) / chances[1]
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
    """Whether there is an alarm over 600 live forecasts, 9 steps ahead, with larger shocks from the middle on."""
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


def test_blocks_do_not_overlap_and_series_share_them() -> None:
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
