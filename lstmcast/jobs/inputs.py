"""Inputs of a run: the newest data, the current model, and the checks of their freshness."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np

from lstmcast.config import AnyJob, Job
from lstmcast.config.expressions import duration_text, span_words
from lstmcast.config.job import Freshness, RuleAction
from lstmcast.data.drivers.ahead import require_ahead
from lstmcast.data.panel import Panel
from lstmcast.errors import ConfigError, DataError, LstmcastError, ModelError
from lstmcast.forecasting.new_data import data_warnings
from lstmcast.forecasting.seasonal_naive import LSTMCAST, SEASONAL_NAIVE
from lstmcast.jobs.alerts import check
from lstmcast.jobs.context import CurrentModel, LogEvent, RunContext, current_model, horizon_of
from lstmcast.jobs.retrain import changed_keys, retrain_reason
from lstmcast.preprocessing.panel_scaling import Key
from lstmcast.report import console
from lstmcast.tasks.registry import get_task
from lstmcast.text import truncate_items
from lstmcast.types import Floats, Ints

SeriesKey = tuple[str, ...]


@dataclass(frozen=True)
class Violation:
    """A violated rule.

    Attributes:
        rule: its key in the `freshness` section.
        action: `fail`, `warn` or `fallback`.
        text: the value found and the limit, in one line.
        series: the keys concerned.
    """

    rule: str
    action: RuleAction
    text: str
    series: tuple[SeriesKey, ...]


def data_violations(panel: Panel, rules: Freshness, context: int, now: datetime) -> list[Violation]:
    """Return the violations of the data.

    Args:
        panel: the newest data.
        rules: of the job.
        context: number of last steps that `min_completeness` considers.
        now: the time.

    Raises:
        ConfigError: a rule needs times, and the file has none.
    """
    if panel.calendar.kind == "counter" and (rules.max_data_age or rules.max_flatline):
        name = "max_data_age" if rules.max_data_age else "max_flatline"
        raise ConfigError(f"freshness.{name}: needs times, and {panel.source} has none; leave the rule out")
    return [*_aged(panel, rules, now), *_incomplete(panel, rules, context), *_flat(panel, rules)]


def model_violations(
    trained: datetime, keys: tuple[SeriesKey, ...], rules: Freshness, now: datetime
) -> list[Violation]:
    """Return the violation of the model's age, if any.

    Args:
        trained: time of training.
        keys: of the series.
        rules: of the job.
        now: the time.
    """
    rule, age = rules.max_model_age, now - trained
    if rule is None or age <= rule.limit:
        return []
    text = f"the model was trained {span_words(age)} ago; at most {duration_text(rule.limit)} is allowed"
    return [Violation("max_model_age", rule.action, text, keys)]


def completed(panel: Panel) -> datetime | None:
    """Return the end of the newest step of the file, where the next step begins; None for counted rows.

    Times without a zone are taken as UTC.
    """
    if panel.calendar.kind == "counter":
        return None
    microseconds = int(panel.calendar.stamps(panel.ends.max(keepdims=True) + 1)[0])
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)


def steps_span(panel: Panel, steps: int) -> timedelta | None:
    """Return the duration of the last `steps` steps of the file; None for counted rows."""
    if panel.calendar.kind == "counter":
        return None
    ends = panel.calendar.stamps(panel.ends.max() + np.array([1 - steps, 1]))
    return timedelta(microseconds=int(ends[1] - ends[0]))


def _aged(panel: Panel, rules: Freshness, now: datetime) -> Iterator[Violation]:
    rule, ended = rules.max_data_age, completed(panel)
    if rule is None or ended is None or now - ended <= rule.limit:
        return
    newest = panel.calendar.text(panel.ends.max(keepdims=True))[0]
    text = f"{panel.source}: the newest step, {newest}, ended {span_words(now - ended)} ago"
    yield Violation("max_data_age", rule.action, f"{text}; at most {duration_text(rule.limit)} is allowed", panel.keys)


def _incomplete(panel: Panel, rules: Freshness, context: int) -> Iterator[Violation]:
    if (rule := rules.min_completeness) is None:
        return
    fractions = completeness(panel, context)
    short = np.flatnonzero(fractions < rule.limit)
    if len(short):
        found = [f"{_name(panel.keys[k])}{fractions[k]:.0%}" for k in short.tolist()]
        text = f"{panel.source}: of the last {context} steps have values: {truncate_items(found, len(found))}"
        yield Violation(
            "min_completeness", rule.action, f"{text}; at least {rule.limit:.0%} must be", _keys(panel, short)
        )


def completeness(panel: Panel, context: int) -> Floats:
    """Return the fraction [S] of the last `context` steps of the file, since its first value, that a series has."""
    newest = panel.ends.max()
    expected = np.minimum(context, newest - panel.starts + 1)
    positions = np.arange(len(panel.values)) - np.repeat(panel.offsets[:-1] - panel.starts, panel.lengths)
    there = (positions > newest - context) & panel.observed
    return np.asarray(np.add.reduceat(there.astype(np.int64), panel.offsets[:-1]) / expected, dtype=np.float64)


def _flat(panel: Panel, rules: Freshness) -> Iterator[Violation]:
    if (rule := rules.max_flatline) is None:
        return
    steps = same_steps(panel)
    spans = (panel.calendar.stamps(panel.ends + 1) - panel.calendar.stamps(panel.ends - steps + 1)) / 1e6
    flat = np.flatnonzero((spans >= rule.limit.total_seconds()) & (steps < panel.lengths))
    if len(flat):
        found = [f"{_name(panel.keys[k])}{panel.value_text(panel.series(k)[-1])}" for k in flat.tolist()]
        constant = truncate_items(found, len(found))
        text = f"{panel.source}: constant for {duration_text(rule.limit)} or longer: {constant}"
        yield Violation("max_flatline", rule.action, text, _keys(panel, flat))


def same_steps(panel: Panel) -> Ints:
    """Return the number of last steps [S] with the same value."""
    moved = np.append(panel.values[1:] != panel.values[:-1], False)
    moved[panel.offsets[1:] - 1] = False  # from one series to the next
    steps = np.arange(len(panel.values)) - np.repeat(panel.offsets[:-1], panel.lengths)
    last = np.maximum.reduceat(np.where(moved, steps, -1), panel.offsets[:-1])
    return np.asarray(panel.lengths - 1 - last, dtype=np.int64)


def _keys(panel: Panel, selected: Ints) -> tuple[SeriesKey, ...]:
    return tuple(panel.keys[k] for k in selected.tolist())


def _name(key: SeriesKey) -> str:
    return f"{'/'.join(key)} " if key else ""


def is_pinned(job: AnyJob, model: CurrentModel | None) -> bool:
    """Return True if the data are read as in training: there is a model, and the job has its config."""
    return model is not None and not changed_keys(job.config, model)


def read_newest(job: AnyJob, model: CurrentModel | None) -> tuple[Panel, tuple[str, ...]]:
    """Read the input of a job, as in training if it has the config of the model.

    Returns:
        The data, and warnings.

    Raises:
        FileError: the file cannot be read.
        BusyError: the file changed while it was read.
        DataError: the file cannot be read exactly.
    """
    if model and is_pinned(job, model):
        section = getattr(job, "covariates", None)
        return model.task.read_for_job(model.forecaster, job.input, section.future if section else None)
    panel: Panel = get_task(job.model.task).read(job.input, job.config)
    comparable = model is not None and model.task.name == job.model.task
    return panel, tuple(data_warnings(model.forecaster.context if model and comparable else panel, panel))


@dataclass(frozen=True)
class RunInputs:
    """Data and model of a run.

    Attributes:
        panel: the newest data.
        fingerprint: of the data.
        model: the current model; None: every series is forecast by seasonal naive.
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
        DataError: the data cannot be read, lack values ahead of known covariates, or violate a rule with the action
            `fail`.
        ModelError: the model is damaged, or violates a rule with the action `fail`.
    """
    _warn_clock_skew(run)
    model = current_model(run.folder)
    panel = _read(run, model)
    if isinstance(run.job, Job):
        check(run.job.alerts, panel, horizon_of(run.job, panel, model))
    fingerprint, rules = panel.fingerprint(), run.job.freshness
    violations = data_violations(panel, rules, _context(panel, model), run.now)
    _report_violations(run, violations, DataError)
    if _fallback_series(violations) != set(panel.keys):
        require_ahead(panel, horizon_of(run.job, panel, model))  # before a training
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
    panel, warnings = read_newest(run.job, model)
    new = run.ledger.observe(panel, run.now)
    summary = console.format_data(replace(panel, dropped=()), run.now, reasons=not is_pinned(run.job, model))
    run.note(LogEvent("read", summary, fields={"values": len(panel.values), "new": new}))
    for text in warnings:
        run.note(LogEvent("data_warning", text, "warning"))
    return panel


def _context(panel: Panel, model: CurrentModel | None) -> int:
    """Return the context length of the network; without a model, the longest series."""
    return int(model.forecaster.context_length) if model else int(panel.lengths.max())


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
