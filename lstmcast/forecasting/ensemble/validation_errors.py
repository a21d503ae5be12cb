"""Errors of networks and of exponential smoothing at the validation origins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lstmcast.forecasting.ensemble.ensemble import BoundEnsemble
from lstmcast.forecasting.ensemble.members import LstmMember, SmoothingMember, forecast_series
from lstmcast.forecasting.ensemble.weights import recent_errors
from lstmcast.forecasting.split_data import OriginSet
from lstmcast.nn.heads import QuantileHead
from lstmcast.nn.numpy_lstm import Network
from lstmcast.preprocessing.panel_scaling import BoundPanel
from lstmcast.results import MemberName
from lstmcast.statistical.ensemble import inverse_error_weight
from lstmcast.types import Floats, Ints

SELECTION_BIAS_VALUES = 100  # number of values for which early stopping halves the error of a network
SMOOTHING_WEIGHTS = np.linspace(0, 0.8, 17)  # candidates
DIRECT_WEIGHT_FACTOR = 0.5  # of the best candidate: networks of a direct head improve most in the refit


@dataclass(frozen=True)
class ValidationSet:
    """Origins with actual values, and their panel after one preprocessing.

    Attributes:
        bound: the panel.
        head: of the networks that are compared.
        origins: the origins.
    """

    bound: BoundPanel
    head: QuantileHead
    origins: OriginSet

    def error(self, network: Network) -> float:
        """Mean |y − f| of a network, in units of each series' mean one-step change."""
        return self._error(self._forecast([network]))

    def rmse(self, networks: Sequence[Network]) -> float:
        """Root mean square over the origins of the error of networks, averaged."""
        return self._rmse(self._forecast(networks))

    def rmse_of(self, bound: BoundEnsemble) -> float:
        """Root mean square over the origins of the error of another ensemble, bound to the same data."""
        series, steps, horizon = self._arguments
        return self._rmse_of_values(bound.inverse_transform(bound.forecast(series, steps, horizon).z, series))

    def smoothing_rmse(self) -> float:
        """Root mean square over the origins of the error of exponential smoothing."""
        return self._rmse(self._smoothing)

    def choose_smoothing_weight(self, networks: Sequence[Network], weight: float | None) -> tuple[float, float]:
        """Choose the weight of exponential smoothing in an ensemble with networks.

        Args:
            networks: stopped early at these origins.
            weight: fixed; None: by the inverse errors of both. That of the networks is raised, because early stopping
                makes it too small, the more the fewer values there are.

        Returns:
            The weight, and the error of the weighted mean.
        """
        z, smoothed = self._forecast(networks), self._smoothing
        if weight is None:
            bias = 1 + SELECTION_BIAS_VALUES / len(self.bound.windows.z)
            weight = float(inverse_error_weight(self._error(smoothed), bias * self._error(z)))
        return weight, self._error((1 - weight) * z + weight * smoothed)

    def search_smoothing_weight(self, networks: Sequence[Network]) -> tuple[float, bool]:
        """Search the weight of exponential smoothing with networks that were not stopped at these origins.

        Returns:
            The weight with the smallest error, or a part of it, and whether it adapts to the errors over the last
            horizon of each series.
        """
        z, smoothed, where = self._forecast(networks), self._smoothing, (self.origins.series, self.origins.steps)
        recent, other = (
            recent_errors(member, self.bound, *where) for member in (SmoothingMember(), self._lstm(networks))
        )
        trials = [(float(weight), adaptive) for adaptive in (False, True) for weight in SMOOTHING_WEIGHTS]
        errors = []
        for weight, adaptive in trials:
            each = inverse_error_weight(recent, other, weight)[:, None] if adaptive else weight
            errors.append(self._error((1 - each) * z + each * smoothed))
        weight, adaptive = trials[int(np.argmin(errors))]
        return (DIRECT_WEIGHT_FACTOR if self.head.outputs > 1 else 1.0) * weight, adaptive

    @cached_property
    def _smoothing(self) -> Floats:
        """[B, H] z forecast by exponential smoothing."""
        return forecast_series(SmoothingMember(), self.bound, *self._arguments).z

    @property
    def _arguments(self) -> tuple[Ints, Ints, int]:
        return self.origins.series, self.origins.steps, self.origins.horizon

    def _lstm(self, networks: Sequence[Network]) -> LstmMember:
        return LstmMember(MemberName.TRAINED, tuple(networks), self.head)

    def _forecast(self, networks: Sequence[Network]) -> Floats:
        """[B, H] z forecast by the mean of networks."""
        return forecast_series(self._lstm(networks), self.bound, *self._arguments).z

    def _error(self, z: Floats) -> float:
        return float(np.nanmean(self._absolute_errors(z)))

    def _rmse(self, z: Floats) -> float:
        return self._rmse_of_values(self.bound.inverse_transform(z, self.origins.series))

    def _rmse_of_values(self, values: Floats) -> float:
        return float(np.sqrt(np.square(np.nanmean(self._scaled_errors(values), axis=1)).mean()))

    def _absolute_errors(self, z: Floats) -> Floats:
        """[B, H] |y − f| of z; see `_scaled_errors`."""
        return self._scaled_errors(self.bound.inverse_transform(z, self.origins.series))

    def _scaled_errors(self, values: Floats) -> Floats:
        """[B, H] |y − f|, in units of each series' mean one-step change; NaN where y was not observed."""
        return np.asarray(np.abs(values - self.origins.actuals) / self.origins.naive_scales[:, None])
