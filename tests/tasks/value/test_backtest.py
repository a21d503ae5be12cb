"""The backtest: no look-ahead, correct scores, and unusual data."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import lstmcast
from lstmcast.api import backtest, train
from lstmcast.config import Config, load_config
from lstmcast.data.load import read
from lstmcast.data.panel import Panel
from lstmcast.errors import DataError, UsageError
from lstmcast.evaluation.backtest_result import BacktestResult
from lstmcast.evaluation.skill import SkillOutcome
from lstmcast.evaluation.splits import RollingOrigins
from lstmcast.forecasting.forecaster import MemberForecasts
from lstmcast.report.tables import format_backtest
from lstmcast.results import MemberName
from lstmcast.tasks.registry import get_task
from lstmcast.tasks.value import backtest as value_backtest
from lstmcast.tasks.value.backtest import baseline_forecasts, stack_origins
from lstmcast.tasks.value.refits import Refits

Write = Callable[..., Path]
Wave = Callable[[int, int], np.ndarray]

SMALL = {
    "train.init": "scratch",
    "train.epochs": 2,
    "train.steps_per_epoch": 4,
    "model.units": [4],
    "forecast.horizon": 6,
}


@pytest.fixture(scope="module")
def config() -> Config:
    """A configuration with which training is a matter of a second."""
    return load_config(None, SMALL)


@pytest.fixture(scope="module")
def scores(air_panel: Panel, config: Config) -> BacktestResult:
    """Three origins of the air passengers, six months ahead."""
    return backtest(air_panel, config, n_origins=3)


@pytest.fixture(scope="module")
def shops(tmp_path_factory: pytest.TempPathFactory, write_series: Write, waves: Wave) -> Panel:
    """Three daily series: one lacks a few days, one is constant, one is short."""
    holes = waves(120, 2)
    holes[[40, 104, 113]] = np.nan  # an ordinary day, one ahead of an origin, and an origin
    series = {"north": waves(120, 1), "holes": holes, "still": np.full(100, 7.0), "new": waves(15, 4)}
    return read(write_series(tmp_path_factory.mktemp("shops") / "shops.csv", series))


@pytest.fixture(scope="module")
def of_shops(shops: Panel, config: Config) -> BacktestResult:
    """Three origins of each shop."""
    return backtest(shops, config, n_origins=3)


@pytest.mark.slow
def test_the_first_forecast_is_that_of_a_model_trained_before_it(
    scores: BacktestResult, air_panel: Panel, config: Config
) -> None:
    """Train on what came before the first origin, predict: the same forecast and bounds."""
    forecast = train(air_panel.drop_last(18), config).predict()
    result = scores.by_method["lstmcast"]
    np.testing.assert_allclose(result.values[0, 0], forecast.values[0], rtol=1e-5)
    np.testing.assert_allclose(result.lower[:, 0, 0], forecast.lower[:, 0], rtol=1e-5)
    np.testing.assert_allclose(result.upper[:, 0, 0], forecast.upper[:, 0], rtol=1e-5)


@pytest.mark.slow
def test_what_came_is_the_end_of_the_series(scores: BacktestResult, air_panel: Panel) -> None:
    """Three times six months, without overlap, are the last eighteen; origins are the steps before them."""
    assert scores.actual[0].ravel().tolist() == air_panel.values[-18:].tolist()
    assert scores.origins.tolist() == [[125, 131, 137]]
    assert scores.by_method["naive"].values[0, :, 0].tolist() == air_panel.values[[125, 131, 137]].tolist()


def changed(panel: Panel) -> Panel:
    """An equal past with another last half year."""
    values = panel.values.copy()
    values[-6:] = [1.0, 9000, 2, 700, 3, 4]
    return replace(panel, values=values)


@pytest.mark.slow
def test_nothing_after_an_origin_is_seen(scores: BacktestResult, air_panel: Panel, config: Config) -> None:
    """Another future of the last origin: every forecast and bound stays, but for rounding; the outcomes do not."""
    other = backtest(changed(air_panel), config, n_origins=3)
    assert (other.actual[0, 2] != scores.actual[0, 2]).all()
    for method, result in scores.by_method.items():
        again = other.by_method[method]
        for before, after in ((result.values, again.values), (result.lower, again.lower), (result.upper, again.upper)):
            np.testing.assert_allclose(before, after, rtol=1e-12, err_msg=method)


@pytest.mark.slow
def test_trained_anew_at_each_origin(air_panel: Panel, config: Config) -> None:
    """With `refit` each origin has the forecast of a model trained on all before it and on nothing else."""
    notes: list[str] = []
    result = backtest(air_panel, config, n_origins=2, refit=True, note=notes.append).by_method["lstmcast"]
    for k, back in enumerate((12, 6)):
        forecast = train(air_panel.drop_last(back), config).predict()
        np.testing.assert_allclose(result.values[0, k], forecast.values[0], rtol=1e-4)
        np.testing.assert_allclose(result.upper[:, 0, k], forecast.upper[:, 0], rtol=1e-3)
    assert notes == ["trained 1 of 2", "trained 2 of 2"]


@pytest.mark.slow
def test_refits_continue_from_the_weights(air_panel: Panel, config: Config) -> None:
    """Two origins for each fit: the second fit is that of a job whose incumbent was the first one."""
    result = backtest(air_panel, config, n_origins=4, refit=12)
    first = train(air_panel.drop_last(24), config)
    second = get_task("value").train(air_panel.drop_last(12), config, start=first)
    own = result.by_method["lstmcast"]
    np.testing.assert_allclose(own.values[0, 0], first.predict().values[0], rtol=1e-5)
    np.testing.assert_allclose(own.values[0, 2], second.predict().values[0], rtol=1e-5)
    np.testing.assert_allclose(own.upper[:, 0, 2], second.predict().upper[:, 0], rtol=1e-4)
    assert (result.refit, result.fits, result.to_dict()["fits"]) == (False, 2, 2)
    assert "refitted 1 time, every 12 steps" in format_backtest(result)


@pytest.mark.slow
def test_refits_see_nothing_after_their_origin(air_panel: Panel, config: Config) -> None:
    """Another future of the last origin changes no forecast, bound or baseline."""
    plain, other = (backtest(panel, config, n_origins=3, refit=6) for panel in (air_panel, changed(air_panel)))
    assert plain.fits == 3
    for method, result in plain.by_method.items():
        np.testing.assert_allclose(result.values, other.by_method[method].values, rtol=1e-12, err_msg=method)
        np.testing.assert_allclose(result.upper, other.by_method[method].upper, rtol=1e-12, err_msg=method)


@pytest.mark.parametrize(
    ("refit", "fitted", "every"),
    [
        (False, [0, 0, 0, 0, 0], 0),
        (True, [0, 1, 2, 3, 4], 0),
        (12, [0, 0, 2, 2, 4], 12),
        ("7", [0, 0, 2, 2, 4], 7),
        (1, [0, 1, 2, 3, 4], 1),
        ("365d", [0, 0, 2, 2, 4], 12),
        ("4w", [0, 1, 2, 3, 4], 1),
        (1_000, [0, 0, 0, 0, 0], 1_000),
    ],
)
def test_origins_of_refits(air_panel: Panel, refit: bool | int | str, fitted: list[int], every: int) -> None:
    """Steps and durations are rounded up to origins, which are six months apart."""
    found = Refits.of(refit, air_panel, RollingOrigins(6, 5, 6))
    assert (found.fitted.tolist(), found.every) == (fitted, every)
    assert found.n_fits == len(set(fitted))
    assert found.is_cold == (refit is True)


@pytest.mark.parametrize("refit", [0, -1, "soon", "0d", "data.csv"])
def test_refits_of_no_duration_are_refused(air_panel: Panel, refit: int | str) -> None:
    """The message has an example."""
    with pytest.raises(UsageError, match="7d"):
        Refits.of(refit, air_panel, RollingOrigins(6, 5, 6))


def test_counted_rows_have_no_durations(air_panel: Panel) -> None:
    """A number of steps works."""
    counted = read(pd.DataFrame({"value": air_panel.values}))
    with pytest.raises(UsageError, match="number of steps"):
        Refits.of("7d", counted, RollingOrigins(6, 5, 6))
    assert Refits.of("7", counted, RollingOrigins(6, 5, 6)).every == 7


@pytest.mark.slow
@pytest.mark.parametrize("refit", [False, True])
def test_members_are_scored_alone(air_panel: Panel, refit: bool) -> None:
    """Each member by itself on the origins of the ensemble: the fixed weights give its forecasts, without a network.

    With a fixed weight and one preprocessing, the ensemble is the weighted mean of both members in logs.
    """
    settings = {**SMALL, "model.smoothing_weight": 0.25, "model.transform": "log"}
    found = backtest(air_panel, load_config(None, settings), n_origins=2, refit=refit)
    assert found.members == {"trained": pytest.approx(0.75), "smoothing": pytest.approx(0.25)}
    assert list(found.tables["all"])[:3] == ["lstmcast", "trained", "smoothing"]
    frame = found.to_frame().set_index(["method", "scope", "key", "metric"])["value"]
    assert frame["smoothing", "all", "", "mae"] == found.overall("smoothing", "mae") > 0
    assert not np.isfinite(found.overall("trained", "wql"))
    assert ("trained", "all", "", "coverage_80") not in frame.index
    first = train(air_panel.drop_last(12), load_config(None, settings))
    past = air_panel.drop_last(12)
    alone = first.at_by_member(past, np.array([0]), past.lengths - 1)
    mixed = 0.75 * np.log(alone.members[MemberName.TRAINED]) + 0.25 * np.log(alone.members[MemberName.SMOOTHING])
    np.testing.assert_allclose(np.log(alone.values), mixed, rtol=1e-6)
    by_origin = found.tables["origin"]["trained"]["mae"]
    error = np.abs(alone.members[MemberName.TRAINED][0] - air_panel.values[-12:-6]).mean()
    assert by_origin[0] == pytest.approx(error, rel=1e-3)


def test_a_member_of_some_origins_is_scored_on_these() -> None:
    """If the ensembles of two origins differ, a member is NaN at origins without it."""
    values, none = np.ones((1, 3)), np.empty((0, 1, 3))
    trained, smoothing = MemberName.TRAINED, MemberName.SMOOTHING
    first = MemberForecasts(values, none, none, {trained: values, smoothing: values}, {trained: 1.0})
    second = MemberForecasts(values, none, none, {smoothing: 2 * values}, {smoothing: 0.5})
    found = stack_origins([first, second])
    assert found.values.shape == (1, 2, 3)
    assert found.lower.shape == (0, 1, 2, 3)
    np.testing.assert_array_equal(found.members[trained][0], [[1, 1, 1], [np.nan] * 3])
    np.testing.assert_array_equal(found.members[smoothing][0, :, 0], [1, 2])
    assert found.weights == {trained: 0.5, smoothing: 0.25}


def test_baselines_calibrated_anew_see_nothing_after_their_origin(air_panel: Panel) -> None:
    """Bounds too stay to the byte when what follows the last origin changes; they differ from origin to origin."""
    folds = RollingOrigins(horizon=6, n_origins=3, step_size=6)
    found, other = (
        baseline_forecasts(panel, folds, (80.0, 95.0), folds.offsets_from_end)
        for panel in (air_panel, changed(air_panel))
    )
    for method, result in found.items():
        assert result.lower.tobytes() == other[method].lower.tobytes(), method
        assert result.upper.tobytes() == other[method].upper.tobytes(), method
        assert (np.diff(result.upper - result.values, axis=2) != 0).all(), method


@pytest.mark.slow
def test_a_failure_in_a_process_is_the_failure_it_is(air_panel: Panel) -> None:
    """Too little to learn from, found while training in another process: a DataError with what to change."""
    config = load_config(None, {**SMALL, "forecast.horizon": 12})
    with pytest.raises(
        DataError, match=r"before the first origin: a horizon of 12 requires .* or give fewer --n-origins"
    ):
        backtest(air_panel, config, n_origins=10, refit=True)


@pytest.mark.slow
def test_missing_outcomes_are_not_scored(of_shops: BacktestResult) -> None:
    """A short series is left out and counted; a missing day has no outcome, and a missing origin is not scored."""
    assert of_shops.panel.keys == (("north",), ("holes",), ("still",))
    assert of_shops.left_out == 1
    missing = np.isnan(of_shops.actual)
    assert np.argwhere(missing[1]).tolist() == [[0, 2], [1, 5], *([2, h] for h in range(6))]
    assert not missing[[0, 2]].any()
    assert of_shops.n_scored == 8


@pytest.mark.slow
def test_a_constant_series_breaks_nothing(of_shops: BacktestResult) -> None:
    """Its scaled scores are undefined, its others are exact; the JSON has null for what is undefined."""
    table = of_shops.tables["series"]["naive"]
    assert table["mae"][2] == 0
    assert np.isnan(table["mase"][2])
    assert np.isfinite(of_shops.overall("lstmcast", "mase"))
    plain = json.loads(json.dumps(of_shops.to_dict(), allow_nan=False))
    assert plain["scores"]["series"]["methods"]["naive"]["mase"][2] is None


@pytest.mark.slow
def test_nothing_but_a_constant(tmp_path: Path, write_series: Write, config: Config) -> None:
    """MASE, OWA and WQL may be undefined, and there is a verdict all the same."""
    panel = read(write_series(tmp_path / "x.csv", {"a": np.zeros(60)}))
    found = backtest(panel, config, n_origins=2)
    assert np.isnan(found.overall("lstmcast", "mase"))
    assert not found.skill.better
    assert found.skill.outcome is SkillOutcome.TIE


@pytest.mark.slow
def test_mase_divides_by_what_came_before_the_first_origin(scores: BacktestResult, air_panel: Panel) -> None:
    """The mean seasonal change of the first 126 months, for all origins alike."""
    past = air_panel.values[:126]
    scale = np.abs(past[12:] - past[:-12]).mean()
    for method in ("lstmcast", "naive", "Naive2"):
        errors = np.abs(scores.by_method[method].values - scores.actual)
        assert scores.overall(method, "mase") == pytest.approx(errors.mean() / scale)


@pytest.mark.slow
def test_methods_and_verdict(scores: BacktestResult) -> None:
    """The LSTM, every baseline, and Naive2; the skill is against the one with the least MASE."""
    assert list(scores.by_method) == ["lstmcast", "naive", "drift", "window_mean", "seasonal_naive", "Naive2"]
    best = min(list(scores.by_method)[1:], key=lambda name: scores.overall(name, "mase"))
    assert scores.skill.baseline == best
    assert scores.skill.value == pytest.approx(1 - scores.overall("lstmcast", "mase") / scores.overall(best, "mase"))
    assert scores.n_scored == 3


@pytest.mark.slow
def test_baselines_have_intervals_that_hold(tmp_path: Path, write_series: Write, waves: Wave, config: Config) -> None:
    """Twelve alike series: the conformal intervals of each baseline hold about what they promise, never below 0."""
    series = {f"s{k}": waves(150, k) - 80 for k in range(12)}
    found = backtest(read(write_series(tmp_path / "x.csv", series)), config, n_origins=6)
    for method in ("naive", "window_mean", "seasonal_naive"):
        assert found.overall(method, "coverage_80") == pytest.approx(0.8, abs=0.1)
        assert found.overall(method, "coverage_95") == pytest.approx(0.95, abs=0.06)
        assert (found.by_method[method].lower >= 0).all()
    assert np.isfinite(found.overall("naive", "wql"))


@pytest.mark.slow
def test_a_later_zero_rules_out_logs(air_panel: Panel, config: Config) -> None:
    """With a zero after the first origin, square roots are used from the start, and a note is added."""
    values = air_panel.values.copy()
    values[-10] = 0.0
    found = backtest(replace(air_panel, values=values), config, n_origins=3)
    assert found.notes == ("values after the first origin are 0: model.transform is sqrt",)
    assert np.isfinite(found.by_method["lstmcast"].values).all()


def test_a_backtest_without_outcomes_is_refused(air_panel: Panel, config: Config) -> None:
    """Without an observed origin, or a value after it, no training begins."""
    observed = np.arange(144) < 120
    with pytest.raises(DataError, match="no origin can be scored"):
        backtest(replace(air_panel, observed=observed), config, n_origins=3)


@pytest.mark.slow
def test_classical_methods_are_included(air_panel: Panel, config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each method uses only its own past; one that fails on a series is scored on the others, with a note."""

    def fit_all(tasks: list, **_: object) -> np.ndarray:
        rows = [np.full((5, task.horizon), task.history[-1] + {"ets": 0, "arima": 1000}[task.method]) for task in tasks]
        rows[0][:] = np.nan
        return np.stack(rows)

    monkeypatch.setattr(value_backtest, "require", lambda _: None)
    monkeypatch.setattr("lstmcast.tasks.value.backtest.fit_all", fit_all)
    found = backtest(air_panel, config, n_origins=3, classical=["ets", "arima", "ets"])
    assert list(found.by_method)[-2:] == ["AutoETS", "AutoARIMA"]
    naive = found.by_method["naive"].values
    np.testing.assert_array_equal(found.by_method["AutoETS"].values[0, 1:], naive[0, 1:])
    np.testing.assert_array_equal(found.by_method["AutoARIMA"].lower[1], naive + 1000)
    assert found.notes == ("AutoETS failed at 1 of 3 origins (too short a history, for example); scored on the rest",)
    errors = np.abs(naive - found.actual)[0, 1:]
    assert found.overall("AutoETS", "mae") == pytest.approx(errors.mean())


@pytest.mark.slow
def test_without_intervals_and_without_a_second_fit(scores: BacktestResult, air_panel: Panel) -> None:
    """Without levels there are no bounds, coverage or WQL; the scored network forecasts from every origin."""
    config = load_config(None, {**SMALL, "forecast.levels": [], "train.refit_on_all_data": False})
    found = backtest(air_panel, config, n_origins=3)
    assert found.by_method["lstmcast"].lower.shape == (0, 1, 3, 6)
    assert np.isnan(found.overall("lstmcast", "wql"))
    assert not any(metric.startswith("coverage") for metric in found.tables["all"]["lstmcast"])
    past = train(air_panel.drop_last(18), config)
    np.testing.assert_allclose(found.by_method["lstmcast"].values[0, 0], past.predict().values[0], rtol=1e-5)
    assert (found.by_method["lstmcast"].values != scores.by_method["lstmcast"].values).all()


def test_a_missing_extra_is_reported_before_training(air_panel: Panel, config: Config) -> None:
    """An unknown classical method ends at once."""
    with pytest.raises(UsageError, match="must be of ets, theta, arima"):
        backtest(air_panel, config, classical=["prophet"])


def test_the_public_name_is_the_function() -> None:
    """`lstmcast.backtest` stays callable after the rooms it lives in were imported."""
    assert lstmcast.backtest is backtest
