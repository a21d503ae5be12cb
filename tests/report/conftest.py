"""Shared fixtures of the tests of figures and texts: an explanation made by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lstmcast.data.load import read
from lstmcast.explain.attribution import NOTHING, UnitCorrelation
from lstmcast.explain.driver_effects import DriverEffects, Response
from lstmcast.explain.explanation import Explanation, NetworkInternals
from lstmcast.forecasting.ensemble.direct_member import HOLIDAYS, LEVEL, REST, Part, PartKind
from lstmcast.forecasts import Forecast
from lstmcast.results import MemberName


@pytest.fixture(scope="session")
def explanation(tmp_path_factory: pytest.TempPathFactory, write_series: Callable[..., Path]) -> Explanation:
    """Eight days and a forecast of two, three units over a context of three steps; every number is a plain one."""
    values = np.array([1.0, 2, 3, 4, 5, 6, 7, 8])
    panel = read(write_series(tmp_path_factory.mktemp("explained") / "days.csv", {"a": values}))
    ahead = np.array([[10.0, 30.0]])
    forecast = Forecast(panel.calendar, "day", (), ((),), panel.ends, ahead, (), ahead[:0, None], ahead[:0, None])
    gates = np.array([[0.1, 0.5, 0.9], [0.2, 0.6, 0.8], [0.3, 0.7, 1.0]])
    inside = NetworkInternals(
        forget=gates,
        input=gates[::-1],
        output=1 - gates,
        cell=gates - 0.5,
        unit_correlations=(
            UnitCorrelation("level", 0.8),
            UnitCorrelation(NOTHING, 0.2),
            UnitCorrelation("last change", -0.7),
        ),
        half_lives=np.array([3.0, np.inf, 1.0]),
        memory=np.array([0.1, 0.9, 1.0]),
    )
    return Explanation(
        forecast=forecast,
        positions=panel.starts[0] + np.arange(8),
        values=values,
        expected=np.array([3.0, 4, 5, 6, 3, 4, 5, 6]),
        reference=np.array([12.0, 12.0]),
        attribution=np.array([[0.0, 0, 0, 0, 1, 0, -1, 4], [0, 0, 0, 0, 5, 0, -1, 8]]),
        error=0.001,
        effect=np.array([0, 0, 0, 0.8, 1.2, 2, 3, 3]),
        season=4,
        internals=inside,
        networks=1,
        explained_member=MemberName.TRAINED,
        weights={MemberName.TRAINED: 1.0},
        drivers=DriverEffects(
            forecast=forecast,
            past=panel,
            parts={LEVEL: ahead[0], REST: np.zeros(2)},
            responses=(),
            weight=0.0,
            holidays=("", ""),
        ),
    )


@pytest.fixture(scope="session")
def effects(explanation: Explanation) -> DriverEffects:
    """The parts of the same forecast, by a regression with a covariate, a holiday and responses."""
    heat = Part(PartKind.COVARIATE, "heat")
    parts = {LEVEL: np.array([20.0, 22]), HOLIDAYS: np.array([-9.0, 1]), heat: np.array([-2.0, 6]), REST: np.ones(2)}
    response = Response("heat", np.array([-1.0, 0, 4]), np.array([-3.0, 0, 12]))
    return replace(explanation.drivers, parts=parts, responses=(response,), weight=0.6, holidays=("Easter Monday", ""))


@pytest.fixture(scope="session")
def make_report() -> Callable[..., Any]:
    """Builds the report of a task from its class and plain values."""
    common = {
        "config": {},
        "inferred": [],
        "network": "Sequential([])",
        "parameters": 1,
        "epochs": [3, 14],
        "scored_network": "final",
        "data": {"source": "x.csv", "series": 1, "rows": 9, "fingerprint": "0"},
        "libraries": {},
        "preprocessing": "log, last value",
        "holdout": {"horizon": 12, "validation_steps": 12, "test_steps": 24},
        "skill": {"baseline": "naive", "value": 0.5, "interval_95": [None, None], "groups": 1, "outcome": "better"},
        "n_scored": 1,
    }

    def make(kind: Any, **changes: object) -> Any:
        return kind.from_dict(common | changes)

    return make
