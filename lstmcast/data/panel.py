"""Panel: series on one calendar, concatenated in flat arrays."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from lstmcast.data.drivers.ahead import horizon_ahead
from lstmcast.data.drivers.covariates import Covariates
from lstmcast.data.drivers.holidays import Holidays
from lstmcast.data.schema import Columns, DataNote, DroppedSeries, InferredSetting, fingerprint
from lstmcast.data.time.calendar import Calendar
from lstmcast.data.time.mask import Mask
from lstmcast.text import MAX_SHOWN, truncate_items
from lstmcast.types import Bools, Floats, Ints


@dataclass(frozen=True)
class Panel:
    """S series on one calendar, concatenated in flat arrays of N values.

    Attributes:
        columns: roles of the columns.
        calendar: the grid of times.
        keys: S keys: the texts of the id columns, then the target if there are several; `()` for one series.
        values: [N] values, filled where missing.
        observed: [N] False where a value was filled.
        offsets: [S+1] series k is `values[offsets[k]:offsets[k+1]]`.
        starts: [S] position of each series' first step on the calendar.
        inferred: inferred settings.
        notes: remarks about the data, with counts.
        source: the file name in messages.
        dropped: unusable series with reasons.
        symbols: [V] meaning of codes 0 … V − 1, empty for numbers; the code −1 is missing or unknown.
        n_rows: rows of the file.
        covariates: values of other columns, also after the ends of the series; None without any.
        holidays: holidays and events, also after the ends of the series; None without any.
        reads_calendar: whether forecasts may read weekdays, months and the position in the year.
        closed: [S] open steps of series that are closed more often than others; empty if there are none.
    """

    columns: Columns
    calendar: Calendar
    keys: tuple[tuple[str, ...], ...]
    values: Floats
    observed: Bools
    offsets: Ints
    starts: Ints
    inferred: tuple[InferredSetting, ...]
    notes: tuple[DataNote, ...]
    source: str
    dropped: tuple[DroppedSeries, ...] = ()
    symbols: tuple[str, ...] = ()
    n_rows: int = 0
    covariates: Covariates | None = None
    holidays: Holidays | None = None
    reads_calendar: bool = True
    closed: tuple[Mask | None, ...] = ()

    def fingerprint(self) -> str:
        """Compute the sha256 of columns, keys, times, values, symbols, covariates and holidays."""
        calendar = replace(self.calendar, seasons=()).to_dict()
        described: tuple[object, ...] = (self.columns, calendar, self.keys, self.symbols)
        arrays = (self.offsets, self.starts, self.values, self.observed)
        if self.covariates is not None:
            described += (self.covariates.names,)
            arrays += self.covariates.arrays
        if self.holidays is not None:
            described += (self.holidays,)
        return fingerprint(described, *arrays)

    @property
    def n_series(self) -> int:
        """S, the number of series."""
        return len(self.keys)

    @property
    def lengths(self) -> Ints:
        """[S] steps of each series."""
        return np.diff(self.offsets)

    @property
    def ends(self) -> Ints:
        """[S] position of each series' last step on the calendar."""
        return np.asarray(self.starts + self.lengths - 1, dtype=np.int64)

    @property
    def default_horizon(self) -> int:
        """Default horizon of the frequency; at most the steps known ahead of covariates that rows ahead proposed."""
        steps = self.calendar.default_horizon
        if self.covariates is None or not self.covariates.proposed:
            return steps
        return min(steps, horizon_ahead(self) or steps)

    @property
    def ended(self) -> Ints:
        """[K] series that ended long ago: more than a season and a default horizon before the latest end."""
        if self.calendar.kind == "counter":
            return np.empty(0, dtype=np.int64)
        steps = max(self.calendar.season, self.calendar.default_horizon)
        return np.flatnonzero(self.ends.max() - self.ends > steps)

    def describe_ended(self) -> str:
        """Format the number and the names of the series that ended long ago, with their last times."""
        ends = self.calendar.text(self.ends[self.ended[:MAX_SHOWN]])
        names = (f"{', '.join(self.keys[k])} ({end})" for k, end in zip(self.ended.tolist(), ends, strict=False))
        (latest,) = self.calendar.text(self.ends.max(keepdims=True))
        listed = truncate_items(names, len(self.ended))
        return f"{len(self.ended)} of {self.n_series} series ended long before {latest}: {listed}"

    @property
    def key_columns(self) -> tuple[str, ...]:
        """Names of the parts of a key."""
        return self.columns.keys

    def series(self, k: int) -> Floats:
        """[T] values of series k, a view."""
        return self.values[self.offsets[k] : self.offsets[k + 1]]

    def observed_of(self, k: int) -> Bools:
        """[T] observed values of series k, a view."""
        return self.observed[self.offsets[k] : self.offsets[k + 1]]

    def select(self, indices: Ints) -> Panel:
        """Select series by index, in this order."""
        selected = np.asarray(indices, dtype=np.int64)
        keys = tuple(self.keys[k] for k in selected.tolist())
        return self._cut(selected, self.lengths[selected], keys)

    def until(self, series: Ints, origins: Ints, newest: Floats) -> Panel:
        """Cut series after an origin, and replace their newest value.

        Args:
            series: [B] index of the series.
            origins: [B] last known step, counted from the first value of the series.
            newest: [B] values at the origins.
        """
        found = self._cut(series, origins + 1, tuple(self.keys[k] for k in series.tolist()))
        found.values[found.offsets[1:] - 1] = newest
        return found

    def within(self, horizon: int) -> Panel:
        """Hide the covariates of steps more than `horizon` after an origin."""
        if self.covariates is None:
            return self
        return replace(self, covariates=replace(self.covariates, horizon=horizon))

    def drop_last(self, steps: int) -> Panel:
        """Remove the last `steps` steps of every series; short series become empty."""
        return self._cut(np.arange(self.n_series), np.maximum(self.lengths - steps, 0), self.keys)

    def recode(self, symbols: tuple[str, ...]) -> Panel:
        """Return the panel with the codes of another vocabulary [V]; a symbol outside of it becomes unknown."""
        if symbols == self.symbols:
            return self
        code_by_symbol = {symbol: code for code, symbol in enumerate(symbols)}
        codes = np.array([*(code_by_symbol.get(symbol, -1) for symbol in self.symbols), -1], dtype=np.float64)
        return replace(self, values=codes[self.values.astype(np.int64)], symbols=symbols)  # the code -1 is the last

    def value_text(self, value: float) -> str:
        """Return a value of the panel as text: a symbol, or a number."""
        if not self.symbols:
            return f"{value:g}"
        return repr(self.symbols[int(value)]) if value >= 0 else "unknown"

    def _cut(self, selected: Ints, lengths: Ints, keys: tuple[tuple[str, ...], ...]) -> Panel:
        """Select the first `lengths` [K] steps of the series `selected` [K]."""
        offsets = offsets_of(lengths)
        rows = np.arange(offsets[-1]) + np.repeat(self.offsets[selected] - offsets[:-1], lengths)
        return replace(
            self,
            keys=keys,
            values=self.values[rows],
            observed=self.observed[rows],
            offsets=offsets,
            starts=self.starts[selected],
            closed=tuple(self.closed[k] for k in selected.tolist()) if self.closed else (),
            covariates=None if self.covariates is None else self.covariates.take(selected),
        )


def offsets_of(lengths: Ints) -> Ints:
    """[S + 1] offsets of series with these lengths [S] in flat arrays."""
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
