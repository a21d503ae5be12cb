"""Markov models of symbol sequences: interpolated Kneser-Ney smoothing.

With c(x, s) the count of symbol s after context x, c(x) their sum, k(x) the number of distinct symbols after x, and x'
the context without its oldest symbol,

    P_n(s | x) = max(c(x, s) − D, 0) / c(x) + D · k(x) / c(x) · P_{n−1}(s | x'),    P_{−1}(s) = 1 / V,

with D = n₁ / (n₁ + 2 n₂), where n₁ and n₂ pairs (x, s) occur once and twice (Ney, Essen & Kneser 1994). Below the
highest order, counts are of distinct preceding symbols (Kneser & Ney 1995). Unseen contexts use the shorter one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lstmcast.types import Floats, Ints

CHUNK_SIZE = 1 << 22  # probabilities per array


@dataclass(frozen=True)
class NGramCounts:
    """Counts of the symbols after each context of one length.

    Attributes:
        contexts: [K] ascending: index of the shorter context · (V + 1) + the oldest symbol.
        starts: [K + 1] offsets of each context in `followers`.
        followers, counts: [M] symbols and their counts.
        discount: D.
    """

    contexts: Ints
    starts: Ints
    followers: Ints
    counts: Floats
    discount: float


@dataclass(frozen=True)
class Markov:
    """A fitted model of `vocab_size` V symbols, with the counts of orders 0 to n."""

    vocab_size: int
    orders: tuple[NGramCounts, ...]

    @property
    def order(self) -> int:
        """Context length n."""
        return len(self.orders) - 1

    def ahead(self, past: Ints) -> Floats:
        """Probabilities of the next symbol [B, V] after the last symbols [B, ≥ n], newest last, −1 if unknown."""
        rows = max(1, CHUNK_SIZE // self.vocab_size)
        parts = [self._ahead(past[k : k + rows]) for k in range(0, len(past), rows)]
        return np.concatenate(parts) if parts else np.empty((0, self.vocab_size))

    def _ahead(self, past: Ints) -> Floats:
        probabilities = np.full((len(past), self.vocab_size), 1.0 / self.vocab_size)
        context = np.zeros(len(past), dtype=np.int64)
        for back, order in enumerate(self.orders):
            if back:
                context = _context_index(context, past[:, -back], order.contexts, self.vocab_size)
            seen = np.flatnonzero(context >= 0)
            probabilities[seen] = _interpolated(order, context[seen], probabilities[seen])
        return probabilities


def fit_markov(past: Ints, symbols: Ints, *, vocab_size: int, order: int) -> Markov:
    """Count the symbols after each context of 0 to `order` symbols.

    Args:
        past: [N, ≥ order] the symbols before each, newest last; −1 if unknown.
        symbols: [N] the next symbols; −1 is ignored.
        vocab_size: V.
        order: n, 0 or more.
    """
    known = symbols >= 0
    past, symbols = past[known], symbols[known]
    indexed = [(np.zeros(1, dtype=np.int64), np.zeros(len(symbols), dtype=np.int64))]
    for back in range(1, order + 1):
        keys = indexed[-1][1] * (vocab_size + 1) + past[:, -back] % (vocab_size + 1)
        contexts, own = np.unique(keys, return_inverse=True)
        indexed.append((contexts, own.astype(np.int64)))
    pairs, counts = np.unique(indexed[-1][1] * vocab_size + symbols, return_counts=True)
    orders = []
    for contexts, _ in reversed(indexed):
        orders.append(_order_counts(contexts, pairs, counts, vocab_size))
        pairs, counts = np.unique(
            contexts[pairs // vocab_size] // (vocab_size + 1) * vocab_size + pairs % vocab_size, return_counts=True
        )
    return Markov(vocab_size, tuple(reversed(orders)))


def _order_counts(contexts: Ints, pairs: Ints, counts: Ints, vocab_size: int) -> NGramCounts:
    """Counts after contexts 0 … K − 1, from ascending pairs context · V + symbol."""
    once, twice = (int(np.count_nonzero(counts == times)) for times in (1, 2))
    return NGramCounts(
        contexts=contexts,
        starts=np.searchsorted(pairs // vocab_size, np.arange(len(contexts) + 1)).astype(np.int64),
        followers=pairs % vocab_size,
        counts=counts.astype(np.float64),
        discount=once / (once + 2 * twice) if once else 0.5,
    )


def _context_index(shorter: Ints, oldest: Ints, contexts: Ints, vocab_size: int) -> Ints:
    """[B] indices of contexts; −1 for unseen ones."""
    keys = shorter * (vocab_size + 1) + oldest % (vocab_size + 1)
    at = np.minimum(np.searchsorted(contexts, keys), len(contexts) - 1)
    return np.where((shorter >= 0) & (contexts[at] == keys), at, -1)


def _interpolated(order: NGramCounts, context: Ints, shorter: Floats) -> Floats:
    """[B, V] probabilities after seen contexts, interpolated with those of the shorter contexts."""
    first, many = order.starts[context], np.diff(order.starts)[context]
    rows = np.repeat(np.arange(len(context)), many)
    at = np.arange(len(rows)) - np.repeat(np.cumsum(many) - many, many) + np.repeat(first, many)
    counts = order.counts[at]
    total = np.bincount(rows, counts, len(context))
    probabilities: Floats = shorter * (order.discount * many / total)[:, None]
    probabilities[rows, order.followers[at]] += np.maximum(counts - order.discount, 0) / total[rows]
    return probabilities
