"""Reading of a file into a panel."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lstmcast.clock import reading_time
from lstmcast.data.aggregation import COUNT, event_frequency, is_irregular, propose_sum, repeated_row_fixes
from lstmcast.data.columns import Choose, find_columns, find_numbers, without_used
from lstmcast.data.drivers.reading import with_covariates
from lstmcast.data.drivers.roles import propose_known, refused_proposal, rows_ahead, target_rows
from lstmcast.data.file.csv_reader import read_table, table_of_frame
from lstmcast.data.layout.merged_cells import fill_merged
from lstmcast.data.layout.wide_times import to_long
from lstmcast.data.numbers.columns import parse_number_column
from lstmcast.data.numbers.fields import looks_like_numbers
from lstmcast.data.numbers.missing_marks import KEEP, blank_marks, join_marks, refuse_marks
from lstmcast.data.numbers.separators import infer_number_format
from lstmcast.data.panel import Panel
from lstmcast.data.panel_builder import build_panel, row_numbers
from lstmcast.data.schema import Columns, DataNote, InferredSetting, ReadOptions, SettingKey, Table
from lstmcast.data.series_columns import Holds, group_codes
from lstmcast.data.time.calendar import Calendar
from lstmcast.data.time.calendar_inference import counter_calendar, infer_calendar
from lstmcast.data.time.closed import AUTO, NONE
from lstmcast.data.time.seasons import infer_season
from lstmcast.data.time.text.column import Times, parse_times
from lstmcast.data.time.text.parts import time_settings, with_joined_time
from lstmcast.data.time.unfinished import unfinished_note, unfinished_rows
from lstmcast.errors import ConfigError, DataError, Fault
from lstmcast.types import Bools, Floats, Ints

if TYPE_CHECKING:
    import pandas as pd

INFER = ReadOptions()


@dataclass(frozen=True)
class ParsedTable:
    """Values [N] of each target column, NaN where missing; the symbols [V] of codes 0 … V − 1, if any; notes."""

    values: Mapping[str, Floats]
    symbols: tuple[str, ...] = ()
    notes: tuple[DataNote, ...] = ()


@dataclass(frozen=True)
class TargetParser:
    """Parser of one type of target.

    Attributes:
        choose: selects the target among the columns without a role.
        parse: converts the target columns of a table to values; raises DataError.
        holds: true for columns that may be a target; one of them must remain when id columns are inferred.
    """

    choose: Choose
    parse: Callable[[Table, Sequence[str], ReadOptions], ParsedTable]
    holds: Holds = looks_like_numbers


def read(source: str | Path | pd.DataFrame, options: ReadOptions = INFER, content: TargetParser | None = None) -> Panel:
    """Read past values from a file or a DataFrame.

    Args:
        source: a CSV file, plain or compressed, a Parquet file, an Excel workbook, `"-"` for stdin, or a DataFrame.
        options: pinned settings; all others are inferred.
        content: the parser of the target; None for numbers.

    Raises:
        FileError: missing, not a regular file, unreadable.
        BusyError: the file changed while it was read.
        DataError: content that cannot be read exactly, with all faults.
        ConfigError: options that contradict each other.
    """
    if options.covariates.holidays and options.covariates.dates is None:
        from lstmcast.data.drivers.panel_holidays import check_holidays

        check_holidays(options.covariates.holidays)
    table = _read_file(source, options) if isinstance(source, str | Path) else table_of_frame(source)
    table, options = to_long(table, options)
    table = _prepared(table, options)
    return to_panel(table, _with_future(options), content)


def _with_future(options: ReadOptions) -> ReadOptions:
    """Read the file of values ahead, if one is named."""
    section, source = options.covariates, options.covariates.future
    if source is None:
        return options
    table = read_table(source) if isinstance(source, str | Path) else table_of_frame(source)
    table = infer_number_format(blank_marks(table, options.missing_marks), None, None)
    return replace(options, covariates=replace(section, future_table=table))


def read_text(path: str | Path, options: ReadOptions = INFER) -> Table:
    """Read a file as text; see `read`."""
    return _prepared(_read_file(path, options), options)


def _read_file(path: str | Path, options: ReadOptions) -> Table:
    """Read a file as it is."""
    return read_table(
        path,
        delimiter=options.delimiter,
        encoding=options.encoding,
        skip=options.skip,
        sheet=options.sheet,
        header=options.header,
    )


def _prepared(table: Table, options: ReadOptions) -> Table:
    """Infer the number format of a table and empty its marks of missing values."""
    marked = blank_marks(table, options.missing_marks)
    return infer_number_format(marked, options.decimal, options.thousands)


def to_panel(table: Table, options: ReadOptions = INFER, content: TargetParser | None = None) -> Panel:
    """Convert a table of text to a panel; see `read`."""
    content = content or NUMBERS
    if options.aggregate == COUNT and content is not NUMBERS:
        raise ConfigError("data.aggregate: count makes numbers of rows; this task needs a column")
    given, filled = options, fill_merged(table)
    table, options, parts = with_joined_time(filled, options)
    columns, inferred, notes = find_columns(table, options, content.choose, content.holds)
    if table.inferred:  # by the layout
        inferred = tuple(replace(setting, reason="by the layout") for setting in inferred)
    groups = group_codes(table.text, columns.series)
    times, parsed = _parse(table, columns, groups, options, content)
    observed, stamps = _observed(parsed), times.stamps if times else row_numbers(groups)
    ahead = rows_ahead(stamps, groups, observed) if content is NUMBERS else None
    if content is NUMBERS and (proposed := propose_known(table, columns, ahead, options.covariates)) is not None:
        given, options = (replace(pinned, covariates=proposed) for pinned in (given, options))
        notes = without_used(notes, table, columns, proposed.drivers)
    calendar, of_calendar = _calendar(table, columns, times, groups, options, observed)
    if times and options.unfinished == "drop":
        now = reading_time()
        rows = unfinished_rows(calendar, stamps, groups, observed, now, options.timezone)
        if rows is not None:
            note = unfinished_note(calendar, stamps[rows], groups[rows], now, options.timezone)
            blank = columns.target if options.covariates.drivers else ()
            return to_panel(_without(filled, rows, note, blank), replace(given, unfinished="keep"), content)
    settings = (*table.inferred, *inferred, *(times.inferred if times else ()), *of_calendar)
    reasons = time_settings(parts, given) if parts else {}
    is_target = target_rows(stamps, groups, observed, ahead, options.covariates)
    past, past_times, values = _rows(table, times, parsed, is_target)
    panel = build_panel(
        past,
        columns,
        past_times,
        values,
        calendar,
        symbols=parsed.symbols,
        missing=options.missing,
        aggregate=options.aggregate,
        own_closed=options.closed == AUTO,
        declared=any(mark != KEEP and not mark.startswith("<") for mark in options.missing_marks),
        repeat_fixes=lambda: repeated_row_fixes(table, columns, options),
        inferred=tuple(replace(setting, reason=reasons.get(setting.key, setting.reason)) for setting in settings),
        notes=(*table.notes, *notes, *parsed.notes),
    )
    if panel.symbols:
        return panel
    panel = _with_seasons(replace(panel, reads_calendar=options.covariates.calendar == "auto"), options.season_length)
    if options.covariates.holidays:
        from lstmcast.data.drivers.panel_holidays import with_holidays

        panel = with_holidays(panel, options.covariates)
    if not options.covariates.drivers:
        return panel
    panel = with_covariates(replace(panel, n_rows=len(table.text)), table, groups, stamps, options)
    if (refused := refused_proposal(panel, options.covariates)) is None:
        return panel
    unused = replace(given, covariates=options.covariates.without_proposed())
    return to_panel(replace(filled, notes=(*filled.notes, refused)), unused, content)


def _rows(
    table: Table, times: Times | None, parsed: ParsedTable, past: Bools | None
) -> tuple[Table, Times | None, Mapping[str, Floats]]:
    """Rows that are true in [N]: as text, times, and values of the target columns; None for all."""
    if past is None:
        return table, times, parsed.values
    text = table.text.loc[past].reset_index(drop=True)
    values = {name: values[past] for name, values in parsed.values.items()}
    return (
        replace(table, text=text, lines=table.lines[past]),
        times and replace(times, stamps=times.stamps[past]),
        values,
    )


def _without(table: Table, rows: Bools, note: DataNote, blank: Sequence[str] = ()) -> Table:
    """Leave out rows [N] of a table, or only their fields in the columns `blank`, and add a note."""
    if blank:
        text = table.text.copy(deep=False)
        for name in blank:
            text[name] = text[name].where(~rows, "")
        return replace(table, text=text, notes=(*table.notes, note))
    text = table.text.loc[~rows].reset_index(drop=True)
    return replace(table, text=text, lines=table.lines[~rows], notes=(*table.notes, note))


def _with_seasons(panel: Panel, pinned: int | None) -> Panel:
    """Find the seasons that the values show; see `infer_season`."""
    settings = {setting.key: setting for setting in panel.inferred}
    given = settings.get(SettingKey.SEASON_LENGTH)
    series = (panel.series(k) for k in range(panel.n_series))
    calendar, found = infer_season(panel.calendar, given, series, is_given=pinned is not None)
    return replace(panel, calendar=calendar, inferred=tuple((settings | {found.key: found}).values()))


def _parse(
    table: Table, columns: Columns, groups: Ints, options: ReadOptions, content: TargetParser
) -> tuple[Times | None, ParsedTable]:
    """Parse times and values; raises the faults of all columns together."""
    faults: list[Fault] = []
    times: Times | None = None
    parsed = ParsedTable({})
    with _collected(faults):
        times = _times(table, columns.time, groups, options)
    with _collected(faults):
        counted = options.aggregate == COUNT
        parsed = _counted(table, columns) if counted else content.parse(table, columns.target, options)
    for name, values in parsed.values.items() if not parsed.symbols else ():
        with _collected(faults):
            refuse_marks(values, groups, table.lines, column=name, source=table.source, marks=options.missing_marks)
    if faults:
        raise DataError(faults)
    return times, parsed


def _counted(table: Table, columns: Columns) -> ParsedTable:
    """Return 1 for each row, as the target of counted rows."""
    return ParsedTable({columns.target[0]: np.ones(len(table.text))})


def _numbers(table: Table, names: Sequence[str], options: ReadOptions) -> ParsedTable:
    """Parse target columns as numbers; raises the faults of all columns together."""
    faults: list[Fault] = []
    values: dict[str, Floats] = {}
    notes: list[DataNote] = []
    for name in names:
        with _collected(faults):
            values[name], found = parse_number_column(table, name, options)
            notes += found
    if faults:
        raise DataError(join_marks(faults, options.missing_marks))
    return ParsedTable(values, notes=tuple(notes))


NUMBERS = TargetParser(find_numbers, _numbers)


@contextmanager
def _collected(faults: list[Fault]) -> Iterator[None]:
    """Collect the faults of a column, so that the next column is parsed too."""
    try:
        yield
    except DataError as err:
        faults.extend(err.faults)


def _times(table: Table, column: str | None, groups: Ints, options: ReadOptions) -> Times | None:
    """Parse the time column; None if rows are counted."""
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


def _observed(parsed: ParsedTable) -> Bools | None:
    """[N] true for rows with a value in any target column; None if all rows have one."""
    observed = np.logical_or.reduce([~np.isnan(column) for column in parsed.values.values()])
    return None if observed.all() else observed


def _calendar(
    table: Table,
    columns: Columns,
    times: Times | None,
    groups: Ints,
    options: ReadOptions,
    observed: Bools | None,
) -> tuple[Calendar, tuple[InferredSetting, ...]]:
    """Infer the calendar of the series."""
    if columns.time is None or times is None:
        if given := [key for key in ("frequency", "time_format", "timezone") if getattr(options, key) is not None]:
            raise ConfigError(f"data.{given[0]} requires a time column, and none was found; name it with data.time")
        if options.closed not in {AUTO, NONE}:
            raise ConfigError("data.closed requires a time column, and none was found; name it with data.time")
        return counter_calendar(options.season_length)
    infer = partial(
        infer_calendar,
        times,
        groups,
        table.lines,
        column=columns.time,
        source=table.source,
        season=options.season_length,
        observed=observed,
        is_format_pinned=options.time_format is not None,
    )
    if options.aggregate != COUNT or options.frequency is not None:
        closed = NONE if options.closed == AUTO and options.aggregate == COUNT else options.closed
        try:
            return infer(frequency=options.frequency, closed=closed)
        except DataError as err:
            if options.aggregate != "sum" or not is_irregular(err):
                raise propose_sum(err, table, options) from err
    step = event_frequency(times.stamps)
    calendar, inferred = infer(frequency=step.value, closed=NONE if options.closed == AUTO else options.closed)
    kept = (setting for setting in inferred if setting.key != SettingKey.CLOSED or options.closed != AUTO)
    return calendar, tuple(step if setting.key == step.key else setting for setting in kept)
