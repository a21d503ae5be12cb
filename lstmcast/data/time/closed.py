"""Closed steps of a grid: regular holes such as Sundays, nights and Augusts, from data and from text.

The text of `data.closed` is a list of weekdays, spans of the clock, months and weeks: `Sun`, `Sat,Sun`, `20:00-08:00`,
`Sun,21:00-08:00,Sat@14:00-24:00`, `Jul-Aug`, `W52-W01`. A span includes its first time and excludes its last.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from lstmcast.data.time.closed_years import (
    closed_months,
    closed_weeks,
    has_years,
    mask_of,
    months_of_year,
    observed_years,
    week_names,
    weeks_of,
    year_parts,
)
from lstmcast.data.time.frequency import MONTHS, WEEK, TimeGrid
from lstmcast.data.time.mask import Mask
from lstmcast.data.time.zones import DAY, SECOND
from lstmcast.errors import ConfigError
from lstmcast.types import Bools, Ints

AUTO, NONE = "auto", "none"
MAX_MISSING = 0.1  # fraction of the steps that is filled by default

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_THURSDAY = 3  # 1970-01-01
_SATURDAY, _SUNDAY = 5, 6
_MAX_SLOTS = 700_000  # seconds of a week
_MAX_EXCEPTIONS = 0.06  # fraction of the cycles in which a closed slot is observed
_MIN_CYCLES_FOR_EXCEPTION = 8
_MAX_DROPPED = 0.02  # fraction of the times that lie in closed slots
_MAX_CHANCE = 1e-3  # probability that random holes close a slot
_MIN_DAYS, _MIN_WEEKS, _MIN_YEARS = 4, 3, 3  # observed cycles
_MIN_REPEATS = 2  # years of closed weeks that are offered
YEAR_DAYS = 365
_RECENT_CYCLES = 3  # at the end, of which none may contradict a closed slot
_MIN_REDUCTION = 0.5  # of the holes, for a mask of separate days
_MAX_NEGLIGIBLE = 0.01  # holes as a fraction of the times, where days are not separated
_EXAMPLES = "Sun; Sat,Sun; 20:00-08:00; Sat@14:00-24:00; Jul-Aug; W52-W01; none"
_TIME = r"\d\d?:\d\d(?::\d\d)?"
_ITEM = re.compile(rf"(?:([A-Za-z]{{3,9}})(?:-([A-Za-z]{{3,9}}))?)?[@\s]*(?:({_TIME})-({_TIME}))?")


def infer_mask(grid: TimeGrid, times: Ints, *, certain: bool = True) -> Mask | None:
    """Find the slots of a day, week or year that are (almost) never observed, or None.

    Args:
        grid: without mask.
        times: [D] distinct times of all series on the grid's clock, ascending.
        certain: require several cycles, and a pattern that random holes do not explain.
    """
    if len(times) < 2:
        return None
    first, last = grid.ticks(times[[0, -1]])
    if last - first + 1 == len(times):
        return None
    ticks = distinct(grid.ticks(times))
    if last - first + 1 == len(ticks):
        return None
    is_month = grid.kind == "month" and grid.step == 1
    is_open = _open_months(ticks, certain) if is_month else _open_slots(grid, ticks, certain)
    mask = None if is_open is None or is_open.all() or not is_open.any() else Mask.of(is_open)
    if mask is not None and ((certain and _is_newly_open(mask, ticks)) or not _contains_most(mask, ticks)):
        mask = None
    return (_year_mask(grid, ticks, mask, certain) if has_years(grid) else None) or mask


def _contains_most(mask: Mask, ticks: Ints) -> bool:
    """True if few of the ticks [N] lie in closed slots."""
    return bool(np.count_nonzero(~mask.contains(ticks)) <= _MAX_DROPPED * len(ticks))


def _year_mask(grid: TimeGrid, ticks: Ints, mask: Mask | None, certain: bool) -> Mask | None:
    """Mask of weeks or months of the year without values, besides those of a mask; None if there are none."""
    holes = missing_steps(mask, ticks)
    if ticks[-1] - ticks[0] < _MIN_REPEATS * YEAR_DAYS * DAY // grid.step or holes <= _MAX_NEGLIGIBLE * len(ticks):
        return None
    weekdays = np.zeros(7, dtype=np.bool_) if mask is None else ~mask.contains(np.arange(7))
    every = np.arange(ticks[0], ticks[-1] + 1)
    minimum = _MIN_YEARS if certain else _MIN_REPEATS
    none = {12: np.zeros(12, dtype=np.bool_), 53: np.zeros(53, dtype=np.bool_)}
    found = []
    for size, periods in ((12, months_of_year(grid, every)), (53, weeks_of(grid, every))):
        counts, totals = observed_years(periods, ticks, size, grid)
        closed = _closed(counts, totals, minimum, certain=True)
        if size == 53:
            closed[52] = closed[51] and closed[0] and not counts[52]  # it is rare
        if closed.any():
            parts = none | {size: closed}
            found.append(mask_of(grid, weekdays, parts[53], parts[12]))
    found = [each for each in found if _contains_most(each, ticks)]
    best = min(found, key=lambda each: missing_steps(each, ticks), default=None)
    return best if best is not None and missing_steps(best, ticks) <= _MIN_REDUCTION * holes else None


def _is_newly_open(mask: Mask, ticks: Ints) -> bool:
    """True if a closed slot is observed in each of the last cycles: it may be open from now on."""
    recent = ticks[ticks > ticks[-1] - _RECENT_CYCLES * mask.cycle]
    return bool((np.bincount(recent[~mask.contains(recent)] % mask.cycle) >= _RECENT_CYCLES).any())


def distinct(ascending: Ints) -> Ints:
    """Distinct values of an ascending array."""
    return np.asarray(ascending[np.append(True, ascending[1:] != ascending[:-1])])


def missing_steps(mask: Mask | None, ticks: Ints) -> int:
    """Number of open steps between the first and last of ticks [N] (ascending) that are not among them."""
    inside = ticks if mask is None else mask.fold(ticks[mask.contains(ticks)])
    return int(inside[-1] - inside[0]) + 1 - len(inside) if len(inside) else 0


def is_sparse(grid: TimeGrid, times: Ints) -> bool:
    """True if more than a tenth of the open steps from the first to the last of times [D] on the grid is missing."""
    if grid.mask is not None:
        missing = missing_steps(grid.mask, grid.ticks(times))
    else:
        missing = int(np.diff(grid.ticks(times[[0, -1]]))[0]) + 1 - len(times)
    return missing > MAX_MISSING * (missing + len(times))


def _open_months(ticks: Ints, certain: bool) -> Bools:
    """[12] true for months with values."""
    counts, totals = np.bincount(ticks % 12, minlength=12), _occurrences(ticks, 12)
    return ~_closed(counts, totals, _MIN_YEARS, certain)


def _open_slots(grid: TimeGrid, ticks: Ints, certain: bool) -> Bools | None:
    """Open slots of a day or week from Thursday on; None if steps are no parts of a day."""
    if grid.kind != "fixed" or DAY % grid.step or WEEK // grid.step > _MAX_SLOTS:
        return None
    per_day = DAY // grid.step
    days = distinct(ticks // per_day)
    observed = np.bincount(days % 7, minlength=7)
    closed_days = _closed(observed, _occurrences(days, 7), _MIN_WEEKS, certain) | _free_weekend(days, per_day)
    if per_day == 1:
        return ~closed_days
    inside = ticks[~closed_days[ticks // per_day % 7]]
    counts = np.bincount(inside % per_day, minlength=per_day)
    closed_times = _closed(counts, np.full(per_day, observed[~closed_days].sum()), _MIN_DAYS, certain)
    daily = ~(closed_days[:, None] | closed_times)
    counts = np.bincount(inside % (7 * per_day), minlength=7 * per_day).reshape(7, per_day)
    totals = np.repeat(observed[:, None], per_day, axis=1)
    weekly = daily & ~_closed(counts, totals, _MIN_WEEKS + 1, certain)
    holes = _holes(daily, ticks)
    if holes > _MAX_NEGLIGIBLE * len(ticks) and _holes(weekly, ticks) <= _MIN_REDUCTION * holes and weekly.any():
        return weekly.ravel()
    return daily.ravel() if closed_days.any() else ~closed_times


def _holes(is_open: Bools, ticks: Ints) -> int:
    """Number of unobserved open steps."""
    return missing_steps(Mask.of(is_open.ravel()), ticks) if is_open.any() else 0


def _occurrences(ticks: Ints, cycle: int) -> Ints:
    """[cycle] how often each slot occurs from the first to the last tick."""
    before = np.array([ticks[0] - 1, ticks[-1]])[:, None] - np.arange(cycle)
    first, last = before // cycle
    return np.asarray(last - first, dtype=np.int64)


def _closed(counts: Ints, totals: Ints, minimum: int, certain: bool) -> Bools:
    """Slots that are never or almost never observed, more often than random holes would explain.

    Args:
        counts: number of cycles in which each slot is observed.
        totals: number of cycles.
        minimum: cycles needed, if `certain`.
    """
    exceptions = np.where(totals < _MIN_CYCLES_FOR_EXCEPTION, 0, np.maximum(1, _MAX_EXCEPTIONS * totals))
    rare = counts <= exceptions
    if rare.all() or not rare.any():
        return np.zeros(counts.shape, dtype=np.bool_)
    if not certain:
        return np.asarray(rare & (totals > 0))
    typical = min(0.99, counts[~rare].sum() / max(totals[~rare].sum(), 1))
    rate = np.minimum(counts / np.maximum(totals, 1), typical)
    divergence = np.log((1 - rate) / (1 - typical)) * (1 - rate)
    divergence += np.where(rate > 0, rate * np.log(np.maximum(rate, 1e-12) / typical), 0.0)
    chance = np.exp(-totals * divergence) * min(counts.size, 7)  # Chernoff bound
    return np.asarray(rare & (totals >= minimum) & (chance < _MAX_CHANCE), dtype=np.bool_)


def _free_weekend(days: Ints, per_day: int) -> Bools:
    """[7] the weekend if no day of at least two is observed, but nearly all others; for parts of days only."""
    found = np.zeros(7, dtype=np.bool_)
    weekday = (days + _THURSDAY) % 7
    totals = _occurrences(days + _THURSDAY, 7)
    free = per_day > 1 and totals[_SATURDAY:].min() >= 2 and not (weekday >= _SATURDAY).any()
    if free and len(days) >= 0.8 * totals[:_SATURDAY].sum():
        found[(np.array([_SATURDAY, _SUNDAY]) - _THURSDAY) % 7] = True
    return found


def closed_text(grid: TimeGrid) -> str:
    """Text of the closed steps of a grid, as `parse_closed` reads it; `none` without a mask."""
    if grid.mask is None:
        return NONE
    if grid.kind == "month":
        return ",".join(_name_runs(~grid.mask.is_open, tuple(name.capitalize() for name in MONTHS)))
    if has_years(grid) and grid.mask.cycle > WEEK // grid.step:
        weekdays, weeks, months = year_parts(grid)
        names = tuple(name.capitalize() for name in MONTHS)
        return ",".join(
            [*_name_runs(np.roll(weekdays, _THURSDAY), _DAYS), *_name_runs(months, names), *week_names(weeks)]
        )
    per_day = DAY // grid.step
    is_open = np.resize(grid.mask.is_open, 7 * per_day).reshape(7, per_day)
    closed = ~np.roll(is_open, _THURSDAY, axis=0)  # from Monday on
    days = np.asarray(closed.all(axis=1))
    common = np.asarray(closed[~days].all(axis=0))
    parts = [*_name_runs(days, _DAYS), *_clock_spans(grid, common, wrap=True)]
    for day in np.flatnonzero(~days):
        parts += [f"{_DAYS[day]}@{span}" for span in _clock_spans(grid, closed[day] & ~common, wrap=False)]
    return ",".join(parts)


def _name_runs(selected: Bools, names: tuple[str, ...]) -> Iterator[str]:
    """Names of selected slots; three or more in a row as `Mon-Wed`."""
    for first, end in Mask.of(selected).runs:
        if end - first > 2:
            yield f"{names[first]}-{names[end - 1]}"
        else:
            yield from names[first:end]


def _clock_spans(grid: TimeGrid, slots: Bools, *, wrap: bool) -> list[str]:
    """Spans of the clock of selected slots of a day; the last and first join over midnight with `wrap`."""
    runs = list(Mask.of(slots).runs)
    if wrap and len(runs) > 1 and runs[0][0] == 0 and runs[-1][1] == len(slots):
        runs = [*runs[1:-1], (runs[-1][0], runs[0][1])]
    return [f"{_clock(grid, first)}-{_clock(grid, end, last=True)}" for first, end in runs]


def _clock(grid: TimeGrid, slot: int, *, last: bool = False) -> str:
    """Start of a slot as `08:00` or `08:00:30`."""
    seconds = (slot * grid.step + grid.phase % grid.step) // SECOND
    seconds = min(seconds, DAY // SECOND) if last else seconds
    text = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}"
    return f"{text}:{seconds % 60:02d}" if seconds % 60 else text


def parse_closed(text: str, grid: TimeGrid) -> TimeGrid:
    """Close steps of a grid; the inverse of `closed_text`.

    Raises:
        ConfigError: text that is no list of weekdays, spans of the clock or months, or that closes all steps.
    """
    base = replace(grid, mask=None)
    if text.strip().lower() == NONE:
        return base
    if has_years(grid) and (mask := _mask_of_years(text, grid)) is not None:
        return replace(base, mask=mask)
    if grid.kind != "month" and (grid.kind != "fixed" or DAY % grid.step):
        raise ConfigError(f"data.closed: requires steps of a day, of parts of a day or of a month (got '{text}')")
    closed = np.zeros(12 if grid.kind == "month" else 7 * max(DAY // grid.step, 1), dtype=np.bool_)
    for item in text.split(","):
        closed |= _closed_by(item.strip(), base, text)
    if closed.all():
        raise ConfigError(f"data.closed: at least one step must be open (got '{text}')")
    is_open = ~closed
    if grid.kind == "fixed" and grid.step < DAY:
        by_day = is_open.reshape(7, -1)
        is_open = by_day[0] if (by_day == by_day[0]).all() else is_open
    return base if is_open.all() else replace(base, mask=Mask.of(is_open))


def _mask_of_years(text: str, grid: TimeGrid) -> Mask | None:
    """Mask of a list that has weeks or months of the year; None without any."""
    closed = [np.zeros(size, dtype=np.bool_) for size in (7, 53, 12)]
    of_years = False
    for item in (part.strip() for part in text.split(",")):
        names = _ITEM.fullmatch(item)
        weeks = closed_weeks(item)
        months = closed_months(names[1], names[2]) if names and names[1] and not names[3] else None
        if weeks is None and months is None:
            if grid.step == WEEK:
                return None
            closed[0] |= _closed_by(item, grid, text)
            continue
        of_years = True
        closed[1] |= False if weeks is None else weeks
        closed[2] |= False if months is None else months
    if not of_years:
        return None
    mask = mask_of(grid, *closed)
    if not mask.runs:
        raise ConfigError(f"data.closed: at least one step must be open (got '{text}')")
    return mask


def _closed_by(item: str, grid: TimeGrid, text: str) -> Bools:
    """Slots of a cycle that one item closes."""
    match = _ITEM.fullmatch(item)
    if not item or match is None:
        raise ConfigError(
            f"data.closed: must be a list of weekdays, times or months (got '{text}'); such as {_EXAMPLES}"
        )
    first, last, start, end = match.groups()
    if grid.kind == "month":
        months = _between(first, last, tuple(name.capitalize() for name in MONTHS), text)
        if start or grid.step != 1:
            raise ConfigError(f"data.closed: only months of monthly data can be closed (got '{text}')")
        return months
    days = np.ones(7, dtype=np.bool_) if first is None else _between(first, last, _DAYS, text)
    slots = np.ones(DAY // grid.step, dtype=np.bool_)
    if start:
        if grid.step == DAY:
            raise ConfigError(f"data.closed: daily data have no times of day to close (got '{text}')")
        begin, stop = _micros(start, text), _micros(end, text)
        times = np.arange(len(slots)) * grid.step + grid.phase % grid.step
        slots = (times >= begin) & (times < stop) if begin < stop else (times >= begin) | (times < stop)
    return np.asarray(np.roll(days, -_THURSDAY)[:, None] & slots).ravel()


def _between(first: str | None, last: str | None, names: tuple[str, ...], text: str) -> Bools:
    """[N] true from the first to the last of N names, which may wrap around."""
    start, stop = (_index(name, names, text) for name in (first, last or first))
    found = np.zeros(len(names), dtype=np.bool_)
    found[(start + np.arange((stop - start) % len(names) + 1)) % len(names)] = True
    return found


def _index(name: str | None, names: tuple[str, ...], text: str) -> int:
    short = (name or "")[:3].capitalize()
    if short not in names:
        raise ConfigError(f"data.closed: must name {', '.join(names)} (got '{text}')")
    return names.index(short)


def _micros(clock: str, text: str) -> int:
    """Microseconds since midnight of `08:30`."""
    hours, minutes, seconds = map(int, f"{clock}:0".split(":")[:3])
    total = (hours * 60 + minutes) * 60 + seconds
    if max(minutes, seconds) > 59 or total * SECOND > DAY:
        raise ConfigError(f"data.closed: a time of day must lie between 00:00 and 24:00 (got '{text}')")
    return total * SECOND
