"""What a run found that the job asks to hear of: alerts that fired, and live scores that meet a condition."""

from __future__ import annotations

from collections.abc import Sequence

from lstmcast.config.conditions import Condition, parse_condition
from lstmcast.evaluation.live import LiveScores
from lstmcast.jobs.alerts import AlertResult, tell
from lstmcast.jobs.events import LogEvent
from lstmcast.jobs.scoring import live
from lstmcast.jobs.setting import RunContext


def alarmed(run: RunContext, run_key: str, found: Sequence[AlertResult]) -> list[str]:
    """Say which alerts fired, and run the command of the job for them; the same in words."""
    fired = [alert for alert in found if alert.fired]
    for alert in fired:
        run.note(LogEvent("alert", str(alert), "error", {"alert": alert.to_dict()}))
    if fired and run.job.on_alert:
        told = {"time": run.now.isoformat(), "model": run.folder.name, "output": run.job.forecast.output}
        alerts = [alert.to_dict() for alert in fired]
        if failure := tell(run.job.on_alert, {**told, "run_key": run_key, "alerts": alerts}):
            run.note(LogEvent("on_alert", failure, "warning"))
    return [str(alert) for alert in fired]


def scored(run: RunContext) -> tuple[LiveScores, list[str]]:
    """Say how good the forecasts were that came true lately; the scores, and which conditions are met, in words."""
    scores = live(run.ledger, now=run.now, window=run.job.ledger.window)
    if scores.outcomes:
        shares = zip(scores.levels, scores.coverage, strict=True)
        held = "".join(f", {share:.0%} inside the {level:g} % interval" for level, share in shares)
        text = f"live: MAE {scores.mae:.4g}, MASE {scores.mase:.3g}{held} ({scores.outcomes:,} outcomes)"
        run.note(LogEvent("scores", text, fields=scores.to_dict()))
    words = met([parse_condition(text) for text in run.job.fail_if], scores)
    for text in words:
        run.note(LogEvent("condition", text, "error"))
    return scores, [f"fail_if: {text}" for text in words]


def met(conditions: Sequence[Condition], scores: LiveScores) -> list[str]:
    """Which conditions the scores meet, in words."""
    named = scores.named()
    return [
        f"{one.text} ({one.name} is {named[one.name]:.4g} over {scores.outcomes:,} outcomes)"
        for one in conditions
        if one.met(named)
    ]
