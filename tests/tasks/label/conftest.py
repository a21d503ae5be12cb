"""Labeled series, a quick config, and a classifier trained once."""

from __future__ import annotations

from pathlib import Path

import pytest

from lstmcast.config import Config, load_config
from lstmcast.data.labeled_panel import LabeledPanel, read_labels
from lstmcast.tasks.label.model import SeriesClassifier
from lstmcast.tasks.label.task import LabelTraining
from lstmcast.tasks.pipeline import train


@pytest.fixture(scope="session")
def moves(labeled_file: Path) -> LabeledPanel:
    """Sixty series that rise, fall or stay."""
    return read_labels(labeled_file)


@pytest.fixture(scope="session")
def quick() -> Config:
    """A configuration with which training is a matter of seconds."""
    settings = {"model.task": "label", "model.units": [8], "model.dense_units": [6], "train.epochs": 12}
    return load_config(None, {**settings, "train.learning_rate": 0.02})


@pytest.fixture(scope="session")
def classifier(moves: LabeledPanel, quick: Config) -> SeriesClassifier:
    """A classifier of these series."""
    return train(LabelTraining.of(moves, quick))
