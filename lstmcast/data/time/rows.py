"""Times of the rows of a file, with their steps on the clock of a grid."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from lstmcast.data.time.inference import TimeDeltas, steps_of
from lstmcast.data.time.text.column import Times
from lstmcast.data.time.zones import from_wall, has_single_time_of_day, to_wall
from lstmcast.types import Bools, Ints


@dataclass(frozen=True)
class TimeRows:
    """Times of N rows and their location in the file.

    Attributes:
        times: the times.
        groups: [N] index of the series.
        lines: [N] physical line of each row.
        column: name of the time column.
        source: name of the file.
        observed: [N] true for rows with a value; None if all have one.
        is_format_pinned: whether the user set the time format.
    """

    times: Times
    groups: Ints
    lines: Ints
    column: str
    source: str
    observed: Bools | None = None
    is_format_pinned: bool = False

    @property
    def zone(self) -> str | None:
        """Zone of the wall times; None if times have no zone."""
        return self.times.timezone

    @cached_property
    def wall(self) -> Ints:
        """[N] wall times."""
        return to_wall(self.times.stamps, self.zone)

    @cached_property
    def on_days(self) -> bool:
        """True if all times have the same time of day on the wall clock."""
        return has_single_time_of_day(self.wall)

    @property
    def clock(self) -> Ints:
        """[N] wall times if they are days, else instants."""
        return self.wall if self.on_days else self.times.stamps

    @cached_property
    def steps(self) -> TimeDeltas:
        """Steps of `clock`."""
        return steps_of(self.clock, self.groups)

    def wall_steps(self, zone: str | None) -> TimeDeltas:
        """Steps of the wall times of a zone."""
        if zone is None or (self.on_days and zone == self.zone):
            return self.steps
        return steps_of(to_wall(self.times.stamps, zone), self.groups)

    def wall_times(self, zone: str | None) -> Ints:
        """Distinct wall times of rows with a value, ascending."""
        if self.observed is None:
            return self.wall_steps(zone).distinct
        return np.sort(pd.unique(to_wall(self.times.stamps[self.observed], zone)))

    def texts(self, steps_times: Ints) -> list[str]:
        """Format times of `steps` as in the file."""
        stamps = from_wall(steps_times, self.zone).early if self.on_days else steps_times
        return self.times.style.format(stamps, self.zone)

    def first_line(self, steps_time: int) -> int:
        """First line with a time of `steps`."""
        return int(self.lines[np.argmax(self.clock == steps_time)])
