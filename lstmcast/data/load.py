"""A file → a Panel: the whole way of the data through this room."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lstmcast.data.calendar import Calendar, counter_calendar, infer_calendar
from lstmcast.data.columns import Choose, find_columns, find_numbers
from lstmcast.data.csv_reader import read_table, table_of_frame
from lstmcast.data.number_parser import looks_like_numbers, number_notes, parse_numbers, refuse_grouped
from lstmcast.data.panel import Panel, build_panel
from lstmcast.data.schema import Columns, InferredSetting, ReadOptions, Table
from lstmcast.data.series_columns import Holds, group_codes
from lstmcast.data.time_column import Times, parse_times
from lstmcast.errors import ConfigError, DataError
from lstmcast.types import Floats, Ints

if TYPE_CHECKING:
    import pandas as pd

INFER = ReadOptions()
OTHER_SIGN = {".": ",", ",": "."}  # the decimal sign, where this one groups thousands


@dataclass(frozen=True)
class ParsedTable:
    """The target's fields as numbers.

    Attributes:
        values: [N] of each target column; NaN where missing.
        symbols: [V] what the numbers 0 … V − 1 stand for; empty where they are numbers themselves.
        notes: what was handled.
    """

    values: Mapping[str, Floats]
    symbols: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class TargetParser:
    """What a target holds.

    Attributes:
        choose: finds the target among the columns that play no other part.
        parse: table, target columns and options to their values; raises DataError.
        holds: whether a column may be the target; one that may is left where others name the series.
    """

    choose: Choose
    parse: Callable[[Table, Sequence[str], ReadOptions], ParsedTable]
    holds: Holds = looks_like_numbers


def read(source: str | Path | pd.DataFrame, options: ReadOptions = INFER, content: TargetParser | None = None) -> Panel:
    """Read past values from a file or a DataFrame.

    Args:
        source: a CSV file, plain or packed, a Parquet file, `"-"` for stdin, or a pandas DataFrame.
        options: what the user pinned; everything else is inferred, with the reason in `inferred`.
        content: what its target holds; None: numbers.

    Returns:
        The series on one regular calendar. What was handled on the way is counted in `notes`.

    Raises:
        FileError: missing, not a regular file, unreadable.
        BusyError: the file changed while it was read.
        DataError: what cannot be read exactly; several faults come together.
        ConfigError: options that contradict each other.
    """
    table = read_text(source, options) if isinstance(source, str | Path) else table_of_frame(source)
    return to_panel(table, options, content)


def read_text(path: str | Path, options: ReadOptions = INFER) -> Table:
    """The file as text, whose signs and encoding the options may say; see `read`."""
    decimal = options.decimal or OTHER_SIGN.get(options.thousands or "")
    return read_table(path, delimiter=options.delimiter, encoding=options.encoding, decimal=decimal)


def to_panel(table: Table, options: ReadOptions = INFER, content: TargetParser | None = None) -> Panel:
    """A file that was read as text, as a panel; see `read`."""
    content = content or NUMBERS
    columns, inferred, notes = find_columns(table, options, content.choose, content.holds)
    groups = group_codes(table.text, columns.series)
    times, parsed = _parse(table, columns, groups, options, content)
    calendar, of_calendar = _calendar(table, columns, times, groups, options)
    return build_panel(
        table,
        columns,
        times,
        parsed.values,
        calendar,
        symbols=parsed.symbols,
        missing=options.missing,
        duplicates=options.duplicates,
        inferred=(*inferred, *(times.inferred if times else ()), *of_calendar),
        notes=(*table.notes, *notes, *(times.notes if times else ()), *parsed.notes),
    )


def _parse(
    table: Table, columns: Columns, groups: Ints, options: ReadOptions, content: TargetParser
) -> tuple[Times | None, ParsedTable]:
    """Times and values; the faults of all columns are told together."""
    faults: list[str] = []
    times: Times | None = None
    parsed = ParsedTable({})
    with _collected(faults):
        times = _times(table, columns.time, groups, options)
    with _collected(faults):
        parsed = content.parse(table, columns.target, options)
    if faults:
        raise DataError(faults)
    return times, parsed


def _numbers(table: Table, names: Sequence[str], options: ReadOptions) -> ParsedTable:
    """The target columns as numbers; the faults of all are told together."""
    faults: list[str] = []
    values: dict[str, Floats] = {}
    notes: list[str] = []
    for name in names:
        with _collected(faults):
            values[name] = parse_numbers(
                table.text[name],
                table.lines,
                column=name,
                source=table.source,
                decimal=table.decimal,
                thousands=options.thousands,
            )
            if options.decimal is None and options.thousands is None and table.decimal == ".":
                refuse_grouped(table.text[name], values[name], table.lines, column=name, source=table.source)
            notes += number_notes(table.text[name], values[name], column=name)
    if faults:
        raise DataError(faults)
    return ParsedTable(values, notes=tuple(notes))


NUMBERS = TargetParser(find_numbers, _numbers)


@contextmanager
def _collected(faults: list[str]) -> Iterator[None]:
    """Keeps the faults of the data, so that the next column is looked at too."""
    try:
        yield
    except DataError as err:
        faults.extend(err.faults)


def _times(table: Table, column: str | None, groups: Ints, options: ReadOptions) -> Times | None:
    """The time column's stamps; None where rows are counted."""
    if column is None:
        return None
    return parse_times(
        table.text[column],
        table.lines,
        column=column,
        source=table.source,
        time_format=options.time_format,
        timezone=options.timezone,
        groups=groups,
    )


def _calendar(
    table: Table, columns: Columns, times: Times | None, groups: Ints, options: ReadOptions
) -> tuple[Calendar, tuple[InferredSetting, ...]]:
    """The grid the series live on."""
    if columns.time is None or times is None:
        if given := [key for key in ("frequency", "time_format", "timezone") if getattr(options, key) is not None]:
            raise ConfigError(f"data.{given[0]} needs a time column, and none was found; name it with data.time")
        return counter_calendar(options.season_length)
    return infer_calendar(
        times,
        groups,
        table.lines,
        column=columns.time,
        source=table.source,
        frequency=options.frequency,
        season=options.season_length,
    )
