"""The recurrence run on past the data: one pass over the context, then H steps fed with their own forecasts.

Each step brings its own level, so the state (h, c) is simply carried on: O(L + H) steps, not O(L · H).
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

CHUNK_SIZE = 1 << 22  # numbers of one kind held at once (inputs, or gates): 16 MB, whatever the number of series

Distances = tuple[Floats, Floats]


def forecast(
    networks: Sequence[Network], head: QuantileHead, windows: WindowDataset, series: Ints, origins: Ints, horizon: int
) -> tuple[Floats, Distances]:
    """Forecast from any number of origins at once.

    Args:
        networks: the weights; where there are several, what they say is averaged.
        head: what one says at each step: one value, and it is run on; or H, and it is asked again after them.
        windows: the series, in z.
        series: [B] which series.
        origins: [B] its last known step, counted from its first value.
        horizon: steps ahead.

    Returns:
        [B, horizon] z, and how far below and above its quantiles lie, [Q, B, horizon] each: none where the head says
        none; after the head's steps those of the last one.
    """
    shape = windows.spec
    widest = max(shape.lags, *(4 * layer.units for network in networks for layer in network.layers))
    at_once = max(1, CHUNK_SIZE // max(shape.context * widest, horizon * max(1, shape.seasons)))
    parts = [
        _ensemble_mean(
            networks, head, _OriginBatch(windows, series[k : k + at_once], origins[k : k + at_once], horizon)
        )
        for k in range(0, len(series), at_once)
    ]
    if not parts:
        return np.empty((0, horizon)), (np.empty((len(head.levels), 0, horizon)),) * 2
    below, above = (np.concatenate([part[1][side] for part in parts], axis=1) for side in (0, 1))
    return np.concatenate([part[0] for part in parts]), (below, above)


@dataclass(frozen=True)
class _OriginBatch:
    """What is known at B origins: arguments of `forecast`, and what networks read, gathered once for all of them."""

    windows: WindowDataset
    series: Ints
    origins: Ints
    horizon: int

    @cached_property
    def past(self) -> _RecursionState:
        """What the recursion looks back at."""
        return _RecursionState.of(self.windows, self.series, self.origins, self.horizon)

    @cached_property
    def x(self) -> Array:
        """[B, L, F] the context."""
        context = self.windows.spec.context
        return self.windows.inputs(self.series, self.origins - context + 1, context)

    def extended(self, z: Floats) -> _OriginBatch:
        """The ends of the same series, had [B, H] z come after these."""
        further = self.windows.extended(self.series, self.origins, z)
        return _OriginBatch(further, np.arange(len(z)), np.diff(further.offsets) - 1, self.horizon)


def _ensemble_mean(networks: Sequence[Network], head: QuantileHead, ends: _OriginBatch) -> tuple[Floats, Distances]:
    """The mean of what the networks say."""
    ask = _recursive if head.outputs == 1 else _direct
    by_network = [ask(network, head, ends) for network in networks]
    below, above = (np.mean([output[1][side] for output in by_network], axis=0) for side in (0, 1))
    return np.mean([output[0] for output in by_network], axis=0), (below, above)


def _direct(network: Network, head: QuantileHead, ends: _OriginBatch) -> tuple[Floats, Distances]:
    """Ask for all steps at once; for more than the head says, ask again with its own values as the past."""
    z, gaps = _direct_step(network, head, ends)
    while z.shape[1] < ends.horizon:
        z = np.hstack([z, _direct_step(network, head, ends.extended(z))[0]])
    steps = np.minimum(np.arange(ends.horizon), head.steps - 1)
    return z[:, : ends.horizon], (gaps[0][..., steps], gaps[1][..., steps])


def _direct_step(network: Network, head: QuantileHead, ends: _OriginBatch) -> tuple[Floats, Distances]:
    """What the network says of its H steps, on top of level and profile."""
    last = numpy_lstm.run_last(network, ends.x, numpy_lstm.zero_state(network, len(ends.x)))
    values, below, above = head.decode(numpy_lstm.dense(network, last, ends.x[:, -1]))
    return ends.windows.level_and_profile(ends.series, ends.origins, head.steps) + values, (below, above)


def _recursive(network: Network, head: QuantileHead, ends: _OriginBatch) -> tuple[Floats, Distances]:
    """Run it on from the state that it has after the context."""
    state = numpy_lstm.zero_state(network, len(ends.x))
    output = numpy_lstm.dense(network, numpy_lstm.run_last(network, ends.x, state), ends.x[:, -1])  # [B, 1]
    z = _roll_out(network, ends.past, state, output)
    return z, (np.empty((len(head.levels), *z.shape)),) * 2


@dataclass(frozen=True)
class _RecursionState:
    """What the recursion looks back at.

    Attributes:
        z: [B, level] the last values, and y: [B, F] the last without their season; 0 before the series.
        ages: [B] how many steps of the series are known.
        level: [B] m at the origin.
        r: [B, H, K] z_t − m_{t-1} of each coming step's phase 1 … K seasons ago, and ripe: whether it may be counted; 0
            where it may not: after the origin, or where the level before it was not whole.
        season: steps in a season.
    """

    z: Floats
    y: Floats
    ages: Ints
    level: Floats
    r: Floats
    is_valid: Bools
    season: int

    @classmethod
    def of(cls, windows: WindowDataset, series: Ints, origins: Ints, horizon: int) -> _RecursionState:
        """Gather it."""
        shape, first = windows.spec, windows.offsets[series]
        back = shape.season * np.arange(1, shape.seasons + 1)
        steps = origins[:, None, None] + np.arange(1, horizon + 1)[:, None] - back  # [B, H, K] steps of the series
        is_valid = (steps <= origins[:, None, None]) & (steps >= shape.level)
        at = first[:, None, None] + np.where(is_valid, steps, 1)
        r = np.where(is_valid, windows.z[at % len(windows.z)] - windows.level[at - 1], 0.0)
        z, y = (
            _last(values, first, origins, count)
            for values, count in ((windows.z, shape.level), (windows.y, shape.lags))
        )
        level = windows.level[first + origins]
        return cls(z, y, origins + 1, level, r, is_valid, shape.season)


def _last(values: Floats, first: Ints, origins: Ints, count: int) -> Floats:
    """[B, count] the last values up to each origin; 0 before the series."""
    steps = origins[:, None] + np.arange(1 - count, 1)
    return np.where(steps >= 0, values[first[:, None] + np.maximum(steps, 0)], 0.0)


def _roll_out(network: Network, past: _RecursionState, state: numpy_lstm.State, output: Array) -> Floats:
    """Feed each forecast back as the next value. Returns [B, H] z."""
    n, horizon, seasons = past.r.shape
    z, y = (np.concatenate([known, np.empty((n, horizon))], axis=1) for known in (past.z, past.y))
    steps, lags = past.z.shape[1], past.y.shape[1]
    r, level = np.empty((n, horizon)), past.level
    for t in range(horizon):
        y[:, lags + t] = level + output[:, 0]
        own = np.arange(t - past.season, -1, -past.season)[:seasons]  # this phase, as forecast
        is_valid = past.ages[:, None] + own >= steps
        total = past.r[:, t].sum(axis=1) + np.where(is_valid, r[:, own], 0.0).sum(axis=1)
        profile = total / np.maximum(past.is_valid[:, t].sum(axis=1) + is_valid.sum(axis=1), 1)
        z[:, steps + t] = y[:, lags + t] + profile
        r[:, t] = z[:, steps + t] - level
        ages = past.ages + t + 1
        level = z[:, t + 1 : t + 1 + steps].sum(axis=1) / np.minimum(ages, steps)
        inside = np.arange(lags, 0, -1) <= ages[:, None]
        x = np.where(inside, y[:, t + 1 : t + 1 + lags] - level[:, None], 0.0)
        output = numpy_lstm.step(network, x.astype(np.float32), state)
    return z[:, steps:]
