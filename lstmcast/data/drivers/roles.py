"""Covariates that a file shows: columns with values after the last target value."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from lstmcast.data.column_hints import is_row_id
from lstmcast.data.drivers.ahead import horizon_ahead
from lstmcast.data.drivers.columns import MAX_EMPTY, MAX_LEVELS, Kind, kind_of
from lstmcast.data.drivers.future import time_column
from lstmcast.data.drivers.options import GIVEN, CovariateOptions
from lstmcast.data.numbers.fields import is_missing
from lstmcast.data.panel import Panel
from lstmcast.data.schema import Columns, DataNote, NoteCode, Table
from lstmcast.data.time.text.parts import join_columns
from lstmcast.data.time.text.recognition import looks_like_times
from lstmcast.errors import DataError, Fault, FaultCode
from lstmcast.text import pluralize, truncate_list
from lstmcast.types import Bools, Ints

MIN_AHEAD = 0.25  # of the default horizon
REASON = "has values after the last target value"


def rows_ahead(stamps: Ints, groups: Ints, observed: Bools | None) -> Bools | None:
    """[N] true for rows after the last target value of their series; None if there are none.

    Args:
        stamps: [N] times.
        groups: [N] index of the series; those without any value have no rows ahead.
        observed: [N] true for rows with a target value; None if all have one.
    """
    if observed is None:
        return None
    last = np.full(int(groups.max()) + 1, np.iinfo(np.int64).max)
    seen = np.unique(groups[observed])
    last[seen] = np.iinfo(np.int64).min
    np.maximum.at(last, groups[observed], stamps[observed])
    ahead = stamps > last[groups]
    return ahead if ahead.any() else None


def target_rows(
    stamps: Ints, groups: Ints, observed: Bools | None, ahead: Bools | None, section: CovariateOptions
) -> Bools | None:
    """[N] true for rows of the target: not ahead, and one for each series and time where rows are revised.

    Args:
        stamps: [N] times.
        groups: [N] index of the series.
        observed: [N] true for rows with a target value; None if all have one.
        ahead: [N] true for rows ahead; None if there are none.
        section: with pinned covariates.

    Returns:
        None for all rows. Of revised rows it is the last one with a value.
    """
    if not section.drivers:
        return None
    past = None if ahead is None else ~ahead
    if section.known_as_of is None:
        return past
    seen = np.ones(len(stamps), dtype=np.bool_) if observed is None else observed
    order = np.lexsort((seen, stamps, groups))
    is_last = np.append((np.diff(stamps[order]) != 0) | (np.diff(groups[order]) != 0), True)
    newest = np.zeros(len(stamps), dtype=np.bool_)
    newest[order[is_last]] = True
    return newest if past is None else newest & past


def propose_known(
    table: Table, columns: Columns, ahead: Bools | None, section: CovariateOptions
) -> CovariateOptions | None:
    """Settings that pin the columns with values in rows ahead [N] as known; None without such columns.

    Of a file of values ahead, they are those that the table has too, or else all.
    """
    if section.known is not None:
        return None
    taken = {columns.time, *columns.target, *columns.series, *section.columns}
    if section.future_table is not None:
        return _known_in_file(table, section.future_table, columns, taken, section)
    if ahead is None:
        return None
    free = [str(name) for name in table.text.columns if name not in taken]
    found = tuple(name for name in free if _is_known_ahead(table, name, ahead))
    if not found:
        return None
    reason = REASON if len(found) == 1 else REASON.replace("has", "have")
    return replace(section, known=found, reason=reason)


def _known_in_file(
    table: Table, future: Table, columns: Columns, taken: set[str | None], section: CovariateOptions
) -> CovariateOptions:
    """Settings that pin the columns of a file of values ahead as known."""
    times = {time_column(future, columns.time)} if columns.time is not None else set()
    names = [str(name) for name in join_columns(future.text, columns.time or "").columns]
    free = [name for name in names if name not in taken | times]
    common = [name for name in free if name in table.text and _may_explain(table.text[name], name)]
    found = tuple(common or [name for name in free if _may_explain(future.text[name], name)])
    if not found:
        text = f"{future.source}: no column with values ahead (columns: {truncate_list(names)})"
        raise DataError(Fault(text, FaultCode.COVARIATE_MISSING))
    return replace(section, known=found, reason=f"in {future.source}")


def refused_proposal(panel: Panel, section: CovariateOptions) -> DataNote | None:
    """Note about proposed columns that are known for too few steps ahead; None if they are known for enough."""
    steps = horizon_ahead(panel)
    if section.reason == GIVEN or section.future_table is not None or steps is None:
        return None
    default = panel.calendar.default_horizon
    if steps >= MIN_AHEAD * default:
        return None
    text = f"{truncate_list(list(section.pinned_known))}: values for {pluralize(steps, 'step')} after the last target "
    text += f"value, fewer than a quarter of the horizon ({default}): not used as covariates; --known uses them"
    return DataNote(NoteCode.FEW_AHEAD, text)


def _is_known_ahead(table: Table, name: str, ahead: Bools) -> bool:
    """True for a column that varies, has values in most rows ahead, and lacks few before them."""
    text = table.text[name]
    missing = is_missing(text)
    if missing[ahead].mean() > 0.5 or text.nunique() < 2 or not _may_explain(text, name):
        return False
    is_text = kind_of(text) is Kind.TEXT
    if is_text and not 2 <= text[~missing].nunique() <= min(MAX_LEVELS, len(text) // 4):
        return False
    return bool(missing[~ahead].mean() <= MAX_EMPTY)


def _may_explain(text: pd.Series, name: str) -> bool:
    """True for a column that neither counts nor identifies rows."""
    if name.lower() == "index" or is_row_id(text, name):
        return False
    return not looks_like_times(text) or bool(pd.to_numeric(text, errors="coerce").notna().any())
