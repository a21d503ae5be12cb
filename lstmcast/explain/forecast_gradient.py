"""How each step of a forecast changes with each past value, in z: network, level, profile and recursion backwards.

The way forward is that of `windows` and `recursion`. At step t the network reads x_t = [y_{t-F+1} … y_t] − m_t and
says s_t; a recursive forecast is z_{t+1} = m_t + p_t + s_t, which is then read as if it had come so. Backwards, the
gradient of z_t gathers from all that looks at it: from y_t = z_t − p_{t-1}; from the levels m_t … m_{t+level-1}, each a
mean with it inside; and from r_t = z_t − m_{t-1}, of which the profiles of its phase are means. All of these stand at t
or after it, so one pass from the end to the beginning finds every gradient.

Letters: G gradients followed at once, one for each step ahead; B series; T their steps; H horizon.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lstmcast.nn.backprop import BackwardState, GateTrace, backward_step, trace
from lstmcast.nn.heads import QuantileHead
from lstmcast.nn.numpy_lstm import Network
from lstmcast.preprocessing.windows import WindowDataset, WindowSpec
from lstmcast.types import Floats

CHUNK_SIZE = 1 << 22  # numbers of one kind held at once: 32 MB, whatever the horizon


@dataclass(frozen=True)
class InputGradients:
    """Gradients of the H steps of a forecast, each summed over the series with its weights.

    Attributes:
        values: [H, T] with respect to each past z; 0 where it is out of reach.
        inputs: [H, L] with respect to what the network read at each step of its context: the lengths of the gradients.
    """

    values: Floats
    inputs: Floats


def sensitivity(
    network: Network, head: QuantileHead, windows: WindowDataset, z: Floats, weights: Floats
) -> InputGradients:
    """Differentiate the network's forecasts from the end of B series of one length.

    Args:
        network: the weights.
        head: what it says.
        windows: the B series, T steps each, in z.
        z: [B, H] their forecasts, as `recursion.forecast` gives them; a direct head says all H at once.
        weights: [B, H] how much each forecast counts in the sums over B.
    """
    past = windows.z.reshape(len(z), -1)[:, -windows.spec.required_history :]
    rows = max(1, CHUNK_SIZE // (past.shape[1] * z.shape[1]))
    parts = [slice(k, k + rows) for k in range(0, len(z), rows)]
    found = [_chunk_size(network, head, windows.spec, past[part], z[part], weights[part]) for part in parts]
    values = np.sum([chunk.values for chunk in found], axis=0)
    unread = int(np.diff(windows.offsets)[0]) - past.shape[1]
    return InputGradients(np.pad(values, ((0, 0), (unread, 0))), np.sum([chunk.inputs for chunk in found], axis=0))


def _chunk_size(
    network: Network, head: QuantileHead, shape: WindowSpec, past: Floats, z: Floats, weights: Floats
) -> InputGradients:
    """The same for [B, T] values that are all within reach."""
    batch, horizon = z.shape
    recursive = head.outputs == 1
    fed = horizon - 1 if recursive else 0  # forecasts that were read again
    known, steps = past.shape[1], past.shape[1] + fed
    cut = _series(np.hstack([past, z[:, :fed]]), shape)
    first = known - shape.context
    x = cut.inputs(np.arange(batch), np.full(batch, first), shape.context + fed)
    backward = _BackwardPass(network, trace(network, x), BackwardState.zeros(network, horizon, batch), first)
    gathered = _GradientAccumulator.zeros(shape, steps, horizon, batch)
    seeds = np.eye(horizon)[:, None, :] * weights  # [G, B, H]
    grads = (
        _recursive_back(backward, gathered, seeds, known) if recursive else _direct_back(gathered, head, seeds, known)
    )
    gathered = gathered.together()
    inputs = _context_back(backward, gathered, grads, shape.context)
    found = np.stack([gathered.value(t)[:, 0] for t in range(known)[::-1]], axis=1)[:, ::-1]  # [G, known]
    return InputGradients(found, inputs)


def _series(z: Floats, shape: WindowSpec) -> WindowDataset:
    """[B, T] z as B series."""
    offsets = np.arange(len(z) + 1, dtype=np.int64) * z.shape[1]
    return WindowDataset.from_panel(z.ravel(), np.ones(z.size, dtype=np.bool_), offsets, shape)


@dataclass
class _GradientAccumulator:
    """What has been gathered on the way back; [G, B, T] each, the profile's a season longer.

    Attributes:
        z, y, level, profile: gradients with respect to them.
        count: [T + m − 1] of how many seasons each profile is the mean.
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
        """Before anything was gathered, for series of `steps` steps."""
        size, beyond = (gradients, batch, steps), shape.season - 1
        then = np.arange(steps + beyond)[:, None] + 1 - shape.season * np.arange(1, shape.seasons + 1)
        count = ((then >= shape.level) & (then < steps)).sum(axis=1)
        z, y, level = np.zeros((3, *size))
        return cls(z, y, level, np.zeros((*size[:2], steps + beyond)), np.maximum(count, 1.0), shape)

    def together(self) -> _GradientAccumulator:
        """The sum over B, as a batch of one: where nothing differs between the series any more."""
        z, y, level, profile = (
            array.sum(axis=1, keepdims=True) for array in (self.z, self.y, self.level, self.profile)
        )
        return _GradientAccumulator(z, y, level, profile, self.count, self.shape)

    def read(self, t: int, x: Floats) -> None:
        """Gather from x_t: [G, B, F]. What lay before the series was read as 0, whatever it is."""
        lags = self.shape.lags
        if t >= 0:
            x = x[..., max(lags - 1 - t, 0) :]
            self.y[..., max(t + 1 - lags, 0) : t + 1] += x
            self.level[..., t] -= x.sum(axis=-1)

    def value(self, t: int) -> Floats:
        """[G, B] the gradient of z_t, after everything behind it was gathered; what it is counted from gets its own."""
        level, season = self.shape.level, self.shape.season
        ages = np.arange(t, min(t + level, self.level.shape[-1])) + 1
        found: Floats = self.z[..., t] + self.y[..., t]
        found += (self.level[..., t : t + level] / np.minimum(ages, level)).sum(axis=-1)
        if self.shape.seasons and t:
            self.profile[..., t - 1] -= self.y[..., t]
            if t >= level:
                means = slice(t - 1 + season, t + self.shape.seasons * season, season)
                r = (self.profile[..., means] / self.count[means]).sum(axis=-1)
                self.level[..., t - 1] -= r
                found += r
        return found

    def expected(self, t: int, z: Floats) -> None:
        """Gather from m_t + p_t, on top of which the next value was said: [G, B]."""
        self.level[..., t] += z
        if self.shape.seasons:
            self.profile[..., t] += z

    def base(self, origin: int, grads: Floats) -> None:
        """Gather the gradients [G, B, H] of `WindowDataset.level_and_profile` at the steps after `origin`."""
        level, moved = self.shape.level, np.zeros(grads.shape[:2])
        if not self.shape.seasons:
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
            self.profile[..., origin + h % self.shape.season] += grads[..., h]
        self.level[..., origin] += moved


@dataclass
class _BackwardPass:
    """The way back through the network.

    Attributes:
        network: the weights. gates: what happened on the way forward. state: what the step after handed back.
        first: the step of the series at which the network began to read.
    """

    network: Network
    gates: tuple[GateTrace, ...]
    state: BackwardState
    first: int

    def back(self, t: int, grads: Floats) -> Floats:
        """One step, at step t of the series: gradients of what was said, [G, B, O], to those of x_t, [G, B, F]."""
        x = backward_step(self.network, self.gates, t - self.first, grads.astype(np.float32), self.state)
        return x.astype(np.float64)


def _recursive_back(backward: _BackwardPass, gathered: _GradientAccumulator, seeds: Floats, known: int) -> Floats:
    """From the last forecast to the first: each was said, on top of level and profile, at the step before it.

    Returns:
        [G, B, 1] the gradients of what was said at the last step of the context.
    """
    z = seeds[..., -1]
    for t in range(known, known + seeds.shape[-1] - 1)[::-1]:
        gathered.expected(t, z)
        gathered.read(t, backward.back(t, z[..., None]))
        z = seeds[..., t - known] + gathered.value(t)
    gathered.expected(known - 1, z)
    return z[..., None]


def _direct_back(gathered: _GradientAccumulator, head: QuantileHead, seeds: Floats, known: int) -> Floats:
    """All forecasts were said at the last step: the first H outputs, on top of what level and profile say.

    Returns:
        [G, B, O] the gradients of what was said there.
    """
    gathered.base(known - 1, seeds)
    grads = np.zeros((*seeds.shape[:2], head.outputs))
    grads[..., : seeds.shape[-1]] = seeds
    return grads


def _context_back(backward: _BackwardPass, gathered: _GradientAccumulator, grads: Floats, context: int) -> Floats:
    """The steps of the context, from its last: [G, B, O] what was said there to [G, L], how long each step's δx is."""
    lengths = np.empty((len(grads), context))
    for t in range(backward.first, backward.first + context)[::-1]:
        x = backward.back(t, grads)
        gathered.read(t, x.sum(axis=1, keepdims=True))
        lengths[:, t - backward.first] = np.sqrt(np.square(x).sum(axis=2)).sum(axis=1)
        grads = np.zeros_like(grads)
    return lengths
