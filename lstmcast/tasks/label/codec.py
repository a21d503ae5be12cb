"""A SeriesClassifier as a manifest and tensors, and back. Nothing here executes what it reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from lstmcast.data.calendar import Calendar
from lstmcast.errors import ModelError
from lstmcast.forecasting.codec import from_arrays, to_arrays
from lstmcast.preprocessing.sequences import StandardScaler
from lstmcast.tasks.label.model import ClassifierPipeline, Columns, SeriesClassifier

Arrays = Mapping[str, np.ndarray]
Tensors = Mapping[str, Arrays]


def to_artifact(classifier: SeriesClassifier) -> tuple[dict[str, Any], Tensors]:
    """The manifest (JSON-able) and the tensor files of a labeller."""
    reader = classifier.pipeline
    manifest = {
        **classifier.report,
        "columns": asdict(classifier.columns),
        "calendar": classifier.calendar.to_dict(),
        "classes": list(classifier.classes),
        "context": reader.context,
        "temperature": reader.temperature,
        "networks": len(reader.networks),
        "activation": reader.networks[0].activation,
    }
    tensors = {
        "weights": to_arrays(reader.networks),
        "scaling": {"centre": reader.scaler.center, "scale": reader.scaler.scale},
    }
    return manifest, tensors


def from_artifact(manifest: Mapping[str, Any], tensors: Tensors) -> SeriesClassifier:
    """Build a labeller from what was saved.

    Raises:
        ModelError: a part is missing or does not fit the others.
    """
    try:
        return _build(manifest, tensors)
    except (KeyError, TypeError, ValueError, IndexError) as err:
        raise ModelError(f"the model's manifest and tensors do not fit together ({err!r}); train again") from err


def _build(manifest: Mapping[str, Any], tensors: Tensors) -> SeriesClassifier:
    column_names = manifest["columns"]
    columns = Columns(
        column_names["time"], tuple(column_names["series"]), tuple(column_names["features"]), column_names["label"]
    )
    classes, scaling = tuple(manifest["classes"]), tensors["scaling"]
    _fit_together(columns, classes, scaling, np.array(manifest["confusion"]))
    networks = from_arrays(
        tensors["weights"],
        count=int(manifest["networks"]),
        activation=manifest["activation"],
        skip=False,
        features=len(columns.features),
        outputs=len(classes),
    )
    standard = StandardScaler(scaling["centre"], scaling["scale"])
    return SeriesClassifier(
        pipeline=ClassifierPipeline(networks, standard, int(manifest["context"]), float(manifest["temperature"])),
        columns=columns,
        calendar=Calendar.from_dict(manifest["calendar"]),
        classes=classes,
        report=manifest,
    )


def _fit_together(columns: Columns, classes: tuple[str, ...], scaling: Arrays, matrix: np.ndarray) -> None:
    """Scaling and confusion matrix must speak of these features and labels."""
    shape = (len(columns.features),)
    if any(scaling[name].shape != shape or not np.isfinite(scaling[name]).all() for name in ("centre", "scale")):
        raise ValueError("the scaling is not that of the features")
    if matrix.shape != (len(classes), len(classes)):
        raise ValueError("the confusion matrix is not that of the labels")
