"""Tables on their side, whose column names are times: `1990, 1991, …`, `d_1, d_2, …`, months in a row for each year.

Such a table becomes a long one with a column of times and a column of values.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from lstmcast.data.column_hints import EVERY, are_integers, quote_value
from lstmcast.data.layout.cell_times import cell_times
from lstmcast.data.layout.wide_layout import WideLayout, find_layouts
from lstmcast.data.numbers.fields import looks_like_numbers
from lstmcast.data.schema import DataNote, InferredSetting, NoteCode, ReadOptions, SettingKey, Table
from lstmcast.errors import DataError, Fault, FaultCode, Fix
from lstmcast.text import pluralize, truncate_list

LONG, WIDE, WIDE_TIMES = "long", "wide", "wide-times"

_TIME_NAMES = ("time", "time_2")
_NO_VALUE = (":", "..", "***")


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
    found = (layout for layout in find_layouts(table, names, given=given) if given or _allows(options.time, layout))
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


def _allows(time: str | None, layout: WideLayout) -> bool:
    """True if a pinned time column is none of the other columns of the table."""
    return time in {None, *layout.rows, *_TIME_NAMES}


def _selected(table: Table, found: Sequence[WideLayout], options: ReadOptions) -> WideLayout:
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


def _refuse_counts(table: Table, layout: WideLayout) -> None:
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


def _melted(table: Table, layout: WideLayout, options: ReadOptions) -> tuple[Table, ReadOptions]:
    """Convert a table to a long one with ids, a column of times and a column of values."""
    columns = layout.columns
    rest = [str(n) for n in table.text.columns if n not in {*columns.names, *layout.rows}]
    time_name, text = _time_name(rest, layout), table.text
    ids = _ids(text, rest, options, unless_repeated=list(layout.rows))
    if not ids and not layout.rows and len(text) > 1 and not rest:
        ids, text = ["row"], text.assign(row=[str(k + 1) for k in range(len(text))])
    value_name = next(name for name in (columns.value, "value", "value_2") if name and name not in ids)
    cells, flags = _without_flags(text[list(columns.names)])
    times, outside = cell_times(table, layout, options)
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


def _format(layout: WideLayout, options: ReadOptions) -> str | None:
    """Format of the times of a long table: that given for whole times; inferred for those that are put together."""
    return options.time_format if layout.columns.part == "time" else None


def _reason(layout: WideLayout, options: ReadOptions) -> str:
    """Reason for the layout."""
    if options.layout == WIDE_TIMES:
        return "given"
    names = layout.columns.names
    what = {"time": "times", "count": "steps"}.get(layout.columns.part, f"{layout.columns.part}s")
    return f"{len(names)} columns are named by {what}: {names[0]} to {names[-1]}"


def _time_name(rest: Sequence[str], layout: WideLayout) -> str:
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
