"""Pretrained members of an ensemble: weights, limits, borrowed interval widths."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lstmcast.api import train
from lstmcast.calibration.conformal import unit_calibration
from lstmcast.config import load_config
from lstmcast.data.load import read
from lstmcast.data.panel import Panel
from lstmcast.data.schema import ReadOptions
from lstmcast.errors import UsageError
from lstmcast.explain.explanation import explain
from lstmcast.forecasting.codec import from_artifact, to_artifact
from lstmcast.forecasting.ensemble.ensemble import Ensemble
from lstmcast.forecasting.ensemble.intervals import intervals
from lstmcast.forecasting.ensemble.members import LstmMember
from lstmcast.forecasting.ensemble.weights import EnsembleWeights
from lstmcast.forecasting.forecaster import Forecaster
from lstmcast.preprocessing.panel_scaling import Polyphase
from lstmcast.report.explanation_text import method, to_dict
from lstmcast.results import MemberName

TINY = {"train.epochs": 2, "train.steps_per_epoch": 4, "model.units": [4], "train.init": "auto"}


@pytest.fixture(scope="module")
def both(air_panel: Panel) -> Forecaster:
    """A short training, in an ensemble with pretrained networks."""
    return train(air_panel, load_config(None, TINY))


def zero_shot_weight(ensemble: Ensemble) -> float:
    """Weight of all members but the trained LSTM."""
    return sum(ensemble.weights.fixed[1:])


def smoothing_weight(ensemble: Ensemble) -> float:
    """Fixed weight of exponential smoothing."""
    each = zip(ensemble.members, ensemble.weights.fixed, strict=True)
    return sum(weight for member, weight in each if member.name is MemberName.SMOOTHING)


def zero_shot(model: Forecaster, ensemble: Ensemble | None = None) -> Ensemble:
    """All members but the trained LSTM, with the intervals that they lend."""
    ensemble = ensemble or model.ensemble
    first = next(k for k, member in enumerate(ensemble.members) if member.preprocessing == 1)
    rule = ensemble.interval_source.weights if ensemble.interval_source else ensemble.weights
    rest = sum(rule.fixed[first:])
    weights = replace(rule, fixed=tuple(weight / rest for weight in rule.fixed[first:]))
    members = tuple(replace(member, preprocessing=member.preprocessing - 1) for member in ensemble.members[first:])
    source = ensemble.interval_source and replace(ensemble.interval_source, weights=weights)
    return Ensemble(ensemble.preprocessings[1:], members, weights, source)


def alone(ensemble: Ensemble, k: int, smoothing: float | None = None) -> Ensemble:
    """The members on one preprocessing, with their own or another fraction of exponential smoothing."""
    own = [m for m, member in enumerate(ensemble.members) if member.preprocessing == k]
    lstm = next(ensemble.members[m] for m in own if isinstance(ensemble.members[m], LstmMember))
    assert isinstance(lstm, LstmMember)
    weights = [ensemble.weights.fixed[m] for m in own]
    fraction = sum(weights[1:]) / sum(weights) if smoothing is None else smoothing
    return Ensemble.of_lstm(ensemble.preprocessings[k], replace(lstm, preprocessing=0), fraction)


@pytest.mark.slow
def test_a_hasty_network_leaves_most_to_the_pretrained_ones(both: Forecaster) -> None:
    """Their weight follows from the validation errors, and is the same before and after the refit."""
    without = {MemberName.DRIVERS, MemberName.DIRECT}  # as there are neither covariates nor years of days
    assert [member.name for member in both.ensemble.members] == [name for name in MemberName if name not in without]
    assert both.holdout_ensemble.weights == both.ensemble.weights
    assert 0.5 < zero_shot_weight(both.ensemble) < 1
    weights = both.report.evaluation.member_weights
    assert weights[MemberName.TRAINED] == pytest.approx(both.ensemble.weights.fixed[0])
    assert sum(weights.values()) == pytest.approx(1)


def expected_zero_shot_weight(model: Forecaster, panel: Panel, prior: float) -> float:
    """Weight of all members but the trained LSTM, by a loop over the origins where training stops."""
    holdout, here = model.report.holdout, np.array([0])
    known, horizon = panel.drop_last(holdout.test_steps), model.horizon
    last = int(known.lengths[0]) - 1
    stopping = range(last - holdout.validation_steps, last - horizon + 1)
    assert len(stopping) > 1

    def rmse(ensemble: Ensemble) -> float:
        running, found = ensemble.bind(known), []
        for origin in stopping:
            forecast = running.inverse_transform(running.forecast(here, np.array([origin]), horizon).z, here)[0]
            found.append(np.abs(forecast - known.values[origin + 1 : origin + 1 + horizon]).mean())
        return float(np.sqrt(np.square(found).mean()))

    fitted, exponent = model.holdout_ensemble, 4 * np.log10(len(stopping))
    errors = np.array([rmse(alone(fitted, 0, 0)), rmse(zero_shot(model, fitted))])
    weights = np.array([1, prior]) / errors**exponent
    return float(weights[1] / weights.sum())


@pytest.mark.slow
def test_both_groups_count_by_their_errors_the_more_the_more_origins_there_are(
    both: Forecaster, air_panel: Panel
) -> None:
    """The trained LSTM, and all other members together."""
    expected = expected_zero_shot_weight(both, air_panel, 14)
    assert zero_shot_weight(both.holdout_ensemble) == pytest.approx(expected)


@pytest.mark.slow
def test_a_direct_network_that_reads_covariates_counts_more() -> None:
    """With many origins; with few, or if it is recursive, it counts as any trained LSTM."""
    rng, steps = np.random.default_rng(0), np.arange(414)
    days = pd.date_range("2024-01-01", periods=len(steps)).strftime("%Y-%m-%d")
    heat = rng.normal(20, 5, len(steps))
    load = np.where(steps < 400, 100 + 3 * heat + 10 * (steps % 7 > 4) + rng.normal(size=len(steps)), np.nan)
    table = pd.DataFrame({"date": days, "load": load, "heat": heat})
    for rows, strategy, prior in ((table, "direct", 2), (table, "recursive", 14), (table[200:], "direct", 14)):
        panel = read(rows)
        model = train(panel, load_config(None, {**TINY, "model.strategy": strategy}))
        found, expected = zero_shot_weight(model.holdout_ensemble), expected_zero_shot_weight(model, panel, prior)
        odds, expected_odds = (np.log(weight / (1 - weight)) for weight in (found, expected))
        assert odds == pytest.approx(expected_odds, abs=0.2)  # origins share fits of the regression


@pytest.mark.slow
def test_one_stopping_origin_decides_nothing(air_panel: Panel) -> None:
    """Then the trained LSTM counts one fifteenth, whatever the errors."""
    short = train(air_panel.drop_last(84), load_config(None, TINY))
    assert short.ensemble.weights.fixed[0] == pytest.approx(1 / 15)


@pytest.mark.slow
def test_fewer_values_than_phases_have_weights(tmp_path: Path) -> None:
    """Eleven values of five minutes, of whose hours twelve series are made: a part of one value is one."""
    rows = [f"2024-01-01 00:{5 * k:02d},{10 + k % 4}" for k in range(11)]
    (tmp_path / "five.csv").write_text("\n".join(["t,y", *rows]) + "\n")
    few = read(tmp_path / "five.csv", ReadOptions(season_length=288))
    model = train(few, load_config(None, TINY | {"forecast.horizon": 1}))
    assert model.ensemble.preprocessings[1].polyphase.count == 12
    assert 0 < smoothing_weight(model.ensemble) < 1


@pytest.mark.slow
def test_a_pinned_smoothing_weight_is_kept(air_panel: Panel) -> None:
    """Then only the two groups of networks are weighed."""
    pinned = train(air_panel, load_config(None, TINY | {"model.smoothing_weight": 0.1}))
    assert smoothing_weight(pinned.ensemble) == pytest.approx(0.1)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "k", "smoothing"),
    [(MemberName.TRAINED, 0, 0), (MemberName.PRETRAINED, 1, 0), (MemberName.SMOOTHING, 1, 1)],
)
def test_every_member_is_scored_by_itself(
    both: Forecaster, air_panel: Panel, name: MemberName, k: int, smoothing: float
) -> None:
    """The mean error of one member over the test origins, without the others."""
    bound, held = alone(both.holdout_ensemble, k, smoothing).bind(air_panel), both.holdout
    origins = held.positions - air_panel.starts[held.series]
    forecast = bound.inverse_transform(bound.forecast(held.series, origins, held.actual.shape[1]).z, held.series)
    assert both.report.evaluation.members[name]["mae"] == pytest.approx(np.abs(forecast - held.actual).mean())


@pytest.mark.slow
def test_the_forecast_is_the_mean_of_both_in_logs(both: Forecaster, air_panel: Panel) -> None:
    """With a weight of w, log f is (1 − w)·log of one and w·log of the other."""
    where, weight = (np.array([0]), air_panel.lengths - 1), zero_shot_weight(both.ensemble)
    own, other = (
        running.inverse_transform(running.forecast(*where, 12).z, where[0])
        for running in (each.bind(air_panel) for each in (alone(both.ensemble, 0), zero_shot(both)))
    )
    free = replace(both, ensemble=replace(both.ensemble, max_deviation=None))
    forecast = free.at(air_panel, *where)[0]
    assert np.log(forecast) == pytest.approx((1 - weight) * np.log(own) + weight * np.log(other))


@pytest.mark.slow
def test_a_loaded_model_gives_the_saved_forecast(both: Forecaster, tmp_path: Path) -> None:
    """The pretrained networks are kept in the version: a later lstmcast, with others, changes nothing."""
    version = both.save(tmp_path, "air")
    assert (version / "pretrained_weights.safetensors").exists()
    loaded = Forecaster.load("air", tmp_path)
    assert loaded.predict().render(".csv") == both.predict().render(".csv")


def pretrained_forecast(model: Forecaster, panel: Panel, steps: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The forecast of the pretrained networks alone, [1, H], and the bounds of their own intervals, [Q, 1, H]."""
    bound, here = zero_shot(model).bind(panel), np.array([0])
    forecast = bound.forecast(here, panel.lengths - 1, steps)
    source = model.ensemble.interval_source
    assert source is not None
    middle = bound.inverse_transform(forecast.z, here)
    lower, upper = intervals(bound, forecast, unit_calibration(source.calibration), here, panel.lengths - 1)
    return middle, lower, middle * np.exp(log_width(upper / middle))


def log_width(ratio: np.ndarray) -> np.ndarray:
    """The width w in logs of an upper bound that is 1 + w + w²/2 times the forecast."""
    return np.asarray(np.sqrt(2 * ratio - 1) - 1)


@pytest.mark.slow
def test_where_little_is_held_out_intervals_are_shaped_by_the_pretrained_ones(
    both: Forecaster, air_panel: Panel
) -> None:
    """In logs, each half width is a multiple of the pretrained one; 28 held-out steps have a weight of a quarter."""
    middle, lower, upper = pretrained_forecast(both, air_panel, 12)
    forecast, times = both.predict(air_panel), both.calibration.widths
    down, up = np.maximum(forecast.values, middle) / lower[:, 0], upper[:, 0] / np.minimum(forecast.values, middle)
    np.testing.assert_allclose(np.log(forecast.values / forecast.lower[:, 0]), times * np.log(down))
    np.testing.assert_allclose(log_width(forecast.upper[:, 0] / forecast.values), times * np.log(up))
    assert both.report.evaluation.calibration_weight == pytest.approx((28 / 12) / (28 / 12 + 6))


@pytest.mark.slow
def test_beyond_the_horizon_intervals_widen_as_the_pretrained_ones(both: Forecaster, air_panel: Panel) -> None:
    """The width of the last step stays; what it multiplies grows by itself."""
    middle, _, upper = pretrained_forecast(both, air_panel, 60)
    forecast = both.predict(air_panel, 60)
    halves = log_width(forecast.upper[1, 0] / forecast.values[0])[12:]
    typical = both.calibration.widths[1, -1] * np.log(upper[1, 0] / np.minimum(forecast.values, middle)[0])[12:]
    np.testing.assert_allclose(halves, typical)


def many(panel: Panel) -> Panel:
    """The airline series eight times, so that many horizons are held out."""
    keys, n = tuple((str(k),) for k in range(8)), len(panel.values)
    return replace(
        panel,
        columns=replace(panel.columns, series=("id",)),
        keys=keys,
        values=np.tile(panel.values, 8),
        observed=np.tile(panel.observed, 8),
        offsets=np.arange(9) * n,
        starts=np.tile(panel.starts, 8),
    )


def touched(panel: Panel) -> Panel:
    """With a zero: pretrained networks see such a series as it is, and its bounds end at the floor."""
    return replace(panel, values=np.where(np.arange(len(panel.values)) == 20, 0.0, panel.values))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("data", "requested"),
    [
        (lambda panel: panel, {"forecast.levels": [50, 90]}),
        (lambda panel: panel, {"forecast.horizon": 1}),
        (many, {}),
        (touched, {}),
    ],
)
def test_else_they_are_those_of_the_held_out_origins(
    air_panel: Panel, data: Callable[[Panel], Panel], requested: dict[str, object]
) -> None:
    """Other levels, 16 or more held-out horizons, or a value that is not positive."""
    own = train(data(air_panel), load_config(None, TINY | requested))
    scratch = train(data(air_panel), load_config(None, ALONE | requested))
    assert [len(model.ensemble.preprocessings) for model in (own, scratch)] == [3, 1]
    for model in (own, scratch):
        assert model.ensemble.interval_source is None
        assert model.report.evaluation.calibration_weight == 1


ALONE = TINY | {"train.init": "scratch"}


@pytest.fixture(scope="module")
def scratch_model(air_panel: Panel) -> Forecaster:
    """A network from scratch on one short series."""
    return train(air_panel, load_config(None, ALONE))


@pytest.mark.slow
def test_intervals_of_a_network_from_scratch_borrow_pretrained_widths(
    scratch_model: Forecaster, air_panel: Panel
) -> None:
    """The forecast is the network's and smoothing's alone, to the bit; the bounds are so many times theirs."""
    forecast, times = scratch_model.predict(air_panel), scratch_model.calibration.widths
    own = replace(scratch_model, ensemble=alone(scratch_model.ensemble, 0)).predict(air_panel)
    np.testing.assert_array_equal(forecast.values, own.values)
    middle, lower, upper = pretrained_forecast(scratch_model, air_panel, 12)
    down, up = np.maximum(forecast.values, middle) / lower[:, 0], upper[:, 0] / np.minimum(forecast.values, middle)
    np.testing.assert_allclose(np.log(forecast.values / forecast.lower[:, 0]), times * np.log(down))
    np.testing.assert_allclose(log_width(forecast.upper[:, 0] / forecast.values), times * np.log(up))


@pytest.mark.slow
def test_only_the_calibration_weight_is_reported(scratch_model: Forecaster) -> None:
    """Pretrained members have no weight in the forecast and are not evaluated."""
    evaluation = scratch_model.report.evaluation
    assert evaluation.calibration_weight == pytest.approx((28 / 12) / (28 / 12 + 6))
    assert MemberName.PRETRAINED not in evaluation.member_weights
    assert MemberName.PRETRAINED not in evaluation.members


@pytest.mark.slow
def test_such_a_version_is_read_and_explained(scratch_model: Forecaster, air_panel: Panel, tmp_path: Path) -> None:
    """The bounds are restored, and the explanation contains no pretrained member."""
    scratch_model.save(tmp_path, "air")
    assert Forecaster.load("air", tmp_path).predict().render(".csv") == scratch_model.predict().render(".csv")
    found = explain(scratch_model, air_panel)
    assert MemberName.PRETRAINED not in found.weights
    assert "pretrained" not in method(found)


@pytest.fixture(scope="module")
def bound(both: Forecaster) -> Forecaster:
    """A model whose trained network may not deviate from the pretrained ones at the first six steps."""
    return replace(both, ensemble=replace(both.ensemble, max_deviation=np.repeat([1e-3, 1e3], 6)))


@pytest.mark.slow
def test_the_deviation_from_pretrained_forecasts_is_limited(air_panel: Panel) -> None:
    """Nearly all forecasts at the 13 stopping origins, by the same networks, lie no further from theirs than that."""
    half = train(air_panel, load_config(None, TINY | {"forecast.horizon": 6}))
    deviation = half.holdout_ensemble.max_deviation
    assert deviation is not None
    held = half.report.holdout
    known = air_panel.drop_last(held.test_steps)
    last = int(known.lengths[0]) - 1
    origins = np.arange(last - held.validation_steps, last - 5)
    found = half.holdout_ensemble.bind(known).forecast(np.zeros_like(origins), origins, 6).deviation
    assert found is not None
    assert np.mean(np.abs(found) <= deviation) == pytest.approx(0.95, abs=0.03)


@pytest.mark.slow
def test_a_network_that_strays_is_held_back(both: Forecaster, bound: Forecaster, air_panel: Panel) -> None:
    """At a limited step the forecast is the pretrained one plus the weighted maximum deviation."""
    here, last = np.array([0]), air_panel.lengths - 1
    free, held = (model.ensemble.bind(air_panel).forecast(here, last, 12) for model in (both, bound))
    assert free.deviation is not None
    weight = 1 - zero_shot_weight(both.ensemble)
    rest = free.z - weight * free.deviation
    np.testing.assert_allclose(held.z[:, :6], (rest + weight * 1e-3 * np.sign(free.deviation))[:, :6], rtol=1e-12)
    np.testing.assert_allclose(held.z[:, 6:], free.z[:, 6:], rtol=1e-12)


@pytest.mark.slow
def test_pretrained_networks_are_not_held_back(both: Forecaster, bound: Forecaster, air_panel: Panel) -> None:
    """The limit does not apply to the members that lend the interval widths."""
    source = bound.ensemble.interval_source
    assert source is not None
    here, last = np.array([0]), air_panel.lengths - 1
    free, limited = (
        replace(model.ensemble, weights=source.weights).bind(air_panel).forecast(here, last, 12)
        for model in (both, bound)
    )
    np.testing.assert_array_equal(limited.z, free.z)
    np.testing.assert_array_equal(limited.below, free.below)
    np.testing.assert_array_equal(limited.above, free.above)


@pytest.mark.slow
def test_beyond_the_horizon_it_may_lie_further(bound: Forecaster) -> None:
    """As intervals grow: twice as far at four times the horizon."""
    assert bound.ensemble.deviation_limit(48)[[5, 11, 47]] == pytest.approx([1e-3, 1e3, 2e3])
    assert np.isinf(replace(bound.ensemble, max_deviation=None).deviation_limit(5)).all()


@pytest.mark.slow
def test_optional_arrays_may_be_missing(bound: Forecaster) -> None:
    """A version holds limit and interval source where there are some, for both fits."""
    now = from_artifact(*to_artifact(bound))
    for ensemble in (now.ensemble, now.holdout_ensemble):
        assert ensemble.interval_source is not None
        np.testing.assert_array_equal(ensemble.max_deviation, bound.ensemble.max_deviation)
    plain = replace(bound, ensemble=replace(bound.ensemble, interval_source=None, max_deviation=None))
    before = from_artifact(*to_artifact(plain)).ensemble
    assert (before.interval_source, before.max_deviation) == (None, None)


@pytest.fixture(scope="module")
def unlike(air_panel: Panel) -> Forecaster:
    """A network on untransformed values, in an ensemble with pretrained ones on logs."""
    return train(air_panel, load_config(None, TINY | {"model.transform": "none"}))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["both", "unlike", "bound"])
def test_all_members_are_explained(name: str, air_panel: Panel, request: pytest.FixtureRequest) -> None:
    """Attributions sum to the change of the forecast; the weights of all members are included."""
    model: Forecaster = request.getfixturevalue(name)
    found = explain(model, air_panel)
    np.testing.assert_array_equal(found.forecast.values, model.predict(air_panel).values)
    np.testing.assert_allclose(found.attribution.sum(axis=1), found.forecast.values[0] - found.reference, rtol=2e-3)
    assert found.error < 1e-3
    assert found.weights[MemberName.TRAINED] == pytest.approx(model.ensemble.weights.fixed[0])
    assert sum(found.weights.values()) == pytest.approx(1)
    assert f"{found.weights[MemberName.PRETRAINED]:.0%}" in method(found)
    assert to_dict(found)["members"]["pretrained"] == found.weights[MemberName.PRETRAINED]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["both", "unlike", "bound"])
def test_their_effects_are_quotients_of_differences(
    name: str,
    air_panel: Panel,
    moved_by: Callable[[Forecaster, Panel, int], float],
    request: pytest.FixtureRequest,
) -> None:
    """Moving one value by a small part of a usual step moves the forecast of both groups by that part of its effect."""
    model: Forecaster = request.getfixturevalue(name)
    weight = zero_shot_weight(model.ensemble)
    weights = EnsembleWeights((1 - weight, weight, 0.0, 0.0, 0.0))
    selected = replace(model, ensemble=replace(model.ensemble, weights=weights))
    effect = explain(selected, air_panel).effect
    for back in (1, 2, 13):
        assert effect[-back] == pytest.approx(moved_by(selected, air_panel, back), rel=0.02, abs=1e-3)


@pytest.mark.slow
def test_steps_forecast_apart_are_not_explained(both: Forecaster, air_panel: Panel) -> None:
    """A pretrained forecast of every second step cannot be explained, and the message contains the reason."""
    first, *rest = both.ensemble.preprocessings
    split = (replace(each, polyphase=Polyphase(2)) for each in rest)
    apart = replace(both.ensemble, preprocessings=(first, *split))
    with pytest.raises(UsageError, match=r"train\.init: scratch"):
        explain(replace(both, ensemble=apart), air_panel)
