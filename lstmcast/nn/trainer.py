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
from lstmcast.types import Floats

Tensors = Mapping[str, npt.NDArray[Any]]

BEST_PREFIX = "kept."


@dataclass(frozen=True)
class FitState:
    """A fit after some of its epochs.

    Attributes:
        rng: the state of the generator that draws the batches.
        variables: of the model and its optimizer, in Keras's order: weights, momenta, counters, sources of noise.
        best_network: the network of the best epoch.
        best_epoch: that epoch, from 1; 0 before the first.
        first_loss: that of the very first batch.
        history: [E, 3] training loss, held-out error (NaN where nothing is held out) and seconds spent, by epoch.
        finished: no epoch follows.
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
        """Before the first epoch."""
        rng = np.random.default_rng(seed).bit_generator.state
        return cls(rng, (), network, 0, 0.0, np.empty((0, 3)), finished=False)

    @property
    def best(self) -> float:
        """The best epoch's held-out error; NaN where nothing is held out."""
        return float(self.history[self.best_epoch - 1, 1])

    @property
    def seconds(self) -> float:
        """Spent so far."""
        return float(self.history[-1, 2]) if len(self.history) else 0.0

    def generator(self) -> np.random.Generator:
        """What draws the next epoch's batches."""
        rng = np.random.default_rng()
        rng.bit_generator.state = dict(self.rng)
        return rng

    def to_checkpoint(self) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
        """Values that JSON can hold, and arrays by name; of a fit that is over, only what its result needs."""
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


_PREPARING = Lock()  # Keras draws first weights from one source of chance, and traces one graph at a time

EXPLODED = 1e4  # times the first batch's loss: no network comes back from there


class StopRequested(Exception):  # noqa: N818  # no error: somebody else's is on its way
    """The fit was told to end, and did so between two batches."""


@dataclass(frozen=True)
class Progress:
    """Where a fit stands after an epoch: losses are on scaled values, `seconds` is the time spent so far."""

    epoch: int
    epochs: int
    loss: float
    validation_error: float | None
    seconds: float


@dataclass(frozen=True)
class Fit:
    """A fitted network.

    Attributes:
        network: the weights of the best epoch.
        epoch: that epoch, from 1.
        validation_error: its held-out error (None where nothing was held out).
        history: training loss and held-out error of every epoch.
    """

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
        batches: what it learns from.
        architecture: its layers.
        recipe: how.
        validate: the error of the network's forecasts on held-out origins, which decides when to stop and which epoch
            is best. None: all epochs are run and the last is kept.
        start: the weights it starts from; None: chance's.
        stop: where set, the fit ends before its next batch.
        resume: where the same fit stood when it was interrupted: it ends with the same bytes as if it had not been.
        keep: called after each epoch, with where the fit stands.
        on_progress: called after each epoch.

    Raises:
        UsageError: TensorFlow is not installed.
        ModelError: the loss is not a number, or exploded, or no epoch's held-out error is a number.
        Stopped: `stop` was set.
    """
    state = resume
    if state is None or not state.finished:
        load_keras()
        with _PREPARING:
            _check_stop(stop)
            learner = _Learner(batches, architecture, recipe, validate, stop, graph_of(architecture, recipe))
        try:
            state = learner.begin(start) if resume is None else learner.go_on(resume)
            while not state.finished:
                state = learner.epoch(state)
                keep(state)
                on_progress(_progress(state, recipe)[-1])
        finally:
            learner.graph.release()
    if validate is not None and not np.isfinite(state.best):
        raise _diverged_error("no epoch's held-out forecasts were finite numbers", recipe)
    held_out = None if validate is None else state.best
    return Fit(state.best_network, state.best_epoch, held_out, _progress(state, recipe))


def run_in_threads(fits: Sequence[Callable[[], Fit]], stop: Event) -> list[Fit]:
    """Run several fits at once, on the cores there are: their results are those of one after the other.

    The calling thread only waits, so that a signal reaches it between two of its steps and never inside TensorFlow.

    Args:
        fits: each looks at `stop`.
        stop: set where one fails, or the run is interrupted, so that the others end before their next batch.
    """
    return thread_map(lambda fit: fit(), fits, on_error=stop.set)


@dataclass(frozen=True)
class _Learner:
    """A network that learns, epoch by epoch: what changes is in its graph's variables, and in what `epoch` returns."""

    batches: BatchSource
    architecture: Architecture
    recipe: Recipe
    validation_error: Callable[[Network], float] | None
    stop: Event | None
    graph: TrainingGraph

    def begin(self, start: Network | None) -> FitState:
        """Where a fit stands before its first epoch."""
        if start is not None:
            self.graph.model.set_weights(to_keras_weights(start))
        return FitState.first(self.recipe.seed, to_numpy(self.graph.model, self.architecture))

    def go_on(self, state: FitState) -> FitState:
        """Put the network where an interrupted fit stood."""
        for variable, value in zip(self.graph.variables, state.variables, strict=True):
            variable.assign(value)
        return state

    def epoch(self, now: FitState) -> FitState:
        """Learn from one epoch's batches, judge, and say where the fit stands then."""
        recipe, number, began = self.recipe, len(now.history) + 1, time.monotonic()
        rng = now.generator()
        losses = self._batches(rng)
        loss, first = float(np.mean(losses)), now.first_loss or losses[0]
        _refuse_explosion(loss, first, number, recipe)
        network = to_numpy(self.graph.model, self.architecture)
        error = np.nan if self.validation_error is None else _validation_error(self.validation_error, network)
        better = self.validation_error is None or number == 1 or error < now.best
        best_epoch = number if better else now.best_epoch
        return FitState(
            rng=rng.bit_generator.state,
            variables=tuple(np.array(variable.value.numpy()) for variable in self.graph.variables),
            best_network=network if better else now.best_network,
            best_epoch=best_epoch,
            first_loss=first,
            history=np.vstack([now.history, [loss, error, now.seconds + time.monotonic() - began]]),
            finished=number == recipe.epochs or bool(recipe.patience and number - best_epoch >= recipe.patience),
        )

    def _batches(self, rng: np.random.Generator) -> list[float]:
        """Learn from the batches of one epoch; returns the loss of each."""
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
    """Every epoch so far."""
    return tuple(
        Progress(number, recipe.epochs, loss, None if np.isnan(error) else error, seconds)
        for number, (loss, error, seconds) in enumerate(state.history.tolist(), 1)
    )


def _validation_error(validate: Callable[[Network], float], network: Network) -> float:
    """What the judge says; infinite where the network's forecasts are no numbers."""
    with np.errstate(over="ignore", invalid="ignore"):
        error = validate(network)
    return error if np.isfinite(error) else np.inf


def _refuse_explosion(loss: float, first: float, epoch: int, recipe: Recipe) -> None:
    """The first batch's loss is that of a network that says nothing: a sound one never strays far above it."""
    if not (np.isfinite(loss) and loss <= EXPLODED * max(first, 1.0)):
        began = f" (it began at {first:g})" if np.isfinite(first) else ""
        raise _diverged_error(f"in epoch {epoch} the loss is {loss:g}{began}", recipe)


def _diverged_error(what: str, recipe: Recipe) -> ModelError:
    clip = "" if recipe.clip_norm else " or set train.clip_norm: 1.0,"
    return ModelError(
        f"training exploded: {what}. Nothing was saved. "
        f"Lower train.learning_rate (now {recipe.learning_rate:g}),{clip} or use model.activation: tanh"
    )
