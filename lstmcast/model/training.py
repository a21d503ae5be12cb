"""Fit a network: many-to-many windows, early stopping on held-out forecasts, and a refusal where the loss explodes."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Event, Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from lstmcast.errors import ModelError
from lstmcast.model.lstm import Array, Network
from lstmcast.model.network import Architecture, build, flat, load_keras, to_numpy
from lstmcast.model.windows import Windows

if TYPE_CHECKING:
    import keras

Step = Callable[[Array, Array, Array], float]  # inputs, targets and weights of a batch to its loss

_PREPARING = Lock()  # Keras draws first weights from one source of chance, and traces one graph at a time

EXPLODED = 1e4  # times the first batch's loss: no network comes back from there


@dataclass(frozen=True)
class Recipe:
    """How a network is fitted. Keys as in the `train` section of the YAML.

    Attributes:
        epochs: at most.
        batches: in an epoch.
        batch_size: B.
        patience: epochs without a better held-out forecast before stopping; None: never.
        loss: of Keras, or "pinball": that of the head.
        schedule: "constant", or "cosine": down to 1 % of the learning rate over `decay` epochs (0: over all).
        clip_norm: largest norm of a gradient; None: any.
        winsorize: targets further off are learnt as just so far off, in units of z; None: as they are.
    """

    epochs: int
    batches: int
    batch_size: int
    patience: int | None = 10
    loss: str = "mse"
    optimizer: str = "adam"
    learning_rate: float = 0.001
    schedule: str = "constant"
    decay: int = 0
    clip_norm: float | None = 1.0
    winsorize: float | None = None
    seed: int = 0


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
    windows: Windows,
    architecture: Architecture,
    recipe: Recipe,
    *,
    judge: Callable[[Network], float] | None = None,
    start: Network | None = None,
    stop: Event | None = None,
    tell: Callable[[Progress], None] = lambda _: None,
) -> Fit:
    """Fit one network.

    Args:
        windows: what it learns from.
        architecture: its layers.
        recipe: how.
        judge: the error of the network's forecasts on held-out origins, which decides when to stop and which epoch is
            best. None: all epochs are run and the last is kept.
        start: the weights it starts from; None: chance's.
        stop: where set, the fit ends after its epoch.
        tell: called after each epoch.

    Raises:
        UsageError: TensorFlow is not installed.
        ModelError: the loss is not a number, or exploded, or no epoch's held-out error is a number.
    """
    load_keras()
    with _PREPARING:
        model, step = _prepared(architecture, recipe)
    if start is not None:
        model.set_weights(flat(start))
    rng = np.random.default_rng(recipe.seed)
    history: list[Progress] = []
    first = 0.0
    best, kept, since = np.inf, to_numpy(model, architecture), time.monotonic()
    for epoch in range(1, recipe.epochs + 1):
        losses = _epoch(step, windows, recipe, rng)
        first, loss = first or losses[0], float(np.mean(losses))
        _refuse_explosion(loss, first, epoch, recipe)
        network = to_numpy(model, architecture)
        error = None if judge is None else _held_out_error(judge, network)
        history.append(Progress(epoch, recipe.epochs, loss, error, time.monotonic() - since))
        tell(history[-1])
        if error is None or error < best or epoch == 1:
            best, kept, best_epoch = (best if error is None else error), network, epoch
        elif recipe.patience and epoch - best_epoch >= recipe.patience:
            break
        if stop is not None and stop.is_set():
            break
    if judge is not None and not np.isfinite(best):
        raise _exploded("no epoch's held-out forecasts were finite numbers", recipe)
    return Fit(kept, best_epoch, None if judge is None else float(best), tuple(history))


def together(fits: Sequence[Callable[[], Fit]], stop: Event) -> list[Fit]:
    """Run several fits at once, on the cores there are: their results are those of one after the other.

    Args:
        fits: each looks at `stop`.
        stop: set where one fails, or the run is interrupted, so that the others end after their epoch.
    """
    if len(fits) == 1:
        return [fits[0]()]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        running = [pool.submit(one) for one in fits]
        try:
            return [one.result() for one in running]
        except BaseException:
            stop.set()
            pool.shutdown(cancel_futures=True)
            raise


def _prepared(architecture: Architecture, recipe: Recipe) -> tuple[keras.Sequential, Step]:
    """The many-to-many network, seeded, and one step of its optimizer as a TensorFlow graph.

    The graph is smaller than the one that `compile` makes: it is there in half the time, and its steps are faster.
    """
    import keras
    import tensorflow

    keras.utils.set_random_seed(recipe.seed)
    model = build(architecture, every_step=True)
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
            each = loss(model(inputs, training=True), targets)  # [B, L, H], the loss of each target by itself
            mean = tensorflow.reduce_sum(each * weights) / tensorflow.maximum(tensorflow.reduce_sum(weights), 1.0)
        optimizer.apply(tape.gradient(mean, model.trainable_variables), model.trainable_variables)
        return mean

    batch, head = (recipe.batch_size, architecture.context), architecture.head
    shapes = ((*batch, architecture.lags), (*batch, head.steps), (*batch, head.steps))
    traced = step.get_concrete_function(*(tensorflow.TensorSpec(shape, tensorflow.float32) for shape in shapes))
    constant = tensorflow.constant
    return model, lambda *arrays: float(traced(*(constant(array) for array in arrays)))


def _loss(architecture: Architecture, recipe: Recipe) -> Callable[[Any, Any], Any]:
    """Outputs [B, L, O] and targets [B, L, H] to the loss of each target by itself, [B, L, H]."""
    import keras

    each = architecture.head.loss if recipe.loss == "pinball" else _of_each(keras.losses.get(recipe.loss))
    if (most := recipe.winsorize) is None:
        return each
    return lambda raw, targets: each(raw, keras.ops.clip(targets, -most, most))


def _of_each(loss: Any) -> Callable[[Any, Any], Any]:
    """A Keras loss, which takes the mean over the last axis, for each value by itself."""
    return lambda raw, targets: loss(targets[..., None], raw[..., None])


def _held_out_error(judge: Callable[[Network], float], network: Network) -> float:
    """What the judge says; infinite where the network's forecasts are no numbers."""
    with np.errstate(over="ignore", invalid="ignore"):
        error = judge(network)
    return error if np.isfinite(error) else np.inf


def _epoch(step: Step, windows: Windows, recipe: Recipe, rng: np.random.Generator) -> list[float]:
    """Run one epoch; returns the loss of every batch."""
    count = recipe.batches * recipe.batch_size
    return [step(*batch) for batch in windows.batches(rng, count=count, size=recipe.batch_size)]


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
