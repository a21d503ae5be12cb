"""Faults of times that are on no regular grid, and settings that resolve them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice

import numpy as np

from lstmcast.data.time.closed import MAX_MISSING, closed_text, infer_mask, is_sparse
from lstmcast.data.time.frequency import HOUR, MINUTE, WEEK, TimeGrid
from lstmcast.data.time.inference import (
    TimeDeltas,
    common_steps,
    find_grid,
    nearest_grid,
    parse_frequency,
    span_text,
    steps_of,
)
from lstmcast.data.time.rows import TimeRows
from lstmcast.data.time.zones import CHANGING_ZONES, DAY, SECOND, has_single_time_of_day, to_wall
from lstmcast.errors import Fault, FaultCode, Fix
from lstmcast.text import MAX_SHOWN, truncate_items
from lstmcast.types import Ints

_MIN_RESAMPLED = 4  # steps of a frequency that is offered
MIN_PART = 4  # times before and after a change of the frequency
_COUNTING = (Fix("data.time=none", "count the rows"),)
_MAX_UNEXPLAINED = 0.3  # fraction of the holes in UTC that remain in a zone
_MAX_DELAY = 0.05  # of a typical step, as a fraction of a usual one
_MAX_RUN = 3  # missing steps in a row of a setting that is offered
_LENGTHS = {
    "s": SECOND, "min": MINUTE, "5min": 5 * MINUTE, "15min": 15 * MINUTE, "30min": 30 * MINUTE, "h": HOUR,
    "2h": 2 * HOUR, "6h": 6 * HOUR, "12h": 12 * HOUR, "D": DAY, "W": WEEK, "MS": 28 * DAY, "QS": 90 * DAY,
    "YS": 365 * DAY,
}  # fmt: skip


def few_times_fault(rows: TimeRows, least: int) -> Fault:
    """Fault of too few times, with the longest frequency whose step is not longer than theirs."""
    distinct = rows.steps.distinct
    text = (
        f"{rows.source}: column '{rows.column}': a frequency requires at least {least} different times "
        f"(got {len(distinct)}); add rows"
    )
    fitting = [name for name, length in _LENGTHS.items() if len(distinct) > 1 and length <= np.diff(distinct).min()]
    fixes = (Fix(f"data.frequency={fitting[-1]}", "set the step"),) if fitting else ()
    return Fault(text, FaultCode.FEW_TIMES, 0, rows.column, fixes)


def irregular_fault(rows: TimeRows) -> Fault:
    """Fault of irregular times: the two most common steps, and the first lines off the grid."""
    steps = rows.steps
    common = [f"{span_text(size)} ({count} of {len(steps.before)})" for size, count in common_steps(steps)]
    grid = nearest_grid(steps)
    off_grid = np.flatnonzero(~grid.holds(rows.clock))
    texts = rows.texts(rows.clock[off_grid[:MAX_SHOWN]])
    located = (f"line {rows.lines[i]} '{text}'" for i, text in zip(off_grid, texts, strict=False))
    shown, line = truncate_items(located, len(off_grid)), int(rows.lines[off_grid[0]])
    return Fault(
        f"{rows.source}:{line}: column '{rows.column}': the times are irregular: the most common steps are "
        f"{' and '.join(common)}; off the regular grid: {shown}",
        FaultCode.IRREGULAR_TIMES,
        line,
        rows.column,
        (
            *_day_fixes(rows),
            *resampling_fixes(steps, [*_near_frequencies(steps), grid.name]),
            *(_COUNTING if not rows.groups.any() else ()),
        ),
    )


def _near_frequencies(steps: TimeDeltas) -> Iterator[str]:
    """Yield the usual frequency of which the typical step is a little longer or shorter, as times with delays are."""
    typical = float(np.median(steps.sizes)) if len(steps.before) else 0.0
    yield from (name for name, length in _LENGTHS.items() if abs(typical - length) <= _MAX_DELAY * length)


def _day_fixes(rows: TimeRows) -> Iterator[Fix]:
    """Yield a zone in which instants of UTC are the same time of all days, if any."""
    if rows.zone == "UTC":
        zones = (zone for zone in CHANGING_ZONES if has_single_time_of_day(to_wall(rows.steps.distinct, zone)))
        yield from (Fix(f"data.timezone={zone}", "read days of this zone") for zone in islice(zones, 1))


def resampling_fixes(steps: TimeDeltas, names: Sequence[str] = ()) -> Iterator[Fix]:
    """Yield the first frequency, of `names` and coarser ones, whose steps are nearly all observed."""
    sizes = steps.sizes if len(steps.before) else np.diff(steps.distinct)
    coarser = [name for name, length in _LENGTHS.items() if length >= np.median(sizes)]
    for name in (*names, *coarser):
        grid = parse_frequency(name, steps)
        counts = grid.positions(steps.after) - grid.positions(steps.before)
        if np.count_nonzero(counts) >= _MIN_RESAMPLED and _is_nearly_complete(counts):
            yield Fix(f"data.frequency={name}", f"resample the rows ({grid.label})")
            return


def closing_fixes(grid: TimeGrid, steps: TimeDeltas) -> Iterator[Fix]:
    """Yield the closed steps that leave few holes, if any; steps are on the wall clock."""
    masked = _masked(grid, steps, certain=False)
    if masked is not None:
        yield Fix(f"data.closed={closed_text(masked)}", "forecast the other steps only")


def session_fixes(grid: TimeGrid, instants: Ints, groups: Ints) -> Iterator[Fix]:
    """Yield a zone in whose local time the holes of steps at instants [N] in UTC are regular, if any."""
    if grid.kind != "fixed" or grid.in_days:
        return
    before = _missing_between(grid, steps_of(instants, groups))
    for zone in CHANGING_ZONES:
        steps = steps_of(to_wall(instants, zone), groups)
        masked = _masked(grid, steps)
        if masked is not None and _missing_between(masked, steps) <= _MAX_UNEXPLAINED * before:
            yield Fix(f"data.timezone={zone}", "follow its clock, where closed steps are regular")
            return


def _masked(grid: TimeGrid, steps: TimeDeltas, *, certain: bool = True) -> TimeGrid | None:
    """Grid whose closed steps leave few holes; None if there are none."""
    base = replace(grid, mask=None)
    mask = infer_mask(base, steps.distinct, certain=certain) if base.holds(steps.distinct).all() else None
    if mask is None:
        return None
    masked = replace(base, mask=mask)
    counts = masked.positions(steps.after) - masked.positions(steps.before)
    return masked if _is_nearly_complete(counts, longest=masked.season) else None


def _missing_between(grid: TimeGrid, steps: TimeDeltas) -> int:
    """Number of missing steps between observed ones."""
    return int(np.maximum(grid.positions(steps.after) - grid.positions(steps.before) - 1, 0).sum())


def _is_nearly_complete(counts: Ints, longest: int = 0) -> bool:
    """True if few of the steps between observed ones are missing.

    Args:
        counts: number of steps from each observed one to the next.
        longest: missing steps in a row that are filled, if more than three.
    """
    missing = np.maximum(counts - 1, 0)
    return bool(missing.max() <= max(_MAX_RUN, longest) and missing.sum() <= MAX_MISSING / 2 * np.count_nonzero(counts))


def has_longer_end(first: Ints, last: Ints) -> bool:
    """True if the first or the last steps are equal and longer than one; positions ascending."""
    ends = (np.diff(first), np.diff(last))
    return any(len(sizes) == MIN_PART - 1 and sizes[0] > 1 and bool(np.all(sizes == sizes[0])) for sizes in ends)


def change_fault(rows: TimeRows) -> Fault | None:
    """Fault of a frequency that changes once, with both frequencies and the line of the change; None without one."""
    distinct = rows.steps.distinct
    if len(distinct) < 2 * MIN_PART:
        return None
    for split in _change_points(distinct):
        parts = distinct[:split], distinct[split:]
        first, second = (_regular_grid(part) for part in parts)
        if first is not None and second is not None and first.label != second.label:
            break
    else:
        return None
    until, since = rows.texts(distinct[split - 1 : split + 1])
    line = rows.first_line(int(distinct[split]))
    coarser = max((first, parts[0]), (second, parts[1]), key=lambda pair: np.median(np.diff(pair[1])))[0]
    return Fault(
        f"{rows.source}:{line}: column '{rows.column}': the frequency changes: the times are {first.label} until "
        f"{until} and {second.label} from {since} (line {line}) on",
        FaultCode.FREQUENCY_CHANGE,
        line,
        rows.column,
        tuple(resampling_fixes(rows.steps, [coarser.name])),
    )


def _change_points(distinct: Ints) -> list[int]:
    """Indices of the first time [D] after a probable change of the step size, the best first."""
    sizes = np.log(np.diff(distinct).astype(np.float64))
    before = np.arange(1, len(sizes))
    deviation = np.cumsum(sizes)[:-1] - before * sizes.mean()
    k = int(np.argmax(np.abs(deviation) / np.sqrt(before * (len(sizes) - before))))
    is_finer = deviation[k] > 0  # a time at the change belongs to the finer part
    return [k + 2 + shift for shift in ((-1, 0, 1, -2) if is_finer else (0, -1, 1, -2))]


def _regular_grid(times: Ints) -> TimeGrid | None:
    """Grid of times [D] of which at most a tenth of the steps is missing; None if there is none."""
    if len(times) < MIN_PART:
        return None
    grid = find_grid(steps_of(times, np.zeros_like(times)))
    return None if grid is None or is_sparse(grid, times) else grid
