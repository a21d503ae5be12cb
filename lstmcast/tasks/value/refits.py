"""Origins of a backtest at which the model is fitted again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lstmcast.config.expressions import parse_duration
from lstmcast.data.panel import Panel
from lstmcast.errors import Fault, FaultCode, UsageError
from lstmcast.evaluation.splits import RollingOrigins
from lstmcast.tasks.base import Refit
from lstmcast.types import Ints


@dataclass(frozen=True)
class Refits:
    """Fits of a backtest with N origins.

    Attributes:
        fitted: [N] index of the origin before which the model of an origin was fitted, ascending from 0.
        every: steps between two fits at least; 0: one fit, or one from random weights before every origin.
    """

    fitted: Ints
    every: int = 0

    @classmethod
    def of(cls, refit: Refit, panel: Panel, rolling: RollingOrigins) -> Refits:
        """Choose the origins.

        Raises:
            UsageError: `refit` is no positive number of steps and no duration, or the rows of the panel are counted.
        """
        origins = np.arange(rolling.n_origins)
        if isinstance(refit, bool):
            return cls(origins if refit else np.zeros_like(origins))
        every = _steps(refit, panel)
        apart = -(-every // rolling.step_size)  # origins from one fit to the next
        return cls(origins // apart * apart, every)

    @property
    def is_cold(self) -> bool:
        """True if the model is trained before every origin, from random weights."""
        return self.every == 0 and self.n_fits > 1

    @property
    def n_fits(self) -> int:
        """Number of fits."""
        return len(self.groups)

    @property
    def groups(self) -> list[Ints]:
        """Origins of each fit, as indices."""
        return [np.flatnonzero(self.fitted == first) for first in np.unique(self.fitted)]


def _steps(refit: int | str, panel: Panel) -> int:
    """Number of steps between two fits."""
    text = str(refit)
    if text.isdecimal() and int(text):
        return int(text)
    try:
        span = parse_duration(text)
    except ValueError:
        fault = f"--refit: must be a number of steps, or a duration such as 7d (got {text!r}); --refit=7d before DATA"
        raise UsageError(Fault(fault, FaultCode.OTHER)) from None
    if panel.calendar.kind == "counter":
        raise UsageError(f"--refit: {panel.source} has no times; give a number of steps (got {text!r})")
    last = panel.ends.max(keepdims=True)
    stamps = panel.calendar.stamps(last)
    back = panel.calendar.positions(stamps - int(span.total_seconds() * 1e6))
    return max(1, int((last - back)[0]))
