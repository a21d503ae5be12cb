"""Which column plays which part: pinned by the user, or inferred with the reason."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from lstmcast.data.numbers import SAMPLE, is_missing, looks_like_numbers
from lstmcast.data.records import Columns, Finding, Ints, ReadOptions, Table
from lstmcast.data.times import looks_like_times
from lstmcast.data.wording import nearest
from lstmcast.errors import ConfigError, DataError

EVERY = ("*",)  # as a target: every numeric column is a series of its own

TIME_NAMES = {"time", "date", "datetime", "timestamp", "ds"}
TIME_WORDS = TIME_NAMES | {"month", "year", "quarter", "week", "day", "hour", "period", "fecha", "datum", "ts"}
SERIES_WORDS = {"id", "unique", "uid", "series", "store", "shop", "dept", "department", "item", "product", "sku", "key"}
SERIES_WORDS |= {"region", "country", "state", "city", "site", "location", "station", "sensor", "customer", "category"}
TARGET_NAMES = {"y", "value", "target"}
TARGET_WORDS = {"value", "values", "sales", "demand", "total", "count"}

MAX_SERIES_COLUMNS = 3
MAX_CANDIDATES = 8
MIN_ROWS = 4  # in the median series: what is shorter is a covariate, not a name
MIN_REPEATS = 0.2  # of the rows repeat a time, before a column without a telling name may name the series
STRAY = 0.05  # of the repeats may be left over: they are duplicates to report
SAMPLE_TIMES = 200


def find_columns(table: Table, options: ReadOptions) -> tuple[Columns, tuple[Finding, ...], tuple[str, ...]]:
    """Finds the time, the columns that name the series, and what to forecast.

    Args:
        table: the file as text.
        options: `time`, `series` and `target` pin a part; `target=("*",)` takes every numeric column.

    Returns:
        the columns; a finding for each part with its reason; notes, such as the columns left unused.

    Raises:
        DataError: a pinned column is not in the file, or what to forecast is not clear.
        ConfigError: one column is pinned for two parts.
    """
    names = [str(name) for name in table.text.columns]
    _check_pins(names, options, table.source)
    time = _find_time(table, names, options)
    series = _find_series(table, names, options, time.one)
    used = {*time.names, *series.names}
    target = _find_target(table, [name for name in names if name not in used], options, has_time=bool(time.names))
    columns = Columns(time.one, target.names, series.names)
    unused = [name for name in names if name not in {*used, *target.names}]
    notes = [f"columns not used: {', '.join(unused)}"] if unused else []
    if not time.names:
        notes.insert(0, "no time column: rows are counted 1, 2, 3 …")
    findings = (time.finding("time"), series.finding("series"), target.finding("target"))
    return columns, findings, tuple(notes)


@dataclass(frozen=True)
class _Choice:
    """The columns chosen for one part, and why."""

    names: tuple[str, ...]
    reason: str

    @property
    def one(self) -> str | None:
        """The only column, or None."""
        return self.names[0] if self.names else None

    def finding(self, part: str) -> Finding:
        """What to tell the user."""
        return Finding(part, ", ".join(self.names) or "none", self.reason)


def _words(name: str) -> set[str]:
    """The words of a column name: `Weekly_Sales` and `weeklySales` → `{weekly, sales}`."""
    return {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+", name)} | {name.lower()}


def _check_pins(names: list[str], options: ReadOptions, source: str) -> None:
    """Every pinned column must exist, and play one part."""
    target = () if options.target == EVERY else options.target
    pins = [("data.time", options.time)] if options.time is not None else []
    pins += [("data.series", name) for name in options.series] + [("data.target", name) for name in target]
    faults = [f"{source}: {key}: no column '{name}'; {nearest(name, names)}" for key, name in pins if name not in names]
    if faults:
        raise DataError(faults)
    parts: dict[str, str] = {}
    for key, name in pins:
        if name in parts:
            faults.append(f"{key}: column '{name}' already is {parts[name]}; a column plays one part")
        parts[name] = key
    if faults:
        raise ConfigError(faults)


def _find_time(table: Table, names: list[str], options: ReadOptions) -> _Choice:
    """The time column: of those that read as times, the one whose name says so and that tells most rows apart."""
    if options.time is not None:
        return _Choice((options.time,), "given")
    free = [name for name in names if name not in {*options.series, *options.target}]
    timely = [name for name in free if looks_like_times(table.text[name])]
    if not timely:
        named = [n for n in free if _words(n) & TIME_NAMES and not looks_like_numbers(table.text[n])]
        return _Choice(tuple(named[:1]), "its name says so" if named else "no column reads as times")
    if len(timely) == 1:
        return _Choice((timely[0],), "the only column that reads as times")
    telling = [name for name in timely if _words(name) & TIME_WORDS and not _integers(table.text[name])]
    best = max(telling or timely, key=lambda name: (table.text[name].nunique(), bool(_words(name) & TIME_WORDS)))
    return _Choice((best,), f"tells most rows apart of {', '.join(timely)}")


def _integers(text: pd.Series) -> bool:
    """Whether a sample of the fields are whole numbers, or missing."""
    sample = text.iloc[:: max(1, len(text) // SAMPLE)]
    return bool((sample.str.fullmatch(r"\s*-?[0-9]+\s*") | is_missing(sample)).all())


def _find_series(table: Table, names: list[str], options: ReadOptions, time: str | None) -> _Choice:
    """The fewest columns that, with the time, tell every row apart: looked for where times repeat."""
    if options.series:
        return _Choice(options.series, "given")
    if time is None:
        return _Choice((), "without times, all rows are one series")
    stamps = _codes(table.text[time])
    repeats = len(stamps) - _distinct(stamps)
    if repeats == 0:
        return _Choice((), "no time occurs twice")
    often = repeats >= MIN_REPEATS * len(stamps)
    search = _Search(table.text, stamps, repeats)
    free = [name for name in names if name != time and name not in options.target]
    pinned = bool(options.target) and options.target != EVERY
    candidates = search.candidates([name for name in free if often or _words(name) & SERIES_WORDS])
    for stray in (0, int(STRAY * repeats)):
        for chosen in search.by_size(candidates):
            if search.tells_apart(chosen, stray) and (pinned or _leaves_numbers(table.text, free, chosen)):
                kept = tuple(name for name in names if name in chosen)
                return _Choice(kept, f"{repeats} rows repeat a time; together with the time they tell rows apart")
    return _Choice((), f"{repeats} rows repeat a time, and no columns tell them apart")


class _Search:
    """The search for the columns that name the series of a long table."""

    def __init__(self, text: pd.DataFrame, stamps: Ints, repeats: int) -> None:
        self.text, self.stamps, self.repeats = text, stamps, repeats
        self.codes: dict[str, Ints] = {}
        self.sample = np.flatnonzero(stamps < SAMPLE_TIMES)

    def candidates(self, names: Iterable[str]) -> list[str]:
        """Columns that may name a series: text or whole numbers, with a few rows for each value; likeliest first."""
        found: list[tuple[bool, int, int, str]] = []
        for position, name in enumerate(names):
            column = self.text[name]
            if looks_like_numbers(column) and not _integers(column):
                continue
            codes, telling = _codes(column), bool(_words(name) & SERIES_WORDS)
            distinct = _distinct(codes)
            if distinct > 1 and (telling or len(codes) >= MIN_ROWS * distinct):
                self.codes[name] = codes
                found.append((not telling, distinct, position, name))
        return [name for *_, name in sorted(found)[:MAX_CANDIDATES]]

    def by_size(self, candidates: list[str]) -> Iterable[tuple[str, ...]]:
        """Every set of up to three candidates: small sets first, likely ones first."""
        for size in range(1, MAX_SERIES_COLUMNS + 1):
            yield from combinations(candidates, size)

    def tells_apart(self, names: tuple[str, ...], stray: int) -> bool:
        """Whether all but `stray` rows differ in time or name, and the median series is long enough."""
        group = _joined([self.codes[name] for name in names])
        rows = _joined([group, self.stamps])
        if len(self.sample) - _distinct(rows[self.sample]) > stray or len(rows) - _distinct(rows) > stray:
            return False
        lengths = pd.Series(group).value_counts()
        telling = all(_words(name) & SERIES_WORDS for name in names)
        return bool(telling or lengths.median() >= MIN_ROWS)


def _codes(text: pd.Series) -> Ints:
    """[N] one number for each distinct text, in order of appearance."""
    return pd.factorize(text)[0].astype(np.int64)


def _distinct(codes: Ints) -> int:
    """How many different codes there are."""
    return len(pd.unique(codes))


def _joined(columns: list[Ints]) -> Ints:
    """[N] one number for each distinct combination of codes."""
    joined = columns[0]
    for codes in columns[1:]:
        joined = pd.factorize(joined * (int(codes.max()) + 1) + codes)[0].astype(np.int64)
    return joined


def group_codes(text: pd.DataFrame, names: tuple[str, ...]) -> Ints:
    """[N] which series each row belongs to, numbered in order of appearance; 0 where no columns name the series."""
    return _joined([np.zeros(len(text), dtype=np.int64), *(_codes(text[name]) for name in names)])


def _leaves_numbers(text: pd.DataFrame, free: list[str], chosen: tuple[str, ...]) -> bool:
    """Whether a numeric column is left to forecast."""
    return any(looks_like_numbers(text[name]) for name in free if name not in chosen)


def _find_target(table: Table, free: list[str], options: ReadOptions, *, has_time: bool) -> _Choice:
    """What to forecast: pinned, the only numeric column, or the one whose name says so."""
    if options.target and options.target != EVERY:
        return _Choice(options.target, "given")
    numeric = [name for name in free if looks_like_numbers(table.text[name])]
    if not numeric:
        empty = [name for name in free if is_missing(table.text[name]).all()]
        hint = f"; all values are missing in: {', '.join(empty)}" if empty else ""
        columns = ", ".join(map(str, table.text.columns))
        raise DataError(f"{table.source}: no column holds numbers to forecast (columns: {columns}{hint})")
    if options.target == EVERY:
        return _Choice(tuple(numeric), "given: every numeric column")
    if len(numeric) == 1:
        return _Choice((numeric[0],), "the only numeric column left")
    exact = [name for name in numeric if name.lower() in TARGET_NAMES]
    worded = [name for name in numeric if has_time and _words(name) & TARGET_WORDS]
    named = exact or worded
    if len(named) == 1:
        return _Choice((named[0],), f"its name says so, of {len(numeric)} numeric columns")
    raise DataError(_unclear(table.source, numeric))


def _unclear(source: str, numeric: list[str]) -> str:
    """What to say where several columns could be forecast."""
    shown = ", ".join(numeric[:20]) + (f" and {len(numeric) - 20} more" if len(numeric) > 20 else "")
    return (
        f"{source}: {len(numeric)} columns hold numbers: {shown}; name the one to forecast with --target NAME "
        "(data.target), or take every one as a series of its own with --target '*'"
    )
