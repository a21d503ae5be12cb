"""The ledger of a model: the data as they were seen at each time, and every forecast that was made of them.

Nothing is overwritten. A value that was revised is kept beside the new one, with the panel from which on it holds, so
that the data of any past run can be put together again. One SQLite file in WAL mode: a run writes while others read,
and what a killed run had begun is not there.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from lstmcast.data.panel import Panel
from lstmcast.persistence.ledger import observations, runs
from lstmcast.persistence.ledger.records import (
    ForecastArrays,
    PanelInfo,
    RecordedForecast,
    RetrainRecord,
    RunRecord,
    micros,
    span,
)
from lstmcast.persistence.ledger.schema import connect, translate_sqlite_errors
from lstmcast.types import Floats, Ints

FILE = "ledger.sqlite"
"""Its name in the folder of a model."""


class Ledger:
    """An open ledger; use it in a `with` block. Every method either does all it says, or nothing.

    All methods raise FileError where the file system refuses, BusyError where another process holds the file for long,
    and ModelError where it is damaged.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self.path = path

    @classmethod
    def open(cls, path: Path, *, create: bool = True) -> Self:
        """Open a ledger.

        Args:
            path: the file.
            create: whether it is to be written, and made where it is not there; else it is only read.

        Raises:
            FileError: the file system refuses.
            ModelError: it is not there and was not to be made, is damaged, no ledger, or of a newer schema.
        """
        return cls(connect(path, create=create), path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, err: BaseException | None, at: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    # --- the data ---

    def observe(self, panel: Panel, now: datetime) -> int:
        """Keep what is new or has changed since the last panel, with the time at which it was seen.

        Args:
            panel: the newest data.
            now: when they were seen, with a time zone.

        Returns:
            How many values are new or changed, filled ones not counted.
        """
        with self._changing() as connection:
            layout = observations.layout_number(connection, panel.columns, panel.calendar)
            series = observations.series_numbers(connection, panel.calendar, panel.keys)
            last = observations.last_panel(connection)
            seen = observations.PanelSnapshot.of(panel, layout, series)
            if last is not None and last[1] == seen:
                return 0
            number = observations.add_panel(connection, seen, panel.source, micros(now))
            return sum(
                observations.add_values(connection, number, panel, k, seen, last[1] if last else None)
                for k in range(panel.n_series)
            )

    def panel(self, number: int | None = None) -> Panel | None:
        """The data as they stood.

        Args:
            number: of the panel; None: the newest.

        Returns:
            The panel, without inferred and notes; None where there is none of that number.
        """
        with translate_sqlite_errors(self.path, "read"):
            return observations.panel(self._connection, number)

    def panel_info(self, entry: RunRecord | None = None) -> PanelInfo | None:
        """The data an entry was made from, without their values; None: the newest. None where there are none."""
        with translate_sqlite_errors(self.path, "read"):
            number = None if entry is None else runs.panel_number(self._connection, entry.number)
            return observations.panel_info(self._connection, number)

    def outcomes(self, series: Ints, first: int, last: int) -> Floats:
        """What is known by now of some steps.

        Args:
            series: [S] numbers in the ledger.
            first: on the calendar.
            last: likewise, included.

        Returns:
            [S, T], NaN where nothing was observed.
        """
        with translate_sqlite_errors(self.path, "read"):
            return observations.outcomes(self._connection, series.tolist(), first, last)

    # --- the runs ---

    def record(self, entry: RunRecord, forecast: ForecastArrays, naive: Floats, factors: Floats | None = None) -> int:
        """Keep a run and what it forecast, made from the last panel that was observed.

        Args:
            entry: the run; its `number` is given here.
            forecast: of S series, H steps ahead, with the bounds as they were before they were widened.
            naive: [S, H] the seasonal naive forecast from the same origins.
            factors: [Q, S, H] by how much each bound was then widened (see `calibration.adaptive_conformal`), or None.

        Returns:
            The entry's number.

        Raises:
            ValueError: a series was not in that panel.
        """
        with self._changing() as connection:
            newest = observations.last_panel(connection)
            if newest is None:
                raise ValueError("a forecast is recorded after the data it was made from")
            series = observations.numbers_in(connection, newest[1], forecast.keys)
            number = runs.add_entry(connection, entry, newest[0], forecast.levels)
            scaled = np.ones_like(forecast.lower) if factors is None else factors
            model_names = forecast.model_names or (entry.model,) * len(series)
            runs.add_forecasts(connection, number, series, model_names, forecast, naive, scaled)
            return number

    def find_run(self, run_key: str) -> RunRecord | None:
        """The newest entry of a run key, if there is one."""
        with translate_sqlite_errors(self.path, "read"):
            return runs.newest(self._connection, run_key)

    def last_run(self) -> RunRecord | None:
        """The entry that was recorded last, if there is one."""
        with translate_sqlite_errors(self.path, "read"):
            return runs.newest(self._connection)

    def runs(self, *, since: datetime | None = None, until: datetime | None = None) -> list[RunRecord]:
        """The entries made from `since` up to and including `until`, in the order in which they were recorded."""
        with translate_sqlite_errors(self.path, "read"):
            return runs.entries(self._connection, *span(since, until))

    def recorded_forecast(self, number: int) -> RecordedForecast:
        """What the entry of that number forecast."""
        with translate_sqlite_errors(self.path, "read"):
            return runs.recorded_forecast(self._connection, number)

    def recorded_forecasts(self, target: int, *, since: int = 0) -> Iterator[RecordedForecast]:
        """What was forecast of a step on the calendar and of later ones, the newest run first.

        Args:
            target: the step.
            since: only by entries from this number on.
        """
        with translate_sqlite_errors(self.path, "read"):
            numbers = runs.runs_since_origin(self._connection, target - runs.longest(self._connection), since)
        return map(self.recorded_forecast, numbers)

    @property
    def horizon(self) -> int:
        """The longest that was recorded; 0 where nothing was."""
        with translate_sqlite_errors(self.path, "read"):
            return runs.longest(self._connection)

    @property
    def levels(self) -> tuple[float, ...]:
        """Of the intervals of the newest entry, in percent."""
        with translate_sqlite_errors(self.path, "read"):
            return runs.newest_levels(self._connection)

    def panel_of(self, entry: RunRecord) -> Panel:
        """The data a recorded entry was made from, as they stood then."""
        with translate_sqlite_errors(self.path, "read"):
            found = observations.panel(self._connection, runs.panel_number(self._connection, entry.number))
        if found is None:
            raise ValueError(f"entry {entry.number} is not in this ledger")
        return found

    # --- adaptation ---

    def interval_factors(self, series: Ints, levels: Sequence[float]) -> dict[tuple[int, float], tuple[int, Floats]]:
        """By series and level: the last step that was learnt from, and [H] log factors; what is new is not there."""
        with translate_sqlite_errors(self.path, "read"):
            return runs.interval_factors(self._connection, series.tolist(), levels)

    def save_interval_factors(self, factors: Iterable[tuple[int, float, int, Floats]]) -> None:
        """Store the factors: series, level, last step, [H] log factors."""
        with self._changing() as connection:
            runs.save_interval_factors(connection, factors)

    # --- refits ---

    def record_retrain(self, refit: RetrainRecord) -> None:
        """Keep what a challenger was found to be worth."""
        with self._changing() as connection:
            runs.add_retrain(connection, refit)

    def retrains(self) -> list[RetrainRecord]:
        """All of them, in the order in which they were judged."""
        with translate_sqlite_errors(self.path, "read"):
            return runs.retrains(self._connection)

    # --- retention ---

    def prune(self, before: datetime) -> int:
        """Forget runs made before a time, and the data that only they had seen.

        Returns:
            How many runs were removed.
        """
        with self._changing() as connection:
            return runs.prune(connection, micros(before))

    @contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all of the block reaches the disk, or nothing does."""
        with translate_sqlite_errors(self.path, "written"):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
