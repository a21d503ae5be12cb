"""The selection of series and steps for a figure, and forecasts read back from files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lstmcast.data.load import read
from lstmcast.data.panel import Panel
from lstmcast.data.schema import ReadOptions
from lstmcast.errors import DataError, UsageError
from lstmcast.forecasting.forecaster import Forecaster
from lstmcast.forecasts import Forecast
from lstmcast.report.figures.forecast import backtest_panels, file_panels, forecast_figure, forecast_panels, plot


@pytest.fixture(scope="module")
def shops_panel(shops_file: Path) -> Panel:
    """The shops, read."""
    return read(shops_file)


def test_history_ends_where_the_forecast_begins(forecaster: Forecaster, air_panel: Panel) -> None:
    """One series: its whole past, a fan of H steps with both intervals, and no actual value yet."""
    (strip,) = forecast_panels(air_panel, forecaster.predict(), ())
    assert strip.values.tolist() == air_panel.values.tolist()
    assert strip.actual is None
    (band,) = strip.bands
    assert band.times[0] > strip.times[-1]
    np.testing.assert_array_equal(band.forecast, forecaster.predict().values[0])
    assert sorted(band.intervals) == [80, 95]


def test_what_came_true_is_the_actual_value(forecaster: Forecaster, air: Path, tmp_path: Path) -> None:
    """A forecast read back from its file is drawn with the months that have become known, which are no history."""
    forecast = forecaster.predict()
    (tmp_path / "forecast.csv").write_bytes(forecast.render(".csv"))
    grown = tmp_path / "grown.csv"
    grown.write_text(air.read_text() + "1961-01,450\n1961-02,399\n")
    (strip,) = file_panels(read(grown), str(tmp_path / "forecast.csv"), ())
    assert len(strip.values) == 144
    assert strip.actual is not None
    assert strip.actual[1].tolist() == [450, 399]
    (band,) = strip.bands
    np.testing.assert_allclose(band.forecast, forecast.values[0], rtol=1e-12)
    for level, q in ((80, 0), (95, 1)):
        np.testing.assert_allclose(band.intervals[level][0], forecast.lower[q, 0], rtol=1e-12)
        np.testing.assert_allclose(band.intervals[level][1], forecast.upper[q, 0], rtol=1e-12)


@pytest.mark.parametrize(("last", "rows"), [("2023-10-28 12:00", 124), ("2023-03-25 12:00", 116)])
def test_a_forecast_through_a_clock_change_reads_back(last: str, rows: int, tmp_path: Path) -> None:
    """A repeated hour has two rows, a skipped one none; read back, each step has one value."""
    index = pd.date_range(end=last, periods=200, freq="15min", tz="Europe/Berlin")
    texts = index.strftime("%Y-%m-%d %H:%M")
    frame = pd.DataFrame({"id": np.repeat(["a", "b"], 200), "time": [*texts, *texts], "y": np.arange(400.0)})
    panel = read(frame, ReadOptions(timezone="Europe/Berlin"))
    values = np.arange(240.0).reshape(2, 120)
    bounds = {"lower": values[None] - 1, "upper": values[None] + 1}
    forecast = Forecast(**Forecast.index_of(panel), values=values, levels=(80.0,), **bounds)
    (tmp_path / "f.csv").write_bytes(forecast.render(".csv"))
    assert len(pd.read_csv(tmp_path / "f.csv")) == 2 * rows
    for strip, expected in zip(file_panels(panel, str(tmp_path / "f.csv"), ()), values, strict=True):
        occurring = panel.calendar.occurrences(panel.ends[0] + 1 + np.arange(120)) > 0
        np.testing.assert_allclose(strip.bands[0].forecast[occurring], expected[occurring])


def test_a_panel_reads_back_series_by_series(shops: Forecaster, shops_panel: Panel, tmp_path: Path) -> None:
    """Every series of the file finds its own past, whatever its name holds."""
    forecast = shops.predict(shops_panel)
    (tmp_path / "f.csv").write_bytes(forecast.render(".csv"))
    panels = file_panels(shops_panel, str(tmp_path / "f.csv"), ())
    assert [strip.name for strip in panels] == ["north", "south/west", "new"]
    for k, strip in enumerate(panels):
        np.testing.assert_allclose(strip.bands[0].forecast, forecast.values[k])
        assert strip.values.tolist() == shops_panel.series(k).tolist()


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("a,b\n1,2\n", "is not a forecast of this data: column 'month' is missing"),
        ("month,x\n1961-01,2\n", "is not a forecast of this data: column 'forecast' is missing"),
        ("month,forecast\n2961-01,2\n", "is not a forecast of this data"),
        ("month,forecast\n1961-01,two\n", "is not a forecast of this data"),
        ("month,forecast,lower_80\n1961-01,2,1\n", "is not a forecast of this data"),
        ("month,forecast,lower_x,upper_x\n1961-01,2,1,3\n", "is not a forecast of this data"),
        ("month,forecast\n1960-11,2\n1961-01,2\n", "same number of consecutive steps"),
        ("month,forecast\n1961-02,2\n1961-01,2\n", "same number of consecutive steps"),
    ],
)
def test_a_file_that_is_no_forecast(air_panel: Panel, tmp_path: Path, text: str, fault: str) -> None:
    """Missing columns, other times and gaps are refused, with the file's name."""
    path = tmp_path / "f.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=r"f\.csv") as caught:
        file_panels(air_panel, str(path), ())
    assert fault in str(caught.value)


def test_backtest_shows_forecasts_that_do_not_overlap(forecaster: Forecaster, air_panel: Panel) -> None:
    """Held-out forecasts are drawn over the whole past, the latest ones, one after the other."""
    (strip,) = backtest_panels(air_panel, forecaster, ())
    assert strip.values.tolist() == air_panel.values.tolist()
    assert strip.bands
    assert strip.bands[-1].times[-1] == strip.times[-1]
    for before, after in zip(strip.bands[:-1], strip.bands[1:], strict=True):
        assert before.times[-1] < after.times[0]
    held = {row.tobytes() for row in forecaster.holdout.forecast}
    assert all(band.forecast.tobytes() in held for band in strip.bands)


def test_series_are_selected_by_name(shops: Forecaster, shops_panel: Panel) -> None:
    """Named series come in the order in which they are named, each once; an unknown one lists those that are there."""
    forecast = shops.predict(shops_panel)
    panels = forecast_panels(shops_panel, forecast, ["south/west", "north", "south/west"])
    assert [strip.name for strip in panels] == ["south/west", "north"]
    with pytest.raises(UsageError, match=r"--series nowhere: no such series; there are north, south/west, new"):
        forecast_panels(shops_panel, forecast, ["nowhere", "north"])


def test_a_series_without_a_name_cannot_be_named(forecaster: Forecaster, air_panel: Panel) -> None:
    """For a single series without a name, the message is complete."""
    with pytest.raises(UsageError, match="there are one without a name"):
        forecast_panels(air_panel, forecaster.predict(), ["x"])


def test_a_figure_holds_only_so_many(shops: Forecaster, shops_panel: Panel) -> None:
    """Nine series are shown by default; naming more than a figure can hold is refused."""
    keys = tuple((f"s{k:02}",) for k in range(40))
    panel = replace(
        shops_panel,
        keys=keys,
        values=np.tile(shops_panel.series(2), 40),
        observed=np.ones(200, bool),
        offsets=np.arange(41) * 5,
        starts=np.repeat(shops_panel.starts[2], 40),
    )
    forecast = shops.predict(panel)
    assert [strip.name for strip in forecast_panels(panel, forecast, ())] == [key[0] for key in keys[:9]]
    with pytest.raises(UsageError, match="got 40"):
        forecast_panels(panel, forecast, [key[0] for key in keys])
    with pytest.raises(UsageError, match="and 30 more"):
        forecast_panels(panel, forecast, ["none"])


def test_other_data_have_no_forecast(shops: Forecaster, shops_panel: Panel) -> None:
    """Series that the forecast does not have are not drawn as if it had."""
    other = replace(shops_panel, keys=(("x",), ("y",), ("z",)))
    with pytest.raises(UsageError, match="no forecast of any"):
        forecast_panels(other, shops.predict(shops_panel), ())


def test_filled_values_are_not_shown(forecaster: Forecaster, air_panel: Panel) -> None:
    """A gap in the data stays a gap in the figure."""
    observed = air_panel.observed.copy()
    observed[5] = False
    (strip,) = forecast_panels(replace(air_panel, observed=observed), forecaster.predict(), ())
    assert np.flatnonzero(np.isnan(strip.values)).tolist() == [5]


def test_the_picture_carries_target_file_and_verdict(forecaster: Forecaster, air_panel: Panel) -> None:
    """Title, axis and caption can be read in the SVG."""
    panels = backtest_panels(air_panel, forecaster, ())
    svg = forecast_figure(panels, forecaster, ".svg", backtest=True, history=None).decode()
    assert "<svg" in svg
    figure = plot(air_panel, forecaster.predict(), title="My title")
    texts = [text.get_text() for axes in figure.axes for text in (axes.title, axes.yaxis.label)]
    texts += [text.get_text() for text in figure.texts] + [figure.get_suptitle()]
    assert any("My title" in text for text in texts)
    assert any("passengers" in text for text in texts)
