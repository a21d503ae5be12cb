"""The content of the axes of a figure: lines, areas, limits and legible text."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from lstmcast.errors import DataError, UsageError
from lstmcast.report.figures.panels import ForecastBand, SeriesPanel, draw, render

Floats = npt.NDArray[np.float64]

# Where the history of each frequency starts, and its step.
FREQUENCIES = {
    "seconds": ("2026-03-01T11:59:00", 1, "s"),
    "five minutes": ("2026-03-01T22:00:00", 5, "m"),
    "hourly": ("2026-01-28T00:00:00", 1, "h"),
    "daily": ("2026-01-30", 1, "D"),
    "eight hours": ("2026-01-20", 8, "h"),
    "weekly": ("2020-01-06", 7, "D"),
    "monthly": ("1949-01", 1, "M"),
    "quarterly": ("1990-01", 3, "M"),
    "yearly": ("1700", 1, "Y"),
    "months of year 1": ("0001-01", 1, "M"),
    "days of year 1": ("0001-01-01", 1, "D"),
    "last days of the calendar": ("9999-08-01", 1, "D"),
}


def dates(start: str, count: int, step: int = 1, unit: str = "D") -> npt.NDArray[np.datetime64]:
    """Times at a regular distance."""
    return (np.datetime64(start, unit) + step * np.arange(count)).astype("datetime64[us]")


def band_of(times: npt.NDArray[Any], forecast: Sequence[float], *levels: int) -> ForecastBand:
    """A fan whose bounds lie a tenth of the level away from the forecast."""
    middle = np.asarray(forecast, dtype=np.float64)
    return ForecastBand(times, middle, {level: (middle - level / 10, middle + level / 10) for level in levels})


def strip_of(times: npt.NDArray[Any], horizon: int, *levels: int, name: str = "", scale: float = 1.0) -> SeriesPanel:
    """A saw-tooth, and its continuation as forecast."""
    values = scale * (10.0 + np.arange(times.size) % 7)
    return SeriesPanel(
        name, times[:-horizon], values[:-horizon], (band_of(times[-horizon:], values[-horizon:], *levels),)
    )


def figure_of(*panels: SeriesPanel, **options: Any) -> Figure:
    """The figure, on a canvas that can measure text."""
    figure = draw(panels, **{"title": "Title", "ylabel": "units", **options})
    FigureCanvasAgg(figure)
    return figure


def line(axes: Axes, *, width: float) -> Line2D:
    """The only line of a width."""
    (found,) = (line for line in axes.lines if line.get_linewidth() == width and line.get_linestyle() == "-")
    return found


def boxes(texts: Sequence[Text]) -> list[Bbox]:
    """The positions of texts, in pixels."""
    return [text.get_window_extent() for text in texts if text.get_text() and text.get_visible()]


def visible_ticks(axes: Axes, axis: str) -> list[Text]:
    """The tick labels inside the limits of an axis."""
    side, limits = (axes.xaxis, axes.get_xlim()) if axis == "x" else (axes.yaxis, axes.get_ylim())
    return [tick.label1 for tick in side.get_major_ticks() if limits[0] <= tick.get_loc() <= limits[1]]


def assert_readable(figure: Figure) -> None:
    """Every panel has at least two labels along each axis, none over another, and nothing leaves the page."""
    page = figure.bbox.padded(1)
    everything = [*figure.texts, *(text for axes in figure.axes for text in (axes.title, axes._left_title))]
    for axes in figure.axes:
        along, up = visible_ticks(axes, "x"), visible_ticks(axes, "y")
        assert len(along) >= 2
        assert len(up) >= 2
        offset = axes.xaxis.get_offset_text()
        for texts in ([*along, offset], up):
            assert not any(a.overlaps(b) for a, b in itertools.combinations(boxes(texts), 2)), boxes(texts)
        everything += [*along, *up, offset]
    assert all(page.containsx(box.x0) and page.containsx(box.x1) for box in boxes(everything))
    assert all(page.containsy(box.y0) and page.containsy(box.y1) for box in boxes(everything))


def test_history_forecast_and_connector_are_the_given_numbers() -> None:
    """Three lines: what was observed, what is forecast, and the step between them."""
    times = dates("1970-01-01", 5)
    strip = SeriesPanel("", times[:3], np.array([1.0, 2.0, 4.0]), (band_of(times[3:], [5.0, 7.0]),))
    (axes,) = figure_of(strip).axes
    np.testing.assert_array_equal(line(axes, width=1.4).get_xydata(), [[0, 1], [1, 2], [2, 4]])
    np.testing.assert_array_equal(line(axes, width=1.8).get_xydata(), [[3, 5], [4, 7]])
    np.testing.assert_array_equal(line(axes, width=0.7).get_xydata(), [[2, 4], [3, 5]])
    np.testing.assert_array_equal(line(axes, width=0.8).get_xdata(), [2, 2])


def test_areas_are_the_intervals_the_wider_the_lighter_and_further_back() -> None:
    """The corners of each area are the bounds; the wider one is lighter and lies behind."""
    times = dates("1970-01-01", 4)
    strip = SeriesPanel("", times[:2], np.array([1.0, 2.0]), (band_of(times[2:], [5.0, 7.0], 95, 80),))
    wide, narrow = figure_of(strip).axes[0].collections
    for area, half in ((wide, 9.5), (narrow, 8.0)):
        corners = {tuple(corner) for corner in area.get_paths()[0].vertices.tolist()}
        assert corners == {(2, 5 - half), (2, 5 + half), (3, 7 - half), (3, 7 + half)}
    assert wide.get_facecolor()[0, :3].sum() > narrow.get_facecolor()[0, :3].sum() > sum(to_rgb("#0072b2"))
    assert wide.get_zorder() < narrow.get_zorder()


def test_a_single_step_shows_a_dot_and_upright_bars() -> None:
    """A line and an area of one point would be invisible."""
    strip = strip_of(dates("2026-01-01", 21), 1, 80)
    (axes,) = figure_of(strip).axes
    (dot,) = (line for line in axes.lines if line.get_marker() == "o")
    assert dot.get_ydata() == strip.bands[0].forecast
    (bar,) = axes.collections
    assert bar.get_segments()[0][:, 1].tolist() == [strip.bands[0].forecast[0] - 8, strip.bands[0].forecast[0] + 8]


def test_an_infinite_bound_reaches_the_edge() -> None:
    """An interval that is open below is shaded down to the frame, and does not stretch the axis."""
    times = dates("2026-01-01", 4)
    band = ForecastBand(times[2:], np.array([1.0, 2.0]), {80: (np.array([-np.inf, -np.inf]), np.array([3.0, 4.0]))})
    (axes,) = figure_of(SeriesPanel("", times[:2], np.array([0.0, 1.0]), (band,))).axes
    bottom, top = axes.get_ylim()
    heights = axes.collections[0].get_paths()[0].vertices[:, 1]
    assert (heights.min(), heights.max()) == (bottom, 4.0)
    assert -1 < bottom < top < 5


def test_gaps_stay_gaps_and_lone_values_are_dots() -> None:
    """A missing value breaks the line; the value between two gaps is seen."""
    times = dates("1970-01-01", 8)
    values = np.array([1.0, 2.0, np.nan, 3.0, np.nan, 4.0])
    (axes,) = figure_of(SeriesPanel("", times[:6], values, (band_of(times[6:], [5.0, 6.0]),))).axes
    np.testing.assert_array_equal(line(axes, width=1.4).get_ydata(), values)
    (dots,) = (line for line in axes.lines if line.get_marker() == "o")
    np.testing.assert_array_equal(dots.get_xydata(), [[3, 3], [5, 4]])
    np.testing.assert_array_equal(line(axes, width=0.7).get_xydata(), [[5, 4], [6, 5]])


def test_the_connector_skips_missing_values() -> None:
    """If the newest value is missing, the last known value is joined to the forecast."""
    times = dates("1970-01-01", 5)
    strip = SeriesPanel("", times[:3], np.array([1.0, 2.0, np.nan]), (band_of(times[3:], [5.0, 6.0]),))
    np.testing.assert_array_equal(line(figure_of(strip).axes[0], width=0.7).get_xydata(), [[1, 2], [3, 5]])


def test_a_history_without_a_single_value_is_no_failure() -> None:
    """Only the forecast is seen; nothing joins it."""
    times = dates("2026-01-01", 12)
    (axes,) = figure_of(SeriesPanel("", times[:10], np.full(10, np.nan), (band_of(times[10:], [5.0, 6.0]),))).axes
    assert not [line for line in axes.lines if line.get_linewidth() == 0.7]
    assert axes.get_ylim() == pytest.approx((4.94, 6.06))


def test_actual_values_are_a_dotted_line_of_their_own() -> None:
    """Values known in the forecast period are separate from the history."""
    times = dates("1970-01-01", 6)
    strip = strip_of(times, 2)
    known = SeriesPanel("", strip.times, strip.values, strip.bands, (times[4:], np.array([30.0, 31.0])))
    figure = figure_of(known)
    (actual,) = (line for line in figure.axes[0].lines if line.get_marker() == "o")
    np.testing.assert_array_equal(actual.get_xydata(), [[4, 30], [5, 31]])
    assert figure.axes[0].get_ylim()[1] > 31
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["History", "Forecast", "Actual"]


@pytest.mark.parametrize(
    ("horizon", "history", "shown"), [(2, None, 60), (20, None, 160), (2, 5, 5), (2, 1, 1), (2, 900, 298)]
)
def test_history_is_cut_before_the_first_forecast(horizon: int, history: int | None, shown: int) -> None:
    """Eight horizons and at least sixty steps by default, else the given number of steps, limited by the series."""
    strip = strip_of(dates("2026-01-01", 300), horizon)
    (axes,) = figure_of(strip, history=history).axes
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), strip.values[-shown:])
    days = shown + horizon - 1
    assert axes.get_xlim()[1] - axes.get_xlim()[0] == pytest.approx(1.03 * days)


def test_held_out_forecasts_lie_below_one_line_of_actual_values() -> None:
    """A backtest has one forecast line for each origin in alternating shades, and observed values on top."""
    times = dates("2000-01", 120, unit="M")
    values = np.arange(120.0)
    bands = tuple(band_of(times[at : at + 6], values[at : at + 6] + 1, 80) for at in range(48, 120, 6))
    figure = figure_of(SeriesPanel("", times, values, bands), history=10)
    (axes,) = figure.axes
    forecasts = [line for line in axes.lines if line.get_linewidth() == 1.8]
    assert [line.get_ydata()[0] for line in forecasts] == list(range(49, 121, 6))
    assert all(a.get_color() != b.get_color() for a, b in itertools.pairwise(forecasts))
    observed = line(axes, width=1.0)
    np.testing.assert_array_equal(observed.get_ydata(), values[38:])
    assert observed.get_zorder() > max(line.get_zorder() for line in forecasts)
    assert len(axes.collections) == 12
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["Actual", "Forecast", "80 % interval"]


@pytest.mark.parametrize("panels", [1, 2, 3, 4, 6, 7, 9, 24])
def test_panels_have_one_legend_and_no_overlaps(panels: int) -> None:
    """At most three columns, each panel with its own scale and name, title and legend above all of them."""
    times = dates("2026-01-01", 90)
    series_panels = [strip_of(times, 7, 80, 95, name=f"store {n}", scale=10.0**n) for n in range(panels)]
    figure = figure_of(*series_panels, title="A long title " * 20, caption="small print " * 60)
    assert [axes.get_title(loc="left") for axes in figure.axes] == [f"store {n}" for n in range(panels)]
    assert len({round(axes.get_position().x0, 4) for axes in figure.axes}) <= 3
    legend = figure.legends[0].get_window_extent()
    title, caption = (text.get_window_extent() for text in figure.texts[:2])
    assert title.y0 >= legend.y1
    panes = [axes.get_tightbbox() for axes in figure.axes]
    assert all(caption.y1 <= pane.y0 and pane.y1 <= legend.y0 for pane in panes)
    assert not any(a.overlaps(b) for a, b in itertools.combinations(panes, 2))
    assert_readable(figure)


@pytest.mark.parametrize("panels", [1, 3, 7])
@pytest.mark.parametrize("frequency", FREQUENCIES)
@pytest.mark.parametrize("count", [8, 100])
def test_time_labels_are_readable_at_every_frequency(frequency: str, panels: int, count: int) -> None:
    """From seconds to years, to both ends of the calendar, in one column or three: labels do not overlap."""
    start, step, unit = FREQUENCIES[frequency]
    strip = strip_of(dates(start, count, step, unit), 3, 80)
    assert_readable(figure_of(*[strip] * panels))


@example(start=7, step=17, count=25, panels=7)  # seven minutes: every one is too many, every fifth too few
@settings(deadline=None, max_examples=25)
@given(
    start=st.integers(-60_000_000_000, 200_000_000_000),
    step=st.sampled_from([1, 60, 3600, 86_400, 2_629_800, 31_557_600]) | st.integers(1, 10**8),
    count=st.integers(4, 64),
    panels=st.sampled_from([1, 2, 7]),
)
def test_time_labels_are_readable_anywhere(start: int, step: int, count: int, panels: int) -> None:
    """Any start from year 68 to year 8307, any step from a second to three years."""
    times = (np.datetime64(start, "s") + step * np.arange(count)).astype("datetime64[us]")
    assert_readable(figure_of(*[strip_of(times, 2, 80)] * panels))


@pytest.mark.parametrize("first", [0, 999, 9_999_940])
@pytest.mark.parametrize("panels", [1, 7])
def test_a_row_counter_is_labeled_with_integers(first: int, panels: int) -> None:
    """Rows have no halves, also where there are few of them or very many."""
    for count in (5, 60):
        figure = figure_of(*[strip_of(np.arange(first, first + count), 2)] * panels)
        assert_readable(figure)
        for axes in figure.axes:
            shown = [int(label.get_text().replace(",", "")) for label in visible_ticks(axes, "x")]
            assert shown == [round(tick.get_position()[0]) for tick in visible_ticks(axes, "x")]


@pytest.mark.parametrize("scale", [1e-300, 1e-7, 1.0, 1e9, 1e300])
@pytest.mark.parametrize("offset", [0.0, 1e9, -1e6])
def test_values_of_any_size_are_readable(scale: float, offset: float) -> None:
    """The axis has no offset; all that is finite lies inside the limits."""
    strip = strip_of(dates("2026-01-01", 40), 5, scale=scale)
    shifted = SeriesPanel(
        "", strip.times, strip.values + offset, (band_of(strip.bands[0].times, strip.bands[0].forecast + offset),)
    )
    figure = figure_of(shifted)
    assert_readable(figure)
    assert figure.axes[0].yaxis.get_offset_text().get_text() == ""
    bottom, top = figure.axes[0].get_ylim()
    assert bottom < shifted.values.min()
    assert top > shifted.values.max()


def test_names_are_shown_unchanged_or_shortened() -> None:
    """No mathematics, no line breaks, no overflow, in names, title and labels."""
    wild = "$x_1^{2$ \\frac 100 %\n北京 \x07"
    times = dates("2026-01-01", 30)
    panels = [strip_of(times, 2, name=wild), strip_of(times, 2, name="long name " * 40), strip_of(times, 2, name="")]
    figure = figure_of(*panels, title=wild, ylabel=wild, caption=wild)
    literal = "$x_1^{2$ \\frac 100 % 北京 \ufffd"
    assert [text.get_text() for text in figure.texts] == [literal] * 3
    first, second, third = (axes.get_title(loc="left") for axes in figure.axes)
    assert first == literal
    assert second.endswith("…")
    assert third == ""
    assert not any(text.get_parse_math() for text in (*figure.texts, figure.axes[0]._left_title))
    assert_readable(figure)


def test_the_format_follows_the_suffix_and_bytes_are_reproducible() -> None:
    """PNG, SVG and PDF begin as they must; drawing and rendering again changes nothing, nor does the user's style."""
    strip = strip_of(dates("2026-01-01", 60), 5, 80, 95, name="北京")
    starts = {".png": b"\x89PNG\r\n", ".svg": b"<?xml", ".pdf": b"%PDF-"}
    figure = figure_of(strip)
    for suffix, start in starts.items():
        content = render(figure, suffix)
        assert content.startswith(start)
        assert not any(stamp in content for stamp in (b"CreationDate", b"<dc:date>"))
        assert render(figure, suffix.upper()) == content
        with matplotlib.rc_context({"font.size": 31.0, "svg.hashsalt": "other", "axes.facecolor": "red"}):
            assert render(draw([strip], title="Title", ylabel="units"), suffix) == content


def test_png_has_150_dots_an_inch() -> None:
    """The size in the header of the file is the size of the figure, 150 times."""
    figure = figure_of(strip_of(dates("2026-01-01", 60), 5))
    header = render(figure, ".png")[16:24]
    size = int.from_bytes(header[:4], "big"), int.from_bytes(header[4:], "big")
    assert size == pytest.approx(150 * figure.get_size_inches(), abs=1)


def test_fifty_thousand_points_are_one_line() -> None:
    """A long history is cut by default and shown in full if requested."""
    strip = strip_of(dates("2026-01-01", 50_000, unit="m"), 60)
    assert figure_of(strip).axes[0].lines[0].get_ydata().size == 480
    whole = figure_of(strip, history=50_000)
    assert whole.axes[0].lines[0].get_ydata().size == 49_940
    assert render(whole, ".png").startswith(b"\x89PNG")


def test_impossible_figures_are_refused() -> None:
    """Too many series, none, no history, a suffix nobody writes, a date without a calendar."""
    strip = strip_of(dates("2026-01-01", 30), 2)
    with pytest.raises(UsageError, match=r"1 to 24 series \(got 25\): choose some with --series"):
        draw([strip] * 25, title="", ylabel="")
    with pytest.raises(UsageError, match="got 0"):
        draw([], title="", ylabel="")
    with pytest.raises(UsageError, match=r"--history-steps: must be an integer ≥ 1 \(got 0\)"):
        draw([strip], title="", ylabel="", history=0)
    with pytest.raises(UsageError, match=r"\.png, \.svg, \.pdf .got '\.gif'."):
        render(figure_of(strip), ".gif")
    with pytest.raises(DataError, match="years 1 to 9999"):
        draw([strip_of(dates("9999-12-20", 30), 2)], title="", ylabel="")


def test_a_strip_without_forecast_shows_its_newest_steps() -> None:
    """A series that could not be forecast is still seen, and the legend promises nothing else."""
    times = dates("2026-01-01", 100)
    figure = figure_of(SeriesPanel("", times, np.arange(100.0), ()))
    np.testing.assert_array_equal(figure.axes[0].lines[0].get_ydata(), np.arange(40.0, 100.0))
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["History"]
