"""Confusion matrices: cells, names and colors."""

from __future__ import annotations

import numpy as np

from lstmcast.report.figures.labels import NAMED, WRITTEN, draw
from lstmcast.report.figures.panels import Figure, render


def figure(matrix: np.ndarray, classes: list[str]) -> Figure:
    """The figure of a matrix."""
    return draw(matrix, classes, label="kind", title="Which is taken for which", caption="What it means.")


def confusion_texts(shown: Figure) -> list[str]:
    """The text of the cells."""
    return [text.get_text() for text in shown.axes[0].texts]


def test_cells_names_and_recall() -> None:
    """Every pair that occurred has its number, every label its name on both sides, every row its share."""
    shown = figure(np.array([[8, 2, 0], [0, 5, 0], [0, 0, 0]]), ["a", "b", "never"])
    assert confusion_texts(shown) == ["8", "2", "5"]
    axes, recall_axes = shown.axes[0], shown.axes[0].child_axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["a", "b", "never"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a", "b", "never"]
    assert [label.get_text() for label in recall_axes.get_yticklabels()] == ["80% of 10", "100% of 5", "none held out"]


def test_right_and_wrong_have_their_colours() -> None:
    """A row that is all right is blue on the diagonal, a mistake is reddish, what never occurred is white."""
    (image,) = figure(np.array([[4, 0], [1, 3]]), ["a", "b"]).axes[0].get_images()
    colors = np.asarray(image.get_array())
    assert (np.round(255 * colors[0, 0]).astype(int) == [0x00, 0x72, 0xB2]).all()
    assert colors[0, 1].tolist() == [1.0, 1.0, 1.0]
    red, green, blue = colors[1, 0]
    assert red > green > blue


def test_many_labels_are_named_evenly_and_not_numbered() -> None:
    """Beyond so many labels the numbers go, and then every other name."""
    count = NAMED + 10
    shown = figure(np.eye(count, dtype=np.int64), [f"word {k}" for k in range(count)])
    assert confusion_texts(shown) == []
    assert [label.get_text() for label in shown.axes[0].get_yticklabels()][:3] == ["word 0", "word 2", "word 4"]
    assert len(confusion_texts(figure(np.eye(WRITTEN, dtype=np.int64), ["x"] * WRITTEN))) == WRITTEN


def test_nothing_lies_outside_the_figure() -> None:
    """Long names are cut, and every text lies within the page."""
    shown = figure(np.array([[3, 1], [0, 4]]), ["a label with a very long name, longer than any page", "b" * 80])
    shown.draw_without_rendering()
    page = shown.bbox
    for box in [shown.axes[0].get_tightbbox(), *(text.get_window_extent() for text in shown.texts)]:
        assert box is not None
        assert page.x0 <= box.x0 <= box.x1 <= page.x1
        assert page.y0 <= box.y0 <= box.y1 <= page.y1


def test_the_same_bytes_each_time() -> None:
    """Drawn and rendered twice, a figure is the same file."""
    first, second = (render(figure(np.array([[3, 1], [0, 4]]), ["a", "b"]), ".svg") for _ in range(2))
    assert first == second
