"""The output and exit codes of `lstmcast run` and `lstmcast models` in a scheduler."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml

from lstmcast.cli import main
from lstmcast.config import load_job
from lstmcast.persistence.registry import current_version, versions

Capture = pytest.CaptureFixture[str]
NOW = "2024-04-30T01:00Z"
RUN_JOB = (
    "input: sales.csv\nmodel: {units: [4]}\ntrain: {init: scratch, epochs: 2, steps_per_epoch: 4}\n"
    "forecast: {horizon: 5}\n"
)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, waves: Callable[[int, int], np.ndarray]) -> Path:
    """A folder with a job that has run once."""
    folder = tmp_path_factory.mktemp("job")
    days = np.datetime64("2024-01-01") + np.arange(120)
    rows = [f"{day},{value!r}" for day, value in zip(days, waves(120, 1).tolist(), strict=True)]
    (folder / "sales.csv").write_text("\n".join(["day,sales", *rows]) + "\n")
    (folder / "job.yaml").write_text(RUN_JOB)
    assert main(["run", str(folder / "job.yaml"), "--now", NOW, "--quiet"]) == 0
    return folder


@pytest.fixture
def here(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, in which the process is."""
    shutil.copytree(trained, tmp_path / "job")
    monkeypatch.chdir(tmp_path / "job")
    return tmp_path / "job"


def stderr_of(capture: Capture, *args: str, code: int = 0) -> str:
    """The stderr of a command that ends with this code; stdout must be empty."""
    assert main([*args]) == code
    out, err = capture.readouterr()
    assert out == ""
    return err


def second_version(folder: Path) -> tuple[Path, Path]:
    """The first version and a second one, which is current: the job with another seed."""
    (folder / "job.yaml").write_text(RUN_JOB.replace("epochs: 2", "epochs: 2, seed: 1"))
    assert main(["run", "job.yaml", "--now", "2024-04-30T02:00Z", "--quiet"]) == 0
    first, second = versions(folder / "models" / "sales")
    return first, second


@pytest.mark.slow
def test_the_output_of_a_run(here: Path, capsys: Capture) -> None:
    """One line on the data and one on the output; a second run reports an unchanged forecast."""
    text = stderr_of(capsys, "run", "job.yaml", "--now", NOW, "--force")
    assert text.splitlines()[0] == "sales.csv: 120 rows, 1 series, 2024-01-01 to 2024-04-29"
    assert f"forecast.csv: 5 steps of 1 series, 2024-04-30 to 2024-05-04; {current_version(here / 'models/sales')}" in (
        text.replace("models/sales", str(here / "models/sales"))
    )
    assert "forecast.csv: unchanged since it was written" in stderr_of(capsys, "run", "job.yaml", "--now", NOW)


@pytest.mark.slow
def test_quiet_on_success(here: Path, capsys: Capture) -> None:
    """Cron mails all output: nothing without a problem, one line with one."""
    assert here.is_dir()
    assert stderr_of(capsys, "run", "job.yaml", "--now", NOW, "-q", "--force") == ""
    Path("job.yaml").write_text(RUN_JOB + "freshness: {max_data_age: {limit: 1d, action: warn}}\n")
    (line,) = stderr_of(capsys, "run", "job.yaml", "--now", "2024-05-02T00:00Z", "-q").splitlines()
    assert line.startswith("lstmcast: freshness.max_data_age: sales.csv: the newest step, 2024-04-29, ended 2 d ago")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("more", "code", "words"),
    [
        ("freshness: {max_data_age: 1d}", 4, "freshness.max_data_age"),
        ("freshness: {max_model_age: 1h}\nretrain: {every: null}", 5, "freshness.max_model_age"),
        ("fail_if: outcomes < 1", 8, "fail_if: outcomes < 1 (outcomes is 0 over 0 outcomes)"),
        ("alerts: [{when: forecast > 0}]", 8, "alert forecast > 0 (probability"),
        ("retrain: {every: 7}", 3, "retrain.every: must be a number and a unit"),
        ("plott: x.png", 3, "plott: unknown key; did you mean plot?"),
    ],
)
def test_exit_codes(here: Path, capsys: Capture, more: str, code: int, words: str) -> None:
    """Each violation and each condition has its exit code and is printed once."""
    (here / "job.yaml").write_text(f"{RUN_JOB}{more}\n")
    text = stderr_of(capsys, "run", "job.yaml", "--now", "2024-05-02T00:00Z", "-q", code=code)
    assert text.count(words) == 1
    assert all(line.startswith("lstmcast: ") for line in text.splitlines())


@pytest.mark.slow
@pytest.mark.parametrize("output", ["sales.csv", "./sales.csv", "link.csv"])
def test_the_data_are_never_written_over(here: Path, capsys: Capture, output: str) -> None:
    """By whatever path: a job, and predict, that would put the forecast in the place of the data is refused."""
    data = (here / "sales.csv").read_bytes()
    (here / "link.csv").symlink_to("sales.csv")
    (here / "job.yaml").write_text(RUN_JOB.replace("horizon: 5", f"horizon: 5, output: {output}"))
    text = stderr_of(capsys, "run", "job.yaml", "--now", NOW, "--force", code=3)
    assert text.startswith("lstmcast: forecast.output: is the input, ")
    assert "choose another file" in text
    text = stderr_of(capsys, "predict", "sales.csv", "--output", output, code=2)
    assert text == f"lstmcast: {output}: is the data file; choose another --output\n"
    assert (here / "sales.csv").read_bytes() == data


@pytest.mark.slow
def test_the_log_as_json(here: Path, capsys: Capture) -> None:
    """One JSON object a line, each with time, level, event and message; the last one has the status."""
    (here / "job.yaml").write_text(RUN_JOB + "alerts: [{name: any, when: forecast > 0}]\n")
    lines = stderr_of(capsys, "run", "job.yaml", "--now", NOW, "--log-format", "json", code=8).splitlines()
    events = [json.loads(line) for line in lines]
    assert [event["event"] for event in events] == ["read", "forecast", "alert", "finished"]
    assert {event["time"] for event in events} == {"2024-04-30T01:00:00+00:00"}
    assert all({"level", "message"} <= set(event) for event in events)
    assert events[2]["alert"]["name"] == "any"
    last = events[-1]
    assert (last["status"], last["exit_code"]) == ("done", 8)
    assert len(last["run_key"]) == 64


@pytest.mark.slow
def test_a_failure_as_json(here: Path, capsys: Capture) -> None:
    """A failure too is JSON alone, with its exit code."""
    (here / "sales.csv").unlink()
    (line,) = stderr_of(capsys, "run", "job.yaml", "--log-format", "json", "-q", code=6).splitlines()
    last = json.loads(line)
    assert (last["event"], last["status"], last["exit_code"], last["level"]) == ("finished", "failed", 6, "error")
    assert "sales.csv" in last["message"]


@pytest.mark.slow
def test_a_job_that_is_none_as_json(here: Path, capsys: Capture) -> None:
    """Faults of the job's YAML are JSON too, all in one message."""
    (here / "job.yaml").write_text("inputs: a\nretrain: {every: 7}\n")
    last = json.loads(stderr_of(capsys, "run", "job.yaml", "--log-format", "json", code=3))
    assert (last["event"], last["exit_code"]) == ("finished", 3)
    assert len(last["message"].splitlines()) == 3


@pytest.mark.slow
@pytest.mark.parametrize("now", ["yesterday", "2024-04-30T01:00"])
def test_a_time_that_is_none(here: Path, capsys: Capture, now: str) -> None:
    """A time without a zone is wrong usage."""
    assert here.is_dir()
    assert "must be an ISO 8601 time with a time zone" in stderr_of(capsys, "run", "job.yaml", "--now", now, code=2)


@pytest.mark.slow
def test_init_writes_a_job_that_runs(here: Path, capsys: Capture) -> None:
    """A commented job that loads with the settings of the file; three missing days give a warning."""
    text = stderr_of(capsys, "init", "sales.csv", "--job", "-o", "jobs.yaml")
    assert text == "jobs.yaml: written. Next: lstmcast run jobs.yaml\n"
    written = (here / "jobs.yaml").read_text()
    assert "  # Here: three steps of the data.\n  max_data_age: {limit: 3d, action: warn}\n" in written
    job = load_job("jobs.yaml")
    assert (job.input, job.data.time, job.data.target, job.data.frequency) == ("sales.csv", "day", "sales", "D")
    assert job.freshness.max_data_age is not None
    assert (job.freshness.max_data_age.action, job.retrain.init) == ("warn", "warm")


@pytest.mark.slow
def test_a_job_can_be_looked_at(here: Path, capsys: Capture) -> None:
    """`config --job` checks a job without running it, and shows every key."""
    (here / "job.yaml").write_text(RUN_JOB + "freshness: {max_data_age: 2h}\n")
    assert main(["config", "--job", "job.yaml"]) == 0
    shown = yaml.safe_load(capsys.readouterr().out)
    assert (shown["input"], shown["freshness"]["max_data_age"]) == ("sales.csv", {"limit": "2h", "action": "fail"})
    (here / "job.yaml").write_text("inputs: a\n")
    assert "input: must be given" in stderr_of(capsys, "config", "--job", code=3)
    assert main(["config", "--schema", "--job"]) == 0
    schema = json.loads(capsys.readouterr().out)
    jobs = [schema["$defs"][each["$ref"].rsplit("/", 1)[-1]] for each in schema["anyOf"]]
    assert [job["required"] for job in jobs] == [["input"], ["model", "input"], ["model", "input"]]


@pytest.mark.slow
def test_init_names_the_data_from_where_the_job_lies(here: Path, capsys: Capture) -> None:
    """The path in the job is relative to the job's own folder."""
    (here / "jobs").mkdir()
    stderr_of(capsys, "init", "sales.csv", "--job", "-o", "jobs/sales.yaml")
    assert "\ninput: ../sales.csv\n" in (here / "jobs/sales.yaml").read_text()
    assert Path(load_job("jobs/sales.yaml").input).samefile("sales.csv")
    assert ".yaml exists" in stderr_of(capsys, "init", "sales.csv", "--job", "-o", "jobs/sales.yaml", code=2)


# --- models ---


@pytest.mark.slow
def test_models_list_and_rollback(here: Path, capsys: Capture) -> None:
    """The current version has a star; going back makes the older one so, and `run` forecasts from it."""
    first, second = second_version(here)
    assert main(["models"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "models/sales: 2 versions"
    assert [line.split()[0] for line in lines[2:]] == [first.name, "*"]
    assert "the config has changed (train.seed)" in lines[3]
    assert stderr_of(capsys, "models", "rollback") == f"models/sales/{first.name}: is current now\n"
    assert "no version before the current one" in stderr_of(capsys, "models", "rollback", code=5)
    assert stderr_of(capsys, "models", "rollback", second.name, "--model", "sales").endswith("is current now\n")
    assert current_version(here / "models/sales") == here / "models/sales" / second.name
    assert "there is no version 1 (available" in stderr_of(capsys, "models", "rollback", "1", code=5)


@pytest.mark.slow
def test_the_current_version_is_never_removed(here: Path, capsys: Capture) -> None:
    """Of two versions, of which the older one is current, one stays: that one."""
    first, second = second_version(here)
    stderr_of(capsys, "models", "rollback")
    assert stderr_of(capsys, "models", "prune", "--keep", "1") == f"models/sales: removed {second.name}\n"
    assert [path.name for path in versions(here / "models/sales")] == [first.name]
    assert stderr_of(capsys, "models", "prune", "--keep", "1") == "models/sales: removed nothing\n"


@pytest.mark.slow
def test_models_without_a_current_one(here: Path, capsys: Capture) -> None:
    """If `current` is missing, the list and `verify` report it, nothing is removed, and rollback restores it."""
    (version,) = versions(here / "models/sales")
    (here / "models/sales/current").unlink()
    assert main(["models"]) == 0
    assert "none is current; `lstmcast models rollback`" in capsys.readouterr().out
    assert "names no version that exists" in stderr_of(capsys, "models", "prune", "--keep", "1", code=5)
    assert "names no version that exists" in stderr_of(capsys, "models", "verify", code=5)
    assert stderr_of(capsys, "models", "rollback") == f"models/sales/{version.name}: is current now\n"
    assert main(["run", "job.yaml", "--now", NOW, "-q"]) == 0


@pytest.mark.slow
def test_verify(here: Path, capsys: Capture) -> None:
    """Valid versions, `current` and the ledger are named; one changed byte is found, exit 5, and not made current."""
    (version,) = versions(here / "models/sales")
    lines = stderr_of(capsys, "models", "verify").splitlines()
    assert lines == [f"models/sales/{name}: valid" for name in (version.name, "current", "ledger.sqlite")]
    weights = version / "weights.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(bytes(content))
    assert "weights.safetensors: sha256 is not the manifest's" in stderr_of(capsys, "models", "verify", code=5)
    assert "sha256 is not the manifest's" in stderr_of(capsys, "models", "rollback", version.name, code=5)


@pytest.mark.slow
def test_models_as_json(here: Path, capsys: Capture) -> None:
    """For a program: versions with scores, and why each was fitted."""
    assert main(["models", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["sales"]
    assert (found["current"], found["rows"], found["retrain"]["reason"]) == (True, 120, "there is no model yet")
    assert found["scores"]["lstmcast"]["mase"] > 0
    manifest = here / "models/sales" / found["version"] / "manifest.json"
    manifest.write_text(manifest.read_text() + " ")
    assert main(["models", "--json"]) == 0
    assert "its content is not that of this version" in json.loads(capsys.readouterr().out)["sales"][0]["fault"]
    assert main(["models"]) == 0
    assert "damaged: " in capsys.readouterr().out


def test_no_models(tmp_path: Path, capsys: Capture) -> None:
    """An empty folder is reported, and there is no version to roll back to."""
    assert main(["models", "--model-dir", str(tmp_path)]) == 0
    assert capsys.readouterr().out == "there is no model\n"
    assert "there is no model" in stderr_of(capsys, "models", "rollback", "--model-dir", str(tmp_path), code=5)
