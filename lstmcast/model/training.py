"""Fit a network: many-to-many windows, early stopping on held-out forecasts, and a refusal where the loss explodes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lstmcast.errors import ModelError
from lstmcast.model.lstm import Network
from lstmcast.model.network import Architecture, build, load_keras, to_numpy
from lstmcast.model.windows import Windows

if TYPE_CHECKING:
    import keras

EXPLODED = 1e4  # times the first epoch's loss: no network comes back from there


@dataclass(frozen=True)
class Recipe:
    """How a network is fitted. Keys as in the `train` section of the YAML.

    Attributes:
        epochs: at most.
        batches: in an epoch.
        batch_size: B.
        patience: epochs without a better held-out forecast before stopping.
        schedule: "constant", or "cosine": down to 1 % of the learning rate over `decay` epochs (0: over all).
        clip_norm: largest norm of a gradient; None: any.
    """

    epochs: int
    batches: int
    batch_size: int
    patience: int = 10
    loss: str = "mse"
    optimizer: str = "adam"
    learning_rate: float = 0.001
    schedule: str = "constant"
    decay: int = 0
    clip_norm: float | None = 1.0
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
    tell: Callable[[Progress], None] = lambda _: None,
) -> Fit:
    """Fit one network.

    Args:
        windows: what it learns from.
        architecture: its layers.
        recipe: how.
        judge: the error of the network's forecasts on held-out origins, which decides when to stop and which epoch is
            best. None: all epochs are run and the last is kept.
        tell: called after each epoch.

    Raises:
        UsageError: TensorFlow is not installed.
        ModelError: the loss is not a number, or exploded.
    """
    load_keras()
    model = _compiled(architecture, recipe)
    rng = np.random.default_rng(recipe.seed)
    history: list[Progress] = []
    best, kept, since = np.inf, to_numpy(model, architecture), time.monotonic()
    for epoch in range(1, recipe.epochs + 1):
        loss = _epoch(model, windows, recipe, rng)
        _refuse_explosion(loss, history, recipe)
        network = to_numpy(model, architecture)
        error = None if judge is None else judge(network)
        history.append(Progress(epoch, recipe.epochs, loss, error, time.monotonic() - since))
        tell(history[-1])
        if error is None or error < best or epoch == 1:
            best, kept, best_epoch = (best if error is None else error), network, epoch
        elif epoch - best_epoch >= recipe.patience:
            break
    return Fit(kept, best_epoch, None if judge is None else float(best), tuple(history))


def _compiled(architecture: Architecture, recipe: Recipe) -> keras.Sequential:
    """The many-to-many network, seeded, with its loss and optimizer."""
    import keras

    keras.backend.clear_session()
    keras.utils.set_random_seed(recipe.seed % 2**32)
    model = build(architecture, every_step=True)
    if architecture.outputs > 1:  # one column, so that each target has a weight of its own
        model.add(keras.layers.Reshape((architecture.context * architecture.outputs, 1)))
    rate: float | keras.optimizers.schedules.LearningRateSchedule = recipe.learning_rate
    if recipe.schedule == "cosine":
        rate = keras.optimizers.schedules.CosineDecay(
            recipe.learning_rate, (recipe.decay or recipe.epochs) * recipe.batches, alpha=0.01
        )
    optimizer = keras.optimizers.get(recipe.optimizer).__class__(learning_rate=rate, clipnorm=recipe.clip_norm)
    model.compile(optimizer=optimizer, loss=recipe.loss)
    return model


def _epoch(model: keras.Sequential, windows: Windows, recipe: Recipe, rng: np.random.Generator) -> float:
    """Run one epoch; returns its mean loss."""
    loss = np.nan
    model.reset_metrics()
    for inputs, targets, weights in windows.batches(
        rng, count=recipe.batches * recipe.batch_size, size=recipe.batch_size
    ):
        b = len(inputs)
        weights = weights / max(float(weights.mean()), 1e-6)  # so that the loss is a mean over what is known
        loss = model.train_on_batch(inputs, targets.reshape(b, -1, 1), sample_weight=weights.reshape(b, -1))
    return float(loss)  # Keras reports the mean since the last reset


def _refuse_explosion(loss: float, history: list[Progress], recipe: Recipe) -> None:
    first = history[0].loss if history else np.inf
    if np.isfinite(loss) and loss <= EXPLODED * max(first, 1.0):
        return
    clip = "" if recipe.clip_norm else " or set train.clip_norm: 1.0,"
    raise ModelError(
        f"training exploded in epoch {len(history) + 1}: the loss is {loss:g} (it began at {first:g}). Nothing was "
        f"saved. Lower train.learning_rate (now {recipe.learning_rate:g}),{clip} or use model.activation: tanh"
    )
