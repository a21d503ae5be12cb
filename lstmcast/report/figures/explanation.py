"""The figure of an explanation: attributions, the reach of past effects, and the gates as heat maps."""

from __future__ import annotations

from itertools import groupby
from typing import Any

import numpy as np

from lstmcast.explain.attribution import order, within
from lstmcast.explain.explanation import SIGNALS, Explanation, NetworkInternals
from lstmcast.report.console import number
from lstmcast.report.explanation_text import MEMORY_FRACTION, headline, method, signed
from lstmcast.report.figures.frame import Frame
from lstmcast.report.figures.panels import FORECAST, HISTORY, Figure, render
from lstmcast.report.figures.style import QUIET, axis_numbers, house_style, labeled, style_axes, wrap
from lstmcast.types import Floats

WIDTH, HEIGHT = 10.0, 12.2  # inches
ROWS = (1.9, 1.3, 1.4, 2.0, 2.0)  # inches, more or less: past, attribution, memory, two rows of heat maps
RAISED, LOWERED = FORECAST[0], "#d55e00"  # blue and vermilion: distinct for color-blind readers
BASELINE_STYLE: dict[str, Any] = {"color": "#8a8a8a", "linewidth": 1.2, "linestyle": (0, (4, 2))}
MAPS = {
    "forget": "Forget gate: fraction of the cell state kept",
    "input": "Input gate: fraction of the candidate added",
    "output": "Output gate: fraction of the cell state in the output",
    "cell": "Cell state",
}
GAP = 0.07  # of a heat map's height, between the names of two groups


def render_explanation(explained: Explanation, target: str, suffix: str) -> bytes:
    """The contents of a figure of an explanation; see `explanation_figure`."""
    return render(explanation_figure(explained, target), suffix)


def explanation_figure(explained: Explanation, target: str) -> Figure:
    """Draw an explanation.

    Args:
        explained: the forecast and why.
        target: what is forecast.

    Raises:
        DataError: a time is outside the years 1 to 9999.
    """
    with house_style():
        figure = Figure(figsize=(WIDTH, HEIGHT))
        Frame.of(headline(explained), method(explained), WIDTH, lines=(2, 4)).lay_out(figure, hspace=0.03)
        grid = figure.add_gridspec(len(ROWS), 2, height_ratios=ROWS)
        recent = min(len(explained.values), max(len(explained.internals.cell), 2 * explained.season, 60))
        past = figure.add_subplot(grid[0, :])
        _draw_past(past, explained, recent, target)
        _draw_attribution(figure.add_subplot(grid[1, :]), explained, recent, past.get_xlim())
        _draw_memory(figure.add_subplot(grid[2, :]), explained)
        for k, name in enumerate(MAPS):
            _draw_map(figure, figure.add_subplot(grid[3 + k // 2, k % 2]), explained, name, named=k % 2 == 0)
        freeze_layout(figure)
    return figure


def freeze_layout(figure: Figure) -> None:
    """Finds room for every label and keeps it; rounded, for the solver of the layout varies in the last digits."""
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for axes in figure.axes:
        left, bottom, width, height = np.round(axes.get_position().bounds, 4).tolist()
        axes.set_position((left, bottom, width, height))


def _draw_past(axes: Any, explained: Explanation, recent: int, target: str) -> None:
    """The last values with their expected values, and both forecasts."""
    calendar, forecast = explained.forecast.calendar, explained.forecast
    past = axis_numbers(calendar.wall(explained.positions[-recent:]))
    ahead = axis_numbers(calendar.wall(forecast.positions[0]))
    values, baseline = explained.values[-recent:], explained.expected[-recent:]
    positions = np.concatenate([past, ahead])
    every = np.concatenate([values, baseline, forecast.values[0], explained.reference])
    style_axes(axes, positions, every, calendar=calendar.kind != "counter", ticks=10)
    axes.plot(positions, np.concatenate([baseline, explained.reference]), label="Expected history", **BASELINE_STYLE)
    axes.plot(past, values, label="History", **HISTORY)
    dots = {"marker": "o", "markersize": 3} if len(ahead) == 1 else {}
    axes.plot(ahead, forecast.values[0], color=FORECAST[0], linewidth=1.8, label="Forecast", **dots)
    axes.axvline(past[-1], color="#cccccc", linewidth=0.8, zorder=0.6)
    _title(axes, f"{target}: the last {recent:,} steps and the forecast")
    _legend_above(axes, 3)


def _draw_attribution(axes: Any, explained: Explanation, recent: int, limits: tuple[float, float]) -> None:
    """The attribution of the mean forecast to each of the last values, as bars."""
    calendar = explained.forecast.calendar
    positions, attributions = axis_numbers(calendar.wall(explained.positions)), explained.attribution.mean(axis=0)
    shown = attributions[-recent:]
    most, cut = _cut(shown)
    clipped = np.clip(shown, -most, most)
    style_axes(
        axes, positions[-recent:], np.concatenate([clipped, [0.0]]), calendar=calendar.kind != "counter", ticks=10
    )
    axes.set_xlim(*limits)
    width = float(np.diff(positions[-2:])[0]) * 0.9
    for label, color, part in (("raised it", RAISED, shown >= 0), ("lowered it", LOWERED, shown < 0)):
        axes.bar(positions[-recent:][part], clipped[part], width=width, color=color, linewidth=0, label=label)
    axes.axhline(0.0, color="#9a9a9a", linewidth=0.8)
    before = f"all earlier values together {signed(attributions[:-recent].sum())}" if recent < len(attributions) else ""
    axes.set_xlabel("; ".join(filter(None, [cut, before])), loc="left", size=8)
    _title(axes, "Contribution of each value to the mean forecast")
    _legend_above(axes, 2)


def _cut(attributions: Floats) -> tuple[float, str]:
    """The height at which very long bars are cut, and the note about it."""
    sizes = np.abs(attributions)
    limit, largest = 1.5 * float(np.quantile(sizes, 0.98)), int(np.argmax(sizes))
    if sizes[largest] <= 2 * limit or not limit:
        return float(sizes[largest]), ""
    return limit, f"bars are cut at {number(limit)}, the largest is {signed(attributions[largest])}"


def _draw_memory(axes: Any, explained: Explanation) -> None:
    """The cumulative fraction of the effect of the last steps: of past values, and of the cell state."""
    curves = (
        ("past values", explained.effect, RAISED, "-"),
        ("cell state", explained.internals.memory, LOWERED, (0, (5, 1.5))),
    )
    steps = np.arange(1, len(explained.effect) + 1)
    style_axes(axes, steps.astype(np.float64), np.array([0.0, 100.0]), calendar=False, ticks=10)
    _relative_step_axis(axes, len(steps))
    for name, effect, color, style in curves:
        percent, far = 100 * np.cumsum(effect[::-1]) / max(effect.sum(), 1e-300), within(effect, MEMORY_FRACTION)
        label = f"{name}: {MEMORY_FRACTION:.0%} within {far:,} steps"
        axes.plot(steps[: len(percent)], percent, color=color, linestyle=style, linewidth=1.8, label=label)
        axes.plot([far], [100 * MEMORY_FRACTION], color=color, marker="o", markersize=5, linestyle="none")
    axes.axhline(100 * MEMORY_FRACTION, color=QUIET, linewidth=0.8, linestyle=":")
    _title(axes, "Cumulative effect by lag, percent")
    _legend_above(axes, 2)


def _relative_step_axis(axes: Any, steps: int) -> None:
    """A logarithmic x axis of 1 to `steps` steps; y is percent."""
    axes.set_xscale("log")
    axes.set_xlim(0.95, max(2.0, steps * 1.05))
    axes.set_ylim(0, 104)
    ticks = [count * 10**power for power in range(6) for count in (1, 2, 5) if count * 10**power <= steps]
    axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    axes.set_xticks([], minor=True)


def _draw_map(figure: Figure, axes: Any, explained: Explanation, name: str, *, named: bool) -> None:
    """One number a unit and step of the context; the units group by group."""
    inside = explained.internals
    rows = order(inside.unit_correlations, SIGNALS)
    values = getattr(inside, name)[:, rows].T  # [U, L]
    calendar = explained.forecast.calendar
    positions = axis_numbers(calendar.wall(explained.positions[-values.shape[1] :]))
    style_axes(axes, positions, np.array([0.0, len(rows)]), calendar=calendar.kind != "counter", ticks=7)
    half = float(np.diff(positions[-2:])[0]) / 2
    most = float(np.quantile(np.abs(values), 0.99)) or 1.0
    look = (
        {"cmap": "PuOr_r", "vmin": -most, "vmax": most} if name == "cell" else {"cmap": "cividis", "vmin": 0, "vmax": 1}
    )
    edges = labeled(np.concatenate([positions - half, positions[-1:] + half]), calendar=calendar.kind != "counter")
    mesh = axes.pcolormesh(edges, np.arange(len(rows) + 1), values, rasterized=True, **look)
    bar = figure.colorbar(mesh, ax=axes, pad=0.01, aspect=30, extend="both" if name == "cell" else "neither")
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=8, labelcolor=QUIET, length=0)
    axes.set_xlim(edges[0], edges[-1])
    axes.set_ylim(len(rows), 0)
    axes.grid(visible=False)
    _name_groups(axes, inside, rows, named=named)
    _title(axes, MAPS[name])


def _name_groups(axes: Any, inside: NetworkInternals, rows: list[int], *, named: bool) -> None:
    """A line between two groups of units, and their names and sizes next to the left map."""
    groups = [
        (name, len(list(units))) for name, units in groupby(inside.unit_correlations[row].component for row in rows)
    ]
    ends = np.cumsum([count for _, count in groups])
    for end in ends[:-1].tolist():
        axes.axhline(end, color="white", linewidth=1.5)
    middles = np.array([end - count / 2 for end, (_, count) in zip(ends.tolist(), groups, strict=True)])
    labels = [f"{name} ({count})" for name, count in groups] if named else []
    axes.set_yticks(_spread_positions(middles, GAP * len(rows), len(rows)) if named else [], labels)


def _spread_positions(positions: Floats, gap: float, most: float) -> Floats:
    """Ascending places pushed at least `gap` apart, inside 0 to `most`."""
    steps = gap * np.arange(len(positions))
    down = np.maximum.accumulate(np.maximum(positions, gap / 2) - steps) + steps
    room = most - gap / 2 - steps[::-1]
    return np.asarray(np.minimum(down, room), dtype=np.float64)


def _title(axes: Any, text: str) -> None:
    axes.set_title(wrap(text, size=9, width=680, lines=1)[0], loc="left", size=9, pad=4)


def _legend_above(axes: Any, columns: int) -> None:
    """Next to the title."""
    legend_style = {"loc": "lower right", "bbox_to_anchor": (1.0, 1.0), "borderaxespad": 0.2}
    axes.legend(ncols=columns, fontsize=8, frameon=False, **legend_style)
