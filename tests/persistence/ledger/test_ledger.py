"""Recorded data are read back unchanged, also after revisions; a record is complete or absent."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lstmcast.data.drivers.holiday import Holiday
from lstmcast.data.drivers.holidays import Holidays
from lstmcast.data.load import read
from lstmcast.data.panel import Panel
from lstmcast.data.schema import ReadOptions
from lstmcast.data.targets import read_characters, symbols_of
from lstmcast.errors import BusyError, Fault, FaultCode, FileError, ModelError
from lstmcast.forecasts import Forecast
from lstmcast.persistence.ledger.ledger import Ledger
from lstmcast.persistence.ledger.records import RetrainRecord, RunRecord
from lstmcast.persistence.ledger.schema import SCHEMA_VERSION
from lstmcast.tasks.category.model import SymbolForecast

Refuse = Callable[..., Fault]

NOW = datetime(2026, 11, 20, 8, 45, tzinfo=UTC)
HOUR = timedelta(hours=1)
LEVELS = (80.0, 95.0)


def forecast_of(panel: Panel, horizon: int = 3) -> Forecast:
    """Numbers that differ by series, step, level and side."""
    values = np.arange(panel.n_series * horizon, dtype=np.float64).reshape(-1, horizon) + 0.1
    widths = np.array([1.0, 2.0])[:, None, None]
    names = panel.columns.time or "step", panel.key_columns
    return Forecast(
        panel.calendar, *names, panel.keys, panel.ends, values, LEVELS, values - widths, values + 3 * widths
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The path of a new ledger."""
    return tmp_path / "ledger.sqlite"


def test_a_value_seen_twice_is_kept_once(path: Path, air_panel: Panel) -> None:
    """New values are counted, known ones are not; one that was revised is, and one that was taken back is again."""
    revised = replace(air_panel, values=np.where(np.arange(144) == 3, 1.0, air_panel.values))
    with Ledger.open(path) as ledger:
        assert ledger.observe(air_panel.drop_last(20), NOW) == 124
        assert ledger.observe(air_panel.drop_last(20), NOW + HOUR) == 0
        assert ledger.observe(air_panel, NOW + 2 * HOUR) == 20
        assert ledger.observe(revised, NOW + 3 * HOUR) == 1
        assert ledger.observe(air_panel, NOW + 4 * HOUR) == 1


def test_the_data_of_each_run_come_back(path: Path, shops_file: Path) -> None:
    """After revisions, cuts, omissions and new holidays, the data of each run have the recorded fingerprint."""
    panel = read(shops_file)
    old, new = (Holidays((code,), 0, 9, (Holiday(1, "Fair", code),)) for code in ("DE", "US"))
    seen = [
        panel.drop_last(7),
        panel,
        replace(panel, values=panel.values + 1e-9),
        panel.select(np.array([1, 0])),
        panel.drop_last(2),
        replace(panel, holidays=old),
        replace(panel, holidays=new),
        panel,
    ]
    with Ledger.open(path) as ledger:
        for k, each in enumerate(seen):
            ledger.observe(each, NOW + k * HOUR)
            ledger.record(
                RunRecord(str(k), NOW + k * HOUR, "v", "c", each.fingerprint()),
                forecast_of(each),
                np.zeros((each.n_series, 3)),
            )
    with Ledger.open(path, create=False) as ledger:
        for entry in ledger.runs():
            assert ledger.panel_of(entry).fingerprint() == entry.data_digest


def test_a_forecast_comes_back_to_the_bit(path: Path, shops_file: Path) -> None:
    """Every array, and every word about the run."""
    panel = read(shops_file)
    forecast, naive = forecast_of(panel), np.random.default_rng(0).normal(size=(panel.n_series, 3))
    factors = np.random.default_rng(1).uniform(size=forecast.lower.shape)
    entry = RunRecord("key", NOW, "v", "c", "d", details={"why": ["ä", 1]})
    with Ledger.open(path) as ledger:
        ledger.observe(panel, NOW)
        number = ledger.record(entry, forecast, naive, factors)
        assert ledger.runs() == [replace(entry, number=number)]
        issue = ledger.recorded_forecast(number)
    for name in ("origins", "values", "lower", "upper"):
        assert np.array_equal(getattr(issue, name), getattr(forecast, name)), name
    assert np.array_equal(issue.naive, naive)
    assert np.array_equal(issue.factors, factors)
    assert (issue.levels, issue.model_names) == (forecast.levels, ("lstmcast",) * panel.n_series)


def test_runs_are_found_by_key_and_time(path: Path, air_panel: Panel) -> None:
    """The newest of a key; those of a stretch of time, both ends included."""
    with Ledger.open(path) as ledger:
        ledger.observe(air_panel, NOW)
        for k, key in enumerate("aba"):
            ledger.record(RunRecord(key, NOW + k * HOUR, "v", "c", "d"), forecast_of(air_panel), np.zeros((1, 3)))
        assert ledger.find_run("c") is None
        found = ledger.find_run("a")
        assert found is not None
        assert (found.number, found.created_at) == (3, NOW + 2 * HOUR)
        assert [e.number for e in ledger.runs(since=NOW + HOUR, until=NOW + 2 * HOUR)] == [2, 3]
        assert [e.number for e in ledger.runs(until=NOW)] == [1]


def test_refits_come_back(path: Path) -> None:
    """An evaluation record with its scores."""
    refit = RetrainRecord(NOW, "new", "old", accepted=False, reason="every 7d", figures={"new": {"mase": 1.25}})
    with Ledger.open(path) as ledger:
        ledger.record_retrain(refit)
        assert ledger.retrains() == [refit]


# --- interval factors and retention ---


def test_outcomes_are_what_is_known_by_now(path: Path, air_panel: Panel) -> None:
    """The newest value of each step, NaN where none was observed; a filled value is no outcome."""
    filled = replace(air_panel, observed=np.arange(144) != 100)
    start = int(air_panel.starts[0])
    with Ledger.open(path) as ledger:
        ledger.observe(replace(air_panel, values=air_panel.values + 1), NOW)
        ledger.observe(filled, NOW + HOUR)
        frame = ledger.panel_info()
        assert frame is not None
        found = ledger.outcomes(frame.series, start + 99, start + 145)
    expected = [air_panel.values[99], np.nan, *air_panel.values[101:], np.nan, np.nan]
    assert np.array_equal(found[0], expected, equal_nan=True)


def test_forecasts_of_a_step_come_newest_first(path: Path, air_panel: Panel) -> None:
    """Those that reach the step or a later one, also from far back; none that ended before."""
    with Ledger.open(path) as ledger:
        for k in range(6):
            part = air_panel.drop_last(6 - k)
            ledger.observe(part, NOW + k * HOUR)
            ledger.record(RunRecord(str(k), NOW + k * HOUR, "v", "c", "d"), forecast_of(part), np.zeros((1, 3)))
        last = int(air_panel.ends[0])
        assert [issue.run for issue in ledger.recorded_forecasts(last, task="value")] == [6, 5, 4]
        assert [issue.run for issue in ledger.recorded_forecasts(last, task="value", since=5)] == [6, 5]
        assert list(ledger.recorded_forecasts(last, task="event")) == []
        assert ledger.horizon == 3
        assert ledger.levels == LEVELS


def test_symbols_are_kept_by_their_numbers(path: Path, tmp_path: Path) -> None:
    """A changed vocabulary revises nothing; each panel comes back in its own; unknown and missing symbols too."""
    days = pd.date_range("2024-01-01", periods=20).strftime("%Y-%m-%d")
    states = ["off", "on", "on", "idle", "off"] * 4
    states[7] = ""
    pd.DataFrame({"day": days, "state": states}).to_csv(tmp_path / "a.csv", index=False)
    panel = read(tmp_path / "a.csv", ReadOptions(target=("state",)), symbols_of())
    other = panel.recode(("stuck", "on", "off"))
    with Ledger.open(path) as ledger:
        assert ledger.observe(panel, NOW) == 19
        assert ledger.observe(panel.recode(("on", "off", "idle")), NOW + HOUR) == 0
        assert ledger.observe(other, NOW + 2 * HOUR) == 4
        assert ledger.symbols == ("", "idle", "off", "on", "stuck")
        kept = [ledger.panel(number) for number in (1, 2, 3)]
        for known, seen in zip(kept, (panel, panel.recode(("on", "off", "idle")), other), strict=True):
            assert known is not None
            assert known.fingerprint() == seen.fingerprint()
        outcomes = ledger.outcomes(np.array([1]), int(panel.starts[0]), int(panel.starts[0]) + 8)[0]
    np.testing.assert_array_equal(outcomes, [2, 3, 3, -1, 2, 2, 3, np.nan, -1])


def test_a_forecast_of_symbols_comes_back(path: Path, tmp_path: Path) -> None:
    """By numbers of symbols, with the probabilities; the naive one in the codes of the data."""
    (tmp_path / "a.txt").write_text("abcabd" * 5, encoding="utf-8")
    panel = read_characters(tmp_path / "a.txt", ReadOptions())
    probabilities = np.array([[0.5, 0.25]])
    forecast = SymbolForecast(
        **SymbolForecast.index_of(panel), codes=np.array([[0, 2]]), symbols=("d", "c", "b"), probabilities=probabilities
    )
    with Ledger.open(path) as ledger:
        ledger.observe(panel, NOW)
        entry = RunRecord("key", NOW, "v", "c", "d", task="category")
        number = ledger.record(entry, forecast, np.array([[3.0, -1.0]]))
        found, names = ledger.recorded_forecast(number), ledger.symbols
        assert ledger.last_run() == replace(entry, number=number)
    assert [names[int(value)] for value in found.values[0]] == ["d", "b"]
    assert names[int(found.naive[0, 0])] == "d"
    assert found.naive[0, 1] == -1
    assert found.probabilities.tolist() == probabilities.tolist()
    assert found.levels == ()


def test_interval_factors_are_replaced(path: Path) -> None:
    """The last state of a series and level counts."""
    with Ledger.open(path) as ledger:
        ledger.save_interval_factors(
            [(1, 80.0, 7, np.array([0.1, 0.2])), (1, 95.0, 7, np.zeros(2)), (2, 80.0, 7, np.zeros(2))]
        )
        ledger.save_interval_factors([(1, 80.0, 8, np.array([0.3]))])
        found = ledger.interval_factors(np.array([1]), [80.0])
        assert list(found) == [(1, 80.0)]
        assert found[1, 80.0][0] == 8
        assert found[1, 80.0][1].tolist() == [0.3]


def test_a_series_that_was_never_seen_cannot_be_recorded(path: Path, air_panel: Panel) -> None:
    """Forecasts are recorded together with their data, or not at all."""
    entry = RunRecord("key", NOW, "v", "c", "d")
    with Ledger.open(path) as ledger:
        with pytest.raises(ValueError, match="observe the data before"):
            ledger.record(entry, forecast_of(air_panel), np.zeros((1, 3)))
        ledger.observe(air_panel, NOW)
        with pytest.raises(ValueError, match="not observed"):
            ledger.record(entry, replace(forecast_of(air_panel), keys=(("other",),)), np.zeros((1, 3)))
        assert ledger.runs() == []


def test_prune_forgets_what_only_old_runs_had_seen(path: Path, air_panel: Panel) -> None:
    """Of 40 runs on a rolling window of data with revisions, the last 10 stay, and their data to the bit."""
    with Ledger.open(path) as ledger:
        for k in range(40):
            window = replace(air_panel.drop_last(40 - k), values=air_panel.values[k : k + 104] + 0.001 * (k // 3))
            window = replace(
                window, observed=window.observed[:104], offsets=np.array([0, 104]), starts=air_panel.starts + k
            )
            ledger.observe(window, NOW + k * HOUR)
            ledger.record(
                RunRecord(str(k), NOW + k * HOUR, "v", "c", window.fingerprint()), forecast_of(window), np.zeros((1, 3))
            )
        ledger.record_retrain(RetrainRecord(NOW, "a", "b", accepted=True))
        assert ledger.prune(NOW + 30 * HOUR) == 30
        left = ledger.runs()
        assert [entry.run_key for entry in left] == [str(k) for k in range(30, 40)]
        assert [ledger.panel_of(entry).fingerprint() for entry in left] == [entry.data_digest for entry in left]
        assert ledger.retrains() == []
        assert ledger.prune(NOW + 30 * HOUR) == 0
    with sqlite3.connect(path) as plain:
        rows = plain.execute("SELECT count(*), min(position) FROM observations").fetchone()
        forecasts = plain.execute("SELECT count(*) FROM forecasts").fetchone()[0]
    plain.close()
    assert rows[1] == air_panel.starts[0] + 30
    assert rows[0] < 600
    assert forecasts == 10


def test_a_clock_that_jumps_back_confuses_nothing(path: Path, air_panel: Panel) -> None:
    """A run made "before" the last one still refers to its own data, and is the newest of its key."""
    with Ledger.open(path) as ledger:
        for k, (panel, now) in enumerate([(air_panel.drop_last(1), NOW), (air_panel, NOW - 24 * HOUR)]):
            ledger.observe(panel, now)
            ledger.record(RunRecord("key", now, str(k), "c", panel.fingerprint()), forecast_of(panel), np.zeros((1, 3)))
        assert [entry.version for entry in ledger.runs()] == ["0", "1"]
        newest = ledger.find_run("key")
        assert newest is not None
        assert newest.version == "1"
        assert ledger.panel_of(newest).fingerprint() == newest.data_digest


# --- faults ---

KILL = """
import os, signal, sys, threading
from datetime import datetime, timedelta
from pathlib import Path
import numpy as np
sys.path.insert(0, sys.argv[2])
from test_ledger import NOW, HOUR, RunRecord, forecast_of, Ledger, read
panel = read(sys.argv[3])
with Ledger.open(Path(sys.argv[1])) as ledger:
    threading.Timer(float(sys.argv[4]), os.kill, (os.getpid(), signal.SIGKILL)).start()
    begun = len(ledger.runs())
    for k in range(begun, begun + 100000):
        part, now = panel.drop_last(100 - k % 100), NOW + k * HOUR
        ledger.observe(part, now)
        ledger.record(RunRecord(str(k), now, "v", "c", "d"), forecast_of(part), np.zeros((1, 3)))
"""


def test_killed_at_random_moments(path: Path, air: Path) -> None:
    """`kill -9` in the midst of writing: every run that is there is whole, and the next process goes on from it."""
    before = 0
    for delay in (0.01, 0.05, 0.11, 0.02):
        arguments = [sys.executable, "-c", KILL, str(path), str(Path(__file__).parent), str(air), str(delay)]
        assert subprocess.run(arguments, check=False).returncode == -9
        with Ledger.open(path, create=False) as ledger:
            entries = ledger.runs()
            assert [entry.run_key for entry in entries] == [str(k) for k in range(len(entries))]
            for entry in entries[-3:]:
                assert ledger.recorded_forecast(entry.number).values.shape == (1, 3)
                assert ledger.panel_of(entry).n_series == 1
        assert len(entries) >= before
        before = len(entries)
    assert before > 0


def test_a_failure_in_the_midst_leaves_nothing(path: Path, air_panel: Panel) -> None:
    """An error between two rows of one forecast rolls back the whole run."""
    wrong = replace(forecast_of(air_panel), lower=np.zeros((2, 0, 3)))
    with Ledger.open(path) as ledger:
        ledger.observe(air_panel, NOW)
        with pytest.raises(ValueError, match="must have the same shape"):
            ledger.record(RunRecord("key", NOW, "v", "c", "d"), wrong, np.zeros((1, 3)))
        assert ledger.runs() == []
        assert ledger.observe(air_panel, NOW) == 0


def test_a_full_disk(path: Path, air_panel: Panel, refused: Refuse) -> None:
    """On a full disk: exit code 6, the old state intact, and the next run works."""
    with Ledger.open(path) as ledger:
        ledger.observe(air_panel.drop_last(100), NOW)
        ledger._connection.execute(
            f"PRAGMA max_page_count = {ledger._connection.execute('PRAGMA page_count').fetchone()[0]}"
        )
        many = [replace(air_panel, values=air_panel.values + k) for k in range(1, 100)]

        def fill() -> None:
            for panel in many:
                ledger.observe(panel, NOW)

        assert refused(FileError, fill).code == FaultCode.DISK_FULL
        kept = ledger.panel()
    with Ledger.open(path) as ledger:
        assert kept is not None
        assert (ledger.panel() or air_panel).fingerprint() == kept.fingerprint()
        assert ledger.observe(air_panel, NOW + 200 * HOUR) > 0


def test_a_folder_that_cannot_be_written(tmp_path: Path, refused: Refuse) -> None:
    """A ledger that cannot be made is a FileError that names it."""
    gone = tmp_path / "gone" / "ledger.sqlite"
    fault = refused(FileError, lambda: Ledger.open(gone))
    assert fault.code == FaultCode.NO_PERMISSION
    assert fault.text.startswith(f"{gone}: ")


def test_no_ledger_to_read(path: Path, refused: Refuse) -> None:
    """A missing ledger is not a file-system error; a reader does not create one."""
    fault = refused(ModelError, lambda: Ledger.open(path, create=False))
    assert fault.code == FaultCode.NO_LEDGER
    assert "`lstmcast run`" in fault.text
    assert not path.exists()


def test_reading_from_a_folder_that_cannot_be_written(
    path: Path, air_panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If SQLite cannot create its files next to the ledger, the ledger is read without them."""
    with Ledger.open(path) as ledger:
        ledger.observe(air_panel, NOW)
    connect = sqlite3.connect

    def refused(address: str, **options: Any) -> sqlite3.Connection:
        """As in a folder without permission: opens, and fails at the first look."""
        return connect(address.replace(str(path), "/proc/none") if "immutable" not in address else address, **options)

    monkeypatch.setattr(sqlite3, "connect", refused)
    with Ledger.open(path, create=False) as ledger:
        assert (ledger.panel() or air_panel.drop_last(1)).fingerprint() == air_panel.fingerprint()


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"not a database, though long enough to be read as one" * 40, FaultCode.DAMAGED),
        (b"", FaultCode.OTHER_SCHEMA),
    ],
)
def test_a_file_that_is_no_ledger(path: Path, content: bytes, code: FaultCode, refused: Refuse) -> None:
    """Read, it is refused with what to do, as a fault of the model's folder."""
    path.write_bytes(content)
    fault = refused(ModelError, lambda: Ledger.open(path, create=False))
    assert fault.code == code
    assert "-wal" in fault.text


def test_damaged_pages_are_found_on_opening(path: Path, air_panel: Panel, refused: Refuse) -> None:
    """A page of zeros is reported before anything is read or written, with the command for a new ledger."""
    with Ledger.open(path) as ledger:
        for k in range(20):
            ledger.observe(replace(air_panel, values=air_panel.values + k), NOW)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2 // 4096 * 4096
    content[middle : middle + 4096] = bytes(4096)
    path.write_bytes(content)
    fault = refused(ModelError, lambda: Ledger.open(path))
    assert fault.code == FaultCode.DAMAGED
    assert "-wal" in fault.text


def test_another_application_and_a_newer_schema(path: Path, tmp_path: Path, refused: Refuse) -> None:
    """A database of somebody else's is left alone, and so is a ledger of a later lstmcast."""
    other = tmp_path / "other.sqlite"
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE mine (x)")
    connection.close()
    fault = refused(ModelError, lambda: Ledger.open(other))
    assert fault.code == FaultCode.OTHER_SCHEMA
    assert "99" not in fault.text.removeprefix(str(other))
    Ledger.open(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    fault = refused(ModelError, lambda: Ledger.open(path))
    assert fault.code == FaultCode.OTHER_SCHEMA
    assert {str(SCHEMA_VERSION), "99"} <= set(re.findall(r"\d+", fault.text))


def test_readers_during_a_write(path: Path, air_panel: Panel, refused: Refuse) -> None:
    """Readers see the state before an unfinished run; a second writer waits, then fails with a message."""
    with Ledger.open(path) as writer, Ledger.open(path, create=False) as reader:
        writer.observe(air_panel.drop_last(1), NOW)
        writer._connection.execute("BEGIN IMMEDIATE")
        assert reader.panel_info() is not None
        with Ledger.open(path) as second:
            second._connection.execute("PRAGMA busy_timeout = 50")
            assert refused(BusyError, lambda: second.observe(air_panel, NOW + HOUR)).code == FaultCode.LOCKED
        writer._connection.execute("ROLLBACK")
        assert refused(FileError, lambda: reader.observe(air_panel, NOW + HOUR)).code == FaultCode.READ_ONLY
