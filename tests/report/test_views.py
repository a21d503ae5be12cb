"""Rendering by type: every entry of the tables is a function that exists, and the nearest base class decides."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any

import pandas as pd
import pytest

from lstmcast.config import load_config
from lstmcast.data.panel import Panel
from lstmcast.forecasting.planning import make_plan
from lstmcast.report import console, views

TABLES = (views.TEXTS, views.PLOTS, views.BACKTEST_FIGURES, views.EXPLANATION_VALUES, views.EXPLANATION_FIGURES)
ENTRIES = sorted({path for table in TABLES for path in table.values()})


@pytest.mark.parametrize("path", ENTRIES)
def test_every_renderer_exists(path: str) -> None:
    """And has a docstring."""
    module, _, name = path.rpartition(".")
    assert getattr(import_module(f"lstmcast.report.{module}"), name).__doc__


def test_results_are_rendered_by_their_type(air_panel: Panel) -> None:
    """Data, a plan by its base class, and a line of progress as it is."""
    plan = make_plan(air_panel, load_config(None))
    assert views.text(air_panel) == console.format_data(air_panel)
    assert views.text(plan) == console.format_plan(plan)
    assert views.text("trained 1 of 2") == "trained 1 of 2"


@dataclass
class EventBacktest:
    """A backtest with two tables, of a type that has a figure."""

    def to_frame(self) -> pd.DataFrame:
        """One score."""
        return pd.DataFrame({"method": ["naive"], "value": [1.5]})

    def forecasts(self) -> pd.DataFrame:
        """One forecast."""
        return pd.DataFrame({"step": [1], "actual": [2.0]})


def test_a_backtest_is_written_as_two_tables_and_its_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures only if they are requested."""
    monkeypatch.setattr("lstmcast.report.figures.events.event_backtest", lambda _: {"scores.png": b"PNG"})
    tables = {"scores.csv": b"method,value\nnaive,1.5\n", "forecasts.csv": b"step,actual\n1,2.0\n"}
    result: Any = EventBacktest()
    assert views.backtest_files(result, figures=False) == tables
    assert views.backtest_files(result, figures=True) == {**tables, "scores.png": b"PNG"}
