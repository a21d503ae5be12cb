"""The split of a panel: parts, origins, and how often the panel is cut."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lstmcast.data.load import read
from lstmcast.data.panel import Panel
from lstmcast.errors import DataError
from lstmcast.evaluation.splits import HoldoutSplit
from lstmcast.forecasting.split_data import OriginSet, SplitData

Write = Callable[..., Path]


def test_past_is_everything_before_the_hold_out(air_panel: Panel) -> None:
    """Validation and test steps are cut off the end."""
    past = SplitData(air_panel, HoldoutSplit(5, 15, 25)).past
    np.testing.assert_array_equal(past.values, air_panel.values[:104])


def test_past_leaves_out_short_series(tmp_path: Path, write_series: Write) -> None:
    """Two steps before the hold-out are too few, three are enough; an error if no series has them."""
    series = {name: [float(k) for k in range(n)] for name, n in (("a", 12), ("b", 13), ("c", 5), ("d", 20))}
    panel = read(write_series(tmp_path / "x.csv", series))
    past = SplitData(panel, HoldoutSplit(2, 4, 6)).past
    assert past.keys == (("b",), ("d",))
    assert past.values.tolist() == [0, 1, 2, *range(10)]
    with pytest.raises(DataError, match="before the 20 hold-out"):
        _ = SplitData(panel, HoldoutSplit(2, 10, 10)).past


def test_validation_data_end_before_the_test_steps(air_panel: Panel) -> None:
    """Validation origins and their actual values by a loop; nothing of the test steps is in their panel."""
    validation = SplitData(air_panel, HoldoutSplit(6, 12, 18)).validation
    assert len(validation.panel.values) == 126
    assert validation.steps.tolist() == list(range(113, 120))
    expected = [air_panel.values[t + 1 : t + 7] for t in validation.steps]
    np.testing.assert_array_equal(validation.actuals, expected)
    assert validation.naive_scales == pytest.approx([np.abs(np.diff(air_panel.values[:126])).mean()] * 7)


def test_test_origins_extend_to_the_last_step(air_panel: Panel) -> None:
    """Test origins and their positions on the calendar."""
    test = SplitData(air_panel, HoldoutSplit(6, 12, 18)).test
    assert test.steps.tolist() == list(range(125, 138))
    np.testing.assert_array_equal(test.positions, air_panel.starts[0] + test.steps)
    np.testing.assert_array_equal(test.actuals[-1], air_panel.values[-6:])


def test_compact_keeps_origins_and_drops_other_series(tmp_path: Path, write_series: Write) -> None:
    """Series are numbered again, their values stay."""
    panel = read(write_series(tmp_path / "x.csv", {"a": [1.0, 2, 3], "b": [4.0, 5, 6], "c": [7.0, 8, 9]}))
    origins = OriginSet(panel, np.array([2, 0]), np.array([0, 1]), 1)
    compact = origins.compact()
    assert compact.panel.keys == (("a",), ("c",))
    assert compact.series.tolist() == [1, 0]
    assert compact.actuals.tolist() == origins.actuals.tolist() == [[8], [3]]


def test_origins_of_which_nothing_was_observed(air_panel: Panel) -> None:
    """Neither validation nor test can do without an observed value."""
    split = SplitData(replace(air_panel, observed=np.arange(144) < 100), HoldoutSplit(6, 12, 18))
    with pytest.raises(DataError, match="nothing was observed in the 12 validation steps"):
        _ = split.validation
    with pytest.raises(DataError, match="nothing was observed in the last 18 steps"):
        _ = split.test


def test_every_part_is_cut_once(air_panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    """However often the parts are used: training part, training data, validation data, and their series."""
    cuts, cut = [], Panel._cut
    monkeypatch.setattr(Panel, "_cut", lambda *args: cuts.append(args) or cut(*args))
    split = SplitData(air_panel, HoldoutSplit(6, 12, 18))
    for _ in range(3):
        _ = split.past, split.mase_scales, split.validation, split.test, split.validation_origins
    assert len(cuts) <= 4
