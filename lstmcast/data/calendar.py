"""The calendar of the series: a regular grid, the season, the zone, and how the file writes a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from lstmcast.data.frequency import TimeGrid
from lstmcast.data.frequency_inference import (
    TimeDeltas,
    common_steps,
    find_grid,
    nearest_grid,
    parse_frequency,
    span_text,
    steps_of,
)
from lstmcast.data.schema import InferredSetting, SettingKey
from lstmcast.data.time_column import Times
from lstmcast.data.time_format import COUNT, TimeFormat
from lstmcast.data.timezones import from_wall, has_single_time_of_day, to_wall
from lstmcast.errors import ConfigError, DataError
from lstmcast.text import MAX_SHOWN, truncate_items
from lstmcast.types import Ints

_FEWEST = 3  # different times, to find a frequency


@dataclass(frozen=True)
class Calendar:
    """The regular times on which series live: positions are ordinals, consecutive steps differ by one.

    Attributes:
        grid: how far apart steps are, and where they lie.
        season: steps after which a pattern repeats; 1 for none.
        pinned: the user chose another season than the usual one.
        timezone: the zone whose wall clock the times show; None where times carry no zone.
        style: how the file writes a time; None for a counter.
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
        """A short name as pandas writes it: `MS`, `QE-DEC`, `W-FRI`, `B`, `30min`; `1` for a counter."""
        return self.grid.name

    @property
    def label(self) -> str:
        """The same in words, e.g. `every 30 minutes`."""
        return self.grid.label

    @property
    def mase_season(self) -> int:
        """Lag of the naive forecast in MASE: the user's season, else 24 hourly, 12 monthly, 4 quarterly, or 1."""
        return self.season if self.pinned else self.grid.mase_season

    @property
    def default_horizon(self) -> int:
        """Steps to forecast where the user does not say: a year, a fortnight, a day, as the frequency suggests."""
        return self.season if self.kind == "counter" and self.season > 1 else self.grid.horizon

    def positions(self, stamps: Ints) -> Ints:
        """The step that each time belongs to.

        Args:
            stamps: [N] microseconds since 1970-01-01 (UTC where the calendar has a zone).

        Returns:
            [N] ordinals.
        """
        return self.grid.positions(to_wall(stamps, self.timezone) if self.grid.in_days else stamps)

    def stamps(self, positions: Ints) -> Ints:
        """The times of steps: the inverse of `positions`.

        Args:
            positions: [N] ordinals.

        Returns:
            [N] microseconds since 1970-01-01 (UTC where the calendar has a zone).
        """
        times = self.grid.times(positions)
        return from_wall(times, self.timezone).early if self.grid.in_days else times

    def text(self, positions: Ints) -> list[str]:
        """The times of steps as the file writes them; the numbers themselves for a counter."""
        if self.style is None:
            return [str(position) for position in positions.tolist()]
        distinct, inverse = np.unique(positions, return_inverse=True)
        texts = self.style.format(self.stamps(distinct), self.timezone)
        return [texts[i] for i in inverse.tolist()]

    def wall(self, positions: Ints) -> npt.NDArray[Any]:
        """The times of steps as datetime64[us] on the wall clock, for axes; the numbers themselves for a counter."""
        if self.kind == "counter":
            return self.stamps(positions)
        return to_wall(self.stamps(positions), self.timezone).astype("datetime64[us]")

    def to_dict(self) -> dict[str, object]:
        """Plain values that JSON can carry."""
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
    """The calendar of a file without a time column: rows are counted 1, 2, 3 ….

    Args:
        season: steps after which a pattern repeats, where the user says so.

    Returns:
        The calendar, and why it is so.
    """
    found = InferredSetting(SettingKey.FREQUENCY, "1", "there is no time column: rows are counted")
    return Calendar(TimeGrid("counter"), season=season or 1, pinned=season is not None), (found,)


THIRTEEN_MONTHS = 13  # months, as which years such as 2001-02, 2002-03 would be read
YEARS_LIKE_MONTHS = ("%Y-%m", "%Y/%m")


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
    """Find the regular grid on which all rows of all series lie.

    Args:
        times: the times of N rows.
        groups: [N] which series each row belongs to.
        lines: [N] the physical line of each row, for messages.
        column: the time column, for messages.
        source: the file's name, for messages.
        frequency: the frequency that the user named; rows between its steps are then taken into them.
        season: the season that the user named.

    Returns:
        The calendar, and what was inferred, with the reason.

    Raises:
        DataError: fewer than three times, irregular times, or a frequency that is finer than the data.
        ConfigError: an unknown frequency, one for times that are only counted, or a season below 1.
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
        if (grid.kind, grid.step) == ("month", THIRTEEN_MONTHS) and times.style.pattern in YEARS_LIKE_MONTHS:
            first, second = times.style.format(times.stamps[:2])
            raise DataError(
                f"{source}:{lines[0]}: column '{column}': {first}, {second} and so on are 13 months apart; if each "
                f"runs from one year into the next, write its first year alone ({first[:4]}), else name the frequency: "
                'data.frequency: "13MS"'
            )
        zone = "UTC" if zone and grid.in_days and not on_days else zone  # e.g. daily at 00:00 UTC, in another zone
        counts = grid.positions(steps.after) - grid.positions(steps.before)
        why = f"{np.count_nonzero(counts == 1)} of {len(counts)} steps are {grid.label}"
    else:
        grid, why = _pinned(frequency, steps, steps_of(wall, groups)), "data.frequency"
    calendar = Calendar(grid, timezone=zone, style=times.style)
    found = InferredSetting(SettingKey.FREQUENCY, grid.name, why)
    longest = _longest(calendar.positions(times.stamps), groups)
    return _with_season(calendar, season, longest, found)


def _counted(times: Times, frequency: str | None, season: int | None) -> tuple[Calendar, tuple[InferredSetting, ...]]:
    """The calendar of a column of whole numbers that count steps."""
    if frequency not in (None, "1"):
        raise ConfigError("data.frequency needs times, but the time column counts steps; leave it out")
    distinct = np.unique(times.stamps)
    step = int(np.gcd.reduce(np.diff(distinct))) or 1
    grid = TimeGrid("counter", step, int(distinct[0]) % step)
    calendar = Calendar(grid, season=season or 1, pinned=season is not None, style=times.style)
    return calendar, (
        InferredSetting(
            SettingKey.FREQUENCY, "1", "the time column counts steps" + (f" by {step}" if step > 1 else "")
        ),
    )


def _found(steps: TimeDeltas, times: Times, lines: Ints, column: str, source: str) -> TimeGrid:
    """The grid of the data, or the error that says why there is none."""
    if len(steps.distinct) < _FEWEST:
        raise DataError(
            f"{source}: column '{column}': a frequency can be found in at least {_FEWEST} different times "
            f"(got {len(steps.distinct)}); add rows or name it with data.frequency"
        )
    if not len(steps.before):
        steps = steps_of(steps.distinct, np.zeros_like(steps.distinct))
    grid = find_grid(steps)
    if grid is None:
        raise DataError(_irregular(steps, times, lines, column, source))
    return grid


def _irregular(steps: TimeDeltas, times: Times, lines: Ints, column: str, source: str) -> str:
    """The message for times that lie on no grid: the two commonest steps, and the first lines off the grid."""
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
        f"{source}:{lines[off_grid[0]]}: column '{column}': the times are irregular: the commonest steps are "
        f"{' and '.join(common)}; off the regular grid: {shown}; set data.frequency to resample{zone}"
    )


def _pinned(frequency: str, steps: TimeDeltas, wall_steps: TimeDeltas) -> TimeGrid:
    """The grid that the user named, unless it is finer than the data."""
    grid = parse_frequency(frequency, wall_steps)
    if not grid.in_days:
        grid, wall_steps = parse_frequency(frequency, steps), steps
    counts = grid.positions(wall_steps.after) - grid.positions(wall_steps.before)
    if len(counts) and counts.min() > 1:
        raise DataError(
            f"data.frequency: {frequency} is finer than the data: their smallest step is {counts.min()} of it; "
            "name a coarser one, or leave it out"
        )
    return grid


def _longest(positions: Ints, groups: Ints) -> int:
    """Steps from the first to the last of the longest series."""
    by_series = pd.Series(positions).groupby(groups)
    return int((by_series.max() - by_series.min()).max()) + 1


def _with_season(
    calendar: Calendar, season: int | None, longest: int, found: InferredSetting
) -> tuple[Calendar, tuple[InferredSetting, ...]]:
    """The calendar with its season: the user's, else the usual one if the data show it twice, else none."""
    if season is not None:
        other = season != calendar.grid.season
        return replace(calendar, season=season, pinned=other), (
            found,
            InferredSetting(SettingKey.SEASON_LENGTH, str(season), "data.season_length"),
        )
    default_season = calendar.grid.season
    if default_season > 1 and longest < 2 * default_season:
        reason = f"the longest series has {longest} steps, fewer than two seasons of {default_season}"
        return calendar, (found, InferredSetting(SettingKey.SEASON_LENGTH, "1", reason))
    reason = (
        f"usual for data that are {calendar.label}"
        if default_season > 1
        else f"none is usual for {calendar.label} data"
    )
    return replace(calendar, season=default_season), (
        found,
        InferredSetting(SettingKey.SEASON_LENGTH, str(default_season), reason),
    )
