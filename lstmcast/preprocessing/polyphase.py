"""Steps finer than those that networks know: every k-th value of a series is a series of its own.

Half-hours are two series of hours: the values at full hours and those between. Each is forecast from its own past, and
the forecasts are woven into one again. So networks that know days of 24 steps forecast days of 48, 96 or 288.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from lstmcast.data.panel import Panel
from lstmcast.preprocessing.scaling import Scaling
from lstmcast.types import Floats, Ints


@dataclass(frozen=True)
class Polyphase:
    """How many series each one is taken apart into: K.

    A series of T steps gets K - 1 steps before its first, with the first value, not observed; so no phase is without a
    value at any origin.
    """

    count: int = 1

    def steps(self, horizon: int) -> int:
        """How many steps of a phase hold H steps of the series."""
        return -(-horizon // self.count)

    def split(self, panel: Panel) -> Panel:
        """[S · K] the phases as series, those of one series together."""
        K = self.count
        if K == 1:
            return panel
        lengths = ((panel.lengths[:, None] + 2 * (K - 1) - np.arange(K)) // K).ravel()  # [S · K]
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        within = np.arange(offsets[-1]) - np.repeat(offsets[:-1], lengths)
        phase = np.repeat(np.tile(np.arange(K), panel.n_series), lengths)
        step = K * within + phase - (K - 1)  # of the series
        rows = np.repeat(np.repeat(panel.offsets[:-1], K), lengths) + np.maximum(step, 0)
        return replace(
            panel,
            keys=tuple(key for key in panel.keys for _ in range(K)),
            values=panel.values[rows],
            observed=panel.observed[rows] & (step >= 0),
            offsets=offsets,
            starts=np.repeat(panel.starts, K),
        )

    def merge_scaling(self, scaling: Scaling) -> Scaling:
        """The scaling of S series from that of their phases: all begin with the same value, and share a mean step."""
        if self.count == 1:
            return scaling
        first = scaling.take(np.arange(0, len(scaling.scale), self.count))
        return replace(
            first,
            scale=scaling.scale.reshape(-1, self.count).mean(axis=1),
            floor=scaling.floor.reshape(-1, self.count).min(axis=1),
        )

    def origins(self, series: Ints, origins: Ints) -> tuple[Ints, Ints]:
        """Phases and origins in them, [B · K], of [B] series and origins: the phase of the next step first."""
        ahead = origins[:, None] + self.count + np.arange(self.count)  # the next K steps, from the padding's first
        return (series[:, None] * self.count + ahead % self.count).ravel(), (ahead // self.count - 1).ravel()

    def mean(self, numbers: Floats) -> Floats:
        """[B · K] numbers of phases, as `origins` has them, to their means [B]."""
        return np.asarray(numbers.reshape(-1, self.count).mean(axis=1))

    def interleave(self, parts: Floats, horizon: int) -> Floats:
        """[…, B · K, steps] of phases, as `origins` has them, to [..., B, H] of series."""
        if self.count == 1:
            return parts
        turned = parts.reshape(*parts.shape[:-2], -1, self.count, parts.shape[-1]).swapaxes(-1, -2)
        return np.ascontiguousarray(turned.reshape(*turned.shape[:-2], -1)[..., :horizon])


NO_SPLIT = Polyphase()
