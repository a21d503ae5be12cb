"""Parts of manifests that the event, category and label tasks share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from lstmcast.forecasting.codec import from_arrays
from lstmcast.nn.numpy_lstm import Network
from lstmcast.tasks.pipeline import NetworkPipeline

Tensors = Mapping[str, Mapping[str, np.ndarray]]


def networks_to_dict(pipeline: NetworkPipeline) -> dict[str, Any]:
    """Return the facts from which `networks_of` rebuilds the networks, and their temperature."""
    first = pipeline.networks[0]
    return {
        "networks": len(pipeline.networks),
        "activation": first.activation,
        "skip": first.skip,
        "temperature": pipeline.temperature,
    }


def networks_of(
    manifest: Mapping[str, Any], arrays: Mapping[str, np.ndarray], *, features: int, outputs: int
) -> dict[str, Any]:
    """Return the fields of a `NetworkPipeline`.

    Raises:
        ModelError: an array is missing, or its shape is not that of the layers around it.
    """
    networks: tuple[Network, ...] = from_arrays(
        arrays,
        count=int(manifest["networks"]),
        activation=manifest["activation"],
        skip=manifest["skip"],
        features=features,
        outputs=outputs,
    )
    return {"networks": networks, "temperature": float(manifest["temperature"])}
