"""The text of a backtest: order of lines, number formats, and notes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lstmcast.data.panel import Panel
from lstmcast.evaluation.backtest_result import BacktestResult, MethodForecasts
from lstmcast.evaluation.skill import Skill
from lstmcast.report.tables import format_backtest, ranked
from lstmcast.report.verdict import compare_with_baseline

NAN = float("nan")
METRICS = ("mae", "rmse", "smape", "mase", "owa", "wql", "msis", "coverage_80")
ROWS = {
    "lstmcast": (17.65, 20.5, 4.04, 0.6, 0.5, 0.0321, 4.4, 0.625),
    "naive": (70_771.4, 95.0, 17.4, 2.4, 2.0, 0.1, NAN, 1.0),
    "AutoETS": (1.0, 1.0, 1.0, NAN, NAN, NAN, NAN, NAN),
    "seasonal_naive": (3.0, 1.0, 1.0, 1.2, 1.1, 0.2, 5.0, 0.8),
}
MEMBERS = {"trained": (20.0, 25.0, 5.0, 0.7), "smoothing": (15.0, 18.0, 3.5, 0.45)}  # up to MASE


@pytest.fixture
def scores(air_panel: Panel) -> BacktestResult:
    """Two origins of the air passengers, with these scores."""
    nothing = np.zeros((1, 2, 3))
    rows = {**ROWS, **MEMBERS}
    table = {name: {m: np.array([v]) for m, v in zip(METRICS, row, strict=False)} for name, row in rows.items()}
    return BacktestResult(
        panel=air_panel,
        origins=np.array([[137, 140]]),
        step=3,
        refit=False,
        levels=(80.0,),
        actual=nothing,
        by_method=dict.fromkeys(ROWS, MethodForecasts(nothing, nothing[None], nothing[None])),
        tables={"all": table},
        skill=Skill.of("seasonal_naive", 0.5, groups=2),
        left_out=0,
        notes=("AutoETS refused 1 of 2 histories",),
        members={"trained": 0.3, "smoothing": 0.7},
    )


def test_lstmcast_first_then_by_mase(scores: BacktestResult) -> None:
    """Methods without MASE come last; if lstmcast has none, MAE decides."""
    assert ranked(scores) == ["lstmcast", "seasonal_naive", "naive", "AutoETS"]
    table = scores.tables["all"]
    without = {**table, "lstmcast": {**table["lstmcast"], "mase": np.array([NAN])}}
    assert ranked(replace(scores, tables={"all": without})) == ["lstmcast", "AutoETS", "seasonal_naive", "naive"]


def test_the_table(scores: BacktestResult) -> None:
    """Four digits, thousands apart, shares in percent, a dash where undefined; each number under its head."""
    what, heads, *rest = format_backtest(scores).strip().splitlines()
    assert what.startswith("2 origins, 1960-06 to 1960-09, every 3 steps, 3 steps ahead of each; lstmcast ")
    assert heads.split() == ["weight", "MAE", "RMSE", "sMAPE", "MASE", "OWA", "WQL", "MSIS", "cov.", "80%"]
    assert rest[0].split() == ["lstmcast", "17.65", "20.5", "4.04", "%", "0.6", "0.5", "0.0321", "4.4", "62%"]
    assert rest[1].split() == ["LSTM", "(trained)", "30%", "20", "25", "5", "%", "0.7", *"–" * 4]
    assert rest[2].startswith("    exponential smoothing ")
    assert rest[3].startswith("  seasonal naive ")
    assert rest[4].split() == ["naive", "70,771", "95", "17.4", "%", "2.4", "2", "0.1", "–", "100%"]
    assert rest[5].split() == ["AutoETS", "1", "1", "1", "%", *"–" * 5]
    assert len({len(line) for line in (heads, *rest[:6])}) == 1
    assert rest[-1].startswith(compare_with_baseline(scores.skill, scores.n_scored))
    assert rest[-1].endswith(" Exponential smoothing alone did better: error 25% lower.")
    assert "note: AutoETS refused 1 of 2 histories" in rest


def test_an_unused_member_has_no_row_and_is_named_where_it_is_better(scores: BacktestResult) -> None:
    """Smoothing without a weight is scored: only the verdict names it."""
    text = format_backtest(replace(scores, members={"trained": 1.0, "smoothing": 0.0}))
    assert "    LSTM (trained)" in text
    assert "    exponential smoothing" not in text
    assert "Exponential smoothing alone did better" in text


def test_what_is_missing_is_counted(scores: BacktestResult) -> None:
    """Series left out, origins not scored; and that lstmcast was trained at each."""
    actual = np.zeros((1, 2, 3))
    actual[0, 1] = np.nan
    text = format_backtest(replace(scores, actual=actual, left_out=1200, refit=True))
    assert "note: 1,200 series left out: too short for so many origins" in text
    assert "note: 1 of 2 origins not scored" in text
    assert "lstmcast trained at each origin:" in text
