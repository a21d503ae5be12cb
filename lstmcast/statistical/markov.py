"""Markov models of symbols: what comes next, by what followed the same last n symbols before.

Each order leans on the one below it by absolute discounting: with c(x, s) the times that s followed context x, c(x)
their sum, k(x) how many kinds of symbols followed it, and x' the context without its oldest symbol,

    P_n(s | x) = max(c(x, s) − D, 0) / c(x) + D · k(x) / c(x) · P_{n−1}(s | x'),    P_{−1}(s) = 1 / V,

with D = n₁ / (n₁ + 2 n₂), n₁ and n₂ being how many pairs (x, s) were met once and twice (Ney, Essen & Kneser 1994).
Below the highest order a pair counts once for each kind of symbol that stood before it, not once for each time (Kneser
& Ney 1995). A context that was never met says what the shorter one says.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lstmcast.types import Floats, Ints

CHUNK_SIZE = 1 << 22  # probabilities held at once


@dataclass(frozen=True)
class NGramCounts:
    """What followed each context of one length.

    Attributes:
        contexts: [K] ascending: the shorter context's number · (V + 1) + the oldest symbol.
        starts: [K + 1] where the followers of each begin.
        followers: [M] symbols, and counts: [M] of each.
        discount: D.
    """

    contexts: Ints
    starts: Ints
    followers: Ints
    counts: Floats
    discount: float


@dataclass(frozen=True)
class Markov:
    """A fitted model.

    Attributes:
        vocab_size: V.
        orders: of 0, 1 … n symbols before.
    """

    vocab_size: int
    orders: tuple[NGramCounts, ...]

    @property
    def order(self) -> int:
        """n, how many symbols it looks back."""
        return len(self.orders) - 1

    def ahead(self, past: Ints) -> Floats:
        """The probabilities of the next symbol.

        Args:
            past: [B, ≥ n] the last symbols, newest last; −1 where nothing is known.

        Returns:
            [B, V], each row of sum 1.
        """
        rows = max(1, CHUNK_SIZE // self.vocab_size)
        parts = [self._ahead(past[k : k + rows]) for k in range(0, len(past), rows)]
        return np.concatenate(parts) if parts else np.empty((0, self.vocab_size))

    def _ahead(self, past: Ints) -> Floats:
        probabilities = np.full((len(past), self.vocab_size), 1.0 / self.vocab_size)
        context = np.zeros(len(past), dtype=np.int64)
        for back, order in enumerate(self.orders):
            if back:
                context = _numbers(context, past[:, -back], order.contexts, self.vocab_size)
            met = np.flatnonzero(context >= 0)
            probabilities[met] = _leaned(order, context[met], probabilities[met])
        return probabilities


def fit_markov(past: Ints, symbols: Ints, *, vocab_size: int, order: int) -> Markov:
    """Count what followed.

    Args:
        past: [N, ≥ order] the symbols before each, newest last; −1 where nothing is known.
        symbols: [N] what came; −1 is left out.
        vocab_size: V.
        order: n, 0 or more.
    """
    known = symbols >= 0
    past, symbols = past[known], symbols[known]
    numbered = [(np.zeros(1, dtype=np.int64), np.zeros(len(symbols), dtype=np.int64))]
    for back in range(1, order + 1):
        keys = numbered[-1][1] * (vocab_size + 1) + past[:, -back] % (vocab_size + 1)
        contexts, own = np.unique(keys, return_inverse=True)
        numbered.append((contexts, own.astype(np.int64)))
    pairs, counts = np.unique(numbered[-1][1] * vocab_size + symbols, return_counts=True)
    orders = []
    for contexts, _ in reversed(numbered):
        orders.append(_order(contexts, pairs, counts, vocab_size))
        pairs, counts = np.unique(
            contexts[pairs // vocab_size] // (vocab_size + 1) * vocab_size + pairs % vocab_size, return_counts=True
        )
    return Markov(vocab_size, tuple(reversed(orders)))


def _order(contexts: Ints, pairs: Ints, counts: Ints, vocab_size: int) -> NGramCounts:
    """The followers of contexts 0 … K − 1, from pairs (context · V + symbol), ascending."""
    once, twice = (int(np.count_nonzero(counts == times)) for times in (1, 2))
    return NGramCounts(
        contexts=contexts,
        starts=np.searchsorted(pairs // vocab_size, np.arange(len(contexts) + 1)).astype(np.int64),
        followers=pairs % vocab_size,
        counts=counts.astype(np.float64),
        discount=once / (once + 2 * twice) if once else 0.5,
    )


def _numbers(shorter: Ints, oldest: Ints, contexts: Ints, vocab_size: int) -> Ints:
    """[B] the contexts' numbers; −1 where one was never met."""
    keys = shorter * (vocab_size + 1) + oldest % (vocab_size + 1)
    at = np.minimum(np.searchsorted(contexts, keys), len(contexts) - 1)
    return np.where((shorter >= 0) & (contexts[at] == keys), at, -1)


def _leaned(order: NGramCounts, context: Ints, shorter: Floats) -> Floats:
    """[B, V] what an order says of contexts that it met, leaning on what the shorter ones say."""
    first, many = order.starts[context], np.diff(order.starts)[context]
    rows = np.repeat(np.arange(len(context)), many)
    at = np.arange(len(rows)) - np.repeat(np.cumsum(many) - many, many) + np.repeat(first, many)
    counts = order.counts[at]
    total = np.bincount(rows, counts, len(context))
    probabilities: Floats = shorter * (order.discount * many / total)[:, None]
    probabilities[rows, order.followers[at]] += np.maximum(counts - order.discount, 0) / total[rows]
    return probabilities
