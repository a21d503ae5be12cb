"""Network inputs for symbol sequences and for whole labeled series.

An unknown step (missing, before the series, a symbol not in training) is all zeros.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lstmcast.errors import DataError
from lstmcast.types import Array, Bools, Floats, Ints


@dataclass(frozen=True)
class SymbolDataset:
    """Series of symbols.

    Attributes:
        codes: [N] 0 … V − 1, −1 where unknown, flat.
        offsets: [S + 1].
        vocab_size: V.
        context: L, steps in a window.
    """

    codes: Ints
    offsets: Ints
    vocab_size: int
    context: int

    def context_and_targets(self, series: Ints, origins: Ints, steps: int) -> Ints:
        """[B, steps] symbols up to each origin; −1 before and after the series.

        Args:
            series: [B].
            origins: [B] counted from the first symbol of the series; −1: before it.
            steps: number of symbols.
        """
        at = origins[:, None] + np.arange(1 - steps, 1)
        first, end = self.offsets[series][:, None], self.offsets[series + 1][:, None]
        codes = self.codes[np.clip(first + at, 0, len(self.codes) - 1)]
        return np.where((at >= 0) & (first + at < end), codes, -1)

    def inputs(self, series: Ints, origins: Ints, steps: int) -> Array:
        """[B, steps, V] one-hot symbols up to each origin."""
        return one_hot(self.context_and_targets(series, origins, steps), self.vocab_size)

    def batches(self, rng: np.random.Generator, *, count: int, size: int) -> Iterator[tuple[Array, Array, Array]]:
        """Yield one epoch: windows spread evenly over all symbols, in random order; see `BatchSource`.

        Yields:
            Inputs [B, L, V], targets [B, L, 1] (the code of the next symbol) and weights [B, L, 1], 0 where it is not
            known.
        """
        count = -(-count // size) * size
        series, origins = self._crops(rng, count)
        for k in range(0, count, size):
            part = slice(k, k + size)
            windows = self.context_and_targets(series[part], origins[part], self.context + 1)
            targets = windows[:, 1:, None]
            known = (targets >= 0).astype(np.float32)
            yield one_hot(windows[:, :-1], self.vocab_size), np.maximum(targets, 0).astype(np.float32), known

    def _crops(self, rng: np.random.Generator, count: int) -> tuple[Ints, Ints]:
        """Sample series [count] and the last step of each window [count]."""
        lengths = np.diff(self.offsets)
        room = np.maximum(lengths - self.context, 1)  # last steps L … n − 1, or n − 1 alone
        ends = np.cumsum(np.where(lengths > 1, room, 0))
        ticks = ((np.arange(count) + rng.random(count)) * (ends[-1] / count)).astype(np.int64)
        series = np.searchsorted(ends, ticks, side="right")
        last = lengths[series] - 1 - (ends[series] - 1 - ticks)
        order = rng.permutation(count)
        return series[order], last[order]


def one_hot(codes: Ints, vocab_size: int) -> Array:
    """[…] codes to […, V]: 1 at the code, zeros where it is −1."""
    table = np.zeros((vocab_size + 1, vocab_size), np.float32)  # the last row, which −1 means, stays empty
    table[np.arange(vocab_size), np.arange(vocab_size)] = 1
    seen: Array = table[codes]
    return seen


@dataclass(frozen=True)
class StandardScaler:
    """Standardization of each feature by mean and standard deviation.

    Attributes:
        center: [F].
        scale: [F] positive; 1 where a feature never changes.
    """

    center: Floats
    scale: Floats

    @classmethod
    def of(cls, values: Floats, observed: Bools) -> StandardScaler:
        """Fit to the observed ones of [N, F] values.

        Raises:
            DataError: their squares overflow.
        """
        kept = np.where(observed, values, np.nan)
        with np.errstate(over="ignore", invalid="ignore"):
            center, scale = np.nanmean(kept, axis=0), np.nanstd(kept, axis=0)
        if not np.isfinite([center, scale]).all():
            raise DataError("a feature holds numbers too large to scale (beyond about 1e150); divide them first")
        return cls(center, np.where(scale > 0, scale, 1.0))

    def transform(self, values: Floats) -> Array:
        """[N, F] values to z; infinite beyond float32."""
        with np.errstate(over="ignore"):
            z: Array = ((values - self.center) / self.scale).astype(np.float32)
        return z


@dataclass(frozen=True)
class SeriesDataset:
    """S labeled series of features.

    Attributes:
        z: [N, F], flat.
        offsets: [S + 1].
        labels: [S] from 0.
        context: L; a longer series is cut to its last L steps, a shorter one is padded with zeros.
    """

    z: Array
    offsets: Ints
    labels: Ints
    context: int

    def inputs(self, series: Ints) -> Array:
        """[B, L, F] inputs of [B] series."""
        first, last = self.offsets[series][:, None], self.offsets[series + 1][:, None]  # [B, 1]
        steps = last + np.arange(-self.context, 0)  # [B, L]
        x: Array = self.z[np.maximum(steps, first)]
        x[steps < first] = 0.0
        return x

    def batches(self, rng: np.random.Generator, *, count: int, size: int) -> Iterator[tuple[Array, Array, Array]]:
        """Yield one epoch: at least `count` series in full batches, each as often as the others or once more.

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
