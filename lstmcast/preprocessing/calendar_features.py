"""Calendar features of steps: time of day, weekday, day of the month, month, position in the year, and holidays."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lstmcast.data.drivers.holidays import Holidays
from lstmcast.data.time.calendar import Calendar
from lstmcast.data.time.frequency import HOUR, MINUTE, WEEK
from lstmcast.data.time.text.formats import weekdays
from lstmcast.data.time.zones import DAY
from lstmcast.preprocessing.day_features import FeatureBlock, FeatureGroup, day_blocks, first_days
from lstmcast.preprocessing.holiday_features import DayTypes, group_block, name_block, run_up_block
from lstmcast.types import Floats, Ints

_HALF_HOUR = 30 * MINUTE
_PAIRS = {"day": 4, "week": 6, "month": 0}  # of Fourier terms of the year
_CONSTANT: dict[str, set[FeatureGroup]] = {  # features that steps of weeks or months have in common
    "day": set(),
    "week": {FeatureGroup.WEEKDAY},
    "month": {FeatureGroup.MONTH_DAY},
}


@dataclass(frozen=True)
class CalendarFeatures:
    """K features of P steps.

    Attributes:
        values: [P, K].
        names: [K] names, such as `13:00`, `Monday` and `Christmas Day -1`.
        groups: [K] the group of each.
    """

    values: Floats
    names: tuple[str, ...]
    groups: tuple[FeatureGroup, ...]

    def of_groups(self, groups: Collection[FeatureGroup]) -> CalendarFeatures:
        """The features of some groups."""
        kept = [k for k, group in enumerate(self.groups) if group in groups]
        names, of_kept = tuple(self.names[k] for k in kept), tuple(self.groups[k] for k in kept)
        return CalendarFeatures(self.values[:, kept], names, of_kept)

    def aligned(self, names: Sequence[str]) -> Floats:
        """Values [P, k] of the features of a fit, by name: 0 for those that these steps and holidays do not have."""
        columns = {name: k for k, name in enumerate(self.names)}
        padded = np.column_stack([self.values, np.zeros(len(self.values))])
        return padded[:, [columns.get(name, -1) for name in names]]


def calendar_features(
    calendar: Calendar,
    positions: Ints,
    holidays: Holidays | None = None,
    *,
    within_day: bool = True,
    crossed: bool = False,
    pairs: int | None = None,
) -> CalendarFeatures:
    """Compute the calendar features of steps [P], in local time; a counter has none.

    Steps up to a day have the features of the day on which they begin. Longer steps have the means over their days;
    their holidays are fractions of the days from Monday to Friday. Names and groups do not depend on `positions`.

    Args:
        within_day: include the time of day.
        crossed: include the times of day of Saturdays, of Sundays with holidays, and of holidays alone, so that a
            holiday has the shape of a Sunday and a deviation from it.
        pairs: pairs of Fourier terms of the position in the year; None for 4, or 6 for weeks and 0 for months.
    """
    if calendar.kind == "counter":
        return CalendarFeatures(np.zeros((len(positions), 0)), (), ())
    if calendar.kind != "fixed" or (calendar.grid.in_days and calendar.step > DAY):
        return _long_steps(calendar, positions, holidays, pairs)
    wall = calendar.wall(positions).astype(np.int64)
    days = wall // DAY
    span = _span(days, days + 1)
    rows = days - span[0]
    blocks = day_blocks(span, _PAIRS["day"] if pairs is None else pairs)
    blocks += [group_block(span, holidays), name_block(span, holidays)] if holidays else []
    hours: list[_Hours] = []
    if within_day and calendar.step < DAY:
        hours = _hours(wall, calendar.step, DayTypes.of(span, holidays).take(rows), crossed=crossed)
    return _joined(hours, blocks, rows)


def step_days(calendar: Calendar, positions: Ints) -> tuple[Ints, Ints]:
    """First days [P] of steps of days or longer, and the days [P] after their last, since 1970-01-01.

    A week begins on a Monday that names it, and ends on any other day that names it.
    """
    grid = calendar.grid
    if grid.years is not None:
        first = grid.years.positions((grid.times(positions) - grid.shift) // DAY)
        return grid.years.days(first), grid.years.days(first + 1)
    days = grid.times(positions) // DAY
    if grid.kind == "month":
        lead = 0 if grid.anchor in {"S", "BS"} else grid.step - 1
        months = days.astype("datetime64[D]").astype("datetime64[M]") - lead
        return first_days(months), first_days(months + grid.step)
    size = grid.step // DAY
    is_end = grid.step % WEEK == 0 and weekdays(np.array([grid.phase // DAY]))[0] != 0
    first = days - (size - 1) if is_end else days
    return first, first + size


def _span(first: Ints, end: Ints) -> Ints:
    """Consecutive days [D] from the first to the last of steps [P]; one day without steps."""
    return np.arange(first.min(), end.max()) if len(first) else np.zeros(1, dtype=np.int64)


@dataclass(frozen=True)
class _Hours:
    """Indicators of the time of day: group, names [k], and the column of each step [P] or -1."""

    group: FeatureGroup
    names: tuple[str, ...]
    columns: Ints


def _hours(wall: Ints, step: int, types: DayTypes, *, crossed: bool) -> list[_Hours]:
    """Times of day of local times [P], for all days and for types of days [P]."""
    width = _HALF_HOUR if step <= _HALF_HOUR else step if DAY % step == 0 else HOUR
    slots = wall % DAY // width
    times = [f"{k * width // HOUR:02d}:{k * width % HOUR // MINUTE:02d}" for k in range(DAY // width)]
    crossings = [
        (FeatureGroup.DAY_TYPE_HOUR, "Saturday", types.like_saturday),
        (FeatureGroup.DAY_TYPE_HOUR, "Sunday or holiday", types.like_sunday),
        (FeatureGroup.HOLIDAY_HOUR, "holiday", types.holiday),
    ]
    return [
        _Hours(FeatureGroup.HOUR, tuple(times), slots),
        *(
            _Hours(group, tuple(f"{name} {time}" for time in times), np.where(of_type, slots, -1))
            for group, name, of_type in (crossings if crossed else ())
        ),
    ]


def _joined(hours: Sequence[_Hours], blocks: Sequence[FeatureBlock], rows: Ints) -> CalendarFeatures:
    """Times of day of steps [P], and blocks of days [D] of which steps have the rows [P], side by side."""
    width = sum(len(part.names) for part in hours)
    table = np.concatenate([np.zeros((len(blocks[0].values), width)), *(block.values for block in blocks)], axis=1)
    values = table[rows]
    start = 0
    for part in hours:
        marked = np.flatnonzero(part.columns >= 0)
        values[marked, start + part.columns[marked]] = 1.0
        start += len(part.names)
    return CalendarFeatures(values, *_labels([*hours, *blocks]))


def _labels(blocks: Sequence[FeatureBlock | _Hours]) -> tuple[tuple[str, ...], tuple[FeatureGroup, ...]]:
    """Names [K] and groups [K] of blocks."""
    labels = [(name, block.group) for block in blocks for name in block.names]
    return tuple(name for name, _ in labels), tuple(group for _, group in labels)


def _long_steps(calendar: Calendar, positions: Ints, holidays: Holidays | None, pairs: int | None) -> CalendarFeatures:
    """Features of steps of several days: means over their days, and fractions of their working days."""
    first, end = step_days(calendar, positions)
    span = _span(first, end)
    rows = (first - span[0], end - span[0])
    unit = _unit(calendar)
    types = DayTypes.of(span, holidays)
    plain = [
        block
        for block in day_blocks(span, _PAIRS[unit] if pairs is None else pairs)
        if block.group not in _CONSTANT[unit]
    ]
    named = [group_block(span, holidays), run_up_block(span, holidays, by_month=unit == "month")] if holidays else []
    working = FeatureBlock(FeatureGroup.WORKING_DAYS, ("working days",), types.working[:, None].astype(np.float64))
    days, weekday = (end - first)[:, None], np.maximum(_sums(~types.weekend[:, None], *rows), 1)
    values = [
        *(_sums(block.values, *rows) / days for block in plain),
        _sums(working.values, *rows),
        *(_sums(block.values, *rows) / weekday for block in named),
    ]
    return CalendarFeatures(np.concatenate(values, axis=1), *_labels([*plain, working, *named]))


def _unit(calendar: Calendar) -> str:
    """Unit of the steps: `day`, `week` or `month`."""
    if calendar.kind == "month":
        return "month"
    return "week" if calendar.kind == "weeks" or calendar.step % WEEK == 0 else "day"


def _sums(values: npt.NDArray[Any], first: Ints, end: Ints) -> Floats:
    """Sums [P, k] of the rows of values [D, k] from the first [P] to the row before the end [P]."""
    totals = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0, dtype=np.float64)])
    return np.asarray(totals[end] - totals[first], dtype=np.float64)
