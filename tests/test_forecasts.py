"""A forecast as a table: CSV, JSON lines and Parquet contain the same numbers."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from lstmcast.data.panel import Panel
from lstmcast.errors import UsageError
from lstmcast.forecasts import Forecast, output_suffix


@pytest.fixture
def forecast(air_panel: Panel) -> Forecast:
    """Two series, three steps, two levels, the second series one month further."""
    values = np.array([[1.5, 2.25, 1 / 3], [10.0, 1e-7, 123456789.125]])
    half = np.array([1.0, 2.5])[:, None, None]
    return Forecast(
        calendar=air_panel.calendar,
        time="month",
        key_columns=("shop", "item"),
        keys=(("001", "ä,b"), ("NA", '"q"')),
        origins=air_panel.ends[0] + np.array([0, 1]),
        values=values,
        levels=(80.0, 97.5),
        lower=values - half,
        upper=values + half,
    )


def rows(forecast: Forecast) -> list[dict[str, object]]:
    """The table by hand: a row for each series and step."""
    months = [["1961-01", "1961-02", "1961-03"], ["1961-02", "1961-03", "1961-04"]]
    table = []
    for s, (shop, item) in enumerate(forecast.keys):
        for h in range(3):
            value = float(forecast.values[s, h])
            bounds = {
                "lower_80": value - 1,
                "upper_80": value + 1,
                "lower_97.5": value - 2.5,
                "upper_97.5": value + 2.5,
            }
            table.append({"shop": shop, "item": item, "month": months[s][h], "forecast": value, **bounds})
    return table


def test_the_table(forecast: Forecast) -> None:
    """Keys, then the time as the file writes it, then the forecast and its bounds; nothing lost in numbers or text."""
    assert forecast.horizon == 3
    assert forecast.to_frame().to_dict(orient="records") == rows(forecast)
    assert list(forecast.to_frame().columns) == list(rows(forecast)[0])


def test_positions(forecast: Forecast) -> None:
    """Each step lies one further on the calendar."""
    assert (np.diff(forecast.positions, axis=1) == 1).all()
    assert (forecast.positions[:, 0] == forecast.origins + 1).all()


def test_csv(forecast: Forecast) -> None:
    """Read as text, the CSV gives every key and every number back exactly; lines end with a line feed alone."""
    content = forecast.render(".csv")
    assert b"\r" not in content
    table = pd.read_csv(io.BytesIO(content), dtype=str, keep_default_na=False).to_dict(orient="records")
    for got, want in zip(table, rows(forecast), strict=True):
        assert {k: float(v) if isinstance(want[k], float) else v for k, v in got.items()} == want


def test_json_lines(forecast: Forecast) -> None:
    """Each line is one object with the row's exact values; text is not escaped."""
    content = forecast.render(".jsonl").decode()
    assert [json.loads(line) for line in content.splitlines()] == rows(forecast)
    assert "ä,b" in content


def test_parquet(forecast: Forecast) -> None:
    """Parquet gives the same table back."""
    pytest.importorskip("pyarrow")
    table = pd.read_parquet(io.BytesIO(forecast.render(".parquet")))
    assert table.to_dict(orient="records") == rows(forecast)


@pytest.mark.parametrize("suffix", ["", ".txt", ".csv.pkl"])
def test_other_formats_are_refused(suffix: str) -> None:
    """Another suffix is wrong usage, with those that are right."""
    with pytest.raises(UsageError, match=r"\.csv, \.jsonl, \.parquet, or to - as CSV"):
        output_suffix(f"out{suffix}")


def test_the_suffix_selects_the_format() -> None:
    """Upper case is as good as lower; a dash is stdout."""
    assert [output_suffix(name) for name in ("a.CSV", "b.jsonl", "-")] == [".csv", ".jsonl", ".csv"]


def test_parquet_without_pyarrow(forecast: Forecast, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without pyarrow, the message names the command that installs it."""
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(UsageError, match=r"pip install 'lstmcast\[parquet\]'"):
        forecast.render(".parquet")


def test_the_source_of_each_series(forecast: Forecast) -> None:
    """If the model of each series is requested, it is the last column."""
    assert "model" not in forecast.to_frame()
    frame = replace(forecast, model_names=("lstmcast",) * len(forecast.keys)).to_frame()
    assert list(frame.columns)[-1] == "model"
    assert set(frame["model"]) == {"lstmcast"}
