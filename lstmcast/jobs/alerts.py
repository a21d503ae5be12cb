"""Alert rules: evaluation, notification, and conditions on live scores."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np

from lstmcast.calibration.copula import (
    MarginalDistributions,
    estimate_correlation,
    extend_correlations,
    quantile,
    sample_normal_scores,
)
from lstmcast.config import Job, ScoredJob
from lstmcast.config.expressions import OPERATORS, AlertCondition, Condition, parse_alert, parse_condition
from lstmcast.config.job import AlertConfig, OnAlert
from lstmcast.data.panel import Panel
from lstmcast.data.time.calendar import Calendar
from lstmcast.errors import ConfigError
from lstmcast.evaluation.live_scores import AnyLiveScores, LiveSymbolScores
from lstmcast.forecasting.evaluate import HoldoutForecasts
from lstmcast.forecasts import Forecast
from lstmcast.jobs.context import LogEvent, RunContext
from lstmcast.jobs.live_scores import score_task
from lstmcast.preprocessing.panel_scaling import Key
from lstmcast.text import truncate_items
from lstmcast.types import Floats

MAX_STEPS = 100_000  # limit of the search for the steps in a span of time


@dataclass(frozen=True)
class AlertResult:
    """The result of an alert for one series.

    Attributes:
        name: of the alert.
        when: its condition, as written.
        series: the parts of the key, joined by `/`.
        fired: whether the condition holds.
        probability: that any value of the steps considered satisfies the inequality; for a mean or a sum, that it does.
        time: the first step at which the condition holds, else the last step considered; as the file writes times.
    """

    name: str
    when: str
    series: str
    fired: bool
    probability: float
    time: str

    def to_dict(self) -> dict[str, Any]:
        """The result as JSON values."""
        return dict(vars(self))

    def __str__(self) -> str:
        about = [self.name, *([self.when] if self.when != self.name else []), *([self.series] if self.series else [])]
        return f"alert {': '.join(about)} (probability {self.probability:.0%}, {self.time})"


def evaluate(
    alerts: Sequence[AlertConfig], forecast: Forecast, held_out: HoldoutForecasts | None, levels: Sequence[float] = ()
) -> list[AlertResult]:
    """Evaluate every alert for each of its series.

    Args:
        alerts: of the job.
        forecast: as published.
        held_out: hold-out forecasts, from which the correlation of steps is estimated; None: there are none.
        levels: of their intervals, in percent.

    Raises:
        ConfigError: an alert refers to a series or a time outside of the forecast.
    """
    if not alerts:
        return []
    scores = sample_normal_scores(
        extend_correlations(_dependence(held_out, levels, forecast.horizon), forecast.horizon)
    )
    found = []
    for alert in alerts:
        crossing = parse_alert(alert.when)
        for k in _alert_series(alert, forecast.keys):
            steps = _steps(alert, crossing, forecast.calendar, int(forecast.origins[k]), forecast.horizon)
            found.append(_found(alert, crossing, forecast, k, scores[:, :steps]))
    return found


def check(alerts: Sequence[AlertConfig], panel: Panel, horizon: int) -> None:
    """Refuse alerts that the forecast cannot answer, before a model is trained.

    Raises:
        ConfigError: an alert refers to a series or a time outside of the forecast.
    """
    for alert in alerts:
        for k in _alert_series(alert, panel.keys):
            _steps(alert, parse_alert(alert.when), panel.calendar, int(panel.ends[k]), horizon)


def _dependence(held_out: HoldoutForecasts | None, levels: Sequence[float], horizon: int) -> Floats:
    """Return the correlation [H, H] of the steps of hold-out forecasts."""
    if held_out is None:
        return estimate_correlation(np.empty((0, horizon)))
    marginals = MarginalDistributions.of(held_out.forecast, held_out.lower, held_out.upper, levels)
    return estimate_correlation(marginals.score(held_out.actual))


def _alert_series(alert: AlertConfig, keys: Sequence[Key]) -> list[int]:
    """Return the indices of the series that an alert covers."""
    names = ["/".join(key) for key in keys]
    if alert.series is None:
        return list(range(len(names)))
    if alert.series not in names:
        there = truncate_items(names, len(names))
        raise ConfigError(f"alerts: {alert.name}: no series is called {alert.series!r}; there are: {there}")
    return [names.index(alert.series)]


def _steps(alert: AlertConfig, crossing: AlertCondition, calendar: Calendar, origin: int, horizon: int) -> int:
    """Return the number of steps that an alert covers."""
    steps = crossing.steps or horizon
    if crossing.span is not None:
        if calendar.kind == "counter":
            raise ConfigError(f"alerts: {alert.name}: the file has no times; use steps, such as 'within 6 steps'")
        steps = _within(calendar, origin, crossing.span, horizon)
    if not steps:
        fault = f"{crossing.text!r} is shorter than a step, and the data are {calendar.label}"
        raise ConfigError(f"alerts: {alert.name}: {fault}; use at least 'within 1 step'")
    if steps > horizon:
        requested = f"{steps:,} steps" if steps < MAX_STEPS else f"more than {MAX_STEPS:,} steps"
        fault = (
            f"{crossing.text!r} covers {requested}, and the forecast {horizon}; change forecast.horizon or the alert"
        )
        raise ConfigError(f"alerts: {alert.name}: {fault}")
    return steps


def _within(calendar: Calendar, origin: int, span: timedelta, horizon: int) -> int:
    """Return the number of steps within a span of time after the origin, at most `MAX_STEPS`."""
    within, ahead = span / timedelta(microseconds=1), horizon + 1
    while True:
        stamps = calendar.stamps(origin + np.arange(ahead + 1))
        if stamps[-1] - stamps[0] > within or ahead >= MAX_STEPS:
            return int(np.searchsorted(stamps[1:] - stamps[0], within, side="right"))
        ahead = min(2 * ahead, MAX_STEPS)


def _found(alert: AlertConfig, crossing: AlertCondition, forecast: Forecast, k: int, scores: Floats) -> AlertResult:
    """Evaluate an alert for a series, over the N steps of `scores` [draws, N]."""
    steps = slice(0, scores.shape[1])
    bounds = forecast.lower[:, k, steps], forecast.upper[:, k, steps]
    marginals = MarginalDistributions.of(forecast.values[k, steps], *bounds, forecast.levels)
    crossed = _crossed(crossing, marginals.at(scores))
    if crossing.probability is None:
        holds = OPERATORS[crossing.op](_forecast_value(crossing, marginals), crossing.limit)
    else:
        holds = crossed >= crossing.probability
    first = int(holds.argmax()) if holds.any() else scores.shape[1] - 1
    return AlertResult(
        name=alert.name,
        when=crossing.text,
        series="/".join(forecast.keys[k]),
        fired=bool(holds.any()),
        probability=float(crossed[-1]),
        time=forecast.calendar.text(forecast.positions[k, [first]])[0],
    )


def _crossed(crossing: AlertCondition, paths: Floats) -> Floats:
    """Return the fraction [N] of paths [draws, N] that crossed by each step; a mean or sum is known at the last."""
    over = OPERATORS[crossing.op]
    if crossing.quantity not in {"mean", "sum"}:
        return np.asarray(np.logical_or.accumulate(over(paths, crossing.limit), axis=1).mean(axis=0))
    aggregate = paths.mean(axis=1) if crossing.quantity == "mean" else paths.sum(axis=1)
    return np.append(np.zeros(paths.shape[1] - 1), over(aggregate, crossing.limit).mean())


def _forecast_value(crossing: AlertCondition, marginals: MarginalDistributions) -> Floats:
    """Return the forecast [N], or a percentile of it."""
    return (
        marginals.median if crossing.quantity == "forecast" else quantile(marginals, int(crossing.quantity[1:]) / 100)
    )


# --- notification ---


def run_alert_command(command: OnAlert, alert: Mapping[str, Any]) -> str | None:
    """Run the alert command of a job, without a shell, with JSON on its stdin.

    Its stderr is shown, its stdout is not. After the time-out it is killed together with its child processes.

    Args:
        command: the program, its arguments and its time-out.
        alert: the content of the JSON.

    Returns:
        The failure, in one line; None if it succeeded.
    """
    name, text = command.command[0], json.dumps(alert, ensure_ascii=False, allow_nan=False) + "\n"
    try:
        process = subprocess.Popen(  # noqa: S603  # the user's own program, from the user's own file
            command.command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True
        )
    except (OSError, ValueError) as err:
        return f"on_alert: {name}: cannot be run: {getattr(err, 'strerror', None) or err}"
    try:
        process.communicate(text.encode(), timeout=command.timeout.total_seconds())
    except subprocess.TimeoutExpired:
        return f"on_alert: {name}: did not end within {command.timeout.total_seconds():g} s, and was killed"
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return f"on_alert: {name}: ended with exit code {process.returncode}" if process.returncode else None


def fire_alerts(run: RunContext, run_key: str, found: Sequence[AlertResult]) -> list[str]:
    """Log the alerts that fired, run the alert command for each, and return their descriptions."""
    fired = [alert for alert in found if alert.fired]
    for alert in fired:
        run.note(LogEvent("alert", str(alert), "error", {"alert": alert.to_dict()}))
    if fired and isinstance(run.job, Job) and run.job.on_alert:
        record = {"time": run.now.isoformat(), "model": run.folder.name, "output": run.job.forecast.output}
        alerts = [alert.to_dict() for alert in fired]
        if failure := run_alert_command(run.job.on_alert, {**record, "run_key": run_key, "alerts": alerts}):
            run.note(LogEvent("on_alert", failure, "warning"))
    return [str(alert) for alert in fired]


def live_scores(run: RunContext) -> AnyLiveScores | None:
    """Return the live scores of a job; None for a task without them."""
    job = run.job
    if not isinstance(job, ScoredJob):
        return None
    return score_task(run.ledger, job.model.task, now=run.now, window=job.ledger.score_window)


def report_scores(run: RunContext) -> tuple[AnyLiveScores | None, list[str]]:
    """Log the live scores of a job, if it has any; return them with descriptions of the conditions that are met."""
    scores = live_scores(run)
    if scores is None or not isinstance(run.job, ScoredJob):
        return None, []
    if scores.n_actuals:
        text = f"live: {_scores_text(scores)} ({scores.n_actuals:,} outcomes)"
        run.note(LogEvent("scores", text, fields=scores.to_dict()))
    words = violated_conditions([parse_condition(text) for text in run.job.fail_if], scores)
    for text in words:
        run.note(LogEvent("condition", text, "error"))
    return scores, [f"fail_if: {text}" for text in words]


def _scores_text(scores: AnyLiveScores) -> str:
    """Format the scores in one line."""
    if isinstance(scores, LiveSymbolScores):
        return f"accuracy {scores.accuracy:.0%}, of seasonal naive {scores.naive_accuracy:.0%}"
    coverage = zip(scores.levels, scores.coverage, strict=True)
    held = "".join(f", {fraction:.0%} inside the {level:g} % interval" for level, fraction in coverage)
    return f"MAE {scores.mae:.4g}, MASE {scores.mase:.3g}{held}"


def violated_conditions(conditions: Sequence[Condition], scores: AnyLiveScores) -> list[str]:
    """Return descriptions of the conditions that the scores meet."""
    named = scores.named()
    return [
        f"{condition.text} ({condition.name} is {named[condition.name]:.4g} over {scores.n_actuals:,} outcomes)"
        for condition in conditions
        if condition.met(named)
    ]
