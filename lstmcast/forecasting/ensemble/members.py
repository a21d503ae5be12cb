"""Members of an ensemble: methods that forecast on their own scales."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np

from lstmcast.nn import multistep
from lstmcast.nn.heads import QuantileHead
from lstmcast.nn.numpy_lstm import Network
from lstmcast.preprocessing.panel_scaling import BoundPanel
from lstmcast.results import MemberName
from lstmcast.statistical import ensemble, regression
from lstmcast.types import Bools, Floats, Ints


@dataclass(frozen=True)
class MemberForecast:
    """Forecasts of one member from B origins, in z of its preprocessing.

    Attributes:
        z: [B, H].
        below, above: [Q, B, H] distances to lower and upper quantiles; None: the member has no quantiles.
    """

    z: Floats
    below: Floats | None = None
    above: Floats | None = None

    def until(self, horizon: int) -> MemberForecast:
        """The forecast of the first steps."""
        sides = (side if side is None else side[..., :horizon] for side in (self.below, self.above))
        return MemberForecast(self.z[:, :horizon], *sides)


class Member(Protocol):
    """A forecasting method of an ensemble."""

    @property
    def name(self) -> MemberName:
        """The kind of method."""

    @property
    def preprocessing(self) -> int:
        """Index of the preprocessing that it reads."""

    @property
    def scored(self) -> Member:
        """The member that forecasts from past origins; a quicker one if its fits take long."""

    def forecast(self, bound: BoundPanel, series: Ints, origins: Ints, horizon: int) -> MemberForecast:
        """Forecast [B] coarser series of `bound.windows` from [B] origins."""


class LinearMember(Member, Protocol):
    """A member whose forecast is linear in the past, with its inner choices held fixed."""

    def gradient(self, bound: BoundPanel, horizon: int) -> Floats:
        """Jacobian [H, T] of the forecast from the end of the only series of a panel."""


@dataclass(frozen=True)
class LstmMember:
    """LSTM networks of one architecture, averaged in z.

    Pretrained ones have learned from logs of positive series. Of a series with values on both sides of 0, they
    forecast the mirror image as well, because neither direction is a special one.

    Attributes:
        name: trained on the data at hand, or pretrained on other series.
        networks: their weights.
        head: the meaning of their outputs.
        preprocessing: index of the preprocessing.
    """

    name: MemberName
    networks: tuple[Network, ...]
    head: QuantileHead
    preprocessing: int = 0

    @property
    def scored(self) -> LstmMember:
        """The member itself."""
        return self

    def forecast(self, bound: BoundPanel, series: Ints, origins: Ints, horizon: int) -> MemberForecast:
        """Forecast [B, H] z, and the distances to the quantiles of the head."""
        z, (below, above) = multistep.forecast(
            self.networks, self.head, bound.windows, series, origins, horizon, mirrored=self.mirrors(bound, series)
        )
        return MemberForecast(z, below, above) if self.head.levels else MemberForecast(z)

    def mirrors(self, bound: BoundPanel, series: Ints) -> Bools:
        """[B] whether the mirror images of [B] coarser series are forecast as well."""
        crossing = bound.crosses_zero[series // bound.preprocessing.polyphase.count]
        return np.asarray(crossing & (self.name is MemberName.PRETRAINED))


@dataclass(frozen=True)
class SmoothingMember:
    """Exponential smoothing in z.

    Attributes:
        preprocessing: index of the preprocessing.
    """

    preprocessing: int = 0
    name: ClassVar[MemberName] = MemberName.SMOOTHING

    @property
    def scored(self) -> SmoothingMember:
        """The member itself."""
        return self

    def forecast(self, bound: BoundPanel, series: Ints, origins: Ints, horizon: int) -> MemberForecast:
        """Forecast [B, H] z."""
        windows, trial = bound.windows, bound.trial_steps
        first, season = windows.offsets[series], windows.spec.season_length
        return MemberForecast(ensemble.forecast(windows.z, first, origins, horizon, season=season, trial=trial))

    def gradient(self, bound: BoundPanel, horizon: int) -> Floats:
        """Jacobian [H, T] of the forecast from the end of the only series of a panel, its inner weights held fixed."""
        windows = bound.windows
        season, trial = windows.spec.season_length, bound.trial_steps
        return ensemble.smoothing_gradient(windows.z, horizon, season=season, trial=trial)


@dataclass(frozen=True)
class RegressionMember:
    """Seasonal means by least squares, with or without a linear trend, in z.

    Attributes:
        name: with or without trend.
        preprocessing: index of the preprocessing.
    """

    name: MemberName
    preprocessing: int = 0

    @property
    def trend(self) -> bool:
        """True if the line has a slope."""
        return self.name is MemberName.TREND

    @property
    def scored(self) -> RegressionMember:
        """The member itself."""
        return self

    def forecast(self, bound: BoundPanel, series: Ints, origins: Ints, horizon: int) -> MemberForecast:
        """Forecast [B, H] z."""
        windows, season = bound.windows, bound.windows.spec.season_length
        first, history = windows.offsets[series], ensemble.history_length(season)
        found = regression.forecast(
            windows.z, first, origins, horizon, season=season, trend=self.trend, history=history
        )
        return MemberForecast(found)

    def gradient(self, bound: BoundPanel, horizon: int) -> Floats:
        """Jacobian [H, T] of the forecast from the end of the only series of a panel."""
        steps, season = len(bound.windows.z), bound.windows.spec.season_length
        known = min(steps, ensemble.history_length(season))
        jacobian = regression.gradient(known, horizon, season=season, trend=self.trend)
        return np.pad(jacobian, ((0, 0), (steps - known, 0)))


def forecast_series(member: Member, bound: BoundPanel, series: Ints, origins: Ints, horizon: int) -> MemberForecast:
    """Forecast whole series by one member: its forecasts of the coarser series, interleaved."""
    polyphase = bound.preprocessing.polyphase
    forecast = member.forecast(bound, *polyphase.origins(series, origins), polyphase.steps(horizon))
    z, below, above = forecast.z, forecast.below, forecast.above
    if below is None or above is None:
        return MemberForecast(polyphase.interleave(z, horizon))
    return MemberForecast(*(polyphase.interleave(array, horizon) for array in (z, below, above)))
