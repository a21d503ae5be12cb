"""Reading of the covariates of a panel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from lstmcast.data.alignment import sort_rows, to_cells
from lstmcast.data.drivers.ahead import horizon_ahead
from lstmcast.data.drivers.columns import DriverColumn, Kind, leave_out, parse_driver
from lstmcast.data.drivers.covariates import Covariates
from lstmcast.data.drivers.filling import fill_past
from lstmcast.data.drivers.options import CovariateOptions
from lstmcast.data.numbers.missing_marks import refuse_marks
from lstmcast.data.panel import Panel, offsets_of
from lstmcast.data.schema import DataNote, InferredSetting, NoteCode, ReadOptions, SettingKey, Table
from lstmcast.errors import DataError, Fault, FaultCode
from lstmcast.text import pluralize, truncate_list
from lstmcast.types import Bools, Floats, Ints

MAX_MISSING = 0.1  # fraction of the past steps
_MAX_STEPS = 10_000_000  # beyond twenty times the number of rows


def with_covariates(panel: Panel, table: Table, groups: Ints, stamps: Ints, options: ReadOptions) -> Panel:
    """Add the covariates of a file to its panel.

    Args:
        panel: the series of the file.
        table: all rows of the file, those after the last target value included.
        groups: [N] index of the series of each row, in order of appearance.
        stamps: [N] time of each row.
        options: with pinned covariates.

    Raises:
        DataError: a column cannot be read, varies though it is static, or is missing too often.
    """
    section = options.covariates
    drivers, notes = _parsed(table, groups, options)
    blocks = _Blocks.of(panel, table, groups, stamps)
    values = np.column_stack([blocks.dense(driver.values, options.aggregate) for driver in drivers])
    known = np.repeat([driver.column not in section.past for driver in drivers], [len(d.names) for d in drivers])
    static = np.repeat([driver.column in section.static for driver in drivers], [len(d.names) for d in drivers])
    texts = np.repeat([driver.kind is Kind.TEXT for driver in drivers], [len(d.names) for d in drivers])
    columns = tuple(driver.column for driver in drivers for _ in driver.names)
    values, filled = _filled(values, columns, known, static, texts, blocks, table.source, section)
    covariates = Covariates(
        names=tuple(name for driver in drivers for name in driver.names),
        columns=columns,
        known=known,
        static=static,
        values=values,
        offsets=blocks.offsets,
        starts=blocks.starts,
        blocks=blocks.of_series,
    )
    panel = replace(panel, covariates=covariates, notes=(*panel.notes, *notes, *filled))
    return replace(panel, inferred=(*panel.inferred, *_settings(panel, drivers, options)))


def _parsed(table: Table, groups: Ints, options: ReadOptions) -> tuple[list[DriverColumn], tuple[DataNote, ...]]:
    """Parse all columns; raises the faults of all together."""
    drivers: list[DriverColumn] = []
    notes: list[DataNote] = []
    faults: list[Fault] = []
    marks = options.missing_marks
    for name in options.covariates.drivers:
        try:
            driver, found = parse_driver(table, name, options, options.covariates.levels.get(name))
            if driver.kind is Kind.NUMBER:
                refuse_marks(driver.values[:, 0], groups, table.lines, column=name, source=table.source, marks=marks)
        except DataError as err:
            faults += err.faults
        else:
            drivers.append(driver)
            notes += found
    if faults:
        raise DataError(faults)
    return drivers, tuple(notes)


@dataclass(frozen=True)
class _Blocks:
    """Rows of a file on the calendar, in G blocks of M steps: one for each group of rows with a series.

    Attributes:
        panel: the series.
        groups: [N] index of the group of each row.
        stamps, lines: [N] time and line of each row.
        number: [groups] block of each group; -1 without a series.
        of_series: [S] block of each series.
        offsets, starts: [G+1], [G] rows and first calendar positions of the blocks.
    """

    panel: Panel
    groups: Ints
    stamps: Ints
    lines: Ints
    number: Ints
    of_series: Ints
    offsets: Ints
    starts: Ints

    @classmethod
    def of(cls, panel: Panel, table: Table, groups: Ints, stamps: Ints) -> _Blocks:
        """Blocks from the first to the last row or step of each group."""
        _, first = np.unique(groups, return_index=True)
        ids = panel.columns.series
        keys = [tuple(key) for key in table.text[list(ids)].iloc[first].itertuples(index=False)] if ids else [()]
        by_key = {key: group for group, key in enumerate(keys)}
        group_of = np.array([by_key[key[: len(ids)]] for key in panel.keys], dtype=np.int64)
        used, of_series = np.unique(group_of, return_inverse=True)
        number = np.full(len(keys), -1, dtype=np.int64)
        number[used] = np.arange(len(used))
        positions = panel.calendar.positions(stamps)
        starts, ends = np.full(len(used), np.iinfo(np.int64).max), np.full(len(used), np.iinfo(np.int64).min)
        kept = number[groups] >= 0
        np.minimum.at(starts, number[groups[kept]], positions[kept])
        np.maximum.at(ends, number[groups[kept]], positions[kept])
        np.minimum.at(starts, of_series, panel.starts)
        np.maximum.at(ends, of_series, panel.ends)
        lengths = ends - starts + 1
        if lengths.sum() > 20 * len(groups) + _MAX_STEPS:
            raise DataError(f"{table.source}: rows ahead reach too far ({lengths.sum():,} steps); cut the file")
        return cls(panel, groups, stamps, table.lines, number, of_series.astype(np.int64), offsets_of(lengths), starts)

    def dense(self, values: Floats, how: str) -> Floats:
        """[M, k] values of rows [N, k] on the calendar: the mean of rows of one step, NaN where there is none."""
        kept = (self.number[self.groups] >= 0) & ~self.panel.calendar.is_closed(self.stamps)
        number = self.number[self.groups[kept]]
        rows, _ = sort_rows(number, self.stamps[kept], self.lines[kept], self.panel.calendar)
        columns = list(values[kept].T)
        cells = to_cells(rows, columns, len(self.starts), "last" if how == "last" else "mean")
        size = len(cells.values) // len(columns)
        block = cells.series[:size]
        found = np.full((int(self.offsets[-1]), len(columns)), np.nan)
        found[self.offsets[block] + cells.positions[:size] - self.starts[block]] = cells.values.reshape(-1, size).T
        return found

    @property
    def owner(self) -> Ints:
        """[M] block of each step."""
        return np.repeat(np.arange(len(self.starts)), np.diff(self.offsets))

    @property
    def positions(self) -> Ints:
        """[M] calendar position of each step."""
        return np.arange(self.offsets[-1]) - self.offsets[self.owner] + self.starts[self.owner]

    @property
    def is_past(self) -> Bools:
        """[M] true for steps from the first to the last value of the series of a block."""
        first, last = self.starts + np.diff(self.offsets), self.starts - 1
        np.minimum.at(first, self.of_series, self.panel.starts)
        np.maximum.at(last, self.of_series, self.panel.ends)
        positions = self.positions
        return (positions >= first[self.owner]) & (positions <= last[self.owner])


def _filled(
    values: Floats,
    columns: Sequence[str],
    known: Bools,
    static: Bools,
    texts: Bools,
    blocks: _Blocks,
    source: str,
    section: CovariateOptions,
) -> tuple[Floats, tuple[DataNote, ...]]:
    """Spread static values [M, K], and fill gaps of the past; raises DataError for columns that lack too much."""
    owner, positions, is_past = blocks.owner, blocks.positions, blocks.is_past
    skipped = blocks.panel.calendar.occurrences(positions) == 0
    notes: list[DataNote] = []
    faults: list[Fault] = []
    for k, column in enumerate(columns):
        if static[k]:
            values[:, k], fault = _spread(values[:, k], owner, column, source)
            if fault is not None and column not in {other.column for other in faults}:
                faults.append(replace(fault, fixes=leave_out(section, column)))
            continue
        missing = np.isnan(values[:, k]) & is_past & ~skipped
        is_new = k == 0 or columns[k - 1] != column
        if is_new and missing.sum() > MAX_MISSING * is_past.sum():
            fault = _missing_fault(missing, positions, is_past, column, blocks, source)
            faults.append(replace(fault, fixes=leave_out(section, column)))
        elif is_new and missing.any():
            how = "interpolated" if known[k] and not texts[k] else "the value before is repeated"
            text = (
                f"column '{column}': {pluralize(int(missing.sum()), 'value')} of {is_past.sum():,} past steps missing"
            )
            notes.append(DataNote(NoteCode.COVARIATE_FILLED, f"{text}: {how}"))
        between = bool(known[k] and not texts[k])
        values[:, k] = fill_past(values[:, k], owner, is_past | skipped, between=between)
    if faults:
        raise DataError(faults)
    return values, tuple(notes)


def _spread(values: Floats, owner: Ints, column: str, source: str) -> tuple[Floats, Fault | None]:
    """[M] the one value of each block, for all steps; a fault for a block with several or none."""
    low, high = np.full(owner[-1] + 1, np.inf), np.full(owner[-1] + 1, -np.inf)
    there = ~np.isnan(values)
    np.minimum.at(low, owner[there], values[there])
    np.maximum.at(high, owner[there], values[there])
    if np.isinf(low).any():
        text = f"{source}: column '{column}': static, but empty for {pluralize(int(np.isinf(low).sum()), 'series')}"
        return values, Fault(text, FaultCode.COVARIATE_MISSING, column=column)
    if (varied := low != high).any():
        text = f"{source}: column '{column}': static, but it changes within {pluralize(int(varied.sum()), 'series')}"
        return values, Fault(text, FaultCode.NOT_STATIC, column=column)
    return low[owner], None


def _missing_fault(missing: Bools, positions: Ints, is_past: Bools, column: str, blocks: _Blocks, source: str) -> Fault:
    """Fault of a column that lacks many values of the past, with the way to leave it out."""
    first = blocks.panel.calendar.text(positions[missing][:1])[0]
    text = f"{source}: column '{column}' lacks {missing.sum():,} of {is_past.sum():,} past steps (first: {first}), and "
    text += "at most a tenth is filled"
    return Fault(text, FaultCode.COVARIATE_MISSING, column=column)


def _settings(panel: Panel, drivers: Sequence[DriverColumn], options: ReadOptions) -> list[InferredSetting]:
    """Settings of the covariates, with their types and the steps known ahead."""
    section = options.covariates
    settings: list[InferredSetting] = []
    for key, names in (
        (SettingKey.KNOWN, section.pinned_known),
        (SettingKey.PAST, section.past),
        (SettingKey.STATIC, section.static),
    ):
        described = [_kind(driver) for driver in drivers if driver.column in names]
        if not described:
            continue
        reason = section.reason if key is SettingKey.KNOWN else "given"
        if key is SettingKey.KNOWN:
            reason += f"; known for {pluralize(horizon_ahead(panel) or 0, 'step')} ahead"
        settings.append(InferredSetting(key, truncate_list(described), reason))
    return settings


def _kind(driver: DriverColumn) -> str:
    """Name and type of a column."""
    size = f" of {len(driver.names)} categories" if driver.kind is Kind.TEXT else ""
    return f"{driver.column} ({driver.kind}{size})"
