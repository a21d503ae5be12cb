"""Figures of the probabilities of an event, and of their reliability."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lstmcast.errors import UsageError
from lstmcast.report.figures.forecast import selected_series
from lstmcast.report.figures.frame import Frame
from lstmcast.report.figures.panels import FORECAST, HISTORY, Figure, freeze_layout, render
from lstmcast.report.figures.style import HAIRLINE, QUIET, axis_numbers, house_style, labeled, shorten, style_axes
from lstmcast.report.verdict import label, verdict
from lstmcast.results import LSTMCAST
from lstmcast.tasks.base import PlotOptions, reject_flags

if TYPE_CHECKING:
    from lstmcast.data.panel import Panel
    from lstmcast.forecasts import Forecast
    from lstmcast.tasks.event.model import EventForecaster, EventScores
    from lstmcast.tasks.event.scores import EventBacktest

WIDTH = 10.0  # inches
PAST, AHEAD = 2.2, 1.4  # inches: of a series' values, of its probabilities
MAX_PANELS = 6  # series
MAX_NUMBERED = 24  # bars with a number each: more would not fit
LIMIT: dict[str, Any] = {"color": "#d55e00", "linewidth": 1.0, "linestyle": (0, (4, 2))}
BASELINE_COLORS = ("#8a8a8a", "#d55e00", "#009e73", "#cc79a7", "#e69f00")  # distinct for color-blind readers


def plot_events(model: EventForecaster, panel: Panel, options: PlotOptions) -> tuple[bytes, str]:
    """Draw history and probabilities, or the reliability on the hold-out."""
    if options.backtest:
        reject_flags(options, "event", "backtest")
        return render(reliability(model.report.evaluation, model.report.event), options.suffix), "hold-out"
    reject_flags(options, "event", "horizon", "series", "history_steps")
    forecast = model.predict(panel, options.horizon)
    figure, shown = ahead(panel, model, forecast, options.series, options.history_steps)
    return render(figure, options.suffix), f"{shown} of {panel.n_series} series"


def event_backtest(result: EventBacktest) -> dict[str, bytes]:
    """Draw the reliability diagram of a backtest; return the figures by file name."""
    return {"reliability.png": render(reliability(result.evaluation.summary, result.event), ".png")}


def ahead(
    panel: Panel, model: EventForecaster, forecast: Forecast, keys: Sequence[str], history: int | None
) -> tuple[Figure, int]:
    """Values above, probabilities of the steps ahead below, for each series.

    Args:
        panel: the past.
        model: whose probabilities these are.
        forecast: they.
        keys: which series; empty: the first three.
        history: past steps to show; None: 8 horizons, and at least 60.

    Returns:
        The figure, and how many series it shows.

    Raises:
        UsageError: an unknown series, or more than 6.
    """
    rows = selected_series(panel, keys, range(panel.n_series))[: None if keys else 3]
    if len(rows) > MAX_PANELS:
        raise UsageError(
            f"a figure of probabilities holds {MAX_PANELS} series (got {len(rows)}): name fewer with --series"
        )
    recent = history or max(8 * model.horizon, 60)
    height = len(rows) * (PAST + AHEAD) + 0.9
    limits = model.pipeline.rule.series_limits(panel)
    with house_style():
        figure = Figure(figsize=(WIDTH, height))
        Frame.of(f"How likely is {model.report.event!r}?", verdict(model.report.evaluation), WIDTH).lay_out(figure)
        grid = figure.add_gridspec(2 * len(rows), 1, height_ratios=[PAST, AHEAD] * len(rows))
        for row_index, k in enumerate(rows):
            above, below = (figure.add_subplot(grid[2 * row_index + part, 0]) for part in (0, 1))
            _draw_past(above, panel, k, forecast, recent, float(limits[k]))
            _draw_ahead(below, panel, k, forecast, above.get_xlim())
        freeze_layout(figure)
    return figure, len(rows)


def reliability(evaluation: EventScores, event: str) -> Figure:
    """The reliability diagram, a histogram of the probabilities, and the Brier score by step ahead."""
    curve = evaluation.reliability
    predicted, actual, counts = (np.array(part, np.float64) for part in (curve.predicted, curve.observed, curve.counts))
    error = evaluation.scores[LSTMCAST]["calibration_error"]
    with house_style():
        figure = Figure(figsize=(WIDTH, 5.2))
        Frame.of(f"Reliability of the probabilities of {event!r}", verdict(evaluation), WIDTH).lay_out(figure)
        grid = figure.add_gridspec(2, 2, height_ratios=[3, 1])
        main, bars, steps = (figure.add_subplot(grid[cell]) for cell in ((0, 0), (1, 0), (slice(None), 1)))
        diagonal = np.array([0.0, 1.0])
        for axes, values in ((main, diagonal), (bars, np.concatenate([[0.0], counts]))):
            style_axes(axes, diagonal, values, calendar=False, ticks=8)
            axes.set_xlim(-0.02, 1.02)
            axes.set_xticks(np.linspace(0, 1, 6))
        main.set_title(
            f"Observed frequency by predicted probability (mean difference {error:.3f})", loc="left", size=9, pad=4
        )
        main.plot(diagonal, diagonal, **LIMIT)
        main.plot(predicted, actual, color=FORECAST[0], linewidth=0.8)
        sizes = 8 + 70 * np.sqrt(counts / counts.max())  # points of few predictions are small
        main.scatter(predicted, actual, s=sizes, color=FORECAST[0], zorder=3)
        bars.set_title("Number of predictions", loc="left", size=9, pad=4)
        bars.bar(predicted, counts, width=0.06, color=FORECAST[1])
        bars.set_ylim(0, counts.max() * 1.1)
        bars.set_xlabel("probability", size=9, color=QUIET)
        _draw_steps(steps, evaluation.brier_by_step)
        freeze_layout(figure)
    return figure


def _draw_past(axes: Any, panel: Panel, k: int, forecast: Forecast, recent: int, limit: float) -> None:
    """The last values, the limit among them, and room for the steps ahead."""
    steps = min(recent, int(panel.lengths[k]))
    positions = panel.ends[k] + np.arange(1 - steps, 1)
    values = np.where(panel.observed_of(k), panel.series(k), np.nan)[-steps:]
    past, coming = (axis_numbers(panel.calendar.wall(part)) for part in (positions, forecast.positions[k]))
    known = np.append(values, limit)
    style_axes(axes, np.concatenate([past, coming]), known, calendar=panel.calendar.kind != "counter", ticks=10)
    name = "/".join(panel.keys[k]) or ", ".join(panel.columns.target)
    axes.set_title(shorten(name, size=9, width=620), loc="left", size=9, pad=4)
    axes.plot(past, values, **HISTORY)
    axes.axvline(past[-1], color=HAIRLINE, linewidth=0.8, zorder=0.6)
    if np.isfinite(limit):
        axes.axhline(limit, **LIMIT)
        axes.annotate(f"{limit:g}", (1, limit), xycoords=("axes fraction", "data"), size=8, color=LIMIT["color"])


def _draw_ahead(axes: Any, panel: Panel, k: int, forecast: Forecast, x_range: tuple[float, float]) -> None:
    """A bar for each step ahead."""
    positions = axis_numbers(panel.calendar.wall(forecast.positions[k]))
    style_axes(axes, positions, np.array([0.0, 1.0]), calendar=panel.calendar.kind != "counter", ticks=10)
    axes.set_ylim(0, 1)
    spacing = float(np.diff(positions).min()) if len(positions) > 1 else (x_range[1] - x_range[0]) / 20
    ends = np.array([positions[0] - spacing, positions[-1] + spacing])
    axes.set_xlim(*labeled(ends, calendar=panel.calendar.kind != "counter"))
    axes.set_title("Probability of each step ahead", loc="left", size=9, pad=4)
    probabilities = forecast.values[k].tolist()
    axes.bar(positions, probabilities, width=0.8 * spacing, color=FORECAST[0])
    if len(probabilities) <= MAX_NUMBERED:
        for position, chance in zip(positions.tolist(), probabilities, strict=True):
            level = min(chance + 0.02, 0.9)
            axes.text(position, level, _percent(chance), ha="center", va="bottom", size=7, color=QUIET)


def _percent(chance: float) -> str:
    """A probability in percent; below 0.5% and above 99.5% as a bound."""
    return "<1 %" if chance < 0.005 else ">99 %" if chance > 0.995 else f"{chance:.0%}".replace("%", " %")


def _draw_steps(axes: Any, by_step: Mapping[str, Sequence[float]]) -> None:
    """The Brier score of every method at each step ahead."""
    rows = {name: np.array(row) for name, row in by_step.items()}
    steps = np.arange(1, len(rows[LSTMCAST]) + 1, dtype=np.float64)
    style_axes(axes, steps, np.concatenate([[0.0], *rows.values()]), calendar=False, ticks=8)
    axes.set_title("Brier score by steps ahead (less is better)", loc="left", size=9, pad=4)
    dots = {"marker": "o", "markersize": 4} if len(steps) == 1 else {}
    baselines = [name for name in rows if name != LSTMCAST]
    for name, color in zip(baselines, BASELINE_COLORS, strict=False):
        axes.plot(steps, rows[name], color=color, linewidth=1.0, label=label(name), **dots)
    axes.plot(steps, rows[LSTMCAST], color=FORECAST[0], linewidth=2.0, label=label(LSTMCAST), **dots)
    axes.set_ylim(0)
    axes.legend(frameon=False, fontsize=8)
    axes.set_xlabel("steps ahead", size=9, color=QUIET)
