"""A regular grid on one clock: how far apart steps are, where they lie, and what such a grid is called."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from lstmcast.data.timezones import DAY, SECOND
from lstmcast.types import Ints

MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
WEEK = 7 * DAY
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
WEEKDAYS = ("THU", "FRI", "SAT", "SUN", "MON", "TUE", "WED")  # 1970-01-01 was a Thursday
UNITS = (  # µs in a unit, as pandas writes it, in words, and as an adverb
    (DAY, "D", "days", "daily"), (HOUR, "h", "hours", "hourly"), (MINUTE, "min", "minutes", "every minute"),
    (SECOND, "s", "seconds", "every second"), (1_000, "ms", "milliseconds", "every millisecond"),
    (1, "us", "microseconds", "every microsecond"),
)  # fmt: skip

_MONDAY = np.datetime64("0001-01-01", "D")  # business days are counted from here
_HORIZONS = {("month", 12): 6, ("month", 3): 8, ("month", 1): 12, ("fixed", WEEK): 13, ("fixed", DAY): 14}
_MASE_SEASONS = {("fixed", HOUR): 24, ("month", 1): 12, ("month", 3): 4}
_MOST_STEPS = 288  # five-minute steps in a day: the longest horizon that is chosen for the user


@dataclass(frozen=True)
class TimeGrid:
    """Times at regular steps. A time is int64 microseconds since 1970-01-01 on the grid's clock.

    Attributes:
        kind: `counter` (rows are counted), `fixed` (a step is a fixed time), `month` or `business` (Monday to Friday).
        step: microseconds, months or business days in a step; for a counter, by how much it rises.
        phase: microseconds (`fixed`), months since 1970-01 (`month`) or the count at position 0; within one step.
        anchor: for months, the day that stands for one: first (`S`), last (`E`), or such a business day (`BS`, `BE`).
        shift: microseconds after the start of that day (`month`), or of each day (`business`).
    """

    kind: str
    step: int = 1
    phase: int = 0
    anchor: str = "S"
    shift: int = 0

    def positions(self, times: Ints) -> Ints:
        """[N] the step that each time [N] belongs to.

        A time between two steps belongs to the earlier; but weeks and what is named by its end (month end and the like)
        take in the days that lead up to it.
        """
        if self.kind == "counter":
            return (times - self.phase) // self.step
        if self.kind == "business":
            return np.asarray(np.busday_count(_MONDAY, _days(times - self.shift)), dtype=np.int64)
        if self.kind == "month":
            lead = 0 if self.anchor in {"S", "BS"} else self.step - 1
            return np.asarray((months_of(times) - self.phase + lead) // self.step, dtype=np.int64)
        lead = self.step - DAY if self.step % WEEK == 0 else 0
        return np.asarray((times - self.phase + lead) // self.step, dtype=np.int64)

    def times(self, positions: Ints) -> Ints:
        """[N] the times of steps [N]: the inverse of `positions`."""
        if self.kind == "business":
            days = np.asarray(np.busday_offset(_MONDAY, positions, roll="forward"), dtype="datetime64[D]")
            return np.asarray(days.astype(np.int64) * DAY + self.shift, dtype=np.int64)
        ticks = np.asarray(positions * self.step + self.phase, dtype=np.int64)
        return ticks if self.kind in {"fixed", "counter"} else self._month_times(ticks)

    def holds(self, times: Ints) -> npt.NDArray[np.bool_]:
        """[N] whether each time is on the grid."""
        return np.asarray(self.times(self.positions(times)) == times, dtype=np.bool_)

    @property
    def in_days(self) -> bool:
        """Whether steps are days or longer, and so follow the wall clock where it is turned."""
        return self.kind in {"month", "business"} or (self.kind == "fixed" and self.step % DAY == 0)

    @property
    def name(self) -> str:
        """A short name as pandas writes it: `MS`, `QE-DEC`, `W-FRI`, `B`, `30min`; `1` for a counter."""
        if self.kind in {"counter", "business"}:
            return "1" if self.kind == "counter" else "B"
        if self.kind == "month":
            return self._month_name()
        if self.step % WEEK == 0:
            return f"{_times(self.step // WEEK)}W-{WEEKDAYS[self.phase // DAY % 7]}"
        unit, short, _, _ = self._unit
        return f"{_times(self.step // unit)}{short}"

    @property
    def label(self) -> str:
        """The same in words, e.g. `every 30 minutes`."""
        if self.kind in {"counter", "business"}:
            return "row number" if self.kind == "counter" else "business days"
        if self.kind == "month":
            words = {1: "monthly", 3: "quarterly", 12: "yearly"}
            years = f"every {self.step // 12} years" if self.step % 12 == 0 else f"every {self.step} months"
            return words.get(self.step, years)
        if self.step % WEEK == 0:
            return "weekly" if self.step == WEEK else f"every {self.step // WEEK} weeks"
        unit, _, plural, adverb = self._unit
        return adverb if self.step == unit else f"every {self.step // unit} {plural}"

    @property
    def season(self) -> int:
        """Steps after which such data usually repeat (a day, a week, a year), where whole steps make one; else 1."""
        if self.kind in {"counter", "business"}:
            return 5 if self.kind == "business" else 1
        if self.kind == "month":
            return _fits(12, self.step)
        if self.step % WEEK == 0:
            return _fits(52 * WEEK, self.step)
        if self.step == DAY:
            return 7
        return _fits(DAY if self.step >= MINUTE else MINUTE, self.step)

    @property
    def mase_season(self) -> int:
        """Lag of the naive forecast in MASE: 24 hourly, 12 monthly, 4 quarterly, else 1."""
        return _MASE_SEASONS.get((self.kind, self.step), 1)

    @property
    def horizon(self) -> int:
        """Steps to forecast where the user does not say."""
        if self.kind == "fixed" and self.step < DAY:
            return min(self.season if self.season > 1 else 24, _MOST_STEPS)
        return _HORIZONS.get((self.kind, self.step), 10)

    @property
    def _unit(self) -> tuple[int, str, str, str]:
        """The largest unit of which the step is a multiple."""
        return next(unit for unit in UNITS if self.step % unit[0] == 0)

    def _month_name(self) -> str:
        count, letter, months = next(
            (self.step // months, letter, months)
            for months, letter in ((12, "Y"), (3, "Q"), (1, "M"))
            if self.step % months == 0
        )
        day = f"-{self.shift // DAY + 1}" if self.anchor == "S" and self.shift >= DAY else ""
        if letter == "M":
            return f"{_times(count)}{self.anchor_name('M')}{day}"
        last = self.phase % months + 12 - months  # of the months on which a step may fall, the last in a year
        return f"{_times(count)}{self.anchor_name(letter)}-{MONTHS[last]}{day}"

    def anchor_name(self, letter: str) -> str:
        """`MS`, `ME`, `BMS` or `BME` for the letter `M`, and so on."""
        return f"{self.anchor[:-1]}{letter}{self.anchor[-1]}"

    def _month_times(self, months: Ints) -> Ints:
        """[N] the time that stands for each month since 1970-01; a day that the month lacks becomes its last."""
        first, following = _first_days(months), _first_days(months + 1)
        if self.anchor == "E":
            days = following - 1
        elif self.anchor == "BE":
            days = _to_business_day(following - 1, "backward")
        elif self.anchor == "BS":
            days = _to_business_day(first, "forward")
        else:
            days = np.minimum(first + self.shift // DAY, following - 1)
        return np.asarray(days * DAY + self.shift % DAY, dtype=np.int64)


def _first_days(months: Ints) -> Ints:
    """[N] days since 1970-01-01 of the first day of months since 1970-01."""
    return months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)


def _to_business_day(days: Ints, roll: Literal["forward", "backward"]) -> Ints:
    """[N] the next or previous business day, where a day since 1970-01-01 is none."""
    return np.asarray(np.busday_offset(days.astype("datetime64[D]"), 0, roll=roll), dtype="datetime64[D]").astype(
        np.int64
    )


def months_of(times: Ints) -> Ints:
    """[N] months since 1970-01 of times [N]."""
    return _days(times).astype("datetime64[M]").astype(np.int64)


def _fits(span: int, step: int) -> int:
    """How many steps make the span; 1 where they do not."""
    return span // step if span % step == 0 else 1


def _times(count: int) -> str:
    return str(count) if count > 1 else ""


def _days(times: Ints) -> npt.NDArray[np.datetime64]:
    return (times // DAY).astype("datetime64[D]")
