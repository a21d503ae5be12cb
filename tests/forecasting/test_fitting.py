"""A group of networks: those that may stay as they were, and those that are fitted again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lstmcast.config import Config, load_config
from lstmcast.data.panel import Panel
from lstmcast.forecasting import fitting
from lstmcast.forecasting.codec import to_artifact
from lstmcast.forecasting.fitting import EnsembleFitter, FitProgress, FitStage, training_fingerprint
from lstmcast.forecasting.forecaster import Forecaster
from lstmcast.forecasting.planning import make_plan
from lstmcast.forecasting.warm_start import WarmStart
from lstmcast.nn.keras_backend import Architecture
from lstmcast.nn.numpy_lstm import Network, to_tensors
from lstmcast.nn.specs import Recipe
from lstmcast.nn.trainer import Fit, StopRequested, fit
from lstmcast.persistence.checkpoint import CHECKPOINT, Checkpoint, checkpoint
from lstmcast.preprocessing.windows import WindowDataset, WindowSpec
from lstmcast.tasks.registry import get_task


def group_weights(networks: tuple[Network, ...]) -> list[bytes]:
    """All arrays of each, as bytes."""
    return [b"".join(array.tobytes() for array in to_tensors(network).values()) for network in networks]


@pytest.fixture
def group(direct_panel: Panel, direct_config: Config) -> Callable[..., EnsembleFitter]:
    """Two small networks whose progress is appended to a list."""

    def make(events: list[FitProgress], warm: WarmStart | None = None, **recipe: object) -> EnsembleFitter:
        plan = make_plan(direct_panel, direct_config)
        return EnsembleFitter(replace(plan, recipe=replace(plan.recipe, **recipe)), warm, events.append, None)

    return make


@pytest.mark.slow
def test_only_networks_that_gain_by_it_learn_on(group: Callable[..., EnsembleFitter]) -> None:
    """With steps of no size none gains: no epochs, the same weights, nothing fitted again; from chance all are."""
    events: list[FitProgress] = []
    first = group(events).fit_before_holdout()
    assert all(first.selection.epochs)
    assert {stage.name for stage in events} == {"fitting"}
    warm = WarmStart(first.bound.networks, first.bound.networks, may_stay=True)
    staying = group(events, warm, learning_rate=1e-12)
    again = staying.fit_before_holdout()
    assert again.selection.epochs == (0, 0)
    assert group_weights(again.bound.networks) == group_weights(first.bound.networks)
    events.clear()
    assert group_weights(staying.refit_all(again).networks) == group_weights(first.bound.networks)
    assert not events


@pytest.mark.slow
def test_a_warm_start_has_a_lower_learning_rate(
    group: Callable[..., EnsembleFitter], monkeypatch: pytest.MonkeyPatch
) -> None:
    """At three tenths of the rate, both times; from chance at the whole rate, and after a long fit gently too."""
    rates: list[float] = []

    def spied(*args: Any, **kwargs: Any) -> Fit:
        rates.append(args[2].learning_rate)
        return fit(*args, **kwargs)

    monkeypatch.setattr(fitting, "fit", spied)
    fresh = group([], learning_rate=0.01)
    first = fresh.fit_before_holdout()
    fresh.refit_all(first)
    assert rates == [0.01] * 4
    rates.clear()
    warm = group([], WarmStart(first.bound.networks, first.bound.networks), learning_rate=0.01)
    warm.refit_all(warm.fit_before_holdout())
    assert rates == pytest.approx([0.003] * 4)
    rates.clear()
    long = group([], learning_rate=0.01, patience=None)
    long.refit_all(long.fit_before_holdout())
    assert rates == pytest.approx([0.01, 0.01, 0.003, 0.003])


@pytest.mark.slow
def test_the_whole_learns_from_all_the_data(group: Callable[..., EnsembleFitter], direct_panel: Panel) -> None:
    """The scales are those of all values after the refit; the numbers of epochs do not change."""
    events: list[FitProgress] = []
    fitted = group(events)
    evaluated = fitted.fit_before_holdout()
    events.clear()
    whole = fitted.refit_all(evaluated)
    assert [stage.name for stage in events] == ["fitting again on all the data"] * sum(evaluated.selection.epochs)
    scaled, before = whole.ensemble.preprocessings[0], evaluated.bound.ensemble.preprocessings[0]
    assert set(scaled.series_scales) == set(direct_panel.keys)
    assert scaled.series_scales != before.series_scales
    assert scaled.typical_step != before.typical_step
    assert np.isfinite(whole.forecast(np.array([0]), np.array([50]), 5).z).all()


SMALL = Architecture(context=6, lags=2, units=(3,))
FALLING = Recipe(epochs=3, batches=2, batch_size=4, patience=None, schedule="cosine", seed=2**32 - 1)


def windows() -> WindowDataset:
    """One wave of 40 steps."""
    z = np.sin(np.arange(40) * 0.9)
    return WindowDataset.from_panel(z, np.ones(40, bool), np.array([0, 40]), WindowSpec(context=6, lags=2, burn_in=1))


def fits_weights(network: Network) -> dict[str, bytes]:
    """Every array, as bytes."""
    return {name: array.tobytes() for name, array in to_tensors(network).items()}


@pytest.mark.slow
def test_each_network_is_the_one_that_is_fitted_alone() -> None:
    """The seeds 2³² − 1 and, beyond the last there is, 0; epochs of their own, at the rates of the recipe's three."""
    events: list[FitProgress] = []
    found = FitStage("fitting", SMALL, FALLING, 2, events.append, None).each(windows(), epochs=(1, 2))
    for one, seed, epochs in zip(found, (2**32 - 1, 0), (1, 2), strict=True):
        alone = fit(windows(), SMALL, replace(FALLING, seed=seed, epochs=epochs, decay=3))
        assert fits_weights(one.network) == fits_weights(alone.network)
    where = sorted((stage.name, stage.network, stage.networks, stage.progress.epoch) for stage in events)
    assert where == [("fitting", 1, 2, 1), ("fitting", 2, 2, 1), ("fitting", 2, 2, 2)]


@pytest.mark.slow
def test_each_fit_has_its_own_checkpoint(tmp_path: Path) -> None:
    """Each stage, variant and network is restored from the checkpoint and not fitted again."""
    kept, events = Checkpoint(tmp_path / "kept", "this training"), list[FitProgress]()
    stage = FitStage("fitting", SMALL, FALLING, 2, events.append, kept)
    plain, other = stage.each(windows())[1], stage.fit(windows(), 1, variant=", way 2", epochs=1)
    names = ("fitting, network 1", "fitting, network 2", "fitting, way 2, network 2")
    assert [kept.part(name) is not None for name in names] == [True] * 3
    assert len(events) == 3 + 3 + 1
    assert fits_weights(stage.fit(windows(), 1).network) == fits_weights(plain.network) != fits_weights(other.network)
    assert len(events) == 3 + 3 + 1


@pytest.mark.slow
def test_one_failure_ends_its_stage_alone() -> None:
    """An error stops the other fits of its stage before their next batch, not those of other stages."""
    stage, other = (FitStage(name, SMALL, FALLING, 2, lambda _: None, None) for name in ("fitting", "again"))

    def failing() -> Fit:
        raise ValueError("lost")

    with pytest.raises(ValueError, match="lost"):
        stage.together([failing])
    with pytest.raises(StopRequested):
        stage.fit(windows(), 1)
    assert other.fit(windows(), 1, epochs=1).epoch == 1


Interrupt = Callable[[int | None], None]
BATCHES = 3


def saved(forecaster: Forecaster) -> tuple[str, dict[str, bytes]]:
    """Everything that a version would hold."""
    manifest, tensors = to_artifact(forecaster)
    arrays = {f"{group}/{name}": a.tobytes() for group, named in tensors.items() for name, a in named.items()}
    return json.dumps(manifest, sort_keys=True), arrays


@pytest.fixture(scope="module", params=["default", "ensemble"])
def requested(request: pytest.FixtureRequest) -> Config:
    """One network with early stopping and a refit, or two parallel direct networks with dropout."""
    small = {"train.init": "scratch", "train.epochs": 3, "train.steps_per_epoch": BATCHES, "model.units": [4]}
    ensemble = {
        "train.ensemble_size": 2,
        "model.strategy": "direct",
        "model.skip_connection": True,
        "train.loss": "pinball",
    }
    dropping = {"model.dropout": 0.2, "forecast.horizon": 5, "model.level_window": 1}
    return load_config(None, small | (ensemble | dropping if request.param == "ensemble" else {}))


@pytest.fixture(scope="module")
def whole(air_panel: Panel, requested: Config) -> tuple[tuple[str, dict[str, bytes]], int]:
    """The files of an uninterrupted training, and its number of epochs over all fits."""
    events: list[FitProgress] = []
    return saved(get_task("value").train(air_panel, requested, on_progress=events.append)), len(events)


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
    tmp_path: Path, air_panel: Panel, requested: Config, whole: tuple[Any, int], interrupt: Interrupt
) -> None:
    """Stopped at one batch after the other, each time going on from the file, until it is through: the same bytes."""
    forecaster, tries, name = None, 0, training_fingerprint(air_panel, requested)
    while forecaster is None and tries < whole[1]:
        interrupt(2 * BATCHES + 1 + tries % BATCHES)  # an epoch or two further each time
        with suppress(KeyboardInterrupt), checkpoint(tmp_path, name) as kept:
            assert kept.resumed == (tries > 0)
            forecaster = get_task("value").train(air_panel, requested, checkpoint=kept)
        tries += 1
    assert forecaster is not None
    assert saved(forecaster) == whole[0]
    assert tries > 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("every", [0.0, 1e9])
def test_killed(
    tmp_path: Path, air_panel: Panel, requested: Config, whole: tuple[Any, int], interrupt: Interrupt, every: float
) -> None:
    """After a kill, training continues from the last periodic checkpoint, or restarts without one."""
    path, name = tmp_path / CHECKPOINT, training_fingerprint(air_panel, requested)
    interrupt(2 * BATCHES + 2)
    with pytest.raises(KeyboardInterrupt):
        get_task("value").train(air_panel, requested, checkpoint=Checkpoint(path, name, every=every))
    assert path.exists() == (every == 0.0)
    interrupt(None)
    events: list[FitProgress] = []
    assert (
        saved(
            get_task("value").train(air_panel, requested, checkpoint=Checkpoint(path, name), on_progress=events.append)
        )
        == whole[0]
    )
    assert (len(events) < whole[1]) == (every == 0.0)


def test_the_identity_is_that_of_data_and_config(air_panel: Panel, requested: Config) -> None:
    """One value, one key, or other libraries make another training; where it is stored does not."""
    values = air_panel.values.copy()
    values[3] += 1
    same = requested.model_copy(update={"store": requested.store.model_copy(update={"name": "other"})})
    other = requested.model_copy(update={"train": requested.train.model_copy(update={"seed": 1})})
    name = training_fingerprint(air_panel, requested)
    assert training_fingerprint(air_panel, same) == name
    assert (
        len(
            {
                name,
                training_fingerprint(air_panel, other),
                training_fingerprint(replace(air_panel, values=values), requested),
            }
        )
        == 3
    )


def test_other_libraries_are_another_training(
    air_panel: Panel, requested: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A checkpoint of another TensorFlow version is not continued."""
    name = training_fingerprint(air_panel, requested)
    monkeypatch.setattr("lstmcast.forecasting.fitting.library_versions", lambda: {"tensorflow": "1.0"})
    assert training_fingerprint(air_panel, requested) != name
