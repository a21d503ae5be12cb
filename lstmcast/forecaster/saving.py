"""A Forecaster as a manifest and tensors, and back. Nothing here executes what it reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from lstmcast.data.calendar import Calendar
from lstmcast.data.panel import Panel
from lstmcast.data.records import Columns
from lstmcast.errors import ModelError
from lstmcast.evaluation.intervals import Calibration
from lstmcast.forecaster.judging import HeldOut
from lstmcast.forecaster.running import Measure, Runner
from lstmcast.forecaster.trained import Forecaster
from lstmcast.model import lstm
from lstmcast.model.heads import Head
from lstmcast.model.windows import Shape
from lstmcast.store import artifact

Tensors = Mapping[str, Mapping[str, np.ndarray]]

# which parts of a saved file hold what: tensor file → the arrays in it
CONTEXT = ("values", "observed", "offsets", "starts", "scale", "floor")
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
    manifest, tensors = to_artifact(forecaster)
    path = None if data in (None, "-") else str(Path(str(data)).resolve())
    manifest |= {"created": now.isoformat(timespec="seconds"), "data": {**manifest["data"], "path": path}}
    return artifact.publish(models, name, manifest, tensors, now=now, keep=keep)


def load(version: Path) -> Forecaster:
    """Read a version after verifying it.

    Raises:
        ModelError: missing, damaged, tampered with, of another schema, or its parts do not fit together.
    """
    found = artifact.load(version)
    return from_artifact(found.manifest, found.tensors)


def to_artifact(forecaster: Forecaster) -> tuple[dict[str, Any], dict[str, dict[str, np.ndarray]]]:
    """The manifest (JSON-able) and the tensor files of a forecaster."""
    runner, context = forecaster.runner, forecaster.context
    scaling = runner.on(context).scaling
    manifest = {
        **forecaster.report,
        "horizon": forecaster.horizon,
        "levels": list(forecaster.calibration.levels),
        "columns": asdict(context.columns),
        "calendar": context.calendar.to_dict(),
        "series": [list(key) for key in context.keys],
        "source": context.source,
        "transform": runner.measure.kind,
        "naive_share": runner.naive,
        "scale": {"share": runner.measure.share, "usual": runner.usual},
        "shape": asdict(runner.shape),
        "head": asdict(runner.head),
        "skip": runner.networks[0].skip,
        "networks": len(runner.networks),
        "activation": runner.networks[0].activation,
    }
    tensors: dict[str, dict[str, np.ndarray]] = {
        "weights": {
            f"network_{k}.{name}": array
            for k, network in enumerate(runner.networks)
            for name, array in lstm.to_tensors(network).items()
        },
        "calibration": {"widths": forecaster.calibration.widths},
        "context": {
            **{name: getattr(context, name) for name in CONTEXT[:4]},
            "scale": scaling.scale,
            "floor": scaling.floor,
        },
        "backtest": {name: getattr(forecaster.held_out, name) for name in HELD_OUT},
    }
    return manifest, tensors


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
    head = Head(manifest["head"]["steps"], tuple(manifest["head"]["levels"]))
    shape, series = Shape(**manifest["shape"]), tuple(tuple(key) for key in manifest["series"])
    kept, weights = tensors["context"], tensors["weights"]
    _fit_together(kept, len(series))
    if head.steps != shape.horizon:
        raise ValueError("the head says other steps than the shape")
    context = Panel(
        columns=Columns(
            time=manifest["columns"]["time"],
            target=tuple(manifest["columns"]["target"]),
            series=tuple(manifest["columns"]["series"]),
        ),
        calendar=Calendar.from_dict(manifest["calendar"]),
        keys=series,
        values=kept["values"],
        observed=kept["observed"],
        offsets=kept["offsets"],
        starts=kept["starts"],
        findings=(),
        notes=(),
        source=manifest["source"],
    )
    networks = []
    for k in range(int(manifest["networks"])):
        named = {name.split(".", 1)[1]: a for name, a in weights.items() if name.startswith(f"network_{k}.")}
        networks.append(
            lstm.from_tensors(
                named,
                activation=manifest["activation"],
                skip=manifest["skip"],
                features=shape.lags,
                outputs=head.outputs,
            )
        )
    pairs = zip(kept["scale"].tolist(), kept["floor"].tolist(), strict=True)
    return Forecaster(
        runner=Runner(
            networks=tuple(networks),
            head=head,
            shape=shape,
            measure=Measure(manifest["transform"], manifest["scale"]["share"]),
            scales=dict(zip(series, pairs, strict=True)),
            usual=manifest["scale"]["usual"],
            naive=float(manifest["naive_share"]),
        ),
        calibration=Calibration(tuple(manifest["levels"]), tensors["calibration"]["widths"]),
        horizon=int(manifest["horizon"]),
        context=context,
        held_out=HeldOut(**{name: tensors["backtest"][name] for name in HELD_OUT}),
        report=manifest,
    )


def _fit_together(kept: Mapping[str, np.ndarray], n_series: int) -> None:
    """The context's arrays must describe the same series."""
    offsets, n = kept["offsets"], len(kept["values"])
    whole = len(offsets) == n_series + 1 and offsets[0] == 0 and offsets[-1] == n and (np.diff(offsets) > 0).all()
    if not whole or len(kept["observed"]) != n or any(len(kept[name]) != n_series for name in CONTEXT[3:]):
        raise ValueError("the context's arrays do not describe the same series")
