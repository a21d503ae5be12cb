"""Networks on a panel: scaled, windowed, run on, and brought back to the target's unit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from lstmcast.data.panel import Panel
from lstmcast.evaluation.intervals import Calibration
from lstmcast.forecaster.measure import Key, ScalingSpec, as_known, scale, windows
from lstmcast.forecaster.phases import WHOLE, Polyphase
from lstmcast.model import recursion, smoothing
from lstmcast.model.heads import QuantileHead
from lstmcast.model.lstm import Network
from lstmcast.model.scaling import Scaling
from lstmcast.model.windows import WindowDataset, WindowSpec

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

LEAST = 1e-6  # a spread, in z: of a series that stands still


@dataclass(frozen=True)
class ForecastPipeline:
    """What turns the past of any series into its future.

    Attributes:
        networks: one, or several whose forecasts are averaged in z.
        head: what they say.
        shape: what they read.
        measure: how values become z.
        scales: what one unit of z is, and the floor, for each series known from training: key to (scale, floor).
        usual: the usual step of the series in training, for those that were not there; None: there were none.
        smoothing: how much of each forecast is exponential smoothing's, 0 to 1.
        half: known values from which that is half of it, for smoothing tells more of long series; 0: it is always all.
        tried: whether it is each series' own, by how wrong networks and smoothing were over its last horizon.
        horizon: H of training, by which smoothing is tried.
        phases: how the steps of the data are those that the networks know.
        beside: another runner that speaks too; None: none.
    """

    networks: tuple[Network, ...]
    head: QuantileHead
    shape: WindowSpec
    measure: ScalingSpec
    scales: Mapping[Key, tuple[float, float]]
    usual: float | None = None
    smoothing: float = 0.0
    half: int = 0
    tried: bool = False
    horizon: int = 1
    phases: Polyphase = WHOLE
    beside: EnsembleMember | None = None

    @property
    def reach(self) -> int:
        """How many past steps of a series a forecast depends on; more change nothing."""
        own = self.shape.reach + spread_steps(self.shape)
        own = max(own, smoothing.reach(self.shape.season)) if self.smoothing else own
        own = self.phases.count * (own + self.phases.steps(self.horizon) * self.tried)
        return max(own, self.beside.runner.reach) if self.beside else own

    def share(self, known: Ints) -> Floats:
        """[B] how much of a forecast is exponential smoothing's, of which so many values are known."""
        known = np.minimum(known, smoothing.reach(self.shape.season))
        return np.asarray(self.smoothing / (1 + np.square(self.half / known)))

    def on(self, panel: Panel) -> BoundPipeline:
        """Make ready to forecast the panel's series."""
        scaling = scale(panel, self.measure, self.shape.level, usual=self.usual, phases=self.phases)
        scaling = as_known(scaling, panel, self.scales)
        owner = np.repeat(np.arange(panel.n_series), self.phases.count)
        other = self.beside.runner.on(panel) if self.beside else None
        return BoundPipeline(self, windows(self.phases.parted(panel), scaling.of(owner), self.shape), scaling, other)


@dataclass(frozen=True)
class EnsembleMember:
    """Another runner that speaks too.

    Attributes:
        runner: it.
        share: its part of each forecast, 0 to 1; 0: it says only how wide intervals are.
        intervals: its own, which are the unit of errors then: the way from the forecast, or from its own where that is
            further, to its bound; None: the unit is the first runner's.
        furthest: [H] how far the first runner's forecasts may lie from its own, in z; None: wherever they do.
    """

    runner: ForecastPipeline
    share: float
    intervals: Calibration | None = None
    furthest: Floats | None = None

    def limit(self, horizon: int) -> Floats:
        """[horizon] how far the first runner's forecasts may lie; beyond H that grows as an interval would."""
        if self.furthest is None:
            return np.full(horizon, np.inf)
        return np.asarray(Calibration((), self.furthest[None]).at(horizon)[0])


@dataclass(frozen=True)
class ScaledForecast:
    """What is said of the steps after B origins, in z.

    Attributes:
        z: [B, H] the forecasts.
        below: [Q, B, H], or [1, B, H] for all levels: the unit in which errors to that side are measured; positive.
        above: the same for the other side.
        highest: [B, H] where upper bounds end, unless the forecast itself lies above; the higher, the further it has
            climbed since the horizon of training.
        smooth: [B, H] what exponential smoothing alone says; None: it has no part in it.
        apart: [B, H] what the other runner says alone, and what the own one does; None: there is no other.
    """

    z: Floats
    below: Floats
    above: Floats
    highest: Floats | float = np.inf
    smooth: Floats | None = None
    apart: tuple[Floats, Floats] | None = None

    def errors(self, actual: Floats) -> Floats:
        """How far [B, H] true z lie off, in the unit of their side, like `below`; NaN where that measures nothing."""
        off = actual - self.z
        unit = np.where(off < 0, self.below, self.above)
        return np.where(unit > LEAST, np.abs(off) / unit, np.nan)


@dataclass(frozen=True)
class BoundPipeline:
    """A runner beside the series it forecasts.

    Attributes:
        runner: what forecasts.
        windows: the series in z, or their phases.
        scaling: of the series.
        other: the one that speaks too, on the same series.
    """

    runner: ForecastPipeline
    windows: WindowDataset
    scaling: Scaling
    other: BoundPipeline | None = None

    def ahead(self, series: Ints, origins: Ints, horizon: int) -> ScaledForecast:
        """Forecast from [B] series and origins (steps from the series' first value)."""
        phases = self.runner.phases
        share = self.share(series, origins).repeat(phases.count) if self.runner.smoothing else None
        *said, smooth = self._ahead(*phases.origins(series, origins), phases.steps(horizon), share)
        z, below, above, highest = (phases.woven(each, horizon) for each in said)
        ahead = ScaledForecast(z, below, above, highest, None if smooth is None else phases.woven(smooth, horizon))
        if self.runner.beside is None or self.other is None:
            return ahead
        beside, scaling = self.runner.beside, self.scaling.of(series)
        theirs, limit = self.other.ahead(series, origins, horizon), beside.limit(horizon)
        other = scaling.forward(self.other.back(theirs.z, series))
        if beside.share:
            both = other + (1 - beside.share) * np.clip(z - other, -limit, limit)
            ahead = replace(ahead, z=both, apart=(other, z))
        if (intervals := beside.intervals) is None:
            return ahead
        lower, upper = self.other.bounds(theirs, intervals, series)
        lower, upper = (np.stack([scaling.forward(one) for one in side]) for side in (lower, upper))
        below, above = np.maximum(ahead.z, other) - lower, upper - np.minimum(ahead.z, other)
        return replace(ahead, below=np.maximum(below, LEAST), above=np.maximum(above, LEAST))

    def _ahead(
        self, series: Ints, origins: Ints, horizon: int, share: Floats | None
    ) -> tuple[Floats, Floats, Floats, Floats, Floats | None]:
        """The parts of a `ScaledForecast`, of the phases; [B] how much is exponential smoothing's."""
        head, networks = self.runner.head, self.runner.networks
        z, distances = recursion.forecast(networks, head, self.windows, series, origins, horizon)
        smooth = None if share is None else self._smoothed(series, origins, horizon)
        if share is not None and smooth is not None:
            z = (1 - share[:, None]) * z + share[:, None] * smooth
        if head.levels:
            below, above = (np.maximum(distance, LEAST) for distance in distances)
        else:
            below = above = np.broadcast_to(self.spread(series, origins)[:, None], (1, *z.shape))
        return z, below, above, np.broadcast_to(self._highest(series, origins)[:, None], z.shape), smooth

    def _highest(self, series: Ints, origins: Ints) -> Floats:
        """[B] where upper bounds end: in logs twice as far above the highest of the last steps as that above the mean.

        Logs turn the width that suits most series into a bound that says nothing of the most restless ones.
        """
        if self.scaling.kind != "log":
            return np.full(len(series), np.inf)
        headroom = self.windows.headroom(series, origins, spread_steps(self.windows.shape))
        if self.scaling.plain is None:
            return headroom
        return np.where(self.scaling.plain[series // self.runner.phases.count], np.inf, headroom)

    def base(self, series: Ints, origins: Ints, horizon: int) -> Floats:
        """[B, H] z that level and profile alone say."""
        phases = self.runner.phases
        return phases.woven(self.windows.base(*phases.origins(series, origins), phases.steps(horizon)), horizon)

    def smoothed(self, series: Ints, origins: Ints, horizon: int) -> Floats:
        """[B, H] z that exponential smoothing says."""
        phases = self.runner.phases
        return phases.woven(self._smoothed(*phases.origins(series, origins), phases.steps(horizon)), horizon)

    def share(self, series: Ints, origins: Ints) -> Floats:
        """[B] how much of the forecasts from [B] series and origins is exponential smoothing's."""
        _, ends = self.runner.phases.origins(series, origins)
        share = self.runner.share(ends[:: self.runner.phases.count] + 1)
        if not self.runner.tried:
            return share
        smooth, networks = self.near(series, origins)
        return smoothing.heavier(smooth, networks, share)

    def near(self, series: Ints, origins: Ints) -> tuple[Floats, Floats]:
        """How wrong smoothing [B] and networks [B] were over the last horizon: mean |z − f|; 1 where that is not known.

        Networks may have learnt what came there, but one that serves many series seldom knows any by heart.
        """
        runner, windows, phases = self.runner, self.windows, self.runner.phases
        every, ends = phases.origins(series, origins)
        steps, known = phases.steps(runner.horizon), max(3, 2 * windows.shape.season)
        asked = np.flatnonzero(ends + 1 >= steps + known)
        before = every[asked], ends[asked] - steps
        came = windows.z[(windows.offsets[before[0]] + before[1])[:, None] + np.arange(1, steps + 1)]
        said, _ = recursion.forecast(runner.networks, runner.head, windows, *before, steps)
        smooth, networks = (np.ones(len(every)) for _ in range(2))
        smooth[asked] = np.abs(self._smoothed(*before, steps) - came).mean(axis=1)
        networks[asked] = np.abs(said - came).mean(axis=1)
        return phases.mean(smooth), phases.mean(networks)

    def _smoothed(self, series: Ints, origins: Ints, horizon: int) -> Floats:
        z, first, season = self.windows.z, self.windows.offsets[series], self.windows.shape.season
        trial = self.runner.phases.steps(self.runner.horizon)
        return smoothing.smoothed(z, first, origins, horizon, season=season, trial=trial)

    def spread(self, series: Ints, origins: Ints) -> Floats:
        """[B] how far the last steps of series, or phases, lay from what level and season said, in z; never quite 0.

        A series of which one value is known is taken to be as restless as series usually are: z is scaled to 1.
        """
        measured = self.windows.spread(series, origins, spread_steps(self.windows.shape))
        return np.where(origins > 0, np.maximum(measured, LEAST), 1.0)

    def back(self, z: Floats, series: Ints) -> Floats:
        """[B, …] z to values."""
        return self.scaling.of(series).inverse(z)

    def bounds(self, ahead: ScaledForecast, calibration: Calibration, series: Ints) -> tuple[Floats, Floats]:
        """The intervals of what was said of [B] series, as values: lower and upper, [Q, B, H] each."""
        growing = self.runner.beside is not None and self.runner.beside.intervals is not None
        lower, upper = calibration.bounds(ahead.z, ahead.below, ahead.above, growing=growing)
        further = np.maximum(ahead.z - ahead.z[:, : self.runner.horizon].max(axis=1, keepdims=True), 0)
        upper = np.minimum(upper, np.maximum(ahead.z, ahead.highest + further))
        return self._back_all(lower, series), self._back_all(upper, series)

    def _back_all(self, z: Floats, series: Ints) -> Floats:
        """[Q, B, …] z to values."""
        return np.stack([self.back(one, series) for one in z]) if len(z) else z


def spread_steps(shape: WindowSpec) -> int:
    """How many last steps say how restless a series is: three seasons, and not fewer than 30 nor more than 500."""
    return int(np.clip(3 * shape.season, 30, 500))
