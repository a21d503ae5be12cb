"""lstmcast: an LSTM forecast from a CSV, judged honestly and fit for cron.

The same verbs as on the command line, loaded when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from lstmcast.errors import LstmcastError

if TYPE_CHECKING:
    from lstmcast.backtesting.run import backtest
    from lstmcast.config import load_config
    from lstmcast.data.read import read
    from lstmcast.data.records import ReadOptions
    from lstmcast.forecaster.trained import Forecaster
    from lstmcast.forecaster.training import train
    from lstmcast.show.figures import plot

__version__ = "0.1.0"
__all__ = ["Forecaster", "LstmcastError", "ReadOptions", "backtest", "load_config", "plot", "read", "train"]

_HOMES = {
    "Forecaster": "lstmcast.forecaster.trained",
    "ReadOptions": "lstmcast.data.records",
    "backtest": "lstmcast.backtesting.run",
    "load_config": "lstmcast.config",
    "plot": "lstmcast.show.figures",
    "read": "lstmcast.data.read",
    "train": "lstmcast.forecaster.training",
}


def __getattr__(name: str) -> object:
    """Import a verb when it is first asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module 'lstmcast' has no attribute {name!r}; it has {', '.join(__all__)}")
    return getattr(import_module(_HOMES[name]), name)
