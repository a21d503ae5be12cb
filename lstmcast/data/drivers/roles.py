"""Covariates that a file shows: columns with values after the last target value."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lstmcast.data.column_hints import is_row_id
from lstmcast.data.drivers.columns import MAX_EMPTY, MAX_LEVELS, Kind, kind_of
from lstmcast.data.drivers.options import CovariateOptions
from lstmcast.data.numbers.fields import is_missing
from lstmcast.data.schema import Columns, Table
from lstmcast.types import Bools, Ints

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


def propose_known(
    table: Table, columns: Columns, ahead: Bools | None, section: CovariateOptions
) -> CovariateOptions | None:
    """Settings that pin the columns with values in rows ahead [N] as known; None without such columns."""
    if section.known is not None or ahead is None:
        return None
    taken = {columns.time, *columns.target, *columns.series, *section.columns}
    free = [str(name) for name in table.text.columns if name not in taken]
    found = tuple(name for name in free if _is_known_ahead(table, name, ahead))
    if not found:
        return None
    reason = REASON if len(found) == 1 else REASON.replace("has", "have")
    return replace(section, known=found, reason=reason)


def _is_known_ahead(table: Table, name: str, ahead: Bools) -> bool:
    """True for a column that varies, has values in most rows ahead, and lacks few before them."""
    text = table.text[name]
    missing = is_missing(text)
    if missing[ahead].mean() > 0.5 or text.nunique() < 2 or is_row_id(text, name):
        return False
    is_text = kind_of(text) is Kind.TEXT
    if is_text and not 2 <= text[~missing].nunique() <= min(MAX_LEVELS, len(text) // 4):
        return False
    return bool(missing[~ahead].mean() <= MAX_EMPTY)
