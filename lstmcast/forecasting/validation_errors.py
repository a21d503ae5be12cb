"""Networks tried at origins that they have not learnt: how wrong they are, and how much smoothing helps them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from lstmcast.data.panel import Panel
from lstmcast.errors import DataError
from lstmcast.evaluation.splits import MAX_VALIDATION_ORIGINS, HoldoutSplit, evenly
from lstmcast.forecasting.actuals import actuals_after, naive_scales, valid_origins
from lstmcast.forecasting.pipeline import BoundPipeline, ForecastPipeline
from lstmcast.nn.numpy_lstm import Network
from lstmcast.statistical.ensemble import inverse_error_weight
from lstmcast.types import Floats, Ints

MAX_SEARCH_ORIGINS = 100  # values on which a network's error, where its epochs were chosen, counts twice
SMOOTHING_WEIGHTS = np.linspace(0, 0.8, 17)  # of smoothing, tried where there is plenty to try them on
CAUTION = 0.5  # of the best, beside networks that say all steps at once: they gain most by what they learn last


@dataclass(frozen=True)
class ValidationSet:
    """Origins, [B], what came after them, [B, H], and the usual step of their series, [B, 1]."""

    bound: BoundPipeline
    series: Ints
    origins: Ints
    actual: Floats
    scale: Floats

    @classmethod
    def of_validation(cls, panel: Panel, held: HoldoutSplit, pipeline: ForecastPipeline) -> ValidationSet:
        """The origins that decide when to stop.

        Raises:
            DataError: nothing was observed there.
        """
        found = cls._at(
            panel.drop_last(held.test_steps), pipeline, held.horizon, held.validation_origins(panel.lengths)
        )
        if found is None:
            raise DataError(
                f"{panel.source}: nothing was observed in the {held.validation_steps} steps that decide when to stop "
                f"(before the last {held.test_steps}); cut the file, or give another --horizon"
            )
        return found

    @classmethod
    def of_test(cls, panel: Panel, held: HoldoutSplit, pipeline: ForecastPipeline) -> ValidationSet | None:
        """Some of those that judge; None where nothing was observed there."""
        series, origins = held.test_origins(panel.lengths)
        some = evenly(np.arange(len(series)), MAX_VALIDATION_ORIGINS)
        return cls._at(panel, pipeline, held.horizon, (series[some], origins[some]))

    @classmethod
    def _at(
        cls, panel: Panel, pipeline: ForecastPipeline, horizon: int, where: tuple[Ints, Ints]
    ) -> ValidationSet | None:
        valid = valid_origins(panel, *where, horizon)
        if not valid.any():
            return None
        rows, origins = where[0][valid], where[1][valid]
        kept, series = np.unique(rows, return_inverse=True)
        known = panel.select(kept)  # the other series may have nothing left
        actual = actuals_after(known, series, origins, horizon)
        return cls(pipeline.bind(known), series, origins, actual, naive_scales(known)[series, None])

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
        other, own = self.bound.forecast(self.series, self.origins, self.actual.shape[1]).member_forecasts or (0.0, 0.0)
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
        smooth, network = self._with(networks).recent_errors(self.series, self.origins)
        trials = [(float(weight), own) for own in (False, True) for weight in SMOOTHING_WEIGHTS]
        errors = []
        for weight, own in trials:
            each = inverse_error_weight(smooth, network, weight)[:, None] if own else weight
            errors.append(self._error((1 - each) * z + each * smoothed))
        weight, own = trials[int(np.argmin(errors))]
        return (CAUTION if self.bound.pipeline.head.outputs > 1 else 1.0) * weight, own

    def _with(self, networks: Sequence[Network]) -> BoundPipeline:
        return replace(self.bound, pipeline=replace(self.bound.pipeline, networks=tuple(networks)))

    def _forecast(self, networks: Sequence[Network]) -> Floats:
        return self._with(networks).forecast(self.series, self.origins, self.actual.shape[1]).z

    def _smoothed(self) -> Floats:
        return self.bound.smoothing_forecast(self.series, self.origins, self.actual.shape[1])

    def _error(self, z: Floats) -> float:
        return float(np.nanmean(self._mean_absolute_error(z)))

    def _rmse(self, z: Floats) -> float:
        return float(np.sqrt(np.square(np.nanmean(self._mean_absolute_error(z), axis=1)).mean()))

    def _mean_absolute_error(self, z: Floats) -> Floats:
        """[B, H] |y − f| of [B, H] z, in units of each series' usual step; NaN where y was not observed."""
        return np.asarray(np.abs(self.bound.inverse_transform(z, self.series) - self.actual) / self.scale)
