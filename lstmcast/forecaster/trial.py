"""Networks tried at origins that they have not learnt: how wrong they are, and how much smoothing helps them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from lstmcast.data.panel import Panel
from lstmcast.errors import DataError
from lstmcast.evaluation.origins import FEW, HoldoutSplit, evenly
from lstmcast.forecaster.running import BoundPipeline, ForecastPipeline
from lstmcast.forecaster.truth import honest, outcomes, usual_steps
from lstmcast.model.lstm import Network
from lstmcast.model.smoothing import heavier

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

CHOSEN_ON = 100  # values on which a network's error, where its epochs were chosen, counts twice
SHARES = np.linspace(0, 0.8, 17)  # of smoothing, tried where there is plenty to try them on
CAUTION = 0.5  # of the best, beside networks that say all steps at once: they gain most by what they learn last


@dataclass(frozen=True)
class ValidationSet:
    """Origins, [B], what came after them, [B, H], and the usual step of their series, [B, 1]."""

    running: BoundPipeline
    series: Ints
    origins: Ints
    actual: Floats
    unit: Floats

    @classmethod
    def stopping(cls, panel: Panel, held: HoldoutSplit, runner: ForecastPipeline) -> ValidationSet:
        """The origins that decide when to stop.

        Raises:
            DataError: nothing was observed there.
        """
        found = cls._at(panel.drop_last(held.judge), runner, held.horizon, held.stopping(panel.lengths))
        if found is None:
            raise DataError(
                f"{panel.source}: nothing was observed in the {held.stop} steps that decide when to stop (before "
                f"the last {held.judge}); cut the file, or give another --horizon"
            )
        return found

    @classmethod
    def judging(cls, panel: Panel, held: HoldoutSplit, runner: ForecastPipeline) -> ValidationSet | None:
        """Some of those that judge; None where nothing was observed there."""
        series, origins = held.judging(panel.lengths)
        some = evenly(np.arange(len(series)), FEW)
        return cls._at(panel, runner, held.horizon, (series[some], origins[some]))

    @classmethod
    def _at(
        cls, panel: Panel, runner: ForecastPipeline, horizon: int, where: tuple[Ints, Ints]
    ) -> ValidationSet | None:
        fair = honest(panel, *where, horizon)
        if not fair.any():
            return None
        asked, origins = where[0][fair], where[1][fair]
        kept, series = np.unique(asked, return_inverse=True)
        known = panel.select(kept)  # the other series may have nothing left
        actual = outcomes(known, series, origins, horizon)
        return cls(runner.on(known), series, origins, actual, usual_steps(known)[series, None])

    def error(self, network: Network) -> float:
        """Mean |y − f| of a network's forecasts, in units of each series' usual step."""
        return self._error(self._said([network]))

    def apart(self, networks: Sequence[Network]) -> tuple[float, float]:
        """How far networks without exponential smoothing stray, and smoothing without networks.

        Both as the root of the mean square over the origins: what is far off now and then is not to be relied upon.
        """
        return self._straying(self._said(networks)), self._straying(self._smoothed())

    def between(self) -> Floats:
        """[B, H] how far what the two runners say lies from each other, in z of the first; they have to be two."""
        other, own = self.running.ahead(self.series, self.origins, self.actual.shape[1]).apart or (0.0, 0.0)
        return np.asarray(np.abs(own - other))

    def smoothing(self, networks: Sequence[Network], share: float | None) -> tuple[float, float]:
        """The share of exponential smoothing beside several networks, and the error of both together.

        Args:
            networks: whose mean forecast it stands beside; their epochs were chosen by these very origins.
            share: None: the less each of the two was wrong, the more it counts, the networks less on few values.
        """
        z, smoothed = self._said(networks), self._smoothed()
        if share is None:
            optimism = 1 + CHOSEN_ON / len(self.running.windows.z)
            share = float(heavier(self._error(smoothed), optimism * self._error(z)))
        return share, self._error((1 - share) * z + share * smoothed)

    def best_smoothing(self, networks: Sequence[Network]) -> tuple[float, bool]:
        """The share of exponential smoothing beside networks, where nothing was chosen at these origins yet.

        Returns:
            That with which they are least wrong, or a part of it, and whether the last horizon of each series should
            make it that series' own.
        """
        z, smoothed = self._said(networks), self._smoothed()
        smooth, network = self._with(networks).near(self.series, self.origins)
        tried = [(float(share), own) for own in (False, True) for share in SHARES]
        errors = []
        for share, own in tried:
            each = heavier(smooth, network, share)[:, None] if own else share
            errors.append(self._error((1 - each) * z + each * smoothed))
        share, own = tried[int(np.argmin(errors))]
        return (CAUTION if self.running.runner.head.outputs > 1 else 1.0) * share, own

    def _with(self, networks: Sequence[Network]) -> BoundPipeline:
        return replace(self.running, runner=replace(self.running.runner, networks=tuple(networks)))

    def _said(self, networks: Sequence[Network]) -> Floats:
        return self._with(networks).ahead(self.series, self.origins, self.actual.shape[1]).z

    def _smoothed(self) -> Floats:
        return self.running.smoothed(self.series, self.origins, self.actual.shape[1])

    def _error(self, z: Floats) -> float:
        return float(np.nanmean(self._off(z)))

    def _straying(self, z: Floats) -> float:
        return float(np.sqrt(np.square(np.nanmean(self._off(z), axis=1)).mean()))

    def _off(self, z: Floats) -> Floats:
        """[B, H] |y − f| of [B, H] z, in units of each series' usual step; NaN where y was not observed."""
        return np.asarray(np.abs(self.running.back(z, self.series) - self.actual) / self.unit)
