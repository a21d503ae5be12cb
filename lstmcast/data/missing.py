"""Missing steps: short gaps are filled, long gaps rejected, ends trimmed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from lstmcast.data.alignment import FILLING, Observations
from lstmcast.data.schema import DataNote, DroppedSeries, DropReason, NoteCode
from lstmcast.data.time.calendar import Calendar
from lstmcast.data.time.closed import MAX_MISSING, closed_text, infer_mask
from lstmcast.data.time.inference import steps_of
from lstmcast.data.time.irregular import closing_fixes, resampling_fixes, session_fixes
from lstmcast.data.time.mask import Mask
from lstmcast.data.time.zones import to_wall
from lstmcast.errors import DataError, Fault, FaultCode, Fix
from lstmcast.text import MAX_SHOWN, pluralize, truncate_items
from lstmcast.types import Bools, Floats, Ints

MISSING = ("auto", "interpolate", "zero", "error")
UNKNOWN = "unknown"  # treatment of missing symbols

_FILLED = {"zero": "filled with 0", UNKNOWN: "left unknown"}
_MIN_GAP_LIMIT = 3  # steps
_MIN_MOVING = 0.01  # missing steps as a fraction of the values, at which a zone is looked for
_MAX_MASKS = 2_000  # series whose closed steps are looked for
_MAX_FILLED_STEPS = 10_000_000  # beyond twenty times the number of observed values


@dataclass(frozen=True)
class SeriesExtent:
    """Indices [S] of the first and last cell of each series among N observed cells; last < first if empty."""

    first: Ints
    last: Ints

    @property
    def empty(self) -> Bools:
        """[S] true for series without observed values."""
        return np.asarray(self.last < self.first, dtype=np.bool_)


def extent_of(cells: Observations, n_series: int) -> SeriesExtent:
    """Extents of series among cells sorted by series."""
    ids = np.arange(n_series)
    return SeriesExtent(
        np.searchsorted(cells.series, ids).astype(np.int64),
        np.searchsorted(cells.series, ids, side="right").astype(np.int64) - 1,
    )


def lengths_of(cells: Observations, extent: SeriesExtent) -> Ints:
    """[S] steps from the first to the last value of each series; 0 without values."""
    if not len(cells.positions):
        return np.zeros(len(extent.first), dtype=np.int64)
    inside = np.minimum(extent.first, len(cells.positions) - 1)
    lengths = cells.positions[extent.last] - cells.positions[inside] + 1
    return np.where(extent.empty, 0, lengths)


@dataclass(frozen=True)
class MissingRuns:
    """G runs of missing steps within series.

    Attributes:
        before: [G] index of the observed cell before the run.
        series: [G] index of the series.
        sizes: [G] number of missing steps.
        limits: [G] maximum size that `auto` fills.
    """

    before: Ints
    series: Ints
    sizes: Ints
    limits: Ints

    def missing_by_series(self, n_series: int) -> Ints:
        """[S] missing steps of each series."""
        return np.bincount(self.series, self.sizes, minlength=n_series).astype(np.int64)

    @property
    def too_long(self) -> Bools:
        """[G] true for gaps that `auto` does not fill."""
        return np.asarray(self.sizes > self.limits, dtype=np.bool_)


def gaps_of(observed: Observations, lengths: Ints, season: int) -> MissingRuns:
    """Find all gaps; the limit is a season or a tenth of the series, whichever is less, but at least 3 steps."""
    sizes = np.diff(observed.positions) - 1
    before = np.flatnonzero((np.diff(observed.series) == 0) & (sizes > 0))
    series = observed.series[before]
    limits = np.maximum(_MIN_GAP_LIMIT, np.minimum(season, lengths[series] // 10))
    return MissingRuns(before, series, sizes[before], limits)


def own_masks(gaps: MissingRuns, lengths: Ints, observed: Observations, calendar: Calendar) -> dict[int, Mask]:
    """Masks of the series with more or longer gaps than are filled, whose gaps are regular, by their index."""
    missing = gaps.missing_by_series(len(lengths))
    gappy = np.union1d(np.flatnonzero(_are_many(missing, lengths)), gaps.series[gaps.too_long])
    if len(gappy) > _MAX_MASKS:
        return {}
    grid = replace(calendar.grid, mask=None)
    found: dict[int, Mask] = {}
    for k in gappy.tolist():
        first, end = np.searchsorted(observed.series, [k, k + 1])
        mask = infer_mask(grid, grid.times(calendar.ticks(observed.positions[first:end])))
        if mask is not None:
            found[k] = mask
    return found


def without_closed(
    gaps: MissingRuns, observed: Observations, calendar: Calendar, masks: Mapping[int, Mask]
) -> MissingRuns:
    """Gaps without the steps in which their series are closed."""
    sizes = gaps.sizes.copy()
    for k, mask in masks.items():
        own = np.flatnonzero(gaps.series == k)
        before, after = (mask.fold(calendar.ticks(observed.positions[gaps.before[own] + j])) for j in (0, 1))
        sizes[own] = np.clip(after - before - 1, 0, sizes[own])
    kept = sizes > 0
    return MissingRuns(gaps.before[kept], gaps.series[kept], sizes[kept], gaps.limits[kept])


def closed_note(masks: Mapping[int, Mask], keys: Sequence[tuple[str, ...]], calendar: Calendar) -> DataNote:
    """Note about series with closed steps of their own."""
    shown = (
        f"{', '.join(keys[k])} ({closed_text(replace(calendar.grid, mask=mask))})"
        for k, mask in islice(masks.items(), MAX_SHOWN)
    )
    text = f"{len(masks)} series with closed steps that others have, which are never forecast"
    return DataNote(NoteCode.CLOSED_SERIES, f"{text}: {truncate_items(shown, len(masks))}")


def _are_many(missing: Ints, lengths: Ints) -> Bools:
    """[S] true if more than a tenth of the steps, and more than three, are missing."""
    return np.asarray(missing > np.maximum(_MIN_GAP_LIMIT, MAX_MISSING * lengths), dtype=np.bool_)


def describe_gap(gaps: MissingRuns, i: int, observed: Observations, calendar: Calendar) -> str:
    """Describe gap i by its size and the times and lines around it."""
    j = int(gaps.before[i])
    start, end = calendar.text(observed.positions[j : j + 2])
    steps = "1 step is" if gaps.sizes[i] == 1 else f"{gaps.sizes[i]} steps are"
    return f"{steps} missing between {start} (line {observed.lines[j]}) and {end} (line {observed.lines[j + 1]})"


def line_after(gaps: MissingRuns, i: int, observed: Observations) -> int:
    """Line of the file after gap i."""
    return int(observed.lines[gaps.before[i] + 1])


def refuse_gaps(gaps: MissingRuns, observed: Observations, calendar: Calendar, names: list[str], source: str) -> None:
    """Raise DataError for any gap, with the first five and their number."""
    if total := len(gaps.sizes):
        shown = (names[gaps.series[i]] + describe_gap(gaps, i, observed, calendar) for i in range(total))
        line = line_after(gaps, 0, observed)
        text = f"{source}:{line}: data.missing is 'error', but there are gaps: {truncate_items(shown, total)}"
        raise DataError(Fault(text, FaultCode.ANY_GAP, line, "data.missing"))


def too_long(
    gaps: MissingRuns, observed: Observations, calendar: Calendar, keys: Sequence[tuple[str, ...]]
) -> dict[int, DroppedSeries]:
    """Series with a gap that `auto` does not fill, by index."""
    found: dict[int, DroppedSeries] = {}
    for i in np.flatnonzero(gaps.too_long).tolist():
        k = int(gaps.series[i])
        if k not in found:
            gap = f"{describe_gap(gaps, i, observed, calendar)}, and at most {gaps.limits[i]} are filled by default"
            found[k] = DroppedSeries(keys[k], DropReason.LONG_GAP, gap, line_after(gaps, i, observed))
    return found


def too_many(
    gaps: MissingRuns,
    lengths: Ints,
    observed: Observations,
    calendar: Calendar,
    keys: Sequence[tuple[str, ...]],
    marked: Ints | None = None,
) -> dict[int, DroppedSeries]:
    """Series of which more than a tenth of the steps (and more than three) is missing, by index.

    Steps `marked` [M] as missing by the user, as indices of their series, count only beyond half of the steps.
    """
    missing = gaps.missing_by_series(len(lengths))
    declared = np.zeros_like(missing) if marked is None else np.bincount(marked, minlength=len(lengths))
    many = _are_many(missing - np.minimum(declared, missing), lengths) | (2 * missing > lengths)
    sparse = np.flatnonzero(many & (missing > _MIN_GAP_LIMIT))
    first = dict(zip(sparse.tolist(), np.searchsorted(gaps.series, sparse).tolist(), strict=True))
    return {
        k: DroppedSeries(
            keys[k],
            DropReason.MANY_GAPS,
            f"{missing[k]} of {lengths[k]} steps ({calendar.label}) are missing, and at most a tenth is filled by "
            f"default; {describe_gap(gaps, first[k], observed, calendar)}",
            line_after(gaps, first[k], observed),
        )
        for k in sparse.tolist()
    }


def missing_fixes(observed: Observations, calendar: Calendar) -> tuple[Fix, ...]:
    """Settings that fill the gaps, close the steps without values, or resample to steps that have values."""
    if calendar.kind == "counter":
        return FILLING
    steps = steps_of(to_wall(calendar.stamps(observed.positions), calendar.timezone), observed.series)
    closing = closing_fixes(calendar.grid, steps)
    return (*moving_sessions(observed, calendar), *closing, *_filling(observed.values), *resampling_fixes(steps))


def moving_sessions(observed: Observations, calendar: Calendar) -> Iterator[Fix]:
    """Yield the zone in whose local time the holes of steps in UTC are regular, if any."""
    if calendar.timezone == "UTC":
        yield from session_fixes(calendar.grid, calendar.stamps(observed.positions), observed.series)


def refuse_moving_sessions(gaps: MissingRuns, observed: Observations, calendar: Calendar, source: str) -> None:
    """Raise DataError for gaps at the edges of sessions that move with the clock changes of a zone."""
    if calendar.grid.mask is None or gaps.sizes.sum() <= _MIN_MOVING * len(observed.values):
        return
    if zones := tuple(moving_sessions(observed, calendar)):
        line = line_after(gaps, 0, observed)
        text = f"{gaps.sizes.sum()} steps of UTC are missing at the edges of {calendar.closed}, but few of the "
        text += f"local time of a zone; first, {describe_gap(gaps, 0, observed, calendar)}"
        raise DataError(Fault(f"{source}:{line}: {text}", FaultCode.MOVING_SESSIONS, line, fixes=(*zones, *FILLING)))


def _filling(values: Floats) -> tuple[Fix, ...]:
    """Settings that fill gaps; with 0 first where values are counts without any 0."""
    return FILLING[::-1] if np.all((values > 0) & (values == np.round(values))) else FILLING


def trim_notes(missing: Observations, observed: Observations, extent: SeriesExtent) -> tuple[DataNote, ...]:
    """Note about missing values before the first or after the last value of a series."""
    missing = missing.where(~extent.empty[missing.series])
    first, last = (observed.positions[index[missing.series]] for index in (extent.first, extent.last))
    outside = (missing.positions < first) | (missing.positions > last)
    if not outside.any():
        return ()
    among = len(np.unique(missing.series[outside]))
    where = "the first or after the last value" + (f" of {among} series" if len(extent.first) > 1 else "")
    return (
        DataNote(NoteCode.ENDS_TRIMMED, f"{pluralize(int(outside.sum()), 'missing value')} before {where} left out"),
    )


def fill_notes(observed: Observations, lengths: Ints, how: str) -> tuple[DataNote, ...]:
    """Note about filled steps: number, series, method, and the longest run."""
    gaps = gaps_of(observed, lengths, season=1)
    if not gaps.sizes.size:
        return ()
    among = f" in {len(np.unique(gaps.series))} of {len(lengths)} series" if len(lengths) > 1 else ""
    filled = _FILLED.get(how, "filled by linear interpolation")
    text = f"{gaps.sizes.sum()} missing of {lengths.sum()} steps{among} {filled} (longest run: {gaps.sizes.max()})"
    return (DataNote(NoteCode.STEPS_FILLED, text),)


def expand(observed: Observations, starts: Ints, lengths: Ints, how: str) -> tuple[Floats, Bools]:
    """Expand cells to all steps and fill the gaps.

    Args:
        observed: [N] cells of series 0 … S-1, none of them empty.
        starts: [S] position of each series' first step.
        lengths: [S] steps of each series.
        how: `zero`, `unknown` (as −1), else linear interpolation.

    Returns:
        [M] concatenated values of all series, and [M] true where observed; explicit zeros count as observed.
    """
    total = int(lengths.sum())
    if total > 20 * len(observed.values) + _MAX_FILLED_STEPS:
        text = f"data.missing: too many missing steps ({total - len(observed.values)}); cut the file"
        raise DataError(Fault(text, FaultCode.MANY_STEPS, column="data.missing"))
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
