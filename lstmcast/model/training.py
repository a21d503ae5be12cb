"""Fit a network: many-to-many windows, early stopping on held-out forecasts, and a refusal where the loss explodes."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Event, Lock

import numpy as np

from lstmcast.errors import ModelError
from lstmcast.model.graph import TrainingGraph, graph_of
from lstmcast.model.lstm import Network
from lstmcast.model.network import Architecture, flat, load_keras, to_numpy
from lstmcast.model.recipe import Recipe
from lstmcast.model.standing import FitState
from lstmcast.model.windows import BatchSource

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
    held_out: float | None
    seconds: float


@dataclass(frozen=True)
class Fit:
    """A fitted network.

    Attributes:
        network: the weights of the best epoch.
        epoch: that epoch, from 1.
        held_out: its held-out error (None where nothing was held out).
        history: training loss and held-out error of every epoch.
    """

    network: Network
    epoch: int
    held_out: float | None
    history: tuple[Progress, ...]


def fit(
    lessons: BatchSource,
    architecture: Architecture,
    recipe: Recipe,
    *,
    judge: Callable[[Network], float] | None = None,
    start: Network | None = None,
    stop: Event | None = None,
    resume: FitState | None = None,
    keep: Callable[[FitState], None] = lambda _: None,
    tell: Callable[[Progress], None] = lambda _: None,
) -> Fit:
    """Fit one network.

    Args:
        lessons: what it learns from.
        architecture: its layers.
        recipe: how.
        judge: the error of the network's forecasts on held-out origins, which decides when to stop and which epoch is
            best. None: all epochs are run and the last is kept.
        start: the weights it starts from; None: chance's.
        stop: where set, the fit ends before its next batch.
        resume: where the same fit stood when it was interrupted: it ends with the same bytes as if it had not been.
        keep: called after each epoch, with where the fit stands.
        tell: called after each epoch.

    Raises:
        UsageError: TensorFlow is not installed.
        ModelError: the loss is not a number, or exploded, or no epoch's held-out error is a number.
        Stopped: `stop` was set.
    """
    standing = resume
    if standing is None or not standing.over:
        load_keras()
        with _PREPARING:
            _heed(stop)
            learner = _Learner(lessons, architecture, recipe, judge, stop, graph_of(architecture, recipe))
        try:
            standing = learner.begin(start) if resume is None else learner.go_on(resume)
            while not standing.over:
                standing = learner.epoch(standing)
                keep(standing)
                tell(_progress(standing, recipe)[-1])
        finally:
            learner.graph.forget()
    if judge is not None and not np.isfinite(standing.best):
        raise _exploded("no epoch's held-out forecasts were finite numbers", recipe)
    held_out = None if judge is None else standing.best
    return Fit(standing.kept, standing.best_epoch, held_out, _progress(standing, recipe))


def together(fits: Sequence[Callable[[], Fit]], stop: Event) -> list[Fit]:
    """Run several fits at once, on the cores there are: their results are those of one after the other.

    The calling thread only waits, so that a signal reaches it between two of its steps and never inside TensorFlow.

    Args:
        fits: each looks at `stop`.
        stop: set where one fails, or the run is interrupted, so that the others end before their next batch.
    """
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        try:
            running = [pool.submit(one) for one in fits]
            return [one.result() for one in running]
        except BaseException:
            stop.set()
            pool.shutdown(cancel_futures=True)
            raise


@dataclass(frozen=True)
class _Learner:
    """A network that learns, epoch by epoch: what changes is in its graph's variables, and in what `epoch` returns."""

    lessons: BatchSource
    architecture: Architecture
    recipe: Recipe
    judge: Callable[[Network], float] | None
    stop: Event | None
    graph: TrainingGraph

    def begin(self, start: Network | None) -> FitState:
        """Where a fit stands before its first epoch."""
        if start is not None:
            self.graph.model.set_weights(flat(start))
        return FitState.first(self.recipe.seed, to_numpy(self.graph.model, self.architecture))

    def go_on(self, standing: FitState) -> FitState:
        """Put the network where an interrupted fit stood."""
        for variable, value in zip(self.graph.variables, standing.variables, strict=True):
            variable.assign(value)
        return standing

    def epoch(self, now: FitState) -> FitState:
        """Learn from one epoch's batches, judge, and say where the fit stands then."""
        recipe, number, began = self.recipe, len(now.history) + 1, time.monotonic()
        rng = now.generator()
        losses = self._batches(rng)
        loss, first = float(np.mean(losses)), now.first_loss or losses[0]
        _refuse_explosion(loss, first, number, recipe)
        network = to_numpy(self.graph.model, self.architecture)
        error = np.nan if self.judge is None else _held_out_error(self.judge, network)
        better = self.judge is None or number == 1 or error < now.best
        best_epoch = number if better else now.best_epoch
        return FitState(
            rng=rng.bit_generator.state,
            variables=tuple(np.array(variable.value.numpy()) for variable in self.graph.variables),
            kept=network if better else now.kept,
            best_epoch=best_epoch,
            first_loss=first,
            history=np.vstack([now.history, [loss, error, now.seconds + time.monotonic() - began]]),
            over=number == recipe.epochs or bool(recipe.patience and number - best_epoch >= recipe.patience),
        )

    def _batches(self, rng: np.random.Generator) -> list[float]:
        """Learn from the batches of one epoch; returns the loss of each."""
        losses = []
        count = self.recipe.batches * self.recipe.batch_size
        for batch in self.lessons.batches(rng, count=count, size=self.recipe.batch_size):
            _heed(self.stop)
            losses.append(self.graph.step(*batch))
        return losses


def _heed(stop: Event | None) -> None:
    if stop is not None and stop.is_set():
        raise StopRequested


def _progress(standing: FitState, recipe: Recipe) -> tuple[Progress, ...]:
    """Every epoch so far."""
    return tuple(
        Progress(number, recipe.epochs, loss, None if np.isnan(error) else error, seconds)
        for number, (loss, error, seconds) in enumerate(standing.history.tolist(), 1)
    )


def _held_out_error(judge: Callable[[Network], float], network: Network) -> float:
    """What the judge says; infinite where the network's forecasts are no numbers."""
    with np.errstate(over="ignore", invalid="ignore"):
        error = judge(network)
    return error if np.isfinite(error) else np.inf


def _refuse_explosion(loss: float, first: float, epoch: int, recipe: Recipe) -> None:
    """The first batch's loss is that of a network that says nothing: a sound one never strays far above it."""
    if not (np.isfinite(loss) and loss <= EXPLODED * max(first, 1.0)):
        began = f" (it began at {first:g})" if np.isfinite(first) else ""
        raise _exploded(f"in epoch {epoch} the loss is {loss:g}{began}", recipe)


def _exploded(what: str, recipe: Recipe) -> ModelError:
    clip = "" if recipe.clip_norm else " or set train.clip_norm: 1.0,"
    return ModelError(
        f"training exploded: {what}. Nothing was saved. "
        f"Lower train.learning_rate (now {recipe.learning_rate:g}),{clip} or use model.activation: tanh"
    )
