"""What the manifest tells a person of a forecaster of an event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lstmcast.classifier.event.judging import EventEvaluation
from lstmcast.classifier.event.plan import EventPlan
from lstmcast.data.panel import Panel
from lstmcast.evaluation.skill import finite
from lstmcast.forecaster.report import describe_data, describe_scored_network, library_versions

if TYPE_CHECKING:
    from lstmcast.config import Config


def report(
    panel: Panel,
    config: Config,
    plan: EventPlan,
    evaluation: EventEvaluation,
    epochs: tuple[int, ...],
    temperature: float,
) -> dict[str, Any]:
    """Plain JSON-able values; what is undefined is null."""
    held, values = plan.hold_out, plan.plan
    return {
        "config": config.model_dump(mode="json"),
        "findings": [[f.name, f.value, f.reason] for f in (*panel.findings, *values.findings)],
        "event": plan.rule.text,
        "network": str(values.architecture),
        "parameters": values.architecture.parameters,
        "footing": str(plan.variant),
        "epochs": list(epochs),
        "temperature": temperature,
        "scored_network": describe_scored_network(values),
        "held_out": {
            "origins": evaluation.origins,
            "horizon": held.horizon,
            "stop_steps": held.validation_steps,
            "judge_steps": held.test_steps,
        },
        **to_dict(evaluation),
        "data": describe_data(panel),
        "libraries": library_versions(),
    }


def to_dict(evaluation: EventEvaluation) -> dict[str, Any]:
    """What a judgement says, as plain values."""
    found = evaluation.reliability
    return {
        "verdict": evaluation.verdict,
        "rate": finite(evaluation.rate),
        "scores": {name: {key: finite(v) for key, v in row.items()} for name, row in evaluation.scores.items()},
        "brier_by_step": {name: [finite(v) for v in row.tolist()] for name, row in evaluation.by_step.items()},
        "skill": evaluation.skill.to_dict(),
        "skills": {name: finite(value) for name, value in evaluation.skills.items()},
        "reliability": {
            "said": found.predicted.tolist(),
            "came": found.observed.tolist(),
            "counts": found.counts.tolist(),
        },
    }
