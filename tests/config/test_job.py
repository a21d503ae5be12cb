"""A job's YAML: read with its defaults, refused with every fault at once, and seen from its own folder."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from lstmcast.config import JOB_TYPES, Job, ValueConfig, load_job, schema
from lstmcast.config.job import JobConfig
from lstmcast.errors import ConfigError, Fault, FaultCode, FileError

WHOLE = """
input: load.csv
data: {target: load}
train: {epochs: 5}
store: {models: m, name: load}
forecast: {output: out.csv}
freshness:
  max_data_age: 2h
  max_model_age: {limit: 60d, action: warn}
  min_completeness: 0.9
  max_flatline: {limit: 24h, action: fallback}
retrain: {every: 7d, on_drift: false, init: fresh}
ledger: {retention: 400d, score_window: 30d, adaptive_intervals: false}
fail_if: "mase > 1"
alerts:
  - {name: peak, when: "p90 > 500 within 24h", series: north}
  - {when: "p10 < 0"}
on_alert: {command: [notify, --json], timeout: 5s}
plot: forecast.png
metrics: {textfile: load.prom}
"""


def load(folder: Path, text: str) -> Job:
    """The job of this text."""
    (folder / "job.yaml").write_text(text, encoding="utf-8")
    return load_job(folder / "job.yaml")


def faults(folder: Path, text: str) -> tuple[Fault, ...]:
    """The faults of a job, whose messages begin with the file."""
    with pytest.raises(ConfigError) as caught:
        load(folder, text)
    assert all(fault.text.startswith(f"{folder / 'job.yaml'}: ") for fault in caught.value.faults)
    return caught.value.faults


def test_values_arrive_as_their_type(tmp_path: Path) -> None:
    """Spans of time, rules with and without what is done, conditions, alerts with and without a name."""
    job = load(tmp_path, WHOLE)
    fresh = job.freshness
    assert fresh.max_data_age is not None
    assert fresh.max_model_age is not None
    assert fresh.min_completeness is not None
    assert fresh.max_flatline is not None
    assert (fresh.max_data_age.limit, fresh.max_data_age.action) == (timedelta(hours=2), "fail")
    assert (fresh.max_model_age.limit, fresh.max_model_age.action) == (timedelta(days=60), "warn")
    assert (fresh.min_completeness.limit, fresh.min_completeness.action) == (0.9, "fail")
    assert (fresh.max_flatline.limit, fresh.max_flatline.action) == (timedelta(days=1), "fallback")
    assert (job.retrain.every, job.retrain.on_drift, job.retrain.init) == (timedelta(days=7), False, "fresh")
    assert (job.ledger.retention, job.ledger.score_window) == (timedelta(days=400), timedelta(days=30))
    assert job.fail_if == ["mase > 1"]
    assert [(alert.name, alert.series) for alert in job.alerts] == [("peak", "north"), ("p10 < 0", None)]
    assert job.on_alert is not None
    assert (job.on_alert.command, job.on_alert.timeout) == (["notify", "--json"], timedelta(seconds=5))


def test_paths_are_relative_to_the_job(tmp_path: Path) -> None:
    """Whatever folder the process is in; an absolute path stays what it is."""
    job = load(tmp_path, WHOLE)
    named = (job.input, job.forecast.output, job.store.models, job.plot, job.metrics.textfile)
    assert named == tuple(str(tmp_path / name) for name in ("load.csv", "out.csv", "m", "forecast.png", "load.prom"))
    assert load(tmp_path, "input: /data/a.csv").input == "/data/a.csv"
    covariates = load(tmp_path, "input: a.csv\ncovariates: {holidays: [DE-BY, fair.csv], future: f.csv}").covariates
    assert covariates.holidays == ["DE-BY", str(tmp_path / "fair.csv")]
    assert covariates.future == str(tmp_path / "f.csv")


def test_the_part_that_training_knows(tmp_path: Path) -> None:
    """A job is a config with more sections: training gets the config."""
    config = load(tmp_path, WHOLE).config
    assert type(config) is ValueConfig
    assert (config.data.target, config.train.epochs) == ("load", 5)


@pytest.mark.parametrize("text", ["input: a.csv", "input: a.csv\nfreshness:\nretrain:\nalerts:\nplot:\ntrain:"])
def test_what_is_left_out_is_the_default(tmp_path: Path, text: str) -> None:
    """Defaults are no rule, no alert, no plot and a weekly warm refit; an empty section changes nothing."""
    job = load(tmp_path, text)
    assert set(job.freshness.model_dump().values()) == {None}
    assert (job.retrain.every, job.retrain.on_drift, job.retrain.init) == (timedelta(days=7), True, "warm")
    assert (job.alerts, job.fail_if, job.plot, job.on_alert, job.metrics.textfile) == ([], [], None, None, None)
    assert job.config.train == ValueConfig().train


@pytest.mark.parametrize(
    ("text", "code", "key", "named"),
    [
        ("plot: a.png", FaultCode.MISSING_KEY, "input", ""),
        ("input: '-'", FaultCode.BAD_VALUE, "input", "'-'"),
        ("inputs: a\ninput: b", FaultCode.UNKNOWN_KEY, "inputs", " input?"),
        ("input: a\nforecast: {output: '-'}", FaultCode.BAD_VALUE, "forecast.output", "'-'"),
        ("input: a\nmodel: {task: label}", FaultCode.NO_JOBS, "model.task", "'label'"),
        (
            "input: a\nmodel: {task: event}\nfail_if: mase > 1",
            FaultCode.OTHER_TASKS_KEY,
            "fail_if",
            "value or category, not of event",
        ),
        (
            "input: a\nmodel: {task: event}\nretrain: {init: warm}",
            FaultCode.OTHER_TASKS_KEY,
            "retrain.init",
            "value, not of event",
        ),
        (
            "input: a\nmodel: {task: event}\nfreshness: {max_data_age: {limit: 1h, action: fallback}}",
            FaultCode.BAD_VALUE,
            "freshness.max_data_age.action",
            "fail or warn",
        ),
        (
            "input: a\nmodel: {task: category}\nfreshness: {max_data_age: {limit: 1h, action: fallback}}",
            FaultCode.BAD_VALUE,
            "freshness.max_data_age.action",
            "fail or warn",
        ),
        ("input: a\nfreshness: {flatlin: 1h}", FaultCode.UNKNOWN_KEY, "freshness.flatlin", " max_flatline?"),
        ("input: a\nfreshness: {max_flatline: 2}", FaultCode.BAD_VALUE, "freshness.max_flatline.limit", "90s"),
        (
            "input: a\nfreshness: {max_flatline: {limit: 1h, acton: fail}}",
            FaultCode.UNKNOWN_KEY,
            "freshness.max_flatline.acton",
            " action?",
        ),
        (
            "input: a\nfreshness: {max_flatline: {action: fail}}",
            FaultCode.MISSING_KEY,
            "freshness.max_flatline.limit",
            "",
        ),
        (
            "input: a\nfreshness: {min_completeness: 1.5}",
            FaultCode.BAD_VALUE,
            "freshness.min_completeness.limit",
            "1.5",
        ),
        (
            "input: a\nfreshness: {max_flatline: {limit: 1h, action: stop}}",
            FaultCode.BAD_VALUE,
            "freshness.max_flatline.action",
            "'stop'",
        ),
        ("input: a\nretrain: {every: soon}", FaultCode.BAD_VALUE, "retrain.every", "'soon'"),
        ("input: a\nretrain: {init: hot}", FaultCode.BAD_VALUE, "retrain.init", "'hot'"),
        ("input: a\nalerts: [{name: x}]", FaultCode.MISSING_KEY, "alerts.0.when", ""),
        ("input: a\nalerts: [{when: x}, {wen: x}]", FaultCode.UNKNOWN_KEY, "alerts.1.wen", " when?"),
        ("input: a\nalerts: [{when: mean > 5}, {when: mean > 5}]", FaultCode.BAD_VALUE, "alerts", "'mean > 5'"),
        ("input: a\nalerts: [{when: peak}]", FaultCode.BAD_VALUE, "alerts.0.when", "'peak'"),
        ("input: a\nfail_if: coverage_81 < 1", FaultCode.BAD_VALUE, "fail_if", "coverage_81"),
        ("input: a\nfail_if: coverage_80 < 80", FaultCode.BAD_VALUE, "fail_if", "'coverage_80 < 80'"),
        ("input: a\nfail_if: mape > 1", FaultCode.BAD_VALUE, "fail_if", "'mape > 1'"),
        ("input: a\nfail_if: accuracy < 1", FaultCode.BAD_VALUE, "fail_if", "accuracy"),
        ("input: a\nmodel: {task: category}\nfail_if: mase > 1", FaultCode.BAD_VALUE, "fail_if", "mase"),
        ("input: a\non_alert: {command: []}", FaultCode.BAD_VALUE, "on_alert.command", "[]"),
        ("input: a\nmetrics: {textfile: a.txt}", FaultCode.BAD_VALUE, "metrics.textfile", "'a.txt'"),
        ("input: a\nplot: a.gif", FaultCode.BAD_VALUE, "plot", "'a.gif'"),
        ("- input", FaultCode.NO_SECTIONS, "", "input, freshness"),
    ],
)
def test_faults(tmp_path: Path, text: str, code: FaultCode, key: str, named: str) -> None:
    """The type of a fault, its dotted key, and what was received or is near."""
    found = [fault for fault in faults(tmp_path, text) if (fault.code, fault.column) == (code, key)]
    assert found
    assert named in found[0].text


def test_all_faults_are_reported_together(tmp_path: Path) -> None:
    """Those of the job's own sections and those of training, in one go."""
    text = "train: {epochs: 0}\nfreshness: {max_flatline: 1}\nretrain: {warm: true}\nalerts: [{when: 3}]\nplott: a"
    keys = {fault.column for fault in faults(tmp_path, text)}
    assert keys == {
        "train.epochs",
        "input",
        "freshness.max_flatline.limit",
        "retrain.warm",
        "alerts.0.when",
        "plott",
    } | ({"alerts.0.name"} & keys)


def test_a_missing_file(tmp_path: Path) -> None:
    """A job that is not there is a fault of the file system."""
    with pytest.raises(FileError) as caught:
        load_job(tmp_path / "none.yaml")
    (fault,) = caught.value.faults
    assert fault.code == FaultCode.FILE_SYSTEM
    assert str(tmp_path / "none.yaml") in fault.text


def test_the_schema_of_a_job() -> None:
    """An editor learns that a rule is a limit or its keys, and that the input must be given."""
    found = schema(Job)
    assert found["required"] == ["input"]
    assert set(found["properties"]) == set(Job.model_fields)
    rule = found["$defs"]["SpanRule"]["anyOf"]
    assert rule[0]["type"] == "string"
    assert set(rule[1]["properties"]) == {"limit", "action"}


def test_the_schema_of_all_jobs_is_that_of_one_task() -> None:
    """One job for each task."""
    found = schema(JobConfig)
    assert [part["$ref"] for part in found["anyOf"]] == [f"#/$defs/{each.__name__}" for each in JOB_TYPES.values()]


def test_a_job_as_plain_values_is_that_job_again(tmp_path: Path) -> None:
    """A job and its JSON form are equivalent."""
    job = load(tmp_path, WHOLE)
    plain = job.model_dump(mode="json")
    assert plain["freshness"]["max_data_age"] == {"limit": "2h", "action": "fail"}
    assert plain["retrain"]["every"] == "1w"
    assert Job.model_validate(plain) == job
