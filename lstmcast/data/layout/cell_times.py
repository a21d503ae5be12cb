"""Times of the cells of a table on its side, from the names of the columns and the fields of the rows."""

from __future__ import annotations

from contextlib import suppress
from datetime import date
from functools import partial
from typing import Literal

import numpy as np
import numpy.typing as npt

from lstmcast.data.layout.wide_layout import WideLayout, hour_minutes
from lstmcast.data.schema import ReadOptions, Table
from lstmcast.data.time.text.column import parse_times
from lstmcast.data.time.text.names import month_of
from lstmcast.data.time.zones import DAY, SECOND
from lstmcast.errors import DataError
from lstmcast.types import Bools, Ints


def cell_times(table: Table, layout: WideLayout, options: ReadOptions) -> tuple[npt.NDArray[np.object_], Bools]:
    """[R, N] texts of the times of all cells, and true for cells behind the end of a day.

    Raises:
        DataError: the time of a row is none, or a cell with a value has a date that does not exist.
    """
    columns, rows = layout.columns, len(table.text)
    if columns.part in {"time", "count"}:
        return np.tile(np.array(columns.texts, dtype=object), (rows, 1)), np.zeros((rows, len(columns.names)), np.bool_)
    offsets = np.array(columns.offsets, dtype=np.int64)
    if columns.part == "weekday":
        stamps = _row_stamps(table, layout, options)[:, None] + offsets * DAY
        return _written(stamps, "D"), np.zeros(stamps.shape, np.bool_)
    if columns.part == "hour":
        stamps = _row_stamps(table, layout, options)[:, None] + offsets
        return _written(stamps, "m"), np.broadcast_to(offsets >= DAY, stamps.shape)
    return _calendar_times(table, layout, offsets, options)


def _calendar_times(
    table: Table, layout: WideLayout, offsets: Ints, options: ReadOptions
) -> tuple[npt.NDArray[np.object_], Bools]:
    """[R, N] times of months, quarters, weeks and days, and true for days that their month does not have."""
    part = layout.columns.part
    if part == "date":
        minutes = hour_minutes(layout.rows[0], table.text[layout.rows[0]])
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
    """True if an ISO year has 53 weeks; December 28 is always in its last week."""
    return date(year, 12, 28).isocalendar().week == 53


def _row_months(table: Table, layout: WideLayout, options: ReadOptions) -> npt.NDArray[np.datetime64]:
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


def _row_stamps(table: Table, layout: WideLayout, options: ReadOptions) -> Ints:
    """[R] times of the rows; a given format is that of the rows or of the times that are put together."""
    name = layout.rows[0]
    if len(layout.rows) == 3:
        days = table.text[layout.rows[2]].astype(int).to_numpy() - 1
        stamps = (_row_months(table, layout, options).astype("datetime64[D]") + days).astype("datetime64[us]")
        return np.asarray(stamps.astype(np.int64), dtype=np.int64)
    parse = partial(parse_times, table.text[name], table.lines, column=name, source=table.source)
    if options.time_format is not None:
        with suppress(DataError):
            return parse(time_format=options.time_format).stamps
    return parse().stamps


def _written(stamps: Ints, unit: Literal["m", "D"]) -> npt.NDArray[np.object_]:
    """[R, N] texts of times, as `2024-01-31` or `2024-01-31 13:00`."""
    written = np.datetime_as_string(np.asarray(stamps, dtype="datetime64[us]"), unit=unit)
    return np.asarray(np.char.replace(written, "T", " "), dtype=object)
