"""Console output: plain text, and a progress bar on terminals. Only this module imports rich."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from lstmcast.clock import reading_time
from lstmcast.data.drivers.ahead import horizon_ahead
from lstmcast.data.schema import DataNote, InferredSetting, SettingKey
from lstmcast.evaluation.splits import default_horizon
from lstmcast.forecasts import Forecast, StepForecast
from lstmcast.report.verdict import MEMBER_LABELS, label, rank, report_verdict, scored_network
from lstmcast.results import LSTMCAST, MemberName
from lstmcast.text import pluralize

if TYPE_CHECKING:
    from lstmcast.data.drivers.covariates import Covariates
    from lstmcast.data.panel import Panel
    from lstmcast.evaluation.splits import HoldoutSplit
    from lstmcast.forecasting.fitting import FitProgress
    from lstmcast.nn.keras_backend import Architecture
    from lstmcast.results import TrainingReport, ValueEvaluation, ValueReport
    from lstmcast.tasks.base import WrittenForecast

MAX_VALUE_WIDTH = 30  # characters of a value before its reason
MAX_SERIES = 20  # listed by check


def format_data(panel: Panel, now: datetime | None = None, *, reasons: bool = True, series: bool = False) -> str:
    """Size, time span and corrections of the data.

    Args:
        panel: the data.
        now: the current time; None: that of the system.
        reasons: list the inferred settings too.
        series: list the time span of each series too.
    """
    span = " to ".join(panel.calendar.text(np.array([panel.starts.min(), panel.ends.max()])))
    rows, n_series = pluralize(panel.n_rows or len(panel.values), "row"), pluralize(panel.n_series, "series")
    lines = [f"{panel.source}: {rows}, {n_series}, {span}"]
    lines += setting_rows(panel.inferred) if reasons else []
    lines += [f"  note: {note}" for note in (*panel.notes, *_future(panel, now or reading_time()))]
    lines += [f"  left out: {reason}" for reason in panel.dropped]
    return "\n".join([*lines, *(_spans(panel) if series else [])])


def data_to_dict(panel: Panel) -> dict[str, Any]:
    """The summary of the data as JSON values."""
    columns = panel.columns
    default_steps = default_horizon(panel.lengths, panel.default_horizon)
    return {
        "source": panel.source,
        "columns": {"time": columns.time, "target": list(columns.target), "series": list(columns.series)},
        **({} if panel.covariates is None else {"covariates": _covariates_to_dict(panel, panel.covariates)}),
        "frequency": panel.calendar.name,
        "closed": panel.calendar.closed,
        "season": panel.calendar.season,
        "horizon": default_steps,
        "series": panel.n_series,
        "rows": panel.n_rows or len(panel.values),
        "steps": len(panel.values),
        "ended": ["/".join(panel.keys[k]) for k in panel.ended.tolist()],
        "filled": int((~panel.observed).sum()),
        "notes": [asdict(note) for note in panel.notes],
        "left_out": [asdict(series) for series in panel.dropped],
        "inferred": [asdict(setting) for setting in panel.inferred],
    }


def _covariates_to_dict(panel: Panel, covariates: Covariates) -> dict[str, Any]:
    """Columns by role, categories, and the steps known ahead."""
    pinned = covariates.pinned
    roles = {
        role: [name for name in pinned[role] if name in covariates.columns] for role in ("known", "past", "static")
    }
    return {**roles, "categories": covariates.levels, "steps_ahead": horizon_ahead(panel)}


class NetworkSummary(Protocol):
    """The networks of a plan."""

    @property
    def architecture(self) -> Architecture:
        """The network's layers."""

    @property
    def networks(self) -> int:
        """Number of networks."""


class PlanSummary(NetworkSummary, Protocol):
    """A training plan of any task on panels."""

    @property
    def holdout(self) -> HoldoutSplit:
        """The held-out steps."""

    @property
    def inferred(self) -> tuple[InferredSetting, ...]:
        """The inferred settings, with their reasons."""


def format_plan(plan: PlanSummary) -> str:
    """The decisions of a training."""
    held = plan.holdout
    first = f"{held.validation_steps} validation (early stopping), " if held.validation_steps else ""
    held_out = InferredSetting(SettingKey.HOLDOUT, f"{held.total} steps", f"{first}{held.test_steps} test")
    return "\n".join(setting_rows([*plan.inferred, held_out, network_setting(plan)]))


def format_scores(report: ValueReport) -> str:
    """The scores of lstmcast, its members and the baselines, the coverage of the intervals, and the verdict."""
    evaluation = report.evaluation
    origins, steps = pluralize(evaluation.n_scored, "origin"), pluralize(report.holdout.horizon, "step")
    lines = [f"\nHeld-out scores ({origins}, {steps} ahead each):", *score_table(evaluation)]
    if report.adaptive_weights:
        lines.append("Weights are medians: each series weights its members by their errors over its last horizon.")
    lines += _coverage_lines(evaluation)
    lines.append(f"Preprocessing: {report.preprocessing}. {scored_network(report)}")
    return "\n".join([*lines, "", report_verdict(report)])


def score_table(evaluation: ValueEvaluation) -> list[str]:
    """One line a method: lstmcast, its members indented with their weights, then the baselines, best first."""
    scores = evaluation.scores
    baselines = sorted((name for name in scores if name != LSTMCAST), key=lambda name: rank(scores[name]))
    lines = [f"  {'':25}{'weight':>8}{'MAE':>12}{'RMSE':>12}{'sMAPE':>10}{'MASE':>9}"]
    lines.append(_score_row(LSTMCAST, "", scores[LSTMCAST]))
    for name, weight in percentages(evaluation.member_weights).items():
        if name in evaluation.members or weight:
            row = evaluation.members.get(name, scores[LSTMCAST] if weight == 100 else {})
            lines.append(_score_row(f"  {MEMBER_LABELS[name]}", f"{weight}%", row))
    return [*lines, *(_score_row(label(name), "", scores[name]) for name in baselines)]


def _score_row(name: str, weight: str, scores: Mapping[str, float]) -> str:
    mae, rmse, smape, mase = (scores.get(metric, math.nan) for metric in ("mae", "rmse", "smape", "mase"))
    suffix = "  " if math.isnan(smape) else " %"
    return f"  {name:25}{weight:>8}{number(mae, 12)}{number(rmse, 12)}{number(smape, 8)}{suffix}{number(mase, 9)}"


def percentages(weights: Mapping[MemberName, float]) -> dict[MemberName, int]:
    """Weights in whole percent, which sum to 100."""
    percents = {name: round(100 * weight) for name, weight in weights.items()}
    if MemberName.TRAINED in percents:
        percents[MemberName.TRAINED] += 100 - sum(percents.values())
    return percents


def _coverage_lines(evaluation: ValueEvaluation) -> list[str]:
    """The coverage of the intervals, and the sources of their widths."""
    percents = [f"{level}% interval {_percent(fraction)}" for level, fraction in evaluation.coverage.items()]
    if not percents:
        return []
    overlap = " (overlapping origins)" if evaluation.coverage_folds_overlap else ""
    lines = [f"Cross-validated coverage{overlap}: {', '.join(percents)}."]
    if (weight := evaluation.calibration_weight) < 1:
        sources = f"{weight:.0%} from this data and {1 - weight:.0%} from the pretrained models' calibration"
        lines.append(f"Few calibration origins: interval widths are {sources}.")
    return lines


def format_saved(version: Path, seconds: float, *, flags: str) -> str:
    """The folder of the model, and the next commands with these flags."""
    following = "; ".join(f"lstmcast {verb} {flags}".strip() for verb in ("predict", "plot"))
    return f"\nSaved {version} after {seconds:.0f} s. Next: {following}"


def format_forecast(
    forecast: StepForecast, version: Path, target: str, report: TrainingReport, notes: Sequence[DataNote]
) -> str:
    """The file of a forecast, its model, and the verdict unless the model beats the baselines."""
    found = (*notes, *(forecast.notes if isinstance(forecast, Forecast) else ()))
    lines = [format_paths(forecast, target, str(version)), *(f"note: {note}" for note in found)]
    return "\n".join([*lines, *caution(report)])


def format_written(written: WrittenForecast) -> str:
    """The file of a forecast of any task, its model, and the verdict unless the model beats the baselines."""
    forecast, report, notes = written.prediction, written.report, written.dataset.notes
    if isinstance(forecast, StepForecast):
        return format_forecast(forecast, written.version, written.target, report, notes)
    from lstmcast.report import task_tables

    return task_tables.format_label_forecast(written)


def caution(report: TrainingReport) -> list[str]:
    """The verdict, unless the model beats the baselines."""
    return [] if report.evaluation.skill.better else [report_verdict(report)]


def format_paths(forecast: StepForecast, target: str, by: str) -> str:
    """The file of a forecast, and its model."""
    span = " to ".join(forecast.calendar.text(forecast.positions.ravel()[[0, -1]]))
    where = "stdout" if target == "-" else target
    return f"{where}: {pluralize(forecast.horizon, 'step')} of {pluralize(len(forecast.keys), 'series')}, {span}; {by}"


@contextmanager
def progress(*, quiet: bool) -> Iterator[Callable[[FitProgress], None]]:
    """A progress bar with epoch, losses and remaining time; nothing without a terminal."""
    if quiet or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[losses]}"),
        TimeRemainingColumn(),
    )
    bar = Progress(*columns, console=Console(stderr=True), transient=True)
    task = bar.add_task("", total=None, losses="")

    def on_progress(stage: FitProgress) -> None:
        bar.start()  # not before the first epoch, as other lines may come first
        now = stage.progress
        held = "" if now.validation_error is None else f", validation {now.validation_error:.4f}"
        which = f" {stage.network}/{stage.networks}" if stage.networks > 1 else ""
        bar.update(
            task,
            description=f"{stage.name}{which}, epoch {now.epoch}/{now.epochs}",
            completed=now.epoch,
            total=now.epochs,
            losses=f"loss {now.loss:.4f}{held}",
        )

    try:
        yield on_progress
    finally:
        bar.stop()


def network_setting(plan: NetworkSummary) -> InferredSetting:
    """The network of a plan as a setting."""
    size = f" × {plan.networks}" if plan.networks > 1 else ""
    weights = f"{plan.architecture.parameters:,} weights"
    return InferredSetting(SettingKey.NETWORK, f"{plan.architecture}{size}", weights)


def setting_rows(settings: Sequence[InferredSetting]) -> list[str]:
    """Key, value and reason in columns."""
    first = max((len(setting.key.label) for setting in settings), default=0)
    second = min(max((len(setting.value) for setting in settings), default=0), MAX_VALUE_WIDTH)
    return [f"  {s.key.label:{first}}  {s.value:{second}}  {s.reason}" for s in settings]


def _spans(panel: Panel) -> list[str]:
    """One line a series: steps, time span, filled steps."""
    lines = []
    for k in range(min(panel.n_series, MAX_SERIES)):
        span = " to ".join(panel.calendar.text(np.array([panel.starts[k], panel.ends[k]])))
        filled = int((~panel.observed_of(k)).sum())
        name = "/".join(panel.keys[k]) or "the series"
        lines.append(
            f"  {name}: {pluralize(int(panel.lengths[k]), 'step')}, {span}" + (f", {filled} filled" if filled else "")
        )
    return lines + ([f"  … and {panel.n_series - MAX_SERIES} more series"] if panel.n_series > MAX_SERIES else [])


def _future(panel: Panel, now: datetime) -> list[str]:
    """A warning if the data end after the current time."""
    if panel.calendar.kind == "counter":
        return []
    ends = panel.calendar.stamps(panel.ends)
    late = int((ends > now.timestamp() * 1e6).sum())
    return [f"{pluralize(late, 'series')} end after the current time: check the last rows"] if late else []


def _percent(fraction: float) -> str:
    return "unknown (too few origins)" if math.isnan(fraction) else f"{fraction:.0%}"


def percent(fraction: float, digits: int = 0) -> str:
    """A fraction in percent; a dash where undefined."""
    return "–" if math.isnan(fraction) else f"{fraction:.{digits}%}"


def number(value: float | None, width: int = 0) -> str:
    """A right-aligned number with four significant digits; a dash where undefined."""
    if value is None or not math.isfinite(value):
        return f"{'–':>{width}}"
    text = f"{value:,.4g}" if abs(value) < 1e4 else f"{value:,.0f}" if abs(value) < 1e9 else f"{value:.3e}"
    return f"{text:>{width}}"
