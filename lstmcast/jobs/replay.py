"""Replay of a recorded forecast, and lookup of runs in a ledger."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from lstmcast.clock import fixed_time
from lstmcast.config import JOB_TYPES, AnyJob, ScoredJob
from lstmcast.data.panel import Panel
from lstmcast.errors import Fault, FaultCode, ModelError, UsageError
from lstmcast.forecasting.seasonal_naive import LSTMCAST, seasonal_naive_forecast
from lstmcast.forecasts import Forecast, output_suffix
from lstmcast.jobs.context import AnyForecast, CurrentModel, current_model, folder_of, name_models
from lstmcast.jobs.inputs import read_newest
from lstmcast.jobs.publish import apply_interval_factors
from lstmcast.persistence.artifact import model_lock
from lstmcast.persistence.files import translate_os_errors
from lstmcast.persistence.ledger.ledger import FILE, Ledger
from lstmcast.persistence.ledger.records import RecordedForecast, RunRecord
from lstmcast.persistence.registry import find_model_folder
from lstmcast.tasks.category.model import SymbolForecast
from lstmcast.tasks.registry import get_task


@dataclass(frozen=True)
class ReplayResult:
    """A reproduced forecast.

    Attributes:
        content: the bytes of its file.
        method: description of the method.
        recomputed: whether the model ran again; otherwise the recorded numbers were written.
    """

    content: bytes
    method: str
    recomputed: bool


def replay(ledger: Ledger, folder: Path, entry: RunRecord) -> ReplayResult:
    """Reproduce the file of a recorded run.

    Args:
        ledger: the open ledger.
        folder: of the model, with its versions.
        entry: the run.

    Raises:
        ModelError: the bytes differ from those written then.
    """
    recorded = ledger.recorded_forecast(entry.number)
    suffix = output_suffix(entry.output or "-", get_task(entry.task).formats)
    why = f"version {entry.version} is gone"
    if not entry.version or (folder / entry.version).is_dir():
        made = recompute(ledger.panel_of(entry), load_recorded(folder, entry), recorded)
        content = apply_interval_factors(made, recorded.factors).render(suffix)
        if sha256(content).hexdigest() == entry.output_digest:
            by = f"version {entry.version}" if entry.version else "the seasonal naive rule"
            return ReplayResult(content, f"recomputed by {by} from the data of that time", recomputed=True)
        why = "recomputing gives other bytes (another machine or other libraries?)"
    content = apply_interval_factors(forecast_from_ledger(ledger, entry, recorded), recorded.factors).render(suffix)
    if sha256(content).hexdigest() != entry.output_digest:
        when = f"{entry.created_at:%Y-%m-%dT%H:%M:%SZ}"
        raise ModelError(
            f"{ledger.path}: the file of {when} cannot be reproduced; was it written by another version of lstmcast?"
        )
    return ReplayResult(content, f"from the recorded numbers: {why}", recomputed=False)


def load_recorded(folder: Path, run: RunRecord) -> CurrentModel | None:
    """Load the version that a run used; None if it used none."""
    return CurrentModel.load(folder / run.version) if run.version else None


def recompute(panel: Panel, model: CurrentModel | None, recorded: RecordedForecast) -> AnyForecast:
    """Return the forecast of a version from given data, with its own bounds, for the horizon and models of a record.

    Raises:
        DataError: the data do not fit the version.
        ModelError: the forecast diverges.
    """
    horizon = recorded.values.shape[1]
    if model is not None and LSTMCAST in recorded.model_names:
        return name_models(panel, model.predict(panel, horizon), recorded.model_names)
    return name_models(panel, seasonal_naive_forecast(panel, horizon, recorded.levels), recorded.model_names)


def forecast_from_ledger(ledger: Ledger, entry: RunRecord, recorded: RecordedForecast) -> AnyForecast:
    """Return the recorded forecast of a run, with the bounds of the model."""
    info = ledger.panel_info(entry)
    if info is None:
        raise ModelError(f"{ledger.path}: the data of run {entry.number} are missing")
    keys = dict(zip(info.series.tolist(), info.keys, strict=True))
    index: dict[str, Any] = {
        "calendar": info.calendar,
        "time": info.columns.time or "step",
        "key_columns": info.columns.keys,
        "keys": tuple(keys[number] for number in recorded.series.tolist()),
        "origins": recorded.origins,
    }
    if info.symbols:
        return SymbolForecast(
            **index,
            codes=recorded.values.astype(np.int64),
            symbols=ledger.symbols,
            probabilities=recorded.probabilities,
            separator=entry.details["separator"],
            model_names=recorded.model_names,
        )
    return Forecast(
        **index,
        values=recorded.values,
        levels=recorded.levels,
        lower=recorded.lower,
        upper=recorded.upper,
        model_names=recorded.model_names,
        name=entry.details.get("column", Forecast.name),
    )


def ledger_folder(job: AnyJob | None, models: str | None, model: str | None) -> Path:
    """Return the folder of a model with a ledger: that of a job, else the named one, else the only one.

    Raises:
        ModelError: none or several match.
    """
    if job is not None:
        return folder_of(job)
    root = Path(models or "models")
    if model is not None:
        return find_model_folder(root, model)
    with translate_os_errors("read", root):
        found = sorted(path.parent for path in root.glob(f"*/{FILE}"))
    if not found:
        text = f"{root}: there is no ledger yet; the first `lstmcast run` creates it"
        raise ModelError(Fault(text, FaultCode.NO_LEDGER))
    if len(found) > 1:
        names = ", ".join(folder.name for folder in found)
        text = f"{root}: several models have a ledger; choose one with --model (there are: {names})"
        raise ModelError(Fault(text, FaultCode.SEVERAL_MODELS))
    return found[0]


def scored_task(ledger: Ledger) -> str:
    """Return the task of the newest run.

    Raises:
        UsageError: its forecasts have no live scores.
    """
    last = ledger.last_run()
    if last is None or issubclass(JOB_TYPES[last.task], ScoredJob):
        return last.task if last else "value"
    scored = " and ".join(name for name, job in JOB_TYPES.items() if issubclass(job, ScoredJob))
    text = f"score: live scores exist for model.task: {scored} ({ledger.path} has forecasts of model.task: {last.task})"
    raise UsageError(Fault(text, FaultCode.NO_LIVE_SCORES))


def ingest_new_data(job: AnyJob, folder: Path, now: datetime, wait: float) -> None:
    """Record the newest data of a job in its ledger, so that they score its forecasts.

    Raises:
        BusyError: another run still holds the lock after `wait` seconds.
        ModelError: there is no ledger yet.
    """
    Ledger.open(folder / FILE, create=False).close()
    with model_lock(folder, wait=wait), Ledger.open(folder / FILE) as ledger, fixed_time(now):
        ledger.observe(read_newest(job, current_model(folder))[0], now)


def last_two_runs(ledger: Ledger, against: datetime | None) -> tuple[RunRecord, RunRecord]:
    """Return an earlier run and the newest one; the earlier is the last up to a time, else the one before.

    Raises:
        ModelError: there are no two runs.
    """
    newest = last_entry(ledger)
    earlier = [entry for entry in ledger.runs(until=against) if entry.number < newest.number]
    if not earlier:
        raise ModelError(f"{ledger.path}: no earlier run is recorded to compare with")
    return earlier[-1], newest


def last_entry(ledger: Ledger, until: datetime | None = None) -> RunRecord:
    """Return the newest run, or the newest up to a time.

    Raises:
        ModelError: there is none.
    """
    entries = ledger.runs(until=until)
    if entries:
        return entries[-1]
    first = ledger.runs()[:1]
    begins = f"; the first is of {first[0].created_at:%Y-%m-%dT%H:%M:%SZ}" if first else ""
    up_to = f" up to {until:%Y-%m-%dT%H:%M:%SZ}" if until else ""
    raise ModelError(f"{ledger.path}: no run{up_to} is recorded{begins}")
