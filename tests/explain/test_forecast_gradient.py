"""Gradients of forecasts against quotients of differences of the forecasts themselves."""

from __future__ import annotations

import numpy as np
import pytest

from lstmcast.explain import forecast_gradient as module
from lstmcast.explain.forecast_gradient import sensitivity
from lstmcast.nn import multistep
from lstmcast.nn.heads import QuantileHead
from lstmcast.nn.numpy_lstm import Layer, Network
from lstmcast.preprocessing.windows import WindowDataset, WindowSpec

pytestmark = pytest.mark.kernel

SHAPES = [
    WindowSpec(context=6, lags=1),
    WindowSpec(context=6, lags=4, level_window=1, season_length=4, profile_seasons=3),
    WindowSpec(context=8, lags=4, level_window=4, season_length=4, profile_seasons=3),
    WindowSpec(context=5, lags=3, level_window=12, season_length=12, profile_seasons=1),
    WindowSpec(context=3, lags=9, level_window=4, season_length=5, profile_seasons=0),
    WindowSpec(context=2, lags=11, level_window=7, season_length=3, profile_seasons=3),
]
HEADS = [
    (QuantileHead(), 1),
    (QuantileHead(), 2),
    (QuantileHead(), 9),
    (QuantileHead(5), 5),
    (QuantileHead(9, (80.0,)), 9),
]
STEP = 2.0**-6


def network_of(lags: int, outputs: int) -> Network:
    """Two layers and a skip connection with random weights."""
    rng = np.random.default_rng(lags)

    def draw(*shape: int) -> np.ndarray:
        return rng.normal(scale=0.4, size=shape).astype(np.float32)

    layers = (Layer(draw(lags, 20), draw(5, 20), draw(20)), Layer(draw(5, 12), draw(3, 12), draw(12)))
    return Network(layers, draw(3 + lags, outputs), draw(outputs), skip=True)


def forecasts(network: Network, head: QuantileHead, z: np.ndarray, shape: WindowSpec, horizon: int) -> np.ndarray:
    """[B, H] the forecasts from the ends of [B, T] series."""
    cut = windows(z, shape)
    series, origins = np.arange(len(z)), np.full(len(z), z.shape[1] - 1)
    return multistep.forecast([network], head, cut, series, origins, horizon)[0]


def windows(z: np.ndarray, shape: WindowSpec) -> WindowDataset:
    """[B, T] series, ready to be cut."""
    return WindowDataset.from_panel(z.ravel(), np.ones(z.size, bool), np.arange(len(z) + 1) * z.shape[1], shape)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("head", "horizon"), HEADS)
@pytest.mark.parametrize("steps", [2, 7, 80])
def test_gradients_are_quotients_of_differences(
    shape: WindowSpec, head: QuantileHead, horizon: int, steps: int
) -> None:
    """Every step of the forecast by every past value, shorter and longer series than what is read, two at once."""
    rng, network = np.random.default_rng(steps), network_of(shape.lags, head.outputs)
    z, weights = rng.normal(size=(2, steps)), rng.normal(size=(2, horizon))
    values = forecasts(network, head, z, shape, horizon)
    found = sensitivity(network, head, windows(z, shape), values, weights)
    expected = np.zeros((horizon, steps))
    for b in range(2):
        moved = z[b] + STEP * np.concatenate([np.eye(steps), -np.eye(steps)])
        up, down = np.split(forecasts(network, head, moved, shape, horizon), 2)
        expected += (weights[b] * (up - down) / (2 * STEP)).T
    assert np.abs(expected).max() > 0.1
    np.testing.assert_allclose(found.values, expected, rtol=1e-3, atol=3e-3)
    assert found.inputs.shape == (horizon, shape.context)


def test_what_was_read_before_the_series_has_no_effect() -> None:
    """A context that begins before the series reads zeros there: their gradient is long, but no value has it."""
    network, shape = network_of(4, 1), SHAPES[2]
    z = np.random.default_rng(0).normal(size=(1, 3))
    found = sensitivity(
        network, QuantileHead(), windows(z, shape), forecasts(network, QuantileHead(), z, shape, 1), np.ones((1, 1))
    )
    assert found.values.shape == (1, 3)
    assert np.isfinite(found.inputs).all()


@pytest.mark.parametrize("head", [QuantileHead(), QuantileHead(5)])
def test_a_batch_is_the_sum_of_its_parts(head: QuantileHead, monkeypatch: pytest.MonkeyPatch) -> None:
    """However few series are followed at once, the sums are the same."""
    rng, network, shape = np.random.default_rng(8), network_of(4, head.outputs), SHAPES[2]
    z, weights = rng.normal(size=(5, 60)), rng.normal(size=(5, 5))
    values = forecasts(network, head, z, shape, 5)
    whole = sensitivity(network, head, windows(z, shape), values, weights)
    monkeypatch.setattr(module, "CHUNK_SIZE", 600)
    parts = sensitivity(network, head, windows(z, shape), values, weights)
    np.testing.assert_allclose(parts.values, whole.values, atol=1e-5)
    np.testing.assert_allclose(parts.inputs, whole.inputs, atol=1e-5)


def keras_gradients(network: Network, z: np.ndarray, shape: WindowSpec, horizon: int) -> np.ndarray:
    """[H, T] by TensorFlow's tape: each forecast is appended, and Keras runs over a window longer by one."""
    import keras
    import tensorflow as tf

    inputs = keras.Input((None, shape.lags))
    h = inputs
    for layer in network.layers:
        lstm = keras.layers.LSTM(layer.units, return_sequences=True)
        h = lstm(h)
        lstm.set_weights([layer.W, layer.U, layer.b])
    dense = keras.layers.Dense(1)
    model = keras.Model(inputs, dense(keras.layers.Concatenate()([h, inputs])))
    dense.set_weights([network.V, network.d])
    known = tf.constant(z, tf.float32)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(known)
        values = known
        for step in range(horizon):
            first = len(z) - shape.context
            ends = range(first, len(z) + step)
            x = tf.stack([values[t + 1 - shape.lags : t + 1] - values[t] for t in ends])
            values = tf.concat([values, values[-1:] + model(x[None])[0, -1]], axis=0)
        predicted = tf.unstack(values[len(z) :])
    return np.stack([tape.gradient(one, known).numpy() for one in predicted])


def test_gradients_of_a_recursive_forecast_are_those_of_keras() -> None:
    """Four steps fed back, the level the last value: the whole way by automatic differentiation, within 1e-4."""
    shape, network = WindowSpec(context=5, lags=3), network_of(3, 1)
    z = np.random.default_rng(2).normal(size=(1, 11))
    found = sensitivity(
        network, QuantileHead(), windows(z, shape), forecasts(network, QuantileHead(), z, shape, 4), np.ones((1, 4))
    )
    np.testing.assert_allclose(found.values, keras_gradients(network, z[0], shape, 4), atol=1e-4, rtol=1e-4)
