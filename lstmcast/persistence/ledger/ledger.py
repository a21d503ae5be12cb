"""The ledger of a model: the data at each time, and every forecast made from them.

Nothing is overwritten. A revised value is stored in addition to the earlier one, with the number of the panel that
contained it first, so that the data of any past run can be restored. The ledger is one SQLite file in WAL mode: a run
writes while others read, and an interrupted run leaves nothing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from lstmcast.data.panel import Panel
from lstmcast.persistence.ledger import covariates, observations, runs
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
"""The name of the file in the folder of a model."""


class Ledger:
    """An open ledger, for use in a `with` block. Every method takes effect completely or not at all.

    All methods raise FileError if the file system refuses, BusyError if another process holds the file too long, and
    ModelError if the file is damaged.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self.path = path

    @classmethod
    def open(cls, path: Path, *, create: bool = True) -> Self:
        """Open a ledger.

        Args:
            path: the file.
            create: open it for writing, and create it if missing; otherwise only for reading.

        Raises:
            FileError: the file system refuses.
            ModelError: it is missing and not created, damaged, no ledger, or of another schema.
        """
        return cls(connect(path, create=create), path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, err: BaseException | None, at: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    # --- the data ---

    def observe(self, panel: Panel, now: datetime) -> int:
        """Store the values that are new or revised since the last panel.

        Args:
            panel: the newest data.
            now: the time, with a zone.

        Returns:
            The number of new or revised values, without filled ones.
        """
        with self._changing() as connection:
            layout = observations.layout_number(connection, panel)
            panel = replace(panel, values=observations.number_symbols(connection, panel.values, panel.symbols))
            series = observations.series_numbers(connection, panel.calendar, panel.keys)
            last = observations.last_panel(connection)
            seen = observations.PanelSnapshot.of(panel, layout, series)
            if last is not None and last[1] == seen:
                return 0
            number = observations.add_panel(connection, seen, panel.source, micros(now))
            covariates.add(connection, number, panel, seen.covariates, last[1].covariates if last else "")
            return sum(
                observations.add_values(connection, number, panel, k, seen, last[1] if last else None)
                for k in range(panel.n_series)
            )

    def panel(self, number: int | None = None) -> Panel | None:
        """Return the data as of a panel.

        Args:
            number: of the panel; None: the newest.

        Returns:
            The panel, without inferred settings and notes; None if there is none of that number.
        """
        with translate_sqlite_errors(self.path, "read"):
            return observations.panel(self._connection, number)

    def panel_info(self, entry: RunRecord | None = None) -> PanelInfo | None:
        """Return the data of a run, None: the newest, without their values; None if there are none."""
        with translate_sqlite_errors(self.path, "read"):
            number = None if entry is None else runs.panel_number(self._connection, entry.number)
            return observations.panel_info(self._connection, number)

    def outcomes(self, series: Ints, first: int, last: int) -> Floats:
        """Return the values of some steps as known now.

        Args:
            series: [S] numbers in the ledger.
            first: the first step, on the calendar.
            last: the last step.

        Returns:
            [S, T], NaN where nothing was observed; symbols by their numbers in the ledger.
        """
        with translate_sqlite_errors(self.path, "read"):
            return observations.outcomes(self._connection, series.tolist(), first, last)

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols by number; the first is empty, as numbers start at 1."""
        with translate_sqlite_errors(self.path, "read"):
            return observations.symbols(self._connection)

    # --- the runs ---

    def record(self, entry: RunRecord, forecast: ForecastArrays, naive: Floats, factors: Floats | None = None) -> int:
        """Store a run and its forecast, made from the last stored panel.

        Args:
            entry: the run, without its number.
            forecast: of S series, H steps ahead, with the bounds of the model.
            naive: [S, H] the seasonal naive forecast from the same origins; of symbols, as codes of that panel.
            factors: [Q, S, H] factors of the interval widths (see `calibration.adaptive_conformal`), or None.

        Returns:
            The number of the run.

        Raises:
            ValueError: a series is not in that panel.
        """
        with self._changing() as connection:
            newest = observations.last_panel(connection)
            if newest is None:
                raise ValueError("observe the data before recording a forecast")
            series = observations.numbers_in(connection, newest[1], forecast.keys)
            number = runs.add_entry(connection, entry, newest[0], forecast.levels)
            scaled = np.ones_like(forecast.lower) if factors is None else factors
            model_names = forecast.model_names or (entry.model,) * len(series)
            values = observations.number_symbols(connection, forecast.values, forecast.symbols)
            naive = observations.number_symbols(connection, naive, observations.vocabulary_of(connection, newest[1]))
            runs.add_forecasts(connection, number, series, model_names, forecast, values, naive, scaled)
            return number

    def find_run(self, run_key: str) -> RunRecord | None:
        """Return the newest run of a key, if any."""
        with translate_sqlite_errors(self.path, "read"):
            return runs.newest(self._connection, run_key)

    def last_run(self) -> RunRecord | None:
        """Return the newest run, if any."""
        with translate_sqlite_errors(self.path, "read"):
            return runs.newest(self._connection)

    def runs(self, *, since: datetime | None = None, until: datetime | None = None) -> list[RunRecord]:
        """Return the runs from `since` to `until`, inclusive, in the order of recording."""
        with translate_sqlite_errors(self.path, "read"):
            return runs.entries(self._connection, *span(since, until))

    def recorded_forecast(self, number: int) -> RecordedForecast:
        """Return the forecast of a run."""
        with translate_sqlite_errors(self.path, "read"):
            return runs.recorded_forecast(self._connection, number)

    def recorded_forecasts(self, target: int, *, task: str, since: int = 0) -> Iterator[RecordedForecast]:
        """Yield the forecasts of a step on the calendar or later ones, the newest run first.

        Args:
            target: the step.
            task: of the runs.
            since: number of the first run.
        """
        with translate_sqlite_errors(self.path, "read"):
            numbers = runs.runs_since_origin(self._connection, target - runs.longest(self._connection), since, task)
        return map(self.recorded_forecast, numbers)

    @property
    def horizon(self) -> int:
        """The longest recorded horizon; 0 without forecasts."""
        with translate_sqlite_errors(self.path, "read"):
            return runs.longest(self._connection)

    @property
    def levels(self) -> tuple[float, ...]:
        """The interval levels of the newest run, in percent."""
        with translate_sqlite_errors(self.path, "read"):
            return runs.newest_levels(self._connection)

    def panel_of(self, entry: RunRecord) -> Panel:
        """Return the data of a run as they were then."""
        with translate_sqlite_errors(self.path, "read"):
            found = observations.panel(self._connection, runs.panel_number(self._connection, entry.number))
        if found is None:
            raise ValueError(f"entry {entry.number} is not in this ledger")
        return found

    # --- interval factors ---

    def interval_factors(self, series: Ints, levels: Sequence[float]) -> dict[tuple[int, float], tuple[int, Floats]]:
        """Return by series and level the last step that was used, and the log factors [H]; missing if never stored."""
        with translate_sqlite_errors(self.path, "read"):
            return runs.interval_factors(self._connection, series.tolist(), levels)

    def save_interval_factors(self, factors: Iterable[tuple[int, float, int, Floats]]) -> None:
        """Store the factors: series, level, last step, log factors [H]."""
        with self._changing() as connection:
            runs.save_interval_factors(connection, factors)

    # --- retrains ---

    def record_retrain(self, refit: RetrainRecord) -> None:
        """Store the comparison of a challenger with the incumbent."""
        with self._changing() as connection:
            runs.add_retrain(connection, refit)

    def retrains(self) -> list[RetrainRecord]:
        """Return all retrains, in the order of recording."""
        with translate_sqlite_errors(self.path, "read"):
            return runs.retrains(self._connection)

    # --- retention ---

    def prune(self, before: datetime) -> int:
        """Remove runs made before a time, and the data that only they used.

        Returns:
            The number of removed runs.
        """
        with self._changing() as connection:
            return runs.prune(connection, micros(before))

    @contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection]:
        """Run the block in one transaction."""
        with translate_sqlite_errors(self.path, "written"):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
