"""Time series forecasts by LSTMs and exponential smoothing: the Python API.

Each name is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from lstmcast.errors import LstmcastError

if TYPE_CHECKING:
    from lstmcast.api import backtest, load, predict, read, save, train
    from lstmcast.config import load_config
    from lstmcast.data.schema import ReadOptions
    from lstmcast.forecasting.forecaster import Forecaster
    from lstmcast.report.figures.forecast import plot

__version__ = "0.1.0"
__all__ = [
    "Forecaster",
    "LstmcastError",
    "ReadOptions",
    "backtest",
    "load",
    "load_config",
    "plot",
    "predict",
    "read",
    "save",
    "train",
]

_HOMES = {
    "Forecaster": "lstmcast.forecasting.forecaster",
    "ReadOptions": "lstmcast.data.schema",
    "backtest": "lstmcast.api",
    "load": "lstmcast.api",
    "load_config": "lstmcast.config",
    "plot": "lstmcast.report.figures.forecast",
    "predict": "lstmcast.api",
    "read": "lstmcast.api",
    "save": "lstmcast.api",
    "train": "lstmcast.api",
}


def __getattr__(name: str) -> object:
    """Import a public name on first use."""
    if name not in _HOMES:
        raise AttributeError(f"module 'lstmcast' has no attribute {name!r}; it has {', '.join(__all__)}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    """The public names."""
    return sorted([*__all__, "__version__"])
