"""Which origins a backtest forecasts from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lstmcast.data.panel import Panel
from lstmcast.data.read import read
from lstmcast.errors import DataError, UsageError
from lstmcast.evaluation.folds import RollingOrigins, filter_long_enough, plan_backtest

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
    ("origins", "step", "words"), [(0, None, "--origins"), (None, 0, "--step"), (-3, 1, "--origins")]
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
    with pytest.raises(
        DataError, match=r"20 origins, 6 steps apart.*need 123 rows.*longest series has 100\. Give fewer"
    ):
        filter_long_enough(three, RollingOrigins(6, 20, 6))
