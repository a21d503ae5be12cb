"""A backtest as plain text: one line a method, then what to make of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lstmcast.evaluation.scores import BacktestResult
from lstmcast.show.console import count, label

METRICS = {"mae": "MAE", "rmse": "RMSE", "smape": "sMAPE", "mase": "MASE", "owa": "OWA", "wql": "WQL", "msis": "MSIS"}
NAME, CELL = 16, 10
_LEGEND = (
    "Less is better. MASE counts in the history's own (seasonal) steps; OWA: 1 is as good as Naive2, the M4 "
    "competition's\nbenchmark; WQL and MSIS judge the intervals, which should hold what came as often as they say."
)


def backtested(scores: BacktestResult) -> str:
    """The table, best rival first, what must be known to read it, and the verdict."""
    names = ranked(scores)
    heads = {**METRICS, **{f"coverage_{level:g}": f"in {level:g} %" for level in scores.levels}}
    lines = [f"\n{_what(scores)}:", " " * (NAME + 2) + "".join(f"{head:>{CELL}}" for head in heads.values())]
    for name in names:
        cells = "".join(f"{_cell(metric, scores.overall(name, metric)):>{CELL}}" for metric in heads)
        lines.append(f"  {label(name):{NAME}}{cells}")
    return "\n".join([*lines, _LEGEND, *(f"note: {text}" for text in _notes(scores)), "", scores.verdict])


def ranked(scores: BacktestResult) -> list[str]:
    """The LSTM, then the others by MASE (MAE where that is undefined), best first."""
    metric = "mae" if np.isnan(scores.overall("lstm", "mase")) else "mase"
    value = {name: scores.overall(name, metric) for name in scores.by_method}
    return sorted(value, key=lambda name: (name != "lstm", np.isnan(value[name]), value[name]))


def _what(scores: BacktestResult) -> str:
    series, origins = scores.origins.shape
    of = f" of each of {series:,} series" if series > 1 else ""
    names = scores.keys("origin")
    spacing = f", {names[0]} to {names[-1]}, every {count(scores.step, 'step')}" if origins > 1 else f", {names[0]}"
    trained = "trained anew at each" if scores.refit else "trained once, before the first"
    return f"{count(origins, 'origin')}{of}{spacing}, {count(scores.horizon, 'step')} ahead of each; the LSTM {trained}"


def _notes(scores: BacktestResult) -> Sequence[str]:
    notes = list(scores.notes)
    if scores.left_out:
        notes.append(f"{scores.left_out:,} series left out: too short for so many origins")
    if scores.n_scored < scores.origins.size:
        missing = scores.origins.size - scores.n_scored
        notes.append(
            f"{missing:,} of {scores.origins.size:,} origins cannot judge: not observed, or nothing after them"
        )
    return notes


def _cell(metric: str, value: float) -> str:
    """Four significant digits, shares in percent; a dash where undefined."""
    if not np.isfinite(value):
        return "–"
    if metric == "smape":
        return f"{value:.4g} %"
    if metric.startswith("coverage"):
        return f"{value:.0%}"
    return f"{value:,.4g}" if abs(value) < 1e4 else f"{value:,.0f}" if abs(value) < 1e9 else f"{value:.3e}"
