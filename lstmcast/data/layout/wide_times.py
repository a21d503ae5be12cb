"""Tables on their side, whose column names are times: `1990, 1991, …`, `d_1, d_2, …`, months in a row for each year.

Such a table becomes a long one with a column of times and a column of values.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from lstmcast.data.layout.headers import MIN_TIMES, PART_WORDS, TimeColumns, find_time_columns, minutes_of, stamps_of
from lstmcast.data.numbers.parser import looks_like_numbers
from lstmcast.data.schema import DataNote, InferredSetting, NoteCode, ReadOptions, SettingKey, Table
from lstmcast.data.series_columns import EVERY, are_integers, quote_value, words
from lstmcast.data.time.column import looks_like_times, parse_times
from lstmcast.data.time.names import month_of
from lstmcast.data.time.zones import DAY, SECOND
from lstmcast.errors import DataError, Fault, FaultCode, Fix
from lstmcast.text import pluralize, truncate_list
from lstmcast.types import Bools, Ints

AUTO, LONG, WIDE, WIDE_TIMES = "auto", "long", "wide", "wide-times"

_TIME_NAMES = ("time", "time_2")
_NO_VALUE = (":", "..", "***")
_SAMPLE = 5  # columns that decide whether the values are numbers
_ROW_PARTS = {"hour": "day", "day": "month", "month": "year", "quarter": "year", "week": "year", "weekday": "day"}


@dataclass(frozen=True)
class _Layout:
    """Layout of a table on its side.

    Attributes:
        columns: the columns that are times.
        rows: the columns that complete them in each row: a day, a year, a year and a month (and a day), a month below
            years, or an hour below days; empty for whole times and steps.
    """

    columns: TimeColumns
    rows: tuple[str, ...] = ()


def to_long(table: Table, options: ReadOptions) -> tuple[Table, ReadOptions]:
    """Convert a table on its side to a long one, and set its columns in the options; other tables stay.

    Raises:
        DataError: the layout is given and no columns are named by times, the layout is unclear, or a date does not
            exist.
    """
    if options.layout in {LONG, WIDE} or table.text.shape[1] < 2:
        return table, options
    given = options.layout == WIDE_TIMES
    names = [str(name) for name in table.text.columns]
    if not given and (options.target == EVERY or set(options.target) & set(names)):
        return table, options
    table, names = _split_names(table)
    found = (layout for layout in _layouts(table, names, given=given) if given or _allows(options.time, layout))
    layout = next(found, None)
    if layout is None:
        if given:
            raise DataError(f"{table.source}: data.layout: no columns are named by times ({truncate_list(names)})")
        return table, options
    if layout.columns.value:
        layout = _selected(table, [layout, *found], options)
    if not given and not layout.columns.known:
        _refuse_counts(table, layout)
        return table, options
    return _melted(table, layout, options)


def _allows(time: str | None, layout: _Layout) -> bool:
    """True if a pinned time column is none of the other columns of the table."""
    return time in {None, *layout.rows, *_TIME_NAMES}


def _selected(table: Table, found: Sequence[_Layout], options: ReadOptions) -> _Layout:
    """The first layout; of several values side by side, that of the target; raises DataError without one."""
    values = {layout.columns.value: layout for layout in found if layout.columns.value}
    selected = [values[name] for name in options.target if name in values]
    if not selected and len(values) > 1:
        text = f"{table.source}: {len(values)} values have a column for each time: {truncate_list(list(values))}"
        fixes = tuple(Fix(f"data.target={quote_value(name)}", f"forecast '{name}'") for name in values)
        raise DataError(Fault(text, FaultCode.LAYOUT_UNCLEAR, 0, "", fixes))
    return selected[0] if selected else found[0]


def _split_names(table: Table) -> tuple[Table, list[str]]:
    r"""Split a first column of several ids, as Eurostat writes it: `freq,unit,geo\TIME_PERIOD`."""
    names = [str(name) for name in table.text.columns]
    ids, mark, time = names[0].partition("\\")
    if not mark or not time:
        return table, names
    split = table.text.iloc[:, 0].str.split(",", expand=True)
    parts = ids.split(",")
    if split.shape[1] != len(parts):
        return table, names
    split.columns = pd.Index(parts)
    text = pd.concat([split, table.text.iloc[:, 1:]], axis=1)
    return replace(table, text=text), [str(name) for name in text.columns]


def _layouts(table: Table, names: Sequence[str], *, given: bool) -> Iterator[_Layout]:
    """Layouts that fit the table."""
    for columns in find_time_columns(names):
        columns = _of_numbers(table, columns, given=given)
        if len(columns.names) < MIN_TIMES:
            continue
        rest = [name for name in names if name not in set(columns.names)]
        if columns.part in {"time", "count"}:
            row = _completing(table, rest, columns)
            if row is not None:
                yield row
            elif given or not _has_times(table, rest):
                yield _Layout(columns)
            continue
        part = _ROW_PARTS[columns.part]
        time = _row_time(table, rest, part)
        if time:
            yield _Layout(columns, time)


def _of_numbers(table: Table, columns: TimeColumns, *, given: bool) -> TimeColumns:
    """The columns without a first one that holds text, such as V1 of M4; none if they do not hold numbers."""
    texts = [_looks_numeric(table, name) for name in (columns.names[0], *_spread(columns.names[1:]))]
    if columns.part == "count" and not texts[0] and all(texts[1:]):
        known = columns.known or table.text[columns.names[0]].is_unique
        return replace(columns, names=columns.names[1:], texts=columns.texts[1:], known=known)
    return columns if all(texts) or given else replace(columns, names=())


def _spread(names: Sequence[str]) -> list[str]:
    """A few of the names."""
    return list(names[:: max(1, len(names) // _SAMPLE)])


def _looks_numeric(table: Table, name: str) -> bool:
    """True for a column of numbers, flags or no fields."""
    filled = table.text[name].str.strip()
    filled = filled[~filled.str.match(r":?\s*[a-z]{0,3}$|[*.\-]+$")]
    return len(filled) == 0 or looks_like_numbers(filled)


def _has_times(table: Table, rest: Sequence[str]) -> bool:
    """True if a column of times is necessary to distinguish the rows."""
    times = [name for name in rest if _is_time_column(table, name)]
    labels = [name for name in rest if name not in times and not looks_like_numbers(table.text[name])]
    return bool(times) and (not labels or bool(table.text.duplicated(labels).any()))


def _is_time_column(table: Table, name: str) -> bool:
    """True for a column of times that are not integers, or of years."""
    text = table.text[name]
    return looks_like_times(text) and (not are_integers(text) or _are_years(text))


def _are_years(text: pd.Series) -> bool:
    return bool(text.str.fullmatch(r"\s*[12]\d{3}\s*").all())


def _row_time(table: Table, rest: Sequence[str], part: str) -> tuple[str, ...]:
    """Columns that complete the parts in the names: a `day`, `month` or `year` of each row; empty if there are none."""
    years = [name for name in rest if _are_years(table.text[name])][:1]
    if part == "year":
        return tuple(years)
    times = [name for name in rest if looks_like_times(table.text[name]) and name not in years]
    if times:
        return (times[0],)
    months = [name for name in rest if _are_months(name, table.text[name])][:1]
    days = [name for name in rest if _are_days(name, table.text[name])][:1]
    found = (*years, *months) if part == "month" else (*years, *months, *days)
    return found if len(found) == (2 if part == "month" else 3) else ()


def _are_days(name: str, text: pd.Series) -> bool:
    """True for days of a month under such a name."""
    distinct = pd.unique(text.str.strip())
    return bool(words(name) & PART_WORDS["day"]) and all(word.isdigit() and 1 <= int(word) <= 31 for word in distinct)


def _are_months(name: str, text: pd.Series) -> bool:
    """True for names of months, or their numbers under such a name."""
    distinct = [str(word).strip() for word in pd.unique(text)]
    if len(distinct) > 12:
        return False
    numbers = all(word.isdigit() and 1 <= int(word) <= 12 for word in distinct)
    return (numbers and bool(words(name) & PART_WORDS["month"])) or all(month_of(word) > 0 for word in distinct)


def _completing(table: Table, rest: Sequence[str], columns: TimeColumns) -> _Layout | None:
    """Layout of a table with months as rows below years, or hours as rows below days; None for another."""
    if columns.part != "time":
        return None
    if all(re.fullmatch(r"\d{4}", text) for text in columns.texts):
        months = next((name for name in rest if _are_months(name, table.text[name])), "")
        years = replace(columns, part="year", offsets=tuple(int(text) for text in columns.texts))
        return _Layout(years, (months,)) if months and table.text[months].nunique() > 1 else None
    hours = next((name for name in rest if _hour_minutes(name, table.text[name])), "")
    stamps = stamps_of(columns.texts) if hours else np.zeros(0, dtype=np.int64)
    if not hours or (stamps % DAY).any():
        return None
    return _Layout(replace(columns, part="date", offsets=tuple(stamps.tolist())), (hours,))


def _hour_minutes(name: str, text: pd.Series) -> dict[str, int]:
    """Minutes since midnight of each distinct field of a column of hours; empty for another column."""
    distinct = [str(word).strip() for word in pd.unique(text)]
    if not 12 <= len(distinct) <= 100:
        return {}
    if words(name) & PART_WORDS["hour"] and all(word.isdigit() for word in distinct):
        numbers = sorted(map(int, distinct))
        ending = numbers[0] == 1
        return {word: 60 * (int(word) - ending) for word in distinct} if numbers[-1] - ending < 24 else {}
    minutes = {word: minutes_of(word) for word in distinct}
    return {word: found for word, found in minutes.items() if found is not None} if None not in minutes.values() else {}


def _refuse_counts(table: Table, layout: _Layout) -> None:
    """Raise DataError for columns that may count steps, if the others identify the rows."""
    names = layout.columns.names
    rest = [str(name) for name in table.text.columns if name not in set(names)]
    labels = [name for name in rest if not looks_like_numbers(table.text[name])]
    if not labels or len(labels) < len(rest) or len(table.text[labels].drop_duplicates()) < len(table.text):
        return
    text = f"{table.source}: the columns {names[0]} to {names[-1]} may be the steps of the series in each row"
    fixes = (
        Fix(f"data.layout={WIDE_TIMES}", "read each row as a series"),
        Fix("data.target=*", "read each column as a series"),
    )
    raise DataError(Fault(text, FaultCode.LAYOUT_UNCLEAR, 0, names[0], fixes))


# --- long tables ---


def _melted(table: Table, layout: _Layout, options: ReadOptions) -> tuple[Table, ReadOptions]:
    """Convert a table to a long one with ids, a column of times and a column of values."""
    columns = layout.columns
    rest = [str(n) for n in table.text.columns if n not in {*columns.names, *layout.rows}]
    time_name, text = _time_name(rest, layout), table.text
    ids = _ids(text, rest, options, unless_repeated=list(layout.rows))
    if not ids and not layout.rows and len(text) > 1 and not rest:
        ids, text = ["row"], text.assign(row=[str(k + 1) for k in range(len(text))])
    value_name = next(name for name in (columns.value, "value", "value_2") if name and name not in ids)
    cells, flags = _without_flags(text[list(columns.names)])
    times, outside = _times(table, layout, options)
    kept = (cells != "") & ~outside
    kept |= ~kept.any(axis=1)[:, None] & ~outside
    row, _ = np.nonzero(kept)
    long = {name: text[name].to_numpy(dtype=object)[row] for name in ids}
    long |= {time_name: times[kept], value_name: cells[kept]}
    lost = int(((cells != "") & outside).sum())
    melted = replace(
        table,
        text=pd.DataFrame(long, dtype=str),
        lines=table.lines[row],
        notes=(*table.notes, *_notes(rest, ids, flags, lost)),
        inferred=(InferredSetting(SettingKey.LAYOUT, WIDE_TIMES, _reason(layout, options)),),
    )
    pinned = replace(
        options,
        time=time_name,
        id_columns=tuple(ids),
        target=(value_name,),
        time_format=_format(layout, options),
        layout=LONG,
    )
    return melted, pinned


def _format(layout: _Layout, options: ReadOptions) -> str | None:
    """Format of the times of a long table: that given for whole times; inferred for those that are put together."""
    return options.time_format if layout.columns.part == "time" else None


def _reason(layout: _Layout, options: ReadOptions) -> str:
    """Reason for the layout."""
    if options.layout == WIDE_TIMES:
        return "given"
    names = layout.columns.names
    what = {"time": "times", "count": "steps"}.get(layout.columns.part, f"{layout.columns.part}s")
    return f"{len(names)} columns are named by {what}: {names[0]} to {names[-1]}"


def _time_name(rest: Sequence[str], layout: _Layout) -> str:
    """Name of the time column: that of the dates of the rows, or `time`."""
    if len(layout.rows) == 1 and layout.columns.part in {"hour", "weekday"}:
        return layout.rows[0]
    return next(name for name in _TIME_NAMES if name not in rest)


def _ids(text: pd.DataFrame, rest: Sequence[str], options: ReadOptions, unless_repeated: list[str]) -> list[str]:
    """Id columns: given, or text before integers, as many as add to the distinct rows."""
    if options.id_columns:
        return [name for name in options.id_columns if name in rest]
    decimal = [name for name in rest if looks_like_numbers(text[name]) and not are_integers(text[name])]
    candidates = [name for name in rest if name not in decimal]
    whole = {name for name in candidates if are_integers(text[name])}
    candidates.sort(key=lambda name: name in whole)
    selected: list[str] = []
    distinct = len(text[unless_repeated].drop_duplicates()) if unless_repeated else 1
    for name in candidates:
        wider = len(text[[*unless_repeated, *selected, name]].drop_duplicates())
        if wider > distinct and (not selected or name not in whole or distinct < len(text)):
            selected.append(name)
            distinct = wider
    return [name for name in rest if name in selected]


def _without_flags(cells: pd.DataFrame) -> tuple[npt.NDArray[np.object_], int]:
    """[R, N] stripped cells without the flags of Eurostat, as in `12.3 p`, empty for `:`; the number of flags."""
    codes, distinct = pd.factorize(cells.to_numpy(dtype=object).ravel())
    stripped = pd.Series(distinct, dtype=str).str.strip()
    flagged = stripped.str.fullmatch(r"(?::|-?[0-9][0-9.,]*)\s+[a-z]{1,4}").to_numpy(dtype=bool)
    plain = stripped.where(~flagged, stripped.str.replace(r"\s+[a-z]+$", "", regex=True))
    known = np.asarray(plain.mask(plain.isin(_NO_VALUE), ""), dtype=object)
    return known[codes].reshape(cells.shape), int(flagged[codes].sum())


def _notes(rest: Sequence[str], ids: Sequence[str], flags: int, lost: int) -> Iterator[DataNote]:
    """Notes about what is left out."""
    if unused := [name for name in rest if name not in ids]:
        yield DataNote(NoteCode.UNUSED_COLUMNS, f"columns not used: {truncate_list(unused)}")
    if flags:
        yield DataNote(NoteCode.NUMBER_SIGNS, f"{pluralize(flags, 'flag')} behind values left out")
    if lost:
        yield DataNote(NoteCode.VALUES_OUTSIDE, f"{pluralize(lost, 'value')} at times behind the end of a day left out")


def _times(table: Table, layout: _Layout, options: ReadOptions) -> tuple[npt.NDArray[np.object_], Bools]:
    """[R, N] texts of the times of all cells, and true for cells behind the end of a day.

    Raises:
        DataError: the time of a row is none, or a cell with a value has a date that does not exist.
    """
    columns, rows = layout.columns, len(table.text)
    if columns.part in {"time", "count"}:
        return np.tile(np.array(columns.texts, dtype=object), (rows, 1)), np.zeros((rows, len(columns.names)), np.bool_)
    offsets = np.array(columns.offsets, dtype=np.int64)
    if columns.part in {"hour", "weekday"}:
        days = _row_stamps(table, layout, options)
        stamps = days[:, None] + (offsets if columns.part == "hour" else offsets * DAY)
        outside = (
            np.broadcast_to(offsets >= DAY, stamps.shape) if columns.part == "hour" else np.zeros_like(stamps, np.bool_)
        )
        return _written(stamps, "m" if columns.part == "hour" else "D"), outside
    return _calendar_times(table, layout, offsets, options)


def _calendar_times(
    table: Table, layout: _Layout, offsets: Ints, options: ReadOptions
) -> tuple[npt.NDArray[np.object_], Bools]:
    """[R, N] times of months, quarters, weeks and days, and true for days that their month does not have."""
    part = layout.columns.part
    if part == "date":
        minutes = _hour_minutes(layout.rows[0], table.text[layout.rows[0]])
        rows = np.array([minutes[str(word).strip()] for word in table.text[layout.rows[0]]], dtype=np.int64)
        stamps = rows[:, None] * (60 * SECOND) + offsets
        return _written(stamps, "m"), np.zeros(stamps.shape, np.bool_)
    if part == "year":
        months = np.array([_month_number(word) for word in table.text[layout.rows[0]]])
        counted = ((offsets[None, :] - 1970) * 12 + months[:, None] - 1).astype("datetime64[M]")
        return counted.astype(str).astype(object), np.zeros(counted.shape, np.bool_)
    if part == "day":
        months = _row_months(table, layout, options)
        days = months.astype("datetime64[D]")[:, None] + offsets
        outside = days.astype("datetime64[M]") != months[:, None]
        return days.astype(str).astype(object), outside
    years = table.text[layout.rows[0]].str.strip().to_numpy(dtype=object)
    number = [
        f"-{k + 1:02d}" if part == "month" else f"-Q{k + 1}" if part == "quarter" else f"-W{k + 1:02d}" for k in offsets
    ]
    texts = np.array([[year + written for written in number] for year in years], dtype=object)
    outside = np.zeros(texts.shape, np.bool_)
    if part == "week":
        outside[:, offsets == 52] = np.array([not _has_53_weeks(int(year)) for year in years])[:, None]
    return texts, outside


def _has_53_weeks(year: int) -> bool:
    """True if an ISO year has 53 weeks: its last Thursday is on December 31, or on December 30 of a leap year."""
    last = np.datetime64(f"{year}-12-31")
    weekday = int((last.astype(np.int64) + 3) % 7)  # Monday is 0
    leap = int((np.datetime64(f"{year + 1}-01-01") - np.datetime64(f"{year}-01-01")).astype(np.int64)) == 366
    return weekday == 3 or (leap and weekday == 4)


def _row_months(table: Table, layout: _Layout, options: ReadOptions) -> npt.NDArray[np.datetime64]:
    """[R] months of the rows."""
    if len(layout.rows) == 1:
        stamps = _row_stamps(table, layout, options).astype("datetime64[us]")
        return np.asarray(stamps, dtype="datetime64[M]")
    months = np.array([_month_number(word) for word in table.text[layout.rows[1]]])
    years = table.text[layout.rows[0]].astype(int).to_numpy()
    return np.asarray((years - 1970) * 12 + months - 1, dtype="datetime64[M]")


def _month_number(word: str) -> int:
    """Number of a month, by its name or number."""
    stripped = str(word).strip()
    return int(stripped) if stripped.isdigit() else month_of(stripped)


def _row_stamps(table: Table, layout: _Layout, options: ReadOptions) -> Ints:
    """[R] times of the rows; a given format is that of the rows or of the times that are put together."""
    name = layout.rows[0]
    if len(layout.rows) == 3:
        days = table.text[layout.rows[2]].astype(int).to_numpy() - 1
        stamps = (_row_months(table, layout, options).astype("datetime64[D]") + days).astype("datetime64[us]")
        return np.asarray(stamps.astype(np.int64), dtype=np.int64)
    for pattern in dict.fromkeys((options.time_format, None)):
        try:
            return parse_times(
                table.text[name], table.lines, column=name, source=table.source, time_format=pattern
            ).stamps
        except DataError:
            if pattern is None:
                raise
    raise AssertionError


def _written(stamps: Ints, unit: Literal["m", "D"]) -> npt.NDArray[np.object_]:
    """[R, N] texts of times, as `2024-01-31` or `2024-01-31 13:00`."""
    written = np.datetime_as_string(np.asarray(stamps, dtype="datetime64[us]"), unit=unit)
    return np.asarray(np.char.replace(written, "T", " "), dtype=object)
