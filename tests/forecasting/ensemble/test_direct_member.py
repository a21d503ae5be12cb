"""Direct regression as a member of an ensemble."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from lstmcast.data.drivers.options import CovariateOptions
from lstmcast.data.load import read
from lstmcast.data.schema import ReadOptions
from lstmcast.forecasting.ensemble.direct_blocks import Bending
from lstmcast.forecasting.ensemble.direct_member import (
    DirectMember,
    direct_names,
    direct_preprocessing,
    direct_weights,
)
from lstmcast.preprocessing.panel_scaling import BoundPanel, Preprocessing, ScalingSpec
from lstmcast.preprocessing.windows import WindowSpec
from lstmcast.results import MemberName
from lstmcast.statistical import direct_regression
from lstmcast.statistical.direct_features import Blocks

STEP = 1e-5


def _bound(frequency: str, steps: int, shift: float) -> BoundPanel:
    """One series with a season of 7 days, or a day of 24 hours."""
    season = 24 if frequency == "h" else 7
    phase = 2 * np.pi * np.arange(steps) / season
    values = shift + np.sin(phase) + np.random.default_rng(3).normal(scale=0.2, size=steps)
    times = pd.date_range("2024-01-01", periods=steps, freq=frequency)
    panel = read(pd.DataFrame({"time": times, "y": values}))
    preprocessing = Preprocessing(ScalingSpec("none"), WindowSpec(context=6, lags=1))
    return direct_preprocessing(preprocessing, panel).bind(panel)


def test_the_regression_with_covariates_counts_more() -> None:
    """Both regressions join where there are covariates, and that with them has the larger weight."""
    times = pd.date_range("2024-01-01", periods=400, freq="h")
    load = np.where(np.arange(400) < 380, np.arange(400) % 24, np.nan)
    names = direct_names(read(pd.DataFrame({"time": times, "load": load, "heat": np.arange(400) % 7})))
    assert names == (MemberName.DRIVERS, MemberName.DIRECT)
    with_covariates, without = direct_weights(names)
    assert 1 - with_covariates - without > 0
    assert with_covariates > without


def test_no_calendar() -> None:
    """Without the calendar, days of two years have no regression."""
    days = pd.date_range("2022-01-01", periods=800, freq="D")
    options = CovariateOptions(calendar="none")
    plain = read(pd.DataFrame({"time": days, "y": np.arange(800.0)}), ReadOptions(covariates=options))
    assert direct_names(plain) == ()
    assert direct_names(replace(plain, reads_calendar=True)) == (MemberName.DIRECT,)


@pytest.mark.parametrize(("frequency", "steps", "shift"), [("D", 90, 0.0), ("D", 90, 9.0), ("h", 509, 0.0)])
def test_gradient(frequency: str, steps: int, shift: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Quotients of differences of forecasts with the same coefficients, also where values may be negative."""
    bound, member, horizon = _bound(frequency, steps, shift), DirectMember(0), 8
    fits: dict[int, direct_regression.LeadFit | None] = {}
    fit, curve = direct_regression.fit_lead, Bending.of(bound.windows.z[steps % 24 if frequency == "h" else 0 :])

    def fitted(blocks: Blocks, lead: int) -> direct_regression.LeadFit | None:
        return fits.setdefault(lead, fit(blocks, lead))

    monkeypatch.setattr(direct_regression, "fit_lead", fitted)
    monkeypatch.setattr(Bending, "of", lambda _: curve)
    found = member.gradient(bound, horizon)

    def forecast(z: np.ndarray) -> np.ndarray:
        moved = replace(bound, windows=replace(bound.windows, z=z))
        return member.forecast(moved, np.zeros(1, np.int64), np.array([steps - 1]), horizon).z[0]

    assert found.shape == (horizon, steps)
    for step in [0, *range(steps - 30, steps)]:
        change = STEP * (np.arange(steps) == step)
        quotient = (forecast(bound.windows.z + change) - forecast(bound.windows.z - change)) / (2 * STEP)
        np.testing.assert_allclose(found[:, step], quotient, atol=1e-6)
    assert found[:, -1].all()
