"""S series of symbols → what the network reads: one number for each kind of symbol, 1 at the one that stands there.

A step of which nothing is known (missing, before the series, a kind that training never met) is all zeros.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lstmcast.model.lstm import Array

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class SymbolDataset:
    """Series of symbols, ready to be cut into windows.

    Attributes:
        codes: [N] 0 … V − 1, −1 where nothing is known, flat.
        offsets: [S + 1] where each series begins and ends.
        vocab_size: V.
        context: L, steps in a window.
    """

    codes: Ints
    offsets: Ints
    vocab_size: int
    context: int

    def context_and_targets(self, series: Ints, origins: Ints, steps: int) -> Ints:
        """[B, steps] the symbols up to and including each origin; −1 before and after the series.

        Args:
            series: [B].
            origins: [B] counted from each series' first symbol; −1: nothing was read yet.
            steps: how many.
        """
        at = origins[:, None] + np.arange(1 - steps, 1)
        first, end = self.offsets[series][:, None], self.offsets[series + 1][:, None]
        codes = self.codes[np.clip(first + at, 0, len(self.codes) - 1)]
        return np.where((at >= 0) & (first + at < end), codes, -1)

    def inputs(self, series: Ints, origins: Ints, steps: int) -> Array:
        """[B, steps, V] the same as the network reads them."""
        return one_hot(self.context_and_targets(series, origins, steps), self.vocab_size)

    def batches(self, rng: np.random.Generator, *, count: int, size: int) -> Iterator[tuple[Array, Array, Array]]:
        """One epoch: windows spread evenly over all symbols, in random order; see `model.training.Lessons`.

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
        """Series [count], and the last step of each window [count]: it begins with its series at the earliest."""
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
