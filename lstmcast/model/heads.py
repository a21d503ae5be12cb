"""What the network's outputs mean: H values said at once, each with the distances to its quantiles, and the loss.

The outputs of one step are [1 + 2Q, H]: the forecasts, then for each of Q intervals, innermost first, how much further
its lower bound lies than the one before, then the same for the upper bounds. A softplus makes each distance positive,
so quantiles cannot cross.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lstmcast.model.lstm import Array

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Head:
    """What is said at each step.

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
    def tails(self) -> tuple[float, ...]:
        """[Q] the probability below each lower bound."""
        return tuple((1 - level / 100) / 2 for level in self.levels)

    def said(self, raw: Array) -> tuple[Floats, Floats, Floats]:
        """Outputs [B, O] as values [B, H] and distances to their lower and upper bounds, [Q, B, H] each."""
        rows = raw.astype(np.float64).reshape(len(raw), 1 + 2 * len(self.levels), self.steps).swapaxes(0, 1)
        gaps = np.logaddexp(0.0, rows[1:]).reshape(2, len(self.levels), *rows.shape[1:]).cumsum(axis=1)
        return rows[0], gaps[0], gaps[1]

    def loss(self, raw: Any, targets: Any) -> Any:
        """Pinball loss of Keras tensors: outputs [B, L, O] and targets [B, L, H] to [B, L, H], the mean over quantiles.

        The median counts as much as all the bounds together (Koenker & Bassett 1978).
        """
        from keras import ops

        off = targets - raw[..., : self.steps]
        median = _pinball(off, 0.5)
        if not self.levels:
            return median
        gaps = ops.reshape(ops.softplus(raw[..., self.steps :]), (*raw.shape[:-1], 2, len(self.levels), self.steps))
        signs, tails = np.array([[[1.0]], [[-1.0]]], np.float32), np.array(self.tails, np.float32)[:, None]
        beyond = signs * off[..., None, None, :] + ops.cumsum(gaps, axis=-2)  # [B, L, 2, Q, H] inside each bound
        return median + ops.mean(_pinball(beyond, tails), axis=(-3, -2))


def _pinball(off: Any, quantile: Any) -> Any:
    """ρ_q of y − ŷ: q·off above, (q − 1)·off below."""
    from keras import ops

    return ops.maximum(quantile * off, (quantile - 1) * off)
