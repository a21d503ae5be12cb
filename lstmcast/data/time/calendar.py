"""Calendar of the series: time grid, season, time zone and time format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from lstmcast.data.time.closed import closed_text
from lstmcast.data.time.frequency import HOUR, TimeGrid
from lstmcast.data.time.mask import Mask
from lstmcast.data.time.text.formats import TimeFormat
from lstmcast.data.time.text.patterns import split_columns
from lstmcast.data.time.week_years import WeekYears
from lstmcast.data.time.zones import changes_clock, from_wall, to_wall
from lstmcast.types import Bools, Ints


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

    def ticks(self, positions: Ints) -> Ints:
        """Steps [N] since 1970 of positions [N], closed ones counted."""
        return positions if self.grid.mask is None else self.grid.mask.unfold(positions)

    def ends(self, positions: Ints) -> Ints:
        """Times [N] at which steps [N] end: the next step begins there, if it is open."""
        ticks = self.ticks(positions)
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
