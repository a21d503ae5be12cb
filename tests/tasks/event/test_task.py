"""The event task: its training, report and artifact, and its commands from the file to the figure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lstmcast.app import load_model
from lstmcast.cli import main
from lstmcast.config import Config, load_config
from lstmcast.data.load import read
from lstmcast.data.panel import Panel
from lstmcast.data.schema import ReadOptions
from lstmcast.errors import DataError, ModelError
from lstmcast.evaluation.skill import SkillOutcome
from lstmcast.forecasting.fitting import FitProgress
from lstmcast.forecasting.split_data import OriginSet
from lstmcast.nn.heads import BernoulliHead
from lstmcast.nn.keras_backend import Architecture, build, load_keras
from lstmcast.persistence.checkpoint import Checkpoint
from lstmcast.tasks.event.model import EventForecaster
from lstmcast.tasks.event.rule import EventRule
from lstmcast.tasks.event.scores import EventOrigins, evaluate_probabilities
from lstmcast.tasks.event.task import EventTraining
from lstmcast.tasks.pipeline import FitOptions, train


def arrays(model: EventForecaster) -> dict[str, Any]:
    """Everything that is saved of it, but for its libraries."""
    manifest, tensors = model.to_artifact()
    return {**manifest, **{f"{group}/{name}": a.tobytes() for group, own in tensors.items() for name, a in own.items()}}


@pytest.mark.slow
def test_a_predictable_event_is_predicted(tmp_path: Path, write_series: Callable[..., Path]) -> None:
    """A rule on the step four days back is learned: nearly every step is predicted correctly, which rates cannot do."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=700)
    values[4:] = 3 * np.sign(values[:-4]) * np.abs(values[4:]).clip(0.5)
    for t in range(4, 700):
        values[t] = -values[t - 4] if t % 3 else values[t - 4]
    config = load_config(
        "event", {"model.event": "y > 0", "forecast.horizon": 1, "train.epochs": 40, "data.season_length": 1}
    )
    panel = read(write_series(tmp_path / "echo.csv", {"one": values}), ReadOptions(season_length=1))
    report = train(EventTraining.of(panel, config)).report
    assert report.evaluation.scores["lstmcast"]["accuracy"] > report.evaluation.scores["base_rate"]["accuracy"] + 0.2
    assert report.evaluation.skill.better


@pytest.mark.slow
def test_the_same_seed_gives_the_same_bytes(stalls: Panel, event_config: Config, stall_model: EventForecaster) -> None:
    """And another one others."""
    assert arrays(train(EventTraining.of(stalls, event_config))) == arrays(stall_model)
    other = event_config.model_copy(update={"train": event_config.train.model_copy(update={"seed": 1})})
    assert (
        arrays(train(EventTraining.of(stalls, other)))["weights/network_0.dense.V"]
        != arrays(stall_model)["weights/network_0.dense.V"]
    )


@pytest.mark.slow
def test_an_interrupted_training_goes_on(
    stalls: Panel, event_config: Config, stall_model: EventForecaster, tmp_path: Path
) -> None:
    """Stopped after some epochs and started again, it ends with the bytes of one that was not stopped."""
    path, seen = tmp_path / "checkpoint", []

    def report(stage: FitProgress) -> None:
        seen.append(stage)
        if len(seen) == 3:
            raise KeyboardInterrupt

    first = Checkpoint(path, "name")
    with pytest.raises(KeyboardInterrupt):
        train(EventTraining.of(stalls, event_config), FitOptions(checkpoint=first, on_progress=report))
    first.write()
    again = Checkpoint(path, "name")
    assert again.resumed
    assert arrays(train(EventTraining.of(stalls, event_config), FitOptions(checkpoint=again))) == arrays(stall_model)


def test_the_scores_are_those_of_the_held_out_probabilities(stalls: Panel, stall_model: EventForecaster) -> None:
    """The Brier score follows from probabilities and outcomes; origins and outcomes lie in the last steps."""
    held, report = stall_model.holdout, stall_model.report
    off = (held.probabilities - held.actual)[~np.isnan(held.actual)]
    assert report.evaluation.scores["lstmcast"]["brier"] == pytest.approx((off**2).mean())
    ends = stalls.ends[held.series]
    assert (held.positions + 4 <= ends).all()
    assert (held.positions >= ends - report.holdout.test_steps).all()


@pytest.mark.slow
def test_test_steps_are_not_used_in_training(stalls: Panel, event_config: Config) -> None:
    """Other values in the test steps change the outcomes, and not the scored networks."""
    config = event_config.model_copy(
        update={"train": event_config.train.model_copy(update={"refit_on_all_data": False})}
    )
    model = train(EventTraining.of(stalls, config))
    steps = model.report.holdout.test_steps
    values = stalls.values.copy()
    for end in stalls.offsets[1:].tolist():
        values[end - steps : end] = values[end - steps : end][::-1] + 1
    other = train(EventTraining.of(replace(stalls, values=values), config))
    assert arrays(model)["weights/network_1.dense.V"] == arrays(other)["weights/network_1.dense.V"]
    assert model.report.evaluation.scores != other.report.evaluation.scores


def test_keras_gives_the_same_outputs(stalls: Panel, stall_model: EventForecaster) -> None:
    """The log-odds of NumPy are those of the many-to-one Keras network with the same weights, within 1e-5."""
    load_keras()
    pipeline = stall_model.pipeline
    seen, series = pipeline.bind(stalls), np.array([0, 1])
    x = seen.inputs(series, stalls.lengths[series] - pipeline.window_spec.context)
    outputs = []
    for network in pipeline.networks:
        layer = network.layers[0]
        shape = Architecture(pipeline.window_spec.context, seen.features, (layer.units,), BernoulliHead(4), skip=True)
        model = build(shape, every_step=False)
        model.set_weights([layer.W, layer.U, layer.b, network.V, network.d])
        outputs.append(np.asarray(model(x)))
    logits = pipeline.logits(seen, series, stalls.lengths - 1)
    np.testing.assert_allclose(logits, np.mean(outputs, axis=0), atol=1e-5)
    expected = 1 / (1 + np.exp(-logits / pipeline.temperature))
    np.testing.assert_allclose(stall_model.predict(stalls).values, expected, rtol=1e-9)


def test_it_comes_back_from_what_is_saved(stalls: Panel, stall_model: EventForecaster) -> None:
    """A loaded model gives equal probabilities, for known and new series; a mismatched part is refused."""
    manifest, tensors = stall_model.to_artifact()
    back = EventForecaster.from_artifact(manifest, tensors)
    new = replace(stalls, keys=(("first",), ("third",)))
    for panel in (stalls, new):
        assert back.predict(panel).render(".csv") == stall_model.predict(panel).render(".csv")
    for broken in (
        {**manifest, "networks": 3},
        {**manifest, "rule": {**manifest["rule"], "op": "=="}},
        {**manifest, "series": [["first"]]},
        {key: value for key, value in manifest.items() if key != "temperature"},
    ):
        with pytest.raises(ModelError):
            EventForecaster.from_artifact(broken, tensors)


@pytest.mark.slow
def test_a_series_too_short_for_the_holdout_changes_no_score(stalls: Panel, event_config: Config) -> None:
    """A series of ten steps in front of the others has no test origin, and its place shifts no index."""
    once = event_config.model_copy(update={"train": event_config.train.model_copy(update={"refit_on_all_data": False})})
    short = stalls.drop_last(120).select(np.array([0]))
    values, observed = (np.concatenate([getattr(p, n) for p in (short, stalls)]) for n in ("values", "observed"))
    mixed = replace(
        stalls,
        keys=(("short",), *stalls.keys),
        values=values,
        observed=observed,
        offsets=np.concatenate([[0], stalls.offsets + 10]),
        starts=np.concatenate([short.starts, stalls.starts]),
    )
    training = EventTraining.of(mixed, once)
    model = train(training)
    origins = model.holdout.positions - mixed.starts[model.holdout.series]
    labels = training.plan.rule.labels(mixed)
    rows = mixed.offsets[model.holdout.series][:, None] + origins[:, None] + np.arange(1, 5)
    np.testing.assert_array_equal(model.holdout.actual, labels[rows])
    assert set(model.holdout.series.tolist()) == {1, 2}
    rate = labels[rows][~np.isnan(labels[rows])].mean()
    assert model.report.evaluation.rate == pytest.approx(rate)
    everywhere = EventOrigins.of(OriginSet(mixed, model.holdout.series, origins, 4), training.untrained(refit=False)[0])
    assert (
        evaluate_probabilities(everywhere, model.holdout.probabilities).summary.scores == model.report.evaluation.scores
    )


def test_too_little_is_refused(stalls: Panel, event_config: Config) -> None:
    """A horizon that leaves no training steps is refused."""
    forecast = event_config.forecast.model_copy(update={"horizon": 60})
    with pytest.raises(DataError, match="a horizon of 60 requires series of at least"):
        train(EventTraining.of(stalls, event_config.model_copy(update={"forecast": forecast})))


def test_scores_by_hand(stalls: Panel, stall_model: EventForecaster) -> None:
    """Two origins: outcomes as they came, Brier scores and the skill against the best baseline from them."""
    labels = (stalls.values > 100).astype(np.float64)
    window = replace(stall_model.pipeline.window_spec, horizon=3)
    preprocessing = replace(stall_model.pipeline.preprocessing, window_spec=window)
    pipeline = replace(stall_model.pipeline, rule=EventRule("sales > 100", ">", 100.0), preprocessing=preprocessing)
    where = EventOrigins.of(OriginSet(stalls, np.array([0, 1]), np.array([100, 120]), 3), pipeline)
    expected = [labels[101:104], labels[stalls.offsets[1] + 121 : stalls.offsets[1] + 124]]
    np.testing.assert_array_equal(where.actuals, expected)
    found = evaluate_probabilities(where, np.full((2, 3), 0.5))
    assert found.summary.scores["lstmcast"]["brier"] == 0.25
    best = min(
        (name for name in found.summary.scores if name != "lstmcast"),
        key=lambda name: found.summary.scores[name]["brier"],
    )
    assert found.summary.skill.baseline == best
    assert found.summary.skills[best] == pytest.approx(1 - 0.25 / found.summary.scores[best]["brier"])
    assert found.summary.rate == np.mean(expected)


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
