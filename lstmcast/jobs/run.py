"""One run of a job, and its final report."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from lstmcast.clock import fixed_time
from lstmcast.config import AnyJob
from lstmcast.errors import BusyError, ConditionError, ConfigError, FileError, LstmcastError
from lstmcast.forecasting.seasonal_naive import SEASONAL_NAIVE
from lstmcast.jobs.alerts import AlertResult, fire_alerts, live_scores, report_scores
from lstmcast.jobs.context import LogEvent, Note, RunContext, folder_of
from lstmcast.jobs.inputs import RunInputs, completed, prepare_inputs
from lstmcast.jobs.prometheus import SUCCESS, Metric, last_success, of_alerts, of_scores, text
from lstmcast.jobs.publish import config_digest, output_format, output_is_current, publish, run_key
from lstmcast.persistence.artifact import model_lock, prepare
from lstmcast.persistence.files import is_same, write_atomically
from lstmcast.persistence.ledger.ledger import FILE, Ledger
from lstmcast.persistence.ledger.records import RunRecord
from lstmcast.persistence.maintenance import remove_leftovers

if TYPE_CHECKING:
    from lstmcast.evaluation.live_scores import AnyLiveScores
    from lstmcast.forecasting.fitting import ProgressCallback


@dataclass(frozen=True)
class RunResult:
    """The result of a run.

    Attributes:
        run_key: identifies data, config, version and the model of each series.
        status: `done`, or `unchanged` if the same run is already recorded.
        version: of the model; empty without one.
        faults: descriptions of alerts that fired and conditions that were met.
        metrics: for Prometheus.
    """

    run_key: str
    status: str
    version: str
    faults: tuple[str, ...] = ()
    metrics: tuple[Metric, ...] = ()


def run(
    job: AnyJob,
    now: datetime,
    *,
    note: Note,
    on_progress: ProgressCallback = lambda _: None,
    force: bool = False,
    wait: float = 0.0,
) -> RunResult:
    """Run a job: read, check, retrain if due, forecast, record.

    Args:
        job: the configuration.
        now: the time.
        note: receives the log events.
        on_progress: receives the progress of training after every epoch.
        force: repeat a run that is already recorded.
        wait: seconds to wait for another run of the same model.

    Raises:
        LstmcastError: the run failed; model and outputs are unchanged.
    """
    output_format(job)  # refused before any work
    _reject_output_equals_input(job)
    folder = folder_of(job)
    prepare(folder.parent, folder.name)
    with model_lock(folder, wait=wait), Ledger.open(folder / FILE) as ledger, fixed_time(now):
        remove_leftovers(folder)
        return _locked(RunContext(job, now, folder, ledger, note, on_progress, force))


def _reject_output_equals_input(job: AnyJob) -> None:
    """Refuse outputs that would replace the input."""
    outputs = {"forecast.output": job.forecast.output, "plot": job.plot, "metrics.textfile": job.metrics.textfile}
    lost = [key for key, path in outputs.items() if path and is_same(path, job.input)]
    if lost:
        raise ConfigError([f"{key}: is the input, {job.input}; choose another file" for key in lost])


def _locked(run: RunContext) -> RunResult:
    inputs, digest = prepare_inputs(run), config_digest(run.job)
    key = run_key(inputs.fingerprint, digest, inputs.version, inputs.model_names)
    done = run.ledger.find_run(key)
    if done and not run.force and output_is_current(run.job, done):
        run.note(LogEvent("unchanged", f"{run.job.forecast.output}: unchanged since it was written"))
        found = _recorded_alerts(done)
        samples = (*_age_metrics(run, inputs), *_score_metrics(live_scores(run)), *of_alerts(found))
        return RunResult(key, "unchanged", inputs.version, metrics=samples)
    found = publish(run, inputs, RunRecord(key, run.now, inputs.version, digest, inputs.fingerprint))
    scores, met = report_scores(run)
    faults = (*fire_alerts(run, key, found), *met)
    if run.job.ledger.retention:
        run.ledger.prune(run.now - run.job.ledger.retention)
    samples = (*_age_metrics(run, inputs), *_score_metrics(scores), *of_alerts(found))
    return RunResult(key, "done", inputs.version, faults, samples)


def _score_metrics(scores: AnyLiveScores | None) -> list[Metric]:
    """Return the live scores, if the job has any."""
    return [] if scores is None else of_scores(scores)


def _recorded_alerts(entry: RunRecord) -> list[AlertResult]:
    """Return the results of the alerts of a recorded run."""
    return [AlertResult(**alert) for alert in entry.details.get("alerts", [])]


def _age_metrics(run: RunContext, inputs: RunInputs) -> list[Metric]:
    """Return the ages of data and model, and the number of series forecast by the fallback."""
    samples = [Metric("fallback_series", inputs.model_names.count(SEASONAL_NAIVE))]
    if (ended := completed(inputs.panel)) is not None:
        samples.append(Metric("data_age_seconds", (run.now - ended).total_seconds()))
    if inputs.model:
        samples.append(Metric("model_age_seconds", (run.now - inputs.model.trained).total_seconds()))
    return samples


def run_and_report(
    job: AnyJob, now: datetime, *, note: Note, on_progress: ProgressCallback, force: bool, wait: float
) -> None:
    """Run a job, log a last event with status, exit code, run key and seconds, and write the metrics.

    Raises:
        LstmcastError: the run failed.
        ConditionError: an alert fired or a condition was met; the run is complete.
    """
    began = time.monotonic()
    try:
        outcome = run(job, now, note=note, on_progress=on_progress, force=force, wait=wait)
    except BaseException as err:
        seconds, code, status = time.monotonic() - began, *_end(err)
        if not isinstance(err, BusyError):  # the run that holds the lock writes the metrics
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
    """Return exit code and status of a run that raised this error."""
    if isinstance(err, LstmcastError):
        return err.exit_code, "failed"
    if isinstance(err, KeyboardInterrupt):
        return 130, "interrupted"
    return (int(err.code), "interrupted") if isinstance(err, SystemExit) and err.code else (1, "failed")


@contextmanager
def log_failure(note: Note) -> Iterator[None]:
    """Log an error raised in the block, before the run, as the last event."""
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


def _write_metrics(job: AnyJob, now: datetime, code: int, seconds: float, samples: Sequence[Metric]) -> None:
    """Write the metrics if the job has a file for them."""
    if job.metrics.textfile is None:
        return
    own = [
        Metric("run_exit_code", code),
        Metric("run_timestamp_seconds", now.timestamp()),
        Metric("run_duration_seconds", seconds),
    ]
    write_atomically(Path(job.metrics.textfile), text([*own, *samples], folder_of(job).name))


def _write_failure_metrics(job: AnyJob, now: datetime, note: Note, code: int, seconds: float) -> None:
    """Write the metrics of a failed run; only warn if they cannot be written."""
    try:
        _write_metrics(job, now, code, seconds, last_success(Path(job.metrics.textfile or "")))
    except FileError as err:
        note(LogEvent("metrics", str(err), "warning"))
