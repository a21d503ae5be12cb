"""Values ↔ what a network sees: z counts a series' values, logs or roots from its first, in a unit of its own.

Everything is flat: S series stand one after the other in an array of N values, series k in `offsets[k]:offsets[k + 1]`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from lstmcast.errors import DataError
from lstmcast.types import Bools, Floats, Ints

TransformName = Literal["log", "sqrt", "none"]
ScaleMode = Literal["local", "blended", "global"]

MAX_STEP_RATIO = 30.0  # times the usual step, that a series' own may be larger or smaller where it counts by its root
STILL = 1e-3  # of its value: what one step is taken to be of a plain series that never moved


Transform = Callable[[Floats], Floats]

_FORWARD: Mapping[TransformName, Transform] = {"log": np.log, "sqrt": np.sqrt, "none": np.asarray}
_INVERSE: Mapping[TransformName, Transform] = {
    "log": np.exp,
    "sqrt": lambda roots: np.maximum(roots, 0.0) ** 2,
    "none": np.asarray,
}
_SLOPE: Mapping[TransformName, Transform] = {  # of the inverse
    "log": np.exp,
    "sqrt": lambda roots: 2 * np.maximum(roots, 0.0),
    "none": np.ones_like,
}


@dataclass(frozen=True)
class Scaling:
    """How each of S series becomes z, and back.

    Attributes:
        transform: the transform: "log", "sqrt" or "none".
        offset: [S] the transformed value that is z = 0.
        scale: [S] how much of the transformed value is one unit of z; positive.
        floor: [S] what no forecast falls below: 0 for a series that never did, else -inf.
        typical_step: the mean step, in transformed values, of the series it was measured on.
        untransformed: [S] the series that are not transformed, for their values cannot be; None: none is.
    """

    transform: TransformName
    offset: Floats
    scale: Floats
    floor: Floats
    typical_step: float
    untransformed: Bools | None = None

    def forward(self, values: Floats) -> Floats:
        """[S, …] values to z."""
        column = (slice(None),) + (None,) * (values.ndim - 1)
        return (self._either(_FORWARD[self.transform], np.asarray, values) - self.offset[column]) / self.scale[column]

    def take(self, series: Ints) -> Scaling:
        """The scaling of these series, [B], in this order (one may come more than once)."""
        untransformed = None if self.untransformed is None else self.untransformed[series]
        return Scaling(
            self.transform,
            self.offset[series],
            self.scale[series],
            self.floor[series],
            self.typical_step,
            untransformed,
        )

    def inverse(self, z: Floats) -> Floats:
        """[S, …] z to values."""
        column = (slice(None),) + (None,) * (z.ndim - 1)
        with np.errstate(over="ignore"):  # a forecast that overflows is infinite, and is refused where it is used
            values = self._either(_INVERSE[self.transform], np.asarray, self.offset[column] + z * self.scale[column])
        return np.maximum(values, self.floor[column])

    def derivative(self, z: Floats) -> Floats:
        """[S, …] how much the value grows with z, there; 0 on the floor."""
        column = (slice(None),) + (None,) * (z.ndim - 1)
        scale, values = self.scale[column], self.inverse(z)
        rise = self._either(_SLOPE[self.transform], np.ones_like, self.offset[column] + z * scale) * scale
        return np.where(values > self.floor[column], rise, 0.0)

    def _either(self, transform: Transform, otherwise: Transform, numbers: Floats) -> Floats:
        """[S, …] one of two functions of each number: the other one for the plain series."""
        return (
            transform(numbers)
            if self.untransformed is None
            else _either(self.untransformed, transform, otherwise, numbers)
        )


def valid_transforms(values: Floats) -> tuple[TransformName, ...]:
    """The transforms that these values allow: logs need them positive, roots not negative."""
    smallest = values.min()
    transforms: tuple[TransformName, ...] = (
        ("log", "sqrt", "none") if smallest > 0 else ("sqrt", "none") if smallest == 0 else ("none",)
    )
    return transforms


def fit_scaling(
    values: Floats,
    offsets: Ints,
    *,
    transform: TransformName,
    level: int,
    mode: ScaleMode = "local",
    typical_step: float | None = None,
    untransformed: Bools | None = None,
) -> Scaling:
    """Measure each series' scale: how far its transformed values lie from the level before them, in the mean.

    That is the size of what the network is asked for.

    Args:
        values: [N] finite values, flat.
        offsets: [S + 1].
        transform: the transform.
        level: steps of the level, ≥ 1.
        mode: "local": each series by its own step. "global": all by the usual one, for logs of different series are
            alike already. "blended": by the geometric mean of the two, where a network sees too little of a series to
            tell a restless one.
        typical_step: the usual step; None: the mean over these series.
        untransformed: [S] the series that are not transformed: each has its own step, whatever the others have.

    Raises:
        DataError: the numbers are so large that their differences overflow.
    """
    first, lengths = offsets[:-1], np.diff(offsets)
    if untransformed is None:
        transformed = _FORWARD[transform](values)
    else:
        transformed = _either(np.repeat(untransformed, lengths), _FORWARD[transform], np.asarray, values)
    anchor = transformed[first]
    with np.errstate(over="ignore", invalid="ignore"):
        centred = transformed - np.repeat(anchor, lengths)
        scale = _mean_step(centred, trailing_means(centred, offsets, level), offsets)
    if not np.isfinite(scale).all():
        raise DataError("the target holds numbers too large to scale (beyond about 1e300); divide them first")
    typical_step = _typical_step(scale) if typical_step is None else typical_step
    own = np.where(scale > 0, scale, STILL * np.maximum(np.abs(anchor), STILL))
    if mode == "global":
        scale = np.full_like(scale, typical_step)
    if mode == "blended":
        scale = np.sqrt(typical_step * np.clip(scale, typical_step / MAX_STEP_RATIO, typical_step * MAX_STEP_RATIO))
    scale = np.where(scale > 0, scale, 1.0)
    if untransformed is not None:
        scale = np.where(untransformed, own, scale)
    floor = np.where(np.minimum.reduceat(values, first) >= 0, 0.0, -np.inf)
    return Scaling(transform, anchor, scale, floor, typical_step, untransformed)


def _either(untransformed: Bools, transform: Transform, otherwise: Transform, numbers: Floats) -> Floats:
    """[S, …] `otherwise` of the numbers of plain series [S], `transform` of the rest."""
    selected = untransformed.reshape(-1, *(1,) * (numbers.ndim - 1))
    return np.where(selected, otherwise(numbers), transform(np.where(selected, 1.0, numbers)))


def _typical_step(scale: Floats) -> float:
    """The mean step of the series that move; 1 where none does."""
    moving = scale[scale > 0]
    return float(moving.mean()) if len(moving) else 1.0


def trailing_means(z: Floats, offsets: Ints, steps: int) -> Floats:
    """m_t: the mean of the last `steps` z up to and including t (of what there is, at a series' start). [N] to [N]."""
    return trailing_sum(z, offsets, steps) / np.minimum(observation_counts(offsets), steps)


def observation_counts(offsets: Ints) -> Ints:
    """[N] how many values of its series are known at each step: 1 at the first."""
    lengths = np.diff(offsets)
    return np.arange(1, offsets[-1] + 1) - np.repeat(offsets[:-1], lengths)


def trailing_sum(values: Floats, offsets: Ints, steps: int) -> Floats:
    """The sum of the last `steps` values up to each, inside its series: [N] to [N].

    Made of sums of 1, 2, 4 … values, so that it costs log(steps) passes and no rounding travels further than `steps`.
    """
    age, total, taken = observation_counts(offsets), np.zeros(len(values)), 0
    block, size = values, 1  # the sum of the last `size` values
    while size <= steps:
        if steps & size:
            total = total + _shifted(block, age, taken)
            taken += size
        block, size = block + _shifted(block, age, size), 2 * size
    return total


def _shifted(values: Floats, age: Ints, steps: int) -> Floats:
    """What stood `steps` before each value, 0 before its series: [N] to [N]."""
    before = np.concatenate([np.zeros(min(steps, len(values))), values[: max(len(values) - steps, 0)]])
    return np.where(age > steps, before, 0.0)


def seasonal_profiles(
    z: Floats, level: Floats, offsets: Ints, *, settled: int, season: int, seasons: int, beyond: int = 0
) -> Floats:
    """p_t: how far the next step's phase lay from the level before it, in the mean of the last `seasons` seasons.

    With r_t = z_t − m_{t-1}, p_t is the mean of r_{t+1-jm} over j = 1 … seasons, of those that are known and whose
    level had `settled` steps to look at; 0 where there is none. Causal: nothing in p_t comes from after t.

    Args:
        z: [N], flat.
        level: [N] m_t.
        offsets: [S + 1].
        settled: steps that make a level.
        season: m, steps in a season.
        seasons: how many to average.
        beyond: steps after each series' end for which it is wanted too.

    Returns:
        [N + S · beyond].
    """
    lengths = np.diff(offsets)
    first, length = (np.repeat(each, lengths + beyond) for each in (offsets[:-1], lengths))
    t = np.arange(len(first)) - first - beyond * np.repeat(np.arange(len(lengths)), lengths + beyond)
    r = z - np.concatenate([[0.0], level[:-1]])
    total, count = np.zeros(len(t)), np.zeros(len(t))
    for j in range(1, seasons + 1):
        then = t + 1 - j * season
        known = (then >= settled) & (then < length)
        total += np.where(known, r[first + np.where(known, then, 0)], 0.0)
        count += known
    mean: Floats = total / np.maximum(count, 1)
    return mean


def _mean_step(z: Floats, level: Floats, offsets: Ints) -> Floats:
    """[S] mean |z_{t+1} - m_t| of each series; 0 where it has a single value."""
    steps = np.abs(np.diff(z, append=z[-1]) + z - level)
    steps[offsets[1:] - 1] = 0.0  # a series' last value has no next one
    mean: Floats = np.add.reduceat(steps, offsets[:-1]) / np.maximum(np.diff(offsets) - 1, 1)
    return mean
