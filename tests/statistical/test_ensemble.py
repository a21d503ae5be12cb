"""Exponential smoothing as a whole: how its two methods share, and that nothing after an origin counts."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lstmcast.statistical import ensemble, holt_winters, seasonality, theta
from lstmcast.statistical.ensemble import forecast, history_length, inverse_error_weight, smoothing_gradient
from lstmcast.statistical.history import HistoryBatch

pytestmark = pytest.mark.kernel

LENGTHS = [1, 2, 4, 7, 9, 15, 23, 45]


def test_what_was_less_wrong_counts_more() -> None:
    """By hand: as wrong, twice as wrong, never wrong, and never tried."""
    one, other = np.array([1.0, 2, 0, 0]), np.array([1.0, 1, 1, 0])
    np.testing.assert_allclose(inverse_error_weight(one, other), [1 / 2, 1 / 17, 1, 1 / 2])


def test_the_weight_where_both_are_equally_wrong_is_given() -> None:
    """By hand: a share of 1/5 is odds of 1 to 4; as wrong, half as wrong, twice as wrong; none stays none, all all."""
    one, other = np.array([3.0, 1, 2]), np.array([3.0, 2, 1])
    np.testing.assert_allclose(inverse_error_weight(one, other, 0.2), [1 / 5, 16 / 20, 1 / 65])
    assert inverse_error_weight(one, other, 0.0).tolist() == [0, 0, 0]
    assert inverse_error_weight(one, other, 1.0).tolist() == [1, 1, 1]


def test_the_weight_of_single_errors() -> None:
    """No error, or an infinite one."""
    assert inverse_error_weight(2.0, 2.0) == 0.5
    assert inverse_error_weight(0.0, 2.0) == 1.0
    assert inverse_error_weight(1.0, 0.0) == pytest.approx(0.0, abs=1e-40)
    assert (
        inverse_error_weight(1e200, 1.0),
        inverse_error_weight(1.0, 1e200),
        inverse_error_weight(math.inf, 1.0),
    ) == (0.0, 1.0, 0.0)


def test_days_have_a_week_above_them() -> None:
    """Of hours and half-hours, whichever of the two is the season; of finer steps it would be too long."""
    assert [ensemble.seasonal_periods(season) for season in (24, 168, 48, 336)] == [
        (24, 168),
        (24, 168),
        (48, 336),
        (48, 336),
    ]
    assert [ensemble.seasonal_periods(season) for season in (1, 7, 12, 288)] == [(1,), (7,), (12,), (288,)]
    assert [history_length(season) for season in (24, 168, 48, 7, 12)] == [1008, 1008, 2016, 300, 300]


@pytest.mark.parametrize("season", [24, 168])
@pytest.mark.parametrize("known", [400, 360, 359, 150, 1])
def test_two_grids_follow_day_and_week(known: int, season: int) -> None:
    """By their errors, where two weeks are known before the last horizon; else the day alone, without a drift."""
    z = np.random.default_rng(known).normal(size=known) + np.arange(known) % 168 / 20
    end, many = np.array([known - 1]), np.array([known])
    day, week = (
        holt_winters.forecast(HistoryBatch.of(z, end, many, season=steps, trial=24), 30) for steps in (24, 168)
    )
    weight = 1 / (1 + (week.abs_error[0] / day.abs_error[0]) ** 4) if known >= 2 * 168 + 24 else 0.0
    found = forecast(z, np.array([0]), end, 30, season=season, trial=24)
    np.testing.assert_allclose(found, (1 - weight) * day.z + weight * week.z, rtol=1e-12)
    assert weight == 0 or weight > 0.5


def test_finer_days_are_the_grid_alone() -> None:
    """For steps whose week is too long, one season is too short for the grid method."""
    z = np.random.default_rng(0).normal(size=700).cumsum()
    past = HistoryBatch.of(z, np.array([699]), np.array([700]), season=96, trial=24)
    predicted = forecast(z, np.array([0]), np.array([699]), 24, season=96, trial=24)
    np.testing.assert_array_equal(predicted, holt_winters.forecast(past, 24).z)


def test_exact_day_and_week_forecasts_are_averaged() -> None:
    """A constant series and a moving one, forecast together."""
    z = np.concatenate([np.ones(400), np.random.default_rng(0).normal(size=400)])
    first, last = np.array([0, 400]), np.array([399, 399])
    found = forecast(z, first, last, 24, season=24, trial=24)
    np.testing.assert_allclose(found[0], 1.0)
    np.testing.assert_allclose(found[1], forecast(z, first[1:], last[1:], 24, season=24, trial=24)[0])


@pytest.mark.parametrize("season", [1, 4])
def test_each_series_has_its_weight(season: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """From origins of series of many lengths, in one block or many: the weighted mean of both methods, one by one."""
    z = np.random.default_rng(season).normal(size=sum(LENGTHS)).cumsum()
    first, origins = np.cumsum([0, *LENGTHS[:-1]]), np.array(LENGTHS) - 1
    expected = []
    for begin, count in zip(first, LENGTHS, strict=True):
        past = HistoryBatch.of(z, np.array([begin + count - 1]), np.array([count]), season=season, trial=5)
        grid, line = holt_winters.forecast(past, 5), theta.forecast(past, 5)
        (weight,) = inverse_error_weight(line.abs_error, grid.abs_error)
        expected.append((1 - weight) * grid.z[0] + weight * line.z[0])
    found = forecast(z, first, origins, 5, season=season, trial=5)
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    monkeypatch.setattr(ensemble, "CHUNK_SIZE", 1000)
    np.testing.assert_allclose(forecast(z, first, origins, 5, season=season, trial=5), found, rtol=1e-9)


def test_it_reaches_back_so_far_and_not_to_what_comes_after(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever lies before the reach, after the origin or in another series: the same bytes."""
    monkeypatch.setattr(ensemble, "MIN_HISTORY_STEPS", 20)
    monkeypatch.setattr(ensemble, "HISTORY_SEASONS", 3)
    assert history_length(4) == 20
    assert history_length(12) == 36
    z, other = np.random.default_rng(0).normal(size=100), np.random.default_rng(1).normal(size=100) * 100
    other[31:51] = z[31:51]
    predicted = [
        forecast(values, np.array([10]), np.array([40]), 6, season=4, trial=6).tobytes() for values in (z, other)
    ]
    assert predicted[0] == predicted[1]
    other[31] += 1
    assert forecast(other, np.array([10]), np.array([40]), 6, season=4, trial=6).tobytes() != predicted[0]


def test_what_repeats_exactly_goes_on() -> None:
    """A wave without noise, a series that stands still, and a line: on and on."""
    still, wave = np.full(96, 3.0), np.tile([0.0, 5, 1, -2], 24)
    predicted = forecast(np.concatenate([still, wave]), np.array([0, 96]), np.array([95, 95]), 8, season=4, trial=8)
    np.testing.assert_allclose(predicted[0], 3.0)
    np.testing.assert_allclose(predicted[1], np.tile([0.0, 5, 1, -2], 2), atol=1e-6)
    (line,) = forecast(2.0 * np.arange(96), np.array([0]), np.array([95]), 4, season=1, trial=4)
    np.testing.assert_allclose(line, 2.0 * np.arange(96, 100), rtol=0.01)


def test_shifted_and_stretched_values_are_forecast_so() -> None:
    """The forecast of a·z + b is a times that of z, plus b: no unit is preferred."""
    z = np.random.default_rng(3).normal(size=70).cumsum()
    arguments = np.array([0]), np.array([69]), 9
    plain, other = forecast(z, *arguments, season=7, trial=9), forecast(1e4 - 50 * z, *arguments, season=7, trial=9)
    np.testing.assert_allclose(other, 1e4 - 50 * plain, rtol=1e-8)


def test_a_longer_forecast_begins_with_the_shorter_one() -> None:
    """The requested horizon does not change the weights; the trials are those of the training horizon."""
    z = np.random.default_rng(5).normal(size=80).cumsum()
    arguments = np.array([0]), np.array([79])
    long, short = (forecast(z, *arguments, steps, season=12, trial=6) for steps in (30, 2))
    np.testing.assert_allclose(long[:, :2], short)


def test_no_origins() -> None:
    """No origins give no forecasts."""
    none = np.empty(0, np.int64)
    assert forecast(np.ones(3), none, none, 4, season=2, trial=4).shape == (0, 4)


CASES = [(40, 1), (60, 4), (7, 4), (3, 4), (1, 1), (350, 1), (90, 4), (80, 24), (50, 72), (60, 3), (90, 21)]


@pytest.fixture
def small_days(monkeypatch: pytest.MonkeyPatch) -> None:
    """Days of three steps too, above which a week is looked for."""
    monkeypatch.setattr(ensemble, "DAILY_PERIODS", (24, 3))


def predicted(z: np.ndarray, horizon: int, season: int) -> np.ndarray:
    """[H] the forecast from the end of [T] z."""
    first, last = np.zeros(1, np.int64), np.array([len(z) - 1])
    return ensemble.forecast(z, first, last, horizon, season=season, trial=horizon)[0]


@pytest.mark.usefixtures("small_days")
@pytest.mark.parametrize(("steps", "season"), CASES)
@pytest.mark.parametrize("horizon", [1, 6])
def test_the_gradient_times_the_past_is_the_forecast(steps: int, season: int, horizon: int) -> None:
    """With the trust in its members as it is, the forecast is a weighted sum of the past, and nothing is left over."""
    z = np.random.default_rng(steps).normal(size=steps).cumsum()
    found = smoothing_gradient(z, horizon, season=season, trial=horizon)
    np.testing.assert_allclose(found @ z, predicted(z, horizon, season), rtol=1e-9, atol=1e-9)


@pytest.mark.usefixtures("small_days")
@pytest.mark.parametrize(("steps", "season"), CASES)
def test_each_entry_is_a_quotient_of_differences(steps: int, season: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """If weights and α do not depend on the data, each value changes the forecast by its entry."""
    monkeypatch.setattr(holt_winters, "WEIGHT_EXPONENT", 0.0)
    monkeypatch.setattr(holt_winters, "EXPONENT_PER_TRIAL", 0.0)
    monkeypatch.setattr(ensemble, "WEIGHT_EXPONENT", 0.0)
    monkeypatch.setattr(theta, "ALPHAS", np.array([0.3]))
    monkeypatch.setattr(seasonality, "CRITICAL_VALUE", 0.0)
    z = np.random.default_rng(steps).normal(size=steps)
    found = smoothing_gradient(z, 6, season=season, trial=6)
    moved = np.stack([predicted(z + unit, 6, season) - predicted(z, 6, season) for unit in np.eye(steps)], axis=1)
    np.testing.assert_allclose(found, moved, atol=1e-9)


@pytest.mark.usefixtures("small_days")
def test_values_before_the_required_history_have_no_effect() -> None:
    """Values further back than smoothing looks have a gradient of 0."""
    z = np.random.default_rng(0).normal(size=400)
    found = smoothing_gradient(z, 2, season=4, trial=2)
    assert found.shape == (2, 400)
    assert not found[:, : 400 - ensemble.history_length(4)].any()
    assert found[:, 400 - ensemble.history_length(4) :].any()
