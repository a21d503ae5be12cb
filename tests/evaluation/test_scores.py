"""The tables of a backtest, from scores made by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lstmcast.data.panel import Panel
from lstmcast.data.read import read
from lstmcast.evaluation.scores import BacktestResult, MethodForecasts
from lstmcast.evaluation.skill import Skill

Write = Callable[..., Path]


def made(panel: Panel, *, ends: int = 0) -> BacktestResult:
    """Two origins, three steps ahead, two methods: forecasts count up, errors are small numbers."""
    series = panel.n_series
    values = np.arange(6.0 * series).reshape(series, 2, 3)
    said = {
        name: MethodForecasts(values + k, values[None] - 1, values[None] + 1)
        for k, name in enumerate(("lstm", "naive"))
    }
    groups = {"all": 1, "step": 3, "origin": 2, "series": series}
    return BacktestResult(
        panel=panel,
        origins=panel.lengths[:, None] - 1 - np.array([6, 3]) - ends,
        step=3,
        refit=False,
        levels=(80.0,),
        actual=np.where(values == 1, np.nan, values + 0.5),
        by_method=said,
        tables={
            scope: {
                name: {"mae": np.arange(n) + k / 4, "mase": np.full(n, np.nan)}
                for k, name in enumerate(("lstm", "naive"))
            }
            for scope, n in groups.items()
        },
        skill=Skill("naive", -0.5, float("nan"), float("nan"), 2),
        verdict="The LSTM is worse.",
        left_out=1,
        notes=("a note",),
    )


@pytest.fixture
def shops(tmp_path: Path, write_series: Write) -> Panel:
    """Two daily series, of which the second ends three days earlier."""
    return read(write_series(tmp_path / "x.csv", {"a": np.arange(30) + 1.0, "b": np.arange(27) + 9.0}))


def test_scores_as_rows(shops: Panel) -> None:
    """One row a method, scope, key and metric, whose value is the table's; undefined is empty."""
    scores = made(shops)
    frame = scores.to_frame()
    assert list(frame.columns) == ["method", "scope", "key", "metric", "value"]
    assert len(frame) == 2 * 2 * (1 + 3 + 2 + 2)
    found = frame.set_index(["method", "scope", "key", "metric"])["value"]
    assert found["lstm", "step", "3", "mae"] == 2
    assert found["naive", "series", "b", "mae"] == 1.25
    assert found["naive", "all", "", "mae"] == 0.25
    assert frame.to_csv().count(",mase,\n") == 16


def test_origins_are_named_by_their_time_where_they_share_it(shops: Panel, air_panel: Panel) -> None:
    """One series: the month of the origin. Series that end on different days: how far from the end."""
    assert made(air_panel).keys("origin") == ["1960-06", "1960-09"]
    assert made(shops).keys("origin") == ["6 before the end", "3 before the end"]


def test_forecasts_as_rows(shops: Panel) -> None:
    """One row a series, origin and step, in the file's own names and times; what was not observed is empty."""
    frame = made(shops).forecasts()
    ours = ["origin", "step", "actual", "lstm", "naive", "lstm_lower_80", "lstm_upper_80"]
    assert list(frame.columns) == ["shop", "day", *ours]
    assert frame["shop"].tolist() == ["a"] * 6 + ["b"] * 6
    last = frame.iloc[-1]
    assert (last["day"], last["origin"], last["step"]) == ("2024-01-27", "2024-01-24", 3)
    assert last[ours[2:]].tolist() == [11.5, 11, 12, 10, 12]
    assert frame["actual"].isna().tolist() == [False, True, *[False] * 10]


def test_a_name_that_the_file_has_taken_gets_an_underscore(tmp_path: Path) -> None:
    """A file whose time column is called origin and whose series column is called step keeps both."""
    days = [str(day) for day in pd.date_range("2024-01-01", periods=20).date]
    rows = [f"{day},{name},{k}" for name in "pq" for k, day in enumerate(days)]
    (tmp_path / "x.csv").write_text("origin,step,v\n" + "\n".join(rows) + "\n")
    frame = made(read(tmp_path / "x.csv")).forecasts()
    assert list(frame.columns)[:5] == ["step", "origin", "origin_", "step_", "actual"]
    assert frame["step"].tolist() == ["p"] * 6 + ["q"] * 6


def test_rows_without_times_are_counted(tmp_path: Path) -> None:
    """A file of numbers alone: the row that is forecast, and the row of the origin."""
    (tmp_path / "x.csv").write_text("v\n" + "\n".join(map(str, range(1, 31))) + "\n")
    frame = made(read(tmp_path / "x.csv")).forecasts()
    assert frame["row"].astype(int).tolist() == [25, 26, 27, 28, 29, 30]
    assert frame["origin"].astype(int).tolist() == [24] * 3 + [27] * 3


def test_everything_as_plain_values(shops: Panel) -> None:
    """For JSON: names, numbers and lists, null where undefined, and keys beside the values they belong to."""
    scores = made(shops)
    plain = scores.to_dict()
    assert plain["scores"]["series"] == {
        "keys": ["a", "b"],
        "methods": {
            "lstm": {"mae": [0, 1], "mase": [None, None]},
            "naive": {"mae": [0.25, 1.25], "mase": [None, None]},
        },
    }
    assert plain["skill"] == {"against": "naive", "value": -0.5, "better": False, "interval_95": [None, None]}
    assert (plain["origins"], plain["step"], plain["horizon"], plain["judging"]) == (2, 3, 3, 4)
    assert replace(scores, actual=np.full((2, 2, 3), np.nan)).n_scored == 0
