"""The Python API: the verbs of the command line, loaded when they are first used."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text

import lstmcast
from lstmcast.errors import ConfigError, UsageError
from lstmcast.evaluation.skill import SkillOutcome
from lstmcast.forecasting.pretrained import load_pretrained_forecaster


def test_every_name_is_there_and_documented() -> None:
    """Exported names exist and have docstrings."""
    for name in lstmcast.__all__:
        assert getattr(lstmcast, name).__doc__
    assert lstmcast.__all__ == sorted(lstmcast.__all__)


def test_an_unknown_name_lists_the_known_ones() -> None:
    """A misspelt verb is an AttributeError that names what there is."""
    with pytest.raises(AttributeError, match="has no attribute 'trian'; it has Forecaster"):
        lstmcast.trian  # noqa: B018


def test_importing_it_loads_nothing_heavy() -> None:
    """The package itself costs nothing: pandas and TensorFlow come with the verb that needs them."""
    code = "import sys, lstmcast; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "lstmcast.errors" in loaded
    assert not {"numpy", "pandas", "tensorflow", "keras", "click"} & set(loaded)


def test_dir_shows_the_public_names() -> None:
    """Completion in a shell offers what is exported and the version."""
    assert dir(lstmcast) == sorted([*lstmcast.__all__, "__version__"])


def test_a_frame_is_read_as_its_file(air: Path) -> None:
    """A DataFrame gives the panel of the file that it came from, whether its times are texts, times or the index."""
    expected = lstmcast.read(air)
    texts = pd.read_csv(air, dtype={"month": str})
    months = texts.assign(month=pd.to_datetime(texts["month"]))
    periods = texts.assign(month=pd.PeriodIndex(texts["month"], freq="M"))
    for frame in (texts, months, months.set_index("month"), periods.set_index("month")):
        panel = lstmcast.read(frame, lstmcast.ReadOptions(target=("passengers",)))
        assert panel.values.tolist() == expected.values.tolist()
        assert (panel.calendar.step, panel.starts.tolist()) == (expected.calendar.step, expected.starts.tolist())
    indexed = lstmcast.read(months.set_index("month").rename_axis(None))
    assert indexed.columns.time == "time"


def test_a_frame_keeps_series_gaps_and_digits() -> None:
    """Keys, missing values and the last digits of floats arrive; rows are named in faults."""
    days = pd.date_range("2024-01-01", periods=30)
    values = np.random.default_rng(0).normal(100, 10, 60)
    values[7] = np.nan
    frame = pd.DataFrame({"day": [*days, *days], "shop": ["a"] * 30 + ["b"] * 30, "sales": values})
    panel = lstmcast.read(frame)
    assert panel.keys == (("a",), ("b",))
    assert np.flatnonzero(~panel.observed).tolist() == [7]
    assert panel.values[panel.observed].tolist() == values[~np.isnan(values)].tolist()
    with pytest.raises(lstmcast.LstmcastError, match="DataFrame:3: column 'sales'"):
        lstmcast.read(frame.head(20).assign(sales=["1", "2", "ten", *map(str, range(17))]))


@pytest.mark.parametrize("frame", [pd.DataFrame({"a": []}), pd.DataFrame([[1, 2]]), pd.DataFrame({("a", "b"): [1]})])
def test_a_frame_without_rows_or_names_is_refused(frame: pd.DataFrame) -> None:
    """An empty frame, numbered columns and a header of several rows are no table."""
    with pytest.raises(lstmcast.LstmcastError, match="DataFrame: "):
        lstmcast.read(frame)


def test_a_forecast_without_training(air: Path) -> None:
    """`predict` gives what the loaded pretrained forecaster gives."""
    panel = lstmcast.read(air)
    forecast = lstmcast.predict(panel, horizon=3)
    assert forecast.values.tolist() == load_pretrained_forecaster(panel).predict(horizon=3).values.tolist()
    assert forecast.to_frame()["month"].tolist() == ["1961-01", "1961-02", "1961-03"]


@pytest.mark.slow
def test_from_a_file_to_a_table(air: Path, tmp_path: Path) -> None:
    """The lines of the README: read, train, save, load, predict, plot."""
    panel = lstmcast.read(air)
    config = lstmcast.load_config("lstm", {"train.epochs": 1, "train.seed": 1})
    forecaster = lstmcast.train(panel, config)
    assert forecaster.report.evaluation.skill.outcome in set(SkillOutcome)
    forecaster.save(tmp_path, "air")
    forecast = lstmcast.Forecaster.load("air", tmp_path).predict(panel, horizon=24)
    assert forecast.to_frame()["month"].iloc[-1] == "1962-12"
    texts = [artist.get_text() for artist in lstmcast.plot(panel, forecast).findobj(Text)]
    assert "passengers" in texts


FAST = {"train.epochs": 1, "train.steps_per_epoch": 2, "model.units": [4]}


@pytest.mark.slow
def test_every_task_is_trained_saved_and_backtested(
    sales_file: Path, text_file: Path, labeled_file: Path, tmp_path: Path
) -> None:
    """The functions of values, with data read for the config: an event, symbols of a text, and labels."""
    label = {"model.task": "label", "train.epochs": 1, "model.units": [4]}
    cases = [
        (sales_file, lstmcast.load_config("event", {**FAST, "model.event": "sales > p60", "forecast.horizon": 3})),
        (text_file, lstmcast.load_config("text", {**FAST, "forecast.horizon": 3})),
        (labeled_file, lstmcast.load_config(None, label)),
    ]
    for path, config in cases:
        data, name = lstmcast.read(path, config), config.model.task
        model = lstmcast.train(data, config)
        assert model.report.config.task == name
        lstmcast.save(model, name, tmp_path)
        forecast = lstmcast.predict(data, model=lstmcast.load(name, tmp_path))
        assert forecast.to_frame().equals(lstmcast.predict(data, model=model).to_frame())
        scores = lstmcast.backtest(data, config)
        assert "lstmcast" in set(scores.to_frame()["method"])
        with pytest.raises(lstmcast.LstmcastError, match=r"--refit: not with model\.task"):
            lstmcast.backtest(data, config, refit=True)


def test_data_read_for_another_task_are_refused(air: Path, text_file: Path) -> None:
    """A panel of numbers has neither symbols nor labels, and codes of symbols are not values."""
    numbers = lstmcast.read(air)
    symbols = lstmcast.read(text_file, lstmcast.load_config("text"))
    label = lstmcast.load_config(None, {"model.task": "label"})
    for data, config in ((numbers, lstmcast.load_config("text")), (symbols, None), (numbers, label)):
        with pytest.raises(lstmcast.LstmcastError, match="was read for another task"):
            lstmcast.train(data, config)


def test_reading_takes_covariates() -> None:
    """Columns by keyword, with values ahead in another table. Unknown keys and tasks without covariates are refused."""
    days = pd.date_range("2024-01-01", periods=40, freq="D")
    table = pd.DataFrame({"day": days, "y": np.arange(40.0), "heat": np.arange(40) / 2})
    future = pd.DataFrame({"day": pd.date_range("2024-02-10", periods=7, freq="D"), "heat": 20.0})
    for options in (lstmcast.ReadOptions(target=("y",)), lstmcast.load_config(None, {"data.target": "y"})):
        panel = lstmcast.read(table, options, known="heat", future=future)
        assert panel.covariates is not None
        assert panel.covariates.values[-7:].tolist() == [[20.0]] * 7
    with pytest.raises(ConfigError):
        lstmcast.read(table, lstmcast.ReadOptions(target=("y",)), knwon=["heat"])
    with pytest.raises(UsageError):
        lstmcast.read(table, lstmcast.load_config(None, {"model.task": "event"}), known=["heat"])
