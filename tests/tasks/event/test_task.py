"""An event from the file to the figure: train, predict, plot, backtest, and what is refused."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lstmcast.app import load_model
from lstmcast.cli import main
from lstmcast.evaluation.skill import SkillOutcome

WriteSeries = Callable[..., Path]
Waves = Callable[[int, int], np.ndarray]


def errors(capsys: pytest.CaptureFixture[str]) -> str:
    """The stderr so far."""
    return " ".join(capsys.readouterr().err.split())


@pytest.mark.slow
def test_train_shows_the_network_and_the_baselines(
    sales_file: Path, brief: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The last layer as it is written, the limit's share, every baseline, and a verdict; the same as JSON."""
    arguments = ["--config", "event", "-s", "model.event=y > p70", "--horizon", "1", "--json", *brief]
    assert main(["train", str(sales_file), "--model-dir", str(tmp_path), *arguments]) == 0
    captured = capsys.readouterr()
    text = " ".join(captured.err.split())
    assert "Dense(1, activation=sigmoid)])" in text
    assert re.search(r"event sales > p70 event rate [23]\d\.\d% in the training steps", text)
    assert all(f" {name} " in text for name in ("lstmcast", "base rate", "seasonal rate", "recent seasonal rate"))
    result = json.loads(captured.out)
    assert result["event"] == "sales > p70"
    assert set(result["scores"]["lstmcast"]) == {"brier", "log_loss", "accuracy", "calibration_error"}
    assert result["skill"]["outcome"] in set(SkillOutcome)
    assert "lstmcast" in captured.err


def test_predict_gives_a_probability_for_each_step(sales_file: Path, event_models: Path, tmp_path: Path) -> None:
    """The input's own columns, the days after the last, probabilities; fewer steps are the first of them."""
    target = tmp_path / "chances.csv"
    arguments = ["predict", str(sales_file), "--model-dir", str(event_models), "--quiet", "-o", str(target)]
    assert main(arguments) == 0
    table = pd.read_csv(target)
    assert list(table) == ["shop", "day", "probability"]
    assert table.groupby("shop")["day"].agg(["first", "last"]).loc["north"].tolist() == ["2024-07-29", "2024-08-02"]
    assert table["probability"].between(0, 1).all()
    assert main([*arguments, "--horizon", "2"]) == 0
    first = table.groupby("shop").head(2).reset_index(drop=True)
    pd.testing.assert_frame_equal(pd.read_csv(target), first)


def test_the_stored_context_gives_the_forecast_of_the_file(sales_file: Path, event_models: Path) -> None:
    """If the file is missing, the stored steps give the same bytes; earlier steps do not count."""
    loaded = load_model(str(event_models), None, str(sales_file))
    with_file, without = loaded.model.predict(loaded.dataset), loaded.model.predict()
    assert with_file.render(".csv") == without.render(".csv")


@pytest.mark.parametrize("extra", [[], ["--series", "south", "--history-steps", "40"], ["--backtest"]])
def test_plot_draws(event_models: Path, tmp_path: Path, extra: list[str]) -> None:
    """Probabilities ahead, of a named series too, and the reliability of what was held out."""
    figures = [tmp_path / name for name in ("one.png", "two.png")]
    for figure in figures:
        assert main(["plot", "--model-dir", str(event_models), "-o", str(figure), "--quiet", *extra]) == 0
    assert figures[0].read_bytes().startswith(b"\x89PNG")
    assert figures[0].read_bytes() == figures[1].read_bytes()


@pytest.mark.slow
def test_backtest_scores_and_writes(
    sales_file: Path, brief: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every probability with what came, from which the Brier score follows; scores; a figure."""
    arguments = [
        "--config",
        "event",
        "-s",
        "model.event=y > p70",
        "--horizon",
        "3",
        "--n-origins",
        "8",
        "--step-size",
        "2",
    ]
    folder = tmp_path / "out"
    assert main(["backtest", str(sales_file), *arguments, *brief, "-o", str(folder), "--figures", "--json"]) == 0
    captured = capsys.readouterr()
    table, scores = pd.read_csv(folder / "forecasts.csv"), pd.read_csv(folder / "scores.csv")
    assert list(table) == ["shop", "day", "origin", "step", "actual", "probability"]
    assert len(table) == 2 * 8 * 3
    brier = ((table["probability"] - table["actual"]) ** 2).mean()
    written = scores.query("method == 'lstmcast' and scope == 'all' and metric == 'brier'")["value"].item()
    assert (written, json.loads(captured.out)["scores"]["lstmcast"]["brier"]) == (
        pytest.approx(brier),
        pytest.approx(brier),
    )
    assert (folder / "reliability.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["explain"], 2, "explain needs a model of values (got model.task: event)"),
        (["predict", "--horizon", "9"], 2, "--horizon: must be 1 to 5, the horizon of training (got 9)"),
        (["plot", "--forecast", "x.csv"], 2, "--forecast: not with model.task: event"),
        (["plot", "--series", "west"], 2, "--series west: no such series"),
    ],
)
def test_what_the_head_does_not_serve_is_refused(
    event_models: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, words: str
) -> None:
    """In a line that names the flag, with the exit code of wrong usage."""
    assert main([*arguments, "--model-dir", str(event_models)]) == code
    assert words in errors(capsys)


@pytest.mark.parametrize(
    ("rule", "code", "words"),
    [
        ("profit > 5", 3, "model.event: must name y or the target, 'sales' (got 'profit')"),
        ("y > 1e9", 4, "'sales > 1e9' is never true in the"),
        ("y > -5", 4, "'sales > -5' is always true in the"),
        ("y = 5", 3, "must be the target (or y), one of > >= < <="),
    ],
)
def test_a_rule_without_both_outcomes_is_refused(
    sales_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], rule: str, code: int, words: str
) -> None:
    """Another column, a limit that is never or always passed, and no rule at all; nothing is saved."""
    arguments = ["--config", "event", "-s", f"model.event={rule}", "--model-dir", str(tmp_path)]
    assert main(["train", str(sales_file), *arguments]) == code
    assert words in errors(capsys)
    assert not list(tmp_path.rglob("manifest.json"))


@pytest.mark.parametrize("words", [("yes", "no"), ("True", "False"), ("1", "0")])
@pytest.mark.slow
def test_a_column_of_yes_and_no_needs_no_rule(
    tmp_path: Path, brief: tuple[str, ...], words: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """A single boolean column among numeric ones is the target, and read as 1 and 0."""
    rng = np.random.default_rng(5)
    days = np.datetime64("2024-01-01") + np.arange(120)
    rows = [f"{day},{rng.normal():.3f},{words[k % 7 < 5]}" for k, day in enumerate(days)]
    path = tmp_path / "rain.csv"
    path.write_text("\n".join(["day,wind,rained", *rows]) + "\n", encoding="utf-8")
    arguments = ["--config", "event", "--horizon", "2", "--model-dir", str(tmp_path / "models"), *brief]
    assert main(["train", str(path), *arguments]) == 0
    assert "target rained the only column of yes and no" in errors(capsys)
    assert main(["predict", "--model-dir", str(tmp_path / "models"), "-o", "-"]) == 0
    assert capsys.readouterr().out.splitlines()[0] == "day,probability"


def test_other_words_than_yes_and_no_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With line, word and the way out."""
    path = tmp_path / "rain.csv"
    path.write_text("day,rained\n2024-01-01,yes\n2024-01-02,maybe\n2024-01-03,no\n", encoding="utf-8")
    assert main(["train", str(path), "--config", "event", "--target", "rained", "--model-dir", str(tmp_path)]) == 4
    assert "rain.csv:3: column 'rained' must hold yes and no" in (captured := errors(capsys))
    assert "'maybe' on line 3" in captured
