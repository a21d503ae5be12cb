"""Ensembles bound to a panel: required history, forecasts, weights and interval bounds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lstmcast.calibration.conformal import Calibration
from lstmcast.data.load import read
from lstmcast.data.panel import Panel
from lstmcast.errors import DataError
from lstmcast.forecasting.ensemble.ensemble import Ensemble
from lstmcast.forecasting.ensemble.intervals import intervals
from lstmcast.forecasting.ensemble.members import SmoothingMember
from lstmcast.forecasting.ensemble.scaled_forecast import ScaledForecast
from lstmcast.forecasting.ensemble.weights import recent_errors
from lstmcast.forecasting.forecaster import Forecaster
from lstmcast.forecasting.split_data import actuals_after, naive_scales, tail
from lstmcast.nn.heads import QuantileHead
from lstmcast.preprocessing.panel_scaling import (
    MIN_DISPERSION,
    Polyphase,
    Preprocessing,
    ScalingSpec,
    dispersion_window,
    fit_panel_scaling,
    series_scales,
    with_training_scales,
)
from lstmcast.preprocessing.windows import WindowSpec
from lstmcast.statistical import ensemble as statistical_ensemble

pytestmark = pytest.mark.kernel

Write = Callable[..., Path]
MODES = ("global", "blended")
HEADS = [QuantileHead(), QuantileHead(5), QuantileHead(5, (80.0, 95.0)), QuantileHead(1, (80.0,))]


@pytest.fixture
def pair(tmp_path: Path, write_series: Write) -> Panel:
    """Two short series with a filled step in the first."""
    return read(write_series(tmp_path / "x.csv", {"a": [1.0, 3, float("nan"), 4, 10], "b": [5.0, 5, 5]}))


def test_outcomes(pair: Panel) -> None:
    """The next values of the same series; NaN where filled and beyond its end."""
    nan = float("nan")
    found = actuals_after(pair, np.array([0, 0, 1]), np.array([0, 3, 1]), 3)
    np.testing.assert_array_equal(found, [[3, nan, 4], [10, nan, nan], [5, nan, nan]])


def test_typical_steps(pair: Panel) -> None:
    """The mean change of each series (3 to 3.5 to 4 where filled), and 1 for one that never moves."""
    assert naive_scales(pair).tolist() == [(2 + 0.5 + 0.5 + 6) / 4, 1.0]


def test_last_steps(pair: Panel) -> None:
    """The ends of every series stay where they are on the calendar; a shorter series stays whole."""
    last = tail(pair, 4)
    assert last.series(0).tolist() == [3, 3.5, 4, 10]
    assert last.observed_of(0).tolist() == [True, False, True, True]
    assert last.series(1).tolist() == [5, 5, 5]
    assert last.ends.tolist() == pair.ends.tolist()
    assert last.starts.tolist() == [pair.starts[0] + 1, pair.starts[1]]


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize(("weight", "adaptive"), [(0.0, False), (0.25, False), (0.25, True)])
def test_only_the_required_history_is_used(
    make_ensemble: Callable[..., Ensemble],
    air_panel: Panel,
    head: QuantileHead,
    weight: float,
    adaptive: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The required history gives the forecast and the bounds of the whole series."""
    monkeypatch.setattr(statistical_ensemble, "MIN_HISTORY_STEPS", 30)
    monkeypatch.setattr(statistical_ensemble, "HISTORY_SEASONS", 8)
    scales = {(): (0.1, 0.0)}  # as trained: not measured again
    ensemble = make_ensemble(head, smoothing=weight, adaptive=adaptive, series_scales=scales, horizon=6)
    assert ensemble.required_history < 144
    here = np.array([0])
    whole, part = ensemble.bind(air_panel), ensemble.bind(tail(air_panel, ensemble.required_history))
    end, last = np.array([143]), np.array([ensemble.required_history - 1])
    forecast, cut = whole.forecast(here, end, 24), part.forecast(here, last, 24)
    np.testing.assert_allclose(
        whole.inverse_transform(forecast.z, here), part.inverse_transform(cut.z, here), rtol=1e-4
    )
    np.testing.assert_allclose(forecast.below, cut.below, rtol=1e-4)
    np.testing.assert_allclose(forecast.above, cut.above, rtol=1e-4)
    dispersion, again = whole.panels[0].recent_dispersion(here, end, 1), part.panels[0].recent_dispersion(here, last, 1)
    np.testing.assert_allclose(dispersion, again, rtol=1e-4)


@pytest.mark.usefixtures("undamped")
@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("weight", [0.0, 0.25])
def test_nothing_after_an_origin_is_looked_at(
    make_ensemble: Callable[..., Ensemble], air_panel: Panel, head: QuantileHead, weight: float
) -> None:
    """The forecast from an origin, and its bounds, are the same to the byte whether the file goes on or ends there."""
    ensemble = make_ensemble(head, smoothing=weight, series_scales={(): (0.1, 0.0)})
    origins, first = np.array([50, 80, 100]), np.array([0, 0, 0])
    whole = ensemble.bind(air_panel).forecast(first, origins, 8)
    for row, origin in enumerate(origins.tolist()):
        cut = ensemble.bind(air_panel.drop_last(143 - origin)).forecast(first, np.full(3, origin), 8)
        assert cut.z[row].tobytes() == whole.z[row].tobytes()
        for side in ("below", "above"):
            assert getattr(cut, side)[:, row].tobytes() == getattr(whole, side)[:, row].tobytes()


@pytest.mark.parametrize("head", HEADS)
def test_networks_are_averaged_with_their_bounds(
    make_ensemble: Callable[..., Ensemble], air_panel: Panel, head: QuantileHead
) -> None:
    """Forecasts and distances in z are the means of those of each network; the units of a plain head are the spread."""
    both = make_ensemble(head).bind(air_panel)
    series, origins = np.array([0, 0]), np.array([60, 143])
    forecast = both.forecast(series, origins, 7)
    one, other = (
        both.ensemble.refitted(both.panels, [network]).forecast(series, origins, 7) for network in both.networks
    )
    assert np.abs(one.z - other.z).min() > 1e-3
    for part in ("z", "below", "above"):
        np.testing.assert_allclose(getattr(forecast, part), (getattr(one, part) + getattr(other, part)) / 2)
    assert forecast.below.shape == forecast.above.shape == (len(head.levels) or 1, 2, 7)
    if not head.levels:
        np.testing.assert_array_equal(forecast.below[0], both.panels[0].recent_dispersion(series, origins, 7))


def test_a_fraction_of_the_forecast_is_smoothing(make_ensemble: Callable[..., Ensemble], air_panel: Panel) -> None:
    """In z, a quarter of the forecast is smoothing and three quarters are the networks."""
    alone, hedged = (make_ensemble(smoothing=weight).bind(air_panel) for weight in (0.0, 0.25))
    series, origins = np.array([0]), np.array([143])
    windows = alone.panels[0].windows
    smooth = statistical_ensemble.forecast(
        windows.z, np.array([0]), origins, 17, season=windows.spec.season_length, trial=1
    )
    expected = 0.75 * alone.forecast(series, origins, 17).z + 0.25 * smooth
    np.testing.assert_allclose(hedged.forecast(series, origins, 17).z, expected)


def test_errors_are_in_the_unit_of_their_side_by_hand() -> None:
    """Forecast 10, units 2 and 4 below, 5 and 8 above: 4 lies 3 and 1.5 units below, 30 lies 4 and 2.5 above."""
    below, above = np.array([[[2.0] * 4], [[4.0] * 4]]), np.array([[[5.0] * 4], [[8.0] * 4]])
    forecast = ScaledForecast(np.full((1, 4), 10.0), below, above)
    errors = forecast.errors(np.array([[4.0, 30.0, 10.0, np.nan]]))
    np.testing.assert_array_equal(errors, [[[3, 4, 0, np.nan]], [[1.5, 2.5, 0, np.nan]]])


def test_a_unit_of_nothing_measures_no_error() -> None:
    """A side on which a constant series has no dispersion has no error."""
    forecast = ScaledForecast(
        np.zeros((2, 1)), np.full((1, 2, 1), MIN_DISPERSION), np.array([[[MIN_DISPERSION], [1.0]]])
    )
    np.testing.assert_array_equal(forecast.errors(np.array([[-3.0], [3.0]])), [[[np.nan], [3.0]]])


def test_bounds_of_no_level_are_none(lone: Forecaster, air_panel: Panel) -> None:
    """No levels give no bounds, of the right shape."""
    running, where = lone.ensemble.bind(air_panel), (np.array([0]), np.array([143]))
    ahead = running.forecast(*where, 5)
    for bounds in intervals(running, ahead, Calibration((), np.empty((0, 5))), *where):
        assert bounds.shape == (0, 1, 5)


def test_scales_are_those_of_training(pair: Panel) -> None:
    """A known series keeps scale and floor of training; an unknown one is measured by its own past."""
    spec, scaling = WindowSpec(context=6, lags=4, level_window=3), ScalingSpec("none")
    own = fit_panel_scaling(pair, scaling, 3)
    known = Preprocessing(scaling, spec, series_scales={("b",): (123.0, -5.0)}).bind(pair).scaling
    assert known.scale.tolist() == [own.scale[0], 123.0]
    assert known.floor.tolist() == [own.floor[0], -5.0]
    assert known.offset.tolist() == own.offset.tolist()


def test_unknown_series_use_the_typical_step_of_training(pair: Panel) -> None:
    """If logs are scaled together, an unknown series uses the typical step of training; if blended, both steps."""
    own = fit_panel_scaling(pair, ScalingSpec("log"), 3).scale
    shared, root = (
        Preprocessing(
            ScalingSpec("log", mode),
            WindowSpec(context=6, lags=4, level_window=3),
            typical_step=0.25,
            series_scales={("elsewhere",): (0.25, 0.0)},
        )
        .bind(pair)
        .scaling
        for mode in MODES
    )
    assert shared.scale.tolist() == [0.25, 0.25]
    np.testing.assert_allclose(root.scale, [np.sqrt(0.25 * own[0]), 1.0])  # b never moves


def test_fit_stores_the_scales_of_training(pair: Panel) -> None:
    """The fitted preprocessing gives the same z again, and knows the typical step."""
    fitted = Preprocessing(ScalingSpec("none"), WindowSpec(context=6, lags=4, level_window=3)).fit(pair)
    assert set(fitted.preprocessing.series_scales) == {("a",), ("b",)}
    assert fitted.preprocessing.typical_step == fitted.scaling.typical_step
    again = fitted.preprocessing.bind(pair)
    np.testing.assert_array_equal(again.windows.z, fitted.windows.z)


def test_a_value_that_the_transform_cannot_take(tmp_path: Path, write_series: Write) -> None:
    """A zero in new data of a model in logs is refused, naming file, value and transform."""
    panel = read(write_series(tmp_path / "x.csv", {"a": [1.0, 0.0, 2.0]}))
    with pytest.raises(DataError, match=r"x\.csv: contains 0, which the model's transform, log, cannot"):
        fit_panel_scaling(panel, ScalingSpec("log"), 1)


@pytest.mark.parametrize(("season", "steps"), [(1, 30), (12, 36), (168, 500), (7, 30)])
def test_spread_looks_back_three_seasons(season: int, steps: int) -> None:
    """Three seasons, at least 30 and at most 500 steps."""
    assert dispersion_window(WindowSpec(context=8, lags=4, season_length=season)) == steps


def test_smoothing_counts_more_in_longer_series(make_ensemble: Callable[..., Ensemble]) -> None:
    """By hand: half of the most where `half` values are known, a fifth at half of that, no more beyond its reach."""
    rule = make_ensemble(smoothing=0.8, half=60).weights
    np.testing.assert_allclose(rule.smoothing_fraction(0.8, np.array([60, 30, 300]), 12), [0.4, 0.16, 0.8 / 1.04])
    assert rule.smoothing_fraction(0.8, np.array([10_000]), 12) == rule.smoothing_fraction(0.8, np.array([300]), 12)


def test_the_smoothing_weight_depends_on_the_series_length(
    make_ensemble: Callable[..., Ensemble], air_panel: Panel
) -> None:
    """From two origins at once: the networks and smoothing alone, each in its share there."""
    where = np.array([0, 0]), np.array([40, 140]), 5
    forecast, networks, smoothed = (
        make_ensemble(smoothing=most, half=half).bind(air_panel).forecast(*where).z
        for most, half in ((0.9, 100), (0.0, 0), (1.0, 0))
    )
    weight = np.array([[0.9 / (1 + (100 / 41) ** 2)], [0.9 / (1 + (100 / 141) ** 2)]])
    np.testing.assert_allclose(forecast, (1 - weight) * networks + weight * smoothed)


@pytest.mark.usefixtures("undamped")
@pytest.mark.parametrize("head", HEADS)
def test_adaptive_weights_depend_on_the_last_horizon(
    make_ensemble: Callable[..., Ensemble], air_panel: Panel, head: QuantileHead
) -> None:
    """By a loop: as wrong as smoothing and the networks alone were six steps before, to the fourth power."""
    own = make_ensemble(head, smoothing=0.3, horizon=6, adaptive=True).bind(air_panel)
    alone = {fraction: make_ensemble(head, smoothing=fraction, horizon=6).bind(air_panel) for fraction in (0.0, 1.0)}
    here, steps = np.array([0]), 9
    for origin in (50, 90, 143):
        came = own.panels[0].windows.z[origin - 5 : origin + 1]
        off = {k: np.abs(one.forecast(here, np.array([origin - 6]), 6).z[0] - came).mean() for k, one in alone.items()}
        weight = 0.3 / off[1.0] ** 4
        fraction = weight / (weight + 0.7 / off[0.0] ** 4)
        assert abs(fraction - 0.3) > 0.01
        np.testing.assert_allclose(own.weights(here, np.array([origin]))[..., 0], [[1 - fraction], [fraction]])
        networks, smooth = (alone[k].forecast(here, np.array([origin]), steps).z for k in (0.0, 1.0))
        expected = (1 - fraction) * networks + fraction * smooth
        np.testing.assert_allclose(own.forecast(here, np.array([origin]), steps).z, expected)


def test_short_series_have_the_common_weight(make_ensemble: Callable[..., Ensemble], air_panel: Panel) -> None:
    """Two seasons must be known before the last horizon, for smoothing to be fairly tried on it."""
    bound, fewest = make_ensemble(smoothing=0.3, horizon=6, adaptive=True).bind(air_panel), 2 * 12 + 6
    fractions = [bound.weights(np.array([0]), np.array([known - 1]))[1, 0] for known in (1, fewest - 1, fewest)]
    assert fractions[:2] == pytest.approx([0.3, 0.3])
    assert fractions[2] != pytest.approx(0.3)


def test_all_phases_have_one_weight(make_ensemble: Callable[..., Ensemble], air_panel: Panel) -> None:
    """With polyphase forecasts, the mean error of all phases gives one weight for all of them."""
    bound = make_ensemble(smoothing=0.3, horizon=6, adaptive=True, polyphase=Polyphase(2)).bind(air_panel)
    (panel,), where = bound.panels, (np.array([0, 0]), np.array([120, 143]))
    apart = [
        np.abs(forecast - panel.windows.z[panel.windows.offsets[phase] + end - 2 :][:3]).mean()
        for phase, end in zip(*Polyphase(2).origins(*where), strict=True)
        for forecast in [SmoothingMember().forecast(panel, np.array([phase]), np.array([end - 3]), 3).z[0]]
    ]
    smooth = recent_errors(SmoothingMember(), panel, *where)
    np.testing.assert_allclose(smooth, np.reshape(apart, (2, 2)).mean(axis=1))
    assert bound.weights(*where).shape == (2, 2, 1)


def test_a_scale_is_not_carried_over_to_another_transform(pair: Panel) -> None:
    """If a series in logs has a zero now, or the reverse, its scale is estimated again."""
    lenient = ScalingSpec("log", allow_untransformed=True)
    touched = replace(pair, values=np.where(pair.values == 1.0, 0.0, pair.values))  # series a begins with it
    plain, logs = (fit_panel_scaling(panel, lenient, 1) for panel in (touched, pair))
    assert set(series_scales(pair, logs)) == {("a",), ("b",)}
    assert set(series_scales(touched, plain)) == {("b",)}
    known = {("a",): (7.0, 0.0), ("b",): (8.0, 0.0)}
    assert with_training_scales(logs, pair, known).scale.tolist() == [7.0, 8.0]
    assert with_training_scales(plain, touched, known).scale.tolist() == [plain.scale[0], 8.0]
