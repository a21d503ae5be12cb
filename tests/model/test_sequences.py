"""Symbols as the network reads them, and windows cut from them."""

from __future__ import annotations

import numpy as np

from lstmcast.model.sequences import SymbolDataset, one_hot

CODES = np.array([0, 1, 2, 1, -1, 0, 2, 2], dtype=np.int64)


def sequences(context: int = 3) -> SymbolDataset:
    """Two series, of 5 and of 3 symbols, of 3 kinds."""
    return SymbolDataset(CODES, np.array([0, 5, 8]), 3, context)


def test_one_number_for_each_kind() -> None:
    """1 where the symbol stands; nothing where it is not known."""
    assert one_hot(np.array([[2, -1]]), 3).tolist() == [[[0, 0, 1], [0, 0, 0]]]


def test_the_past_ends_with_its_series() -> None:
    """Before the first symbol and after the last one nothing is known, whatever stands there in the array."""
    past = sequences().context_and_targets(np.array([0, 1, 1, 1]), np.array([3, 0, -1, 4]), 4)
    assert past.tolist() == [[0, 1, 2, 1], [-1, -1, -1, 0], [-1, -1, -1, -1], [2, 2, -1, -1]]


def test_batches_are_windows_with_what_followed() -> None:
    """Each input is a stretch of a series, each target the symbol after it; what is not known has no weight."""
    stretches = {tuple(CODES[k : k + 4].tolist()) for k in (0, 1)} | {(-1, 0, 2, 2)}
    seen = set()
    for inputs, targets, weights in sequences().batches(np.random.default_rng(0), count=10, size=4):
        assert inputs.shape == (4, 3, 3)
        assert targets.shape == weights.shape == (4, 3, 1)
        codes = np.where(inputs.sum(axis=-1) > 0, inputs.argmax(axis=-1), -1)
        came = np.where(weights[..., 0] > 0, targets[..., 0], -1)
        assert (codes[:, 1:] == came[:, :-1]).all()
        seen |= {(*map(int, row), int(last)) for row, last in zip(codes, came[:, -1], strict=True)}
    assert seen == stretches


def test_every_symbol_is_learnt_about_equally_often() -> None:
    """Of many windows over one long series each possible one is drawn as often as any other, but for one."""
    codes = np.arange(20) % 3
    lessons = SymbolDataset(codes, np.array([0, 20]), 3, 5)
    _, last = lessons._crops(np.random.default_rng(1), 300)
    counts = np.bincount(last, minlength=20)
    assert counts[:5].tolist() == [0] * 5
    assert set(counts[5:].tolist()) == {20}


def test_the_same_seed_draws_the_same_windows() -> None:
    """Same generator, same batches."""
    first, again = (
        [batch[1].tolist() for batch in sequences().batches(np.random.default_rng(7), count=8, size=4)] for _ in "ab"
    )
    assert first == again
