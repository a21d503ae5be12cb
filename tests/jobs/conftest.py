"""A job that has run once, to be copied: each test goes on from there without training again."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from lstmcast.config import AnyJob, load_job
from lstmcast.jobs.context import LogEvent
from lstmcast.jobs.run import RunResult, run
from lstmcast.persistence.ledger.ledger import FILE, Ledger

FIRST = np.datetime64("2024-01-01")
DAYS = 120
NOW = datetime(2024, 4, 30, 1, tzinfo=UTC)  # an hour after the last of the days was over
JOB = """
input: sales.csv
data: {target: sales}
model: {units: [4]}
train: {init: scratch, epochs: 2, steps_per_epoch: 4}
forecast: {horizon: 5}
"""


@dataclass
class Bench:
    """A folder with a job, and the events of its runs.

    Attributes:
        folder: the folder of the job. log: the events of all runs. text: the job.
        now: when it ran first. days: of which there are data then.
    """

    folder: Path
    log: list[LogEvent] = field(default_factory=list)
    text: str = JOB
    now: ClassVar[datetime] = NOW
    days: ClassVar[int] = DAYS

    @property
    def model(self) -> Path:
        """The folder of the model."""
        return self.folder / "models" / "sales"

    @property
    def output(self) -> Path:
        """The forecast."""
        return self.folder / "forecast.csv"

    def job(self, more: str = "") -> AnyJob:
        """The job with more keys."""
        (self.folder / "job.yaml").write_text(self.text + more, encoding="utf-8")
        return load_job(self.folder / "job.yaml")

    def run(self, more: str = "", *, days: float = 0, force: bool = False) -> RunResult:
        """Run it so many days later."""
        return run(self.job(more), NOW + timedelta(days=days), note=self.log.append, force=force)

    def write(self, values: np.ndarray) -> None:
        """Daily values as the job's input, one row a day; NaN leaves the row out."""
        rows = [f"{FIRST + k},{v!r}" for k, v in enumerate(values.tolist()) if v == v]
        (self.folder / "sales.csv").write_text("\n".join(["day,sales", *rows]) + "\n", encoding="utf-8")

    def ledger(self) -> Ledger:
        """The ledger, opened for reading."""
        return Ledger.open(self.model / FILE, create=False)

    def names(self) -> list[str]:
        """The events so far."""
        return [event.name for event in self.log]


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory, waves: Callable[[int, int], np.ndarray]) -> Bench:
    """A job after its first run, which trained a model. Not to be changed: see `bench`."""
    bench = Bench(tmp_path_factory.mktemp("job"))
    bench.write(waves(DAYS, 1))
    bench.run()
    return bench


@pytest.fixture
def bench(once: Bench, tmp_path: Path) -> Bench:
    """A copy of that job in a folder of its own."""
    shutil.copytree(once.folder, tmp_path / "job")
    return Bench(tmp_path / "job")
