"""What the manifest tells a person of a labeller, and what tells data apart."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np

from lstmcast.classifier.label.judging import LabelEvaluation
from lstmcast.classifier.label.plan import LabelPlan
from lstmcast.data.labelled import LabeledPanel
from lstmcast.evaluation.labels import confusion
from lstmcast.evaluation.skill import finite
from lstmcast.forecaster.report import library_versions

if TYPE_CHECKING:
    from lstmcast.config import Config


def report(
    data: LabeledPanel,
    config: Config,
    plan: LabelPlan,
    evaluation: LabelEvaluation,
    epochs: tuple[int, ...],
    *,
    temperature: float,
    refit_rejected: bool,
) -> dict[str, Any]:
    """Plain JSON-able values; what is undefined is null.

    Args:
        data: all series.
        config: as it was asked for.
        plan: as it was decided.
        evaluation: of the held-out series.
        epochs: of each network.
        temperature: of the softmax.
        refit_rejected: whether the network that was judged is saved, though it was fitted again.
    """
    scores = evaluation.scores()
    return {
        "config": config.model_dump(mode="json"),
        "findings": [[f.name, f.value, f.reason] for f in (*data.findings, *plan.findings)],
        "network": str(plan.architecture),
        "parameters": plan.architecture.parameters,
        "epochs": list(epochs),
        "temperature": temperature,
        "classes": list(plan.classes),
        "verdict": evaluation.verdict(),
        "scores": {name: {k: finite(v) for k, v in row.items()} for name, row in scores.items()},
        "confusion": confusion(evaluation.actual, evaluation.predicted, len(plan.classes)).tolist(),
        "scored_network": _scored_network(plan, refit_rejected=refit_rejected),
        "skill": evaluation.skill().to_dict(),
        "held_out": {"stop_series": len(plan.split.validation), "judge_series": len(plan.split.test)},
        "data": {
            "source": data.source,
            "series": data.n_series,
            "rows": len(data.values),
            "fingerprint": fingerprint(data),
        },
        "libraries": library_versions(),
    }


def fingerprint(data: LabeledPanel) -> str:
    """sha256 over everything a labeller depends on: keys, steps, features, labels."""
    named = (data.time, data.key_columns, data.features, data.label, data.calendar.to_dict(), data.keys, data.labels)
    digest = hashlib.sha256(repr(named).encode())
    for array in (data.offsets, data.starts, data.values, data.observed):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _scored_network(plan: LabelPlan, *, refit_rejected: bool) -> str:
    """Which network the scores belong to."""
    fitted = "fitted without the held-out series"
    if plan.refit and refit_rejected:
        return f"the saved network, {fitted}: fitted again on all of them it strayed, and was worse even on these"
    if plan.refit:
        return f"the network {fitted}; the saved one learnt from all of them, as many epochs"
    return f"the saved network, {fitted}"
