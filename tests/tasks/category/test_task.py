"""`model.task: category` on the command line: columns of symbols, plain text, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lstmcast.cli import main

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
