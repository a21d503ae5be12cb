"""Live scores and drift of recorded forecasts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lstmcast.calibration.adaptive_conformal import apply_factors
from lstmcast.data.time.calendar import Calendar
from lstmcast.evaluation.live_scores import (
    AnyLiveScores,
    Drift,
    ErrorSums,
    LiveScores,
    LiveSymbolScores,
    block_steps,
    blocks,
    drift,
)
from lstmcast.forecasting.seasonal_naive import LSTMCAST
from lstmcast.jobs.context import current_model
from lstmcast.persistence.ledger.ledger import Ledger
from lstmcast.persistence.ledger.records import PanelInfo, RecordedForecast, micros
from lstmcast.types import Floats, Ints

if TYPE_CHECKING:
    from lstmcast.forecasting.forecaster import Forecaster

MIN_POSITION = -(2**62)
"""A step before all others on every calendar."""


@dataclass(frozen=True)
class ScoredForecast:
    """The forecasts of R series by one run, H steps ahead, with the actual values.

    Attributes:
        run: the number of the run.
        rows: [R] the series, as indices of the newest data.
        origins: [R] the last known step of each, on the calendar.
        actual: [R, H] the actual values; NaN where unknown or not requested; symbols by their numbers in the ledger.
        values, naive: [R, H] the forecast, and the seasonal naive forecast.
        lower, upper: [Q, R, H] the published bounds; NaN for a level that the run did not have.
        width: [R, H] half width of the innermost interval of the model; NaN without intervals.
    """

    run: int
    rows: Ints
    origins: Ints
    actual: Floats
    values: Floats
    naive: Floats
    lower: Floats
    upper: Floats
    width: Floats


def iter_scored_forecasts(
    ledger: Ledger, info: PanelInfo, levels: tuple[float, ...], after: Ints, *, since: int = 0, task: str = "value"
) -> Iterator[ScoredForecast]:
    """Yield the forecasts of the model with their actual values, the newest run first.

    Of several forecasts of a series from one origin the last one counts.

    Args:
        ledger: the ledger, with the newest data recorded.
        info: the newest data.
        levels: [Q] of the intervals, in percent.
        after: [S] only later steps on the calendar are scored.
        since: number of the first run.
        task: of the runs.
    """
    forecasts = list(ledger.recorded_forecasts(int(after.min()) + 1, task=task, since=since))
    if not forecasts:
        return
    base = min(int(recorded.origins.min()) for recorded in forecasts)
    ends = [int(recorded.origins.max()) for recorded in forecasts]  # the data may be shorter now
    last = max(int(info.ends.max()), *ends)
    known = ledger.outcomes(info.series, base, last)  # [S, T]
    taken = np.zeros(known.shape, dtype=np.bool_)
    row_by_series = {number: row for row, number in enumerate(info.series.tolist())}
    for recorded in forecasts:
        rows = np.array([row_by_series.get(number, -1) for number in recorded.series.tolist()], dtype=np.int64)
        counts = (rows >= 0) & (np.array(recorded.model_names) == LSTMCAST)  # the fallback does not count
        counts[counts] = ~taken[rows[counts], recorded.origins[counts] - base]
        kept = np.flatnonzero(counts)
        taken[rows[kept], recorded.origins[kept] - base] = True
        if len(kept):
            yield _outcome(recorded, kept, rows[kept], levels, _actual(recorded, kept, rows[kept], known, base, after))


def _actual(recorded: RecordedForecast, kept: Ints, rows: Ints, known: Floats, base: int, after: Ints) -> Floats:
    """Return the actual values [R, H] of the series `kept` of a forecast, which are the rows `rows` of `known`."""
    ahead = recorded.origins[kept, None] + np.arange(1, recorded.values.shape[1] + 1)
    requested = (ahead > after[rows, None]) & (ahead - base < known.shape[1])
    return np.where(requested, known[rows[:, None], np.where(requested, ahead - base, 0)], np.nan)


def _outcome(
    recorded: RecordedForecast, kept: Ints, rows: Ints, levels: tuple[float, ...], actual: Floats
) -> ScoredForecast:
    lower, upper = apply_factors(recorded.values, recorded.lower, recorded.upper, recorded.factors)
    unknown = np.full((1, *recorded.values.shape), np.nan)
    lower, upper = (np.concatenate([bounds, unknown]) for bounds in (lower, upper))
    which = [recorded.levels.index(level) if level in recorded.levels else -1 for level in levels]
    width = (recorded.upper[0] - recorded.lower[0]) / 2 if recorded.levels else unknown[0]
    return ScoredForecast(
        run=recorded.run,
        rows=rows,
        origins=recorded.origins[kept],
        actual=actual,
        values=recorded.values[kept],
        naive=recorded.naive[kept],
        lower=lower[which][:, kept],
        upper=upper[which][:, kept],
        width=width[kept],
    )


def score_live_forecasts(ledger: Ledger, *, now: datetime, window: timedelta | None = None) -> LiveScores:
    """Score the recorded forecasts.

    Args:
        ledger: the ledger, with the newest data recorded.
        now: the time, with a zone.
        window: only steps within this span before `now` count; None: all. Counted rows have no times, so all count.
    """
    info, levels, horizon = ledger.panel_info(), ledger.levels, ledger.horizon
    if info is None:
        return LiveScores.of(ErrorSums.zeros(len(levels), 0, horizon), levels)
    n = len(info.series)
    total = ErrorSums.zeros(len(levels), n, horizon)
    for scored in iter_scored_forecasts(ledger, info, levels, np.full(n, _before(info.calendar, now, window))):
        tally = ErrorSums.of(scored.actual, scored.values, scored.naive, scored.lower, scored.upper)
        total += tally.align(scored.rows, n, horizon)
    return LiveScores.of(total, levels)


def score_live_symbols(ledger: Ledger, *, now: datetime, window: timedelta | None = None) -> LiveSymbolScores:
    """Score the recorded forecasts of symbols; arguments as in `score_live_forecasts`."""
    info, sums = ledger.panel_info(), np.zeros((3, ledger.horizon))
    if info is None:
        return LiveSymbolScores.of(*sums)
    after = np.full(len(info.series), _before(info.calendar, now, window))
    for scored in iter_scored_forecasts(ledger, info, (), after, task="category"):
        known = scored.actual >= 0
        hits = [known, *(known & (symbols == scored.actual) for symbols in (scored.values, scored.naive))]
        sums[:, : known.shape[1]] += np.sum(hits, axis=1)
    return LiveSymbolScores.of(*sums)


def score_task(ledger: Ledger, task: str, *, now: datetime, window: timedelta | None = None) -> AnyLiveScores:
    """Score the recorded forecasts of a task; arguments as in `score_live_forecasts`."""
    score = score_live_symbols if task == "category" else score_live_forecasts
    return score(ledger, now=now, window=window)


def _before(calendar: Calendar, now: datetime, window: timedelta | None) -> int:
    """Return the last step on the calendar before a window."""
    if window is None or calendar.kind == "counter":
        return MIN_POSITION
    return int(calendar.positions(np.array([micros(now - window)]))[0])


def detect_drift_of_current_model(ledger: Ledger, folder: Path) -> Drift:
    """Test the current model for drift."""
    model = current_model(folder)
    return detect_drift(ledger, model.version.name, model.forecaster) if model else drift(np.empty(0), np.empty(0))


def detect_drift(ledger: Ledger, version: str, forecaster: Forecaster, *, since: datetime | None = None) -> Drift:
    """Test whether the errors of a model's live forecasts exceed those of its calibration.

    Args:
        ledger: the ledger, with the newest data recorded.
        version: of the model; only its forecasts count.
        forecaster: the model.
        since: only later forecasts count; None: all.
    """
    held = forecaster.holdout
    steps = block_steps(forecaster.horizon)
    info = ledger.panel_info()
    run_numbers = {entry.number for entry in ledger.runs(since=since) if entry.version == version}
    if info is None or not run_numbers or not forecaster.calibration.levels:
        return drift(np.empty(0), np.empty(0))
    _, before = blocks(held.positions, _errors(held.actual, held.forecast, (held.upper[0] - held.lower[0]) / 2), steps)
    holdout_keys = {forecaster.context.keys[k] for k in np.unique(held.series).tolist()}
    rows = [k for k, key in enumerate(info.keys) if key in holdout_keys]
    origins, errors = _live_errors(ledger, info, rows, run_numbers)
    return drift(before, blocks(origins, errors, steps)[1])


def _live_errors(ledger: Ledger, info: PanelInfo, rows: Sequence[int], entries: Set[int]) -> tuple[Ints, Floats]:
    """Return origins [B] and errors [B, H], in half widths, of the forecasts of some runs for some series."""
    everything = np.full(len(info.series), MIN_POSITION)
    parts = [(np.empty(0, dtype=np.int64), np.empty((0, ledger.horizon)))]
    for scored in iter_scored_forecasts(ledger, info, ledger.levels, everything, since=min(entries)):
        if scored.run in entries:
            selected = np.isin(scored.rows, rows)
            errors = np.full((len(scored.rows), ledger.horizon), np.nan)
            errors[:, : scored.actual.shape[1]] = _errors(scored.actual, scored.values, scored.width)
            parts.append((scored.origins[selected], errors[selected]))
    return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])


def _errors(actual: Floats, forecast: Floats, width: Floats) -> Floats:
    """Return |y − f| in widths; NaN where a width is 0."""
    return np.where(width > 0, np.abs(actual - forecast) / np.where(width > 0, width, 1.0), np.nan)
