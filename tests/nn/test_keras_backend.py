"""The Keras network is the one that is named, its weights come out unchanged, and two forward passes are compared."""

from __future__ import annotations

import dataclasses
import os
from typing import Any

import numpy as np
import pytest

from lstmcast.errors import ModelError, UsageError
from lstmcast.nn import keras_backend, numpy_lstm
from lstmcast.nn.heads import QuantileHead
from lstmcast.nn.keras_backend import Architecture, build, check_forward, load_keras, require_tensorflow, to_numpy
from lstmcast.nn.numpy_lstm import Network

SMALL = Architecture(context=6, lags=3, units=(5, 4), head=QuantileHead(2))


@pytest.fixture(autouse=True)
def _keras() -> None:
    load_keras()


def filled(architecture: Architecture, *, every_step: bool = True) -> Any:
    """A network with random weights in every layer, the dense one too."""
    model = build(architecture, every_step=every_step)
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(scale=0.4, size=w.shape).astype(np.float32) for w in model.get_weights()])
    return model


def windows(architecture: Architecture, count: int = 5) -> np.ndarray:
    """Random inputs [B, L, F]."""
    rng = np.random.default_rng(1)
    return rng.normal(size=(count, architecture.context, architecture.lags)).astype(np.float32)


@pytest.mark.parametrize(
    ("architecture", "parameters", "text"),
    [
        # LSTM(U) of F inputs: 4 gates · U units · (F + U + 1 bias); Dense(O): (U + 1) · O.
        (Architecture(12, 1), 4 * 50 * 52 + 51, "Sequential([Input((12, 1)), LSTM(50), Dense(1)])"),
        (Architecture(12, 4), 4 * 50 * 55 + 51, "Sequential([Input((12, 4)), LSTM(50), Dense(1)])"),
        (
            Architecture(9, 2, units=(8, 3), head=QuantileHead(5)),
            4 * 8 * 11 + 4 * 3 * 12 + 4 * 5,
            "Sequential([Input((9, 2)), LSTM(8), LSTM(3), Dense(5)])",
        ),
        (
            Architecture(9, 2, units=(8, 3), head=QuantileHead(5, (80.0, 95.0))),
            4 * 8 * 11 + 4 * 3 * 12 + 4 * 25,
            "Sequential([Input((9, 2)), LSTM(8), LSTM(3), Dense(25)])",
        ),
    ],
)
def test_layers_and_parameters_are_those_named(architecture: Architecture, parameters: int, text: str) -> None:
    """The text that a user is shown, Keras's own count, and the layers' types, units and activations agree."""
    import keras

    model = build(architecture, every_step=False)
    assert architecture.parameters == model.count_params() == parameters
    assert str(architecture) == text
    *recurrent, dense = model.layers
    assert type(model) is keras.Sequential
    assert [type(layer) for layer in recurrent] == [keras.layers.LSTM] * len(architecture.units)
    assert type(dense) is keras.layers.Dense
    assert tuple(layer.units for layer in recurrent) == architecture.units
    assert (dense.units, dense.activation) == (architecture.head.outputs, keras.activations.linear)
    assert all(layer.activation is keras.activations.tanh for layer in recurrent)
    assert all(layer.recurrent_activation is keras.activations.sigmoid for layer in recurrent)
    assert model.input_shape == (None, architecture.context, architecture.lags)
    assert model.output_shape == (None, architecture.head.outputs)


def test_every_step_has_the_weights_of_the_network_shown() -> None:
    """The last step of the many-to-many network is the output of the textbook network, written out here."""
    import keras

    many = filled(Architecture(context=6, lags=3))
    shown = keras.Sequential([keras.Input((6, 3)), keras.layers.LSTM(50), keras.layers.Dense(1)])
    assert [w.shape for w in shown.get_weights()] == [w.shape for w in many.get_weights()]
    shown.set_weights(many.get_weights())
    x = windows(SMALL)
    outputs = np.asarray(many(x))
    assert outputs.shape == (5, 6, 1)
    np.testing.assert_allclose(outputs[:, -1], np.asarray(shown(x)), atol=1e-6)
    for t in (1, 4):  # every earlier step is the output of the shown network for a window that ends there
        first = keras.Sequential([keras.Input((t, 3)), *shown.layers])
        np.testing.assert_allclose(outputs[:, t - 1], np.asarray(first(x[:, :t])), atol=1e-6)


def with_skip(weights: list[np.ndarray], *, units: tuple[int, ...], steps: int, features: int, outputs: int) -> Any:
    """The linear path around the LSTM, written out in Keras's own layers: [x_L, LSTM(x)] meet the dense layer."""
    import keras

    x = h = keras.Input((steps, features))
    for k, count in enumerate(units):
        h = keras.layers.LSTM(count, return_sequences=k + 1 < len(units))(h)
    model = keras.Model(x, keras.layers.Dense(outputs)(keras.layers.Concatenate()([h, x[:, -1]])))
    model.set_weights(weights)
    return model


@pytest.mark.parametrize("units", [(5,), (5, 4), (3, 4, 2)])
def test_the_skip_is_a_linear_path_around_every_lstm(units: tuple[int, ...]) -> None:
    """Many-to-one and many-to-many networks in Keras and NumPy equal the written-out network and its source text."""
    architecture = dataclasses.replace(SMALL, units=units, skip=True, dropout=0.3)
    many, x = filled(architecture), windows(architecture)
    weights = many.get_weights()
    assert str(architecture).endswith(f"Concat({', '.join(f'LSTM({u})' for u in units)}, Input), Dense(2)])")
    assert architecture.parameters == many.count_params() == sum(w.size for w in weights)
    one = build(architecture, every_step=False)
    one.set_weights(weights)
    shown = with_skip(weights, units=units, steps=6, features=3, outputs=2)
    np.testing.assert_allclose(np.asarray(one(x)), np.asarray(shown(x)), atol=1e-6)
    outputs = numpy_lstm.forward(to_numpy(many, architecture), x)
    np.testing.assert_allclose(np.asarray(many(x)), outputs, atol=1e-5)
    for t in (1, 4, 6):  # at every step, the input of that step
        first = with_skip(weights, units=units, steps=t, features=3, outputs=2)
        np.testing.assert_allclose(outputs[:, t - 1], np.asarray(first(x[:, :t])), atol=1e-5)


def test_an_untrained_network_predicts_zero() -> None:
    """It begins at the level: its dense layer is zero, its LSTM is not."""
    model = build(SMALL, every_step=True)
    assert not np.asarray(model(windows(SMALL))).any()
    assert all(np.abs(w).max() > 0 for w in model.get_weights()[:2])


@pytest.mark.parametrize("activation", ["relu", "softsign"])
def test_activation_and_dropout_arrive(activation: str) -> None:
    """In every LSTM layer; the gates stay sigmoids."""
    import keras

    *recurrent, _ = build(dataclasses.replace(SMALL, activation=activation, dropout=0.25), every_step=True).layers
    assert [layer.activation for layer in recurrent] == [keras.activations.get(activation)] * 2
    assert [layer.dropout for layer in recurrent] == [0.25] * 2
    assert [layer.recurrent_activation for layer in recurrent] == [keras.activations.sigmoid] * 2


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_the_numpy_network_equals_the_keras_model(activation: str) -> None:
    """At every step; and it holds copies, which later training does not change."""
    architecture = dataclasses.replace(SMALL, activation=activation)
    model = filled(architecture)
    copied, x = to_numpy(model, architecture), windows(SMALL)
    outputs = np.asarray(model(x))
    model.set_weights([w * 0 for w in model.get_weights()])
    np.testing.assert_allclose(numpy_lstm.forward(copied, x), outputs, atol=1e-5)


@pytest.mark.parametrize("activation", ["tanh", "relu", "sigmoid", "elu", "softsign", "linear"])
def test_two_forward_passes_that_agree_are_passed(activation: str) -> None:
    """The gap of a sound network is rounding."""
    architecture = dataclasses.replace(SMALL, activation=activation)
    assert 0 <= check_forward(to_numpy(filled(architecture), architecture), architecture, windows(SMALL)) < 1e-5


def test_two_forward_passes_that_differ_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message contains the difference, the tolerance, and that nothing was saved."""
    sound, outputs = to_numpy(filled(SMALL), SMALL), numpy_lstm.forward
    monkeypatch.setattr(numpy_lstm, "forward", lambda *seen: outputs(*seen) + np.float32(0.01))
    with pytest.raises(ModelError, match=r"differ by .*e-0[23] \(at most 1e-4\); nothing was saved"):
        check_forward(sound, SMALL, windows(SMALL))


def test_weights_that_are_not_numbers_are_refused() -> None:
    """A gap that is not a number is not a small one."""
    sound = to_numpy(filled(SMALL), SMALL)
    broken = Network(sound.layers, sound.V * np.float32("nan"), sound.d)
    with pytest.raises(ModelError, match="nothing was saved"):
        check_forward(broken, SMALL, windows(SMALL))


def test_the_wrong_architecture_is_noticed() -> None:
    """Weights trained with tanh and run with relu are another network."""
    sound = to_numpy(filled(SMALL), SMALL)
    with pytest.raises(ModelError, match="NumPy and Keras forward passes"):
        check_forward(sound, dataclasses.replace(SMALL, activation="relu"), windows(SMALL))


@pytest.mark.parametrize("missing", ["tensorflow", "keras"])
def test_training_without_tensorflow_is_refused(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message contains the package to install and the commands that need none."""
    monkeypatch.setattr(keras_backend, "find_spec", lambda name: None if name == missing else object())
    for refuse in (require_tensorflow, load_keras):
        with pytest.raises(UsageError, match=r"pip install tensorflow .*predict and plot work without it"):
            refuse()


def test_loading_keras_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    """Neither stream gets a word, and stderr works again afterwards."""
    load_keras()
    os.write(2, b"heard")
    assert capfd.readouterr() == ("", "heard")
