"""Ensemble of forecasting methods: members that forecast on their own scales, and their weighted mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from lstmcast.calibration.conformal import Calibration
from lstmcast.calibration.error_growth import half_widths, lead_windows
from lstmcast.data.panel import Panel
from lstmcast.forecasting.ensemble.direct_member import DirectMember
from lstmcast.forecasting.ensemble.members import LstmMember, Member, MemberForecast, SmoothingMember, forecast_series
from lstmcast.forecasting.ensemble.past_forecasts import PastForecasts, past_forecasts, rescale
from lstmcast.forecasting.ensemble.scaled_forecast import ScaledForecast
from lstmcast.forecasting.ensemble.weights import EnsembleWeights, weighted_mean
from lstmcast.nn.numpy_lstm import Network
from lstmcast.preprocessing.panel_scaling import MIN_DISPERSION, BoundPanel, Preprocessing
from lstmcast.results import MemberName
from lstmcast.statistical import ensemble
from lstmcast.statistical.newest_value import damp_newest
from lstmcast.types import Floats, Ints


@dataclass(frozen=True)
class IntervalSource:
    """Members whose own calibrated intervals are the unit of the errors of the ensemble.

    Attributes:
        weights: of the members, for the forecast in the middle of these intervals.
        calibration: their widths.
    """

    weights: EnsembleWeights
    calibration: Calibration


@dataclass(frozen=True)
class Ensemble:
    """Members, and the rule that weights them.

    The members that share a preprocessing are averaged in its z. These averages are combined in z of the first
    preprocessing, whose own average may deviate from that of the others by at most `max_deviation`.

    Attributes:
        preprocessings: inputs of the members.
        members: the methods, those of the first preprocessing first.
        weights: of the members.
        interval_source: members that lend the widths of their intervals; None: the unit of errors is the distance to
            the quantiles of the first LSTM, or the recent dispersion of a series.
        max_deviation: [H] z; None: no limit.
    """

    preprocessings: tuple[Preprocessing, ...]
    members: tuple[Member, ...]
    weights: EnsembleWeights
    interval_source: IntervalSource | None = None
    max_deviation: Floats | None = None

    @classmethod
    def of_lstm(cls, preprocessing: Preprocessing, lstm: LstmMember, weights: EnsembleWeights | float) -> Ensemble:
        """One LSTM, and exponential smoothing where that has a weight.

        Args:
            preprocessing: of both.
            lstm: the networks.
            weights: of both, or the fixed weight of exponential smoothing.
        """
        if not isinstance(weights, EnsembleWeights):
            weights = EnsembleWeights((1 - weights, weights))
        if not weights.fixed[1]:
            return cls((preprocessing,), (lstm,), EnsembleWeights((1.0,)))
        return cls((preprocessing,), (lstm, SmoothingMember()), weights)

    @property
    def horizon(self) -> int:
        """H of training."""
        return self.preprocessings[0].horizon

    @property
    def lstm(self) -> LstmMember:
        """The first LSTM."""
        return next(member for member in self.members if isinstance(member, LstmMember))

    @property
    def required_history(self) -> int:
        """Past steps of a series that a forecast depends on."""
        return max(self._required_history(k) for k, _ in enumerate(self.members) if self.uses(k))

    def uses(self, k: int) -> bool:
        """Return True if member k contributes to forecasts or intervals."""
        return any(rule.uses(self.members, k) for rule in self.rules)

    def bind(self, panel: Panel) -> BoundEnsemble:
        """Scale and window a panel for all members."""
        return BoundEnsemble(self, tuple(preprocessing.bind(panel) for preprocessing in self.preprocessings))

    def refitted(self, panels: tuple[BoundPanel, ...], networks: Sequence[Network]) -> BoundEnsemble:
        """The ensemble with other networks in its first LSTM, and with other preprocessings, bound to their panel."""
        lstm, preprocessings = self.lstm, tuple(panel.preprocessing for panel in panels)
        members = tuple(
            replace(lstm, networks=tuple(networks)) if member is lstm else member for member in self.members
        )
        return BoundEnsemble(replace(self, preprocessings=preprocessings, members=members), panels)

    def deviation_limit(self, horizon: int) -> Floats:
        """[horizon] `max_deviation`; after H it grows as an interval does."""
        if self.max_deviation is None:
            return np.full(horizon, np.inf)
        return np.asarray(Calibration((), self.max_deviation[None]).widths_at(horizon)[0])

    @property
    def scored_members(self) -> tuple[int, ...]:
        """Indices of the members whose past forecasts are scored: all but the trained LSTM."""
        return tuple(
            k for k, member in enumerate(self.members) if member.name is not MemberName.TRAINED and self.uses(k)
        )

    @property
    def rules(self) -> tuple[EnsembleWeights, ...]:
        """The rules of the forecast and of the interval source."""
        return (self.weights, self.interval_source.weights) if self.interval_source else (self.weights,)

    def _required_history(self, k: int) -> int:
        member, preprocessing = self.members[k], self.preprocessings[self.members[k].preprocessing]
        history = ensemble.history_length(preprocessing.window_spec.season_length)
        if isinstance(member, DirectMember):
            return member.required_history(preprocessing)
        steps = preprocessing.required_history
        if not isinstance(member, LstmMember):
            steps = max(steps, history)
        rules = [rule for rule in self.rules if rule.uses(self.members, k)]
        polyphase = preprocessing.polyphase
        before = polyphase.steps(preprocessing.horizon) * any(rule.adaptive for rule in rules)
        return polyphase.count * (steps + max(before, history * any(rule.past_origins for rule in rules)))


@dataclass(frozen=True)
class BoundEnsemble:
    """An ensemble, and a panel that is scaled and windowed for each of its preprocessings."""

    ensemble: Ensemble
    panels: tuple[BoundPanel, ...]

    @property
    def networks(self) -> tuple[Network, ...]:
        """The networks of the first LSTM."""
        return self.ensemble.lstm.networks

    def forecast(self, series: Ints, origins: Ints, horizon: int) -> ScaledForecast:
        """Forecast, in z of the first preprocessing; unlikely newest values are damped.

        Args:
            series: [B] index of the series.
            origins: [B] last known step, counted from the first value of the series.
            horizon: steps ahead.
        """
        forecast, panel = self._forecast(series, origins, horizon), self.panels[0].panel
        damped = damp_newest(panel.values, panel.offsets[series], origins, panel.calendar.season)
        if not (rows := np.flatnonzero(damped.damped)).size:
            return forecast
        cut = panel.until(series[rows], origins[rows], damped.values[rows])
        bound, each = self.ensemble.bind(cut), np.arange(len(rows))
        likely = bound._forecast(each, cut.lengths - 1, horizon)
        values, z = bound.inverse_transform(likely.z, each), forecast.z.copy()
        z[rows] = self.panels[0].transform(values, series[rows])
        slopes = bound.panels[0].slope(likely.z, each), self.panels[0].slope(z[rows], series[rows])
        unit = np.divide(slopes[0], slopes[1], out=np.ones_like(values), where=slopes[1] > 0)
        below, above = np.array(forecast.below), np.array(forecast.above)
        below[:, rows], above[:, rows] = likely.below * unit, likely.above * unit
        return replace(forecast, z=z, below=below, above=above, undamped=forecast.z)

    def _forecast(self, series: Ints, origins: Ints, horizon: int) -> ScaledForecast:
        """Forecast from the values as they are."""
        steps = int(lead_windows(horizon)[-1]) if self._past_origins else horizon
        return self._forecast_steps(series, origins, steps).until(horizon)

    def _forecast_steps(self, series: Ints, origins: Ints, horizon: int) -> ScaledForecast:
        """Forecast `horizon` steps; a power of two where past errors count, so that a shorter forecast is a part."""
        ensemble, where = self.ensemble, (series, origins, horizon)
        members = {k: self._member(k, *where) for k, _ in enumerate(ensemble.members) if ensemble.uses(k)}
        past = self._past(*where)
        forecast = self._combine(ensemble.weights, 0, members, past, *where)
        if (source := ensemble.interval_source) is None:
            return forecast
        scale = self._source_scale
        if scale == 0 and source.weights == ensemble.weights:
            below, above = self._source_half_widths(source, forecast, past, *where)
            return replace(forecast, below=below, above=above)
        center = self._combine(source.weights, scale, members, past, *where)
        below, above = self._source_half_widths(source, center, past, *where)
        bounds = (self.panels[scale].inverse_transform(z, series) for z in (*(center.z - below), *(center.z + above)))
        lower, upper = np.split(np.stack([self.panels[0].transform(values, series) for values in bounds]), 2)
        middle = self._rescale(center.z, scale, 0, series)
        below, above = np.maximum(forecast.z, middle) - lower, upper - np.minimum(forecast.z, middle)
        return replace(forecast, below=np.maximum(below, 0.0), above=np.maximum(above, 0.0))

    def weights(self, series: Ints, origins: Ints) -> Floats:
        """[M, B, H] weights of the members at each lead; H = 1 where all leads have the same."""
        where = series, origins, self.ensemble.horizon
        return self._weights(self.ensemble.weights, self._past(*where), *where)

    def median_weights(self, series: Ints, origins: Ints) -> dict[MemberName, float]:
        """Median weight of each kind of member over B origins, averaged over the horizon."""
        weights = self.weights(series, origins).mean(axis=2)
        names = [member.name for member in self.ensemble.members]
        totals = {name: weights[[known is name for known in names]].sum(axis=0) for name in dict.fromkeys(names)}
        return {name: float(np.median(total)) for name, total in totals.items() if total.any()}

    @property
    def member_names(self) -> tuple[MemberName, ...]:
        """The kinds of members with a weight, and exponential smoothing."""
        members, weights = self.ensemble.members, self.ensemble.weights
        used = [member.name for k, member in enumerate(members) if weights.uses(members, k)]
        return tuple(dict.fromkeys([*used, MemberName.SMOOTHING]))

    def member_values(self, forecast: ScaledForecast, series: Ints, origins: Ints) -> dict[MemberName, Floats]:
        """[B, H] forecasts of each of `member_names` by itself, in the unit of the target."""
        found: dict[MemberName, Floats] = {}
        for k, member_forecast in forecast.members.items():
            member = self.ensemble.members[k]
            if self.ensemble.weights.uses(self.ensemble.members, k) and member.name not in found:
                found[member.name] = self.panels[member.preprocessing].inverse_transform(member_forecast.z, series)
        if MemberName.SMOOTHING not in found:
            z = forecast_series(SmoothingMember(), self.panels[0], series, origins, forecast.z.shape[1]).z
            found[MemberName.SMOOTHING] = self.inverse_transform(z, series)
        return found

    def inverse_transform(self, z: Floats, series: Ints) -> Floats:
        """[B, …] z of the first preprocessing to values."""
        return self.panels[0].inverse_transform(z, series)

    @property
    def _source_scale(self) -> int:
        """Index of the preprocessing in which past forecasts and the intervals of the source are computed."""
        ensemble = self.ensemble
        rule = ensemble.interval_source.weights if ensemble.interval_source else ensemble.weights
        lstms = (
            member
            for k, member in enumerate(ensemble.members)
            if rule.uses(ensemble.members, k) and isinstance(member, LstmMember)
        )
        named = sorted(lstms, key=lambda member: member.name is MemberName.TRAINED)
        return named[0].preprocessing

    @property
    def _past_origins(self) -> int:
        """The number of past origins of a series."""
        return max(rule.past_origins for rule in self.ensemble.rules)

    def _past(self, series: Ints, origins: Ints, horizon: int) -> PastForecasts | None:
        """Past forecasts of all members but the trained LSTM; None if no rule depends on them."""
        if not (count := self._past_origins) or not len(series):
            return None
        members = [self.ensemble.members[k] for k in self.ensemble.scored_members]
        return past_forecasts(members, self.panels, self._source_scale, series, origins, horizon, count)

    def _weights(
        self, rule: EnsembleWeights, past: PastForecasts | None, series: Ints, origins: Ints, horizon: int
    ) -> Floats:
        """[M, B, H] weights of the members at each lead; H = 1 where all leads have the same."""
        prior = rule.at(self.ensemble.members, self.panels, series, origins)
        if past is None or not rule.past_origins:
            return prior[..., None]
        scored = list(self.ensemble.scored_members)
        weights = np.repeat(prior[..., None], horizon, axis=2)
        weights[scored] = weights[scored].sum(axis=0) * past.weights(prior[scored], horizon)
        return weights

    def _source_half_widths(
        self,
        source: IntervalSource,
        center: ScaledForecast,
        past: PastForecasts | None,
        series: Ints,
        origins: Ints,
        horizon: int,
    ) -> tuple[Floats, Floats]:
        """Half-widths below and above the forecast of an interval source, [Q, B, H] each, in its z."""
        lower, upper = source.calibration.bounds(center.z, center.below, center.above)
        below, above = center.z - lower, upper - center.z
        if past is None:
            return below, above
        weights = self._weights(source.weights, past, series, origins, horizon)[list(self.ensemble.scored_members)]
        return half_widths(past.errors(weights), below, above, source.calibration.levels)

    def _member(self, k: int, series: Ints, origins: Ints, horizon: int) -> MemberForecast:
        """Forecast of member k, of whole series."""
        member = self.ensemble.members[k]
        return forecast_series(member, self.panels[member.preprocessing], series, origins, horizon)

    def _combine(
        self,
        rule: EnsembleWeights,
        scale: int,
        members: Mapping[int, MemberForecast],
        past: PastForecasts | None,
        series: Ints,
        origins: Ints,
        horizon: int,
    ) -> ScaledForecast:
        """Weighted mean of members, in z of preprocessing `scale`."""
        weights = self._weights(rule, past, series, origins, horizon)
        indices = {k: self.ensemble.members[k].preprocessing for k in members if rule.uses(self.ensemble.members, k)}
        totals, parts = [], []
        for index in sorted(set(indices.values())):
            used = [k for k in indices if indices[k] == index]
            totals.append(weights[used].sum(axis=0))
            mean = weighted_mean([members[k].z for k in used], weights[used])
            parts.append(self._rescale(mean, index, scale, series))
        below, above = self._units(scale, members, series, origins, horizon)
        first, *rest = parts
        if not rest:
            return ScaledForecast(first, below, above, members=members)
        middle = weighted_mean(rest, np.stack(totals[1:]))
        limit = self.ensemble.deviation_limit(horizon) if 0 in indices.values() else np.inf
        z = middle + totals[0] * np.clip(first - middle, -limit, limit)
        return ScaledForecast(z, below, above, first - middle, members)

    def _rescale(self, z: Floats, index: int, scale: int, series: Ints) -> Floats:
        """[B, H] z of one preprocessing to z of another."""
        return rescale(z, self.panels[index], self.panels[scale], series)

    def _units(
        self, scale: int, members: Mapping[int, MemberForecast], series: Ints, origins: Ints, horizon: int
    ) -> tuple[Floats, Floats]:
        """Units of the errors below and above the forecasts of one preprocessing, as in `ScaledForecast`."""
        for k, forecast in members.items():
            below, above = forecast.below, forecast.above
            if self.ensemble.members[k].preprocessing == scale and below is not None and above is not None:
                return np.maximum(below, MIN_DISPERSION), np.maximum(above, MIN_DISPERSION)
        dispersion = self.panels[scale].recent_dispersion(series, origins, horizon)[None]
        return dispersion, dispersion
