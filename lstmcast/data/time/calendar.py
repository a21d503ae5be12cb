"""Calendar of the series: time grid, season, time zone and time format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from lstmcast.data.schema import InferredSetting, SettingKey
from lstmcast.data.time.column import Times
from lstmcast.data.time.formats import COUNT, TimeFormat
from lstmcast.data.time.frequency import TimeGrid
from lstmcast.data.time.inference import (
    TimeDeltas,
    common_steps,
    find_grid,
    nearest_grid,
    parse_frequency,
    span_text,
    steps_of,
)
from lstmcast.data.time.zones import from_wall, has_single_time_of_day, to_wall
from lstmcast.errors import ConfigError, DataError
from lstmcast.text import MAX_SHOWN, truncate_items
from lstmcast.types import Ints

_MIN_TIMES = 3  # distinct times needed to infer a frequency


@dataclass(frozen=True)
class Calendar:
    """Regular times of the series; positions are consecutive integers.

    Attributes:
        grid: step size and phase.
        season: season length in steps; 1 for none.
        pinned: whether the user set a season other than the default.
        timezone: zone of the wall times; None if times have no zone.
        style: time format of the file; None for a counter.
    """

    grid: TimeGrid
    season: int = 1
    pinned: bool = False
    timezone: str | None = None
    style: TimeFormat | None = None

    @property
    def kind(self) -> str:
        """`counter`, `fixed`, `month` or `business`."""
        return self.grid.kind

    @property
    def step(self) -> int:
        """Microseconds, months or business days in a step."""
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
    def mase_season(self) -> int:
        """Season of MASE: a pinned season, else 24 hourly, 12 monthly, 4 quarterly, or 1."""
        return self.season if self.pinned else self.grid.mase_season

    @property
    def default_horizon(self) -> int:
        """Default horizon of the frequency, such as a year, two weeks or a day."""
        return self.season if self.kind == "counter" and self.season > 1 else self.grid.horizon

    def positions(self, stamps: Ints) -> Ints:
        """Positions [N] of times [N], microseconds since 1970-01-01 (UTC if the calendar has a zone)."""
        return self.grid.positions(to_wall(stamps, self.timezone) if self.grid.in_days else stamps)

    def stamps(self, positions: Ints) -> Ints:
        """Times [N] of positions [N], the inverse of `positions`."""
        times = self.grid.times(positions)
        return from_wall(times, self.timezone).early if self.grid.in_days else times

    def text(self, positions: Ints) -> list[str]:
        """Times of positions in the format of the file; the numbers of a counter."""
        if self.style is None:
            return [str(position) for position in positions.tolist()]
        distinct, inverse = np.unique(positions, return_inverse=True)
        texts = self.style.format(self.stamps(distinct), self.timezone)
        return [texts[i] for i in inverse.tolist()]

    def wall(self, positions: Ints) -> npt.NDArray[Any]:
        """Wall times of positions as datetime64[us], for axes; the numbers of a counter."""
        if self.kind == "counter":
            return self.stamps(positions)
        return to_wall(self.stamps(positions), self.timezone).astype("datetime64[us]")

    def to_dict(self) -> dict[str, object]:
        """JSON values."""
        return {**asdict(self), "name": self.name}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Calendar:
        """The inverse of `to_dict`."""
        style = values["style"]
        return cls(
            grid=TimeGrid(**values["grid"]),
            season=values["season"],
            pinned=values["pinned"],
            timezone=values["timezone"],
            style=None if style is None else TimeFormat.from_dict(style),
        )


def counter_calendar(season: int | None = None) -> tuple[Calendar, tuple[InferredSetting, ...]]:
    """Calendar of a file without a time column, where rows are counted 1, 2, 3 …; `season` may be pinned."""
    frequency = InferredSetting(SettingKey.FREQUENCY, "1", "there is no time column: rows are counted")
    return Calendar(TimeGrid("counter"), season=season or 1, pinned=season is not None), (frequency,)


SPLIT_YEAR_STEP = 13  # months between split years such as 2001-02, 2002-03 when read as months
SPLIT_YEAR_PATTERNS = ("%Y-%m", "%Y/%m")


def infer_calendar(
    times: Times,
    groups: Ints,
    lines: Ints,
    *,
    column: str,
    source: str,
    frequency: str | None = None,
    season: int | None = None,
) -> tuple[Calendar, tuple[InferredSetting, ...]]:
    """Infer the regular grid of all rows.

    Args:
        times: the times of N rows.
        groups: [N] index of the series.
        lines: [N] physical line of each row, for messages.
        frequency: a pinned frequency; rows between its steps are aggregated.
        season: a pinned season.

    Raises:
        DataError: fewer than three times, irregular times, or a frequency that is finer than the data.
        ConfigError: an unknown frequency, a frequency of counted steps, or a season below 1.
    """
    if season is not None and season < 1:
        raise ConfigError(f"data.season_length: must be at least 1 (got {season})")
    if times.style.pattern == COUNT:
        return _counted(times, frequency, season)
    wall = to_wall(times.stamps, times.timezone)
    on_days = has_single_time_of_day(wall)
    steps = steps_of(wall if on_days else times.stamps, groups)
    zone = times.timezone
    if frequency is None:
        grid = _found(steps, times, lines, column, source)
        if (grid.kind, grid.step) == ("month", SPLIT_YEAR_STEP) and times.style.pattern in SPLIT_YEAR_PATTERNS:
            first, second = times.style.format(times.stamps[:2])
            raise DataError(
                f"{source}:{lines[0]}: column '{column}': {first}, {second} and so on are 13 months apart; if they are "
                f"split years, write the first year only ({first[:4]}), else set the frequency: "
                'data.frequency: "13MS"'
            )
        zone = "UTC" if zone and grid.in_days and not on_days else zone  # e.g. daily at 00:00 UTC, in another zone
        counts = grid.positions(steps.after) - grid.positions(steps.before)
        reason = f"{np.count_nonzero(counts == 1)} of {len(counts)} steps are {grid.label}"
    else:
        grid, reason = _pinned(frequency, steps, steps_of(wall, groups)), "data.frequency"
    calendar = Calendar(grid, timezone=zone, style=times.style)
    inferred = InferredSetting(SettingKey.FREQUENCY, grid.name, reason)
    longest = _longest(calendar.positions(times.stamps), groups)
    return _with_season(calendar, season, longest, inferred)


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


def _found(steps: TimeDeltas, times: Times, lines: Ints, column: str, source: str) -> TimeGrid:
    """Grid of the data; raises DataError if there is none."""
    if len(steps.distinct) < _MIN_TIMES:
        raise DataError(
            f"{source}: column '{column}': a frequency requires at least {_MIN_TIMES} different times "
            f"(got {len(steps.distinct)}); add rows or set data.frequency"
        )
    if not len(steps.before):
        steps = steps_of(steps.distinct, np.zeros_like(steps.distinct))
    grid = find_grid(steps)
    if grid is None:
        raise DataError(_irregular(steps, times, lines, column, source))
    return grid


def _irregular(steps: TimeDeltas, times: Times, lines: Ints, column: str, source: str) -> str:
    """Message about irregular times: the two most common steps, and the first lines off the grid."""
    common = [f"{span_text(size)} ({count} of {len(steps.before)})" for size, count in common_steps(steps)]
    calendar = Calendar(nearest_grid(steps), timezone=times.timezone)
    stamps = times.stamps
    off_grid = np.flatnonzero(calendar.stamps(calendar.positions(stamps)) != stamps)
    texts = times.style.format(stamps[off_grid[:MAX_SHOWN]], times.timezone)
    shown = truncate_items(
        (f"line {lines[i]} '{text}'" for i, text in zip(off_grid, texts, strict=False)), len(off_grid)
    )
    zone = ", or data.timezone if the days are those of a zone" if times.timezone == "UTC" else ""
    return (
        f"{source}:{lines[off_grid[0]]}: column '{column}': the times are irregular: the most common steps are "
        f"{' and '.join(common)}; off the regular grid: {shown}; set data.frequency to resample{zone}"
    )


def _pinned(frequency: str, steps: TimeDeltas, wall_steps: TimeDeltas) -> TimeGrid:
    """Grid of a pinned frequency; raises DataError if it is finer than the data."""
    grid = parse_frequency(frequency, wall_steps)
    if not grid.in_days:
        grid, wall_steps = parse_frequency(frequency, steps), steps
    counts = grid.positions(wall_steps.after) - grid.positions(wall_steps.before)
    if len(counts) and counts.min() > 1:
        raise DataError(
            f"data.frequency: {frequency} is finer than the data, whose smallest step is {counts.min()} of it; "
            "set a coarser one, or leave it out"
        )
    return grid


def _longest(positions: Ints, groups: Ints) -> int:
    """Steps of the longest series."""
    by_series = pd.Series(positions).groupby(groups)
    return int((by_series.max() - by_series.min()).max()) + 1


def _with_season(
    calendar: Calendar, season: int | None, longest: int, frequency: InferredSetting
) -> tuple[Calendar, tuple[InferredSetting, ...]]:
    """Set the season: the pinned one, else the default if two seasons are known, else none."""
    default = calendar.grid.season
    if season is not None:
        calendar, reason = replace(calendar, season=season, pinned=season != default), "data.season_length"
    elif default > 1 and longest < 2 * default:
        reason = f"the longest series has {longest} steps, fewer than two seasons of {default}"
    else:
        calendar = replace(calendar, season=default)
        default_reason = f"usual for data that are {calendar.label}"
        reason = default_reason if default > 1 else f"none is usual for {calendar.label} data"
    return calendar, (frequency, InferredSetting(SettingKey.SEASON_LENGTH, str(calendar.season), reason))
