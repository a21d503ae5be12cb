"""The data in a ledger: panels, and the values of each series with the panel that contained them first.

The caller holds the transaction.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from hashlib import sha256

import numpy as np

from lstmcast.data.drivers.holidays import Holidays
from lstmcast.data.panel import Panel
from lstmcast.data.schema import Columns
from lstmcast.data.time.calendar import Calendar
from lstmcast.persistence.ledger import covariates
from lstmcast.persistence.ledger.records import MAX_TIME_US, Key, PanelInfo, blob, ints, moment, text
from lstmcast.types import Bools, Floats

DIGEST = 32  # bytes of a sha256


@dataclass(frozen=True)
class PanelSnapshot:
    """A panel without its values.

    Attributes:
        layout: the number of its columns and calendar.
        series: S numbers.
        starts: S positions of the first steps.
        lengths: S lengths.
        digests: S digests of the values.
        covariates: summary of the covariates; empty without any.
    """

    layout: int
    series: tuple[int, ...]
    starts: tuple[int, ...]
    lengths: tuple[int, ...]
    digests: tuple[bytes, ...]
    covariates: str = ""

    @classmethod
    def of(cls, panel: Panel, layout: int, series: Sequence[int]) -> PanelSnapshot:
        """Summarize a panel."""
        digests = tuple(_digest(panel, k, int(length)) for k, length in enumerate(panel.lengths))
        spans = tuple(panel.starts.tolist()), tuple(panel.lengths.tolist())
        return cls(layout, tuple(series), *spans, digests, covariates.summary(panel))

    def index_of(self, series: int) -> int | None:
        """Return the index of a series; None if it is missing."""
        return self._index_by_series.get(series)

    @cached_property
    def _index_by_series(self) -> dict[int, int]:
        return {series: k for k, series in enumerate(self.series)}


def _digest(panel: Panel, k: int, length: int) -> bytes:
    """Return the sha256 of the first `length` values of a series and of their observed flags."""
    digest = sha256(blob(panel.series(k)[:length]))
    digest.update(np.ascontiguousarray(panel.observed_of(k)[:length]).tobytes())
    return digest.digest()


def layout_number(connection: sqlite3.Connection, panel: Panel) -> int:
    """Return the number of the columns, the calendar, the symbols and the holidays of a panel, stored if new."""
    holidays = {} if panel.holidays is None else {"holidays": panel.holidays.to_dict()}
    layout = text(
        {
            "columns": asdict(panel.columns),
            "calendar": panel.calendar.to_dict(),
            "symbols": list(panel.symbols),
            **holidays,
        }
    )
    connection.execute("INSERT OR IGNORE INTO layouts (text) VALUES (?)", (layout,))
    return int(connection.execute("SELECT id FROM layouts WHERE text = ?", (layout,)).fetchone()[0])


def _layout(connection: sqlite3.Connection, number: int) -> tuple[Columns, Calendar, tuple[str, ...], Holidays | None]:
    """Return the columns, the calendar, the symbols and the holidays of a number."""
    found = json.loads(connection.execute("SELECT text FROM layouts WHERE id = ?", (number,)).fetchone()[0])
    columns = found["columns"]
    return (
        Columns(columns["time"], tuple(columns["target"]), tuple(columns["series"])),
        Calendar.from_dict(found["calendar"]),
        tuple(found["symbols"]),
        Holidays.from_dict(found["holidays"]) if "holidays" in found else None,
    )


def symbols(connection: sqlite3.Connection) -> tuple[str, ...]:
    """Return the symbols by number; the first is empty, as numbers start at 1."""
    found = connection.execute("SELECT text FROM symbols ORDER BY id").fetchall()
    return "", *(row["text"] for row in found)


def number_symbols(connection: sqlite3.Connection, values: Floats, vocabulary: Sequence[str]) -> Floats:
    """Return codes of symbols [V] as numbers in the ledger, which are stored if new; −1 stays; numbers stay.

    Args:
        connection: the ledger.
        values: any shape.
        vocabulary: [V]; empty: the values are numbers.
    """
    if not vocabulary:
        return values
    connection.executemany("INSERT OR IGNORE INTO symbols (text) VALUES (?)", ((symbol,) for symbol in vocabulary))
    by_symbol = {symbol: number for number, symbol in enumerate(symbols(connection))}
    numbers = np.array([*(by_symbol[symbol] for symbol in vocabulary), -1], dtype=np.float64)
    return numbers[values.astype(np.int64)]  # the code -1 is the last


def _codes(connection: sqlite3.Connection, values: Floats, vocabulary: Sequence[str]) -> Floats:
    """Return the inverse of `number_symbols`."""
    if not vocabulary:
        return values
    code_by_symbol = {symbol: code for code, symbol in enumerate(vocabulary)}
    codes = np.array([*(code_by_symbol.get(symbol, -1) for symbol in symbols(connection)), -1], dtype=np.float64)
    return codes[values.astype(np.int64)]


def series_numbers(connection: sqlite3.Connection, calendar: Calendar, named: Sequence[Key]) -> list[int]:
    """Return the numbers of series on a grid, stored if new."""
    grid = text(calendar.to_dict()["grid"])
    texts = [(grid, text(key)) for key in named]
    connection.executemany("INSERT OR IGNORE INTO series (grid, key) VALUES (?, ?)", texts)
    known = dict(connection.execute("SELECT key, id FROM series WHERE grid = ?", (grid,)).fetchall())
    return [known[key] for _, key in texts]


def vocabulary_of(connection: sqlite3.Connection, seen: PanelSnapshot) -> tuple[str, ...]:
    """Return the symbols of a panel; empty for numbers."""
    return _layout(connection, seen.layout)[2]


def last_panel(connection: sqlite3.Connection) -> tuple[int, PanelSnapshot] | None:
    """Return the number and the summary of the newest panel."""
    return _panel_row(connection, None)


def _panel_row(connection: sqlite3.Connection, number: int | None) -> tuple[int, PanelSnapshot] | None:
    query = "SELECT * FROM panels WHERE id = coalesce(?, (SELECT max(id) FROM panels))"
    row = connection.execute(query, (number,)).fetchone()
    if row is None:
        return None
    series, starts, lengths = (tuple(ints(row[name]).tolist()) for name in ("series", "starts", "lengths"))
    digests = tuple(row["digests"][at : at + DIGEST] for at in range(0, len(row["digests"]), DIGEST))
    return row["id"], PanelSnapshot(row["layout"], series, starts, lengths, digests, row["covariates"])


def add_panel(connection: sqlite3.Connection, seen: PanelSnapshot, source: str, when: int) -> int:
    """Store a panel without its values, and return its number."""
    blobs = [blob(np.array(part, dtype=np.int64)) for part in (seen.series, seen.starts, seen.lengths)]
    row = (when, seen.layout, source, *blobs, b"".join(seen.digests), seen.covariates)
    names = "first_seen_at, layout, source, series, starts, lengths, digests, covariates"
    insert = f"INSERT INTO panels ({names}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
    return int(connection.execute(insert, row).lastrowid or 0)


def add_values(
    connection: sqlite3.Connection, number: int, panel: Panel, k: int, seen: PanelSnapshot, before: PanelSnapshot | None
) -> int:
    """Store the values of a series that are new or revised.

    Returns:
        The number of observed ones among them.
    """
    known = _unchanged(panel, k, seen, before) if before else 0
    values, observed = panel.series(k)[known:], panel.observed_of(k)[known:]
    series, start = seen.series[k], seen.starts[k] + known
    held = _held(connection, series, start, len(values), number)
    changed = np.flatnonzero((held[0] != values) | (held[1] != observed))
    new = zip((changed + start).tolist(), values[changed].tolist(), observed[changed].tolist(), strict=True)
    connection.executemany(
        "INSERT INTO observations (series, position, panel, value, observed) VALUES (?, ?, ?, ?, ?)",
        ((series, position, number, value, int(there)) for position, value, there in new),
    )
    return int(observed[changed].sum())


def _unchanged(panel: Panel, k: int, seen: PanelSnapshot, before: PanelSnapshot) -> int:
    """Return the number of first steps of a series that equal those of an earlier panel."""
    old = before.index_of(seen.series[k])
    if old is None or before.starts[old] != seen.starts[k] or before.lengths[old] > seen.lengths[k]:
        return 0
    length = before.lengths[old]
    return length if _digest(panel, k, length) == before.digests[old] else 0


def _held(connection: sqlite3.Connection, series: int, start: int, length: int, panel: int) -> tuple[Floats, Bools]:
    """Return the values [length] as of a panel, NaN where missing, and their observed flags."""
    values, observed = np.full(length, np.nan), np.zeros(length, dtype=np.bool_)
    found = connection.execute(
        "SELECT position, value, observed, max(panel) FROM observations "  # SQLite returns the row of the maximum
        "WHERE series = ? AND position BETWEEN ? AND ? AND panel <= ? GROUP BY position",
        (series, start, start + length - 1, panel),
    ).fetchall()
    if found:
        at = np.array([row[0] for row in found], dtype=np.int64) - start
        values[at] = [row[1] for row in found]
        observed[at] = [row[2] for row in found]
    return values, observed


def panel_info(connection: sqlite3.Connection, number: int | None) -> PanelInfo | None:
    """Return a panel without its values; None: the newest."""
    found = _panel_row(connection, number)
    if found is None:
        return None
    row = connection.execute("SELECT first_seen_at FROM panels WHERE id = ?", (found[0],)).fetchone()
    seen = found[1]
    starts = np.array(seen.starts, dtype=np.int64)
    columns, calendar, vocabulary, holidays = _layout(connection, seen.layout)
    return PanelInfo(
        number=found[0],
        first_seen_at=moment(row["first_seen_at"]),
        columns=columns,
        calendar=calendar,
        symbols=vocabulary,
        holidays=holidays,
        keys=keys(connection, seen.series),
        series=np.array(seen.series, dtype=np.int64),
        starts=starts,
        ends=starts + np.array(seen.lengths, dtype=np.int64) - 1,
        covariates=seen.covariates,
    )


def panel(connection: sqlite3.Connection, number: int | None) -> Panel | None:
    """Return the data as of a panel; None: the newest."""
    found = panel_info(connection, number)
    if found is None:
        return None
    lengths = found.ends - found.starts + 1
    each = [
        _held(connection, *span, found.number)
        for span in zip(found.series.tolist(), found.starts.tolist(), lengths.tolist(), strict=True)
    ]
    return Panel(
        columns=found.columns,
        calendar=found.calendar,
        keys=found.keys,
        values=_codes(connection, np.concatenate([values for values, _ in each]), found.symbols),
        observed=np.concatenate([observed for _, observed in each]),
        offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        starts=found.starts,
        inferred=(),
        notes=(),
        source=connection.execute("SELECT source FROM panels WHERE id = ?", (found.number,)).fetchone()[0],
        symbols=found.symbols,
        holidays=found.holidays,
        covariates=covariates.covariates(connection, found.number, found.covariates),
    )


def outcomes(connection: sqlite3.Connection, series: Sequence[int], first: int, last: int) -> Floats:
    """Return the values [S, T] of the steps from first to last as known now; NaN where not observed."""
    known = np.full((len(series), last - first + 1), np.nan)
    for k, number in enumerate(series):
        values, observed = _held(connection, number, first, known.shape[1], MAX_TIME_US)
        known[k, observed] = values[observed]
    return known


def keys(connection: sqlite3.Connection, series: Sequence[int]) -> tuple[Key, ...]:
    """Return the keys of series."""
    known = dict(connection.execute("SELECT id, key FROM series").fetchall())
    return tuple(tuple(json.loads(known[number])) for number in series)


def numbers_in(connection: sqlite3.Connection, seen: PanelSnapshot, named: Sequence[Key]) -> list[int]:
    """Return the numbers of the series of a panel with these keys."""
    known = dict(zip(keys(connection, seen.series), seen.series, strict=True))
    missing = [key for key in named if key not in known]
    if missing:
        raise ValueError(f"series that were not observed cannot be recorded: {missing[:5]}")
    return [known[key] for key in named]


def prune_panels(connection: sqlite3.Connection) -> None:
    """Remove values that no remaining panel contains: revised before the first one, or older than their series."""
    first = connection.execute("SELECT min(id) FROM panels").fetchone()[0]
    connection.execute(
        "DELETE FROM observations AS old WHERE panel < :first AND EXISTS (SELECT 1 FROM observations AS new WHERE "
        "new.series = old.series AND new.position = old.position AND new.panel > old.panel AND new.panel <= :first)",
        {"first": first},
    )
    covariates.prune(connection, first)
    starts: dict[int, int] = {}
    for row in connection.execute("SELECT series, starts FROM panels").fetchall():
        for number, start in zip(ints(row["series"]).tolist(), ints(row["starts"]).tolist(), strict=True):
            starts[number] = min(start, starts.get(number, start))
    for (number,) in connection.execute("SELECT id FROM series").fetchall():
        limit = starts.get(number, MAX_TIME_US)
        connection.execute("DELETE FROM observations WHERE series = ? AND position < ?", (number, limit))
