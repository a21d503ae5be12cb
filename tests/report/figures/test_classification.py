"""Figures and tables of an event: what is drawn is what is known, and every number stands in the table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from matplotlib.text import Text

from lstmcast.report import task_tables
from lstmcast.report.figures import classification
from lstmcast.report.figures.classification import CONFUSION_NAMED, WRITTEN, draw
from lstmcast.report.figures.panels import Figure, render
from lstmcast.tasks.event.model import EventReport

PLAIN: dict[str, Any] = {
    "event": "users > 5",
    "rate": 0.25,
    "scores": {
        "lstmcast": {"brier": 0.08, "log_loss": 0.3, "accuracy": 0.9, "calibration_error": 0.02},
        "base_rate": {"brier": 0.19, "log_loss": 0.6, "accuracy": 0.75, "calibration_error": 0.0},
        "seasonal_rate": {"brier": 0.1, "log_loss": 0.4, "accuracy": 0.8, "calibration_error": 0.05},
    },
    "skills": {"base_rate": 0.58, "seasonal_rate": 0.2},
    "brier_by_step": {"lstmcast": [0.05, 0.11], "base_rate": [0.19, 0.19], "seasonal_rate": [0.1, None]},
    "reliability": {"predicted": [0.1, 0.8], "observed": [0.2, 0.7], "counts": [30, 10]},
    "temperature": 1.2,
}


@pytest.fixture(scope="module")
def report(make_report: Callable[..., Any]) -> EventReport:
    """The report of a training on an event."""
    made: EventReport = make_report(EventReport, **PLAIN)
    return made


def texts_of(figure: Any) -> str:
    """Everything that is written in a figure."""
    return " ".join(artist.get_text() for artist in figure.findobj(Text))


def test_reliability_draws_what_the_report_holds(report: EventReport) -> None:
    """The points, a bar for each, and a line for each method, the unknown step left out."""
    figure = classification.reliability(report.evaluation, report.event)
    main, bars, steps = figure.axes
    np.testing.assert_allclose(main.lines[-1].get_xydata(), [[0.1, 0.2], [0.8, 0.7]])
    assert [patch.get_height() for patch in bars.patches] == [30, 10]
    shown = {line.get_label(): line.get_ydata().tolist() for line in steps.lines}
    assert shown["lstmcast"] == [0.05, 0.11]
    assert np.isnan(shown["seasonal rate"][1])
    assert "'users > 5'" in texts_of(figure)


def test_the_table_has_a_line_for_each_method_the_best_baseline_first(report: EventReport) -> None:
    """Scores with four digits, and the skill of lstmcast against each baseline."""
    lines = [line.split() for line in task_tables.event_table(report.evaluation)]
    assert lines[1:4] == [
        ["lstmcast", "0.08", "0.3", "0.9", "0.02"],
        ["seasonal", "rate", "0.1", "0.4", "0.8", "0.05", "20.0%"],
        ["base", "rate", "0.19", "0.6", "0.75", "0", "58.0%"],
    ]


@pytest.mark.parametrize("steps", [1, 2])
def test_one_step_is_a_dot(make_report: Callable[..., Any], steps: int) -> None:
    """A line through one point is invisible."""
    by_step = {name: row[:steps] for name, row in PLAIN["brier_by_step"].items()}
    report = make_report(EventReport, **PLAIN | {"brier_by_step": by_step})
    markers = {line.get_marker() for line in classification.reliability(report.evaluation, report.event).axes[2].lines}
    assert markers == ({"o"} if steps == 1 else {"None"})


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
    count = CONFUSION_NAMED + 10
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
