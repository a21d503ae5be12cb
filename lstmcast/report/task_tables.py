"""Plain-text output of the event, category and label tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lstmcast.data.labeled_panel import LabeledPanel
from lstmcast.report.console import count, label, network_setting, number, setting_rows
from lstmcast.tasks.label.model import LabelPredictions, count_correct
from lstmcast.types import Ints

if TYPE_CHECKING:
    from lstmcast.tasks.category.backtest import SymbolBacktest
    from lstmcast.tasks.category.model import SymbolForecast
    from lstmcast.tasks.event.backtest import EventBacktest
    from lstmcast.tasks.label.backtest import LabelBacktest
    from lstmcast.tasks.label.train import LabelPlan

MIXED = 3  # pairs of labels that are named
LABEL_METRICS = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced",
    "cross_entropy": "cross-entropy",
    "brier": "Brier",
}


def found(data: LabeledPanel) -> str:
    """What was read and handled, and what was inferred and why."""
    lengths = data.lengths
    each = f"{lengths.min():,} to {lengths.max():,} steps" if lengths.min() < lengths.max() else f"{lengths[0]:,} steps"
    width = count(len(data.features), "feature")
    lines = [f"{data.source}: {count(data.n_series, 'series')} of {each}, {width} at each"]
    lines += setting_rows(data.inferred)
    lines += [f"  note: {note}" for note in data.notes]
    return "\n".join([*lines, *(f"  left out: {reason}" for reason in data.dropped)])


def planned(plan: LabelPlan) -> str:
    """What `auto` became."""
    return "\n".join(setting_rows([*plan.inferred, network_setting(plan)]))


def format_label_scores(report: Mapping[str, Any]) -> str:
    """The scores beside the rules', what is mixed up most, the verdict."""
    lines = [
        f"\nHeld-out scores ({count(report['held_out']['judge_series'], 'series')}):",
        *label_table(report["scores"]),
    ]
    if mixed := top_confusions(np.array(report["confusion"]), report["classes"]):
        lines.append(f"Mixed up most: {mixed}.")
    epochs = ", ".join(str(epoch) for epoch in report["epochs"])
    lines.append(f"Epochs: {epochs}. Scores are those of {report['scored_network']}.")
    return "\n".join([*lines, "", report["verdict"]])


def label_table(scores: Mapping[str, Mapping[str, float | None]]) -> list[str]:
    """One line a method, the LSTM first and then the rule that is right most often."""
    wide = max(len(label(name)) for name in scores) + 2
    order = sorted(scores, key=lambda name: (name != "lstm", -(scores[name]["accuracy"] or 0.0)))
    lines = ["  " + " " * wide + "".join(f"{title:>15}" for title in LABEL_METRICS.values())]
    for name in order:
        cells = "".join(number(scores[name].get(metric), 15) for metric in LABEL_METRICS)
        lines.append(f"  {label(name):{wide}}{cells}")
    return lines


def top_confusions(matrix: Ints, classes: Sequence[str]) -> str:
    """The labels that were said for others most often, worst first; empty where all is right."""
    wrong = matrix - np.diag(np.diag(matrix))
    worst = np.argsort(-wrong, axis=None, kind="stable")[:MIXED]
    pairs = [divmod(int(at), len(classes)) for at in worst]
    return ", ".join(f"{classes[a]} taken for {classes[b]} ({wrong[a, b]})" for a, b in pairs if wrong[a, b])


def format_label_forecast(
    labels: LabelPredictions, data: LabeledPanel, report: Mapping[str, Any], *, version: Path, target: str
) -> str:
    """What predict wrote, from what; how many labels the file knew already; a caution where the model earned one."""
    where = "stdout" if target == "-" else target
    lines = [f"{where}: the {labels.label} of {count(len(labels.keys), 'series')}; {version}"]
    lines += [f"note: {note}" for note in data.notes]
    known, same = count_correct(data.labels, labels.predicted)
    if known:
        text = f"{same:,} ({same / known:.1%})"
        lines.append(f"note: the file itself has a {data.label} for {known:,} of them; {text} are the same")
    return "\n".join(lines if report["skill"]["better"] else [*lines, report["verdict"]])


def format_label_backtest(scores: LabelBacktest) -> str:
    """The scores of a backtest beside the rules', what is mixed up most, the verdict."""
    found = scores.to_dict()
    lines = [f"\nBacktest ({count(found['series'], 'series')}, each judged once in {found['folds']} folds):"]
    lines += label_table(found["scores"])
    if mixed := top_confusions(np.array(found["confusion"]), found["classes"]):
        lines.append(f"Mixed up most: {mixed}.")
    return "\n".join([*lines, "", found["verdict"]])


EVENT_METRICS = {"brier": "Brier", "log_loss": "log loss", "accuracy": "accuracy", "calibration_error": "calib. error"}
NAME, CELL = 22, 14
_LEGEND = (
    "Less is better, but for accuracy. Brier: the mean squared distance of the probability from what came (1 or 0); "
    "log loss in\nnats; calib. error: how far what came true lies from what was said, on average."
)


def format_event_scores(report: Mapping[str, Any]) -> str:
    """The scores of a training, and the verdict."""
    held = report["held_out"]
    first = f"\nHeld-out scores of {report['event']!r} ({_what(report, held['origins'], held['horizon'])}):"
    epochs = ", ".join(str(epoch) for epoch in report["epochs"])
    networks = report["scored_network"]
    last = (
        f"Stands on: {report['footing']}. Epochs: {epochs}. Scores are those of {networks}.\n"
        f"Calibrated: log-odds divided by {report['temperature']:.2f}, by the held-out steps."
    )
    return "\n".join([first, *_table(report), last, "", report["verdict"]])


def format_event_backtest(scores: EventBacktest) -> str:
    """The scores of a backtest, and the verdict."""
    report, folds = scores.to_dict(), scores.rolling
    what = _what(report, scores.evaluation.n_origins, folds.horizon)
    first = f"\n{scores.event!r} ({what}, every {folds.step_size} steps):"
    return "\n".join([first, *_table(report), *scores.warnings, "", scores.evaluation.verdict])


def _what(report: Mapping[str, Any], origins: int, horizon: int) -> str:
    return f"{count(origins, 'origin')}, {count(horizon, 'step')} ahead each; so in {report['rate']:.1%} of them"


def _table(report: Mapping[str, Any]) -> list[str]:
    """One line a method, the best baseline first, and by how much less the LSTM's Brier score is."""
    scores, skills = report["scores"], report["skills"]
    order = sorted(scores, key=lambda name: (name != "lstm", scores[name]["brier"]))
    lines = [" " * (NAME + 2) + "".join(f"{head:>{CELL}}" for head in (*EVENT_METRICS.values(), "LSTM's skill"))]
    for name in order:
        cells = "".join(number(scores[name][metric], CELL) for metric in EVENT_METRICS)
        skill = skills.get(name)
        lines.append(f"  {label(name):{NAME}}{cells}{'' if skill is None else f'{skill:.1%}':>{CELL}}".rstrip())
    return [*lines, _LEGEND]


def format_category_scores(report: Mapping[str, Any]) -> str:
    """The scores beside the baselines', and the verdict."""
    held = report["held_out"]
    lines = [f"\nHeld-out scores ({count(held['steps'], 'symbol')}, each foretold from all before it):"]
    lines += category_table(report["scores"])
    if held["paths"]:
        ahead = f"{count(held['paths'], 'path')} of {count(held['horizon'], 'step')}"
        lines.append(f"On the way: the share of right symbols along {ahead}, each said at once.")
    epochs = ", ".join(str(epoch) for epoch in report["epochs"])
    bold = f"Temperature: {report['temperature']:.2f}"
    lines.append(f"Epochs: {epochs}. {bold}. Scores are those of {report['scored_network']}.")
    return "\n".join([*lines, "", report["verdict"]])


def format_category_backtest(result: SymbolBacktest) -> str:
    """The same of a backtest."""
    found = result.to_dict()
    lines = [f"\nBacktest ({count(found['steps'], 'symbol')}, each foretold from all before it):"]
    return "\n".join([*lines, *category_table(found["scores"]), *result.warnings, "", found["verdict"]])


def category_table(scores: Mapping[str, Mapping[str, float | None]]) -> list[str]:
    """One line a method, the LSTM first, then by bits."""
    lines = [f"  {'':16}{'bits a symbol':>15}{'hits':>9}{'top 3':>9}{'on the way':>13}"]
    order = sorted(scores, key=lambda name: (name != "lstm", scores[name]["bits"] is None, scores[name]["bits"] or 0))
    for name in order:
        row = scores[name]
        percents = (_percent(row[key], width) for key, width in (("accuracy", 9), ("top_3", 9), ("path", 13)))
        lines.append(f"  {label(name):16}{number(row['bits'], 15)}{''.join(percents)}")
    return lines


def _percent(value: float | None, width: int) -> str:
    return f"{'–' if value is None else f'{value:.1%}':>{width}}"


def format_category_forecast(
    forecast: SymbolForecast, version: Path, target: str, report: Mapping[str, Any], notes: Sequence[str]
) -> str:
    """What predict wrote, from what, and a word of caution where the model earned one."""
    span = " to ".join(forecast.calendar.text(forecast.positions.ravel()[[0, -1]]))
    where = "stdout" if target == "-" else target
    series = count(len(forecast.keys), "series")
    lines = [f"{where}: {count(forecast.horizon, 'step')} of {series}, {span}; {version}"]
    lines += [f"note: {note}" for note in notes]
    return "\n".join([*lines, *([] if report["skill"]["better"] else [report["verdict"]])])
