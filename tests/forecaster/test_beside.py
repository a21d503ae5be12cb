"""Pretrained networks that speak beside those of a training."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lstmcast.config import load_config
from lstmcast.data.panel import Panel
from lstmcast.errors import UsageError
from lstmcast.forecaster.explaining import explain
from lstmcast.forecaster.running import Runner
from lstmcast.forecaster.trained import Forecaster
from lstmcast.forecaster.training import train
from lstmcast.show.console import judged

TINY = {"train.epochs": 2, "train.batches": 4, "model.units": [4], "train.start": "auto"}


@pytest.fixture(scope="module")
def both(air_panel: Panel) -> Forecaster:
    """A hasty network, and pretrained ones beside it."""
    return train(air_panel, load_config(None, TINY))


@pytest.mark.slow
def test_a_hasty_network_leaves_most_to_the_pretrained_ones(both: Forecaster) -> None:
    """Their share follows from the errors where training stops, and is told."""
    assert both.runner.beside is not None
    assert both.judged.beside is not None
    assert both.judged.beside.share == both.runner.beside.share
    assert 0.5 < both.runner.beside.share < 1
    assert f"{both.runner.beside.share:.0%} of the whole" in judged(both.report)


@pytest.mark.slow
def test_each_of_three_counts_by_the_inverse_of_its_error(both: Forecaster, air_panel: Panel) -> None:
    """By a loop over the origins at which training stops: networks, pretrained networks, exponential smoothing."""
    assert both.judged.beside is not None
    judge, steps = both.report["held_out"]["judge_steps"], both.report["held_out"]["stop_steps"]
    known = air_panel.drop_last(judge)
    last, here = int(known.lengths[0]) - 1, np.array([0])

    def off(runner: Runner, smoothing: float) -> float:
        running, found = replace(runner, smoothing=smoothing, beside=None).on(known), []
        for origin in range(last - steps, last - 11):
            said = running.back(running.ahead(here, np.array([origin]), 12).z, here)[0]
            found.append(np.abs(said - known.values[origin + 1 : origin + 13]).mean())
        return float(np.mean(found))

    own, other = both.judged, both.judged.beside.runner
    weights = 1 / np.array([off(own, 0), off(other, 0), off(own, 1)])
    assert own.smoothing == other.smoothing == pytest.approx(weights[2] / weights.sum())
    assert both.judged.beside.share == pytest.approx(weights[1] / weights[:2].sum())
    assert both.runner.smoothing == both.runner.beside.runner.smoothing == own.smoothing


@pytest.mark.slow
def test_a_pinned_share_of_smoothing_stays(air_panel: Panel) -> None:
    """Then only the two groups of networks are weighed."""
    pinned = train(air_panel, load_config(None, TINY | {"model.smoothing": 0.1}))
    assert pinned.runner.beside is not None
    assert (pinned.runner.smoothing, pinned.runner.beside.runner.smoothing) == (0.1, 0.1)


@pytest.mark.slow
def test_what_they_do_alone_stands_beside_the_whole(both: Forecaster, air_panel: Panel) -> None:
    """The mean error of the pretrained networks over the judging origins, by themselves."""
    assert both.judged.beside is not None
    other, held = both.judged.beside.runner.on(air_panel), both.held_out
    origins = held.positions - air_panel.starts[held.series]
    said = other.back(other.ahead(held.series, origins, held.actual.shape[1]).z, held.series)
    alone = both.report["pretrained_alone"]["mae"]
    assert alone == pytest.approx(np.abs(said - held.actual).mean())
    assert "pretrained alone" in judged(both.report)


@pytest.mark.slow
def test_so_does_what_those_of_the_training_do(both: Forecaster, air_panel: Panel) -> None:
    """The mean error of the trained network, as it would be judged without the others."""
    own, held = replace(both.judged, beside=None).on(air_panel), both.held_out
    origins = held.positions - air_panel.starts[held.series]
    said = own.back(own.ahead(held.series, origins, held.actual.shape[1]).z, held.series)
    assert both.report["trained_alone"]["mae"] == pytest.approx(np.abs(said - held.actual).mean())
    assert "\n  trained alone" in judged(both.report)


@pytest.mark.slow
def test_the_forecast_is_the_mean_of_both_in_logs(both: Forecaster, air_panel: Panel) -> None:
    """With a share of s, log f is (1 − s)·log of one and s·log of the other."""
    beside = both.runner.beside
    assert beside is not None
    where = np.array([0]), air_panel.lengths - 1
    alone, other = (
        running.back(running.ahead(*where, 12).z, where[0])
        for running in (replace(both.runner, beside=None).on(air_panel), beside.runner.on(air_panel))
    )
    said = both.at(air_panel, *where)[0]
    assert np.log(said) == pytest.approx((1 - beside.share) * np.log(alone) + beside.share * np.log(other))


@pytest.mark.slow
def test_saved_and_loaded_it_says_the_same(both: Forecaster, tmp_path: Path) -> None:
    """The pretrained networks are kept in the version: a later lstmcast, with others, changes nothing."""
    version = both.save(tmp_path, "air")
    assert (version / "beside.safetensors").exists()
    loaded = Forecaster.load("air", tmp_path)
    assert loaded.predict().render(".csv") == both.predict().render(".csv")


@pytest.mark.slow
def test_it_cannot_be_explained(both: Forecaster, air_panel: Panel) -> None:
    """What moved two groups of networks is not taken apart: that is said."""
    with pytest.raises(UsageError, match=r"train\.start: scratch"):
        explain(both, air_panel)
