"""Polyphase decomposition: every k-th value of a series as a series of its own.

Half-hourly data become two hourly series. Each is forecast from its own past, and the forecasts are interleaved. So
networks trained on days of 24 steps forecast days of 48, 96 or 288 steps.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from lstmcast.data.panel import Panel
from lstmcast.preprocessing.scaling import Scaling
from lstmcast.types import Floats, Ints


@dataclass(frozen=True)
class Polyphase:
    """Number K of series that each one is split into.

    The first value is repeated K - 1 times before a series, as not observed: every phase has a value at every origin.
    """

    count: int = 1

    def steps(self, horizon: int) -> int:
        """Steps of a phase that cover H steps of the series."""
        return -(-horizon // self.count)

    def split(self, panel: Panel) -> Panel:
        """Split S series into S · K phases, those of one series together."""
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
        """Merge the scaling of phases into that of S series: same offset, mean of the scales."""
        if self.count == 1:
            return scaling
        first = scaling.take(np.arange(0, len(scaling.scale), self.count))
        return replace(
            first,
            scale=scaling.scale.reshape(-1, self.count).mean(axis=1),
            floor=scaling.floor.reshape(-1, self.count).min(axis=1),
        )

    def origins(self, series: Ints, origins: Ints) -> tuple[Ints, Ints]:
        """Return phases and their origins, [B · K], for [B] series and origins; the phase of the next step first."""
        ahead = origins[:, None] + self.count + np.arange(self.count)  # the next K steps, from the padding's first
        return (series[:, None] * self.count + ahead % self.count).ravel(), (ahead // self.count - 1).ravel()

    def mean(self, numbers: Floats) -> Floats:
        """Average [B · K] numbers of phases, ordered as by `origins`, to [B]."""
        return np.asarray(numbers.reshape(-1, self.count).mean(axis=1))

    def interleave(self, parts: Floats, horizon: int) -> Floats:
        """Interleave [..., B · K, steps] of phases, ordered as by `origins`, to [..., B, H] of series."""
        if self.count == 1:
            return parts
        turned = parts.reshape(*parts.shape[:-2], -1, self.count, parts.shape[-1]).swapaxes(-1, -2)
        return np.ascontiguousarray(turned.reshape(*turned.shape[:-2], -1)[..., :horizon])


NO_SPLIT = Polyphase()
