"""The test for drift: alarms as rarely as it says, and soon enough."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lstmcast.evaluation.drift import STAKES, block_steps, blocks, drift, p_values


def test_p_values_by_hand() -> None:
    """The share of errors so far, the new one included, that are as large; ties count against an alarm."""
    found = p_values(np.array([1.0, 2.0, 3.0]), np.array([4.0, 2.0, 2.0]))
    assert found == pytest.approx([1 / 4, 4 / 5, 5 / 6])


def test_wealth_by_hand() -> None:
    """After one block of p = ⅒: half of the capital was bet, in equal parts on every stake, half still waits."""
    found = drift(np.full(9, 2.0), np.array([4.0]))
    assert found.statistic == pytest.approx(0.5 + 0.5 * np.mean(STAKES * 0.1 ** (STAKES - 1)))
    assert (found.found, found.blocks) == (False, 1)
    assert found.ratio == 2.0


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
