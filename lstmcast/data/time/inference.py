"""Inference of the frequency from time stamps, and pandas-style frequency names."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from lstmcast.data.time.closed import infer_mask, is_sparse
from lstmcast.data.time.frequency import HOUR, MINUTE, MONTHS, UNITS, WEEK, WEEKDAYS, WORKWEEK, TimeGrid
from lstmcast.data.time.week_years import find_week_years
from lstmcast.data.time.zones import DAY, SECOND, has_single_time_of_day
from lstmcast.errors import ConfigError
from lstmcast.types import Ints

_MIN_SINGLE_STEPS = 0.25  # fraction of single steps needed for a grid finer than the most common step


@dataclass(frozen=True)
class TimeDeltas:
    """Distinct times [D], ascending, and the times before and after each step within series [P]."""

    distinct: Ints
    before: Ints
    after: Ints

    @property
    def sizes(self) -> Ints:
        """[P] microseconds."""
        return self.after - self.before


def steps_of(times: Ints, groups: Ints) -> TimeDeltas:
    """Steps of N times, by series (groups [N])."""
    ordered = bool(np.all((np.diff(groups) > 0) | ((np.diff(groups) == 0) & (np.diff(times) >= 0))))
    if not ordered:
        order = np.lexsort((times, groups))
        times, groups = times[order], groups[order]
    forward = (groups[1:] == groups[:-1]) & (times[1:] > times[:-1])
    return TimeDeltas(np.sort(pd.unique(times)), times[:-1][forward], times[1:][forward])


def find_grid(steps: TimeDeltas) -> TimeGrid | None:
    """Coarsest grid that contains all times, or None; months and business days are tried first."""
    for unit in _units(steps):
        counts = unit.positions(steps.after) - unit.positions(steps.before)
        for count in _counts(counts):
            grid = _multiple(unit, count, int(steps.distinct[0]))
            usable = unit.mask is None or (count == 1 and bool(((counts == 1) & (steps.sizes > DAY)).any()))
            if usable and grid.holds(steps.distinct).all():
                return grid
    return None


def masked_grid(distinct: Ints) -> TimeGrid | None:
    """Finest grid of times [D] whose holes are closed steps, such as all but Tuesdays and Thursdays; or None."""
    step = int(np.gcd.reduce(np.diff(distinct)))
    if DAY % step:
        return None
    grid = TimeGrid("fixed", step, int(distinct[0]) % step)
    mask = infer_mask(grid, distinct)
    masked = replace(grid, mask=mask)
    return None if mask is None or mask.size < 2 or is_sparse(masked, distinct) else masked


def week_years_grid(distinct: Ints, name: str | None = None) -> TimeGrid | None:
    """Grid of periods of whole weeks, such as 4, 4 and 5, that begin at times [D]; or None."""
    if not has_single_time_of_day(distinct):
        return None
    years = find_week_years(distinct // DAY, name)
    return TimeGrid("weeks", shift=int(distinct[0]) % DAY, years=years) if years is not None else None


def nearest_grid(steps: TimeDeltas) -> TimeGrid:
    """Grid that contains the most times, for messages about the others."""
    units = [TimeGrid("fixed")]
    if common_steps(steps)[0][0] >= 28 * DAY:
        shift = _most_common(steps.distinct - month_starts(steps.distinct))
        units += [TimeGrid("month", shift=shift), TimeGrid("month", anchor="E", shift=int(steps.distinct[0]) % DAY)]
    grids = [_most_common_grid(unit, steps) for unit in units]
    return max(grids, key=lambda grid: int(np.count_nonzero(grid.holds(steps.distinct))))


def _most_common_grid(unit: TimeGrid, steps: TimeDeltas) -> TimeGrid:
    """Grid of the most common step and phase in a unit."""
    step = _most_common(np.maximum(unit.positions(steps.after) - unit.positions(steps.before), 1))
    return replace(unit, step=step, phase=_most_common(unit.positions(steps.distinct) % step))


def _most_common(numbers: Ints) -> int:
    distinct, counts = np.unique(numbers, return_counts=True)
    return int(distinct[np.argmax(counts)])


def common_steps(steps: TimeDeltas) -> list[tuple[int, int]]:
    """Two most common steps in microseconds, with their counts."""
    sizes, counts = np.unique(steps.sizes, return_counts=True)
    order = np.argsort(-counts, kind="stable")[:2]
    return [(int(sizes[i]), int(counts[i])) for i in order]


def span_text(micros: int) -> str:
    """Format a time span: `90 minutes`, `1 day`."""
    unit, _, plural, _ = next(unit for unit in UNITS if micros % unit[0] == 0)
    count = micros // unit
    return f"{count} {plural if count != 1 else plural[:-1]}"


def _units(steps: TimeDeltas) -> Iterator[TimeGrid]:
    """Candidate units, coarsest first: months by their anchor, business days, microseconds."""
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
        yield from (grid for grid in (*months, _business_days(time)) if grid.holds(distinct).all())
    yield TimeGrid("fixed")


def _business_days(time: int = 0) -> TimeGrid:
    """Grid of the days from Monday to Friday, at a time of day in microseconds."""
    return TimeGrid("fixed", DAY, time, mask=WORKWEEK)


def _counts(counts: Ints) -> list[int]:
    """Candidate step sizes: the most common, and the common divisor if it is frequent itself."""
    sizes, frequency = np.unique(counts, return_counts=True)
    divisor = int(np.gcd.reduce(sizes))
    common = int(sizes[np.argmax(frequency)])
    frequent = divisor == sizes[0] and frequency[0] >= _MIN_SINGLE_STEPS * len(counts)
    return [common, divisor] if frequent else [common]


def _multiple(unit: TimeGrid, count: int, first: int) -> TimeGrid:
    """Grid of `count` units that contains the time `first`."""
    if unit.mask is not None:
        return unit
    position = int(unit.positions(np.array([first]))[0])
    return replace(unit, step=count, phase=position % count)


def month_starts(times: Ints) -> Ints:
    """[N] start of the month of each time."""
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
    """Parse a frequency in pandas notation (`MS`, `W-FRI`, `30min`) or in words (`monthly`).

    Details that the name does not give (the day of a week or month, the minute of an hour) are taken from data of that
    frequency; else they are the start of the unit, and Sunday for weeks.

    Raises:
        ConfigError: the name is unknown.
    """
    found = find_grid(steps) or week_years_grid(steps.distinct, text) if len(steps.before) else None
    if found is not None and found.name == text:
        return found
    stem, named = _named(_WORDS.get(text.strip().lower(), text.strip()), steps.distinct, text)
    if found is None or (found.kind, found.step) != (named.kind, named.step):
        return named
    return found if found.name.startswith(stem) else named


def _named(name: str, distinct: Ints, text: str) -> tuple[str, TimeGrid]:
    """Prefix that matching grids must have in their name, and the default grid."""
    if name.upper() == "B":
        return "B", _business_days(_phase(distinct, DAY))
    if (match := _FIXED_NAME.fullmatch(name)) and not _zero(match[1]):
        step = int(match[1] or 1) * _FIXED[match[2].lower()]
        grid = TimeGrid("fixed", step, _phase(distinct, step))
        return grid.name.partition("-")[0], grid
    if (match := _WEEK_NAME.fullmatch(name)) and not _zero(match[1]) and (match[2] or "SUN").upper() in WEEKDAYS:
        day = WEEKDAYS.index((match[2] or "SUN").upper())
        step = int(match[1] or 1) * WEEK
        first = int(distinct[0])
        upcoming = first // DAY + (day - first // DAY) % 7
        grid = TimeGrid("fixed", step, upcoming * DAY % step)
        return grid.name if match[2] else grid.name.partition("-")[0], grid
    if (match := _MONTH_NAME.fullmatch(name)) and not _zero(match[1]):
        return _named_months(match, text)
    raise _unknown(text)


def _phase(distinct: Ints, step: int) -> int:
    """Phase of a fixed step: that of all times if they agree, else the start of the first day or of the hour."""
    first = int(distinct[0])
    if step <= DAY and np.all(distinct % step == first % step):
        return first % step
    return first // DAY * DAY % step if step % DAY == 0 else 0


def _named_months(match: re.Match[str], text: str) -> tuple[str, TimeGrid]:
    """Prefix and default grid of months, quarters and years."""
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
