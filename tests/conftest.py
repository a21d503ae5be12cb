"""Shared fixtures: the installed command, small files, and models trained once per session."""

from __future__ import annotations

import os
import subprocess
import sysconfig
from collections.abc import Callable, Generator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

# Sums of one order, for tests that compare bytes: set before NumPy and TensorFlow are loaded.
os.environ |= dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"), "1"
)

import numpy as np
import pandas as pd
import pytest
from hypothesis import settings

from lstmcast.api import train
from lstmcast.cli import main
from lstmcast.config import Config, load_config
from lstmcast.data.load import read
from lstmcast.data.panel import Panel
from lstmcast.forecasting.codec import load
from lstmcast.forecasting.ensemble.ensemble import Ensemble
from lstmcast.forecasting.ensemble.members import LstmMember
from lstmcast.forecasting.ensemble.weights import EnsembleWeights
from lstmcast.forecasting.forecaster import Forecaster
from lstmcast.nn import trainer
from lstmcast.nn.heads import QuantileHead
from lstmcast.nn.numpy_lstm import Layer, Network
from lstmcast.persistence.registry import resolve
from lstmcast.preprocessing.panel_scaling import Preprocessing, ScalingSpec
from lstmcast.preprocessing.windows import WindowSpec
from lstmcast.results import MemberName
from lstmcast.statistical.newest_value import DampedValues

Run = Callable[..., "subprocess.CompletedProcess[str]"]
MakeEnsemble = Callable[..., Ensemble]
Series = Mapping[str, "np.ndarray | list[float]"]

BRIEF = ("--set", "train.epochs=2", "--set", "train.steps_per_epoch=4", "--set", "model.units=[4]")
SMALL = ("--set", "train.init=scratch", *BRIEF)


settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("random", deadline=None)  # new examples each time: HYPOTHESIS_PROFILE=random make test
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))

TRAINED = {"models", "shops_models", "direct", "label_models", "text_models", "event_models"}
TRAINED |= {"symbol_model", "classifier", "stall_model", "once", "weather_once"}
"""Fixtures of this and other conftest files that train a network, once a session."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that writes the snapshots of commands again."""
    parser.addoption("--update-snapshots", action="store_true", help="write tests/cli/snapshots/ again")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests that use a trained network as slow."""
    for item in items:
        if TRAINED & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.slow)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Let only tests that are marked as slow train a network."""

    def refuse(*_: object) -> None:
        pytest.fail("it trains a network: mark it as slow")

    with pytest.MonkeyPatch.context() as patch:
        if item.get_closest_marker("slow") is None:
            patch.setattr(trainer, "graph_of", refuse)
        return (yield)


@pytest.fixture(scope="session")
def command() -> Path:
    """The installed command."""
    return Path(sysconfig.get_path("scripts")) / "lstmcast"


@pytest.fixture(scope="session")
def run(command: Path) -> Run:
    """Runs the installed command as a job does: no terminal, no input."""

    def process(*args: str | Path, cwd: Path, env: Mapping[str, str] | None = None, text: str = "") -> object:
        return subprocess.run(
            [command, *map(str, args)],
            cwd=cwd,
            env=dict(os.environ if env is None else env),
            input=text,
            capture_output=True,
            text=True,
            check=False,
        )

    return process


@pytest.fixture(scope="session")
def small() -> tuple[str, ...]:
    """Flags that make training of one network a matter of a second."""
    return SMALL


@pytest.fixture(scope="session")
def brief() -> tuple[str, ...]:
    """The settings of a short training of any task."""
    return BRIEF


@pytest.fixture(scope="session")
def air() -> Path:
    """144 monthly numbers of airline passengers."""
    return Path(__file__).parents[1] / "data" / "air_passengers.csv"


@pytest.fixture(scope="session")
def write_series() -> Callable[..., Path]:
    """Writes daily series into a long CSV: name to values; NaN leaves the row out."""

    def write(path: Path, series: Series, *, first: str = "2024-01-01") -> Path:
        rows = ["day,shop,sales"]
        for name, values in series.items():
            days = np.datetime64(first) + np.arange(len(values))
            rows += [f"{day},{name},{v!r}" for day, v in zip(days, map(float, values), strict=True) if v == v]
        path.write_text("\n".join(rows) + "\n", encoding="utf-8")
        return path

    return write


@pytest.fixture(scope="session")
def waves() -> Callable[[int, int], np.ndarray]:
    """A weekly wave with noise, always positive: length and seed to values."""

    def wave(length: int, seed: int) -> np.ndarray:
        noise = np.random.default_rng(seed).normal(size=length)
        return (100 + 10 * np.sin(2 * np.pi * np.arange(length) / 7) + noise).round(3)

    return wave


@pytest.fixture(scope="session")
def tiny() -> Config:
    """A configuration with which training is a matter of a second."""
    return load_config(
        None, {"train.init": "scratch", "train.epochs": 2, "train.steps_per_epoch": 4, "model.units": [4]}
    )


@pytest.fixture(scope="session")
def air_panel(air: Path) -> Panel:
    """The airline passengers, read."""
    return read(air)


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory, air: Path) -> Path:
    """A folder of models with one in it, `air_passengers`, trained for two epochs."""
    folder = tmp_path_factory.mktemp("work") / "models"
    assert main(["train", str(air), "--model-dir", str(folder), "--quiet", *SMALL]) == 0
    return folder


@pytest.fixture(scope="session")
def forecaster(models: Path) -> Forecaster:
    """That model, loaded."""
    return load(resolve(models, None))


@pytest.fixture(scope="session")
def shops_file(
    tmp_path_factory: pytest.TempPathFactory, write_series: Callable[..., Path], waves: Callable[..., np.ndarray]
) -> Path:
    """Four daily series: two long ones, one of five rows, and one with a gap too long to be filled."""
    hole = waves(120, 3)
    hole[20:90] = np.nan
    series = {"north": waves(120, 1), "south/west": waves(90, 2), "gap": hole, "new": waves(5, 4)}
    return write_series(tmp_path_factory.mktemp("shops") / "shops.csv", series)


@pytest.fixture(scope="session")
def shops_models(tmp_path_factory: pytest.TempPathFactory, shops_file: Path) -> Path:
    """A folder with the model of these series."""
    folder = tmp_path_factory.mktemp("work") / "models"
    assert main(["train", str(shops_file), "--model-dir", str(folder), "--quiet", *SMALL]) == 0
    return folder


@pytest.fixture(scope="session")
def shops(shops_models: Path) -> Forecaster:
    """That model, loaded."""
    return load(resolve(shops_models, None))


@pytest.fixture(scope="session")
def labeled_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty series of two features, rising, falling or flat, of 6 to 9 steps; the label is the movement."""
    rng = np.random.default_rng(0)
    lines = ["id,a,b,label"]
    for k in range(60):
        slope, length = (1.0, -1.0, 0.0)[k % 3], 6 + k % 4
        for t in range(length):
            a, b = slope * (t - length) + rng.normal(scale=0.3, size=2)
            lines.append(f"s{k},{a:.3f},{100 * b:.3f},{('up', 'down', 'flat')[k % 3]}")
    path = tmp_path_factory.mktemp("labeled") / "moves.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def random_network(lags: int, outputs: int, seed: int) -> Network:
    """Five units of random weights and a skip connection: every input has an effect."""
    rng = np.random.default_rng(seed)

    def draw(*shape: int) -> np.ndarray:
        return rng.normal(scale=0.2, size=shape).astype(np.float32)

    return Network((Layer(draw(lags, 20), draw(5, 20), draw(20)),), draw(5 + lags, outputs), draw(outputs), skip=True)


@pytest.fixture(scope="session")
def label_models(tmp_path_factory: pytest.TempPathFactory, labeled_file: Path) -> Path:
    """A folder with a classifier of these series."""
    folder = tmp_path_factory.mktemp("work") / "models"
    flags = ("--set", "model.task=label", "--set", "model.units=[8]", "--set", "train.epochs=12")
    flags += ("--set", "train.learning_rate=0.02")
    assert main(["train", str(labeled_file), "--model-dir", str(folder), "--quiet", *flags]) == 0
    return folder


@pytest.fixture(scope="session")
def text_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A text that repeats one sentence."""
    path = tmp_path_factory.mktemp("text") / "rain.txt"
    path.write_text("the rain in Spain stays mainly in the plain. " * 40, encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def text_models(text_file: Path) -> Path:
    """A folder with a model of the characters of that text, of a horizon of 30."""
    folder = text_file.parent / "models"
    flags = ("--horizon", "30", *BRIEF, "--set", "train.batch_size=8", "--set", "model.units=[6]")
    assert main(["train", str(text_file), "--config", "text", "--model-dir", str(folder), "--quiet", *flags]) == 0
    return folder


@pytest.fixture(scope="session")
def sales_file(
    tmp_path_factory: pytest.TempPathFactory, write_series: Callable[..., Path], waves: Callable[..., np.ndarray]
) -> Path:
    """Two daily series with a weekly wave, one of them with days that are missing."""
    south = waves(200, 2)
    south[[30, 31, 90]] = np.nan
    return write_series(tmp_path_factory.mktemp("sales") / "sales.csv", {"north": waves(210, 1), "south": south})


@pytest.fixture(scope="session")
def event_models(sales_file: Path) -> Path:
    """A folder with a model of sales above their 70th percentile."""
    folder = sales_file.parent / "models"
    flags = ("--set", "model.event=sales > p70", "--horizon", "5", *BRIEF)
    assert main(["train", str(sales_file), "--config", "event", "--model-dir", str(folder), "--quiet", *flags]) == 0
    return folder


@pytest.fixture(scope="session")
def make_ensemble() -> MakeEnsemble:
    """Ensembles in logs with two random networks that read 6 steps of 4 lags; level of 3, profile of 2 × 12."""

    def make(
        head: QuantileHead | None = None,
        *,
        smoothing: float = 0.0,
        half: int = 0,
        adaptive: bool = False,
        scaling: ScalingSpec | None = None,
        **preprocessing: Any,
    ) -> Ensemble:
        head = head or QuantileHead()
        spec = WindowSpec(
            context=6, lags=4, level_window=3, season_length=12, profile_seasons=2, burn_in=1, horizon=head.steps
        )
        networks = tuple(random_network(4, head.outputs, seed) for seed in (1, 2))
        return Ensemble.of_lstm(
            Preprocessing(scaling or ScalingSpec("log"), spec, **{"typical_step": 0.1, **preprocessing}),
            LstmMember(MemberName.TRAINED, networks, head),
            EnsembleWeights((1 - smoothing, smoothing), half, adaptive),
        )

    return make


@pytest.fixture(scope="session")
def lone(forecaster: Forecaster) -> Forecaster:
    """The model of air passengers without pretrained members that lend their interval widths."""
    ensemble, holdout = (
        Ensemble.of_lstm(one.preprocessings[0], one.lstm, EnsembleWeights(one.weights.fixed[:2]))
        for one in (forecaster.ensemble, forecaster.holdout_ensemble)
    )
    return replace(forecaster, ensemble=ensemble, holdout_ensemble=holdout)


@pytest.fixture(scope="session")
def moved_by() -> Callable[[Forecaster, Panel, int], float]:
    """The mean change of the forecast per typical step by which a value that far back is changed."""

    def quotient(forecaster: Forecaster, panel: Panel, back: int) -> float:
        scaling, forecasts = forecaster.ensemble.bind(panel).panels[0].scaling, []
        z = scaling.forward(panel.values[None])[0]
        for step in (0.02, -0.02):
            moved = z.copy()
            moved[-back] += step
            values = scaling.inverse(moved[None])[0]
            forecasts.append(forecaster.predict(replace(panel, values=values)).values[0])
        return float(np.abs((forecasts[0] - forecasts[1]) / 0.04).mean())

    return quotient


@pytest.fixture(scope="session")
def direct_config() -> Config:
    """All five steps and their quantiles at once, quick to train."""
    return load_config(
        None,
        {
            "train.init": "scratch",
            "model.strategy": "direct",
            "model.skip_connection": True,
            "model.units": [4],
            "model.level_window": 1,
            "model.transform": "log",
            "train.loss": "pinball",
            "train.epochs": 3,
            "train.steps_per_epoch": 6,
            "train.ensemble_size": 2,
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


@pytest.fixture
def undamped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take unlikely newest values as they are."""

    def keep(values: np.ndarray, first: np.ndarray, origins: np.ndarray, _: int) -> DampedValues:
        return DampedValues(values[first + origins], np.zeros(len(origins), dtype=np.bool_))

    monkeypatch.setattr("lstmcast.forecasting.ensemble.ensemble.damp_newest", keep)


@pytest.fixture(scope="session")
def daily_panel() -> Callable[[np.ndarray], Panel]:
    """Build a panel of daily series from [S, T] values."""

    def build(values: np.ndarray) -> Panel:
        series, steps = values.shape
        days = pd.date_range("2024-01-01", periods=steps).strftime("%Y-%m-%d")
        frame = pd.DataFrame(
            {"item": np.repeat([f"s{k:04d}" for k in range(series)], steps), "day": np.tile(days, series)}
        )
        frame["y"] = np.random.default_rng(0).normal(size=values.size).round(3).astype(str)
        panel = read(frame)
        return replace(panel, values=values.astype(np.float64).ravel())

    return build
