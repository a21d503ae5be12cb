"""The model that a job uses now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from lstmcast.config import Job
from lstmcast.errors import ModelError
from lstmcast.forecaster.saving import load
from lstmcast.forecaster.trained import Forecaster
from lstmcast.store.choosing import CURRENT, model_name, resolve, versions


@dataclass(frozen=True)
class Model:
    """A version, read and verified.

    Attributes:
        forecaster: the model. version: its folder.
    """

    forecaster: Forecaster
    version: Path

    @property
    def trained(self) -> datetime:
        """When."""
        return datetime.fromisoformat(self.forecaster.report["created"])


def folder_of(job: Job) -> Path:
    """Where the model of a job lies, or will lie: below its name, or that of its file."""
    return Path(job.store.models) / (job.store.name or model_name(job.input))


def current_model(folder: Path) -> Model | None:
    """The current version of a model's folder; None where none was ever trained.

    Raises:
        ModelError: it is damaged, or there are versions and none is current.
    """
    if not versions(folder) and not (folder / CURRENT).exists():
        return None
    try:
        version = resolve(folder.parent, folder.name)
    except ModelError as err:
        mend = f"lstmcast models rollback --models {folder.parent} --model {folder.name}"
        raise ModelError([*err.faults, f"or make a version current: {mend}"]) from err
    return Model(load(version), version)
