"""The network in NumPy: the LSTM equations, one line each (Hochreiter & Schmidhuber 1997; Gers et al. 2000).

Letters: B batch, L steps, F features, U units, O outputs. Weights and states are float32.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from lstmcast.errors import ModelError
from lstmcast.types import Array

Activation = Callable[[Array], Array]


def sigmoid(a: Array) -> Array:
    """1 / (1 + exp(-a)), by tanh so that no exponential overflows."""
    half = np.float32(0.5)
    s = np.asarray(half * a)
    np.tanh(s, out=s)
    s *= half
    s += half
    return s


def relu(a: Array) -> Array:
    """max(a, 0)."""
    return np.maximum(a, np.float32(0))


def elu(a: Array) -> Array:
    """A where positive, exp(a) - 1 elsewhere."""
    either: Array = np.where(a > 0, a, np.expm1(np.minimum(a, np.float32(0)))).astype(np.float32)
    return either


def softsign(a: Array) -> Array:
    """A / (1 + |a|)."""
    return np.divide(a, np.float32(1) + np.abs(a), dtype=np.float32)


def linear(a: Array) -> Array:
    """Its argument."""
    return a


ACTIVATIONS: Mapping[str, Activation] = {
    "tanh": np.tanh,
    "relu": relu,
    "sigmoid": sigmoid,
    "elu": elu,
    "softsign": softsign,
    "linear": linear,
}


@dataclass(frozen=True)
class Layer:
    """One LSTM layer's weights; the gates stand side by side in the order i, f, c, o.

    Attributes:
        W: [F, 4U] input weights.
        U: [U, 4U] recurrent weights.
        b: [4U] biases.
    """

    W: Array
    U: Array
    b: Array

    @property
    def units(self) -> int:
        """U, the length of the state."""
        return int(self.U.shape[0])


@dataclass(frozen=True)
class Dense:
    """A dense layer with relu, between the LSTM and the last layer.

    Attributes:
        V: [N, M] weights.
        d: [M] biases.
    """

    V: Array
    d: Array


@dataclass(frozen=True)
class Network:
    """Stacked LSTM layers and a dense layer on the last one's output.

    Attributes:
        layers: the LSTM layers, first one first.
        V: [U, O] dense weights, or [U + F, O] where `skip` lays the input beside the LSTM's output; M instead of these
            where hidden layers end in M numbers.
        d: [O] dense biases.
        activation: a key of `ACTIVATIONS`, for the candidate and the cell's output.
        skip: whether the dense layers also see x_t.
        hidden: dense layers with relu before the last one, first one first.
    """

    layers: tuple[Layer, ...]
    V: Array
    d: Array
    activation: str = "tanh"
    skip: bool = False
    hidden: tuple[Dense, ...] = ()


@dataclass
class State:
    """What the network remembers after a step: h and c of every layer, [B, U] each."""

    h: list[Array]
    c: list[Array]


def zero_state(network: Network, batch: int) -> State:
    """The state before the first step: zeros."""
    zeros = [np.zeros((batch, layer.units), np.float32) for layer in network.layers]
    return State(h=list(zeros), c=[z.copy() for z in zeros])


def cell(a: Array, c: Array, act: Activation) -> tuple[Array, Array]:
    """One step of one layer.

    Args:
        a: [4U, B] the sums of the gates.
        c: [U, B] the last cell state.
        act: the activation of candidate and output.

    Returns:
        The new (h, c), each [U, B].
    """
    i, f, g, o = a.reshape(4, *c.shape)
    c = sigmoid(f) * c + sigmoid(i) * act(g)
    h = sigmoid(o) * act(c)
    return h, c


def step(network: Network, x: Array, state: State) -> Array:
    """Advance `state` by one input and return the output.

    Args:
        network: the weights.
        x: [B, F].
        state: changed in place.

    Returns:
        [B, O].
    """
    return dense(network, run_last(network, x[:, None], state), x)


def run(network: Network, x: Array, state: State) -> Array:
    """Advance `state` by L inputs and return the last layer's outputs.

    Args:
        network: the weights.
        x: [B, L, F].
        state: changed in place.

    Returns:
        [B, L, U].
    """
    outputs = np.empty((*x.shape[:2], network.layers[-1].units), np.float32)
    for t, h in enumerate(_steps(network, x, state)):
        outputs[:, t] = h
    return outputs


def run_last(network: Network, x: Array, state: State) -> Array:
    """Advance `state` by L inputs, [B, L, F], and return the last layer's last output, [B, U]."""
    for _ in _steps(network, x, state):
        pass
    return state.h[-1]


def _steps(network: Network, x: Array, state: State) -> Iterator[Array]:
    """Advance `state` by each of L inputs, [B, L, F]; after each comes the last layer's output, [B, U].

    Inside, windows stand side by side, [U, B], so that each gate of all of them is one stretch of memory.
    """
    act = ACTIVATIONS[network.activation]
    seen = [_FusedGates.by(layer, len(x)) for layer in network.layers]
    for t in range(x.shape[1]):
        h = x[:, t].T
        for k, each in enumerate(seen):
            h, c = cell(each.sums(h, state.h[k].T), state.c[k].T, act)
            state.h[k], state.c[k] = h.T, c.T
        yield state.h[-1]


@dataclass(frozen=True)
class _FusedGates:
    """What a layer sees at a step, [x; h; 1], and its weights for that, [W; U; b]: one product sums up all gates.

    Attributes:
        weights: [4U, F + U + 1].
        v: [F + U + 1, B], filled anew at each step.
    """

    weights: Array
    v: Array

    @classmethod
    def by(cls, layer: Layer, batch: int) -> _FusedGates:
        """For a batch of windows."""
        weights = np.concatenate([layer.W, layer.U, layer.b[None]])
        return cls(np.ascontiguousarray(weights.T), np.ones((len(weights), batch), np.float32))

    def sums(self, x: Array, h: Array) -> Array:
        """The sums a = x W + h U + b, [4U, B], of [F, B] inputs and [U, B] last outputs."""
        self.v[: len(x)], self.v[len(x) : -1] = x, h
        return self.weights @ self.v


def dense(network: Network, h: Array, x: Array) -> Array:
    """The dense layers: [..., U] (beside [..., F] where `skip`) to [..., O]."""
    seen = np.concatenate([h, x], axis=-1) if network.skip else h
    for layer in network.hidden:
        seen = relu(seen @ layer.V + layer.d)
    return seen @ network.V + network.d


def forward(network: Network, x: Array) -> Array:
    """What the network says at every step of every window: [B, L, F] to [B, L, O]."""
    return dense(network, run(network, x, zero_state(network, len(x))), x)


def to_tensors(network: Network) -> dict[str, Array]:
    """The weights by layer name, as the artifact keeps them."""
    tensors: dict[str, Array] = {}
    for k, layer in enumerate(network.layers):
        tensors |= {f"lstm_{k}.W": layer.W, f"lstm_{k}.U": layer.U, f"lstm_{k}.b": layer.b}
    for k, dense_layer in enumerate(network.hidden):
        tensors |= {f"hidden_{k}.V": dense_layer.V, f"hidden_{k}.d": dense_layer.d}
    return tensors | {"dense.V": network.V, "dense.d": network.d}


def from_tensors(
    tensors: Mapping[str, Array], *, activation: str, skip: bool, features: int, outputs: int | None = None
) -> Network:
    """Build the network from named weights, checking that every shape fits its neighbour.

    Raises:
        ModelError: a layer is missing, or its shape is not what the layers around it need.
    """
    layers: list[Layer] = []
    width = features
    while f"lstm_{len(layers)}.W" in tensors:
        name = f"lstm_{len(layers)}"
        units = max(1, _shaped(tensors, f"{name}.b", (None,))[0] // 4)
        _shaped(tensors, f"{name}.b", (4 * units,))
        _shaped(tensors, f"{name}.W", (width, 4 * units))
        _shaped(tensors, f"{name}.U", (units, 4 * units))
        layers.append(Layer(tensors[f"{name}.W"], tensors[f"{name}.U"], tensors[f"{name}.b"]))
        width = units
    hidden: list[Dense] = []
    width += features * skip
    while f"hidden_{len(hidden)}.V" in tensors:
        name = f"hidden_{len(hidden)}"
        after = _shaped(tensors, f"{name}.d", (None,))[0]
        _shaped(tensors, f"{name}.V", (width, after))
        hidden.append(Dense(tensors[f"{name}.V"], tensors[f"{name}.d"]))
        width = after
    bias = _shaped(tensors, "dense.d", (outputs,))[0]
    _shaped(tensors, "dense.V", (width, bias))
    if not layers or activation not in ACTIVATIONS or len(tensors) != 3 * len(layers) + 2 * len(hidden) + 2:
        raise ModelError("weights: the layers named do not make a network; train again")
    return Network(tuple(layers), tensors["dense.V"], tensors["dense.d"], activation, skip, tuple(hidden))


def _shaped(tensors: Mapping[str, Array], name: str, shape: tuple[int | None, ...]) -> tuple[int, ...]:
    """The shape of `tensors[name]`, where it fits `shape` (None: any length) and every value is finite."""
    found = tensors[name].shape if name in tensors else None
    fits = found is not None and len(found) == len(shape)
    if not fits or any(want not in (None, have) for want, have in zip(shape, found or (), strict=True)):
        raise ModelError(f"weights: {name} must have shape {shape} (got {found}); train again")
    if tensors[name].dtype != np.float32 or not np.isfinite(tensors[name]).all():
        raise ModelError(f"weights: {name} must hold finite float32 numbers; train again")
    return tuple(tensors[name].shape)
