"""An explanation belongs to the forecast that the user sees, and its parts sum to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from lstmcast.data.panel import Panel
from lstmcast.errors import UsageError
from lstmcast.explain import integrated_gradients
from lstmcast.explain.explanation import SIGNALS, Explanation, explain
from lstmcast.forecasting.ensemble.ensemble import Ensemble
from lstmcast.forecasting.forecaster import Forecaster
from lstmcast.preprocessing.panel_scaling import ScalingSpec


def with_smoothing(forecaster: Forecaster, weight: float) -> Forecaster:
    """The forecaster with another smoothing weight."""
    ensemble = Ensemble.of_lstm(forecaster.ensemble.preprocessings[0], forecaster.ensemble.lstm, weight)
    return replace(forecaster, ensemble=ensemble)


@pytest.mark.parametrize("weight", [0.0, 0.4])
def test_attributions_sum_to_what_the_past_changed(forecaster: Forecaster, air_panel: Panel, weight: float) -> None:
    """Forecast minus reference is the sum over all values, for every step ahead; the forecast is that of `predict`."""
    selected = with_smoothing(forecaster, weight)
    found = explain(selected, air_panel)
    np.testing.assert_array_equal(found.forecast.values, selected.predict(air_panel).values)
    np.testing.assert_allclose(found.attribution.sum(axis=1), found.forecast.values[0] - found.reference, rtol=1e-3)
    assert found.error < 1e-3
    assert len(found.values) == min(144, selected.ensemble.required_history)


def test_a_direct_head_with_several_networks_is_explained(direct: Forecaster, direct_panel: Panel) -> None:
    """A direct head, two networks, logs, the second of three series, and a past origin."""
    found = explain(direct, direct_panel, 1, 80)
    past = direct_panel.select(np.array([1])).drop_last(int(direct_panel.lengths[1]) - 81)
    np.testing.assert_allclose(found.forecast.values, direct.predict(past).values)
    assert found.error < 1e-3
    assert (found.networks, found.forecast.keys) == (2, (direct_panel.keys[1],))
    np.testing.assert_array_equal(found.values, past.values[-len(found.values) :])


def test_effects_are_quotients_of_differences(
    forecaster: Forecaster, air_panel: Panel, moved_by: Callable[[Forecaster, Panel, int], float]
) -> None:
    """Moving one value by a small part of a usual step moves the forecast by that part of its effect."""
    selected = with_smoothing(forecaster, 0.0)
    effect = explain(selected, air_panel).effect
    for back in (1, 2, 13):
        assert effect[-back] == pytest.approx(moved_by(selected, air_panel, back), rel=0.02, abs=1e-3)


def test_a_value_of_zero_has_its_effect(
    forecaster: Forecaster,
    air_panel: Panel,
    make_ensemble: Callable[..., Ensemble],
    moved_by: Callable[[Forecaster, Panel, int], float],
) -> None:
    """No forecast falls below 0, but a past value that lies there might have been another."""
    values = air_panel.values.copy()
    values[[-3, -5]] = 0.0  # not the newest value, which would be damped
    selected = replace(forecaster, ensemble=make_ensemble(scaling=ScalingSpec("none"), series_scales={(): (30.0, 0.0)}))
    effect = explain(selected, replace(air_panel, values=values)).effect
    for back in (3, 5):
        half = moved_by(selected, replace(air_panel, values=values), back)  # the step down ends at 0 too
        assert effect[-back] == pytest.approx(2 * half, rel=0.02)


def test_the_past_as_expected_changes_nothing(forecaster: Forecaster, air_panel: Panel) -> None:
    """A series that repeats its season exactly is what is expected: no value did anything."""
    values = np.tile(air_panel.values[:12], 12)
    found = explain(with_smoothing(forecaster, 0.3), replace(air_panel, values=values))
    np.testing.assert_allclose(found.attribution, 0, atol=1e-6)
    np.testing.assert_allclose(found.expected, values)


def test_the_gates_are_those_of_the_context(forecaster: Forecaster, air_panel: Panel) -> None:
    """[L, U] gates between 0 and 1, one finding a unit; of a series shorter than the context only what there is."""
    inside = explain(forecaster, air_panel).internals
    context = forecaster.ensemble.preprocessings[0].window_spec.context
    for gate in (inside.forget, inside.input, inside.output):
        assert gate.shape == (context, 4)
        assert ((gate >= 0) & (gate <= 1)).all()
    assert len(inside.unit_correlations) == len(inside.half_lives) == 4
    assert {one.component for one in inside.unit_correlations} <= {*SIGNALS, "none of these"}
    assert inside.memory.max() == 1
    assert explain(forecaster, air_panel, 0, 3).internals.cell.shape == (4, 4)


@pytest.mark.parametrize("origin", [0, 144, -1])
def test_an_origin_outside_the_series_is_refused(forecaster: Forecaster, air_panel: Panel, origin: int) -> None:
    """A forecast needs two values, and the series to reach its origin."""
    with pytest.raises(UsageError, match="from 1 to 143"):
        explain(forecaster, air_panel, 0, origin)


def test_more_points_are_taken_where_few_miss_too_much(
    forecaster: Forecaster, air_panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One point misses something, sixteen after it much less; where one is close enough, it stays at one."""
    selected = with_smoothing(forecaster, 0.0)

    def error(nodes: dict[int, float]) -> float:
        monkeypatch.setattr(integrated_gradients, "NODES", nodes)
        return explain(selected, air_panel).error

    few = error({1: np.inf})
    assert error({1: 0.0, 16: np.inf}) < few / 10
    assert error({1: few, 16: np.inf}) == few


def test_importance_has_no_sign(forecaster: Forecaster, air_panel: Panel) -> None:
    """A value that raises some steps and lowers others matters: the mean of sizes, not of signs."""
    found: Explanation = replace(explain(forecaster, air_panel), attribution=np.array([[1.0, 0.0], [-1.0, 0.5]]))
    np.testing.assert_allclose(found.importance, [1.0, 0.25])
