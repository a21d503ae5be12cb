"""Training of a model of symbols, its forecasts and its artifact."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lstmcast.config import Config, load_config
from lstmcast.data.panel import Panel
from lstmcast.errors import DataError, ModelError
from lstmcast.tasks.category.model import SymbolForecaster
from lstmcast.tasks.category.task import SymbolTraining, make_symbol_plan
from lstmcast.tasks.pipeline import train


def weights(symbol_model: SymbolForecaster) -> dict[str, bytes]:
    """All arrays that are saved, as bytes."""
    return {
        f"{group}.{name}": array.tobytes()
        for group, own in symbol_model.to_artifact()[1].items()
        for name, array in own.items()
    }


@pytest.mark.slow
def test_the_same_seed_gives_the_same_bytes(symbol_model: SymbolForecaster, machines: Panel, brief: Config) -> None:
    """Trained again, every array and every score is the same."""
    again = train(SymbolTraining.of(machines, brief))
    assert weights(again) == weights(symbol_model)
    assert again.report == symbol_model.report


def test_the_plan_is_the_textbook_network(machines: Panel) -> None:
    """128 units, a softmax over the kinds, batches of 128 and ten epochs."""
    plan = make_symbol_plan(machines, load_config("category"))
    assert str(plan.architecture) == "Sequential([Input((72, 3)), LSTM(128), Dense(3, activation=softmax)])"
    assert (plan.recipe.batch_size, plan.recipe.epochs, plan.holdout.horizon) == (128, 10, 24)


def test_too_short_a_series_is_refused(machines: Panel, brief: Config) -> None:
    """With fewer steps than the holdout needs, training is refused with the required number."""
    with pytest.raises(DataError, match="a typical series has 15 steps; a horizon of 6 needs at least 18"):
        make_symbol_plan(machines.drop_last(285).select(np.array([1])), brief)


def test_what_is_kept_forecasts_what_all_the_data_do(symbol_model: SymbolForecaster, machines: Panel) -> None:
    """The last symbols that a model keeps are all that a forecast depends on."""
    whole, kept = symbol_model.predict(machines), symbol_model.predict()
    assert whole.to_frame().equals(kept.to_frame())
    assert whole.to_frame().columns.tolist() == ["machine", "time", "forecast", "probability"]
    assert whole.to_frame()["time"].iloc[0] == "2024-03-17 16:00"


def test_each_series_is_forecast_by_itself(symbol_model: SymbolForecaster, machines: Panel) -> None:
    """The path of one series does not depend on the others."""
    both, alone = symbol_model.predict(machines), symbol_model.predict(machines.select(np.array([1])))
    assert both.predicted_symbols[1].tolist() == alone.predicted_symbols[0].tolist()
    assert both.probabilities[1] == pytest.approx(alone.probabilities[0], abs=1e-6)


def test_drawing_needs_a_seed_to_be_repeated(symbol_model: SymbolForecaster) -> None:
    """Equal seeds give equal symbols; a low temperature gives almost always the most likely symbol."""
    once, again = (symbol_model.predict(horizon=40, temperature=1.5, seed=3).predicted_symbols.tolist() for _ in "ab")
    assert once == again
    assert once != symbol_model.predict(horizon=40, temperature=1.5, seed=4).predicted_symbols.tolist()


def test_a_symbol_that_training_never_met_is_a_step_of_which_nothing_is_known(
    symbol_model: SymbolForecaster, machines: Panel
) -> None:
    """It is no reason to stop, and moves the forecast one step on."""
    values = machines.values.copy()
    values[-1] = -1
    forecast = symbol_model.predict(replace(machines, values=values))
    assert np.isfinite(forecast.probabilities).all()
    assert forecast.origins.tolist() == symbol_model.predict(machines).origins.tolist()


def test_a_loaded_model_gives_the_same_forecast(symbol_model: SymbolForecaster) -> None:
    """Manifest and arrays hold everything."""
    back = SymbolForecaster.from_artifact(*symbol_model.to_artifact())
    assert back.predict().to_frame().equals(symbol_model.predict().to_frame())
    assert weights(back) == weights(symbol_model)


@pytest.mark.parametrize("fault", ["symbols", "networks", "window", "values"])
def test_parts_that_do_not_fit_are_refused(symbol_model: SymbolForecaster, fault: str) -> None:
    """A symbol less, a network more, no window, or a code without a symbol."""
    manifest, tensors = symbol_model.to_artifact()
    if fault == "values":
        tensors["context"] = {**tensors["context"], "values": tensors["context"]["values"] + 1}
    else:
        manifest[fault] = {"symbols": manifest["symbols"][:-1], "networks": 3, "window": None}[fault]
    with pytest.raises(ModelError):
        SymbolForecaster.from_artifact(manifest, tensors)


def test_as_text_the_symbols_stand_below_each_other(symbol_model: SymbolForecaster) -> None:
    """A `.txt` holds one line for each step, series after series."""
    forecast = symbol_model.predict(horizon=2)
    assert forecast.render(".txt").decode().splitlines() == forecast.predicted_symbols.ravel().tolist()
