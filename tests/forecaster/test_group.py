"""A group of networks: those that may stay as they were, and those that are fitted again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lstmcast.config import Config
from lstmcast.data.panel import Panel
from lstmcast.forecaster import fits
from lstmcast.forecaster.fits import FitProgress
from lstmcast.forecaster.group import EnsembleFitter
from lstmcast.forecaster.planning import make_plan
from lstmcast.forecaster.warm import WarmStart
from lstmcast.model.lstm import Network, to_tensors
from lstmcast.model.training import Fit, fit


def weights(networks: tuple[Network, ...]) -> list[bytes]:
    """All arrays of each, as bytes."""
    return [b"".join(array.tobytes() for array in to_tensors(network).values()) for network in networks]


@pytest.fixture
def group(direct_panel: Panel, direct_config: Config) -> Callable[..., EnsembleFitter]:
    """Two small networks, whose stages are told to a list."""

    def make(told: list[FitProgress], warm: WarmStart | None = None, **recipe: object) -> EnsembleFitter:
        plan = make_plan(direct_panel, direct_config)
        return EnsembleFitter(
            direct_panel, replace(plan, recipe=replace(plan.recipe, **recipe)), warm, told.append, None
        )

    return make


@pytest.mark.slow
def test_only_networks_that_gain_by_it_learn_on(group: Callable[..., EnsembleFitter]) -> None:
    """With steps of no size none gains: no epochs, the same weights, nothing fitted again; from chance all are."""
    told: list[FitProgress] = []
    first = group(told).fit_before_holdout()
    assert all(first.selection.epochs)
    assert {stage.name for stage in told} == {"fitting"}
    warm = WarmStart(first.pipeline.networks, first.pipeline.networks, may_stay=True)
    staying = group(told, warm, learning_rate=1e-12)
    again = staying.fit_before_holdout()
    assert again.selection.epochs == (0, 0)
    assert weights(again.pipeline.networks) == weights(first.pipeline.networks)
    told.clear()
    assert weights(staying.refit_all(again).networks) == weights(first.pipeline.networks)
    assert not told


@pytest.mark.slow
def test_what_has_learnt_before_learns_gently(
    group: Callable[..., EnsembleFitter], monkeypatch: pytest.MonkeyPatch
) -> None:
    """At three tenths of the rate, both times; from chance at the whole rate, and after a long fit gently too."""
    rates: list[float] = []

    def spied(*args: Any, **kwargs: Any) -> Fit:
        rates.append(args[2].learning_rate)
        return fit(*args, **kwargs)

    monkeypatch.setattr(fits, "fit", spied)
    fresh = group([], learning_rate=0.01)
    first = fresh.fit_before_holdout()
    fresh.refit_all(first)
    assert rates == [0.01] * 4
    rates.clear()
    warm = group([], WarmStart(first.pipeline.networks, first.pipeline.networks), learning_rate=0.01)
    warm.refit_all(warm.fit_before_holdout())
    assert rates == pytest.approx([0.003] * 4)
    rates.clear()
    long = group([], learning_rate=0.01, patience=None)
    long.refit_all(long.fit_before_holdout())
    assert rates == pytest.approx([0.01, 0.01, 0.003, 0.003])


@pytest.mark.slow
def test_the_whole_learns_from_all_the_data(group: Callable[..., EnsembleFitter], direct_panel: Panel) -> None:
    """The scales are those of all values, of the judged those of the past; the epochs are the same for both."""
    told: list[FitProgress] = []
    fitted = group(told)
    judged = fitted.fit_before_holdout()
    told.clear()
    whole = fitted.refit_all(judged)
    assert [stage.name for stage in told] == ["fitting again on all the data"] * sum(judged.selection.epochs)
    assert set(whole.scales) == set(direct_panel.keys)
    assert whole.scales != judged.pipeline.scales
    assert whole.typical_step != judged.pipeline.typical_step
    assert np.isfinite(whole.bind(direct_panel).forecast(np.array([0]), np.array([50]), 5).z).all()
