"""Trained models of the event, category and label tasks: their networks, and their form in a saved version."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from lstmcast.forecasting.saved_parts import as_model_error, from_arrays, to_arrays
from lstmcast.nn.numpy_lstm import Network
from lstmcast.types import TensorFiles

if TYPE_CHECKING:
    import pandas as pd

Parts = tuple[dict[str, Any], dict[str, Mapping[str, np.ndarray]]]
"""JSON values of the manifest, and arrays by tensor file."""


@dataclass(frozen=True, kw_only=True)
class NetworkPipeline:
    """Networks of one architecture with one softmax or sigmoid temperature.

    Attributes:
        networks: the members, whose outputs are averaged; empty before training.
        temperature: the divisor of their averaged logits.
    """

    networks: tuple[Network, ...] = ()
    temperature: float = 1.0


class NetworkModel(ABC):
    """A trained model of networks, with all that `predict` needs where the training file is gone."""

    pipeline: Any
    """The networks, and the preprocessing of their inputs: a `NetworkPipeline`."""
    report: Any
    """The `TrainingReport`."""

    def to_artifact(self) -> Parts:
        """Return the manifest and the tensor files of a version."""
        first = self.pipeline.networks[0]
        manifest, tensors = self.to_parts()
        networks = {
            "networks": len(self.pipeline.networks),
            "activation": first.activation,
            "skip": first.skip,
            "temperature": self.pipeline.temperature,
        }
        return (
            {"report": self.report.to_dict(), **networks, **manifest},
            {"weights": to_arrays(self.pipeline.networks), **tensors},
        )

    @classmethod
    def from_artifact(cls, manifest: Mapping[str, Any], tensors: TensorFiles) -> Self:
        """Build a model from its manifest and tensors.

        Raises:
            ModelError: a part is missing or does not fit the others.
        """
        return as_model_error(cls.of_parts)(manifest, tensors)

    @abstractmethod
    def to_parts(self) -> Parts:
        """Return everything besides report, networks and temperature."""

    @classmethod
    @abstractmethod
    def of_parts(cls, manifest: Mapping[str, Any], tensors: TensorFiles) -> Self:
        """Build a model from its manifest and tensors; raise a ValueError or KeyError where they do not fit."""


def networks_of(
    manifest: Mapping[str, Any], arrays: Mapping[str, np.ndarray], *, features: int, outputs: int
) -> dict[str, Any]:
    """Return the fields of a `NetworkPipeline`.

    Raises:
        ModelError: an array is missing, or its shape is not that of the layers around it.
    """
    shape = {"activation": manifest["activation"], "skip": manifest["skip"], "features": features, "outputs": outputs}
    networks: tuple[Network, ...] = from_arrays(arrays, count=int(manifest["networks"]), **shape)
    return {"networks": networks, "temperature": float(manifest["temperature"])}


class NetworkBacktest(ABC):
    """The result of a backtest of networks."""

    evaluation: Any
    """The forecasts with their `summary`, an `Evaluation`."""

    @property
    def better(self) -> bool:
        """True if the networks beat the best baseline by a reportable margin."""
        return bool(self.evaluation.summary.skill.better)

    def scores_frame(self, rows: Iterable[tuple[str, str, str, str, float]]) -> pd.DataFrame:
        """Return all scores in long format, then rows of other scopes: `method, scope, key, metric, value`."""
        import pandas as pd

        scores = self.evaluation.summary.scores.items()
        overall = [(name, "all", "", metric, value) for name, row in scores for metric, value in row.items()]
        return pd.DataFrame([*overall, *rows], columns=["method", "scope", "key", "metric", "value"])
