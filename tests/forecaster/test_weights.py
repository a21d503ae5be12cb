"""Networks as named arrays."""

from __future__ import annotations

import numpy as np
import pytest

from lstmcast.errors import ModelError
from lstmcast.forecaster.weights import from_arrays, to_arrays
from lstmcast.model.lstm import Dense, Layer, Network, forward


def network(seed: int) -> Network:
    """Three features, four units, a hidden layer of five, two outputs."""
    rng = np.random.default_rng(seed)

    def draw(*shape: int) -> np.ndarray:
        return rng.normal(size=shape).astype(np.float32)

    layer = Layer(draw(3, 16), draw(4, 16), draw(16))
    return Network((layer,), draw(5, 2), draw(2), hidden=(Dense(draw(4, 5), draw(5)),))


def test_two_networks_there_and_back() -> None:
    """Each comes back as itself: its outputs are the same to the bit."""
    both = (network(1), network(2))
    back = from_arrays(to_arrays(both), count=2, activation="tanh", skip=False, features=3, outputs=2)
    x = np.random.default_rng(0).normal(size=(2, 6, 3)).astype(np.float32)
    for one, other in zip(both, back, strict=True):
        np.testing.assert_array_equal(forward(one, x), forward(other, x))


def test_a_network_that_is_missing() -> None:
    """Where more are asked for than there are, the first array that lacks is named."""
    with pytest.raises(ModelError, match=r"dense\.d must have shape"):
        from_arrays(to_arrays([network(1)]), count=2, activation="tanh", skip=False, features=3, outputs=2)
