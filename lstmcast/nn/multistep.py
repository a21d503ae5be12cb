"""Multistep forecasts: one pass over the context, then recursion on the forecasts, or a direct forecast of H steps.

Each step has its own level, so that the state (h, c) is carried on: O(L + H) steps, not O(L · H).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lstmcast.nn import numpy_lstm
from lstmcast.nn.heads import QuantileHead
from lstmcast.nn.numpy_lstm import Network
from lstmcast.preprocessing.windows import WindowDataset
from lstmcast.types import Array, Bools, Floats, Ints

CHUNK_SIZE = 1 << 22  # numbers per array (inputs or gates): 16 MB

Distances = tuple[Floats, Floats]


def forecast(
    networks: Sequence[Network],
    head: QuantileHead,
    windows: WindowDataset,
    series: Ints,
    origins: Ints,
    horizon: int,
    *,
    mirrored: Bools | None = None,
) -> tuple[Floats, Distances]:
    """Forecast from any number of origins.

    Args:
        networks: the weights; forecasts of several networks are averaged.
        head: a head of one step is run recursively, one of H steps directly, and again after H steps.
        windows: the series, in z.
        series: [B] index of the series.
        origins: [B] last known step, from the first value of the series.
        horizon: number of steps ahead.
        mirrored: [B] average the direct forecast with the mirrored one of the mirrored series; None: nowhere.

    Returns:
        z [B, horizon], and the distances to the lower and upper quantiles, [Q, B, horizon] each. Distances beyond the
        steps of the head repeat the last one.
    """
    shape = windows.spec
    widest = max(windows.features, *(4 * layer.units for network in networks for layer in network.layers))
    rows = max(1, CHUNK_SIZE // max(shape.context * widest, horizon * max(1, shape.profile_seasons)))
    mirrored = np.zeros(len(series), dtype=np.bool_) if mirrored is None else mirrored
    each = [slice(k, k + rows) for k in range(0, len(series), rows)]
    parts = [
        _ensemble_mean(networks, head, _OriginBatch(windows, series[k], origins[k], horizon, mirrored[k])) for k in each
    ]
    if not parts:
        return np.empty((0, horizon)), (np.empty((len(head.levels), 0, horizon)),) * 2
    below, above = (np.concatenate([part[1][side] for part in parts], axis=1) for side in (0, 1))
    return np.concatenate([part[0] for part in parts]), (below, above)


@dataclass(frozen=True)
class _OriginBatch:
    """B origins, with the inputs of the networks gathered once."""

    windows: WindowDataset
    series: Ints
    origins: Ints
    horizon: int
    mirrored: Bools

    @cached_property
    def past(self) -> _RecursionState:
        """Known values that the recursion uses."""
        return _RecursionState.of(self.windows, self.series, self.origins, self.horizon)

    @cached_property
    def x(self) -> Array:
        """[B, L, F] contexts."""
        context = self.windows.spec.context
        return self.windows.inputs(self.series, self.origins - context + 1, context)

    def extended(self, z: Floats) -> _OriginBatch:
        """Origins after [B, H] further values of z."""
        extended = self.windows.extended(self.series, self.origins, z)
        return _OriginBatch(extended, np.arange(len(z)), np.diff(extended.offsets) - 1, self.horizon, self.mirrored)


def _ensemble_mean(networks: Sequence[Network], head: QuantileHead, batch: _OriginBatch) -> tuple[Floats, Distances]:
    """Average the forecasts of the networks."""
    method = _recursive if head.outputs == 1 else _direct
    by_network = [method(network, head, batch) for network in networks]
    below, above = (np.mean([output[1][side] for output in by_network], axis=0) for side in (0, 1))
    return np.mean([output[0] for output in by_network], axis=0), (below, above)


def _direct(network: Network, head: QuantileHead, batch: _OriginBatch) -> tuple[Floats, Distances]:
    """Forecast directly; beyond the steps of the head, repeat with the forecasts as known values."""
    z, gaps = _direct_step(network, head, batch)
    while z.shape[1] < batch.horizon:
        z = np.hstack([z, _direct_step(network, head, batch.extended(z))[0]])
    steps = np.minimum(np.arange(batch.horizon), head.steps - 1)
    return z[:, : batch.horizon], (gaps[0][..., steps], gaps[1][..., steps])


def _direct_step(network: Network, head: QuantileHead, batch: _OriginBatch) -> tuple[Floats, Distances]:
    """Forecast the steps of the head: outputs plus level and profile."""
    values, below, above = _outputs(network, head, batch.x)
    if (rows := np.flatnonzero(batch.mirrored)).size:
        other, other_below, other_above = _outputs(network, head, -batch.x[rows])
        values[rows] = (values[rows] - other) / 2
        below[:, rows], above[:, rows] = (below[:, rows] + other_above) / 2, (above[:, rows] + other_below) / 2
    return batch.windows.level_and_profile(batch.series, batch.origins, head.steps) + values, (below, above)


def _outputs(network: Network, head: QuantileHead, x: Array) -> tuple[Floats, Floats, Floats]:
    """Outputs [B, H] after the contexts x [B, L, F], and the distances to their quantiles, [Q, B, H] each."""
    last = numpy_lstm.run_last(network, x, numpy_lstm.zero_state(network, len(x)))
    return head.decode(numpy_lstm.dense(network, last, x[:, -1]))


def _recursive(network: Network, head: QuantileHead, batch: _OriginBatch) -> tuple[Floats, Distances]:
    """Forecast recursively from the state after the context."""
    state = numpy_lstm.zero_state(network, len(batch.x))
    output = numpy_lstm.dense(network, numpy_lstm.run_last(network, batch.x, state), batch.x[:, -1])  # [B, 1]
    z = _roll_out(network, batch.past, state, output)
    return z, (np.empty((len(head.levels), *z.shape)),) * 2


@dataclass(frozen=True)
class _RecursionState:
    """Known values that the recursion uses.

    Attributes:
        z: [B, level] the last values; 0 before the series.
        y: [B, F] the last deseasonalized values; 0 before the series.
        ages: [B] number of known steps.
        level: [B] m at the origin.
        drivers: [B, H, F'] inputs of the steps ahead, other than past values.
        r: [B, H, K] z_t − m_{t-1} at the phase of each future step, 1 … K seasons before; 0 where not valid.
        is_valid: [B, H, K] false after the origin and where the level has too little history.
        season: steps in a season.
    """

    z: Floats
    y: Floats
    ages: Ints
    level: Floats
    drivers: Array
    r: Floats
    is_valid: Bools
    season: int

    @classmethod
    def of(cls, windows: WindowDataset, series: Ints, origins: Ints, horizon: int) -> _RecursionState:
        """Gather the values of B origins."""
        shape, first = windows.spec, windows.offsets[series]
        back = shape.season_length * np.arange(1, shape.profile_seasons + 1)
        steps = origins[:, None, None] + np.arange(1, horizon + 1)[:, None] - back  # [B, H, K] steps of the series
        is_valid = (steps <= origins[:, None, None]) & (steps >= shape.level_window)
        position = first[:, None, None] + np.where(is_valid, steps, 1)
        r = np.where(is_valid, windows.z[position % len(windows.z)] - windows.level[position - 1], 0.0)
        z, y = _last(windows.z, first, origins, shape.level_window), _last(windows.y, first, origins, shape.lags)
        drivers = _drivers_ahead(windows, series, origins, horizon)
        return cls(z, y, origins + 1, windows.level[first + origins], drivers, r, is_valid, shape.season_length)


def _drivers_ahead(windows: WindowDataset, series: Ints, origins: Ints, horizon: int) -> Array:
    """[B, H, F'] inputs of the H steps after each origin, other than past values, as known at the origin."""
    if windows.drivers is None:
        return np.empty((len(series), horizon, 0), dtype=np.float32)
    drivers = windows.drivers.take(series, origins + 1, origins)
    return drivers.at(np.arange(len(series)), np.zeros(len(series), dtype=np.int64), horizon)


def _last(values: Floats, first: Ints, origins: Ints, count: int) -> Floats:
    """[B, count] last values up to each origin; 0 before the series."""
    steps = origins[:, None] + np.arange(1 - count, 1)
    return np.where(steps >= 0, values[first[:, None] + np.maximum(steps, 0)], 0.0)


def _roll_out(network: Network, past: _RecursionState, state: numpy_lstm.State, output: Array) -> Floats:
    """Forecast z [B, H], feeding each forecast back as the next value."""
    n, horizon, seasons = past.r.shape
    z, y = (np.concatenate([known, np.empty((n, horizon))], axis=1) for known in (past.z, past.y))
    steps, lags = past.z.shape[1], past.y.shape[1]
    r, level = np.empty((n, horizon)), past.level
    for t in range(horizon):
        y[:, lags + t] = level + output[:, 0]
        forecast_phases = np.arange(t - past.season, -1, -past.season)[:seasons]
        is_valid = past.ages[:, None] + forecast_phases >= steps
        total = past.r[:, t].sum(axis=1) + np.where(is_valid, r[:, forecast_phases], 0.0).sum(axis=1)
        profile = total / np.maximum(past.is_valid[:, t].sum(axis=1) + is_valid.sum(axis=1), 1)
        z[:, steps + t] = y[:, lags + t] + profile
        r[:, t] = z[:, steps + t] - level
        ages = past.ages + t + 1
        level = z[:, t + 1 : t + 1 + steps].sum(axis=1) / np.minimum(ages, steps)
        inside = np.arange(lags, 0, -1) <= ages[:, None]
        x = np.where(inside, y[:, t + 1 : t + 1 + lags] - level[:, None], 0.0)
        x = np.concatenate([x, past.drivers[:, t]], axis=1, dtype=np.float32)
        output = numpy_lstm.step(network, x, state)
    return z[:, steps:]
