"""How the newest data are read for a model: as those it was trained on."""

from __future__ import annotations

from lstmcast.data.records import ReadOptions
from lstmcast.forecaster.trained import Forecaster


def pinned(forecaster: Forecaster) -> ReadOptions:
    """The columns, time format and season of training: a file without them is refused, not guessed at again."""
    columns, calendar = forecaster.context.columns, forecaster.context.calendar
    return ReadOptions.of(
        {
            **forecaster.report["config"]["data"],
            "time": columns.time,
            "target": list(columns.target),
            "series": list(columns.series),
            "format": calendar.style.pattern if calendar.style else None,
            "season": calendar.season,
        }
    )
