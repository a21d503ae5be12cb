"""A network that learns, as TensorFlow runs it: a graph of one step of its optimizer, and all that changes by it.

The graph is smaller than the one that `compile` makes: it is there in half the time, and its steps are faster.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lstmcast.model.lstm import Array
from lstmcast.model.network import Architecture, build
from lstmcast.model.recipe import Recipe

if TYPE_CHECKING:
    import keras


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
