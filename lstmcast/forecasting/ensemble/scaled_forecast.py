"""Forecasts on the scale of one preprocessing, with the units of their errors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from lstmcast.forecasting.ensemble.members import MemberForecast
from lstmcast.preprocessing.panel_scaling import MIN_DISPERSION
from lstmcast.types import Floats


@dataclass(frozen=True)
class ScaledForecast:
    """Forecasts from B origins, in z of one preprocessing.

    Attributes:
        z: [B, H].
        below: [Q, B, H], or [1, B, H] for all levels: unit of the errors below the forecast; positive.
        above: unit of the errors above the forecast.
        deviation: [B, H] of the members of the first preprocessing from the others; None: there are no others.
        members: forecasts of the members, by index, in z of their own preprocessing.
        undamped: [B, H] forecasts that take unlikely newest values as they are; None: there are none.
    """

    z: Floats
    below: Floats
    above: Floats
    deviation: Floats | None = None
    members: Mapping[int, MemberForecast] = field(default_factory=dict)
    undamped: Floats | None = None

    def until(self, horizon: int) -> ScaledForecast:
        """The forecast of the first steps."""
        return ScaledForecast(
            self.z[:, :horizon],
            self.below[..., :horizon],
            self.above[..., :horizon],
            None if self.deviation is None else self.deviation[:, :horizon],
            {k: member.until(horizon) for k, member in self.members.items()},
        )

    def errors(self, actual: Floats) -> Floats:
        """|actual − forecast| of [B, H] actual z, in the unit of their side, like `below`; NaN where that is tiny."""
        error = actual - self.z
        scale = np.where(error < 0, self.below, self.above)
        found: Floats = np.full(scale.shape, np.nan)
        np.divide(np.broadcast_to(np.abs(error), scale.shape), scale, out=found, where=scale > MIN_DISPERSION)
        return found
