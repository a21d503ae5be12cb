"""Manifest and tensors of a trained model of an event."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from lstmcast.data.panel import Panel
from lstmcast.forecasting.codec import as_model_error, context_arrays, context_of, to_arrays, to_facts
from lstmcast.preprocessing.panel_scaling import Key, ScalingSpec
from lstmcast.preprocessing.windows import WindowSpec
from lstmcast.tasks.codec import Tensors, networks_of, networks_to_dict
from lstmcast.tasks.event.features import n_features
from lstmcast.tasks.event.model import EventForecaster, EventHoldout, EventPipeline
from lstmcast.tasks.event.rule import OPERATORS, EventRule
from lstmcast.tasks.event.scores import EventReport

HOLDOUT = ("series", "positions", "probabilities", "actual")
PER_SERIES = ("scale", "floor", "limit")  # [S] arrays of the context; NaN where not known


def to_artifact(model: EventForecaster) -> tuple[dict[str, Any], dict[str, dict[str, np.ndarray]]]:
    """Return the manifest and the tensor files of a model."""
    pipeline, context = model.pipeline, model.context
    manifest = {
        "report": model.report.to_dict(),
        **networks_to_dict(pipeline),
        **to_facts(context),
        "rule": {key: getattr(pipeline.rule, key) for key in ("text", "op", "limit", "percentile")},
        "transform": pipeline.scaling_spec.transform,
        "scaling": {"mode": pipeline.scaling_spec.mode, "typical_step": pipeline.typical_step},
        "shape": asdict(pipeline.window_spec),
        "longest_season": pipeline.season_length,
    }
    scales = [pipeline.scales.get(key, (np.nan, np.nan)) for key in context.keys]
    limits = [pipeline.rule.limits.get(key, np.nan) for key in context.keys]
    per_series = np.column_stack([np.array(scales), np.array(limits)]).T.copy()
    tensors = {
        "weights": to_arrays(pipeline.networks),
        "context": context_arrays(context) | dict(zip(PER_SERIES, per_series, strict=True)),
        "holdout_forecasts": {name: getattr(model.holdout, name) for name in HOLDOUT},
    }
    return manifest, tensors


@as_model_error
def from_artifact(manifest: Mapping[str, Any], tensors: Tensors) -> EventForecaster:
    """Build a model from its manifest and tensors.

    Raises:
        ModelError: a part is missing or does not fit the others.
    """
    context = context_of(manifest, tensors["context"])
    window, rule = WindowSpec(**manifest["shape"]), manifest["rule"]
    if rule["op"] not in OPERATORS:
        raise ValueError(f"unknown operator {rule['op']!r:.20}")
    scale, floor, limit = (_by_key(tensors["context"][name], context) for name in PER_SERIES)
    pipeline = EventPipeline(
        **networks_of(manifest, tensors["weights"], features=n_features(window), outputs=window.horizon),
        window_spec=window,
        scaling_spec=ScalingSpec(manifest["transform"], manifest["scaling"]["mode"]),
        scales={key: (value, floor[key]) for key, value in scale.items()},
        typical_step=manifest["scaling"]["typical_step"],
        rule=EventRule(**rule, limits=limit),
        season_length=int(manifest["longest_season"]),
    )
    holdout = EventHoldout(**{name: tensors["holdout_forecasts"][name] for name in HOLDOUT})
    return EventForecaster(pipeline, context, holdout, EventReport.from_dict(manifest["report"]))


def _by_key(values: np.ndarray, context: Panel) -> dict[Key, float]:
    """The known values by series key."""
    return {key: value for key, value in zip(context.keys, values.tolist(), strict=True) if value == value}
