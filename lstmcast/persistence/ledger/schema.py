"""The tables of a ledger, and the errors of SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lstmcast.errors import BusyError, Fault, FaultCode, FileError, LstmcastError, ModelError
from lstmcast.persistence.files import translate_os_errors

APPLICATION = 0x4C53544D
"""`LSTM`, in the header of the file: distinguishes a ledger from other SQLite files."""

WAIT = 10.0  # seconds that a writer waits for another

# Times are microseconds since 1970 in UTC, arrays little-endian float64 or int64.
SCHEMA = """
    CREATE TABLE layouts (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);    -- columns, calendar and the like: JSON
    CREATE TABLE symbols (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);    -- their numbers are values
    CREATE TABLE series (id INTEGER PRIMARY KEY, grid TEXT NOT NULL, key TEXT NOT NULL, UNIQUE (grid, key));
    CREATE TABLE panels (                                                        -- the data after each change
        id INTEGER PRIMARY KEY AUTOINCREMENT, first_seen_at INTEGER NOT NULL,
        layout INTEGER NOT NULL REFERENCES layouts, source TEXT NOT NULL, series BLOB NOT NULL,
        starts BLOB NOT NULL, lengths BLOB NOT NULL, digests BLOB NOT NULL, covariates TEXT NOT NULL
    );
    CREATE TABLE observations (                                                  -- a value, valid from this panel on
        series INTEGER NOT NULL, position INTEGER NOT NULL, panel INTEGER NOT NULL, value REAL NOT NULL,
        observed INTEGER NOT NULL, PRIMARY KEY (series, position, panel)
    ) WITHOUT ROWID;
    CREATE TABLE drivers (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE);     -- ids of series, covariate: JSON
    CREATE TABLE driver_values (                                                 -- a value, valid from this panel on
        driver INTEGER NOT NULL REFERENCES drivers, position INTEGER NOT NULL, known_at INTEGER NOT NULL,
        panel INTEGER NOT NULL, value REAL, PRIMARY KEY (driver, position, known_at, panel)
    ) WITHOUT ROWID;
    CREATE TABLE runs (
        id INTEGER PRIMARY KEY AUTOINCREMENT, run_key TEXT NOT NULL, created_at INTEGER NOT NULL,
        panel INTEGER NOT NULL, version TEXT NOT NULL, config_digest TEXT NOT NULL, data_digest TEXT NOT NULL,
        task TEXT NOT NULL, model TEXT NOT NULL, status TEXT NOT NULL, output TEXT NOT NULL,
        output_digest TEXT NOT NULL, details TEXT NOT NULL, levels TEXT NOT NULL
    );
    CREATE INDEX runs_by_key ON runs (run_key);
    CREATE INDEX runs_by_time ON runs (created_at);
    CREATE TABLE forecasts (
        run INTEGER NOT NULL REFERENCES runs, row INTEGER NOT NULL, series INTEGER NOT NULL,
        model TEXT NOT NULL, origin INTEGER NOT NULL, value BLOB NOT NULL, probability BLOB NOT NULL,
        seasonal_naive BLOB NOT NULL, bounds BLOB NOT NULL, interval_factors BLOB NOT NULL, PRIMARY KEY (run, row)
    );
    CREATE INDEX forecasts_by_origin ON forecasts (origin);
    CREATE TABLE interval_factors (                                              -- log factors, and the last step used
        series INTEGER NOT NULL, level REAL NOT NULL, through_position INTEGER NOT NULL, log_factors BLOB NOT NULL,
        PRIMARY KEY (series, level)
    );
    CREATE TABLE retrains (
        id INTEGER PRIMARY KEY AUTOINCREMENT, created_at INTEGER NOT NULL, challenger TEXT NOT NULL,
        incumbent TEXT NOT NULL, accepted INTEGER NOT NULL, reason TEXT NOT NULL, figures TEXT NOT NULL
    );
"""
SCHEMA_VERSION = 4  # raised by every change of SCHEMA

_ELSEWHERE = "change its permissions, or choose another place"
_REFUSED = {
    sqlite3.SQLITE_FULL: (FaultCode.DISK_FULL, "the disk is full; free some space and run again"),
    sqlite3.SQLITE_READONLY: (FaultCode.READ_ONLY, f"it, or its folder, is not writable; {_ELSEWHERE}"),
    sqlite3.SQLITE_PERM: (FaultCode.NO_PERMISSION, f"permission denied; {_ELSEWHERE}"),
    sqlite3.SQLITE_CANTOPEN: (FaultCode.NO_PERMISSION, f"it, or its folder, is not accessible; {_ELSEWHERE}"),
    sqlite3.SQLITE_IOERR: (FaultCode.FILE_SYSTEM, "disk error; check the disk and its free space"),
}
_DAMAGE = "move the file and its -wal and -shm files away to start a new ledger; the models are not affected"


@contextmanager
def translate_sqlite_errors(path: Path, action: str) -> Iterator[None]:
    """Translate the errors of SQLite in the block.

    Args:
        path: the ledger.
        action: completes "cannot be …".

    Raises:
        FileError: the file system refused.
        BusyError: another process holds the ledger.
        ModelError: the file is damaged.
    """
    try:
        yield
    except sqlite3.DatabaseError as err:
        raise _explained(err, path, action) from err


def connect(path: Path, *, create: bool) -> sqlite3.Connection:
    """Open a ledger, create its tables if it is new, and check its integrity.

    Args:
        path: the file.
        create: open it for writing, and create it if missing; otherwise only for reading.

    Raises:
        FileError: the file system refused.
        BusyError: another process holds it.
        ModelError: it is missing and not created, damaged, no ledger, or of another schema.
    """
    with translate_os_errors("read", path):
        if not create and not path.exists():
            text = f"{path}: there is no ledger yet; the first `lstmcast run` creates it"
            raise ModelError(Fault(text, FaultCode.NO_LEDGER))
    with translate_sqlite_errors(path, "opened"):
        connection = _open(path, "rwc") if create else _open_to_read(path)
    try:
        with translate_sqlite_errors(path, "opened"):
            if create:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = FULL")
            _require_schema(connection, path, write=create)
            _check(connection, path)
    except LstmcastError:
        connection.close()
        raise
    return connection


def _open(path: Path, mode: str) -> sqlite3.Connection:
    connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode={mode}", uri=True, timeout=WAIT, isolation_level=None)
    connection.row_factory = sqlite3.Row
    return connection


def _open_to_read(path: Path) -> sqlite3.Connection:
    """Open for reading while another process may write; in a read-only folder, open the file as it is."""
    try:
        return _looked_into(_open(path, "ro"))
    except sqlite3.OperationalError as err:
        wal = path.with_name(f"{path.name}-wal")
        if _primary(err) not in {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY} or _size(wal):
            raise
        return _looked_into(_open(path, "ro&immutable=1"))


def _looked_into(connection: sqlite3.Connection) -> sqlite3.Connection:
    """Return the connection if it can read."""
    try:
        connection.execute("PRAGMA schema_version").fetchone()
    except sqlite3.DatabaseError:
        connection.close()
        raise
    return connection


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _require_schema(connection: sqlite3.Connection, path: Path, *, write: bool) -> None:
    """Create the tables in an empty file; refuse any file of another schema."""
    application, version = (_pragma(connection, name) for name in ("application_id", "user_version"))
    if (application, version) == (APPLICATION, SCHEMA_VERSION):
        return
    if connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()[0] or not write:
        found = f"schema {version}" if application == APPLICATION else "no ledger"
        text = f"{path}: must be a ledger of schema {SCHEMA_VERSION} (got {found}); {_DAMAGE}"
        raise ModelError(Fault(text, FaultCode.OTHER_SCHEMA))
    _create_tables(connection)


def _create_tables(connection: sqlite3.Connection) -> None:
    """Create all tables in one transaction, unless another process was faster."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        if _pragma(connection, "user_version") != SCHEMA_VERSION:
            for statement in _statements(SCHEMA):
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {APPLICATION}")
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _statements(script: str) -> Iterator[str]:
    """Yield the statements of a script; `executescript` would end the transaction."""
    statement = ""
    for line in script.splitlines():
        statement += line.partition("--")[0] + "\n"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _check(connection: sqlite3.Connection, path: Path) -> None:
    found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        text = f"{path}: is damaged ({' '.join(found.split())[:120]}); {_DAMAGE}"
        raise ModelError(Fault(text, FaultCode.DAMAGED))


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])


def _primary(err: sqlite3.DatabaseError) -> int:
    """Return the primary result code of SQLite."""
    return getattr(err, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF


def _explained(err: sqlite3.DatabaseError, path: Path, action: str) -> LstmcastError:
    code = _primary(err)
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return BusyError(
            Fault(f"{path}: another process holds it; wait for it to end, then run again", FaultCode.LOCKED)
        )
    if code in _REFUSED:
        fault_code, reason = _REFUSED[code]
        return FileError(Fault(f"{path}: cannot be {action}: {reason}", fault_code))
    return ModelError(Fault(f"{path}: is damaged ({err}); {_DAMAGE}", FaultCode.DAMAGED))
