"""Explanation of a forecast: attributions to past values, memory of the network, and its gates.

All of the forecast is explained: every member of the ensemble with its weight, recursion or direct head, level and
profile, and the inverse of the scaling. The weights of the members, those inside exponential smoothing (see
`smoothing_gradient`) and the scales are held constant.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from lstmcast.data.panel import Panel
from lstmcast.errors import UsageError
from lstmcast.explain import attribution
from lstmcast.explain.attribution import UnitCorrelation, dominant_harmonic, unit_correlations
from lstmcast.explain.driver_effects import DriverEffects, effects_of
from lstmcast.explain.explained_past import FIRST_SERIES, ExplainedPast
from lstmcast.explain.integrated_gradients import PathForecast, integrated, member_attributions
from lstmcast.forecasting.forecaster import Forecaster
from lstmcast.forecasts import Forecast
from lstmcast.nn.backprop import trace
from lstmcast.nn.numpy_lstm import Network
from lstmcast.preprocessing.panel_scaling import NO_SPLIT, BoundPanel
from lstmcast.preprocessing.scaling import trailing_means
from lstmcast.results import MemberName
from lstmcast.types import Floats, Ints

SIGNALS = ("level", "season", "last change")


@dataclass(frozen=True)
class NetworkInternals:
    """Gates and cell states of the first network over its context: the last L steps; U units of all layers.

    Attributes:
        forget, input, output: [L, U] the gates, 0 to 1.
        cell: [L, U] the cell states.
        unit_correlations: [U] signal that each unit follows.
        half_lives: [U] half-lives of the cell states, in steps.
        memory: [L] gradient of the forecast by the input at each step; the largest is 1.
    """

    forget: Floats
    input: Floats
    output: Floats
    cell: Floats
    unit_correlations: tuple[UnitCorrelation, ...]
    half_lives: Floats
    memory: Floats


@dataclass(frozen=True)
class Explanation:
    """Explanation of one forecast, in the unit of the target; T past values, oldest first.

    Attributes:
        forecast: of the one series.
        positions: [T] calendar positions of the past values.
        values: [T] past values.
        expected: [T] expected past: the mean of each seasonal phase.
        reference: [H] forecast from the expected past.
        attribution: [H, T] contribution of each value to each step; the sum over T is forecast − reference.
        error: completeness error (see `completeness_error`).
        effect: [T] mean change of the forecast for a change of a value by one unit of z.
        season: steps in a season.
        internals: the gates.
        networks: number of averaged networks.
        explained_member: the LSTM whose gates are shown.
        weights: of the members in the forecast.
        drivers: parts of the forecast.
    """

    forecast: Forecast
    positions: Ints
    values: Floats
    expected: Floats
    reference: Floats
    attribution: Floats
    error: float
    effect: Floats
    season: int
    internals: NetworkInternals
    networks: int
    explained_member: MemberName
    weights: Mapping[MemberName, float]
    drivers: DriverEffects

    @property
    def importance(self) -> Floats:
        """[T] mean of |attribution| over the steps ahead."""
        return np.asarray(np.abs(self.attribution).mean(axis=0), dtype=np.float64)


def explain(forecaster: Forecaster, panel: Panel, series: int = 0, origin: int | None = None) -> Explanation:
    """Explain the forecast of one series.

    Args:
        forecaster: the model.
        panel: the data.
        series: index of the series.
        origin: last known step, counted from the first value of the series; None: its last one.

    Raises:
        UsageError: the origin is no step of the series, or its first one; or a member forecasts polyphase components.
        ModelError: the forecast overflows.
        DataError: the panel is not one that the model can forecast (see `Forecaster.predict`).
    """
    ensemble = forecaster.ensemble
    used = {m.preprocessing for k, m in enumerate(ensemble.members) if ensemble.weights.uses(ensemble.members, k)}
    if any(ensemble.preprocessings[k].polyphase != NO_SPLIT for k in used):
        raise UsageError(
            f"steps of {panel.calendar.label} are forecast apart from each other by pretrained networks, and cannot be "
            "explained together: use --drivers for level, season and covariates, or train with train.init: scratch"
        )
    read = ExplainedPast.of(forecaster, panel, series, origin)
    forecast, past, bound = read.forecast, read.past, read.bound
    parts = member_attributions(bound, read.weights, forecast.horizon)
    own, lstm = parts[0].bound, ensemble.lstm
    baseline = attribution.baseline_input(own.windows.z, own.windows.spec.season_length)
    attributions, reference, error = integrated(
        parts, [part.transform(own.inverse_transform(baseline[None], FIRST_SERIES)[0]) for part in parts]
    )
    now = PathForecast.of(parts, [part.bound.windows.z[None] for part in parts])
    local, memory = now.gradient(np.ones(1))
    effect = sum(gradient * part.relative_scale(own) for part, gradient in zip(parts, local, strict=True))
    return Explanation(
        forecast=forecast,
        positions=past.starts[0] + np.arange(len(baseline)),
        values=past.values,
        expected=own.inverse_transform(baseline[None], FIRST_SERIES)[0],
        reference=reference,
        attribution=attributions,
        error=error,
        effect=np.where(
            read.damped & (np.arange(len(baseline)) == len(baseline) - 1), 0.0, np.abs(effect).mean(axis=0)
        ),
        season=own.windows.spec.season_length,
        internals=_inside(own, lstm.networks[0], memory.mean(axis=0)),
        networks=len(lstm.networks),
        explained_member=lstm.name,
        weights=bound.median_weights(FIRST_SERIES, past.lengths - 1),
        drivers=effects_of(read),
    )


def _inside(bound: BoundPanel, network: Network, memory: Floats) -> NetworkInternals:
    """Trace the gates of a network over the known steps of its context."""
    windows, z, shape = bound.windows, bound.windows.z, bound.windows.spec
    steps = min(shape.context, len(z))
    x = windows.inputs(np.zeros(1, np.int64), np.array([len(z) - shape.context]), shape.context)
    layers = trace(network, x)
    forget, entering, output, cell = (
        np.concatenate([getattr(layer, name)[0, -steps:] for layer in layers], axis=1).astype(np.float64)
        for name in "fioc"
    )
    return NetworkInternals(
        forget=forget,
        input=entering,
        output=output,
        cell=cell,
        unit_correlations=unit_correlations(
            cell, {name: signal[-steps:] for name, signal in _signals(z, shape.season_length).items()}
        ),
        half_lives=attribution.half_life(forget),
        memory=memory[-steps:] / max(memory[-steps:].max(), 1e-300),
    )


def _signals(z: Floats, season: int) -> dict[str, Floats]:
    """Signals that a unit may follow, [T, k] each: mean of the last season (or five values), season, last change."""
    offsets = np.array([0, len(z)])
    level = trailing_means(z, offsets, season if season > 1 else 5)[:, None]
    signals = {"level": level, "last change": np.diff(z, prepend=z[0])[:, None]}
    return signals | ({"season": dominant_harmonic(z, season)} if 1 < season <= len(z) // 2 else {})
