"""Where a fit stands between two epochs: with it, the fit goes on as if it had never stopped, to the byte."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lstmcast.model.lstm import Network, from_tensors, to_tensors

Floats = npt.NDArray[np.float64]
Tensors = Mapping[str, npt.NDArray[Any]]

BEST_PREFIX = "kept."


@dataclass(frozen=True)
class FitState:
    """A fit after some of its epochs.

    Attributes:
        rng: the state of the generator that draws the batches.
        variables: of the model and its optimizer, in Keras's order: weights, momenta, counters, sources of noise.
        best_network: the network of the best epoch.
        best_epoch: that epoch, from 1; 0 before the first.
        first_loss: that of the very first batch.
        history: [E, 3] training loss, held-out error (NaN where nothing is held out) and seconds spent, by epoch.
        finished: no epoch follows.
    """

    rng: Mapping[str, Any]
    variables: tuple[npt.NDArray[Any], ...]
    best_network: Network
    best_epoch: int
    first_loss: float
    history: Floats
    finished: bool

    @classmethod
    def first(cls, seed: int, network: Network) -> FitState:
        """Before the first epoch."""
        rng = np.random.default_rng(seed).bit_generator.state
        return cls(rng, (), network, 0, 0.0, np.empty((0, 3)), finished=False)

    @property
    def best(self) -> float:
        """The best epoch's held-out error; NaN where nothing is held out."""
        return float(self.history[self.best_epoch - 1, 1])

    @property
    def seconds(self) -> float:
        """Spent so far."""
        return float(self.history[-1, 2]) if len(self.history) else 0.0

    def generator(self) -> np.random.Generator:
        """What draws the next epoch's batches."""
        rng = np.random.default_rng()
        rng.bit_generator.state = dict(self.rng)
        return rng

    def to_checkpoint(self) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
        """Values that JSON can hold, and arrays by name; of a fit that is over, only what its result needs."""
        values = {"rng": self.rng, "best_epoch": self.best_epoch, "over": self.finished, "variables": 0}
        values |= {"activation": self.best_network.activation, "skip": self.best_network.skip}
        tensors = {"history": self.history, "first_loss": np.array(self.first_loss), **_named(self.best_network)}
        if not self.finished:
            values["variables"] = len(self.variables)
            tensors |= {f"variable_{n}": variable for n, variable in enumerate(self.variables)}
        return values, tensors

    @classmethod
    def from_checkpoint(cls, values: Mapping[str, Any], tensors: Tensors) -> FitState:
        """The inverse of `to_checkpoint`."""
        return cls(
            rng=values["rng"],
            variables=tuple(tensors[f"variable_{n}"] for n in range(values["variables"])),
            best_network=_network(values, tensors),
            best_epoch=values["best_epoch"],
            first_loss=float(tensors["first_loss"]),
            history=tensors["history"],
            finished=values["over"],
        )


def _named(network: Network) -> dict[str, npt.NDArray[Any]]:
    return {f"{BEST_PREFIX}{name}": array for name, array in to_tensors(network).items()}


def _network(values: Mapping[str, Any], tensors: Tensors) -> Network:
    own = {name.removeprefix(BEST_PREFIX): array for name, array in tensors.items() if name.startswith(BEST_PREFIX)}
    features = len(own["lstm_0.W"])
    return from_tensors(own, activation=values["activation"], skip=values["skip"], features=features)
