"""Event labels compared with written-out comparisons, limits of each series, and refusals."""

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
from lstmcast.preprocessing.windows import WindowDataset, WindowSpec
from lstmcast.statistical.event_rates import DecayedSeasonalRates
from lstmcast.tasks.event.rule import MAX_LOG_ODDS, MAX_MARGIN, EventRule, EventWindowDataset, make_rule


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


def test_a_percentile_is_that_of_the_training_steps(panel: Panel) -> None:
    """Later values do not move the limit of a series that was there; one that was not there brings its own."""
    rule = make_rule(parse_event("y > p50"), panel, panel.drop_last(1))
    later = replace(panel, values=panel.values * 10)
    assert rule.series_limits(later).tolist() == [2.0, 8.0]
    unknown = replace(later, keys=(("a",), ("new",)))
    assert rule.series_limits(unknown).tolist() == [2.0, 80.0]


def test_the_target_replaces_y(panel: Panel) -> None:
    """Messages contain the name of the column."""
    assert make_rule(parse_event("y > p50"), panel, panel).text == "sales > p50"
    assert make_rule(parse_event("y rises"), panel, panel).text == "sales rises"


def test_another_column_is_refused(panel: Panel) -> None:
    """A rule must contain the target."""
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
    assert (read(tmp_path / "hours.csv").calendar.week, panel.calendar.week) == (168, None)


def test_moves_have_no_limit(panel: Panel) -> None:
    """A comparison with the step before has no limit to show."""
    assert np.isnan(EventRule("y rises", "rises").series_limits(panel)).all()


SHAPE = WindowSpec(context=5, lags=3, level_window=3, season_length=4, profile_seasons=2, burn_in=1, horizon=6)
LENGTHS = (3, 11, 30)
OFFSETS = np.concatenate([[0], np.cumsum(LENGTHS)])


def dataset(*, moves: bool = False, changed: int | None = None) -> EventWindowDataset:
    """Three series of random z; where `changed`, all steps of the last from that one on are others."""
    rng = np.random.default_rng(0)
    z, labels = rng.normal(size=OFFSETS[-1]), rng.choice([0.0, 1.0, np.nan], p=[0.5, 0.4, 0.1], size=OFFSETS[-1])
    if changed is not None:
        z[OFFSETS[2] + changed :] += 5
        labels[OFFSETS[2] + changed :] = 1.0
    limits = np.full(3, np.nan) if moves else np.array([0.1, 0.2, -np.inf])
    windows = WindowDataset.from_panel(z, np.ones(len(z), dtype=np.bool_), OFFSETS, SHAPE)
    return EventWindowDataset(windows, labels, limits, DecayedSeasonalRates.of(labels, OFFSETS, 4))


def every_start() -> tuple[np.ndarray, np.ndarray]:
    """All windows that begin within 4 steps of a series' start or later."""
    pairs = [(s, start) for s, n in enumerate(LENGTHS) for start in range(-4, n - SHAPE.context + 1)]
    return np.array([s for s, _ in pairs]), np.array([start for _, start in pairs])


@pytest.mark.parametrize("moves", [False, True])
def test_inputs_by_a_loop(moves: bool) -> None:
    """Lags as in `WindowDataset`, then margins and odds of each of the H steps, for each step by itself."""
    made, (series, starts) = dataset(moves=moves), every_start()
    x = made.inputs(series, starts)
    assert x.shape == (len(series), SHAPE.context, made.features) == (len(series), 5, 3 + 2 * 6)
    np.testing.assert_array_equal(x[..., :3], made.windows.inputs(series, starts, 5))
    for row, (s, start) in enumerate(zip(series.tolist(), starts.tolist(), strict=True)):
        for k in range(SHAPE.context):
            t = max(start + k, 0)
            base = made.windows.level_and_profile(np.array([s]), np.array([t]), 6)[0]
            before = np.concatenate([[made.windows.z[OFFSETS[s] + t]], base[:-1]])
            margins = base - (before if moves else made.limits[s])
            np.testing.assert_allclose(x[row, k, 3:9], np.clip(margins, -MAX_MARGIN, MAX_MARGIN), rtol=1e-5, atol=1e-6)
            rate = made.rates.at(np.array([s]), np.array([t]), 6)[0]
            odds = np.clip(np.log(rate / (1 - rate)), -MAX_LOG_ODDS, MAX_LOG_ODDS)
            np.testing.assert_allclose(x[row, k, 9:], odds, rtol=1e-5, atol=1e-6)


def test_targets_are_what_came_and_unknown_ones_count_nothing() -> None:
    """At each step the H truths after it; weight 0 beyond the series, in the burn-in, and where it is not known."""
    made, (series, starts) = dataset(), every_start()
    _, targets, weights = made.batch(series, starts)
    _, _, known = made.windows.batch(series, starts)
    for row, (s, start) in enumerate(zip(series.tolist(), starts.tolist(), strict=True)):
        for k in range(SHAPE.context):
            for h in range(SHAPE.horizon):
                step = start + k + h + 1
                came = made.labels[OFFSETS[s] + step] if 0 <= step < LENGTHS[s] else np.nan
                counts = bool(known[row, k, h]) and came == came
                assert weights[row, k, h] == counts
                assert targets[row, k, h] == (came if counts else 0.0)


def test_nothing_looks_ahead() -> None:
    """The inputs at a step do not depend on later values."""
    series, starts = np.full(12, 2), np.arange(12)
    before, after = dataset().inputs(series, starts), dataset(changed=17).inputs(series, starts)
    np.testing.assert_array_equal(before, after)
    assert not np.array_equal(before, dataset(changed=15).inputs(series, starts))


def test_batches_are_full_and_of_one_seed() -> None:
    """Every batch has its size, and the same seed draws the same."""
    made = dataset()
    one, other = (list(made.batches(np.random.default_rng(3), count=50, size=8)) for _ in range(2))
    assert [len(batch[0]) for batch in one] == [8] * 7
    for mine, other_batch in zip(one, other, strict=True):
        for part, same in zip(mine, other_batch, strict=True):
            np.testing.assert_array_equal(part, same)


def test_a_limit_below_every_number_is_a_large_margin() -> None:
    """Among logs a limit of 0 lies infinitely far below: the margin is as large as any counts."""
    made = dataset()
    x = made.inputs(np.array([2]), np.array([10]))
    assert (x[..., 3:9] == MAX_MARGIN).all()
    assert np.isfinite(replace(made, limits=np.array([np.inf] * 3)).inputs(np.array([2]), np.array([10]))).all()
