"""Times whose parts are in several columns, such as a year and a month, or a date and an hour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from lstmcast.data.schema import DataNote, NoteCode, ReadOptions, SettingKey, Table
from lstmcast.data.time.text.part_patterns import (
    annual_text,
    holds_month_names,
    is_clock,
    is_named,
    numbered_pattern,
    part_pattern,
)
from lstmcast.data.time.text.pattern_inference import column_pattern
from lstmcast.data.time.text.patterns import PART, tokens
from lstmcast.data.time.text.recognition import is_regular, looks_like_times
from lstmcast.data.time.zones import changes_clock
from lstmcast.errors import DataError, Fault, FaultCode, Fix
from lstmcast.text import pluralize

_SAMPLE = 1_000


@dataclass(frozen=True)
class TimeParts:
    """Columns that are one time.

    Attributes:
        names: the columns.
        pattern: their patterns, joined by ` + `.
        reason: why.
        annual: text of the second column in rows of annual averages, which are left out; empty for none.
    """

    names: tuple[str, ...]
    pattern: str
    reason: str
    annual: str = ""

    @property
    def name(self) -> str:
        """Name of the joined column."""
        return PART.join(self.names)


def join_columns(text: pd.DataFrame, name: str) -> pd.DataFrame:
    """Join the columns of the parts of a time to one column; a table without them is unchanged."""
    names = name.split(PART)
    if len(names) < 2 or name in text or any(part not in text for part in names):
        return text
    joined = text[names[0]].str.strip()
    for part in names[1:]:
        joined = joined + PART + text[part].str.strip()
    position = min(list(text.columns).index(part) for part in names)
    rest = text.drop(columns=names)
    rest.insert(position, name, joined)
    return rest


def with_joined_time(table: Table, options: ReadOptions) -> tuple[Table, ReadOptions, TimeParts | None]:
    """Join the columns that are parts of one time, pinned or recognized by their names and values.

    Returns:
        The table with the joined column, options that pin it, and the parts; all unchanged without parts.

    Raises:
        DataError: pinned parts that cannot be read.
    """
    parts = _pinned_parts(table, options) if options.time is not None else _found_parts(table, options)
    if parts is None:
        return table, options, None
    text, lines, notes = table.text, table.lines, list(table.notes)
    if parts.annual:
        annual = (text[parts.names[1]].str.strip() == parts.annual).to_numpy()
        text, lines = text[~annual].reset_index(drop=True), lines[~annual]
        message = f"{pluralize(int(annual.sum()), 'row')} with '{parts.annual}' in column '{parts.names[1]}' left out"
        notes.append(DataNote(NoteCode.ANNUAL_ROWS, f"{message}: annual averages"))
    if changes_clock(options.timezone):  # half and quarter hours are counted from midnight
        pattern = parts.pattern.replace("%48N", "%50N").replace("%96N", "%100N")
        parts = replace(parts, pattern=pattern)
    table = replace(table, text=join_columns(text, parts.name), lines=lines, notes=tuple(notes))
    return table, replace(options, time=parts.name, time_format=parts.pattern), parts


def time_settings(parts: TimeParts, options: ReadOptions) -> dict[SettingKey, str]:
    """Reasons for the column and the format of a joined time."""
    given = "given" if options.time is not None else parts.reason
    pinned = options.time_format is not None
    return {SettingKey.TIME: given, SettingKey.TIME_FORMAT: "data.time_format" if pinned else parts.reason}


def _pinned_parts(table: Table, options: ReadOptions) -> TimeParts | None:
    """Parts of a pinned time of several columns."""
    names = tuple(str(options.time).split(PART))
    columns = set(map(str, table.text.columns))
    if len(names) < 2 or options.time in columns or not columns.issuperset(names):
        return None
    pattern = _pattern(table, names, options.time_format)
    if pattern is None:
        shown = " and ".join(f"'{table.text[name].iloc[0]}'" for name in names)
        text = f"{table.source}: data.time: the columns {', '.join(names)} do not read as parts of a time ({shown})"
        fixes = (Fix("data.time_format=%Y + %m", "name the format of each part, with ' + ' between them"),)
        raise DataError(Fault(text, FaultCode.UNREAD_TIME, int(table.lines[0]), names[0], fixes))
    return TimeParts(names, pattern, "given", annual_text(table, names, pattern))


def _found_parts(table: Table, options: ReadOptions) -> TimeParts | None:
    """Parts of a time by the names of columns, checked by their values."""
    taken = {*options.id_columns, *options.target, *options.features, *options.covariates.columns}
    free = [str(name) for name in table.text.columns if name not in taken]
    years = [name for name in free if is_named(name, "year") and numbered_pattern(table.text[name], "Y") is not None]
    with_clock = any(is_named(name, "hour", "period of day", "minute") or is_clock(table, name) for name in free)
    if not years and not with_clock:
        return None
    timely = [name for name in free if name not in years and looks_like_times(table.text[name])]
    dates = [name for name in timely if with_clock and _is_date(table.text[name])]
    for base in dates[:1] or ([] if timely else years[:1]):
        for names in _combinations(table, base, free, dated=base in dates):
            if _repeats(table.text[base]) and (pattern := _pattern(table, names, options.time_format)):
                reason = f"columns {', '.join(names)} are parts of one time"
                return TimeParts(names, pattern, reason, annual_text(table, names, pattern))
    return None


def _combinations(table: Table, base: str, free: list[str], *, dated: bool) -> list[tuple[str, ...]]:
    """Sets of columns that may complete a date or a year, the finest first."""
    candidates = [name for name in free if name != base]

    def named(part: str) -> list[str]:
        return [name for name in candidates if is_named(name, part)][:2]

    clocks = [name for name in candidates if is_clock(table, name)][:1]
    hours, minutes = named("hour"), named("minute")
    pairs = [(hour, minute) for hour in hours for minute in minutes]
    times = [*[(clock,) for clock in clocks], *pairs, *[(name,) for name in (*hours, *named("period of day"))]]
    if dated:
        return [(base, *time) for time in times]
    dates: list[tuple[str, ...]] = [
        (base, month, day) for month in named("month") for day in named("day") if month != day
    ]
    dates += [(base, day) for day in named("day of year")]
    whole = [(*date, *time) for date in dates for time in times if not set(date) & set(time)] + dates
    coarse = [(base, name) for names in ("week", "month", "quarter", "half") for name in named(names)]
    coarse += [(base, name) for name in candidates if holds_month_names(table.text[name])][:1]
    return whole + coarse


def _pattern(table: Table, names: Sequence[str], given: str | None) -> str | None:
    """Pattern of parts, or None if they do not make up one time; a given one may be that of all, or of the date."""
    if given is not None and given.count(PART) == len(names) - 1:
        return given
    pieces: list[str] = []
    for k, name in enumerate(names):
        letters = {token.letter for piece in pieces for token in tokens(piece)}
        if k == 0 and _is_date(table.text[name]):
            rest = [part_pattern(table.text[other], other, frozenset("Ymd")) for other in names[1:]]
            if None in rest:
                return None
            ending = "".join(PART + str(piece) for piece in rest)
            try:
                piece: str | None = given or column_pattern(table.text[name], table.lines, name, table.source, ending)
            except DataError as err:
                return _only_regular(table, names, err)
        else:
            piece = part_pattern(table.text[name], name, frozenset(letters))
        if piece is None:
            return None
        pieces.append(piece)
    return PART.join(pieces)


def _only_regular(table: Table, names: Sequence[str], err: DataError) -> str:
    """The only format of an ambiguous date with which the joined times are even; raises the error without one."""
    patterns = [fix.setting.partition("=")[2] for fix in err.faults[0].fixes]
    joined = join_columns(table.text[list(names)].head(_SAMPLE), PART.join(names)).iloc[:, 0]
    regular = [pattern for pattern in patterns if is_regular(joined, pattern)]
    if err.faults[0].code != FaultCode.AMBIGUOUS_TIMES or len(regular) != 1:
        raise err
    return regular[0]


def _is_date(text: pd.Series) -> bool:
    """True for days, without a time of day."""
    first = str(text.iloc[0]).strip()
    return len(first) > 5 and ":" not in first and looks_like_times(text) and _is_daily(text)


def _is_daily(text: pd.Series) -> bool:
    """True if dates name a day."""
    sample = text.iloc[:_SAMPLE]
    try:
        pattern = column_pattern(sample, np.arange(len(sample)), "", "", "")
    except DataError as err:
        return err.faults[0].code == FaultCode.AMBIGUOUS_TIMES
    letters = {token.letter for token in tokens(pattern)}
    return bool(letters & set("dju")) and not letters & set("HIkN")


def _repeats(text: pd.Series) -> bool:
    """True if most texts of the first rows occur again."""
    head = text.iloc[: 20 * _SAMPLE]
    return head.nunique() <= len(head) / 2
