"""What the manifest of a model of symbols tells a person; as `forecaster.report`."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

from lstmcast.classifier.category.judging import SymbolEvaluation
from lstmcast.classifier.category.plan import SymbolPlan
from lstmcast.data.panel import Panel
from lstmcast.evaluation.skill import finite
from lstmcast.forecaster import trained
from lstmcast.forecaster.report import library_versions

if TYPE_CHECKING:
    from lstmcast.config import Config


def report(
    panel: Panel,
    config: Config,
    plan: SymbolPlan,
    evaluation: SymbolEvaluation,
    *,
    epochs: tuple[int, ...],
    temperature: float,
) -> dict[str, Any]:
    """Plain JSON-able values; what is undefined is null."""
    return {
        "config": config.model_dump(mode="json"),
        "findings": [[f.name, f.value, f.reason] for f in (*panel.findings, *plan.findings)],
        "network": str(plan.architecture),
        "parameters": plan.architecture.parameters,
        "epochs": list(epochs),
        "temperature": temperature,
        "verdict": evaluation.verdict,
        "scores": {name: {k: finite(v) for k, v in row.items()} for name, row in evaluation.scores.items()},
        "scored_network": _scored_network(plan),
        "skill": evaluation.skill.to_dict(),
        "held_out": {
            "steps": len(evaluation.predictions.actual),
            "paths": evaluation.n_paths,
            "horizon": plan.holdout.horizon,
            "stop_steps": plan.holdout.validation_steps,
            "judge_steps": plan.holdout.test_steps,
        },
        "data": {
            "source": panel.source,
            "series": panel.n_series,
            "rows": len(panel.values),
            "first": panel.calendar.text(panel.starts[[0]])[0],
            "last": panel.calendar.text(panel.ends[[0]])[0],
            "fingerprint": fingerprint(panel),
        },
        "libraries": library_versions(),
    }


def fingerprint(panel: Panel) -> str:
    """sha256 over everything a forecast depends on: keys, times, codes, and what they stand for."""
    return sha256(repr((trained.fingerprint(panel), panel.symbols)).encode()).hexdigest()


def _scored_network(plan: SymbolPlan) -> str:
    """Which network the scores belong to."""
    if plan.refit:
        return "the network fitted without the held-out steps; the saved one learnt from all the data, as many epochs"
    return "the saved network, fitted without the held-out steps"
