"""When a new model is due."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lstmcast.config import Config, Job
from lstmcast.config.durations import span_words
from lstmcast.data.wording import truncate_items
from lstmcast.jobs.model import CurrentModel
from lstmcast.jobs.scoring import drifted
from lstmcast.store.ledger import Ledger

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
    if data == model.forecaster.report["data"]["fingerprint"]:
        return None
    last = max([model.trained, *(refit.made for refit in ledger.refits()[-1:])])  # also of one that was not taken
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
    before, now, defaults = model.forecaster.report["config"], _config_dict(config), _config_dict(Config())
    return list(
        _differing({**defaults, **{key: {**defaults.get(key, {}), **before.get(key, {})} for key in defaults}}, now)
    )


def _config_dict(config: Config) -> dict[str, Any]:
    return config.model_dump(mode="json", exclude=DIGEST_EXCLUDED)


def _differing(before: dict[str, Any], now: dict[str, Any]) -> Iterator[str]:
    for section, keys in now.items():
        yield from (f"{section}.{key}" for key, value in keys.items() if before[section][key] != value)
