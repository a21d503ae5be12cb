"""Planning and training of a classifier, and its artifact."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lstmcast.config import Config, load_config
from lstmcast.data.labeled_panel import LabeledPanel
from lstmcast.data.time.frequency import TimeGrid
from lstmcast.data.time.zones import DAY
from lstmcast.errors import DataError
from lstmcast.forecasting.fitting import FitStage
from lstmcast.nn.heads import CategoricalHead
from lstmcast.nn.keras_backend import Architecture, build, to_keras_weights
from lstmcast.nn.numpy_lstm import forward
from lstmcast.nn.trainer import Fit
from lstmcast.results import ScoredNetwork
from lstmcast.tasks.label.model import SeriesClassifier
from lstmcast.tasks.label.task import MAX_CONTEXT, LabelTraining, make_label_plan
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
