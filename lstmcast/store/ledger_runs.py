"""The runs in a ledger: entries, what they forecast, refits. The caller holds the transaction."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import asdict

import numpy as np

from lstmcast.store import ledger_data
from lstmcast.store.ledger_records import Entry, Floats, Forecasts, Issue, Refit
from lstmcast.store.ledger_values import blob, floats, micros, moment, text

_TEXTS = ("run_key", "version", "config_digest", "data_digest", "source", "status", "output", "output_digest")


def add_entry(connection: sqlite3.Connection, entry: Entry, panel: int, levels: Sequence[float]) -> int:
    """Keep a run; gives its number."""
    row = {**asdict(entry), "made": micros(entry.made), "details": text(entry.details)}
    insert = (
        "INSERT INTO entries (run_key, made, panel, version, config_digest, data_digest, source, status, output, "
        "output_digest, details, levels) VALUES (:run_key, :made, :panel, :version, :config_digest, :data_digest, "
        ":source, :status, :output, :output_digest, :details, :levels)"
    )
    done = connection.execute(insert, {**row, "panel": panel, "levels": text(list(levels))})
    return int(done.lastrowid or 0)


def entries(connection: sqlite3.Connection, first: int, last: int) -> list[Entry]:
    """The runs made between two times, both included, in the order in which they were recorded."""
    found = connection.execute("SELECT * FROM entries WHERE made BETWEEN ? AND ? ORDER BY id", (first, last))
    return [_entry(row) for row in found.fetchall()]


def newest(connection: sqlite3.Connection, run_key: str) -> Entry | None:
    """The newest run of a key."""
    query = "SELECT * FROM entries WHERE run_key = ? ORDER BY id DESC LIMIT 1"
    row = connection.execute(query, (run_key,)).fetchone()
    return None if row is None else _entry(row)


def _entry(row: sqlite3.Row) -> Entry:
    texts = {name: row[name] for name in _TEXTS}
    return Entry(**texts, made=moment(row["made"]), details=json.loads(row["details"]), number=row["id"])


def panel_number(connection: sqlite3.Connection, entry: int) -> int:
    """The panel an entry was made from; 0: there is no such entry."""
    found = connection.execute("SELECT panel FROM entries WHERE id = ?", (entry,)).fetchone()
    return int(found[0]) if found else 0


def add_forecasts(
    connection: sqlite3.Connection, entry: int, series: Sequence[int], said: Forecasts, naive: Floats, factors: Floats
) -> None:
    """Keep what an entry forecast: one row a series."""
    bounds = np.stack([said.lower, said.upper])  # [2, Q, S, H]
    rows = [
        (entry, k, number, origin, *map(blob, (said.values[k], naive[k], bounds[:, :, k], factors[:, k])))
        for k, (number, origin) in enumerate(zip(series, said.origins.tolist(), strict=True))
    ]
    insert = (
        "INSERT INTO forecasts (entry, place, series, origin, said, naive, bounds, factors) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
    )
    connection.executemany(insert, rows)


def issue(connection: sqlite3.Connection, entry: Entry) -> Issue:
    """What an entry forecast."""
    query = "SELECT levels, layout FROM entries JOIN panels ON panels.id = entries.panel WHERE entries.id = ?"
    run = connection.execute(query, (entry.number,)).fetchone()
    found = connection.execute("SELECT * FROM forecasts WHERE entry = ? ORDER BY place", (entry.number,)).fetchall()
    columns, calendar = ledger_data.layout(connection, run["layout"])
    series, origins = (np.array([row[name] for row in found], dtype=np.int64) for name in ("series", "origin"))
    values, naive = (np.stack([floats(row[name]) for row in found]) for name in ("said", "naive"))
    levels = tuple(json.loads(run["levels"]))
    shape = len(levels), values.shape[1]  # Q, H
    bounds = np.stack([floats(row["bounds"]).reshape(2, *shape) for row in found], axis=2)  # [2, Q, S, H]
    return Issue(
        entry=entry,
        columns=columns,
        calendar=calendar,
        keys=ledger_data.keys(connection, series.tolist()),
        series=series,
        origins=origins,
        levels=levels,
        values=values,
        naive=naive,
        lower=bounds[0],
        upper=bounds[1],
        factors=np.stack([floats(row["factors"]).reshape(shape) for row in found], axis=1),
    )


def add_refit(connection: sqlite3.Connection, refit: Refit) -> None:
    """Keep a judgement."""
    connection.execute(
        "INSERT INTO refits (made, challenger, incumbent, accepted, reason, figures) VALUES (?, ?, ?, ?, ?, ?)",
        (micros(refit.made), refit.challenger, refit.incumbent, int(refit.accepted), refit.reason, text(refit.figures)),
    )


def refits(connection: sqlite3.Connection) -> list[Refit]:
    """All judgements, the first one first."""
    found = connection.execute("SELECT * FROM refits ORDER BY id").fetchall()
    return [
        Refit(
            made=moment(row["made"]),
            challenger=row["challenger"],
            incumbent=row["incumbent"],
            accepted=bool(row["accepted"]),
            reason=row["reason"],
            figures=json.loads(row["figures"]),
        )
        for row in found
    ]


def prune(connection: sqlite3.Connection, before: int) -> int:
    """Remove runs made before a time, and of the data what only they had seen.

    Returns:
        How many runs were removed.
    """
    removed = connection.execute("DELETE FROM entries WHERE made < ?", (before,)).rowcount
    connection.execute("DELETE FROM forecasts WHERE entry NOT IN (SELECT id FROM entries)")
    connection.execute("DELETE FROM refits WHERE made < ?", (before,))
    connection.execute(
        "DELETE FROM panels WHERE id NOT IN (SELECT panel FROM entries) AND id < (SELECT max(id) FROM panels)"
    )
    ledger_data.forget_unseen(connection)
    return removed
