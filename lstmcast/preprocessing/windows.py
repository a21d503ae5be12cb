"""Windows of S flat series, gathered batch by batch.

For one series, z_t is the scaled value, m_t its level and p_t the seasonal profile of the next step (see `scaling`);
y_t = z_t − p_{t-1} is the deseasonalized value. The input at step t is the F numbers [y_{t-F+1} … y_t] − m_t, with 0
before the first value of the series; the targets at step t are the residuals of [z_{t+1} … z_{t+H}] from level and
profile at t. Inputs from covariates and the calendar follow (see `driver_features`). Nothing at step t depends on a
later value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from lstmcast.parallel import prefetch
from lstmcast.preprocessing.driver_features import DriverInputs
from lstmcast.preprocessing.scaling import seasonal_profiles, trailing_means
from lstmcast.types import Array, Bools, Floats, Ints

Batch = tuple[Array, Array, Array]


class BatchSource(Protocol):
    """Source of training batches: `WindowDataset` of values, or another dataset."""

    def batches(self, rng: np.random.Generator, *, count: int, size: int) -> Iterator[Batch]:
        """Yield one epoch: `count` windows in full batches of `size`, sampled by `rng`.

        Yields:
            Inputs [B, L, F], targets [B, L, T] and weights [B, L, T], 0 where a target does not count; targets and
            weights [B, T] if only the last step has targets (`Architecture.every_step` is False).
        """


@dataclass(frozen=True)
class WindowSpec:
    """Windows, level, seasonal profile and targets of a network.

    Attributes:
        context: L, steps in a window.
        lags: F, values in the input of each step.
        level_window: steps whose mean is the level.
        season_length: steps in a season.
        profile_seasons: number of seasons in the profile; 0: no profile.
        burn_in: first steps of a window without a loss.
        horizon: H, targets at each step; 1 for recursive forecasts.
    """

    context: int
    lags: int
    level_window: int = 1
    season_length: int = 1
    profile_seasons: int = 0
    burn_in: int = 0
    horizon: int = 1

    @property
    def baseline(self) -> str:
        """Level and seasonal profile in words."""
        level = "last value" if self.level_window == 1 else f"mean of last {self.level_window}"
        return f"{level} + profile of {self.profile_seasons} × {self.season_length}" if self.profile_seasons else level

    @property
    def required_history(self) -> int:
        """Past steps of a series that the inputs depend on."""
        return self.context + self.lags + self.profile_seasons * self.season_length + self.level_window + 1


@dataclass(frozen=True)
class WindowDataset:
    """S series in z, with their levels and profiles.

    Attributes:
        z: [N] scaled values, flat.
        y: [N] deseasonalized values.
        level: [N] m_t.
        profile: [N + S · (m − 1)] p_t, for each series up to a season after its end; empty without a profile.
        observed: [N] whether z_t was in the data (not filled).
        offsets: [S + 1].
        spec: size of the windows.
        drivers: inputs other than past values; None without any.
    """

    z: Floats
    y: Floats
    level: Floats
    profile: Floats
    observed: Bools
    offsets: Ints
    spec: WindowSpec
    drivers: DriverInputs | None = None

    @classmethod
    def from_panel(
        cls, z: Floats, observed: Bools, offsets: Ints, shape: WindowSpec, drivers: DriverInputs | None = None
    ) -> WindowDataset:
        """Compute levels and profiles of [N] flat z."""
        level = trailing_means(z, offsets, shape.level_window)
        return cls(z, z, level, np.empty(0), observed, offsets, shape, drivers).with_profile(shape)

    @property
    def features(self) -> int:
        """F, the inputs of each step."""
        return self.spec.lags + (self.drivers.spec.width if self.drivers else 0)

    def with_profile(self, spec: WindowSpec) -> WindowDataset:
        """Return these z and levels with the seasonal profile of another spec that has the same level."""
        if not spec.profile_seasons:
            return replace(self, y=self.z, profile=np.empty(0), spec=spec)
        z, offsets, beyond = self.z, self.offsets, spec.season_length - 1
        profile = seasonal_profiles(
            z,
            self.level,
            offsets,
            settled=spec.level_window,
            season=spec.season_length,
            seasons=spec.profile_seasons,
            beyond=beyond,
        )
        own = np.arange(len(z)) + beyond * np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
        y = z - np.concatenate([[0.0], profile[own[:-1]]])
        y[offsets[:-1]] = z[offsets[:-1]]  # the first value has no step before it
        return replace(self, y=y, profile=profile, spec=spec)

    def sample(self, rng: np.random.Generator, count: int) -> tuple[Ints, Ints]:
        """Sample windows: series by the root of their lengths, windows spread evenly over each, in random order.

        Long series contain more information, but all series count the same in the scores.

        Args:
            rng: random generator.
            count: number of windows.

        Returns:
            series [count] and the first step of each window in its series [count]; a window of a series shorter than L
            starts before it.
        """
        lengths = np.diff(self.offsets)
        weights = np.sqrt(np.maximum(lengths - 1, 0))  # a last value has no target
        ends = np.cumsum(weights)
        ticks = (np.arange(count) + rng.random(count)) * (ends[-1] / count)
        series = np.minimum(np.searchsorted(ends, ticks, side="right"), len(lengths) - 1)
        room = np.maximum(lengths - 1 - self.spec.context + self.spec.burn_in, 0)  # from -burn to n - 1 - L
        fraction = (ticks - np.where(series > 0, ends[series - 1], 0.0)) / np.maximum(weights[series], 1.0)
        starts = lengths[series] - 1 - self.spec.context - room[series]
        starts = starts + np.minimum(np.floor(fraction * (room[series] + 1)).astype(np.int64), room[series])
        order = rng.permutation(count)
        return series[order], starts[order]

    def batch(self, series: Ints, starts: Ints) -> Batch:
        """Gather windows.

        Args:
            series: [B].
            starts: [B], the first step of each window.

        Returns:
            inputs [B, L, F], targets [B, L, H] and weights [B, L, H]: 0 in the burn-in, before the series' first
            profile, and where the target was not observed.
        """
        at, known = self.target_indices(series, starts)
        base = self.window_baselines(series, starts)
        targets = np.subtract(self.z[at], base, dtype=np.float32, casting="same_kind")
        targets[~known] = 0.0
        return self.inputs(series, starts, self.spec.context), targets, known.astype(np.float32)

    def target_indices(self, series: Ints, starts: Ints) -> tuple[Ints, Bools]:
        """Return the indices of the targets of windows, and whether they have a weight, [B, L, H] each."""
        shape = self.spec
        first, last = self.offsets[series][:, None], self.offsets[series + 1][:, None]  # [B, 1]
        steps = first + starts[:, None] + np.arange(shape.context + shape.horizon)  # [B, L + H]
        now, inside = steps[:, : shape.context], np.clip(steps, first, last - 1)
        known_targets = (now - first >= self._warmup_steps(last - first)) & self.observed[inside[:, : shape.context]]
        known_targets[:, : shape.burn_in] = False  # (a filled value knows the one after its gap)
        known = _views((steps < last) & self.observed[inside], shape.horizon)[:, 1:] & known_targets[..., None]
        return _views(inside, shape.horizon)[:, 1:], known

    def window_baselines(self, series: Ints, starts: Ints) -> Floats:
        """[B, L, H] z forecast by level and profile at each step of windows."""
        context = self.spec.context
        origins = np.maximum(starts[:, None] + np.arange(context), 0)
        baseline = self.level_and_profile(np.repeat(series, context), origins.ravel(), self.spec.horizon)
        return baseline.reshape(*origins.shape, -1)

    def level_and_profile(self, series: Ints, origins: Ints, horizon: int) -> Floats:
        """[B, H] z forecast by level and profile from [B] series and origins (steps after the first value).

        The profile of the next season is repeated; each forecast moves the level as an actual value would. Without a
        profile the level is constant.
        """
        shape, first = self.spec, self.offsets[series]
        level = self.level[first + origins]
        if not shape.profile_seasons:
            return np.broadcast_to(level[:, None], (len(level), horizon))
        at = first + origins + series * (shape.season_length - 1)
        baseline: Floats = self.profile[at + (np.arange(horizon) % shape.season_length)[:, None]]  # [H, B]
        back = np.arange(1, min(horizon, shape.level_window) + 1)[:, None] - shape.level_window
        leaving = self.z[first + np.maximum(origins + back, 0)]  # [min(H, level), B]: what each step drops
        for h in range(horizon):
            baseline[h] += level
            if h + 1 < horizon:
                ages = origins + h + 1
                dropped = baseline[h - shape.level_window] if h >= shape.level_window else leaving[h]
                moved = baseline[h] - np.where(ages >= shape.level_window, dropped, level)
                level = level + moved / np.minimum(ages + 1, shape.level_window)
        return baseline.T

    def extended(self, series: Ints, origins: Ints, z: Floats) -> WindowDataset:
        """Extend [B] series, cut to the required history before their origins, by [B, H] z."""
        known = np.minimum(origins + 1, self.spec.required_history)
        lengths = known + z.shape[1]
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        at = np.arange(offsets[-1]) - np.repeat(offsets[:-1], lengths)
        owner = np.repeat(np.arange(len(series)), lengths)
        past = np.minimum((self.offsets[series] + origins + 1 - known)[owner] + at, len(self.z) - 1)
        ahead = at - known[owner]
        values = np.where(ahead < 0, self.z[past], z[owner, np.maximum(ahead, 0)])
        drivers = self.drivers and self.drivers.take(series, origins + 1 - known, origins)
        return WindowDataset.from_panel(values, np.ones(len(values), dtype=np.bool_), offsets, self.spec, drivers)

    def _warmup_steps(self, lengths: Ints) -> Ints:
        """Steps at the start of a series without a profile; at most half of the series, so that some have a weight."""
        return np.minimum(
            self.spec.level_window + self.spec.season_length - 1 if self.spec.profile_seasons else 0, lengths // 2
        )

    def inputs(self, series: Ints, starts: Ints, steps: int) -> Array:
        """Gather the inputs [B, steps, F] of `steps` steps from `starts` on."""
        first = self.offsets[series][:, None]  # [B, 1]
        rows = first + starts[:, None] + np.arange(1 - self.spec.lags, steps)  # [B, F - 1 + steps]
        level = self.level[np.maximum(rows[:, self.spec.lags - 1 :], first)][..., None]  # [B, steps, 1]
        views = _views(self.y[np.maximum(rows, first)], self.spec.lags)  # [B, steps, F]
        x: Array = np.subtract(views, level, dtype=np.float32, casting="same_kind")
        if (before := rows < first).any():
            x[_views(before, self.spec.lags)] = 0.0
        return x if self.drivers is None else np.concatenate([x, self.drivers.at(series, starts, steps)], axis=2)

    def batches(self, rng: np.random.Generator, *, count: int, size: int) -> Iterator[Batch]:
        """Yield one epoch: `count` windows in batches of `size`, rounded up to full batches."""
        count = -(-count // size) * size
        return gathered(self.batch, *self.sample(rng, count), size)

    def recent_mad(self, series: Ints, origins: Ints, steps: int) -> Floats:
        """Recent dispersion: mean |y_{t+1} − m_t| over the last `steps` steps up to each origin.

        Args:
            series: [B].
            origins: [B] steps after the first value of the series.
            steps: number of steps, at least 1; fewer where the series is shorter.

        Returns:
            [B] in units of z; 0 for a constant series.
        """
        back = np.arange(steps)  # a series' first value has no level before it
        at, known = self._back(series, origins, back), back < origins[:, None]
        abs_error = np.abs(self.y[at] - self.level[at - 1])
        mean: Floats = abs_error.sum(axis=1, where=known) / np.clip(origins, 1, steps)
        return mean

    def _back(self, series: Ints, origins: Ints, back: Ints) -> Ints:
        """[B, K] indices of the steps before each origin; the first one of the series before it."""
        at: Ints = self.offsets[series][:, None] + np.maximum(origins[:, None] - back, 0)
        return at


def gathered(gather: Callable[[Ints, Ints], Batch], series: Ints, starts: Ints, size: int) -> Iterator[Batch]:
    """Yield [N] windows in batches of `size`; the next one is gathered in the background."""
    parts = [slice(k, k + size) for k in range(0, len(series), size)]
    return prefetch(lambda part: gather(series[part], starts[part]), parts)


def _views(values: npt.NDArray[Any], width: int) -> npt.NDArray[Any]:
    """[B, T] to [B, T - width + 1, width]: sliding windows, without a copy."""
    return np.lib.stride_tricks.sliding_window_view(values, width, axis=1)
