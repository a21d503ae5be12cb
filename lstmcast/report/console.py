"""What a person reads: plain text, and a progress line where there is a terminal. Only this module imports rich."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from lstmcast.data.schema import InferredSetting, SettingKey
from lstmcast.evaluation.splits import default_horizon

if TYPE_CHECKING:
    from lstmcast.data.panel import Panel
    from lstmcast.evaluation.splits import HoldoutSplit
    from lstmcast.forecasting.fitting import FitProgress
    from lstmcast.nn.keras_backend import Architecture
    from lstmcast.results import Forecast

WIDE = 30  # characters of a value, before the reasons begin
SHOWN = 20  # series listed by check


def format_data(panel: Panel, now: datetime, *, reasons: bool = True, series: bool = False) -> str:
    """What was read and handled; with `reasons`, what was inferred and why, with `series`, each series' span too."""
    span = " to ".join(panel.calendar.text(np.array([panel.starts.min(), panel.ends.max()])))
    lines = [f"{panel.source}: {count(len(panel.values), 'row')}, {count(panel.n_series, 'series')}, {span}"]
    lines += setting_rows(panel.inferred) if reasons else []
    lines += [f"  note: {note}" for note in (*panel.notes, *_future(panel, now))]
    lines += [f"  left out: {reason}" for reason in panel.dropped]
    return "\n".join([*lines, *(_spans(panel) if series else [])])


def found_as_json(panel: Panel) -> dict[str, Any]:
    """The same for a program."""
    columns = panel.columns
    default_steps = default_horizon(panel.lengths, panel.calendar.default_horizon)
    return {
        "source": panel.source,
        "columns": {"time": columns.time, "target": list(columns.target), "series": list(columns.series)},
        "frequency": panel.calendar.name,
        "season": panel.calendar.season,
        "horizon": default_steps,
        "series": panel.n_series,
        "rows": len(panel.values),
        "filled": int((~panel.observed).sum()),
        "notes": list(panel.notes),
        "left_out": list(panel.dropped),
        "inferred": [asdict(setting) for setting in panel.inferred],
    }


class NetworkSummary(Protocol):
    """The networks of a plan."""

    @property
    def architecture(self) -> Architecture:
        """The network's layers."""

    @property
    def networks(self) -> int:
        """How many."""


class PlanSummary(NetworkSummary, Protocol):
    """A training plan of any task on panels."""

    @property
    def holdout(self) -> HoldoutSplit:
        """The held-out steps."""

    @property
    def inferred(self) -> tuple[InferredSetting, ...]:
        """What was decided, and why."""


def format_plan(plan: PlanSummary) -> str:
    """What `auto` became."""
    held = plan.holdout
    first = f"{held.validation_steps} validation (early stopping), " if held.validation_steps else ""
    held_out = InferredSetting(SettingKey.HOLDOUT, f"{held.total} steps", f"{first}{held.test_steps} test")
    return "\n".join(setting_rows([*plan.inferred, held_out, network_setting(plan)]))


def format_scores(report: Mapping[str, Any]) -> str:
    """The scores beside the baselines', the coverage of the intervals, the verdict."""
    held, scores = report["held_out"], report["scores"]
    lines = [f"\nHeld-out scores ({count(held['origins'], 'origin')}, {count(held['horizon'], 'step')} ahead each):"]
    lines.append(f"  {'':16}{'MAE':>12}{'RMSE':>12}{'sMAPE':>10}{'MASE':>9}")
    order = sorted(scores, key=lambda name: (name != "lstm", scores[name]["mase"] or scores[name]["mae"]))
    rows = {label(name): scores[name] for name in order}
    rows["smoothing alone"] = report["without_network"]
    for name in ("pretrained alone", "trained alone"):
        if alone := report.get(name.replace(" ", "_")):
            rows[name] = alone
    for name, row in rows.items():
        cells = (number(row["mae"], 12), number(row["rmse"], 12), number(row["smape"], 8), number(row["mase"], 9))
        suffix = "  " if row["smape"] is None else " %"
        lines.append(f"  {name:16}{cells[0]}{cells[1]}{cells[2]}{suffix}{cells[3]}")
    percents = [f"{level} % interval: {_percent(fraction)}" for level, fraction in report["coverage"].items()]
    if percents:
        overlap = " (their futures overlap)" if report["coverage_overlaps"] else ""
        lines.append(f"Coverage on origins that did not calibrate it{overlap}: {'; '.join(percents)}")
    if percents and (trust := report.get("widths_trust", 1.0)) < 1:
        borrowed = f"{1 - trust:.0%} those that pretrained networks needed on other series"
        lines.append(
            f"Little is held out: the intervals' widths are {trust:.0%} those of these origins, and {borrowed}."
        )
    epochs = ", ".join(str(epoch) for epoch in report["epochs"])
    lines.append(f"Stands on: {report['footing']}. Epochs: {epochs}. Scores are those of {report['scored_network']}.")
    if (parts := _parts(report)).keys() != {"the network's"}:
        each = "A typical" if report.get("smoothing_tried") else "Each"
        own = ": what did better over a series' last horizon counts more" if report.get("smoothing_tried") else ""
        *first, last = (f"{percent} % {whose}" for whose, percent in parts.items())
        text = f"{', '.join(first)} and {last}" if first else last
        lines.append(f"{each} forecast is {text}{own}.")
    return "\n".join([*lines, "", report["verdict"]])


def _parts(report: Mapping[str, Any]) -> dict[str, int]:
    """Who speaks in a forecast, and with how many percent; 100 in all."""
    smooth = report["smoothing_share"]
    pretrained, smoothing = round(100 * (1 - smooth) * report.get("pretrained", 0.0)), round(100 * smooth)
    percents = {
        "the network's": 100 - pretrained - smoothing,
        "pretrained networks'": pretrained,
        "exponential smoothing's": smoothing,
    }
    return {whose: percent for whose, percent in percents.items() if percent}


def format_saved(version: Path, seconds: float, *, flags: str) -> str:
    """Where the model lies, and what to do next with these flags."""
    following = "; ".join(f"lstmcast {verb} {flags}".strip() for verb in ("predict", "plot"))
    return f"\nSaved {version} after {seconds:.0f} s. Next: {following}"


def format_forecast(
    forecast: Forecast, version: Path, target: str, report: Mapping[str, Any], notes: Sequence[str]
) -> str:
    """What predict wrote, from what, and a word of caution where the model earned one."""
    lines = [format_paths(forecast, target, str(version)), *(f"note: {note}" for note in notes)]
    if not report["skill"]["better"]:
        lines.append(report["verdict"])
    return "\n".join(lines)


def format_paths(forecast: Forecast, target: str, by: str) -> str:
    """What was written, and what forecast it."""
    span = " to ".join(forecast.calendar.text(forecast.positions.ravel()[[0, -1]]))
    where = "stdout" if target == "-" else target
    return f"{where}: {count(forecast.horizon, 'step')} of {count(len(forecast.keys), 'series')}, {span}; {by}"


def label(name: str) -> str:
    """A method's name as a person writes it."""
    return "LSTM" if name == "lstm" else name.replace("_", " ")


@contextmanager
def progress(*, quiet: bool) -> Iterator[Callable[[FitProgress], None]]:
    """A line with epoch, losses and time left, on a terminal; elsewhere nothing."""
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
        bar.start()  # only now: what is said before the first epoch has the terminal for itself
        now = stage.progress
        held = "" if now.validation_error is None else f", held out {now.validation_error:.4f}"
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
    second = min(max((len(setting.value) for setting in settings), default=0), WIDE)
    return [f"  {s.key.label:{first}}  {s.value:{second}}  {s.reason}" for s in settings]


def _spans(panel: Panel) -> list[str]:
    """One line a series: steps, span, filled."""
    lines = []
    for k in range(min(panel.n_series, SHOWN)):
        span = " to ".join(panel.calendar.text(np.array([panel.starts[k], panel.ends[k]])))
        filled = int((~panel.observed_of(k)).sum())
        name = "/".join(panel.keys[k]) or "the series"
        lines.append(
            f"  {name}: {count(int(panel.lengths[k]), 'step')}, {span}" + (f", {filled} filled" if filled else "")
        )
    return lines + ([f"  … and {panel.n_series - SHOWN} more series"] if panel.n_series > SHOWN else [])


def _future(panel: Panel, now: datetime) -> list[str]:
    """A word where the data reach beyond today."""
    if panel.calendar.kind == "counter":
        return []
    ends = panel.calendar.stamps(panel.ends)
    late = int((ends > now.timestamp() * 1e6).sum())
    return [f"{count(late, 'series')} end after now: is the last time right?"] if late else []


def count(n: int, what: str) -> str:
    """`1 row`, `2,000 rows`; series stays series."""
    return f"{n:,} {what}" + ("" if n == 1 or what == "series" else "s")


def _percent(fraction: float | None) -> str:
    return "not known (too few origins)" if fraction is None else f"{fraction:.0%}"


def number(value: float | None, width: int) -> str:
    """Right-aligned with four significant digits; a dash where undefined."""
    if value is None:
        return f"{'–':>{width}}"
    text = f"{value:,.4g}" if abs(value) < 1e4 else f"{value:,.0f}" if abs(value) < 1e9 else f"{value:.3e}"
    return f"{text:>{width}}"
