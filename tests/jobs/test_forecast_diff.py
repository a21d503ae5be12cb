"""The effects of data, model and fallback on a forecast add up to its change."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import pytest

from lstmcast.config import load_job
from lstmcast.errors import ModelError
from lstmcast.forecasting.forecaster import Forecaster
from lstmcast.jobs.diff_text import format_diff
from lstmcast.jobs.forecast_diff import ForecastDiff, difference
from lstmcast.jobs.replay import last_two_runs
from lstmcast.jobs.run import run

if TYPE_CHECKING:
    from tests.jobs.conftest import Bench

Waves = Callable[[int, int], np.ndarray]


def found(bench: Bench) -> ForecastDiff:
    """The newest run against the one before."""
    with bench.ledger() as ledger:
        return difference(ledger, bench.model, *last_two_runs(ledger, None))


def retrained(bench: Bench, days: float) -> None:
    """A run whose config asks for another seed: a new model."""
    text = (bench.folder / "job.yaml").read_text()
    (bench.folder / "job.yaml").write_text(text.replace("steps_per_epoch: 4", "steps_per_epoch: 4, seed: 7"))
    run(load_job(bench.folder / "job.yaml"), bench.now + timedelta(days=days), note=bench.log.append)


def test_new_data_moved_it(bench: Bench, waves: Waves) -> None:
    """One new day and one revised value, the same model: data did all of it, at the four days both forecast."""
    before = bench.ledger()
    with before:
        old = before.recorded_forecast(1).values[0]
    values = waves(bench.days + 1, 1)
    values[-3] += 5
    bench.write(values)
    bench.run(days=1)
    what = found(bench)
    assert what.changed == {"data": True, "model": False, "config": False}
    assert (what.new, what.revised) == (1, 1)
    assert what.times == ("2024-05-01", "2024-05-02", "2024-05-03", "2024-05-04")
    assert np.array_equal(what.before, old[1:])
    assert np.array_equal(what.parts["data"], what.moved)
    assert not what.parts["model"].any()
    assert "data: 1 new value, 1 revised" in format_diff(what, "sales")


def test_a_new_model_moved_it(bench: Bench) -> None:
    """With equal data and another seed, the model has the whole effect, and the config differs."""
    retrained(bench, 0.1)
    what = found(bench)
    assert what.changed == {"data": False, "model": True, "config": True}
    assert len(what.moved) == 5
    assert np.array_equal(what.parts["model"], what.moved)
    assert what.moved.any()


def test_the_effects_of_data_and_model_are_separate(bench: Bench, waves: Waves) -> None:
    """The older model on the newer data stands in between, computed here by itself."""
    bench.write(waves(bench.days + 1, 1))
    retrained(bench, 1)
    what = found(bench)
    with bench.ledger() as ledger:
        panel = ledger.panel_of(what.later)
    between = Forecaster.load(bench.model / what.earlier.version).predict(panel, 5).values[0, :4]
    assert np.array_equal(what.parts["data"], between - what.before)
    assert np.array_equal(what.parts["model"], what.after - between)
    assert not what.parts["fallback"].any()
    assert what.unknown == ""


def test_without_the_older_version_effects_are_undefined(bench: Bench, waves: Waves) -> None:
    """Without the older version the effects of data and model are undefined, not 0, and a note is added."""
    bench.write(waves(bench.days + 1, 1))
    retrained(bench, 1)
    with bench.ledger() as ledger:
        shutil.rmtree(bench.model / ledger.runs()[0].version)
    what = found(bench)
    assert "cannot be run on the newer data" in what.unknown
    assert np.isnan(what.parts["data"]).all()
    assert what.to_dict()["steps"][0]["data"] is None
    assert what.unknown in format_diff(what, "sales")


def test_a_fall_back_moved_it(bench: Bench) -> None:
    """With unchanged but outdated data, the fallback has the whole effect."""
    bench.run("freshness: {max_data_age: {limit: 2d, action: fallback}}", days=9)
    what = found(bench)
    assert np.array_equal(what.parts["fallback"], what.moved)
    assert not what.parts["data"].any()


def test_runs_without_a_common_step(bench: Bench, waves: Waves) -> None:
    """After ten days without a run nothing is forecast by both."""
    bench.write(waves(bench.days + 10, 1))
    bench.run(days=10)
    what = found(bench)
    assert len(what.moved) == 0
    assert format_diff(what, "sales").endswith("the forecasts have no step in common")


def test_one_run_has_nothing_to_differ_from(bench: Bench) -> None:
    """That is a fault of the ledger's, in one line."""
    with bench.ledger() as ledger, pytest.raises(ModelError, match="no earlier run is recorded"):
        last_two_runs(ledger, None)
