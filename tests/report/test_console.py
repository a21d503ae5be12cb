"""What a person reads: formatted numbers, dashes, plurals, the verdict; and a progress line on a terminal alone."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from lstmcast.config import Config
from lstmcast.data.load import read
from lstmcast.data.panel import Panel
from lstmcast.forecasting.fitting import FitProgress
from lstmcast.forecasting.forecaster import Forecaster
from lstmcast.forecasting.planning import make_plan
from lstmcast.nn.trainer import Progress
from lstmcast.report import console

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def report(**changes: Any) -> dict[str, Any]:
    """What training tells, with some parts changed."""
    scores = {
        "naive": {"mae": 12345.678, "rmse": 2.5e9, "smape": 9.87654, "mase": 2.0},
        "lstm": {"mae": 0.00012341, "rmse": 1234.5, "smape": 0.5, "mase": 0.5},
        "seasonal_naive": {"mae": 3.0, "rmse": 4.0, "smape": None, "mase": 1.0},
    }
    return {
        "held_out": {"origins": 1, "horizon": 12},
        "scores": scores,
        "coverage": {"80": 0.714, "95": None},
        "epochs": [3, 14],
        "footing": "log, last value",
        "smoothing_share": 0.0,
        "without_network": {"mae": 1.0, "rmse": 2.0, "smape": 3.0, "mase": 0.6},
        "coverage_overlaps": False,
        "scored_network": "the saved network",
        "verdict": "The LSTM is better.",
        "skill": {"value": 0.5, "better": True},
    } | changes


def no_waste(text: str) -> None:
    """No line ends in blanks, and none is longer than a paragraph's line needs."""
    assert all(line == line.rstrip() for line in text.splitlines())


def test_found(air_panel: Panel) -> None:
    """The first line says file, rows, series and span; each finding follows with value and reason."""
    text = console.format_data(air_panel, NOW)
    lines = text.splitlines()
    assert lines[0].endswith("air_passengers.csv: 144 rows, 1 series, 1949-01 to 1960-12")
    assert any(line.split()[:2] == ["frequency", "MS"] for line in lines)
    assert len(lines) == 1 + len(air_panel.inferred)
    no_waste(text)


def test_found_with_series(shops_file: Path) -> None:
    """What was left out is told with its reason, and each series has its steps and span."""
    text = console.format_data(read(shops_file), NOW, series=True)
    assert "left out: series 'gap': 70 steps are missing" in text
    assert "  north: 120 steps, 2024-01-01 to 2024-04-29" in text.splitlines()
    assert "  new: 5 steps, 2024-01-01 to 2024-01-05" in text.splitlines()
    no_waste(text)


def test_filled_steps_are_counted(tmp_path: Path, write_series: Any) -> None:
    """A series with filled steps says how many."""
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


@pytest.mark.parametrize(("year", "said"), [(2024, False), (1960, True)])
def test_data_beyond_today(air_panel: Panel, year: int, said: bool) -> None:
    """Data that end after now are told, others are not."""
    text = console.format_data(air_panel, datetime(year, 1, 1, tzinfo=UTC))
    assert ("end after now: is the last time right?" in text) is said


def test_found_as_json(shops_file: Path) -> None:
    """A program gets the same: columns, frequency, counts, inferred, what was left out."""
    found = console.found_as_json(read(shops_file))
    assert found["columns"] == {"time": "day", "target": ["sales"], "series": ["shop"]}
    assert (found["frequency"], found["season"], found["series"]) == ("D", 7, 3)
    assert (found["rows"], found["filled"]) == (120 + 90 + 5, 0)
    assert len(found["left_out"]) == 1
    assert all(set(finding) == {"key", "value", "reason"} for finding in found["inferred"])


def test_planned(air_panel: Panel) -> None:
    """What `auto` became, what is held out, and the network with its number of weights."""
    plan = make_plan(air_panel, Config())
    text = console.format_plan(plan)
    assert f"{plan.holdout.total} steps" in text
    assert f"{plan.holdout.validation_steps} validation (early stopping), {plan.holdout.test_steps} test" in text
    assert f"{plan.architecture}" in text
    assert f"{plan.architecture.parameters:,} weights" in text
    no_waste(text)


def test_judged() -> None:
    """The LSTM first, then the baselines, best first; four digits, thousands apart, a dash where undefined."""
    text = console.format_scores(report())
    table = [line.split() for line in text.splitlines()]
    assert "Held-out scores (1 origin, 12 steps ahead each):" in text
    at = next(k for k, words in enumerate(table) if words[:1] == ["MAE"])
    assert table[at + 1] == ["LSTM", "0.0001234", "1,234", "0.5", "%", "0.5"]
    assert [words[0] for words in table[at + 1 : at + 4]] == ["LSTM", "seasonal", "naive"]
    assert table[at + 2] == ["seasonal", "naive", "3", "4", "–", "1"]
    assert table[at + 3] == ["naive", "12,346", "2.500e+09", "9.877", "%", "2"]
    assert "80 % interval: 71%; 95 % interval: not known (too few origins)" in text
    assert "Epochs: 3, 14. Scores are those of the saved network." in text
    assert text.splitlines()[-1] == "The LSTM is better."
    no_waste(text)


def test_an_undefined_score_has_no_unit() -> None:
    """A dash stands alone: it is no number of percent."""
    assert "– %" not in console.format_scores(report())


def test_judged_without_mase() -> None:
    """Where MASE is undefined, baselines are ordered by MAE; an exact one comes before others."""
    scores = {
        "lstm": {"mae": 2.0, "rmse": 2.0, "smape": 1.0, "mase": None},
        "drift": {"mae": 1.0, "rmse": 1.0, "smape": 1.0, "mase": None},
        "naive": {"mae": 0.0, "rmse": 0.0, "smape": 0.0, "mase": None},
    }
    lines = console.format_scores(report(scores=scores, coverage={})).splitlines()
    names = [line.split()[0] for line in lines if line.startswith("  ") and line.split()[0] != "MAE"]
    assert names == ["LSTM", "naive", "drift", "smoothing"]
    assert not any(line.startswith("Coverage") for line in lines)


def test_an_exact_baseline_comes_first() -> None:
    """A baseline without any error is the best, not the last."""
    row = {"rmse": 1.0, "smape": 1.0}
    scores = {
        "lstm": {"mae": 9, "mase": 9.0, **row},
        "a": {"mae": 7, "mase": 0.7, **row},
        "b": {"mae": 0, "mase": 0.0, **row},
    }
    lines = console.format_scores(report(scores=scores)).splitlines()
    assert [line.split()[0] for line in lines if line[:3] in ("  L", "  a", "  b")] == ["LSTM", "b", "a"]


@pytest.mark.parametrize(("flags", "said"), [("", ""), ("--model air", " --model air")])
def test_saved_says_what_comes_next(flags: str, said: str) -> None:
    """The next commands carry the flags that they need."""
    text = console.format_saved(Path("models/air/v1"), 12.4, flags=flags)
    assert text.strip() == f"Saved models/air/v1 after 12 s. Next: lstmcast predict{said}; lstmcast plot{said}"


def test_made(forecaster: Forecaster) -> None:
    """One line says what was written; a note and a bad verdict follow where there are any."""
    forecast = forecaster.predict(horizon=1)
    good = console.format_forecast(forecast, Path("m/v"), "-", report(), ())
    assert good == "stdout: 1 step of 1 series, 1961-01 to 1961-01; m/v"
    bad = console.format_forecast(
        forecaster.predict(), Path("m/v"), "f.csv", report(skill={"better": False}), ["a note"]
    )
    assert bad.splitlines() == [
        "f.csv: 12 steps of 1 series, 1961-01 to 1961-12; m/v",
        "note: a note",
        "The LSTM is better.",
    ]


@pytest.mark.parametrize(("name", "said"), [("lstm", "LSTM"), ("seasonal_naive", "seasonal naive"), ("drift", "drift")])
def test_labels(name: str, said: str) -> None:
    """Methods are called what a person calls them."""
    assert console.label(name) == said


class Terminal(io.StringIO):
    """A stderr that claims to be a terminal."""

    def isatty(self) -> bool:
        """Yes."""
        return True


@pytest.mark.parametrize(
    ("terminal", "quiet", "shown"), [(True, False, True), (True, True, False), (False, False, False)]
)
def test_progress_is_for_terminals(monkeypatch: pytest.MonkeyPatch, terminal: bool, quiet: bool, shown: bool) -> None:
    """On a terminal the line names stage, epoch and losses; elsewhere, or when told to be quiet, there is nothing."""
    stderr = Terminal() if terminal else io.StringIO()
    monkeypatch.setattr("sys.stderr", stderr)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "160")
    with console.progress(quiet=quiet) as tell:
        tell(FitProgress("fitting", 2, 3, Progress(4, 50, 0.125, 0.0625, 1.0)))
        tell(FitProgress("fitting again", 1, 1, Progress(5, 6, 0.5, None, 2.0)))
    text = stderr.getvalue()
    assert bool(text) is shown
    if shown:
        assert "fitting again, epoch 5/6" in text
        assert "loss 0.5000" in text
