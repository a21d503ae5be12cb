"""Traced forward pass and backpropagation through time in NumPy.

With δv the gradient of a scalar with respect to v, and ∘ the elementwise product, a backward step is

    δc ← δc + δh ∘ o ∘ act′(c)
    δa_i = δc ∘ c̃ ∘ i(1 − i)        δa_f = δc ∘ c_{t-1} ∘ f(1 − f)
    δa_c = δc ∘ i ∘ act′(a_c)        δa_o = δh ∘ act(c) ∘ o(1 − o)
    δx_t = δa Wᵀ        δh_{t-1} = δa Uᵀ        δc_{t-1} = δc ∘ f

(Hochreiter & Schmidhuber 1997, appendix A, without truncation; forget gate: Gers, Schmidhuber & Cummins 2000).
Letters: G simultaneous gradients, B batch, T steps, F features, U units, O outputs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lstmcast.nn.numpy_lstm import ACTIVATIONS, Activation, Layer, Network, sigmoid
from lstmcast.types import Array


@dataclass(frozen=True)
class GateTrace:
    """Gates i, f, o, candidate g, cell state c and output h of a layer at each step, [B, T, U] each."""

    i: Array
    f: Array
    g: Array
    o: Array
    c: Array
    h: Array


def trace(network: Network, x: Array) -> tuple[GateTrace, ...]:
    """Run the network on x [B, T, F] from a zero state, and record each layer."""
    act, layers = ACTIVATIONS[network.activation], []
    for layer in network.layers:
        layers.append(_layer(layer, x, act))
        x = layers[-1].h
    return tuple(layers)


def _layer(layer: Layer, x: Array, act: Activation) -> GateTrace:
    """Run one layer over all steps."""
    a = x @ layer.W + layer.b  # [B, T, 4U]
    i, f, g, o, c, h = np.empty((6, *x.shape[:2], layer.units), np.float32)
    h_before = c_before = np.zeros((len(x), layer.units), np.float32)
    for t in range(x.shape[1]):
        a_i, a_f, a_g, a_o = np.split(a[:, t] + h_before @ layer.U, 4, axis=1)
        i[:, t], f[:, t], g[:, t], o[:, t] = sigmoid(a_i), sigmoid(a_f), act(a_g), sigmoid(a_o)
        c_before = c[:, t] = f[:, t] * c_before + i[:, t] * g[:, t]
        h_before = h[:, t] = o[:, t] * act(c_before)
    return GateTrace(i, f, g, o, c, h)


# act′ as a function of the activation's value
SLOPES: Mapping[str, Activation] = {
    "tanh": lambda y: 1 - y * y,
    "relu": lambda y: np.sign(y),
    "sigmoid": lambda y: y * (1 - y),
    "elu": lambda y: np.minimum(y + 1, np.float32(1)),
    "softsign": lambda y: np.square(1 - np.abs(y)),
    "linear": np.ones_like,
}


@dataclass
class BackwardState:
    """Gradients δh and δc of every layer, [G, B, U] each, passed to the previous step."""

    h: list[Array]
    c: list[Array]

    @classmethod
    def zeros(cls, network: Network, gradients: int, batch: int) -> BackwardState:
        """Zero gradients, after the last step."""
        zeros = [np.zeros((gradients, batch, layer.units), np.float32) for layer in network.layers]
        return cls(h=list(zeros), c=list(zeros))


def backward_step(
    network: Network, gates: Sequence[GateTrace], t: int, d_hidden: Array, carried: BackwardState
) -> Array:
    """Backpropagate from the network's output at step t to its input x_t, [G, B, F].

    Args:
        gates: the forward pass of each layer.
        d_hidden: [G, B, O] gradients with respect to the output.
        carried: gradients from step t + 1, updated in place.
    """
    units = network.layers[-1].units
    down = d_hidden @ network.V[:units].T  # [G, B, U]
    for k in reversed(range(len(network.layers))):
        down = _layer_back(network.layers[k], gates[k], t, down, carried, k, network.activation)
    return down + d_hidden @ network.V[units:].T if network.skip else down


def _layer_back(
    layer: Layer, gates: GateTrace, t: int, down: Array, carried: BackwardState, k: int, activation: str
) -> Array:
    """Backpropagate through layer k, from its output [G, B, U] to its input."""
    act, slope = ACTIVATIONS[activation], SLOPES[activation]
    i, f, g, o, c = gates.i[:, t], gates.f[:, t], gates.g[:, t], gates.o[:, t], gates.c[:, t]
    before = gates.c[:, t - 1] if t else np.zeros_like(c)
    act_c = act(c)
    h = carried.h[k] + down
    c = carried.c[k] + h * (o * slope(act_c))
    a = [c * (g * i * (1 - i)), c * (before * f * (1 - f)), c * (i * slope(g)), h * (act_c * o * (1 - o))]
    gradient = np.concatenate(a, axis=-1)  # [G, B, 4U]
    carried.h[k], carried.c[k] = gradient @ layer.U.T, c * f
    return gradient @ layer.W.T
