"""Figures of symbols with probabilities, outcomes and scores, and their texts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lstmcast.report import task_tables
from lstmcast.report.figures import categories
from lstmcast.report.figures.categories import SymbolTimeline
from lstmcast.report.figures.panels import render
from lstmcast.tasks.category.model import CategoryReport, SymbolScores

PROBABILITIES = np.array([[0.5, 0.3, 0.2], [0.1, 0.8, 0.1], [0.2, 0.2, 0.6], [0.9, 0.05, 0.05]])
PLAIN = {
    "scores": {
        "lstmcast": {"bits": 1.5, "accuracy": 0.625, "top_3": 1.0, "path": 0.5},
        "markov_1": {"bits": 1.75, "accuracy": 0.5, "top_3": 0.875, "path": None},
        "naive": {"bits": None, "accuracy": 0.25, "top_3": None, "path": 0.125},
    },
    "n_scored": 1234,
    "n_paths": 60,
    "temperature": 1.25,
}


@pytest.fixture(scope="module")
def scores(make_report: Callable[..., Any]) -> SymbolScores:
    """The scores of a training on symbols."""
    found: SymbolScores = make_report(CategoryReport, **PLAIN).evaluation
    return found


def timeline() -> SymbolTimeline:
    """Two known steps, one of them without a symbol, and two ahead."""
    return SymbolTimeline("pump/1", ["a", "b", "c", "d"], PROBABILITIES, np.array([1, -1, 2, 0]), 2, ("x", " ", "z"))


def test_the_timeline_shows_probabilities_and_outcomes() -> None:
    """Shades are the probabilities; dots mark symbols that occurred, rings mark predicted ones."""
    figure = categories._draw([timeline()], "Title", "Caption")
    axes = figure.axes[0]
    assert np.asarray(axes.images[0].get_array()) == pytest.approx(PROBABILITIES.T)
    came, predicted = (np.asarray(dots.get_offsets()).tolist() for dots in axes.collections)
    assert came == [[0, 1]]
    assert predicted == [[2, 2], [3, 0]]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["x", "␣ space", "z"]
    assert axes.get_title(loc="left") == "pump/1"
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["actual", "forecast"]


def test_of_many_symbols_the_relevant_ones_are_shown() -> None:
    """Of 40 symbols at most twelve are shown: those that occurred, and the most likely."""
    probabilities = np.full((3, 40), 0.5 / 39)
    probabilities[:, 30] = 0.5
    rows = SymbolTimeline("", ["a", "b", "c"], probabilities, np.array([39, 5, -1]), 2, tuple(map(str, range(40)))).rows
    assert len(rows) == 12
    assert {5, 30, 39} <= set(rows.tolist())
    assert rows.tolist() == sorted(rows.tolist())


def test_bars_are_the_bits(scores: SymbolScores) -> None:
    """One bar for each method with probabilities, the longest at the bottom; the same bytes each time."""
    figure = categories.scores(scores)
    assert [bar.get_width() for bar in figure.axes[0].patches] == [1.75, 1.5]
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["markov 1", "lstmcast"]
    assert render(figure, ".png") == render(categories.scores(scores), ".png")


def test_the_table_has_a_line_for_each_method(scores: SymbolScores) -> None:
    """Lstmcast first; a dash where a baseline has no score."""
    lines = [line.split() for line in task_tables.category_table(scores.scores)]
    assert lines[1] == ["lstmcast", "1.5", "62.5%", "100.0%", "50.0%"]
    assert ["naive", "–", "25.0%", "–", "12.5%"] in lines
