"""Figures of the parts of a forecast, and of the responses to covariates."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from lstmcast.explain.driver_effects import DriverEffects, Response
from lstmcast.forecasting.ensemble.direct_member import LEVEL, SEASON, Part, PartKind
from lstmcast.report.explanation_text import effect_method
from lstmcast.report.figures.explanation import LOWERED, RAISED
from lstmcast.report.figures.forecast import forecast_panels
from lstmcast.report.figures.frame import Frame
from lstmcast.report.figures.panels import (
    FORECAST,
    Figure,
    draw_panel,
    freeze_layout,
    legend_entries,
    recent_steps,
    render,
    shades_of,
)
from lstmcast.report.figures.style import QUIET, axis_numbers, house_style, shorten, style_axes
from lstmcast.types import Floats

WIDTH, TOP, ROW = 10.0, 2.8, 1.6  # inches
COLUMNS = 2
HISTORY_HORIZONS, MIN_HISTORY = 3, 30  # past steps of the first panel


def effects_figure(effects: DriverEffects, target: str, suffix: str) -> bytes:
    """Draw the parts of a forecast, and the responses to covariates."""
    return render(draw_components(effects, f"Parts of the forecast of {target}", effects.responses), suffix)


def draw_components(
    effects: DriverEffects, title: str, responses: Sequence[Response] = (), history: int | None = None
) -> Figure:
    """Draw a forecast with its history, a panel for each part, and one for each response.

    Args:
        history: past steps of the first panel; None: three horizons, and at least 30.
    """
    parts = list(effects.visible.items())
    rows = [math.ceil(len(panels) / COLUMNS) for panels in (parts, responses)]
    with house_style():
        figure = Figure(figsize=(WIDTH, TOP + ROW * sum(rows) + 1.0))
        Frame.of(title, effect_method(effects), WIDTH).lay_out(figure, above=0.1, hspace=0.04)
        grid = figure.add_gridspec(1 + sum(rows), COLUMNS, height_ratios=[TOP, *[ROW] * sum(rows)])
        _draw_forecast(figure.add_subplot(grid[0, :]), effects, history)
        panels = [figure.add_subplot(grid[1 + k // COLUMNS, k % COLUMNS]) for k in range(len(parts))]
        limits = _common_height(parts)
        for axes, (part, values) in zip(panels, parts, strict=True):
            _draw_part(axes, effects, part, values, limits)
        for k, response in enumerate(responses):
            _draw_response(figure.add_subplot(grid[1 + rows[0] + k // COLUMNS, k % COLUMNS]), response)
        freeze_layout(figure)
    return figure


def _draw_forecast(axes: Any, effects: DriverEffects, history: int | None) -> None:
    """The last values, the forecast and its intervals."""
    steps = history or max(HISTORY_HORIZONS * effects.forecast.horizon, MIN_HISTORY)
    (series_panel,) = forecast_panels(effects.past, effects.forecast, ())
    series_panel = recent_steps(series_panel, steps)
    shades = shades_of([series_panel])
    draw_panel(axes, series_panel, shades, ticks=10)
    _title(axes, f"{series_panel.name}: history and forecast" if series_panel.name else "History and forecast", 450)
    position = {"loc": "lower right", "bbox_to_anchor": (1.0, 1.0), "borderaxespad": 0.2}
    axes.legend(handles=legend_entries([series_panel], shades), ncols=5, fontsize=8, frameon=False, **position)


def _common_height(parts: Sequence[tuple[Part, Floats]]) -> Floats:
    """Values that the panels of holidays, covariates and the rest include, so that their heights can be compared."""
    every = [values for part, values in parts if part not in {LEVEL, SEASON}]
    return np.concatenate([[0.0], *every])


def _draw_part(axes: Any, effects: DriverEffects, part: Part, values: Floats, common: Floats) -> None:
    """A part as a line, for the level, or as bars."""
    calendar = effects.forecast.calendar
    positions = axis_numbers(calendar.wall(effects.forecast.positions[0]))
    own = {LEVEL: np.concatenate([values, effects.forecast.values[0]]), SEASON: np.append(values, 0.0)}
    every = own.get(part, common)
    style_axes(axes, positions, every, calendar=calendar.kind != "counter", ticks=7)
    if part == LEVEL:
        axes.plot(positions, effects.forecast.values[0], color=QUIET, linewidth=0.8)
        axes.plot(positions, values, color=FORECAST[0], linewidth=1.8, marker="o" if len(values) == 1 else "")
        _title(axes, f"{_named(part)}, and the forecast (thin)", 330)
        return
    width = float(np.diff(positions[-2:])[0]) * 0.9 if len(positions) > 1 else 0.9
    for color, selected in ((RAISED, values >= 0), (LOWERED, values < 0)):
        axes.bar(positions[selected], values[selected], width=width, color=color, linewidth=0)
    axes.set_xlim(positions[0] - 0.6 * width, positions[-1] + 0.6 * width)
    axes.axhline(0.0, color="#9a9a9a", linewidth=0.8)
    _title(axes, _named(part), 330)


def _draw_response(axes: Any, response: Response) -> None:
    """Effects by value of a covariate."""
    style_axes(axes, response.values, np.append(response.effects, 0.0), calendar=False, ticks=8)
    axes.plot(response.values, response.effects, color=FORECAST[0], linewidth=1.6, marker="o", markersize=3.5)
    axes.axhline(0.0, color="#9a9a9a", linewidth=0.8)
    _title(axes, f"Response to {response.column}, by its value", 330)


def _named(part: Part) -> str:
    """The title of a part; a column keeps its own capitals."""
    return part.name if part.kind is PartKind.COVARIATE else part.name.capitalize()


def _title(axes: Any, text: str, width: float) -> None:
    axes.set_title(shorten(text, size=9, width=width), loc="left", size=9, pad=4)
