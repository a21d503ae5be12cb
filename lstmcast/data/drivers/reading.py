"""Reading of the covariates of a panel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from lstmcast.data.drivers.ahead import horizon_ahead
from lstmcast.data.drivers.blocks import Blocks, PlacedRows, block_rows, blocks_of_series, on_clock
from lstmcast.data.drivers.columns import DriverColumn, Kind, leave_out, parse_driver, with_levels
from lstmcast.data.drivers.covariates import Covariates, Versions
from lstmcast.data.drivers.future import locate_future
from lstmcast.data.drivers.options import GIVEN, CovariateOptions
from lstmcast.data.numbers.missing_marks import refuse_marks
from lstmcast.data.panel import Panel
from lstmcast.data.schema import DataNote, InferredSetting, NoteCode, ReadOptions, SettingKey, Table
from lstmcast.data.time.text.column import parse_times
from lstmcast.errors import DataError, Fault, FaultCode, Fix
from lstmcast.text import pluralize, truncate_list
from lstmcast.types import Bools, Floats, Ints

T = TypeVar("T")

MAX_MISSING = 0.1  # fraction of the past steps


@dataclass(frozen=True)
class _Source:
    """A file with covariates.

    Attributes:
        table: the file.
        placed: its rows on the calendar.
        columns: its parsed columns, by name.
    """

    table: Table
    placed: PlacedRows
    columns: dict[str, DriverColumn]

    def rows_of(self, driver: DriverColumn) -> Floats:
        """[N, k] values of a covariate; NaN where the file does not have it."""
        if driver.column in self.columns:
            return self.columns[driver.column].values
        return np.full((len(self.table.text), len(driver.names)), np.nan)


def with_covariates(panel: Panel, table: Table, groups: Ints, stamps: Ints, options: ReadOptions) -> Panel:
    """Add the covariates of a file, and of a file of values ahead, to a panel.

    Args:
        panel: the series of the file.
        table: all rows of the file, those after the last target value included.
        groups: [N] index of the series of each row, in order of appearance.
        stamps: [N] time of each row.
        options: with pinned covariates.

    Raises:
        DataError: a column cannot be read, varies though it is static, or is missing too often.
    """
    section, future = options.covariates, options.covariates.future_table
    keys, of_series = blocks_of_series(panel)
    placed = [_locate(table, panel, keys, stamps, options)]
    notes: tuple[DataNote, ...] = ()
    if future is not None:
        rows, notes = locate_future(future, panel, keys, options)
        placed.append(rows)
    blocks = Blocks.of(panel, of_series, placed, table.source)
    if options.aggregate == "error" and section.known_as_of is None:
        _refuse_repeats(placed[0], stamps, blocks, table)
    tables = [table] if future is None else [table, future]
    parsed, of_columns = _parsed(tables, groups, options)
    sources = [_Source(*parts) for parts in zip(tables, placed, parsed, strict=True)]
    drivers = [next(found[name] for found in parsed if name in found) for name in section.drivers]
    values = np.hstack([_joined(driver, sources, blocks, options.aggregate) for driver in drivers])
    versions = _versions(drivers, sources, blocks) if section.known_as_of is not None else None
    values, filled = _filled(values, drivers, blocks, table.source, section)
    covariates = Covariates(
        names=tuple(name for driver in drivers for name in driver.names),
        columns=_each(drivers, [driver.column for driver in drivers]),
        known=np.array(_each(drivers, [driver.column not in section.past for driver in drivers])),
        static=np.array(_each(drivers, [driver.column in section.static for driver in drivers])),
        values=values,
        offsets=blocks.offsets,
        starts=blocks.starts,
        blocks=of_series,
        versions=versions and versions.completed(values, blocks.positions),
        proposed=section.reason != GIVEN,
    )
    panel = replace(panel, covariates=covariates, notes=(*panel.notes, *notes, *of_columns, *filled))
    return replace(panel, inferred=(*panel.inferred, *_settings(panel, drivers, section)))


def _each(drivers: Sequence[DriverColumn], values: Sequence[T]) -> tuple[T, ...]:
    """[K] the value of the driver of each covariate."""
    return tuple(value for driver, value in zip(drivers, values, strict=True) for _ in driver.names)


def _locate(
    table: Table, panel: Panel, keys: Sequence[tuple[str, ...]], stamps: Ints, options: ReadOptions
) -> PlacedRows:
    """Place the rows of the file of the panel, without those of closed steps."""
    rows = block_rows(table, panel, keys)
    row, block = np.concatenate(rows), np.repeat(np.arange(len(rows)), [len(found) for found in rows])
    is_open = ~panel.calendar.is_closed(stamps[row])
    row, block = row[is_open], block[is_open]
    placed = PlacedRows(row, block, panel.calendar.positions(stamps[row]))
    name = options.covariates.known_as_of
    if name is None:
        return placed
    times = parse_times(table.text[name], table.lines, column=name, source=table.source, timezone=options.timezone)
    known_at = panel.calendar.positions(on_clock(times.stamps, times.timezone, panel.calendar))
    return replace(placed, known_at=known_at[row])


def _refuse_repeats(placed: PlacedRows, stamps: Ints, blocks: Blocks, table: Table) -> None:
    """Raise DataError for rows ahead that repeat the time of another row of their series."""
    ahead = np.flatnonzero(placed.positions > blocks.last[placed.blocks])
    order = ahead[np.lexsort((placed.rows[ahead], stamps[placed.rows[ahead]], placed.blocks[ahead]))]
    times, block = stamps[placed.rows[order]], placed.blocks[order]
    again = np.flatnonzero((np.diff(times) == 0) & (np.diff(block) == 0))
    if not len(again):
        return
    first, second = table.lines[placed.rows[order[again[0] : again[0] + 2]]].tolist()
    text = (
        f"{table.source}:{second}: a series must have one row per time, but {pluralize(len(again), 'row')} without a "
    )
    text += f"target repeat one (lines {first} and {second})"
    fix = Fix("data.aggregate=mean", "use the mean of their values")
    raise DataError(Fault(text, FaultCode.REPEATED_ROWS, second, fixes=(fix,)))


def _parsed(
    tables: Sequence[Table], groups: Ints, options: ReadOptions
) -> tuple[list[dict[str, DriverColumn]], tuple[DataNote, ...]]:
    """Parse the covariates of each file; raises the faults of all columns together."""
    parsed: list[dict[str, DriverColumn]] = [{} for _ in tables]
    notes: list[DataNote] = []
    faults: list[Fault] = []
    for name in options.covariates.drivers:
        having = [k for k, table in enumerate(tables) if name in table.text]
        levels = with_levels([tables[k].text[name] for k in having], options.covariates.levels.get(name))
        for k in having:
            try:
                driver, found = parse_driver(tables[k], name, options, levels)
                if driver.kind is Kind.NUMBER:
                    owner = groups if k == 0 else np.zeros(len(driver.values), dtype=np.int64)
                    marks, source = options.missing_marks, tables[k].source
                    refuse_marks(driver.values[:, 0], owner, tables[k].lines, column=name, source=source, marks=marks)
            except DataError as err:
                faults += err.faults
            else:
                parsed[k][name] = driver
                notes += found
    if faults:
        raise DataError(faults)
    return parsed, tuple(notes)


def _joined(driver: DriverColumn, sources: Sequence[_Source], blocks: Blocks, how: str) -> Floats:
    """[M, k] values of a covariate: of the file of the panel in the past, and of the other file ahead."""
    found = [blocks.dense(source.placed, source.rows_of(driver), how) for source in sources]
    if len(found) == 1:
        return found[0]
    past, ahead = found
    prefer = np.where(blocks.is_past[:, None], past, ahead)
    return np.where(np.isnan(prefer), np.where(blocks.is_past[:, None], ahead, past), prefer)


def _versions(drivers: Sequence[DriverColumn], sources: Sequence[_Source], blocks: Blocks) -> Versions:
    """Versions of the rows of all files; those of a file of values ahead are known at the end of their series."""
    placed = [sources[0].placed, *(replace(s.placed, known_at=blocks.last[s.placed.blocks]) for s in sources[1:])]
    return Versions.of(
        np.concatenate([blocks.index(rows) for rows in placed]),
        np.concatenate([rows.known_at for rows in placed if rows.known_at is not None]),
        np.vstack([np.hstack([s.rows_of(driver)[s.placed.rows] for driver in drivers]) for s in sources]),
    )


def _filled(
    values: Floats, drivers: Sequence[DriverColumn], blocks: Blocks, source: str, section: CovariateOptions
) -> tuple[Floats, tuple[DataNote, ...]]:
    """Spread static values [M, K], and fill gaps of the past; raises DataError for columns that lack too much."""
    skipped = blocks.skipped
    notes: list[DataNote] = []
    faults: list[Fault] = []
    ends = np.cumsum([len(driver.names) for driver in drivers]).tolist()
    for driver, end in zip(drivers, ends, strict=True):
        part = slice(end - len(driver.names), end)
        where = f"{source}: column '{driver.column}'"
        if driver.column in section.static:
            values[:, part], fault = _spread(values[:, part], blocks.owner, where)
        else:
            missing = np.isnan(values[:, part][:, 0]) & blocks.is_past & ~skipped
            fault = _missing_fault(missing, blocks, where)
            # Nothing before the end of a gap may show what comes after it, where values were not known ahead.
            between = driver.kind is not Kind.TEXT and driver.column not in section.past and not section.known_as_of
            notes += _fill_notes(driver.column, missing, blocks, between=between)
            for k in range(*part.indices(end)):
                values[:, k] = _fill_past(values[:, k], blocks.owner, blocks.is_past | skipped, between=between)
        if fault is not None:
            faults.append(replace(fault, column=driver.column, fixes=leave_out(section, driver.column)))
    if faults:
        raise DataError(faults)
    return values, tuple(notes)


def _spread(values: Floats, owner: Ints, where: str) -> tuple[Floats, Fault | None]:
    """[M, k] the one value of each block, for all steps; a fault for a block with several or none."""
    low, high = (np.full((owner[-1] + 1, values.shape[1]), start) for start in (np.inf, -np.inf))
    there = ~np.isnan(values[:, 0])
    np.minimum.at(low, owner[there], values[there])
    np.maximum.at(high, owner[there], values[there])
    if empty := int(np.isinf(low).any(axis=1).sum()):
        return values, Fault(f"{where}: static, but empty for {empty} series", FaultCode.COVARIATE_MISSING)
    if varied := int((low != high).any(axis=1).sum()):
        return values, Fault(f"{where}: static, but it changes within {varied} series", FaultCode.NOT_STATIC)
    return low[owner], None


def _missing_fault(missing: Bools, blocks: Blocks, where: str) -> Fault | None:
    """Fault of a column that lacks many values of the past; None if it does not."""
    total = int(blocks.is_past.sum())
    if missing.sum() <= MAX_MISSING * total:
        return None
    first = blocks.panel.calendar.text(blocks.positions[missing][:1])[0]
    text = f"{where} lacks {missing.sum():,} of {total:,} past steps (first: {first}), and at most a tenth is filled"
    return Fault(text, FaultCode.COVARIATE_MISSING)


def _fill_notes(column: str, missing: Bools, blocks: Blocks, *, between: bool) -> list[DataNote]:
    """Note about filled steps of a column."""
    if not missing.any():
        return []
    how = "interpolated" if between else "the value before is repeated"
    text = f"column '{column}': {pluralize(int(missing.sum()), 'value')} of {blocks.is_past.sum():,} past steps missing"
    return [DataNote(NoteCode.COVARIATE_FILLED, f"{text}: {how}")]


def _settings(panel: Panel, drivers: Sequence[DriverColumn], section: CovariateOptions) -> list[InferredSetting]:
    """Settings of the covariates, with their types and the steps known ahead."""
    settings: list[InferredSetting] = []
    for key, names in (
        (SettingKey.KNOWN, section.pinned_known),
        (SettingKey.PAST, section.past),
        (SettingKey.STATIC, section.static),
    ):
        described = [_described(driver) for driver in drivers if driver.column in names]
        if not described:
            continue
        reason = section.reason if key is SettingKey.KNOWN else GIVEN
        if key is SettingKey.KNOWN:
            reason += f"; known for {pluralize(horizon_ahead(panel) or 0, 'step')} ahead"
        settings.append(InferredSetting(key, truncate_list(described), reason))
    return settings


def _described(driver: DriverColumn) -> str:
    """Name and type of a column."""
    size = f" of {len(driver.names)} categories" if driver.kind is Kind.TEXT else ""
    return f"{driver.column} ({driver.kind}{size})"


def _fill_past(values: Floats, owner: Ints, fillable: Bools, *, between: bool) -> Floats:
    """Fill gaps of one covariate.

    Args:
        values: [M] values of all blocks, NaN where missing.
        owner: [M] block of each value, ascending.
        fillable: [M] true for steps that may be filled.
        between: interpolate linearly, and use the nearest value at the ends; false: repeat the last value, which looks
            at no later one.

    Returns:
        [M] values; NaN where there is none to fill with.
    """
    holes = np.flatnonzero(np.isnan(values) & fillable)
    there = np.flatnonzero(~np.isnan(values))
    if not len(holes) or not len(there):
        return values
    after = np.searchsorted(there, holes)
    left, right = there[np.maximum(after - 1, 0)], there[np.minimum(after, len(there) - 1)]
    has_left = (after > 0) & (owner[left] == owner[holes])
    has_right = (after < len(there)) & (owner[right] == owner[holes])
    if not between:
        has_right &= False
    fraction = np.where(has_left & has_right, (holes - left) / np.maximum(right - left, 1), has_right)
    found = np.where(has_left, values[left], 0) * (1 - fraction) + np.where(has_right, values[right], 0) * fraction
    filled = values.copy()
    filled[holes] = np.where(has_left | has_right, found, np.nan)
    return filled
