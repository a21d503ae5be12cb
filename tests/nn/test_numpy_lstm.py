"""The LSTM in NumPy: a step worked by hand, every step against a loop and against Keras, and weights that must fit."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstmcast.errors import ModelError
from lstmcast.nn import numpy_lstm
from lstmcast.nn.keras_backend import load_keras
from lstmcast.nn.numpy_lstm import ACTIVATIONS, Layer, Network, State

pytestmark = pytest.mark.kernel

LN2, LN3 = math.log(2), math.log(3)

PLAIN: dict[str, Callable[[float], float]] = {
    "tanh": math.tanh,
    "relu": lambda a: max(a, 0.0),
    "sigmoid": lambda a: 1 / (1 + math.exp(-a)),
    "elu": lambda a: a if a > 0 else math.exp(a) - 1,
    "softsign": lambda a: a / (1 + abs(a)),
    "linear": lambda a: a,
}


def random_network(units: tuple[int, ...], features: int, outputs: int = 1, *, skip: bool = False) -> Network:
    """A network with random weights of moderate size, tanh throughout."""
    rng = np.random.default_rng(len(units) * 100 + features)

    def draw(*shape: int) -> np.ndarray:
        return rng.normal(scale=0.4, size=shape).astype(np.float32)

    widths = (features, *units)
    layers = tuple(Layer(draw(f, 4 * u), draw(u, 4 * u), draw(4 * u)) for f, u in zip(widths, units, strict=False))
    return Network(layers, draw(units[-1] + features * skip, outputs), draw(outputs), skip=skip)


def column(*numbers: float) -> np.ndarray:
    """Numbers as a float32 row [1, n]."""
    return np.array([numbers], np.float32)


def test_one_step_by_hand() -> None:
    """Each gate gets its value in another way, so that no two can be exchanged unnoticed.

    x = ln 2, h = 0.5, c = 2.594449.
    i = σ(0.5 · 2 ln 3) = σ(ln 3) = 3/4, by the recurrent weight.
    f = σ(−ln 3) = 1/4, by the bias.
    c̃ = tanh(ln 2) = (2 − 1/2) / (2 + 1/2) = 0.6, by the input weight.
    o = σ(ln 2 − ln 2) = 1/2, by input weight and bias.
    New c = 0.25 · 2.594449 + 0.75 · 0.6 = 1.098612 = ln 3, so h = 0.5 · tanh(ln 3) = 0.5 · 0.8 = 0.4.
    The dense layer outputs 10 · 0.4 − 1 = 3.
    """
    layer = Layer(W=column(0, 0, 1, 1), U=column(2 * LN3, 0, 0, 0), b=column(0, -LN3, 0, -LN2)[0])
    state = State(h=[column(0.5)], c=[column(2.594449)])
    outputs = numpy_lstm.step(Network((layer,), column(10), column(-1)[0]), column(LN2), state)
    np.testing.assert_allclose(state.c[0], [[1.098612]], atol=1e-6)
    np.testing.assert_allclose(state.h[0], [[0.4]], atol=1e-6)
    np.testing.assert_allclose(outputs, [[3.0]], atol=1e-5)


def test_two_steps_from_nothing_by_hand() -> None:
    """With relu, i = f = o = 1/2 and c̃ = relu(x): c = 2, h = 1 after x = 4; c = 1 + 0 after x = −6, h = 1/2."""
    layer = Layer(W=column(0, 0, 1, 0), U=column(0, 0, 0, 0), b=column(0, 0, 0, 0)[0])
    network = Network((layer,), column(1), column(0)[0], activation="relu")
    np.testing.assert_allclose(
        numpy_lstm.forward(network, np.array([[[4], [-6]]], np.float32)), [[[1], [0.5]]], atol=1e-6
    )


def test_the_skip_connection_appends_the_input_to_the_output() -> None:
    """The first U dense weights meet h, the others x: 2 · h + 3 · x₁ − x₂, with h = 0 from weights of nothing."""
    layer = Layer(np.zeros((2, 4), np.float32), np.zeros((1, 4), np.float32), np.zeros(4, np.float32))
    network = Network((layer,), np.array([[2], [3], [-1]], np.float32), column(0.5)[0], skip=True)
    np.testing.assert_allclose(numpy_lstm.forward(network, np.array([[[4, 5], [1, 0]]], np.float32)), [[[7.5], [3.5]]])


def looped(network: Network, x: np.ndarray) -> list[list[float]]:
    """One window by loops over single numbers: [L, F] to [L, O]."""
    act, sigmoid = PLAIN[network.activation], PLAIN["sigmoid"]
    h, c = ([[0.0] * layer.units for layer in network.layers] for _ in range(2))
    outputs = []
    for row in x.tolist():
        seen = row
        for k, layer in enumerate(network.layers):
            n, before = layer.units, h[k]
            gates = [
                sum(v * layer.W[j, q] for j, v in enumerate(seen))
                + sum(v * layer.U[j, q] for j, v in enumerate(before))
                + layer.b[q]
                for q in range(4 * n)
            ]
            for u in range(n):
                i, f, g, o = (gates[u + gate * n] for gate in range(4))
                c[k][u] = sigmoid(f) * c[k][u] + sigmoid(i) * act(g)
                seen = [] if u == 0 else seen
                seen.append(sigmoid(o) * act(c[k][u]))
            h[k] = seen
        seen = seen + row if network.skip else seen
        outputs.append(
            [sum(v * network.V[j, q] for j, v in enumerate(seen)) + network.d[q] for q in range(len(network.d))]
        )
    return outputs


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
@pytest.mark.parametrize("units", [(3,), (4, 2), (2, 3, 2)])
@pytest.mark.parametrize("skip", [False, True])
def test_every_step_agrees_with_a_loop(activation: str, units: tuple[int, ...], skip: bool) -> None:
    """Layers, units, gates and steps one after the other in plain Python give the same outputs."""
    made = random_network(units, 3, 2, skip=skip)
    network = Network(made.layers, made.V, made.d, activation, skip)
    x = np.random.default_rng(9).normal(size=(2, 6, 3)).astype(np.float32)
    np.testing.assert_allclose(numpy_lstm.forward(network, x), [looped(network, window) for window in x], atol=1e-5)


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
@pytest.mark.parametrize("units", [(50,), (8, 5), (6, 4, 3)])
def test_every_step_agrees_with_keras(activation: str, units: tuple[int, ...]) -> None:
    """Weights in the layers of Keras give the same outputs: 40 windows, all steps, to 1e-5."""
    load_keras()
    import keras

    made = random_network(units, 4, 2)
    network = Network(made.layers, made.V, made.d, activation)
    stack = [keras.layers.LSTM(u, activation=activation, return_sequences=True) for u in units]
    model = keras.Sequential([keras.Input((9, 4)), *stack, keras.layers.Dense(2)])
    model.set_weights([w for layer in network.layers for w in (layer.W, layer.U, layer.b)] + [network.V, network.d])
    x = np.random.default_rng(1).normal(size=(40, 9, 4)).astype(np.float32)
    outputs = np.asarray(model(x, training=False))
    np.testing.assert_allclose(
        numpy_lstm.forward(network, x), outputs, rtol=1e-5, atol=1e-5 * max(1.0, np.abs(outputs).max())
    )


@pytest.mark.parametrize("skip", [False, True])
def test_step_by_step_is_all_at_once(skip: bool) -> None:
    """Carrying the state on gives what one pass over all the steps gives."""
    network = random_network((5, 4), 3, 2, skip=skip)
    x = np.random.default_rng(2).normal(size=(7, 8, 3)).astype(np.float32)
    state = numpy_lstm.zero_state(network, 7)
    outputs = [numpy_lstm.step(network, x[:, t], state) for t in range(8)]
    np.testing.assert_allclose(np.stack(outputs, axis=1), numpy_lstm.forward(network, x), atol=1e-6)
    carried = numpy_lstm.zero_state(network, 7)
    numpy_lstm.run(network, x[:, :5], carried)
    np.testing.assert_allclose(numpy_lstm.run(network, x[:, 5:], carried)[:, -1], state.h[-1], atol=1e-6)
    alone = numpy_lstm.zero_state(network, 7)
    np.testing.assert_allclose(numpy_lstm.run_last(network, x, alone), state.h[-1], atol=1e-6)
    for c, expected in zip(alone.c, state.c, strict=True):
        np.testing.assert_allclose(c, expected, atol=1e-6)


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
@given(st.floats(-80, 80, width=32))
def test_activations_are_the_functions_of_their_names(name: str, a: float) -> None:
    """Against the formula in plain Python, in float32 from end to end."""
    outputs = ACTIVATIONS[name](np.array([a], np.float32))
    assert outputs.dtype == np.float32
    assert outputs[0] == pytest.approx(PLAIN[name](a), rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("name", sorted(set(ACTIVATIONS) - {"linear", "relu"}))
def test_no_activation_overflows(name: str) -> None:
    """The largest float32 numbers give the limits of the function, without a warning."""
    low, high = ACTIVATIONS[name](np.array([-3e38, 3e38], np.float32))
    assert low == pytest.approx({"tanh": -1, "sigmoid": 0, "elu": -1, "softsign": -1}[name])
    assert high == pytest.approx(3e38 if name == "elu" else 1)


def test_tensors_there_and_back_again() -> None:
    """A network written by layer name and read again is the same network."""
    network = random_network((5, 4), 3, 2, skip=True)
    tensors = numpy_lstm.to_tensors(network)
    assert list(tensors) == [
        "lstm_0.W",
        "lstm_0.U",
        "lstm_0.b",
        "lstm_1.W",
        "lstm_1.U",
        "lstm_1.b",
        "dense.V",
        "dense.d",
    ]
    again = numpy_lstm.from_tensors(tensors, activation="tanh", skip=True, features=3)
    x = np.random.default_rng(4).normal(size=(2, 4, 3)).astype(np.float32)
    np.testing.assert_array_equal(numpy_lstm.forward(again, x), numpy_lstm.forward(network, x))


def changed(name: str, value: np.ndarray | None) -> dict[str, np.ndarray]:
    """The tensors of a (5, 4) network of 3 features with one replaced, added or, for None, left out."""
    tensors = numpy_lstm.to_tensors(random_network((5, 4), 3)) | ({} if value is None else {name: value})
    return {key: tensor for key, tensor in tensors.items() if value is not None or key != name}


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("lstm_0.W", np.zeros((2, 20), np.float32), r"lstm_0\.W must have shape \(3, 20\) \(got \(2, 20\)\)"),
        ("lstm_1.W", np.zeros((4, 16), np.float32), r"lstm_1\.W must have shape \(5, 16\) \(got \(4, 16\)\)"),
        ("lstm_1.U", np.zeros((4, 20), np.float32), r"lstm_1\.U must have shape \(4, 16\)"),
        ("lstm_0.U", np.zeros(100, np.float32), r"lstm_0\.U must have shape \(5, 20\)"),
        ("lstm_0.b", np.zeros((5, 4), np.float32), r"lstm_0\.b must have shape \(None,\)"),
        ("lstm_0.b", np.zeros(22, np.float32), r"lstm_0\.b must have shape \(20,\) \(got \(22,\)\)"),
        ("lstm_0.b", np.zeros(0, np.float32), r"lstm_0\.b must have shape \(4,\) \(got \(0,\)\)"),
        ("lstm_0.b", None, r"lstm_0\.b must have shape \(None,\) \(got None\)"),
        ("lstm_0.W", None, r"dense\.V must have shape \(3, 1\) \(got \(4, 1\)\)"),
        ("dense.V", np.zeros((7, 1), np.float32), r"dense\.V must have shape \(4, 1\) \(got \(7, 1\)\)"),
        ("dense.d", np.float32(0) * np.zeros(()), r"dense\.d must have shape"),
        ("dense.d", np.zeros(1), r"dense\.d must contain finite float32"),
        ("lstm_1.b", np.full(16, np.nan, np.float32), r"lstm_1\.b must contain finite float32"),
        ("lstm_1.U", np.full((4, 16), np.inf, np.float32), r"lstm_1\.U must contain finite float32"),
        ("extra", np.zeros(1, np.float32), "do not form a network"),
    ],
)  # fmt: skip
def test_weights_that_do_not_fit_are_refused(name: str, value: np.ndarray | None, message: str) -> None:
    """The message names the tensor, the shape it must have and the shape it has."""
    with pytest.raises(ModelError, match=message):
        numpy_lstm.from_tensors(changed(name, value), activation="tanh", skip=False, features=3)


def test_outputs_and_skip_must_be_those_of_the_dense_layer() -> None:
    """Two outputs where six are wanted, and a dense layer without room for the input or with room it must not have."""
    plain, skipping = (numpy_lstm.to_tensors(random_network((5, 4), 3, 2, skip=skip)) for skip in (False, True))
    with pytest.raises(ModelError, match=r"dense\.d must have shape \(6,\) \(got \(2,\)\)"):
        numpy_lstm.from_tensors(plain, activation="tanh", skip=False, features=3, outputs=6)
    with pytest.raises(ModelError, match=r"dense\.V must have shape \(7, 2\) \(got \(4, 2\)\)"):
        numpy_lstm.from_tensors(plain, activation="tanh", skip=True, features=3, outputs=2)
    with pytest.raises(ModelError, match=r"dense\.V must have shape \(4, 2\) \(got \(7, 2\)\)"):
        numpy_lstm.from_tensors(skipping, activation="tanh", skip=False, features=3, outputs=2)
    assert numpy_lstm.from_tensors(skipping, activation="tanh", skip=True, features=3, outputs=2).skip


def test_an_unknown_activation_or_no_layer_is_refused() -> None:
    """Names that were never written by a training run."""
    tensors = numpy_lstm.to_tensors(random_network((5, 4), 3))
    with pytest.raises(ModelError, match="do not form a network"):
        numpy_lstm.from_tensors(tensors, activation="swish", skip=False, features=3)
    alone = {"dense.V": np.zeros((3, 1), np.float32), "dense.d": np.zeros(1, np.float32)}
    with pytest.raises(ModelError, match="do not form a network"):
        numpy_lstm.from_tensors(alone, activation="tanh", skip=False, features=3)
