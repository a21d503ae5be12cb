"""lstmcast: an LSTM forecast from a CSV, judged honestly and fit for cron.

The same verbs as on the command line, loaded when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from lstmcast.errors import LstmcastError

if TYPE_CHECKING:
    from lstmcast.config import load_config
    from lstmcast.data.load import read
    from lstmcast.data.schema import ReadOptions
    from lstmcast.forecasting.forecaster import Forecaster
    from lstmcast.report.figures.forecast import plot
    from lstmcast.tasks.value.backtest import backtest
    from lstmcast.tasks.value.train import train

__version__ = "0.1.0"
__all__ = ["Forecaster", "LstmcastError", "ReadOptions", "backtest", "load_config", "plot", "read", "train"]

_HOMES = {
    "Forecaster": "lstmcast.forecasting.forecaster",
    "ReadOptions": "lstmcast.data.schema",
    "backtest": "lstmcast.tasks.value.backtest",
    "load_config": "lstmcast.config",
    "plot": "lstmcast.report.figures.forecast",
    "read": "lstmcast.data.load",
    "train": "lstmcast.tasks.value.train",
}


def __getattr__(name: str) -> object:
    """Import a verb when it is first asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module 'lstmcast' has no attribute {name!r}; it has {', '.join(__all__)}")
    return getattr(import_module(_HOMES[name]), name)
