"""Training with more and more series: real ones, drawn again and again from the training part of M4 Yearly."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from competitions import SETS, load
from ledger import Job, Record
from running import train_and_predict
from scored_case import write_long

NAME = "M4-Yearly"
COUNTS = (1_000, 3_000, 10_000, 30_000, 100_000)


def scaling_jobs(data: Path, configs: Sequence[str], counts: Sequence[int]) -> Iterator[Job]:
    """One training with each config for each number of series, the smallest first."""
    for count in counts:
        for config in configs:
            key = {"part": "scaling", "name": NAME, "series": count, "method": f"lstmcast {config}", "seed": 0}
            yield Job(key, partial(_train, data, count, config))


def _train(data: Path, count: int, config: str) -> Record:
    """The cost of training and forecasting for this many series."""
    histories = load(data, NAME, final=False).histories
    sampled = np.random.default_rng(0).choice(len(histories), count, replace=count > len(histories)).tolist()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ids = tuple(f"S{k}" for k in range(count))
        write_long(folder / "past.csv", ids, tuple(histories[k] for k in sampled))
        return train_and_predict(folder, "past.csv", ["--horizon", SETS[NAME].horizon, "--config", config])
