"""What happens inside the network while it reads: every gate, cell state and output, at every step.

The forward pass is that of `lstm`; here nothing is thrown away. Letters: B batch, T steps, F features, U units.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lstmcast.model.lstm import ACTIVATIONS, Activation, Array, Layer, Network, sigmoid


@dataclass(frozen=True)
class GateTrace:
    """One layer while it read T inputs; [B, T, U] each.

    Attributes:
        i: input gate, how much of the candidate enters the cell, 0 to 1.
        f: forget gate, how much of the cell is kept, 0 to 1.
        g: the candidate c̃.
        o: output gate, how much of the cell is shown, 0 to 1.
        c: the cell state after each step.
        h: the output of each step.
    """

    i: Array
    f: Array
    g: Array
    o: Array
    c: Array
    h: Array


def trace(network: Network, x: Array) -> tuple[GateTrace, ...]:
    """Run the network from the state of zeros and keep all of it.

    Args:
        network: the weights.
        x: [B, T, F].

    Returns:
        One `Gates` for each layer, the first layer first.
    """
    act, layers = ACTIVATIONS[network.activation], []
    for layer in network.layers:
        layers.append(_layer(layer, x, act))
        x = layers[-1].h
    return tuple(layers)


def _layer(layer: Layer, x: Array, act: Activation) -> GateTrace:
    """The LSTM's equations for one layer, all steps."""
    a = x @ layer.W + layer.b  # [B, T, 4U]
    i, f, g, o, c, h = np.empty((6, *x.shape[:2], layer.units), np.float32)
    h_before = c_before = np.zeros((len(x), layer.units), np.float32)
    for t in range(x.shape[1]):
        a_i, a_f, a_g, a_o = np.split(a[:, t] + h_before @ layer.U, 4, axis=1)
        i[:, t], f[:, t], g[:, t], o[:, t] = sigmoid(a_i), sigmoid(a_f), act(a_g), sigmoid(a_o)
        c_before = c[:, t] = f[:, t] * c_before + i[:, t] * g[:, t]
        h_before = h[:, t] = o[:, t] * act(c_before)
    return GateTrace(i, f, g, o, c, h)
