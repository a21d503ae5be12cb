"""`model.task: label` by the command line, as a new user would meet it."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from lstmcast.cli import main
from lstmcast.evaluation.skill import SkillOutcome

HEAD = ("--set", "model.task=label")
QUICK = (*HEAD, "--set", "model.units=[8]", "--set", "train.epochs=12", "--set", "train.learning_rate=0.02")


def table(text: str) -> list[dict[str, str]]:
    """The rows of a CSV."""
    return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.slow
def test_the_output_of_train(tmp_path: Path, labeled_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Columns, labels, network, scores of network and baselines, the verdict; with --json the report on stdout."""
    assert main(["train", str(labeled_file), "--model-dir", str(tmp_path / "models"), "--json", *QUICK]) == 0
    out, err = capsys.readouterr()
    for words in ("60 series of 6 to 9 steps, 2 features", "by its name", "down, flat, up; 20 series each"):
        assert words in err
    for name in ("LSTM", "nearest neighbor", "nearest centroid", "most frequent", "Dense(3, activation=softmax)"):
        assert name in err
    report = json.loads(out)
    assert report["skill"]["outcome"] in set(SkillOutcome)
    assert "lstmcast" in err
    assert report["scores"]["lstmcast"]["accuracy"] > 0.8
    assert sum(map(sum, report["confusion"])) == report["test_series"] == 12


def test_predict_labels_new_series(
    tmp_path: Path, label_models: Path, labeled_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file without labels: each series its key, label, probability, and the probability of each label."""
    header, *rows = labeled_file.read_text(encoding="utf-8").splitlines()
    new = tmp_path / "new.csv"
    new.write_text("\n".join(line.rpartition(",")[0] for line in [header, *rows[:30]]) + "\n", encoding="utf-8")
    assert main(["predict", str(new), "--model-dir", str(label_models), "-o", "-"]) == 0
    rows_of_output = table(capsys.readouterr().out)
    assert list(rows_of_output[0]) == ["id", "label", "probability", "p_down", "p_flat", "p_up"]
    assert [row["id"] for row in rows_of_output] == ["s0", "s1", "s2", "s3"]
    assert [row["label"] for row in rows_of_output] == ["up", "down", "flat", "up"]
    for row in rows_of_output:
        probabilities = {name: float(row[f"p_{name}"]) for name in ("down", "flat", "up")}
        assert sum(probabilities.values()) == pytest.approx(1)
        assert float(row["probability"]) == probabilities[row["label"]] == max(probabilities.values())


def test_predict_holds_its_labels_against_those_of_the_file(
    tmp_path: Path, label_models: Path, labeled_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With known labels the number of correct ones is printed; an unknown label is a warning, exit 8 with --strict."""
    arguments = ["predict", str(labeled_file), "--model-dir", str(label_models), "-o", str(tmp_path / "labels.jsonl")]
    assert main(arguments) == 0
    assert "has a label for 60 of them" in capsys.readouterr().err
    rows = [json.loads(line) for line in (tmp_path / "labels.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row["id"] for row in rows[:2]] == ["s0", "s1"]
    odd = tmp_path / "odd.csv"
    odd.write_text(labeled_file.read_text(encoding="utf-8").replace("up", "sideways"), encoding="utf-8")
    assert main([*arguments[:1], str(odd), *arguments[2:], "--strict"]) == 8
    assert "20 series with a label that was not in the training data" in capsys.readouterr().err


def test_plot_draws_the_confusion_matrix(tmp_path: Path, label_models: Path) -> None:
    """As PNG, the same bytes twice, also where the data are gone."""
    for name in ("one.png", "two.png"):
        arguments = ["plot", "--model-dir", str(label_models), "--backtest", "-o", str(tmp_path / name)]
        assert main(arguments) == 0
    first, second = ((tmp_path / name).read_bytes() for name in ("one.png", "two.png"))
    assert first.startswith(b"\x89PNG")
    assert first == second


@pytest.mark.slow
def test_backtest_judges_every_series_once(
    tmp_path: Path, labeled_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Sixty forecast rows, each series once, and scores that agree with them; a figure if requested."""
    folder = tmp_path / "found"
    assert main(["backtest", str(labeled_file), *QUICK, "-o", str(folder), "--figures", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    rows = table((folder / "forecasts.csv").read_text(encoding="utf-8"))
    assert sorted(row["id"] for row in rows) == sorted(f"s{k}" for k in range(60))
    assert {row["fold"] for row in rows} == {"1", "2", "3", "4", "5"}
    for method in ("lstmcast", "nearest_neighbor", "most_frequent"):
        right = sum(row[method] == row["actual"] for row in rows) / 60
        assert found["scores"][method]["accuracy"] == pytest.approx(right)
    assert found["scores"]["most_frequent"]["accuracy"] == pytest.approx(1 / 3, abs=0.1)
    assert (folder / "confusion.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (["predict", "--horizon", "3"], "--horizon: not with model.task: label"),
        (["plot", "--history-steps", "3"], "--history-steps: not with model.task: label"),
        (["explain"], "explain needs a model of values"),
    ],
)
def test_flags_that_make_no_sense(
    words: list[str], fault: str, label_models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A label has no steps ahead: such flags are refused as wrong usage."""
    assert main([*words, "--model-dir", str(label_models)]) == 2
    assert fault in capsys.readouterr().err


def test_keys_of_other_heads_are_refused(labeled_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A horizon means nothing to labels, nor a hidden layer to values."""
    assert main(["train", str(labeled_file), *HEAD, "--horizon", "3"]) == 3
    assert "--horizon: a key of model.task: value or event or category, not of label" in capsys.readouterr().err
    assert main(["train", str(labeled_file), "--set", "model.dense_units=[3]"]) == 3
    assert "model.dense_units: a key of model.task: label, not of value" in capsys.readouterr().err


@pytest.mark.slow
def test_the_file_is_gone(
    tmp_path: Path, labeled_file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A classifier keeps no series: predict asks for a file, exit code 4; the figure can still be drawn."""
    monkeypatch.chdir(tmp_path)
    Path("here.csv").write_bytes(labeled_file.read_bytes())
    assert main(["train", "here.csv", "--quiet", *QUICK]) == 0
    Path("here.csv").unlink()
    assert main(["predict"]) == 4
    assert "there is no series to label" in capsys.readouterr().err
    assert main(["plot", "--quiet"]) == 0
