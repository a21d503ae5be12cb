"""The figure of an explanation shows the numbers it was given, and no two texts lie on each other."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from matplotlib.text import Text

from lstmcast.explain.attribution import UnitCorrelation
from lstmcast.explain.explanation import Explanation
from lstmcast.report.figures.explanation import explanation_figure
from lstmcast.report.figures.panels import Figure, render
from lstmcast.results import MemberName


def visible_texts(figure: Figure) -> list[Text]:
    """Every text that can be seen: titles, ticks inside their axes, axis and legend labels, and what is on the page."""
    texts = list(figure.texts)
    for axes in figure.axes:
        texts += [axes._left_title, axes.xaxis.label, axes.xaxis.get_offset_text()]
        for axis, limits in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
            ticks = zip(axis.get_majorticklocs(), axis.get_majorticklabels(), strict=True)
            texts += [label for position, label in ticks if min(limits) <= position <= max(limits)]
        if legend := axes.get_legend():
            texts += legend.get_texts()
    return [text for text in texts if text.get_visible() and text.get_text().strip()]


def overlaps(explanation: Explanation) -> list[tuple[str, str]]:
    """Pairs of texts whose boxes overlap."""
    figure = explanation_figure(explanation, "sales")
    figure.draw_without_rendering()
    boxes = [(text.get_text(), text.get_window_extent()) for text in visible_texts(figure)]
    assert len(boxes) > 40
    return [(a[0], b[0]) for a, b in combinations(boxes, 2) if a[1].padded(-1).overlaps(b[1].padded(-1))]


def test_the_heat_maps_hold_the_gates(explanation: Explanation) -> None:
    """Four maps of units by steps, the units in groups: the level first, nothing last."""
    figure = explanation_figure(explanation, "sales")
    maps = {axes.get_title(loc="left"): axes.collections[0] for axes in figure.axes[3:] if axes.get_title(loc="left")}
    shown = next(mesh for title, mesh in maps.items() if title.startswith("Forget"))
    np.testing.assert_allclose(np.asarray(shown.get_array()), explanation.internals.forget[:, [0, 2, 1]].T)
    assert len(maps) == 4


def test_the_first_days_of_the_calendar_have_no_half_day_before_them(explanation: Explanation) -> None:
    """A map that begins with year 1 ends there: no library labels what comes before."""
    calendar = explanation.forecast.calendar
    first = calendar.positions(np.array(["0001-01-01"], dtype="datetime64[us]").astype(np.int64))
    early = replace(
        explanation,
        forecast=replace(explanation.forecast, origins=first + 2),
        positions=first + np.arange(3),
        values=explanation.values[-3:],
        expected=explanation.expected[-3:],
        attribution=explanation.attribution[:, -3:],
        effect=explanation.effect[-3:],
    )
    assert render(explanation_figure(early, "sales"), ".png").startswith(b"\x89PNG")


def test_the_bars_are_the_attributions(explanation: Explanation) -> None:
    """One bar a value, in one color for an increase and another for a decrease."""
    bars = explanation_figure(explanation, "sales").axes[1].containers
    heights = {bar.get_label(): [patch.get_height() for patch in bar] for bar in bars}
    assert sorted(heights["raised it"]) == [0, 0, 0, 0, 0, 3, 6]
    assert heights["lowered it"] == [-1]
    assert bars[0][0].get_facecolor() != bars[1][0].get_facecolor()


def test_an_extreme_bar_is_cut_and_labeled(explanation: Explanation) -> None:
    """One value did a thousand times as much as the others: its bar is cut, and the number written."""
    attribution = np.tile(np.append(np.ones(99), 1000.0), (2, 1))
    many = np.arange(100)
    long = replace(
        explanation,
        attribution=attribution,
        positions=explanation.positions[0] + many,
        values=many + 1.0,
        expected=many * 1.0,
        effect=np.ones(100),
        season=50,
    )
    axes = explanation_figure(long, "sales").axes[1]
    assert max(patch.get_height() for patch in axes.patches) < 100
    assert "the largest is +1,000" in axes.get_xlabel()


@pytest.mark.parametrize("weight", [0.0, 0.5])
def test_no_text_lies_on_another(explanation: Explanation, weight: float) -> None:
    """Titles, ticks, names of groups and small print keep apart, also where the groups are of one unit each."""
    names = ("level", "season", "last change")
    inside = replace(explanation.internals, unit_correlations=tuple(UnitCorrelation(name, 0.9) for name in names))
    assert (
        overlaps(
            replace(
                explanation, internals=inside, weights={MemberName.TRAINED: 1 - weight, MemberName.SMOOTHING: weight}
            )
        )
        == []
    )


def test_the_same_bytes_every_time(explanation: Explanation) -> None:
    """Drawn twice, the files are one."""
    first, second = (render(explanation_figure(explanation, "sales"), ".png") for _ in range(2))
    assert first == second
