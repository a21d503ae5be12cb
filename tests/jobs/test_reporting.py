"""The last word of a run: status, exit code, seconds and run key, and the metrics of a run that was done or failed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from lstmcast.errors import BusyError, ConditionError, DataError, FileError
from lstmcast.jobs import reporting
from lstmcast.jobs.reporting import run_and_report
from lstmcast.store.artifact import model_lock

if TYPE_CHECKING:
    from tests.jobs.conftest import Bench

METRICS = "metrics: {textfile: sales.prom}\n"
SAMPLE = re.compile(r'lstmcast_(\w+)\{model="sales"(?:,(.*))?\} (\S+)')


def report(bench: Bench, more: str = "", *, force: bool = False) -> None:
    """Run the job and report."""
    run_and_report(
        bench.job(METRICS + more), bench.now, note=bench.said.append, on_progress=lambda _: None, force=force, wait=0
    )


def metrics(bench: Bench) -> dict[str, float]:
    """The figures of the file, each by its name and further labels; every other line is a comment."""
    lines = (bench.folder / "sales.prom").read_text(encoding="utf-8").splitlines()
    found = [SAMPLE.fullmatch(line) for line in lines if not line.startswith("# ")]
    assert all(found)
    return {match[1] + (f" {match[2]}" if match[2] else ""): float(match[3]) for match in found if match}


def test_a_run_that_is_done(bench: Bench) -> None:
    """The last event and the metrics say the same: done, code 0, an hour-old day, a model of this moment."""
    report(bench, force=True)
    last = bench.said[-1]
    assert (last.name, last.level) == ("finished", "info")
    assert (last.fields["status"], last.fields["exit_code"], last.fields["met"]) == ("done", 0, [])
    with bench.ledger() as ledger:
        assert last.fields["run_key"] == ledger.entries()[-1].run_key
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
    assert caught.value.faults[0].startswith("alert any: forecast > 0 (probability")
    assert caught.value.faults[1] == "fail_if: outcomes < 1 (outcomes is 0 over 0 outcomes)"
    assert bench.output.stat().st_mtime_ns > before
    last = bench.said[-1]
    assert (last.fields["status"], last.fields["exit_code"]) == ("done", 8)
    assert last.fields["met"] == list(caught.value.faults)
    found = metrics(bench)
    assert found["run_exit_code"] == 8
    assert found["run_last_success_timestamp_seconds"] == bench.now.timestamp()
    assert (found['alert_fired alert="any",series=""'], found['alert_fired alert="forecast < 0",series=""']) == (1, 0)


def test_the_command_for_alerts_gets_them_as_json(bench: Bench) -> None:
    """The user's own command finds on its stdin the alerts that fired; that it fails is a warning."""
    alerts = "alerts: [{name: any, when: forecast > 0}, {when: forecast < 0}]\n"
    target = bench.folder / "told.json"
    with pytest.raises(ConditionError):
        report(bench, f"{alerts}on_alert: {{command: [tee, '{target}']}}\n")
    assert re.search(r'"model": "sales".*"alerts": \[\{"name": "any", .*"fired": true', target.read_text())
    assert "forecast < 0" not in target.read_text()
    with pytest.raises(ConditionError):
        report(bench, f"{alerts}on_alert: {{command: ['false']}}\n", force=True)
    assert [event.text for event in bench.said if event.name == "on_alert"] == [
        "on_alert: false: ended with exit code 1"
    ]


def test_an_unchanged_run_says_so(bench: Bench) -> None:
    """Nothing was done, and the metrics are those of now, the alerts those of the run that was."""
    alerts = "alerts: [{when: forecast > 0}]\n"
    with pytest.raises(ConditionError):
        report(bench, alerts)
    report(bench, alerts)
    assert (bench.said[-1].fields["status"], bench.said[-1].fields["exit_code"]) == ("unchanged", 0)
    assert metrics(bench)['alert_fired alert="forecast > 0",series=""'] == 1


def test_a_run_that_fails(bench: Bench) -> None:
    """The exit code is that of the failure, and when it last went well is remembered."""
    report(bench)
    (bench.folder / "sales.csv").write_text("day,sales\n")
    with pytest.raises(DataError):
        report(bench)
    last = bench.said[-1]
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
def test_a_run_that_is_ended_by_others(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, err: BaseException, status: str, code: int
) -> None:
    """A signal or a bug has a last event and metrics too, and goes on its way."""

    def ending(*_: object, **__: object) -> None:
        raise err

    monkeypatch.setattr(reporting, "run", ending)
    with pytest.raises(type(err)):
        report(bench)
    last = bench.said[-1]
    assert (last.name, last.fields["status"], last.fields["exit_code"]) == ("finished", status, code)
    assert metrics(bench)["run_exit_code"] == code


def test_a_run_that_finds_another_one(bench: Bench) -> None:
    """The figures are those of the run that holds the lock: this one writes none."""
    with model_lock(bench.model), pytest.raises(BusyError):
        report(bench)
    assert not (bench.folder / "sales.prom").exists()
    assert bench.said[-1].fields["exit_code"] == 7


def test_metrics_that_cannot_be_written(bench: Bench) -> None:
    """After a good run that is its failure; after a failure it is only said, and the first failure counts."""
    (bench.folder / "sales.prom").mkdir()
    with pytest.raises(FileError, match=r"sales\.prom: cannot be written: it is a folder"):
        report(bench)
    (bench.folder / "sales.csv").unlink()
    with pytest.raises(FileError, match=r"sales\.csv"):
        report(bench)
    assert [event.level for event in bench.said if event.name == "metrics"] == ["warning"]


def test_names_with_quotes_stay_one_label(bench: Bench) -> None:
    """What Prometheus would take for the end of a label is escaped."""
    with pytest.raises(ConditionError):
        report(bench, "alerts: [{name: 'a\"b\\c', when: forecast > 0}]\n")
    assert 'alert_fired alert="a\\"b\\\\c",series=""' in metrics(bench)
