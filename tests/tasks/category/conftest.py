"""A machine with idle and running hours, and a model of its states."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lstmcast.config import Config, load_config
from lstmcast.data.load import read
from lstmcast.data.panel import Panel
from lstmcast.data.schema import ReadOptions
from lstmcast.data.targets import symbols_of
from lstmcast.tasks.category.model import SymbolForecaster
from lstmcast.tasks.category.task import SymbolTraining
from lstmcast.tasks.pipeline import train


def states(length: int, seed: int) -> list[str]:
    """Twelve hours idle, twelve at work, with a fault now and then."""
    rng = np.random.default_rng(seed)
    typical = np.where(np.arange(length) % 24 < 12, "idle", "run")
    return [str(state) for state in np.where(rng.random(length) < 0.03, "fault", typical)]


@pytest.fixture(scope="session")
def machines_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two machines, hour by hour; one of them with three hours missing."""
    rows = ["time,machine,state"]
    for name, length in (("a", 400), ("b", 300)):
        hours = np.datetime64("2024-03-01T00") + np.arange(length)
        values = states(length, len(rows))
        rows += [f"{str(hour).replace('T', ' ')}:00,{name},{state}" for hour, state in zip(hours, values, strict=True)]
    del rows[150:153]
    path = tmp_path_factory.mktemp("machines") / "machines.csv"
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def machines(machines_file: Path) -> Panel:
    """The panel of that file."""
    return read(machines_file, ReadOptions(target=("state",)), symbols_of())


@pytest.fixture(scope="session")
def brief() -> Config:
    """A configuration with which training is a matter of a second."""
    return load_config(
        "category",
        {
            "train.epochs": 2,
            "train.steps_per_epoch": 5,
            "train.batch_size": 8,
            "model.units": [5],
            "model.context": 10,
            "forecast.horizon": 6,
            "train.ensemble_size": 2,
        },
    )


@pytest.fixture(scope="session")
def symbol_model(machines: Panel, brief: Config) -> SymbolForecaster:
    """A model of them."""
    return train(SymbolTraining.of(machines, brief))
