"""Context of a run: job, folder, clock, and the current model."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from lstmcast.config import Job
from lstmcast.data.panel import Panel
from lstmcast.errors import ConfigError, ModelError
from lstmcast.evaluation.splits import default_horizon
from lstmcast.forecasting.codec import load
from lstmcast.forecasting.forecaster import Forecaster
from lstmcast.jobs.events import Note
from lstmcast.persistence.ledger.ledger import Ledger
from lstmcast.persistence.registry import CURRENT, NAME, NAMING, model_name, resolve, versions

if TYPE_CHECKING:
    from lstmcast.forecasting.fitting import ProgressCallback


@dataclass(frozen=True)
class CurrentModel:
    """A version, read and verified.

    Attributes:
        forecaster: the model. version: its folder.
    """

    forecaster: Forecaster
    version: Path

    @property
    def trained(self) -> datetime:
        """When."""
        return datetime.fromisoformat(self.forecaster.report.created or "")


def folder_of(job: Job) -> Path:
    """Where the model of a job lies, or will lie: below its name, or that of its file.

    Raises:
        ConfigError: the name is not allowed.
    """
    name = job.store.name or model_name(job.input)
    if not NAME.fullmatch(name):
        raise ConfigError(f"store.name: {NAMING} (got {name[:120]!r})")
    return Path(job.store.models) / name


def horizon_of(job: Job, panel: Panel, model: CurrentModel | None) -> int:
    """Steps that the job forecasts: as it says, else as its model does, else as the data suggest."""
    if job.forecast.horizon != "auto":
        return job.forecast.horizon
    return model.forecaster.horizon if model else default_horizon(panel.lengths, panel.calendar.default_horizon)


def current_model(folder: Path) -> CurrentModel | None:
    """The current version of a model's folder; None where none was ever trained.

    Raises:
        ModelError: it is damaged, or there are versions and none is current.
    """
    if not versions(folder) and not (folder / CURRENT).exists():
        return None
    try:
        version = resolve(folder.parent, folder.name)
    except ModelError as err:
        hint = f"lstmcast models rollback --model-dir {folder.parent} --model {folder.name}"
        raise ModelError([*err.faults, f"or make a version current: {hint}"]) from err
    return CurrentModel(load(version), version)


@dataclass(frozen=True)
class RunContext:
    """A run that has begun.

    Attributes:
        job: what is asked for. now: the time, all along. folder: of the model. ledger: open.
        note: told what happens. on_progress: told after every epoch of a training.
        force: whether to do again what is done.
    """

    job: Job
    now: datetime
    folder: Path
    ledger: Ledger
    note: Note
    on_progress: ProgressCallback
    force: bool
