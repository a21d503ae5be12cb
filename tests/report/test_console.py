"""Console output: formatted numbers, dashes, plurals, the verdict, and a progress line on a terminal only."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from lstmcast.config import ValueConfig
from lstmcast.data.load import read
from lstmcast.data.panel import Panel
from lstmcast.forecasting.fitting import FitProgress
from lstmcast.forecasting.forecaster import Forecaster
from lstmcast.forecasting.planning import make_plan
from lstmcast.nn.trainer import Progress
from lstmcast.report import console
from lstmcast.results import MemberName, ValueReport

NOW = datetime(2026, 1, 1, tzinfo=UTC)


Report = Callable[..., ValueReport]


@pytest.fixture(scope="session")
def report(make_report: Callable[..., Any]) -> Report:
    """Builds the report of a training on values, with some parts changed."""
    plain: dict[str, Any] = {
        "scores": {
            "lstmcast": {"mae": 0.00012341, "rmse": 1234.5, "smape": 0.5, "mase": 0.5},
            "naive": {"mae": 12345.678, "rmse": 2.5e9, "smape": 9.87654, "mase": 2.0},
            "seasonal_naive": {"mae": 3.0, "rmse": 4.0, "smape": None, "mase": 1.0},
        },
        "members": {
            "trained": {"mae": 1.0, "rmse": 2.0, "smape": 3.0, "mase": 0.6},
            "smoothing": {"mae": 2.0, "rmse": 3.0, "smape": 4.0, "mase": 0.7},
        },
        "member_weights": {"trained": 0.395, "pretrained": 0.0, "smoothing": 0.605},
        "coverage": {"80": 0.714, "95": None},
        "adaptive_weights": False,
        "mase_season": 12,
    }
    return lambda **changes: make_report(ValueReport, **plain | changes)


def no_waste(text: str) -> None:
    """No line ends in blanks, and none is longer than a paragraph's line needs."""
    assert all(line == line.rstrip() for line in text.splitlines())


def test_found(air_panel: Panel) -> None:
    """The first line contains file, rows, series and span; each inferred setting follows with value and reason."""
    text = console.format_data(air_panel, NOW)
    lines = text.splitlines()
    assert lines[0].endswith("air_passengers.csv: 144 rows, 1 series, 1949-01 to 1960-12")
    assert any(line.split()[:2] == ["frequency", "MS"] for line in lines)
    assert len(lines) == 1 + len(air_panel.inferred)
    no_waste(text)


def test_found_with_series(shops_file: Path) -> None:
    """Omitted rows are listed with their reason, and each series has its steps and span."""
    text = console.format_data(read(shops_file), NOW, series=True)
    assert "left out: series 'gap': 70 steps are missing" in text
    assert "  north: 120 steps, 2024-01-01 to 2024-04-29" in text.splitlines()
    assert "  new: 5 steps, 2024-01-01 to 2024-01-05" in text.splitlines()
    no_waste(text)


def test_filled_steps_are_counted(tmp_path: Path, write_series: Any) -> None:
    """A series with filled steps shows their number."""
    nan = float("nan")
    panel = read(write_series(tmp_path / "x.csv", {"a": [1.0, 2, nan, nan, 3, 4]}))
    assert (
        console.format_data(panel, NOW, series=True)
        .splitlines()[-1]
        .endswith(": 6 steps, 2024-01-01 to 2024-01-06, 2 filled")
    )


def test_many_series_are_cut_short(tmp_path: Path, write_series: Any) -> None:
    """Twenty series are listed and the rest counted."""
    panel = read(write_series(tmp_path / "x.csv", {f"s{k:02}": [1.0, 2, 3] for k in range(23)}))
    lines = console.format_data(panel, NOW, series=True).splitlines()
    assert lines[-1] == "  … and 3 more series"
    assert sum(line.startswith("  s") and ": 3 steps" in line for line in lines) == 20


@pytest.mark.parametrize(("year", "expected"), [(2024, False), (1960, True)])
def test_data_beyond_today(air_panel: Panel, year: int, expected: bool) -> None:
    """Data that end after the current time are reported."""
    text = console.format_data(air_panel, datetime(year, 1, 1, tzinfo=UTC))
    assert ("end after the current time" in text) is expected


def test_found_as_json(shops_file: Path) -> None:
    """A program gets the same: columns, frequency, counts, inferred, what was left out."""
    found = console.data_to_dict(read(shops_file))
    assert found["columns"] == {"time": "day", "target": ["sales"], "series": ["shop"]}
    assert (found["frequency"], found["season"], found["series"]) == ("D", 7, 3)
    assert (found["rows"], found["steps"], found["filled"]) == (265, 120 + 90 + 5, 0)
    assert len(found["left_out"]) == 1
    assert all(set(finding) == {"key", "value", "reason"} for finding in found["inferred"])


def test_planned(air_panel: Panel) -> None:
    """The inferred settings, the holdout, and the network with its number of weights."""
    plan = make_plan(air_panel, ValueConfig())
    text = console.format_plan(plan)
    assert f"{plan.holdout.total} steps" in text
    assert f"{plan.holdout.validation_steps} validation (early stopping), {plan.holdout.test_steps} test" in text
    assert f"{plan.architecture}" in text
    assert f"{plan.architecture.parameters:,} weights" in text
    no_waste(text)


def test_scores_in_order(report: Report) -> None:
    """lstmcast, its members with their weights, the baselines by MASE; four digits, a dash where undefined."""
    lines = console.score_table(report().evaluation)
    assert [line.split() for line in lines[1:]] == [
        ["lstmcast", "0.0001234", "1,234", "0.5", "%", "0.5"],
        ["LSTM", "(trained)", "40%", "1", "2", "3", "%", "0.6"],
        ["exponential", "smoothing", "60%", "2", "3", "4", "%", "0.7"],
        ["seasonal", "naive", "3", "4", "–", "1"],
        ["naive", "12,346", "2.500e+09", "9.877", "%", "2"],
    ]
    assert [len(line) - len(line.lstrip()) for line in lines[1:]] == [2, 4, 4, 2, 2]
    no_waste(console.format_scores(report()))


def test_coverage_is_reported_for_each_level(report: Report) -> None:
    """Known and unknown coverage, and no line without intervals."""
    assert "80% interval 71%, 95% interval unknown (too few origins)" in console.format_scores(report())
    assert "coverage" not in console.format_scores(report(coverage={}))


def test_scores_without_mase(report: Report) -> None:
    """If MASE is undefined, baselines are ordered by MAE; an exact one comes first."""
    scores = {
        name: {"mae": mae, "rmse": mae, "smape": 1.0, "mase": None}
        for name, mae in (("lstmcast", 2.0), ("drift", 1.0), ("naive", 0.0))
    }
    lines = console.score_table(report(scores=scores, members={}, member_weights={}).evaluation)
    assert [line.split()[0] for line in lines[1:]] == ["lstmcast", "naive", "drift"]


@pytest.mark.parametrize(
    ("weights", "percents"),
    [((0.2, 0.3, 0.5), (20, 30, 50)), ((1 / 3, 1 / 3, 1 / 3), (34, 33, 33)), ((0.004, 0.0, 0.996), (0, 0, 100))],
)
def test_weights_sum_to_100_percent(weights: tuple[float, ...], percents: tuple[int, ...]) -> None:
    """The trained network, the first of three members, takes what rounding leaves."""
    found = console.percentages(dict(zip(MemberName, weights, strict=False)))
    assert tuple(found.values()) == percents


@pytest.mark.parametrize(("flags", "expected"), [("", ""), ("--model air", " --model air")])
def test_saved_shows_the_next_commands(flags: str, expected: str) -> None:
    """The next commands carry the flags that they need."""
    text = console.format_saved(Path("models/air/v1"), 12.4, flags=flags)
    assert text.strip() == f"Saved models/air/v1 after 12 s. Next: lstmcast predict{expected}; lstmcast plot{expected}"


def test_made(forecaster: Forecaster, report: Report) -> None:
    """One line names the file; notes follow, and the verdict unless the model beats the baselines."""
    forecast = forecaster.predict(horizon=1)
    good = console.format_forecast(forecast, Path("m/v"), "-", report(), ())
    assert good == "stdout: 1 step of 1 series, 1961-01 to 1961-01; m/v"
    skill = {"baseline": "naive", "value": -0.5, "interval_95": [None, None], "groups": 1, "outcome": "worse"}
    bad = console.format_forecast(forecaster.predict(), Path("m/v"), "f.csv", report(skill=skill), ["a note"])
    assert bad.splitlines()[:2] == ["f.csv: 12 steps of 1 series, 1961-01 to 1961-12; m/v", "note: a note"]
    assert len(bad.splitlines()) == 3


class Terminal(io.StringIO):
    """A stderr that claims to be a terminal."""

    def isatty(self) -> bool:
        """Yes."""
        return True


@pytest.mark.parametrize(
    ("terminal", "quiet", "shown"), [(True, False, True), (True, True, False), (False, False, False)]
)
def test_progress_is_for_terminals(monkeypatch: pytest.MonkeyPatch, terminal: bool, quiet: bool, shown: bool) -> None:
    """On a terminal the line shows stage, epoch and losses; elsewhere, or when quiet, there is none."""
    stderr = Terminal() if terminal else io.StringIO()
    monkeypatch.setattr("sys.stderr", stderr)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "160")
    with console.progress(quiet=quiet) as report:
        report(FitProgress("fitting", 2, 3, Progress(4, 50, 0.125, 0.0625, 1.0)))
        report(FitProgress("fitting again", 1, 1, Progress(5, 6, 0.5, None, 2.0)))
    text = stderr.getvalue()
    assert bool(text) is shown
    if shown:
        assert "fitting again, epoch 5/6" in text
        assert "loss 0.5000" in text
