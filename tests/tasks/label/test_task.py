"""The label task: plan, training and artifact of a classifier, and its commands."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lstmcast.cli import main
from lstmcast.config import Config, load_config
from lstmcast.data.labeled_panel import LabeledPanel
from lstmcast.data.time.frequency import TimeGrid
from lstmcast.data.time.zones import DAY
from lstmcast.errors import DataError
from lstmcast.evaluation.skill import SkillOutcome
from lstmcast.forecasting.fitting import FitStage
from lstmcast.nn.heads import CategoricalHead
from lstmcast.nn.keras_backend import Architecture, build, to_keras_weights
from lstmcast.nn.numpy_lstm import forward
from lstmcast.nn.trainer import Fit
from lstmcast.results import ScoredNetwork
from lstmcast.tasks.label.model import SeriesClassifier
from lstmcast.tasks.label.plan import MAX_CONTEXT, make_label_plan
from lstmcast.tasks.label.task import LabelTraining
from lstmcast.tasks.pipeline import train


@pytest.mark.slow
def test_movements_are_distinguished(classifier: SeriesClassifier, moves: LabeledPanel) -> None:
    """Rising, falling and flat series are nearly always labeled correctly, including series not used in training."""
    result = classifier.predict(moves)
    assert np.mean(np.array(result.predicted) == np.array(moves.labels)) > 0.9
    assert classifier.report.evaluation.scores["lstmcast"]["accuracy"] > 0.8
    np.testing.assert_allclose(result.probabilities.sum(axis=1), 1.0, rtol=1e-12)


@pytest.mark.slow
def test_keras_gives_the_same_outputs(classifier: SeriesClassifier, moves: LabeledPanel) -> None:
    """Probabilities by NumPy are those of the Keras network with the softmax of its temperature, to 1e-5."""
    import keras

    reader = classifier.pipeline
    architecture = Architecture(reader.context, 2, (8,), CategoricalHead(3), hidden=(6,), every_step=False)
    model = build(architecture, every_step=False)
    model.set_weights(to_keras_weights(reader.networks[0]))
    x = reader.bind(moves).inputs(np.arange(60))
    expected = keras.ops.softmax(model(x) / reader.temperature)
    np.testing.assert_allclose(classifier.predict(moves).probabilities, expected, atol=1e-5)


@pytest.mark.slow
@pytest.mark.slow
def test_one_seed_one_network(moves: LabeledPanel, quick: Config, classifier: SeriesClassifier) -> None:
    """Trained again, the weights are the same to the byte; with another seed they are not."""
    arrays = classifier.to_artifact()[1]["weights"]
    again = train(LabelTraining.of(moves, quick)).to_artifact()[1]["weights"]
    seeded = quick.model_copy(update={"train": quick.train.model_copy(update={"seed": 1})})
    other = train(LabelTraining.of(moves, seeded)).to_artifact()[1]
    assert all(array.tobytes() == again[name].tobytes() for name, array in arrays.items())
    assert any(array.tobytes() != other["weights"][name].tobytes() for name, array in arrays.items())


@pytest.mark.slow
@pytest.mark.slow
def test_held_out_series_do_not_matter(moves: LabeledPanel, quick: Config) -> None:
    """Without a refit the network does not depend on the test series."""
    once = quick.model_copy(update={"train": quick.train.model_copy(update={"refit_on_all_data": False})})
    training = LabelTraining.of(moves, once)
    one = train(training)
    values = moves.values.copy()
    for k in training.plan.split.test.tolist():
        values[moves.offsets[k] : moves.offsets[k + 1]] += 1000
    other = train(LabelTraining.of(replace(moves, values=values), once))
    for mine, expected in zip(
        to_keras_weights(one.pipeline.networks[0]), to_keras_weights(other.pipeline.networks[0]), strict=True
    ):
        np.testing.assert_array_equal(mine, expected)
    assert one.report.evaluation.scores["lstmcast"] != other.report.evaluation.scores["lstmcast"]


@pytest.mark.slow
@pytest.mark.slow
def test_a_second_fit_that_strays_is_not_saved(
    moves: LabeledPanel, quick: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the refit is worse than the scored network on its training series, the scored one is saved, with a note."""
    once = train(
        LabelTraining.of(
            moves, quick.model_copy(update={"train": quick.train.model_copy(update={"refit_on_all_data": False})})
        )
    )
    lost = replace(once.pipeline.networks[0], V=0 * once.pipeline.networks[0].V, d=np.array([9, 0, 0], np.float32))
    fit = FitStage.each

    def worse_refit(stage: FitStage, *args: Any, **kwargs: Any) -> list[Fit]:
        fits = fit(stage, *args, **kwargs)
        return [replace(fits[0], network=lost)] if kwargs.get("epochs") else fits

    monkeypatch.setattr(FitStage, "each", worse_refit)
    classifier = train(LabelTraining.of(moves, quick))
    assert classifier.report.scored_network is ScoredNetwork.REFIT_REJECTED
    np.testing.assert_array_equal(classifier.predict(moves).probabilities, once.predict(moves).probabilities)


@pytest.mark.slow
def test_there_and_back(classifier: SeriesClassifier, moves: LabeledPanel) -> None:
    """A loaded classifier gives equal probabilities, bit for bit."""
    manifest, tensors = classifier.to_artifact()
    back = SeriesClassifier.from_artifact(manifest, tensors)
    np.testing.assert_array_equal(back.predict(moves).probabilities, classifier.predict(moves).probabilities)
    assert (back.context.features, back.classes) == (classifier.context.features, classifier.classes)


@pytest.mark.slow
def test_the_last_step_gives_the_label(classifier: SeriesClassifier, moves: LabeledPanel) -> None:
    """The label of a series is the last output of the network, from a forward pass over that series alone."""
    alone = moves.select(np.array([7]))
    x = classifier.pipeline.scaler.transform(alone.values)[None]
    x = np.concatenate([np.zeros((1, classifier.pipeline.context - x.shape[1], 2), np.float32), x], axis=1)
    raw = forward(classifier.pipeline.networks[0], x)[0, -1] / classifier.pipeline.temperature
    np.testing.assert_allclose(classifier.predict(alone).probabilities[0], np.exp(raw) / np.exp(raw).sum(), rtol=1e-5)


@pytest.mark.slow
def test_series_that_cannot_be_labeled(classifier: SeriesClassifier, moves: LabeledPanel) -> None:
    """No series, values too large, or another frequency."""
    with pytest.raises(DataError, match="no series to label"):
        classifier.predict(moves.select(np.array([], dtype=np.int64)))
    with pytest.raises(DataError, match="series 's0' has values too large for the model"):
        classifier.predict(replace(moves, values=moves.values * 1e300))
    with pytest.raises(DataError, match="the frequency was 1 in training and is D here"):
        classifier.predict(replace(moves, calendar=replace(moves.calendar, grid=TimeGrid("fixed", DAY))))


@pytest.mark.slow
def test_a_name_that_predict_needs_itself(moves: LabeledPanel, quick: Config) -> None:
    """A key column called like a probability is refused before anything is fitted."""
    with pytest.raises(DataError, match="predict writes a column 'p_up' of its own"):
        train(LabelTraining.of(replace(moves, key_columns=("p_up",)), quick))


def test_network_and_parts_follow_from_the_data(moves: LabeledPanel, quick: Config) -> None:
    """Windows as long as the longest series, an output for each label; of 20 series of each, 4 test and 2 validate."""
    plan = make_label_plan(moves, quick)
    shown = "Input((9, 2)), LSTM(8), Dense(6, activation=relu), Dense(3, activation=softmax)"
    assert str(plan.architecture) == f"Sequential([{shown}])"
    assert plan.data.classes == ("down", "flat", "up")
    assert [len(part) for part in (plan.split.train, plan.split.validation, plan.split.test)] == [42, 6, 12]
    assert np.bincount(plan.codes[plan.split.test]).tolist() == [4, 4, 4]
    assert (plan.recipe.batches, plan.recipe.batch_size, plan.recipe.patience) == (2, 32, 10)


def test_series_without_a_label_are_not_used_in_training(moves: LabeledPanel, quick: Config) -> None:
    """They are counted, and the others keep their labels."""
    plan = make_label_plan(replace(moves, labels=("", "", *moves.labels[2:])), quick)
    assert plan.data.n_series == len(plan.codes) == 58
    assert [plan.data.classes[k] for k in plan.codes[:3]] == list(moves.labels[2:5])
    assert any("2 more without a label" in found.reason for found in plan.inferred)


def test_a_very_long_series_is_not_read_whole(moves: LabeledPanel, quick: Config) -> None:
    """Unless the config sets more."""
    long = replace(moves, offsets=moves.offsets * 1000)  # only lengths are looked at
    assert make_plan_of(long, quick) == MAX_CONTEXT
    assert make_plan_of(long, load_config(None, {"model.task": "label", "model.context": 6000})) == 6000


def make_plan_of(data: LabeledPanel, config: Config) -> int:
    """L of the plan of series whose values do not matter."""
    values = np.zeros((int(data.offsets[-1]), 2))
    return make_label_plan(replace(data, values=values, observed=values == 0), config).architecture.context


@pytest.mark.parametrize(
    ("labels", "fault"),
    [
        (["same"] * 60, "at least two different labels .got 'same' alone."),
        ([""] * 60, "at least two different labels .got none."),
        ([str(k) for k in range(60)], "at least 3 series must share a label.*got 60 labels for 60 series"),
    ],
)
def test_labels_that_cannot_be_learned(moves: LabeledPanel, quick: Config, labels: list[str], fault: str) -> None:
    """A single label cannot be distinguished, and a single series of each label cannot be tested."""
    with pytest.raises(DataError, match=fault):
        make_label_plan(replace(moves, labels=tuple(labels)), quick)


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
