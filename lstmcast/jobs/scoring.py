"""How good the forecasts of a ledger were, by what is known now, and whether their errors have grown."""

from __future__ import annotations

from collections.abc import Sequence, Set
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lstmcast.data.calendar import Calendar
from lstmcast.evaluation.drift import Drift, block_steps, blocks, drift
from lstmcast.evaluation.live import ErrorSums, LiveScores
from lstmcast.forecaster.trained import Forecaster
from lstmcast.jobs.model import current_model
from lstmcast.jobs.outcomes import MIN_POSITION, iter_scored_forecasts
from lstmcast.store.ledger import Ledger
from lstmcast.store.ledger_records import PanelInfo
from lstmcast.store.ledger_values import micros

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def live(ledger: Ledger, *, now: datetime, window: timedelta | None = None) -> LiveScores:
    """Scores of what came true lately.

    Args:
        ledger: with the newest data observed.
        now: with a time zone.
        window: only steps whose time lies in it, before now, count; None: all there are. Where rows are only counted,
            steps have no times: all count.
    """
    frame, levels, horizon = ledger.frame(), ledger.levels, ledger.horizon
    if frame is None:
        return LiveScores.of(ErrorSums.zeros(len(levels), 0, horizon), levels)
    n = len(frame.series)
    total = ErrorSums.zeros(len(levels), n, horizon)
    for scored in iter_scored_forecasts(ledger, frame, levels, np.full(n, _before(frame.calendar, now, window))):
        tally = ErrorSums.of(scored.actual, scored.values, scored.naive, scored.lower, scored.upper)
        total += tally.align(scored.rows, n, horizon)
    return LiveScores.of(total, levels)


def _before(calendar: Calendar, now: datetime, window: timedelta | None) -> int:
    """The last step on the calendar before a window."""
    if window is None or calendar.kind == "counter":
        return MIN_POSITION
    return int(calendar.positions(np.array([micros(now - window)]))[0])


def drift_of(ledger: Ledger, folder: Path) -> Drift:
    """The drift of the model that is in use; of none, where there is none."""
    model = current_model(folder)
    return drifted(ledger, model.version.name, model.forecaster) if model else drift(np.empty(0), np.empty(0))


def drifted(ledger: Ledger, version: str, forecaster: Forecaster, *, since: datetime | None = None) -> Drift:
    """Whether the errors of a model's live forecasts have grown beyond those of its calibration.

    Args:
        ledger: with the newest data observed.
        version: of the model; only its own forecasts are looked at.
        forecaster: the model.
        since: only forecasts made from then on are looked at; None: all.
    """
    held = forecaster.holdout
    steps = block_steps(forecaster.horizon)
    frame = ledger.frame()
    run_numbers = {entry.number for entry in ledger.entries(since=since) if entry.version == version}
    if frame is None or not run_numbers or not forecaster.calibration.levels:
        return drift(np.empty(0), np.empty(0))
    _, before = blocks(held.positions, _errors(held.actual, held.forecast, (held.upper[0] - held.lower[0]) / 2), steps)
    holdout_keys = {forecaster.context.keys[k] for k in np.unique(held.series).tolist()}
    rows = [k for k, key in enumerate(frame.keys) if key in holdout_keys]
    origins, errors = _live_errors(ledger, frame, rows, run_numbers)
    return drift(before, blocks(origins, errors, steps)[1])


def _live_errors(ledger: Ledger, frame: PanelInfo, rows: Sequence[int], entries: Set[int]) -> tuple[Ints, Floats]:
    """Origins [B] and errors [B, H], in half widths, of what some entries forecast of some series."""
    everything = np.full(len(frame.series), MIN_POSITION)
    parts = [(np.empty(0, dtype=np.int64), np.empty((0, ledger.horizon)))]
    for scored in iter_scored_forecasts(ledger, frame, ledger.levels, everything, since=min(entries)):
        if scored.entry in entries:
            selected = np.isin(scored.rows, rows)
            errors = np.full((len(scored.rows), ledger.horizon), np.nan)
            errors[:, : scored.actual.shape[1]] = _errors(scored.actual, scored.values, scored.width)
            parts.append((scored.origins[selected], errors[selected]))
    return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])


def _errors(actual: Floats, forecast: Floats, width: Floats) -> Floats:
    """|y − f| in widths; NaN where a width of 0 measures nothing."""
    return np.where(width > 0, np.abs(actual - forecast) / np.where(width > 0, width, 1.0), np.nan)
