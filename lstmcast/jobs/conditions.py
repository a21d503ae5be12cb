"""What a run found that the job asks to hear of: alerts that fired, and live scores that meet a condition."""

from __future__ import annotations

from collections.abc import Sequence

from lstmcast.config.conditions import Condition, parse_condition
from lstmcast.evaluation.live import LiveScores
from lstmcast.jobs.alerts import AlertResult, run_alert_command
from lstmcast.jobs.events import LogEvent
from lstmcast.jobs.scoring import live
from lstmcast.jobs.setting import RunContext


def fire_alerts(run: RunContext, run_key: str, found: Sequence[AlertResult]) -> list[str]:
    """Say which alerts fired, and run the command of the job for them; the same in words."""
    fired = [alert for alert in found if alert.fired]
    for alert in fired:
        run.note(LogEvent("alert", str(alert), "error", {"alert": alert.to_dict()}))
    if fired and run.job.on_alert:
        record = {"time": run.now.isoformat(), "model": run.folder.name, "output": run.job.forecast.output}
        alerts = [alert.to_dict() for alert in fired]
        if failure := run_alert_command(run.job.on_alert, {**record, "run_key": run_key, "alerts": alerts}):
            run.note(LogEvent("on_alert", failure, "warning"))
    return [str(alert) for alert in fired]


def report_scores(run: RunContext) -> tuple[LiveScores, list[str]]:
    """Say how good the forecasts were that came true lately; the scores, and which conditions are met, in words."""
    scores = live(run.ledger, now=run.now, window=run.job.ledger.window)
    if scores.n_actuals:
        coverage = zip(scores.levels, scores.coverage, strict=True)
        held = "".join(f", {fraction:.0%} inside the {level:g} % interval" for level, fraction in coverage)
        text = f"live: MAE {scores.mae:.4g}, MASE {scores.mase:.3g}{held} ({scores.n_actuals:,} outcomes)"
        run.note(LogEvent("scores", text, fields=scores.to_dict()))
    words = violated_conditions([parse_condition(text) for text in run.job.fail_if], scores)
    for text in words:
        run.note(LogEvent("condition", text, "error"))
    return scores, [f"fail_if: {text}" for text in words]


def violated_conditions(conditions: Sequence[Condition], scores: LiveScores) -> list[str]:
    """Which conditions the scores meet, in words."""
    named = scores.named()
    return [
        f"{condition.text} ({condition.name} is {named[condition.name]:.4g} over {scores.n_actuals:,} outcomes)"
        for condition in conditions
        if condition.met(named)
    ]
