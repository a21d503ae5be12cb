"""Training: nothing after the cutoff is looked at, the same seed gives the same weights, and any panel is survived."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lstmcast.api import train
from lstmcast.config import Config, ValueConfig, load_config
from lstmcast.data.load import read
from lstmcast.data.panel import Panel
from lstmcast.data.schema import SettingKey
from lstmcast.errors import ConfigError, DataError
from lstmcast.evaluation.splits import HoldoutSplit
from lstmcast.explain.explanation import explain
from lstmcast.forecasting.codec import to_artifact
from lstmcast.forecasting.ensemble.ensemble import BoundEnsemble, Ensemble
from lstmcast.forecasting.ensemble.validation_errors import SMOOTHING_WEIGHTS
from lstmcast.forecasting.ensemble.weights import EnsembleWeights
from lstmcast.forecasting.evaluate import evaluate_holdout
from lstmcast.forecasting.fitting import FitProgress
from lstmcast.forecasting.forecaster import Forecaster
from lstmcast.forecasting.planning import make_plan
from lstmcast.forecasting.plans import TrainingPlan
from lstmcast.forecasting.pretrained import load_pretrained, load_pretrained_forecaster
from lstmcast.nn.heads import QuantileHead
from lstmcast.nn.numpy_lstm import to_tensors
from lstmcast.preprocessing import panel_scaling
from lstmcast.preprocessing.windows import WindowDataset
from lstmcast.results import MemberName
from lstmcast.tasks.value import train as value_train
from lstmcast.tasks.value.train import plan_fine_tuning

Write = Callable[..., Path]
Wave = Callable[[int, int], np.ndarray]


def config(**settings: Any) -> Config:
    """Quick to train; `train__epochs` for the key `train.epochs`."""
    quick = {
        "train.epochs": 1,
        "train.steps_per_epoch": 4,
        "train.refit_on_all_data": False,
        "model.units": [4],
        "model.level_window": 1,
    }
    quick["train.init"] = "scratch"
    return load_config(None, quick | {name.replace("__", "."): value for name, value in settings.items()})


def noisy(panel: Panel, steps: int, seed: int = 5) -> Panel:
    """The panel with the last steps of every series replaced by positive noise."""
    values = panel.values.copy()
    for end in panel.offsets[1:].tolist():
        values[end - steps : end] = np.random.default_rng(seed + end).lognormal(5, 1, steps)
    return replace(panel, values=values)


def weights(ensemble: Ensemble) -> bytes:
    """Every weight of every network."""
    return b"".join(a.tobytes() for network in ensemble.lstm.networks for _, a in sorted(to_tensors(network).items()))


def planned(panel: Panel, requested: Config) -> tuple[Forecaster, TrainingPlan]:
    """A trained forecaster with its plan."""
    plans: list[TrainingPlan] = []
    forecaster = train(panel, requested, note=plans.append)
    (plan,) = plans
    return forecaster, plan


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory, write_series: Write, waves: Wave) -> Panel:
    """Two daily series of different lengths."""
    path = tmp_path_factory.mktemp("two") / "two.csv"
    return read(write_series(path, {"a": waves(120, 1), "b": waves(150, 2)}))


def test_the_plan_never_sees_the_held_out_steps(air_panel: Panel, two: Panel) -> None:
    """Noise after the cutoff changes nothing that `auto` became, for one series and for two."""
    for panel in (air_panel, two):
        plan = make_plan(panel, ValueConfig())
        other = make_plan(noisy(panel, plan.holdout.total), ValueConfig())
        assert repr(other) == repr(plan)
        assert repr(make_plan(noisy(panel, len(panel.series(0)) - 5), ValueConfig())) != repr(plan)


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"train__patience": None, "train__epochs": 2},
        {"model__strategy": "direct", "model__skip_connection": True, "train__loss": "pinball", "forecast__horizon": 5},
    ],
)
def test_the_scored_network_never_sees_the_held_out_steps(
    two: Panel, settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Noise after the cutoff leaves scales, weights and the forecasts from before it as they were, to the byte.

    How much of them is smoothing's is chosen by the steps that stop; here it is a quarter.
    """
    requested, evaluated = config(model__smoothing_weight=0.25, **settings), list[BoundEnsemble]()
    monkeypatch.setattr(
        value_train,
        "evaluate_holdout",
        lambda ensemble, *rest: evaluated.append(ensemble) or evaluate_holdout(ensemble, *rest),
    )
    _, plan = planned(two, requested)
    total = plan.holdout.total
    planned(noisy(two, total), requested)
    true, other = (bound.ensemble for bound in evaluated)
    assert len(plan.variants) == 1
    assert weights(other) == weights(true)
    assert np.abs(true.lstm.networks[0].V).max() > 0
    assert other.preprocessings[0].series_scales == true.preprocessings[0].series_scales
    series = np.repeat(np.arange(two.n_series), 3)
    origins = two.lengths[series] - total - 1 - np.tile([0, 1, 20], two.n_series)
    forecast, again = (
        ensemble.bind(panel).inverse_transform(ensemble.bind(panel).forecast(series, origins, 12).z, series)
        for ensemble, panel in ((true, two), (other, noisy(two, total)))
    )
    assert again.tobytes() == forecast.tobytes()


@pytest.mark.slow
def test_the_last_step_before_the_cutoff_is_used_in_training(air_panel: Panel) -> None:
    """Noise one step before the cutoff changes the weights, so the cutoff is exact."""
    requested = config()
    true, plan = planned(air_panel, requested)
    assert weights(train(noisy(air_panel, plan.holdout.total + 1), requested).ensemble) != weights(true.ensemble)


@pytest.mark.slow
def test_what_stops_never_sees_what_judges(two: Panel) -> None:
    """Noise in the test steps changes no validation error, epoch, preprocessing or weight, only the scores."""
    requested = config(model__level_window="auto", train__epochs=5, train__patience=2)
    events: tuple[list[FitProgress], list[FitProgress]] = ([], [])
    last = make_plan(two, requested).holdout.test_steps
    true, other = (
        train(panel, requested, on_progress=stages.append)
        for panel, stages in zip((two, noisy(two, last)), events, strict=True)
    )
    errors = [
        sorted(stage.progress.validation_error for stage in stages) for stages in events
    ]  # variants are fitted in parallel
    assert errors[0] == errors[1]
    assert len(set(errors[0])) > 3
    assert other.report.epochs == true.report.epochs
    assert other.ensemble.preprocessings[0].window_spec == true.ensemble.preprocessings[0].window_spec
    assert weights(other.ensemble) == weights(true.ensemble)
    assert other.report.evaluation.scores["lstmcast"] != true.report.evaluation.scores["lstmcast"]


@pytest.mark.slow
def test_a_refit_uses_all_data(air_panel: Panel) -> None:
    """With equal scores, a refit gives other weights; the report contains which network was scored."""
    kept, again = (train(air_panel, config(train__refit_on_all_data=refit)) for refit in (False, True))
    assert kept.report.evaluation.scores == again.report.evaluation.scores
    assert kept.holdout.forecast.tobytes() == again.holdout.forecast.tobytes()
    assert weights(kept.ensemble) != weights(again.ensemble)
    assert kept.report.scored_network == "final"
    assert again.report.scored_network == "holdout"


@pytest.mark.slow
def test_seeds(air_panel: Panel) -> None:
    """Equal seeds give equal weights and forecasts, byte for byte; different seeds do not."""
    one, same, other = (train(air_panel, config(train__seed=seed)) for seed in (7, 7, 8))
    assert weights(one.ensemble) == weights(same.ensemble) != weights(other.ensemble)
    assert one.predict().values.tobytes() == same.predict().values.tobytes()


@pytest.mark.slow
def test_a_long_fit_continues_with_the_held_out_steps(air_panel: Panel) -> None:
    """Training runs all epochs; the refit continues from the scored weights for a quarter as many epochs."""
    events: list[FitProgress] = []
    requested = {"train__patience": None, "train__epochs": 5}
    again = train(air_panel, config(**requested, train__refit_on_all_data=True), on_progress=events.append)
    first = [s.progress for s in events if s.name == "fitting"]
    further = [s.progress for s in events if s.name != "fitting"]
    assert [p.epoch for p in first] == [1, 2, 3, 4, 5]
    assert [p.epoch for p in further] == [1, 2]
    assert all(p.validation_error is None for p in (*first, *further))
    assert again.report.holdout.validation_steps == 0
    assert again.report.epochs == (5,)
    assert again.ensemble.weights.fixed[1] in SMOOTHING_WEIGHTS  # the best at the test origins
    kept = train(air_panel, config(**requested))
    assert kept.holdout.forecast.tobytes() == again.holdout.forecast.tobytes()
    near, far = (
        np.abs(again.ensemble.lstm.networks[0].layers[0].U - other.ensemble.lstm.networks[0].layers[0].U).max()
        for other in (kept, train(air_panel, config(**requested, train__seed=9)))
    )
    assert 0 < near < 0.05 < far


def test_all_steps_and_their_quantiles_at_once(direct: Forecaster, direct_config: Config, direct_panel: Panel) -> None:
    """The report names the network with its linear path; the same seed, the same weights and bounds to the byte."""
    shape = direct.ensemble.preprocessings[0].window_spec
    layers = f"Input(({shape.context}, {shape.lags})), Concat(LSTM(4), Input), Dense(25)"
    assert direct.report.network == f"Sequential([{layers}])"
    assert (shape.horizon, direct.ensemble.lstm.head) == (5, QuantileHead(5, (80.0, 95.0)))
    assert all(network.skip and network.V.shape == (4 + shape.lags, 25) for network in direct.ensemble.lstm.networks)
    assert direct.calibration.widths.shape == (2, 5)
    same = train(direct_panel, direct_config)
    assert weights(same.ensemble) == weights(direct.ensemble)
    assert same.predict().lower.tobytes() == direct.predict().lower.tobytes()


@pytest.mark.slow
@pytest.mark.parametrize("levels", [[], [80]])
@pytest.mark.parametrize("horizon", [1, 3])
def test_quantiles_of_any_levels_and_horizon(air_panel: Panel, levels: list[float], horizon: int) -> None:
    """Bounds contain the forecast for one or several steps and levels, also beyond the steps of the head."""
    requested = config(
        model__strategy="direct", train__loss="pinball", forecast__levels=levels, forecast__horizon=horizon
    )
    trained = train(air_panel, requested)
    assert trained.ensemble.lstm.head == QuantileHead(horizon, tuple(map(float, levels)))
    forecast = trained.predict(horizon=4)
    assert forecast.lower.shape == forecast.upper.shape == (len(levels), 1, 4)
    assert (forecast.lower < forecast.values).all()
    assert (forecast.values < forecast.upper).all()
    assert np.isfinite(forecast.values).all()
    if levels:  # a bound is neither nowhere nor beyond all reason
        assert (forecast.upper < 20 * forecast.values).all()


@pytest.mark.slow
def test_several_networks_are_averaged(air_panel: Panel) -> None:
    """Two networks, each from its own seed: the forecast is the mean of theirs in z."""
    pair = train(air_panel, config(train__ensemble_size=2, train__seed=2**32 - 1))
    assert len(pair.ensemble.lstm.networks) == len(pair.report.epochs) == 2
    one, other = (network.layers[0].W for network in pair.ensemble.lstm.networks)
    assert not np.allclose(one, other)
    voiced = [replace(n, V=np.full_like(n.V, 0.1 * k)) for k, n in enumerate(pair.ensemble.lstm.networks, 1)]
    bound = pair.ensemble.bind(air_panel)
    running = pair.ensemble.refitted(bound.panels, voiced)
    alone = [pair.ensemble.refitted(bound.panels, [network]) for network in voiced]
    series, origins = np.array([0]), np.array([143])
    first, second = (one.forecast(series, origins, 6).z for one in alone)
    assert not np.allclose(first, second)
    np.testing.assert_allclose(running.forecast(series, origins, 6).z, (first + second) / 2)


@pytest.mark.slow
def test_progress_of_training(air_panel: Panel) -> None:
    """The plan comes before the first epoch, followed by each epoch of each fit and of the refit."""
    events: list[FitProgress | TrainingPlan] = []
    trained = train(
        air_panel,
        config(train__ensemble_size=2, train__epochs=2, train__refit_on_all_data=True),
        on_progress=events.append,
        note=events.append,
    )
    assert [isinstance(event, TrainingPlan) for event in events] == [True] + [False] * (len(events) - 1)
    stages = [event for event in events if isinstance(event, FitProgress)]
    assert [s.name for s in stages[:4]] == ["fitting"] * 4
    assert {s.name for s in stages[4:]} == {"fitting again on all the data"}
    assert {s.networks for s in stages} == {2}
    for k, epochs in enumerate(trained.report.epochs, 1):  # both at once, each in the order of its epochs
        assert [s.progress.epoch for s in stages[:4] if s.network == k] == [1, 2]
        assert [s.progress.epoch for s in stages[4:] if s.network == k] == list(range(1, epochs + 1))
    assert all(s.progress.validation_error is None for s in stages[4:])


@pytest.mark.slow
@pytest.mark.parametrize("lengths", [(120, 90, 5), (5, 90, 120), (120, 1, 90), (90, 120, 1)])
def test_series_too_short_to_learn_from_are_forecast_all_the_same(
    tmp_path: Path, write_series: Write, waves: Wave, lengths: tuple[int, ...]
) -> None:
    """A series too short for the holdout is neither trained on nor scored, but is forecast."""
    path = write_series(tmp_path / "x.csv", {f"s{k}": waves(n, k) for k, n in enumerate(lengths)})
    panel = read(path)
    trained, plan = planned(panel, config())
    forecast = trained.predict(panel)
    assert forecast.keys == panel.keys
    assert np.isfinite(forecast.values).all()
    evaluated = {k for k, n in enumerate(lengths) if n > 2 * plan.holdout.total}
    assert set(trained.holdout.series.tolist()) == evaluated
    assert 0 < len(evaluated) < 3


@pytest.mark.slow
@pytest.mark.parametrize("value", [0.0, -3.5, 1e9])
def test_a_constant_series_has_a_constant_forecast(tmp_path: Path, write_series: Write, value: float) -> None:
    """A constant series has a constant forecast and almost no interval width."""
    panel = read(write_series(tmp_path / "x.csv", {"a": [value] * 60}))
    forecast = train(panel, config()).predict(panel)
    np.testing.assert_allclose(forecast.values, value, rtol=1e-6, atol=1e-6)
    assert np.abs(forecast.upper - forecast.lower).max() <= 1e-4 * max(1.0, abs(value))


@pytest.mark.slow
def test_a_constant_series_does_not_widen_other_intervals(tmp_path: Path, write_series: Write, waves: Wave) -> None:
    """Intervals of moving series are equally wide with and without a constant series."""
    moving = {"a": waves(120, 1), "b": waves(120, 2)}
    without, joint = (
        train(panel, config()).predict(panel)
        for panel in (
            read(write_series(tmp_path / "1.csv", moving)),
            read(write_series(tmp_path / "2.csv", moving | {"still": [7.0] * 120})),
        )
    )
    wide, reference = (np.mean(f.upper[:, :2] - f.lower[:, :2]) for f in (joint, without))
    assert wide < 3 * reference


@pytest.mark.slow
def test_no_interval_at_all(air_panel: Panel) -> None:
    """Without levels there is a forecast without bounds."""
    forecast = train(air_panel, config(forecast__levels=[])).predict()
    assert forecast.levels == ()
    assert list(forecast.to_frame().columns) == ["month", "forecast"]


@pytest.mark.slow
def test_ten_rows_are_enough_nine_are_not(tmp_path: Path, write_series: Write) -> None:
    """At least ten rows are needed; the error for a long horizon contains the required length."""
    ten = read(write_series(tmp_path / "10.csv", {"a": [float(k % 3) for k in range(10)]}))
    assert np.isfinite(train(ten, config()).predict(ten).values).all()
    nine = read(write_series(tmp_path / "9.csv", {"a": [float(k % 3) for k in range(9)]}))
    with pytest.raises(DataError, match=r"a horizon of \d+ requires series of at least 10 rows"):
        train(nine, config())
    with pytest.raises(DataError, match=r"a horizon of 4 requires .* 12 rows .* has 10\).*shorter --horizon"):
        train(ten, config(forecast__horizon=4))


def test_numbers_too_large_to_scale(tmp_path: Path, write_series: Write) -> None:
    """Differences that overflow are refused with a message."""
    panel = read(write_series(tmp_path / "x.csv", {"a": [1e308, -1e308] * 30}))
    with pytest.raises(DataError, match="too large to scale"):
        train(panel, config())


@pytest.mark.slow
def test_filled_values_are_no_target(tmp_path: Path, write_series: Write, waves: Wave) -> None:
    """Steps that were filled are not scored: the held-out actual values are NaN there, and nowhere else."""
    values = waves(120, 1)
    values[[100, 110]] = np.nan
    panel = read(write_series(tmp_path / "x.csv", {"a": values}))
    held = train(panel, config()).holdout
    steps = held.positions[:, None] + np.arange(1, held.actual.shape[1] + 1) - panel.starts[0]
    np.testing.assert_array_equal(held.actual, values[steps])


@pytest.mark.slow
def test_the_report_contains_the_holdout_of_the_plan(air_panel: Panel) -> None:
    """Report and plan agree on what was held out."""
    trained, plan = planned(air_panel, config())
    forecast = trained.report.holdout
    assert plan.holdout == HoldoutSplit(forecast.horizon, forecast.validation_steps, forecast.test_steps)
    assert trained.report.evaluation.n_scored == len(plan.holdout.test_origins(air_panel.lengths)[0])


@pytest.mark.slow
def test_a_network_that_learns_chance_counts_less(air_panel: Panel) -> None:
    """Noise around a constant: the stopping origins find that smoothing knows more of it."""
    rng = np.random.default_rng(5)
    noise = replace(air_panel, values=100 + rng.normal(size=len(air_panel.values)))
    trained = train(noise, config(train__epochs=40, train__patience=40, train__learning_rate=0.01))
    assert 0.5 < trained.report.evaluation.member_weights["smoothing"] < 1
    assert trained.ensemble.weights.fixed[1] == trained.report.evaluation.member_weights["smoothing"]


@pytest.mark.slow
@pytest.mark.parametrize(("requested", "values", "weight"), [(0.0, 144, 0.0), (0.3, 144, 0.3), (0.4, 300, 0.4)])
def test_a_pinned_smoothing_weight_is_used(air_panel: Panel, requested: float, values: int, weight: float) -> None:
    """The validation errors do not change a pinned weight."""
    trained = train(air_panel, config(model__smoothing_weight=requested, train__patience=None if values > 200 else 3))
    assert trained.report.evaluation.member_weights.get(MemberName.SMOOTHING, 0.0) == weight


QUICK = {"train.epochs": 2, "train.steps_per_epoch": 4, "train.init": "fine_tune"}


@pytest.fixture(scope="module")
def tuned_air(air_panel: Panel) -> Forecaster:
    """Two short epochs on top of what the networks knew."""
    return train(air_panel, load_config(None, QUICK))


def test_the_plan_is_that_of_the_networks(air_panel: Panel) -> None:
    """The held-out steps stay; window, head and scale are those of the pretrained networks."""
    plan = make_plan(air_panel, load_config())
    going_on, warm = plan_fine_tuning(plan)
    known = load_pretrained_forecaster(air_panel).ensemble
    assert going_on.variants == (replace(known.preprocessings[0], horizon=plan.holdout.horizon),)
    assert (going_on.holdout, going_on.recipe.seed) == (plan.holdout, plan.recipe.seed)
    assert going_on.recipe.loss == "pinball"
    assert (going_on.smoothing_weight, going_on.smoothing_half_length) == (
        load_pretrained(air_panel).smoothing_fraction,
        known.weights.smoothing_half_length,
    )
    assert going_on.architecture.head == known.lstm.head
    assert warm.may_stay
    assert [finding.key for finding in going_on.inferred].count(SettingKey.INIT) == 1


def test_a_pinned_smoothing_weight_is_kept(air_panel: Panel) -> None:
    """Whatever serves the class."""
    plan, _ = plan_fine_tuning(make_plan(air_panel, load_config(None, {"model.smoothing_weight": 0.2})))
    assert (plan.smoothing_weight, plan.smoothing_half_length) == (0.2, 0)


def test_other_levels_are_refused(air_panel: Panel) -> None:
    """The message contains the levels of the pretrained networks."""
    config = load_config(None, {**QUICK, "forecast.levels": [50, 90]})
    with pytest.raises(ConfigError, match=r"forecast\.levels: pretrained networks predict .* 80 and 95 %"):
        train(air_panel, config)


@pytest.mark.slow
def test_it_begins_where_the_networks_were(tuned_air: Forecaster, air_panel: Panel) -> None:
    """After two gentle epochs the weights are near what came with lstmcast, and not the same where they helped."""
    held = tuned_air.report.holdout
    known = load_pretrained_forecaster(air_panel.drop_last(held.validation_steps + held.test_steps)).ensemble
    for epochs, before, after in zip(
        tuned_air.report.epochs, known.lstm.networks, tuned_air.holdout_ensemble.lstm.networks, strict=True
    ):
        pairs = [(to_tensors(before)[name], array) for name, array in to_tensors(after).items()]
        assert all(np.abs(old - new).max() < 0.1 for old, new in pairs)
        assert all((old == new).all() for old, new in pairs) == (epochs == 0)


@pytest.mark.slow
def test_a_loaded_model_gives_the_saved_forecast(tuned_air: Forecaster, tmp_path: Path) -> None:
    """Unit, phases and the share of smoothing are kept."""
    tuned_air.save(tmp_path, "air")
    loaded = Forecaster.load("air", tmp_path)
    assert loaded.ensemble.preprocessings == tuned_air.ensemble.preprocessings
    assert loaded.ensemble.weights == tuned_air.ensemble.weights
    assert loaded.predict().render(".csv") == tuned_air.predict().render(".csv")


@pytest.mark.slow
def test_the_explanation_uses_the_smoothing_weight_of_the_series(tuned_air: Forecaster, air_panel: Panel) -> None:
    """The attributions sum to what the past changed, smoothing counting as much as it does in the forecast."""
    found = explain(tuned_air, air_panel)
    bound = tuned_air.ensemble.bind(air_panel)
    assert found.weights[MemberName.SMOOTHING] == bound.weights(np.array([0]), air_panel.lengths - 1)[1, 0]
    forecast = tuned_air.predict(air_panel).values[0]
    np.testing.assert_allclose(found.reference + found.attribution.sum(axis=1), forecast, rtol=1e-3)


@pytest.mark.slow
def test_pretrained_weights_stay_without_training_series(air_panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps so bold that every epoch is worse: no epochs, and the weights that came with lstmcast."""
    config = load_config(None, {**QUICK, "train.learning_rate": 3.0, "train.epochs": 1})
    found = train(air_panel, config)
    assert set(found.report.epochs) == {0}
    for before, after in zip(
        load_pretrained_forecaster(air_panel).ensemble.lstm.networks, found.ensemble.lstm.networks, strict=True
    ):
        for name, array in to_tensors(after).items():
            np.testing.assert_array_equal(to_tensors(before)[name], array)
    monkeypatch.setattr(value_train, "load_pretrained", None)
    assert np.isfinite(found.predict(air_panel).values).all()


@pytest.mark.slow
def test_a_zero_long_ago_changes_nothing(tmp_path: Path, write_series: Callable[..., Path]) -> None:
    """A series that was not transformed while learning is read in logs where the steps looked at have no zero."""
    y = 500 + 100 * np.sin(np.arange(800) * 2 * np.pi / 7)
    y[5] = 0.0
    panel = read(write_series(tmp_path / "zero.csv", {"a": y}))
    found = train(panel, load_config(None, {**QUICK, "train.learning_rate": 1e-12}))
    assert not found.ensemble.preprocessings[0].series_scales
    forecast = found.predict(panel).values
    zero_shot = load_pretrained_forecaster(panel)
    ensemble, fraction = zero_shot.ensemble, load_pretrained(panel).smoothing_fraction
    weights = EnsembleWeights((1 - fraction, fraction), ensemble.weights.smoothing_half_length)
    plain = Ensemble(ensemble.preprocessings[:1], ensemble.members[:2], weights)
    np.testing.assert_allclose(forecast, replace(zero_shot, ensemble=plain).predict(panel).values, rtol=1e-3)
    found.save(tmp_path / "models", "zero")
    np.testing.assert_allclose(Forecaster.load("zero", tmp_path / "models").predict(panel).values, forecast, rtol=1e-12)


@pytest.mark.slow
def test_one_training_binds_a_panel_at_most_sixteen_times(
    air_panel: Panel, monkeypatch: pytest.MonkeyPatch, counted: Callable[..., list[str]]
) -> None:
    """The default training of one series: scalings fitted, panels windowed, and panels cut, saving included."""
    calls = counted(monkeypatch)
    model = train(air_panel, load_config(None, {"train.epochs": 1, "train.steps_per_epoch": 1, "model.units": [2]}))
    to_artifact(model)
    assert calls.count("scale") <= 16
    assert calls.count("window") <= 16
    assert calls.count("cut") <= 6


@pytest.fixture
def counted() -> Callable[[pytest.MonkeyPatch], list[str]]:
    """A list that grows with every scaling, windowing and cut of a panel."""

    def count(monkeypatch: pytest.MonkeyPatch) -> list[str]:
        calls: list[str] = []

        def spy(owner: object, name: str, label: str) -> None:
            original = getattr(owner, name)
            monkeypatch.setattr(owner, name, lambda *args, **kwargs: calls.append(label) or original(*args, **kwargs))

        spy(panel_scaling, "fit_scaling", "scale")
        spy(WindowDataset, "from_panel", "window")
        spy(Panel, "_cut", "cut")
        return calls

    return count
