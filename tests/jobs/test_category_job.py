"""A job of symbols: trained, forecast, recorded, scored, compared and replayed; new symbols are learned."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lstmcast.cli import main
from lstmcast.config import CategoryJob
from lstmcast.errors import ConfigError, FaultCode, ModelError, UsageError
from lstmcast.evaluation.skill import Skill
from lstmcast.forecasting.model_comparison import Comparison
from lstmcast.jobs.context import CurrentModel, current_model
from lstmcast.jobs.diff_text import format_diff
from lstmcast.jobs.forecast_diff import difference
from lstmcast.jobs.inputs import read_newest
from lstmcast.jobs.live_scores import score_live_symbols
from lstmcast.jobs.replay import forecast_from_ledger, last_entry, last_two_runs, replay, scored_task
from lstmcast.jobs.run import run
from lstmcast.persistence.ledger.ledger import FILE, Ledger
from lstmcast.tasks.category.scores import compare_symbols, one_step_predictions
from lstmcast.tasks.category.task import CategoryTask

pytestmark = pytest.mark.slow
Bench = Any  # the class of conftest.py
JOB = """
input: sales.csv
data: {target: sky}
model: {task: category, units: [8], context: 14}
train: {epochs: 4, steps_per_epoch: 20}
forecast: {horizon: 5}
metrics: {textfile: run.prom}
fail_if: [accuracy < 0.001]
"""
PATTERN = ("sun", "sun", "cloud", "rain")


def write(bench: Bench, days: int, last: tuple[str, ...] = ()) -> list[str]:
    """Write a symbol for each day, in a cycle of four with a slip now and then; return all of them."""
    slips = np.random.default_rng(3).random(400) < 0.05
    symbols = ["rain" if slips[k] else PATTERN[k % len(PATTERN)] for k in range(days - len(last))] + list(last)
    first = np.datetime64("2024-01-01")
    rows = "".join(f"{first + k},{symbol}\n" for k, symbol in enumerate(symbols))
    (bench.folder / "sales.csv").write_text(f"day,sky\n{rows}", encoding="utf-8")
    return symbols


@pytest.fixture(scope="module")
def first(once: Bench, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """A job of symbols after its first run; not to be changed: see `job`."""
    folder = tmp_path_factory.mktemp("category") / "job"
    folder.mkdir()
    bench = type(once)(folder, text=JOB)
    write(bench, bench.days)
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


def test_the_first_run_trains_and_publishes_symbols(first: Bench) -> None:
    """The forecast is that of the model, with the column of jobs."""
    assert isinstance(first.job(), CategoryJob)
    assert first.names() == ["read", "trained", "forecast"]
    table = pd.read_csv(first.output)
    assert list(table) == ["day", "forecast", "probability", "model"]
    expected = model_of(first).forecaster.predict()
    assert table["forecast"].tolist() == expected.predicted_symbols[0].tolist()
    assert set(table["model"]) == {"lstmcast"}
    np.testing.assert_allclose(table["probability"], expected.probabilities[0], atol=1e-6)


def test_the_ledger_has_the_data_and_the_forecast(first: Bench) -> None:
    """The panel comes back as it was read; the forecast by the numbers of its symbols."""
    panel = read_newest(first.job(), model_of(first))[0]
    with first.ledger() as ledger:
        kept, entry = ledger.panel(), last_entry(ledger)
        recorded, symbols = ledger.recorded_forecast(entry.number), ledger.symbols
    assert kept is not None
    assert kept.fingerprint() == panel.fingerprint() == entry.data_digest
    assert entry.task == "category"
    assert symbols == ("", "cloud", "rain", "sun")
    table = pd.read_csv(first.output)
    assert [symbols[int(number)] for number in recorded.values[0]] == table["forecast"].tolist()
    np.testing.assert_allclose(recorded.probabilities[0], table["probability"], atol=1e-6)


def test_the_second_run_finds_nothing_new(job: Bench) -> None:
    """Unchanged data, config and version."""
    assert main(["run", str(job.folder / "job.yaml"), "--now", job.now.isoformat(), "--quiet"]) == 0
    assert job.run().status == "unchanged"
    assert "model_age_seconds" in (job.folder / "run.prom").read_text()


def test_forecasts_are_scored_by_the_symbols_that_came(job: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    """The fraction of right symbols, and that of the symbols a season before, also in the metrics and by step."""
    forecast = pd.read_csv(job.output)["forecast"].tolist()
    before = write(job, job.days)
    came = write(job, job.days + 4, ("sun", "cloud", "rain", "rain"))[-4:]
    assert job.run(days=4).status == "done"
    hits = [forecast[k] == symbol for k, symbol in enumerate(came)]
    naive = [before[-7:][k] == symbol for k, symbol in enumerate(came)]
    with job.ledger() as ledger:
        assert scored_task(ledger) == "category"
        scores = score_live_symbols(ledger, now=job.now)
    assert scores.n_actuals == 4
    assert (scores.accuracy, scores.naive_accuracy) == (np.mean(hits), np.mean(naive))
    assert scores.accuracy_by_step[:4].tolist() == hits
    assert np.isnan(scores.accuracy_by_step[4])
    (event,) = [event for event in job.log if event.name == "scores"]
    assert event.fields["accuracy"] == scores.accuracy
    path = str(job.folder / "job.yaml")
    main(["run", path, "--now", "2024-05-04T02:00Z", "--quiet"])
    assert f'live_accuracy_ratio{{model="sales"}} {scores.accuracy!r}' in (job.folder / "run.prom").read_text()
    capsys.readouterr()
    assert main(["score", path, "--now", "2024-05-04T02:00Z", "--json", "--fail-if", "accuracy <= 1"]) == 8
    printed = json.loads(capsys.readouterr().out)
    assert printed["accuracy"] == scores.accuracy
    assert "drift" not in printed
    assert main(["score", path, "--now", "2024-05-04T02:00Z", "--fail-if", "mase > 1"]) == 2


def test_a_condition_on_the_accuracy_ends_with_8(job: Bench) -> None:
    """None of the forecast symbols came."""
    forecast = pd.read_csv(job.output)["forecast"].tolist()
    wrong = tuple(next(symbol for symbol in PATTERN if symbol != forecast[k]) for k in range(4))
    write(job, job.days + 4, wrong)
    assert job.run(days=4).faults == ("fail_if: accuracy < 0.001 (accuracy is 0 over 4 outcomes)",)


def test_a_forecast_is_replayed_byte_for_byte(job: Bench) -> None:
    """By its version, and, where that is gone, from the recorded symbols and probabilities."""
    written = job.output.read_bytes()
    with job.ledger() as ledger:
        entry = last_entry(ledger)
    write(job, job.days + 2, ("rain", "snow"))
    job.run(days=2)
    with job.ledger() as ledger:
        found = replay(ledger, job.model, entry)
        assert found.recomputed
        shutil.rmtree(job.model / entry.version)
        recorded = replay(ledger, job.model, entry)
    assert not recorded.recomputed
    assert found.content == recorded.content == written


def test_the_difference_of_two_forecasts_counts_symbols(job: Bench) -> None:
    """The data alone changed; both sides are symbols, and a step has moved where they differ."""
    before = pd.read_csv(job.output)["forecast"].tolist()
    write(job, job.days + 2, ("rain", "rain"))
    job.run(days=2)
    after = pd.read_csv(job.output)["forecast"].tolist()
    with job.ledger() as ledger:
        found = difference(ledger, job.model, *last_two_runs(ledger, None))
    assert found.before.tolist() == before[2:]
    assert found.after.tolist() == after[:3]
    moved = [float(old != new) for old, new in zip(before[2:], after[:3], strict=True)]
    assert found.moved.tolist() == found.parts["data"].tolist() == moved
    assert found.parts["model"].tolist() == [0, 0, 0]
    assert [step["after"] for step in found.to_dict()["steps"]] == after[:3]
    assert (found.new, found.revised) == (2, 0)
    assert len(format_diff(found, "sales").splitlines()) == 3 + 1 + 3


def test_a_model_gone_leaves_the_parts_unknown(job: Bench) -> None:
    """If data and model changed, and the older version cannot be run, the parts are undefined."""
    old = model_of(job).version
    write(job, job.days + 8)
    job.text = JOB.replace("units: [8]", "units: [6]")
    job.run(days=8)
    with job.ledger() as ledger:
        runs = last_two_runs(ledger, None)
        known = difference(ledger, job.model, *runs)
        shutil.rmtree(old)
        unknown = difference(ledger, job.model, *runs)
    assert not known.unknown
    assert unknown.unknown
    assert np.isnan(unknown.parts["data"]).all()
    assert unknown.to_dict()["steps"] == [] or unknown.to_dict()["steps"][0]["data"] is None


def test_a_week_later_a_challenger_is_compared_by_bits(job: Bench) -> None:
    """On steps that the incumbent was not trained on."""
    write(job, job.days + 8)
    job.run(days=8)
    (event,) = [event for event in job.log if event.name == "trained"]
    assert event.fields["origins"] > 0
    with job.ledger() as ledger:
        assert ledger.retrains()[-1].figures["challenger"] == event.fields["challenger"]


def test_a_new_symbol_is_unknown_until_the_next_training(job: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is recorded as it is; the model takes it for a missing one, and a retrained model forecasts with it."""
    write(job, job.days + 2, ("snow", "snow"))
    job.run(days=2)
    assert job.names()[:3] == ["read", "data_warning", "forecast"]
    assert "snow" not in model_of(job).forecaster.context.symbols
    with job.ledger() as ledger:
        panel = ledger.panel()
        assert panel is not None
        assert [panel.symbols[int(code)] for code in panel.series(0)[-2:]] == ["snow", "snow"]
        assert ledger.symbols[-1] == "snow"
    equal = Comparison(1.0, 1.0, 12, Skill.of("incumbent", 0.0))
    monkeypatch.setattr(CategoryTask, "compare", lambda *_: equal)
    job.run("retrain: {every: 1d}\n", days=2.1)
    assert model_of(job).forecaster.context.symbols == ("cloud", "rain", "sun", "snow")
    assert job.run("retrain: {every: 1d}\n", days=2.1).status == "unchanged"


def test_models_are_compared_on_steps_that_both_did_not_learn_from(job: Bench) -> None:
    """Steps up to the end of the incumbent's data are left out; the means follow from the predictions."""
    model = model_of(job).forecaster
    with job.ledger() as ledger:
        panel = ledger.panel()
    assert panel is not None
    none = compare_symbols(model, model, panel)
    assert (none.origins, none.not_worse) == (0, False)
    earlier = replace(model, context=model.context.drop_last(6))
    found = compare_symbols(model, earlier, panel)
    steps = one_step_predictions(model.holdout_pipeline, panel, model.report.holdout.test_steps)
    later = panel.starts[steps.series] + steps.origins >= earlier.context.ends[0]
    assert found.origins == later.sum() == 6
    assert found.challenger == pytest.approx(steps.bits[later].mean())


def test_a_model_predicts_from_a_panel_with_another_vocabulary(first: Bench) -> None:
    """Codes are translated: the forecast depends on the symbols, not on their order."""
    model = model_of(first).forecaster
    with first.ledger() as ledger:
        panel = ledger.panel()
    assert panel is not None
    other = panel.recode(("snow", "sun", "rain", "cloud"))
    expected, found = model.predict(panel), model.predict(other)
    assert found.predicted_symbols.tolist() == expected.predicted_symbols.tolist()
    assert (found.probabilities == expected.probabilities).all()


def test_a_job_of_text_writes_text(once: Bench, tmp_path: Path) -> None:
    """Each character is a step; a longer text is continued, and the text is replayed."""
    text = JOB.replace("sales.csv", "a.txt").replace("{target: sky}", "{format: text}")
    text = text.replace("{horizon: 5}", "{horizon: 9, output: next.txt}")
    bench = type(once)(tmp_path, text=text)
    (tmp_path / "a.txt").write_text("to be or not\n" * 20, encoding="utf-8")
    bench.run()
    assert len((tmp_path / "next.txt").read_text()) == 10
    (tmp_path / "a.txt").write_text("to be or not\n" * 20 + "to b", encoding="utf-8")
    bench.run(days=1)
    folder = tmp_path / "models" / "a"
    with Ledger.open(folder / FILE, create=False) as ledger:
        shutil.rmtree(folder / last_entry(ledger).version)
        assert replay(ledger, folder, last_entry(ledger)).content == (tmp_path / "next.txt").read_bytes()
        assert score_live_symbols(ledger, now=bench.now).n_actuals == 4


def test_a_job_that_was_of_values(bench: Bench) -> None:
    """The ledger goes on; forecasts of another task are neither scored nor compared."""
    values = pd.read_csv(bench.folder / "sales.csv")["sales"]
    table = pd.DataFrame({"day": pd.date_range("2024-01-01", periods=len(values)), "sales": values > values.mean()})
    table.to_csv(bench.folder / "sales.csv", index=False)
    bench.text = JOB.replace("sky", "sales")
    bench.run(days=0.1)
    assert model_of(bench).task.name == "category"
    with bench.ledger() as ledger:
        assert score_live_symbols(ledger, now=bench.now).n_actuals == 0
        with pytest.raises(UsageError) as err:
            difference(ledger, bench.model, *last_two_runs(ledger, None))
    assert err.value.faults[0].code == FaultCode.OTHER_TASK


def test_an_output_of_another_format_is_refused(job: Bench) -> None:
    """Before any work."""
    other = job.job().model_copy(update={"forecast": job.job().forecast.model_copy(update={"output": "a.xls"})})
    with pytest.raises(ConfigError) as err:
        run(other, job.now, note=job.log.append)
    (fault,) = err.value.faults
    assert (fault.code, fault.column) == (FaultCode.UNKNOWN_FORMAT, "forecast.output")


def test_a_ledger_of_probabilities_has_no_live_scores(job: Bench) -> None:
    """The task of the newest run decides."""
    with job.ledger() as ledger:
        entry = last_entry(ledger)
        recorded = forecast_from_ledger(ledger, entry, ledger.recorded_forecast(entry.number))
    with Ledger.open(job.model / FILE) as ledger:
        ledger.record(replace(entry, task="event"), recorded, np.zeros((1, 5)))
        with pytest.raises(UsageError) as err:
            scored_task(ledger)
    assert err.value.faults[0].code == FaultCode.NO_LIVE_SCORES


def test_a_model_of_labels_is_refused(label_models: Path) -> None:
    """A job forecasts the next steps, and a label has none."""
    (version,) = label_models.glob("*/2*")
    with pytest.raises(ModelError) as err:
        CurrentModel.load(version)
    assert err.value.faults[0].code == FaultCode.NO_JOBS
