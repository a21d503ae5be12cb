"""A forecaster of an event as a manifest and tensors, and back. Nothing here executes what it reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from lstmcast.data.panel import Panel
from lstmcast.errors import ModelError
from lstmcast.forecasting import codec
from lstmcast.preprocessing.panel_scaling import Key, ScalingSpec
from lstmcast.preprocessing.windows import WindowSpec
from lstmcast.tasks.event.features import features
from lstmcast.tasks.event.model import EventForecaster, EventHoldout, EventPipeline
from lstmcast.tasks.event.rule import OPERATORS, EventRule

Tensors = Mapping[str, Mapping[str, np.ndarray]]

HELD_OUT = ("series", "positions", "said", "came")
SERIES_ARRAYS = ("scale", "floor", "limit")  # of each series


def to_artifact(model: EventForecaster) -> tuple[dict[str, Any], dict[str, dict[str, np.ndarray]]]:
    """The manifest (JSON-able) and the tensor files of a forecaster of an event."""
    pipeline, context = model.pipeline, model.context
    first = pipeline.networks[0]
    manifest = {
        **model.report,
        **codec.to_facts(context),
        "rule": {key: getattr(pipeline.rule, key) for key in ("text", "op", "limit", "percentile")},
        "transform": pipeline.scaling_spec.transform,
        "scale": {"share": pipeline.scaling_spec.mode, "usual": pipeline.typical_step},
        "shape": asdict(pipeline.window_spec),
        "longest_season": pipeline.season_length,
        "skip": first.skip,
        "networks": len(pipeline.networks),
        "activation": first.activation,
    }
    scales = np.array([pipeline.scales.get(key, (np.nan, np.nan)) for key in context.keys])  # NaN: not known
    limits = np.array([pipeline.rule.limits.get(key, np.nan) for key in context.keys])
    tensors: dict[str, dict[str, np.ndarray]] = {
        "weights": codec.to_arrays(pipeline.networks),
        "context": {
            **codec.context_arrays(context),
            **dict(zip(SERIES_ARRAYS, (scales[:, 0].copy(), scales[:, 1].copy(), limits), strict=True)),
        },
        "backtest": {name: getattr(model.holdout, name) for name in HELD_OUT},
    }
    return manifest, tensors


def from_artifact(manifest: Mapping[str, Any], tensors: Tensors) -> EventForecaster:
    """Build a forecaster of an event from what was saved.

    Raises:
        ModelError: a part is missing or does not fit the others.
    """
    try:
        return _build(manifest, tensors)
    except (KeyError, TypeError, ValueError, IndexError) as err:
        raise ModelError(f"the model's manifest and tensors do not fit together ({err!r}); train again") from err


def _build(manifest: Mapping[str, Any], tensors: Tensors) -> EventForecaster:
    context = codec.context_of(manifest, tensors["context"])
    return EventForecaster(
        pipeline=_pipeline(manifest, tensors, context),
        temperature=float(manifest["temperature"]),
        context=context,
        holdout=EventHoldout(**{name: tensors["backtest"][name] for name in HELD_OUT}),
        report=manifest,
    )


def _pipeline(manifest: Mapping[str, Any], tensors: Tensors, context: Panel) -> EventPipeline:
    shape, rule = WindowSpec(**manifest["shape"]), EventRule(**manifest["rule"])
    if rule.op not in OPERATORS:
        raise ValueError(f"no rule has {rule.op!r:.20}")
    scale, floor, limit = (_of_each(tensors["context"][name], context) for name in SERIES_ARRAYS)
    return EventPipeline(
        networks=codec.from_arrays(
            tensors["weights"],
            count=int(manifest["networks"]),
            activation=manifest["activation"],
            skip=manifest["skip"],
            features=features(shape),
            outputs=shape.horizon,
        ),
        window_spec=shape,
        scaling_spec=ScalingSpec(manifest["transform"], manifest["scale"]["share"]),
        scales={key: (value, floor[key]) for key, value in scale.items()},
        typical_step=manifest["scale"]["usual"],
        rule=EventRule(rule.text, rule.op, rule.limit, rule.percentile, limit),
        season_length=int(manifest["longest_season"]),
    )


def _of_each(values: np.ndarray, context: Panel) -> dict[Key, float]:
    """By the key of each series; those that are not known are left out."""
    pairs = zip(context.keys, values.tolist(), strict=True)
    return {key: value for key, value in pairs if value == value}
