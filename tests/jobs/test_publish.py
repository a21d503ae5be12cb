"""Adaptive intervals: updated from the ledger in order, once, and only from forecasts of the model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lstmcast.config import Job
from lstmcast.data.panel import Panel
from lstmcast.data.schema import Columns
from lstmcast.data.time.calendar import Calendar
from lstmcast.data.time.frequency import TimeGrid
from lstmcast.forecasts import Forecast
from lstmcast.jobs.live_scores import score_live_forecasts
from lstmcast.jobs.publish import adapt_intervals, apply_interval_factors, config_digest, run_key
from lstmcast.persistence.ledger.ledger import Ledger
from lstmcast.persistence.ledger.records import RunRecord

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
HOURLY, MONTHLY = TimeGrid("fixed", 3_600_000_000), TimeGrid("month")


def panel_of(values: np.ndarray, grid: TimeGrid = HOURLY) -> Panel:
    """Series [S, T] as a panel."""
    series, steps = values.shape
    return Panel(
        columns=Columns("time", ("y",), ("name",)),
        calendar=Calendar(grid),
        keys=tuple((f"s{k}",) for k in range(series)),
        values=values.ravel(),
        observed=~np.isnan(values.ravel()),
        offsets=np.arange(series + 1) * steps,
        starts=np.zeros(series, np.int64),
        inferred=(),
        notes=(),
        source="test",
    )


def forecast_of(panel: Panel, horizon: int = 2, model_names: tuple[str, ...] = ()) -> Forecast:
    """Always 0, with intervals of ± 1 and ± 2."""
    zero = np.zeros((panel.n_series, horizon))
    half = np.array([1.0, 2.0])[:, None, None] + zero
    names = panel.columns.time or "", panel.key_columns
    return Forecast(panel.calendar, *names, panel.keys, panel.ends, zero, (80.0, 95.0), -half, half, model_names)


def run(ledger: Ledger, panel: Panel, step: int, model_names: tuple[str, ...] = ()) -> np.ndarray:
    """One run on the first `step` values of each series; the factors it used."""
    seen = panel.drop_last(int(panel.lengths[0]) - step)
    ledger.observe(seen, BEGIN + step * DAY)
    adapted_forecast = adapt_intervals(ledger, forecast_of(seen, model_names=model_names))
    ledger.record(
        RunRecord(str(step), BEGIN + step * DAY, "v", "c", "d"),
        adapted_forecast.base,
        adapted_forecast.base.values,
        adapted_forecast.factors,
    )
    return adapted_forecast.factors


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """A new one."""
    with Ledger.open(tmp_path / "ledger.sqlite") as opened:
        yield opened


def test_factors_by_hand(ledger: Ledger) -> None:
    """Step by step: what came is held against what was issued, the level's own α, and half of it is shared."""
    panel = panel_of(np.array([[0.0, 1.5, 0.5, 9.0]]))
    assert (run(ledger, panel, 1) == 1).all()
    second = np.log(run(ledger, panel, 2))  # only step 1 of the first run is known: missed at 80, held at 95
    assert second[:, 0] == pytest.approx(np.array([[0.08, 0.04], [-0.005, -0.0025]]))
    third = np.log(run(ledger, panel, 3)) - second  # step 1 of the second run, step 2 of the first: both held
    assert third[:, 0] == pytest.approx(np.array([[-0.02, -0.02], [-0.005, -0.005]]))


def test_ten_new_steps_are_processed_in_order(tmp_path: Path) -> None:
    """A ledger that sees new steps all in one run ends where one ends that saw them one by one."""
    rng = np.random.default_rng(0)
    panel = panel_of(rng.normal(size=(2, 30)) * 2)
    ends = []
    for name, steps in (("one", range(11, 13)), ("many", (12,))):
        with Ledger.open(tmp_path / name) as ledger:
            for step in range(1, 11):
                run(ledger, panel, step)
            for step in steps:
                seen = panel.drop_last(30 - step)
                ledger.observe(seen, BEGIN)
                ends.append(adapt_intervals(ledger, forecast_of(seen)).factors)
    assert np.allclose(ends[1], ends[2])
    assert not np.allclose(ends[0], ends[1])


def test_no_outcome_counts_twice(ledger: Ledger) -> None:
    """A second run on the same data has the same factors, and so has one after a value was revised."""
    panel = panel_of(np.full((1, 9), 5.0))
    run(ledger, panel, 1)
    first = run(ledger, panel, 2)
    assert np.array_equal(run(ledger, panel, 2), first)
    revised = replace(panel, values=np.zeros(9))
    assert np.array_equal(run(ledger, revised, 2), first)


def test_a_series_that_fell_back_neither_learns_nor_is_widened(ledger: Ledger) -> None:
    """Forecasts of the seasonal naive rule have intervals of their own."""
    panel = panel_of(np.full((2, 9), 5.0))
    for step in range(1, 6):
        last = run(ledger, panel, step, model_names=("lstmcast", "seasonal_naive"))
    assert (last[:, 0] > 1).all()
    assert (last[:, 1] == 1).all()
    assert (run(ledger, panel, 6)[:, 1] == 1).all()


def test_unknown_outcomes_wait_for_nobody(ledger: Ledger) -> None:
    """A step that was not observed moves nothing."""
    values = np.array([[0.0, 5.0, 5.0]])
    panel = replace(panel_of(values), observed=np.array([True, False, True]))
    run(ledger, panel, 1)
    assert (run(ledger, panel, 2) == 1).all()
    assert (run(ledger, panel, 3) > 1).all()


def test_rare_outcomes_move_further(ledger: Ledger) -> None:
    """Months move a factor three times as far as hours."""
    panel = panel_of(np.full((1, 3), 1.5), MONTHLY)
    run(ledger, panel, 1)
    assert np.log(run(ledger, panel, 2))[0, 0, 0] == pytest.approx(0.24)


def test_another_horizon_and_level_go_on(ledger: Ledger) -> None:
    """More steps begin as wide as the last one stood; a level that is new begins at 1."""
    panel = panel_of(np.full((1, 9), 1.5))
    for step in (1, 2, 3):
        before = run(ledger, panel, step)
    wider = replace(forecast_of(panel.drop_last(6), horizon=4), levels=(80.0, 99.0))
    after = adapt_intervals(ledger, wider).factors
    assert after[0, 0] == pytest.approx([*before[0, 0], before[0, 0, -1], before[0, 0, -1]])
    assert (after[1] == 1).all()


def test_no_intervals(ledger: Ledger) -> None:
    """A forecast without intervals is issued as it is."""
    panel = panel_of(np.zeros((1, 5)))
    ledger.observe(panel, BEGIN)
    none = np.empty((0, 1, 2))
    bare = replace(forecast_of(panel), levels=(), lower=none, upper=none)
    assert adapt_intervals(ledger, bare).forecast is bare


def test_factors_of_one_leave_every_bit() -> None:
    """So that a first run's forecast is the model's own, to the byte."""
    forecast = forecast_of(panel_of(np.zeros((1, 5))))
    assert apply_interval_factors(forecast, np.ones_like(forecast.lower)) is forecast


def test_coverage_of_the_ledger_holds_after_a_shift(ledger: Ledger) -> None:
    """300 runs on noise that triples after 100: the share of the issued 80 % intervals that held is about 80 %."""
    noise = np.random.default_rng(1).normal(size=(4, 302)) / 1.2816
    noise[:, 100:] *= 3
    panel = panel_of(noise)
    for step in range(1, 303):
        run(ledger, panel, step)
    scores = score_live_forecasts(ledger, now=BEGIN)
    assert scores.n_actuals == 4 * (301 + 300)
    assert scores.coverage[0] == pytest.approx(0.8, abs=0.04)
    assert scores.coverage_by_step[0] == pytest.approx([0.8, 0.8], abs=0.05)


def job(**sections: Any) -> Job:
    """A job with these sections."""
    return Job.model_validate({"input": "a.csv", **sections})


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"input": "b.csv"},
        {"plot": "a.png"},
        {"store": {"models": "elsewhere", "keep_versions": 3}},
        {"forecast": {"output": "b.csv"}},
        {"metrics": {"textfile": "a.prom"}},
        {"on_alert": {"command": ["true"]}},
    ],
)
def test_where_things_lie_does_not_matter(elsewhere: Mapping[str, Any]) -> None:
    """Paths and alert commands do not change a forecast."""
    assert config_digest(job(**elsewhere)) == config_digest(job())


@pytest.mark.parametrize(
    "other",
    [
        {"train": {"seed": 1}},
        {"forecast": {"horizon": 3}},
        {"ledger": {"adaptive_intervals": False}},
        {"freshness": {"max_flatline": "1h"}},
        {"alerts": [{"when": "forecast > 0"}]},
    ],
)
def test_what_the_forecast_depends_on_matters(other: Mapping[str, Any]) -> None:
    """Training, horizon, adaptation, rules and alerts."""
    assert config_digest(job(**other)) != config_digest(job())


def test_a_limit_alone_is_the_rule_that_fails() -> None:
    """Two ways to write one job are one job."""
    short, long = {"max_flatline": "60min"}, {"max_flatline": {"limit": "1h", "action": "fail"}}
    assert config_digest(job(freshness=short)) == config_digest(job(freshness=long))


def test_each_part_counts() -> None:
    """Data, config, version and model_names, each in its own place."""
    keys = {
        run_key("d", "c", "v", ["lstmcast"]),
        run_key("x", "c", "v", ["lstmcast"]),
        run_key("d", "x", "v", ["lstmcast"]),
        run_key("d", "c", "x", ["lstmcast"]),
        run_key("d", "c", "v", ["seasonal_naive"]),
        run_key("dc", "", "v", ["lstmcast"]),
    }
    assert len(keys) == 6
    assert run_key("d", "c", "v", ["lstmcast"]) == run_key("d", "c", "v", ("lstmcast",))
