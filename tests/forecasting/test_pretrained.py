"""Bundled pretrained networks: the class of the data, forecasts of any data, and manifests."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lstmcast.data.panel import Panel
from lstmcast.data.schema import Columns
from lstmcast.data.time.calendar import Calendar
from lstmcast.data.time.frequency import HOUR, MINUTE, WEEK, WORKWEEK, TimeGrid
from lstmcast.data.time.zones import DAY
from lstmcast.errors import ModelError, UsageError
from lstmcast.explain.explanation import explain
from lstmcast.forecasting import pretrained as module
from lstmcast.forecasting.pretrained import FOLDER, KNOWN, load_pretrained_forecaster, select_pretrained

pytestmark = pytest.mark.kernel

MONTHS = Calendar(TimeGrid("month", 1), season=12)


def panel_of(*series: np.ndarray | list[float], calendar: Calendar = MONTHS) -> Panel:
    """Series on a calendar."""
    offsets = np.concatenate([[0], np.cumsum([len(one) for one in series])])
    return Panel(
        columns=Columns("t", ("y",), ("id",)),
        calendar=calendar,
        keys=tuple((str(k),) for k in range(len(series))),
        values=np.concatenate([np.asarray(one, float) for one in series]),
        observed=np.ones(offsets[-1], bool),
        offsets=offsets,
        starts=np.zeros(len(series), int),
        inferred=(),
        notes=(),
        source="test",
    )


def wave(length: int, season: int, *, seed: int = 0) -> np.ndarray:
    """A season about 100, and little noise."""
    noise = np.random.default_rng(seed).normal(size=length)
    return 100 + 30 * np.sin(2 * np.pi * np.arange(length) / season) + noise


@pytest.mark.parametrize(
    ("grid", "season", "expected"),
    [
        (TimeGrid("month", 12), 1, "yearly"),
        (TimeGrid("month", 3), 4, "quarterly"),
        (TimeGrid("month", 1), 12, "monthly"),
        (TimeGrid("month", 1), 1, "monthly"),
        (TimeGrid("fixed", WEEK), 52, "weekly"),
        (TimeGrid("fixed", DAY), 7, "daily"),
        (TimeGrid("fixed", HOUR), 24, "hourly"),
        (TimeGrid("fixed", HOUR), 168, "hourly"),
        (TimeGrid("fixed", 30 * MINUTE), 48, "hourly, one of every 2 steps"),
        (TimeGrid("fixed", 5 * MINUTE), 288, "hourly, one of every 12 steps"),
        (TimeGrid("counter"), 12, "monthly"),
        (TimeGrid("counter"), 1, "other"),
        (TimeGrid("fixed", DAY, mask=WORKWEEK), 5, "monthly, the season of 5 steps taken off"),
        (TimeGrid("fixed", DAY), 30, "monthly, the season of 30 steps taken off"),
    ],
)
def test_the_class_is_that_of_the_frequency_or_the_season(grid: TimeGrid, season: int, expected: str) -> None:
    """Each kind of data meets the networks that were shown such seasons, or finer steps' or its own taken off."""
    panel = panel_of(wave(6 * max(season, 10), max(season, 2)), calendar=Calendar(grid, season=season))
    assert select_pretrained(panel).reason == expected


def test_a_season_that_nobody_sees_is_not_taken_off() -> None:
    """Business days of a random walk have no weekly season and use the class without a season."""
    walk = np.random.default_rng(0).normal(size=500).cumsum() + 100
    assert (
        select_pretrained(panel_of(walk, calendar=Calendar(TimeGrid("fixed", DAY, mask=WORKWEEK), season=5))).reason
        == "other"
    )


@pytest.mark.parametrize(
    ("grid", "season"),
    [
        (TimeGrid("month", 1), 12),
        (TimeGrid("month", 3), 4),
        (TimeGrid("fixed", WEEK), 52),
        (TimeGrid("fixed", DAY), 7),
        (TimeGrid("fixed", HOUR), 24),
        (TimeGrid("fixed", 30 * MINUTE), 48),
        (TimeGrid("fixed", DAY, mask=WORKWEEK), 5),
        (TimeGrid("counter"), 9),
    ],
)
def test_a_clear_season_goes_on(grid: TimeGrid, season: int) -> None:
    """Of a wave with little noise, the error is a small part of the wave, whatever its season."""
    values = wave(13 * season, season)
    panel = panel_of(values[: 12 * season], calendar=Calendar(grid, season=season))
    forecast = load_pretrained_forecaster(panel).predict(panel, season).values[0]
    assert np.abs(forecast - values[12 * season :]).mean() < 0.25 * np.abs(values - 100).mean()


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(
        st.lists(
            st.one_of(
                st.floats(-1e9, 1e9, allow_nan=False).map(lambda v: round(v, 6)),
                st.integers(0, 3).map(float),
                st.floats(1e-6, 1e9),
            ),
            min_size=1,
            max_size=40,
        ),
        min_size=1,
        max_size=4,
    ),
    st.sampled_from(
        [MONTHS, Calendar(TimeGrid("fixed", 30 * MINUTE), season=48), Calendar(TimeGrid("counter"), season=5)]
    ),
)
def test_whatever_the_data_the_forecast_is_finite_and_inside_its_bounds(
    series: list[list[float]], calendar: Calendar
) -> None:
    """Zeros, negative, tiny and huge values, one value alone: numbers in their intervals, below zero as the data."""
    panel = panel_of(*series, calendar=calendar)
    forecast = load_pretrained_forecaster(panel).predict(panel, 7)
    assert np.isfinite(forecast.values).all()
    for lower, upper in zip(forecast.lower, forecast.upper, strict=True):
        assert (lower <= forecast.values).all()
        assert (forecast.values <= upper).all()
    for k, values in enumerate(series):
        if min(values) >= 0:
            assert (forecast.lower[:, k] >= 0).all()


def test_each_series_of_a_mixed_panel_is_forecast_as_if_alone() -> None:
    """Logs are used for positive series, values for others; neighbors in the panel do not change a forecast.

    A series of one value is the exception: it has the intervals of the others.
    """
    series = [wave(60, 12), wave(50, 12, seed=1) - 100, np.tile([0.0, 0, 3, 0, 1], 9), np.full(30, 7.0), [5.0]]
    together = load_pretrained_forecaster(panel_of(*series)).predict(panel_of(*series))
    for k, values in enumerate(series[:-1]):
        alone = panel_of(values)
        forecast = load_pretrained_forecaster(alone).predict(alone)
        assert together.values[k] == pytest.approx(forecast.values[0], rel=1e-5, abs=1e-5)
        assert together.upper[:, k] == pytest.approx(forecast.upper[:, 0], rel=1e-5, abs=1e-5)
    assert together.values[-1] == pytest.approx(5, rel=0.2)


def test_another_unit_gives_the_same_forecast_in_it() -> None:
    """Thousands are forecast as ones are, to rounding."""
    values = wave(60, 12)
    small, large = (panel_of(values * unit) for unit in (1.0, 1000.0))
    forecast = load_pretrained_forecaster(small).predict(small).values
    assert load_pretrained_forecaster(large).predict(large).values == pytest.approx(1000 * forecast, rel=1e-5)


def test_a_constant_series_stays_constant() -> None:
    """A constant is forecast as itself, within narrow bounds; so are zeros."""
    panel = panel_of(np.full(40, 250.0), np.zeros(40), np.full(40, -3.0))
    forecast = load_pretrained_forecaster(panel).predict(panel)
    assert forecast.values == pytest.approx(np.repeat([[250.0], [0.0], [-3.0]], 12, axis=1), rel=0.02, abs=1e-4)
    assert (forecast.upper - forecast.lower <= 0.5 * np.abs(forecast.values) + 1e-3).all()


def test_rare_demand_has_bounds_of_its_past_values() -> None:
    """Of its last values alone: those before the context that a model keeps change nothing."""
    rng = np.random.default_rng(0)
    demand = np.where(rng.random(1500) < 0.15, 1.0 + rng.poisson(1.0, 1500), 0.0)
    panel = panel_of(demand, calendar=Calendar(TimeGrid("fixed", DAY), season=7))
    model = load_pretrained_forecaster(panel)
    found = model.predict(panel, 20)
    assert (found.lower == 0).all()
    assert (found.upper[0] < 1).all()
    assert (found.upper[1] > 1).all()
    _, _, upper = model.at(panel, np.array([0]), np.array([1499]), 20)
    np.testing.assert_allclose(upper, found.upper, rtol=1e-9)


def test_the_same_again_gives_the_same_bytes() -> None:
    """A forecast depends on nothing but the data."""
    panel = panel_of(wave(60, 12), wave(41, 12))
    first, again = (load_pretrained_forecaster(panel).predict(panel).render(".csv") for _ in range(2))
    assert first == again


@pytest.mark.parametrize("name", KNOWN)
def test_the_networks_say_where_they_come_from(name: str) -> None:
    """A manifest contains seeds, exclusions, and the hash of every training and evaluation file."""
    manifest = json.loads((FOLDER / name / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["class"] == name
    assert manifest["settings"]["train.seed"] >= 0
    assert {"public", "sharing_a_run", "synthetic"} <= set(manifest["series"])
    assert all(len(digest) == 64 for digest in manifest["data"].values())
    assert "m3/M3.csv.gz" in manifest["data"]


def test_all_networks_together_are_small() -> None:
    """At most 2 MB come with lstmcast."""
    assert sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file()) <= 2_000_000


def test_damaged_networks_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One changed byte of the weights is detected, and the message contains a fix."""
    shutil.copytree(FOLDER / "monthly", tmp_path / "monthly")
    weights = tmp_path / "monthly" / "weights.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    monkeypatch.setattr(module, "FOLDER", tmp_path)
    with pytest.raises(ModelError, match="install lstmcast again") as caught:
        load_pretrained_forecaster(panel_of(wave(60, 12)))
    assert "sha256" in str(caught.value)


def test_a_forecast_of_phases_cannot_be_explained() -> None:
    """Half hours are forecast as two interleaved series and cannot be explained; months can."""
    panel = panel_of(wave(200, 48), calendar=Calendar(TimeGrid("fixed", 30 * MINUTE), season=48))
    with pytest.raises(UsageError, match="every 30 minutes"):
        explain(load_pretrained_forecaster(panel), panel)
    months = panel_of(wave(60, 12))
    assert explain(load_pretrained_forecaster(months), months).error < 1e-2


def test_reading_a_file_needs_nothing_else(tmp_path: Path, write_series: Callable[..., Path]) -> None:
    """From daily rows in a CSV to two weeks ahead, without a training."""
    from lstmcast import read

    panel = read(write_series(tmp_path / "sales.csv", {"north": wave(60, 7), "south": wave(9, 7)}))
    forecast = load_pretrained_forecaster(panel).predict(panel)
    assert forecast.values.shape == (2, 14)
