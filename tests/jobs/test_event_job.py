"""A job of an event: trained, forecast, recorded, replayed and retrained like a job of values; without live scores."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lstmcast.cli import main
from lstmcast.config import EventJob
from lstmcast.errors import FaultCode, UsageError
from lstmcast.jobs.context import CurrentModel, current_model
from lstmcast.jobs.replay import last_entry, replay, scored_task
from lstmcast.tasks.event.scores import compare_events

pytestmark = pytest.mark.slow
Bench = Any  # the class of conftest.py
JOB = """
input: sales.csv
data: {target: sales}
model: {task: event, event: sales > p60, units: [4]}
train: {epochs: 2, steps_per_epoch: 4}
forecast: {horizon: 5}
metrics: {textfile: run.prom}
"""


@pytest.fixture(scope="module")
def first(once: Bench, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """An event job after its first run; not to be changed: see `job`."""
    folder = tmp_path_factory.mktemp("event") / "job"
    folder.mkdir()
    shutil.copy(once.folder / "sales.csv", folder)
    bench = type(once)(folder, text=JOB)
    bench.run()
    return bench


@pytest.fixture
def job(first: Bench, tmp_path: Path) -> Bench:
    """A copy of that job in a folder of its own."""
    shutil.copytree(first.folder, tmp_path / "job")
    return type(first)(tmp_path / "job", text=JOB)


def model_of(bench: Bench) -> CurrentModel:
    """The current version."""
    found = current_model(bench.model)
    assert found is not None
    return found


def test_the_first_run_trains_and_publishes_probabilities(first: Bench) -> None:
    """Without live scores: neither an event nor a metric has any."""
    assert isinstance(first.job(), EventJob)
    assert first.names() == ["read", "trained", "forecast"]
    table = pd.read_csv(first.output)
    assert list(table) == ["day", "probability", "model"]
    expected = model_of(first).forecaster.predict().values[0]
    np.testing.assert_allclose(table["probability"], expected, rtol=1e-12)


def test_the_second_run_finds_nothing_new(job: Bench) -> None:
    """Unchanged data, config and version; the metrics have ages, and no scores."""
    assert main(["run", str(job.folder / "job.yaml"), "--now", job.now.isoformat(), "--quiet"]) == 0
    assert job.run().status == "unchanged"
    metrics = (job.folder / "run.prom").read_text()
    assert "model_age_seconds" in metrics
    assert "live_mae" not in metrics


def test_new_data_are_forecast_and_a_week_later_a_challenger_is_fitted(
    job: Bench, waves: Callable[[int, int], np.ndarray]
) -> None:
    """The challenger is compared with the incumbent by Brier scores on steps that neither was fitted to."""
    job.write(waves(job.days + 1, 1))
    assert job.run(days=1).status == "done"
    assert "trained" not in job.names()
    job.write(waves(job.days + 8, 1))
    job.run(days=8)
    (event,) = [event for event in job.log if event.name == "trained"]
    assert event.fields["origins"] > 0
    with job.ledger() as ledger:
        assert len(ledger.runs()) == 3
        assert len(ledger.retrains()) == 2


def test_a_changed_rule_is_trained_at_once(job: Bench) -> None:
    """Without a comparison that decides; a figure is drawn where the job has one."""
    before = model_of(job)
    text = job.text.replace("p60", "p70")
    job.text = text + "plot: chances.png\n"
    job.run(days=0.1)
    assert model_of(job).version != before.version
    assert model_of(job).forecaster.report.event == "sales > p70"
    assert (job.folder / "chances.png").read_bytes().startswith(b"\x89PNG")


def test_a_model_of_values_is_replaced(bench: Bench) -> None:
    """A job of values that becomes one of an event; its ledger goes on."""
    bench.text = JOB
    bench.run(days=0.1)
    assert model_of(bench).task.name == "event"
    assert len(list(bench.model.glob("2*"))) == 2


def test_a_forecast_is_replayed_byte_for_byte(job: Bench) -> None:
    """By its version, and, where that is gone, from the recorded numbers."""
    with job.ledger() as ledger:
        entry = last_entry(ledger)
        found = replay(ledger, job.model, entry)
        assert found.recomputed
        shutil.rmtree(job.model / entry.version)
        recorded = replay(ledger, job.model, entry)
        assert not recorded.recomputed
        assert found.content == recorded.content == job.output.read_bytes()
        with pytest.raises(UsageError) as err:
            scored_task(ledger)
    assert err.value.faults[0].code == FaultCode.NO_LIVE_SCORES


def test_score_is_refused_and_a_schedule_is_printed(job: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    """Live scores are those of values and symbols; the interval of the schedule follows the data."""
    assert main(["score", str(job.folder / "job.yaml")]) == 2
    assert "model.task: event" in capsys.readouterr().err
    assert main(["schedule", str(job.folder / "job.yaml"), "--cron"]) == 0
    assert "lstmcast" in capsys.readouterr().out


def test_models_are_compared_on_steps_that_both_did_not_learn_from(job: Bench) -> None:
    """Origins before the end of the incumbent's data are left out; the means follow from the probabilities."""
    model, panel = model_of(job).forecaster, job.ledger().panel()
    none = compare_events(model, model, panel)
    assert (none.origins, none.not_worse) == (0, False)
    earlier = replace(model, context=model.context.drop_last(12))
    found = compare_events(model, earlier, panel)
    later = model.holdout.positions >= earlier.context.ends[0]
    assert found.origins == later.sum() > 0
    brier = np.nanmean((model.holdout.probabilities - model.holdout.actual)[later] ** 2)
    assert found.challenger == pytest.approx(brier)
