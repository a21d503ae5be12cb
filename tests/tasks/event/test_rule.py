"""When a step is a yes: against comparisons written out, limits of each series, and refusals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lstmcast.config.expressions import parse_event
from lstmcast.data.load import read
from lstmcast.data.panel import Panel
from lstmcast.errors import ConfigError, DataError
from lstmcast.tasks.event.rule import EventRule, make_rule, weekly_season


@pytest.fixture
def panel(tmp_path: Path, write_series: Callable[..., Path]) -> Panel:
    """Two short series; the third day of the first is missing, and is filled by 3."""
    nan = float("nan")
    return read(write_series(tmp_path / "two.csv", {"a": [1.0, 2.0, nan, 4.0, 4.0], "b": [9.0, 7.0, 8.0]}))


@pytest.mark.parametrize(
    ("text", "first", "second"),
    [
        ("y > 2", [0, 0, None, 1, 1], [1, 1, 1]),
        ("y >= 2", [0, 1, None, 1, 1], [1, 1, 1]),
        ("y < 8", [1, 1, None, 1, 1], [0, 1, 0]),
        ("sales <= 8", [1, 1, None, 1, 1], [0, 1, 1]),
        ("y rises", [None, 1, None, None, 0], [None, 0, 1]),
        ("y falls", [None, 0, None, None, 0], [None, 1, 0]),
        # Halves of 1 2 4 4 and of 7 8 9: the filled value is none of a series' own.
        ("y > p50", [0, 0, None, 1, 1], [1, 0, 0]),
    ],
)
def test_what_is_so(panel: Panel, text: str, first: list[float | None], second: list[float | None]) -> None:
    """Each step by itself; not known where it was filled in, or where the step before it is not known."""
    expected = [np.nan if value is None else float(value) for value in [*first, *second]]
    np.testing.assert_array_equal(make_rule(parse_event(text), panel, panel).labels(panel), expected)


def test_a_percentile_is_that_of_what_is_learnt_from(panel: Panel) -> None:
    """Later values do not move the limit of a series that was there; one that was not there brings its own."""
    rule = make_rule(parse_event("y > p50"), panel, panel.drop_last(1))
    later = replace(panel, values=panel.values * 10)
    assert rule.series_limits(later).tolist() == [2.0, 8.0]
    others = replace(later, keys=(("a",), ("new",)))
    assert rule.series_limits(others).tolist() == [2.0, 80.0]


def test_the_target_takes_the_place_of_y(panel: Panel) -> None:
    """What a person reads names the column."""
    assert make_rule(parse_event("y > p50"), panel, panel).text == "sales > p50"
    assert make_rule(parse_event("y rises"), panel, panel).text == "sales rises"


def test_another_column_is_refused(panel: Panel) -> None:
    """A rule speaks of the target."""
    with pytest.raises(ConfigError, match="must name y or the target, 'sales' \\(got 'profit'\\)"):
        make_rule(parse_event("profit > 3"), panel, panel)


def test_without_a_rule_the_target_is_one_or_zero(panel: Panel) -> None:
    """Ones are yeses; other numbers are refused, with a rule as the way out."""
    ones = replace(panel, values=np.array([0.0, 1, 1, 1, 0, 1, 0, 1]))
    np.testing.assert_array_equal(make_rule(None, ones, ones).labels(ones), [0, 1, np.nan, 1, 0, 1, 0, 1])
    with pytest.raises(DataError, match=r"must hold 0 and 1 .* \(got 2\); or define the event by model.event"):
        make_rule(None, panel, panel)


def test_only_a_day_of_steps_has_a_week(panel: Panel, tmp_path: Path) -> None:
    """168 hours; days and months have none."""
    hours = np.datetime64("2024-01-01T00") + np.arange(60)
    (tmp_path / "hours.csv").write_text("\n".join(["time,y", *(f"{h},{k}" for k, h in enumerate(hours))]))
    assert (weekly_season(read(tmp_path / "hours.csv")), weekly_season(panel)) == (168, None)


def test_moves_have_no_limit(panel: Panel) -> None:
    """Where a step is held against the one before it there is no limit to draw."""
    assert np.isnan(EventRule("y rises", "rises").series_limits(panel)).all()
