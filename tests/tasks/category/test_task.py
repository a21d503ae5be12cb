"""The category task: training, forecasts and artifact of symbols, and its commands for columns and plain text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lstmcast.cli import main
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


Run = Callable[..., "object"]
SENTENCE = "the rain in Spain stays mainly in the plain. "
BRIEF = (
    "--set",
    "train.epochs=2",
    "--set",
    "train.steps_per_epoch=5",
    "--set",
    "train.batch_size=8",
    "--set",
    "model.units=[6]",
)


def test_a_text_is_gone_on_with(text_models: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Stdout has the requested number of characters, all of the vocabulary of the text."""
    assert main(["predict", "--model-dir", str(text_models), "-o", "-", "--quiet"]) == 0
    texts = capfd.readouterr().out
    assert len(texts) == 31
    assert set(texts[:-1]) <= set(SENTENCE)


def test_a_prompt_is_gone_on_with(text_models: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Another text is read as a prompt; equal seeds give equal samples, and a table contains their probabilities."""
    prompt = tmp_path / "prompt.txt"
    prompt.write_text("the pla", encoding="utf-8")
    sample = [
        "predict",
        str(prompt),
        "--model-dir",
        str(text_models),
        "--temperature",
        "0.8",
        "--horizon",
        "12",
        "--quiet",
    ]
    texts = []
    for seed in ("1", "1", "2"):
        assert main([*sample, "--seed", seed, "-o", "-"]) == 0
        texts.append(capfd.readouterr().out)
    assert texts[0] == texts[1] != texts[2]
    assert main([*sample, "--seed", "1", "-o", str(tmp_path / "forecast.csv")]) == 0
    table = pd.read_csv(tmp_path / "forecast.csv", keep_default_na=False)
    assert "".join(table["forecast"]) == texts[0][:-1]
    assert table["step"].tolist() == list(range(8, 20))
    assert table["probability"].between(0, 1).all()


def test_characters_that_training_never_met(
    text_models: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """They are counted and reported, even with --quiet; --strict exits with 8."""
    prompt = tmp_path / "prompt.txt"
    prompt.write_text("the Übung", encoding="utf-8")
    arguments = ["predict", str(prompt), "--model-dir", str(text_models), "-o", str(tmp_path / "a.txt"), "--quiet"]
    assert main(arguments) == 0
    assert "4 steps with a symbol that was not in the training data" in capfd.readouterr().err
    assert main([*arguments, "--strict"]) == 8


def test_figures(text_models: Path, tmp_path: Path) -> None:
    """The forecast, and the scores."""
    for name, more in (("ahead.png", []), ("scores.svg", ["--backtest"])):
        assert main(["plot", "--model-dir", str(text_models), "-o", str(tmp_path / name), "--quiet", *more]) == 0
        assert (tmp_path / name).stat().st_size > 5_000


@pytest.mark.slow
def test_a_backtest_of_symbols(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Every step of the last third is written, with what came and how likely that was."""
    hours = (np.datetime64("2024-03-01T00") + np.arange(240)).astype(str)
    rows = [f"{hour.replace('T', ' ')}:00,{'on' if k % 6 < 2 else 'off'}" for k, hour in enumerate(hours)]
    (tmp_path / "lamp.csv").write_text("\n".join(["time,lamp", *rows]) + "\n", encoding="utf-8")
    arguments = ["backtest", str(tmp_path / "lamp.csv"), "--config", "category", *BRIEF, "--horizon", "6"]
    assert main([*arguments, "-o", str(tmp_path / "out"), "--figures"]) == 0
    assert "LSTM" in capfd.readouterr().err
    steps = pd.read_csv(tmp_path / "out" / "forecasts.csv")
    assert steps["actual"].tolist() == ["on" if k % 6 < 2 else "off" for k in range(160, 240)]
    assert steps["time"].iloc[0] == "2024-03-07 16:00"
    bits = -np.log2(steps["probability"]).mean()
    scores = pd.read_csv(tmp_path / "out" / "scores.csv", index_col="method")
    assert scores.loc["lstmcast", "bits"] == pytest.approx(bits, abs=1e-4)
    assert (tmp_path / "out" / "scores.png").exists()
    assert main([*arguments, "--refit"]) == 2
    assert "--refit: not with model.task: category" in capfd.readouterr().err


def test_a_forecast_of_values_draws_no_symbols(models: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """--temperature is refused where there is nothing to draw, and a seed without it."""
    arguments = ["predict", "--model-dir", str(models), "-o", str(tmp_path / "a.csv")]
    assert main([*arguments, "--temperature", "1"]) == 2
    assert "--temperature: not with model.task: value" in capfd.readouterr().err


def test_a_seed_needs_a_temperature(text_models: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A seed for the most likely path, which is not sampled, is refused."""
    assert main(["predict", "--model-dir", str(text_models), "--seed", "0", "-o", str(tmp_path / "a.txt")]) == 2
    assert "--seed" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        (["data.format=text"], "data.format"),
        (["model.task=category", "model.lags=3"], "model.lags"),
        (["model.task=category", "train.loss=mae"], "train.loss"),
    ],
)
def test_settings_without_a_meaning_are_refused(
    settings: list[str], fault: str, air: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A text of values, lags of symbols, a loss of values."""
    given = [part for setting in settings for part in ("--set", setting)]
    assert main(["train", str(air), *given]) == 3
    assert f"{fault}: a key of model.task: " in capfd.readouterr().err
