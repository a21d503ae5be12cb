"""Past forecasts beside what came of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lstmcast.evaluation.adaptive import apply_factors
from lstmcast.jobs.fallback import LSTM
from lstmcast.store.ledger import Ledger
from lstmcast.store.ledger_records import PanelInfo, RecordedForecast

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

MIN_POSITION = -(2**62)
"""A step on the calendar before all others."""


@dataclass(frozen=True)
class ScoredForecast:
    """R series that one run forecast, H steps ahead, and what came.

    Attributes:
        entry: the number of the run.
        rows: [R] which series of the newest data.
        origins: [R] the last known step of each, on the calendar.
        actual: [R, H] what came; NaN where that is not known, or not asked for.
        values, naive: [R, H] the forecast, and the seasonal naive one.
        lower, upper: [Q, R, H] the bounds as they were issued; NaN for a level that the run did not have.
        width: [R, H] half of the innermost interval before it was widened; NaN where there was no interval.
    """

    entry: int
    rows: Ints
    origins: Ints
    actual: Floats
    values: Floats
    naive: Floats
    lower: Floats
    upper: Floats
    width: Floats


def iter_scored_forecasts(
    ledger: Ledger, frame: PanelInfo, levels: tuple[float, ...], after: Ints, *, since: int = 0
) -> Iterator[ScoredForecast]:
    """What came of the network's forecasts, the newest run first.

    Of several forecasts of a series from one origin the last one counts.

    Args:
        ledger: with the newest data observed.
        frame: those data.
        levels: [Q] which intervals, in percent.
        after: [S] only steps after these, on the calendar, are asked for.
        since: only entries from this number on.
    """
    issues = list(ledger.issues(int(after.min()) + 1, since=since))
    if not issues:
        return
    base = min(int(issue.origins.min()) for issue in issues)
    last = max(int(frame.ends.max()), *(int(issue.origins.max()) for issue in issues))  # data may have been cut since
    known = ledger.outcomes(frame.series, base, last)  # [S, T]
    taken = np.zeros(known.shape, dtype=np.bool_)
    row_by_series = {number: row for row, number in enumerate(frame.series.tolist())}
    for issue in issues:
        rows = np.array([row_by_series.get(number, -1) for number in issue.series.tolist()], dtype=np.int64)
        counts = (rows >= 0) & (np.array(issue.sources) == LSTM)  # others are not held against the network
        counts[counts] = ~taken[rows[counts], issue.origins[counts] - base]
        kept = np.flatnonzero(counts)
        taken[rows[kept], issue.origins[kept] - base] = True
        if len(kept):
            yield _outcome(issue, kept, rows[kept], levels, _actual(issue, kept, rows[kept], known, base, after))


def _actual(issue: RecordedForecast, kept: Ints, rows: Ints, known: Floats, base: int, after: Ints) -> Floats:
    """[R, H] what came of an issue's series `kept`, which are the rows `rows` of `known`."""
    ahead = issue.origins[kept, None] + np.arange(1, issue.values.shape[1] + 1)
    requested = (ahead > after[rows, None]) & (ahead - base < known.shape[1])
    return np.where(requested, known[rows[:, None], np.where(requested, ahead - base, 0)], np.nan)


def _outcome(
    issue: RecordedForecast, kept: Ints, rows: Ints, levels: tuple[float, ...], actual: Floats
) -> ScoredForecast:
    lower, upper = apply_factors(issue.values, issue.lower, issue.upper, issue.factors)
    unknown = np.full((1, *issue.values.shape), np.nan)
    lower, upper = (np.concatenate([bounds, unknown]) for bounds in (lower, upper))
    which = [issue.levels.index(level) if level in issue.levels else -1 for level in levels]
    width = (issue.upper[0] - issue.lower[0]) / 2 if issue.levels else unknown[0]
    return ScoredForecast(
        entry=issue.entry,
        rows=rows,
        origins=issue.origins[kept],
        actual=actual,
        values=issue.values[kept],
        naive=issue.naive[kept],
        lower=lower[which][:, kept],
        upper=upper[which][:, kept],
        width=width[kept],
    )
