"""Retraining: the reason, the fit of a challenger, and its comparison with the incumbent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from lstmcast import app
from lstmcast.config import AnyJob, Config, Job
from lstmcast.config.expressions import span_words
from lstmcast.data.panel import Panel
from lstmcast.errors import DataError, ModelError, UsageError
from lstmcast.forecasting.fitting import training_fingerprint
from lstmcast.forecasting.model_comparison import Comparison
from lstmcast.jobs.context import CurrentModel, LogEvent, RunContext, current_model
from lstmcast.jobs.live_scores import detect_drift
from lstmcast.persistence.checkpoint import checkpoint
from lstmcast.persistence.ledger.ledger import Ledger
from lstmcast.persistence.ledger.records import RetrainRecord
from lstmcast.results import RetrainInfo
from lstmcast.tasks.registry import AnyTask, get_task
from lstmcast.text import pluralize, truncate_items

DIGEST_EXCLUDED: Mapping[str, bool | set[str]] = {"store": True, "forecast": {"output"}, "covariates": {"future"}}
"""Keys of a config that do not change the model."""


@dataclass(frozen=True)
class RetrainReason:
    """A reason to fit a new model.

    Attributes:
        reason: completes "trained, because …".
        skip_comparison: publish without comparing to the incumbent (there is none, or the config changed).
    """

    reason: str
    skip_comparison: bool = False


def retrain_reason(
    job: AnyJob, model: CurrentModel | None, ledger: Ledger, fingerprint: str, now: datetime
) -> RetrainReason | None:
    """Return the reason to retrain; None if retraining is not due.

    Args:
        job: the job.
        model: the current model; None: there is none yet.
        ledger: the ledger, with the newest data recorded.
        fingerprint: of the newest data.
        now: the time.
    """
    if model is None:
        return RetrainReason("there is no model yet", skip_comparison=True)
    if changed := changed_keys(job.config, model):
        return RetrainReason(f"the config has changed ({truncate_items(changed, len(changed))})", skip_comparison=True)
    if fingerprint == model.forecaster.report.data.fingerprint:
        return None
    last = max([model.trained, *(retrain.created_at for retrain in ledger.retrains()[-1:])])  # accepted or not
    if job.retrain.every is not None and now - last >= job.retrain.every:
        return RetrainReason(f"the last fit was {span_words(now - last)} ago")
    return _drift_reason(ledger, model, last) if isinstance(job, Job) and job.retrain.on_drift else None


def _drift_reason(ledger: Ledger, model: CurrentModel, last: datetime) -> RetrainReason | None:
    """Return the reason if errors have grown since the last fit."""
    drift = detect_drift(ledger, model.version.name, model.forecaster, since=last)
    if not drift.found:
        return None
    return RetrainReason(
        f"errors have grown to {drift.ratio:.1f} times those of calibration (false alarms: at most one in "
        f"{1 / drift.false_alarm_rate:.0f} models)"
    )


def changed_keys(config: Config, model: CurrentModel) -> list[str]:
    """Return the keys in which a config differs from that of a model; a key missing there has its default."""
    default = type(config).model_validate({"model": {"task": config.model.task}})
    before, now, defaults = vars(model.forecaster.report.config), _config_dict(config), _config_dict(default)
    known = {section: {**keys, **(before[section] or {})} for section, keys in defaults.items()}
    return list(_differing(known, now))


def _config_dict(config: Config) -> dict[str, Any]:
    return config.model_dump(mode="json", exclude=DIGEST_EXCLUDED)


def _differing(before: dict[str, Any], now: dict[str, Any]) -> Iterator[str]:
    for section, keys in now.items():
        yield from (f"{section}.{key}" for key, value in keys.items() if before[section][key] != value)


@dataclass(frozen=True)
class Decision:
    """The choice between a challenger and the incumbent.

    Attributes:
        accepted: whether the challenger becomes the current model.
        text: the reason, as a part of a sentence.
        scores: of both models, as JSON values.
    """

    accepted: bool
    text: str
    scores: dict[str, Any]


def refit(run: RunContext, panel: Panel, incumbent: CurrentModel | None, reason: RetrainReason) -> CurrentModel | None:
    """Fit a challenger and return the model to use: the challenger if it is accepted, else the incumbent.

    Where the fit fails, the incumbent stays, and the failure is recorded.

    Raises:
        LstmcastError: the fit fails and there is no incumbent.
    """
    task = get_task(run.job.model.task)
    warm = isinstance(run.job, Job) and run.job.retrain.init == "warm" and incumbent and incumbent.of_values
    start = incumbent.forecaster if incumbent and warm else None
    networks = [*start.holdout_ensemble.lstm.networks, *start.ensemble.lstm.networks] if start else []
    try:
        with checkpoint(run.folder, training_fingerprint(panel, run.job.config, networks)) as kept:
            if kept.resumed:
                run.note(LogEvent("resumed", "resuming the same training where it was interrupted"))
            challenger = task.train(
                panel, run.job.config, checkpoint=kept, on_progress=run.on_progress, note=lambda _: None, start=start
            )
            decision = decide(task, challenger, incumbent, panel, reason)
            version = _publish(run, challenger, reason, decision) if decision.accepted else ""
    except (DataError, ModelError, UsageError) as err:
        if incumbent is None:
            raise
        decision, version = Decision(False, f"the fit failed: {err}", {}), ""
    _record(run, version, incumbent, reason, decision)
    return current_model(run.folder) if decision.accepted else incumbent


def decide(
    task: AnyTask, challenger: Any, incumbent: CurrentModel | None, panel: Panel, reason: RetrainReason
) -> Decision:
    """Accept the challenger if there is no incumbent, the reason skips the comparison, or it is not worse.

    A model of another task cannot be compared: it was replaced, as the config has changed.
    """
    if incumbent is None:
        return Decision(True, "the first model", {})
    if incumbent.task.name != task.name:
        return Decision(True, f"the model before is of model.task: {incumbent.task.name}", {})
    comparison = task.compare(challenger, incumbent.forecaster, panel)
    accepted = reason.skip_comparison or comparison.not_worse
    return Decision(accepted, _format_comparison(comparison), comparison.to_dict())


def _publish(run: RunContext, challenger: Any, reason: RetrainReason, decision: Decision) -> str:
    """Save the challenger as the current version, and return the version's name."""
    retrain = RetrainInfo(reason.reason, decision.text, decision.scores)
    challenger = replace(challenger, report=replace(challenger.report, retrain=retrain))
    task, keep = get_task(run.job.model.task), run.job.store.keep_versions
    return app.publish(task, challenger, run.folder, data=run.job.input, now=run.now, keep=keep).name


def _format_comparison(comparison: Comparison) -> str:
    if not comparison.origins:
        return "no step is unseen by both models"
    origins = pluralize(comparison.origins, "held-out origin")
    unit = f" {comparison.unit}" if comparison.unit else ""
    errors = f"{comparison.challenger:.4g}{unit}, against {comparison.incumbent:.4g} of the incumbent"
    return f"its error is {errors}, over {origins}"


def _record(
    run: RunContext, version: str, incumbent: CurrentModel | None, reason: RetrainReason, decision: Decision
) -> None:
    """Store the decision in the ledger, and log it."""
    before, because = incumbent.version.name if incumbent else "", reason.reason
    text = f"{because}; {decision.text}"
    run.ledger.record_retrain(RetrainRecord(run.now, version, before, decision.accepted, text, decision.scores))
    fields = {"reason": because, "accepted": decision.accepted, "version": version, "incumbent": before}
    if decision.accepted:
        message = f"trained {run.folder / version}, because {because}: {decision.text}"
    else:
        message = f"trained, because {because}, but {run.folder / before} stays: {decision.text}"
    run.note(LogEvent("trained", message, fields={**fields, **decision.scores}))
