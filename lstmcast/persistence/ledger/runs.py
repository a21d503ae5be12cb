"""The runs in a ledger, their forecasts, and the retrains. The caller holds the transaction."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import asdict

import numpy as np

from lstmcast.persistence.ledger import observations
from lstmcast.persistence.ledger.records import (
    ForecastArrays,
    RecordedForecast,
    RetrainRecord,
    RunRecord,
    blob,
    floats,
    micros,
    moment,
    text,
)
from lstmcast.types import Floats

_TEXTS = ("run_key", "version", "config_digest", "data_digest", "task", "model", "status", "output", "output_digest")


def add_entry(connection: sqlite3.Connection, entry: RunRecord, panel: int, levels: Sequence[float]) -> int:
    """Store a run and return its number."""
    row = {**asdict(entry), "created_at": micros(entry.created_at), "details": text(entry.details)}
    insert = (
        "INSERT INTO runs (run_key, created_at, panel, version, config_digest, data_digest, task, model, status, "
        "output, output_digest, details, levels) VALUES (:run_key, :created_at, :panel, :version, :config_digest, "
        ":data_digest, :task, :model, :status, :output, :output_digest, :details, :levels)"
    )
    done = connection.execute(insert, {**row, "panel": panel, "levels": text(list(levels))})
    return int(done.lastrowid or 0)


def entries(connection: sqlite3.Connection, first: int, last: int) -> list[RunRecord]:
    """Return the runs between two times, inclusive, in the order of recording."""
    found = connection.execute("SELECT * FROM runs WHERE created_at BETWEEN ? AND ? ORDER BY id", (first, last))
    return [_entry(row) for row in found.fetchall()]


def newest(connection: sqlite3.Connection, run_key: str | None = None) -> RunRecord | None:
    """Return the newest run, optionally of a key."""
    which, values = ("", ()) if run_key is None else ("WHERE run_key = ? ", (run_key,))
    row = connection.execute(f"SELECT * FROM runs {which}ORDER BY id DESC LIMIT 1", values).fetchone()  # noqa: S608
    return None if row is None else _entry(row)


def _entry(row: sqlite3.Row) -> RunRecord:
    texts = {name: row[name] for name in _TEXTS}
    return RunRecord(
        **texts, created_at=moment(row["created_at"]), details=json.loads(row["details"]), number=row["id"]
    )


def panel_number(connection: sqlite3.Connection, entry: int) -> int:
    """Return the number of the panel of a run; 0 if there is no such run."""
    found = connection.execute("SELECT panel FROM runs WHERE id = ?", (entry,)).fetchone()
    return int(found[0]) if found else 0


def add_forecasts(
    connection: sqlite3.Connection,
    entry: int,
    series: Sequence[int],
    model_names: Sequence[str],
    forecast: ForecastArrays,
    values: Floats,
    naive: Floats,
    factors: Floats,
) -> None:
    """Store the forecast of a run, one row per series; `values` and `naive` [S, H] have the numbers of symbols."""
    bounds, probabilities = np.stack([forecast.lower, forecast.upper]), forecast.probabilities  # [2, Q, S, H]
    each = enumerate(zip(series, model_names, forecast.origins.tolist(), strict=True))
    rows = [
        (entry, k, *what, *map(blob, (values[k], probabilities[k], naive[k], bounds[:, :, k], factors[:, k])))
        for k, what in each
    ]
    insert = (
        "INSERT INTO forecasts (run, row, series, model, origin, value, probability, seasonal_naive, bounds, "
        "interval_factors) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    )
    connection.executemany(insert, rows)


def recorded_forecast(connection: sqlite3.Connection, entry: int) -> RecordedForecast:
    """Return the forecast of a run."""
    found = connection.execute("SELECT * FROM forecasts WHERE run = ? ORDER BY row", (entry,)).fetchall()
    row = connection.execute("SELECT levels FROM runs WHERE id = ?", (entry,)).fetchone()
    series, origins = (np.array([row[name] for row in found], dtype=np.int64) for name in ("series", "origin"))
    values, probabilities, naive = (
        np.stack([floats(row[name]) for row in found]) for name in ("value", "probability", "seasonal_naive")
    )
    levels = tuple(json.loads(row["levels"]))
    shape = len(levels), values.shape[1]  # Q, H
    bounds = np.stack([floats(row["bounds"]).reshape(2, *shape) for row in found], axis=2)  # [2, Q, S, H]
    return RecordedForecast(
        run=entry,
        series=series,
        model_names=tuple(row["model"] for row in found),
        origins=origins,
        levels=levels,
        values=values,
        naive=naive,
        probabilities=probabilities,
        lower=bounds[0],
        upper=bounds[1],
        factors=np.stack([floats(row["interval_factors"]).reshape(shape) for row in found], axis=1),
    )


def runs_since_origin(connection: sqlite3.Connection, origin: int, since: int, task: str) -> list[int]:
    """Return the runs of a task, from a number on, with forecasts from an origin or a later one, newest first."""
    query = (
        "SELECT DISTINCT run FROM forecasts JOIN runs ON runs.id = run "
        "WHERE origin >= ? AND run >= ? AND task = ? ORDER BY run DESC"
    )
    return [row[0] for row in connection.execute(query, (origin, since, task)).fetchall()]


def longest(connection: sqlite3.Connection) -> int:
    """Return the longest recorded horizon; 0 without forecasts."""
    return int(connection.execute("SELECT coalesce(max(length(value)), 0) / 8 FROM forecasts").fetchone()[0])


def newest_levels(connection: sqlite3.Connection) -> tuple[float, ...]:
    """Return the interval levels of the newest run; none without runs."""
    row = connection.execute("SELECT levels FROM runs ORDER BY id DESC LIMIT 1").fetchone()
    return tuple(json.loads(row["levels"])) if row else ()


def interval_factors(
    connection: sqlite3.Connection, series: Sequence[int], levels: Sequence[float]
) -> dict[tuple[int, float], tuple[int, Floats]]:
    """Return by series and level the last step that was used, and the log factors [H]."""
    found = connection.execute("SELECT * FROM interval_factors").fetchall()
    wanted = set(series)
    return {
        (row["series"], row["level"]): (row["through_position"], floats(row["log_factors"]))
        for row in found
        if row["series"] in wanted and row["level"] in levels
    }


def save_interval_factors(connection: sqlite3.Connection, factors: Iterable[tuple[int, float, int, Floats]]) -> None:
    """Store the factors: series, level, last step, [H] log factors."""
    connection.executemany(
        "INSERT OR REPLACE INTO interval_factors (series, level, through_position, log_factors) VALUES (?, ?, ?, ?)",
        ((series, level, known, blob(theta)) for series, level, known, theta in factors),
    )


def add_retrain(connection: sqlite3.Connection, retrain: RetrainRecord) -> None:
    """Store the comparison of a challenger with the incumbent."""
    names = (retrain.challenger, retrain.incumbent, int(retrain.accepted), retrain.reason)
    connection.execute(
        "INSERT INTO retrains (created_at, challenger, incumbent, accepted, reason, figures) VALUES (?, ?, ?, ?, ?, ?)",
        (micros(retrain.created_at), *names, text(retrain.figures)),
    )


def retrains(connection: sqlite3.Connection) -> list[RetrainRecord]:
    """Return all retrains in the order of recording."""
    found = connection.execute("SELECT * FROM retrains ORDER BY id").fetchall()
    return [
        RetrainRecord(
            created_at=moment(row["created_at"]),
            challenger=row["challenger"],
            incumbent=row["incumbent"],
            accepted=bool(row["accepted"]),
            reason=row["reason"],
            figures=json.loads(row["figures"]),
        )
        for row in found
    ]


def prune(connection: sqlite3.Connection, before: int) -> int:
    """Remove runs made before a time, and the data that only they used.

    Returns:
        The number of removed runs.
    """
    removed = connection.execute("DELETE FROM runs WHERE created_at < ?", (before,)).rowcount
    connection.execute("DELETE FROM forecasts WHERE run NOT IN (SELECT id FROM runs)")
    connection.execute("DELETE FROM retrains WHERE created_at < ?", (before,))
    connection.execute(
        "DELETE FROM panels WHERE id NOT IN (SELECT panel FROM runs) AND id < (SELECT max(id) FROM panels)"
    )
    observations.prune_panels(connection)
    return removed
