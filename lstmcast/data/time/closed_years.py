"""Closed weeks and months of the year, for steps of days and weeks.

The calendar repeats every 28 years, with its weekdays and ISO weeks, between 1901 and 2099.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from lstmcast.data.time.frequency import MONTHS, WEEK, TimeGrid
from lstmcast.data.time.mask import Mask
from lstmcast.data.time.zones import DAY
from lstmcast.types import Bools, Ints

YEARS = 28
_DAYS = 10_227  # in 28 years
_WEEKS = 53
_ITEM = re.compile(r"W(\d\d?)(?:-W?(\d\d?))?", re.IGNORECASE)


def has_years(grid: TimeGrid) -> bool:
    """True for steps of which weeks and months of the year can be closed."""
    return grid.kind == "fixed" and grid.step in {DAY, WEEK}


def weeks_of(grid: TimeGrid, ticks: Ints) -> Ints:
    """[N] ISO weeks, 0 to 52, of ticks [N]."""
    days = (ticks * grid.step + grid.phase) // DAY
    thursdays = days - (days + 3) % 7 + 3
    years = thursdays.astype("datetime64[D]").astype("datetime64[Y]")
    return np.asarray((thursdays - years.astype("datetime64[D]").astype(np.int64)) // 7, dtype=np.int64)


def months_of_year(grid: TimeGrid, ticks: Ints) -> Ints:
    """[N] months, 0 to 11, of ticks [N]."""
    days = (ticks * grid.step + grid.phase) // DAY
    return np.asarray(days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) % 12, dtype=np.int64)


def cycle_ticks(grid: TimeGrid) -> Ints:
    """Ticks of 28 years from 1970 on."""
    return np.arange(_DAYS * DAY // grid.step)


def observed_years(periods: Ints, ticks: Ints, n_periods: int, grid: TimeGrid) -> tuple[Ints, Ints]:
    """Number of years in which each week or month is observed, and in which it lies between the first and last tick.

    Args:
        periods: [N] weeks or months of all ticks [N] from the first to the last.
        ticks: the observed ticks.
    """
    starts = np.append(True, np.diff(periods) != 0)
    run = np.cumsum(starts) - 1
    seen = np.zeros(run[-1] + 1, dtype=np.bool_)
    seen[run[ticks - ticks[0]]] = True
    whole = np.ones(len(seen), dtype=np.bool_)
    if grid.step == DAY:
        whole[[0, -1]] = seen[[0, -1]]
    of_run = periods[starts]
    return tuple(np.bincount(of_run[kept], minlength=n_periods).astype(np.int64) for kept in (seen, whole))  # type: ignore[return-value]


def mask_of(grid: TimeGrid, weekdays: Bools, weeks: Bools, months: Bools) -> Mask:
    """Mask of closed weekdays [7] from Thursday on, weeks [53] and months [12] of the year."""
    ticks = cycle_ticks(grid)
    closed = weeks[weeks_of(grid, ticks)] | months[months_of_year(grid, ticks)]
    if grid.step == DAY:
        closed |= weekdays[ticks % 7]
    return Mask.of(~closed)


def year_parts(grid: TimeGrid) -> tuple[Bools, Bools, Bools]:
    """Closed weekdays, weeks and months of a grid whose mask is that of years; the inverse of `mask_of`."""
    ticks = cycle_ticks(grid)
    mask = grid.mask or Mask.of([True])
    is_open = mask.contains(ticks)
    weekdays: Bools = np.zeros(7, dtype=np.bool_)
    if grid.step == DAY:
        weekdays = np.asarray(~is_open.reshape(-1, 7).any(axis=0), dtype=np.bool_)
    months = np.bincount(months_of_year(grid, ticks), is_open, minlength=12) == 0
    weeks = np.zeros(_WEEKS, dtype=np.bool_)
    if mask_of(grid, weekdays, weeks, months) != mask:
        weeks = np.bincount(weeks_of(grid, ticks), is_open, minlength=_WEEKS) == 0
        months = np.zeros(12, dtype=np.bool_)
    return weekdays, weeks, months


def week_names(weeks: Bools) -> Iterator[str]:
    """Names of closed weeks, such as W01 and W30-W32."""
    for first, end in Mask.of(weeks).runs:
        yield f"W{first + 1:02d}" if end == first + 1 else f"W{first + 1:02d}-W{end:02d}"


def closed_weeks(item: str) -> Bools | None:
    """[53] weeks of an item such as W52-W01, which includes week 53; None for another item."""
    match = _ITEM.fullmatch(item)
    if match is None:
        return None
    first, last = int(match[1]), int(match[2] or match[1])
    if not (1 <= first <= _WEEKS and 1 <= last <= _WEEKS):
        return None
    found = np.zeros(_WEEKS, dtype=np.bool_)
    found[(first - 1 + np.arange((last - first) % _WEEKS + 1)) % _WEEKS] = True
    return found


def closed_months(first: str, last: str | None) -> Bools | None:
    """[12] months from the first to the last, which may wrap around; None for other names."""
    numbers = [MONTHS.index(name[:3].upper()) if name[:3].upper() in MONTHS else -1 for name in (first, last or first)]
    if min(numbers) < 0:
        return None
    found = np.zeros(12, dtype=np.bool_)
    found[(numbers[0] + np.arange((numbers[1] - numbers[0]) % 12 + 1)) % 12] = True
    return found
