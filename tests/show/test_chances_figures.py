"""Figures and tables of an event: what is drawn is what is known, and every number stands in the table."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from matplotlib.text import Text

from lstmcast.show import chances, events

REPORT: dict[str, Any] = {
    "event": "users > 5",
    "verdict": "The LSTM is better than the best baseline.",
    "rate": 0.25,
    "scores": {
        "lstm": {"brier": 0.08, "log_loss": 0.3, "accuracy": 0.9, "calibration_error": 0.02},
        "base_rate": {"brier": 0.19, "log_loss": 0.6, "accuracy": 0.75, "calibration_error": 0.0},
        "seasonal_rate": {"brier": 0.1, "log_loss": 0.4, "accuracy": 0.8, "calibration_error": 0.05},
    },
    "skills": {"base_rate": 0.58, "seasonal_rate": 0.2},
    "brier_by_step": {"lstm": [0.05, 0.11], "base_rate": [0.19, 0.19], "seasonal_rate": [0.1, None]},
    "reliability": {"said": [0.1, 0.8], "came": [0.2, 0.7], "counts": [30, 10]},
    "held_out": {"origins": 20, "horizon": 2},
    "epochs": [7],
    "temperature": 1.2,
    "footing": "none, last value",
    "scored_network": "the saved network",
}


def texts(figure: Any) -> str:
    """Everything that is written in a figure."""
    return " ".join(artist.get_text() for artist in figure.findobj(Text))


def test_reliability_draws_what_the_report_holds() -> None:
    """The points, a bar for each, and a line for each method, the unknown step left out."""
    figure = chances.reliability(REPORT)
    main, bars, steps = figure.axes
    np.testing.assert_allclose(main.lines[-1].get_xydata(), [[0.1, 0.2], [0.8, 0.7]])
    assert [patch.get_height() for patch in bars.patches] == [30, 10]
    drawn = {line.get_label(): line.get_ydata().tolist() for line in steps.lines}
    assert drawn["LSTM"] == [0.05, 0.11]
    assert np.isnan(drawn["seasonal rate"][1])
    assert "Does 'users > 5' come true as often as is said?" in texts(figure)


def test_the_table_has_a_line_for_each_method_the_best_rival_first() -> None:
    """Scores with four digits, and by how much less the LSTM's Brier score is."""
    lines = events.format_scores(REPORT).splitlines()
    rows = [line.split() for line in lines if line.startswith(("  LSTM", "  base", "  seasonal"))]
    assert rows == [
        ["LSTM", "0.08", "0.3", "0.9", "0.02"],
        ["seasonal", "rate", "0.1", "0.4", "0.8", "0.05", "20.0%"],
        ["base", "rate", "0.19", "0.6", "0.75", "0", "58.0%"],
    ]
    assert "20 origins, 2 steps ahead each; so in 25.0% of them" in lines[1]
    assert "log-odds divided by 1.20" in events.format_scores(REPORT)
    assert lines[-1] == REPORT["verdict"]


@pytest.mark.parametrize("steps", [1, 2])
def test_one_step_is_a_dot(steps: int) -> None:
    """A line through one point is invisible."""
    report = {**REPORT, "brier_by_step": {name: row[:steps] for name, row in REPORT["brier_by_step"].items()}}
    markers = {line.get_marker() for line in chances.reliability(report).axes[2].lines}
    assert markers == ({"o"} if steps == 1 else {"None"})
