"""Regular time grid: step, phase and names."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from lstmcast.data.time.mask import Mask
from lstmcast.data.time.week_years import WeekYears
from lstmcast.data.time.zones import DAY, SECOND
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

WORKWEEK = Mask(7, ((0, 2), (4, 7)))  # Monday to Friday
_HORIZONS = {("month", 12): 6, ("month", 3): 8, ("month", 1): 12, ("fixed", WEEK): 13, ("fixed", DAY): 14}
_MASE_SEASONS = {("fixed", HOUR): 24, ("month", 1): 12, ("month", 3): 4}
_YEAR = 365.25 / 7  # weeks
_MAX_DEFAULT_HORIZON = 288  # five-minute steps in a day


@dataclass(frozen=True)
class TimeGrid:
    """Regular steps of times, int64 microseconds since 1970-01-01 on the grid's clock.

    Attributes:
        kind: `counter` (rows are counted), `fixed` (constant duration), `month` or `weeks` (periods of whole weeks).
        step: microseconds or months in a step, or the increment of a counter.
        phase: microseconds (`fixed`), months since 1970-01 (`month`) or the count at tick 0, modulo the step.
        anchor: day of the month: first (`S`), last (`E`), or first or last business day (`BS`, `BE`).
        shift: microseconds after the start of that day (`month`, `weeks`).
        mask: open slots of a day, week or year, by ticks since 1970; None if all steps are open.
        years: periods of a year (`weeks`).
        on_clock: true if steps shorter than a day follow the wall clock, which repeats and skips hours.
    """

    kind: str
    step: int = 1
    phase: int = 0
    anchor: str = "S"
    shift: int = 0
    mask: Mask | None = None
    years: WeekYears | None = None
    on_clock: bool = False

    def positions(self, times: Ints) -> Ints:
        """Positions [N] of times [N].

        A time between two steps belongs to the earlier one; for weeks and periods named by their end, to the later one.
        """
        ticks = self.ticks(times)
        return ticks if self.mask is None else self.mask.fold(ticks)

    def ticks(self, times: Ints) -> Ints:
        """Steps [N] since 1970 of times [N], closed ones included."""
        if self.kind == "month":
            lead = 0 if self.anchor in {"S", "BS"} else self.step - 1
            return np.asarray((months_of(times) - self.phase + lead) // self.step, dtype=np.int64)
        if self.years is not None:
            return self.years.positions((times - self.shift) // DAY)
        lead = self.step - DAY if self.kind == "fixed" and self.step % WEEK == 0 else 0
        return np.asarray((times - self.phase + lead) // self.step, dtype=np.int64)

    def times(self, positions: Ints) -> Ints:
        """Times [N] of positions [N], the inverse of `positions`."""
        ticks = positions if self.mask is None else self.mask.unfold(positions)
        if self.years is not None:
            return self.years.days(ticks) * DAY + self.shift
        scaled = np.asarray(ticks * self.step + self.phase, dtype=np.int64)
        return self._month_times(scaled) if self.kind == "month" else scaled

    def holds(self, times: Ints) -> npt.NDArray[np.bool_]:
        """[N] true for times on the grid."""
        return np.asarray(self.times(self.positions(times)) == times, dtype=np.bool_)

    @property
    def in_days(self) -> bool:
        """True if steps are days or longer."""
        return self.kind in {"month", "weeks"} or (self.kind == "fixed" and self.step % DAY == 0)

    @property
    def on_wall(self) -> bool:
        """True if steps follow the wall clock: days, hours of opening, and hours in a zone with clock changes."""
        return self.in_days or self.mask is not None or self.on_clock

    @property
    def is_business(self) -> bool:
        """True for the days from Monday to Friday."""
        return self.kind == "fixed" and self.step == DAY and self.mask == WORKWEEK

    @property
    def name(self) -> str:
        """Frequency in pandas notation: `MS`, `QE-DEC`, `W-FRI`, `B`, `30min`; `1` for a counter."""
        if self.kind == "counter" or self.is_business:
            return "1" if self.kind == "counter" else "B"
        if self.years is not None:
            return self.years.name
        if self.kind == "month":
            return self._month_name()
        if self.step % WEEK == 0:
            return f"{_times(self.step // WEEK)}W-{WEEKDAYS[self.phase // DAY % 7]}"
        unit, short, _, _ = self._unit
        return f"{_times(self.step // unit)}{short}"

    @property
    def label(self) -> str:
        """Frequency in words, such as `every 30 minutes`, or `daily when open` with a mask."""
        if self.kind == "counter" or self.is_business:
            return "row number" if self.kind == "counter" else "business days"
        if self.years is not None:
            return f"periods of {self.years.name} weeks"
        if self.mask is not None:
            return f"{replace(self, mask=None).label} when open"
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
        """Default season length in open steps (a day, week or year); 1 if it is no multiple of the step."""
        if self.kind == "counter":
            return 1
        if self.years is not None:
            return self.years.size
        if self.kind == "month":
            return _fits(12, self.step) if self.mask is None else self.mask.size
        if self.step % WEEK == 0:
            return _fits(52 * WEEK, self.step) if self.mask is None else round(self.mask.size * _YEAR / self.mask.cycle)
        if self.step == DAY:
            return self.week_steps
        if self.mask is None:
            return _fits(DAY if self.step >= MINUTE else MINUTE, self.step)
        return self.day_steps or self.week_steps

    @property
    def day_steps(self) -> int:
        """Open steps of a day with several; 0 if open days differ."""
        if self.kind != "fixed" or self.step >= DAY or DAY % self.step:
            return 0
        if self.mask is None:
            return DAY // self.step
        by_day = self.mask.is_open.reshape(-1, DAY // self.step).sum(axis=1)
        numbers = np.unique(by_day[by_day > 0])
        return int(numbers[0]) if len(numbers) == 1 else 0

    @property
    def week_steps(self) -> int:
        """Open steps of a week; 0 if it is no multiple of the step."""
        if self.kind != "fixed" or WEEK % self.step:
            return 0
        if self.mask is None:
            return WEEK // self.step
        per_week = WEEK // self.step
        if self.mask.cycle > per_week:  # of years, in which whole weeks may be closed
            return int(self.mask.is_open.reshape(-1, per_week).sum(axis=1).max())
        return self.mask.size * per_week // self.mask.cycle

    @property
    def mase_season(self) -> int:
        """Season of MASE: 24 hourly, 12 monthly, 4 quarterly, else 1; the open ones of a day or year."""
        if self.years is not None:
            return self.season
        unmasked = _MASE_SEASONS.get((self.kind, self.step), 1)
        return unmasked if self.mask is None or unmasked == 1 else self.season

    @property
    def horizon(self) -> int:
        """Default horizon in steps."""
        if self.kind == "fixed" and self.step < DAY:
            return min(self.season if self.season > 1 else 24, _MAX_DEFAULT_HORIZON)
        if self.years is not None:
            return self.season
        if self.mask is not None and self.step != WEEK:
            return self.season if self.kind == "month" else 2 * self.season
        return _HORIZONS.get((self.kind, self.step), 10)

    @property
    def _unit(self) -> tuple[int, str, str, str]:
        """Largest unit that divides the step."""
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
        last = self.phase % months + 12 - months  # the last month of a step in a year
        return f"{_times(count)}{self.anchor_name(letter)}-{MONTHS[last]}{day}"

    def anchor_name(self, letter: str) -> str:
        """Anchored unit: `MS`, `ME`, `BMS` or `BME` for the letter `M`."""
        return f"{self.anchor[:-1]}{letter}{self.anchor[-1]}"

    def _month_times(self, months: Ints) -> Ints:
        """[N] anchor time of each month since 1970-01; days beyond the end of a month become its last day."""
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
    """[N] first days, since 1970-01-01, of months since 1970-01."""
    return months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)


def _to_business_day(days: Ints, roll: Literal["forward", "backward"]) -> Ints:
    """[N] next or previous business day of days since 1970-01-01."""
    business = np.busday_offset(days.astype("datetime64[D]"), 0, roll=roll)
    return np.asarray(business, dtype="datetime64[D]").astype(np.int64)


def months_of(times: Ints) -> Ints:
    """[N] months since 1970-01 of times [N]."""
    return _days(times).astype("datetime64[M]").astype(np.int64)


def _fits(span: int, step: int) -> int:
    """Number of steps in the span; 1 if it is no multiple of the step."""
    return span // step if span % step == 0 else 1


def _times(count: int) -> str:
    return str(count) if count > 1 else ""


def _days(times: Ints) -> npt.NDArray[np.datetime64]:
    return (times // DAY).astype("datetime64[D]")
