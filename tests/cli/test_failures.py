"""Failures of disks, clocks and locks: each has its exit code, leaves what was there, and the next run works."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest

from lstmcast.cli import main
from lstmcast.data.file import file_reader
from lstmcast.errors import FileError
from lstmcast.forecasting.codec import load, save
from lstmcast.forecasting.forecaster import Forecaster
from lstmcast.persistence import artifact
from lstmcast.persistence.checkpoint import CHECKPOINT
from lstmcast.persistence.registry import resolve, versions

Capture = pytest.CaptureFixture[str]
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
