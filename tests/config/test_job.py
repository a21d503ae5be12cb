"""A job's YAML: read with its defaults, refused with every fault at once, and seen from its own folder."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from lstmcast.config import JOB_TYPES, Job, ValueConfig, load_job, schema
from lstmcast.config.job import JobConfig
from lstmcast.errors import ConfigError, FileError

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


def faults(folder: Path, text: str) -> list[str]:
    """The message that refuses a job, without the file name."""
    with pytest.raises(ConfigError) as caught:
        load(folder, text)
    faults = [str(fault) for fault in caught.value.faults]
    assert all(fault.startswith(f"{folder / 'job.yaml'}: ") for fault in faults)
    return [fault.removeprefix(f"{folder / 'job.yaml'}: ") for fault in faults]


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
    ("text", "fault"),
    [
        ("plot: a.png", "input: must be given"),
        ("input: '-'", "input: must be a file that can be read again (got '-')"),
        ("inputs: a\ninput: b", "inputs: unknown key; did you mean input? valid here: data, model, train"),
        ("input: a\nforecast: {output: '-'}", "forecast.output: must be a file for a job (got '-')"),
        (
            "input: a\nmodel: {task: label}",
            "model.task: must be 'value', 'event' or 'category' for a job (got the text 'label'): a job records",
        ),
        (
            "input: a\nmodel: {task: event}\nfail_if: mase > 1",
            "fail_if: a key of model.task: value or category, not of event",
        ),
        ("input: a\nmodel: {task: event}\nretrain: {init: warm}", "retrain.init: a key of model.task: value, not of"),
        (
            "input: a\nmodel: {task: event}\nfreshness: {max_data_age: {limit: 1h, action: fallback}}",
            "freshness.max_data_age.action: must be fail or warn",
        ),
        ("input: a\nfreshness: {flatlin: 1h}", "freshness.flatlin: unknown key; did you mean max_flatline?"),
        ("input: a\nfreshness: {max_flatline: 2}", "freshness.max_flatline.limit: must be a number and a unit (90s"),
        (
            "input: a\nfreshness: {max_flatline: {limit: 1h, acton: fail}}",
            "freshness.max_flatline.acton: unknown key; did you mean action?",
        ),
        ("input: a\nfreshness: {max_flatline: {action: fail}}", "freshness.max_flatline.limit: must be given"),
        ("input: a\nfreshness: {min_completeness: 1.5}", "freshness.min_completeness.limit: must be ≤ 1.0 (got 1.5)"),
        (
            "input: a\nfreshness: {max_flatline: {limit: 1h, action: stop}}",
            "freshness.max_flatline.action: must be 'fail', 'warn' or 'fallback' (got the text 'stop')",
        ),
        ("input: a\nretrain: {every: soon}", "retrain.every: must be a number and a unit"),
        ("input: a\nretrain: {init: hot}", "retrain.init: must be 'warm' or 'fresh' (got the text 'hot')"),
        ("input: a\nalerts: [{name: x}]", "alerts.0.when: must be given"),
        ("input: a\nalerts: [{when: x}, {wen: x}]", "alerts.1.wen: unknown key; did you mean when?"),
        (
            "input: a\nalerts: [{when: mean > 5}, {when: mean > 5}]",
            "alerts: each name once (got 'mean > 5' twice); give them names",
        ),
        ("input: a\nalerts: [{when: peak}]", "alerts.0.when: must be value, mean, sum, forecast or a percentile (p90)"),
        ("input: a\nfail_if: coverage_81 < 1", "fail_if: coverage_81: not a level of forecast.levels ([80"),
        ("input: a\nfail_if: coverage_80 < 80", "fail_if: a coverage is a fraction: write 0.8 for 80 %"),
        ("input: a\nfail_if: mape > 1", "fail_if: must be a score (mae, bias, mase, outcomes or coverage_LEVEL;"),
        (
            "input: a\nfail_if: accuracy < 1",
            "fail_if: accuracy: must be one of mae, bias, mase, outcomes, coverage_LEVEL",
        ),
        ("input: a\nmodel: {task: category}\nfail_if: mase > 1", "fail_if: mase: must be one of accuracy, naive_"),
        ("input: a\non_alert: {command: []}", "on_alert.command: needs at least 1 (got [])"),
        ("input: a\nmetrics: {textfile: a.txt}", "metrics.textfile: must end with .prom (got 'a.txt')"),
        ("input: a\nplot: a.gif", "plot: must end with .png, .svg or .pdf (got 'a.gif')"),
        ("- input", "must contain sections (data, model, train, forecast, store, input, freshness"),
    ],
)
def test_faults(tmp_path: Path, text: str, fault: str) -> None:
    """One fault is one line: dotted key, rule, what was received, the nearest name."""
    found = faults(tmp_path, text)
    assert any(line.startswith(fault) for line in found), found


def test_all_faults_are_reported_together(tmp_path: Path) -> None:
    """Those of the job's own sections and those of training, in one go."""
    text = "train: {epochs: 0}\nfreshness: {max_flatline: 1}\nretrain: {warm: true}\nalerts: [{when: 3}]\nplott: a"
    keys = {line.split(":")[0] for line in faults(tmp_path, text)}
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
    with pytest.raises(FileError, match=r"none\.yaml: cannot be read"):
        load_job(tmp_path / "none.yaml")


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
