"""The reasons for fitting a challenger; it replaces the incumbent only if it is not worse."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from lstmcast.data.schema import SettingKey
from lstmcast.errors import DataError
from lstmcast.evaluation.live_scores import Drift
from lstmcast.evaluation.skill import Skill
from lstmcast.forecasting import model_comparison
from lstmcast.forecasting.model_comparison import Comparison
from lstmcast.jobs import retrain
from lstmcast.jobs.context import CurrentModel, current_model
from lstmcast.jobs.retrain import changed_keys, retrain_reason
from lstmcast.jobs.run import run
from lstmcast.persistence.registry import versions
from lstmcast.tasks.value.task import ValueTask

if TYPE_CHECKING:
    from tests.jobs.conftest import Bench

Wave = Callable[[int, int], np.ndarray]
NEW = "of data that were not there before"


def why(bench: Bench, more: str = "", *, days: float = 0, data: str = NEW) -> str | None:
    """The reason for a new model."""
    with bench.ledger() as ledger:
        found = retrain_reason(
            bench.job(more), current_model(bench.model), ledger, data, bench.now + timedelta(days=days)
        )
    return found and found.reason


def compared(skill: float) -> Callable[..., Comparison]:
    """A comparison in which the challenger's error is smaller by this fraction."""
    found = Comparison(1 - skill, 1.0, 12, Skill.of("incumbent", skill, groups=2))
    return lambda *_: found


def trained_as(model: CurrentModel) -> Callable[..., Any]:
    """A training that gives the model that is there, at another time."""
    return lambda *_, **__: replace(model.forecaster, report=replace(model.forecaster.report, libraries={"new": "1"}))


@pytest.fixture
def quick(bench: Bench, monkeypatch: pytest.MonkeyPatch, waves: Wave) -> Bench:
    """The job a week and a day later, with new data and a training that takes no time."""
    model = current_model(bench.model)
    assert model is not None
    monkeypatch.setattr(ValueTask, "train", trained_as(model))
    bench.write(waves(bench.days + 8, 1))
    return bench


def test_retraining_by_age(bench: Bench) -> None:
    """Due a week after the last fit, not a minute earlier, not without new data, and not if retraining is off."""
    assert why(bench, days=7) == "the last fit was 7 d ago"
    assert why(bench, days=6.999) is None
    assert why(bench, "retrain: {every: 3d}\n", days=3) == "the last fit was 3 d ago"
    assert why(bench, "retrain: {every: null}\n", days=300) is None
    model = current_model(bench.model)
    assert model is not None
    assert why(bench, days=7, data=model.forecaster.report.data.fingerprint) is None


def test_retraining_by_a_changed_config(bench: Bench) -> None:
    """A key that makes another model is named; where things lie, and what the job adds, makes none."""
    assert why(bench, "retrain: {init: fresh}\nplot: a.png\n") is None
    job = bench.job()
    other = job.model_copy(update={"train": job.train.model_copy(update={"epochs": 3, "seed": 7})})
    model = current_model(bench.model)
    assert model is not None
    assert changed_keys(other.config, model) == ["train.epochs", "train.seed"]
    moved = job.model_copy(update={"forecast": job.forecast.model_copy(update={"output": "elsewhere.csv"})})
    assert changed_keys(moved.config, model) == []


def test_a_key_that_the_model_does_not_know_had_its_default(bench: Bench) -> None:
    """A new key in a newer lstmcast is no reason to retrain."""
    model = current_model(bench.model)
    assert model is not None
    trained = model.forecaster.report.config
    config = replace(trained, train={key: value for key, value in trained.train.items() if key != "optimizer"})
    older = replace(model, forecaster=replace(model.forecaster, report=replace(model.forecaster.report, config=config)))
    assert changed_keys(bench.job().config, older) == []


def test_retraining_by_drift(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Drift since the last fit is a reason; not if drift tests are off."""
    seen: list[Any] = []

    def found(*_: object, since: object) -> Drift:
        seen.append(since)
        return Drift(True, 3, 120.0, 0.01, 9, 2.25)

    monkeypatch.setattr(retrain, "detect_drift", found)
    assert (
        why(bench, days=1)
        == "errors have grown to 2.2 times those of calibration (false alarms: at most one in 100 models)"
    )
    assert seen == [bench.now]
    assert why(bench, "retrain: {on_drift: false}\n", days=1) is None


@pytest.mark.parametrize(("skill", "accepted"), [(0.2, True), (0.0, True), (-0.004, True), (-0.006, False)])
def test_the_challenger_must_not_be_worse(
    quick: Bench, monkeypatch: pytest.MonkeyPatch, skill: float, accepted: bool
) -> None:
    """Not by half a percent: else the incumbent stays; the decision and both figures are recorded either way."""
    monkeypatch.setattr(model_comparison, "compare", compared(skill))
    (incumbent,) = versions(quick.model)
    outcome = quick.run(days=8)
    now = versions(quick.model)
    assert len(now) == 1 + accepted
    assert outcome.version == now[-1].name
    with quick.ledger() as ledger:
        refit = ledger.retrains()[-1]
    assert (refit.accepted, refit.incumbent) == (accepted, incumbent.name)
    assert refit.challenger == (now[-1].name if accepted else "")
    assert refit.reason.startswith("the last fit was 8 d ago; its error is")
    assert (refit.figures["challenger"], refit.figures["incumbent"], refit.figures["origins"]) == (1 - skill, 1.0, 12)


def test_a_challenger_that_was_not_taken_is_not_fitted_again_at_once(
    quick: Bench, monkeypatch: pytest.MonkeyPatch, waves: Wave
) -> None:
    """The next run, an hour later with newer data, goes on with the incumbent; a week later there is another try."""
    monkeypatch.setattr(model_comparison, "compare", compared(-0.1))
    quick.run(days=8)
    quick.write(waves(quick.days + 9, 1))
    quick.run(days=9)
    assert quick.names().count("trained") == 1
    assert why(quick, days=15) == "the last fit was 7 d ago"


def test_a_changed_config_is_taken_though_it_is_worse(quick: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a change of the config, the scores are logged and the new model is used."""
    monkeypatch.setattr(model_comparison, "compare", compared(-0.3))
    job = quick.job("retrain: {every: null}\n")
    other = job.model_copy(update={"train": job.train.model_copy(update={"seed": 7})})
    run(other, quick.now + timedelta(days=8), note=quick.log.append)
    with quick.ledger() as ledger:
        refit = ledger.retrains()[-1]
    assert refit.accepted
    assert refit.reason.startswith("the config has changed (train.seed); its error is")


def test_a_training_that_fails_leaves_the_incumbent(quick: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """If retraining fails, the current model forecasts, and the failure is recorded and logged."""

    def failing(*_: object, **__: object) -> None:
        raise DataError("too little of it")

    monkeypatch.setattr(ValueTask, "train", failing)
    (incumbent,) = versions(quick.model)
    assert quick.run(days=8).version == incumbent.name
    assert quick.output.read_text().splitlines()[1].startswith("2024-05-08,")
    with quick.ledger() as ledger:
        refit = ledger.retrains()[-1]
    assert (refit.accepted, refit.reason) == (
        False,
        "the last fit was 8 d ago; the fit failed: too little of it",
    )


@pytest.mark.slow
def test_a_warm_refit_of_a_real_network(bench: Bench, waves: Wave) -> None:
    """After a fortnight, a warm fit is compared with the current model on the same origins."""
    bench.write(waves(bench.days + 14, 1))
    outcome = bench.run(days=14)
    (event,) = (event for event in bench.log if event.name == "trained")
    assert event.fields["origins"] > 0
    assert event.fields["challenger"] == pytest.approx(event.fields["incumbent"], rel=0.5)
    model = current_model(bench.model)
    assert model is not None
    assert model.version.name == outcome.version
    if event.fields["accepted"]:
        assert (SettingKey.INIT, "warm") in {(s.key, s.value) for s in model.forecaster.report.inferred}
        assert model.forecaster.report.retrain.reason == "the last fit was 14 d ago"
