"""S flat series → what the network reads, cut on the fly: a batch is gathered when it is needed, never the whole.

For one series, z_t is the scaled value, m_t its level and p_t the usual deviation of the next step's phase (see
`scaling`); y_t = z_t − p_{t-1} is the value without its season. The input at step t is the F numbers
[y_{t-F+1} … y_t] − m_t, where what lies before the series' first value is 0 (the level itself); the target at step t is
[y_{t+1} … y_{t+H}] − m_t. Nothing at step t looks at a value after t.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lstmcast.model.scaling import levels, profiles, trailing_sum

Floats = npt.NDArray[np.float64]
Array = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Shape:
    """The size of what the network reads and says.

    Attributes:
        context: L, steps in a window.
        lags: F, values seen at each step.
        level: steps whose mean is the level.
        season: steps in a season.
        seasons: how many the profile averages; 0: none.
        burn: first steps of a window that the loss ignores, for they have seen too little.
        horizon: H, values said at each step (1 where the network is run on recursively).
    """

    context: int
    lags: int
    level: int = 1
    season: int = 1
    seasons: int = 0
    burn: int = 0
    horizon: int = 1


@dataclass(frozen=True)
class Windows:
    """S series, ready to be cut into windows.

    Attributes:
        z: [N] scaled values, flat.
        y: [N] the same without their season.
        level: [N] m_t.
        observed: [N] whether z_t was in the data (not filled).
        offsets: [S + 1].
        shape: L, F, H.
    """

    z: Floats
    y: Floats
    level: Floats
    observed: Bools
    offsets: Ints
    shape: Shape

    @classmethod
    def over(cls, z: Floats, observed: Bools, offsets: Ints, shape: Shape) -> Windows:
        """Compute levels and profiles of [N] flat z."""
        level = levels(z, offsets, shape.level)
        profile = profiles(z, level, offsets, settled=shape.level, season=shape.season, seasons=shape.seasons)
        y = z - np.concatenate([[0.0], profile[:-1]])
        y[offsets[:-1]] = z[offsets[:-1]]  # a series' first value has no step before it
        return cls(z, y, level, observed, offsets, shape)

    def crops(self, rng: np.random.Generator, count: int) -> tuple[Ints, Ints]:
        """Draw where windows start: every series in proportion to its length, spread over it evenly, in random order.

        Args:
            rng: the only source of chance.
            count: how many windows.

        Returns:
            series [count] and the first step of each window in its series [count]; a window of a series shorter than L
            starts before it.
        """
        lengths = np.diff(self.offsets)
        ends = np.cumsum(np.maximum(lengths - 1, 0.0))  # a last value has no target
        ticks = (np.arange(count) + rng.random(count)) * (ends[-1] / count)
        series = np.minimum(np.searchsorted(ends, ticks, side="right"), len(lengths) - 1)
        room = np.maximum(lengths - 1 - self.shape.context + self.shape.burn, 0)  # from -burn to n - 1 - L
        share = (ticks - np.where(series > 0, ends[series - 1], 0.0)) / np.maximum(lengths[series] - 1, 1)
        starts = lengths[series] - 1 - self.shape.context - room[series]
        starts = starts + np.floor(share * (room[series] + 1)).astype(np.int64)
        order = rng.permutation(count)
        return series[order], starts[order]

    def batch(self, series: Ints, starts: Ints) -> tuple[Array, Array, Array]:
        """Gather windows.

        Args:
            series: [B].
            starts: [B], the first step of each window.

        Returns:
            inputs [B, L, F], targets [B, L, H] and weights [B, L, H]: 0 in the burn-in, before the series' first
            profile, and where the target was not observed.
        """
        shape = self.shape
        inputs = self.inputs(series, starts, shape.context)
        first, last = self.offsets[series][:, None], self.offsets[series + 1][:, None]  # [B, 1]
        now = first + starts[:, None] + np.arange(shape.context)  # [B, L]
        ahead = now[..., None] + np.arange(1, shape.horizon + 1)  # [B, L, H]
        inside = np.clip(ahead, first[..., None], last[..., None] - 1)
        known = (
            (ahead < last[..., None]) & (now - first >= self._unripe(last - first))[..., None] & self.observed[inside]
        )
        known &= self.observed[np.maximum(now, first)][..., None]  # a filled value knows the one after its gap
        known[:, : shape.burn] = False
        targets = np.where(known, self.y[inside] - self.level[np.maximum(now, first)][..., None], 0.0)
        return inputs, targets.astype(np.float32), known.astype(np.float32)

    def _unripe(self, lengths: Ints) -> Ints:
        """How many steps at a series' start have no profile yet (at most half of it, that some are left to learn)."""
        return np.minimum(self.shape.level + self.shape.season - 1 if self.shape.seasons else 0, lengths // 2)

    def inputs(self, series: Ints, starts: Ints, steps: int) -> Array:
        """Gather what the network reads at `steps` steps from `starts` on: [B, steps, F]."""
        first = self.offsets[series][:, None]  # [B, 1]
        reach = first + starts[:, None] + np.arange(1 - self.shape.lags, steps)  # [B, F - 1 + steps]
        past = self.y[np.maximum(reach, first)]
        views = np.lib.stride_tricks.sliding_window_view(past, self.shape.lags, axis=1)  # [B, steps, F]
        before = np.lib.stride_tricks.sliding_window_view(reach < first, self.shape.lags, axis=1)
        level = self.level[np.maximum(reach[:, self.shape.lags - 1 :], first)][..., None]  # [B, steps, 1]
        return np.where(before, 0.0, views - level).astype(np.float32)

    def batches(self, rng: np.random.Generator, *, count: int, size: int) -> Iterator[tuple[Array, Array, Array]]:
        """One epoch: `count` windows in batches of `size`, rounded up so that every batch is full."""
        count = -(-count // size) * size
        series, starts = self.crops(rng, count)
        for k in range(0, count, size):
            yield self.batch(series[k : k + size], starts[k : k + size])

    def spread(self, series: Ints, origins: Ints, steps: int) -> Floats:
        """How restless a series has been: mean |y_{t+1} − m_t| over the last `steps` steps up to each origin.

        Args:
            series: [B].
            origins: [B] steps from each series' first value.
            steps: how far to look back, at least 1; less where the series is shorter.

        Returns:
            [B] in units of z; 0 where nothing ever changed.
        """
        off = np.abs(self.y - np.concatenate([[0.0], self.level[:-1]]))
        off[self.offsets[:-1]] = 0.0  # a series' first value has no level before it
        total = trailing_sum(off, self.offsets, steps)[self.offsets[series] + origins]
        mean: Floats = total / np.clip(origins, 1, steps)
        return mean
