"""The figures of a backtest: they show the numbers, and they can be read."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from lstmcast.data.panel import Panel
from lstmcast.evaluation.backtest_result import BacktestResult, MethodForecasts, score
from lstmcast.evaluation.skill import Skill
from lstmcast.report.figures.backtest import best_and_worst, coverage_by_step, declutter_labels, error_by_step, pictures

NAN = float("nan")


def scored(
    panel: Panel, *, step: int = 6, levels: tuple[float, ...] = (80.0, 95.0), constant: bool = False
) -> BacktestResult:
    """Forecasts of the last 24 months whose error grows with the step; the baseline's error is twice as large."""
    origins = panel.lengths[:, None] - 1 - np.arange(6, 25, step)[::-1]
    ahead = panel.offsets[:-1, None, None] + origins[..., None] + np.arange(1, 7)
    actual = panel.values[ahead]
    size = np.arange(1, 7) * (1 + np.arange(panel.n_series))[:, None, None]
    half = np.stack([np.broadcast_to(size * (0.9 + k), actual.shape) for k in range(len(levels))]) if levels else None
    by_method = {}
    for k, name in enumerate(("lstmcast", "seasonal_naive"), start=1):
        values = actual + k * size
        bounds = (values - half, values + half) if half is not None else (np.empty((0, *actual.shape)),) * 2
        by_method[name] = MethodForecasts(values, *bounds)
    unit = np.full(panel.n_series, NAN if constant else 10.0)
    return BacktestResult(
        panel=panel,
        origins=origins,
        step=step,
        refit=False,
        levels=levels,
        actual=actual,
        by_method=by_method,
        tables=score(actual, by_method, unit, levels),
        skill=Skill.of("seasonal_naive", 0.5, (0.4, 0.6), 4),
        left_out=0,
        notes=(),
    )


@pytest.fixture
def several(air_panel: Panel) -> Panel:
    """The air passengers nine times, under nine names."""
    panel = air_panel.select(np.zeros(9, np.int64))
    return replace(panel, keys=tuple((f"line {k}",) for k in range(9)))


def words(figure: Figure) -> str:
    """Everything written on it."""
    axes = [
        text.get_text() for one in figure.axes for text in [*one.texts, one.title, one.xaxis.label, one.yaxis.label]
    ]
    return "\n".join([*(text.get_text() for text in figure.texts), *axes])


def test_errors_by_step_are_those_of_the_table(air_panel: Panel) -> None:
    """One line a method: 1 to 6, and twice as much; its name at its end, the headline above, from zero upwards."""
    figure = error_by_step(scored(air_panel))
    (axes,) = figure.axes
    ours, expected = (line.get_ydata() for line in axes.lines)
    np.testing.assert_allclose(ours, [1, 2, 3, 4, 5, 6])
    np.testing.assert_allclose(expected, [2, 4, 6, 8, 10, 12])
    text = words(figure)
    assert "50%" in text.splitlines()[0]
    assert "mean absolute error, passengers" in text
    assert {"lstmcast", "seasonal naive"} <= set(text.splitlines())
    assert axes.get_ylim()[0] == 0
    assert axes.get_ylim()[1] > 12


def test_several_series_are_compared_by_mase(several: Panel) -> None:
    """Their sizes differ: errors are counted in each one's own steps, or, where there are none, as they are."""
    assert "mean absolute scaled error" in words(error_by_step(scored(several)))
    assert "mean absolute error" in words(error_by_step(scored(several, constant=True)))
    mase = error_by_step(scored(several)).axes[0].lines[0].get_ydata()
    np.testing.assert_allclose(mase, np.arange(1, 7) * 5 / 10)


def test_observed_and_nominal_coverage(air_panel: Panel) -> None:
    """Intervals of 0.9 and 1.9 times the error hold nothing and everything; dashed lines stand at 80 and 95 %."""
    figure = coverage_by_step(scored(air_panel))
    (axes,) = figure.axes
    found = {round(float(np.mean(line.get_ydata()))) for line in axes.lines}
    assert found == {0, 100, 80, 95}
    assert "0% of the 80% interval, 100% of the 95% interval" in words(figure)
    assert len(axes.collections) == 2


def test_without_intervals_there_is_no_coverage(air_panel: Panel) -> None:
    """Levels are optional: then two figures are drawn."""
    assert set(pictures(scored(air_panel, levels=()))) == {"error_by_step.png", "forecasts.png"}
    files = pictures(scored(air_panel))
    assert set(files) == {"error_by_step.png", "forecasts.png", "coverage_by_step.png"}
    assert all(content.startswith(b"\x89PNG") for content in files.values())


def test_the_best_and_the_worst_series(several: Panel) -> None:
    """Errors grow from the first series to the ninth: the first three, then the last three, worst first."""
    figure = best_and_worst(scored(several))
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert [title.split(":")[0] for title in titles] == [f"line {k}" for k in (0, 1, 2, 8, 7, 6)]
    assert titles[0] == "line 0: MASE 0.35 (best)"
    assert titles[3] == "line 8: MASE 3.15 (worst)"
    assert "the best 3 and the worst 3 of 9 series" in words(figure)


@pytest.mark.parametrize(("count", "n_panels"), [(1, 1), (2, 2), (3, 2), (5, 4)])
def test_few_series_are_shown_once_each(several: Panel, count: int, n_panels: int) -> None:
    """No series is among the best and among the worst."""
    figure = best_and_worst(scored(several.select(np.arange(count))))
    assert len(figure.axes) == n_panels
    names = [axes.get_title(loc="left") for axes in figure.axes]
    assert len(set(names)) == n_panels


def test_overlapping_forecasts_are_not_all_shown(air_panel: Panel) -> None:
    """Origins two apart with six steps ahead: every third is drawn, the last among them."""
    one = best_and_worst(scored(air_panel, step=6)).axes[0]
    other = best_and_worst(scored(air_panel, step=2)).axes[0]
    assert len(one.lines) == len(other.lines)


@given(st.lists(st.floats(0, 1), max_size=12).map(sorted))
def test_names_keep_their_distance_and_their_order(heights: list[float]) -> None:
    """Each at least a line above the one before; what was far enough apart does not move."""
    moved = declutter_labels(heights, 0.05)
    assert all(after - before > 0.05 - 1e-9 for before, after in pairwise(moved))
    assert len(moved) == len(heights)
    assert abs(sum(moved) - sum(heights)) < 1e-9
    if all(after - before >= 0.05 for before, after in pairwise(heights)):
        np.testing.assert_allclose(moved, heights)
