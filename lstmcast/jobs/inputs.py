"""Inputs of a run: the newest data, checked, and the current model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from lstmcast.config import Job
from lstmcast.data.load import read
from lstmcast.data.panel import Panel
from lstmcast.data.schema import ReadOptions
from lstmcast.errors import DataError, LstmcastError, ModelError
from lstmcast.forecasting.new_data import data_warnings, training_read_options
from lstmcast.forecasting.seasonal_naive import LSTMCAST, SEASONAL_NAIVE
from lstmcast.jobs.alerts import check
from lstmcast.jobs.context import CurrentModel, RunContext, current_model, horizon_of
from lstmcast.jobs.events import LogEvent
from lstmcast.jobs.freshness import Violation, data_violations, model_violations
from lstmcast.jobs.retrain import changed_keys, retrain_reason
from lstmcast.preprocessing.panel_scaling import Key
from lstmcast.report import console


def is_pinned(job: Job, model: CurrentModel | None) -> bool:
    """Whether the data are read as training read them: there is a model, and the config is still its own."""
    return model is not None and not changed_keys(job.config, model)


def read_newest(job: Job, model: CurrentModel | None) -> Panel:
    """Read the input of a job.

    Raises:
        FileError: it cannot be read.
        BusyError: it changed while it was read.
        DataError: what cannot be read exactly.
    """
    options = training_read_options(model.forecaster) if model and is_pinned(job, model) else None
    return read(job.input, options or ReadOptions.of(job.data.model_dump()))


@dataclass(frozen=True)
class RunInputs:
    """Data and model.

    Attributes:
        panel: the newest data.
        data: their fingerprint.
        model: in use; None: there is none, and every series is forecast without.
        model_names: what forecasts each series.
    """

    panel: Panel
    data: str
    model: CurrentModel | None
    model_names: tuple[str, ...]

    @property
    def version(self) -> str:
        """Of the model; empty where there is none."""
        return self.model.version.name if self.model else ""


def prepare_inputs(run: RunContext) -> RunInputs:
    """Read, check, and train when that is due.

    Raises:
        ConfigError: an alert is about a series or a time that the forecast does not reach.
        DataError: the data cannot be read, or break a rule that asks to fail.
        ModelError: the model is damaged, or too old by a rule that asks to fail.
    """
    _warn_clock_skew(run)
    model = current_model(run.folder)
    panel = _read(run, model)
    check(run.job.alerts, panel, horizon_of(run.job, panel, model))
    data, rules = panel.fingerprint(), run.job.freshness
    violations = data_violations(panel, rules, _context(panel, model), run.now)
    _report_violations(run, violations, DataError)
    if _fallback_series(violations) != set(panel.keys):
        model = _up_to_date(run, panel, model, data)
    if model is not None:
        aged = model_violations(model.trained, panel.keys, rules, run.now)
        _report_violations(run, aged, ModelError)
        violations += aged
    unfit = _fallback_series(violations)
    return RunInputs(panel, data, model, tuple(SEASONAL_NAIVE if key in unfit else LSTMCAST for key in panel.keys))


def _warn_clock_skew(run: RunContext) -> None:
    """Say where the clock is behind the last run: ages are wrong then."""
    last = run.ledger.last_run()
    if last is not None and last.created_at > run.now:
        text = f"the clock says {run.now:%Y-%m-%d %H:%M} UTC, and the last run was at {last.created_at:%Y-%m-%d %H:%M}"
        run.note(LogEvent("clock", f"{text}: ages are wrong until it is right", "warning"))


def _read(run: RunContext, model: CurrentModel | None) -> Panel:
    """The newest data, seen by the ledger; what they lack is said even where all else is quiet."""
    panel = read_newest(run.job, model)
    new = run.ledger.observe(panel, run.now)
    summary = console.format_data(replace(panel, dropped=()), run.now, reasons=not is_pinned(run.job, model))
    run.note(LogEvent("read", summary, fields={"values": len(panel.values), "new": new}))
    for text in data_warnings(model.forecaster.context if model else panel, panel):
        run.note(LogEvent("lacking", text, "warning"))
    return panel


def _context(panel: Panel, model: CurrentModel | None) -> int:
    """The steps that the network reads; before there is one, all that there are."""
    return model.forecaster.pipeline.window_spec.context if model else int(panel.lengths.max())


def _report_violations(run: RunContext, violations: Sequence[Violation], failure: type[LstmcastError]) -> None:
    """Say what is broken, and end where the job asks for it."""
    if fatal := [
        f"freshness.{violation.rule}: {violation.text}" for violation in violations if violation.action == "fail"
    ]:
        raise failure(fatal)
    for violation in violations:
        does = "forecast by seasonal naive" if violation.action == "fallback" else "forecast all the same"
        fields = {
            "rule": violation.rule,
            "action": violation.action,
            "series": ["/".join(key) for key in violation.series],
        }
        run.note(LogEvent("breach", f"freshness.{violation.rule}: {violation.text}: {does}", "warning", fields))


def _fallback_series(violations: Sequence[Violation]) -> set[Key]:
    """The series that the model is not to forecast."""
    return {key for violation in violations if violation.action == "fallback" for key in violation.series}


def _up_to_date(run: RunContext, panel: Panel, model: CurrentModel | None, data: str) -> CurrentModel | None:
    """The model, or a new one where that is due."""
    reason = retrain_reason(run.job, model, run.ledger, data, run.now)
    if reason is None:
        return model
    from lstmcast.jobs.retrain import refit  # only now: it brings the network

    return refit(run, panel, model, reason)
