"""Training of an event model: reproducibility, out-of-sample scores, checkpoints, artifacts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lstmcast.config import Config, load_config
from lstmcast.data.load import read
from lstmcast.data.panel import Panel
from lstmcast.errors import DataError, ModelError
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
    report = train(EventTraining.of(read(write_series(tmp_path / "echo.csv", {"one": values})), config)).report
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
