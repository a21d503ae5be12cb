"""Warm starts continue from weights that have not seen the test steps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lstmcast.api import train
from lstmcast.config import Config, load_config
from lstmcast.data.load import read
from lstmcast.data.panel import Panel
from lstmcast.data.schema import SettingKey
from lstmcast.forecasting.forecaster import Forecaster
from lstmcast.forecasting.planning import make_plan
from lstmcast.forecasting.plans import TrainingPlan
from lstmcast.forecasting.warm_start import apply_warm_start, fine_tuning_recipe, last_validation_step
from lstmcast.nn.numpy_lstm import to_tensors

Write = Callable[..., Path]
Wave = Callable[[int, int], np.ndarray]


@pytest.fixture(scope="module")
def pinned(tiny: Config) -> Config:
    """A quick training of one way to see the series, the same at each length."""
    return tiny.model_copy(update={"model": tiny.model.model_copy(update={"level_window": 1, "transform": "log"})})


@pytest.fixture(scope="module")
def longer(tmp_path_factory: pytest.TempPathFactory, write_series: Write, waves: Wave) -> Callable[[int], Panel]:
    """The first days of one long series."""
    folder = tmp_path_factory.mktemp("longer")
    return lambda days: read(write_series(folder / f"{days}.csv", {"one": waves(400, 5)[:days]}))


@pytest.fixture(scope="module")
def start(longer: Callable[[int], Panel], pinned: Config) -> Forecaster:
    """A forecaster of the first 200 days."""
    return train(longer(200), pinned)


def held(plan: TrainingPlan) -> tuple[int, int]:
    """The validation and test steps."""
    return plan.holdout.validation_steps, plan.holdout.test_steps


def reason(plan: TrainingPlan) -> tuple[str, str]:
    """The initialization of the networks, and its reason."""
    (found,) = (setting for setting in plan.inferred if setting.key == SettingKey.INIT)
    return found.value, found.reason


def same_weights(one: Forecaster, other: Forecaster) -> bool:
    """True if both plans have the same test networks."""
    pairs = zip(one.holdout_ensemble.lstm.networks, other.holdout_ensemble.lstm.networks, strict=True)
    return all(
        (a == b).all()
        for mine, its in pairs
        for a, b in zip(to_tensors(mine).values(), to_tensors(its).values(), strict=True)
    )


@pytest.mark.slow
@pytest.mark.parametrize("days", [200, 201, 230, 400])
def test_no_test_step_was_seen_in_training(
    start: Forecaster, longer: Callable[[int], Panel], pinned: Config, days: int
) -> None:
    """For any number of new days, the first held-out step lies after the last step seen by the test weights."""
    panel = longer(days)
    plan, warm = apply_warm_start(make_plan(panel, pinned), start)
    assert warm is not None
    assert reason(plan)[0] == "warm"
    old = start.report.holdout
    known_days = 200 - old.validation_steps - old.test_steps
    assert days - sum(held(plan)) >= known_days
    assert days - plan.holdout.test_steps >= 200 - old.test_steps


@pytest.mark.slow
def test_a_warm_plan_is_that_of_the_model(start: Forecaster, longer: Callable[[int], Panel], pinned: Config) -> None:
    """The network and its window are those of the model; the fit chooses the learning rate."""
    panel = longer(230)
    cold = make_plan(panel, pinned)
    plan, warm = apply_warm_start(cold, start)
    assert warm is not None
    (variant,) = plan.variants
    known = start.ensemble.preprocessings[0]
    assert (variant.window_spec, variant.scaling_spec) == (known.window_spec, known.scaling_spec)
    assert plan.recipe == cold.recipe
    assert warm.holdout_networks == start.holdout_ensemble.lstm.networks
    assert warm.final_networks == start.ensemble.lstm.networks


def test_a_long_fit_is_not_run_as_long_again(longer: Callable[[int], Panel], pinned: Config) -> None:
    """Without early stopping, a quarter of the epochs, rounded up, at 0.3 of the learning rate."""
    recipe = replace(make_plan(longer(200), pinned).recipe, patience=None, epochs=10, learning_rate=0.01)
    found = fine_tuning_recipe(recipe)
    assert (found.epochs, found.decay) == (3, 0)
    assert found.learning_rate == pytest.approx(0.003)


@pytest.mark.slow
def test_data_that_end_earlier_start_fresh(start: Forecaster, longer: Callable[[int], Panel], pinned: Config) -> None:
    """A model that has seen the held-out steps of a truncated file is not continued."""
    panel = longer(190)
    plan, warm = apply_warm_start(make_plan(panel, pinned), start)
    assert warm is None
    assert reason(plan) == ("fresh", "the current model was trained on the new hold-out")


@pytest.mark.slow
@pytest.mark.parametrize("setting", [{"model.units": [5]}, {"model.activation": "relu"}, {"train.ensemble_size": 2}])
def test_another_network_starts_fresh(
    start: Forecaster, longer: Callable[[int], Panel], setting: dict[str, object]
) -> None:
    """Weights that mean something else are not gone on from."""
    other = load_config(
        None, {"train.epochs": 2, "model.units": [4], "model.level_window": 1, "model.transform": "log"} | setting
    )
    panel = longer(230)
    plan, warm = apply_warm_start(make_plan(panel, other), start)
    assert warm is None
    assert reason(plan) == ("fresh", "the current model has another architecture")


@pytest.mark.slow
def test_values_that_the_transform_cannot_take_start_fresh(
    start: Forecaster, longer: Callable[[int], Panel], tiny: Config
) -> None:
    """A first negative value ends a model in logs."""
    panel = longer(230)
    panel = replace(panel, values=np.where(np.arange(230) == 3, -1.0, panel.values))
    plan, warm = apply_warm_start(make_plan(panel, tiny), start)
    assert warm is None
    assert reason(plan)[1] == "the transform of the current model, log, is impossible for the newest values"


@pytest.mark.slow
def test_a_series_that_has_ended_holds_out_no_more_than_before(
    tmp_path: Path, write_series: Write, waves: Wave, pinned: Config
) -> None:
    """For a series without new days, no step seen in training is held out, even if another series has grown."""
    short = {"gone": waves(150, 1), "on": waves(150, 2)}
    both = read(write_series(tmp_path / "a.csv", short))
    before = train(both, pinned)
    grown = read(write_series(tmp_path / "b.csv", {**short, "on": np.append(short["on"], waves(200, 3))}))
    plan, warm = apply_warm_start(make_plan(grown, pinned), before)
    assert warm is not None
    old = before.report.holdout
    assert held(plan) == (old.validation_steps, old.test_steps)
    assert sum(held(plan)) < sum(held(make_plan(grown, pinned)))


@pytest.mark.slow
def test_training_begins_at_the_weights(start: Forecaster, longer: Callable[[int], Panel], pinned: Config) -> None:
    """With a tiny learning rate the weights stay those of the old model; random weights do not."""
    still = pinned.model_copy(update={"train": pinned.train.model_copy(update={"learning_rate": 1e-12})})
    panel = longer(214)
    warm = train(panel, still, init_model=start)
    for mine, its in zip(warm.holdout_ensemble.lstm.networks, start.holdout_ensemble.lstm.networks, strict=True):
        for a, b in zip(to_tensors(mine).values(), to_tensors(its).values(), strict=True):
            np.testing.assert_allclose(a, b, atol=1e-6)
    assert not same_weights(train(panel, still), start)


@pytest.mark.slow
def test_what_was_decided_until_when(start: Forecaster) -> None:
    """The test steps decide nothing; the last day before them is the last that does."""
    last = int(start.context.ends[0]) - start.report.holdout.test_steps
    assert last_validation_step(start) == {start.context.keys[0]: last}
