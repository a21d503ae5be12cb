"""Calendar of the series: time grid, season, time zone and time format."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from lstmcast.data.schema import InferredSetting, SettingKey
from lstmcast.data.time.closed import AUTO, closed_text, distinct, infer_mask, is_sparse, missing_steps, parse_closed
from lstmcast.data.time.frequency import HOUR, TimeGrid
from lstmcast.data.time.inference import find_grid, masked_grid, parse_frequency, steps_of, week_years_grid
from lstmcast.data.time.irregular import MIN_PART, change_fault, few_times_fault, has_longer_end, irregular_fault
from lstmcast.data.time.mask import Mask
from lstmcast.data.time.other_readings import other_reading_fault
from lstmcast.data.time.rows import TimeRows
from lstmcast.data.time.text.column import Times
from lstmcast.data.time.text.formats import COUNT, TimeFormat, split_columns
from lstmcast.data.time.week_years import WeekYears
from lstmcast.data.time.zones import changes_clock, from_wall, to_wall
from lstmcast.errors import ConfigError, DataError
from lstmcast.types import Bools, Ints

_MIN_TIMES = 3  # distinct times needed to infer a frequency


@dataclass(frozen=True)
class Calendar:
    """Regular times of the series; positions are consecutive integers.

    Attributes:
        grid: step size and phase.
        season: season length in steps; 1 for none.
        pinned: whether the season is set by the user, or found in the data, and is other than the default.
        timezone: zone of the wall times; None if times have no zone.
        style: time format of the file; None for a counter.
        seasons: lengths of the seasons that the data show, the strongest evidence first.
    """

    grid: TimeGrid
    season: int = 1
    pinned: bool = False
    timezone: str | None = None
    style: TimeFormat | None = None
    seasons: tuple[int, ...] = ()

    @property
    def kind(self) -> str:
        """`counter`, `fixed`, `month` or `weeks`."""
        return self.grid.kind

    @property
    def step(self) -> int:
        """Microseconds or months in a step."""
        return self.grid.step

    @property
    def name(self) -> str:
        """Frequency in pandas notation; see `TimeGrid.name`."""
        return self.grid.name

    @property
    def label(self) -> str:
        """Frequency in words, such as `every 30 minutes`."""
        return self.grid.label

    @property
    def closed(self) -> str:
        """Closed steps as text of `data.closed`."""
        return closed_text(self.grid)

    @property
    def week(self) -> int | None:
        """Steps of a week if the season is a day of several steps, else None."""
        return self.grid.week_steps if 1 < self.season == self.grid.day_steps else None

    @property
    def mase_season(self) -> int:
        """Season of MASE: a pinned season, else 24 hourly, 12 monthly, 4 quarterly, or 1."""
        return self.season if self.pinned else self.grid.mase_season

    @property
    def default_reason(self) -> str:
        """Reason of a default that depends on the frequency."""
        return "default without times" if self.kind == "counter" else f"usual for data that are {self.label}"

    @property
    def naive_seasons(self) -> tuple[int, ...]:
        """Season lengths of the seasonal naive baselines, ascending: the season, and the others of the data."""
        return tuple(sorted({self.season, *self.seasons} - {1}))

    @property
    def default_horizon(self) -> int:
        """Default horizon of the frequency, such as a year, two weeks or a day."""
        return self.season if self.kind == "counter" and self.season > 1 else self.grid.horizon

    def positions(self, stamps: Ints) -> Ints:
        """Positions [N] of times [N], microseconds since 1970-01-01 (UTC if the calendar has a zone)."""
        return self.grid.positions(self._clock(stamps))

    def stamps(self, positions: Ints) -> Ints:
        """Times [N] of positions [N], the inverse of `positions`."""
        times = self.grid.times(positions)
        return from_wall(times, self.timezone).early if self.grid.on_wall else times

    def ends(self, positions: Ints) -> Ints:
        """Times [N] at which steps [N] end: the next step begins there, if it is open."""
        mask = self.grid.mask
        ticks = positions if mask is None else mask.unfold(positions)
        return replace(self, grid=replace(self.grid, mask=None, on_clock=self.grid.on_wall)).stamps(ticks + 1)

    @property
    def has_clock_changes(self) -> bool:
        """True if steps shorter than a day follow a wall clock that repeats and skips hours."""
        return self.grid.on_wall and not self.grid.in_days and changes_clock(self.timezone)

    def occurrences(self, positions: Ints) -> Ints:
        """Number of occurrences of steps [N]: 0 if clocks skip them, 2 if they repeat them, else 1."""
        counts = np.ones(positions.shape, dtype=np.int64)
        if self.has_clock_changes:
            local = from_wall(self.grid.times(positions), self.timezone)
            counts += local.doubled & (HOUR % self.step == 0)
            counts[local.skipped] = 0
        return counts

    def is_repeat(self, stamps: Ints) -> Bools:
        """[N] true for times [N] in an hour that clocks repeat, when it comes for the second time."""
        if not self.has_clock_changes:
            return np.zeros(stamps.shape, dtype=np.bool_)
        local = from_wall(self._clock(stamps), self.timezone)
        return np.asarray(local.doubled & (local.late == stamps), dtype=np.bool_)

    def is_between(self, stamps: Ints, positions: Ints) -> Bools:
        """[N] true for times [N] between two steps; positions [N] are theirs."""
        return np.asarray(self.grid.times(positions) != self._clock(stamps), dtype=np.bool_)

    def written(self, positions: Ints) -> tuple[Ints, Ints]:
        """Rows of a table with a row for each occurrence of steps [S, H]: index of the step, and time."""
        counts = self.occurrences(positions.ravel())
        index = np.repeat(np.arange(positions.size), counts)
        again = np.append(False, np.diff(index) == 0) if index.size else np.zeros(0, dtype=np.bool_)
        stamps = self.stamps(positions.ravel()[index])
        if again.any():
            stamps[again] = from_wall(self._clock(stamps[again]), self.timezone).late
            order = np.lexsort((stamps, index // positions.shape[1]))
            index, stamps = index[order], stamps[order]
        return index, stamps

    def is_closed(self, stamps: Ints) -> Bools:
        """[N] true for times [N] in closed steps."""
        mask = self.grid.mask
        if mask is None:
            return np.zeros(stamps.shape, dtype=np.bool_)
        return ~mask.contains(self.grid.ticks(self._clock(stamps)))

    def _clock(self, stamps: Ints) -> Ints:
        """Times [N] on the clock of the grid."""
        return to_wall(stamps, self.timezone) if self.grid.on_wall else stamps

    def text(self, positions: Ints) -> list[str]:
        """Times of positions in the format of the file; the numbers of a counter."""
        if self.style is None:
            return [str(position) for position in positions.tolist()]
        return self.stamp_texts(self.stamps(positions))

    def stamp_texts(self, stamps: Ints) -> list[str]:
        """Times [N] in the format of the file."""
        if self.style is None:
            return [str(stamp) for stamp in stamps.tolist()]
        distinct, inverse = np.unique(stamps, return_inverse=True)
        texts = self.style.format(distinct, self.timezone)
        return [texts[i] for i in inverse.tolist()]

    def named_texts(self, name: str, positions: Ints) -> dict[str, list[str]]:
        """Columns of the times of positions, named as in the file: one, or those of the parts of a time."""
        return split_columns(name, self.text(positions))

    def written_texts(self, name: str, positions: Ints) -> tuple[Ints, dict[str, list[str]]]:
        """Rows of a table of steps [S, H], one for each occurrence: index of the step, and the columns of times."""
        index, stamps = self.written(positions)
        return index, split_columns(name, self.stamp_texts(stamps))

    def wall(self, positions: Ints) -> npt.NDArray[Any]:
        """Wall times of positions as datetime64[us], for axes; the numbers of a counter."""
        if self.kind == "counter":
            return self.stamps(positions)
        if self.has_clock_changes:
            return self.grid.times(positions).astype("datetime64[us]")
        return to_wall(self.stamps(positions), self.timezone).astype("datetime64[us]")

    def to_dict(self) -> dict[str, object]:
        """JSON values."""
        return {**asdict(self), "name": self.name}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Calendar:
        """The inverse of `to_dict`."""
        style, mask, years = values["style"], values["grid"]["mask"], values["grid"]["years"]
        parts = {"mask": mask and Mask.from_dict(mask), "years": years and WeekYears.from_dict(years)}
        return cls(
            grid=TimeGrid(**{**values["grid"], **parts}),
            season=values["season"],
            pinned=values["pinned"],
            timezone=values["timezone"],
            style=None if style is None else TimeFormat.from_dict(style),
            seasons=tuple(values.get("seasons", ())),
        )


def counter_calendar(season: int | None = None) -> tuple[Calendar, tuple[InferredSetting, ...]]:
    """Calendar of a file without a time column, where rows are counted 1, 2, 3 …; `season` may be pinned."""
    frequency = InferredSetting(SettingKey.FREQUENCY, "1", "there is no time column: rows are counted")
    return Calendar(TimeGrid("counter"), season=season or 1, pinned=season is not None), (frequency,)


def infer_calendar(
    times: Times,
    groups: Ints,
    lines: Ints,
    *,
    column: str,
    source: str,
    frequency: str | None = None,
    season: int | None = None,
    closed: str = AUTO,
    observed: Bools | None = None,
    is_format_pinned: bool = False,
) -> tuple[Calendar, tuple[InferredSetting, ...]]:
    """Infer the regular grid of all rows.

    Args:
        times: the times of N rows.
        groups: [N] index of the series.
        lines: [N] physical line of each row, for messages.
        frequency: a pinned frequency; rows between its steps are aggregated.
        season: a pinned season.
        closed: closed steps, such as `Sun`; `auto` for steps without values in a regular pattern, or `none`.
        observed: [N] true for rows with a value; None if all have one.
        is_format_pinned: months are months, although they may be quarters.

    Raises:
        DataError: fewer than three times, irregular times, or a frequency that is finer than the data.
        ConfigError: an unknown frequency, a frequency of counted steps, or a season below 1.
    """
    if season is not None and season < 1:
        raise ConfigError(f"data.season_length: must be at least 1 (got {season})")
    if times.style.pattern == COUNT:
        return _counted(times, frequency, season)
    rows = TimeRows(times, groups, lines, column, source, observed, is_format_pinned)
    if frequency is None:
        calendar = _found(rows, closed)
        counts = _step_counts(calendar, rows)
        counts = counts[counts > 0]
        reason = f"{np.count_nonzero(counts == 1)} of {len(counts)} steps are {calendar.label}"
    else:
        calendar, reason = _pinned(frequency, rows, closed), "data.frequency"
    inferred = [InferredSetting(SettingKey.FREQUENCY, calendar.name, reason), *_closed_setting(calendar, rows, closed)]
    longest = _longest(calendar.positions(times.stamps), groups)
    calendar, of_season = _with_season(calendar, season, longest)
    return calendar, (*inferred, of_season)


def _counted(times: Times, frequency: str | None, season: int | None) -> tuple[Calendar, tuple[InferredSetting, ...]]:
    """Calendar of a column of integers that count steps."""
    if frequency not in (None, "1"):
        raise ConfigError("data.frequency requires times, but the time column counts steps; leave it out")
    distinct = np.unique(times.stamps)
    step = int(np.gcd.reduce(np.diff(distinct))) or 1
    grid = TimeGrid("counter", step, int(distinct[0]) % step)
    calendar = Calendar(grid, season=season or 1, pinned=season is not None, style=times.style)
    reason = "the time column counts steps" + (f" by {step}" if step > 1 else "")
    return calendar, (InferredSetting(SettingKey.FREQUENCY, "1", reason),)


def _found(rows: TimeRows, closed: str) -> Calendar:
    """Calendar of the data; raises DataError if there is none."""
    steps = rows.steps
    if len(steps.distinct) < _MIN_TIMES:
        raise DataError(few_times_fault(rows, _MIN_TIMES))
    if not len(steps.before):
        steps = steps_of(steps.distinct, np.zeros_like(steps.distinct))
    grid = _on_clock(find_grid(steps), rows) or week_years_grid(steps.distinct) or masked_grid(steps.distinct)
    if grid is None:
        raise DataError(change_fault(rows) or irregular_fault(rows))
    if closed == AUTO and (fault := other_reading_fault(rows, grid)):
        raise DataError(fault)
    zone = "UTC" if rows.zone and grid.in_days and not rows.on_days else rows.zone  # e.g. daily at 00:00 UTC
    calendar = _with_mask(Calendar(grid, timezone=zone, style=rows.times.style), rows, closed)
    if closed == AUTO and _may_change(calendar, rows) and (fault := change_fault(rows)):
        raise DataError(fault)
    return calendar


def _on_clock(grid: TimeGrid | None, rows: TimeRows, wall: TimeGrid | None = None) -> TimeGrid | None:
    """Grid on the wall clock of a zone with clock changes, if the times follow it as well as a grid of instants.

    Args:
        grid: on the clock of UTC; None if there is none.
        wall: a pinned grid on the wall clock; None to find it.
    """
    if rows.on_days or not changes_clock(rows.zone) or (grid is not None and (grid.in_days or grid.kind != "fixed")):
        return grid
    steps = rows.wall_steps(rows.zone)
    wall = wall or find_grid(steps)
    if wall is None or wall.in_days or wall.kind != "fixed" or (grid is not None and wall.step < grid.step):
        return grid
    if grid is not None and np.mean(wall.holds(steps.distinct)) < np.mean(grid.holds(rows.steps.distinct)):
        return grid
    return replace(wall, on_clock=True)


def _pinned(frequency: str, rows: TimeRows, closed: str) -> Calendar:
    """Calendar of a pinned frequency; raises DataError if it is finer than the data."""
    grid = parse_frequency(frequency, rows.wall_steps(rows.zone))
    if not grid.in_days:
        grid = _on_clock(parse_frequency(frequency, rows.steps), rows, grid) or grid
    calendar = _with_mask(Calendar(grid, timezone=rows.zone, style=rows.times.style), rows, closed)
    counts = _step_counts(calendar, rows)
    if len(counts) and counts.min() > 1:
        raise DataError(
            f"data.frequency: {frequency} is finer than the data, whose smallest step is {counts.min()} of it; "
            "set a coarser one, or leave it out"
        )
    return calendar


def _with_mask(calendar: Calendar, rows: TimeRows, closed: str) -> Calendar:
    """Close the steps that are given or, with `auto`, those without values in a regular pattern."""
    grid = calendar.grid
    if closed != AUTO:
        return replace(calendar, grid=parse_closed(closed, grid))
    base = replace(grid, mask=None)
    mask = infer_mask(base, rows.wall_times(calendar.timezone))
    return replace(calendar, grid=replace(base, mask=mask or grid.mask))


def _step_counts(calendar: Calendar, rows: TimeRows) -> Ints:
    """Number of open steps [P] from each time to the next of its series."""
    steps = rows.wall_steps(calendar.timezone) if calendar.grid.on_wall else rows.steps
    return calendar.grid.positions(steps.after) - calendar.grid.positions(steps.before)


def _may_change(calendar: Calendar, rows: TimeRows) -> bool:
    """True if more than a tenth of the open steps has no row, or all of the first or last ones are longer."""
    grid = calendar.grid
    times = (rows.wall_steps(calendar.timezone) if grid.on_wall else rows.steps).distinct
    return is_sparse(grid, times) or has_longer_end(grid.positions(times[:MIN_PART]), grid.positions(times[-MIN_PART:]))


def _closed_setting(calendar: Calendar, rows: TimeRows, closed: str) -> Iterator[InferredSetting]:
    """The closed steps and the number of those without values; nothing for business days."""
    mask = calendar.grid.mask
    if closed != AUTO:
        yield InferredSetting(SettingKey.CLOSED, calendar.closed, "data.closed")
    elif mask is not None and not calendar.grid.is_business:
        ticks = distinct(calendar.grid.ticks(rows.wall_times(calendar.timezone)))
        is_open = mask.contains(ticks)
        total = int(ticks[-1] - ticks[0]) + 1 - int(is_open.sum()) - missing_steps(mask, ticks)
        empty = total - int(np.count_nonzero(~is_open))
        yield InferredSetting(SettingKey.CLOSED, calendar.closed, f"{empty} of {total} steps there have no value")


def _longest(positions: Ints, groups: Ints) -> int:
    """Steps of the longest series."""
    by_series = pd.Series(positions).groupby(groups)
    return int((by_series.max() - by_series.min()).max()) + 1


def _with_season(calendar: Calendar, season: int | None, longest: int) -> tuple[Calendar, InferredSetting]:
    """Set the season: the pinned one, else the default if two seasons are known, else none."""
    default = calendar.grid.season
    if season is not None:
        calendar, reason = replace(calendar, season=season, pinned=season != default), "data.season_length"
    elif default > 1 and longest < 2 * default:
        reason = f"the longest series has {longest} steps, fewer than two seasons of {default}"
    else:
        calendar = replace(calendar, season=default)
        reason = calendar.default_reason if default > 1 else f"none is usual for {calendar.label} data"
    return calendar, InferredSetting(SettingKey.SEASON_LENGTH, str(calendar.season), reason)
