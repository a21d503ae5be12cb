"""Networks on a panel: scaled, windowed, run on, and brought back to the target's unit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from lstmcast.calibration.conformal import Calibration
from lstmcast.data.panel import Panel
from lstmcast.nn import multistep
from lstmcast.nn.heads import QuantileHead
from lstmcast.nn.numpy_lstm import Network
from lstmcast.preprocessing.panel_scaling import Key, ScalingSpec, fit_panel_scaling, windows, with_training_scales
from lstmcast.preprocessing.polyphase import NO_SPLIT, Polyphase
from lstmcast.preprocessing.scaling import Scaling
from lstmcast.preprocessing.windows import WindowDataset, WindowSpec
from lstmcast.statistical import ensemble
from lstmcast.types import Floats, Ints

EPSILON = 1e-6  # a spread, in z: of a series that stands still


@dataclass(frozen=True)
class ForecastPipeline:
    """What turns the past of any series into its future.

    Attributes:
        networks: one, or several whose forecasts are averaged in z.
        head: what they say.
        window_spec: what they read.
        scaling_spec: how values become z.
        scales: what one unit of z is, and the floor, for each series known from training: key to (scale, floor).
        typical_step: the usual step of the series in training, for those that were not there; None: there were none.
        smoothing_weight: how much of each forecast is exponential smoothing's, 0 to 1.
        smoothing_half_length: known values from which that is half of it, for smoothing tells more of long series; 0:
            it is always all.
        adaptive_weights: whether it is each series' own, by how wrong networks and smoothing were over its last
            horizon.
        horizon: H of training, by which smoothing is tried.
        phases: how the steps of the data are those that the networks know.
        partner: another runner that speaks too; None: none.
    """

    networks: tuple[Network, ...]
    head: QuantileHead
    window_spec: WindowSpec
    scaling_spec: ScalingSpec
    scales: Mapping[Key, tuple[float, float]]
    typical_step: float | None = None
    smoothing_weight: float = 0.0
    smoothing_half_length: int = 0
    adaptive_weights: bool = False
    horizon: int = 1
    phases: Polyphase = NO_SPLIT
    partner: EnsembleMember | None = None

    @property
    def required_history(self) -> int:
        """How many past steps of a series a forecast depends on; more change nothing."""
        own = self.window_spec.required_history + dispersion_window(self.window_spec)
        own = max(own, ensemble.history_length(self.window_spec.season)) if self.smoothing_weight else own
        own = self.phases.count * (own + self.phases.steps(self.horizon) * self.adaptive_weights)
        return max(own, self.partner.pipeline.required_history) if self.partner else own

    def smoothing_weight_of(self, known: Ints) -> Floats:
        """[B] how much of a forecast is exponential smoothing's, of which so many values are known."""
        known = np.minimum(known, ensemble.history_length(self.window_spec.season))
        return np.asarray(self.smoothing_weight / (1 + np.square(self.smoothing_half_length / known)))

    def bind(self, panel: Panel) -> BoundPipeline:
        """Make ready to forecast the panel's series."""
        scaling = fit_panel_scaling(
            panel, self.scaling_spec, self.window_spec.level, typical_step=self.typical_step, phases=self.phases
        )
        scaling = with_training_scales(scaling, panel, self.scales)
        owner = np.repeat(np.arange(panel.n_series), self.phases.count)
        other = self.partner.pipeline.bind(panel) if self.partner else None
        return BoundPipeline(
            self, windows(self.phases.split(panel), scaling.take(owner), self.window_spec), scaling, other
        )


@dataclass(frozen=True)
class EnsembleMember:
    """Another runner that speaks too.

    Attributes:
        pipeline: it.
        weight: its part of each forecast, 0 to 1; 0: it says only how wide intervals are.
        intervals: its own, which are the unit of errors then: the way from the forecast, or from its own where that is
            further, to its bound; None: the unit is the first runner's.
        max_deviation: [H] how far the first runner's forecasts may lie from its own, in z; None: wherever they do.
    """

    pipeline: ForecastPipeline
    weight: float
    intervals: Calibration | None = None
    max_deviation: Floats | None = None

    def limit(self, horizon: int) -> Floats:
        """[horizon] how far the first runner's forecasts may lie; beyond H that grows as an interval would."""
        if self.max_deviation is None:
            return np.full(horizon, np.inf)
        return np.asarray(Calibration((), self.max_deviation[None]).widths_at(horizon)[0])


@dataclass(frozen=True)
class ScaledForecast:
    """What is said of the steps after B origins, in z.

    Attributes:
        z: [B, H] the forecasts.
        below: [Q, B, H], or [1, B, H] for all levels: the unit in which errors to that side are measured; positive.
        above: the same for the other side.
        upper_cap: [B, H] where upper bounds end, unless the forecast itself lies above; the higher, the further it has
            climbed since the horizon of training.
        smoothing_forecast: [B, H] what exponential smoothing alone says; None: it has no part in it.
        member_forecasts: [B, H] what the other runner says alone, and what the own one does; None: there is no other.
    """

    z: Floats
    below: Floats
    above: Floats
    upper_cap: Floats | float = np.inf
    smoothing_forecast: Floats | None = None
    member_forecasts: tuple[Floats, Floats] | None = None

    def errors(self, actual: Floats) -> Floats:
        """How far [B, H] true z lie off, in the unit of their side, like `below`; NaN where that measures nothing."""
        error = actual - self.z
        scale = np.where(error < 0, self.below, self.above)
        return np.where(scale > EPSILON, np.abs(error) / scale, np.nan)


@dataclass(frozen=True)
class BoundPipeline:
    """A runner beside the series it forecasts.

    Attributes:
        pipeline: what forecasts.
        windows: the series in z, or their phases.
        scaling: of the series.
        partner: the one that speaks too, on the same series.
    """

    pipeline: ForecastPipeline
    windows: WindowDataset
    scaling: Scaling
    partner: BoundPipeline | None = None

    def forecast(self, series: Ints, origins: Ints, horizon: int) -> ScaledForecast:
        """Forecast from [B] series and origins (steps from the series' first value)."""
        phases = self.pipeline.phases
        weight = (
            self.smoothing_weights(series, origins).repeat(phases.count) if self.pipeline.smoothing_weight else None
        )
        *parts, smooth = self._forecast(*phases.origins(series, origins), phases.steps(horizon), weight)
        z, below, above, highest = (phases.interleave(each, horizon) for each in parts)
        ahead = ScaledForecast(z, below, above, highest, None if smooth is None else phases.interleave(smooth, horizon))
        if self.pipeline.partner is None or self.partner is None:
            return ahead
        member, scaling = self.pipeline.partner, self.scaling.take(series)
        partner_forecast, limit = self.partner.forecast(series, origins, horizon), member.limit(horizon)
        partner_z = scaling.forward(self.partner.inverse_transform(partner_forecast.z, series))
        if member.weight:
            both = partner_z + (1 - member.weight) * np.clip(z - partner_z, -limit, limit)
            ahead = replace(ahead, z=both, member_forecasts=(partner_z, z))
        if (intervals := member.intervals) is None:
            return ahead
        lower, upper = self.partner.intervals(partner_forecast, intervals, series)
        lower, upper = (np.stack([scaling.forward(bound) for bound in side]) for side in (lower, upper))
        below, above = np.maximum(ahead.z, partner_z) - lower, upper - np.minimum(ahead.z, partner_z)
        return replace(ahead, below=np.maximum(below, EPSILON), above=np.maximum(above, EPSILON))

    def _forecast(
        self, series: Ints, origins: Ints, horizon: int, weight: Floats | None
    ) -> tuple[Floats, Floats, Floats, Floats, Floats | None]:
        """The parts of a `ScaledForecast`, of the phases; [B] how much is exponential smoothing's."""
        head, networks = self.pipeline.head, self.pipeline.networks
        z, distances = multistep.forecast(networks, head, self.windows, series, origins, horizon)
        smooth = None if weight is None else self._smoothing_forecast(series, origins, horizon)
        if weight is not None and smooth is not None:
            z = (1 - weight[:, None]) * z + weight[:, None] * smooth
        if head.levels:
            below, above = (np.maximum(distance, EPSILON) for distance in distances)
        else:
            below = above = np.broadcast_to(self.recent_dispersion(series, origins)[:, None], (1, *z.shape))
        return z, below, above, np.broadcast_to(self._upper_cap(series, origins)[:, None], z.shape), smooth

    def _upper_cap(self, series: Ints, origins: Ints) -> Floats:
        """[B] where upper bounds end: in logs twice as far above the highest of the last steps as that above the mean.

        Logs turn the width that suits most series into a bound that says nothing of the most restless ones.
        """
        if self.scaling.transform != "log":
            return np.full(len(series), np.inf)
        headroom = self.windows.upper_cap(series, origins, dispersion_window(self.windows.spec))
        if self.scaling.untransformed is None:
            return headroom
        return np.where(self.scaling.untransformed[series // self.pipeline.phases.count], np.inf, headroom)

    def level_and_profile(self, series: Ints, origins: Ints, horizon: int) -> Floats:
        """[B, H] z that level and profile alone say."""
        phases = self.pipeline.phases
        return phases.interleave(
            self.windows.level_and_profile(*phases.origins(series, origins), phases.steps(horizon)), horizon
        )

    def smoothing_forecast(self, series: Ints, origins: Ints, horizon: int) -> Floats:
        """[B, H] z that exponential smoothing says."""
        phases = self.pipeline.phases
        return phases.interleave(
            self._smoothing_forecast(*phases.origins(series, origins), phases.steps(horizon)), horizon
        )

    def smoothing_weights(self, series: Ints, origins: Ints) -> Floats:
        """[B] how much of the forecasts from [B] series and origins is exponential smoothing's."""
        _, ends = self.pipeline.phases.origins(series, origins)
        weight = self.pipeline.smoothing_weight_of(ends[:: self.pipeline.phases.count] + 1)
        if not self.pipeline.adaptive_weights:
            return weight
        smooth, networks = self.recent_errors(series, origins)
        return ensemble.inverse_error_weight(smooth, networks, weight)

    def recent_errors(self, series: Ints, origins: Ints) -> tuple[Floats, Floats]:
        """How wrong smoothing [B] and networks [B] were over the last horizon: mean |z − f|; 1 where that is not known.

        Networks may have learnt what came there, but one that serves many series seldom knows any by heart.
        """
        pipeline, windows, phases = self.pipeline, self.windows, self.pipeline.phases
        every, ends = phases.origins(series, origins)
        steps, known = phases.steps(pipeline.horizon), max(3, 2 * windows.spec.season)
        selected = np.flatnonzero(ends + 1 >= steps + known)
        before = every[selected], ends[selected] - steps
        actual = windows.z[(windows.offsets[before[0]] + before[1])[:, None] + np.arange(1, steps + 1)]
        forecast, _ = multistep.forecast(pipeline.networks, pipeline.head, windows, *before, steps)
        smooth, networks = (np.ones(len(every)) for _ in range(2))
        smooth[selected] = np.abs(self._smoothing_forecast(*before, steps) - actual).mean(axis=1)
        networks[selected] = np.abs(forecast - actual).mean(axis=1)
        return phases.mean(smooth), phases.mean(networks)

    def _smoothing_forecast(self, series: Ints, origins: Ints, horizon: int) -> Floats:
        z, first, season = self.windows.z, self.windows.offsets[series], self.windows.spec.season
        trial = self.pipeline.phases.steps(self.pipeline.horizon)
        return ensemble.forecast(z, first, origins, horizon, season=season, trial=trial)

    def recent_dispersion(self, series: Ints, origins: Ints) -> Floats:
        """[B] how far the last steps of series, or phases, lay from what level and season said, in z; never quite 0.

        A series of which one value is known is taken to be as restless as series usually are: z is scaled to 1.
        """
        measured = self.windows.recent_mad(series, origins, dispersion_window(self.windows.spec))
        return np.where(origins > 0, np.maximum(measured, EPSILON), 1.0)

    def inverse_transform(self, z: Floats, series: Ints) -> Floats:
        """[B, …] z to values."""
        return self.scaling.take(series).inverse(z)

    def intervals(self, ahead: ScaledForecast, calibration: Calibration, series: Ints) -> tuple[Floats, Floats]:
        """The intervals of what was said of [B] series, as values: lower and upper, [Q, B, H] each."""
        growing = self.pipeline.partner is not None and self.pipeline.partner.intervals is not None
        lower, upper = calibration.bounds(ahead.z, ahead.below, ahead.above, growing=growing)
        further = np.maximum(ahead.z - ahead.z[:, : self.pipeline.horizon].max(axis=1, keepdims=True), 0)
        upper = np.minimum(upper, np.maximum(ahead.z, ahead.upper_cap + further))
        return self._inverse_transform_all(lower, series), self._inverse_transform_all(upper, series)

    def _inverse_transform_all(self, z: Floats, series: Ints) -> Floats:
        """[Q, B, …] z to values."""
        return np.stack([self.inverse_transform(level_z, series) for level_z in z]) if len(z) else z


def dispersion_window(shape: WindowSpec) -> int:
    """How many last steps say how restless a series is: three seasons, and not fewer than 30 nor more than 500."""
    return int(np.clip(3 * shape.season, 30, 500))
