"""The output and exit codes of `lstmcast run` and `lstmcast models` in a scheduler.

Each ends in its documented exit code, with what was in place before still there, and the next run works.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
import yaml

from lstmcast.cli import main
from lstmcast.config import load_job
from lstmcast.data.file import file_reader
from lstmcast.errors import FileError
from lstmcast.forecasting.codec import load, save
from lstmcast.forecasting.forecaster import Forecaster
from lstmcast.jobs.schedules import Schedule, crontab
from lstmcast.persistence import artifact
from lstmcast.persistence.checkpoint import CHECKPOINT
from lstmcast.persistence.registry import current_version, resolve, versions

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


NAME, DATA = "air_passengers", "air_passengers.csv"
FAULTS_JOB = """
input: air_passengers.csv
model: {units: [4]}
train: {init: scratch, epochs: 2, steps_per_epoch: 4}
retrain: {every: null, on_drift: false}
store: {models: models}
"""
OLD = b"old\n"
COMMANDS = (["predict", DATA, "--quiet"], ["run", "job.yaml", "--quiet"], ["train", DATA, "--quiet"])

all_three = pytest.mark.parametrize("args", COMMANDS)


def prints(folder: Path, *, but: tuple[str, ...] = ("lock",)) -> dict[str, str]:
    """The sha256 of every file under a folder."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.name not in but)
    return {str(path.relative_to(folder)): sha256(path.read_bytes()).hexdigest() for path in files}


def ended(capsys: Capture, args: list[str], code: int, words: str) -> None:
    """The command ends with this code and one line that contains these words."""
    capsys.readouterr()
    assert main(args) == code
    (line,) = capsys.readouterr().err.splitlines()
    assert words in line, line


@pytest.fixture
def work(tmp_path: Path, air: Path, models: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder as cron would find it: the data, a trained model, a job, and yesterday's forecast; we stand in it."""
    folder = tmp_path / "work"
    shutil.copytree(models, folder / "models")
    shutil.copy(air, folder / DATA)
    (folder / "job.yaml").write_text(FAULTS_JOB)
    (folder / "forecast.csv").write_bytes(OLD)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def disk(work: Path) -> Iterator[Path]:
    """A folder on a separate disk of two megabytes."""
    mount, umount = shutil.which("mount"), shutil.which("umount")
    mount_point = work.parent / "disk"
    mount_point.mkdir()
    if mount is None or umount is None or os.geteuid() != 0:
        pytest.skip("needs root, to mount a small disk")
    if subprocess.run([mount, "-t", "tmpfs", "-o", "size=2m", "none", mount_point], check=False).returncode != 0:
        pytest.skip("this system mounts no disk in memory")
    shutil.copytree(work, mount_point, dirs_exist_ok=True)
    os.chdir(mount_point)
    yield mount_point
    os.chdir(work)
    subprocess.run([umount, "--lazy", mount_point], check=True)


def fill(disk: Path) -> None:
    """Take the last byte."""
    with (disk / "other.log").open("ab", buffering=0) as log:
        for size in (1 << 16, 1 << 12, 1):
            with suppress(OSError):
                while log.write(bytes(size)) == size:
                    pass


@all_three
def test_a_full_disk(disk: Path, capsys: Capture, args: list[str]) -> None:
    """Exit code 6, before anything is lost; with room again, the next forecast is made."""
    before = prints(disk / "models")
    fill(disk)
    ended(capsys, args, 6, "no space left on the disk; free some space and run again")
    assert prints(disk / "models") == before
    assert (disk / "forecast.csv").read_bytes() == OLD
    (disk / "other.log").unlink()
    assert main(["predict", "--quiet"]) == 0


def test_a_disk_that_fills_while_training(
    disk: Path, capsys: Capture, forecaster: Forecaster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The new version cannot be saved: the old one stays in use, and no half of the new one is seen."""

    def trained(*_: object, **__: object) -> Forecaster:
        fill(disk)
        return forecaster

    monkeypatch.setattr("lstmcast.tasks.pipeline.train", trained)
    before = prints(disk / "models")
    ended(capsys, ["train", DATA, "--quiet"], 6, "no space left on the disk")
    assert prints(disk / "models") == before


@all_three
def test_a_read_only_disk(disk: Path, capsys: Capture, args: list[str]) -> None:
    """Exit code 6 and a message on the read-only disk; once writable, the next forecast is made."""
    before = prints(disk, but=())
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    ended(capsys, args, 6, "read-only")
    subprocess.run(["mount", "-o", "remount,rw", disk], check=True)
    assert prints(disk, but=()) == before
    assert main(["predict", "--quiet"]) == 0


def test_a_clock_that_jumps_back(work: Path, capsys: Capture) -> None:
    """A run an hour, a year and half a century earlier than the last: each does its work, and the newest data win."""
    rows = (work / DATA).read_text().splitlines()
    times = ("2026-05-01T12:00Z", "2026-05-01T11:00Z", "2025-05-01T12:00Z", "1970-01-01T00:00Z")
    for less, now in zip((4, 3, 2, 1), times, strict=True):
        (work / DATA).write_text("\n".join(rows[:-less]) + "\n")
        assert main(["run", "job.yaml", "--quiet", "--now", now]) == 0, capsys.readouterr().err
        assert (work / "forecast.csv").read_text().splitlines()[1].startswith(f"1960-{13 - less:02d}")


def test_a_version_older_than_the_last(work: Path, forecaster: Forecaster) -> None:
    """Saved after the clock was set back, it is the one in use, though its name is not the last."""
    older = save(forecaster, work / "models", NAME, data=None, now=datetime(2001, 1, 1, tzinfo=UTC), keep=2)
    assert versions(work / "models" / NAME)[0] == older == resolve(work / "models", None)
    assert main(["predict", "--quiet"]) == 0


@pytest.fixture
def cut(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """Makes the data lose their second half just after the first was read, once."""
    bounded = file_reader._bounded

    def arrange(path: Path) -> None:
        def interrupted(*args: object) -> bytes:
            content = bounded(*args)
            monkeypatch.setattr(file_reader, "_bounded", bounded)
            os.truncate(path, path.stat().st_size // 2)
            return content

        monkeypatch.setattr(file_reader, "_bounded", interrupted)

    return arrange


@all_three
def test_data_cut_while_they_are_read(
    work: Path, air: Path, capsys: Capture, cut: Callable[[Path], None], args: list[str]
) -> None:
    """Exit code 7, since trying again may help; nothing of a half is forecast from."""
    before = prints(work / "models", but=("lock", "ledger.sqlite"))
    cut(work / DATA)
    ended(capsys, args, 7, "the file changed while it was read; try again when its writer is done")
    assert prints(work / "models", but=("lock", "ledger.sqlite")) == before
    assert (work / "forecast.csv").read_bytes() == OLD
    shutil.copy(air, work / DATA)
    assert main(["run", "job.yaml", "--quiet"]) == 0


@pytest.mark.parametrize("args", COMMANDS[:2])
def test_current_is_gone(work: Path, capsys: Capture, args: list[str]) -> None:
    """Exit code 5: no version is guessed at, but those that are there are named, and one is chosen by hand."""
    folder = work / "models" / NAME
    (folder / "current").unlink()
    before = prints(folder, but=("lock", "ledger.sqlite"))
    capsys.readouterr()
    assert main(args) == 5
    (version,) = versions(folder)
    assert version.name in capsys.readouterr().err
    assert prints(folder, but=("lock", "ledger.sqlite")) == before
    assert (work / "forecast.csv").read_bytes() == OLD
    assert main(["predict", "--quiet", "--model", str(version)]) == 0


def test_two_hosts_whose_locks_do_not_meet(work: Path, forecaster: Forecaster, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second one publishes in the midst of the first: one fails as the file system does, or both are whole."""
    models, write = work / "models", artifact.write_new
    first, second = datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 5, 2, tzinfo=UTC)
    names: list[str] = []

    def meanwhile(path: Path, chunks: object, mode: int | None = None) -> None:
        names.append(path.name)
        if path.name == "weights.safetensors" and names.count(path.name) == 1:
            save(forecaster, models, NAME, data=None, now=second, keep=10)
        write(path, chunks, mode)

    monkeypatch.setattr(artifact, "write_new", meanwhile)
    with pytest.raises(FileError):
        save(forecaster, models, NAME, data=None, now=first, keep=10)
    assert resolve(models, None).name.startswith("20260502")
    for version in versions(models / NAME):
        load(version)
    assert not [path for path in (models / NAME).iterdir() if path.name.startswith(".lstmcast")]


def test_a_checkpoint_that_cannot_be_read_is_none(work: Path) -> None:
    """Another's, or a link to elsewhere: predict and run do not look at it."""
    (work / "models" / NAME / CHECKPOINT).symlink_to("/etc/passwd")
    assert main(["predict", "--quiet"]) == 0
    assert main(["run", "job.yaml", "--quiet"]) == 0


def test_a_run_tidies_up_after_one_that_was_killed(work: Path) -> None:
    """Half a version and half a file go; the checkpoint of a training stays, for there is something to go on from."""
    folder = work / "models" / NAME
    (folder / ".lstmcast-0123456789abcdef").mkdir()
    (folder / ".lstmcast-0123456789abcdef" / "manifest.json").write_bytes(OLD)
    (folder / ".lstmcast-fedcba9876543210").write_bytes(OLD)
    (folder / CHECKPOINT).write_bytes(OLD)
    assert main(["run", "job.yaml", "--quiet"]) == 0
    assert [path.name for path in folder.glob(".lstmcast-*")] == [CHECKPOINT]


CRON, UNSHARE = shutil.which("cron"), shutil.which("unshare")
MINUTES = 130  # seconds in which a line of every minute is started, with room to spare


def why_no_cron() -> str:
    """The missing requirements of a private cron daemon; empty if there are none."""
    if CRON is None or UNSHARE is None:
        return "needs a cron daemon and unshare (Debian: cron, util-linux)"
    allowed = os.geteuid() == 0 and subprocess.run([UNSHARE, "--mount", "true"], check=False).returncode == 0
    return "" if allowed else "needs root and mount namespaces, to run a cron daemon that nobody else sees"


@pytest.fixture
def job(tmp_path: Path) -> Path:
    """A job over a quarter-hourly series of Berlin."""
    rows = [f"2026-05-01T{h:02d}:{m:02d}:00,{h + m}" for h in range(24) for m in (0, 15, 30, 45)]
    (tmp_path / "load.csv").write_text("time,load\n" + "\n".join(rows) + "\n")
    path = tmp_path / "load.yaml"
    path.write_text("input: load.csv\ndata: {timezone: Europe/Berlin}\n")
    return path


def test_the_interval_is_that_of_the_data(job: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A line every quarter of an hour, on the clock of the data's zone, with absolute paths."""
    assert main(["schedule", str(job), "--cron"]) == 0
    *_, zone, line = capsys.readouterr().out.splitlines()
    assert zone == "CRON_TZ=Europe/Berlin"
    assert line.startswith("0-59/15 * * * * timeout --kill-after=60 60m /")
    assert f" run {job} --wait 60 --log-format json " in line


def test_flags_win_and_then_no_data_are_needed(job: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With --every and a zone, the data may be anywhere."""
    (job.parent / "load.csv").unlink()
    assert main(["schedule", str(job), "--systemd", "--every", "2h", "--timezone", "Asia/Tokyo"]) == 0
    assert "OnCalendar=*-*-* 00/2:00:00 Asia/Tokyo\n" in capsys.readouterr().out


@pytest.mark.parametrize(("wanted", "instead"), [("7h", "every 6 hours"), ("90min", "every hour"), ("2d", "every day")])
def test_an_interval_without_a_calendar_expression_is_noted(
    job: Path, capsys: pytest.CaptureFixture[str], wanted: str, instead: str
) -> None:
    """A schedule that runs more often than requested has a note; others have none."""
    assert main(["schedule", str(job), "--cron", "--every", wanted]) == 0
    assert f"--every {wanted}: no schedule has this interval; {instead} is used instead" in capsys.readouterr().err
    assert main(["schedule", str(job), "--cron", "--every", "12h"]) == 0
    assert capsys.readouterr().err == ""


def test_files_are_written_to_the_given_folder(job: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Under the names that they are installed by, and nothing is shown."""
    assert main(["schedule", str(job), "--systemd", "-o", str(tmp_path / "units")]) == 0
    names = {"lstmcast-load.service", "lstmcast-load.timer"}
    assert {path.name for path in (tmp_path / "units").iterdir()} == names
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ([], "choose one of --cron, --systemd, --kubernetes"),
        (["--cron", "--image", "x"], "--image: only with --kubernetes"),
        (["--cron", "--every", "often"], "--every: must be a number and a unit"),
        (["--cron", "--timezone", "Europe/Berlinn"], "did you mean 'Europe/Berlin'?"),
    ],
)
def test_wrong_usage(job: Path, capsys: pytest.CaptureFixture[str], flags: list[str], words: str) -> None:
    """Exit code 2 and one line that contains the rule."""
    assert main(["schedule", str(job), *flags]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert words in line


@pytest.fixture
def cron(tmp_path: Path) -> Iterator[Path]:
    """A real cron daemon whose crontabs are those of a folder of ours: seen by nobody else, ended at the end."""
    if why_no_cron():
        pytest.skip(why_no_cron())
    spool = tmp_path / "spool"
    spool.mkdir(mode=0o700)
    hide = (
        "mount --bind {spool} /var/spool/cron/crontabs && mount -t tmpfs none /run && mount -t tmpfs none /etc/cron.d"
    )
    quiet = "mount --bind /dev/null /etc/crontab"
    script = f"{hide.format(spool=spool)} && {quiet} && exec {CRON} -f"
    daemon = subprocess.Popen([UNSHARE, "--mount", "sh", "-c", script], stderr=subprocess.DEVNULL)
    yield spool
    daemon.terminate()
    daemon.wait(10)


@pytest.mark.slow
def test_a_real_cron_starts_the_job(cron: Path, tmp_path: Path) -> None:
    """Each minute, with the arguments as they are, though the path has a space, a quote and a percent sign."""
    recorder = tmp_path / "the lstmcast"
    recorder.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    recorder.chmod(0o755)
    planned = Schedule((str(recorder),), tmp_path / "100 % o'clock.yaml", 1, "UTC")
    (text,) = crontab(planned).values()
    table = cron / "root"
    table.write_text(text)
    table.chmod(0o600)
    log = tmp_path / "100 % o'clock.log"
    for _ in range(MINUTES):
        if log.exists():
            break
        time.sleep(1)
    assert log.read_text().splitlines()[:5] == list(planned.arguments)[1:6]
