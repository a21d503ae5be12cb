"""Retraining: when it is due, the challenger's fit, and the comparison with the incumbent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from lstmcast.config import Config, Job
from lstmcast.config.expressions import span_words
from lstmcast.data.panel import Panel
from lstmcast.errors import DataError, ModelError, UsageError
from lstmcast.forecasting.codec import save
from lstmcast.forecasting.fitting import training_fingerprint
from lstmcast.forecasting.forecaster import Forecaster
from lstmcast.forecasting.model_comparison import Comparison, compare
from lstmcast.jobs.context import CurrentModel, RunContext, current_model
from lstmcast.jobs.events import LogEvent
from lstmcast.jobs.live_scores import drifted
from lstmcast.persistence.checkpoint import checkpoint
from lstmcast.persistence.ledger.ledger import Ledger
from lstmcast.persistence.ledger.records import RetrainRecord
from lstmcast.results import RetrainInfo
from lstmcast.tasks.value.train import train
from lstmcast.text import truncate_items

DIGEST_EXCLUDED: Mapping[str, bool | set[str]] = {"store": True, "forecast": {"output"}}
"""What of a config does not make another model."""


@dataclass(frozen=True)
class RetrainReason:
    """A reason to fit a new model.

    Attributes:
        reason: as a part of a sentence.
        skip_comparison: whether the new model is taken without asking whether it is worse: nobody wants the old one any
            more.
    """

    reason: str
    skip_comparison: bool = False


def retrain_reason(
    job: Job, model: CurrentModel | None, ledger: Ledger, data: str, now: datetime
) -> RetrainReason | None:
    """Why a new model is due; None: it is not.

    Args:
        job: the job.
        model: in use; None: there is none yet.
        ledger: with the newest data observed.
        data: the fingerprint of the newest data.
        now: the time.
    """
    if model is None:
        return RetrainReason("there is no model yet", skip_comparison=True)
    if changed := changed_keys(job.config, model):
        return RetrainReason(f"the config has changed ({truncate_items(changed, len(changed))})", skip_comparison=True)
    if data == model.forecaster.report.data.fingerprint:
        return None
    last = max(
        [model.trained, *(refit.created_at for refit in ledger.retrains()[-1:])]
    )  # also of one that was not taken
    if job.retrain.every is not None and now - last >= job.retrain.every:
        return RetrainReason(f"the last fit was {span_words(now - last)} ago")
    return _drifted(ledger, model, last) if job.retrain.on_drift else None


def _drifted(ledger: Ledger, model: CurrentModel, last: datetime) -> RetrainReason | None:
    """Whether the errors have grown since the last fit."""
    found = drifted(ledger, model.version.name, model.forecaster, since=last)
    if not found.found:
        return None
    return RetrainReason(
        f"errors have grown to {found.ratio:.1f} times those of calibration (a test that is wrong once in "
        f"{1 / found.false_alarm_rate:.0f} models)"
    )


def changed_keys(config: Config, model: CurrentModel) -> list[str]:
    """The keys in which a config differs from that of a model; one that the model does not know had its default."""
    before, now, defaults = model.forecaster.report.config, _config_dict(config), _config_dict(Config())
    return list(
        _differing({**defaults, **{key: {**defaults.get(key, {}), **before.get(key, {})} for key in defaults}}, now)
    )


def _config_dict(config: Config) -> dict[str, Any]:
    return config.model_dump(mode="json", exclude=DIGEST_EXCLUDED)


def _differing(before: dict[str, Any], now: dict[str, Any]) -> Iterator[str]:
    for section, keys in now.items():
        yield from (f"{section}.{key}" for key, value in keys.items() if before[section][key] != value)


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
    start = incumbent.forecaster if incumbent and run.job.retrain.init == "warm" else None
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
    retrain = RetrainInfo(reason.reason, decision.words, decision.figures)
    challenger = replace(challenger, report=replace(challenger.report, retrain=retrain))
    folder, keep = run.folder, run.job.store.keep_versions
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
