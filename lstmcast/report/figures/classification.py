"""Figures of probabilities and of confusion matrices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import numpy as np

from lstmcast.errors import UsageError
from lstmcast.report.figures.explanation import freeze_layout as freeze_layout_explanation
from lstmcast.report.figures.forecast import selected_series
from lstmcast.report.figures.panels import FORECAST, HISTORY, Figure, render
from lstmcast.report.figures.panels import freeze_layout as freeze_layout_panels
from lstmcast.report.figures.style import (
    HAIRLINE,
    INK,
    QUIET,
    axis_numbers,
    house_style,
    labeled,
    shorten,
    style_axes,
    wrap,
)
from lstmcast.report.task_tables import label_verdict
from lstmcast.report.verdict import label, verdict
from lstmcast.results import LSTMCAST
from lstmcast.tasks.base import PlotOptions, reject_flags
from lstmcast.types import Floats, Ints

if TYPE_CHECKING:
    from lstmcast.data.labeled_panel import LabeledPanel
    from lstmcast.data.panel import Panel
    from lstmcast.forecasts import Forecast
    from lstmcast.tasks.event.model import EventForecaster, EventScores
    from lstmcast.tasks.event.scores import EventBacktest
    from lstmcast.tasks.label.model import LabelScores, SeriesClassifier
    from lstmcast.tasks.label.scores import LabelBacktest

WIDTH, RELIABILITY_EDGE = 10.0, 0.15  # inches
PAST, AHEAD = 2.2, 1.4  # inches: of a series' values, of its probabilities
MAX_PANELS = 6  # series
RELIABILITY_NAMED = 24  # bars with a number each: more would not fit
LIMIT: dict[str, Any] = {"color": "#d55e00", "linewidth": 1.0, "linestyle": (0, (4, 2))}
BASELINE_COLORS = (
    "#8a8a8a",
    "#d55e00",
    "#009e73",
    "#cc79a7",
    "#e69f00",
)  # of baselines: distinct for color-blind readers


def plot_events(model: EventForecaster, panel: Panel, options: PlotOptions) -> tuple[bytes, str]:
    """Draw history and probabilities, or the reliability on the hold-out."""
    if options.backtest:
        reject_flags(options, "event", "backtest")
        return render(reliability(model.report.evaluation, model.report.event), options.suffix), "hold-out"
    reject_flags(options, "event", "horizon", "series", "history_steps")
    forecast = model.predict(panel, options.horizon)
    figure, shown = ahead(panel, model, forecast, options.series, options.history_steps)
    return render(figure, options.suffix), f"{shown} of {panel.n_series} series"


def plot_labels(model: SeriesClassifier, data: LabeledPanel, options: PlotOptions) -> tuple[bytes, str]:  # noqa: ARG001
    """Draw the confusion matrix of the test series."""
    reject_flags(options, "label", "backtest")
    report, name = model.report, model.context.label
    title = f"Hold-out: confusion of {name} ({PurePath(report.data.source).name})"
    content = _confusion(report.evaluation, report.classes, name, title, options.suffix)
    return content, f"{report.test_series} test series"


def event_backtest(result: EventBacktest) -> dict[str, bytes]:
    """Draw the reliability diagram of a backtest; return the figures by file name."""
    return {"reliability.png": render(reliability(result.evaluation.summary, result.event), ".png")}


def label_backtest(result: LabelBacktest) -> dict[str, bytes]:
    """Draw the confusion matrix of a backtest; return the figures by file name."""
    data = result.data
    title = f"Backtest: confusion of {data.label} ({PurePath(data.source).name})"
    return {"confusion.png": _confusion(result.evaluation.summary, data.classes, data.label, title, ".png")}


def _confusion(scores: LabelScores, classes: Sequence[str], name: str, title: str, suffix: str) -> bytes:
    caption = label_verdict(scores)
    return render(draw(np.array(scores.confusion), classes, label=name, title=title, caption=caption), suffix)


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
        _frame(figure, f"How likely is {model.report.event!r}?", verdict(model.report.evaluation))
        grid = figure.add_gridspec(2 * len(rows), 1, height_ratios=[PAST, AHEAD] * len(rows))
        for row_index, k in enumerate(rows):
            above, below = (figure.add_subplot(grid[2 * row_index + part, 0]) for part in (0, 1))
            _draw_past(above, panel, k, forecast, recent, float(limits[k]))
            _draw_ahead(below, panel, k, forecast, above.get_xlim())
        freeze_layout_panels(figure)
    return figure, len(rows)


def reliability(evaluation: EventScores, event: str) -> Figure:
    """The reliability diagram, a histogram of the probabilities, and the Brier score by step ahead."""
    curve = evaluation.reliability
    predicted, actual, counts = (np.array(part, np.float64) for part in (curve.predicted, curve.observed, curve.counts))
    error = evaluation.scores[LSTMCAST]["calibration_error"]
    with house_style():
        figure = Figure(figsize=(WIDTH, 5.2))
        _frame(figure, f"Reliability of the probabilities of {event!r}", verdict(evaluation))
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
        freeze_layout_panels(figure)
    return figure


def _frame(figure: Figure, title: str, caption: str) -> None:
    """Title above, small print below, panels between."""
    width, height = figure.get_size_inches().tolist()
    room = (width - 2 * RELIABILITY_EDGE) * 72
    heading = wrap(title, size=13, width=room, lines=2, weight="bold")
    small = wrap(caption, size=8, width=room, lines=3)
    figure.text(
        RELIABILITY_EDGE / width, 1 - RELIABILITY_EDGE / height, "\n".join(heading), va="top", size=13, weight="bold"
    )
    figure.text(RELIABILITY_EDGE / width, RELIABILITY_EDGE / height, "\n".join(small), va="bottom", size=8, color=QUIET)
    head, foot = RELIABILITY_EDGE + 0.28 * len(heading), RELIABILITY_EDGE + 0.16 * len(small) + 0.05
    box = (RELIABILITY_EDGE / width, foot / height, 1 - 2 * RELIABILITY_EDGE / width, 1 - (head + foot) / height)
    figure.set_layout_engine("constrained", rect=box)


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
    if len(probabilities) <= RELIABILITY_NAMED:
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


CELL, CONFUSION_EDGE = 0.5, 0.15  # inches; of a cell where there is room
SMALLEST, LARGEST = 2.4, 9.0  # inches of the matrix, more or less
SIDE_MARGIN, BOTTOM_MARGIN = (
    3.2,
    1.2,
)  # inches to the left and below the matrix, more or less: labels, how often each is right
NAME = 110  # points of a label, at most
WRITTEN = 25  # labels up to which every cell has its number
CONFUSION_NAMED = 60  # labels up to which each is named
RIGHT, WRONG = FORECAST[0], "#d55e00"  # blue and vermilion: distinct for color-blind readers
STEEP = 4  # letters from which the labels below are turned
PALE = 0.55  # of a cell, from where on its number is written in white


def draw(matrix: Ints, classes: Sequence[str], *, label: str, title: str, caption: str) -> Figure:
    """Draw a confusion matrix: actual labels in rows, predicted labels in columns, shaded by the fraction of the row.

    Args:
        matrix: [C, C] how many series of each label (row) were given each label (column).
        classes: C labels.
        label: what the labels are called.
        title: one sentence.
        caption: small print below.
    """
    side = float(np.clip(CELL * len(classes), SMALLEST, LARGEST))
    width = side + SIDE_MARGIN
    room = (width - 2 * CONFUSION_EDGE) * 72
    heading = wrap(title, size=13, width=room, lines=3, weight="bold")
    small_print = wrap(caption, size=8, width=room, lines=5)
    head, foot = 2 * CONFUSION_EDGE + 0.28 * len(heading), 2 * CONFUSION_EDGE + 0.16 * len(small_print)
    height = head + side + BOTTOM_MARGIN + foot
    with house_style():
        figure = Figure(figsize=(width, height))
        figure.text(
            CONFUSION_EDGE / width, 1 - CONFUSION_EDGE / height, "\n".join(heading), va="top", size=13, weight="bold"
        )
        figure.text(
            CONFUSION_EDGE / width, CONFUSION_EDGE / height, "\n".join(small_print), va="bottom", size=8, color=QUIET
        )
        box = (CONFUSION_EDGE / width, foot / height, 1 - 2 * CONFUSION_EDGE / width, 1 - (head + foot) / height)
        figure.set_layout_engine("constrained", rect=box)
        axes = figure.add_subplot()
        _shade(axes, matrix)
        _write(axes, matrix, size=float(np.clip(45 * side / len(classes), 4, 9)))
        _name(axes, matrix, classes, label)
        freeze_layout_explanation(figure)
    return figure


def _shade(axes: Any, matrix: Ints) -> None:
    """The diagonal in blue, the rest in vermilion, the stronger the larger the share of the row."""
    fraction = _of_row(matrix)[..., None]
    right = np.eye(len(matrix), dtype=bool)[..., None]
    ink = np.where(right, _rgb(RIGHT), _rgb(WRONG))
    strength = np.where((fraction > 0) & ~right, 0.12 + 0.88 * fraction, fraction)  # a single mistake must be seen
    axes.imshow(1 - strength * (1 - ink), aspect="auto", interpolation="nearest")
    edges = np.arange(len(matrix) + 1) - 0.5
    axes.vlines(edges, -0.5, len(matrix) - 0.5, color=HAIRLINE, linewidth=0.6)
    axes.hlines(edges, -0.5, len(matrix) - 0.5, color=HAIRLINE, linewidth=0.6)
    axes.spines[:].set_visible(False)


def _write(axes: Any, matrix: Ints, *, size: float) -> None:
    """The numbers of series, where they can be read."""
    if len(matrix) > WRITTEN:
        return
    fraction = _of_row(matrix)
    for row, column in np.argwhere(matrix).tolist():
        ink = "white" if fraction[row, column] > PALE else INK
        axes.text(column, row, f"{matrix[row, column]:,}", ha="center", va="center", size=size, color=ink)


def _name(axes: Any, matrix: Ints, classes: Sequence[str], label: str) -> None:
    """The labels and titles of both axes, and the recall of each label."""
    count, size = len(classes), float(np.clip(500 / len(classes), 5, 9))
    shown = np.arange(0, count, -(-count // CONFUSION_NAMED))
    names = [shorten(classes[k], size=size, width=NAME) for k in shown.tolist()]
    axes.set_xticks(shown, names, rotation=90 if max(map(len, names)) > STEEP else 0)
    axes.set_yticks(shown, names)
    axes.tick_params(length=0, labelsize=size, labelcolor=INK)
    axes.set_xlabel(shorten(f"predicted {label}", size=9, width=SMALLEST * 72), color=QUIET)
    axes.set_ylabel(shorten(f"actual {label}", size=9, width=SMALLEST * 72), color=QUIET)
    totals, right = matrix.sum(axis=1), np.diag(_of_row(matrix))
    percents = [f"{right[k]:.0%} of {totals[k]:,}" if totals[k] else "none held out" for k in shown.tolist()]
    right_axis = axes.secondary_yaxis("right")
    right_axis.set_yticks(shown, percents)
    right_axis.tick_params(length=0, labelsize=min(8.0, size), labelcolor=QUIET)
    right_axis.spines[:].set_visible(False)
    right_axis.set_ylabel("recall", color=QUIET, rotation=270, va="bottom")


def _of_row(matrix: Ints) -> Floats:
    """[C, C] shares of each row; 0 in a row without series."""
    fractions: Floats = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    return fractions


def _rgb(color: str) -> Floats:
    """`#0072b2` as three shares."""
    return np.array([int(color[k : k + 2], 16) / 255 for k in (1, 3, 5)])
