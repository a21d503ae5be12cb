"""From labelled series to a labeller."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lstmcast.config import Config
from lstmcast.data.frequency import TimeGrid
from lstmcast.data.labeled_panel import LabeledPanel
from lstmcast.data.timezones import DAY
from lstmcast.errors import DataError
from lstmcast.forecasting.fitting import FitStage
from lstmcast.nn.heads import CategoricalHead
from lstmcast.nn.keras_backend import Architecture, build, to_keras_weights
from lstmcast.nn.numpy_lstm import forward
from lstmcast.nn.trainer import Fit
from lstmcast.tasks.label.codec import from_artifact, to_artifact
from lstmcast.tasks.label.model import SeriesClassifier
from lstmcast.tasks.label.train import LabelTraining
from lstmcast.tasks.pipeline import train


def test_movements_are_told_apart(labeller: SeriesClassifier, moves: LabeledPanel) -> None:
    """Rising, falling and flat series are named right nearly always, by series that were not learnt from too."""
    said = labeller.predict(moves)
    assert np.mean(np.array(said.predicted) == np.array(moves.labels)) > 0.9
    assert labeller.report.evaluation.scores["lstmcast"]["accuracy"] > 0.8
    np.testing.assert_allclose(said.probabilities.sum(axis=1), 1.0, rtol=1e-12)


def test_keras_says_the_same(labeller: SeriesClassifier, moves: LabeledPanel) -> None:
    """Probabilities by NumPy are those of the Keras network with the softmax of its temperature, to 1e-5."""
    import keras

    reader = labeller.pipeline
    architecture = Architecture(reader.context, 2, (8,), CategoricalHead(3), hidden=(6,), every_step=False)
    model = build(architecture, every_step=False)
    model.set_weights(to_keras_weights(reader.networks[0]))
    x = reader.bind(moves).inputs(np.arange(60))
    theirs = keras.ops.softmax(model(x) / reader.temperature)
    np.testing.assert_allclose(labeller.predict(moves).probabilities, theirs, atol=1e-5)


@pytest.mark.slow
def test_one_seed_one_network(moves: LabeledPanel, quick: Config, labeller: SeriesClassifier) -> None:
    """Trained again, the weights are the same to the byte; with another seed they are not."""
    arrays = to_artifact(labeller)[1]["weights"]
    again = to_artifact(train(LabelTraining.of(moves, quick)))[1]["weights"]
    other = to_artifact(
        train(LabelTraining.of(moves, quick.model_copy(update={"train": quick.train.model_copy(update={"seed": 1})})))
    )[1]
    assert all(array.tobytes() == again[name].tobytes() for name, array in arrays.items())
    assert any(array.tobytes() != other["weights"][name].tobytes() for name, array in arrays.items())


@pytest.mark.slow
def test_held_out_series_do_not_matter(moves: LabeledPanel, quick: Config) -> None:
    """Without a second fit the network is the same whatever the judging series hold."""
    once = quick.model_copy(update={"train": quick.train.model_copy(update={"refit": False})})
    training = LabelTraining.of(moves, once)
    one = train(training)
    values = moves.values.copy()
    for k in training.plan.split.test.tolist():
        values[moves.offsets[k] : moves.offsets[k + 1]] += 1000
    other = train(LabelTraining.of(replace(moves, values=values), once))
    for mine, theirs in zip(
        to_keras_weights(one.pipeline.networks[0]), to_keras_weights(other.pipeline.networks[0]), strict=True
    ):
        np.testing.assert_array_equal(mine, theirs)
    assert one.report.evaluation.scores["lstmcast"] != other.report.evaluation.scores["lstmcast"]


@pytest.mark.slow
def test_a_second_fit_that_strays_is_not_saved(
    moves: LabeledPanel, quick: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it says even what it learnt from worse than the judged network does, that one is saved, and it is said."""
    once = train(
        LabelTraining.of(moves, quick.model_copy(update={"train": quick.train.model_copy(update={"refit": False})}))
    )
    lost = replace(once.pipeline.networks[0], V=0 * once.pipeline.networks[0].V, d=np.array([9, 0, 0], np.float32))
    fit = FitStage.each

    def worse_refit(stage: FitStage, *args: Any, **kwargs: Any) -> list[Fit]:
        fits = fit(stage, *args, **kwargs)
        return [replace(fits[0], network=lost)] if kwargs.get("epochs") else fits

    monkeypatch.setattr(FitStage, "each", worse_refit)
    labeller = train(LabelTraining.of(moves, quick))
    assert labeller.report.scored_network == once.report.scored_network
    np.testing.assert_array_equal(labeller.predict(moves).probabilities, once.predict(moves).probabilities)


def test_there_and_back(labeller: SeriesClassifier, moves: LabeledPanel) -> None:
    """A labeller that was saved and read says the same to the bit."""
    manifest, tensors = to_artifact(labeller)
    back = from_artifact(manifest, tensors)
    np.testing.assert_array_equal(back.predict(moves).probabilities, labeller.predict(moves).probabilities)
    assert (back.context.features, back.classes) == (labeller.context.features, labeller.classes)


def test_the_last_step_speaks(labeller: SeriesClassifier, moves: LabeledPanel) -> None:
    """What is said of a series is the network's last output, by a forward pass over that series alone."""
    alone = moves.select(np.array([7]))
    x = labeller.pipeline.scaler.transform(alone.values)[None]
    x = np.concatenate([np.zeros((1, labeller.pipeline.context - x.shape[1], 2), np.float32), x], axis=1)
    raw = forward(labeller.pipeline.networks[0], x)[0, -1] / labeller.pipeline.temperature
    np.testing.assert_allclose(labeller.predict(alone).probabilities[0], np.exp(raw) / np.exp(raw).sum(), rtol=1e-5)


def test_what_cannot_be_labelled(labeller: SeriesClassifier, moves: LabeledPanel) -> None:
    """No series at all, numbers beyond every measure, another frequency."""
    with pytest.raises(DataError, match="no series to label"):
        labeller.predict(moves.select(np.array([], dtype=np.int64)))
    with pytest.raises(DataError, match="series 's0' has values too large for the model"):
        labeller.predict(replace(moves, values=moves.values * 1e300))
    with pytest.raises(DataError, match="the frequency was 1 in training and is D here"):
        labeller.predict(replace(moves, calendar=replace(moves.calendar, grid=TimeGrid("fixed", DAY))))


def test_a_name_that_predict_needs_itself(moves: LabeledPanel, quick: Config) -> None:
    """A key column called like a probability is refused before anything is fitted."""
    with pytest.raises(DataError, match="predict writes a column 'p_up' of its own"):
        train(LabelTraining.of(replace(moves, key_columns=("p_up",)), quick))
