"""Gradient of each step of a forecast with respect to each past z, through network, level, profile and recursion.

The forward pass is that of `windows` and `multistep`. At step t the input is x_t = [y_{t-F+1} … y_t] − m_t and the
output s_t; a recursive forecast is z_{t+1} = m_t + p_t + s_t, which is then used as a known value. The gradient of z_t
is the sum over everything that depends on it: y_t = z_t − p_{t-1}; the levels m_t … m_{t+level-1}, which are means; and
r_t = z_t − m_{t-1}, which the profiles of its phase average. All of these are at t or later, so that one pass from the
end to the beginning computes every gradient.

Letters: G gradients followed at once, one for each step ahead; B series; T their steps; H horizon.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lstmcast.nn.backprop import BackwardState, GateTrace, backward_step, trace
from lstmcast.nn.heads import QuantileHead
from lstmcast.nn.numpy_lstm import Network
from lstmcast.preprocessing.windows import WindowDataset, WindowSpec
from lstmcast.types import Floats, Ints

CHUNK_SIZE = 1 << 22  # numbers per array: 32 MB


@dataclass(frozen=True)
class InputGradients:
    """Gradients of the H steps of a forecast, as weighted sums over series.

    Attributes:
        values: [H, T] with respect to each past z; 0 where it has no influence.
        inputs: [H, L] norms of the gradients with respect to the inputs of each step of the context.
    """

    values: Floats
    inputs: Floats


def sensitivity(
    network: Network, head: QuantileHead, windows: WindowDataset, z: Floats, weights: Floats
) -> InputGradients:
    """Differentiate the network's forecasts from the end of B series of one length.

    Args:
        network: the weights.
        head: meaning of its outputs.
        windows: the B series, T steps each, in z.
        z: [B, H] their forecasts, from `multistep.forecast`.
        weights: [B, H] of the forecasts in the sums over B.
    """
    steps = len(windows.z) // len(z)
    known = min(steps, windows.spec.required_history)
    rows = max(1, CHUNK_SIZE // (known * z.shape[1]))
    parts = [slice(k, k + rows) for k in range(0, len(z), rows)]
    found = [
        _chunk_gradients(network, head, windows, np.arange(len(z))[part], z[part], weights[part]) for part in parts
    ]
    values = np.sum([chunk.values for chunk in found], axis=0)
    return InputGradients(
        np.pad(values, ((0, 0), (steps - known, 0))), np.sum([chunk.inputs for chunk in found], axis=0)
    )


def _chunk_gradients(
    network: Network, head: QuantileHead, windows: WindowDataset, series: Ints, z: Floats, weights: Floats
) -> InputGradients:
    """Differentiate the forecasts [B, H] of some series [B] by the values that have influence."""
    (batch, horizon), shape = z.shape, windows.spec
    recursive = head.outputs == 1
    fed = horizon - 1 if recursive else 0  # forecasts that were used as known values
    lengths = np.diff(windows.offsets)[series]
    cut = windows.extended(series, lengths - 1, z[:, : max(fed, 1)])
    known = min(int(lengths[0]), shape.required_history)
    steps = known + fed
    first = known - shape.context
    x = cut.inputs(np.arange(batch), np.full(batch, first), shape.context + fed)
    backward = _BackwardPass(
        network, trace(network, x), BackwardState.zeros(network, horizon, batch), first, shape.lags
    )
    gathered = _GradientAccumulator.zeros(shape, steps, horizon, batch)
    seeds = np.eye(horizon)[:, None, :] * weights  # [G, B, H]
    grads = (
        _recursive_back(backward, gathered, seeds, known) if recursive else _direct_back(gathered, head, seeds, known)
    )
    gathered = gathered.together()
    inputs = _context_back(backward, gathered, grads, shape.context)
    found = np.stack([gathered.value(t)[:, 0] for t in range(known)[::-1]], axis=1)[:, ::-1]  # [G, known]
    return InputGradients(found, inputs)


@dataclass
class _GradientAccumulator:
    """Gradients accumulated on the backward pass, [G, B, T] each; that of the profile is one season longer.

    Attributes:
        z, y, level, profile: gradients with respect to them.
        count: [T + m − 1] number of seasons in each profile.
        shape: level, season, seasons.
    """

    z: Floats
    y: Floats
    level: Floats
    profile: Floats
    count: Floats
    shape: WindowSpec

    @classmethod
    def zeros(cls, shape: WindowSpec, steps: int, gradients: int, batch: int) -> _GradientAccumulator:
        """Return zero gradients for series of `steps` steps."""
        size, beyond = (gradients, batch, steps), shape.season_length - 1
        then = np.arange(steps + beyond)[:, None] + 1 - shape.season_length * np.arange(1, shape.profile_seasons + 1)
        count = ((then >= shape.level_window) & (then < steps)).sum(axis=1)
        z, y, level = np.zeros((3, *size))
        return cls(z, y, level, np.zeros((*size[:2], steps + beyond)), np.maximum(count, 1.0), shape)

    def together(self) -> _GradientAccumulator:
        """Sum over B, as a batch of one series."""
        z, y, level, profile = (
            array.sum(axis=1, keepdims=True) for array in (self.z, self.y, self.level, self.profile)
        )
        return _GradientAccumulator(z, y, level, profile, self.count, self.shape)

    def read(self, t: int, x: Floats) -> None:
        """Accumulate the gradient [G, B, F] of x_t; values before the series are constant."""
        lags = self.shape.lags
        if t >= 0:
            x = x[..., max(lags - 1 - t, 0) :]
            self.y[..., max(t + 1 - lags, 0) : t + 1] += x
            self.level[..., t] -= x.sum(axis=-1)

    def value(self, t: int) -> Floats:
        """Return the gradient [G, B] of z_t after all later steps, and accumulate those of its level and profile."""
        level, season = self.shape.level_window, self.shape.season_length
        ages = np.arange(t, min(t + level, self.level.shape[-1])) + 1
        found: Floats = self.z[..., t] + self.y[..., t]
        found += (self.level[..., t : t + level] / np.minimum(ages, level)).sum(axis=-1)
        if self.shape.profile_seasons and t:
            self.profile[..., t - 1] -= self.y[..., t]
            if t >= level:
                means = slice(t - 1 + season, t + self.shape.profile_seasons * season, season)
                r = (self.profile[..., means] / self.count[means]).sum(axis=-1)
                self.level[..., t - 1] -= r
                found += r
        return found

    def expected(self, t: int, z: Floats) -> None:
        """Accumulate the gradient [G, B] of m_t + p_t, to which the next output is added."""
        self.level[..., t] += z
        if self.shape.profile_seasons:
            self.profile[..., t] += z

    def base(self, origin: int, grads: Floats) -> None:
        """Accumulate the gradients [G, B, H] of `WindowDataset.level_and_profile` at the steps after `origin`."""
        level, moved = self.shape.level_window, np.zeros(grads.shape[:2])
        if not self.shape.profile_seasons:
            self.level[..., origin] += grads.sum(axis=-1)
            return
        grads = grads.copy()
        for h in range(grads.shape[-1])[::-1]:
            age = origin + h + 1
            step = moved / min(age + 1, level)
            grads[..., h] += step
            if age < level:
                moved = moved - step
            elif h >= level:
                grads[..., h - level] -= step
            else:
                self.z[..., age - level] -= step
            moved = moved + grads[..., h]
            self.profile[..., origin + h % self.shape.season_length] += grads[..., h]
        self.level[..., origin] += moved


@dataclass
class _BackwardPass:
    """Backward pass through the network.

    Attributes:
        network: the weights.
        gates: trace of the forward pass.
        state: gradients from the step after.
        first: first step of the series in the context.
        lags: F, the past values in the input of each step; the other inputs are constant.
    """

    network: Network
    gates: tuple[GateTrace, ...]
    state: BackwardState
    first: int
    lags: int

    def back(self, t: int, grads: Floats) -> Floats:
        """Go back through step t of the series: gradients [G, B, O] of the outputs to those of x_t, [G, B, F]."""
        x = backward_step(self.network, self.gates, t - self.first, grads.astype(np.float32), self.state)
        return x[..., : self.lags].astype(np.float64)


def _recursive_back(backward: _BackwardPass, gathered: _GradientAccumulator, seeds: Floats, known: int) -> Floats:
    """Go back from the last forecast to the first; each one is output, level and profile of the step before it.

    Returns:
        [G, B, 1] gradients of the output at the last step of the context.
    """
    z = seeds[..., -1]
    for t in range(known, known + seeds.shape[-1] - 1)[::-1]:
        gathered.expected(t, z)
        gathered.read(t, backward.back(t, z[..., None]))
        z = seeds[..., t - known] + gathered.value(t)
    gathered.expected(known - 1, z)
    return z[..., None]


def _direct_back(gathered: _GradientAccumulator, head: QuantileHead, seeds: Floats, known: int) -> Floats:
    """Go back to the last step of the context, whose first H outputs are added to level and profile.

    Returns:
        [G, B, O] gradients of its outputs.
    """
    gathered.base(known - 1, seeds)
    grads = np.zeros((*seeds.shape[:2], head.outputs))
    grads[..., : seeds.shape[-1]] = seeds
    return grads


def _context_back(backward: _BackwardPass, gathered: _GradientAccumulator, grads: Floats, context: int) -> Floats:
    """Go back through the context: gradients [G, B, O] of its last outputs to [G, L] norms of the input gradients."""
    lengths = np.empty((len(grads), context))
    for t in range(backward.first, backward.first + context)[::-1]:
        x = backward.back(t, grads)
        gathered.read(t, x.sum(axis=1, keepdims=True))
        lengths[:, t - backward.first] = np.sqrt(np.square(x).sum(axis=2)).sum(axis=1)
        grads = np.zeros_like(grads)
    return lengths
