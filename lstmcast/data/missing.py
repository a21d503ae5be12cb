"""What becomes of missing steps: short gaps are filled, long ones refused, ends trimmed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lstmcast.data.alignment import Observations
from lstmcast.data.calendar import Calendar
from lstmcast.errors import DataError
from lstmcast.text import pluralize, truncate_items
from lstmcast.types import Bools, Floats, Ints

MISSING = ("auto", "interpolate", "zero", "error")
UNKNOWN = "unknown"  # what becomes of missing symbols: nothing lies between two of them

_FILLED = {"zero": "filled with 0", UNKNOWN: "left unknown"}
_SHORT = 3  # steps that may always be filled
_ROOM = 10_000_000  # steps that may be filled, beyond twenty times the values observed


@dataclass(frozen=True)
class SeriesExtent:
    """Where each of S series begins and ends among the observed cells [N].

    Attributes:
        first: [S] index of its first cell.
        last: [S] index of its last cell; before `first` where it has none.
    """

    first: Ints
    last: Ints

    @property
    def empty(self) -> Bools:
        """[S] whether a series has no observed value."""
        return np.asarray(self.last < self.first, dtype=np.bool_)


def extent_of(cells: Observations, n_series: int) -> SeriesExtent:
    """Where each series begins and ends among cells sorted by series."""
    ids = np.arange(n_series)
    return SeriesExtent(
        np.searchsorted(cells.series, ids).astype(np.int64),
        np.searchsorted(cells.series, ids, side="right").astype(np.int64) - 1,
    )


def lengths_of(cells: Observations, extent: SeriesExtent) -> Ints:
    """[S] steps from the first to the last value of each series; 0 where it has none."""
    if not len(cells.positions):
        return np.zeros(len(extent.first), dtype=np.int64)
    inside = np.minimum(extent.first, len(cells.positions) - 1)
    lengths = cells.positions[extent.last] - cells.positions[inside] + 1
    return np.where(extent.empty, 0, lengths)


@dataclass(frozen=True)
class MissingRuns:
    """G runs of missing steps inside series.

    Attributes:
        before: [G] index of the observed cell before each.
        series: [G] which series it is in.
        sizes: [G] missing steps.
        limits: [G] the most that is filled without being asked for.
    """

    before: Ints
    series: Ints
    sizes: Ints
    limits: Ints

    @property
    def too_long(self) -> Bools:
        """[G] whether a gap is longer than what is filled without being asked for."""
        return np.asarray(self.sizes > self.limits, dtype=np.bool_)


def gaps_of(observed: Observations, lengths: Ints, season: int) -> MissingRuns:
    """Every gap, with its limit: a season (at least 3 steps), but no more than a tenth of the series (at least 3)."""
    sizes = np.diff(observed.positions) - 1
    before = np.flatnonzero((np.diff(observed.series) == 0) & (sizes > 0))
    series = observed.series[before]
    limits = np.maximum(_SHORT, np.minimum(max(season, _SHORT), lengths[series] // 10))
    return MissingRuns(before, series, sizes[before], limits)


def describe_gap(gaps: MissingRuns, i: int, observed: Observations, calendar: Calendar) -> str:
    """Gap i in words: the times and lines around it, and its size."""
    j = int(gaps.before[i])
    start, end = calendar.text(observed.positions[j : j + 2])
    steps = "1 step is" if gaps.sizes[i] == 1 else f"{gaps.sizes[i]} steps are"
    return f"{steps} missing between {start} (line {observed.lines[j]}) and {end} (line {observed.lines[j + 1]})"


def line_after(gaps: MissingRuns, i: int, observed: Observations) -> int:
    """The line of the file that follows gap i."""
    return int(observed.lines[gaps.before[i] + 1])


def refuse_gaps(gaps: MissingRuns, observed: Observations, calendar: Calendar, names: list[str], source: str) -> None:
    """Refuse any gap, as `data.missing: error` asks.

    Raises:
        DataError: naming the first five gaps, and their number.
    """
    if total := len(gaps.sizes):
        shown = (names[gaps.series[i]] + describe_gap(gaps, i, observed, calendar) for i in range(total))
        where = f"{source}:{line_after(gaps, 0, observed)}"
        raise DataError(f"{where}: data.missing is 'error', but there are gaps: {truncate_items(shown, total)}")


def too_long(gaps: MissingRuns, observed: Observations, calendar: Calendar) -> dict[int, tuple[int, str]]:
    """The series with a gap that is not filled without being asked for.

    Returns:
        Series → the line after its first such gap, and the gap with the limit and the mend.
    """
    found: dict[int, tuple[int, str]] = {}
    for i in np.flatnonzero(gaps.too_long).tolist():
        k = int(gaps.series[i])
        if k not in found:
            what = f"{describe_gap(gaps, i, observed, calendar)}, and at most {gaps.limits[i]} are filled unasked"
            hint = "set data.missing to interpolate or zero, or cut the file there"
            found[k] = line_after(gaps, i, observed), f"{what}; {hint}"
    return found


def trim_notes(missing: Observations, observed: Observations, extent: SeriesExtent) -> tuple[str, ...]:
    """A note where missing values before the first or after the last value of a series were left out."""
    missing = missing.where(~extent.empty[missing.series])
    first, last = (observed.positions[index[missing.series]] for index in (extent.first, extent.last))
    outside = (missing.positions < first) | (missing.positions > last)
    if not outside.any():
        return ()
    among = len(np.unique(missing.series[outside]))
    where = "the first or after the last value" + (f" of {among} series" if len(extent.first) > 1 else "")
    return (f"{pluralize(int(outside.sum()), 'missing value')} before {where} left out",)


def fill_notes(observed: Observations, lengths: Ints, how: str) -> tuple[str, ...]:
    """A note where steps were filled: how many, in how many series, how, and the longest run."""
    gaps = gaps_of(observed, lengths, season=1)
    if not gaps.sizes.size:
        return ()
    among = f" in {len(np.unique(gaps.series))} of {len(lengths)} series" if len(lengths) > 1 else ""
    filled = _FILLED.get(how, "filled by linear interpolation")
    return (f"{gaps.sizes.sum()} missing of {lengths.sum()} steps{among} {filled} (longest run: {gaps.sizes.max()})",)


def expand(observed: Observations, starts: Ints, lengths: Ints, how: str) -> tuple[Floats, Bools]:
    """Lay cells out on every step, and fill the steps between them.

    Args:
        observed: [N] cells of series 0 … S-1, none of them empty.
        starts: [S] position of each series' first step.
        lengths: [S] steps of each series.
        how: `zero`, `unknown` (as −1), else by linear interpolation.

    Returns:
        [M] the values of all series, one after the other, and whether each was observed; zeros that were asked for are
        values, and count as observed.
    """
    total = int(lengths.sum())
    if total > 20 * len(observed.values) + _ROOM:
        raise DataError(f"data.missing: {total - len(observed.values)} steps would have to be filled; cut the file")
    offsets = np.cumsum(lengths) - lengths
    index = offsets[observed.series] + observed.positions - starts[observed.series]
    there = np.zeros(total, dtype=np.bool_)
    there[index] = True
    values = np.zeros(total, dtype=np.float64)
    values[index] = observed.values
    if how == "zero":
        return values, np.ones(total, dtype=np.bool_)
    if how == UNKNOWN:
        values[~there] = -1
        return values, there
    holes = np.flatnonzero(~there)
    left = np.searchsorted(index, holes) - 1
    fraction = (holes - index[left]) / (index[left + 1] - index[left])
    values[holes] = observed.values[left] * (1 - fraction) + observed.values[left + 1] * fraction
    return values, there
