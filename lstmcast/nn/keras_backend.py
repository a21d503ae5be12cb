"""Keras model, its weights as plain arrays, and the traced training step.

The graph is smaller than the one that `compile` makes: it is there in half the time, and its steps are faster.
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
    """What is built: `Sequential([Input((L, F)), LSTM(U), …, Dense(O)])`, hidden dense layers between where wanted.

    Attributes:
        context: L.
        lags: F.
        units: U of each layer, first one first.
        head: what the O outputs mean.
        activation: of candidate and cell output.
        skip: whether the dense layer also sees the input itself.
        dropout: share of inputs dropped while training.
        hidden: the widths of dense layers with relu before the last one.
        every_step: whether each step of a window has targets while training; False: only the last has.
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
        """How many weights the network has."""
        widths = (self.lags, *self.units)
        gates = sum(4 * u * (f + u + 1) for f, u in zip(widths, self.units, strict=False))
        dense = (self.units[-1] + self.lags * self.skip, *self.hidden, self.head.outputs)
        return gates + sum((n + 1) * m for n, m in pairwise(dense))

    def __str__(self) -> str:
        layers = ", ".join(f"LSTM({u})" for u in self.units)
        layers = f"Beside({layers})" if self.skip else layers
        hidden = "".join(f"Dense({width}, activation=relu), " for width in self.hidden)
        activation_text = "" if self.head.activation == "linear" else f", activation={self.head.activation}"
        last = f"Dense({self.head.outputs}{activation_text})"
        return f"Sequential([Input(({self.context}, {self.lags})), {layers}, {hidden}{last}])"


def require_tensorflow() -> None:
    """Fail early, and without importing it, where TensorFlow is not installed.

    Raises:
        UsageError: it is not.
    """
    if find_spec("tensorflow") is None or find_spec("keras") is None:
        raise UsageError(
            "training needs TensorFlow, which is not installed here: pip install tensorflow "
            "(check, init, config, predict and plot work without it)"
        )


def load_keras() -> None:
    """Import Keras on TensorFlow, quietly; operations that could give other bytes for the same seed are ruled out.

    A request to stop waits until that is done.

    Raises:
        UsageError: TensorFlow is not installed.
    """
    require_tensorflow()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ["KERAS_BACKEND"] = "tensorflow"
    with _signals_held(), _silence_stderr():
        import tensorflow

        tensorflow.config.list_logical_devices()  # looks for accelerators, and says what it does not find
        tensorflow.config.experimental.enable_op_determinism()


@contextmanager
def _signals_held() -> Iterator[None]:
    """Signals are heard afterwards: an exception that one raises amid TensorFlow's modules may be swallowed there."""
    if threading.current_thread() is not threading.main_thread():  # exceptions of signals rise in the main thread only
        yield
        return
    heard: list[int] = []
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    before = {number: handler for number, handler in before.items() if callable(handler)}
    for number in before:
        signal.signal(number, lambda number, _: heard.append(number))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for received in heard:
            signal.raise_signal(received)


@contextmanager
def _silence_stderr() -> Iterator[None]:
    """Drop what native code writes to stderr: TensorFlow's start-up lines obey no setting. Errors still rise."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def build(architecture: Architecture, *, every_step: bool) -> keras.Sequential:
    """Build the network, up to the activation of its last layer, which the loss and `OutputHead.decode` bring.

    Args:
        architecture: its layers.
        every_step: True while training: an output for every step of the window, from the same weights. False: the
            network that the user is shown, whose only output is the last step's.
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
    """A layer that hands on the LSTM's output with its input beside it: a linear path around the LSTM."""
    import keras

    class Beside(keras.layers.Layer):  # type: ignore[misc]  # Keras has no types
        def __init__(self) -> None:
            super().__init__()
            self.lstms = list(lstms)

        def call(self, x: Any, training: bool = False) -> Any:
            h = x
            for layer in self.lstms:
                h = layer(h, training=training)
            return keras.ops.concatenate([h, x if every_step else x[:, -1]], axis=-1)

    return Beside()


def to_numpy(model: keras.Sequential, architecture: Architecture) -> Network:
    """The model's weights as a NumPy network (copies)."""
    weights = [np.array(w, np.float32) for w in model.get_weights()]
    recurrent, dense = weights[: 3 * len(architecture.units)], weights[3 * len(architecture.units) :]
    layers = tuple(Layer(*recurrent[k : k + 3]) for k in range(0, len(recurrent), 3))
    *hidden, last = (Dense(*dense[k : k + 2]) for k in range(0, len(dense), 2))
    return Network(layers, last.V, last.d, architecture.activation, architecture.skip, tuple(hidden))


def to_keras_weights(network: Network) -> list[Array]:
    """The weights in Keras's order."""
    recurrent = [w for layer in network.layers for w in (layer.W, layer.U, layer.b)]
    return [*recurrent, *(w for layer in network.hidden for w in (layer.V, layer.d)), network.V, network.d]


def check_forward(network: Network, architecture: Architecture, x: Array) -> float:
    """Compare the two forward passes of the many-to-one network on real windows.

    Args:
        network: weights.
        architecture: their layers.
        x: [B, L, F].

    Returns:
        The largest difference, relative to the largest output (or 1).

    Raises:
        ModelError: it is more than 1e-4: the model must not be saved.
    """
    model = build(architecture, every_step=False)
    model.set_weights(to_keras_weights(network))
    numpy_output = numpy_lstm.forward(network, x)[:, -1]
    keras_output = np.asarray(model(x, training=False))
    gap = float(np.abs(numpy_output - keras_output).max() / max(1.0, float(np.abs(keras_output).max())))
    if not gap <= 1e-4:
        raise ModelError(f"the network's two forward passes differ by {gap:.1e} (at most 1e-4): it was not saved")
    return gap


@dataclass(frozen=True)
class TrainingGraph:
    """A network and one step of its optimizer.

    Attributes:
        model: the many-to-many network.
        variables: of it and of the optimizer: weights, momenta, counters, sources of noise.
        traced: the step: tensors of inputs, targets and weights of a batch to its loss.
    """

    model: keras.Sequential
    variables: tuple[Any, ...]
    traced: Any

    def step(self, *batch: Array) -> float:
        """Learn from a batch's inputs, targets and weights; returns its loss."""
        import tensorflow

        return float(self.traced(*map(tensorflow.constant, batch)))

    def release(self) -> None:
        """Free it: its parts know each other in C++, where Python's garbage collector never looks."""
        with suppress(ImportError, AttributeError):  # no public name frees it; without it, 5 MB of each fit stay
            from tensorflow.python.framework.func_graph import dismantle_func_graph

            dismantle_func_graph(self.traced.graph)


def graph_of(architecture: Architecture, recipe: Recipe) -> TrainingGraph:
    """A network of seeded weights, traced; Keras draws them from one source of chance, so one at a time."""
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
            each = loss(model(inputs, training=True), targets)  # [B, L, T], the loss of each target by itself
            mean = tensorflow.reduce_sum(each * weights) / tensorflow.maximum(tensorflow.reduce_sum(weights), 1.0)
        optimizer.apply(tape.gradient(mean, model.trainable_variables), model.trainable_variables)
        return mean

    batch = recipe.batch_size, architecture.context
    signature = (*batch[: 1 + architecture.every_step], architecture.head.targets)
    shapes = ((*batch, architecture.lags), signature, signature)
    traced = step.get_concrete_function(*(tensorflow.TensorSpec(shape, tensorflow.float32) for shape in shapes))
    return TrainingGraph(model, (*model.variables, *optimizer.variables), traced)


def _loss(architecture: Architecture, recipe: Recipe) -> Callable[[Any, Any], Any]:
    """Outputs [B, L, O] and targets [B, L, T] to the loss of each target by itself, [B, L, T]."""
    import keras

    head = architecture.head
    each = head.loss if recipe.loss == head.loss_name else _of_each(keras.losses.get(recipe.loss))
    if (most := recipe.winsorize) is None:
        return each
    return lambda raw, targets: each(raw, keras.ops.clip(targets, -most, most))


def _of_each(loss: Any) -> Callable[[Any, Any], Any]:
    """A Keras loss, which takes the mean over the last axis, for each value by itself."""
    return lambda raw, targets: loss(targets[..., None], raw[..., None])
