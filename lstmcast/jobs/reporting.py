"""How a run went, said at its end, however it ends."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from lstmcast.config import Job
from lstmcast.errors import BusyError, ConditionError, FileError, LstmcastError
from lstmcast.jobs.events import LogEvent, Note
from lstmcast.jobs.metrics import SUCCESS, Metric, last_success, text
from lstmcast.jobs.model import folder_of
from lstmcast.jobs.run import RunResult, run
from lstmcast.store.files import write_atomically

if TYPE_CHECKING:
    from lstmcast.forecaster.fits import ProgressCallback


def run_and_report(
    job: Job, now: datetime, *, note: Note, on_progress: ProgressCallback, force: bool, wait: float
) -> None:
    """Run a job (see `run`), with a last event that holds status, exit code, run key and seconds, and with metrics.

    Raises:
        LstmcastError: the run failed.
        ConditionError: an alert fired or a condition of the job was met; everything is done and written.
    """
    began = time.monotonic()
    try:
        outcome = run(job, now, note=note, on_progress=on_progress, force=force, wait=wait)
    except BaseException as err:
        seconds, code, status = time.monotonic() - began, *_end(err)
        if not isinstance(err, BusyError):  # the run that holds the lock tells its own figures
            _write_failure_metrics(job, now, note, code, seconds)
        fields = {"status": status, "exit_code": code, "seconds": round(seconds, 3)}
        note(LogEvent("finished", str(err) or status, "error", fields))
        raise
    seconds = time.monotonic() - began
    code = ConditionError.exit_code if outcome.faults else 0
    _write_metrics(job, now, code, seconds, [Metric(SUCCESS, now.timestamp()), *outcome.metrics])
    note(_finished(outcome, code, seconds))
    if outcome.faults:
        raise ConditionError(outcome.faults)


def _end(err: BaseException) -> tuple[int, str]:
    """Exit code and status of a run that ended with this."""
    if isinstance(err, LstmcastError):
        return err.exit_code, "failed"
    if isinstance(err, KeyboardInterrupt):
        return 130, "interrupted"
    return (int(err.code), "interrupted") if isinstance(err, SystemExit) and err.code else (1, "failed")


@contextmanager
def log_failure(note: Note) -> Iterator[None]:
    """A block that comes before the run: where it fails, that is the last event."""
    try:
        yield
    except LstmcastError as err:
        note(LogEvent("finished", str(err), "error", {"status": "failed", "exit_code": err.exit_code, "seconds": 0.0}))
        raise


def _finished(outcome: RunResult, code: int, seconds: float) -> LogEvent:
    words = f"{outcome.status} in {seconds:.1f} s" + ("; a condition was met" if outcome.faults else "")
    fields = {"status": outcome.status, "exit_code": code, "seconds": round(seconds, 3)}
    record = {**fields, "run_key": outcome.run_key, "version": outcome.version, "met": list(outcome.faults)}
    return LogEvent("finished", words, fields=record)


def _write_metrics(job: Job, now: datetime, code: int, seconds: float, samples: Sequence[Metric]) -> None:
    """Write the metrics, where the job wants them."""
    if job.metrics.textfile is None:
        return
    own = [
        Metric("run_exit_code", code),
        Metric("run_timestamp_seconds", now.timestamp()),
        Metric("run_duration_seconds", seconds),
    ]
    write_atomically(Path(job.metrics.textfile), text([*own, *samples], folder_of(job).name))


def _write_failure_metrics(job: Job, now: datetime, note: Note, code: int, seconds: float) -> None:
    """Write the metrics of a run that failed; that they cannot be written either is only said."""
    try:
        _write_metrics(job, now, code, seconds, last_success(Path(job.metrics.textfile or "")))
    except FileError as err:
        note(LogEvent("metrics", str(err), "warning"))
