"""Validation and test steps do not overlap, and all steps lie inside their series."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lstmcast.data.load import read
from lstmcast.data.panel import Panel
from lstmcast.errors import DataError, UsageError
from lstmcast.evaluation.splits import (
    MAX_ORIGINS_PER_SERIES,
    MIN_ROWS,
    MIN_TRAIN_STEPS,
    HoldoutSplit,
    RollingOrigins,
    default_horizon,
    filter_long_enough,
    plan_backtest,
    plan_holdout,
)

lengths_of = st.lists(st.integers(1, 700), min_size=1, max_size=12).map(np.array)


def held(lengths: np.ndarray, horizon: int) -> HoldoutSplit:
    """The holdout split of lengths that allow one."""
    assume(int(np.median(lengths)) >= max(MIN_ROWS, 2 * horizon + max(horizon, MIN_TRAIN_STEPS)))
    return plan_holdout(lengths, horizon)


@settings(deadline=None, max_examples=300)
@given(lengths_of, st.integers(1, 60))
def test_validation_horizons_end_before_test_horizons(lengths: np.ndarray, horizon: int) -> None:
    """In each series: training, then validation horizons, then test horizons up to the end."""
    hold = held(lengths, horizon)
    (stop_series, stop), (test_series, test_origins) = hold.validation_origins(lengths), hold.test_origins(lengths)
    assert (
        set(stop_series)
        == set(test_series)
        == {k for k, n in enumerate(lengths) if n >= hold.total + max(horizon, MIN_TRAIN_STEPS)}
    )
    for k in set(stop_series):
        stops, tests, n = stop[stop_series == k], test_origins[test_series == k], lengths[k]
        assert stops.min() >= n - hold.total - 1  # the last training step
        assert stops.max() + horizon < tests.min() + 1
        assert tests.max() + horizon == n - 1
        assert stops.min() + 1 >= max(horizon, MIN_TRAIN_STEPS)  # every series has training steps
        assert len(set(tests)) == len(tests) <= MAX_ORIGINS_PER_SERIES
        assert len(set(stops)) == len(stops) <= MAX_ORIGINS_PER_SERIES


@settings(deadline=None)
@given(lengths_of, st.integers(1, 60))
def test_something_always_stops_and_judges(lengths: np.ndarray, horizon: int) -> None:
    """Lengths that are not refused leave at least one series with origins of both kinds."""
    hold = held(lengths, horizon)
    assert len(hold.validation_origins(lengths)[0]) > 0
    assert len(hold.test_origins(lengths)[0]) > 0


def test_a_year_of_months_by_hand() -> None:
    """With 144 months, 12 ahead: 18 validation steps (origins 97 … 103) and 28 test steps (origins 115 … 131)."""
    hold = plan_holdout(np.array([144]), 12)
    assert (hold.validation_steps, hold.test_steps, hold.total) == (18, 28, 46)
    no_early_stopping = plan_holdout(np.array([144]), 12, stopping=False)
    assert (no_early_stopping.validation_steps, no_early_stopping.test_steps, no_early_stopping.total) == (0, 28, 28)
    np.testing.assert_array_equal(hold.validation_origins(np.array([144]))[1], np.arange(97, 104))
    np.testing.assert_array_equal(hold.test_origins(np.array([144]))[1], np.arange(115, 132))


@settings(deadline=None)
@given(lengths_of, st.integers(1, 60))
def test_where_nothing_stops_nothing_is_held_out_for_it(lengths: np.ndarray, horizon: int) -> None:
    """Without validation steps the test steps are unchanged, and training extends up to them."""
    both, alone = held(lengths, horizon), plan_holdout(lengths, horizon, stopping=False)
    assert (alone.validation_steps, alone.test_steps, alone.total) == (0, both.test_steps, both.test_steps)
    series, origins = alone.test_origins(lengths)
    assert set(series) >= set(both.test_origins(lengths)[0])
    for k in set(series):
        tests = origins[series == k]
        assert tests.min() >= lengths[k] - alone.total - 1
        assert tests.max() + horizon == lengths[k] - 1
        assert tests.min() + 1 >= max(horizon, MIN_TRAIN_STEPS)


def test_origins_are_few_and_evenly_spaced() -> None:
    """10,000 steps, 24 ahead: 20 horizons of test steps; 60 of 457 test origins are selected, including both ends."""
    series, origins = plan_holdout(np.array([10_000]), 24).test_origins(np.array([10_000]))
    assert len(series) == 60
    assert (origins[0], origins[-1]) == (10_000 - 480 - 1, 10_000 - 24 - 1)
    assert set(np.diff(origins)) <= {7, 8}


def test_the_number_of_origins_is_limited() -> None:
    """5,000 series have two origins each, which limits the cost of scoring; a short one has none."""
    lengths = np.full(5000, 100)
    lengths[7] = 5
    series, origins = plan_holdout(lengths, 2).test_origins(lengths)
    assert len(series) == 2 * 4999
    assert 7 not in series
    np.testing.assert_array_equal(origins[series == 6], origins[series == 4999])


def test_horizons_of_all_long_enough_series_are_counted() -> None:
    """With 10 validation steps, 9 test steps and H = 3, a series needs 22 steps: two of three have 3 horizons each."""
    assert HoldoutSplit(3, 10, 9).horizons(np.array([22, 21, 400])) == 6


def test_few_series_stop() -> None:
    """Of 5,000 series, 2,000 evenly spaced ones are used for validation after each epoch, and all for the test."""
    series, _ = plan_holdout(np.full(5000, 100), 2).validation_origins(np.full(5000, 100))
    assert len(series) == len(set(series)) == 2000
    assert (series[0], series[-1]) == (0, 4999)
    assert set(np.diff(series)) <= {2, 3}


@pytest.mark.parametrize(("length", "horizon", "needed"), [(9, 1, 10), (35, 12, 36), (10, 4, 12)])
def test_too_short_is_refused_with_both_numbers(length: int, horizon: int, needed: int) -> None:
    """The message contains the number of rows, the horizon and the required number of rows."""
    with pytest.raises(DataError, match=rf"horizon of {horizon} .* {needed} rows .* has {length}\)"):
        plan_holdout(np.array([length]), horizon)
    assert plan_holdout(np.array([needed]), horizon).horizon == horizon


@pytest.mark.parametrize(
    ("lengths", "typical", "expected"), [([144], 12, 12), ([60], 12, 10), ([3], 12, 1), ([9, 90, 900], 24, 15)]
)
def test_the_default_horizon_is_the_typical_one_or_a_sixth(lengths: list[int], typical: int, expected: int) -> None:
    """144 rows allow 12 steps, 60 rows 10, three rows 1, and of several series the middle one decides."""
    assert default_horizon(np.array(lengths), typical) == expected


Write = Callable[..., Path]


@pytest.fixture
def three(tmp_path: Path, write_series: Write) -> Panel:
    """Daily series of 100, 60 and 20 values."""
    return read(write_series(tmp_path / "x.csv", {name: np.arange(n) + 1.0 for name, n in SERIES.items()}))


SERIES = {"long": 100, "middle": 60, "short": 20}


def test_origins_are_counted_back_from_each_end() -> None:
    """Of 100 steps, three origins 5 apart and 10 ahead: the last knows 90 values, the first 80."""
    folds = RollingOrigins(horizon=10, n_origins=3, step_size=5)
    assert folds.at(np.array([100, 50])).tolist() == [[79, 84, 89], [29, 34, 39]]
    assert folds.offsets_from_end.tolist() == [20, 15, 10]
    assert folds.held_out == 20


def test_what_the_user_does_not_say(air_panel: Panel, three: Panel) -> None:
    """144 months: a third is four times twelve; the step is the horizon; a counted third may hold one origin only."""
    assert plan_backtest(air_panel, None, None, None) == RollingOrigins(horizon=12, n_origins=4, step_size=12)
    assert plan_backtest(air_panel, 1, None, None) == RollingOrigins(horizon=1, n_origins=10, step_size=1)
    assert plan_backtest(air_panel, 40, None, 7) == RollingOrigins(horizon=40, n_origins=2, step_size=7)
    assert plan_backtest(three, 30, None, None).n_origins == 1
    assert plan_backtest(three, 6, 99, 2) == RollingOrigins(horizon=6, n_origins=99, step_size=2)


@pytest.mark.parametrize(
    ("origins", "step", "words"), [(0, None, "--n-origins"), (None, 0, "--step-size"), (-3, 1, "--n-origins")]
)
def test_numbers_below_one_are_refused(air_panel: Panel, origins: int | None, step: int | None, words: str) -> None:
    """With the flag, the rule and what was received."""
    with pytest.raises(UsageError, match=rf"{words}: must be an integer ≥ 1 \(got (0|-3)\)"):
        plan_backtest(air_panel, 6, origins, step)


def test_series_without_a_past_are_left_out(three: Panel) -> None:
    """Three values must be left before the first origin: of 20 with 18 held out two are, with 17 three are."""
    assert filter_long_enough(three, RollingOrigins(6, 3, 6)).keys == (("long",), ("middle",))
    assert filter_long_enough(three, RollingOrigins(5, 3, 6)).n_series == 3


def test_too_many_origins_are_refused_with_the_numbers(three: Panel) -> None:
    """Nothing is long enough: what is needed, what there is, and what to change."""
    with pytest.raises(DataError, match=r"20 origins, 6 steps apart.* 123 rows .*has 100\)"):
        filter_long_enough(three, RollingOrigins(6, 20, 6))
