"""LSTM forward pass in NumPy (Hochreiter & Schmidhuber 1997; Gers et al. 2000).

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
    """1 / (1 + exp(-a)), by tanh to avoid overflow."""
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
    """A."""
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
    """Weights of an LSTM layer: input W [F, 4U], recurrent U [U, 4U], bias b [4U]; gates in the order i, f, c, o."""

    W: Array
    U: Array
    b: Array

    @property
    def units(self) -> int:
        """U."""
        return int(self.U.shape[0])


@dataclass(frozen=True)
class Dense:
    """Weights V [N, M] and biases d [M] of a hidden dense layer with relu."""

    V: Array
    d: Array


@dataclass(frozen=True)
class Network:
    """Stacked LSTM layers, hidden dense layers and a last dense layer.

    Attributes:
        layers: LSTM layers in order.
        V, d: [N, O] weights and [O] biases of the last layer.
        activation: a key of `ACTIVATIONS`, for candidate and cell output.
        skip: whether x_t is concatenated with the LSTM output.
        hidden: dense layers with relu, in order.
    """

    layers: tuple[Layer, ...]
    V: Array
    d: Array
    activation: str = "tanh"
    skip: bool = False
    hidden: tuple[Dense, ...] = ()


@dataclass
class State:
    """Recurrent state: h and c of every layer, [B, U] each."""

    h: list[Array]
    c: list[Array]


def zero_state(network: Network, batch: int) -> State:
    """State of zeros."""
    zeros = [np.zeros((batch, layer.units), np.float32) for layer in network.layers]
    return State(h=list(zeros), c=[z.copy() for z in zeros])


def cell(a: Array, c: Array, act: Activation) -> tuple[Array, Array]:
    """Advance a layer by one step: gate pre-activations a [4U, B] and cell state c [U, B] to h and c."""
    i, f, g, o = a.reshape(4, *c.shape)
    c = sigmoid(f) * c + sigmoid(i) * act(g)
    h = sigmoid(o) * act(c)
    return h, c


def step(network: Network, x: Array, state: State) -> Array:
    """Advance `state`, in place, by one input [B, F] and return the output [B, O]."""
    return dense(network, run_last(network, x[:, None], state), x)


def run(network: Network, x: Array, state: State) -> Array:
    """Advance `state`, in place, by inputs [B, L, F] and return the last layer's outputs [B, L, U]."""
    outputs = np.empty((*x.shape[:2], network.layers[-1].units), np.float32)
    for t, h in enumerate(_steps(network, x, state)):
        outputs[:, t] = h
    return outputs


def run_last(network: Network, x: Array, state: State) -> Array:
    """Advance `state`, in place, by inputs [B, L, F] and return the last layer's last output [B, U]."""
    for _ in _steps(network, x, state):
        pass
    return state.h[-1]


def _steps(network: Network, x: Array, state: State) -> Iterator[Array]:
    """Advance `state` by inputs [B, L, F], yielding the last layer's output [B, U] after each.

    Arrays are transposed, [U, B], so that each gate is contiguous in memory.
    """
    act = ACTIVATIONS[network.activation]
    gates = [_FusedGates.of(layer, len(x)) for layer in network.layers]
    for t in range(x.shape[1]):
        h = x[:, t].T
        for k, layer_gates in enumerate(gates):
            h, c = cell(layer_gates.sums(h, state.h[k].T), state.c[k].T, act)
            state.h[k], state.c[k] = h.T, c.T
        yield state.h[-1]


@dataclass(frozen=True)
class _FusedGates:
    """Stacked weights [W; U; b], [4U, F + U + 1], and a buffer v for inputs [x; h; 1], [F + U + 1, B]."""

    weights: Array
    v: Array

    @classmethod
    def of(cls, layer: Layer, batch: int) -> _FusedGates:
        """Build for a batch."""
        weights = np.concatenate([layer.W, layer.U, layer.b[None]])
        return cls(np.ascontiguousarray(weights.T), np.ones((len(weights), batch), np.float32))

    def sums(self, x: Array, h: Array) -> Array:
        """Pre-activations x W + h U + b, [4U, B], of inputs [F, B] and last outputs [U, B]."""
        self.v[: len(x)], self.v[len(x) : -1] = x, h
        return self.weights @ self.v


def dense(network: Network, h: Array, x: Array) -> Array:
    """Apply the dense layers to LSTM outputs […, U] and, if `skip`, inputs […, F]; returns […, O]."""
    values = np.concatenate([h, x], axis=-1) if network.skip else h
    for layer in network.hidden:
        values = relu(values @ layer.V + layer.d)
    return values @ network.V + network.d


def forward(network: Network, x: Array) -> Array:
    """Outputs at every step of every window, [B, L, F] to [B, L, O]."""
    return dense(network, run(network, x, zero_state(network, len(x))), x)


def to_tensors(network: Network) -> dict[str, Array]:
    """Weights by the names used in artifacts."""
    tensors: dict[str, Array] = {}
    for k, layer in enumerate(network.layers):
        tensors |= {f"lstm_{k}.W": layer.W, f"lstm_{k}.U": layer.U, f"lstm_{k}.b": layer.b}
    for k, dense_layer in enumerate(network.hidden):
        tensors |= {f"hidden_{k}.V": dense_layer.V, f"hidden_{k}.d": dense_layer.d}
    return tensors | {"dense.V": network.V, "dense.d": network.d}


def from_tensors(
    tensors: Mapping[str, Array], *, activation: str, skip: bool, features: int, outputs: int | None = None
) -> Network:
    """Build the network from named weights.

    Raises:
        ModelError: a layer is missing, or its shape does not match its neighbors.
    """
    layers: list[Layer] = []
    width = features
    while f"lstm_{len(layers)}.W" in tensors:
        name = f"lstm_{len(layers)}"
        units = max(1, _check_tensor(tensors, f"{name}.b", (None,))[0] // 4)
        _check_tensor(tensors, f"{name}.b", (4 * units,))
        _check_tensor(tensors, f"{name}.W", (width, 4 * units))
        _check_tensor(tensors, f"{name}.U", (units, 4 * units))
        layers.append(Layer(tensors[f"{name}.W"], tensors[f"{name}.U"], tensors[f"{name}.b"]))
        width = units
    hidden: list[Dense] = []
    width += features * skip
    while f"hidden_{len(hidden)}.V" in tensors:
        name = f"hidden_{len(hidden)}"
        next_width = _check_tensor(tensors, f"{name}.d", (None,))[0]
        _check_tensor(tensors, f"{name}.V", (width, next_width))
        hidden.append(Dense(tensors[f"{name}.V"], tensors[f"{name}.d"]))
        width = next_width
    bias = _check_tensor(tensors, "dense.d", (outputs,))[0]
    _check_tensor(tensors, "dense.V", (width, bias))
    if not layers or activation not in ACTIVATIONS or len(tensors) != 3 * len(layers) + 2 * len(hidden) + 2:
        raise ModelError("weights: the layers do not form a network; retrain the model")
    return Network(tuple(layers), tensors["dense.V"], tensors["dense.d"], activation, skip, tuple(hidden))


def _check_tensor(tensors: Mapping[str, Array], name: str, shape: tuple[int | None, ...]) -> tuple[int, ...]:
    """Return the shape of a tensor; raise ModelError unless it fits `shape` (None: any length) and is finite."""
    actual = tensors[name].shape if name in tensors else None
    fits = actual is not None and len(actual) == len(shape)
    if not fits or any(size not in (None, length) for size, length in zip(shape, actual or (), strict=True)):
        raise ModelError(f"weights: {name} must have shape {shape} (got {actual}); retrain the model")
    if tensors[name].dtype != np.float32 or not np.isfinite(tensors[name]).all():
        raise ModelError(f"weights: {name} must contain finite float32 numbers; retrain the model")
    return tuple(tensors[name].shape)
