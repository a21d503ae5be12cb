"""The report of a training on values, and the parts that the reports of all tasks share."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import replace
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import numpy as np

from lstmcast.data.labeled_panel import LabeledPanel
from lstmcast.data.panel import Panel
from lstmcast.evaluation.splits import HoldoutSplit
from lstmcast.forecasting.ensemble import BoundEnsemble
from lstmcast.forecasting.planning import NetworkPlan, Selection, TrainingPlan
from lstmcast.results import DataInfo, Holdout, ScoredNetwork, ValueEvaluation, ValueReport

if TYPE_CHECKING:
    from lstmcast.config import Config


LIBRARIES = ("lstmcast", "tensorflow", "keras", "numpy", "pandas", "safetensors")
KERNEL_NAMES = ("scipy_openblas_get_corename64_", "openblas_get_corename64_", "scipy_openblas_get_corename")
"""Functions of OpenBLAS as NumPy's wheels name them; each returns the name of the kernel in use."""


def report(
    panel: Panel,
    config: Config,
    plan: TrainingPlan,
    evaluation: ValueEvaluation,
    selection: Selection,
    bound: BoundEnsemble,
) -> ValueReport:
    """Return the report of a training on values."""
    return ValueReport(
        **common_report(panel, config, plan, selection.epochs),
        evaluation=replace(
            evaluation, member_weights=bound.median_weights(np.arange(panel.n_series), panel.lengths - 1)
        ),
        preprocessing=str(selection.variant),
        adaptive_weights=bound.ensemble.weights.adaptive,
        holdout=describe_holdout(plan.holdout),
        mase_season=panel.calendar.mase_season,
    )


def common_report(
    data: Panel | LabeledPanel, config: Config, plan: NetworkPlan, epochs: Sequence[int], *, scores_saved: bool = False
) -> dict[str, Any]:
    """Return the fields of a `TrainingReport` that do not depend on the task.

    Args:
        data: the training data.
        config: the settings.
        plan: the decisions of the training run.
        epochs: of each network.
        scores_saved: whether the scores are those of the saved networks, though a refit was planned.
    """
    return {
        "config": config.model_dump(mode="json"),
        "inferred": (*data.inferred, *plan.inferred),
        "network": str(plan.architecture),
        "parameters": plan.architecture.parameters,
        "epochs": tuple(epochs),
        "scored_network": _scored_network(plan, rejected=scores_saved),
        "data": describe_data(data),
        "libraries": library_versions(),
    }


def describe_holdout(split: HoldoutSplit) -> Holdout:
    """Return the held-out steps of a split."""
    return Holdout(split.horizon, split.validation_steps, split.test_steps)


def describe_data(data: Panel | LabeledPanel) -> DataInfo:
    """Return source, size, time span of the first series and fingerprint."""
    text, first = data.calendar.text, data.starts[:1]
    return DataInfo(
        source=data.source,
        series=data.n_series,
        rows=len(data.values),
        fingerprint=data.fingerprint(),
        first=text(first)[0],
        last=text(first + data.lengths[:1] - 1)[0],
    )


def library_versions() -> dict[str, str]:
    """Versions of the libraries that a model's numbers depend on, and the BLAS kernel that rounds its sums."""
    return {name: found for name in LIBRARIES if (found := _version(name))} | blas()


def blas() -> dict[str, str]:
    """Name and version of NumPy's BLAS, and the kernel it chose for this processor where it is OpenBLAS."""
    build: Any = np.show_config(mode="dicts")
    name, version = (build["Build Dependencies"]["blas"].get(key, "unknown") for key in ("name", "version"))
    library = ctypes.CDLL(import_module("numpy.linalg._umath_linalg").__file__)
    kernels = [getattr(library, function) for function in KERNEL_NAMES if hasattr(library, function)]
    if not kernels:
        return {"blas": f"{name} {version}"}
    kernels[0].restype = ctypes.c_char_p
    return {"blas": f"{name} {version}", "blas_kernel": kernels[0]().decode()}


def _scored_network(plan: NetworkPlan, *, rejected: bool) -> ScoredNetwork:
    """The model that the scores belong to."""
    if not plan.refit:
        return ScoredNetwork.FINAL
    if rejected:
        return ScoredNetwork.REFIT_REJECTED
    return ScoredNetwork.CONTINUED if plan.recipe.patience is None else ScoredNetwork.HOLDOUT


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
