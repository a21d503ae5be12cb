"""Keras model, its weights as plain arrays, and the traced training step.

The graph is smaller than that of `compile`, which halves its build time and shortens each step.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from lstmcast.errors import ModelError, UsageError
from lstmcast.nn import numpy_lstm
from lstmcast.nn.heads import OutputHead, QuantileHead
from lstmcast.nn.numpy_lstm import Dense, Layer, Network
from lstmcast.nn.specs import Recipe
from lstmcast.types import Array

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Architecture:
    """Layers of a network: `Sequential([Input((L, F)), LSTM(U), …, Dense(M, relu), …, Dense(O)])`.

    Attributes:
        context: L.
        lags: F.
        units: U of each LSTM layer.
        head: the interpretation of the O outputs.
        activation: of candidate and cell output.
        skip: whether the input is concatenated with the LSTM output.
        dropout: fraction of inputs dropped during training.
        hidden: the widths of hidden dense layers with relu.
        every_step: whether each step of a training window has targets, rather than the last.
    """

    context: int
    lags: int
    units: tuple[int, ...] = (50,)
    head: OutputHead = field(default_factory=QuantileHead)
    activation: str = "tanh"
    skip: bool = False
    dropout: float = 0.0
    hidden: tuple[int, ...] = ()
    every_step: bool = True

    @property
    def parameters(self) -> int:
        """Number of weights."""
        widths = (self.lags, *self.units)
        gates = sum(4 * u * (f + u + 1) for f, u in zip(widths, self.units, strict=False))
        dense = (self.units[-1] + self.lags * self.skip, *self.hidden, self.head.outputs)
        return gates + sum((n + 1) * m for n, m in pairwise(dense))

    def __str__(self) -> str:
        layers = ", ".join(f"LSTM({u})" for u in self.units)
        layers = f"Concat({layers}, Input)" if self.skip else layers
        hidden = "".join(f"Dense({width}, activation=relu), " for width in self.hidden)
        activation_text = "" if self.head.activation == "linear" else f", activation={self.head.activation}"
        last = f"Dense({self.head.outputs}{activation_text})"
        return f"Sequential([Input(({self.context}, {self.lags})), {layers}, {hidden}{last}])"


def require_tensorflow() -> None:
    """Raise UsageError if TensorFlow is not installed, without importing it."""
    if find_spec("tensorflow") is None or find_spec("keras") is None:
        raise UsageError(
            "training requires TensorFlow, which is not installed; run pip install tensorflow "
            "(check, init, config, predict and plot work without it)"
        )


def load_keras() -> None:
    """Import Keras on TensorFlow with deterministic operations; signals are delayed until it is done.

    Raises:
        UsageError: TensorFlow is not installed.
    """
    require_tensorflow()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ["KERAS_BACKEND"] = "tensorflow"
    with _signals_delayed(), _silence_stderr():
        import tensorflow

        tensorflow.config.list_logical_devices()  # logs missing accelerators here, while stderr is silent
        tensorflow.config.experimental.enable_op_determinism()


@contextmanager
def _signals_delayed() -> Iterator[None]:
    """Deliver signals afterwards: TensorFlow's imports may swallow the exception of a signal handler."""
    if threading.current_thread() is not threading.main_thread():  # handlers run in the main thread only
        yield
        return
    received: list[int] = []
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    handlers = {number: handler for number, handler in handlers.items() if callable(handler)}
    for number in handlers:
        signal.signal(number, lambda number, _: received.append(number))
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for late in received:
            signal.raise_signal(late)


@contextmanager
def _silence_stderr() -> Iterator[None]:
    """Discard what native code writes to stderr: TensorFlow's start-up lines cannot be disabled."""
    sys.stderr.flush()
    stderr, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    try:
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        os.close(null)


def build(architecture: Architecture, *, every_step: bool) -> keras.Sequential:
    """Build the network without the activation of its last layer, which is part of the head.

    With `every_step` it has an output for every step of the window, else for the last step only.
    """
    import keras

    lstms = [
        keras.layers.LSTM(
            units,
            activation=architecture.activation,
            dropout=architecture.dropout,
            return_sequences=every_step or k + 1 < len(architecture.units),
        )
        for k, units in enumerate(architecture.units)
    ]
    return keras.Sequential(
        [
            keras.Input((architecture.context, architecture.lags)),
            *([_skip_concat(lstms, every_step=every_step)] if architecture.skip else lstms),
            *(keras.layers.Dense(width, activation="relu") for width in architecture.hidden),
            keras.layers.Dense(architecture.head.outputs, kernel_initializer="zeros"),
        ]
    )


def _skip_concat(lstms: Sequence[keras.layers.Layer], *, every_step: bool) -> keras.layers.Layer:
    """Layer that concatenates the LSTM output with its input, a skip connection."""
    import keras

    class SkipConcat(keras.layers.Layer):  # type: ignore[misc]  # Keras has no types
        def __init__(self) -> None:
            super().__init__()
            self.lstms = list(lstms)

        def call(self, x: Any, training: bool = False) -> Any:
            h = x
            for layer in self.lstms:
                h = layer(h, training=training)
            return keras.ops.concatenate([h, x if every_step else x[:, -1]], axis=-1)

    return SkipConcat()


def to_numpy(model: keras.Sequential, architecture: Architecture) -> Network:
    """Copy the weights of a Keras model to a NumPy network."""
    weights = [np.array(w, np.float32) for w in model.get_weights()]
    recurrent, dense = weights[: 3 * len(architecture.units)], weights[3 * len(architecture.units) :]
    layers = tuple(Layer(*recurrent[k : k + 3]) for k in range(0, len(recurrent), 3))
    *hidden, last = (Dense(*dense[k : k + 2]) for k in range(0, len(dense), 2))
    return Network(layers, last.V, last.d, architecture.activation, architecture.skip, tuple(hidden))


def to_keras_weights(network: Network) -> list[Array]:
    """Weights in Keras's order."""
    recurrent = [w for layer in network.layers for w in (layer.W, layer.U, layer.b)]
    return [*recurrent, *(w for layer in network.hidden for w in (layer.V, layer.d)), network.V, network.d]


def check_forward(network: Network, architecture: Architecture, x: Array) -> float:
    """Compare the NumPy and Keras forward passes on windows x [B, L, F].

    Returns:
        The largest difference, relative to the largest output (or 1).

    Raises:
        ModelError: it exceeds 1e-4.
    """
    model = build(architecture, every_step=False)
    model.set_weights(to_keras_weights(network))
    numpy_output = numpy_lstm.forward(network, x)[:, -1]
    keras_output = np.asarray(model(x, training=False))
    gap = float(np.abs(numpy_output - keras_output).max() / max(1.0, float(np.abs(keras_output).max())))
    if not gap <= 1e-4:
        raise ModelError(f"the NumPy and Keras forward passes differ by {gap:.1e} (at most 1e-4); nothing was saved")
    return gap


@dataclass(frozen=True)
class TrainingGraph:
    """A many-to-many model, its and the optimizer's variables, and the traced training step."""

    model: keras.Sequential
    variables: tuple[Any, ...]
    traced: Any

    def step(self, *batch: Array) -> float:
        """Train on a batch of inputs, targets and weights; returns its loss."""
        import tensorflow

        return float(self.traced(*map(tensorflow.constant, batch)))

    def release(self) -> None:
        """Free the graph, whose reference cycles in C++ are invisible to Python's garbage collector."""
        with suppress(ImportError, AttributeError):  # not a public function; without it each fit leaks 5 MB
            from tensorflow.python.framework.func_graph import dismantle_func_graph

            dismantle_func_graph(self.traced.graph)


def graph_of(architecture: Architecture, recipe: Recipe) -> TrainingGraph:
    """Build and trace a network with seeded weights; not thread-safe."""
    import keras
    import tensorflow

    keras.utils.set_random_seed(recipe.seed)
    model = build(architecture, every_step=architecture.every_step)
    rate: float | keras.optimizers.schedules.LearningRateSchedule = recipe.learning_rate
    if recipe.schedule == "cosine":
        steps = (recipe.decay or recipe.epochs) * recipe.batches
        rate = keras.optimizers.schedules.CosineDecay(recipe.learning_rate, steps, alpha=0.01)
    optimizer = type(keras.optimizers.get(recipe.optimizer))(learning_rate=rate, clipnorm=recipe.clip_norm)
    optimizer.build(model.trainable_variables)
    loss = _loss(architecture, recipe)

    @tensorflow.function(autograph=False)  # type: ignore[untyped-decorator]  # TensorFlow has no types
    def step(inputs: Any, targets: Any, weights: Any) -> Any:
        with tensorflow.GradientTape() as tape:
            losses = loss(model(inputs, training=True), targets)  # [B, L, T]
            mean = tensorflow.reduce_sum(losses * weights) / tensorflow.maximum(tensorflow.reduce_sum(weights), 1.0)
        optimizer.apply(tape.gradient(mean, model.trainable_variables), model.trainable_variables)
        return mean

    batch = recipe.batch_size, architecture.context
    signature = (*batch[: 1 + architecture.every_step], architecture.head.targets)
    shapes = ((*batch, architecture.lags), signature, signature)
    traced = step.get_concrete_function(*(tensorflow.TensorSpec(shape, tensorflow.float32) for shape in shapes))
    return TrainingGraph(model, (*model.variables, *optimizer.variables), traced)


def _loss(architecture: Architecture, recipe: Recipe) -> Callable[[Any, Any], Any]:
    """Elementwise loss: outputs [B, L, O] and targets [B, L, T] to [B, L, T]."""
    import keras

    head = architecture.head
    loss = head.loss if recipe.loss == head.loss_name else _elementwise(keras.losses.get(recipe.loss))
    if (limit := recipe.winsorize) is None:
        return loss
    return lambda raw, targets: loss(raw, keras.ops.clip(targets, -limit, limit))


def _elementwise(loss: Any) -> Callable[[Any, Any], Any]:
    """Elementwise form of a Keras loss, which averages over the last axis."""
    return lambda raw, targets: loss(targets[..., None], raw[..., None])
