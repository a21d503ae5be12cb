"""Live scores and drift from a ledger, against a plain loop."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from lstmcast.data.panel import Panel
from lstmcast.forecasting.evaluate import HoldoutForecasts
from lstmcast.forecasting.forecaster import Forecaster
from lstmcast.forecasts import Forecast
from lstmcast.jobs.live_scores import detect_drift, detect_drift_of_current_model, score_live_forecasts
from lstmcast.persistence.ledger.ledger import Ledger
from lstmcast.persistence.ledger.records import RunRecord

NOW = datetime(1961, 1, 1, tzinfo=UTC)
LEVELS = (80.0, 95.0)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """A new one."""
    with Ledger.open(tmp_path / "ledger.sqlite") as opened:
        yield opened


def run(ledger: Ledger, panel: Panel, back: int, off: float = 10.0, horizon: int = 3, **entry: str) -> None:
    """A run without the last `back` steps whose error is `off`; that of the seasonal naive forecast is 20."""
    seen = panel.drop_last(back)
    at = np.minimum(len(seen.values) + np.arange(horizon), len(panel.values) - 1)
    values = panel.values[at][None] + off
    half = np.array([5.0, 15.0])[:, None, None] + np.zeros((2, 1, horizon))
    forecast = Forecast(
        panel.calendar, "month", (), panel.keys, seen.ends, values, LEVELS, values - half, values + half
    )
    ledger.observe(seen, NOW)
    known = {"version": "v", "model": "lstmcast", **entry}
    ledger.record(RunRecord(f"{back}", NOW, config_digest="c", data_digest="d", **known), forecast, values - off + 20)


def test_scores_of_everything(ledger: Ledger, air_panel: Panel) -> None:
    """MAE, bias, MASE and coverage are those put in; only what came true counts."""
    for back in (5, 4, 3, 2, 1, 0):
        run(ledger, air_panel, back)
    scores = score_live_forecasts(ledger, now=NOW)
    assert scores.n_actuals == 3 + 3 + 3 + 2 + 1
    assert (scores.mae, scores.bias, scores.mase) == pytest.approx((10, 10, 0.5))
    assert scores.coverage.tolist() == [0.0, 1.0]
    assert scores.mae_by_step == pytest.approx([10, 10, 10])


def test_a_window_counts_steps_by_their_time(ledger: Ledger, air_panel: Panel) -> None:
    """The newest step is December 1960: a window of 40 days before January has it, and not November."""
    for back in (5, 4, 3, 2, 1, 0):
        run(ledger, air_panel, back, off=10.0 * back)
    scores = score_live_forecasts(ledger, now=NOW, window=timedelta(days=40))
    assert scores.n_actuals == 3  # from one, two and three steps back
    assert scores.mae_by_step == pytest.approx([10, 20, 30])
    assert score_live_forecasts(ledger, now=NOW + timedelta(days=365), window=timedelta(days=40)).n_actuals == 0


def test_the_last_of_several_forecasts_from_one_origin_counts(ledger: Ledger, air_panel: Panel) -> None:
    """A forced run replaces the one before."""
    run(ledger, air_panel, 3, off=99)
    run(ledger, air_panel, 3, off=1)
    run(ledger, air_panel, 0)
    assert score_live_forecasts(ledger, now=NOW).mae == pytest.approx(1)


def test_forecasts_by_rule_are_not_held_against_the_network(ledger: Ledger, air_panel: Panel) -> None:
    """Series that fell back to the seasonal naive forecast are left out."""
    run(ledger, air_panel, 4, off=99, model="seasonal_naive")
    run(ledger, air_panel, 3)
    run(ledger, air_panel, 0, model="seasonal_naive")
    scores = score_live_forecasts(ledger, now=NOW)
    assert (scores.n_actuals, scores.mae) == (3, pytest.approx(10))


def test_data_that_were_cut_since(ledger: Ledger, air_panel: Panel) -> None:
    """A forecast that begins after the newest data has no outcome, and no error is raised."""
    run(ledger, air_panel, 1)
    run(ledger, air_panel, 0)
    ledger.observe(air_panel.drop_last(50), NOW)
    assert score_live_forecasts(ledger, now=NOW).n_actuals == 1  # December was seen once, and is not forgotten


def test_an_empty_ledger(ledger: Ledger, air_panel: Panel) -> None:
    """Neither data nor runs, then data alone: nothing is scored."""
    assert score_live_forecasts(ledger, now=NOW).n_actuals == 0
    ledger.observe(air_panel, NOW)
    assert score_live_forecasts(ledger, now=NOW).n_actuals == 0


def test_drift_is_found_in_the_runs_of_a_version(ledger: Ledger, air_panel: Panel, forecaster: Forecaster) -> None:
    """Errors ten times those of calibration, of this version alone, from the runs of 90 months."""
    rng = np.random.default_rng(0)
    origins = np.arange(40)
    off = rng.normal(size=(40, 12))
    none, half = np.zeros((40, 12)), np.full((2, 40, 12), 5.0)
    held = HoldoutForecasts(np.zeros(40, np.int64), origins, none, -half, half, off)
    calibrated = replace(forecaster, holdout=held)
    for back in range(90, -1, -1):
        run(ledger, air_panel, back, off=10 * rng.normal(), horizon=12, version="v" if back > 4 else "other")
    found = detect_drift(ledger, "v", calibrated)
    assert found.found
    assert found.blocks == 15  # every sixth month, for 12 months are looked at in blocks of 6
    assert found.ratio == pytest.approx(10, rel=0.3)
    assert not detect_drift(ledger, "other", calibrated).found
    assert detect_drift(ledger, "unknown", calibrated).blocks == 0


def test_no_model_cannot_drift(ledger: Ledger, tmp_path: Path) -> None:
    """A folder without a version."""
    assert detect_drift_of_current_model(ledger, tmp_path).blocks == 0
