"""Pretrained networks that learn on from the data at hand, or stay as they are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lstmcast.config import load_config
from lstmcast.data.panel import Panel
from lstmcast.data.read import read
from lstmcast.errors import ConfigError
from lstmcast.forecaster import tuning
from lstmcast.forecaster.explaining import explain
from lstmcast.forecaster.planning import make_plan, train_panel
from lstmcast.forecaster.pretrained import load_pretrained_forecaster
from lstmcast.forecaster.trained import Forecaster
from lstmcast.forecaster.training import train
from lstmcast.forecaster.tuning import plan_fine_tuning
from lstmcast.model.lstm import to_tensors

QUICK = {"train.epochs": 2, "train.batches": 4, "train.start": "pretrained"}


@pytest.fixture(scope="module")
def tuned_air(air_panel: Panel) -> Forecaster:
    """Two short epochs on top of what the networks knew."""
    return train(air_panel, load_config(None, QUICK))


def test_the_plan_is_that_of_the_networks(air_panel: Panel) -> None:
    """What is held out stays; the window, the head and the unit are those that the networks have always seen."""
    plan = make_plan(air_panel, load_config())
    going_on, warm = plan_fine_tuning(plan, air_panel)
    known = load_pretrained_forecaster(air_panel).pipeline
    (way,) = going_on.variants
    assert (way.window_spec, way.scaling_spec, way.typical_step) == (
        known.window_spec,
        known.scaling_spec,
        known.typical_step,
    )
    assert (going_on.holdout, going_on.recipe.seed) == (plan.holdout, plan.recipe.seed)
    assert going_on.recipe.loss == "pinball"
    assert (going_on.smoothing_weight, going_on.smoothing_half_length) == (
        known.smoothing_weight,
        known.smoothing_half_length,
    )
    assert going_on.architecture.head == known.head
    assert warm.may_stay
    assert [finding.name for finding in going_on.findings].count("start") == 1


def test_a_pinned_share_of_smoothing_stays(air_panel: Panel) -> None:
    """Whatever serves the class."""
    plan, _ = plan_fine_tuning(make_plan(air_panel, load_config(None, {"model.smoothing": 0.2})), air_panel)
    assert (plan.smoothing_weight, plan.smoothing_half_length) == (0.2, 0)


def test_other_levels_are_refused(air_panel: Panel) -> None:
    """The networks say bounds of their own; the message says which."""
    config = load_config(None, {**QUICK, "forecast.levels": [50, 90]})
    with pytest.raises(ConfigError, match=r"forecast\.levels: pretrained networks say .* 80 and 95 %"):
        train(air_panel, config)


@pytest.mark.slow
def test_it_begins_where_the_networks_were(tuned_air: Forecaster, air_panel: Panel) -> None:
    """After two gentle epochs the weights are near what came with lstmcast, and not the same where they helped."""
    held = tuned_air.report["held_out"]
    known = load_pretrained_forecaster(train_panel(air_panel, held["stop_steps"] + held["judge_steps"])).pipeline
    for epochs, before, after in zip(
        tuned_air.report["epochs"], known.networks, tuned_air.holdout_pipeline.networks, strict=True
    ):
        pairs = [(to_tensors(before)[name], array) for name, array in to_tensors(after).items()]
        assert all(np.abs(old - new).max() < 0.1 for old, new in pairs)
        assert all((old == new).all() for old, new in pairs) == (epochs == 0)


@pytest.mark.slow
def test_saved_and_loaded_it_says_the_same(tuned_air: Forecaster, tmp_path: Path) -> None:
    """Unit, phases and the share of smoothing are kept."""
    tuned_air.save(tmp_path, "air")
    loaded = Forecaster.load("air", tmp_path)
    assert (loaded.pipeline.typical_step, loaded.pipeline.smoothing_half_length) == (
        tuned_air.pipeline.typical_step,
        tuned_air.pipeline.smoothing_half_length,
    )
    assert loaded.predict().render(".csv") == tuned_air.predict().render(".csv")


@pytest.mark.slow
def test_it_is_explained_with_the_share_of_its_length(tuned_air: Forecaster, air_panel: Panel) -> None:
    """The attributions sum to what the past changed, smoothing counting as much as it does in the forecast."""
    found = explain(tuned_air, air_panel)
    assert found.smoothing_weight == tuned_air.pipeline.smoothing_weight_of(air_panel.lengths)[0]
    said = tuned_air.predict(air_panel).values[0]
    np.testing.assert_allclose(found.reference + found.attribution.sum(axis=1), said, rtol=1e-3)


@pytest.mark.slow
def test_they_stay_where_nothing_is_learnt(air_panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps so bold that every epoch is worse: no epochs, and the weights that came with lstmcast."""
    config = load_config(None, {**QUICK, "train.learning_rate": 3.0, "train.epochs": 1})
    found = train(air_panel, config)
    assert set(found.report["epochs"]) == {0}
    for before, after in zip(
        load_pretrained_forecaster(air_panel).pipeline.networks, found.pipeline.networks, strict=True
    ):
        for name, array in to_tensors(after).items():
            np.testing.assert_array_equal(to_tensors(before)[name], array)
    monkeypatch.setattr(tuning, "pretrained", None)  # nothing more is asked of what came with lstmcast
    assert np.isfinite(found.predict(air_panel).values).all()


@pytest.mark.slow
def test_a_zero_long_ago_changes_nothing(tmp_path: Path, write_series: Callable[..., Path]) -> None:
    """A series that was not transformed while learning is read in logs where the steps looked at have no zero."""
    y = 500 + 100 * np.sin(np.arange(800) * 2 * np.pi / 7)
    y[5] = 0.0
    panel = read(write_series(tmp_path / "zero.csv", {"a": y}))
    found = train(panel, load_config(None, {**QUICK, "train.learning_rate": 1e-12}))
    assert not found.pipeline.scales
    said = found.predict(panel).values
    np.testing.assert_allclose(said, load_pretrained_forecaster(panel).predict(panel).values, rtol=1e-3)
    found.save(tmp_path / "models", "zero")
    np.testing.assert_allclose(Forecaster.load("zero", tmp_path / "models").predict(panel).values, said, rtol=1e-12)
