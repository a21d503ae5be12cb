"""Figures of confusion matrices."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import numpy as np

from lstmcast.report.figures.explanation import freeze_layout
from lstmcast.report.figures.frame import EDGE, Frame
from lstmcast.report.figures.panels import FORECAST, Figure, render
from lstmcast.report.figures.style import HAIRLINE, INK, QUIET, house_style, shorten
from lstmcast.report.task_tables import label_verdict
from lstmcast.tasks.base import PlotOptions, reject_flags
from lstmcast.types import Floats, Ints

if TYPE_CHECKING:
    from lstmcast.data.labeled_panel import LabeledPanel
    from lstmcast.tasks.label.model import LabelScores, SeriesClassifier
    from lstmcast.tasks.label.scores import LabelBacktest

CELL = 0.5  # inches of a cell where there is room
SMALLEST, LARGEST = 2.4, 9.0  # inches of the matrix, more or less
SIDE_MARGIN, BOTTOM_MARGIN = 3.2, 1.2  # inches to the left and below, more or less: labels, and their recall
NAME = 110  # points of a label, at most
WRITTEN = 25  # labels up to which every cell has its number
NAMED = 60  # labels up to which each is named
RIGHT, WRONG = FORECAST[0], "#d55e00"  # blue and vermilion: distinct for color-blind readers
STEEP = 4  # letters from which the labels below are turned
PALE = 0.55  # of a cell, from where on its number is written in white


def plot_labels(model: SeriesClassifier, data: LabeledPanel, options: PlotOptions) -> tuple[bytes, str]:  # noqa: ARG001
    """Draw the confusion matrix of the test series."""
    reject_flags(options, "label", "backtest")
    report, name = model.report, model.context.label
    title = f"Hold-out: confusion of {name} ({PurePath(report.data.source).name})"
    content = _confusion(report.evaluation, report.classes, name, title, options.suffix)
    return content, f"{report.test_series} test series"


def label_backtest(result: LabelBacktest) -> dict[str, bytes]:
    """Draw the confusion matrix of a backtest; return the figures by file name."""
    data = result.data
    title = f"Backtest: confusion of {data.label} ({PurePath(data.source).name})"
    return {"confusion.png": _confusion(result.evaluation.summary, data.classes, data.label, title, ".png")}


def _confusion(scores: LabelScores, classes: Sequence[str], name: str, title: str, suffix: str) -> bytes:
    caption = label_verdict(scores)
    return render(draw(np.array(scores.confusion), classes, label=name, title=title, caption=caption), suffix)


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
    frame = Frame.of(title, caption, side + SIDE_MARGIN, lines=(3, 5))
    height = frame.head + EDGE + side + BOTTOM_MARGIN + frame.foot + EDGE
    with house_style():
        figure = Figure(figsize=(frame.width, height))
        frame.lay_out(figure, above=EDGE, below=EDGE)
        axes = figure.add_subplot()
        _shade(axes, matrix)
        _write(axes, matrix, size=float(np.clip(45 * side / len(classes), 4, 9)))
        _name(axes, matrix, classes, label)
        freeze_layout(figure)
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
    shown = np.arange(0, count, -(-count // NAMED))
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
