"""What a person reads of labels: what was found and planned, the scores, what predict wrote, a backtest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from lstmcast.classifier.label.labels import LabelPredictions, count_correct
from lstmcast.data.labelled import LabeledPanel
from lstmcast.show.console import columns, count, label, number

if TYPE_CHECKING:
    from lstmcast.classifier.label.folds import LabelBacktestResult
    from lstmcast.classifier.label.plan import LabelPlan

Ints = npt.NDArray[np.int64]

MIXED = 3  # pairs of labels that are named
METRICS = {"accuracy": "accuracy", "balanced_accuracy": "balanced", "cross_entropy": "cross-entropy", "brier": "Brier"}


def found(data: LabeledPanel) -> str:
    """What was read and handled, and what was inferred and why."""
    lengths = data.lengths
    each = f"{lengths.min():,} to {lengths.max():,} steps" if lengths.min() < lengths.max() else f"{lengths[0]:,} steps"
    width = count(len(data.features), "feature")
    lines = [f"{data.source}: {count(data.n_series, 'series')} of {each}, {width} at each"]
    lines += columns([(f.name, f.value, f.reason) for f in data.findings])
    lines += [f"  note: {note}" for note in data.notes]
    return "\n".join([*lines, *(f"  left out: {reason}" for reason in data.dropped)])


def planned(plan: LabelPlan) -> str:
    """What `auto` became."""
    many = f" × {plan.networks}" if plan.networks > 1 else ""
    rows = [(f.name, f.value, f.reason) for f in plan.findings]
    rows.append(("network", f"{plan.architecture}{many}", f"{plan.architecture.parameters:,} weights"))
    return "\n".join(columns(rows))


def format_scores(report: Mapping[str, Any]) -> str:
    """The scores beside the rules', what is mixed up most, the verdict."""
    lines = [f"\nHeld-out scores ({count(report['held_out']['judge_series'], 'series')}):", *table(report["scores"])]
    if mixed := top_confusions(np.array(report["confusion"]), report["classes"]):
        lines.append(f"Mixed up most: {mixed}.")
    epochs = ", ".join(str(epoch) for epoch in report["epochs"])
    lines.append(f"Epochs: {epochs}. Scores are those of {report['scored_network']}.")
    return "\n".join([*lines, "", report["verdict"]])


def table(scores: Mapping[str, Mapping[str, float | None]]) -> list[str]:
    """One line a method, the LSTM first and then the rule that is right most often."""
    wide = max(len(label(name)) for name in scores) + 2
    order = sorted(scores, key=lambda name: (name != "lstm", -(scores[name]["accuracy"] or 0.0)))
    lines = ["  " + " " * wide + "".join(f"{title:>15}" for title in METRICS.values())]
    for name in order:
        cells = "".join(number(scores[name].get(metric), 15) for metric in METRICS)
        lines.append(f"  {label(name):{wide}}{cells}")
    return lines


def top_confusions(matrix: Ints, classes: Sequence[str]) -> str:
    """The labels that were said for others most often, worst first; empty where all is right."""
    wrong = matrix - np.diag(np.diag(matrix))
    worst = np.argsort(-wrong, axis=None, kind="stable")[:MIXED]
    pairs = [divmod(int(at), len(classes)) for at in worst]
    return ", ".join(f"{classes[a]} taken for {classes[b]} ({wrong[a, b]})" for a, b in pairs if wrong[a, b])


def format_forecast(
    labels: LabelPredictions, data: LabeledPanel, report: Mapping[str, Any], *, version: Path, target: str
) -> str:
    """What predict wrote, from what; how many labels the file knew already; a caution where the model earned one."""
    where = "stdout" if target == "-" else target
    lines = [f"{where}: the {labels.columns.label} of {count(len(labels.keys), 'series')}; {version}"]
    lines += [f"note: {note}" for note in data.notes]
    known, same = count_correct(data.labels, labels.predicted)
    if known:
        text = f"{same:,} ({same / known:.1%})"
        lines.append(f"note: the file itself has a {data.label} for {known:,} of them; {text} are the same")
    return "\n".join(lines if report["skill"]["better"] else [*lines, report["verdict"]])


def format_backtest(scores: LabelBacktestResult) -> str:
    """The scores of a backtest beside the rules', what is mixed up most, the verdict."""
    found = scores.to_dict()
    lines = [f"\nBacktest ({count(found['series'], 'series')}, each judged once in {found['folds']} folds):"]
    lines += table(found["scores"])
    if mixed := top_confusions(np.array(found["confusion"]), found["classes"]):
        lines.append(f"Mixed up most: {mixed}.")
    return "\n".join([*lines, "", found["verdict"]])
