"""Past forecasts: their origins, and the weights of members by their errors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lstmcast.data.panel import Panel
from lstmcast.forecasting.ensemble.past_forecasts import PastForecasts, origin_count, past_forecasts
from lstmcast.forecasting.pretrained import load_pretrained


def of_origins(panel: Panel, origins: list[int], count: int = 16, horizon: int = 8) -> PastForecasts:
    """The past forecasts before some origins of the first series."""
    ensemble = load_pretrained(panel).ensemble
    bound = ensemble.bind(panel)
    where = np.zeros(len(origins), np.int64), np.array(origins)
    return past_forecasts(ensemble.members, bound.panels, 0, *where, horizon, count)


def test_past_origins_precede_the_origin(air_panel: Panel) -> None:
    """At most sixteen, each with at least one known lead; outcomes after the origin are unknown."""
    found = of_origins(air_panel, [143, 60, 3])
    assert found.rows.shape == (3, 16)
    assert ((found.known > 0).sum(axis=1)[:2] > 8).all()
    assert found.known.max(axis=1).tolist() == found.steps.tolist()


def test_outcomes_are_those_of_the_series(air_panel: Panel) -> None:
    """The errors of members with all the weight are actual minus forecast, up to the origin."""
    found = of_origins(air_panel, [143])
    weights = np.zeros((len(found.z), 1, 8))
    weights[0] = 1
    errors = found.errors(weights).errors[0]
    z = (
        load_pretrained(air_panel)
        .ensemble.bind(air_panel)
        .panels[0]
        .transform(air_panel.values[None], np.zeros(1, int))[0]
    )
    for k, known in enumerate(found.known[0].tolist()):
        inside = min(known, 8)
        assert np.isnan(errors[k, inside:]).all()
        if inside:
            origin = 143 - known
            forecast = found.z[0, found.rows[0, k], :inside]
            np.testing.assert_allclose(errors[k, :inside], z[origin + 1 : origin + 1 + inside] - forecast)


@pytest.mark.parametrize("origin", [50, 100, 130])
def test_nothing_after_the_origin_counts(air_panel: Panel, origin: int) -> None:
    """The weights at an origin are those of a file that ends there, with the same scale."""
    ensemble = load_pretrained(air_panel).ensemble
    first, raw = ensemble.preprocessings
    ensemble = replace(ensemble, preprocessings=(first.fit(air_panel).preprocessing, raw))
    whole = ensemble.bind(air_panel).weights(np.zeros(1, np.int64), np.array([origin]))
    cut = ensemble.bind(air_panel.drop_last(143 - origin)).weights(np.zeros(1, np.int64), np.array([origin]))
    np.testing.assert_allclose(whole, cut, rtol=1e-4, atol=1e-6)


def test_a_member_without_errors_has_all_the_weight() -> None:
    """Two members, of which one was exact; equal errors leave the prior weights; so does an unknown past."""
    actual = np.arange(8.0)[None].repeat(3, axis=0)
    known = np.full((1, 3), 8)
    base = PastForecasts(np.stack([actual, actual + 1]), actual, np.arange(3)[None], known, np.array([24]))
    prior = np.array([[0.3], [0.7]])
    exact = base.weights(prior, 8)
    np.testing.assert_allclose(exact[0], 1)
    equal = replace(base, z=np.stack([actual - 1, actual + 1])).weights(prior, 8)
    np.testing.assert_allclose(equal[:, 0, 0], [0.3, 0.7])
    unknown = replace(base, known=np.zeros((1, 3), np.int64)).weights(prior, 8)
    np.testing.assert_allclose(unknown[:, 0, 0], [0.3, 0.7])


def test_weights_depend_on_the_lead() -> None:
    """A member that is better far ahead gains weight there, and sums stay 1."""
    actual = np.zeros((6, 8))
    near, far = np.linspace(0.1, 2, 8), np.linspace(2, 0.1, 8)
    z = np.stack([np.tile(near, (6, 1)), np.tile(far, (6, 1))])
    found = PastForecasts(z, actual, np.arange(6)[None], np.full((1, 6), 8), np.array([60]))
    weights = found.weights(np.array([[0.5], [0.5]]), 8)
    np.testing.assert_allclose(weights.sum(axis=0), 1)
    assert (np.diff(weights[1, 0]) >= 0).all()
    assert weights[0, 0, 0] > 0.9
    assert weights[1, 0, -1] > 0.9


def test_many_series_have_no_past_forecasts() -> None:
    """The number of past origins is limited by the values that they read."""
    assert origin_count(1, 300) == 32
    assert 8 <= origin_count(200, 300) < 32
    assert origin_count(10_000, 300) == 0
