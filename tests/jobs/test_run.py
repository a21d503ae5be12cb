"""A run: its first steps, unchanged repetitions, and new forecasts after a change."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from lstmcast.errors import BusyError, ConditionError, ConfigError, DataError, FaultCode, FileError, ModelError
from lstmcast.forecasting.codec import load
from lstmcast.jobs import run as jobs_run
from lstmcast.jobs.run import run, run_and_report
from lstmcast.persistence.artifact import model_lock
from lstmcast.persistence.registry import versions

if TYPE_CHECKING:
    from tests.jobs.conftest import Bench

Wave = Callable[[int, int], np.ndarray]


def rows(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV by column."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def everything(folder: Path) -> dict[str, bytes]:
    """Every file below a folder but the ledger's and the lock's."""
    files = (path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(("ledger", "lock")))
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_the_first_run_trains_forecasts_and_records(once: Bench) -> None:
    """One version, a forecast of five days with its model, and one record that names data, config and model."""
    assert once.names() == ["read", "trained", "forecast"]
    (version,) = versions(once.model)
    found = rows(once.output)
    assert [row["day"] for row in found] == ["2024-04-30", "2024-05-01", "2024-05-02", "2024-05-03", "2024-05-04"]
    assert {row["model"] for row in found} == {"lstmcast"}
    with once.ledger() as ledger:
        (entry,) = ledger.runs()
        (refit,) = ledger.retrains()
    assert (entry.version, entry.created_at, entry.model, entry.status) == (version.name, once.now, "lstmcast", "done")
    assert entry.output_digest == sha256(once.output.read_bytes()).hexdigest()
    assert (refit.challenger, refit.incumbent, refit.accepted) == (version.name, "", True)


def test_the_forecast_is_that_of_predict(once: Bench) -> None:
    """The numbers equal a forecast of the saved model from the same data."""
    (version,) = versions(once.model)
    expected = load(version).predict().values.ravel()
    assert [float(row["forecast"]) for row in rows(once.output)] == expected.tolist()


def test_nothing_is_done_twice(bench: Bench) -> None:
    """With equal data, config and model, nothing is written or recorded, and the status is unchanged."""
    before = everything(bench.folder)
    outcome = bench.run(days=0.1)
    assert outcome.status == "unchanged"
    assert bench.names() == ["read", "unchanged"]
    assert everything(bench.folder) | before == before | {"job.yaml": (bench.folder / "job.yaml").read_bytes()}
    with bench.ledger() as ledger:
        assert [entry.run_key for entry in ledger.runs()] == [outcome.run_key]


@pytest.mark.parametrize("harm", ["missing", "changed"])
def test_a_lost_output_is_written_again(bench: Bench, harm: str) -> None:
    """A forecast that was removed or changed by others is put back to the byte, and is no new entry."""
    before = bench.output.read_bytes()
    bench.output.unlink() if harm == "missing" else bench.output.write_text("day,forecast\n")
    assert bench.run().status == "done"
    assert bench.output.read_bytes() == before
    with bench.ledger() as ledger:
        assert len(ledger.runs()) == 1


def test_force_does_it_again(bench: Bench) -> None:
    """With --force, a run forecasts and records again, with equal key and bytes."""
    before = bench.output.read_bytes()
    outcome = bench.run(days=0.1, force=True)
    assert (outcome.status, bench.output.read_bytes()) == ("done", before)
    with bench.ledger() as ledger:
        assert [entry.run_key for entry in ledger.runs()] == [outcome.run_key] * 2


def test_new_data_are_another_run(bench: Bench, waves: Wave) -> None:
    """A day more: another key, a forecast that begins a day later, and no training before a week is over."""
    first = bench.run().run_key
    bench.write(waves(bench.days + 1, 1))
    outcome = bench.run(days=1)
    assert outcome.status == "done"
    assert outcome.run_key != first
    assert rows(bench.output)[0]["day"] == "2024-05-01"
    assert "trained" not in bench.names()
    assert len(versions(bench.model)) == 1


def test_a_changed_config_is_another_run(bench: Bench) -> None:
    """Intervals that are not to adapt: no training, but another key; a plot elsewhere changes nothing but itself."""
    first = bench.run()
    fixed = bench.run("ledger: {adaptive_intervals: false}\n")
    assert (first.status, fixed.status) == ("unchanged", "done")
    assert first.run_key != fixed.run_key
    other = bench.run("ledger: {adaptive_intervals: false}\nplot: figure.svg\n")
    assert (other.run_key, other.status) == (fixed.run_key, "done")
    assert (bench.folder / "figure.svg").read_bytes().startswith(b"<?xml")


def test_where_the_job_is_started_from_does_not_matter(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The key is the same from every folder."""
    first = bench.run().run_key
    monkeypatch.chdir(bench.folder)
    assert bench.run().run_key == first


def test_a_clock_that_jumped_back(bench: Bench, waves: Wave) -> None:
    """A run whose clock is before the last run logs a warning, and forecasts and records."""
    bench.write(waves(bench.days + 1, 1))
    assert bench.run(days=-30).status == "done"
    (warning,) = (event.text for event in bench.log if event.name == "clock")
    assert warning.startswith("the clock shows 2024-03-31 01:00 UTC, and the last run was at 2024-04-30 01:00")
    with bench.ledger() as ledger:
        assert len(ledger.runs()) == 2
    assert len(versions(bench.model)) == 1


def test_a_busy_model(bench: Bench) -> None:
    """While another run holds the lock nothing is done, and nothing is recorded."""
    with model_lock(bench.model), pytest.raises(BusyError, match="holds the lock"):
        bench.run()
    assert bench.log == []


def test_a_run_waits_for_the_lock(bench: Bench) -> None:
    """A run that waits gives up only after that time."""
    with model_lock(bench.model), pytest.raises(BusyError):
        run(bench.job(), bench.now, note=bench.log.append, wait=0.2)


def test_data_that_cannot_be_read(bench: Bench) -> None:
    """A broken file is a fault of the data; the old forecast, model and ledger are as they were."""
    before = everything(bench.model)
    (bench.folder / "sales.csv").write_text("day,sales\n2024-01-01,ten\n2024-01-02,1\n")
    with pytest.raises(DataError, match="ten"):
        bench.run(days=1)
    assert everything(bench.model) == before
    with bench.ledger() as ledger:
        assert len(ledger.runs()) == 1


def test_a_model_without_a_current_version(bench: Bench) -> None:
    """If `current` is missing, the run ends with a hint instead of training a new model."""
    (bench.model / "current").unlink()
    with pytest.raises(ModelError, match=r"lstmcast models rollback --model-dir .* --model sales"):
        bench.run()


def test_a_damaged_ledger(bench: Bench) -> None:
    """A ledger that is none ends the run before anything is written."""
    before = bench.output.read_bytes()
    for path in bench.model.glob("ledger.sqlite*"):
        path.unlink()
    (bench.model / "ledger.sqlite").write_bytes(b"nothing of the kind" * 100)
    with pytest.raises(ModelError, match=r"ledger\.sqlite"):
        bench.run(days=1, force=True)
    assert bench.output.read_bytes() == before


def test_an_output_of_no_known_format(bench: Bench) -> None:
    """Outputs that cannot be written are refused at the beginning."""
    job = bench.job()
    other = job.model_copy(update={"forecast": job.forecast.model_copy(update={"output": "a.xls"})})
    with pytest.raises(ConfigError) as err:
        run(other, bench.now, note=bench.log.append)
    (fault,) = err.value.faults
    assert (fault.code, fault.column) == (FaultCode.UNKNOWN_FORMAT, "forecast.output")
    assert bench.log == []


@pytest.mark.parametrize("name", ["../../outside", "..", ".hidden", "a/b", "a b"])
def test_a_model_lies_below_the_folder_of_models(bench: Bench, name: str) -> None:
    """No name of the config leads out of it."""
    before = sorted(bench.folder.parent.rglob("*"))
    with pytest.raises(ConfigError, match=r"^store\.name: must be 1 to 100 letters"):
        run(bench.job(f"store: {{name: '{name}'}}\n"), bench.now, note=bench.log.append)
    assert sorted(bench.folder.parent.rglob("*")) == before


def test_an_alert_beyond_the_forecast_is_refused_before_anything_is_trained(bench: Bench) -> None:
    """Its fault is known from data and config; no hour of training is spent on it."""
    job = bench.job("alerts: [{name: far, when: 'sum > 5 within 3w'}]\nretrain: {every: 1s}\n")
    with pytest.raises(ConfigError, match="far: 'sum > 5 within 3w' covers 21 steps, and the forecast 5"):
        run(job, bench.now, note=bench.log.append)
    assert len(versions(bench.model)) == 1


def test_an_output_that_cannot_be_written_is_written_by_the_next_run(bench: Bench, waves: Wave) -> None:
    """The forecast is recorded before it is written: the run after a refusal finds it missing, and writes it."""
    bench.write(waves(bench.days + 1, 1))
    bench.output.unlink()
    bench.output.mkdir()
    with pytest.raises(FileError, match=r"forecast\.csv"):
        bench.run(days=1)
    bench.output.rmdir()
    assert bench.run(days=1).status == "done"
    assert rows(bench.output)[0]["day"] == "2024-05-01"
    with bench.ledger() as ledger:
        assert len(ledger.runs()) == 2


def test_old_entries_are_forgotten(bench: Bench, waves: Wave) -> None:
    """Forecasts older than the retention of the ledger are removed."""
    bench.write(waves(bench.days + 9, 1))
    bench.run("ledger: {retention: 5d}\nretrain: {every: null, on_drift: false}\n", days=9)
    with bench.ledger() as ledger:
        assert [entry.created_at for entry in ledger.runs()] == [bench.now + timedelta(days=9)]


def test_several_series_may_have_several_sources(once: Bench, tmp_path: Path, shops_file: Path) -> None:
    """A series that falls back is marked in its rows and in the ledger; the other is forecast by the model."""
    bench = type(once)(tmp_path)
    text = shops_file.read_text().replace("south/west", "south")
    (tmp_path / "sales.csv").write_text(text)
    more = "freshness: {min_completeness: {limit: 0.9, action: fallback}}\n"
    job = bench.job(more)
    run(
        job.model_copy(update={"data": job.data.model_copy(update={"id_columns": ["shop"]})}),
        bench.now,
        note=bench.log.append,
    )
    found = {(row["shop"], row["model"]) for row in rows(bench.output)}
    assert {name for shop, name in found if shop == "north"} == {"lstmcast"}
    assert {name for shop, name in found if shop == "south"} == {"seasonal_naive"}
    with bench.ledger() as ledger:
        (entry,) = ledger.runs()
    assert entry.model == "mixed"
    assert "south" in entry.details["fallback"]
    assert json.loads(json.dumps(entry.details)) == entry.details


def test_data_that_come_back_are_recorded_anew(bench: Bench, waves: Wave) -> None:
    """A file that grew and was then put back: the forecast in place is again that of the ledger's newest entry."""
    bench.write(waves(bench.days + 1, 1))
    bench.run(days=1)
    bench.write(waves(bench.days, 1))
    outcome = bench.run(days=1.1)
    assert outcome.status == "done"
    with bench.ledger() as ledger:
        newest = ledger.last_run()
        assert len(ledger.runs()) == 3
    assert newest is not None
    assert (newest.run_key, newest.output_digest) == (outcome.run_key, sha256(bench.output.read_bytes()).hexdigest())


METRICS = "metrics: {textfile: sales.prom}\n"
SAMPLE = re.compile(r'lstmcast_(\w+)\{model="sales"(?:,(.*))?\} (\S+)')


def report(bench: Bench, more: str = "", *, force: bool = False) -> None:
    """Run the job and report."""
    run_and_report(
        bench.job(METRICS + more), bench.now, note=bench.log.append, on_progress=lambda _: None, force=force, wait=0
    )


def metrics(bench: Bench) -> dict[str, float]:
    """The figures of the file, each by its name and further labels; every other line is a comment."""
    lines = (bench.folder / "sales.prom").read_text(encoding="utf-8").splitlines()
    found = [SAMPLE.fullmatch(line) for line in lines if not line.startswith("# ")]
    assert all(found)
    return {match[1] + (f" {match[2]}" if match[2] else ""): float(match[3]) for match in found if match}


def test_a_run_that_is_done(bench: Bench) -> None:
    """The last event and the metrics agree: done, code 0, data one hour old, a new model."""
    report(bench, force=True)
    last = bench.log[-1]
    assert (last.name, last.level) == ("finished", "info")
    assert (last.fields["status"], last.fields["exit_code"], last.fields["met"]) == ("done", 0, [])
    with bench.ledger() as ledger:
        assert last.fields["run_key"] == ledger.runs()[-1].run_key
    found = metrics(bench)
    assert (found["run_exit_code"], found["data_age_seconds"], found["model_age_seconds"]) == (0, 3600, 0)
    assert found["run_timestamp_seconds"] == found["run_last_success_timestamp_seconds"] == bench.now.timestamp()
    assert found["run_duration_seconds"] == pytest.approx(last.fields["seconds"], abs=0.001)
    assert found["fallback_series"] == found["live_outcomes"] == 0
    assert "live_mae" not in found


def test_a_condition_that_is_met(bench: Bench) -> None:
    """Alerts and conditions that fire make exit code 8 of a run that is done all the same."""
    more = "fail_if: outcomes < 1\nalerts: [{name: any, when: forecast > 0}, {when: forecast < 0}]\n"
    before = bench.output.stat().st_mtime_ns
    with pytest.raises(ConditionError) as caught:
        report(bench, more)
    assert len(caught.value.faults) == 2
    assert caught.value.faults[0].text.startswith("alert any: forecast > 0 (probability")
    assert caught.value.faults[1].text == "fail_if: outcomes < 1 (outcomes is 0 over 0 outcomes)"
    assert bench.output.stat().st_mtime_ns > before
    last = bench.log[-1]
    assert (last.fields["status"], last.fields["exit_code"]) == ("done", 8)
    assert last.fields["met"] == [str(fault) for fault in caught.value.faults]
    found = metrics(bench)
    assert found["run_exit_code"] == 8
    assert found["run_last_success_timestamp_seconds"] == bench.now.timestamp()
    assert (found['alert_fired alert="any",series=""'], found['alert_fired alert="forecast < 0",series=""']) == (1, 0)


def test_the_command_for_alerts_gets_them_as_json(bench: Bench) -> None:
    """The user's own command finds on its stdin the alerts that fired; that it fails is a warning."""
    alerts = "alerts: [{name: any, when: forecast > 0}, {when: forecast < 0}]\n"
    target = bench.folder / "alert.json"
    with pytest.raises(ConditionError):
        report(bench, f"{alerts}on_alert: {{command: [tee, '{target}']}}\n")
    assert re.search(r'"model": "sales".*"alerts": \[\{"name": "any", .*"fired": true', target.read_text())
    assert "forecast < 0" not in target.read_text()
    with pytest.raises(ConditionError):
        report(bench, f"{alerts}on_alert: {{command: ['false']}}\n", force=True)
    assert [event.text for event in bench.log if event.name == "on_alert"] == [
        "on_alert: false: ended with exit code 1"
    ]


def test_an_unchanged_run_has_its_status(bench: Bench) -> None:
    """Nothing was done, and the metrics are those of now, the alerts those of the run that was."""
    alerts = "alerts: [{when: forecast > 0}]\n"
    with pytest.raises(ConditionError):
        report(bench, alerts)
    report(bench, alerts)
    assert (bench.log[-1].fields["status"], bench.log[-1].fields["exit_code"]) == ("unchanged", 0)
    assert metrics(bench)['alert_fired alert="forecast > 0",series=""'] == 1


def test_a_run_that_fails(bench: Bench) -> None:
    """The exit code is that of the failure, and the time of the last success is kept."""
    report(bench)
    (bench.folder / "sales.csv").write_text("day,sales\n")
    with pytest.raises(DataError):
        report(bench)
    last = bench.log[-1]
    assert (last.name, last.level, last.fields["status"], last.fields["exit_code"]) == (
        "finished",
        "error",
        "failed",
        4,
    )
    found = metrics(bench)
    assert found["run_exit_code"] == 4
    assert found["run_last_success_timestamp_seconds"] == bench.now.timestamp()
    assert "data_age_seconds" not in found


@pytest.mark.parametrize(
    ("err", "status", "code"),
    [
        (SystemExit(143), "interrupted", 143),
        (KeyboardInterrupt(), "interrupted", 130),
        (ZeroDivisionError("a bug"), "failed", 1),
    ],
)
def test_a_terminated_run(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, err: BaseException, status: str, code: int
) -> None:
    """A signal or a bug has a last event and metrics too, and goes on its way."""

    def ending(*_: object, **__: object) -> None:
        raise err

    monkeypatch.setattr(jobs_run, "run", ending)
    with pytest.raises(type(err)):
        report(bench)
    last = bench.log[-1]
    assert (last.name, last.fields["status"], last.fields["exit_code"]) == ("finished", status, code)
    assert metrics(bench)["run_exit_code"] == code


def test_a_run_that_finds_another_one(bench: Bench) -> None:
    """The figures are those of the run that holds the lock: this one writes none."""
    with model_lock(bench.model), pytest.raises(BusyError):
        report(bench)
    assert not (bench.folder / "sales.prom").exists()
    assert bench.log[-1].fields["exit_code"] == 7


def test_metrics_that_cannot_be_written(bench: Bench) -> None:
    """After a good run it is the failure; after a failure it is only logged, and the first failure counts."""
    (bench.folder / "sales.prom").mkdir()
    with pytest.raises(FileError, match=r"sales\.prom: cannot be written: it is a folder"):
        report(bench)
    (bench.folder / "sales.csv").unlink()
    with pytest.raises(FileError, match=r"sales\.csv"):
        report(bench)
    assert [event.level for event in bench.log if event.name == "metrics"] == ["warning"]


def test_names_with_quotes_stay_one_label(bench: Bench) -> None:
    """Characters that would end a Prometheus label are escaped."""
    with pytest.raises(ConditionError):
        report(bench, "alerts: [{name: 'a\"b\\c', when: forecast > 0}]\n")
    assert 'alert_fired alert="a\\"b\\\\c",series=""' in metrics(bench)
