"""Conversion of a Forecaster to a manifest and tensors, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from lstmcast.calibration.conformal import Calibration
from lstmcast.errors import ModelError
from lstmcast.forecasting.ensemble.direct_member import DirectMember
from lstmcast.forecasting.ensemble.ensemble import Ensemble, IntervalSource
from lstmcast.forecasting.ensemble.members import LstmMember, Member, RegressionMember, SmoothingMember
from lstmcast.forecasting.ensemble.weights import EnsembleWeights
from lstmcast.forecasting.evaluate import HoldoutForecasts
from lstmcast.forecasting.forecaster import Forecaster
from lstmcast.forecasting.saved_parts import (
    as_model_error,
    context_arrays,
    context_of,
    from_arrays,
    preprocessing_of,
    preprocessing_to_dict,
    publish,
    scales_by_key,
    scales_of,
    task_of,
    to_arrays,
    to_facts,
)
from lstmcast.nn.heads import QuantileHead
from lstmcast.nn.numpy_lstm import Network
from lstmcast.persistence import artifact
from lstmcast.preprocessing.panel_scaling import Key, Preprocessing
from lstmcast.results import MemberName, ValueReport
from lstmcast.types import TensorFiles

WEIGHTS = ("weights", "pretrained_weights")  # files of the networks on each preprocessing
HOLDOUT_WEIGHTS = "holdout_weights"  # of the networks on the first, before the refit
HOLDOUT = ("series", "positions", "forecast", "lower", "upper", "actual")


def save(forecaster: Forecaster, models: Path, name: str, *, data: str | None, now: datetime, keep: int) -> Path:
    """Publish a version and make it current; the caller holds the model's lock.

    Args:
        forecaster: the model.
        models: folder of all models.
        name: of the model.
        data: file that predict reads again, if any.
        now: current time, with a time zone.
        keep: number of versions to keep.

    Returns:
        The version's folder.
    """
    return publish(to_artifact(forecaster), models, name, data=data, now=now, keep=keep)


def load(version: Path) -> Forecaster:
    """Read a version after verifying it.

    Raises:
        ModelError: missing, damaged, tampered with, of another schema or task, or its parts do not fit together.
    """
    found = artifact.load(version)
    if (task := task_of(found.manifest)) != "value":
        raise ModelError(f"{version}: must forecast values, and is a model of model.task: {task}")
    return from_artifact(found.manifest, found.tensors)


def to_artifact(forecaster: Forecaster) -> tuple[dict[str, Any], dict[str, dict[str, np.ndarray]]]:
    """Convert a forecaster to its manifest (JSON values) and tensor files."""
    ensemble, holdout, context = forecaster.ensemble, forecaster.holdout_ensemble, forecaster.context
    manifest = {
        "report": forecaster.report.to_dict(),
        "levels": list(forecaster.calibration.levels),
        **to_facts(context),
        "ensemble": ensemble_to_dict(ensemble),
    }
    tensors: dict[str, dict[str, np.ndarray]] = {
        "calibration": {"widths": forecaster.calibration.widths, **_optional_widths(ensemble)},
        "context": context_arrays(context),
        "scaling": {},
        "holdout_forecasts": {name: getattr(forecaster.holdout, name) for name in HOLDOUT},
    }
    tensors[HOLDOUT_WEIGHTS] = _networks(holdout, 0)
    for k, (final, before) in enumerate(zip(ensemble.preprocessings, holdout.preprocessings, strict=True)):
        manifest["ensemble"]["preprocessings"][k]["scaling"]["typical_step_holdout"] = before.typical_step
        if any(isinstance(member, LstmMember) and member.preprocessing == k for member in ensemble.members):
            tensors[WEIGHTS[k]] = _networks(ensemble, k)
        tensors["scaling"] |= scales_of(final, context, f"_{k}") | scales_of(before, context, f"_{k}_holdout")
    return manifest, tensors


def to_pretrained(
    ensemble: Ensemble, calibration: Calibration
) -> tuple[dict[str, Any], dict[str, dict[str, np.ndarray]]]:
    """Convert an ensemble to a pretrained model: without the scales of its training series, in half precision."""
    members = tuple(
        replace(member, name=MemberName.PRETRAINED) if isinstance(member, LstmMember) else member
        for member in ensemble.members
    )
    manifest = {"levels": list(calibration.levels), "ensemble": ensemble_to_dict(replace(ensemble, members=members))}
    weights = {name: array.astype(np.float16) for name, array in _networks(ensemble, 0).items()}
    return manifest, {WEIGHTS[0]: weights, "calibration": {"widths": calibration.widths}}


def from_pretrained(folder: Path) -> tuple[Ensemble, Calibration]:
    """Read a pretrained model: its ensemble, and the calibration of its intervals.

    Raises:
        ModelError: missing, damaged or tampered with.
    """
    found = artifact.load(folder)
    weights = {name: array.astype(np.float32) for name, array in found.tensors[WEIGHTS[0]].items()}
    calibration = Calibration(tuple(found.manifest["levels"]), found.tensors["calibration"]["widths"])
    return _ensemble(found.manifest, {**found.tensors, WEIGHTS[0]: weights}, ()), calibration


def ensemble_to_dict(ensemble: Ensemble) -> dict[str, Any]:
    """Everything about an ensemble that JSON can hold, without the scales of its training series."""
    source = ensemble.interval_source
    facts: dict[str, Any] = {
        "preprocessings": [preprocessing_to_dict(preprocessing) for preprocessing in ensemble.preprocessings],
        "members": [
            {"weight": weight, **_member_to_dict(member)}
            for member, weight in zip(ensemble.members, ensemble.weights.fixed, strict=True)
        ],
        **_rule_to_dict(ensemble.weights),
    }
    if source:
        facts["interval_source"] = {"weights": list(source.weights.fixed), **_rule_to_dict(source.weights)}
    return facts


def _rule_to_dict(rule: EnsembleWeights) -> dict[str, Any]:
    facts = {"smoothing_half_length": rule.smoothing_half_length, "adaptive_weights": rule.adaptive}
    return {**facts, "past_origins": rule.past_origins}


def _member_to_dict(member: Member) -> dict[str, Any]:
    facts: dict[str, Any] = {"name": member.name.value, "preprocessing": member.preprocessing}
    if isinstance(member, LstmMember):
        first = member.networks[0]
        facts |= {"networks": len(member.networks), "activation": first.activation, "skip": first.skip}
        facts["head"] = asdict(member.head)
    return facts


def _optional_widths(ensemble: Ensemble) -> dict[str, np.ndarray]:
    """Optional arrays of an ensemble."""
    source, deviation = ensemble.interval_source, ensemble.max_deviation
    widths = {} if source is None else {"source_widths": source.calibration.widths}
    return widths if deviation is None else {**widths, "max_deviation": deviation}


def _networks(ensemble: Ensemble, k: int) -> dict[str, np.ndarray]:
    """The networks on preprocessing k."""
    lstms = (member for member in ensemble.members if isinstance(member, LstmMember) and member.preprocessing == k)
    return to_arrays(next(lstms).networks)


@as_model_error
def from_artifact(manifest: Mapping[str, Any], tensors: TensorFiles) -> Forecaster:
    """Build a forecaster from its manifest and tensors.

    Raises:
        ModelError: a part is missing or does not fit the others.
    """
    context, calibration = context_of(manifest, tensors["context"]), tensors["calibration"]
    ensemble = _ensemble(manifest, tensors, context.keys)
    return Forecaster(
        ensemble=ensemble,
        holdout_ensemble=_before_refit(ensemble, manifest, tensors, context.keys),
        calibration=Calibration(tuple(manifest["levels"]), calibration["widths"]),
        context=context,
        holdout=HoldoutForecasts(**{name: tensors["holdout_forecasts"][name] for name in HOLDOUT}),
        report=ValueReport.from_dict(manifest["report"]),
    )


def _ensemble(manifest: Mapping[str, Any], tensors: TensorFiles, series: Sequence[Key]) -> Ensemble:
    """The inverse of `ensemble_to_dict`."""
    facts, extra, source = manifest["ensemble"], tensors["calibration"], None
    if known := facts.get("interval_source"):
        calibration = Calibration(tuple(manifest["levels"]), extra["source_widths"])
        source = IntervalSource(_rule(known["weights"], known), calibration)
    preprocessings = tuple(
        replace(preprocessing_of(known), series_scales=scales_by_key(series, tensors, f"_{k}"))
        for k, known in enumerate(facts["preprocessings"])
    )
    members = tuple(_member(known, preprocessings, tensors) for known in facts["members"])
    weights = _rule([known["weight"] for known in facts["members"]], facts)
    return Ensemble(preprocessings, members, weights, source, extra.get("max_deviation"))


def _rule(fixed: Sequence[float], facts: Mapping[str, Any]) -> EnsembleWeights:
    half, adaptive = int(facts["smoothing_half_length"]), bool(facts["adaptive_weights"])
    return EnsembleWeights(tuple(float(weight) for weight in fixed), half, adaptive, int(facts.get("past_origins", 0)))


def _member(facts: Mapping[str, Any], preprocessings: Sequence[Preprocessing], tensors: TensorFiles) -> Member:
    k, name = int(facts["preprocessing"]), MemberName(facts["name"])
    if name is MemberName.SMOOTHING:
        return SmoothingMember(k)
    if name in {MemberName.TREND, MemberName.MEANS}:
        return RegressionMember(name, k)
    if name in {MemberName.DIRECT, MemberName.DRIVERS}:
        return DirectMember(k, name)
    head = QuantileHead(facts["head"]["steps"], tuple(facts["head"]["levels"]))
    if head.steps != preprocessings[k].window_spec.horizon:
        raise ValueError("the head and the windows have other horizons")
    return LstmMember(name, _networks_of(facts, tensors[WEIGHTS[k]], preprocessings[k].features, head), head, k)


def _networks_of(
    facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray], features: int, head: QuantileHead
) -> tuple[Network, ...]:
    """The networks of a member."""
    layers = {"activation": facts["activation"], "skip": facts["skip"]}
    return from_arrays(arrays, count=int(facts["networks"]), **layers, features=features, outputs=head.outputs)


def _before_refit(
    ensemble: Ensemble, manifest: Mapping[str, Any], tensors: TensorFiles, series: Sequence[Key]
) -> Ensemble:
    """The ensemble with the networks and scales of the fit before the hold-out."""
    facts = manifest["ensemble"]
    preprocessings = tuple(
        replace(
            preprocessing,
            series_scales=scales_by_key(series, tensors, f"_{k}_holdout"),
            typical_step=facts["preprocessings"][k]["scaling"]["typical_step_holdout"],
        )
        for k, preprocessing in enumerate(ensemble.preprocessings)
    )
    arrays, features = tensors[HOLDOUT_WEIGHTS], preprocessings[0].features
    members = tuple(
        replace(member, networks=_networks_of(known, arrays, features, member.head))
        if isinstance(member, LstmMember) and not member.preprocessing
        else member
        for member, known in zip(ensemble.members, facts["members"], strict=True)
    )
    return replace(ensemble, preprocessings=preprocessings, members=members)
