"""Seasons that the values of a panel show, and the usual season that they replace."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import exp, log

import numpy as np

from lstmcast.data.schema import InferredSetting, SettingKey
from lstmcast.data.time.calendar import Calendar
from lstmcast.data.time.frequency import HOUR, MINUTE, WEEK, TimeGrid
from lstmcast.data.time.season_spectrum import (
    FALSE_ALARM_RATE,
    MIN_CALENDAR_REPEATS,
    SeasonTest,
    count_repeats,
    explained_fraction,
    prepared,
    without_season,
)
from lstmcast.data.time.zones import DAY
from lstmcast.types import Floats

MAIN_FALSE_ALARM_RATE = 1e-4  # of a season that replaces the usual one
MIN_MAIN_REPEATS, MAX_MAIN_LENGTH = 5, 288
MAX_FOUND = 3
MAX_SERIES, MAX_VALUES, MAX_STEPS = 8, 1 << 16, 1 << 15  # of the sample
MIN_REST = 1e-6  # of the largest value, without the seasons that were found
YEAR = 365.25  # days


@dataclass(frozen=True)
class FoundSeason:
    """A season of the data.

    Attributes:
        length: steps.
        fraction: part of the variance that it explains, without slower movements; median of the series.
        p_value: of the test, corrected for the number of candidates.
        repeats: whole seasons in the longest series.
    """

    length: int
    fraction: float
    p_value: float
    repeats: int

    @property
    def explained(self) -> str:
        """The fraction in words."""
        return f"explains {self.fraction:.0%} of the detrended variance"


def infer_season(
    calendar: Calendar, given: InferredSetting | None, series: Iterable[Floats], *, is_given: bool
) -> tuple[Calendar, InferredSetting]:
    """Find the seasons of the series of a calendar, and replace a usual season that they do not show.

    Args:
        calendar: with a pinned or the usual season.
        given: the setting of this season; None for numbered rows.
        series: values [T] of each series.
        is_given: whether the user set the season.
    """
    found = find_seasons(list(series), calendar_lengths(calendar.grid))
    calendar = replace(calendar, seasons=tuple(season.length for season in found))
    given = given or InferredSetting(SettingKey.SEASON_LENGTH, str(calendar.season), "none is usual for numbered rows")
    main = None if is_given else _replacement(found, calendar)
    if main is not None:
        calendar = replace(calendar, season=main.length, pinned=True)
    return calendar, InferredSetting(
        SettingKey.SEASON_LENGTH, str(calendar.season), _reason(calendar, given, found, is_given=is_given)
    )


def _reason(calendar: Calendar, given: InferredSetting, found: Sequence[FoundSeason], *, is_given: bool) -> str:
    """The reason of the season of a calendar, and the other seasons that were found."""
    by_length = {str(season.length): season for season in found}
    main, reason = by_length.pop(str(calendar.season), None), given.reason
    if str(calendar.season) != given.value and main is not None:
        absent = f"{given.value} is {reason}, but not visible in these" if given.value != "1" else reason
        reason = f"found in the data: {main.explained}; {absent}"
    elif main is not None:
        reason = f"{reason}; {main.explained}"
    elif calendar.season > 1 and not is_given:
        reason = f"{reason}, but not visible in these"
    remaining = ", ".join(f"{season.length} ({season.explained})" for season in by_length.values())
    return f"{reason}; also found: {remaining}" if remaining else reason


def _replacement(found: Sequence[FoundSeason], calendar: Calendar) -> FoundSeason | None:
    """The season with the strongest evidence that may replace the usual one; None if there is none.

    A part of the usual season, such as 6 of 12 months, replaces it only where the usual one is rarely repeated.
    """
    grid, default = calendar.grid, calendar.season
    typical = [] if grid.kind == "counter" else [round(length) for length in calendar_lengths(grid)]
    if default in [season.length for season in found]:
        return None
    for season in found:
        is_clear = season.p_value <= MAIN_FALSE_ALARM_RATE and season.repeats >= MIN_MAIN_REPEATS
        is_part = default % season.length == 0 and season.repeats * season.length >= MIN_MAIN_REPEATS * default
        if is_clear and not is_part and season.length <= MAX_MAIN_LENGTH and season.length not in typical:
            return season
    return None


def calendar_lengths(grid: TimeGrid) -> tuple[float, ...]:
    """Steps of a day, a week, a month and a year, or of a minute, an hour and a day; those of at least two steps.

    Numbered rows may be days, hours or weeks.
    """
    if grid.kind == "counter":
        return 7.0, 24.0, YEAR / 7, YEAR
    if grid.kind in {"month", "weeks"}:
        return (float(grid.season),) if grid.season > 1 else ()
    if grid.mask is not None:
        day, week = grid.day_steps, grid.week_steps
        lengths = [day, week, week * YEAR / 7]
    else:
        units = (MINUTE, HOUR, DAY) if grid.step < MINUTE else (DAY, WEEK)
        lengths = [*(unit / grid.step for unit in units if unit % grid.step == 0), YEAR * DAY / grid.step]
        lengths += [YEAR / 12] if grid.step == DAY else []
    return tuple(sorted({float(length) for length in lengths if length >= 2}))


def find_seasons(series: Sequence[Floats], typical: Sequence[float] = ()) -> tuple[FoundSeason, ...]:
    """Find seasons, the strongest evidence first.

    Args:
        series: values of S series, the newest last.
        typical: lengths of the calendar; they need not be integers.
    """
    sample = [values for values in map(prepared, _sampled(series)) if len(values)]
    longest = max(map(len, sample), default=0)
    test = SeasonTest(longest, tuple(length for length in typical if MIN_CALENDAR_REPEATS * length <= longest))
    found: dict[float, FoundSeason] = {}
    while sample and len(found) < MAX_FOUND:
        log_p, length = test.best(sample, found)
        if log_p > log(FALSE_ALARM_RATE):
            break
        fraction = float(np.median([explained_fraction(values, length) for values in sample]))
        found[length] = FoundSeason(round(length), fraction, exp(log_p), count_repeats(longest, length))
        sample = [
            rest for rest in (without_season(values, length) for values in sample) if np.abs(rest).max() > MIN_REST
        ]
    return tuple(season for length, season in found.items() if not test.is_part(length, found))


def _sampled(series: Sequence[Floats]) -> Iterator[Floats]:
    """Newest values of an even selection of the longer half of the series."""
    lengths = np.array([len(values) for values in series])
    longer = np.flatnonzero(lengths >= np.median(lengths))
    selected = longer[np.unique(np.linspace(0, len(longer) - 1, MAX_SERIES).round().astype(np.int64))]
    steps = min(MAX_STEPS, MAX_VALUES // len(selected))
    yield from (series[k][-steps:] for k in selected.tolist())
