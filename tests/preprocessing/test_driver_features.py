"""Inputs from covariates against a loop over single numbers, no look ahead, and networks that read them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstmcast.api import train
from lstmcast.config.schema import ValueConfig
from lstmcast.data.drivers.options import CovariateOptions
from lstmcast.data.load import read
from lstmcast.data.panel import Panel
from lstmcast.data.schema import ReadOptions
from lstmcast.explain.explanation import explain
from lstmcast.explain.forecast_gradient import sensitivity
from lstmcast.forecasting.codec import load, save
from lstmcast.forecasting.planning import make_plan
from lstmcast.forecasting.warm_start import apply_warm_start
from lstmcast.nn import multistep, numpy_lstm
from lstmcast.nn.heads import QuantileHead
from lstmcast.nn.numpy_lstm import Layer, Network
from lstmcast.preprocessing.driver_features import DriverInputs, DriverSpec
from lstmcast.preprocessing.panel_scaling import Preprocessing, ScalingSpec
from lstmcast.preprocessing.windows import WindowDataset, WindowSpec

HOURS, AHEAD = 24 * 10, 30
ROLES = {"known": ("heat", "promo"), "past": ("wind",), "static": ("size",)}


def frame(hours: int = HOURS, ahead: int = AHEAD, seed: int = 0) -> pd.DataFrame:
    """Two hourly series with known, past and static covariates, and rows ahead."""
    rng, steps = np.random.default_rng(seed), np.arange(hours + ahead)
    parts = []
    for shop, size in (("a", 3.0), ("b", 5.0)):
        heat = rng.normal(20, 5, len(steps))
        load = np.where(
            steps < hours, 100 + 10 * np.sin(steps * np.pi / 12) + heat + rng.normal(size=len(steps)), np.nan
        )
        parts.append(
            pd.DataFrame(
                {
                    "time": pd.date_range("2024-04-26", periods=len(steps), freq="h").strftime("%Y-%m-%d %H:%M"),
                    "shop": shop,
                    "load": load,
                    "heat": heat,
                    "promo": steps % 5 == 0,
                    "wind": rng.normal(3, 1, len(steps)),
                    "size": size,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def panel_of(table: pd.DataFrame, **covariates: object) -> Panel:
    """The panel of a DataFrame with covariates of all roles, and the holidays of a region."""
    options = CovariateOptions(**({**ROLES, "holidays": ("DE",)} | covariates))  # type: ignore[arg-type]
    return read(table, ReadOptions(target=("load",), id_columns=("shop",), covariates=options))


def spec_of(panel: Panel, horizon: int) -> DriverSpec:
    """The inputs that suit a panel."""
    spec = DriverSpec.fit(panel, horizon)
    assert spec is not None
    return spec


@pytest.fixture(scope="module")
def shops() -> Panel:
    """Two series."""
    return panel_of(frame())


class Slow:
    """The inputs of one series by their definitions, one number at a time."""

    def __init__(self, table: pd.DataFrame, shop: str, hours: int = HOURS) -> None:
        self.known, self.rows = table[:hours], table[table["shop"] == shop].reset_index(drop=True)
        self.seen = table[table["load"].notna()]

    def value(self, name: str, t: int) -> float | None:
        """The standardized value at step t; None if it is unknown."""
        if not 0 <= t < len(self.rows):
            return None
        seen = self.seen[name].astype(float)
        deviation = seen.std(ddof=0) or 1.0
        return float((float(self.rows[name][t]) - seen.mean()) / deviation)

    def at(self, t: int, horizon: int) -> list[float]:
        """The inputs at step t, without the calendar and holidays."""
        levels, differences = [], []
        for back in (0, 24, 168):
            for name in ROLES["known"]:
                values = [self.value(name, t + k) for k in range(1, horizon + 1)]
                before = [self.value(name, t + k - back) for k in range(1, horizon + 1)]
                if back:
                    pairs = zip(values, before, strict=True)
                    differences += [0.0 if v is None or b is None else v - b for v, b in pairs]
                else:
                    levels += [v or 0.0 for v in values]
        return [*levels, *differences, self.value("wind", t) or 0.0, self.value("size", max(t, 0)) or 0.0]


@pytest.mark.parametrize("horizon", [1, 3])
def test_inputs_are_those_of_their_definition(horizon: int) -> None:
    """Also before the first step, and where values ahead are unknown."""
    table = frame()
    panel = panel_of(table, holidays=())
    spec = spec_of(panel, horizon)
    assert spec.back == (24, 168)
    found = spec.bind(panel).at(np.array([0, 1]), np.array([-2, HOURS - 10]), 50)
    assert found.shape == (2, 50, spec.width)
    assert found.dtype == np.float32
    for row, shop, first in ((0, "a", -2), (1, "b", HOURS - 10)):
        slow = Slow(table, shop)
        expected = [slow.at(t, horizon) for t in range(first, min(first + 50, HOURS + AHEAD))]
        width = len(expected[0])
        np.testing.assert_allclose(found[row, : len(expected), :width], expected, atol=1e-5)


def test_calendar_and_holidays_are_those_of_the_steps_ahead(shops: Panel) -> None:
    """The weekday is that of the next step, and holidays are marked on all steps ahead."""
    spec = spec_of(shops, 24)
    assert spec.holidays == ("holiday",)
    step = 24 * 4 + 23  # the last hour of 30 April, a Tuesday
    x = spec.bind(shops).at(np.array([0]), np.array([step - 1]), 2)[0]
    calendar = x[:, -len(spec.calendar) :]
    assert calendar[0, spec.calendar.index("Tuesday")] == 1
    assert calendar[1, spec.calendar.index("Wednesday")] == 1
    np.testing.assert_allclose(calendar[1, [spec.calendar.index(f"day {wave} 1") for wave in ("sin", "cos")]], [0, 1])
    before, marked = x[:, 2 * 24 : 3 * 24]  # heat and promo come first
    np.testing.assert_array_equal(marked, np.ones(24))
    np.testing.assert_array_equal(before, [0, *np.ones(23)])


@given(step=st.integers(0, HOURS - 1), horizon=st.integers(1, 26), seed=st.integers(0, 99))
def test_no_input_depends_on_what_becomes_known_later(step: int, horizon: int, seed: int) -> None:
    """Not on known covariates after t+H, nor on past ones after t."""
    table = frame()
    panel = panel_of(table, holidays=())
    spec = spec_of(panel, horizon)
    other, rng = table.copy(), np.random.default_rng(seed)
    for name, first in (("heat", step + horizon + 1), ("wind", step + 1)):
        later = table.groupby("shop").cumcount().to_numpy() >= first
        other.loc[later, name] = rng.normal(size=later.sum()) * 100
    series, starts = np.array([0, 1]), np.full(2, step - 60)
    found, again = (spec.bind(each).at(series, starts, 61) for each in (panel, panel_of(other, holidays=())))
    np.testing.assert_array_equal(found, again)


def revised(hours: int = 60) -> pd.DataFrame:
    """One hourly series whose temperatures were forecast a day before, and measured later."""
    table = frame(hours, 24)
    table = table[table["shop"] == "a"].drop(columns=["promo", "wind", "size"])
    times = pd.to_datetime(table["time"])
    early = table.assign(heat=np.arange(len(table)), known=(times - pd.Timedelta("24h")).dt.strftime("%Y-%m-%d %H:%M"))
    late = table.assign(
        heat=1000.0 + np.arange(len(table)), known=(times + pd.Timedelta("2h")).dt.strftime("%Y-%m-%d %H:%M")
    )
    return pd.concat([early, late[late["load"].notna()]])


def test_revisions_are_unknown_before_their_time() -> None:
    """A step reads the values ahead as they were forecast; one beyond the cutoff reads what the cutoff knew."""
    panel = panel_of(revised(), known=("heat",), past=(), static=(), holidays=(), known_as_of="known")
    spec = replace(spec_of(panel, 3), back=(4,))
    (heat,) = spec.known
    bound = spec.bind(panel)

    def values(inputs: DriverInputs, step: int) -> list[float]:
        x = inputs.at(np.array([0]), np.array([step]), 1)[0, 0, :6].astype(float) * heat.deviation
        return [*(x[:3] + heat.mean).round(), *x[3:].round()]

    np.testing.assert_allclose(values(bound, 30), [31, 32, 33, 4 - 1000, 4 - 1000, 4], atol=0.1)
    cut = bound.take(np.array([0]), np.array([10]), np.array([26]))
    np.testing.assert_allclose(values(cut, 20), [31, 32, 33, 4, 4, 4], atol=0.1)


def test_past_covariates_stay_as_they_were_at_the_cutoff(shops: Panel) -> None:
    """A step after the cutoff reads the value at the cutoff."""
    spec = spec_of(shops, 1)
    bound = spec.bind(shops)
    cut = bound.take(np.array([1]), np.array([0]), np.array([50]))
    wind = spec.width - len(spec.calendar) - 2
    whole, part = (each.at(series, np.array([40]), 20)[0, :, wind] for each, series in ((bound, [1]), (cut, [0])))
    np.testing.assert_array_equal(part[:11], whole[:11])
    np.testing.assert_array_equal(part[11:], np.full(9, whole[10]))


def test_other_columns_and_missing_ones_count_as_unknown(shops: Panel) -> None:
    """Covariates are found by name, and one that is missing counts as its mean."""
    spec = spec_of(shops, 1)
    other = panel_of(frame(), known=("promo", "heat"), past=())
    x, y = (spec.bind(panel).at(np.array([0]), np.array([200]), 5)[0] for panel in (shops, other))
    wind = spec.width - len(spec.calendar) - 2
    np.testing.assert_array_equal(y, np.where(np.arange(spec.width) == wind, 0, x))


def test_the_facts_of_a_spec_restore_it(shops: Panel) -> None:
    """Through JSON."""
    spec = spec_of(shops, 3)
    assert DriverSpec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec


def test_without_covariates_there_are_no_inputs() -> None:
    """Nor without holidays."""
    table = frame(ahead=0).drop(columns=["heat", "promo", "wind", "size"])
    panel = read(table, ReadOptions(target=("load",), id_columns=("shop",)))
    assert DriverSpec.fit(panel, 4) is None


def windows_of(panel: Panel, horizon: int) -> WindowDataset:
    """Windows with the inputs of a panel."""
    shape = WindowSpec(context=6, lags=3, level_window=4, season_length=4, profile_seasons=2, horizon=horizon)
    preprocessing = Preprocessing(ScalingSpec("none"), shape, horizon, drivers=spec_of(panel, horizon))
    return preprocessing.bind(panel).windows


def network_of(features: int, outputs: int) -> Network:
    """One layer and a skip connection with random weights."""
    rng = np.random.default_rng(features)

    def draw(*shape: int) -> np.ndarray:
        return rng.normal(scale=0.2, size=shape).astype(np.float32)

    return Network(
        (Layer(draw(features, 20), draw(5, 20), draw(20)),), draw(5 + features, outputs), draw(outputs), skip=True
    )


@pytest.mark.parametrize("outputs", [1, 4])
def test_forecasts_of_several_steps_equal_forecasts_one_by_one(shops: Panel, outputs: int) -> None:
    """Recursive and direct, with the covariates ahead as they are known at the origin."""
    cut, horizon = windows_of(shops, outputs), 10
    network = network_of(cut.features, outputs)
    series, origins = np.array([0, 1]), np.array([150, HOURS - 1])
    found = multistep.forecast([network], QuantileHead(outputs), cut, series, origins, horizon)[0]
    z, context = np.empty((2, 0)), cut.spec.context
    while z.shape[1] < horizon:
        known = cut.extended(series, origins, z) if z.shape[1] else cut
        each, ends = (np.arange(2), np.diff(known.offsets) - 1) if z.shape[1] else (series, origins)
        length = context if outputs > 1 else context + z.shape[1]
        output = numpy_lstm.forward(network, known.inputs(each, ends - length + 1, length))
        z = np.hstack([z, known.level_and_profile(each, ends, outputs) + output[:, -1]])
    np.testing.assert_allclose(found, z[:, :horizon], atol=1e-4)


@pytest.mark.parametrize("outputs", [1, 5])
def test_gradients_of_past_values_are_quotients_of_differences(shops: Panel, outputs: int) -> None:
    """The other inputs are held fixed."""
    cut, horizon, steps = windows_of(shops, outputs), 5, 40
    network, head = network_of(cut.features, outputs), QuantileHead(outputs)
    assert cut.drivers is not None
    drivers = cut.drivers.take(np.zeros(2 * steps, int), np.full(2 * steps, 100), np.full(2 * steps, 100 + steps - 1))

    def forecast(z: np.ndarray) -> tuple[WindowDataset, np.ndarray]:
        offsets = np.arange(len(z) + 1) * steps
        read = WindowDataset.from_panel(z.ravel(), np.ones(z.size, bool), offsets, cut.spec, drivers)
        return read, multistep.forecast([network], head, read, np.arange(len(z)), np.full(len(z), steps - 1), horizon)[
            0
        ]

    z = np.random.default_rng(1).normal(size=(1, steps))
    step = 2.0**-6
    found = sensitivity(network, head, *forecast(z), np.ones((1, horizon)))
    up, down = np.split(forecast(z + step * np.concatenate([np.eye(steps), -np.eye(steps)]))[1], 2)
    np.testing.assert_allclose(found.values, ((up - down) / (2 * step)).T, rtol=1e-3, atol=3e-3)


CONFIG = {"model": {"units": [6], "lags": 24, "context": 12}, "train": {"init": "scratch", "epochs": 3}}


def config_of(**model: object) -> ValueConfig:
    """A small network."""
    return ValueConfig.model_validate({**CONFIG, "model": {**CONFIG["model"], **model}})


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["recursive", "direct"])
def test_a_saved_network_reads_the_covariates(strategy: str, tmp_path: Path) -> None:
    """It is saved with its inputs, forecasts the same when loaded, and is explained."""
    panel = panel_of(frame())
    model = train(panel, config_of(strategy=strategy, smoothing_weight=0))
    drivers = model.ensemble.preprocessings[0].drivers
    assert drivers is not None
    assert drivers.horizon == (1 if strategy == "recursive" else model.horizon)
    again = load(save(model, tmp_path, "m", data=None, now=datetime(2026, 1, 1, tzinfo=UTC), keep=1))
    assert again.ensemble.preprocessings[0].drivers == drivers
    np.testing.assert_array_equal(again.predict(panel).values, model.predict(panel).values)
    hotter = frame()
    hotter.loc[hotter["load"].isna(), "heat"] += 10
    assert (again.predict(panel_of(hotter)).values != model.predict(panel).values).all()
    found = explain(model, panel)
    np.testing.assert_allclose(
        found.reference + found.attribution.sum(axis=1), found.forecast.values[0], rtol=1e-2, atol=1e-2
    )


@pytest.mark.slow
def test_networks_do_without_covariates_if_the_config_leaves_them_out() -> None:
    """`model.drivers: none` gives the network of the past values alone."""
    model = train(panel_of(frame()), config_of(drivers="none"))
    assert model.ensemble.preprocessings[0].drivers is None


@pytest.mark.slow
def test_a_model_of_other_covariates_gives_no_initial_weights() -> None:
    """The inputs must have the same meaning."""
    start = train(panel_of(frame()), config_of())
    newer = frame(HOURS + 48)
    same, other = panel_of(newer), panel_of(newer, past=())
    warm, fresh = (apply_warm_start(make_plan(panel, config_of()), start) for panel in (same, other))
    assert warm[1] is not None
    assert warm[0].variants[0].drivers == start.ensemble.preprocessings[0].drivers
    assert fresh[1] is None
