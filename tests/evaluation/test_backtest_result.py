"""The tables of a backtest, from scores made by hand."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lstmcast.data.load import read
from lstmcast.data.panel import Panel
from lstmcast.evaluation.backtest_result import SCOPES, BacktestResult, MethodForecasts, grouped, score
from lstmcast.evaluation.skill import Skill

Write = Callable[..., Path]


def made(panel: Panel, *, ends: int = 0) -> BacktestResult:
    """Two origins, three steps ahead, two methods: forecasts count up, errors are small numbers."""
    series = panel.n_series
    values = np.arange(6.0 * series).reshape(series, 2, 3)
    by_method = {
        name: MethodForecasts(values + k, values[None] - 1, values[None] + 1)
        for k, name in enumerate(("lstmcast", "naive"))
    }
    groups = {"all": 1, "step": 3, "origin": 2, "series": series}
    return BacktestResult(
        panel=panel,
        origins=panel.lengths[:, None] - 1 - np.array([6, 3]) - ends,
        step=3,
        refit=False,
        levels=(80.0,),
        actual=np.where(values == 1, np.nan, values + 0.5),
        by_method=by_method,
        tables={
            scope: {
                name: {"mae": np.arange(n) + k / 4, "mase": np.full(n, np.nan)}
                for k, name in enumerate(("lstmcast", "naive"))
            }
            for scope, n in groups.items()
        },
        skill=Skill.of("naive", -0.5, groups=2),
        left_out=1,
        notes=("a note",),
    )


@pytest.fixture
def shops(tmp_path: Path, write_series: Write) -> Panel:
    """Two daily series, of which the second ends three days earlier."""
    return read(write_series(tmp_path / "x.csv", {"a": np.arange(30) + 1.0, "b": np.arange(27) + 9.0}))


def test_scores_as_rows(shops: Panel) -> None:
    """One row a method, scope, key and metric, whose value is the table's; undefined is empty."""
    scores = made(shops)
    frame = scores.to_frame()
    assert list(frame.columns) == ["method", "scope", "key", "metric", "value"]
    assert len(frame) == 2 * 2 * (1 + 3 + 2 + 2)
    found = frame.set_index(["method", "scope", "key", "metric"])["value"]
    assert found["lstmcast", "step", "3", "mae"] == 2
    assert found["naive", "series", "b", "mae"] == 1.25
    assert found["naive", "all", "", "mae"] == 0.25
    assert frame.to_csv().count(",mase,\n") == 16


def test_common_origins_are_named_by_their_time(shops: Panel, air_panel: Panel) -> None:
    """One series: the month of the origin. Series that end on different days: how far from the end."""
    assert made(air_panel).keys("origin") == ["1960-06", "1960-09"]
    assert made(shops).keys("origin") == ["6 before the end", "3 before the end"]


def test_forecasts_as_rows(shops: Panel) -> None:
    """One row a series, origin and step, in the file's own names and times; what was not observed is empty."""
    frame = made(shops).forecasts()
    ours = ["origin", "step", "actual", "lstmcast", "naive", "lstmcast_lower_80", "lstmcast_upper_80"]
    assert list(frame.columns) == ["shop", "day", *ours]
    assert frame["shop"].tolist() == ["a"] * 6 + ["b"] * 6
    last = frame.iloc[-1]
    assert (last["day"], last["origin"], last["step"]) == ("2024-01-27", "2024-01-24", 3)
    assert last[ours[2:]].tolist() == [11.5, 11, 12, 10, 12]
    assert frame["actual"].isna().tolist() == [False, True, *[False] * 10]


def test_a_name_that_the_file_has_taken_gets_an_underscore(tmp_path: Path) -> None:
    """A file whose time column is called origin and whose series column is called step keeps both."""
    days = [str(day) for day in pd.date_range("2024-01-01", periods=20).date]
    rows = [f"{day},{name},{k}" for name in "pq" for k, day in enumerate(days)]
    (tmp_path / "x.csv").write_text("origin,step,v\n" + "\n".join(rows) + "\n")
    frame = made(read(tmp_path / "x.csv")).forecasts()
    assert list(frame.columns)[:5] == ["step", "origin", "origin_", "step_", "actual"]
    assert frame["step"].tolist() == ["p"] * 6 + ["q"] * 6


def test_rows_without_times_are_counted(tmp_path: Path) -> None:
    """A file of numbers alone: the row that is forecast, and the row of the origin."""
    (tmp_path / "x.csv").write_text("v\n" + "\n".join(map(str, range(1, 31))) + "\n")
    frame = made(read(tmp_path / "x.csv")).forecasts()
    assert frame["row"].astype(int).tolist() == [25, 26, 27, 28, 29, 30]
    assert frame["origin"].astype(int).tolist() == [24] * 3 + [27] * 3


def test_everything_as_plain_values(shops: Panel) -> None:
    """For JSON: names, numbers and lists, null where undefined, and the keys of the values."""
    scores = made(shops)
    plain = scores.to_dict()
    assert plain["scores"]["series"] == {
        "keys": ["a", "b"],
        "methods": {
            "lstmcast": {"mae": [0, 1], "mase": [None, None]},
            "naive": {"mae": [0.25, 1.25], "mase": [None, None]},
        },
    }
    assert (plain["skill"]["baseline"], plain["skill"]["value"], plain["skill"]["outcome"]) == ("naive", -0.5, "worse")
    assert (plain["origins"], plain["step"], plain["horizon"], plain["n_scored"]) == (2, 3, 3, 4)
    assert replace(scores, actual=np.full((2, 2, 3), np.nan)).n_scored == 0


S, N, H = 3, 4, 2
RNG = np.random.default_rng(3)
ACTUAL = np.round(10 + RNG.normal(size=(S, N, H)), 2)
ACTUAL[0, 1] = np.nan
ACTUAL[2, 3, 1] = np.nan
UNIT = np.array([2.0, np.nan, 0.5])  # the second series never changed
LEVELS = (80.0, 95.0)


def random_forecasts(seed: int) -> MethodForecasts:
    """A method's forecasts, with nested bounds."""
    rng = np.random.default_rng(seed)
    values = 10 + rng.normal(size=(S, N, H))
    half = np.cumsum(rng.uniform(0.2, 1.5, size=(2, S, N, H)), axis=0)
    return MethodForecasts(values, values - half, values + half)


METHODS = {"lstmcast": random_forecasts(1), "Naive2": random_forecasts(2)}


def cells(scope: str, group: int) -> list[tuple[int, int, int]]:
    """The positions of the known values of a group."""
    axis = {"series": 0, "origin": 1, "step": 2}
    every = [where for where in np.ndindex(S, N, H) if not math.isnan(ACTUAL[where])]
    return every if scope == "all" else [where for where in every if where[axis[scope]] == group]


def by_loop(scope: str, group: int, one: MethodForecasts) -> dict[str, float]:
    """The scores that need no other function: one value at a time."""
    where = cells(scope, group)
    mean = lambda values: sum(values) / len(values) if values else math.nan  # noqa: E731
    off = [abs(ACTUAL[c] - one.values[c]) for c in where]
    moving = [c for c in where if not math.isnan(UNIT[c[0]])]
    outer = [(one.lower[1][c], one.upper[1][c], ACTUAL[c], UNIT[c[0]]) for c in moving]
    return {
        "mae": mean(off),
        "rmse": math.sqrt(mean([e * e for e in off])),
        "smape": mean([200 * e / (abs(ACTUAL[c]) + abs(one.values[c])) for e, c in zip(off, where, strict=True)]),
        "mase": mean([abs(ACTUAL[c] - one.values[c]) / UNIT[c[0]] for c in moving]),
        "msis": mean([(u - w + 40 * max(w - y, 0) + 40 * max(y - u, 0)) / unit for w, u, y, unit in outer]),
        "coverage_80": mean([float(one.lower[0][c] <= ACTUAL[c] <= one.upper[0][c]) for c in where]),
        "coverage_95": mean([float(one.lower[1][c] <= ACTUAL[c] <= one.upper[1][c]) for c in where]),
    }


@pytest.mark.parametrize(("scope", "groups"), [("all", 1), ("series", S), ("origin", N), ("step", H)])
def test_every_scope_agrees_with_a_loop(scope: str, groups: int) -> None:
    """Unknown values are left out, and a series without a scale counts for no scaled score."""
    tables = score(ACTUAL, METHODS, UNIT, LEVELS)
    for name, one in METHODS.items():
        found = tables[scope][name]
        assert list(found) == ["mae", "rmse", "smape", "mase", "owa", "wql", "msis", "coverage_80", "coverage_95"]
        assert {len(values) for values in found.values()} == {groups}
        for group in range(groups):
            for metric, expected in by_loop(scope, group, one).items():
                np.testing.assert_allclose(found[metric][group], expected, rtol=1e-12, err_msg=f"{metric} {group}")


def test_owa_is_made_of_means_over_the_set() -> None:
    """½·(sMAPE ratio + MASE ratio) of the whole set; Naive2's own is 1; without Naive2 there is none."""
    table = score(ACTUAL, METHODS, UNIT, LEVELS)["all"]
    ours, naive = table["lstmcast"], table["Naive2"]
    expected = (ours["smape"][0] / naive["smape"][0] + ours["mase"][0] / naive["mase"][0]) / 2
    assert ours["owa"][0] == pytest.approx(expected)
    assert naive["owa"][0] == 1
    assert "owa" not in score(ACTUAL, {"lstmcast": METHODS["lstmcast"]}, UNIT, LEVELS)["all"]["lstmcast"]


def test_wql_of_a_normal_forecast() -> None:
    """N(0, 1) held against many draws of itself: twice the mean pinball loss over the mean |y|, about 0.55 here."""
    draws = np.random.default_rng(0).normal(size=(1, 20_000, 1))
    edge = np.array([1.2815515655446004, 1.959963984540054])[:, None, None, None]
    one = MethodForecasts(
        np.zeros_like(draws), np.broadcast_to(-edge, (2, *draws.shape)), np.broadcast_to(edge, (2, *draws.shape))
    )
    table = score(draws, {"lstmcast": one}, np.ones(1), LEVELS)["all"]["lstmcast"]
    density = np.exp(-(np.array([0, 0.2533471, 0.5244005, 0.8416212, 1.2815516]) ** 2) / 2) / math.sqrt(2 * math.pi)
    expected = 2 * (density[0] + 2 * density[1:].sum()) / 9 / math.sqrt(2 / math.pi)  # E ρ_q = φ(Φ⁻¹(q))
    assert table["wql"][0] == pytest.approx(expected, rel=0.02)
    assert table["coverage_80"][0] == pytest.approx(0.8, abs=0.01)


@pytest.mark.parametrize(
    ("levels", "defined"), [((), set()), ((50.0,), set()), ((90.0,), {"wql"}), ((99.0,), {"wql", "msis"})]
)
def test_scores_of_intervals_need_wide_enough_ones(levels: tuple[float, ...], defined: set[str]) -> None:
    """WQL needs 80 %, MSIS 95 %; what is missing is undefined, and nothing warns."""
    count = len(levels)
    one = MethodForecasts(
        METHODS["lstmcast"].values, METHODS["lstmcast"].lower[:count], METHODS["lstmcast"].upper[:count]
    )
    table = score(ACTUAL, {"lstmcast": one}, UNIT, levels)["all"]["lstmcast"]
    assert {metric for metric in ("wql", "msis") if np.isfinite(table[metric]).all()} == defined


def test_a_forecast_that_is_missing_is_left_out() -> None:
    """A method that refused an origin is scored on the others."""
    values = METHODS["lstmcast"].values.copy()
    values[:, 0] = np.nan
    one = MethodForecasts(values, METHODS["lstmcast"].lower, METHODS["lstmcast"].upper)
    tables = score(ACTUAL, {"lstmcast": one}, UNIT, LEVELS)
    assert math.isnan(tables["origin"]["lstmcast"]["mae"][0])
    assert tables["all"]["lstmcast"]["mae"][0] == pytest.approx(np.nanmean(np.abs(ACTUAL - values)[:, 1:]))


def test_groups_hold_what_they_say() -> None:
    """Each value of [K, S, N, H] finds its series, origin and step again."""
    where = np.stack(np.indices((S, N, H)))
    for axis, scope in enumerate(("series", "origin", "step")):
        laid = grouped(scope, where)[axis]
        np.testing.assert_array_equal(laid, np.broadcast_to(np.arange(len(laid))[:, None], laid.shape))
    assert grouped("all", where).shape == (3, 1, S * N * H)
    assert set(SCOPES) == {"all", "series", "origin", "step"}
