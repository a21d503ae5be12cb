"""A trained forecaster: from a file as from its memory, at any horizon, for any series, and never for other data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from lstmcast.data.load import read
from lstmcast.data.panel import Panel
from lstmcast.data.schema import ReadOptions
from lstmcast.errors import DataError, ModelError, UsageError
from lstmcast.forecasting import forecaster
from lstmcast.forecasting.ensemble.ensemble import Ensemble
from lstmcast.forecasting.forecaster import Forecaster
from lstmcast.nn.heads import QuantileHead
from lstmcast.statistical import ensemble as statistical_ensemble

pytestmark = pytest.mark.kernel

Write = Callable[..., Path]
Wave = Callable[[int, int], np.ndarray]


def test_from_the_file_as_from_memory(forecaster: Forecaster, air_panel: Panel) -> None:
    """The file of training gives the forecast of what was kept from it, to the byte."""
    kept, again = forecaster.predict(), forecaster.predict(air_panel)
    assert again.to_frame().equals(kept.to_frame())
    assert again.values.tobytes() == kept.values.tobytes()
    assert again.upper.tobytes() == kept.upper.tobytes()


@pytest.mark.parametrize("horizon", [1, 2, 5, 11, 12, 13, 24, 100])
def test_any_horizon(forecaster: Forecaster, horizon: int) -> None:
    """A longer forecast begins with the shorter one; times go on month by month after the last known."""
    forecast, longest = forecaster.predict(horizon=horizon), forecaster.predict(horizon=120)
    assert forecast.horizon == horizon
    np.testing.assert_array_equal(forecast.values, longest.values[:, :horizon])
    np.testing.assert_array_equal(forecast.lower, longest.lower[:, :, :horizon])
    months = np.datetime64("1961-01") + np.arange(horizon)
    assert forecast.to_frame()["month"].tolist() == [str(month) for month in months]


@pytest.mark.parametrize("horizon", [96_469, 10**6, 10**12])
def test_no_forecast_reaches_beyond_the_calendar(forecaster: Forecaster, horizon: int) -> None:
    """A forecast of months after December 9999 is refused for any horizon."""
    with pytest.raises(UsageError, match=f"{horizon} steps from the last one reach beyond the year 9999"):
        forecaster.predict(horizon=horizon)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["forecaster", "lone"])
def test_bounds(name: str, request: pytest.FixtureRequest) -> None:
    """Intervals nest, contain the forecast, are positive for positive data and do not narrow with the horizon."""
    model: Forecaster = request.getfixturevalue(name)
    forecast = model.predict(horizon=60)
    assert model.ensemble.preprocessings[0].scaling_spec.transform == "log"
    order = [forecast.lower[1], forecast.lower[0], forecast.values, forecast.upper[0], forecast.upper[1]]
    for below, above in pairwise(order):
        assert (below <= above).all()
    assert (forecast.lower > 0).all()
    relative = np.log(forecast.upper / forecast.lower)
    assert name == "forecaster" or (np.diff(relative, axis=2) >= -1e-9).all()


@pytest.mark.parametrize("horizon", [1, 4, 5, 6, 23])
def test_predicted_bounds(direct: Forecaster, horizon: int) -> None:
    """Quantiles of a network, calibrated: ordered, positive for logs, and other distances below than above, in logs."""
    forecast = direct.predict(horizon=horizon)
    assert direct.ensemble.lstm.head == QuantileHead(5, (80.0, 95.0))
    assert direct.ensemble.preprocessings[0].scaling_spec.transform == "log"
    table = forecast.to_frame()
    names = ["lower_95", "lower_80", "forecast", "upper_80", "upper_95"]
    assert len(table) == 3 * horizon
    for below, above in pairwise(names):
        assert (table[below] < table[above]).all()
    assert (table["lower_95"] > 0).all()
    asymmetry = np.log(table["forecast"] / table["lower_80"]) / np.log(table["upper_80"] / table["forecast"])
    assert np.abs(asymmetry - 1).max() > 0.01


def test_bounds_beyond_the_output_steps_use_the_last_step(direct: Forecaster) -> None:
    """Beyond its five steps, distances in logs are those of the fifth, and grow with the root of the step."""
    forecast = direct.predict(horizon=20)
    below = np.log(forecast.values / forecast.lower)
    above = np.sqrt(2 * forecast.upper / forecast.values - 1) - 1  # w of 1 + w + w²/2
    for far in (below, above):
        np.testing.assert_allclose(far[..., 19], 2 * far[..., 4], rtol=1e-6)


def test_a_direct_forecast_begins_with_the_shorter_one(direct: Forecaster) -> None:
    """The first steps do not depend on the horizon, byte for byte."""
    longest = direct.predict(horizon=23)
    for horizon in (1, 5, 6, 11):
        forecast = direct.predict(horizon=horizon)
        np.testing.assert_array_equal(forecast.values, longest.values[:, :horizon])
        np.testing.assert_array_equal(forecast.lower, longest.lower[:, :, :horizon])
        np.testing.assert_array_equal(forecast.upper, longest.upper[:, :, :horizon])


def test_from_the_file_as_from_memory_with_quantiles(direct: Forecaster, direct_panel: Panel) -> None:
    """The file of training gives the forecast of what was kept from it, to the byte."""
    kept, again = direct.predict(), direct.predict(direct_panel)
    for part in ("values", "lower", "upper"):
        assert getattr(again, part).tobytes() == getattr(kept, part).tobytes()


def test_grown_history_is_used(forecaster: Forecaster, air: Path, tmp_path: Path) -> None:
    """Two more months: the forecast begins two months later, from the new values and not from the old end."""
    grown = tmp_path / "grown.csv"
    grown.write_text(air.read_text() + "1961-01,500\n1961-02,490\n")
    forecast, before = forecaster.predict(read(grown)), forecaster.predict()
    assert forecast.to_frame()["month"].iloc[0] == "1961-03"
    assert abs(forecast.values[0, 0] / before.values[0, 2] - 1) > 0.01
    other = tmp_path / "other.csv"
    other.write_text(air.read_text() + "1961-01,500\n1961-02,300\n")
    assert forecaster.predict(read(other)).values[0, 0] < forecast.values[0, 0]


@pytest.mark.parametrize("head", [QuantileHead(), QuantileHead(12), QuantileHead(5, (80.0, 95.0))])
def test_a_shorter_past_is_enough(
    forecaster: Forecaster,
    make_ensemble: Callable[..., Ensemble],
    air: Path,
    tmp_path: Path,
    head: QuantileHead,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The required history gives the same forecast as the whole file; a few rows give a forecast, too."""
    monkeypatch.setattr(statistical_ensemble, "MIN_HISTORY_STEPS", 30)
    monkeypatch.setattr(statistical_ensemble, "HISTORY_SEASONS", 8)
    scales = forecaster.ensemble.preprocessings[0].series_scales
    ensemble = make_ensemble(head, smoothing=0.25, series_scales=scales)
    model = replace(forecaster, ensemble=ensemble)
    lines = air.read_text().splitlines()
    required, few = tmp_path / "required.csv", tmp_path / "few.csv"
    assert ensemble.required_history < len(lines) - 1
    required.write_text("\n".join([lines[0], *lines[-ensemble.required_history :]]) + "\n")
    few.write_text("\n".join([lines[0], *lines[-5:]]) + "\n")
    predicted, whole = model.predict(read(required)), model.predict(read(air))
    np.testing.assert_allclose(predicted.values, whole.values, rtol=1e-5)
    np.testing.assert_allclose(predicted.lower, whole.lower, rtol=1e-4)
    forecast = model.predict(read(few, ReadOptions(frequency="MS", season_length=12)))
    assert np.isfinite(forecast.values).all()


def test_unseen_series_are_forecast_from_their_own_past(
    shops: Forecaster, tmp_path: Path, write_series: Write, waves: Wave
) -> None:
    """A series that training never saw is forecast, near its own level and not that of the others."""
    known, fresh = waves(120, 1), 50 * waves(60, 9)
    forecast = shops.predict(read(write_series(tmp_path / "x.csv", {"north": known, "brand new": fresh})))
    assert forecast.keys == (("north",), ("brand new",))
    assert 4000 < forecast.values[1].mean() < 6000
    assert 80 < forecast.values[0].mean() < 120
    path = write_series(tmp_path / "y.csv", {"north": known})
    alone = shops.predict(read(path, ReadOptions(id_columns=("shop",))))
    np.testing.assert_allclose(forecast.values[0], alone.values[0], rtol=1e-5)


def test_each_series_is_forecast_as_if_alone(
    shops: Forecaster, tmp_path: Path, write_series: Write, waves: Wave, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In blocks of two on several cores, or one after the other: the same forecasts and bounds in the same order."""
    panel = read(write_series(tmp_path / "x.csv", {f"shop {k}": waves(60 + 7 * k, k) + 9 * k for k in range(5)}))
    alone = [shops.predict(panel.select(np.array([k]))) for k in range(5)]
    monkeypatch.setattr(forecaster, "BLOCK", 2)
    forecast = shops.predict(panel)
    assert forecast.origins.tolist() == [one.origins[0] for one in alone]
    np.testing.assert_allclose(forecast.values, [one.values[0] for one in alone], rtol=1e-5)
    for name in ("lower", "upper"):
        expected = np.concatenate([getattr(one, name) for one in alone], axis=1)
        np.testing.assert_allclose(getattr(forecast, name), expected, rtol=1e-5)


def refusal(model: Forecaster, path: Path, text: str, options: ReadOptions | None = None) -> str:
    """The message that refuses this file."""
    path.write_text(text)
    with pytest.raises(DataError) as caught:
        model.predict(read(path, options or ReadOptions()))
    assert "train again" in str(caught.value.faults[-1])
    return str(caught.value)


def test_other_data_are_refused(forecaster: Forecaster, tmp_path: Path) -> None:
    """Other columns and another frequency are named, with what they were and are; several faults come together."""
    path = tmp_path / "x.csv"
    days = "".join(f"2024-01-{d:02},{d}\n" for d in range(1, 29))
    months = "".join(f"{1950 + k // 12}-{k % 12 + 1:02},{k + 1}\n" for k in range(48))
    assert "the frequency was MS in training and is D here" in refusal(forecaster, path, f"month,passengers\n{days}")
    assert "the time column was 'month' in training and is 'when' here" in refusal(
        forecaster, path, f"when,passengers\n{months}"
    )
    assert "the target column was ('passengers',) in training and is ('freight',) here" in refusal(
        forecaster, path, f"month,freight\n{months}"
    )
    both = refusal(forecaster, path, f"when,freight\n{days}")
    assert len(both.splitlines()) == 4


def test_series_where_there_were_none(forecaster: Forecaster, tmp_path: Path) -> None:
    """A file of several series is refused by a model of one."""
    rows = [f"{1950 + k // 12}-{k % 12 + 1:02},{s},{k + 1}" for s in "ab" for k in range(48)]
    text = "month,who,passengers\n" + "\n".join(rows) + "\n"
    assert "the series column was () in training and is ('who',) here" in refusal(forecaster, tmp_path / "x.csv", text)


def test_a_forecast_beyond_every_number_is_refused(forecaster: Forecaster) -> None:
    """A network whose forecast overflows is a model's fault, and the series is named."""
    ensemble = forecaster.ensemble
    wild = replace(ensemble.lstm.networks[0], d=np.array([1e30], np.float32))
    members = (replace(ensemble.lstm, networks=(wild,)), *ensemble.members[1:])
    model = replace(forecaster, ensemble=replace(ensemble, members=members))
    with pytest.raises(ModelError, match="the forecast of the series is not finite"):
        model.predict()


def test_the_fingerprint_knows_every_change(air_panel: Panel) -> None:
    """One changed value, one value marked as filled, or one step less make another fingerprint; a copy does not."""
    values, observed = air_panel.values.copy(), air_panel.observed.copy()
    assert replace(air_panel, values=values, observed=observed).fingerprint() == air_panel.fingerprint()
    values[7] += 1e-9
    observed[9] = False
    rest = [replace(air_panel, values=values), replace(air_panel, observed=observed), air_panel.drop_last(1)]
    assert len({panel.fingerprint() for panel in (air_panel, *rest)}) == 4
