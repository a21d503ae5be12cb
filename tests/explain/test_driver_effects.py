"""Parts of forecasts of data whose drivers are known."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lstmcast import app
from lstmcast.explain.driver_effects import DriverEffects, driver_effects
from lstmcast.explain.explanation import explain
from lstmcast.forecasting.ensemble.direct_member import HOLIDAYS, LEVEL, REST, SEASON, Part, PartKind

DAYS, AHEAD = 400, 14
HEAT = Part(PartKind.COVARIATE, "heat")


def data(folder: Path, *, shift: float = 500.0) -> Path:
    """Daily loads with a weekend, an effect of heat of 8 a degree above 10, and one of −60 on holidays."""
    days = pd.date_range("2024-01-01", periods=DAYS + AHEAD, freq="D")
    rng = np.random.default_rng(0)
    heat = 10 + 9 * np.cos(np.arange(len(days)) / 64) + rng.normal(0, 3, len(days))
    off = days.strftime("%m-%d").isin(["01-01", "02-10", "04-01", "05-01", "12-25"])
    load = shift + 8 * np.maximum(heat - 10, 0) - 90 * (days.day_of_week > 4) - 60 * off + rng.normal(0, 2, len(days))
    table = pd.DataFrame({"day": days, "load": load, "heat": heat})
    table.loc[DAYS:, "load"] = np.nan
    table.to_csv(folder / "load.csv", index=False)
    events = pd.DataFrame({"date": days[off], "name": "Holiday", "day_off": "yes"})
    events.to_csv(folder / "events.csv", index=False)
    return folder / "load.csv"


def loaded(folder: Path, path: Path, holidays: Sequence[str] = ()) -> app.LoadedModel:
    """Pretrained models, and the data with covariates."""
    covariates = {"known": ["heat"], "holidays": [str(folder / name) for name in holidays]}
    return app.load_model(None, None, str(path), {"target": ["load"], "covariates": covariates})


@pytest.fixture(scope="module")
def effects(tmp_path_factory: pytest.TempPathFactory) -> DriverEffects:
    """With a covariate and holidays."""
    folder = tmp_path_factory.mktemp("effects")
    found = loaded(folder, data(folder), ["events.csv"])
    return driver_effects(found.model, found.dataset)


def test_parts_sum_to_the_forecast(effects: DriverEffects) -> None:
    """Each step of each part is finite, and the rest is small."""
    total = np.sum(list(effects.parts.values()), axis=0)
    np.testing.assert_allclose(total, effects.forecast.values[0])
    assert set(effects.parts) == {LEVEL, SEASON, HOLIDAYS, HEAT, REST}
    assert np.abs(effects.parts[REST]).max() < 5
    assert effects.has_drivers
    assert effects.weight > 0.3


def test_parts_of_known_drivers(effects: DriverEffects) -> None:
    """The weekend belongs to the season, heat and holidays to their own parts; the level is even."""
    heat = effects.past.covariates.at(np.zeros(1, np.int64), effects.forecast.positions, effects.past.ends)[0, :, 0]
    part, off = effects.parts[HEAT], np.array([bool(name) for name in effects.holidays])
    assert np.corrcoef(part, np.maximum(heat - 10, 0))[0, 1] > 0.8
    season = effects.parts[SEASON]
    weekday = effects.forecast.calendar.wall(effects.forecast.positions[0]).astype("datetime64[D]").astype(int)
    weekend = (weekday + 3) % 7 > 4
    assert season[~weekend].mean() - season[weekend].mean() == pytest.approx(90, rel=0.35)
    assert off.sum() == 1
    assert effects.parts[HOLIDAYS][off] < effects.parts[HOLIDAYS][~off].min() - 10
    assert np.ptp(effects.parts[LEVEL]) < 40


def test_response_bends(effects: DriverEffects) -> None:
    """Little below the threshold, and a slope of about 8 above it."""
    (response,) = effects.responses
    assert response.column == "heat"
    slope = np.diff(response.effects) / np.diff(response.values) / effects.weight
    assert abs(slope[0]) < 3
    assert slope[-2:].mean() == pytest.approx(8, rel=0.4)


def test_a_horizon_below_a_season(tmp_path: Path) -> None:
    """The season of past values stays with the level; without holidays there is no such part."""
    found = loaded(tmp_path, data(tmp_path))
    effects = driver_effects(found.model, found.dataset, horizon=3)
    assert HOLIDAYS not in effects.parts
    assert effects.parts[LEVEL].shape == (3,)
    np.testing.assert_allclose(np.sum(list(effects.parts.values()), axis=0), effects.forecast.values[0])


def test_values_that_may_be_negative(tmp_path: Path) -> None:
    """On a scale that bends, the parts sum to the forecast too, and so do attributions to past values."""
    found = loaded(tmp_path, data(tmp_path, shift=0.0))
    explained = explain(found.model, found.dataset)
    parts = explained.drivers.parts
    np.testing.assert_allclose(np.sum(list(parts.values()), axis=0), explained.forecast.values[0])
    change = explained.attribution.sum(axis=1)
    assert explained.error < 0.01
    np.testing.assert_allclose(change, explained.forecast.values[0] - explained.reference, atol=0.05 * np.ptp(change))
