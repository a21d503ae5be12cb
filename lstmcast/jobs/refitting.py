"""A challenger is fitted, judged beside the incumbent, and takes its place only where it is not worse."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from lstmcast.data.panel import Panel
from lstmcast.errors import DataError, ModelError, UsageError
from lstmcast.forecaster.comparing import Comparison, compare
from lstmcast.forecaster.resuming import training_fingerprint
from lstmcast.forecaster.saving import save
from lstmcast.forecaster.trained import Forecaster
from lstmcast.forecaster.training import train
from lstmcast.jobs.events import LogEvent
from lstmcast.jobs.model import CurrentModel, current_model
from lstmcast.jobs.retraining import RetrainReason
from lstmcast.jobs.setting import RunContext
from lstmcast.store.checkpoint import checkpoint
from lstmcast.store.ledger_records import RetrainRecord


@dataclass(frozen=True)
class Decision:
    """Which of two models forecasts from now on.

    Attributes:
        accepted: whether it is the challenger.
        words: why, as a part of a sentence.
        figures: of both, as JSON can say them.
    """

    accepted: bool
    words: str
    figures: dict[str, Any]


def refit(run: RunContext, panel: Panel, incumbent: CurrentModel | None, reason: RetrainReason) -> CurrentModel | None:
    """Fit a challenger; the model that forecasts from now on.

    Where it cannot be fitted, the incumbent stays, and that is said.

    Raises:
        LstmcastError: it cannot be fitted, and there is no incumbent.
    """
    start = incumbent.forecaster if incumbent and run.job.retrain.start == "warm" else None
    networks = [*start.holdout_pipeline.networks, *start.pipeline.networks] if start else []
    try:
        with checkpoint(run.folder, training_fingerprint(panel, run.job.config, networks)) as kept:
            if kept.resumed:
                run.note(LogEvent("resumed", "going on where the same training was interrupted"))
            challenger = train(panel, run.job.config, checkpoint=kept, on_progress=run.on_progress, start=start)
            decision = decide(challenger, incumbent, panel, reason)
            version = _published(run, challenger, reason, decision) if decision.accepted else ""
    except (DataError, ModelError, UsageError) as err:
        if incumbent is None:
            raise
        decision, version = Decision(False, f"it could not be fitted: {err}", {}), ""
    _keep(run, version, incumbent, reason, decision)
    return current_model(run.folder) if decision.accepted else incumbent


def decide(challenger: Forecaster, incumbent: CurrentModel | None, panel: Panel, reason: RetrainReason) -> Decision:
    """Whether the challenger takes the incumbent's place: where there is none, the config asks, or it is not worse."""
    if incumbent is None:
        return Decision(True, "the first model", {})
    found = compare(challenger, incumbent.forecaster, panel)
    words = _compared(found)
    return Decision(reason.skip_comparison or found.not_worse, words, found.to_dict())


def _published(run: RunContext, challenger: Forecaster, reason: RetrainReason, decision: Decision) -> str:
    """Save the challenger, with why it was taken, and make it the current version; its name."""
    known = {"reason": reason.reason, "decision": decision.words, **decision.figures}
    challenger = replace(challenger, report={**challenger.report, "refit": known})
    folder, keep = run.folder, run.job.store.keep
    return save(challenger, folder.parent, folder.name, data=run.job.input, now=run.now, keep=keep).name


def _compared(found: Comparison) -> str:
    """The figures in words."""
    if not found.origins:
        return "there is no step that both know nothing of"
    over = f"over {found.origins:,} held-out origin{'' if found.origins == 1 else 's'}"
    return f"its error is {found.challenger:.4g} usual steps {over}, the old one's {found.incumbent:.4g}"


def _keep(
    run: RunContext, version: str, incumbent: CurrentModel | None, retrain_reason: RetrainReason, decision: Decision
) -> None:
    """Record the decision, and say it."""
    before = incumbent.version.name if incumbent else ""
    reason = f"{retrain_reason.reason}; {decision.words}"
    run.ledger.record_retrain(RetrainRecord(run.now, version, before, decision.accepted, reason, decision.figures))
    fields = {"reason": retrain_reason.reason, "accepted": decision.accepted, "version": version, "incumbent": before}
    if decision.accepted:
        text = f"trained {run.folder / version}, because {retrain_reason.reason}: {decision.words}"
    else:
        text = f"trained, because {retrain_reason.reason}, but {run.folder / before} stays: {decision.words}"
    run.note(LogEvent("trained", text, fields={**fields, **decision.figures}))
