"""Commands of lstmcast as children of one process that has imported everything: a thousand of them in minutes.

A child is a process of its own, with a memory, files and a death of its own; only the start of Python is spared.
"""

from __future__ import annotations

import contextlib
import math
import os
import signal
import sys
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lstmcast.persistence.ledger.records import RunRecord

JOB = """input: data.csv
model: {units: [4]}
train: {epochs: 2, steps_per_epoch: 4}
retrain: {every: null, on_drift: false}
store: {models: models, name: small, keep_versions: 3}
"""
SMALL = ("--set", "model.units=[4]", "--set", "train.epochs=2", "--set", "train.steps_per_epoch=4")
TRAIN = ("train", "train.csv", "--name", "trained", "--set", "store.keep_versions=3", *SMALL)
PREDICT = ("predict", "data.csv", "--quiet", "--model", "small")
RUN = ("run", "job.yaml", "--quiet")
KILLED = -signal.SIGKILL
LEARNING = ("tensorflow", "keras", "lstmcast.jobs.retrain")


def import_learning() -> None:
    """Load TensorFlow, and start nothing of it: what is started does not outlive a fork."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    for name in LEARNING:
        import_module(name)


@dataclass(frozen=True)
class Workplace:
    """A folder with data, a job and a model, in which commands run."""

    folder: Path

    @property
    def models(self) -> Path:
        """The folder of all models: `small`, which the job and `PREDICT` use, and `trained`, which `TRAIN` does."""
        return self.folder / "models"

    @property
    def model(self) -> Path:
        """That of the job."""
        return self.models / "small"

    @property
    def output(self) -> Path:
        """The forecast."""
        return self.folder / "forecast.csv"

    @classmethod
    def made(cls, folder: Path, data: str) -> Workplace:
        """Make it, with both models trained on the data, and a forecast."""
        workplace = cls(folder)
        (folder / "job.yaml").write_text(JOB, encoding="utf-8")
        (folder / "train.csv").write_text(data, encoding="utf-8")
        workplace.revise(data)
        for command in (RUN, TRAIN):
            if code := workplace.do(command):
                sys.exit(f"{' '.join(command)} ended with {code}: {workplace.stderr()}")
        workplace.rehearse()
        return workplace

    def rehearse(self) -> None:
        """Run a job and a prediction in this very process: all that they load is there for the children."""
        from lstmcast.cli import main

        with contextlib.chdir(self.folder):
            if code := main(RUN) or main(PREDICT):
                sys.exit(f"the rehearsal ended with {code}")

    def revise(self, data: str) -> None:
        """Put newer data where the job reads them, all at once."""
        (self.folder / "coming.csv").write_text(data, encoding="utf-8")
        (self.folder / "coming.csv").replace(self.folder / "data.csv")

    def start(self, command: Sequence[str], gate: tuple[int, int] | None = None) -> int:
        """Start a command; returns the child's process id.

        Args:
            command: its arguments.
            gate: both ends of a pipe: the child begins when every other process has closed the second.
        """
        if child := os.fork():
            return child
        code = 1
        try:
            self._settle()
            if gate is not None:
                os.close(gate[1])
                os.read(gate[0], 1)
            from lstmcast.cli import main

            code = main(list(command))
        except SystemExit as end:
            code = int(end.code or 0)
        except BaseException:  # noqa: BLE001  # the child of a fork must not go on as its parent
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)

    def do(self, command: Sequence[str]) -> int:
        """Run a command to its end; its exit code."""
        return ended(self.start(command))

    def killed(self, command: Sequence[str], after: float) -> int:
        """Run a command for so many seconds, and kill it; -9, or its exit code where it ended before."""
        child = self.start(command)
        time.sleep(after)
        os.kill(child, signal.SIGKILL)
        return ended(child)

    def stderr(self) -> str:
        """The stderr of the last commands."""
        return (self.folder / "log").read_text(encoding="utf-8", errors="replace")

    def digest(self) -> str:
        """Of the forecast, as it lies there."""
        return sha256(self.output.read_bytes()).hexdigest()

    def weights(self, name: str) -> str:
        """Of the weights of a model's current version, after all of it was read and verified."""
        from lstmcast.forecasting.codec import load
        from lstmcast.persistence.registry import resolve

        version = resolve(self.models, name)
        load(version)
        return sha256((version / "weights.safetensors").read_bytes()).hexdigest()

    def runs(self) -> list[RunRecord]:
        """The runs in the ledger of the job."""
        from lstmcast.persistence.ledger.ledger import FILE, Ledger

        with Ledger.open(self.model / FILE) as ledger:
            return ledger.runs()

    def leftovers(self) -> list[str]:
        """Temporary files, anywhere in the folder."""
        return [str(path.relative_to(self.folder)) for path in self.folder.rglob(".lstmcast-*")]

    def _settle(self) -> None:
        os.chdir(self.folder)
        log = os.open("log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
        for stream in (1, 2):
            os.dup2(log, stream)


def ended(child: int) -> int:
    """Wait for a child; its exit code, or minus the signal that ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def monthly(rows: int, *, last: float = 0.0) -> str:
    """A CSV of a monthly wave that grows; `last` is added to the newest value, as a revision would."""
    values = [100 + k + 20 * math.sin(k * math.pi / 6) + 3 * math.sin(k * k) for k in range(rows)]
    values[-1] += last
    lines = [f"{1990 + k // 12}-{k % 12 + 1:02d},{value:.9f}" for k, value in enumerate(values)]
    return "\n".join(["month,value", *lines, ""])
