"""Conversion of a Forecaster to a manifest and tensors, and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import numpy as np

from lstmcast.calibration.conformal import Calibration
from lstmcast.data.calendar import Calendar
from lstmcast.data.panel import Panel
from lstmcast.data.schema import Columns
from lstmcast.errors import ModelError
from lstmcast.forecasting.evaluate import HoldoutForecasts
from lstmcast.forecasting.forecaster import Forecaster
from lstmcast.forecasting.pipeline import EnsembleMember, ForecastPipeline
from lstmcast.nn import numpy_lstm
from lstmcast.nn.heads import QuantileHead
from lstmcast.nn.numpy_lstm import Network
from lstmcast.persistence import artifact
from lstmcast.preprocessing.panel_scaling import Key, ScalingSpec
from lstmcast.preprocessing.polyphase import Polyphase
from lstmcast.preprocessing.windows import WindowSpec
from lstmcast.results import ValueReport

P = ParamSpec("P")
T = TypeVar("T")

ARRAYS = ("values", "observed", "offsets", "starts")


def to_facts(context: Panel) -> dict[str, Any]:
    """What JSON can hold of it."""
    return {
        "columns": asdict(context.columns),
        "calendar": context.calendar.to_dict(),
        "series": [list(key) for key in context.keys],
        "source": context.source,
    }


def context_arrays(context: Panel) -> dict[str, np.ndarray]:
    """Its numbers."""
    return {name: getattr(context, name) for name in ARRAYS}


def context_of(facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Panel:
    """The context of these facts and arrays, among others.

    Raises:
        ValueError: the arrays do not describe the same series.
        KeyError: one is missing.
    """
    keys, offsets = tuple(tuple(key) for key in facts["series"]), arrays["offsets"]
    n = len(arrays["values"])
    is_valid = len(offsets) == len(keys) + 1 and offsets[0] == 0 and offsets[-1] == n and (np.diff(offsets) > 0).all()
    if not is_valid or len(arrays["observed"]) != n or len(arrays["starts"]) != len(keys):
        raise ValueError("the context's arrays do not describe the same series")
    return Panel(
        columns=Columns(
            time=facts["columns"]["time"],
            target=tuple(facts["columns"]["target"]),
            series=tuple(facts["columns"]["series"]),
        ),
        calendar=Calendar.from_dict(facts["calendar"]),
        keys=keys,
        values=arrays["values"],
        observed=arrays["observed"],
        offsets=offsets,
        starts=arrays["starts"],
        inferred=(),
        notes=(),
        source=facts["source"],
    )


def to_arrays(networks: Sequence[Network]) -> dict[str, np.ndarray]:
    """Every network's arrays by name."""
    return {
        f"network_{k}.{name}": array
        for k, network in enumerate(networks)
        for name, array in numpy_lstm.to_tensors(network).items()
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
        networks.append(
            numpy_lstm.from_tensors(named, activation=activation, skip=skip, features=features, outputs=outputs)
        )
    return tuple(networks)


def as_model_error(build: Callable[P, T]) -> Callable[P, T]:
    """Raise a ModelError where a manifest and its tensors do not fit together."""

    @wraps(build)
    def checked(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return build(*args, **kwargs)
        except (KeyError, TypeError, ValueError, IndexError) as err:
            raise ModelError(f"the model's manifest and tensors do not fit together ({err!r}); train again") from err

    return checked


Tensors = Mapping[str, Mapping[str, np.ndarray]]

# which parts of a saved file hold what: tensor file → the arrays in it
SCALES = ("scale", "floor")
HELD_OUT = ("series", "positions", "forecast", "lower", "upper", "actual")


def save(forecaster: Forecaster, models: Path, name: str, *, data: str | None, now: datetime, keep: int) -> Path:
    """Publish a version and make it current; the caller holds the model's lock.

    Args:
        forecaster: what is saved.
        models: the folder of all models.
        name: the model's.
        data: the file that predict reads again, if any.
        now: when, with a time zone.
        keep: versions kept.

    Returns:
        The version's folder.
    """
    return publish(to_artifact(forecaster), models, name, data=data, now=now, keep=keep)


def publish(
    parts: tuple[dict[str, Any], Tensors], models: Path, name: str, *, data: str | None, now: datetime, keep: int
) -> Path:
    """The same of any trained model, as its manifest and tensors."""
    manifest, tensors = parts
    path = None if data in (None, "-") else str(Path(str(data)).resolve())
    report = manifest["report"]
    created = {"created": now.isoformat(timespec="seconds"), "data": {**report["data"], "path": path}}
    manifest |= {"report": {**report, **created}}
    return artifact.publish(models, name, manifest, tensors, now=now, keep=keep)


def load(version: Path) -> Forecaster:
    """Read a version after verifying it.

    Raises:
        ModelError: missing, damaged, tampered with, of another schema, its parts do not fit together, or it is none
            that forecasts values.
    """
    found = artifact.load(version)
    if (head := head_of(found.manifest)) != "value":
        raise ModelError(f"{version}: must forecast values, and is a model of model.task: {head}")
    return from_artifact(found.manifest, found.tensors)


def head_of(manifest: Mapping[str, Any]) -> str:
    """The `model.task` of a manifest."""
    try:
        return str(manifest["report"]["config"]["model"]["task"])
    except (KeyError, TypeError) as err:
        raise ModelError(f"the manifest names no task ({err!r}); train again") from err


def to_artifact(forecaster: Forecaster) -> tuple[dict[str, Any], dict[str, dict[str, np.ndarray]]]:
    """The manifest (JSON-able) and the tensor files of a forecaster."""
    pipeline, context = forecaster.pipeline, forecaster.context
    manifest = {
        "report": forecaster.report.to_dict(),
        "levels": list(forecaster.calibration.levels),
        **to_facts(context),
        **pipeline_metadata(pipeline),
    }
    manifest["scale"]["usual_judged"] = forecaster.holdout_pipeline.typical_step
    tensors: dict[str, dict[str, np.ndarray]] = {
        "weights": to_arrays(pipeline.networks),
        "judged": {**to_arrays(forecaster.holdout_pipeline.networks), **_scales(forecaster.holdout_pipeline, context)},
        "calibration": {"widths": forecaster.calibration.widths},
        "context": {**context_arrays(context), **_scales(pipeline, context)},
        "backtest": {name: getattr(forecaster.holdout, name) for name in HELD_OUT},
    }
    if pipeline.partner and forecaster.holdout_pipeline.partner:
        other, holdout_partner = pipeline.partner.pipeline, forecaster.holdout_pipeline.partner.pipeline
        manifest["beside"] = {"share": pipeline.partner.weight, "runner": pipeline_metadata(other)}
        manifest["beside"]["runner"]["scale"]["usual_judged"] = holdout_partner.typical_step
        tensors["beside"] = {**to_arrays(other.networks), **_scales(other, context)}
        if pipeline.partner.intervals:
            tensors["beside"]["widths"] = pipeline.partner.intervals.widths
        if pipeline.partner.max_deviation is not None:
            tensors["beside"]["furthest"] = pipeline.partner.max_deviation
        tensors["judged_beside"] = {**to_arrays(holdout_partner.networks), **_scales(holdout_partner, context)}
    return manifest, tensors


def to_pretrained(forecaster: Forecaster) -> tuple[dict[str, Any], dict[str, dict[str, np.ndarray]]]:
    """The same of one that is to forecast what it never saw: without the series it learnt from, in half the bytes."""
    manifest = {"levels": list(forecaster.calibration.levels), **pipeline_metadata(forecaster.pipeline)}
    weights = {name: array.astype(np.float16) for name, array in to_arrays(forecaster.pipeline.networks).items()}
    return manifest, {"weights": weights, "calibration": {"widths": forecaster.calibration.widths}}


def from_pretrained(folder: Path) -> tuple[ForecastPipeline, Calibration]:
    """Networks that know no series, and the intervals around what they say.

    Raises:
        ModelError: missing, damaged or tampered with.
    """
    found = artifact.load(folder)
    weights = {name: array.astype(np.float32) for name, array in found.tensors["weights"].items()}
    widths = found.tensors["calibration"]["widths"]
    return _pipeline(found.manifest, weights, {}), Calibration(tuple(found.manifest["levels"]), widths)


def pipeline_metadata(pipeline: ForecastPipeline) -> dict[str, Any]:
    """All of a runner that JSON can carry, but for its series."""
    return {
        "horizon": pipeline.horizon,
        "phases": pipeline.phases.count,
        "transform": pipeline.scaling_spec.transform,
        "smoothing": pipeline.smoothing_weight,
        "half": pipeline.smoothing_half_length,
        "tried": pipeline.adaptive_weights,
        "scale": {
            "share": pipeline.scaling_spec.mode,
            "usual": pipeline.typical_step,
            "lenient": pipeline.scaling_spec.allow_untransformed,
        },
        "shape": asdict(pipeline.window_spec),
        "head": asdict(pipeline.head),
        "skip": pipeline.networks[0].skip,
        "networks": len(pipeline.networks),
        "activation": pipeline.networks[0].activation,
    }


def _pipeline(
    manifest: Mapping[str, Any], weights: Mapping[str, np.ndarray], scales: Mapping[Key, tuple[float, float]]
) -> ForecastPipeline:
    """The inverse of `pipeline_metadata` and `to_arrays`."""
    head, shape = (
        QuantileHead(manifest["head"]["steps"], tuple(manifest["head"]["levels"])),
        WindowSpec(**manifest["shape"]),
    )
    if head.steps != shape.horizon:
        raise ValueError("the head says other steps than the shape")
    return ForecastPipeline(
        networks=_networks(manifest, weights, shape, head),
        head=head,
        window_spec=shape,
        scaling_spec=ScalingSpec(
            manifest["transform"], manifest["scale"]["share"], manifest["scale"].get("lenient", False)
        ),
        scales=scales,
        typical_step=manifest["scale"]["usual"],
        smoothing_weight=float(manifest["smoothing"]),
        smoothing_half_length=int(manifest.get("half", 0)),
        adaptive_weights=bool(manifest.get("tried", False)),
        horizon=int(manifest["horizon"]),
        phases=Polyphase(int(manifest.get("phases", 1))),
    )


def _scales(pipeline: ForecastPipeline, context: Panel) -> dict[str, np.ndarray]:
    """[S] what one unit of z is, and the floor, of each series; NaN where it is not transformed (see `scales_of`)."""
    scaling = pipeline.bind(context).scaling
    untransformed = np.zeros(context.n_series, np.bool_) if scaling.untransformed is None else scaling.untransformed
    return {name: np.where(untransformed, np.nan, getattr(scaling, name)) for name in SCALES}


@as_model_error
def from_artifact(manifest: Mapping[str, Any], tensors: Tensors) -> Forecaster:
    """Build a forecaster from what was saved.

    Raises:
        ModelError: a part is missing or does not fit the others.
    """
    kept = tensors["context"]
    context, series = context_of(manifest, kept), tuple(tuple(key) for key in manifest["series"])
    for part in (tensors[name] for name in ("context", "judged", "beside", "judged_beside") if name in tensors):
        if any(len(part[name]) != len(series) for name in SCALES):
            raise ValueError("the scales are not those of the same series")
    pipeline = _pipeline(manifest, tensors["weights"], _index_by_key(series, kept))
    holdout_pipeline = _holdout_networks(pipeline, manifest, tensors["judged"], series)
    if member := manifest.get("beside"):
        metadata, weight = member["runner"], float(member["share"])
        other = _pipeline(metadata, tensors["beside"], _index_by_key(series, tensors["beside"]))
        widths = tensors["beside"].get("widths")
        intervals = None if widths is None else Calibration(tuple(manifest["levels"]), widths)
        found = EnsembleMember(other, weight, intervals, tensors["beside"].get("furthest"))
        holdout_partner = _holdout_networks(other, metadata, tensors["judged_beside"], series)
        pipeline, holdout_pipeline = (
            replace(pipeline, partner=found),
            replace(holdout_pipeline, partner=replace(found, pipeline=holdout_partner)),
        )
    return Forecaster(
        pipeline=pipeline,
        holdout_pipeline=holdout_pipeline,
        calibration=Calibration(tuple(manifest["levels"]), tensors["calibration"]["widths"]),
        context=context,
        holdout=HoldoutForecasts(**{name: tensors["backtest"][name] for name in HELD_OUT}),
        report=ValueReport.from_dict(manifest["report"]),
    )


def _holdout_networks(
    pipeline: ForecastPipeline, manifest: Mapping[str, Any], tensors: Mapping[str, np.ndarray], series: Sequence[Key]
) -> ForecastPipeline:
    """The same before it had learnt the held-out steps."""
    return replace(
        pipeline,
        networks=_networks(manifest, tensors, pipeline.window_spec, pipeline.head),
        scales=_index_by_key(series, tensors),
        typical_step=manifest["scale"]["usual_judged"],
    )


def _networks(
    manifest: Mapping[str, Any], weights: Mapping[str, np.ndarray], shape: WindowSpec, head: QuantileHead
) -> tuple[Network, ...]:
    """The networks whose arrays these are."""
    return from_arrays(
        weights,
        count=int(manifest["networks"]),
        activation=manifest["activation"],
        skip=manifest["skip"],
        features=shape.lags,
        outputs=head.outputs,
    )


def _index_by_key(series: Sequence[Key], kept: Mapping[str, np.ndarray]) -> dict[Key, tuple[float, float]]:
    """Scale and floor of each series that has them."""
    pairs = zip(series, zip(*(kept[name].tolist() for name in SCALES), strict=True), strict=True)
    return {key: (scale, floor) for key, (scale, floor) in pairs if not np.isnan(scale)}
