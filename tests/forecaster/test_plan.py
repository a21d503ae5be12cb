"""What `auto` becomes: what is pinned stays, what is decided is said, what cannot be is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lstmcast.config import Config, load_config
from lstmcast.data.panel import Panel
from lstmcast.data.read import read
from lstmcast.errors import DataError
from lstmcast.evaluation.origins import hold_out
from lstmcast.forecaster.plan import learnable, make_plan

Write = Callable[..., Path]


def config(**settings: Any) -> Config:
    """`model__lags` for the key `model.lags`."""
    return load_config(None, {name.replace("__", "."): value for name, value in settings.items()})


def test_what_is_pinned_stays(air_panel: Panel) -> None:
    """Every pinned number arrives in the plan unchanged."""
    asked = config(
        model__context=9,
        model__lags=5,
        model__level=4,
        model__seasons=2,
        model__transform="sqrt",
        model__units=[3, 2],
        model__dropout=0.5,
        model__activation="relu",
        forecast__horizon=7,
        forecast__levels=[50],
        train__batches=11,
        train__batch_size=13,
        train__epochs=17,
        train__patience=3,
        train__learning_rate=0.01,
        train__clip_norm=None,
        train__networks=2,
        train__refit=False,
        train__seed=5,
    )
    plan = make_plan(air_panel, asked)
    (way,) = plan.ways
    shape = way.shape
    assert (way.kind, shape.context, shape.lags, shape.level) == ("sqrt", 9, 5, 4)
    assert (shape.seasons, shape.season, shape.horizon) == (2, 12, 1)
    net = plan.architecture
    assert (net.context, net.lags, net.units, net.dropout, net.activation) == (9, 5, (3, 2), 0.5, "relu")
    recipe = plan.recipe
    assert (recipe.batches, recipe.batch_size, recipe.epochs, recipe.patience) == (11, 13, 17, 3)
    assert (recipe.learning_rate, recipe.clip_norm, recipe.seed) == (0.01, None, 5)
    assert (plan.networks, plan.refit, plan.levels) == (2, False, (50.0,))
    assert plan.hold_out == hold_out(air_panel.lengths, 7)


def test_what_is_decided_is_said(air_panel: Panel) -> None:
    """Each decision is a finding with a value and a reason; a pinned one says so."""
    found = {f.name: f for f in make_plan(air_panel, Config()).findings}
    assert {"horizon", "transform", "footing", "window"} <= set(found)
    assert (found["horizon"].value, found["horizon"].reason) == ("12", "usual for data that are monthly")
    assert all(f.value and f.reason for f in found.values())
    pinned = {f.name: f for f in make_plan(air_panel, config(forecast__horizon=3, model__transform="log")).findings}
    assert (pinned["horizon"].value, pinned["horizon"].reason) == ("3", "pinned")
    assert (pinned["transform"].value, pinned["transform"].reason) == ("log", "pinned")


def test_ways_share_one_window(air_panel: Panel) -> None:
    """Different ways to see the series read windows of one size, which is the architecture's."""
    plan = make_plan(air_panel, Config())
    sizes = {(way.shape.context, way.shape.lags) for way in plan.ways}
    assert sizes == {(plan.architecture.context, plan.architecture.lags)}
    assert all(0 <= way.shape.burn < way.shape.context for way in plan.ways)


@pytest.mark.parametrize(
    ("values", "asked", "possible"),
    [([-1.0, 2.0], "log", "none"), ([-1.0, 2.0], "sqrt", "none"), ([0.0, 2.0], "log", "sqrt, none")],
)
def test_a_transform_that_the_values_forbid(
    tmp_path: Path, write_series: Write, values: list[float], asked: str, possible: str
) -> None:
    """A demanded transform is refused where it is impossible, with the smallest value and what is possible."""
    panel = read(write_series(tmp_path / "x.csv", {"a": values * 30}))
    with pytest.raises(DataError) as caught:
        make_plan(panel, config(model__transform=asked))
    assert caught.value.faults == (
        f"model.transform: {asked} cannot take a smallest value of {values[0]:g}; possible here: {possible}, or auto",
    )


def test_learnable_is_what_comes_before(air_panel: Panel) -> None:
    """The steps to learn from are those before the held-out ones, of the series that have at least three."""
    past = learnable(air_panel, 40)
    np.testing.assert_array_equal(past.values, air_panel.values[:104])


def test_learnable_leaves_out_what_has_too_little(tmp_path: Path, write_series: Write) -> None:
    """Two steps left are too few, three are enough; with none left at all the fault says how many are held out."""
    series = {name: [float(k) for k in range(n)] for name, n in (("a", 12), ("b", 13), ("c", 5), ("d", 20))}
    panel = read(write_series(tmp_path / "x.csv", series))
    past = learnable(panel, 10)
    assert past.keys == (("b",), ("d",))
    assert past.values.tolist() == [0, 1, 2, *range(10)]
    with pytest.raises(DataError, match="no series is longer than the 20 steps held out"):
        learnable(panel, 20)


def test_an_epoch_is_bounded(air_panel: Panel) -> None:
    """An epoch has batches enough to learn from few values, and not endlessly many for millions."""
    few = make_plan(air_panel, Config()).recipe
    length = 100_000
    values = np.abs(np.random.default_rng(0).normal(100, 10, length))
    many = replace(air_panel, values=values, observed=np.ones(length, bool), offsets=np.array([0, length]), findings=())
    plenty = make_plan(many, config(model__level=1, model__seasons=1, model__transform="none")).recipe
    assert 1 <= few.batches < plenty.batches <= 1000
    assert few.batch_size >= 8
