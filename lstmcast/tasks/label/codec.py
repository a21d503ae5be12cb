"""Manifest and tensors of a trained classifier of series."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from lstmcast.data.calendar import Calendar
from lstmcast.data.labeled_panel import LabeledPanel
from lstmcast.forecasting.codec import as_model_error, to_arrays
from lstmcast.preprocessing.sequences import StandardScaler
from lstmcast.tasks.codec import Tensors, networks_of, networks_to_dict
from lstmcast.tasks.label.model import ClassifierPipeline, SeriesClassifier
from lstmcast.tasks.label.scores import LabelReport


def to_artifact(model: SeriesClassifier) -> tuple[dict[str, Any], dict[str, dict[str, np.ndarray]]]:
    """Return the manifest and the tensor files of a model."""
    pipeline, context = model.pipeline, model.context
    columns = {
        "time": context.time,
        "series": context.key_columns,
        "features": context.features,
        "label": context.label,
    }
    manifest = {
        "report": model.report.to_dict(),
        **networks_to_dict(pipeline),
        "context": pipeline.context,
        "columns": {**columns, "label": context.label},
        "calendar": context.calendar.to_dict(),
        "source": context.source,
        "classes": list(model.classes),
    }
    scaler = pipeline.scaler
    tensors = {
        "weights": to_arrays(pipeline.networks),
        "scaling": {"center": scaler.center, "scale": scaler.scale},
    }
    return manifest, tensors


@as_model_error
def from_artifact(manifest: Mapping[str, Any], tensors: Tensors) -> SeriesClassifier:
    """Build a model from its manifest and tensors.

    Raises:
        ModelError: a part is missing or does not fit the others.
    """
    report = LabelReport.from_dict(manifest["report"])
    context, classes = _context(manifest), tuple(manifest["classes"])
    scaler, n_features = StandardScaler(**tensors["scaling"]), len(context.features)
    if any(part.shape != (n_features,) or not np.isfinite(part).all() for part in (scaler.center, scaler.scale)):
        raise ValueError("the scaling is not that of the features")
    if np.shape(report.evaluation.confusion) != (len(classes), len(classes)):
        raise ValueError("the confusion matrix is not that of the labels")
    pipeline = ClassifierPipeline(
        scaler,
        int(manifest["context"]),
        **networks_of(manifest, tensors["weights"], features=n_features, outputs=len(classes)),
    )
    return SeriesClassifier(pipeline, context, classes, report)


def _context(manifest: Mapping[str, Any]) -> LabeledPanel:
    """The columns and the calendar of training, without series."""
    columns = manifest["columns"]
    features = tuple(columns["features"])
    return LabeledPanel(
        time=columns["time"],
        key_columns=tuple(columns["series"]),
        features=features,
        label=columns["label"],
        calendar=Calendar.from_dict(manifest["calendar"]),
        keys=(),
        values=np.empty((0, len(features))),
        observed=np.empty((0, len(features)), np.bool_),
        offsets=np.zeros(1, np.int64),
        starts=np.empty(0, np.int64),
        labels=(),
        inferred=(),
        notes=(),
        source=manifest["source"],
    )
