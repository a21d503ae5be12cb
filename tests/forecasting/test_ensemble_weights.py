"""Pretrained networks that speak beside those of a training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lstmcast.config import load_config
from lstmcast.data.load import read
from lstmcast.data.panel import Panel
from lstmcast.data.schema import ReadOptions
from lstmcast.errors import UsageError
from lstmcast.explain.explanation import explain
from lstmcast.forecasting.codec import from_artifact, to_artifact
from lstmcast.forecasting.forecaster import Forecaster
from lstmcast.forecasting.pipeline import EnsembleMember, ForecastPipeline
from lstmcast.preprocessing.polyphase import Polyphase
from lstmcast.report.explanation_text import method, to_dict
from lstmcast.results import MemberName
from lstmcast.tasks.value.train import train

TINY = {"train.epochs": 2, "train.steps_per_epoch": 4, "model.units": [4], "train.init": "auto"}


@pytest.fixture(scope="module")
def both(air_panel: Panel) -> Forecaster:
    """A hasty network, and pretrained ones beside it."""
    return train(air_panel, load_config(None, TINY))


@pytest.mark.slow
def test_a_hasty_network_leaves_most_to_the_pretrained_ones(both: Forecaster) -> None:
    """Their share follows from the errors where training stops, and is told."""
    assert both.pipeline.partner is not None
    assert both.holdout_pipeline.partner is not None
    assert both.holdout_pipeline.partner.weight == both.pipeline.partner.weight
    assert 0.5 < both.pipeline.partner.weight < 1
    weights = both.report.evaluation.member_weights
    networks = 1 - both.pipeline.smoothing_weight
    assert weights[MemberName.PRETRAINED] == pytest.approx(networks * both.pipeline.partner.weight)
    assert sum(weights.values()) == pytest.approx(1)


def equal(known: int) -> np.ndarray:
    """[3] how much own networks, pretrained ones of months, and smoothing count that are equally wrong."""
    smoothing = (3 / 7 + known**2 / (known**2 + 60**2)) / 2
    return np.array([1, 14 * (1 - smoothing), 14 * smoothing])


@pytest.mark.slow
def test_each_of_three_counts_by_its_error_the_more_the_more_origins_there_are(
    both: Forecaster, air_panel: Panel
) -> None:
    """By a loop over the origins where training stops, each by the root of its mean square error."""
    assert both.holdout_pipeline.partner is not None
    judge, steps = both.report.holdout.test_steps, both.report.holdout.validation_steps
    known = air_panel.drop_last(judge)
    last, here = int(known.lengths[0]) - 1, np.array([0])
    stopping = range(last - steps, last - 11)
    assert len(stopping) > 1

    def off(runner: ForecastPipeline, smoothing: float) -> float:
        running, found = replace(runner, smoothing_weight=smoothing, partner=None).bind(known), []
        for origin in stopping:
            said = running.inverse_transform(running.forecast(here, np.array([origin]), 12).z, here)[0]
            found.append(np.abs(said - known.values[origin + 1 : origin + 13]).mean())
        return float(np.sqrt(np.square(found).mean()))

    own, other = both.holdout_pipeline, both.holdout_pipeline.partner.pipeline
    trust = 4 * np.log10(len(stopping))
    weights = equal(144) / np.array([off(own, 0), off(other, 0), off(own, 1)]) ** trust
    assert own.smoothing_weight == other.smoothing_weight == pytest.approx(weights[2] / weights.sum())
    assert both.holdout_pipeline.partner.weight == pytest.approx(weights[1] / weights[:2].sum())
    assert both.pipeline.smoothing_weight == both.pipeline.partner.pipeline.smoothing_weight == own.smoothing_weight


@pytest.mark.slow
def test_one_stopping_origin_decides_nothing(air_panel: Panel) -> None:
    """Then the network counts one fifteenth, and smoothing the more the longer the series is, whatever their errors."""
    short = train(air_panel.drop_last(84), load_config(None, TINY))
    assert short.pipeline.partner is not None
    own, other, smoothing = equal(60)
    assert short.pipeline.smoothing_weight == pytest.approx(smoothing / 15)
    assert short.pipeline.partner.weight == pytest.approx(other / (own + other))


@pytest.mark.slow
def test_fewer_values_than_phases_have_shares_too(tmp_path: Path) -> None:
    """Eleven values of five minutes, of whose hours twelve series are made: a part of one value is one."""
    rows = [f"2024-01-01 00:{5 * k:02d},{10 + k % 4}" for k in range(11)]
    (tmp_path / "five.csv").write_text("\n".join(["t,y", *rows]) + "\n")
    few = read(tmp_path / "five.csv", ReadOptions(season_length=288))
    model = train(few, load_config(None, TINY | {"forecast.horizon": 1}))
    assert model.pipeline.partner is not None
    assert model.pipeline.partner.pipeline.phases.count == 12
    assert 0 < model.pipeline.smoothing_weight < 1


@pytest.mark.slow
def test_a_pinned_share_of_smoothing_stays(air_panel: Panel) -> None:
    """Then only the two groups of networks are weighed."""
    pinned = train(air_panel, load_config(None, TINY | {"model.smoothing_weight": 0.1}))
    assert pinned.pipeline.partner is not None
    assert (pinned.pipeline.smoothing_weight, pinned.pipeline.partner.pipeline.smoothing_weight) == (0.1, 0.1)


@pytest.mark.slow
def test_what_they_do_alone_stands_beside_the_whole(both: Forecaster, air_panel: Panel) -> None:
    """The mean error of the pretrained networks over the judging origins, by themselves."""
    assert both.holdout_pipeline.partner is not None
    other, held = both.holdout_pipeline.partner.pipeline.bind(air_panel), both.holdout
    origins = held.positions - air_panel.starts[held.series]
    said = other.inverse_transform(other.forecast(held.series, origins, held.actual.shape[1]).z, held.series)
    alone = both.report.evaluation.members[MemberName.PRETRAINED]["mae"]
    assert alone == pytest.approx(np.abs(said - held.actual).mean())


@pytest.mark.slow
def test_so_does_what_those_of_the_training_do(both: Forecaster, air_panel: Panel) -> None:
    """The mean error of the trained network, as it would be judged without the others."""
    own, held = replace(both.holdout_pipeline, partner=None).bind(air_panel), both.holdout
    origins = held.positions - air_panel.starts[held.series]
    said = own.inverse_transform(own.forecast(held.series, origins, held.actual.shape[1]).z, held.series)
    assert both.report.evaluation.members[MemberName.TRAINED]["mae"] == pytest.approx(np.abs(said - held.actual).mean())


@pytest.mark.slow
def test_the_forecast_is_the_mean_of_both_in_logs(both: Forecaster, air_panel: Panel) -> None:
    """With a share of s, log f is (1 − s)·log of one and s·log of the other."""
    beside = both.pipeline.partner
    assert beside is not None
    where = np.array([0]), air_panel.lengths - 1
    alone, other = (
        running.inverse_transform(running.forecast(*where, 12).z, where[0])
        for running in (replace(both.pipeline, partner=None).bind(air_panel), beside.pipeline.bind(air_panel))
    )
    said = both.at(air_panel, *where)[0]
    assert np.log(said) == pytest.approx((1 - beside.weight) * np.log(alone) + beside.weight * np.log(other))


@pytest.mark.slow
def test_saved_and_loaded_it_says_the_same(both: Forecaster, tmp_path: Path) -> None:
    """The pretrained networks are kept in the version: a later lstmcast, with others, changes nothing."""
    version = both.save(tmp_path, "air")
    assert (version / "beside.safetensors").exists()
    loaded = Forecaster.load("air", tmp_path)
    assert loaded.predict().render(".csv") == both.predict().render(".csv")


def theirs(model: Forecaster, panel: Panel, steps: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What pretrained networks say alone of one series, [1, H], and the bounds of their own intervals, [Q, 1, H]."""
    beside, here = model.pipeline.partner, np.array([0])
    assert beside is not None
    assert beside.intervals is not None
    other = beside.pipeline.bind(panel)
    said = other.forecast(here, panel.lengths - 1, steps)
    return other.inverse_transform(said.z, here), *other.intervals(said, beside.intervals, here)


@pytest.mark.slow
def test_where_little_is_held_out_intervals_are_shaped_by_the_pretrained_ones(
    both: Forecaster, air_panel: Panel
) -> None:
    """In logs each half is so many times theirs, around either forecast; 28 steps held out tell a quarter."""
    middle, lower, upper = theirs(both, air_panel, 12)
    forecast, times = both.predict(air_panel), both.calibration.widths
    down, up = np.maximum(forecast.values, middle) / lower[:, 0], upper[:, 0] / np.minimum(forecast.values, middle)
    np.testing.assert_allclose(np.log(forecast.values / forecast.lower[:, 0]), times * np.log(down))
    np.testing.assert_allclose(np.log(forecast.upper[:, 0] / forecast.values), times * np.log(up))
    assert both.report.evaluation.calibration_weight == pytest.approx((28 / 12) / (28 / 12 + 6))


@pytest.mark.slow
def test_beyond_the_horizon_of_training_they_widen_as_theirs_do(both: Forecaster, air_panel: Panel) -> None:
    """The width of the last step stays; what it multiplies grows by itself."""
    middle, _, upper = theirs(both, air_panel, 60)
    forecast = both.predict(air_panel, 60)
    halves = np.log(forecast.upper[1, 0] / forecast.values[0])[12:]
    usual = both.calibration.widths[1, -1] * np.log(upper[1, 0] / np.minimum(forecast.values, middle)[0])[12:]
    free = halves < usual - 1e-9  # cut: far above all that has been
    np.testing.assert_allclose(halves[~free], usual[~free])
    assert (~free).any()


def many(panel: Panel) -> Panel:
    """The same series eight times: their held-out horizons are many."""
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
    ("data", "asked"),
    [
        (lambda panel: panel, {"forecast.levels": [50, 90]}),
        (lambda panel: panel, {"forecast.horizon": 1}),
        (many, {}),
        (touched, {}),
    ],
)
def test_else_they_are_those_of_the_held_out_origins(
    air_panel: Panel, data: Callable[[Panel], Panel], asked: dict[str, object]
) -> None:
    """Where other levels are asked for, 16 horizons or more are held out, or a value is not positive."""
    own = train(data(air_panel), load_config(None, TINY | asked))
    assert own.pipeline.partner is not None
    assert own.pipeline.partner.intervals is None
    alone = train(data(air_panel), load_config(None, ALONE | asked))
    assert alone.pipeline.partner is None
    for model in (own, alone):
        assert model.report.evaluation.calibration_weight == 1


ALONE = TINY | {"train.init": "scratch"}


@pytest.fixture(scope="module")
def leaning(air_panel: Panel) -> Forecaster:
    """A network from scratch on one short series."""
    return train(air_panel, load_config(None, ALONE))


@pytest.mark.slow
def test_intervals_of_a_network_from_scratch_lean_on_them_too(leaning: Forecaster, air_panel: Panel) -> None:
    """The forecast is the network's and smoothing's alone, to the bit; the bounds are so many times theirs."""
    forecast, times = leaning.predict(air_panel), leaning.calibration.widths
    alone = replace(leaning, pipeline=replace(leaning.pipeline, partner=None)).predict(air_panel)
    np.testing.assert_array_equal(forecast.values, alone.values)
    middle, lower, upper = theirs(leaning, air_panel, 12)
    down, up = np.maximum(forecast.values, middle) / lower[:, 0], upper[:, 0] / np.minimum(forecast.values, middle)
    np.testing.assert_allclose(np.log(forecast.values / forecast.lower[:, 0]), times * np.log(down))
    np.testing.assert_allclose(np.log(forecast.upper[:, 0] / forecast.values), times * np.log(up))


@pytest.mark.slow
def test_that_is_said_and_nothing_else_of_them(leaning: Forecaster) -> None:
    """No share of the forecast is theirs, and they are not judged."""
    evaluation = leaning.report.evaluation
    assert evaluation.calibration_weight == pytest.approx((28 / 12) / (28 / 12 + 6))
    assert evaluation.member_weights[MemberName.PRETRAINED] == 0
    assert MemberName.PRETRAINED not in evaluation.members


@pytest.mark.slow
def test_such_a_version_is_read_and_explained(leaning: Forecaster, air_panel: Panel, tmp_path: Path) -> None:
    """The bounds come back as they were; an explanation knows nothing of those who do not speak."""
    leaning.save(tmp_path, "air")
    assert Forecaster.load("air", tmp_path).predict().render(".csv") == leaning.predict().render(".csv")
    found = explain(leaning, air_panel)
    assert found.pretrained_weight == 0
    assert "pretrained" not in method(found)


@pytest.fixture(scope="module")
def bound(both: Forecaster) -> Forecaster:
    """The same, whose own network may lie next to nowhere but where the pretrained ones do, at the first six steps."""
    assert both.pipeline.partner is not None
    furthest = np.repeat([1e-3, 1e3], 6)
    return replace(
        both, pipeline=replace(both.pipeline, partner=replace(both.pipeline.partner, max_deviation=furthest))
    )


@pytest.mark.slow
def test_they_tell_how_far_the_network_may_stray(air_panel: Panel) -> None:
    """Nearly all forecasts at the 13 stopping origins, by the same networks, lie no further from theirs than that."""
    half = train(air_panel, load_config(None, TINY | {"forecast.horizon": 6}))
    assert half.holdout_pipeline.partner is not None
    assert half.holdout_pipeline.partner.max_deviation is not None
    held = half.report.holdout
    known = air_panel.drop_last(held.test_steps)
    last = int(known.lengths[0]) - 1
    origins = np.arange(last - held.validation_steps, last - 5)
    other, own = half.holdout_pipeline.bind(known).forecast(np.zeros_like(origins), origins, 6).member_forecasts or (
        0,
        0,
    )
    assert np.mean(np.abs(own - other) <= half.holdout_pipeline.partner.max_deviation) == pytest.approx(0.95, abs=0.03)


@pytest.mark.slow
def test_a_network_that_strays_is_held_back(both: Forecaster, bound: Forecaster, air_panel: Panel) -> None:
    """Where it may not lie elsewhere, the forecast is theirs but for its share of the little that is allowed."""
    here, last = np.array([0]), air_panel.lengths - 1
    free, held = (model.pipeline.bind(air_panel).forecast(here, last, 12) for model in (both, bound))
    assert free.member_forecasts is not None
    other, own = free.member_forecasts
    assert both.pipeline.partner is not None
    share = 1 - both.pipeline.partner.weight
    np.testing.assert_allclose(held.z[:, :6], (other + share * 1e-3 * np.sign(own - other))[:, :6], rtol=1e-12)
    np.testing.assert_allclose(held.z[:, 6:], free.z[:, 6:], rtol=1e-12)


@pytest.mark.slow
def test_beyond_the_horizon_it_may_lie_further(bound: Forecaster) -> None:
    """As intervals grow: twice as far at four times the horizon."""
    assert bound.pipeline.partner is not None
    assert bound.pipeline.partner.limit(48)[[5, 11, 47]] == pytest.approx([1e-3, 1e3, 2e3])
    assert np.isinf(replace(bound.pipeline.partner, max_deviation=None).limit(5)).all()


@pytest.mark.slow
def test_a_version_that_knows_no_such_bounds_is_read(bound: Forecaster) -> None:
    """Those of before said nothing of intervals, nor of strays; those of now keep both for both fits."""
    manifest, tensors = to_artifact(bound)
    now = from_artifact(manifest, tensors)
    assert now.pipeline.partner is not None
    assert now.holdout_pipeline.partner is not None
    assert now.pipeline.partner.intervals is not None
    assert now.holdout_pipeline.partner.intervals is not None
    np.testing.assert_array_equal(now.pipeline.partner.max_deviation, now.holdout_pipeline.partner.max_deviation)
    del tensors["beside"]["widths"]
    del tensors["beside"]["furthest"]
    before = from_artifact(manifest, tensors).pipeline.partner
    assert before is not None
    assert (before.intervals, before.max_deviation) == (None, None)


@pytest.fixture(scope="module")
def unlike(air_panel: Panel) -> Forecaster:
    """A network that reads values as they are, beside pretrained ones that read logs."""
    return train(air_panel, load_config(None, TINY | {"model.transform": "none"}))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["both", "unlike", "bound"])
def test_all_that_speak_are_explained(name: str, air_panel: Panel, request: pytest.FixtureRequest) -> None:
    """Attributions sum to what the past changed; the shares of all who speak are told."""
    model: Forecaster = request.getfixturevalue(name)
    found = explain(model, air_panel)
    np.testing.assert_array_equal(found.forecast.values, model.predict(air_panel).values)
    np.testing.assert_allclose(found.attribution.sum(axis=1), found.forecast.values[0] - found.reference, rtol=2e-3)
    assert found.error < 1e-3
    assert model.pipeline.partner is not None
    share, smoothing = model.pipeline.partner.weight, model.pipeline.smoothing_weight
    assert found.smoothing_weight == pytest.approx(smoothing)
    assert found.pretrained_weight == pytest.approx(share * (1 - smoothing))
    assert f"pretrained networks for {found.pretrained_weight:.0%}" in method(found)
    assert to_dict(found)["pretrained"] == found.pretrained_weight


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
    beside = model.pipeline.partner
    assert beside is not None
    alone = replace(beside, pipeline=replace(beside.pipeline, smoothing_weight=0.0))
    chosen = replace(model, pipeline=replace(model.pipeline, smoothing_weight=0.0, partner=alone))
    effect = explain(chosen, air_panel).effect
    for back in (1, 2, 13):
        assert effect[-back] == pytest.approx(moved_by(chosen, air_panel, back), rel=0.02, abs=1e-3)


@pytest.mark.slow
def test_steps_forecast_apart_are_not_explained(both: Forecaster, air_panel: Panel) -> None:
    """What pretrained networks say of every second step is no one forecast: that is said."""
    beside = both.pipeline.partner
    assert beside is not None
    apart = EnsembleMember(replace(beside.pipeline, phases=Polyphase(2)), beside.weight)
    with pytest.raises(UsageError, match=r"train\.init: scratch"):
        explain(replace(both, pipeline=replace(both.pipeline, partner=apart)), air_panel)
