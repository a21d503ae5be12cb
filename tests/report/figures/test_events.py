"""Figures and tables of an event: what is drawn is what is known, and every number stands in the table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from matplotlib.text import Text

from lstmcast.report import task_tables
from lstmcast.report.figures.events import reliability
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
    figure = reliability(report.evaluation, report.event)
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
    markers = {line.get_marker() for line in reliability(report.evaluation, report.event).axes[2].lines}
    assert markers == ({"o"} if steps == 1 else {"None"})
