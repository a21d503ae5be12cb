"""Training: nothing after the cutoff is looked at, the same seed gives the same weights, and any panel is survived."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lstmcast.config import Config, ValueConfig, load_config
from lstmcast.data.load import read
from lstmcast.data.panel import Panel
from lstmcast.data.schema import SettingKey
from lstmcast.errors import ConfigError, DataError, UsageError
from lstmcast.evaluation.splits import HoldoutSplit
from lstmcast.explain.explanation import explain
from lstmcast.forecasting import train as forecasting_train
from lstmcast.forecasting.codec import to_artifact
from lstmcast.forecasting.ensemble import BoundEnsemble, Ensemble
from lstmcast.forecasting.evaluate import evaluate_holdout
from lstmcast.forecasting.fitting import FitProgress
from lstmcast.forecasting.forecaster import Forecaster
from lstmcast.forecasting.planning import TrainingPlan, make_plan
from lstmcast.forecasting.pretrained import load_pretrained_forecaster
from lstmcast.forecasting.train import plan_fine_tuning
from lstmcast.forecasting.validation_errors import SMOOTHING_WEIGHTS
from lstmcast.nn.heads import QuantileHead
from lstmcast.nn.numpy_lstm import to_tensors
from lstmcast.preprocessing import panel_scaling
from lstmcast.preprocessing.windows import WindowDataset
from lstmcast.results import MemberName
from lstmcast.tasks.value import train as value_train
from lstmcast.tasks.value.train import train

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


def planned(panel: Panel, asked: Config) -> tuple[Forecaster, TrainingPlan]:
    """A trained forecaster with its plan."""
    plans: list[TrainingPlan] = []
    forecaster = train(panel, asked, planned=plans.append)
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
def test_the_judged_network_never_sees_the_held_out_steps(
    two: Panel, settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Noise after the cutoff leaves scales, weights and the forecasts from before it as they were, to the byte.

    How much of them is smoothing's is chosen by the steps that stop; here it is a quarter.
    """
    asked, judged = config(model__smoothing_weight=0.25, **settings), list[BoundEnsemble]()
    monkeypatch.setattr(
        value_train,
        "evaluate_holdout",
        lambda runner, *rest: judged.append(runner) or evaluate_holdout(runner, *rest),
    )
    _, plan = planned(two, asked)
    total = plan.holdout.total
    planned(noisy(two, total), asked)
    true, other = (bound.ensemble for bound in judged)
    assert len(plan.variants) == 1
    assert weights(other) == weights(true)
    assert np.abs(true.lstm.networks[0].V).max() > 0
    assert other.preprocessings[0].series_scales == true.preprocessings[0].series_scales
    series = np.repeat(np.arange(two.n_series), 3)
    origins = two.lengths[series] - total - 1 - np.tile([0, 1, 20], two.n_series)
    said, again = (
        runner.bind(panel).inverse_transform(runner.bind(panel).forecast(series, origins, 12).z, series)
        for runner, panel in ((true, two), (other, noisy(two, total)))
    )
    assert again.tobytes() == said.tobytes()


@pytest.mark.slow
def test_the_last_step_before_the_cutoff_is_learnt_from(air_panel: Panel) -> None:
    """The opposite: noise that begins one step earlier changes the weights, so the cutoff is where it is said to be."""
    asked = config()
    true, plan = planned(air_panel, asked)
    assert weights(train(noisy(air_panel, plan.holdout.total + 1), asked).ensemble) != weights(true.ensemble)


@pytest.mark.slow
def test_what_stops_never_sees_what_judges(two: Panel) -> None:
    """Noise in the judging steps changes no stopping error, no epoch, no footing, no weight: only the scores."""
    asked = config(model__level_window="auto", train__epochs=5, train__patience=2)
    told: tuple[list[FitProgress], list[FitProgress]] = ([], [])
    last = make_plan(two, asked).holdout.test_steps
    true, other = (
        train(panel, asked, on_progress=stages.append)
        for panel, stages in zip((two, noisy(two, last)), told, strict=True)
    )
    errors = [sorted(stage.progress.validation_error for stage in stages) for stages in told]  # ways are fitted at once
    assert errors[0] == errors[1]
    assert len(set(errors[0])) > 3
    assert other.report.epochs == true.report.epochs
    assert other.ensemble.preprocessings[0].window_spec == true.ensemble.preprocessings[0].window_spec
    assert weights(other.ensemble) == weights(true.ensemble)
    assert other.report.evaluation.scores["lstmcast"] != true.report.evaluation.scores["lstmcast"]


@pytest.mark.slow
def test_refit_learns_from_everything_and_says_so(air_panel: Panel) -> None:
    """Judged alike, the network fitted again is another one; each report says which network was scored."""
    kept, again = (train(air_panel, config(train__refit_on_all_data=refit)) for refit in (False, True))
    assert kept.report.evaluation.scores == again.report.evaluation.scores
    assert kept.holdout.forecast.tobytes() == again.holdout.forecast.tobytes()
    assert weights(kept.ensemble) != weights(again.ensemble)
    assert kept.report.scored_network == "final"
    assert again.report.scored_network == "holdout"


@pytest.mark.slow
def test_seeds(air_panel: Panel) -> None:
    """The same seed gives the same weights and the same forecast to the byte, another seed others."""
    one, same, other = (train(air_panel, config(train__seed=seed)) for seed in (7, 7, 8))
    assert weights(one.ensemble) == weights(same.ensemble) != weights(other.ensemble)
    assert one.predict().values.tobytes() == same.predict().values.tobytes()


@pytest.mark.slow
def test_a_long_fit_goes_on_with_the_steps_that_judged_it(air_panel: Panel) -> None:
    """All epochs, nothing to stop; then on from the judged weights for a quarter as many, with all the data."""
    told: list[FitProgress] = []
    asked = {"train__patience": None, "train__epochs": 5}
    again = train(air_panel, config(**asked, train__refit_on_all_data=True), on_progress=told.append)
    first = [s.progress for s in told if s.name == "fitting"]
    further = [s.progress for s in told if s.name != "fitting"]
    assert [p.epoch for p in first] == [1, 2, 3, 4, 5]
    assert [p.epoch for p in further] == [1, 2]
    assert all(p.validation_error is None for p in (*first, *further))
    assert again.report.holdout.validation_steps == 0
    assert again.report.epochs == (5,)
    assert again.ensemble.weights.fixed[1] in SMOOTHING_WEIGHTS  # the best at the test origins
    kept = train(air_panel, config(**asked))
    assert kept.holdout.forecast.tobytes() == again.holdout.forecast.tobytes()
    near, far = (
        np.abs(again.ensemble.lstm.networks[0].layers[0].U - other.ensemble.lstm.networks[0].layers[0].U).max()
        for other in (kept, train(air_panel, config(**asked, train__seed=9)))
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
    """One step or several, one level or none: bounds that hold the forecast, also beyond what the head says."""
    asked = config(model__strategy="direct", train__loss="pinball", forecast__levels=levels, forecast__horizon=horizon)
    trained = train(air_panel, asked)
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
def test_what_is_told_while_training(air_panel: Panel) -> None:
    """The plan is told once, before the first epoch; then every epoch of every fit, and of the fit on everything."""
    told: list[FitProgress | TrainingPlan] = []
    trained = train(
        air_panel,
        config(train__ensemble_size=2, train__epochs=2, train__refit_on_all_data=True),
        on_progress=told.append,
        planned=told.append,
    )
    assert [isinstance(event, TrainingPlan) for event in told] == [True] + [False] * (len(told) - 1)
    stages = [event for event in told if isinstance(event, FitProgress)]
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
    """Wherever it stands in the file, a short series is neither learnt from nor judged, but it is forecast."""
    path = write_series(tmp_path / "x.csv", {f"s{k}": waves(n, k) for k, n in enumerate(lengths)})
    panel = read(path)
    trained, plan = planned(panel, config())
    forecast = trained.predict(panel)
    assert forecast.keys == panel.keys
    assert np.isfinite(forecast.values).all()
    judged = {k for k, n in enumerate(lengths) if n > 2 * plan.holdout.total}
    assert set(trained.holdout.series.tolist()) == judged
    assert 0 < len(judged) < 3


@pytest.mark.slow
@pytest.mark.parametrize("value", [0.0, -3.5, 1e9])
def test_a_constant_series_has_a_constant_forecast(tmp_path: Path, write_series: Write, value: float) -> None:
    """What never moved is forecast not to move, with intervals of next to no width."""
    panel = read(write_series(tmp_path / "x.csv", {"a": [value] * 60}))
    forecast = train(panel, config()).predict(panel)
    np.testing.assert_allclose(forecast.values, value, rtol=1e-6, atol=1e-6)
    assert np.abs(forecast.upper - forecast.lower).max() <= 1e-4 * max(1.0, abs(value))


@pytest.mark.slow
def test_a_constant_series_does_not_widen_the_others(tmp_path: Path, write_series: Write, waves: Wave) -> None:
    """Intervals of series that move are as wide beside a constant one as without it."""
    moving = {"a": waves(120, 1), "b": waves(120, 2)}
    without, beside = (
        train(panel, config()).predict(panel)
        for panel in (
            read(write_series(tmp_path / "1.csv", moving)),
            read(write_series(tmp_path / "2.csv", moving | {"still": [7.0] * 120})),
        )
    )
    wide, reference = (np.mean(f.upper[:, :2] - f.lower[:, :2]) for f in (beside, without))
    assert wide < 3 * reference


@pytest.mark.slow
def test_no_interval_at_all(air_panel: Panel) -> None:
    """Without levels there is a forecast without bounds."""
    forecast = train(air_panel, config(forecast__levels=[])).predict()
    assert forecast.levels == ()
    assert list(forecast.to_frame().columns) == ["month", "forecast"]


@pytest.mark.slow
def test_ten_rows_are_enough_nine_are_not(tmp_path: Path, write_series: Write) -> None:
    """The fewest rows are ten; below, and for a horizon too long, the error says what is needed."""
    ten = read(write_series(tmp_path / "10.csv", {"a": [float(k % 3) for k in range(10)]}))
    assert np.isfinite(train(ten, config()).predict(ten).values).all()
    nine = read(write_series(tmp_path / "9.csv", {"a": [float(k % 3) for k in range(9)]}))
    with pytest.raises(DataError, match=r"a horizon of \d+ requires series of at least 10 rows"):
        train(nine, config())
    with pytest.raises(DataError, match=r"a horizon of 4 requires .* 12 rows .* has 10\).*shorter --horizon"):
        train(ten, config(forecast__horizon=4))


def test_numbers_too_large_to_scale(tmp_path: Path, write_series: Write) -> None:
    """Differences that no number can hold are refused in words."""
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
def test_hold_out_of_the_plan_is_what_the_report_says(air_panel: Panel) -> None:
    """Report and plan agree on what was held out."""
    trained, plan = planned(air_panel, config())
    said = trained.report.holdout
    assert plan.holdout == HoldoutSplit(said.horizon, said.validation_steps, said.test_steps)
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
@pytest.mark.parametrize(("asked", "values", "share"), [(0.0, 144, 0.0), (0.3, 144, 0.3), (0.4, 300, 0.4)])
def test_a_pinned_share_of_smoothing_is_taken(air_panel: Panel, asked: float, values: int, share: float) -> None:
    """Whatever the stopping origins would say."""
    trained = train(air_panel, config(model__smoothing_weight=asked, train__patience=None if values > 200 else 3))
    assert trained.report.evaluation.member_weights.get(MemberName.SMOOTHING, 0.0) == share


def test_another_head_is_not_taken_for_values(air_panel: Panel) -> None:
    """Nothing is trained silently that was not asked for: the way to the other heads is named."""
    with pytest.raises(UsageError, match=r"predicts values \(got 'event'\); use lstmcast\.tasks\.get_task\('event'\)"):
        train(air_panel, load_config("event"))


QUICK = {"train.epochs": 2, "train.steps_per_epoch": 4, "train.init": "fine_tune"}


@pytest.fixture(scope="module")
def tuned_air(air_panel: Panel) -> Forecaster:
    """Two short epochs on top of what the networks knew."""
    return train(air_panel, load_config(None, QUICK))


def test_the_plan_is_that_of_the_networks(air_panel: Panel) -> None:
    """What is held out stays; the window, the head and the unit are those that the networks have always seen."""
    plan = make_plan(air_panel, load_config())
    going_on, warm = plan_fine_tuning(plan)
    known = load_pretrained_forecaster(air_panel).ensemble
    assert going_on.variants == (replace(known.preprocessings[0], horizon=plan.holdout.horizon),)
    assert (going_on.holdout, going_on.recipe.seed) == (plan.holdout, plan.recipe.seed)
    assert going_on.recipe.loss == "pinball"
    assert (going_on.smoothing_weight, going_on.smoothing_half_length) == (
        known.weights.fixed[1],
        known.weights.smoothing_half_length,
    )
    assert going_on.architecture.head == known.lstm.head
    assert warm.may_stay
    assert [finding.key for finding in going_on.inferred].count(SettingKey.INIT) == 1


def test_a_pinned_share_of_smoothing_stays(air_panel: Panel) -> None:
    """Whatever serves the class."""
    plan, _ = plan_fine_tuning(make_plan(air_panel, load_config(None, {"model.smoothing_weight": 0.2})))
    assert (plan.smoothing_weight, plan.smoothing_half_length) == (0.2, 0)


def test_other_levels_are_refused(air_panel: Panel) -> None:
    """The networks say bounds of their own; the message says which."""
    config = load_config(None, {**QUICK, "forecast.levels": [50, 90]})
    with pytest.raises(ConfigError, match=r"forecast\.levels: pretrained networks say .* 80 and 95 %"):
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
def test_saved_and_loaded_it_says_the_same(tuned_air: Forecaster, tmp_path: Path) -> None:
    """Unit, phases and the share of smoothing are kept."""
    tuned_air.save(tmp_path, "air")
    loaded = Forecaster.load("air", tmp_path)
    assert loaded.ensemble.preprocessings == tuned_air.ensemble.preprocessings
    assert loaded.ensemble.weights == tuned_air.ensemble.weights
    assert loaded.predict().render(".csv") == tuned_air.predict().render(".csv")


@pytest.mark.slow
def test_it_is_explained_with_the_share_of_its_length(tuned_air: Forecaster, air_panel: Panel) -> None:
    """The attributions sum to what the past changed, smoothing counting as much as it does in the forecast."""
    found = explain(tuned_air, air_panel)
    bound = tuned_air.ensemble.bind(air_panel)
    assert found.weights[MemberName.SMOOTHING] == bound.weights(np.array([0]), air_panel.lengths - 1)[1, 0]
    said = tuned_air.predict(air_panel).values[0]
    np.testing.assert_allclose(found.reference + found.attribution.sum(axis=1), said, rtol=1e-3)


@pytest.mark.slow
def test_they_stay_where_nothing_is_learnt(air_panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps so bold that every epoch is worse: no epochs, and the weights that came with lstmcast."""
    config = load_config(None, {**QUICK, "train.learning_rate": 3.0, "train.epochs": 1})
    found = train(air_panel, config)
    assert set(found.report.epochs) == {0}
    for before, after in zip(
        load_pretrained_forecaster(air_panel).ensemble.lstm.networks, found.ensemble.lstm.networks, strict=True
    ):
        for name, array in to_tensors(after).items():
            np.testing.assert_array_equal(to_tensors(before)[name], array)
    monkeypatch.setattr(forecasting_train, "load_pretrained", None)
    assert np.isfinite(found.predict(air_panel).values).all()


@pytest.mark.slow
def test_a_zero_long_ago_changes_nothing(tmp_path: Path, write_series: Callable[..., Path]) -> None:
    """A series that was not transformed while learning is read in logs where the steps looked at have no zero."""
    y = 500 + 100 * np.sin(np.arange(800) * 2 * np.pi / 7)
    y[5] = 0.0
    panel = read(write_series(tmp_path / "zero.csv", {"a": y}))
    found = train(panel, load_config(None, {**QUICK, "train.learning_rate": 1e-12}))
    assert not found.ensemble.preprocessings[0].series_scales
    said = found.predict(panel).values
    np.testing.assert_allclose(said, load_pretrained_forecaster(panel).predict(panel).values, rtol=1e-3)
    found.save(tmp_path / "models", "zero")
    np.testing.assert_allclose(Forecaster.load("zero", tmp_path / "models").predict(panel).values, said, rtol=1e-12)


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
