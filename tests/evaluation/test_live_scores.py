"""Live scores: sums that add up to what a plain loop finds."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lstmcast.evaluation.live_scores import ErrorSums, LiveScores

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
        actual, said, naive = rng.normal(size=(3, 2, 3))
        actual[rng.uniform(size=(2, 3)) < 0.3] = np.nan
        half = np.array([1.0, 2.0])[:, None, None] * np.ones((2, 2, 3))
        parts.append((actual, said, naive, said - half, said + half))
        rows += [
            (s, h, actual[s, h], said[s, h], naive[s, h])
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
    """Where the seasonal naive forecast was never wrong, the series is left out of the mean."""
    actual = np.array([[1.0, 2.0], [1.0, 2.0]])
    said, naive = actual + 1, np.array([[1.0, 2.0], [3.0, 4.0]])
    none = np.full((2, 2, 2), np.nan)
    found = scores_of([(actual, said, naive, none, none)], horizon=2)
    assert found.mase == 0.5
    assert np.isnan(found.coverage).all()


def test_series_and_steps_find_their_places() -> None:
    """A run of one series and two steps counts for that series among three, in the first two of four steps."""
    one = ErrorSums.of(
        *np.array([[[5.0, 7.0]], [[4.0, 4.0]], [[5.0, 5.0]]]), np.zeros((1, 1, 2)), np.full((1, 1, 2), 6.0)
    )
    placed = one.align(np.array([2]), 3, 4)
    assert placed.count.tolist() == [[0, 0, 0, 0], [0, 0, 0, 0], [1, 1, 0, 0]]
    assert placed.abs_errors[2].tolist() == [1, 3, 0, 0]
    assert placed.covered[0, 2].tolist() == [1, 0, 0, 0]
