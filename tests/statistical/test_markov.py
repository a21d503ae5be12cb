"""Markov models of symbols: Kneser and Ney's counts, by hand and by dictionaries."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest

from lstmcast.statistical.markov import Markov, fit_markov


def pasts(codes: np.ndarray, order: int) -> np.ndarray:
    """[N, order] the symbols before each; −1 before the first."""
    padded = np.concatenate([np.full(order, -1), codes])
    return np.array([padded[t : t + order] for t in range(len(codes))]).reshape(len(codes), order)


def fitted(codes: np.ndarray, *, vocab_size: int, order: int) -> Markov:
    """A model of one series."""
    return fit_markov(pasts(codes, order), codes, vocab_size=vocab_size, order=order)


def by_dictionaries(codes: list[int], vocab_size: int, order: int, past: list[int]) -> np.ndarray:
    """Probabilities, computed with dictionaries."""
    padded = [-1] * order + codes
    counts: list[dict[tuple[int, ...], dict[int, int]]] = [
        defaultdict(lambda: defaultdict(int)) for _ in range(order + 1)
    ]
    for t, symbol in enumerate(codes):
        counts[order][tuple(padded[t : t + order])][symbol] += 1
    for n in range(order, 0, -1):
        for context, followers in counts[n].items():
            for symbol in followers:
                counts[n - 1][context[1:]][symbol] += 1
    probabilities = np.full(vocab_size, 1 / vocab_size)
    for n in range(order + 1):
        times = [c for followers in counts[n].values() for c in followers.values()]
        once, twice = times.count(1), times.count(2)
        discount = once / (once + 2 * twice) if once else 0.5
        followers = counts[n].get(tuple(past[len(past) - n :]))
        if not followers:
            break
        total = sum(followers.values())
        own = np.array([max(followers.get(s, 0) - discount, 0) for s in range(vocab_size)])
        probabilities = own / total + discount * len(followers) / total * probabilities
    return probabilities


def test_it_is_what_dictionaries_say() -> None:
    """Orders 0 to 4, contexts met and never met, and pasts with unknown symbols."""
    rng = np.random.default_rng(0)
    codes = rng.choice(4, size=300, p=[0.5, 0.3, 0.15, 0.05])
    for order in range(5):
        model = fitted(codes, vocab_size=4, order=order)
        histories = rng.integers(-1, 4, size=(40, 4))
        probabilities = model.ahead(histories)
        for row, past in zip(probabilities, histories.tolist(), strict=True):
            assert row == pytest.approx(by_dictionaries(codes.tolist(), 4, order, past), abs=1e-12)
        assert probabilities.sum(axis=1) == pytest.approx(1.0)
        assert model.order == order


def test_counts_by_hand() -> None:
    """After a a b a, of order 0: b was met once and nothing twice, so D = 1 and P(a) = (3 − 1)/4 + 1 · 2/4 · 1/2."""
    model = fitted(np.array([0, 0, 1, 0]), vocab_size=2, order=0)
    assert model.ahead(np.empty((1, 0), dtype=np.int64))[0] == pytest.approx([0.75, 0.25])


def test_what_is_not_known_is_no_follower() -> None:
    """A missing symbol teaches nothing: the model is that of the others."""
    past, came = np.array([[0], [1], [0]]), np.array([1, -1, 1])
    with_gap, without = (fit_markov(past[k], came[k], vocab_size=2, order=1) for k in (slice(None), [0, 2]))
    assert with_gap.ahead(np.array([[0], [1]])) == pytest.approx(without.ahead(np.array([[0], [1]])))


def test_a_cycle_is_learned() -> None:
    """Of a long cycle a b c the next symbol is nearly sure, from one symbol before."""
    model = fitted(np.tile([0, 1, 2], 100), vocab_size=3, order=1)
    assert model.ahead(np.array([[0], [1], [2]])).argmax(axis=1).tolist() == [1, 2, 0]
    assert model.ahead(np.array([[0]]))[0, 1] > 0.99
