"""What every step of a run knows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from lstmcast.config import Job
from lstmcast.jobs.events import Note
from lstmcast.store.ledger import Ledger

if TYPE_CHECKING:
    from lstmcast.forecaster.fits import ProgressCallback


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
