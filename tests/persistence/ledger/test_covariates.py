"""Covariates in a ledger: as they were seen at each panel."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lstmcast.data.drivers.options import CovariateOptions
from lstmcast.data.load import read
from lstmcast.data.panel import Panel
from lstmcast.data.schema import ReadOptions
from lstmcast.persistence.ledger.ledger import FILE, Ledger

NOW = datetime(2024, 6, 1, tzinfo=UTC)
N, AHEAD = 1_200, 24


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """A new ledger."""
    with Ledger.open(tmp_path / FILE) as opened:
        yield opened


def table(n: int = N, ahead: int = AHEAD) -> pd.DataFrame:
    """Two shops by hour with a temperature, rows ahead, an area and weather."""
    hours = pd.date_range("2024-01-01", periods=n + ahead, freq="h").strftime("%Y-%m-%d %H:%M")
    steps = np.arange(n + ahead)
    columns = {"sales": np.where(steps < n, steps % 24 + 1.0, np.nan), "temperature": steps / 8}
    weather = np.where(steps % 5, "dry", "rain")
    shops = ({"shop": name, "hour": hours, **columns, "weather": weather, "area": k} for k, name in enumerate("ab"))
    return pd.concat([pd.DataFrame(shop) for shop in shops], ignore_index=True)


def panel_of(data: pd.DataFrame, **covariates: object) -> Panel:
    """The panel of a DataFrame."""
    pinned = {"known": ("temperature",), "past": ("weather",), "static": ("area",), **covariates}
    return read(data, ReadOptions(target=("sales",), covariates=CovariateOptions(**pinned)))  # type: ignore[arg-type]


def assert_equal(found: Panel | None, expected: Panel) -> None:
    """All values at a late and an early origin are those of the expected panel."""
    assert found is not None
    assert found.covariates is not None
    assert expected.covariates is not None
    assert (found.covariates.names, found.covariates.columns) == (
        expected.covariates.names,
        expected.covariates.columns,
    )
    series = np.arange(expected.n_series)
    for origins in (expected.ends, expected.starts + 20):
        positions = origins[:, None] + np.arange(-30, 40)
        np.testing.assert_array_equal(
            found.covariates.at(series, positions, origins), expected.covariates.at(series, positions, origins)
        )


def test_each_panel_has_the_covariates_of_its_time(ledger: Ledger) -> None:
    """A new forecast of the weather and a new step; both panels are read as they were."""
    first, later = table(), table(N + 1)
    later.loc[later["temperature"] > N / 8, "temperature"] += 3
    later.loc[7, "temperature"] = 99.0  # a late correction
    panels = [panel_of(first), panel_of(later)]
    for k, panel in enumerate(panels):
        ledger.observe(panel, NOW + timedelta(hours=k))
    for number, panel in enumerate(panels, start=1):
        assert_equal(ledger.panel(number), panel)


def test_new_weather_alone_is_a_new_panel(ledger: Ledger) -> None:
    """The target is unchanged."""
    first, later = table(), table()
    later.loc[later["sales"].isna(), "temperature"] += 1
    assert ledger.observe(panel_of(first), NOW) == 2 * N
    assert ledger.observe(panel_of(first), NOW) == 0
    assert ledger.observe(panel_of(later), NOW) == 0
    assert_equal(ledger.panel(1), panel_of(first))
    assert_equal(ledger.panel(2), panel_of(later))
    assert ledger.panel(3) is None


def test_only_changes_are_stored(ledger: Ledger) -> None:
    """A step later, with a revised forecast."""
    later = table(N + 1)
    later.loc[later["sales"].isna(), "temperature"] += 1
    ledger.observe(panel_of(table()), NOW)
    before = ledger._connection.execute("SELECT count(*) FROM driver_values").fetchone()[0]
    ledger.observe(panel_of(later), NOW)
    after = ledger._connection.execute("SELECT count(*) FROM driver_values").fetchone()[0]
    assert 0 < after - before <= 2 * 4 * (AHEAD + 1)


def test_rows_that_are_gone(ledger: Ledger) -> None:
    """A later file with fewer rows ahead, and with a later start."""
    shorter = table(N, 3)
    shorter = shorter[shorter["hour"] >= "2024-01-03"].reset_index(drop=True)
    for data in (table(), shorter):
        ledger.observe(panel_of(data), NOW)
    assert_equal(ledger.panel(1), panel_of(table()))
    assert_equal(ledger.panel(2), panel_of(shorter))


def test_versions_are_kept(ledger: Ledger) -> None:
    """Rows with the time at which they were known."""
    days = pd.date_range("2024-01-01", periods=43, freq="D")
    rows = [
        (day.date(), 100.0 + k if k < 40 else np.nan, k + lead / 10, (day - pd.Timedelta(days=lead)).date())
        for k, day in enumerate(days)
        for lead in (3, 2, 1, 0)
        if k - lead < 40
    ]
    data = pd.DataFrame(rows, columns=["day", "sales", "temperature", "issued"])
    panel = panel_of(data, past=(), static=(), known_as_of="issued")
    newer = panel_of(data.iloc[8:], past=(), static=(), known_as_of="issued")
    for seen in (panel, newer):
        ledger.observe(seen, NOW)
    assert_equal(ledger.panel(1), panel)
    assert_equal(ledger.panel(2), newer)


def test_a_panel_without_covariates_has_none(ledger: Ledger) -> None:
    """Also after one with some, and for a selection of series."""
    panel = panel_of(table())
    ledger.observe(panel, NOW)
    ledger.observe(replace(panel, covariates=None), NOW)
    ledger.observe(panel.select(np.array([1])), NOW)
    found = ledger.panel(2)
    assert found is not None
    assert found.covariates is None
    assert_equal(ledger.panel(3), panel.select(np.array([1])))
