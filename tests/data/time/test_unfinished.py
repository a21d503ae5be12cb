"""Newest steps that are not over by the clock: left out, unless they are kept."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstmcast.api import predict, read
from lstmcast.cli.main import main
from lstmcast.data.panel import Panel
from lstmcast.data.schema import NoteCode, ReadOptions

NOW = datetime(2024, 4, 29, 10, 3, tzinfo=UTC)  # a Monday


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine in UTC."""
    monkeypatch.setattr("lstmcast.data.time.unfinished._local", lambda now: now.astimezone(UTC))


def frame_of(frequency: str, newest: str, length: int = 60, timezone: str | None = None) -> pd.DataFrame:
    """A saw of values up to the newest time."""
    times = pd.date_range(end=pd.Timestamp(newest, tz=timezone), periods=length, freq=frequency)
    return pd.DataFrame({"time": times, "value": 10.0 + np.arange(length) % 7 * 1.5})


def left_out(panel: Panel) -> bool:
    """True if a note names an unfinished step."""
    return any(note.code is NoteCode.UNFINISHED_STEP for note in panel.notes)


@pytest.mark.parametrize(
    ("frequency", "newest", "timezone", "dropped"),
    [
        ("D", "2024-04-29", None, True),
        ("D", "2024-04-28", None, False),
        ("h", "2024-04-29 10:00", None, True),
        ("h", "2024-04-29 09:00", None, False),
        ("h", "2024-04-29 12:00", "Europe/Berlin", True),
        ("h", "2024-04-29 11:00", "Europe/Berlin", False),
        ("15min", "2024-04-29 10:00", None, True),
        ("15min", "2024-04-29 09:45", None, False),
        ("B", "2024-04-29", None, True),
        ("B", "2024-04-26", None, False),
        ("W-MON", "2024-04-29", None, True),
        ("W-MON", "2024-04-22", None, False),
        ("W-FRI", "2024-04-26", None, False),
        ("W-FRI", "2024-05-03", None, True),
        ("W-SUN", "2024-05-05", None, True),
        ("W-SUN", "2024-04-28", None, True),
        ("W-SUN", "2024-04-21", None, False),
        ("MS", "2024-04-01", None, True),
        ("MS", "2024-03-01", None, False),
        ("ME", "2024-04-30", None, True),
        ("ME", "2024-03-31", None, False),
        ("QS", "2024-04-01", None, True),
        ("QE", "2024-03-31", None, False),
        ("YS", "2024-01-01", None, True),
        ("YE", "2023-12-31", None, False),
    ],
)
def test_the_newest_step_of_each_frequency(frequency: str, newest: str, timezone: str | None, dropped: bool) -> None:
    """It is left out exactly if it covers the current time, and the forecast starts with it."""
    frame = frame_of(frequency, newest, timezone=timezone)
    panel = read(frame, now=NOW)
    assert left_out(panel) is dropped
    assert len(panel.values) == 60 - dropped
    kept = read(frame, ReadOptions(unfinished="keep"), now=NOW)
    assert not left_out(kept)
    assert len(kept.values) == 60


@pytest.mark.parametrize(("minutes", "dropped"), [(-1, True), (0, False), (60, False)])
def test_a_step_ends_where_the_next_begins(minutes: int, dropped: bool) -> None:
    """The end of a day in its zone is the first time after it."""
    end = datetime(2024, 4, 29, 22, tzinfo=UTC)
    frame = frame_of("D", "2024-04-29")
    options = ReadOptions(timezone="Europe/Berlin")
    assert left_out(read(frame, options, now=end + timedelta(minutes=minutes))) is dropped


@pytest.mark.parametrize(("now", "dropped"), [("00:30", True), ("01:30", True), ("02:00", False)])
def test_an_hour_that_clocks_repeat(now: str, dropped: bool) -> None:
    """The hour from 02:00 to 03:00 of both offsets is one step, over after the second."""
    frame = frame_of("h", "2024-10-27 00:00", 300, "UTC")
    frame["time"] = frame["time"].dt.tz_convert("Europe/Berlin")
    found = read(frame, ReadOptions(timezone="Europe/Berlin"), now=datetime.fromisoformat(f"2024-10-27 {now}+00:00"))
    assert left_out(found) is dropped


def test_counted_rows_and_numbered_steps_are_over() -> None:
    """Without times there is no clock."""
    for frame in (frame_of("D", "2024-04-29")[["value"]], pd.DataFrame({"step": range(60), "value": range(60)})):
        assert not left_out(read(frame, now=NOW))


def test_only_the_series_with_that_step() -> None:
    """Of a panel, the others are unchanged; a series with values ahead of the clock keeps them."""
    frames = {"a": "2024-04-29", "b": "2024-04-28", "c": "2024-05-02"}
    frame = pd.concat([frame_of("D", newest).assign(shop=shop) for shop, newest in frames.items()])
    panel = read(frame, now=NOW)
    assert left_out(panel)
    assert panel.lengths.tolist() == [59, 60, 60]


def test_an_empty_step_is_no_newest_one() -> None:
    """Rows ahead without a value are ignored, as without a clock."""
    frame = frame_of("D", "2024-04-29")
    frame.loc[59, "value"] = np.nan
    panel = read(frame, now=NOW)
    assert not left_out(panel)
    assert len(panel.values) == 59


@pytest.mark.parametrize("frequency", ["MS", "ME", "W-SUN", "W-MON"])
def test_a_step_of_finer_data(frequency: str) -> None:
    """A month or a week whose days are not over is left out with all of its rows."""
    panel = read(frame_of("D", "2024-04-23", 400), ReadOptions(frequency=frequency, aggregate="sum"), now=NOW)
    assert left_out(panel) is (frequency in {"MS", "ME", "W-MON"})


def test_the_clock_is_that_of_the_machine() -> None:
    """Old data are complete, and today's day is not."""
    today = datetime.now(UTC).date().isoformat()
    assert left_out(read(frame_of("D", today)))
    assert not left_out(read(frame_of("D", "2019-04-29")))


@given(st.sampled_from(["h", "D", "B", "W-MON", "MS", "ME", "QS"]), st.integers(30, 90), st.floats(0, 1e6))
def test_as_the_file_without_that_row(frequency: str, length: int, value: float) -> None:
    """The data do not depend on the value of the unfinished step."""
    frame = frame_of(frequency, "2024-04-30" if frequency == "ME" else "2024-04-29 00:00", length)
    frame.loc[length - 1, "value"] = value
    now = frame["time"].iloc[-1].to_pydatetime().replace(tzinfo=UTC) + timedelta(minutes=20)
    found, expected = read(frame, now=now), read(frame.iloc[:-1], now=now)
    assert left_out(found)
    assert found.fingerprint() == expected.fingerprint()
    assert found.inferred == expected.inferred


@pytest.mark.parametrize(("flags", "rows"), [((), 60), (("-s", "data.unfinished=keep"), 61)])
def test_the_clock_of_a_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], flags: tuple[str, ...], rows: int
) -> None:
    """`--now` sets the clock for the file, and only during the command."""
    path = tmp_path / "sales.csv"
    frame_of("D", "2024-04-29", 61).to_csv(path, index=False)
    assert main(["check", str(path), "--json", "--now", "2024-04-29T10:03Z", *flags]) == 0
    notes = [note["code"] for note in json.loads(capsys.readouterr().out)["notes"]]
    assert notes == [NoteCode.UNFINISHED_STEP] * (61 - rows)
    assert not left_out(read(path))


def test_the_forecast_is_that_without_the_row() -> None:
    """A third of the usual value on an unfinished day moves no forecast."""
    frame = frame_of("D", "2024-04-29", 120)
    frame.loc[119, "value"] = 3.0
    found, expected = (predict(read(data, now=NOW), horizon=14).to_frame() for data in (frame, frame.iloc[:-1]))
    pd.testing.assert_frame_equal(found, expected)
