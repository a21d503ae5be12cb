"""A file → a Panel: the whole way of the data through this room."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lstmcast.data.calendar import Calendar, counter_calendar, infer_calendar
from lstmcast.data.columns import find_columns
from lstmcast.data.keys import group_codes
from lstmcast.data.numbers import number_notes, parse_numbers
from lstmcast.data.panel import Panel, build_panel
from lstmcast.data.reader import read_table
from lstmcast.data.records import Columns, Finding, Floats, Ints, ReadOptions, Table
from lstmcast.data.times import Times, parse_times
from lstmcast.errors import ConfigError, DataError

INFER = ReadOptions()


def read(path: str | Path, options: ReadOptions = INFER) -> Panel:
    """Reads a file of past values.

    Args:
        path: a CSV file, plain or packed, a Parquet file, or `"-"` for stdin.
        options: what the user pinned; everything else is inferred, with the reason in `findings`.

    Returns:
        The series on one regular calendar. What was handled on the way is counted in `notes`.

    Raises:
        FileError: missing, not a regular file, unreadable.
        BusyError: the file changed while it was read.
        DataError: what cannot be read exactly; several faults come together.
        ConfigError: options that contradict each other.
    """
    return to_panel(read_text(path, options), options)


def read_text(path: str | Path, options: ReadOptions = INFER) -> Table:
    """The file as text, whose signs and encoding the options may say; see `read`."""
    return read_table(path, delimiter=options.delimiter, encoding=options.encoding, decimal=options.decimal)


def to_panel(table: Table, options: ReadOptions = INFER) -> Panel:
    """A file that was read as text, as a panel; see `read`."""
    columns, findings, notes = find_columns(table, options)
    groups = group_codes(table.text, columns.series)
    times, values = _parse(table, columns, groups, options)
    calendar, inferred = _calendar(table, columns, times, groups, options)
    rounded = [note for name in columns.target for note in number_notes(table.text[name], values[name], column=name)]
    return build_panel(
        table,
        columns,
        times,
        values,
        calendar,
        missing=options.missing,
        duplicates=options.duplicates,
        findings=(*findings, *(times.findings if times else ()), *inferred),
        notes=(*table.notes, *notes, *(times.notes if times else ()), *rounded),
    )


def _parse(
    table: Table, columns: Columns, groups: Ints, options: ReadOptions
) -> tuple[Times | None, dict[str, Floats]]:
    """Times and values; the faults of all columns are told together."""
    faults: list[str] = []
    times: Times | None = None
    values: dict[str, Floats] = {}
    with _collected(faults):
        times = _times(table, columns.time, groups, options)
    for name in columns.target:
        with _collected(faults):
            values[name] = parse_numbers(
                table.text[name],
                table.lines,
                column=name,
                source=table.source,
                decimal=table.decimal,
                thousands=options.thousands,
            )
    if faults:
        raise DataError(faults)
    return times, values


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
        format=options.format,
        timezone=options.timezone,
        groups=groups,
    )


def _calendar(
    table: Table, columns: Columns, times: Times | None, groups: Ints, options: ReadOptions
) -> tuple[Calendar, tuple[Finding, ...]]:
    """The grid the series live on."""
    if columns.time is None or times is None:
        if options.frequency is not None:
            raise ConfigError("data.frequency needs a time column, and none was found; name it with data.time")
        return counter_calendar(options.season)
    return infer_calendar(
        times,
        groups,
        table.lines,
        column=columns.time,
        source=table.source,
        frequency=options.frequency,
        season=options.season,
    )
