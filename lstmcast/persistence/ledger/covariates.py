"""The covariates in a ledger: values and versions of each column, with the panel that contained them first.

The caller holds the transaction.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np
import pandas as pd

from lstmcast.data.drivers.covariates import Covariates, Versions
from lstmcast.data.panel import Panel, offsets_of
from lstmcast.persistence.ledger.records import MAX_TIME_US, text
from lstmcast.types import Bools, Floats, Ints

NO_VERSION = -MAX_TIME_US  # time of knowledge of values that are no versions
RECENT = 1_000  # last steps of a panel, which later data may revise


@dataclass(frozen=True)
class _Block:
    """Cells of one covariate in one block.

    Attributes:
        key: ids of the series and the covariate.
        positions, known_at: [N] calendar positions of the values, and of their knowledge.
        values: [N]; NaN where not known.
    """

    key: str
    positions: Ints
    known_at: Ints
    values: Floats


def summary(panel: Panel) -> str:
    """Summarize the covariates of a panel without their values; empty without covariates."""
    covariates = panel.covariates
    if covariates is None:
        return ""
    used, blocks = np.unique(covariates.blocks, return_inverse=True)
    first = [int(np.flatnonzero(covariates.blocks == block)[0]) for block in used]
    lengths = np.diff(covariates.offsets)[used]
    stable = np.maximum(0, panel.ends[first] + 1 - RECENT - covariates.starts[used]).clip(max=lengths)
    return text(
        {
            **covariates.to_facts(),
            "known": covariates.known.tolist(),
            "static": covariates.static.tolist(),
            "ids": [list(panel.keys[k][: len(panel.columns.series)]) for k in first],
            "starts": covariates.starts[used].tolist(),
            "lengths": lengths.tolist(),
            "blocks": blocks.tolist(),
            "versions": covariates.versions is not None,
            "stable": [
                [int(n), _digest(covariates.values[covariates.offsets[b] :][:n])]
                for b, n in zip(used.tolist(), stable.tolist(), strict=True)
            ],
            "digest": _digest(*covariates.arrays),
        }
    )


def _digest(*arrays: np.ndarray) -> str:
    """Return the sha256 of arrays."""
    digest = sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def add(connection: sqlite3.Connection, number: int, panel: Panel, summarized: str, before: str) -> None:
    """Store the cells of a panel that are new, revised or gone since the last panel; both are summarized."""
    covariates = panel.covariates
    if covariates is None:
        return
    facts = json.loads(summarized)
    old = json.loads(before) if before else None
    used = np.unique(covariates.blocks).tolist()
    for index, block in enumerate(used):
        skipped = _unchanged(facts, old, index, covariates.values[covariates.offsets[block] :])
        for cells in _cells(covariates, facts, index, block, skipped):
            _add_cells(connection, number, cells, first=facts["starts"][index] + skipped)


def _unchanged(facts: dict[str, Any], old: dict[str, Any] | None, index: int, values: Floats) -> int:
    """Return the number of first steps of a block that equal those of an earlier panel."""
    if old is None or facts["names"] != old["names"] or facts["versions"] or old["versions"]:
        return 0
    ids = facts["ids"][index]
    if ids not in old["ids"] or old["starts"][at := old["ids"].index(ids)] != facts["starts"][index]:
        return 0
    steps, digest = old["stable"][at]
    return int(steps) if steps <= facts["lengths"][index] and _digest(values[:steps]) == digest else 0


def _cells(covariates: Covariates, facts: dict[str, Any], index: int, block: int, skipped: int) -> Iterator[_Block]:
    """Yield the cells of each covariate of a block from a step on: its values, then its versions."""
    start, end = covariates.offsets[[block, block + 1]].tolist()
    steps = np.arange(start + skipped, end)
    positions = steps - start + int(covariates.starts[block])
    versions = covariates.versions
    own = np.zeros(0, dtype=np.bool_) if versions is None else (versions.rows >= start) & (versions.rows < end)
    for k, name in enumerate(covariates.names):
        found = [(positions, np.full(len(steps), NO_VERSION), covariates.values[steps, k])]
        if versions is not None:
            revised = versions.rows[own] - start + int(covariates.starts[block])
            found.append((revised, versions.known_at[own], versions.values[own, k]))
        key = text({"ids": facts["ids"][index], "name": name})
        yield _Block(key, *(np.concatenate(parts) for parts in zip(*found, strict=True)))


def _add_cells(connection: sqlite3.Connection, number: int, cells: _Block, first: int) -> None:
    """Store the cells of a covariate that differ from those of earlier panels, from a position on."""
    connection.execute("INSERT OR IGNORE INTO drivers (key) VALUES (?)", (cells.key,))
    driver = int(connection.execute("SELECT id FROM drivers WHERE key = ?", (cells.key,)).fetchone()[0])
    held = {(p, at): value for p, at, value in _held(connection, driver, first, number)}
    keys = zip(cells.positions.tolist(), cells.known_at.tolist(), strict=True)
    new = {**dict.fromkeys(held), **dict(zip(keys, _plain(cells.values), strict=True))}
    connection.executemany(
        "INSERT INTO driver_values (driver, position, known_at, panel, value) VALUES (?, ?, ?, ?, ?)",
        ((driver, *cell, number, value) for cell, value in new.items() if value != held.get(cell)),
    )


def _plain(values: Floats) -> list[float | None]:
    """Return numbers, None for NaN."""
    return [None if value != value else value for value in values.tolist()]


def _held(connection: sqlite3.Connection, driver: int, first: int, panel: int) -> list[tuple[int, int, float | None]]:
    """Return position, time of knowledge and value of the cells as of a panel, from a position on."""
    return [
        (row[0], row[1], row[2])
        for row in connection.execute(
            "SELECT position, known_at, value, max(panel) FROM driver_values "  # SQLite returns the row of the maximum
            "WHERE driver = ? AND position >= ? AND panel <= ? GROUP BY position, known_at",
            (driver, first, panel),
        )
    ]


def covariates(connection: sqlite3.Connection, number: int, summarized: str) -> Covariates | None:
    """Return the covariates as of a panel, from their summary."""
    if not summarized:
        return None
    facts = json.loads(summarized)
    offsets, starts = offsets_of(np.array(facts["lengths"])), np.array(facts["starts"], dtype=np.int64)
    values = np.full((int(offsets[-1]), len(facts["names"])), np.nan)
    revised: list[pd.DataFrame] = []
    for index, ids in enumerate(facts["ids"]):
        for k, name in enumerate(facts["names"]):
            cells = _frame(connection, number, text({"ids": ids, "name": name}), facts["starts"][index])
            step = cells["position"] - facts["starts"][index]
            is_value = ((cells["known_at"] == NO_VERSION) & (step < facts["lengths"][index])).to_numpy()
            values[offsets[index] + step[is_value].to_numpy(), k] = cells["value"][is_value]
            rows = cells[cells["known_at"] != NO_VERSION]
            revised.append(rows.assign(row=offsets[index] + step[rows.index], name=k))
    known: Bools = np.array(facts["known"], dtype=np.bool_)
    return Covariates(
        names=tuple(facts["names"]),
        columns=tuple(facts["columns"]),
        known=known,
        static=np.array(facts["static"], dtype=np.bool_),
        values=values,
        offsets=offsets,
        starts=starts,
        blocks=np.array(facts["blocks"], dtype=np.int64),
        versions=_versions(pd.concat(revised), len(facts["names"])) if facts["versions"] else None,
    )


def _frame(connection: sqlite3.Connection, number: int, key: str, first: int) -> pd.DataFrame:
    """Return the cells of a covariate as of a panel."""
    row = connection.execute("SELECT id FROM drivers WHERE key = ?", (key,)).fetchone()
    found = _held(connection, int(row[0]), first, number) if row else []
    cells = pd.DataFrame(found, columns=["position", "known_at", "value"])
    return cells.astype({"position": np.int64, "known_at": np.int64, "value": np.float64})


def _versions(cells: pd.DataFrame, count: int) -> Versions:
    """Return the versions of K covariates from their cells; rows without any value are gone."""
    table = cells.pivot_table(index=["row", "known_at"], columns="name", values="value", aggfunc="first", dropna=True)
    table = table.reindex(columns=range(count)).dropna(how="all").sort_index()
    rows, known_at = (table.index.get_level_values(level).to_numpy(dtype=np.int64) for level in ("row", "known_at"))
    return Versions(rows, known_at, table.to_numpy(dtype=np.float64))


def prune(connection: sqlite3.Connection, first: int) -> None:
    """Remove cells that were revised before the first remaining panel."""
    connection.execute(
        "DELETE FROM driver_values AS old WHERE panel < :first AND EXISTS (SELECT 1 FROM driver_values AS new WHERE "
        "new.driver = old.driver AND new.position = old.position AND new.known_at = old.known_at "
        "AND new.panel > old.panel AND new.panel <= :first)",
        {"first": first},
    )
