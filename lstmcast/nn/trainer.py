"""Training loop: windows, early stopping, divergence check, and resumable fit state."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from threading import Event, Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from lstmcast.errors import ModelError
from lstmcast.nn.keras_backend import Architecture, TrainingGraph, graph_of, load_keras, to_keras_weights, to_numpy
from lstmcast.nn.numpy_lstm import Network, from_tensors, to_tensors
from lstmcast.nn.specs import Recipe
from lstmcast.parallel import thread_map
from lstmcast.preprocessing.windows import BatchSource
from lstmcast.types import Floats, Tensors

BEST_PREFIX = "kept."


@dataclass(frozen=True)
class FitState:
    """Resumable state of a fit between epochs.

    Attributes:
        rng: state of the batch generator.
        variables: of the model and its optimizer, in Keras's order.
        best_network: weights of the best epoch.
        best_epoch: from 1; 0 before the first.
        first_loss: loss of the first batch.
        history: [E, 3] training loss, validation error (NaN without validation) and elapsed seconds, by epoch.
        finished: whether training has ended.
    """

    rng: Mapping[str, Any]
    variables: tuple[npt.NDArray[Any], ...]
    best_network: Network
    best_epoch: int
    first_loss: float
    history: Floats
    finished: bool

    @classmethod
    def first(cls, seed: int, network: Network) -> FitState:
        """State before the first epoch."""
        rng = np.random.default_rng(seed).bit_generator.state
        return cls(rng, (), network, 0, 0.0, np.empty((0, 3)), finished=False)

    @property
    def best(self) -> float:
        """Validation error of the best epoch; NaN without validation."""
        return float(self.history[self.best_epoch - 1, 1])

    @property
    def seconds(self) -> float:
        """Elapsed training time."""
        return float(self.history[-1, 2]) if len(self.history) else 0.0

    def generator(self) -> np.random.Generator:
        """Batch generator of the next epoch."""
        rng = np.random.default_rng()
        rng.bit_generator.state = dict(self.rng)
        return rng

    def to_checkpoint(self) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
        """JSON values and named arrays; without the variables if training has ended."""
        values = {"rng": self.rng, "best_epoch": self.best_epoch, "over": self.finished, "variables": 0}
        values |= {"activation": self.best_network.activation, "skip": self.best_network.skip}
        tensors = {"history": self.history, "first_loss": np.array(self.first_loss), **_named(self.best_network)}
        if not self.finished:
            values["variables"] = len(self.variables)
            tensors |= {f"variable_{n}": variable for n, variable in enumerate(self.variables)}
        return values, tensors

    @classmethod
    def from_checkpoint(cls, values: Mapping[str, Any], tensors: Tensors) -> FitState:
        """The inverse of `to_checkpoint`."""
        return cls(
            rng=values["rng"],
            variables=tuple(tensors[f"variable_{n}"] for n in range(values["variables"])),
            best_network=_network(values, tensors),
            best_epoch=values["best_epoch"],
            first_loss=float(tensors["first_loss"]),
            history=tensors["history"],
            finished=values["over"],
        )


def _named(network: Network) -> dict[str, npt.NDArray[Any]]:
    return {f"{BEST_PREFIX}{name}": array for name, array in to_tensors(network).items()}


def _network(values: Mapping[str, Any], tensors: Tensors) -> Network:
    own = {name.removeprefix(BEST_PREFIX): array for name, array in tensors.items() if name.startswith(BEST_PREFIX)}
    features = len(own["lstm_0.W"])
    return from_tensors(own, activation=values["activation"], skip=values["skip"], features=features)


_GRAPH_LOCK = Lock()  # Keras initializers share one global RNG, and tracing is not thread-safe

DIVERGENCE_FACTOR = 1e4  # training has diverged above this multiple of the first batch loss


class StopRequested(Exception):  # noqa: N818  # not an error by itself
    """The fit was stopped between two batches."""


@dataclass(frozen=True)
class Progress:
    """Progress after an epoch: losses are on scaled values, `seconds` is the elapsed time."""

    epoch: int
    epochs: int
    loss: float
    validation_error: float | None
    seconds: float


@dataclass(frozen=True)
class Fit:
    """Result of a fit: weights and validation error of the best epoch (from 1), and the progress of all epochs."""

    network: Network
    epoch: int
    validation_error: float | None
    history: tuple[Progress, ...]


def fit(
    batches: BatchSource,
    architecture: Architecture,
    recipe: Recipe,
    *,
    validate: Callable[[Network], float] | None = None,
    start: Network | None = None,
    stop: Event | None = None,
    resume: FitState | None = None,
    keep: Callable[[FitState], None] = lambda _: None,
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> Fit:
    """Fit one network.

    Args:
        validate: the validation error of a network, for early stopping and for the selection of the best epoch. None to
            run all epochs and take the last.
        start: initial weights; None for random initialization.
        stop: if set, the fit ends before its next batch.
        resume: the state of the interrupted fit; the result is the same as without interruption.
        keep: called with the state after each epoch.

    Raises:
        UsageError: TensorFlow is not installed.
        ModelError: training diverged, or no validation error is finite.
        StopRequested: `stop` was set.
    """
    state = resume
    if state is None or not state.finished:
        load_keras()
        with _GRAPH_LOCK:
            _check_stop(stop)
            trainer = _Trainer(batches, architecture, recipe, validate, stop, graph_of(architecture, recipe))
        try:
            state = trainer.begin(start) if resume is None else trainer.resume(resume)
            while not state.finished:
                state = trainer.epoch(state)
                keep(state)
                on_progress(_progress(state, recipe)[-1])
        finally:
            trainer.graph.release()
    if validate is not None and not np.isfinite(state.best):
        raise _diverged_error("no epoch has finite validation forecasts", recipe)
    error = None if validate is None else state.best
    return Fit(state.best_network, state.best_epoch, error, _progress(state, recipe))


def run_in_threads(fits: Sequence[Callable[[], Fit]], stop: Event) -> list[Fit]:
    """Run fits in parallel threads; `stop` is set if one fails or the run is interrupted.

    The calling thread only waits, so that signals never interrupt TensorFlow.
    """
    return thread_map(lambda fit: fit(), fits, on_error=stop.set)


@dataclass(frozen=True)
class _Trainer:
    """Training of one network by epochs; the mutable state is in the variables of the graph."""

    batches: BatchSource
    architecture: Architecture
    recipe: Recipe
    validation_error: Callable[[Network], float] | None
    stop: Event | None
    graph: TrainingGraph

    def begin(self, start: Network | None) -> FitState:
        """State before the first epoch."""
        if start is not None:
            self.graph.model.set_weights(to_keras_weights(start))
        return FitState.first(self.recipe.seed, to_numpy(self.graph.model, self.architecture))

    def resume(self, state: FitState) -> FitState:
        """Restore the variables of an interrupted fit."""
        for variable, value in zip(self.graph.variables, state.variables, strict=True):
            variable.assign(value)
        return state

    def epoch(self, state: FitState) -> FitState:
        """Train and validate one epoch."""
        recipe, number, started = self.recipe, len(state.history) + 1, time.monotonic()
        rng = state.generator()
        losses = self._batches(rng)
        loss, first = float(np.mean(losses)), state.first_loss or losses[0]
        _check_divergence(loss, first, number, recipe)
        network = to_numpy(self.graph.model, self.architecture)
        error = np.nan if self.validation_error is None else _validation_error(self.validation_error, network)
        better = self.validation_error is None or number == 1 or error < state.best
        best_epoch = number if better else state.best_epoch
        return FitState(
            rng=rng.bit_generator.state,
            variables=tuple(np.array(variable.value.numpy()) for variable in self.graph.variables),
            best_network=network if better else state.best_network,
            best_epoch=best_epoch,
            first_loss=first,
            history=np.vstack([state.history, [loss, error, state.seconds + time.monotonic() - started]]),
            finished=number == recipe.epochs or bool(recipe.patience and number - best_epoch >= recipe.patience),
        )

    def _batches(self, rng: np.random.Generator) -> list[float]:
        """Train on the batches of one epoch; returns their losses."""
        losses = []
        count = self.recipe.batches * self.recipe.batch_size
        for batch in self.batches.batches(rng, count=count, size=self.recipe.batch_size):
            _check_stop(self.stop)
            losses.append(self.graph.step(*batch))
        return losses


def _check_stop(stop: Event | None) -> None:
    if stop is not None and stop.is_set():
        raise StopRequested


def _progress(state: FitState, recipe: Recipe) -> tuple[Progress, ...]:
    """Progress of every epoch so far."""
    return tuple(
        Progress(number, recipe.epochs, loss, None if np.isnan(error) else error, seconds)
        for number, (loss, error, seconds) in enumerate(state.history.tolist(), 1)
    )


def _validation_error(validate: Callable[[Network], float], network: Network) -> float:
    """Validation error; inf if the forecasts are not finite."""
    with np.errstate(over="ignore", invalid="ignore"):
        error = validate(network)
    return error if np.isfinite(error) else np.inf


def _check_divergence(loss: float, first: float, epoch: int, recipe: Recipe) -> None:
    """Raise ModelError if the loss is far above that of the first batch, when all outputs are 0."""
    if not (np.isfinite(loss) and loss <= DIVERGENCE_FACTOR * max(first, 1.0)):
        initial = f" (first batch: {first:g})" if np.isfinite(first) else ""
        raise _diverged_error(f"the loss of epoch {epoch} is {loss:g}{initial}", recipe)


def _diverged_error(reason: str, recipe: Recipe) -> ModelError:
    clip = "" if recipe.clip_norm else " or set train.clip_norm: 1.0,"
    return ModelError(
        f"training diverged: {reason}. Nothing was saved. "
        f"Lower train.learning_rate (now {recipe.learning_rate:g}),{clip} or use model.activation: tanh"
    )
