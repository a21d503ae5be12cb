"""How a run went, said at its end, however it ends."""

from __future__ import annotations

import time
from datetime import datetime
from typing import TYPE_CHECKING

from lstmcast.config import Job
from lstmcast.errors import ConditionError, LstmcastError
from lstmcast.jobs.events import Event, Note
from lstmcast.jobs.run import run

if TYPE_CHECKING:
    from lstmcast.forecaster.training import Tell


def reported(job: Job, now: datetime, *, note: Note, tell: Tell, force: bool, wait: float) -> None:
    """Run a job (see `run`), with a last event that holds status, exit code, run key and seconds."""
    began = time.monotonic()

    def seconds() -> float:
        return round(time.monotonic() - began, 3)

    try:
        outcome = run(job, now, note=note, tell=tell, force=force, wait=wait)
    except LstmcastError as err:
        status = "condition" if isinstance(err, ConditionError) else "failed"
        fields = {"status": status, "exit_code": err.exit_code, "seconds": seconds(), "faults": list(err.faults)}
        note(Event("finished", str(err), "error", fields))
        raise
    fields = {"status": outcome.status, "exit_code": 0, "seconds": seconds(), "run_key": outcome.run_key}
    note(Event("finished", f"{outcome.status} in {seconds():.1f} s", fields=fields))
