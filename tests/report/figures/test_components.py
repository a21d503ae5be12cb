"""The figure of the parts of a forecast holds the numbers that it was given."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lstmcast.explain.driver_effects import DriverEffects
from lstmcast.forecasting.ensemble.direct_member import REST
from lstmcast.report.figures.components import draw_components, effects_figure


def test_a_panel_for_each_part_and_response(effects: DriverEffects) -> None:
    """The history, the level as a line, other parts as bars, responses by value."""
    figure = draw_components(effects, "Parts", effects.responses)
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert len(figure.axes) == 1 + len(effects.parts) + 1
    assert [title.split(",")[0] for title in titles[1:]] == [
        "Level and past",
        "Holidays",
        "heat",
        "Rest",
        "Response to heat",
    ]
    heights = [sorted(bar.get_height() for bar in axes.patches) for axes in figure.axes[2:5]]
    assert heights == [[-9.0, 1.0], [-2.0, 6.0], [1.0, 1.0]]
    assert figure.axes[-1].lines[0].get_ydata().tolist() == [-3.0, 0.0, 12.0]


def test_bars_have_one_scale(effects: DriverEffects) -> None:
    """Heights of parts can be compared between panels."""
    figure = draw_components(effects, "Parts")
    assert len({axes.get_ylim() for axes in figure.axes[2:]}) == 1


def test_a_rest_of_rounding_errors(effects: DriverEffects) -> None:
    """A rest of rounding errors has no panel."""
    without = replace(effects, parts={**effects.parts, REST: np.full(2, 1e-9)})
    assert len(draw_components(without, "Parts").axes) == len(effects.parts)


def test_history_is_cut(effects: DriverEffects) -> None:
    """As many past steps as requested."""
    figure = draw_components(effects, "Parts", history=3)
    assert len(figure.axes[0].lines[0].get_xdata()) == 3


def test_rendered(effects: DriverEffects) -> None:
    """Drawn twice, the bytes are equal."""
    assert effects_figure(effects, "sales", ".svg") == effects_figure(effects, "sales", ".svg")
