"""An interrupted training goes on from its checkpoint, and ends with the bytes of one that was never interrupted."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from lstmcast.config import Config, load_config
from lstmcast.data.panel import Panel
from lstmcast.forecaster.fits import FitProgress
from lstmcast.forecaster.resuming import training_fingerprint
from lstmcast.forecaster.saving import to_artifact
from lstmcast.forecaster.trained import Forecaster
from lstmcast.forecaster.training import train
from lstmcast.model.windows import WindowDataset
from lstmcast.store.checkpoint import CHECKPOINT, Checkpoint, checkpoint

Interrupt = Callable[[int | None], None]
BATCHES = 3


def saved(forecaster: Forecaster) -> tuple[str, dict[str, bytes]]:
    """Everything that a version would hold."""
    manifest, tensors = to_artifact(forecaster)
    arrays = {f"{group}/{name}": a.tobytes() for group, named in tensors.items() for name, a in named.items()}
    return json.dumps(manifest, sort_keys=True), arrays


@pytest.fixture(scope="module", params=["default", "ensemble"])
def asked(request: pytest.FixtureRequest) -> Config:
    """One network that stops early and is fitted again; or two at once with dropout, that say every step."""
    small = {"train.start": "scratch", "train.epochs": 3, "train.batches": BATCHES, "model.units": [4]}
    ensemble = {"train.networks": 2, "model.strategy": "direct", "model.skip": True, "train.loss": "pinball"}
    dropping = {"model.dropout": 0.2, "forecast.horizon": 5, "model.level": 1}
    return load_config(None, small | (ensemble | dropping if request.param == "ensemble" else {}))


@pytest.fixture(scope="module")
def whole(air_panel: Panel, asked: Config) -> tuple[tuple[str, dict[str, bytes]], int]:
    """What the uninterrupted training saves, and how many epochs it learns, over all its fits."""
    told: list[FitProgress] = []
    return saved(train(air_panel, asked, on_progress=told.append)), len(told)


@pytest.fixture
def interrupt(monkeypatch: pytest.MonkeyPatch) -> Interrupt:
    """Makes the n-th batch from now, whichever fit learns from it, the one before which Ctrl-C is pressed."""
    batches = WindowDataset.batches

    def at(number: int | None) -> None:
        seen = count(1)

        def interrupted(*args: Any, **kwargs: Any) -> Iterator[Any]:
            for batch in batches(*args, **kwargs):
                if next(seen) == number:
                    raise KeyboardInterrupt
                yield batch

        monkeypatch.setattr(WindowDataset, "batches", interrupted)

    return at


@pytest.mark.slow
def test_interrupted_again_and_again(
    tmp_path: Path, air_panel: Panel, asked: Config, whole: tuple[Any, int], interrupt: Interrupt
) -> None:
    """Stopped at one batch after the other, each time going on from the file, until it is through: the same bytes."""
    forecaster, tries, name = None, 0, training_fingerprint(air_panel, asked)
    while forecaster is None and tries < whole[1]:
        interrupt(2 * BATCHES + 1 + tries % BATCHES)  # an epoch or two further each time
        with suppress(KeyboardInterrupt), checkpoint(tmp_path, name) as kept:
            assert kept.resumed == (tries > 0)
            forecaster = train(air_panel, asked, checkpoint=kept)
        tries += 1
    assert forecaster is not None
    assert saved(forecaster) == whole[0]
    assert tries > 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("every", [0.0, 1e9])
def test_killed(
    tmp_path: Path, air_panel: Panel, asked: Config, whole: tuple[Any, int], interrupt: Interrupt, every: float
) -> None:
    """Killed with no time for a last word: on from the last periodic checkpoint, or anew where none was due."""
    path, name = tmp_path / CHECKPOINT, training_fingerprint(air_panel, asked)
    interrupt(2 * BATCHES + 2)
    with pytest.raises(KeyboardInterrupt):
        train(air_panel, asked, checkpoint=Checkpoint(path, name, every=every))
    assert path.exists() == (every == 0.0)
    interrupt(None)
    told: list[FitProgress] = []
    assert saved(train(air_panel, asked, checkpoint=Checkpoint(path, name), on_progress=told.append)) == whole[0]
    assert (len(told) < whole[1]) == (every == 0.0)


def test_the_identity_is_that_of_data_and_config(air_panel: Panel, asked: Config) -> None:
    """One value, one key, or other libraries make another training; where it is stored does not."""
    values = air_panel.values.copy()
    values[3] += 1
    same = asked.model_copy(update={"store": asked.store.model_copy(update={"name": "other"})})
    other = asked.model_copy(update={"train": asked.train.model_copy(update={"seed": 1})})
    name = training_fingerprint(air_panel, asked)
    assert training_fingerprint(air_panel, same) == name
    assert (
        len(
            {
                name,
                training_fingerprint(air_panel, other),
                training_fingerprint(replace(air_panel, values=values), asked),
            }
        )
        == 3
    )


def test_other_libraries_are_another_training(air_panel: Panel, asked: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    """What another TensorFlow began is not gone on with."""
    name = training_fingerprint(air_panel, asked)
    monkeypatch.setattr("lstmcast.forecaster.resuming.library_versions", lambda: {"tensorflow": "1.0"})
    assert training_fingerprint(air_panel, asked) != name
