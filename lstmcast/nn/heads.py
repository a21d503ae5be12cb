"""Output heads: values with quantiles, event probabilities, or symbols, each with its loss.

The network returns logits. `decode` applies the activation of the last layer; `loss` includes it in a stable form.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any, ClassVar, Protocol

import numpy as np

from lstmcast.calibration.temperature import softmax
from lstmcast.types import Array, Floats


class OutputHead(Protocol):
    """Interpretation of O outputs per step, fitted to T targets.

    Attributes:
        activation: of the last layer: linear, sigmoid or softmax.
        loss_name: the config value that selects `loss`.
    """

    activation: ClassVar[str]
    loss_name: ClassVar[str]

    @property
    def outputs(self) -> int:
        """O, the width of the last layer."""

    @property
    def targets(self) -> int:
        """T, the number of targets per step."""

    def loss(self, raw: Any, targets: Any) -> Any:
        """Loss […, T] of Keras tensors: logits […, O] and targets […, T]."""

    def decode(self, raw: Array) -> Any:
        """Convert logits [B, O] to predictions."""


@dataclass(frozen=True)
class QuantileHead:
    """Values of H steps, each with the distances to its quantiles.

    The outputs of a step are [1 + 2Q, H]: the forecasts, then the gaps between adjacent lower bounds, innermost first,
    then those of the upper bounds. A softplus keeps the gaps positive, so that quantiles cannot cross.

    Attributes:
        steps: H; 1 for recursive forecasts.
        levels: of the intervals, in percent, ascending; may be empty.
    """

    steps: int = 1
    levels: tuple[float, ...] = ()

    activation: ClassVar[str] = "linear"
    loss_name: ClassVar[str] = "pinball"

    @property
    def outputs(self) -> int:
        """O = H · (1 + 2Q)."""
        return self.steps * (1 + 2 * len(self.levels))

    @property
    def targets(self) -> int:
        """H: values are also the targets of the bounds."""
        return self.steps

    @property
    def tails(self) -> tuple[float, ...]:
        """[Q] probabilities below the lower bounds."""
        return tuple((1 - level / 100) / 2 for level in self.levels)

    def decode(self, raw: Array) -> tuple[Floats, Floats, Floats]:
        """Convert outputs [B, O] to values [B, H] and distances to lower and upper bounds, [Q, B, H] each."""
        rows = raw.astype(np.float64).reshape(len(raw), 1 + 2 * len(self.levels), self.steps).swapaxes(0, 1)
        gaps = softplus(rows[1:]).reshape(2, len(self.levels), *rows.shape[1:])
        for inner, outer in pairwise(gaps.swapaxes(0, 1)):
            outer += inner
        return rows[0], gaps[0], gaps[1]

    def loss(self, raw: Any, targets: Any) -> Any:
        """Mean pinball loss over quantiles (Koenker & Bassett 1978); all bounds together weigh as much as the median.

        Keras tensors: outputs [B, L, O] and targets [B, L, H] to [B, L, H].
        """
        from keras import ops

        median, *gaps = ops.split(raw, 1 + 2 * len(self.levels), axis=-1)
        error, middle = targets - median, len(self.levels)
        lower, upper = (accumulate(map(ops.softplus, side)) for side in (gaps[:middle], gaps[middle:]))
        bounds = [_pinball(error + gap, tail) for gap, tail in zip(lower, self.tails, strict=True)]
        bounds += [_pinball(error - gap, 1 - tail) for gap, tail in zip(upper, self.tails, strict=True)]
        loss = _pinball(error, 0.5)
        return loss + sum(bounds) / len(bounds) if bounds else loss


@dataclass(frozen=True)
class BernoulliHead:
    """Independent event probabilities of H steps."""

    steps: int = 1

    activation: ClassVar[str] = "sigmoid"
    loss_name: ClassVar[str] = "binary_crossentropy"

    @property
    def outputs(self) -> int:
        """H."""
        return self.steps

    @property
    def targets(self) -> int:
        """H labels, 0 or 1."""
        return self.steps

    def decode(self, raw: Array) -> Floats:
        """Convert logits [B, H] to probabilities."""
        return np.asarray(0.5 * np.tanh(0.5 * raw.astype(np.float64)) + 0.5, dtype=np.float64)

    def loss(self, raw: Any, targets: Any) -> Any:
        """Cross-entropy of Keras tensors, logits and targets […, H]."""
        from keras import ops

        return ops.softplus(raw) - targets * raw


@dataclass(frozen=True)
class CategoricalHead:
    """Probabilities of `count` V symbols."""

    count: int

    activation: ClassVar[str] = "softmax"
    loss_name: ClassVar[str] = "sparse_categorical_crossentropy"

    @property
    def outputs(self) -> int:
        """V."""
        return self.count

    @property
    def targets(self) -> int:
        """1: the symbol code."""
        return 1

    def decode(self, raw: Array) -> Floats:
        """Convert logits […, V] to probabilities."""
        return softmax(raw.astype(np.float64))

    def loss(self, raw: Any, targets: Any) -> Any:
        """Cross-entropy of Keras tensors, logits […, V] and codes […, 1] to […, 1]."""
        from keras import ops

        actual = ops.one_hot(ops.cast(targets[..., 0], "int32"), self.count)
        return ops.logsumexp(raw, axis=-1, keepdims=True) - ops.sum(actual * raw, axis=-1, keepdims=True)


def softplus(a: Floats) -> Floats:
    """log(1 + exp(a)), without overflow."""
    positive: Floats = np.maximum(a, 0.0) + np.log1p(np.exp(-np.abs(a)))
    return positive


def _pinball(error: Any, quantile: Any) -> Any:
    """Pinball loss of error y − ŷ: q·error if positive, (q − 1)·error if negative."""
    from keras import ops

    return quantile * error + ops.relu(-error)
