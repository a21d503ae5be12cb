"""The forecast of a run: made, adapted to past coverage, recorded and written."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import cast

import numpy as np

from lstmcast.calibration.adaptive_conformal import (
    HIGH_FREQUENCY_RATE,
    LOW_FREQUENCY_RATE,
    apply_factors,
    extend_horizon,
    update_log_factors,
)
from lstmcast.config import AnyJob, Job
from lstmcast.data.panel import Panel
from lstmcast.data.time.calendar import Calendar
from lstmcast.data.time.zones import DAY
from lstmcast.errors import ConfigError, Fault, FaultCode
from lstmcast.forecasting.seasonal_naive import LSTMCAST, SEASONAL_NAIVE, seasonal_naive_forecast, seasonal_naive_values
from lstmcast.forecasts import Forecast
from lstmcast.jobs.alerts import AlertResult, evaluate
from lstmcast.jobs.context import AnyForecast, CurrentModel, LogEvent, RunContext, horizon_of, name_models
from lstmcast.jobs.inputs import RunInputs
from lstmcast.jobs.live_scores import MIN_POSITION, iter_scored_forecasts
from lstmcast.persistence.files import write_atomically
from lstmcast.persistence.ledger.ledger import Ledger
from lstmcast.persistence.ledger.records import PanelInfo, RunRecord
from lstmcast.tasks.base import PlotOptions
from lstmcast.tasks.registry import get_task
from lstmcast.types import Floats, Ints

YEAR = 365 * DAY  # µs
FREQUENT_STEPS = 200  # steps in a year, from which values are frequent


@dataclass(frozen=True)
class AdaptedForecast:
    """A forecast to publish, and its record in the ledger.

    Attributes:
        forecast: with the adapted bounds.
        base: with the bounds of the model; `Ledger.record` takes it together with the factors.
        factors: [Q, S, H] factors of the interval widths.
    """

    forecast: AnyForecast
    base: AnyForecast
    factors: Floats


def adapt_intervals(ledger: Ledger, forecast: Forecast) -> AdaptedForecast:
    """Update the interval factors by the values observed since the last run, and apply them.

    Args:
        ledger: the ledger, with the newest data recorded.
        forecast: of the model.
    """
    info = ledger.panel_info()
    if info is None or not forecast.levels:
        return unchanged(forecast)
    factors = np.exp(_learn(ledger, info, forecast.levels, forecast.horizon))  # [Q, S of the data, H]
    index_by_key = {key: k for k, key in enumerate(info.keys)}
    factors = factors[:, [index_by_key[key] for key in forecast.keys]]
    for k, name in enumerate(forecast.model_names):
        if name != LSTMCAST:
            factors[:, k] = 1.0
    return AdaptedForecast(apply_interval_factors(forecast, factors), forecast, factors)


def unchanged(forecast: AnyForecast) -> AdaptedForecast:
    """Return the forecast with the bounds of the model."""
    return AdaptedForecast(forecast, forecast, np.ones_like(forecast.lower))


def apply_interval_factors(base: AnyForecast, factors: Floats) -> AnyForecast:
    """Return the forecast with its bounds, if any, scaled by factors [Q, S, H]."""
    if (factors == 1).all() or not isinstance(base, Forecast):
        return base
    lower, upper = apply_factors(base.values, base.lower, base.upper, factors)
    return replace(base, lower=lower, upper=upper)


def _learn(ledger: Ledger, info: PanelInfo, levels: tuple[float, ...], horizon: int) -> Floats:
    """Return the log factors [Q, S, H] after all values observed so far, and store them for the next run."""
    theta, known = _stored_factors(ledger, info, levels, horizon)
    alpha, rate = 1 - np.array(levels) / 100, _rate(info.calendar)
    for missed in _miss_rates(ledger, info, levels, horizon, known):
        theta = update_log_factors(theta, missed, alpha, rate)
    ledger.save_interval_factors(
        (number, level, end, theta[q, k])
        for k, (number, end) in enumerate(zip(info.series.tolist(), info.ends.tolist(), strict=True))
        for q, level in enumerate(levels)
    )
    return theta


def _stored_factors(ledger: Ledger, info: PanelInfo, levels: tuple[float, ...], horizon: int) -> tuple[Floats, Ints]:
    """Return the stored log factors [Q, S, H], 0 where there are none, and the last steps [S] that they include."""
    found = ledger.interval_factors(info.series, levels)
    theta = np.zeros((len(levels), len(info.series), horizon))
    known = np.full(len(info.series), MIN_POSITION)
    for k, number in enumerate(info.series.tolist()):
        for q, level in enumerate(levels):
            if (number, level) in found:
                known[k], left = found[number, level]
                theta[q, k] = extend_horizon(left, horizon)
    return theta, known


def _miss_rates(ledger: Ledger, info: PanelInfo, levels: tuple[float, ...], horizon: int, known: Ints) -> Floats:
    """Return [T, Q, S, H] whether the published interval of a step missed its value, in the order of steps.

    NaN where nothing was forecast, or the value is not observed, or was already used.
    """
    found = list(iter_scored_forecasts(ledger, info, levels, known))
    first = (
        max(int(known.min()), min((int(scored.origins.min()) for scored in found), default=int(info.ends.max()))) + 1
    )
    missed = np.full((max(int(info.ends.max()) - first + 1, 0), len(levels), len(known), horizon), np.nan)
    for scored in found:
        outside = (scored.actual < scored.lower) | (scored.actual > scored.upper)
        has_interval = ~np.isnan(scored.actual) & ~np.isnan(scored.lower)  # [Q, R, H]
        has_interval[:, :, horizon:] = False
        q, r, h = np.nonzero(has_interval)
        missed[scored.origins[r] + h + 1 - first, q, scored.rows[r], h] = outside[q, r, h]
    return missed


def _rate(calendar: Calendar) -> float:
    """Return γ, the step size of a factor; larger where values are rare, so that a year is enough to adapt."""
    if calendar.kind == "counter":
        return HIGH_FREQUENCY_RATE
    begin, end = calendar.positions(np.array([0, YEAR]))
    return HIGH_FREQUENCY_RATE if end - begin >= FREQUENT_STEPS else LOW_FREQUENCY_RATE


def make_forecast(job: AnyJob, panel: Panel, model: CurrentModel | None, model_names: tuple[str, ...]) -> AnyForecast:
    """Forecast every series, each by its model.

    Raises:
        DataError: too little data for the horizon, or data that do not fit the model.
        ModelError: the forecast diverges.
    """
    horizon = horizon_of(job, panel, model)
    if model is not None and LSTMCAST in model_names:
        return name_models(panel, model.predict(panel, horizon), model_names)
    levels = job.forecast.levels if isinstance(job, Job) else ()
    return name_models(panel, seasonal_naive_forecast(panel, horizon, levels), model_names)


def output_is_current(job: AnyJob, entry: RunRecord) -> bool:
    """Return True if the output of a recorded run is unchanged; for a figure: if it exists."""
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
    adapted_forecast = unchanged(forecast)
    if isinstance(run.job, Job) and run.job.ledger.adaptive_intervals and isinstance(forecast, Forecast):
        adapted_forecast = adapt_intervals(run.ledger, forecast)
    found = _alerts(run.job, adapted_forecast.forecast, inputs.model)
    content = adapted_forecast.forecast.render(output_format(run.job))
    entry = _described(entry, run.job, adapted_forecast.forecast, content, found)
    last = run.ledger.last_run()
    if run.force or last is None or (last.run_key, last.output_digest) != (entry.run_key, entry.output_digest):
        run.ledger.record(
            entry,
            adapted_forecast.base,
            _naive(inputs.panel, forecast.horizon, inputs.model),
            adapted_forecast.factors,
        )
    _write(run.job, content, inputs, adapted_forecast.forecast)
    fields = {"run_key": entry.run_key, "model": entry.model, "output": run.job.forecast.output, **entry.details}
    run.note(LogEvent("forecast", _words(forecast, run.job.forecast.output, inputs.model), fields=fields))
    return found


def _naive(panel: Panel, horizon: int, model: CurrentModel | None) -> Floats:
    """Return the seasonal naive forecast [S, H] that live scores compare with; NaN for probabilities."""
    if model is not None and model.task.name == "event":
        return np.full((panel.n_series, horizon), np.nan)
    return seasonal_naive_values(panel, horizon)


def output_format(job: AnyJob) -> str:
    """Return the format of the forecast of a job, a suffix.

    Raises:
        ConfigError: none of its task.
    """
    suffix, formats = Path(job.forecast.output).suffix.lower(), get_task(job.model.task).formats
    if suffix not in formats:
        text = f"forecast.output: must be a file of type {', '.join(formats)} (got {suffix!r})"
        raise ConfigError(Fault(text, FaultCode.UNKNOWN_FORMAT, column="forecast.output"))
    return suffix


def _described(
    entry: RunRecord, job: AnyJob, forecast: AnyForecast, content: bytes, found: Sequence[AlertResult]
) -> RunRecord:
    """Return the record completed by the models, the output and the alerts."""
    pairs = zip(forecast.keys, forecast.model_names, strict=True)
    fallback = ["/".join(key) for key, name in pairs if name == SEASONAL_NAIVE]
    return replace(
        entry,
        task=job.model.task,
        model=SEASONAL_NAIVE if len(fallback) == len(forecast.keys) else "mixed" if fallback else LSTMCAST,
        output=str(Path(job.forecast.output).resolve()),
        output_digest=sha256(content).hexdigest(),
        details={**_rendering(forecast), "fallback": fallback, "alerts": [alert.to_dict() for alert in found]},
    )


def _rendering(forecast: AnyForecast) -> dict[str, str]:
    """Return the details of the record that its file depends on, unless they are those of values."""
    if not isinstance(forecast, Forecast):
        return {"separator": forecast.separator}
    return {} if forecast.name == Forecast.name else {"column": forecast.name}


def _write(job: AnyJob, content: bytes, inputs: RunInputs, forecast: AnyForecast) -> None:
    """Write the forecast, and its figure if the job has one."""
    write_atomically(Path(job.forecast.output), content)
    if job.plot:
        suffix = Path(job.plot).suffix
        write_atomically(Path(job.plot), _write_figure(inputs.panel, forecast, inputs.model, suffix))


def _alerts(job: AnyJob, forecast: AnyForecast, model: CurrentModel | None) -> list[AlertResult]:
    """Evaluate the alerts of a job of values; the correlation of steps is that of the hold-out forecasts."""
    if not isinstance(job, Job) or not isinstance(forecast, Forecast):
        return []
    if model is None:
        return evaluate(job.alerts, forecast, None)
    return evaluate(job.alerts, forecast, model.forecaster.holdout, model.forecaster.calibration.levels)


def _write_figure(panel: Panel, forecast: AnyForecast, model: CurrentModel | None, suffix: str) -> bytes:
    """Draw the first series with forecasts and intervals."""
    from lstmcast.report import views
    from lstmcast.report.figures.forecast import forecast_figure, forecast_panels, plot
    from lstmcast.report.figures.panels import render

    if model is not None and not model.of_values:
        return views.plot(model.forecaster, panel, PlotOptions(suffix, forecast.horizon))[0]
    values = cast("Forecast", forecast)
    if model is None:
        return render(plot(panel, values), suffix)
    series_panels = forecast_panels(panel, values, ())
    return forecast_figure(series_panels, model.forecaster, suffix, backtest=False, history=None)


def _words(forecast: AnyForecast, target: str, model: CurrentModel | None) -> str:
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
    "covariates": {"future"},
}
"""Keys of a job that do not change the forecast: paths and notification."""


def config_digest(job: AnyJob) -> str:
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
