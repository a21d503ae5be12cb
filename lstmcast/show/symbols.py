"""What a person reads of a model of symbols."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lstmcast.show.console import count, label, number

if TYPE_CHECKING:
    from lstmcast.classifier.category.rolling import SymbolBacktestResult
    from lstmcast.classifier.category.trained import SymbolForecast


def format_scores(report: Mapping[str, Any]) -> str:
    """The scores beside the baselines', and the verdict."""
    held = report["held_out"]
    lines = [f"\nHeld-out scores ({count(held['steps'], 'symbol')}, each foretold from all before it):"]
    lines += table(report["scores"])
    if held["paths"]:
        ahead = f"{count(held['paths'], 'path')} of {count(held['horizon'], 'step')}"
        lines.append(f"On the way: the share of right symbols along {ahead}, each said at once.")
    epochs = ", ".join(str(epoch) for epoch in report["epochs"])
    bold = f"Temperature: {report['temperature']:.2f}"
    lines.append(f"Epochs: {epochs}. {bold}. Scores are those of {report['scored_network']}.")
    return "\n".join([*lines, "", report["verdict"]])


def format_backtest(result: SymbolBacktestResult) -> str:
    """The same of a backtest."""
    found = result.to_dict()
    lines = [f"\nBacktest ({count(found['steps'], 'symbol')}, each foretold from all before it):"]
    return "\n".join([*lines, *table(found["scores"]), *result.warnings, "", found["verdict"]])


def table(scores: Mapping[str, Mapping[str, float | None]]) -> list[str]:
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


def format_forecast(
    forecast: SymbolForecast, version: Path, target: str, report: Mapping[str, Any], notes: Sequence[str]
) -> str:
    """What predict wrote, from what, and a word of caution where the model earned one."""
    span = " to ".join(forecast.calendar.text(forecast.positions.ravel()[[0, -1]]))
    where = "stdout" if target == "-" else target
    series = count(len(forecast.keys), "series")
    lines = [f"{where}: {count(forecast.horizon, 'step')} of {series}, {span}; {version}"]
    lines += [f"note: {note}" for note in notes]
    return "\n".join([*lines, *([] if report["skill"]["better"] else [report["verdict"]])])
