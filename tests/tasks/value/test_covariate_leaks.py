"""Nothing at an origin depends on covariates that are not known there, whatever their kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from lstmcast.api import backtest, train
from lstmcast.config import Config, load_config
from lstmcast.data.drivers.covariates import Covariates, Versions
from lstmcast.data.drivers.holiday import Holiday
from lstmcast.data.load import read
from lstmcast.data.panel import Panel
from lstmcast.data.schema import ReadOptions
from lstmcast.forecasting.forecaster import ForecastArrays
from lstmcast.forecasting.pretrained import load_pretrained_forecaster
from lstmcast.nn.numpy_lstm import to_tensors

Change = Callable[[Panel, int, int], Panel]
ORIGINS = 2
WINDOW = 30  # days around a holiday


def panel_of(freq: str, length: int, tmp: str, *, versions: bool = False) -> Panel:
    """Two series with covariates of all kinds, and events: known, past, static, text, revised."""
    rng = np.random.default_rng(1)
    times = pd.date_range("2023-01-01", periods=length + 40, freq=freq)
    parts = []
    for k, name in enumerate(("a", "b")):
        heat = rng.normal(10, 4, len(times)).round(2)
        wet = rng.uniform(30, 90, len(times)).round(2)
        load = (
            200 + 50 * k - 5 * heat + 0.3 * np.roll(wet, 1) + 10 * (times.day_of_week < 5) + rng.normal(size=len(times))
        )
        load[length:] = np.nan
        sky = np.where(heat > 10, "clear", "cloudy")
        part = {"time": times, "shop": name, "load": load.round(2), "heat": heat, "wet": wet, "sky": sky, "size": 5 - k}
        parts.append(pd.DataFrame(part))
    table = pd.concat(parts)
    options = {"known": ("heat", "sky"), "past": ("wet",), "static": ("size",), "holidays": (tmp,)}
    if versions:
        table["issued"] = table["time"] - pd.Timedelta(days=4)
        newer = table.copy()
        newer["issued"], newer["heat"] = newer["time"] - pd.Timedelta(days=1), newer["heat"] + 1
        table = pd.concat([table, newer])
        options["known_as_of"] = "issued"
    read_options = {"target": "load", "id_columns": ["shop"], "time": "time"}
    return read(table, ReadOptions.of(read_options, options))


def covariates_of(panel: Panel) -> Covariates:
    """The covariates of a panel."""
    assert panel.covariates is not None
    return panel.covariates


def positions_of(covariates: Covariates) -> np.ndarray:
    """[M] calendar positions of all rows."""
    blocks = np.repeat(np.arange(len(covariates.starts)), np.diff(covariates.offsets))
    return covariates.starts[blocks] + np.arange(len(blocks)) - covariates.offsets[blocks]


def other(panel: Panel, columns: np.ndarray, after: int) -> Panel:
    """Other values of some covariates after a position, in all versions."""
    covariates = covariates_of(panel)
    values = covariates.values.copy()
    rows = positions_of(covariates) > after
    values[np.ix_(rows, columns)] = 17 - 3 * values[np.ix_(rows, columns)]
    versions = covariates.versions
    if versions is not None:
        newest, later = versions.values.copy(), rows[versions.rows]
        newest[np.ix_(later, columns)] = 17 - 3 * newest[np.ix_(later, columns)]
        versions = replace(versions, values=newest)
    return replace(panel, covariates=replace(covariates, values=values, versions=versions))


def past(panel: Panel, origin: int, horizon: int) -> Panel:
    """Past covariates after the origin."""
    del horizon
    return other(panel, ~covariates_of(panel).known, origin)


def known(panel: Panel, origin: int, horizon: int) -> Panel:
    """Known covariates after the horizon."""
    covariates = covariates_of(panel)
    return other(panel, covariates.known & ~covariates.static, origin + horizon)


def static(panel: Panel, origin: int, horizon: int) -> Panel:
    """Static covariates after the horizon, where a file may not have them any more."""
    return other(panel, covariates_of(panel).static, origin + horizon)


def holidays(panel: Panel, origin: int, horizon: int) -> Panel:
    """Events later than those that the days of the horizon are next to."""
    assert panel.holidays is not None
    day = int(panel.calendar.wall(np.array([origin + horizon])).astype("datetime64[D]").astype(int)[0]) + WINDOW
    kept = tuple(entry for entry in panel.holidays.entries if entry.day < day)
    new = tuple(Holiday(day + k, name, "other", 0, 0, False) for k, name in enumerate(("fair", "storm", "sale")))
    return replace(panel, holidays=replace(panel.holidays, entries=tuple(sorted((*kept, *new)))))


def later_versions(panel: Panel, origin: int, horizon: int) -> Panel:
    """Versions that came after the origin, also of steps before it."""
    del horizon
    covariates = covariates_of(panel)
    assert covariates.versions is not None
    versions: Versions = covariates.versions
    later = versions.known_at > origin
    assert (positions_of(covariates)[versions.rows[later]] <= origin + 40).any()
    newest = np.where(later[:, None], 17 - 3 * versions.values, versions.values)
    values = covariates.values.copy()
    values[versions.rows[later]] = newest[later]
    return replace(panel, covariates=replace(covariates, values=values, versions=replace(versions, values=newest)))


CHANGES = (past, known, static, holidays)


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A file of events: one each month."""
    path = tmp_path_factory.mktemp("events") / "events.csv"
    days = pd.date_range("2023-01-10", periods=15, freq="31D").strftime("%Y-%m-%d")
    path.write_text("date,name\n" + "".join(f"{day},fair\n" for day in days), encoding="utf-8")
    return str(path)


def same(first: ForecastArrays, second: ForecastArrays) -> bool:
    """True if forecasts and bounds are equal to the byte."""
    return all(a.tobytes() == b.tobytes() for a, b in zip(first, second, strict=True))


def zero_shot(panel: Panel, origin: int, horizon: int) -> ForecastArrays:
    """Forecast all series without training, from one origin."""
    forecaster = load_pretrained_forecaster(panel)
    steps = np.full(panel.n_series, origin) - panel.starts
    return forecaster.at(panel, np.arange(panel.n_series), steps, horizon)


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize(
    ("freq", "length", "back", "horizon"), [("D", 300, 60, 5), ("h", 900, 101, 5), ("h", 900, 101, 30)]
)
def test_zero_shot(events: str, freq: str, length: int, back: int, horizon: int, change: Change) -> None:
    """Days; hours with a horizon within a day, and with one that ends within the next."""
    panel = panel_of(freq, length, events)
    origin = int(panel.ends[0]) - back
    before = zero_shot(panel, origin, horizon)
    assert same(before, zero_shot(change(panel, origin, horizon), origin, horizon))
    assert not same(before, zero_shot(known(panel, origin, horizon - 1), origin, horizon))


@pytest.mark.parametrize("change", [*CHANGES, later_versions])
def test_zero_shot_with_versions(events: str, change: Change) -> None:
    """Revisions after the origin change nothing, those before it do."""
    panel = panel_of("D", 300, events, versions=True)
    origin = int(panel.ends[0]) - 60
    before = zero_shot(panel, origin, 5)
    assert same(before, zero_shot(change(panel, origin, 5), origin, 5))
    assert not same(before, zero_shot(later_versions(panel, origin - 3, 5), origin, 5))


def test_a_forecast_does_not_depend_on_values_ahead_of_the_horizon_being_there(events: str) -> None:
    """The values of the horizon are enough."""
    panel = panel_of("h", 900, events)
    covariates = covariates_of(panel)
    values = covariates.values.copy()
    values[positions_of(covariates) > int(panel.ends[0]) + 5] = np.nan
    cut = replace(panel, covariates=replace(covariates, values=values))
    assert same(*(zero_shot(each, int(panel.ends[0]), 5) for each in (panel, cut)))


@pytest.fixture(scope="module")
def config() -> Config:
    """An ensemble of pretrained models, regressions and a network that reads covariates."""
    return load_config(None, {"train.epochs": 2, "train.steps_per_epoch": 4, "model.units": [4], "forecast.horizon": 5})


@pytest.mark.slow
@pytest.mark.parametrize("refit", [False, 5])
def test_backtests(events: str, config: Config, refit: bool | int) -> None:
    """All kinds at once: the forecasts and bounds of all members, from all origins up to the changed one."""
    panel = panel_of("D", 300, events, versions=True)
    origin = int(panel.ends[0]) - 5 * ORIGINS
    changed = panel
    for change in (*CHANGES, later_versions):
        changed = change(changed, origin, 5)
    results = [backtest(each, config, n_origins=ORIGINS, refit=refit) for each in (panel, changed)]
    first, second = (result.by_method["lstmcast"] for result in results)
    for one, two in ((first.values, second.values), (first.lower, second.lower), (first.upper, second.upper)):
        assert one[..., 0, :].tobytes() == two[..., 0, :].tobytes()
        assert one[..., 1, :].tobytes() != two[..., 1, :].tobytes()


@pytest.mark.slow
def test_weights(events: str, config: Config) -> None:
    """A network trained on the past of an origin has the same weights, whatever comes after it."""
    panel = panel_of("D", 300, events, versions=True)
    origin = int(panel.ends[0]) - 10
    changed = panel
    for change in (*CHANGES, later_versions):
        changed = change(changed, origin, 5)
    one, two = (train(each.drop_last(10), config) for each in (panel, changed))
    for first, second in zip(one.ensemble.lstm.networks, two.ensemble.lstm.networks, strict=True):
        assert all(np.array_equal(tensor, to_tensors(second)[name]) for name, tensor in to_tensors(first).items())
    assert one.ensemble.weights == two.ensemble.weights
