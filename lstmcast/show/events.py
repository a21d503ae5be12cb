"""What a person reads of probabilities: scores beside those of how often it came true before, and the verdict."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lstmcast.show.console import count, label, number

if TYPE_CHECKING:
    from lstmcast.classifier.event.rolling import EventBacktestResult

METRICS = {"brier": "Brier", "log_loss": "log loss", "accuracy": "accuracy", "calibration_error": "calib. error"}
NAME, CELL = 22, 14
_LEGEND = (
    "Less is better, but for accuracy. Brier: the mean squared distance of the probability from what came (1 or 0); "
    "log loss in\nnats; calib. error: how far what came true lies from what was said, on average."
)


def format_scores(report: Mapping[str, Any]) -> str:
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


def format_backtest(scores: EventBacktestResult) -> str:
    """The scores of a backtest, and the verdict."""
    report, folds = scores.to_dict(), scores.folds
    what = _what(report, scores.evaluation.origins, folds.horizon)
    first = f"\n{scores.event!r} ({what}, every {folds.step_size} steps):"
    left_out = [f"note: {scores.left_out:,} series left out: too short for so many origins"] if scores.left_out else []
    return "\n".join([first, *_table(report), *left_out, "", scores.evaluation.verdict])


def _what(report: Mapping[str, Any], origins: int, horizon: int) -> str:
    return f"{count(origins, 'origin')}, {count(horizon, 'step')} ahead each; so in {report['rate']:.1%} of them"


def _table(report: Mapping[str, Any]) -> list[str]:
    """One line a method, the best baseline first, and by how much less the LSTM's Brier score is."""
    scores, skills = report["scores"], report["skills"]
    order = sorted(scores, key=lambda name: (name != "lstm", scores[name]["brier"]))
    lines = [" " * (NAME + 2) + "".join(f"{head:>{CELL}}" for head in (*METRICS.values(), "LSTM's skill"))]
    for name in order:
        cells = "".join(number(scores[name][metric], CELL) for metric in METRICS)
        skill = skills.get(name)
        lines.append(f"  {label(name):{NAME}}{cells}{'' if skill is None else f'{skill:.1%}':>{CELL}}".rstrip())
    return [*lines, _LEGEND]
