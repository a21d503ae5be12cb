"""Names of columns that are times, or parts of a time, as in a table on its side."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from lstmcast.data.column_hints import words
from lstmcast.data.time.text.column import parse_times
from lstmcast.data.time.text.names import month_of, weekday_of
from lstmcast.data.time.text.recognition import looks_like_times
from lstmcast.data.time.zones import DAY, SECOND
from lstmcast.errors import DataError
from lstmcast.types import Ints

MIN_TIMES = 3  # columns named by times
PART_WORDS = {
    "hour": frozenset(["h", "hr", "hour", "he", "hourending", "std", "stunde", "heure", "hora", "ora", "uur", "ending",
                       "mtu", "sp", "period", "int"]),
    "month": frozenset(["m", "mon", "month", "monat", "mois", "mes", "mese", "p"]),
    "quarter": frozenset(["q", "qtr", "quarter", "quartal", "trim", "trimestre", "t", "k", "kv"]),
    "week": frozenset(["w", "wk", "week", "kw", "woche", "semaine", "semana", "s"]),
    "day": frozenset(["d", "day", "tag", "jour", "dia"]),
}  # fmt: skip

_PERIOD_WORDS = frozenset({"yr", "fy", "year", "date", "time"}.union(*PART_WORDS.values()))
_MIN_COUNTS = 8  # columns that count steps
_MINUTE = 60 * SECOND
_STEP_WORDS = frozenset(["d", "days", "w", "wk", "week", "m", "mon", "month", "t", "step", "period", "p", "time", "h",
                         "hour", "day", "q"])  # fmt: skip
_COUNTS = {
    "hour": (24, 25, 48, 50, 96, 100),
    "month": (12,),
    "quarter": (4,),
    "week": (52, 53),
    "day": (28, 29, 30, 31),
}
_REPEATED_YEAR = re.compile(r"(\d{4}) \[YR\1\]")
_PREFIXED = re.compile(r"(?P<prefix>[^\W\d]*(?:[ _.\-]*[^\W\d]+)*)[ _.\-]*(?P<rest>\d.*)")
_CLOCK = re.compile(
    r"\D{0,3}?(?P<hour>\d{1,2})[:.h](?P<minute>\d{2})(?::00)?\s*(?P<half>[AaPp]\.?[Mm]\.?)?"
    r"(?:\s*[-–]\s*\d{1,2}[:.]\d{2})?"
)
_HOUR = re.compile(r"(?P<hour>\d{1,2})\s*(?P<half>[AaPp]\.?[Mm]\.?|h|uhr|hr)", re.IGNORECASE)


@dataclass(frozen=True)
class TimeColumns:
    """Columns that are named by times, or by parts of a time.

    Attributes:
        names: N names of columns.
        part: `time` (whole times), `count` (steps), or a part that completes the time of a row: `hour`, `day`, `month`,
            `quarter`, `week`, `weekday`.
        texts: N times, or steps.
        offsets: N numbers of the part, from 0: microseconds for hours; empty for whole times and steps.
        known: false if the names may count something else than steps.
        value: name of the values; empty if the columns do not name it.
    """

    names: tuple[str, ...]
    part: str
    texts: tuple[str, ...] = ()
    offsets: tuple[int, ...] = ()
    known: bool = True
    value: str = ""


def find_time_columns(names: Sequence[str]) -> list[TimeColumns]:
    """Find the columns that are named by times, the largest group first."""
    found = [*_whole_times(names), *_named_parts(names), *_clocks(names), *_counted(names), *_alike(names)]
    return sorted(found, key=lambda columns: (not columns.known, -len(columns.names)))


def has_time_columns(names: Sequence[str]) -> bool:
    """True if at least half of the names are times of one format, so that a header may hold them."""
    return any(2 * len(columns.names) >= len(names) for columns in _whole_times(names))


def _whole_times(names: Sequence[str]) -> Iterator[TimeColumns]:
    """Columns named by whole times, possibly with one text before all of them."""
    groups: dict[tuple[str, str], list[str]] = {}
    for name in names:
        if (key := _shape(name)) is not None:
            groups.setdefault(key, []).append(name)
    for (prefix, _), members in groups.items():
        texts = _as_times(members, prefix) if len(members) >= MIN_TIMES else None
        if texts is not None:
            value = "" if len(prefix) < 2 or words(prefix) <= _PERIOD_WORDS else prefix.strip(" _.-")
            yield TimeColumns(tuple(members), "time", texts, value=value)


def _shape(name: str) -> tuple[str, str] | None:
    """Text before the first digit and shape of the rest; None without digits, or for a small integer."""
    match = _PREFIXED.fullmatch(name)
    if match is None:
        return None
    rest = re.sub(r"\d+", "0", re.sub(r"[^\W\d]+", "a", match["rest"]))
    if match["prefix"] and month_of(match["prefix"]) > 0:  # Jan 2019
        return "", f"month {rest}"
    return (match["prefix"], rest) if rest != "0" or len(match["rest"]) in {4, 6, 8} else None


def _as_times(names: Sequence[str], prefix: str) -> tuple[str, ...] | None:
    """Times of columns, without the prefix; None if they are none, or not in order."""
    stripped = [_REPEATED_YEAR.sub(r"\1", name.strip()) for name in names]
    rests = [match["rest"] if prefix and (match := _PREFIXED.fullmatch(name)) else name for name in stripped]
    for texts in (stripped, rests, [text.replace(".", "/") for text in rests]):
        series = pd.Series(texts, dtype=str)
        if series.is_unique and looks_like_times(series) and _in_order(texts):
            return tuple(texts)
    return None


def _in_order(texts: Sequence[str]) -> bool:
    """True if times ascend or descend."""
    try:
        steps = np.diff(stamps_of(texts))
    except DataError:
        return False
    return bool((steps > 0).all() or (steps < 0).all())


def stamps_of(texts: Sequence[str]) -> Ints:
    """[N] microseconds of times; raises DataError if they are none."""
    lines = np.ones(len(texts), dtype=np.int64)
    return parse_times(pd.Series(texts, dtype=str), lines, column="", source="").stamps


def _named_parts(names: Sequence[str]) -> Iterator[TimeColumns]:
    """Columns named by the months of a year, or the days of a week."""
    for part, number, count in (("month", month_of, 12), ("weekday", weekday_of, 7)):
        found = [
            (name, number(name)) for name in names if name and not any(map(str.isdigit, name)) and number(name) > 0
        ]
        if len(found) == count == len({index for _, index in found}):
            yield TimeColumns(tuple(name for name, _ in found), part, offsets=tuple(index - 1 for _, index in found))


def _clocks(names: Sequence[str]) -> Iterator[TimeColumns]:
    """Columns named by the times of a day."""
    found = [(name, minutes) for name in names if (minutes := minutes_of(name)) is not None]
    offsets = sorted({minutes for _, minutes in found})
    if len(found) < 12 or len(offsets) != len(found) or len(set(np.diff(offsets).tolist())) != 1:
        return
    step = offsets[1] - offsets[0]
    ending = offsets[-1] == 1440  # 24:00 ends the day, and the first column is not 00:00
    starts = tuple((minutes - step * ending) * _MINUTE for _, minutes in found)
    yield TimeColumns(tuple(name for name, _ in found), "hour", offsets=starts)


def minutes_of(name: str) -> int | None:
    """Minutes since midnight of a time of day such as `00:15`, `1:00 PM`, `13h`; None for other names."""
    match = _CLOCK.fullmatch(name.strip()) or _HOUR.fullmatch(name.strip())
    if match is None:
        return None
    hour, minute = int(match["hour"]), int(match.groupdict().get("minute") or 0)
    half = (match["half"] or "").lower()[:1]
    hour = hour % 12 + 12 * (half == "p") if half in {"a", "p"} else hour
    return hour * 60 + minute if hour * 60 + minute <= 1440 and minute < 60 else None


def _counted(names: Sequence[str]) -> Iterator[TimeColumns]:
    """Columns named by successive integers, with one text before them."""
    groups: dict[str, list[tuple[str, int]]] = {}
    for name in names:
        match = _PREFIXED.fullmatch(name)
        if match is not None and match["rest"].isdigit():
            groups.setdefault(match["prefix"], []).append((name, int(match["rest"])))
    for prefix, members in groups.items():
        numbers = [number for _, number in members]
        if len(members) < min(_COUNTS["quarter"]) or (np.diff(numbers) != 1).any():
            continue
        columns = tuple(name for name, _ in members)
        known = bool({prefix.lower(), *words(prefix)} & _STEP_WORDS)
        yield from (
            TimeColumns(columns, part, offsets=tuple(_part_offsets(part, numbers)))
            for part, counts in _COUNTS.items()
            if len(members) in counts and numbers[0] in {0, 1} and _may_name(prefix, part)
        )
        if len(members) >= _MIN_COUNTS:
            yield TimeColumns(columns, "count", tuple(map(str, numbers)), known=known)


def _alike(names: Sequence[str]) -> Iterator[TimeColumns]:
    """Columns whose names differ in numbers only, such as `2023 P01`, which may be steps."""
    groups: dict[str, list[str]] = {}
    for name in names:
        if name != (shape := re.sub(r"\d+", "0", name)):
            groups.setdefault(shape, []).append(name)
    for members in groups.values():
        if len(members) >= _MIN_COUNTS:
            yield TimeColumns(tuple(members), "count", tuple(str(k + 1) for k in range(len(members))), known=False)


def _may_name(prefix: str, part: str) -> bool:
    """True if the text before a number is empty or a word for a part of a time."""
    return not prefix or bool({prefix.lower(), *words(prefix)} & PART_WORDS[part])


def _part_offsets(part: str, numbers: Sequence[int]) -> Iterator[int]:
    """Numbers of a part from 0; hours in microseconds, where a 25th hour lies behind the day."""
    steps = len(numbers) - len(numbers) % 24 if part == "hour" else 1
    yield from ((number - numbers[0]) * (DAY // steps if part == "hour" else 1) for number in numbers)
