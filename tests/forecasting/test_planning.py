"""Planning: pinned settings stay, `auto` settings are inferred with a reason, impossible ones are refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lstmcast.config import Config, ValueConfig, load_config
from lstmcast.data.load import read
from lstmcast.data.panel import Panel
from lstmcast.data.schema import ReadOptions
from lstmcast.errors import DataError
from lstmcast.evaluation.splits import plan_holdout
from lstmcast.forecasting.planning import make_plan
from lstmcast.nn.heads import QuantileHead
from lstmcast.preprocessing.panel_scaling import ScalingSpec

Write = Callable[..., Path]


def config(**settings: Any) -> Config:
    """`model__lags` for the key `model.lags`."""
    return load_config(None, {name.replace("__", "."): value for name, value in settings.items()})


def test_what_is_pinned_stays(air_panel: Panel) -> None:
    """Every pinned number arrives in the plan unchanged."""
    requested = config(
        model__context=9,
        model__lags=5,
        model__level_window=4,
        model__profile_seasons=2,
        model__transform="sqrt",
        model__units=[3, 2],
        model__dropout=0.5,
        model__activation="relu",
        forecast__horizon=7,
        forecast__levels=[50],
        train__steps_per_epoch=11,
        train__batch_size=13,
        train__epochs=17,
        train__patience=3,
        train__learning_rate=0.01,
        train__clip_norm=None,
        train__ensemble_size=2,
        train__refit_on_all_data=False,
        train__seed=5,
        model__strategy="direct",
        model__skip_connection=True,
        train__loss="pinball",
        train__schedule="cosine",
        train__clip_targets=2.5,
        train__optimizer="nadam",
    )
    plan = make_plan(air_panel, requested)
    (variant,) = plan.variants
    shape = variant.window_spec
    assert (variant.scaling_spec.transform, shape.context, shape.lags, shape.level_window) == ("sqrt", 9, 5, 4)
    assert (shape.profile_seasons, shape.season_length, shape.horizon) == (2, 12, 7)
    net = plan.architecture
    assert (net.context, net.lags, net.units, net.dropout, net.activation) == (9, 5, (3, 2), 0.5, "relu")
    assert (net.skip, net.head) == (True, QuantileHead(7, (50.0,)))
    recipe = plan.recipe
    assert (recipe.loss, recipe.schedule, recipe.winsorize) == ("pinball", "cosine", 2.5)
    assert recipe.optimizer == "nadam"
    assert (recipe.batches, recipe.batch_size, recipe.epochs, recipe.patience) == (11, 13, 17, 3)
    assert (recipe.learning_rate, recipe.clip_norm, recipe.seed) == (0.01, None, 5)
    assert (plan.networks, plan.refit, plan.levels) == (2, False, (50.0,))
    assert plan.holdout == plan_holdout(air_panel.lengths, 7)


def test_inferred_settings_have_reasons(air_panel: Panel) -> None:
    """Each decision is a setting with a value and a reason; a pinned one is marked."""
    found = {f.key: f for f in make_plan(air_panel, ValueConfig()).inferred}
    assert {"horizon", "transform", "preprocessing", "window"} <= set(found)
    assert (found["horizon"].value, found["horizon"].reason) == ("12", "usual for data that are monthly")
    assert all(f.value and f.reason for f in found.values())
    pinned = {f.key: f for f in make_plan(air_panel, config(forecast__horizon=3, model__transform="log")).inferred}
    assert (pinned["horizon"].value, pinned["horizon"].reason) == ("3", "pinned")
    assert (pinned["transform"].value, pinned["transform"].reason) == ("log", "pinned")


def test_variants_have_one_window(air_panel: Panel) -> None:
    """Different ways to see the series read windows of one size, which is the architecture's."""
    plan = make_plan(air_panel, ValueConfig())
    sizes = {(variant.window_spec.context, variant.window_spec.lags) for variant in plan.variants}
    assert sizes == {(plan.architecture.context, plan.architecture.lags)}
    assert all(0 <= variant.window_spec.burn_in < variant.window_spec.context for variant in plan.variants)


@pytest.mark.parametrize(
    ("length", "lags"),
    [(21, 7), (60, 8), (400, 25), (2000, 52)],
)
def test_lags_where_there_is_no_season(tmp_path: Path, write_series: Write, length: int, lags: int) -> None:
    """A sixteenth of a series, 8 to 52, and no more than a third of it."""
    panel = read(
        write_series(tmp_path / "x.csv", {"a": [float(k % 7) for k in range(length)]}), ReadOptions(season_length=1)
    )
    plan = make_plan(panel, config(model__transform="none", forecast__horizon=2))
    assert plan.architecture.lags == lags


@pytest.mark.parametrize(
    ("values", "transform", "possible"),
    [([-1.0, 2.0], "log", "none"), ([-1.0, 2.0], "sqrt", "none"), ([0.0, 2.0], "log", "sqrt, none")],
)
def test_a_transform_that_the_values_forbid(
    tmp_path: Path, write_series: Write, values: list[float], transform: str, possible: str
) -> None:
    """A demanded transform is refused where it is impossible, with the smallest value and what is possible."""
    panel = read(write_series(tmp_path / "x.csv", {"a": values * 30}))
    with pytest.raises(DataError) as caught:
        make_plan(panel, config(model__transform=transform))
    assert tuple(map(str, caught.value.faults)) == (
        (
            f"model.transform: {transform} cannot take a smallest value of {values[0]:g}; "
            f"possible here: {possible}, or auto"
        ),
    )


def test_an_epoch_is_bounded(air_panel: Panel) -> None:
    """An epoch has batches enough to learn from few values, and not endlessly many for millions."""
    few = make_plan(air_panel, ValueConfig()).recipe
    length = 100_000
    values = np.abs(np.random.default_rng(0).normal(100, 10, length))
    many = replace(air_panel, values=values, observed=np.ones(length, bool), offsets=np.array([0, length]), inferred=())
    plenty = make_plan(many, config(model__level_window=1, model__profile_seasons=1, model__transform="none")).recipe
    assert 1 <= few.batches < plenty.batches <= 1000
    assert few.batch_size >= 8


@pytest.mark.parametrize(
    ("settings", "head"),
    [
        ({}, QuantileHead()),
        ({"model__strategy": "direct"}, QuantileHead(12)),
        ({"model__strategy": "direct", "forecast__horizon": 1}, QuantileHead()),
        (
            {"model__strategy": "direct", "train__loss": "pinball", "forecast__horizon": 1},
            QuantileHead(1, (80.0, 95.0)),
        ),
        ({"model__strategy": "direct", "train__loss": "pinball", "forecast__levels": []}, QuantileHead(12)),
    ],
)
def test_the_head_of_the_network(air_panel: Panel, settings: dict[str, Any], head: QuantileHead) -> None:
    """One value to be run on, or all the steps; with pinball, their bounds. Targets and outputs are as many."""
    plan = make_plan(air_panel, config(**settings))
    assert plan.architecture.head == head
    assert {variant.window_spec.horizon for variant in plan.variants} == {head.steps}


def test_a_long_fit_holds_out_nothing_to_stop(air_panel: Panel) -> None:
    """Without patience there is one variant, a falling learning rate, and the validation steps are used in training."""
    stopping, no_early_stopping = (
        make_plan(air_panel, ValueConfig()),
        make_plan(air_panel, config(train__patience=None)),
    )
    assert (stopping.holdout.validation_steps > 0, stopping.recipe.patience, stopping.recipe.schedule) == (
        True,
        10,
        "constant",
    )
    assert no_early_stopping.holdout == plan_holdout(air_panel.lengths, 12, stopping=False)
    assert (no_early_stopping.recipe.patience, no_early_stopping.recipe.schedule, len(no_early_stopping.variants)) == (
        None,
        "cosine",
        1,
    )
    pinned = make_plan(air_panel, config(train__patience=None, train__schedule="constant")).recipe
    assert pinned.schedule == "constant"


@pytest.mark.parametrize("epochs", [10, 100])
def test_a_long_fit_learns_from_each_value_as_often_however_many_epochs(epochs: int, air_panel: Panel) -> None:
    """Epochs, batches, windows and their steps make 24 passes over the steps to learn from, or 16 of long series."""
    for length, passes in ((190, 24), (10_000, 16)):
        values = np.random.default_rng(0).normal(100, 10, length)
        panel = replace(
            air_panel, values=values, observed=np.ones(length, bool), offsets=np.array([0, length]), inferred=()
        )
        requested = config(
            train__patience=None, train__epochs=epochs, train__batch_size=2, model__context=8, model__profile_seasons=0
        )
        plan = make_plan(panel, requested)
        n_windows = (
            plan.recipe.batches * plan.recipe.epochs * 2 * 8
        )  # an epoch has whole batches: rounded by half a one
        assert n_windows == pytest.approx(passes * (length - plan.holdout.total), abs=0.5 * epochs * 2 * 8)


def test_many_values_are_not_stopped(air_panel: Panel) -> None:
    """From 200,000 values on, patience is endless where it is left to be decided, and only there."""
    for length, patience in ((199_999, 10), (200_000, None)):
        values = np.abs(np.random.default_rng(0).normal(100, 10, length))
        panel = replace(
            air_panel, values=values, observed=np.ones(length, bool), offsets=np.array([0, length]), inferred=()
        )
        quick = {"model__level_window": 1, "model__profile_seasons": 1, "model__transform": "none"}
        assert make_plan(panel, config(**quick)).recipe.patience == patience
        assert make_plan(panel, config(**quick, train__patience=7)).recipe.patience == 7


@pytest.mark.parametrize(
    ("length", "series", "transform", "scale_mode"),
    [(100, 3, "log", "blended"), (400, 3, "log", "global"), (400, 1, "log", "local"), (400, 3, "none", "local")],
)
def test_whose_step_is_the_unit(
    tmp_path: Path, write_series: Write, length: int, series: int, transform: str, scale_mode: str
) -> None:
    """Each series its own; logs of several share it, and short ones in part."""
    values = 100 + np.random.default_rng(1).normal(size=length)
    panel = read(write_series(tmp_path / "x.csv", {f"s{k}": values + k for k in range(series)}))
    plan = make_plan(panel, config(model__transform=transform, model__level_window=1, model__profile_seasons=0))
    assert plan.variants[0].scaling_spec == ScalingSpec(transform, scale_mode)


@pytest.mark.parametrize(("loss", "most"), [("mse", 3.0), ("mae", None), ("huber", None)])
def test_outliers_count_less_where_errors_are_squared(air_panel: Panel, loss: str, most: float | None) -> None:
    """Left to be decided, targets are cut with mse and without a profile alone; null cuts none."""
    assert make_plan(air_panel, config(train__loss=loss, model__profile_seasons=0)).recipe.winsorize == most
    assert make_plan(air_panel, config(train__loss=loss, model__profile_seasons=2)).recipe.winsorize is None
    assert make_plan(air_panel, config(train__loss=loss, train__clip_targets=None)).recipe.winsorize is None
