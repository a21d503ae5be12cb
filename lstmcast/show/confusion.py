"""The confusion matrix as a figure: which labels are told apart, and which are taken for others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from lstmcast.show.anatomy import freeze_layout
from lstmcast.show.axes import HAIRLINE, INK, QUIET, house_style, shorten, wrap
from lstmcast.show.plot import FORECAST, Figure

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

CELL, EDGE = 0.5, 0.15  # inches; of a cell where there is room
SMALLEST, LARGEST = 2.4, 9.0  # inches of the matrix, more or less
SIDE_MARGIN, BOTTOM_MARGIN = (
    3.2,
    1.2,
)  # inches beside and below the matrix, more or less: labels, how often each is right
NAME = 110  # points of a label, at most
WRITTEN = 25  # labels up to which every cell has its number
NAMED = 60  # labels up to which each is named
RIGHT, WRONG = FORECAST[0], "#d55e00"  # blue and vermilion: apart for every kind of colour vision
STEEP = 4  # letters from which the labels below are turned
PALE = 0.55  # of a cell, from where on its number is written in white


def draw(matrix: Ints, classes: Sequence[str], *, label: str, title: str, caption: str) -> Figure:
    """Draw it: a row for each label, the columns what it was given, shaded by the share of the row.

    Args:
        matrix: [C, C] how many series of each label (row) were given each label (column).
        classes: C labels.
        label: what the labels are called.
        title: one sentence.
        caption: small print below.
    """
    side = float(np.clip(CELL * len(classes), SMALLEST, LARGEST))
    width = side + SIDE_MARGIN
    room = (width - 2 * EDGE) * 72
    heading = wrap(title, size=13, width=room, lines=3, weight="bold")
    small_print = wrap(caption, size=8, width=room, lines=5)
    head, foot = 2 * EDGE + 0.28 * len(heading), 2 * EDGE + 0.16 * len(small_print)
    height = head + side + BOTTOM_MARGIN + foot
    with house_style():
        figure = Figure(figsize=(width, height))
        figure.text(EDGE / width, 1 - EDGE / height, "\n".join(heading), va="top", size=13, weight="bold")
        figure.text(EDGE / width, EDGE / height, "\n".join(small_print), va="bottom", size=8, color=QUIET)
        box = (EDGE / width, foot / height, 1 - 2 * EDGE / width, 1 - (head + foot) / height)
        figure.set_layout_engine("constrained", rect=box)
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
    """The labels along both sides, what the sides are, and how often each label is right."""
    count, size = len(classes), float(np.clip(500 / len(classes), 5, 9))
    shown = np.arange(0, count, -(-count // NAMED))
    names = [shorten(classes[k], size=size, width=NAME) for k in shown.tolist()]
    axes.set_xticks(shown, names, rotation=90 if max(map(len, names)) > STEEP else 0)
    axes.set_yticks(shown, names)
    axes.tick_params(length=0, labelsize=size, labelcolor=INK)
    axes.set_xlabel(shorten(f"{label} given by the LSTM", size=9, width=SMALLEST * 72), color=QUIET)
    axes.set_ylabel(shorten(f"{label} as it is", size=9, width=SMALLEST * 72), color=QUIET)
    totals, right = matrix.sum(axis=1), np.diag(_of_row(matrix))
    percents = [f"{right[k]:.0%} of {totals[k]:,}" if totals[k] else "none held out" for k in shown.tolist()]
    right_axis = axes.secondary_yaxis("right")
    right_axis.set_yticks(shown, percents)
    right_axis.tick_params(length=0, labelsize=min(8.0, size), labelcolor=QUIET)
    right_axis.spines[:].set_visible(False)
    right_axis.set_ylabel("named right", color=QUIET, rotation=270, va="bottom")


def _of_row(matrix: Ints) -> Floats:
    """[C, C] shares of each row; 0 in a row without series."""
    fractions: Floats = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    return fractions


def _rgb(color: str) -> Floats:
    """`#0072b2` as three shares."""
    return np.array([int(color[k : k + 2], 16) / 255 for k in (1, 3, 5)])
