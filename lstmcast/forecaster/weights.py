"""Several networks of one shape as named arrays, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from lstmcast.model import lstm
from lstmcast.model.lstm import Network


def to_arrays(networks: Sequence[Network]) -> dict[str, np.ndarray]:
    """Every network's arrays by name."""
    return {
        f"network_{k}.{name}": array
        for k, network in enumerate(networks)
        for name, array in lstm.to_tensors(network).items()
    }


def from_arrays(
    arrays: Mapping[str, np.ndarray], *, count: int, activation: str, skip: bool, features: int, outputs: int
) -> tuple[Network, ...]:
    """The `count` networks whose arrays these are.

    Raises:
        ModelError: an array is missing, or its shape is not what the layers around it need.
    """
    networks = []
    for own in (f"network_{k}." for k in range(count)):
        named = {name.removeprefix(own): array for name, array in arrays.items() if name.startswith(own)}
        networks.append(lstm.from_tensors(named, activation=activation, skip=skip, features=features, outputs=outputs))
    return tuple(networks)
