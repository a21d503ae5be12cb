"""Whole series as what a network reads: the last L steps of each, every feature in its own unit, a label for each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lstmcast.errors import DataError

Floats = npt.NDArray[np.float64]
Array = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class StandardScaler:
    """How the numbers of each feature become z: counted from their mean, in units of their standard deviation.

    Attributes:
        center: [F].
        scale: [F] positive; 1 where a feature never changes.
    """

    center: Floats
    scale: Floats

    @classmethod
    def of(cls, values: Floats, observed: Bools) -> StandardScaler:
        """Measure [N, F] values, those that were observed.

        Raises:
            DataError: their squares overflow.
        """
        kept = np.where(observed, values, np.nan)
        with np.errstate(over="ignore", invalid="ignore"):
            centre, scale = np.nanmean(kept, axis=0), np.nanstd(kept, axis=0)
        if not np.isfinite([centre, scale]).all():
            raise DataError("a feature holds numbers too large to scale (beyond about 1e150); divide them first")
        return cls(centre, np.where(scale > 0, scale, 1.0))

    def transform(self, values: Floats) -> Array:
        """[N, F] values to z; what lies beyond float32 becomes infinite."""
        with np.errstate(over="ignore"):
            z: Array = ((values - self.center) / self.scale).astype(np.float32)
        return z


@dataclass(frozen=True)
class SeriesDataset:
    """S series, ready to be read whole.

    Attributes:
        z: [N, F], flat.
        offsets: [S + 1].
        labels: [S] from 0.
        context: L; a longer series is read from its last L steps, before a shorter one stand zeros.
    """

    z: Array
    offsets: Ints
    labels: Ints
    context: int

    def inputs(self, series: Ints) -> Array:
        """What the network reads of [B] series: [B, L, F]."""
        first, last = self.offsets[series][:, None], self.offsets[series + 1][:, None]  # [B, 1]
        steps = last + np.arange(-self.context, 0)  # [B, L]
        x: Array = self.z[np.maximum(steps, first)]
        x[steps < first] = 0.0
        return x

    def batches(self, rng: np.random.Generator, *, count: int, size: int) -> Iterator[tuple[Array, Array, Array]]:
        """One epoch: at least `count` series in full batches, every one as often as the others, or once more.

        Yields:
            Inputs [B, L, F], targets [B, 1] (the labels) and weights [B, 1] (ones).
        """
        count = -(-count // size) * size
        rounds = -(-count // len(self.labels))
        order = np.concatenate([rng.permutation(len(self.labels)) for _ in range(rounds)])[:count]
        weights = np.ones((size, 1), np.float32)
        for k in range(0, count, size):
            series = order[k : k + size]
            yield self.inputs(series), self.labels[series, None].astype(np.float32), weights
