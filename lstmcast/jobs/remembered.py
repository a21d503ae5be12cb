"""Which ledger a user means, and its runs."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from lstmcast.config import Job
from lstmcast.errors import ModelError
from lstmcast.jobs.model import current_model, folder_of
from lstmcast.jobs.reading import read_newest
from lstmcast.store.artifact import model_lock
from lstmcast.store.choosing import find_model_folder
from lstmcast.store.files import translate_os_errors
from lstmcast.store.ledger import FILE, Ledger
from lstmcast.store.ledger_records import RunRecord


def ledger_folder(job: Job | None, models: str | None, model: str | None) -> Path:
    """The folder of a model with a ledger: that of a job, else the one named, else the only one.

    Raises:
        ModelError: none or several fit.
    """
    if job is not None:
        return folder_of(job)
    root = Path(models or "models")
    if model is not None:
        return find_model_folder(root, model)
    with translate_os_errors("read", root):
        found = sorted(path.parent for path in root.glob(f"*/{FILE}"))
    if not found:
        raise ModelError(f"{root}: no ledger is there yet; the first `lstmcast run` begins one")
    if len(found) > 1:
        names = ", ".join(folder.name for folder in found)
        raise ModelError(f"{root}: several models have a ledger; choose one with --model (there are: {names})")
    return found[0]


def ingest_new_data(job: Job, folder: Path, now: datetime, wait: float) -> None:
    """Let the ledger see the newest data of a job, so that they judge its forecasts.

    Raises:
        BusyError: a run is under way, and was so for `wait` seconds.
        ModelError: there is no ledger yet.
    """
    Ledger.open(folder / FILE, create=False).close()
    with model_lock(folder, wait=wait), Ledger.open(folder / FILE) as ledger:
        ledger.observe(read_newest(job, current_model(folder)), now)


def last_two_runs(ledger: Ledger, against: datetime | None) -> tuple[RunRecord, RunRecord]:
    """The newest run, after the one it is held against: the newest made up to a time, else the one before.

    Raises:
        ModelError: there are no two.
    """
    newest = last_entry(ledger)
    earlier = [entry for entry in ledger.entries(until=against) if entry.number < newest.number]
    if not earlier:
        raise ModelError(f"{ledger.path}: no earlier run to hold the newest one against has been recorded")
    return earlier[-1], newest


def last_entry(ledger: Ledger, until: datetime | None = None) -> RunRecord:
    """The newest run, or the newest made up to a time.

    Raises:
        ModelError: there is none.
    """
    entries = ledger.entries(until=until)
    if entries:
        return entries[-1]
    first = ledger.entries()[:1]
    begins = f"; the first was made at {first[0].made:%Y-%m-%dT%H:%M:%SZ}" if first else ""
    up_to = f" up to {until:%Y-%m-%dT%H:%M:%SZ}" if until else ""
    raise ModelError(f"{ledger.path}: no run{up_to} has been recorded{begins}")
