"""A past forecast again: by the version that made it from the data as they stood then, else as it was recorded."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from lstmcast.data.panel import Panel
from lstmcast.errors import ModelError
from lstmcast.forecast import Forecast, output_suffix
from lstmcast.forecaster.rules import seasonal_naive_forecast
from lstmcast.forecaster.saving import load
from lstmcast.forecaster.trained import Forecaster
from lstmcast.jobs.adapting import apply_interval_factors
from lstmcast.jobs.fallback import fill_with_seasonal_naive
from lstmcast.store.ledger import Ledger
from lstmcast.store.ledger_records import RecordedForecast, RunRecord


@dataclass(frozen=True)
class ReplayResult:
    """A past forecast.

    Attributes:
        content: the bytes of its file.
        method: how it was made again, in a few words.
        recomputed: whether it was computed again; False: only written again from the recorded numbers.
    """

    content: bytes
    method: str
    recomputed: bool


def replay(ledger: Ledger, folder: Path, entry: RunRecord) -> ReplayResult:
    """Make the file of a recorded run again, to the byte.

    Args:
        ledger: open.
        folder: of the model, with its versions.
        entry: the run.

    Raises:
        ModelError: the bytes are not those that were written then.
    """
    issue = ledger.recorded_forecast(entry.number)
    suffix = output_suffix(entry.output or "-")
    why = f"version {entry.version} is gone"
    if not entry.version or (folder / entry.version).is_dir():
        made = recompute(ledger.panel_of(entry), version(folder, entry.version), issue)
        content = apply_interval_factors(made, issue.factors).render(suffix)
        if sha256(content).hexdigest() == entry.output_digest:
            by = f"version {entry.version}" if entry.version else "the seasonal naive rule"
            return ReplayResult(content, f"computed again by {by} from the data as they stood then", recomputed=True)
        why = "computed again it is not the same here (another machine, or other libraries?)"
    content = apply_interval_factors(forecast_from_ledger(ledger, entry, issue), issue.factors).render(suffix)
    if sha256(content).hexdigest() != entry.output_digest:
        when = f"{entry.made:%Y-%m-%dT%H:%M:%SZ}"
        raise ModelError(f"{ledger.path}: the file of {when} cannot be made again; was it written by another lstmcast?")
    return ReplayResult(content, f"written again from the recorded numbers: {why}", recomputed=False)


def version(folder: Path, name: str) -> Forecaster | None:
    """A kept version; None where the run used none."""
    return load(folder / name) if name else None


def recompute(panel: Panel, forecaster: Forecaster | None, issue: RecordedForecast) -> Forecast:
    """What a version forecasts from data: with the bounds as it says them, as far ahead and by the same sources.

    Raises:
        DataError: the data do not fit the version.
        ModelError: the forecast grows beyond every number.
    """
    horizon = issue.values.shape[1]
    forecast = (
        forecaster.predict(panel, horizon) if forecaster else seasonal_naive_forecast(panel, horizon, issue.levels)
    )
    return fill_with_seasonal_naive(panel, forecast, issue.sources)


def forecast_from_ledger(ledger: Ledger, entry: RunRecord, issue: RecordedForecast) -> Forecast:
    """The numbers of a run as the ledger has them, with the bounds before they were widened."""
    frame = ledger.frame(entry)
    if frame is None:
        raise ModelError(f"{ledger.path}: the data of run {entry.number} are not there")
    keys = dict(zip(frame.series.tolist(), frame.keys, strict=True))
    return Forecast(
        calendar=frame.calendar,
        time=frame.columns.time or "step",
        key_columns=frame.columns.keys,
        keys=tuple(keys[number] for number in issue.series.tolist()),
        origins=issue.origins,
        values=issue.values,
        levels=issue.levels,
        lower=issue.lower,
        upper=issue.upper,
        sources=issue.sources,
    )
