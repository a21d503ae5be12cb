"""Figures with one panel a series: observed values, forecasts and intervals.

Plain arrays in, a matplotlib Figure out. One panel a series; `render` turns the figure into the bytes of a file.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure as Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from lstmcast.errors import UsageError
from lstmcast.report.figures.frame import EDGE, Frame
from lstmcast.report.figures.style import QUIET, axis_numbers, house_style, shorten, style_axes
from lstmcast.types import Floats

Times = npt.NDArray[Any]

HISTORY: dict[str, Any] = {"color": "#5a5a5a", "linewidth": 1.4, "zorder": 3}
HELD_OUT: dict[str, Any] = {"color": "#333333", "linewidth": 1.0, "zorder": 5}
FORECAST = ("#0072b2", "#2f97d1")  # fans that follow each other take turns
ACTUAL: dict[str, Any] = {"color": "#111111", "linewidth": 0.8, "marker": "o", "markersize": 3, "zorder": 6}
ORIGIN = "#cccccc"

MOST_PANELS = 24
_METADATA: dict[str, dict[str, Any]] = {
    ".png": {"Software": None},
    ".svg": {"Date": None},
    ".pdf": {"CreationDate": None},
}


@dataclass(frozen=True)
class _Format:
    """The layout of panels on a page, in inches; text in points."""

    columns: int
    width: float
    panel_height: float
    name_room: float
    ticks: int


_FORMATS = {  # for at most so many panels
    1: _Format(columns=1, width=10, panel_height=4.2, name_room=620, ticks=10),
    2: _Format(columns=1, width=10, panel_height=2.7, name_room=620, ticks=10),
    6: _Format(columns=2, width=11, panel_height=2.5, name_room=310, ticks=7),
    MOST_PANELS: _Format(columns=3, width=13, panel_height=2.3, name_room=240, ticks=7),
}


@dataclass(frozen=True)
class ForecastBand:
    """One forecast: a line and its shaded intervals.

    Attributes:
        times: [H] datetime64, or integers of a row counter; ascending.
        forecast: [H].
        intervals: level in % → lower [H] and upper [H]; an infinite bound reaches the edge of the panel.
    """

    times: Times
    forecast: Floats
    intervals: Mapping[float, tuple[Floats, Floats]]


@dataclass(frozen=True)
class SeriesPanel:
    """One series: a panel of the figure.

    Attributes:
        name: of the series; empty where there is only one.
        times: [T] as in `ForecastBand`; ascending.
        values: [T] what was observed; NaN leaves a gap.
        bands: one forecast, or several held-out ones in the order of their origins.
        actual: times [N] and values [N] that became known in the period of the forecast.
    """

    name: str
    times: Times
    values: Floats
    bands: tuple[ForecastBand, ...]
    actual: tuple[Times, Floats] | None = None


def draw(
    series_panels: Sequence[SeriesPanel], *, title: str, ylabel: str, caption: str = "", history: int | None = None
) -> Figure:
    """Draws every series with its forecasts.

    Args:
        series_panels: 1 to 24 series.
        title: one sentence, at most two lines of it.
        ylabel: what is measured.
        caption: small print below, at most three lines.
        history: how many steps before the first forecast to show; by default 8 horizons, and at least 60 steps.

    Returns:
        The figure, with one Axes for each strip, in their order.

    Raises:
        UsageError: no series, more than 24, or a history below 1.
        DataError: a time is outside the years 1 to 9999.
    """
    _check(series_panels, history)
    recent = [recent_steps(series_panel, history) for series_panel in series_panels]
    form = next(form for most, form in _FORMATS.items() if len(series_panels) <= most)
    with house_style():
        shades = shades_of(recent)
        keys = legend_entries(recent, shades)
        figure, panels = _page(len(series_panels), form, title=title, ylabel=ylabel, caption=caption, keys=keys)
        for axes, series_panel in zip(panels, recent, strict=True):
            axes.set_title(shorten(series_panel.name, size=9, width=form.name_room), loc="left", size=9, pad=4)
            draw_panel(axes, series_panel, shades, ticks=form.ticks)
        freeze_layout(figure)
    return figure


def render(figure: Figure, suffix: str) -> bytes:
    """Render a figure as the contents of a file, with reproducible bytes.

    Args:
        figure: from `draw`.
        suffix: `.png` (150 dots an inch), `.svg` or `.pdf`.

    Returns:
        The bytes to write.

    Raises:
        UsageError: another suffix.
    """
    if suffix.lower() not in _METADATA:
        raise UsageError(f"figure format: must be one of {', '.join(_METADATA)} (got '{suffix}')")
    target = io.BytesIO()
    with house_style():
        figure.canvas.print_figure(target, format=suffix.lower()[1:], metadata=_METADATA[suffix.lower()])
    return target.getvalue()


def _check(series_panels: Sequence[SeriesPanel], history: int | None) -> None:
    if not 1 <= len(series_panels) <= MOST_PANELS:
        raise UsageError(
            f"a figure shows 1 to {MOST_PANELS} series (got {len(series_panels)}): choose some with --series"
        )
    if history is not None and history < 1:
        raise UsageError(f"--history-steps: must be an integer ≥ 1 (got {history})")


def recent_steps(series_panel: SeriesPanel, history: int | None) -> SeriesPanel:
    """Drop the steps more than `history` before the first forecast."""
    horizon = max((band.forecast.size for band in series_panel.bands), default=0)
    steps = max(8 * horizon, 60) if history is None else history
    start = max(
        0,
        _origin(series_panel, series_panel.bands[0]) - steps
        if series_panel.bands
        else series_panel.values.size - steps,
    )
    return replace(series_panel, times=series_panel.times[start:], values=series_panel.values[start:])


def _origin(series_panel: SeriesPanel, band: ForecastBand) -> int:
    """The number of panel rows above the forecast."""
    return int(np.searchsorted(series_panel.times, band.times[0]))


def shades_of(series_panels: Iterable[SeriesPanel]) -> dict[float, str]:
    """A color for each level: the wider the interval, the lighter."""
    levels = sorted(
        {level for series_panel in series_panels for band in series_panel.bands for level in band.intervals}
    )
    lightness = np.linspace(0.55, 0.83, len(levels)) if len(levels) > 1 else [0.7]
    return {level: _lighter(FORECAST[0], float(fraction)) for level, fraction in zip(levels, lightness, strict=False)}


def _lighter(color: str, fraction: float) -> str:
    """A color mixed with a fraction of white."""
    red, green, blue = (1 - (1 - part) * (1 - fraction) for part in to_rgb(color))
    return to_hex((red, green, blue))


def legend_entries(series_panels: Sequence[SeriesPanel], shades: Mapping[float, str]) -> list[Artist]:
    """The entries of the legend: only what is drawn."""
    held_out = any(len(series_panel.bands) > 1 for series_panel in series_panels)
    observed = Line2D([], [], label="Actual", **HELD_OUT) if held_out else Line2D([], [], label="History", **HISTORY)
    keys: list[Artist] = [observed]
    if any(series_panel.bands for series_panel in series_panels):
        keys.append(Line2D([], [], color=FORECAST[0], linewidth=1.8, label="Forecast"))
    if any(series_panel.actual for series_panel in series_panels):
        keys.append(Line2D([], [], **ACTUAL, label="Observed since" if held_out else "Actual"))
    return keys + [Patch(facecolor=shade, label=f"{level:g} % interval") for level, shade in shades.items()]


def _page(
    panels: int, form: _Format, *, title: str, ylabel: str, caption: str, keys: list[Artist]
) -> tuple[Figure, list[Axes]]:
    """An empty figure: title and legend on top, a grid of panels, small print below."""
    frame = Frame.of(title, caption, form.width)
    rows, across = math.ceil(panels / form.columns), min(len(keys), 6)
    head = frame.head + 0.2 * math.ceil(len(keys) / across) + 0.1
    foot = frame.foot + 0.05
    height = head + rows * form.panel_height + foot
    figure = Figure(figsize=(form.width, height))
    frame.write(figure)
    left = EDGE / form.width
    title_position = (left, 1 - frame.head / height)
    figure.legend(
        handles=keys, loc="upper left", bbox_to_anchor=title_position, ncols=across, frameon=False, borderaxespad=0
    )
    body = (foot / height, 1 - head / height)
    y_text = shorten(ylabel, size=9, width=form.panel_height * 60)
    figure.text(left, sum(body) / 2, y_text, va="center", rotation=90, size=9, color=QUIET)
    label_x = left + (0.2 / form.width if y_text else 0)
    figure.set_layout_engine("constrained", rect=(label_x, body[0], 1 - left - label_x, body[1] - body[0]))
    grid = figure.add_gridspec(rows, form.columns)
    return figure, [figure.add_subplot(grid[panel // form.columns, panel % form.columns]) for panel in range(panels)]


def freeze_layout(figure: Figure) -> None:
    """Finds room for every label and keeps it: a new layout at each rendering would move by fractions."""
    for _ in range(2):  # the first round sets how large the panels are, and so how many ticks they have
        figure.draw_without_rendering()
    figure.set_layout_engine("none")


def draw_panel(axes: Axes, series_panel: SeriesPanel, shades: Mapping[float, str], *, ticks: int) -> None:
    """Limits first, because an infinite bound is drawn to the edge; then layer by layer."""
    times, values = _extent(series_panel)
    style_axes(axes, times, values, calendar=series_panel.times.dtype.kind == "M", ticks=ticks)
    _draw_line(axes, series_panel.times, series_panel.values, **(HELD_OUT if len(series_panel.bands) > 1 else HISTORY))
    for turn, band in enumerate(series_panel.bands):
        _draw_forecast_band(axes, series_panel, band, shades, color=FORECAST[turn % 2])
    if series_panel.actual is not None:
        _draw_line(axes, *series_panel.actual, markevery=1 + series_panel.actual[0].size // 60, **ACTUAL)


def _extent(series_panel: SeriesPanel) -> tuple[Floats, Floats]:
    """All positions and values in the panel."""
    bounds = [bound for band in series_panel.bands for pair in band.intervals.values() for bound in pair]
    known = series_panel.actual or (series_panel.times[:0], series_panel.values[:0])
    times = [series_panel.times, known[0], *(band.times for band in series_panel.bands)]
    values = [series_panel.values, known[1], *(band.forecast for band in series_panel.bands), *bounds]
    return np.concatenate([axis_numbers(part) for part in times]), np.concatenate(values)


def _draw_line(axes: Axes, times: Times, values: Floats, **look: Any) -> None:
    """A line with gaps; a value between two gaps becomes a dot, for a line through one point is invisible."""
    xs = axis_numbers(times)
    axes.plot(xs, values, **look)
    missing = np.isnan(np.concatenate([[np.nan], values, [np.nan]]))
    alone = missing[:-2] & ~missing[1:-1] & missing[2:]
    if alone.any():
        dot = {"linestyle": "none", "marker": "o", "markersize": 2 * look["linewidth"], "markevery": 1}
        axes.plot(xs[alone], values[alone], **{**look, **dot})


def _draw_forecast_band(
    axes: Axes, series_panel: SeriesPanel, band: ForecastBand, shades: Mapping[float, str], *, color: str
) -> None:
    """Intervals, the forecast, and thin lines that join it to the last observed value."""
    observed = np.flatnonzero(np.isfinite(series_panel.values[: _origin(series_panel, band)]))
    for level, bounds in band.intervals.items():
        _draw_band(axes, axis_numbers(band.times), *bounds, color=shades[level], zorder=2 - level / 100)
    _draw_line(axes, band.times, band.forecast, color=color, linewidth=1.8, zorder=4)
    if observed.size:
        last = observed[-1]
        xs = axis_numbers(np.array([series_panel.times[last], band.times[0]]))
        axes.plot(xs, [series_panel.values[last], band.forecast[0]], color=color, linewidth=0.7, zorder=4)
        axes.axvline(xs[0], color=ORIGIN, linewidth=0.8 if len(series_panel.bands) == 1 else 0.4, zorder=0.6)


def _draw_band(axes: Axes, xs: Floats, lower: Floats, upper: Floats, **look: Any) -> None:
    """The area between two bounds, or an upright bar where the horizon is a single step."""
    bottom, top = axes.get_ylim()
    low, high = (np.nan_to_num(bound, nan=np.nan, posinf=top, neginf=bottom) for bound in (lower, upper))
    if xs.size == 1:
        axes.vlines(xs, low, high, linewidth=8, **look)
    else:
        axes.fill_between(xs, low, high, linewidth=0, **look)
