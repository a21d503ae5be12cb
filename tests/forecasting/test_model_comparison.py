"""Challenger and incumbent on the same origins, each forecasting from what it can have known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lstmcast.api import train
from lstmcast.config import Config
from lstmcast.data.load import read
from lstmcast.data.panel import Panel
from lstmcast.forecasting.forecaster import Forecaster
from lstmcast.forecasting.model_comparison import compare
from lstmcast.forecasting.split_data import naive_scales


@pytest.fixture(scope="module")
def panels(
    tmp_path_factory: pytest.TempPathFactory,
    write_series: Callable[..., Path],
    waves: Callable[[int, int], np.ndarray],
) -> tuple[Panel, Panel]:
    """One series of 200 days, and of 214."""
    folder, values = tmp_path_factory.mktemp("comparing"), waves(214, 6)
    before, after = (read(write_series(folder / f"{n}.csv", {"one": values[:n]})) for n in (200, 214))
    return before, after


@pytest.fixture(scope="module")
def models(panels: tuple[Panel, Panel], tiny: Config) -> tuple[Forecaster, Forecaster]:
    """A forecaster of each."""
    before, after = (train(panel, tiny) for panel in panels)
    return before, after


def by_hand(model: Forecaster, evaluated_by: Forecaster, panel: Panel) -> list[float]:
    """The mean absolute error of each test origin in typical steps, from panels cut at the origin."""
    horizon, steps = evaluated_by.horizon, evaluated_by.report.holdout.test_steps
    twin, unit = replace(model, ensemble=model.holdout_ensemble), float(naive_scales(panel)[0])
    errors = []
    for back in range(horizon, steps + 1):
        past = panel.drop_last(back)
        forecast, _, _ = twin.at(past, np.array([0]), past.lengths - 1, horizon)
        came = panel.series(0)[len(panel.values) - back :][:horizon]
        errors.append(float(np.abs(forecast[0] - came).mean()) / unit)
    return errors


def test_the_errors_are_those_of_forecasts_made_one_by_one(
    models: tuple[Forecaster, Forecaster], panels: tuple[Panel, Panel]
) -> None:
    """At each test origin of the challenger, both models have the mean error computed from a file cut there."""
    incumbent, challenger = models
    found = compare(challenger, incumbent, panels[1])
    ours, expected = (by_hand(model, challenger, panels[1]) for model in (challenger, incumbent))
    assert found.origins == len(ours) == challenger.report.evaluation.n_scored
    assert found.challenger == pytest.approx(np.mean(ours), rel=1e-6)
    assert found.incumbent == pytest.approx(np.mean(expected), rel=1e-6)
    assert found.skill.value == pytest.approx(1 - np.mean(ours) / np.mean(expected), abs=2e-6)  # both are known to 1e-6
    assert found.to_dict()["origins"] == found.origins


def test_a_model_is_not_worse_than_itself(models: tuple[Forecaster, Forecaster], panels: tuple[Panel, Panel]) -> None:
    """No skill at all, and not worse."""
    found = compare(models[1], models[1], panels[1])
    assert (found.skill.value, found.not_worse) == (0.0, True)


def test_one_that_forecasts_badly_is_worse(models: tuple[Forecaster, Forecaster], panels: tuple[Panel, Panel]) -> None:
    """A challenger whose unit is twice as large forecasts moves twice as large."""
    bad = models[1].holdout_ensemble
    (first, *rest), noisy = bad.preprocessings, [replace(network, d=network.d + 3.0) for network in bad.lstm.networks]
    scales = {key: (2 * scale, floor) for key, (scale, floor) in first.series_scales.items()}
    lstm = replace(bad.lstm, networks=tuple(noisy))
    members = (lstm, *bad.members[1:])
    doubled = replace(bad, preprocessings=(replace(first, series_scales=scales), *rest), members=members)
    worse = replace(models[1], holdout_ensemble=doubled)
    found = compare(worse, models[0], panels[1])
    assert not found.not_worse
    assert found.challenger > found.incumbent


def test_an_incumbent_is_not_evaluated_on_its_training_data(
    models: tuple[Forecaster, Forecaster], panels: tuple[Panel, Panel]
) -> None:
    """Of the earlier file's origins only those after the later model's own decisions are left."""
    later, earlier = models[1], models[0]
    kept = compare(earlier, later, panels[0]).origins
    end, test_steps = 214, later.report.holdout.test_steps
    first = end - test_steps - 1  # the last step that decided something about the later model, counted from 0
    ours = range(200 - 1 - earlier.report.holdout.test_steps, 200 - earlier.horizon)
    assert kept == sum(origin >= first for origin in ours) < len(ours)


def test_where_nothing_can_be_compared_the_challenger_is_not_better(
    models: tuple[Forecaster, Forecaster], panels: tuple[Panel, Panel]
) -> None:
    """No origin that both know nothing of: no skill, and no reason to take it."""
    cut = panels[0].drop_last(60)
    found = compare(models[0], models[1], cut)
    assert (found.origins, found.not_worse, found.to_dict()["skill"]) == (0, False, None)
