"""Several rows of one series and step: ways to aggregate them, and settings that resolve a repeated time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations

import numpy as np

from lstmcast.data.column_hints import are_integers, holds_records, is_row_id, setting_of
from lstmcast.data.numbers.fields import looks_like_numbers
from lstmcast.data.schema import Columns, InferredSetting, ReadOptions, SettingKey, Table
from lstmcast.data.series_columns import MAX_CANDIDATES, find_series, group_codes
from lstmcast.data.time.frequency import HOUR, WEEK
from lstmcast.data.time.zones import DAY
from lstmcast.errors import DataError, FaultCode, Fix
from lstmcast.types import Ints

AGGREGATES = ("error", "sum", "mean", "count", "last")
COUNT = "count"
EVENT_STEPS = (("h", HOUR), ("D", DAY), ("W", WEEK), ("MS", 30 * DAY))  # of counted events, and their lengths
MAX_CORRECTED = 0.05  # fraction of rows with the time of another, where these are corrections
MIN_BUSY_STEPS = 0.5  # fraction of steps with an event, at the step that is chosen


def count_column(names: list[str]) -> str:
    """Return the name of the target of counted rows: `count`, or `rows` where a column has that name."""
    return COUNT if COUNT not in names else "rows"


def event_frequency(stamps: Ints) -> InferredSetting:
    """Choose the step of counted events at the times [N]: the finest with an event in half of the steps."""
    span = int(stamps.max() - stamps.min())
    for name, length in EVENT_STEPS:
        busy = len(np.unique(stamps // length)) / (span // length + 1)
        if busy >= MIN_BUSY_STEPS:
            return InferredSetting(SettingKey.FREQUENCY, name, f"{busy:.0%} of the steps have a row")
    return InferredSetting(SettingKey.FREQUENCY, "MS", "rows are rare")


def is_irregular(err: DataError) -> bool:
    """True if the times have no frequency, as those of records."""
    return any(fault.code is FaultCode.IRREGULAR_TIMES for fault in err.faults)


def propose_sum(err: DataError, table: Table, options: ReadOptions) -> DataError:
    """Add the sum of records as the first setting for irregular times."""
    if not is_irregular(err) or options.aggregate != "error" or not holds_records(table.text):
        return err
    fix = Fix("data.aggregate=sum", "add up the rows of each step")
    return DataError([replace(fault, fixes=(fix, *fault.fixes)) for fault in err.faults])


def repeated_row_fixes(table: Table, columns: Columns, options: ReadOptions) -> tuple[Fix, ...]:
    """Return settings for rows that repeat series and time, the one that loses the least first."""
    names = [str(name) for name in table.text.columns]
    time = columns.time or ""
    inferred = [] if options.id_columns else _ids(table, columns)
    ids = [Fix(f"data.id_columns={setting_of(found)}", f"read {_shown(found)} as series") for found in inferred]
    rows = table.text[table.text.duplicated([time, *columns.series], keep=False)]
    if rows.duplicated(keep=False).all():
        return (*ids, Fix("data.aggregate=last", "use one of each of the equal rows"))
    pinned = replace(options, target=columns.target, aggregate="sum")
    series = columns.series or find_series(table, names, pinned, time).names
    each = f"each {_shown((*series, time))}"
    if not all(looks_like_numbers(table.text[name]) for name in columns.target):
        return (*ids, Fix("data.aggregate=last", f"use the last row of {each}"))
    total = Fix("data.aggregate=sum", f"add up the rows of {each}")
    mean = Fix("data.aggregate=mean", f"use the mean of the rows of {each}")
    are_corrections = len(rows) <= MAX_CORRECTED * len(table.text)
    return (*ids, mean, total) if are_corrections else (*ids, total, mean)


def _ids(table: Table, columns: Columns) -> Iterator[tuple[str, ...]]:
    """Yield id columns that are not recognized by name or length, but distinguish the rows: the first such set."""
    used = {columns.time, *columns.target, *columns.series}
    free = [str(name) for name in table.text.columns if name not in used]
    free = [name for name in free if not _is_value(table, name)][:MAX_CANDIDATES]
    stamps = table.text[columns.time]
    for size in (1, 2):
        for found in combinations(free, size):
            group = group_codes(table.text, (*columns.series, *found))
            rows = np.unique(np.stack([group, stamps.factorize()[0]]), axis=1).shape[1]
            if rows == len(group) > group.max() + 1 > 1:
                yield (*columns.series, *found)
                return


def _is_value(table: Table, name: str) -> bool:
    text = table.text[name]
    return (looks_like_numbers(text) and not are_integers(text)) or is_row_id(text, name)


def _shown(names: tuple[str, ...]) -> str:
    """Format names in a sentence: `store, item and date`."""
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
