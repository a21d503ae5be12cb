"""A saved model and the newest data it can forecast from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lstmcast.data.panel import Panel
from lstmcast.data.read import read
from lstmcast.errors import ModelError
from lstmcast.forecaster.reading import lacking, pinned
from lstmcast.forecaster.saving import load
from lstmcast.forecaster.trained import Forecaster
from lstmcast.store.choosing import resolve


@dataclass(frozen=True)
class Loaded:
    """A model with data.

    Attributes:
        forecaster: the model. version: its folder.
        panel: the newest data.
        warnings: what is not as it should be, though a forecast can be made: said even where all else is quiet.
    """

    forecaster: Forecaster
    version: Path
    panel: Panel
    warnings: tuple[str, ...] = ()


def load_model(models: str | None, model: str | None, data: str | None) -> Loaded:
    """Load and verify a model, and read the newest data: `data`, else the file of training, else what was kept of it.

    It is read as the data of training were (see `pinned`).
    """
    version, forecaster = _load(Path(models or "models"), model)
    path = data or forecaster.report["data"]["path"]
    if data is None and (path is None or not Path(path).exists()):
        gone = f"{path} is gone" if path else "no file is known"
        return Loaded(forecaster, version, forecaster.context, (f"{gone}: forecasting from what the model kept",))
    panel = read(path, pinned(forecaster))
    return Loaded(forecaster, version, panel, tuple(lacking(forecaster.context, panel)))


def _load(models: Path, model: str | None) -> tuple[Path, Forecaster]:
    """The version meant, read and verified; once more where a training replaced it in between."""
    version = resolve(models, model)
    try:
        return version, load(version)
    except ModelError:
        newer = resolve(models, model)
        if newer == version:
            raise
        return newer, load(newer)
