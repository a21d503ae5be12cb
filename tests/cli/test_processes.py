"""Commands as processes: interrupts, closed outputs, and environments without a home or a locale."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import lstmcast
from lstmcast.cli import main
from lstmcast.persistence.checkpoint import CHECKPOINT
from lstmcast.persistence.registry import versions

Run = Callable[..., "subprocess.CompletedProcess[str]"]
Capture = pytest.CaptureFixture[str]
LISTENING = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
LAUNCH = [sys.executable, "-c", LISTENING + "from lstmcast.cli import main; sys.exit(main(sys.argv[1:]))"]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every command runs in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def wait_for(text: str, path: Path, process: subprocess.Popen[bytes]) -> None:
    """Until the process has written this text, or has ended."""
    for _ in range(600):
        if text in path.read_text() or process.poll() is not None:
            return
        time.sleep(0.05)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "code", "words"), [(signal.SIGTERM, 143, "terminated"), (signal.SIGINT, 130, "interrupted")]
)
def test_stopped_while_training(
    tmp_path: Path, air: Path, small: tuple[str, ...], number: int, code: int, words: str
) -> None:
    """A signal in the midst of training: its exit code, one line, at most a checkpoint; the next run works."""
    (tmp_path / "air_passengers.csv").write_bytes(air.read_bytes())
    models = str(tmp_path / "models")
    endless = ["--set", "train.epochs=1000000", "--set", "train.patience=1000000", "--model-dir", models]
    log = tmp_path / "log"
    with log.open("w") as stderr:
        process = subprocess.Popen(
            [*LAUNCH, "train", "air_passengers.csv", *endless], cwd=tmp_path, stderr=stderr, start_new_session=True
        )
        wait_for("LSTM(", log, process)
        time.sleep(0.7)
        process.send_signal(number)
        assert process.wait(30) == code
    text = log.read_text()
    assert text.splitlines()[-1] == f"lstmcast: {words}; all files are complete"
    assert "Traceback" not in text
    folder = tmp_path / "models" / "air_passengers"
    assert {path.name for path in folder.iterdir()} <= {"lock", CHECKPOINT}
    assert main(["train", str(air), "--model-dir", models, "--quiet", *small]) == 0
    assert {path.name for path in folder.iterdir()} == {"lock", "current", *(path.name for path in versions(folder))}
    assert len(versions(folder)) == 1


SWALLOWING = """
import os
class config:
    class experimental:
        enable_op_determinism = staticmethod(lambda: None)
    list_logical_devices = staticmethod(lambda: None)
try:
    os.kill(os.getpid(), {number})
    for _ in range(100_000):
        pass
except BaseException:
    pass
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_stopped_while_tensorflow_is_imported(
    tmp_path: Path, air: Path, monkeypatch: pytest.MonkeyPatch, number: int, code: int
) -> None:
    """A signal that comes where modules swallow exceptions is heard all the same."""
    (tmp_path / "tensorflow.py").write_text(SWALLOWING.format(number=int(number)))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    command = [*LAUNCH, "train", str(air), "--model-dir", str(tmp_path / "models")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    assert done.stderr.splitlines()[-1].endswith("ed; all files are complete")


@pytest.mark.parametrize("args", [["--help"], ["config", "--schema"], ["check", "DATA"], ["predict", "-q", "-o", "-"]])
def test_a_reader_that_has_gone(command: Path, tmp_path: Path, air: Path, models: Path, args: list[str]) -> None:
    """Writing into a pipe that nobody reads ends quietly, as with `| head -1`."""
    args = [str(air) if arg == "DATA" else arg for arg in args]
    args += ["--model-dir", str(models)] if args[0] == "predict" else []
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([command, *args], cwd=tmp_path, stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")


def test_words_that_nobody_reads(command: Path, tmp_path: Path, models: Path) -> None:
    """If stderr is closed, messages are lost but the work is done."""
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([command, "predict", "--model-dir", models], cwd=tmp_path, stderr=writing, check=False)
    os.close(writing)
    assert done.returncode == 0
    assert (tmp_path / "forecast.csv").read_text().count("\n") == 13


def test_head(command: Path, tmp_path: Path, models: Path) -> None:
    """A forecast larger than a pipe holds, of which only the first line is read."""
    line = f"set -o pipefail; '{command}' predict --model-dir '{models}' --horizon 5000 -q -o - | head -n 1"
    done = subprocess.run(["bash", "-c", line], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("month,forecast")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_stdout(command: Path, tmp_path: Path, air: Path) -> None:
    """If stdout is full, one line is printed, with the exit code of file-system errors."""
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [command, "check", air], cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert (done.returncode, done.stderr) == (6, "lstmcast: stdout: No space left on device\n")


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&-"])
def test_closed_outputs(command: Path, tmp_path: Path, models: Path, closed: str) -> None:
    """A job without stdout, stderr or stdin writes its forecast all the same."""
    line = f"exec '{command}' predict --model-dir '{models}' --output f.csv {closed}"
    done = subprocess.run(["sh", "-c", line], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert (tmp_path / "f.csv").read_text().startswith("month,forecast")


@pytest.mark.kernel
def test_without_home_terminal_and_locale(run: Run, models: Path, tmp_path: Path) -> None:
    """With an environment of next to nothing, in a folder that cannot be written, the forecast is the same.

    The bare environment may leave another BLAS kernel or number of threads, so sums may round differently.
    """
    bare = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "PYTHONPATH": str(Path(lstmcast.__file__).parents[1])}
    args = ("predict", "--model-dir", models, "-o", "-")
    done = run(*args, cwd=Path("/proc/self"), env=bare)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    found, expected = (
        [line.split(",") for line in text.splitlines()] for text in (done.stdout, run(*args, cwd=tmp_path).stdout)
    )
    assert found[0] == expected[0]
    assert [row[0] for row in found] == [row[0] for row in expected]
    np.testing.assert_allclose(*(np.array([row[1:] for row in table[1:]], float) for table in (found, expected)), 1e-5)


def test_a_folder_that_cannot_be_written(run: Run, models: Path) -> None:
    """In the same folder, a forecast that is to be a file is refused by the file system, in one line."""
    done = run("predict", "--model-dir", models, cwd=Path("/proc"))
    assert done.returncode == 6
    assert done.stderr.startswith("lstmcast: forecast.csv: cannot be written")
    assert len(done.stderr.splitlines()) == 1


def test_words_beyond_ascii_in_a_locale_without_them(run: Run, tmp_path: Path, air: Path) -> None:
    """On an ASCII terminal no command ends in a traceback."""
    ascii_only = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    for args in (("config", "--schema"), ("--help",), ("check", air), ("check", air, "--season-length", "0")):
        done = run(*args, cwd=tmp_path, env=ascii_only)
        assert "Traceback" not in done.stderr
        assert done.returncode == (3 if "0" in args else 0)
