"""What several tests of forecasters share: one that says quantiles, trained once, and runners of chance's weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lstmcast.config import Config, load_config
from lstmcast.data.panel import Panel
from lstmcast.data.read import read
from lstmcast.forecaster.measure import ScalingSpec
from lstmcast.forecaster.running import ForecastPipeline
from lstmcast.forecaster.trained import Forecaster
from lstmcast.forecaster.training import train
from lstmcast.model.heads import QuantileHead
from lstmcast.model.lstm import Layer, Network
from lstmcast.model.windows import WindowSpec

MakeRunner = Callable[..., ForecastPipeline]


def random_network(lags: int, outputs: int, seed: int) -> Network:
    """Five units of random weights and a linear path beside them: every input matters."""
    rng = np.random.default_rng(seed)

    def draw(*shape: int) -> np.ndarray:
        return rng.normal(scale=0.2, size=shape).astype(np.float32)

    return Network((Layer(draw(lags, 20), draw(5, 20), draw(20)),), draw(5 + lags, outputs), draw(outputs), skip=True)


@pytest.fixture(scope="session")
def make_runner() -> MakeRunner:
    """A runner in logs with two random networks, that reads 6 steps of 4 lags, level of 3, profile of 2 × 12."""

    def make(head: QuantileHead | None = None, *, smoothing: float = 0.0, kind: str = "log") -> ForecastPipeline:
        said = head or QuantileHead()
        shape = WindowSpec(context=6, lags=4, level=3, season=12, seasons=2, burn=1, horizon=said.steps)
        networks = tuple(random_network(4, said.outputs, seed) for seed in (1, 2))
        return ForecastPipeline(networks, said, shape, ScalingSpec(kind), {}, 0.1, smoothing)

    return make


@pytest.fixture(scope="session")
def lone(forecaster: Forecaster) -> Forecaster:
    """The model of air passengers without pretrained networks that its intervals lean on."""
    runner, judged = (replace(one, partner=None) for one in (forecaster.pipeline, forecaster.holdout_pipeline))
    report = {name: told for name, told in forecaster.report.items() if name != "beside"}
    return replace(forecaster, pipeline=runner, holdout_pipeline=judged, report=report)


@pytest.fixture(scope="session")
def moved_by() -> Callable[[Forecaster, Panel, int], float]:
    """How far the forecast moves, in the mean over its steps, for each usual step that a value so far back is moved."""

    def quotient(forecaster: Forecaster, panel: Panel, back: int) -> float:
        scaling, said = forecaster.pipeline.bind(panel).scaling, []
        z = scaling.forward(panel.values[None])[0]
        for step in (0.02, -0.02):
            moved = z.copy()
            moved[-back] += step
            values = scaling.inverse(moved[None])[0]
            said.append(forecaster.predict(replace(panel, values=values)).values[0])
        return float(np.abs((said[0] - said[1]) / 0.04).mean())

    return quotient


@pytest.fixture(scope="session")
def direct_config() -> Config:
    """All five steps and their quantiles at once, quick to train."""
    return load_config(
        None,
        {
            "train.start": "scratch",
            "model.strategy": "direct",
            "model.skip": True,
            "model.units": [4],
            "model.level": 1,
            "model.transform": "log",
            "train.loss": "pinball",
            "train.epochs": 3,
            "train.batches": 6,
            "train.networks": 2,
            "forecast.horizon": 5,
        },
    )


@pytest.fixture(scope="session")
def direct_panel(
    tmp_path_factory: pytest.TempPathFactory, write_series: Callable[..., Path], waves: Callable[..., np.ndarray]
) -> Panel:
    """Three daily series, all positive."""
    path = tmp_path_factory.mktemp("direct") / "direct.csv"
    return read(write_series(path, {name: waves(120 + 15 * k, k) for k, name in enumerate("abc")}))


@pytest.fixture(scope="session")
def direct(direct_panel: Panel, direct_config: Config) -> Forecaster:
    """A forecaster of these series."""
    return train(direct_panel, direct_config)
