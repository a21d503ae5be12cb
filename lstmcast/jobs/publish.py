"""Forecast of a run: computation, record, output; and the digests that identify a run."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from lstmcast.config import Job
from lstmcast.data.panel import Panel
from lstmcast.forecasting.seasonal_naive import (
    LSTMCAST,
    SEASONAL_NAIVE,
    fill_with_seasonal_naive,
    seasonal_naive_forecast,
    seasonal_naive_values,
)
from lstmcast.jobs.adaptive_intervals import adapted, unchanged
from lstmcast.jobs.alerts import AlertResult, evaluate
from lstmcast.jobs.context import CurrentModel, RunContext, horizon_of
from lstmcast.jobs.events import LogEvent
from lstmcast.jobs.inputs import RunInputs
from lstmcast.persistence.files import write_atomically
from lstmcast.persistence.ledger.records import RunRecord
from lstmcast.results import Forecast, output_suffix


def make_forecast(job: Job, panel: Panel, model: CurrentModel | None, model_names: tuple[str, ...]) -> Forecast:
    """Forecast every series, each by its model.

    Raises:
        DataError: too little data for the horizon, or data that do not fit the model.
        ModelError: the forecast diverges.
    """
    horizon = horizon_of(job, panel, model)
    if model is not None:
        return fill_with_seasonal_naive(panel, model.predict(panel, horizon), model_names)
    return fill_with_seasonal_naive(panel, seasonal_naive_forecast(panel, horizon, job.forecast.levels), model_names)


def output_is_current(job: Job, entry: RunRecord) -> bool:
    """Whether the output of a recorded run is unchanged; of a figure: whether it exists."""
    output = Path(job.forecast.output)
    if not output.is_file() or (job.plot and not Path(job.plot).is_file()):
        return False
    return sha256(output.read_bytes()).hexdigest() == entry.output_digest


def publish(run: RunContext, inputs: RunInputs, entry: RunRecord) -> list[AlertResult]:
    """Forecast, record, then write; a run killed in between is completed by the next one.

    Args:
        run: the run.
        inputs: data, model, and the model of each series.
        entry: the record of the run so far.

    Returns:
        The results of the job's alerts.

    Raises:
        LstmcastError: the forecast fails or cannot be written.
    """
    forecast = make_forecast(run.job, inputs.panel, inputs.model, inputs.model_names)
    adapted_forecast = adapted(run.ledger, forecast) if run.job.ledger.adaptive_intervals else unchanged(forecast)
    found = _alerts(run.job, adapted_forecast.forecast, inputs.model)
    content = adapted_forecast.forecast.render(output_suffix(run.job.forecast.output))
    entry = _described(entry, run.job, adapted_forecast.forecast, content, found)
    last = run.ledger.last_run()
    if run.force or last is None or (last.run_key, last.output_digest) != (entry.run_key, entry.output_digest):
        run.ledger.record(
            entry,
            adapted_forecast.base,
            seasonal_naive_values(inputs.panel, forecast.horizon),
            adapted_forecast.factors,
        )
    _write(run.job, content, inputs, adapted_forecast.forecast)
    fields = {"run_key": entry.run_key, "model": entry.model, "output": run.job.forecast.output, **entry.details}
    run.note(LogEvent("forecast", _words(forecast, run.job.forecast.output, inputs.model), fields=fields))
    return found


def _described(
    entry: RunRecord, job: Job, forecast: Forecast, content: bytes, found: Sequence[AlertResult]
) -> RunRecord:
    """Return the record completed by the models, the output and the alerts."""
    pairs = zip(forecast.keys, forecast.model_names, strict=True)
    fallback = ["/".join(key) for key, name in pairs if name == SEASONAL_NAIVE]
    return replace(
        entry,
        model=SEASONAL_NAIVE if len(fallback) == len(forecast.keys) else "mixed" if fallback else LSTMCAST,
        output=str(Path(job.forecast.output).resolve()),
        output_digest=sha256(content).hexdigest(),
        details={"fallback": fallback, "alerts": [alert.to_dict() for alert in found]},
    )


def _write(job: Job, content: bytes, inputs: RunInputs, forecast: Forecast) -> None:
    """Write the forecast, and its figure if the job has one."""
    write_atomically(Path(job.forecast.output), content)
    if job.plot:
        suffix = Path(job.plot).suffix
        write_atomically(Path(job.plot), _write_figure(inputs.panel, forecast, inputs.model, suffix))


def _alerts(job: Job, forecast: Forecast, model: CurrentModel | None) -> list[AlertResult]:
    """Evaluate the job's alerts; the correlation of steps is that of the hold-out forecasts."""
    if model is None:
        return evaluate(job.alerts, forecast, None)
    return evaluate(job.alerts, forecast, model.forecaster.holdout, model.forecaster.calibration.levels)


def _write_figure(panel: Panel, forecast: Forecast, model: CurrentModel | None, suffix: str) -> bytes:
    """Draw the first series with forecasts and intervals."""
    from lstmcast.report.figures import forecast as figures_forecast
    from lstmcast.report.figures.panels import render

    if model is None:
        return render(figures_forecast.plot(panel, forecast), suffix)
    series_panels = figures_forecast.forecast_panels(panel, forecast, ())
    return figures_forecast.forecast_figure(series_panels, model.forecaster, suffix, backtest=False, history=None)


def _words(forecast: Forecast, target: str, model: CurrentModel | None) -> str:
    """Format the summary of the forecast."""
    from lstmcast.report import console

    if model is None:
        return console.format_paths(forecast, target, SEASONAL_NAIVE.replace("_", " "))
    return console.format_forecast(forecast, model.version, target, model.forecaster.report, ())


DIGEST_EXCLUDED: Mapping[str, bool | set[str]] = {
    "input": True,
    "plot": True,
    "metrics": True,
    "on_alert": True,
    "store": True,
    "forecast": {"output"},
}
"""Keys of a job that do not change the forecast: paths and notification."""


def config_digest(job: Job) -> str:
    """Return the sha256 of all keys of a job that the forecast depends on."""
    payload = job.model_dump(mode="json", exclude=DIGEST_EXCLUDED)
    return sha256(json.dumps(payload, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def run_key(data: str, config: str, version: str, model_names: Sequence[str]) -> str:
    """Identify a forecast before it is computed.

    Args:
        data: the fingerprint of the panel.
        config: the digest of the job.
        version: of the model; empty without one.
        model_names: [S] the model of each series, since a series may change to the fallback when data age.
    """
    return sha256(json.dumps([data, config, version, list(model_names)]).encode()).hexdigest()
