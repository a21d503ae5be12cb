"""What the manifest tells a person of a forecaster of an event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lstmcast.classifier.event.judging import EventEvaluation
from lstmcast.classifier.event.plan import EventPlan
from lstmcast.data.panel import Panel
from lstmcast.evaluation.skill import finite
from lstmcast.forecaster.report import described, libraries, scored

if TYPE_CHECKING:
    from lstmcast.config import Config


def report(
    panel: Panel,
    config: Config,
    plan: EventPlan,
    judgement: EventEvaluation,
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
        "footing": str(plan.way),
        "epochs": list(epochs),
        "temperature": temperature,
        "scored_network": scored(values),
        "held_out": {
            "origins": judgement.origins,
            "horizon": held.horizon,
            "stop_steps": held.stop,
            "judge_steps": held.judge,
        },
        **told(judgement),
        "data": described(panel),
        "libraries": libraries(),
    }


def told(judgement: EventEvaluation) -> dict[str, Any]:
    """What a judgement says, as plain values."""
    found = judgement.reliability
    return {
        "verdict": judgement.verdict,
        "rate": finite(judgement.rate),
        "scores": {name: {key: finite(v) for key, v in row.items()} for name, row in judgement.scores.items()},
        "brier_by_step": {name: [finite(v) for v in row.tolist()] for name, row in judgement.by_step.items()},
        "skill": judgement.skill.to_dict(),
        "skills": {name: finite(value) for name, value in judgement.skills.items()},
        "reliability": {
            "said": found.said.tolist(),
            "came": found.came.tolist(),
            "counts": found.counts.tolist(),
        },
    }
