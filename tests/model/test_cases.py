"""Whole series as what a network reads."""

from __future__ import annotations

import numpy as np
import pytest

from lstmcast.errors import DataError
from lstmcast.model.cases import SeriesDataset, StandardScaler


def cases(context: int = 3) -> SeriesDataset:
    """Series of 2, 4 and 3 steps of two features: 1, 2, … 9 and their negatives, labels 5, 6, 7."""
    z = np.arange(1, 10, dtype=np.float32)
    return SeriesDataset(np.stack([z, -z], axis=1), np.array([0, 2, 6, 9]), np.array([5, 6, 7]), context)


def test_the_last_steps_are_read_and_zeros_before_a_short_series() -> None:
    """Of four steps the last three, of two steps both after a zero, in the order asked for."""
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
    """The same generator draws the same batches, another one others."""

    def drawn(seed: int) -> list[float]:
        return [y for _, t, _ in cases().batches(np.random.default_rng(seed), count=30, size=5) for y in t.ravel()]

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)


def test_each_feature_in_its_own_unit() -> None:
    """Mean and standard deviation of what was observed: of 1, 3 and a filled 99, and of a feature that stands still."""
    values = np.array([[1.0, 7.0], [3.0, 7.0], [99.0, 7.0]])
    standard = StandardScaler.of(values, np.array([[True, True], [True, True], [False, True]]))
    assert (standard.center.tolist(), standard.scale.tolist()) == ([2.0, 7.0], [1.0, 1.0])
    assert standard.transform(values).tolist() == [[-1.0, 0.0], [1.0, 0.0], [97.0, 0.0]]


def test_numbers_too_large_to_scale() -> None:
    """Where squares overflow it is said; what only later lies beyond float32 is infinite."""
    with pytest.raises(DataError, match="too large to scale"):
        StandardScaler.of(np.array([[1e200], [-1e200]]), np.ones((2, 1), np.bool_))
    assert np.isinf(StandardScaler(np.zeros(1), np.ones(1)).transform(np.array([[1e300]]))).all()
