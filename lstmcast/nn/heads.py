"""What the network's outputs mean, and the loss that fits it: values with their quantiles, chances, or symbols.

A network returns numbers of any size. The activation of its last layer (sigmoid, softmax) is applied by `decode`, and
inside `loss`, where no exponential can overflow.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any, Protocol

import numpy as np

from lstmcast.types import Array, Floats


class OutputHead(Protocol):
    """What is said at each step: O outputs, of which T targets say how wrong they are."""

    @property
    def outputs(self) -> int:
        """O, the width of the dense layer."""

    @property
    def targets(self) -> int:
        """T, how many numbers a step is to learn."""

    @property
    def activation(self) -> str:
        """Of the last layer, as it is written: linear, sigmoid, softmax."""

    @property
    def loss_name(self) -> str:
        """What `loss` is called."""

    def loss(self, raw: Any, targets: Any) -> Any:
        """The loss of Keras tensors: outputs […, O], before the activation, and targets […, T] to […, T]."""

    def decode(self, raw: Array) -> Any:
        """Outputs [B, O], before the activation, as what they mean."""


@dataclass(frozen=True)
class QuantileHead:
    """Values: H said at once, each with the distances to its quantiles.

    The outputs of one step are [1 + 2Q, H]: the forecasts, then for each of Q intervals, innermost first, how much
    further its lower bound lies than the one before, then the same for the upper bounds. A softplus makes each distance
    positive, so quantiles cannot cross.

    Attributes:
        steps: H values ahead; 1 where the network is run on recursively.
        levels: of the intervals said beside them, in percent, ascending; empty: values only.
    """

    steps: int = 1
    levels: tuple[float, ...] = ()

    @property
    def outputs(self) -> int:
        """O, the width of the dense layer."""
        return self.steps * (1 + 2 * len(self.levels))

    @property
    def targets(self) -> int:
        """H: the bounds are learnt from the values too."""
        return self.steps

    @property
    def activation(self) -> str:
        """Of the last layer: none."""
        return "linear"

    @property
    def loss_name(self) -> str:
        """What `loss` is called."""
        return "pinball"

    @property
    def tails(self) -> tuple[float, ...]:
        """[Q] the probability below each lower bound."""
        return tuple((1 - level / 100) / 2 for level in self.levels)

    def decode(self, raw: Array) -> tuple[Floats, Floats, Floats]:
        """Outputs [B, O] as values [B, H] and distances to their lower and upper bounds, [Q, B, H] each."""
        rows = raw.astype(np.float64).reshape(len(raw), 1 + 2 * len(self.levels), self.steps).swapaxes(0, 1)
        gaps = softplus(rows[1:]).reshape(2, len(self.levels), *rows.shape[1:])
        for inner, outer in pairwise(gaps.swapaxes(0, 1)):
            outer += inner
        return rows[0], gaps[0], gaps[1]

    def loss(self, raw: Any, targets: Any) -> Any:
        """Pinball loss of Keras tensors: outputs [B, L, O] and targets [B, L, H] to [B, L, H], the mean over quantiles.

        The median counts as much as all the bounds together (Koenker & Bassett 1978).
        """
        from keras import ops

        median, *gaps = ops.split(raw, 1 + 2 * len(self.levels), axis=-1)  # an array each: nothing is broadcast
        error, middle = targets - median, len(self.levels)
        lower, upper = (accumulate(map(ops.softplus, side)) for side in (gaps[:middle], gaps[middle:]))
        bounds = [_pinball(error + gap, tail) for gap, tail in zip(lower, self.tails, strict=True)]
        bounds += [_pinball(error - gap, 1 - tail) for gap, tail in zip(upper, self.tails, strict=True)]
        loss = _pinball(error, 0.5)
        return loss + sum(bounds) / len(bounds) if bounds else loss


@dataclass(frozen=True)
class BernoulliHead:
    """The probability of a yes at each of H steps, each by itself.

    Attributes:
        steps: H.
    """

    steps: int = 1

    @property
    def outputs(self) -> int:
        """O: one for each step."""
        return self.steps

    @property
    def targets(self) -> int:
        """H, each 0 or 1."""
        return self.steps

    @property
    def activation(self) -> str:
        """Of the last layer."""
        return "sigmoid"

    @property
    def loss_name(self) -> str:
        """What `loss` is called."""
        return "binary_crossentropy"

    def decode(self, raw: Array) -> Floats:
        """Outputs [B, H] as probabilities [B, H]."""
        return np.asarray(0.5 * np.tanh(0.5 * raw.astype(np.float64)) + 0.5, dtype=np.float64)

    def loss(self, raw: Any, targets: Any) -> Any:
        """−log of the probability of what came, of Keras tensors: outputs and targets […, H] to […, H]."""
        from keras import ops

        return ops.softplus(raw) - targets * raw


@dataclass(frozen=True)
class CategoricalHead:
    """The probability of each of V symbols.

    Attributes:
        count: V.
    """

    count: int

    @property
    def outputs(self) -> int:
        """O: one for each symbol."""
        return self.count

    @property
    def targets(self) -> int:
        """One: the number of the symbol that came, from 0."""
        return 1

    @property
    def activation(self) -> str:
        """Of the last layer."""
        return "softmax"

    @property
    def loss_name(self) -> str:
        """What `loss` is called."""
        return "sparse_categorical_crossentropy"

    def decode(self, raw: Array) -> Floats:
        """Outputs […, V] as probabilities […, V] that sum to 1."""
        wide = raw.astype(np.float64)
        weights = np.exp(wide - wide.max(axis=-1, keepdims=True))
        return np.asarray(weights / weights.sum(axis=-1, keepdims=True), dtype=np.float64)

    def loss(self, raw: Any, targets: Any) -> Any:
        """−log of the probability of what came, of Keras tensors: outputs […, V] and symbols […, 1] to […, 1]."""
        from keras import ops

        actual = ops.one_hot(ops.cast(targets[..., 0], "int32"), self.count)
        return ops.logsumexp(raw, axis=-1, keepdims=True) - ops.sum(actual * raw, axis=-1, keepdims=True)


def softplus(a: Floats) -> Floats:
    """log(1 + exp(a)), with no exponential that overflows."""
    positive: Floats = np.maximum(a, 0.0) + np.log1p(np.exp(-np.abs(a)))
    return positive


def _pinball(error: Any, quantile: Any) -> Any:
    """ρ_q of y − ŷ: q·off above, (q − 1)·off below."""
    from keras import ops

    return quantile * error + ops.relu(-error)
