"""Networks that came with lstmcast, on data that nothing was trained on: the kind of values, with more to say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from lstmcast.clock import system_clock
from lstmcast.data.panel import Panel
from lstmcast.forecast import Forecast
from lstmcast.forecaster.trained import Forecaster
from lstmcast.kinds.value import ValueTask
from lstmcast.show import console


class ZeroShotTask(ValueTask):
    """The task; see `Task`."""

    def describe_prediction(
        self, outcome: Forecast, trained: Forecaster, past: Panel, *, version: Path, target: str
    ) -> str:
        """What was found in the file too: nothing told of it before, as a training does."""
        text = super().describe_prediction(outcome, trained, replace(past, notes=()), version=version, target=target)
        return f"{console.format_findings(past, system_clock())}\n{text}"
