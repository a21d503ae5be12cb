"""What came of forecasts, as plain text."""

from __future__ import annotations

import math

import numpy as np

from lstmcast.evaluation.drift import Drift
from lstmcast.evaluation.live import LiveScores
from lstmcast.evaluation.skill import finite
from lstmcast.show.console import count, number

MEANING = "below 1: better than the seasonal naive forecast"
CELL = 9
STEPS = 12  # columns: more steps are shown at even distances


def format_scores(scores: LiveScores, name: str) -> str:
    """The scores, in all and by step ahead."""
    if not scores.n_actuals:
        return f"{name}: nothing that was forecast has come true yet, or not in the window"
    lines = [
        f"{name}: {count(scores.n_actuals, 'value')} forecast that came true since",
        (
            f"  MAE {_float_or_none(scores.mae)}, bias {_float_or_none(scores.bias)}, MASE "
            f"{_float_or_none(scores.mase)} ({MEANING})"
        ),
    ]
    steps = np.unique(np.linspace(0, len(scores.mae_by_step) - 1, STEPS).round().astype(np.int64))
    lines.append(_row("steps ahead", "all", [str(step + 1) for step in steps]))
    lines.append(_row("MAE", _float_or_none(scores.mae), [_float_or_none(scores.mae_by_step[step]) for step in steps]))
    for q, level in enumerate(scores.levels):
        cells = [_percent(scores.coverage_by_step[q, step]) for step in steps]
        lines.append(_row(f"in {level:g} %", _percent(scores.coverage[q]), cells))
    return "\n".join(lines)


def format_drift(drift: Drift) -> str:
    """What the test for drift found, in one line."""
    if not drift.blocks:
        return "drift: nothing to look at yet"
    found = f"yes, for the last {count(drift.blocks - (drift.since or 0), 'block')}" if drift.found else "none found"
    ratio = f"errors {drift.ratio:.2f} × those of calibration" if math.isfinite(drift.ratio) else "no error to compare"
    alarm = f"alarm at {1 / drift.false_alarm_rate:,.0f}: {drift.false_alarm_rate:.0%} false ones"
    return f"drift: {found}; {ratio} ({count(drift.blocks, 'block')}, evidence {drift.statistic:,.1f}, {alarm})"


def _row(name: str, total: str, cells: list[str]) -> str:
    return f"  {name:12}" + "".join(f"{cell:>{CELL}}" for cell in (total, *cells))


def _float_or_none(value: float) -> str:
    return number(finite(value), 0)


def _percent(fraction: float) -> str:
    return "–" if math.isnan(fraction) else f"{fraction:.0%}"
