"""What is traced is what the network does: the same outputs, and equations that hold between what is kept."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lstmcast.model import lstm
from lstmcast.model.gates import trace
from lstmcast.model.lstm import ACTIVATIONS, Layer, Network

pytestmark = pytest.mark.kernel

LN2, LN3 = math.log(2), math.log(3)


def network_of(units: tuple[int, ...], activation: str = "tanh") -> Network:
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
    network, x = network_of(units, activation), np.random.default_rng(1).normal(size=(2, 7, 3)).astype(np.float32)
    state = lstm.zero_state(network, 2)
    expected, gates = lstm.run(network, x, state), trace(network, x)
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
