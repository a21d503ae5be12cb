"""The recurrence run on past the data: one pass over the context, then H steps fed with their own forecasts.

Each step brings its own level, so the state (h, c) is simply carried on: O(L + H) steps, not O(L · H).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lstmcast.model import lstm
from lstmcast.model.lstm import Array, Network
from lstmcast.model.windows import Shape, Windows

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

AT_ONCE = 1 << 22  # numbers of one kind held at once (inputs, or gates): 16 MB, whatever the number of series


def forecast(network: Network, windows: Windows, series: Ints, origins: Ints, horizon: int) -> Floats:
    """Forecast from any number of origins at once.

    Args:
        network: the weights.
        windows: the series, in z.
        series: [B] which series.
        origins: [B] its last known step, counted from its first value.
        horizon: H, steps ahead.

    Returns:
        [B, H] z.
    """
    widest = max(windows.shape.lags, *(4 * layer.units for layer in network.layers))
    at_once = max(1, AT_ONCE // (windows.shape.context * widest))
    parts = [
        _forecast(network, windows, series[k : k + at_once], origins[k : k + at_once], horizon)
        for k in range(0, len(series), at_once)
    ]
    return np.concatenate(parts) if parts else np.empty((0, horizon))


def _forecast(network: Network, windows: Windows, series: Ints, origins: Ints, horizon: int) -> Floats:
    context = windows.shape.context
    x = windows.inputs(series, origins - context + 1, context)  # [B, L, F]
    state = lstm.start(network, len(series))
    said = lstm.dense(network, lstm.run(network, x, state)[:, -1], x[:, -1])  # [B, 1]
    return _Path.behind(windows, series, origins).run_on(network, state, said, horizon)


@dataclass
class _Path:
    """The last K steps of B series, to which the recursion adds its own.

    Attributes:
        z: [B, K] values.
        y: [B, K] without their season.
        r: [B, K] z_t − m_{t-1}.
        born: [B] which of the K steps is the series' first; negative where it lies before them.
        level: [B] m at the last step.
        shape: level, season, seasons and lags.
    """

    z: Floats
    y: Floats
    r: Floats
    born: Ints
    level: Floats
    shape: Shape

    @classmethod
    def behind(cls, windows: Windows, series: Ints, origins: Ints) -> _Path:
        """Gather what the recursion will look back at."""
        shape = windows.shape
        first = windows.offsets[series][:, None]
        steps = max(shape.season * shape.seasons, shape.level, shape.lags)
        reach = first + origins[:, None] + np.arange(1 - steps, 1)  # [B, K]
        at = np.maximum(reach, first)
        z, y, level = (a[at].astype(np.float64) for a in (windows.z, windows.y, windows.level))
        r = z - windows.level[np.maximum(reach - 1, first)]
        return cls(z, y, r, steps - 1 - origins, level[:, -1], shape)

    def run_on(self, network: Network, state: lstm.State, said: Array, horizon: int) -> Floats:
        """Feed each forecast back as the next value. Returns [B, H] z."""
        z, y, r = (np.pad(a, ((0, 0), (0, horizon))) for a in (self.z, self.y, self.r))
        age = np.arange(z.shape[1]) - self.born[:, None]  # [B, K + H] steps since the series' first
        inside, ripe = age >= 0, age >= self.shape.level  # in the series; the level before it was whole
        level, season, known = self.level, self.shape.season, self.z.shape[1]
        for t in range(known, known + horizon):
            y[:, t] = level + said[:, 0]
            phases = np.arange(t - season, t - season * self.shape.seasons - 1, -season)  # this phase, seasons ago
            z[:, t] = y[:, t] + _mean(r[:, phases], ripe[:, phases])
            r[:, t] = z[:, t] - level
            level = _mean(z[:, t + 1 - self.shape.level : t + 1], inside[:, t + 1 - self.shape.level : t + 1])
            lags = slice(t + 1 - self.shape.lags, t + 1)
            x = np.where(inside[:, lags], y[:, lags] - level[:, None], 0.0)
            said = lstm.step(network, x.astype(np.float32), state)
        return z[:, known:]


def _mean(values: Floats, counted: Bools) -> Floats:
    """[B] mean of the counted of [B, n] values; 0 where none is."""
    mean: Floats = np.where(counted, values, 0.0).sum(axis=1) / np.maximum(counted.sum(axis=1), 1)
    return mean
