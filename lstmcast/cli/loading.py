"""A saved model and the newest data it can forecast from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lstmcast.cli.options import read_options
from lstmcast.data.panel import Panel
from lstmcast.data.read import read
from lstmcast.forecaster.saving import load
from lstmcast.forecaster.trained import Forecaster
from lstmcast.store.choosing import resolve


@dataclass(frozen=True)
class Loaded:
    """A model with data.

    Attributes:
        forecaster: the model.
        version: its folder.
        panel: the newest data.
        note: which data that is, where it is not what one would expect.
    """

    forecaster: Forecaster
    version: Path
    panel: Panel
    note: str = ""


def load_model(models: str | None, model: str | None, data: str | None) -> Loaded:
    """Load and verify a model, and read the newest data: `data`, else the file of training, else what was kept of it.

    The columns are those of training: a file without them is refused, not guessed at again.
    """
    version = resolve(Path(models or "models"), model)
    forecaster = load(version)
    path = data or forecaster.report["data"]["path"]
    if data is None and (path is None or not Path(path).exists()):
        gone = f"{path} is gone" if path else "the model was trained from stdin"
        return Loaded(forecaster, version, forecaster.context, f"{gone}: forecasting from what the model kept")
    columns = forecaster.context.columns
    pinned = {
        **forecaster.report["config"]["data"],
        "time": columns.time,
        "target": list(columns.target),
        "series": list(columns.series),
        "season": forecaster.context.calendar.season,
    }
    return Loaded(forecaster, version, read(path, read_options(pinned)))
