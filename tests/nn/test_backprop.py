"""The traced forward pass equals the network, and its intermediate values satisfy the equations."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lstmcast.nn import numpy_lstm
from lstmcast.nn.backprop import SLOPES, BackwardState, backward_step, trace
from lstmcast.nn.numpy_lstm import ACTIVATIONS, Layer, Network

pytestmark = pytest.mark.kernel

LN2, LN3 = math.log(2), math.log(3)


def gates_network_of(units: tuple[int, ...], activation: str = "tanh") -> Network:
    """Random weights on three features."""
    rng = np.random.default_rng(5)
    widths = (3, *units)
    layers = tuple(
        Layer(*(rng.normal(scale=0.5, size=size).astype(np.float32) for size in ((f, 4 * u), (u, 4 * u), (4 * u,))))
        for f, u in zip(widths, units, strict=False)
    )
    return Network(layers, np.ones((units[-1], 1), np.float32), np.zeros(1, np.float32), activation)


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
@pytest.mark.parametrize("units", [(4,), (3, 5)])
def test_the_outputs_are_those_of_the_forward_pass(activation: str, units: tuple[int, ...]) -> None:
    """The last layer's outputs and both final states are what `lstm.run` gives, but for rounding."""
    network, x = gates_network_of(units, activation), np.random.default_rng(1).normal(size=(2, 7, 3)).astype(np.float32)
    state = numpy_lstm.zero_state(network, 2)
    expected, gates = numpy_lstm.run(network, x, state), trace(network, x)
    np.testing.assert_allclose(gates[-1].h, expected, atol=1e-6)
    for layer, h, c in zip(gates, state.h, state.c, strict=True):
        np.testing.assert_allclose(layer.h[:, -1], h, atol=1e-6)
        np.testing.assert_allclose(layer.c[:, -1], c, atol=1e-6)


def test_each_gate_is_under_its_name() -> None:
    """By hand, from nothing: i = σ(ln 3) = 3/4, f = σ(−ln 3) = 1/4, c̃ = tanh(ln 2) = 0.6, o = σ(0) = 1/2."""
    layer = Layer(
        W=np.array([[0, 0, 1, 1]], np.float32),
        U=np.zeros((1, 4), np.float32),
        b=np.array([LN3, -LN3, 0, -LN2], np.float32),
    )
    (found,) = trace(Network((layer,), np.ones((1, 1), np.float32), np.zeros(1, np.float32)), np.full((1, 1, 1), LN2))
    seen = [float(array[0, 0, 0]) for array in (found.i, found.f, found.g, found.o, found.c, found.h)]
    np.testing.assert_allclose(seen, [0.75, 0.25, 0.6, 0.5, 0.45, 0.5 * math.tanh(0.45)], rtol=1e-6)


Floats = np.ndarray


def gradient_network_of(units: tuple[int, ...], activation: str, *, skip: bool) -> Network:
    """Random weights on three features, two outputs; large, that every input matters."""
    rng = np.random.default_rng(3)
    widths = (3, *units)

    def draw(*shape: int) -> Floats:
        return rng.normal(scale=0.8, size=shape).astype(np.float32)

    layers = tuple(Layer(draw(f, 4 * u), draw(u, 4 * u), draw(4 * u)) for f, u in zip(widths, units, strict=False))
    return Network(layers, draw(units[-1] + 3 * skip, 2), draw(2), activation, skip)


def keras_gradients(network: Network, x: Floats, seeds: Floats) -> Floats:
    """[G, B, T, F] the gradients of Σ seeds ∘ outputs, as TensorFlow's tape finds them through Keras's LSTM layers."""
    import keras
    import tensorflow as tf

    inputs = keras.Input(x.shape[1:])
    h = inputs
    for layer in network.layers:
        lstm = keras.layers.LSTM(layer.units, activation=network.activation, return_sequences=True)
        h = lstm(h)
        lstm.set_weights([layer.W, layer.U, layer.b])
    dense = keras.layers.Dense(network.V.shape[1])
    outputs = dense(keras.layers.Concatenate()([h, inputs]) if network.skip else h)
    dense.set_weights([network.V, network.d])
    model, seen = keras.Model(inputs, outputs), tf.constant(x)
    found = []
    for seed in seeds:
        with tf.GradientTape() as tape:
            tape.watch(seen)
            total = tf.reduce_sum(model(seen) * seed)
        found.append(tape.gradient(total, seen).numpy())
    return np.stack(found)


@pytest.mark.parametrize("skip", [False, True])
@pytest.mark.parametrize(
    ("units", "activation"), [((4,), "tanh"), ((3, 5), "tanh"), ((4,), "relu"), ((4,), "elu"), ((3, 2), "softsign")]
)
def test_gradients_are_those_of_keras(units: tuple[int, ...], activation: str, *, skip: bool) -> None:
    """Two sums of outputs at all steps, one layer or two, with and without a skip connection: within 1e-5."""
    rng, network = np.random.default_rng(9), gradient_network_of(units, activation, skip=skip)
    x = rng.normal(size=(2, 6, 3)).astype(np.float32)
    seeds = rng.normal(size=(2, 2, 6, 2)).astype(np.float32)  # [G, B, T, O]
    carried, gates = BackwardState.zeros(network, 2, 2), trace(network, x)
    found = [backward_step(network, gates, t, seeds[:, :, t], carried) for t in range(6)[::-1]][::-1]
    expected = keras_gradients(network, x, seeds)
    assert np.abs(expected).max() > 0.01
    np.testing.assert_allclose(np.stack(found, axis=2), expected, atol=1e-5)


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_each_slope_is_a_quotient_of_differences(name: str) -> None:
    """The slope computed from the output equals (act(a + ε) − act(a − ε)) / 2ε, away from the kink at 0."""
    act, slope, a = ACTIVATIONS[name], SLOPES[name], np.array([-2, -0.7, -0.1, 0.1, 0.7, 2], np.float32)
    step = np.float32(2**-7)
    quotient = (act(a + step) - act(a - step)) / (2 * step)
    np.testing.assert_allclose(slope(act(a)), quotient, atol=1e-3)
