"""What the manifest tells a person: what was trained on what, how it was judged, and with which libraries."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import asdict, replace
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import numpy as np

from lstmcast.data.labeled_panel import LabeledPanel
from lstmcast.data.panel import Panel
from lstmcast.evaluation.skill import finite
from lstmcast.forecasting.evaluate import HoldoutEvaluation
from lstmcast.forecasting.pipeline import ForecastPipeline
from lstmcast.forecasting.planning import NetworkPlan, Selection, TrainingPlan
from lstmcast.types import Floats

if TYPE_CHECKING:
    from lstmcast.config import Config


LIBRARIES = ("lstmcast", "tensorflow", "keras", "numpy", "pandas", "safetensors")
KERNEL_NAMES = ("scipy_openblas_get_corename64_", "openblas_get_corename64_", "scipy_openblas_get_corename")
"""Functions of OpenBLAS as NumPy's wheels name them; each returns the name of the kernel in use."""


def report(
    panel: Panel,
    config: Config,
    plan: TrainingPlan,
    evaluation: HoldoutEvaluation,
    selection: Selection,
    pipeline: ForecastPipeline,
) -> dict[str, Any]:
    """Plain JSON-able values; what is undefined is null."""
    return {
        **common_report(panel, config, plan, selection.epochs),
        "footing": str(selection.variant),
        "smoothing_share": float(np.median(_smoothing_weights(pipeline, panel))),
        "smoothing_tried": pipeline.adaptive_weights,
        "pretrained": pipeline.partner.weight if pipeline.partner else 0.0,
        "verdict": evaluation.verdict,
        "scores": {name: {k: finite(v) for k, v in row.items()} for name, row in evaluation.scores.items()},
        "without_network": {k: finite(v) for k, v in evaluation.smoothing_scores.items()},
        "pretrained_alone": {k: finite(v) for k, v in (evaluation.pretrained_scores or {}).items()},
        "trained_alone": {k: finite(v) for k, v in (evaluation.trained_scores or {}).items()},
        "skill": evaluation.skill.to_dict(),
        "coverage": {
            f"{level:g}": finite(fraction) for level, fraction in zip(plan.levels, evaluation.coverage, strict=True)
        },
        "coverage_overlaps": evaluation.coverage_folds_overlap,
        "coverage_by_step": {
            f"{level:g}": [finite(fraction) for fraction in steps]
            for level, steps in zip(plan.levels, evaluation.coverage_by_step, strict=True)
        },
        "widths_trust": evaluation.calibration_weight,
        "held_out": {
            "origins": evaluation.origins,
            "horizon": plan.holdout.horizon,
            "stop_steps": plan.holdout.validation_steps,
            "judge_steps": plan.holdout.test_steps,
        },
        "mase_season": panel.calendar.mase_season,
    }


def common_report(
    data: Panel | LabeledPanel, config: Config, plan: NetworkPlan, epochs: Sequence[int], *, scores_saved: bool = False
) -> dict[str, Any]:
    """Return the part of a report that the tasks share, as JSON values.

    Args:
        data: the training data.
        config: the settings.
        plan: the decisions of the training run.
        epochs: of each network.
        scores_saved: whether the scores are those of the saved networks, though a refit was planned.
    """
    return {
        "config": config.model_dump(mode="json"),
        "inferred": [asdict(setting) for setting in (*data.inferred, *plan.inferred)],
        "network": str(plan.architecture),
        "parameters": plan.architecture.parameters,
        "epochs": list(epochs),
        "scored_network": describe_scored_network(replace(plan, refit=plan.refit and not scores_saved)),
        "data": describe_data(data),
        "libraries": library_versions(),
    }


def _smoothing_weights(pipeline: ForecastPipeline, panel: Panel) -> Floats:
    """[S] how much of each series' next forecast is exponential smoothing's."""
    if pipeline.adaptive_weights:
        return pipeline.bind(panel).smoothing_weights(np.arange(panel.n_series), panel.lengths - 1)
    return pipeline.smoothing_weight_of(panel.lengths)


def describe_data(data: Panel | LabeledPanel) -> dict[str, Any]:
    """Return source, size, time span of the first series and fingerprint."""
    text, first = data.calendar.text, data.starts[:1]
    return {
        "source": data.source,
        "series": data.n_series,
        "rows": len(data.values),
        "first": text(first)[0],
        "last": text(first + data.lengths[:1] - 1)[0],
        "fingerprint": data.fingerprint(),
    }


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


def describe_scored_network(plan: NetworkPlan) -> str:
    """Which network the scores belong to."""
    if plan.refit and plan.recipe.patience is None:
        return "the network fitted without the held-out steps; the saved one went on learning, with them"
    if plan.refit:
        return "the network fitted without the held-out steps; the saved one learnt from all the data, as many epochs"
    return "the saved network, fitted without the held-out steps"


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
