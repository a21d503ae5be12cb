"""One run of a job: read, check, retrain when due, forecast, record, write. The same again does nothing twice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePath
from typing import TYPE_CHECKING

from lstmcast.config import Job
from lstmcast.errors import ConfigError
from lstmcast.forecast import FORMATS
from lstmcast.jobs.alerts import AlertResult
from lstmcast.jobs.basis import RunInputs, prepare_inputs
from lstmcast.jobs.conditions import fire_alerts, report_scores
from lstmcast.jobs.events import LogEvent, Note
from lstmcast.jobs.fallback import NAIVE
from lstmcast.jobs.freshness import completed
from lstmcast.jobs.issuing import output_is_current, publish
from lstmcast.jobs.key import config_digest, run_key
from lstmcast.jobs.metrics import Metric, of_alerts, of_scores
from lstmcast.jobs.model import folder_of
from lstmcast.jobs.scoring import live
from lstmcast.jobs.setting import RunContext
from lstmcast.store.artifact import model_lock, prepare
from lstmcast.store.files import is_same
from lstmcast.store.ledger import FILE, Ledger
from lstmcast.store.ledger_records import RunRecord
from lstmcast.store.upkeep import remove_leftovers

if TYPE_CHECKING:
    from lstmcast.forecaster.fits import ProgressCallback


@dataclass(frozen=True)
class RunResult:
    """How a run ended.

    Attributes:
        run_key: names data, config, model and sources together.
        status: `done`, or `unchanged` where the same was done before.
        version: of the model; empty where none was used.
        faults: alerts that fired and conditions that were met, in words.
        metrics: figures for those who watch.
    """

    run_key: str
    status: str
    version: str
    faults: tuple[str, ...] = ()
    metrics: tuple[Metric, ...] = ()


def run(
    job: Job,
    now: datetime,
    *,
    note: Note,
    on_progress: ProgressCallback = lambda _: None,
    force: bool = False,
    wait: float = 0.0,
) -> RunResult:
    """Do what is due.

    Args:
        job: what is asked for.
        now: the time.
        note: told what happens.
        on_progress: told after every epoch of a training.
        force: do again what is done.
        wait: seconds to wait for another run of the same model.

    Raises:
        LstmcastError: of the kind that names the exit code; what was in place before still is.
    """
    _refuse_format(job.forecast.output)
    _reject_output_equals_input(job)
    folder = folder_of(job)
    prepare(folder.parent, folder.name)
    with model_lock(folder, wait=wait), Ledger.open(folder / FILE) as ledger:
        remove_leftovers(folder)
        return _locked(RunContext(job, now, folder, ledger, note, on_progress, force))


def _refuse_format(output: str) -> None:
    """Refuse what could not be written in the end, in the beginning."""
    if (suffix := PurePath(output).suffix.lower()) not in FORMATS:
        raise ConfigError(f"forecast.output: a forecast is written as {', '.join(FORMATS)} (got {suffix!r})")


def _reject_output_equals_input(job: Job) -> None:
    """Refuse outputs that would take the place of the data."""
    outputs = {"forecast.output": job.forecast.output, "plot": job.plot, "metrics.textfile": job.metrics.textfile}
    lost = [key for key, path in outputs.items() if path and is_same(path, job.input)]
    if lost:
        raise ConfigError([f"{key}: is the input, {job.input}, and would take its place: name another" for key in lost])


def _locked(run: RunContext) -> RunResult:
    inputs, digest = prepare_inputs(run), config_digest(run.job)
    key = run_key(inputs.data, digest, inputs.version, inputs.sources)
    done = run.ledger.find_run(key)
    if done and not run.force and output_is_current(run.job, done):
        run.note(LogEvent("unchanged", f"{run.job.forecast.output}: nothing has changed since it was written"))
        scores, found = live(run.ledger, now=run.now, window=run.job.ledger.window), _recorded_alerts(done)
        samples = (*_age_metrics(run, inputs), *of_scores(scores), *of_alerts(found))
        return RunResult(key, "unchanged", inputs.version, metrics=samples)
    found = publish(run, inputs, RunRecord(key, run.now, inputs.version, digest, inputs.data))
    scores, met = report_scores(run)
    faults = (*fire_alerts(run, key, found), *met)
    if run.job.ledger.keep:
        run.ledger.prune(run.now - run.job.ledger.keep)
    return RunResult(
        key, "done", inputs.version, faults, (*_age_metrics(run, inputs), *of_scores(scores), *of_alerts(found))
    )


def _recorded_alerts(entry: RunRecord) -> list[AlertResult]:
    """What became of the alerts of a recorded run."""
    return [AlertResult(**alert) for alert in entry.details.get("alerts", [])]


def _age_metrics(run: RunContext, inputs: RunInputs) -> list[Metric]:
    """How old data and model are, and how many series are forecast without it."""
    samples = [Metric("fallback_series", inputs.sources.count(NAIVE))]
    if (ended := completed(inputs.panel)) is not None:
        samples.append(Metric("data_age_seconds", (run.now - ended).total_seconds()))
    if inputs.model:
        samples.append(Metric("model_age_seconds", (run.now - inputs.model.trained).total_seconds()))
    return samples
