"""The figures of a backtest: errors and coverage by step ahead, and the series that went best and worst."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lstmcast.evaluation.backtest_result import BacktestResult
from lstmcast.report.figures.frame import Frame
from lstmcast.report.figures.panels import FORECAST, Figure, ForecastBand, SeriesPanel, draw, render
from lstmcast.report.figures.style import house_style, shorten, style_axes
from lstmcast.report.tables import ranked
from lstmcast.report.verdict import backtest_verdict, label
from lstmcast.results import LSTMCAST
from lstmcast.types import Floats, Ints

WIDTH, HEIGHT = 10.0, 5.2  # inches
LEFT, RIGHT, FOOT, HEAD = 0.75, 1.75, 0.95, 0.6  # inches around the axes
BASELINE_COLORS = ("#d55e00", "#009e73", "#cc79a7", "#b07d00", "#56b4e9", "#7a5195", "#8c6d31", "#808080")  # best first
COVERED = (FORECAST[0], "#d55e00", "#009e73", "#cc79a7")
CHANCE = 1.96  # standard deviations
MAX_EXTREMES = 3  # of the best series, and of the worst
MAX_BANDS = 8  # forecasts drawn of each
DOTTED = 36  # steps, up to which each has a dot
GAP = 0.052  # of the axes' height, between two names


@dataclass(frozen=True)
class Curve:
    """One line over the steps ahead.

    Attributes:
        name: written at its end.
        values: [H].
        color: of line and name.
        bold: whether it is what the figure is about.
    """

    name: str
    values: Floats
    color: str
    bold: bool = True


def pictures(scores: BacktestResult) -> dict[str, bytes]:
    """Every figure that there is something to draw for, by file name.

    Raises:
        DataError: a time is outside the years 1 to 9999.
    """
    figures = {"error_by_step.png": error_by_step(scores), "forecasts.png": best_and_worst(scores)}
    if scores.levels:
        figures["coverage_by_step.png"] = coverage_by_step(scores)
    return {name: render(figure, ".png") for name, figure in figures.items()}


def error_by_step(scores: BacktestResult) -> Figure:
    """The error of every method by step ahead: MAE of one series, MASE of several, whose sizes differ."""
    scaled = scores.panel.n_series > 1 and bool(np.isfinite(scores.overall(LSTMCAST, "mase")))
    colors = [FORECAST[0], *BASELINE_COLORS]
    curves = [
        Curve(label(name), scores.tables["step"][name]["mase" if scaled else "mae"], color, bold=name == LSTMCAST)
        for name, color in zip(ranked(scores), colors, strict=False)
    ]
    y_label = "mean absolute scaled error" if scaled else f"mean absolute error, {_target(scores)}"
    return _by_step(curves, title=_headline(scores), ylabel=y_label, caption=_caption(scores))


def coverage_by_step(scores: BacktestResult) -> Figure:
    """The coverage of the intervals by step ahead, next to the nominal coverage."""
    found = scores.tables["step"][LSTMCAST]
    curves = [
        Curve(f"{level:g}% interval", 100 * found[f"coverage_{level:g}"], color)
        for level, color in zip(scores.levels, COVERED, strict=False)
    ]
    percents = ", ".join(
        f"{_percent(scores, level)} of the {level:g}% interval" for level in scores.levels[: len(COVERED)]
    )
    figure = _by_step(
        curves,
        title=f"Coverage: {percents}",
        ylabel="coverage, percent",
        caption="Dashed: nominal coverage. Shaded: 95% sampling band under nominal coverage and independent outcomes. "
        f"{_evidence(scores)}",
        top=100,
    )
    counts = (~np.isnan(scores.actual)).sum(axis=(0, 1))  # [H]
    for curve, level in zip(curves, scores.levels, strict=False):
        _draw_nominal(figure, level, counts, curve.color)
    return figure


def best_and_worst(scores: BacktestResult) -> Figure:
    """Forecasts and actual values of one series, or of those with the smallest and the largest errors."""
    selected = _extremes(scores)
    series_panels = [_series_panel(scores, k, name) for k, name in selected.items()]
    title = f"Forecasts of {_target(scores)} and actual values"
    if len(series_panels) > 1:
        title += (
            f": the best {(len(series_panels) + 1) // 2} and the worst {len(series_panels) // 2} of "
            f"{scores.panel.n_series:,} series"
        )
    return draw(series_panels, title=title, ylabel=_target(scores), caption=_caption(scores))


def _by_step(curves: Sequence[Curve], *, title: str, ylabel: str, caption: str, top: float | None = None) -> Figure:
    """Lines over the steps ahead, each with its name at its end, from 0 upwards."""
    steps = np.arange(1.0, len(curves[0].values) + 1)
    with house_style():
        figure = Figure(figsize=(WIDTH, HEIGHT))
        Frame.of(title, caption, WIDTH).write(figure)
        box = (LEFT / WIDTH, FOOT / HEIGHT, 1 - (LEFT + RIGHT) / WIDTH, 1 - (FOOT + HEAD) / HEIGHT)
        axes = figure.add_axes(box)
        shown_values = np.concatenate([[0.0], *(curve.values for curve in curves), [top or 0.0]])
        style_axes(axes, steps, shown_values, calendar=False, ticks=14)
        axes.set_ylim(0.0, top or axes.get_ylim()[1])
        axes.set_xlabel("steps ahead")
        axes.set_ylabel(shorten(ylabel, size=9, width=72 * (HEIGHT - FOOT - HEAD)))
        for curve in curves:
            size, dot = (2.6, 4.0) if curve.bold else (1.3, 2.5)
            look: dict[str, Any] = {"color": curve.color, "linewidth": size, "zorder": 4 + curve.bold, "clip_on": False}
            axes.plot(steps, curve.values, marker="o" if len(steps) <= DOTTED else "", markersize=dot, **look)
        _name(figure, curves, axes.get_ylim()[1])
    return figure


def _name(figure: Figure, curves: Sequence[Curve], top: float) -> None:
    """Write the name of each curve next to its end, without overlaps."""
    axes = figure.axes[0]
    ends = [(curve, curve.values[np.isfinite(curve.values)][-1:]) for curve in curves]
    known = sorted(((float(end[0]) / top, curve) for curve, end in ends if end.size), key=lambda pair: pair[0])
    for height, (_, curve) in zip(declutter_labels([percent for percent, _ in known], GAP), known, strict=True):
        weight = "bold" if curve.bold else "normal"
        text = shorten(curve.name, size=9, width=72 * (RIGHT - 0.3), weight=weight)
        axes.text(1.015, height, text, transform=axes.transAxes, va="center", color=curve.color, weight=weight)


def declutter_labels(positions: Sequence[float], gap: float) -> list[float]:
    """Move ascending places, as little as may be, so that each lies at least `gap` above the one before it.

    Places that crowd together are spread evenly around their middle.
    """
    blocks: list[list[float]] = []  # each: its middle, and how many places it holds
    for position in positions:
        blocks.append([position, 1])
        while len(blocks) > 1 and blocks[-1][0] - blocks[-2][0] < gap * (blocks[-1][1] + blocks[-2][1]) / 2:
            middle, count = blocks.pop()
            before, many = blocks[-1]
            blocks[-1] = [(middle * count + before * many) / (count + many), count + many]
    return [middle + gap * (k - (count - 1) / 2) for middle, count in blocks for k in range(int(count))]


def _draw_nominal(figure: Figure, level: float, counts: Ints, color: str) -> None:
    """The nominal coverage and its 95% sampling band, by a normal approximation."""
    axes, steps = figure.axes[0], np.arange(1, len(counts) + 1)
    half_width = CHANCE * np.sqrt(level * (100 - level) / np.maximum(counts, 1))
    axes.fill_between(
        steps, np.maximum(level - half_width, 0), np.minimum(level + half_width, 100), color=color, alpha=0.1, lw=0
    )
    axes.axhline(level, color=color, linewidth=1.0, linestyle=(0, (5, 4)), zorder=2)


def _extremes(scores: BacktestResult) -> dict[int, str]:
    """The series to draw with their names: all of a few, or the best and the worst."""
    table = scores.tables["series"][LSTMCAST]
    metric = "mase" if np.isfinite(table["mase"]).any() else "mae"
    error = table[metric]
    order = np.argsort(error, kind="stable")[: int(np.isfinite(error).sum())]
    if scores.panel.n_series == 1:
        return {0: ""}
    half = min(MAX_EXTREMES, len(order) // 2) or 1
    named = [(order[:half], "best"), (order[half:][-half:][::-1], "worst")]
    return {
        int(k): f"{'/'.join(scores.panel.keys[k])}: {metric.upper()} {error[k]:.3g} ({rank})"
        for selected, rank in named
        for k in selected
    }


def _series_panel(scores: BacktestResult, k: int, name: str) -> SeriesPanel:
    """One series and its last forecasts that do not overlap."""
    panel, forecasts = scores.panel, scores.by_method[LSTMCAST]
    known = np.where(panel.observed_of(k), panel.series(k), np.nan)
    every = -(-scores.horizon // scores.step)
    bands = []
    for n in range(scores.origins.shape[1] - 1, -1, -every)[:MAX_BANDS]:
        ahead = panel.starts[k] + scores.origins[k, n] + np.arange(1, scores.horizon + 1)
        bounds = {level: (forecasts.lower[q, k, n], forecasts.upper[q, k, n]) for q, level in enumerate(scores.levels)}
        bands.append(ForecastBand(panel.calendar.wall(ahead), forecasts.values[k, n], bounds))
    times = panel.calendar.wall(panel.starts[k] + np.arange(panel.lengths[k]))
    return SeriesPanel(name, times, known, tuple(bands[::-1]))


def _headline(scores: BacktestResult) -> str:
    """The skill in one line."""
    skill = scores.skill
    baseline = label(skill.baseline)
    if not np.isfinite(skill.value):
        return f"lstmcast and {baseline}"
    return (
        f"Error of lstmcast {abs(skill.value):.0%} {'lower' if skill.value >= 0 else 'higher'} than that of {baseline}"
    )


def _caption(scores: BacktestResult) -> str:
    return f"{backtest_verdict(scores)} {_evidence(scores)}"


def _evidence(scores: BacktestResult) -> str:
    return f"{scores.n_scored:,} origins, {scores.horizon} steps ahead of each; lstmcast {scores.training}."


def _percent(scores: BacktestResult, level: float) -> str:
    fraction = scores.overall(LSTMCAST, f"coverage_{level:g}")
    return f"{fraction:.0%}" if np.isfinite(fraction) else "unknown"


def _target(scores: BacktestResult) -> str:
    return ", ".join(scores.panel.columns.target) if len(scores.panel.columns.target) == 1 else "value"
