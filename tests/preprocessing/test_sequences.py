"""Symbols as the network reads them, and windows cut from them."""

from __future__ import annotations

import numpy as np
import pytest

from lstmcast.errors import DataError
from lstmcast.preprocessing.sequences import SeriesDataset, StandardScaler, SymbolDataset, one_hot

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


def test_every_symbol_is_sampled_about_equally_often() -> None:
    """Of many windows over one long series each possible one is drawn as often as any other, but for one."""
    codes = np.arange(20) % 3
    dataset = SymbolDataset(codes, np.array([0, 20]), 3, 5)
    _, last = dataset._crops(np.random.default_rng(1), 300)
    counts = np.bincount(last, minlength=20)
    assert counts[:5].tolist() == [0] * 5
    assert set(counts[5:].tolist()) == {20}


def test_the_same_seed_draws_the_same_windows() -> None:
    """Same generator, same batches."""
    first, again = (
        [batch[1].tolist() for batch in sequences().batches(np.random.default_rng(7), count=8, size=4)] for _ in "ab"
    )
    assert first == again


def cases(context: int = 3) -> SeriesDataset:
    """Series of 2, 4 and 3 steps of two features: 1, 2, … 9 and their negatives, labels 5, 6, 7."""
    z = np.arange(1, 10, dtype=np.float32)
    return SeriesDataset(np.stack([z, -z], axis=1), np.array([0, 2, 6, 9]), np.array([5, 6, 7]), context)


def test_the_last_steps_are_read_and_zeros_before_a_short_series() -> None:
    """The last three of four steps, and both of two steps after a zero, in the selected order."""
    x = cases().inputs(np.array([1, 0]))
    assert x.dtype == np.float32
    assert x[:, :, 0].tolist() == [[4, 5, 6], [0, 1, 2]]
    assert x[:, :, 1].tolist() == [[-4, -5, -6], [0, -1, -2]]


def test_an_epoch_meets_every_series_alike() -> None:
    """Seven of three series in batches of four: eight, each series two or three times, with its own label."""
    batches = list(cases().batches(np.random.default_rng(0), count=7, size=4))
    assert [(x.shape, y.shape, w.shape) for x, y, w in batches] == [((4, 3, 2), (4, 1), (4, 1))] * 2
    labels = np.concatenate([y for _, y, _ in batches]).ravel()
    assert sorted(np.bincount(labels.astype(int))[5:].tolist()) == [2, 3, 3]
    last = np.concatenate([x[:, -1, 0] for x, _, _ in batches])
    assert dict(zip(labels.tolist(), last.tolist(), strict=True)) == {5.0: 2.0, 6.0: 6.0, 7.0: 9.0}
    assert all((w == 1).all() for _, _, w in batches)


def test_one_seed_one_order() -> None:
    """Equal seeds give equal batches; different seeds do not."""

    def sampled(seed: int) -> list[float]:
        return [y for _, t, _ in cases().batches(np.random.default_rng(seed), count=30, size=5) for y in t.ravel()]

    assert sampled(1) == sampled(1)
    assert sampled(1) != sampled(2)


def test_each_feature_in_its_own_unit() -> None:
    """Mean and standard deviation of what was observed: of 1, 3 and a filled 99, and of a feature that stands still."""
    values = np.array([[1.0, 7.0], [3.0, 7.0], [99.0, 7.0]])
    standard = StandardScaler.of(values, np.array([[True, True], [True, True], [False, True]]))
    assert (standard.center.tolist(), standard.scale.tolist()) == ([2.0, 7.0], [1.0, 1.0])
    assert standard.transform(values).tolist() == [[-1.0, 0.0], [1.0, 0.0], [97.0, 0.0]]


def test_numbers_too_large_to_scale() -> None:
    """A square that overflows is refused; later values beyond float32 become infinite."""
    with pytest.raises(DataError, match="too large to scale"):
        StandardScaler.of(np.array([[1e200], [-1e200]]), np.ones((2, 1), np.bool_))
    assert np.isinf(StandardScaler(np.zeros(1), np.ones(1)).transform(np.array([[1e300]]))).all()
