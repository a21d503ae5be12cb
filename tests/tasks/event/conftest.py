"""A small panel, and a model of an event on it, trained once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lstmcast.config import Config, load_config
from lstmcast.data.load import read
from lstmcast.data.panel import Panel
from lstmcast.tasks.event.model import EventForecaster
from lstmcast.tasks.event.task import EventTraining
from lstmcast.tasks.pipeline import train


@pytest.fixture(scope="session")
def stalls(
    tmp_path_factory: pytest.TempPathFactory, write_series: Callable[..., Path], waves: Callable[..., np.ndarray]
) -> Panel:
    """Two daily series, of 130 and 150 days; days 40 and 41 of the first are missing."""
    first = waves(130, 1)
    first[[40, 41]] = np.nan
    path = tmp_path_factory.mktemp("stalls") / "stalls.csv"
    return read(write_series(path, {"first": first, "second": waves(150, 2)}))


@pytest.fixture(scope="session")
def event_config() -> Config:
    """Sales above their 60th percentile in the next four days, quick to train."""
    keys = {
        "model.event": "sales > p60",
        "model.units": [4],
        "model.level_window": 3,
        "model.profile_seasons": 2,
        "model.lags": 5,
    }
    fast = {"train.epochs": 3, "train.steps_per_epoch": 4, "train.ensemble_size": 2, "forecast.horizon": 4}
    return load_config("event", {**keys, **fast})


@pytest.fixture(scope="session")
def stall_model(stalls: Panel, event_config: Config) -> EventForecaster:
    """A model of it."""
    return train(EventTraining.of(stalls, event_config))
