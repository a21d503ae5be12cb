"""The classical methods of statsforecast: arguments, results, and a missing package."""

from __future__ import annotations

import sys
from types import ModuleType

import numpy as np
import pytest

from lstmcast.errors import UsageError
from lstmcast.statistical import statsforecast_models
from lstmcast.statistical.statsforecast_models import MAX_HISTORY, METHODS, FitJob, fit_all, fit_series, require

WAVE = 100 + np.arange(72.0) + 10 * np.sin(2 * np.pi * np.arange(72) / 12)


class Echo:
    """Stands in for a method: its forecast is how much it saw, its season and its levels."""

    def __init__(self, season_length: int) -> None:
        self.season = season_length

    def forecast(self, *, y: np.ndarray, h: int, level: list[float] | None) -> dict[str, np.ndarray]:
        """As statsforecast's."""
        if len(y) < 3:
            raise NotImplementedError("tiny datasets")  # the message of statsforecast for short series
        bounds = {f"{side}-{each}": np.full(h, sign * each) for each in level or [] for side, sign in SIDES}
        return {"mean": np.full(h, len(y) + self.season / 100), **bounds}


SIDES = (("lo", -1.0), ("hi", 1.0))


@pytest.fixture
def echo(monkeypatch: pytest.MonkeyPatch) -> None:
    """A statsforecast whose AutoETS is an `Echo`."""
    package, models = ModuleType("statsforecast"), ModuleType("statsforecast.models")
    models.AutoETS = Echo  # type: ignore[attr-defined]
    package.models = models  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "statsforecast", package)
    monkeypatch.setitem(sys.modules, "statsforecast.models", models)


@pytest.mark.usefixtures("echo")
def test_forecast_then_lower_then_upper_bounds() -> None:
    """The rows have this order, innermost level first, with the given season and levels."""
    forecast = fit_series(FitJob("ets", np.ones(50), 2, 12, (80, 97.5)))
    np.testing.assert_array_equal(forecast[:, 0], [50.12, -80, -97.5, 80, 97.5])
    assert forecast.shape == (5, 2)
    assert fit_series(FitJob("ets", np.ones(50), 2, 1, ())).tolist() == [[50.01, 50.01]]


@pytest.mark.usefixtures("echo")
def test_a_very_long_history_is_cut_and_a_tiny_one_refused() -> None:
    """The last 2,000 values are used; a method that fails gives missing values."""
    assert fit_series(FitJob("ets", np.ones(3 * MAX_HISTORY), 1, 1, ()))[0, 0] == MAX_HISTORY + 0.01
    np.testing.assert_array_equal(fit_series(FitJob("ets", np.ones(2), 3, 1, (80,))), np.full((3, 3), np.nan))


def test_missing_statsforecast_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing package is an error only if requested, with the command that installs it."""
    monkeypatch.setattr(statsforecast_models, "find_spec", lambda _: None)
    with pytest.raises(UsageError, match=r"AutoETS, AutoARIMA .* pip install 'lstmcast\[baselines\]'"):
        require(("ets", "arima"))
    require(())


def test_an_unknown_method_is_named() -> None:
    """With those that there are."""
    with pytest.raises(UsageError, match=r"must be of ets, theta, arima \(got 'prophet'\)"):
        require(("ets", "prophet"))


def test_every_method_follows_trend_and_season() -> None:
    """A rising wave without noise is forecast to within a few percent, inside nested bounds, by all three."""
    pytest.importorskip("statsforecast", reason="statsforecast is an extra, and not installed here")
    tasks = [FitJob(method, WAVE[:60], 12, 12, (80, 95)) for method in METHODS]
    for predicted in fit_all(tasks):
        np.testing.assert_allclose(predicted[0], WAVE[60:], rtol=0.05)
        forecast, inner_low, outer_low, inner_high, outer_high = predicted
        for below, above in ((outer_low, inner_low), (inner_low, forecast), (forecast, inner_high)):
            assert (below <= above + 1e-9).all()
        assert (inner_high <= outer_high + 1e-9).all()
