"""Plain-text output of the event, category and label tasks."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from lstmcast.data.labeled_panel import LabeledPanel
from lstmcast.report.console import network_setting, number, percent, setting_rows
from lstmcast.report.verdict import label, scored_network, verdict
from lstmcast.results import LSTMCAST, Scores
from lstmcast.tasks.label.model import count_correct
from lstmcast.text import pluralize
from lstmcast.types import Ints

if TYPE_CHECKING:
    from lstmcast.tasks.base import WrittenForecast
    from lstmcast.tasks.category.model import CategoryReport, SymbolScores
    from lstmcast.tasks.category.scores import SymbolBacktest
    from lstmcast.tasks.event.model import EventReport, EventScores
    from lstmcast.tasks.event.scores import EventBacktest
    from lstmcast.tasks.label.model import LabelPredictions, LabelReport, LabelScores
    from lstmcast.tasks.label.plan import LabelPlan
    from lstmcast.tasks.label.scores import LabelBacktest

MAX_CONFUSIONS = 3  # pairs of labels in the summary
LABEL_METRICS = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced",
    "cross_entropy": "cross-entropy",
    "brier": "Brier",
}


def format_labeled_data(data: LabeledPanel) -> str:
    """The size of the data, the inferred settings and the corrections."""
    lengths = data.lengths
    each = f"{lengths.min():,} to {lengths.max():,} steps" if lengths.min() < lengths.max() else f"{lengths[0]:,} steps"
    width = pluralize(len(data.features), "feature")
    lines = [f"{data.source}: {pluralize(data.n_series, 'series')} of {each}, {width} at each"]
    lines += setting_rows(data.inferred)
    lines += [f"  note: {note}" for note in data.notes]
    return "\n".join([*lines, *(f"  left out: {reason}" for reason in data.dropped)])


def labeled_data_to_dict(data: LabeledPanel) -> dict[str, Any]:
    """The summary of the data as JSON values."""
    columns = {"time": data.time, "series": list(data.key_columns), "features": list(data.features)}
    return {
        "source": data.source,
        "columns": {**columns, "label": data.label},
        "frequency": data.calendar.name,
        "classes": list(data.classes),
        "series": data.n_series,
        "rows": len(data.values),
        "notes": [asdict(note) for note in data.notes],
        "left_out": [asdict(series) for series in data.dropped],
        "inferred": [asdict(setting) for setting in data.inferred],
    }


def format_label_plan(plan: LabelPlan) -> str:
    """The decisions of a training."""
    return "\n".join(setting_rows([*plan.inferred, network_setting(plan)]))


def format_label_scores(report: LabelReport) -> str:
    """The scores of lstmcast and the baselines, the most frequent confusions, and the verdict."""
    title = f"\nHeld-out scores ({pluralize(report.test_series, 'series')}):"
    evaluation = report.evaluation
    lines = [title, *_label_lines(evaluation, report.classes), scored_network(report), "", label_verdict(evaluation)]
    return "\n".join(lines)


def label_verdict(scores: LabelScores) -> str:
    """The accuracy, and the comparison with the best baseline."""
    correct = sum(row[k] for k, row in enumerate(scores.confusion))
    scored = pluralize(scores.n_scored, "held-out series")
    counts = f"{correct:,} of {scored} correctly ({correct / scores.n_scored:.1%})"
    return f"lstmcast classified {counts}. {verdict(scores)}"


def _label_lines(scores: LabelScores, classes: Sequence[str]) -> list[str]:
    mixed = top_confusions(np.array(scores.confusion), classes)
    return [*label_table(scores.scores), *([f"Most frequent confusions: {mixed}."] if mixed else [])]


def label_table(scores: Mapping[str, Scores]) -> list[str]:
    """One line a method: lstmcast, then the baselines, the most accurate first."""
    wide = max(len(label(name)) for name in scores) + 2
    order = sorted(scores, key=lambda name: (name != LSTMCAST, -scores[name]["accuracy"]))
    lines = ["  " + " " * wide + "".join(f"{title:>15}" for title in LABEL_METRICS.values())]
    for name in order:
        cells = "".join(number(scores[name].get(metric), 15) for metric in LABEL_METRICS)
        lines.append(f"  {label(name):{wide}}{cells}")
    return lines


def top_confusions(matrix: Ints, classes: Sequence[str]) -> str:
    """The most frequent confusions, worst first; empty if all labels are right."""
    wrong = matrix - np.diag(np.diag(matrix))
    worst = np.argsort(-wrong, axis=None, kind="stable")[:MAX_CONFUSIONS]
    pairs = [divmod(int(at), len(classes)) for at in worst]
    return ", ".join(f"{classes[a]} predicted as {classes[b]} ({wrong[a, b]})" for a, b in pairs if wrong[a, b])


def format_label_forecast(written: WrittenForecast) -> str:
    """The file and the model; the accuracy on labels in the file; the verdict unless the model beats the baselines."""
    labels, report = cast("LabelPredictions", written.prediction), cast("LabelReport", written.report)
    data, where = cast("LabeledPanel", written.dataset), "stdout" if written.target == "-" else written.target
    lines = [f"{where}: the {labels.label} of {pluralize(len(labels.keys), 'series')}; {written.version}"]
    lines += [f"note: {note}" for note in data.notes]
    known, same = count_correct(data.labels, labels.predicted)
    if known:
        text = f"{same:,} ({same / known:.1%})"
        lines.append(f"note: the file has a {data.label} for {known:,} of them, of which {text} are predicted")
    return "\n".join(lines if report.evaluation.skill.better else [*lines, label_verdict(report.evaluation)])


def format_label_backtest(result: LabelBacktest) -> str:
    """The scores of a backtest, the most frequent confusions, and the verdict."""
    scores, folds = result.evaluation.summary, int(result.fold.max()) + 1
    title = f"\nBacktest ({pluralize(scores.n_scored, 'series')}, each scored once in {folds} folds):"
    return "\n".join([title, *_label_lines(scores, result.data.classes), "", label_verdict(scores)])


EVENT_METRICS = {"brier": "Brier", "log_loss": "log loss", "accuracy": "accuracy", "calibration_error": "calib. error"}
NAME, CELL = 22, 14
_LEGEND = (
    "Lower is better, except for accuracy. Brier: mean squared difference of probability and outcome (1 or 0).\n"
    "Log loss in nats. Calib. error: mean difference of predicted probability and observed frequency."
)


def format_event_scores(report: EventReport) -> str:
    """The scores of a training, and the verdict."""
    evaluation = report.evaluation
    first = f"\nHeld-out scores of {report.event!r} ({_origins(evaluation, report.holdout.horizon)}):"
    last = (
        f"Preprocessing: {report.preprocessing}. {scored_network(report)}\n"
        f"Temperature: {report.temperature:.2f} (divides the log-odds, fitted on the hold-out)."
    )
    return "\n".join([first, *event_table(evaluation), last, "", verdict(evaluation)])


def format_event_backtest(result: EventBacktest) -> str:
    """The scores of a backtest, and the verdict."""
    evaluation, folds = result.evaluation.summary, result.rolling
    first = f"\n{result.event!r} ({_origins(evaluation, folds.horizon)}, every {folds.step_size} steps):"
    return "\n".join([first, *event_table(evaluation), *result.warnings, "", verdict(evaluation)])


def _origins(evaluation: EventScores, horizon: int) -> str:
    origins, steps = pluralize(evaluation.n_scored, "origin"), pluralize(horizon, "step")
    return f"{origins}, {steps} ahead each; event rate {evaluation.rate:.1%}"


def event_table(evaluation: EventScores) -> list[str]:
    """One line a method: lstmcast, then the baselines, best first, with the skill of lstmcast against each."""
    scores = evaluation.scores
    order = sorted(scores, key=lambda name: (name != LSTMCAST, scores[name]["brier"]))
    lines = [" " * (NAME + 2) + "".join(f"{head:>{CELL}}" for head in (*EVENT_METRICS.values(), "skill against"))]
    for name in order:
        cells = "".join(number(scores[name][metric], CELL) for metric in EVENT_METRICS)
        skill = evaluation.skills.get(name, math.nan)
        lines.append(f"  {label(name):{NAME}}{cells}{'' if math.isnan(skill) else f'{skill:.1%}':>{CELL}}".rstrip())
    return [*lines, _LEGEND]


def format_category_scores(report: CategoryReport) -> str:
    """The scores of a training, and the verdict."""
    evaluation = report.evaluation
    lines = [_symbols_title("Held-out scores", evaluation), *category_table(evaluation.scores)]
    if evaluation.n_paths:
        paths, steps = pluralize(evaluation.n_paths, "path"), pluralize(report.holdout.horizon, "step")
        lines.append(f"Path accuracy: fraction of right symbols along {paths} of {steps}, without feedback.")
    lines.append(f"Temperature: {report.temperature:.2f}. {scored_network(report)}")
    return "\n".join([*lines, "", verdict(evaluation)])


def format_category_backtest(result: SymbolBacktest) -> str:
    """The scores of a backtest, and the verdict."""
    evaluation = result.evaluation.summary
    lines = [_symbols_title("Backtest", evaluation), *category_table(evaluation.scores)]
    return "\n".join([*lines, *result.warnings, "", verdict(evaluation)])


def _symbols_title(name: str, evaluation: SymbolScores) -> str:
    return f"\n{name} ({pluralize(evaluation.n_scored, 'symbol')}, one-step-ahead predictions):"


def category_table(scores: Mapping[str, Scores]) -> list[str]:
    """One line a method: lstmcast, then the baselines by bits."""
    lines = [f"  {'':16}{'bits/symbol':>15}{'accuracy':>10}{'top-3':>9}{'path accuracy':>15}"]
    order = sorted(scores, key=lambda n: (n != LSTMCAST, math.isnan(scores[n]["bits"]), scores[n]["bits"]))
    for name in order:
        row = scores[name]
        percents = (f"{percent(row[key], 1):>{width}}" for key, width in (("accuracy", 10), ("top_3", 9), ("path", 15)))
        lines.append(f"  {label(name):16}{number(row['bits'], 15)}{''.join(percents)}")
    return lines
