"""One run of a job: read, check, retrain when due, forecast, record, write. The same again does nothing twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from lstmcast.config import Job
from lstmcast.data.panel import Panel
from lstmcast.data.read import read
from lstmcast.data.records import ReadOptions
from lstmcast.errors import ConditionError, DataError, LstmcastError, ModelError
from lstmcast.forecast import output_suffix
from lstmcast.forecaster.reading import pinned
from lstmcast.forecaster.trained import fingerprint
from lstmcast.jobs.conditions import alarmed, scored
from lstmcast.jobs.events import Event, Note
from lstmcast.jobs.fallback import LSTM, NAIVE
from lstmcast.jobs.freshness import Breach, data_breaches, model_breaches
from lstmcast.jobs.issuing import in_place, issue, make
from lstmcast.jobs.key import config_digest, run_key
from lstmcast.jobs.model import Model, current_model
from lstmcast.jobs.retraining import changes, why_now
from lstmcast.jobs.setting import Run
from lstmcast.show import console
from lstmcast.store.artifact import model_lock, prepare
from lstmcast.store.choosing import model_name
from lstmcast.store.ledger import FILE, Ledger
from lstmcast.store.ledger_records import Entry

if TYPE_CHECKING:
    from lstmcast.forecaster.training import Tell


@dataclass(frozen=True)
class Outcome:
    """How a run ended.

    Attributes:
        run_key: names data, config, model and sources together.
        status: `done`, or `unchanged` where the same was done before.
        version: of the model; empty where none was used.
    """

    run_key: str
    status: str
    version: str


def run(
    job: Job, now: datetime, *, note: Note, tell: Tell = lambda _: None, force: bool = False, wait: float = 0.0
) -> Outcome:
    """Do what is due.

    Args:
        job: what is asked for.
        now: the time.
        note: told what happens.
        tell: told after every epoch of a training.
        force: do again what is done.
        wait: seconds to wait for another run of the same model.

    Raises:
        LstmcastError: of the kind that names the exit code; what was in place before still is.
        ConditionError: a condition or an alert of the job was met; everything is done and written.
    """
    output_suffix(job.forecast.output)
    folder = prepare(Path(job.store.models), job.store.name or model_name(job.input))
    with model_lock(folder, wait=wait), Ledger.open(folder / FILE) as ledger:
        return _locked(Run(job, now, folder, ledger, note, tell, force))


def _locked(run: Run) -> Outcome:
    model = current_model(run.folder)
    panel = _read(run, model)
    data = fingerprint(panel)
    breaches = data_breaches(panel, run.job.freshness, _context(panel, model), run.now)
    _announce(run, breaches, DataError)
    if _naive(breaches) != set(panel.keys):
        model = _retrained(run, panel, model, data)
    if model is not None:
        aged = model_breaches(model.trained, panel.keys, run.job.freshness, run.now)
        _announce(run, aged, ModelError)
        breaches += aged
    sources = tuple(NAIVE if key in _naive(breaches) else LSTM for key in panel.keys)
    version = model.version.name if model else ""
    key = run_key(data, config_digest(run.job), version, sources)
    done = run.ledger.done(key)
    if done and not run.force and in_place(run.job, done):
        run.note(Event("unchanged", f"{run.job.forecast.output}: nothing has changed since it was written"))
        return Outcome(key, "unchanged", version)
    forecast = make(run.job, panel, model, sources)
    found = issue(run, panel, forecast, Entry(key, run.now, version, config_digest(run.job), data), model)
    faults = [*alarmed(run, key, found), *scored(run)]
    if run.job.ledger.keep:
        run.ledger.prune(run.now - run.job.ledger.keep)
    if faults:
        raise ConditionError(faults)
    return Outcome(key, "done", version)


def _read(run: Run, model: Model | None) -> Panel:
    """The newest data, as training read them, unless the config has changed since."""
    pin = model is not None and not changes(run.job.config, model)
    options = pinned(model.forecaster) if model and pin else ReadOptions.of(run.job.data.model_dump())
    panel = read(run.job.input, options)
    new = run.ledger.observe(panel, run.now)
    run.note(
        Event("read", console.found(panel, run.now, reasons=not pin), fields={"values": len(panel.values), "new": new})
    )
    return panel


def _context(panel: Panel, model: Model | None) -> int:
    """The steps that the network reads; before there is one, all that there are."""
    return model.forecaster.runner.shape.context if model else int(panel.lengths.max())


def _announce(run: Run, breaches: Sequence[Breach], failure: type[LstmcastError]) -> None:
    """Say what is broken, and end where the job asks for it."""
    if fatal := [f"freshness.{breach.rule}: {breach.text}" for breach in breaches if breach.then == "fail"]:
        raise failure(fatal)
    for breach in breaches:
        does = "forecast by seasonal naive" if breach.then == "fallback" else "forecast all the same"
        fields = {"rule": breach.rule, "then": breach.then, "series": ["/".join(key) for key in breach.series]}
        run.note(Event("breach", f"freshness.{breach.rule}: {breach.text}: {does}", "warning", fields))


def _naive(breaches: Sequence[Breach]) -> set[tuple[str, ...]]:
    """The series that are not to be forecast by the model."""
    return {key for breach in breaches if breach.then == "fallback" for key in breach.series}


def _retrained(run: Run, panel: Panel, model: Model | None, data: str) -> Model | None:
    """The model, or a new one where that is due."""
    due = why_now(run.job, model, run.ledger, data, run.now)
    if due is None:
        return model
    from lstmcast.jobs.refitting import refit  # only now: it brings the network

    return refit(run, panel, model, due)
