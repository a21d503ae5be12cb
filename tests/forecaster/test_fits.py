"""The fits of a stage: each is what `fit` makes of its own seed, epochs and name; a failure ends all."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lstmcast.forecaster.fits import FitProgress, FitStage
from lstmcast.model.lstm import Network, to_tensors
from lstmcast.model.network import Architecture
from lstmcast.model.recipe import Recipe
from lstmcast.model.training import Fit, StopRequested, fit
from lstmcast.model.windows import WindowDataset, WindowSpec
from lstmcast.store.checkpoint import Checkpoint

SMALL = Architecture(context=6, lags=2, units=(3,))
FALLING = Recipe(epochs=3, batches=2, batch_size=4, patience=None, schedule="cosine", seed=2**32 - 1)


def windows() -> WindowDataset:
    """One wave of 40 steps."""
    z = np.sin(np.arange(40) * 0.9)
    return WindowDataset.from_panel(z, np.ones(40, bool), np.array([0, 40]), WindowSpec(context=6, lags=2, burn=1))


def weights(network: Network) -> dict[str, bytes]:
    """Every array, as bytes."""
    return {name: array.tobytes() for name, array in to_tensors(network).items()}


@pytest.mark.slow
def test_each_network_is_the_one_that_is_fitted_alone() -> None:
    """The seeds 2³² − 1 and, beyond the last there is, 0; epochs of their own, at the rates of the recipe's three."""
    told: list[FitProgress] = []
    found = FitStage("fitting", SMALL, FALLING, 2, told.append, None).each(windows(), epochs=(1, 2))
    for one, seed, epochs in zip(found, (2**32 - 1, 0), (1, 2), strict=True):
        alone = fit(windows(), SMALL, replace(FALLING, seed=seed, epochs=epochs, decay=3))
        assert weights(one.network) == weights(alone.network)
    where = sorted((stage.name, stage.network, stage.networks, stage.progress.epoch) for stage in told)
    assert where == [("fitting", 1, 2, 1), ("fitting", 2, 2, 1), ("fitting", 2, 2, 2)]


@pytest.mark.slow
def test_each_is_remembered_by_its_own_name(tmp_path: Path) -> None:
    """Stage, way and network: asked for once more, each is there already, and nothing is learnt again."""
    kept, told = Checkpoint(tmp_path / "kept", "this training"), list[FitProgress]()
    stage = FitStage("fitting", SMALL, FALLING, 2, told.append, kept)
    plain, other = stage.each(windows())[1], stage.fit(windows(), 1, variant=", way 2", epochs=1)
    names = ("fitting, network 1", "fitting, network 2", "fitting, way 2, network 2")
    assert [kept.part(name) is not None for name in names] == [True] * 3
    assert len(told) == 3 + 3 + 1
    assert weights(stage.fit(windows(), 1).network) == weights(plain.network) != weights(other.network)
    assert len(told) == 3 + 3 + 1


@pytest.mark.slow
def test_one_failure_ends_its_stage_alone() -> None:
    """Where a fit raises, the others of its stage end before their next batch; those of another stage go on."""
    stage, other = (FitStage(name, SMALL, FALLING, 2, lambda _: None, None) for name in ("fitting", "again"))

    def failing() -> Fit:
        raise ValueError("lost")

    with pytest.raises(ValueError, match="lost"):
        stage.together([failing])
    with pytest.raises(StopRequested):
        stage.fit(windows(), 1)
    assert other.fit(windows(), 1, epochs=1).epoch == 1
