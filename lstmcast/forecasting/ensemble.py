"""Ensemble of forecasting methods: members that forecast on their own scales, and their weighted mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np

from lstmcast.calibration.conformal import Calibration
from lstmcast.data.panel import Panel
from lstmcast.forecasting.ensemble_weights import EnsembleWeights, Member, MemberForecast
from lstmcast.nn import multistep
from lstmcast.nn.heads import QuantileHead
from lstmcast.nn.numpy_lstm import Network
from lstmcast.preprocessing.panel_scaling import MIN_DISPERSION, BoundPanel, Preprocessing
from lstmcast.results import MemberName
from lstmcast.statistical import ensemble
from lstmcast.types import Floats, Ints


@dataclass(frozen=True)
class LstmMember:
    """LSTM networks of one architecture, averaged in z.

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

    def forecast(self, bound: BoundPanel, series: Ints, origins: Ints, horizon: int) -> MemberForecast:
        """Forecast [B, H] z, and the distances to the quantiles of the head."""
        z, (below, above) = multistep.forecast(self.networks, self.head, bound.windows, series, origins, horizon)
        return MemberForecast(z, below, above) if self.head.levels else MemberForecast(z)


@dataclass(frozen=True)
class SmoothingMember:
    """Exponential smoothing in z.

    Attributes:
        preprocessing: index of the preprocessing.
    """

    preprocessing: int = 0
    name: ClassVar[MemberName] = MemberName.SMOOTHING

    def forecast(self, bound: BoundPanel, series: Ints, origins: Ints, horizon: int) -> MemberForecast:
        """Forecast [B, H] z."""
        windows, trial = bound.windows, bound.trial_steps
        first, season = windows.offsets[series], windows.spec.season_length
        return MemberForecast(ensemble.forecast(windows.z, first, origins, horizon, season=season, trial=trial))


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
class ScaledForecast:
    """Forecasts from B origins, in z of one preprocessing.

    Attributes:
        z: [B, H].
        below: [Q, B, H], or [1, B, H] for all levels: unit of the errors below the forecast; positive.
        above: unit of the errors above the forecast.
        upper_cap: [B, H] limit of upper bounds, unless the forecast itself is higher.
        parts: [B, H] forecasts of the members of each preprocessing.
        members: forecasts of the members, by index, in z of their own preprocessing.
    """

    z: Floats
    below: Floats
    above: Floats
    upper_cap: Floats | float = np.inf
    parts: tuple[Floats, ...] = ()
    members: Mapping[int, MemberForecast] = field(default_factory=dict)

    def errors(self, actual: Floats) -> Floats:
        """|actual − forecast| of [B, H] actual z, in the unit of their side, like `below`; NaN where that is tiny."""
        error = actual - self.z
        scale = np.where(error < 0, self.below, self.above)
        return np.where(scale > MIN_DISPERSION, np.abs(error) / scale, np.nan)


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
        return any(rule.uses(self.members, k) for rule in self._rules)

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
    def _rules(self) -> tuple[EnsembleWeights, ...]:
        return (self.weights, self.interval_source.weights) if self.interval_source else (self.weights,)

    def _required_history(self, k: int) -> int:
        member, preprocessing = self.members[k], self.preprocessings[self.members[k].preprocessing]
        steps = preprocessing.required_history
        if member.name is MemberName.SMOOTHING:
            steps = max(steps, ensemble.history_length(preprocessing.window_spec.season_length))
        adaptive = any(rule.adaptive and rule.uses(self.members, k) for rule in self._rules)
        polyphase = preprocessing.polyphase
        return polyphase.count * (steps + polyphase.steps(preprocessing.horizon) * adaptive)


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
        """Forecast, in z of the first preprocessing.

        Args:
            series: [B] index of the series.
            origins: [B] last known step, counted from the first value of the series.
            horizon: steps ahead.
        """
        ensemble, where = self.ensemble, (series, origins, horizon)
        members = {k: self._member(k, *where) for k, _ in enumerate(ensemble.members) if ensemble.uses(k)}
        forecast = self._combine(ensemble.weights, 0, members, *where)
        if (source := ensemble.interval_source) is None:
            return forecast
        first = next(k for k in members if source.weights.uses(ensemble.members, k))
        scale = ensemble.members[first].preprocessing
        center = self._combine(source.weights, scale, members, *where)
        bounds = _intervals(self.panels[scale], center, source.calibration, series, growing=False)
        middle = self._rescale(center.z, scale, 0, series)
        lower, upper = (np.stack([self.panels[0].transform(level, series) for level in side]) for side in bounds)
        below, above = np.maximum(forecast.z, middle) - lower, upper - np.minimum(forecast.z, middle)
        return replace(forecast, below=np.maximum(below, MIN_DISPERSION), above=np.maximum(above, MIN_DISPERSION))

    def weights(self, series: Ints, origins: Ints) -> Floats:
        """[M, B] weights of the members."""
        return self.ensemble.weights.at(self.ensemble.members, self.panels, series, origins)

    def median_weights(self, series: Ints, origins: Ints) -> dict[MemberName, float]:
        """Median weight of each kind of member over B origins."""
        weights = self.weights(series, origins)
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

    def intervals(self, forecast: ScaledForecast, calibration: Calibration, series: Ints) -> tuple[Floats, Floats]:
        """Lower and upper bounds, [Q, B, H] each, in the unit of the target."""
        growing = self.ensemble.interval_source is not None
        return _intervals(self.panels[0], forecast, calibration, series, growing=growing)

    def _member(self, k: int, series: Ints, origins: Ints, horizon: int) -> MemberForecast:
        """Forecast of member k, of whole series."""
        member = self.ensemble.members[k]
        return forecast_series(member, self.panels[member.preprocessing], series, origins, horizon)

    def _combine(
        self,
        rule: EnsembleWeights,
        scale: int,
        members: Mapping[int, MemberForecast],
        series: Ints,
        origins: Ints,
        horizon: int,
    ) -> ScaledForecast:
        """Weighted mean of members, in z of preprocessing `scale`."""
        weights = rule.at(self.ensemble.members, self.panels, series, origins)
        indices = {k: self.ensemble.members[k].preprocessing for k in members if rule.uses(self.ensemble.members, k)}
        totals, parts = [], []
        for index in sorted(set(indices.values())):
            used = [k for k in indices if indices[k] == index]
            totals.append(weights[used].sum(axis=0)[:, None])
            parts.append(self._rescale(_mean([members[k].z for k in used], weights[used]), index, scale, series))
        below, above = self._units(scale, members, series, origins, horizon)
        cap = self.panels[scale].upper_cap(series, origins, horizon)
        z = _limited_mean(parts, totals, self.ensemble.deviation_limit(horizon))
        return ScaledForecast(z, below, above, cap, tuple(parts), members)

    def _rescale(self, z: Floats, index: int, scale: int, series: Ints) -> Floats:
        """[B, H] z of one preprocessing to z of another."""
        if index == scale:
            return z
        return self.panels[scale].transform(self.panels[index].inverse_transform(z, series), series)

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


def forecast_series(member: Member, bound: BoundPanel, series: Ints, origins: Ints, horizon: int) -> MemberForecast:
    """Forecast whole series by one member: its forecasts of the coarser series, interleaved."""
    polyphase = bound.preprocessing.polyphase
    forecast = member.forecast(bound, *polyphase.origins(series, origins), polyphase.steps(horizon))
    z, below, above = forecast.z, forecast.below, forecast.above
    if below is None or above is None:
        return MemberForecast(polyphase.interleave(z, horizon))
    return MemberForecast(*(polyphase.interleave(array, horizon) for array in (z, below, above)))


def _mean(z: Sequence[Floats], weights: Floats) -> Floats:
    """Mean of [B, H] forecasts with [M, B] weights."""
    if len(z) == 1:
        return z[0]
    total: Floats = sum(weight[:, None] * part for weight, part in zip(weights, z, strict=True))
    return np.asarray(total / weights.sum(axis=0)[:, None])


def _limited_mean(parts: Sequence[Floats], weights: Sequence[Floats], limit: Floats) -> Floats:
    """Mean of [B, H] forecasts with [B, 1] weights; the first deviates from the others by at most [H] `limit`."""
    first, *rest = parts
    if not rest:
        return first
    middle = _mean(rest, np.stack(weights[1:])[..., 0])
    return middle + weights[0] * np.clip(first - middle, -limit, limit)


def _intervals(
    bound: BoundPanel, forecast: ScaledForecast, calibration: Calibration, series: Ints, *, growing: bool
) -> tuple[Floats, Floats]:
    """Lower and upper bounds, [Q, B, H] each, in the unit of the target.

    After the horizon of training, the limit of the upper bounds rises as far as the forecast does.
    """
    lower, upper = calibration.bounds(forecast.z, forecast.below, forecast.above, growing=growing)
    within = forecast.z[:, : bound.preprocessing.horizon]
    rise = np.maximum(forecast.z - within.max(axis=1, keepdims=True), 0)
    upper = np.minimum(upper, np.maximum(forecast.z, forecast.upper_cap + rise))
    sides = ([bound.inverse_transform(level, series) for level in side] for side in (lower, upper))
    first, second = (np.stack(side) if side else lower for side in sides)
    return first, second
