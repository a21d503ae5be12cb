"""Inference of the frequency from time stamps, and pandas-style frequency names."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from lstmcast.data.frequency import HOUR, MINUTE, MONTHS, UNITS, WEEK, WEEKDAYS, TimeGrid
from lstmcast.data.timezones import DAY, SECOND, has_single_time_of_day
from lstmcast.errors import ConfigError
from lstmcast.types import Ints

_MIN_FRACTION = 0.25  # of the steps must be a single step of a grid finer than the commonest step


@dataclass(frozen=True)
class TimeDeltas:
    """The steps from each time to the next within its series.

    Attributes:
        distinct: [D] all different times, ascending.
        before: [P] the time before each step.
        after: [P] the time after it.
    """

    distinct: Ints
    before: Ints
    after: Ints

    @property
    def sizes(self) -> Ints:
        """[P] microseconds."""
        return self.after - self.before


def steps_of(times: Ints, groups: Ints) -> TimeDeltas:
    """The steps of N times, of which each belongs to a series (groups [N])."""
    ordered = bool(np.all((np.diff(groups) > 0) | ((np.diff(groups) == 0) & (np.diff(times) >= 0))))
    if not ordered:
        order = np.lexsort((times, groups))
        times, groups = times[order], groups[order]
    forward = (groups[1:] == groups[:-1]) & (times[1:] > times[:-1])
    return TimeDeltas(np.sort(pd.unique(times)), times[:-1][forward], times[1:][forward])


def find_grid(steps: TimeDeltas) -> TimeGrid | None:
    """The coarsest grid that holds every time; None where there is none.

    Months and business days come first, so that months of 28 to 31 days are one step, and weekends are none.
    """
    for unit in _units(steps):
        counts = unit.positions(steps.after) - unit.positions(steps.before)
        for count in _counts(counts):
            grid = _multiple(unit, count, int(steps.distinct[0]))
            usable = unit.kind != "business" or (count == 1 and bool(((counts == 1) & (steps.sizes > DAY)).any()))
            if usable and grid.holds(steps.distinct).all():
                return grid
    return None


def nearest_grid(steps: TimeDeltas) -> TimeGrid:
    """The grid that holds the most times, for saying which ones it does not hold."""
    units = [TimeGrid("fixed")]
    if common_steps(steps)[0][0] >= 28 * DAY:
        into = _commonest(steps.distinct - month_starts(steps.distinct))
        units += [TimeGrid("month", shift=into), TimeGrid("month", anchor="E", shift=int(steps.distinct[0]) % DAY)]
    grids = [_commonly(unit, steps) for unit in units]
    return max(grids, key=lambda grid: int(np.count_nonzero(grid.holds(steps.distinct))))


def _commonly(unit: TimeGrid, steps: TimeDeltas) -> TimeGrid:
    """The grid of the commonest step in a unit, where most of its times lie."""
    step = _commonest(np.maximum(unit.positions(steps.after) - unit.positions(steps.before), 1))
    return replace(unit, step=step, phase=_commonest(unit.positions(steps.distinct) % step))


def _commonest(numbers: Ints) -> int:
    """The number that occurs most often."""
    distinct, counts = np.unique(numbers, return_counts=True)
    return int(distinct[np.argmax(counts)])


def common_steps(steps: TimeDeltas) -> list[tuple[int, int]]:
    """The two commonest steps in microseconds, each with its count."""
    sizes, counts = np.unique(steps.sizes, return_counts=True)
    order = np.argsort(-counts, kind="stable")[:2]
    return [(int(sizes[i]), int(counts[i])) for i in order]


def span_text(micros: int) -> str:
    """A span in words: `90 minutes`, `1 day`."""
    unit, _, plural, _ = next(unit for unit in UNITS if micros % unit[0] == 0)
    count = micros // unit
    return f"{count} {plural if count != 1 else plural[:-1]}"


def _units(steps: TimeDeltas) -> Iterator[TimeGrid]:
    """The single steps to try, coarsest first: months by the day that stands for them, business days, microseconds."""
    distinct = steps.distinct
    time = int(distinct[0]) % DAY
    if has_single_time_of_day(distinct):
        latest = int((distinct - month_starts(distinct)).max())
        months = (
            TimeGrid("month", anchor="E", shift=time),
            TimeGrid("month", shift=latest),
            TimeGrid("month", anchor="BE", shift=time),
            TimeGrid("month", anchor="BS", shift=time),
        )
        yield from (grid for grid in (*months, TimeGrid("business", shift=time)) if grid.holds(distinct).all())
    yield TimeGrid("fixed")


def _counts(counts: Ints) -> list[int]:
    """The step sizes [P] worth trying: the commonest, and what divides them all if it is itself seen often enough."""
    sizes, often = np.unique(counts, return_counts=True)
    divisor = int(np.gcd.reduce(sizes))
    common = int(sizes[np.argmax(often)])
    return [common, divisor] if divisor == sizes[0] and often[0] >= _MIN_FRACTION * len(counts) else [common]


def _multiple(unit: TimeGrid, count: int, first: int) -> TimeGrid:
    """The grid of `count` steps of a unit that holds the time `first`."""
    if unit.kind == "business":
        return unit
    position = int(unit.positions(np.array([first]))[0])
    return replace(unit, step=count, phase=position % count)


def month_starts(times: Ints) -> Ints:
    """[N] the start of the month of each time."""
    return np.asarray(times.astype("datetime64[us]").astype("datetime64[M]").astype("datetime64[us]").astype(np.int64))


_FIXED = {"d": DAY, "h": HOUR, "min": MINUTE, "t": MINUTE, "s": SECOND, "ms": 1_000, "us": 1}
_MONTHS = {"M": 1, "Q": 3, "Y": 12}
_WORDS = {
    "yearly": "Y", "annual": "Y", "quarterly": "Q", "monthly": "M", "weekly": "W", "daily": "D", "business days": "B",
    "hourly": "h", "every minute": "min", "every second": "s",
}  # fmt: skip
_EXAMPLES = ("h", "D", "B", "W", "W-FRI", "MS", "ME", "QS", "QE-DEC", "YS", "YE-JUN", "30min", "s", *list(_WORDS)[:7])
_MONTH_NAME = re.compile(r"(\d{0,4})(B?)([MQYA])([SE]?)(?:-([A-Z]{3}))?")
_WEEK_NAME = re.compile(r"(\d{0,4})W(?:-([A-Z]{3}))?", re.IGNORECASE)
_FIXED_NAME = re.compile(r"(\d{0,9})([dDhHtTsS]|min|ms|us)")


def parse_frequency(text: str, steps: TimeDeltas) -> TimeGrid:
    """The grid that the user named, as pandas names it (`MS`, `W-FRI`, `30min`) or in a word (`monthly`).

    What the name leaves open (the day of a week or month, the minute of an hour) is taken from the data where they
    have that frequency; else it is the start of the unit, and Sunday for the end of a week.

    Args:
        text: the name.
        steps: the times of the data.

    Raises:
        ConfigError: the name is unknown.
    """
    found = find_grid(steps) if len(steps.before) else None
    if found is not None and found.name == text:
        return found
    stem, named = _named(_WORDS.get(text.strip().lower(), text.strip()), int(steps.distinct[0]), text)
    if found is None or (found.kind, found.step) != (named.kind, named.step):
        return named
    return found if found.name.startswith(stem) else named


def _named(name: str, first: int, text: str) -> tuple[str, TimeGrid]:
    """What a grid's name must begin with to be meant, and the grid that is meant where the data have no such grid."""
    if name.upper() == "B":
        return "B", TimeGrid("business")
    if (match := _FIXED_NAME.fullmatch(name)) and not _zero(match[1]):
        step = int(match[1] or 1) * _FIXED[match[2].lower()]
        grid = TimeGrid("fixed", step, first // DAY * DAY % step if step % DAY == 0 else 0)
        return grid.name.partition("-")[0], grid
    if (match := _WEEK_NAME.fullmatch(name)) and not _zero(match[1]) and (match[2] or "SUN").upper() in WEEKDAYS:
        day = WEEKDAYS.index((match[2] or "SUN").upper())
        step = int(match[1] or 1) * WEEK
        upcoming = first // DAY + (day - first // DAY) % 7
        grid = TimeGrid("fixed", step, upcoming * DAY % step)
        return grid.name if match[2] else grid.name.partition("-")[0], grid
    if (match := _MONTH_NAME.fullmatch(name)) and not _zero(match[1]):
        return _named_months(match, text)
    raise _unknown(text)


def _named_months(match: re.Match[str], text: str) -> tuple[str, TimeGrid]:
    """The same for months, quarters and years."""
    count, business, letter, end, month = (part and part.upper() for part in match.groups())
    letter = "Y" if letter == "A" else letter
    anchor = f"{business}{end or 'S'}"
    if month is not None and (letter == "M" or month not in MONTHS):
        raise _unknown(text)
    default = "DEC" if end == "E" else "JAN"
    step = int(count or 1) * _MONTHS[letter]
    grid = TimeGrid("month", step, MONTHS.index(month or default) % step, anchor)
    return grid.name if month else f"{count}{business}{letter}{end}", grid


def _zero(count: str) -> bool:
    return count != "" and int(count) == 0


def _unknown(text: str) -> ConfigError:
    close = difflib.get_close_matches(text, _EXAMPLES, n=1)
    guess = f"did you mean '{close[0]}'? " if close else ""
    return ConfigError(f"data.frequency: no such frequency (got '{text}'); {guess}known are {', '.join(_EXAMPLES)}")
