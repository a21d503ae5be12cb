"""What a ledger keeps comes back as it was, also after revisions, and is there whole or not at all."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from lstmcast.data.panel import Panel
from lstmcast.data.read import read
from lstmcast.forecast import Forecast
from lstmcast.forecaster.trained import fingerprint
from lstmcast.store.ledger import Ledger
from lstmcast.store.ledger_records import Entry, Refit

NOW = datetime(2026, 11, 20, 8, 45, tzinfo=UTC)
HOUR = timedelta(hours=1)
LEVELS = (80.0, 95.0)


def forecast_of(panel: Panel, horizon: int = 3) -> Forecast:
    """Numbers that tell series, steps, levels and sides apart."""
    values = np.arange(panel.n_series * horizon, dtype=np.float64).reshape(-1, horizon) + 0.1
    widths = np.array([1.0, 2.0])[:, None, None]
    names = panel.columns.time or "step", panel.key_columns
    return Forecast(
        panel.calendar, *names, panel.keys, panel.ends, values, LEVELS, values - widths, values + 3 * widths
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a ledger will be."""
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
    """Whatever was revised, cut or left out since, each run's data are those it saw: fingerprints tell."""
    panel = read(shops_file)
    seen = [
        panel.drop_last(7),
        panel,
        replace(panel, values=panel.values + 1e-9),
        panel.select(np.array([1, 0])),
        panel.drop_last(2),
    ]
    with Ledger.open(path) as ledger:
        for k, each in enumerate(seen):
            ledger.observe(each, NOW + k * HOUR)
            ledger.record(
                Entry(str(k), NOW + k * HOUR, "v", "c", fingerprint(each)),
                forecast_of(each),
                np.zeros((each.n_series, 3)),
            )
    with Ledger.open(path, create=False) as ledger:
        for entry in ledger.entries():
            assert fingerprint(ledger.panel_of(entry)) == entry.data_digest


def test_a_forecast_comes_back_to_the_bit(path: Path, shops_file: Path) -> None:
    """Every array, and every word about the run."""
    panel = read(shops_file)
    said, naive = forecast_of(panel), np.random.default_rng(0).normal(size=(panel.n_series, 3))
    factors = np.random.default_rng(1).uniform(size=said.lower.shape)
    entry = Entry("key", NOW, "v", "c", "d", details={"why": ["ä", 1]})
    with Ledger.open(path) as ledger:
        ledger.observe(panel, NOW)
        number = ledger.record(entry, said, naive, factors)
        assert ledger.entries() == [replace(entry, number=number)]
        issue = ledger.issue(number)
    for name in ("origins", "values", "lower", "upper"):
        assert np.array_equal(getattr(issue, name), getattr(said, name)), name
    assert np.array_equal(issue.naive, naive)
    assert np.array_equal(issue.factors, factors)
    assert (issue.levels, issue.sources) == (said.levels, ("lstm",) * panel.n_series)


def test_runs_are_found_by_key_and_time(path: Path, air_panel: Panel) -> None:
    """The newest of a key; those of a stretch of time, both ends included."""
    with Ledger.open(path) as ledger:
        ledger.observe(air_panel, NOW)
        for k, key in enumerate("aba"):
            ledger.record(Entry(key, NOW + k * HOUR, "v", "c", "d"), forecast_of(air_panel), np.zeros((1, 3)))
        assert ledger.done("c") is None
        found = ledger.done("a")
        assert found is not None
        assert (found.number, found.made) == (3, NOW + 2 * HOUR)
        assert [e.number for e in ledger.entries(since=NOW + HOUR, until=NOW + 2 * HOUR)] == [2, 3]
        assert [e.number for e in ledger.entries(until=NOW)] == [1]


def test_refits_come_back(path: Path) -> None:
    """A judgement with its figures."""
    refit = Refit(NOW, "new", "old", accepted=False, reason="every 7d", figures={"new": {"mase": 1.25}})
    with Ledger.open(path) as ledger:
        ledger.judged(refit)
        assert ledger.refits() == [refit]
