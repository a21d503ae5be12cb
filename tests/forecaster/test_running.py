"""A runner on a panel: what it looks back at, what came after, and which scale a series has."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lstmcast.data.panel import Panel
from lstmcast.data.read import read
from lstmcast.errors import DataError
from lstmcast.forecaster.running import last_steps, outcomes, scale, spread_steps, usual_steps
from lstmcast.forecaster.trained import Forecaster
from lstmcast.model.windows import Shape

Write = Callable[..., Path]


@pytest.fixture
def pair(tmp_path: Path, write_series: Write) -> Panel:
    """Two short series with a filled step in the first."""
    return read(write_series(tmp_path / "x.csv", {"a": [1.0, 3, float("nan"), 4, 10], "b": [5.0, 5, 5]}))


def test_outcomes(pair: Panel) -> None:
    """The next values of the same series; NaN where filled and beyond its end."""
    nan = float("nan")
    found = outcomes(pair, np.array([0, 0, 1]), np.array([0, 3, 1]), 3)
    np.testing.assert_array_equal(found, [[3, nan, 4], [10, nan, nan], [5, nan, nan]])


def test_usual_steps(pair: Panel) -> None:
    """The mean change of each series (3 to 3.5 to 4 where filled), and 1 for one that never moves."""
    assert usual_steps(pair).tolist() == [(2 + 0.5 + 0.5 + 6) / 4, 1.0]


def test_last_steps(pair: Panel) -> None:
    """The ends of every series stay where they are on the calendar; a shorter series stays whole."""
    last = last_steps(pair, 4)
    assert last.series(0).tolist() == [3, 3.5, 4, 10]
    assert last.observed_of(0).tolist() == [True, False, True, True]
    assert last.series(1).tolist() == [5, 5, 5]
    assert last.ends.tolist() == pair.ends.tolist()
    assert last.starts.tolist() == [pair.starts[0] + 1, pair.starts[1]]


def test_no_more_than_reach_is_looked_at(forecaster: Forecaster, air_panel: Panel) -> None:
    """The last `reach` steps give the forecast and the spread of the whole series, so a model needs to keep no more."""
    runner = forecaster.runner
    assert runner.reach < 144
    here = np.array([0])
    whole, part = runner.on(air_panel), runner.on(last_steps(air_panel, runner.reach))
    end, last = np.array([143]), np.array([runner.reach - 1])
    z, cut = whole.ahead(here, end, 24), part.ahead(here, last, 24)
    np.testing.assert_allclose(whole.back(z, here), part.back(cut, here), rtol=1e-4)
    np.testing.assert_allclose(whole.spread(here, end), part.spread(here, last), rtol=1e-4)


def test_nothing_after_an_origin_is_looked_at(forecaster: Forecaster, air_panel: Panel) -> None:
    """The forecast from an origin is the same to the byte whether the file goes on or ends there."""
    origins, first = np.array([50, 80, 100]), np.array([0, 0, 0])
    whole = forecaster.runner.on(air_panel).ahead(first, origins, 6)
    for row, origin in enumerate(origins.tolist()):
        cut = forecaster.runner.on(air_panel.drop_last(143 - origin)).ahead(first[:1], origins[row : row + 1], 6)
        assert cut[0].tobytes() == whole[row].tobytes()


def test_bounds_of_no_level_are_none(forecaster: Forecaster, air_panel: Panel) -> None:
    """No levels give no bounds, of the right shape."""
    assert forecaster.runner.on(air_panel).back_all(np.empty((0, 1, 5)), np.array([0])).shape == (0, 1, 5)


def test_scales_are_those_of_training(pair: Panel) -> None:
    """A known series keeps scale and floor of training; an unknown one is measured by its own past."""
    own = scale(pair, "none", 1, {})
    known = scale(pair, "none", 1, {("b",): (123.0, -5.0)})
    assert known.scale.tolist() == [own.scale[0], 123.0]
    assert known.floor.tolist() == [own.floor[0], -5.0]
    assert known.anchor.tolist() == own.anchor.tolist()


def test_unknown_series_share_the_scale_of_logs(pair: Panel) -> None:
    """In logs series are alike: an unknown one takes the scale of the known."""
    assert scale(pair, "log", 1, {("elsewhere",): (0.25, 0.0)}).scale.tolist() == [0.25, 0.25]


def test_a_value_that_the_transform_cannot_take(tmp_path: Path, write_series: Write) -> None:
    """A zero in new data of a model in logs is refused, naming file, value and transform."""
    panel = read(write_series(tmp_path / "x.csv", {"a": [1.0, 0.0, 2.0]}))
    with pytest.raises(DataError, match=r"x\.csv: the smallest value is 0, and the model's transform, log, cannot"):
        scale(panel, "log", 1, {})


@pytest.mark.parametrize(("season", "steps"), [(1, 30), (12, 36), (168, 500), (7, 30)])
def test_spread_looks_back_three_seasons(season: int, steps: int) -> None:
    """Three seasons, at least 30 and at most 500 steps."""
    assert spread_steps(Shape(context=8, lags=4, season=season)) == steps
