"""Networks tried at origins that they have not learnt: how wrong they are, and how much smoothing helps them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from lstmcast.evaluation.splits import MAX_VALIDATION_ORIGINS, evenly
from lstmcast.forecasting.pipeline import BoundPipeline, ForecastPipeline
from lstmcast.forecasting.split_data import OriginSet, SplitData
from lstmcast.nn.numpy_lstm import Network
from lstmcast.statistical.ensemble import inverse_error_weight
from lstmcast.types import Floats, Ints

MAX_SEARCH_ORIGINS = 100  # values on which a network's error, where its epochs were chosen, counts twice
SMOOTHING_WEIGHTS = np.linspace(0, 0.8, 17)  # of smoothing, tried where there is plenty to try them on
CAUTION = 0.5  # of the best, beside networks that say all steps at once: they gain most by what they learn last


@dataclass(frozen=True)
class ValidationSet:
    """Origins with actual values, and a pipeline bound to their panel."""

    bound: BoundPipeline
    origins: OriginSet

    @classmethod
    def of_validation(cls, split: SplitData, pipeline: ForecastPipeline) -> ValidationSet:
        """The validation origins.

        Raises:
            DataError: nothing was observed there.
        """
        return cls(pipeline.bind(split.validation.panel), split.validation)

    @classmethod
    def of_test(cls, split: SplitData, pipeline: ForecastPipeline) -> ValidationSet | None:
        """Some of the test origins; None if nothing was observed there."""
        some = evenly(np.arange(len(split.test_origins)), MAX_VALIDATION_ORIGINS)
        origins = split.test_origins.take(some).observed()
        return cls(pipeline.bind(split.panel), origins) if len(origins) else None

    def error(self, network: Network) -> float:
        """Mean |y − f| of a network's forecasts, in units of each series' usual step."""
        return self._error(self._forecast([network]))

    def member_rmse(self, networks: Sequence[Network]) -> tuple[float, float]:
        """How far networks without exponential smoothing stray, and smoothing without networks.

        Both as the root of the mean square over the origins: what is far off now and then is not to be relied upon.
        """
        return self._rmse(self._forecast(networks)), self._rmse(self._smoothed())

    def member_disagreement(self) -> Floats:
        """[B, H] how far what the two runners say lies from each other, in z of the first; they have to be two."""
        other, own = self.bound.forecast(*self._where).member_forecasts or (0.0, 0.0)
        return np.asarray(np.abs(own - other))

    def choose_smoothing_weight(self, networks: Sequence[Network], weight: float | None) -> tuple[float, float]:
        """The share of exponential smoothing beside several networks, and the error of both together.

        Args:
            networks: whose mean forecast it stands beside; their epochs were chosen by these very origins.
            weight: None: the less each of the two was wrong, the more it counts, the networks less on few values.
        """
        z, smoothed = self._forecast(networks), self._smoothed()
        if weight is None:
            optimism = 1 + MAX_SEARCH_ORIGINS / len(self.bound.windows.z)
            weight = float(inverse_error_weight(self._error(smoothed), optimism * self._error(z)))
        return weight, self._error((1 - weight) * z + weight * smoothed)

    def search_smoothing_weight(self, networks: Sequence[Network]) -> tuple[float, bool]:
        """The share of exponential smoothing beside networks, where nothing was chosen at these origins yet.

        Returns:
            That with which they are least wrong, or a part of it, and whether the last horizon of each series should
            make it that series' own.
        """
        z, smoothed = self._forecast(networks), self._smoothed()
        smooth, network = self._with(networks).recent_errors(self.origins.series, self.origins.steps)
        trials = [(float(weight), own) for own in (False, True) for weight in SMOOTHING_WEIGHTS]
        errors = []
        for weight, own in trials:
            each = inverse_error_weight(smooth, network, weight)[:, None] if own else weight
            errors.append(self._error((1 - each) * z + each * smoothed))
        weight, own = trials[int(np.argmin(errors))]
        return (CAUTION if self.bound.pipeline.head.outputs > 1 else 1.0) * weight, own

    @property
    def _where(self) -> tuple[Ints, Ints, int]:
        return self.origins.series, self.origins.steps, self.origins.horizon

    def _with(self, networks: Sequence[Network]) -> BoundPipeline:
        return replace(self.bound, pipeline=replace(self.bound.pipeline, networks=tuple(networks)))

    def _forecast(self, networks: Sequence[Network]) -> Floats:
        return self._with(networks).forecast(*self._where).z

    def _smoothed(self) -> Floats:
        return self.bound.smoothing_forecast(*self._where)

    def _error(self, z: Floats) -> float:
        return float(np.nanmean(self._mean_absolute_error(z)))

    def _rmse(self, z: Floats) -> float:
        return float(np.sqrt(np.square(np.nanmean(self._mean_absolute_error(z), axis=1)).mean()))

    def _mean_absolute_error(self, z: Floats) -> Floats:
        """[B, H] |y − f| of [B, H] z, in units of each series' usual step; NaN where y was not observed."""
        origins = self.origins
        error = np.abs(self.bound.inverse_transform(z, origins.series) - origins.actuals)
        return np.asarray(error / origins.naive_scales[:, None])
