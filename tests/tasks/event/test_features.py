"""What the network reads and learns: against loops over single steps, and no look ahead."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lstmcast.preprocessing.windows import WindowDataset, WindowSpec
from lstmcast.statistical.event_rates import DecayedSeasonalRates
from lstmcast.tasks.event.features import MAX_LOG_ODDS, MAX_MARGIN, EventWindowDataset

SHAPE = WindowSpec(context=5, lags=3, level=3, season=4, seasons=2, burn=1, horizon=6)
LENGTHS = (3, 11, 30)
OFFSETS = np.concatenate([[0], np.cumsum(LENGTHS)])


def lessons(*, moves: bool = False, changed: int | None = None) -> EventWindowDataset:
    """Three series of random z; where `changed`, all steps of the last from that one on are others."""
    rng = np.random.default_rng(0)
    z, truth = rng.normal(size=OFFSETS[-1]), rng.choice([0.0, 1.0, np.nan], p=[0.5, 0.4, 0.1], size=OFFSETS[-1])
    if changed is not None:
        z[OFFSETS[2] + changed :] += 5
        truth[OFFSETS[2] + changed :] = 1.0
    limits = np.full(3, np.nan) if moves else np.array([0.1, 0.2, -np.inf])
    windows = WindowDataset.from_panel(z, np.ones(len(z), dtype=np.bool_), OFFSETS, SHAPE)
    return EventWindowDataset(windows, truth, limits, DecayedSeasonalRates.of(truth, OFFSETS, 4))


def every_start() -> tuple[np.ndarray, np.ndarray]:
    """All windows that begin within 4 steps of a series' start or later."""
    pairs = [(s, start) for s, n in enumerate(LENGTHS) for start in range(-4, n - SHAPE.context + 1)]
    return np.array([s for s, _ in pairs]), np.array([start for _, start in pairs])


@pytest.mark.parametrize("moves", [False, True])
def test_inputs_by_a_loop(moves: bool) -> None:
    """Lags as in `WindowDataset`, then margins and odds of each of the H steps, for each step by itself."""
    made, (series, starts) = lessons(moves=moves), every_start()
    x = made.inputs(series, starts)
    assert x.shape == (len(series), SHAPE.context, made.features) == (len(series), 5, 3 + 2 * 6)
    np.testing.assert_array_equal(x[..., :3], made.windows.inputs(series, starts, 5))
    for row, (s, start) in enumerate(zip(series.tolist(), starts.tolist(), strict=True)):
        for k in range(SHAPE.context):
            t = max(start + k, 0)
            base = made.windows.level_and_profile(np.array([s]), np.array([t]), 6)[0]
            before = np.concatenate([[made.windows.z[OFFSETS[s] + t]], base[:-1]])
            margins = base - (before if moves else made.limits[s])
            np.testing.assert_allclose(x[row, k, 3:9], np.clip(margins, -MAX_MARGIN, MAX_MARGIN), rtol=1e-5, atol=1e-6)
            rate = made.rates.at(np.array([s]), np.array([t]), 6)[0]
            odds = np.clip(np.log(rate / (1 - rate)), -MAX_LOG_ODDS, MAX_LOG_ODDS)
            np.testing.assert_allclose(x[row, k, 9:], odds, rtol=1e-5, atol=1e-6)


def test_targets_are_what_came_and_unknown_ones_count_nothing() -> None:
    """At each step the H truths after it; weight 0 beyond the series, in the burn-in, and where it is not known."""
    made, (series, starts) = lessons(), every_start()
    _, targets, weights = made.batch(series, starts)
    _, _, known = made.windows.batch(series, starts)
    for row, (s, start) in enumerate(zip(series.tolist(), starts.tolist(), strict=True)):
        for k in range(SHAPE.context):
            for h in range(SHAPE.horizon):
                step = start + k + h + 1
                came = made.labels[OFFSETS[s] + step] if 0 <= step < LENGTHS[s] else np.nan
                counts = bool(known[row, k, h]) and came == came
                assert weights[row, k, h] == counts
                assert targets[row, k, h] == (came if counts else 0.0)


def test_nothing_looks_ahead() -> None:
    """What is read at a step stays the same whatever comes after it."""
    series, starts = np.full(12, 2), np.arange(12)
    before, after = lessons().inputs(series, starts), lessons(changed=17).inputs(series, starts)
    np.testing.assert_array_equal(before, after)
    assert not np.array_equal(before, lessons(changed=15).inputs(series, starts))


def test_batches_are_full_and_of_one_seed() -> None:
    """Every batch has its size, and the same seed draws the same."""
    made = lessons()
    one, other = (list(made.batches(np.random.default_rng(3), count=50, size=8)) for _ in range(2))
    assert [len(batch[0]) for batch in one] == [8] * 7
    for mine, theirs in zip(one, other, strict=True):
        for part, same in zip(mine, theirs, strict=True):
            np.testing.assert_array_equal(part, same)


def test_a_limit_below_every_number_is_a_large_margin() -> None:
    """Among logs a limit of 0 lies infinitely far below: the margin is as large as any counts."""
    made = lessons()
    x = made.inputs(np.array([2]), np.array([10]))
    assert (x[..., 3:9] == MAX_MARGIN).all()
    assert np.isfinite(replace(made, limits=np.array([np.inf] * 3)).inputs(np.array([2]), np.array([10]))).all()
