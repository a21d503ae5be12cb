"""Inputs of a run: the newest data, checked, and the current model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from lstmcast.config import Job
from lstmcast.data.panel import Panel
from lstmcast.errors import DataError, LstmcastError, ModelError
from lstmcast.forecasting.new_data import data_warnings
from lstmcast.forecasting.seasonal_naive import LSTMCAST, SEASONAL_NAIVE
from lstmcast.jobs.alerts import check
from lstmcast.jobs.context import CurrentModel, RunContext, current_model, horizon_of
from lstmcast.jobs.events import LogEvent
from lstmcast.jobs.freshness import Violation, data_violations, model_violations
from lstmcast.jobs.retrain import changed_keys, retrain_reason
from lstmcast.preprocessing.panel_scaling import Key
from lstmcast.report import console
from lstmcast.tasks.registry import get_task


def is_pinned(job: Job, model: CurrentModel | None) -> bool:
    """Whether the data are read as in training: there is a model, and the job has its config."""
    return model is not None and not changed_keys(job.config, model)


def read_newest(job: Job, model: CurrentModel | None) -> Panel:
    """Read the input of a job.

    Raises:
        FileError: the file cannot be read.
        BusyError: the file changed while it was read.
        DataError: the file cannot be read exactly.
    """
    if model and is_pinned(job, model):
        panel: Panel = model.task.read_new_data(model.forecaster, job.input)[0]
    else:
        panel = get_task(job.model.task).read(job.input, job.config)
    return panel


@dataclass(frozen=True)
class RunInputs:
    """Data and model of a run.

    Attributes:
        panel: the newest data.
        fingerprint: of the data.
        model: the model in use; None: every series is forecast by seasonal naive.
        model_names: [S] the model of each series, `lstmcast` or `seasonal_naive`.
    """

    panel: Panel
    fingerprint: str
    model: CurrentModel | None
    model_names: tuple[str, ...]

    @property
    def version(self) -> str:
        """The version of the model; empty without one."""
        return self.model.version.name if self.model else ""


def prepare_inputs(run: RunContext) -> RunInputs:
    """Read and check the data, and retrain if due.

    Raises:
        ConfigError: an alert refers to a series or a time outside of the forecast.
        DataError: the data cannot be read, or violate a rule with the action `fail`.
        ModelError: the model is damaged, or violates a rule with the action `fail`.
    """
    _warn_clock_skew(run)
    model = current_model(run.folder)
    panel = _read(run, model)
    check(run.job.alerts, panel, horizon_of(run.job, panel, model))
    fingerprint, rules = panel.fingerprint(), run.job.freshness
    violations = data_violations(panel, rules, _context(panel, model), run.now)
    _report_violations(run, violations, DataError)
    if _fallback_series(violations) != set(panel.keys):
        model = _up_to_date(run, panel, model, fingerprint)
    if model is not None:
        aged = model_violations(model.trained, panel.keys, rules, run.now)
        _report_violations(run, aged, ModelError)
        violations += aged
    fallback = _fallback_series(violations)
    names = tuple(SEASONAL_NAIVE if key in fallback else LSTMCAST for key in panel.keys)
    return RunInputs(panel, fingerprint, model, names)


def _warn_clock_skew(run: RunContext) -> None:
    """Warn if the clock is behind the last run, since all ages are wrong then."""
    last = run.ledger.last_run()
    if last is not None and last.created_at > run.now:
        text = f"the clock shows {run.now:%Y-%m-%d %H:%M} UTC, and the last run was at {last.created_at:%Y-%m-%d %H:%M}"
        run.note(LogEvent("clock", f"{text}: ages are wrong until it is corrected", "warning"))


def _read(run: RunContext, model: CurrentModel | None) -> Panel:
    """Read the newest data, record them in the ledger, and report their defects."""
    panel = read_newest(run.job, model)
    new = run.ledger.observe(panel, run.now)
    summary = console.format_data(replace(panel, dropped=()), run.now, reasons=not is_pinned(run.job, model))
    run.note(LogEvent("read", summary, fields={"values": len(panel.values), "new": new}))
    for text in data_warnings(model.forecaster.context if model else panel, panel):
        run.note(LogEvent("data_warning", text, "warning"))
    return panel


def _context(panel: Panel, model: CurrentModel | None) -> int:
    """Return the context length of the network; without a model, the longest series."""
    return model.forecaster.ensemble.preprocessings[0].window_spec.context if model else int(panel.lengths.max())


def _report_violations(run: RunContext, violations: Sequence[Violation], failure: type[LstmcastError]) -> None:
    """Log the violations; raise `failure` if a rule has the action `fail`."""
    texts = {violation: f"freshness.{violation.rule}: {violation.text}" for violation in violations}
    if fatal := [text for violation, text in texts.items() if violation.action == "fail"]:
        raise failure(fatal)
    for violation, text in texts.items():
        result = "forecast by seasonal naive" if violation.action == "fallback" else "forecast by the model anyway"
        series = ["/".join(key) for key in violation.series]
        fields = {"rule": violation.rule, "action": violation.action, "series": series}
        run.note(LogEvent("violation", f"{text}: {result}", "warning", fields))


def _fallback_series(violations: Sequence[Violation]) -> set[Key]:
    """Return the keys of the series that are forecast by seasonal naive."""
    return {key for violation in violations if violation.action == "fallback" for key in violation.series}


def _up_to_date(run: RunContext, panel: Panel, model: CurrentModel | None, fingerprint: str) -> CurrentModel | None:
    """Return the model, or a new one if retraining is due."""
    reason = retrain_reason(run.job, model, run.ledger, fingerprint, run.now)
    if reason is None:
        return model
    from lstmcast.jobs.retrain import refit

    return refit(run, panel, model, reason)
