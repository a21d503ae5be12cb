"""A Forecaster as a manifest and tensors, and back. Nothing here executes what it reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from lstmcast.data.panel import Panel
from lstmcast.errors import ModelError
from lstmcast.evaluation.intervals import Calibration
from lstmcast.forecaster.contexts import context_arrays, context_of, to_facts
from lstmcast.forecaster.judging import HoldoutForecasts
from lstmcast.forecaster.measure import Key, ScalingSpec
from lstmcast.forecaster.phases import Polyphase
from lstmcast.forecaster.running import EnsembleMember, ForecastPipeline
from lstmcast.forecaster.trained import Forecaster
from lstmcast.forecaster.weights import from_arrays, to_arrays
from lstmcast.model.heads import QuantileHead
from lstmcast.model.lstm import Network
from lstmcast.model.windows import WindowSpec
from lstmcast.store import artifact

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
    manifest |= {"created": now.isoformat(timespec="seconds"), "data": {**manifest["data"], "path": path}}
    return artifact.publish(models, name, manifest, tensors, now=now, keep=keep)


def load(version: Path) -> Forecaster:
    """Read a version after verifying it.

    Raises:
        ModelError: missing, damaged, tampered with, of another schema, its parts do not fit together, or it is none
            that forecasts values.
    """
    found = artifact.load(version)
    if (head := head_of(found.manifest)) != "value":
        raise ModelError(f"{version}: must forecast values, and is a model of model.head: {head}")
    return from_artifact(found.manifest, found.tensors)


def head_of(manifest: Mapping[str, Any]) -> str:
    """Which `model.head` a manifest is of; the first ones did not say."""
    return str(manifest.get("config", {}).get("model", {}).get("head", "value"))


def to_artifact(forecaster: Forecaster) -> tuple[dict[str, Any], dict[str, dict[str, np.ndarray]]]:
    """The manifest (JSON-able) and the tensor files of a forecaster."""
    runner, context = forecaster.runner, forecaster.context
    manifest = {
        **forecaster.report,
        "levels": list(forecaster.calibration.levels),
        **to_facts(context),
        **_settings(runner),
    }
    manifest["scale"]["usual_judged"] = forecaster.judged.usual
    tensors: dict[str, dict[str, np.ndarray]] = {
        "weights": to_arrays(runner.networks),
        "judged": {**to_arrays(forecaster.judged.networks), **_scales(forecaster.judged, context)},
        "calibration": {"widths": forecaster.calibration.widths},
        "context": {**context_arrays(context), **_scales(runner, context)},
        "backtest": {name: getattr(forecaster.held_out, name) for name in HELD_OUT},
    }
    if runner.beside and forecaster.judged.beside:
        other, judged = runner.beside.runner, forecaster.judged.beside.runner
        manifest["beside"] = {"share": runner.beside.share, "runner": _settings(other)}
        manifest["beside"]["runner"]["scale"]["usual_judged"] = judged.usual
        tensors["beside"] = {**to_arrays(other.networks), **_scales(other, context)}
        if runner.beside.intervals:
            tensors["beside"]["widths"] = runner.beside.intervals.widths
        if runner.beside.furthest is not None:
            tensors["beside"]["furthest"] = runner.beside.furthest
        tensors["judged_beside"] = {**to_arrays(judged.networks), **_scales(judged, context)}
    return manifest, tensors


def to_pretrained(forecaster: Forecaster) -> tuple[dict[str, Any], dict[str, dict[str, np.ndarray]]]:
    """The same of one that is to forecast what it never saw: without the series it learnt from, in half the bytes."""
    manifest = {"levels": list(forecaster.calibration.levels), **_settings(forecaster.runner)}
    weights = {name: array.astype(np.float16) for name, array in to_arrays(forecaster.runner.networks).items()}
    return manifest, {"weights": weights, "calibration": {"widths": forecaster.calibration.widths}}


def from_pretrained(folder: Path) -> tuple[ForecastPipeline, Calibration]:
    """Networks that know no series, and the intervals around what they say.

    Raises:
        ModelError: missing, damaged or tampered with.
    """
    found = artifact.load(folder)
    weights = {name: array.astype(np.float32) for name, array in found.tensors["weights"].items()}
    widths = found.tensors["calibration"]["widths"]
    return _runner(found.manifest, weights, {}), Calibration(tuple(found.manifest["levels"]), widths)


def _settings(runner: ForecastPipeline) -> dict[str, Any]:
    """All of a runner that JSON can carry, but for its series."""
    return {
        "horizon": runner.horizon,
        "phases": runner.phases.count,
        "transform": runner.measure.kind,
        "smoothing": runner.smoothing,
        "half": runner.half,
        "tried": runner.tried,
        "scale": {"share": runner.measure.share, "usual": runner.usual, "lenient": runner.measure.lenient},
        "shape": asdict(runner.shape),
        "head": asdict(runner.head),
        "skip": runner.networks[0].skip,
        "networks": len(runner.networks),
        "activation": runner.networks[0].activation,
    }


def _runner(
    manifest: Mapping[str, Any], weights: Mapping[str, np.ndarray], scales: Mapping[Key, tuple[float, float]]
) -> ForecastPipeline:
    """The inverse of `_settings` and `to_arrays`."""
    head, shape = (
        QuantileHead(manifest["head"]["steps"], tuple(manifest["head"]["levels"])),
        WindowSpec(**manifest["shape"]),
    )
    if head.steps != shape.horizon:
        raise ValueError("the head says other steps than the shape")
    return ForecastPipeline(
        networks=_networks(manifest, weights, shape, head),
        head=head,
        shape=shape,
        measure=ScalingSpec(manifest["transform"], manifest["scale"]["share"], manifest["scale"].get("lenient", False)),
        scales=scales,
        usual=manifest["scale"]["usual"],
        smoothing=float(manifest["smoothing"]),
        half=int(manifest.get("half", 0)),
        tried=bool(manifest.get("tried", False)),
        horizon=int(manifest["horizon"]),
        phases=Polyphase(int(manifest.get("phases", 1))),
    )


def _scales(runner: ForecastPipeline, context: Panel) -> dict[str, np.ndarray]:
    """[S] what one unit of z is, and the floor, of each series; NaN where it is not transformed (see `scales_of`)."""
    scaling = runner.on(context).scaling
    plain = np.zeros(context.n_series, np.bool_) if scaling.plain is None else scaling.plain
    return {name: np.where(plain, np.nan, getattr(scaling, name)) for name in SCALES}


def from_artifact(manifest: Mapping[str, Any], tensors: Tensors) -> Forecaster:
    """Build a forecaster from what was saved.

    Raises:
        ModelError: a part is missing or does not fit the others.
    """
    try:
        return _build(manifest, tensors)
    except (KeyError, TypeError, ValueError, IndexError) as err:
        raise ModelError(f"the model's manifest and tensors do not fit together ({err!r}); train again") from err


def _build(manifest: Mapping[str, Any], tensors: Tensors) -> Forecaster:
    kept = tensors["context"]
    context, series = context_of(manifest, kept), tuple(tuple(key) for key in manifest["series"])
    for part in (tensors[name] for name in ("context", "judged", "beside", "judged_beside") if name in tensors):
        if any(len(part[name]) != len(series) for name in SCALES):
            raise ValueError("the scales are not those of the same series")
    runner = _runner(manifest, tensors["weights"], _by_key(series, kept))
    judged = _as_judged(runner, manifest, tensors["judged"], series)
    if beside := manifest.get("beside"):
        said, share = beside["runner"], float(beside["share"])
        other = _runner(said, tensors["beside"], _by_key(series, tensors["beside"]))
        widths = tensors["beside"].get("widths")
        intervals = None if widths is None else Calibration(tuple(manifest["levels"]), widths)
        found = EnsembleMember(other, share, intervals, tensors["beside"].get("furthest"))
        as_judged = _as_judged(other, said, tensors["judged_beside"], series)
        runner, judged = replace(runner, beside=found), replace(judged, beside=replace(found, runner=as_judged))
    return Forecaster(
        runner=runner,
        judged=judged,
        calibration=Calibration(tuple(manifest["levels"]), tensors["calibration"]["widths"]),
        context=context,
        held_out=HoldoutForecasts(**{name: tensors["backtest"][name] for name in HELD_OUT}),
        report=manifest,
    )


def _as_judged(
    runner: ForecastPipeline, manifest: Mapping[str, Any], tensors: Mapping[str, np.ndarray], series: Sequence[Key]
) -> ForecastPipeline:
    """The same before it had learnt the held-out steps."""
    return replace(
        runner,
        networks=_networks(manifest, tensors, runner.shape, runner.head),
        scales=_by_key(series, tensors),
        usual=manifest["scale"]["usual_judged"],
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


def _by_key(series: Sequence[Key], kept: Mapping[str, np.ndarray]) -> dict[Key, tuple[float, float]]:
    """Scale and floor of each series that has them."""
    pairs = zip(series, zip(*(kept[name].tolist() for name in SCALES), strict=True), strict=True)
    return {key: (scale, floor) for key, (scale, floor) in pairs if not np.isnan(scale)}
