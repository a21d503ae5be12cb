"""Live scores of a run, and the conditions under which the job asks to fail."""

from __future__ import annotations

from lstmcast.config.conditions import parse_condition
from lstmcast.jobs.events import Event
from lstmcast.jobs.scoring import live
from lstmcast.jobs.setting import Run


def scored(run: Run) -> list[str]:
    """Say how good the forecasts were that came true lately; which conditions of the job are met, in words."""
    scores = live(run.ledger, now=run.now, window=run.job.ledger.window)
    if scores.outcomes:
        shares = zip(scores.levels, scores.coverage, strict=True)
        held = "".join(f", {share:.0%} inside the {level:g} % interval" for level, share in shares)
        text = f"live: MAE {scores.mae:.4g}, MASE {scores.mase:.3g}{held} ({scores.outcomes:,} outcomes)"
        run.note(Event("scores", text, fields=scores.to_dict()))
    named = scores.named()
    met = [condition for text in run.job.fail_if if (condition := parse_condition(text)).met(named)]
    return [
        f"fail_if: {one.text} ({one.name} is {named[one.name]:.4g} over {scores.outcomes:,} outcomes)" for one in met
    ]
