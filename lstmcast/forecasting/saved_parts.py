"""Parts of saved versions that all tasks share: the stored panel, networks, preprocessing and scales."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import numpy as np

from lstmcast.data.drivers.covariates import Covariates
from lstmcast.data.drivers.holidays import Holidays
from lstmcast.data.panel import Panel
from lstmcast.data.schema import Columns
from lstmcast.data.time.calendar import Calendar
from lstmcast.errors import ModelError
from lstmcast.nn import numpy_lstm
from lstmcast.nn.numpy_lstm import Network
from lstmcast.persistence import artifact
from lstmcast.preprocessing.driver_features import DriverSpec
from lstmcast.preprocessing.panel_scaling import Key, Polyphase, Preprocessing, ScalingSpec
from lstmcast.preprocessing.windows import WindowSpec
from lstmcast.types import TensorFiles

P = ParamSpec("P")
T = TypeVar("T")

ARRAYS = ("values", "observed", "offsets", "starts")
SCALES = ("scale", "floor")


def to_facts(context: Panel) -> dict[str, Any]:
    """Return the description of a stored panel as JSON values."""
    drivers: dict[str, object] = {}
    if context.covariates is not None:
        drivers["covariates"] = context.covariates.to_facts()
    if context.holidays is not None:
        drivers["holidays"] = context.holidays.to_dict()
    return {
        "columns": asdict(context.columns),
        "calendar": context.calendar.to_dict(),
        "series": [list(key) for key in context.keys],
        "source": context.source,
        "reads_calendar": context.reads_calendar,
        **drivers,
    }


def context_arrays(context: Panel) -> dict[str, np.ndarray]:
    """Return the arrays of a stored panel."""
    covariates = {} if context.covariates is None else context.covariates.to_arrays()
    return {**{name: getattr(context, name) for name in ARRAYS}, **covariates}


def context_of(facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Panel:
    """Build the stored panel from its description and arrays.

    Raises:
        ValueError: the arrays do not describe the same series.
        KeyError: one is missing.
    """
    keys, offsets = tuple(tuple(key) for key in facts["series"]), arrays["offsets"]
    n = len(arrays["values"])
    is_valid = len(offsets) == len(keys) + 1 and offsets[0] == 0 and offsets[-1] == n and (np.diff(offsets) > 0).all()
    if not is_valid or len(arrays["observed"]) != n or len(arrays["starts"]) != len(keys):
        raise ValueError("the context's arrays do not describe the same series")
    covariates = Covariates.from_facts(facts["covariates"], arrays) if "covariates" in facts else None
    if covariates is not None and len(covariates.blocks) != len(keys):
        raise ValueError("the covariates do not describe the same series")
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
        covariates=covariates,
        holidays=Holidays.from_dict(facts["holidays"]) if "holidays" in facts else None,
        reads_calendar=facts["reads_calendar"],
    )


def to_arrays(networks: Sequence[Network]) -> dict[str, np.ndarray]:
    """Return the arrays of all networks by name."""
    return {
        f"network_{k}.{name}": array
        for k, network in enumerate(networks)
        for name, array in numpy_lstm.to_tensors(network).items()
    }


def from_arrays(
    arrays: Mapping[str, np.ndarray], *, count: int, activation: str, skip: bool, features: int, outputs: int
) -> tuple[Network, ...]:
    """Build `count` networks from their arrays.

    Raises:
        ModelError: an array is missing, or has another shape than its layer.
    """
    networks = []
    for own in (f"network_{k}." for k in range(count)):
        named = {name.removeprefix(own): array for name, array in arrays.items() if name.startswith(own)}
        networks.append(
            numpy_lstm.from_tensors(named, activation=activation, skip=skip, features=features, outputs=outputs)
        )
    return tuple(networks)


def preprocessing_to_dict(preprocessing: Preprocessing) -> dict[str, Any]:
    """Return everything about a preprocessing besides the scales of its training series."""
    scaling = preprocessing.scaling_spec
    return {
        "transform": scaling.transform,
        "scaling": {
            "mode": scaling.mode,
            "typical_step": preprocessing.typical_step,
            "allow_untransformed": scaling.allow_untransformed,
        },
        "polyphase_factor": preprocessing.polyphase.count,
        "window": asdict(preprocessing.window_spec),
        "horizon": preprocessing.horizon,
        **({} if preprocessing.drivers is None else {"drivers": preprocessing.drivers.to_dict()}),
    }


def preprocessing_of(facts: Mapping[str, Any]) -> Preprocessing:
    """The inverse of `preprocessing_to_dict`."""
    scaling = facts["scaling"]
    return Preprocessing(
        scaling_spec=ScalingSpec(facts["transform"], scaling["mode"], scaling["allow_untransformed"]),
        window_spec=WindowSpec(**facts["window"]),
        horizon=int(facts["horizon"]),
        typical_step=scaling["typical_step"],
        polyphase=Polyphase(int(facts["polyphase_factor"])),
        drivers=DriverSpec.from_dict(facts["drivers"]) if "drivers" in facts else None,
    )


def scales_of(preprocessing: Preprocessing, context: Panel, suffix: str) -> dict[str, np.ndarray]:
    """[S] scale and floor of each series; NaN where it has none from training."""
    pairs = [preprocessing.series_scales.get(key, (np.nan, np.nan)) for key in context.keys]
    return {name + suffix: np.array(column) for name, column in zip(SCALES, zip(*pairs, strict=True), strict=True)}


def scales_by_key(series: Sequence[Key], tensors: TensorFiles, suffix: str) -> dict[Key, tuple[float, float]]:
    """Scale and floor of each series that has them."""
    if not series:
        return {}
    columns = (tensors["scaling"][name + suffix].tolist() for name in SCALES)
    pairs = zip(series, zip(*columns, strict=True), strict=True)
    return {key: (scale, floor) for key, (scale, floor) in pairs if not np.isnan(scale)}


def as_model_error(build: Callable[P, T]) -> Callable[P, T]:
    """Raise a ModelError where a manifest and its tensors do not fit together."""

    @wraps(build)
    def checked(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return build(*args, **kwargs)
        except (KeyError, TypeError, ValueError, IndexError) as err:
            raise ModelError(f"the model's manifest and tensors do not fit together ({err!r}); train again") from err

    return checked


def publish(
    parts: tuple[dict[str, Any], TensorFiles], models: Path, name: str, *, data: str | None, now: datetime, keep: int
) -> Path:
    """Publish a version of any trained model, given as manifest and tensors."""
    manifest, tensors = parts
    path = None if data in (None, "-") else str(Path(str(data)).resolve())
    report = manifest["report"]
    created = {"created": now.isoformat(timespec="seconds"), "data": {**report["data"], "path": path}}
    manifest |= {"report": {**report, **created}}
    return artifact.publish(models, name, manifest, tensors, now=now, keep=keep)


def task_of(manifest: Mapping[str, Any]) -> str:
    """The `model.task` of a manifest."""
    try:
        return str(manifest["report"]["config"]["model"]["task"])
    except (KeyError, TypeError) as err:
        raise ModelError(f"the manifest names no task ({err!r}); train again") from err
