"""Rows of covariates on the calendar of a panel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from lstmcast.data.panel import Panel, offsets_of
from lstmcast.data.schema import Table
from lstmcast.data.series_columns import group_codes
from lstmcast.data.time.calendar import Calendar
from lstmcast.data.time.zones import from_wall, to_wall
from lstmcast.errors import DataError
from lstmcast.types import Bools, Floats, Ints

_MAX_STEPS = 10_000_000  # beyond twenty times the number of rows


@dataclass(frozen=True)
class PlacedRows:
    """N rows with their index of block and step; rows of no series and of closed steps are left out.

    Attributes:
        rows: [N] row of the file.
        blocks: [N] index of the block.
        positions: [N] calendar position.
        known_at: [N] calendar position at which the row was known; None: when its step came.
    """

    rows: Ints
    blocks: Ints
    positions: Ints
    known_at: Ints | None = None


@dataclass(frozen=True)
class Blocks:
    """G blocks of M steps: one for each group of series with equal ids.

    Attributes:
        panel: the series.
        of_series: [S] block of each series.
        offsets: [G+1] block g has the steps `offsets[g]` to `offsets[g+1]`.
        starts: [G] first calendar position.
        owner: [M] block of each step.
        positions: [M] calendar position of each step.
        last: [G] calendar position of the last value of the series of each block.
        is_past: [M] true from the first to the last value of the series of a block.
    """

    panel: Panel
    of_series: Ints
    offsets: Ints
    starts: Ints
    owner: Ints = field(init=False)
    positions: Ints = field(init=False)
    last: Ints = field(init=False)
    is_past: Bools = field(init=False)

    def __post_init__(self) -> None:
        """Compute the arrays of steps."""
        owner = np.repeat(np.arange(len(self.starts)), np.diff(self.offsets))
        positions = np.arange(self.offsets[-1]) + (self.starts - self.offsets[:-1])[owner]
        first, last = extents(self.panel, self.of_series, len(self.starts))
        object.__setattr__(self, "owner", owner)
        object.__setattr__(self, "positions", positions)
        object.__setattr__(self, "last", last)
        object.__setattr__(self, "is_past", (positions >= first[owner]) & (positions <= last[owner]))

    @classmethod
    def of(cls, panel: Panel, of_series: Ints, sources: Sequence[PlacedRows], source: str) -> Blocks:
        """Blocks from the first to the last step or row; raises DataError for far too many steps."""
        starts, ends = extents(panel, of_series, int(of_series.max()) + 1)
        for placed in sources:
            np.minimum.at(starts, placed.blocks, placed.positions)
            np.maximum.at(ends, placed.blocks, placed.positions)
        lengths = ends - starts + 1
        n_rows = sum(len(placed.rows) for placed in sources)
        if lengths.sum() > 20 * n_rows + _MAX_STEPS:
            raise DataError(f"{source}: rows ahead reach too far ({lengths.sum():,} steps); cut the file")
        return cls(panel, of_series, offsets_of(lengths), starts)

    @property
    def skipped(self) -> Bools:
        """[M] true for steps that clocks skip, and for those in which a series of a block is closed."""
        calendar = self.panel.calendar
        found: Bools = np.asarray(calendar.occurrences(self.positions) == 0, dtype=np.bool_)
        ticks = calendar.ticks(self.positions)
        masks = {int(self.of_series[k]): mask for k, mask in enumerate(self.panel.closed)}
        for block, mask in masks.items():
            own = slice(*self.offsets[block : block + 2].tolist())
            if mask is not None:
                found[own] |= ~mask.contains(ticks[own])
        return found

    def index(self, placed: PlacedRows) -> Ints:
        """[N] step of each row."""
        return np.asarray(self.offsets[placed.blocks] + placed.positions - self.starts[placed.blocks], dtype=np.int64)

    def dense(self, placed: PlacedRows, values: Floats, how: str) -> Floats:
        """[M, k] values of the rows of a file [N, k]: the mean of rows of one step, or the last; NaN for none."""
        index, M = self.index(placed), int(self.offsets[-1])
        found = np.full((M, values.shape[1]), np.nan)
        for k, column in enumerate(values[placed.rows].T):
            there = ~np.isnan(column)
            if how == "last":
                found[index[there], k] = column[there]
                continue
            counts = np.bincount(index[there], minlength=M)
            totals = np.bincount(index[there], column[there], minlength=M)
            np.divide(totals, counts, out=found[:, k], where=counts > 0)
        return found


def extents(panel: Panel, of_series: Ints, count: int) -> tuple[Ints, Ints]:
    """[G] first and last calendar position of the series of each block."""
    first, last = np.full(count, np.iinfo(np.int64).max), np.full(count, np.iinfo(np.int64).min)
    np.minimum.at(first, of_series, panel.starts)
    np.maximum.at(last, of_series, panel.ends)
    return first, last


def blocks_of_series(panel: Panel) -> tuple[list[tuple[str, ...]], Ints]:
    """G distinct ids of the series, and the block [S] of each series."""
    n = len(panel.columns.series)
    number: dict[tuple[str, ...], int] = {}
    found = [number.setdefault(key[:n], len(number)) for key in panel.keys]
    return list(number), np.array(found, dtype=np.int64)


def block_rows(table: Table, panel: Panel, keys: Sequence[tuple[str, ...]]) -> list[Ints]:
    """Rows of a table for each block: those with its ids, in the columns of ids that the table has."""
    ids = [k for k, name in enumerate(panel.columns.series) if name in table.text]
    names = tuple(panel.columns.series[k] for k in ids)
    groups = group_codes(table.text, names)
    _, first = np.unique(groups, return_index=True)
    texts = [tuple(key) for key in table.text[list(names)].iloc[first].itertuples(index=False)] if names else [()]
    by_key = {key: group for group, key in enumerate(texts)}
    order = np.argsort(groups, kind="stable")
    bounds = np.searchsorted(groups[order], np.arange(len(texts) + 1))
    found = [by_key.get(tuple(key[k] for k in ids), -1) for key in keys]
    nothing = np.empty(0, dtype=np.int64)
    return [nothing if group < 0 else order[bounds[group] : bounds[group + 1]] for group in found]


def on_clock(stamps: Ints, zone: str | None, calendar: Calendar) -> Ints:
    """[N] times of a zone, or without one, as a calendar counts them."""
    if calendar.timezone is None or zone is None:
        wall = to_wall(stamps, zone)
        return wall if calendar.timezone is None else from_wall(wall, calendar.timezone).early
    return stamps
