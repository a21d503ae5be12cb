"""Scaling: z is the transformed value (log, root or itself), relative to the first one, in units of a typical step.

Arrays are flat: S series follow each other in an array of N values, series k in `offsets[k]:offsets[k + 1]`.
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

MAX_STEP_RATIO = 30.0  # of a series' step to the typical one, in mode blended
STILL = 1e-3  # of its value: step of an untransformed constant series
LOWEST = 100.0  # −z of the smallest value that a forecast on another scale becomes as a log
NO_MOVE = 1e-14  # z: nearer to 0, the value is the first one
_LOG_LIMITS = (-700.0, 700.0)  # logs of the smallest and the largest float, about


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
    """Transform and scale of S series.

    Attributes:
        transform: the transform: "log", "sqrt" or "none".
        offset: [S] the transformed value that is z = 0.
        scale: [S] unit of z in transformed values; positive.
        floor: [S] lower limit of forecasts: 0 for a series that was never negative, else -inf.
        typical_step: mean step of the fitted series, in transformed values.
        untransformed: [S] series that the transform cannot take; None: none.
        first: [S] the value that is z = 0, exactly; None: computed from the offset.
    """

    transform: TransformName
    offset: Floats
    scale: Floats
    floor: Floats
    typical_step: float
    untransformed: Bools | None = None
    first: Floats | None = None

    def forward(self, values: Floats) -> Floats:
        """[S, …] values to z; a value that a log cannot take, or a lower one, becomes −LOWEST."""
        column = (slice(None),) + (None,) * (values.ndim - 1)
        if self.transform == "log":
            with np.errstate(under="ignore"):
                lowest = np.exp(np.clip(self.offset - LOWEST * self.scale, _LOG_LIMITS[0], _LOG_LIMITS[1]))[column]
            values = self._either(lambda each: np.maximum(each, lowest), np.asarray, values)
        return (self._either(_FORWARD[self.transform], np.asarray, values) - self.offset[column]) / self.scale[column]

    def take(self, series: Ints) -> Scaling:
        """Select the scaling of [B] series, which may repeat."""
        untransformed = None if self.untransformed is None else self.untransformed[series]
        return Scaling(
            self.transform,
            self.offset[series],
            self.scale[series],
            self.floor[series],
            self.typical_step,
            untransformed,
            None if self.first is None else self.first[series],
        )

    def inverse(self, z: Floats) -> Floats:
        """[S, …] z to values."""
        column = (slice(None),) + (None,) * (z.ndim - 1)
        with np.errstate(over="ignore", invalid="ignore"):  # an overflow becomes infinite; callers refuse it
            values = self._either(_INVERSE[self.transform], np.asarray, self.offset[column] + z * self.scale[column])
            if self.first is not None:
                exact = self.first[column] * np.exp(z * self.scale[column]) if self.transform == "log" else values
                values = np.where(np.abs(z) < NO_MOVE, self.first[column], self._either_of(exact, values))
        return np.maximum(values, self.floor[column])

    def upper_bound(self, z: Floats, above: Floats) -> Floats:
        """[S, …] upper bound of an interval, `above` the forecast z.

        In logs, e^w is replaced by 1 + w + w²/2: a lognormal distribution has a longer tail than series have.
        """
        bound = self.inverse(z + above)
        if self.transform != "log":
            return bound
        column = (slice(None),) + (None,) * (z.ndim - 1)
        w = above * self.scale[column]
        with np.errstate(over="ignore"):
            tail = self.inverse(z) * (1 + w + np.square(w) / 2)
        return tail if self.untransformed is None else np.where(self.untransformed[column], bound, tail)

    def derivative(self, z: Floats) -> Floats:
        """[S, …] derivative of the value by z; 0 on the floor."""
        column = (slice(None),) + (None,) * (z.ndim - 1)
        scale, values = self.scale[column], self.inverse(z)
        rise = self._either(_SLOPE[self.transform], np.ones_like, self.offset[column] + z * scale) * scale
        return np.where(values > self.floor[column], rise, 0.0)

    def _either_of(self, values: Floats, otherwise: Floats) -> Floats:
        """[S, …] `otherwise` for untransformed series, `values` for the rest."""
        if self.untransformed is None:
            return values
        return np.where(self.untransformed.reshape(-1, *(1,) * (values.ndim - 1)), otherwise, values)

    def _either(self, transform: Transform, otherwise: Transform, numbers: Floats) -> Floats:
        """[S, …] one of two functions of each number: the second one for untransformed series."""
        return (
            transform(numbers)
            if self.untransformed is None
            else _either(self.untransformed, transform, otherwise, numbers)
        )


def valid_transforms(values: Floats) -> tuple[TransformName, ...]:
    """Return the possible transforms: logs need positive values, roots no negative ones."""
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
    """Fit the scale of each series: the mean distance of its transformed values from the level before them.

    That is the size of the targets of a network.

    Args:
        values: [N] finite values, flat.
        offsets: [S + 1].
        transform: the transform.
        level: steps of the level, ≥ 1.
        mode: "local": the step of each series. "global": the typical step, for logs, which are comparable. "blended":
            the geometric mean of both, for short series, whose own step is uncertain; in proportion to its own step
            where that is far from the typical one.
        typical_step: of other series; None: the mean over these series.
        untransformed: [S] series that are not transformed; they are scaled locally in every mode.

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
    step = scale
    own = np.where(scale > 0, scale, STILL * np.maximum(np.abs(anchor), STILL))
    if mode == "global":
        scale = np.full_like(scale, typical_step)
    if mode == "blended":
        blended = np.clip(scale, typical_step / MAX_STEP_RATIO, typical_step * MAX_STEP_RATIO)
        scale = np.sqrt(typical_step * blended) * (scale / blended)
    scale = np.where(scale > 0, scale, 1.0)
    moving = (lengths > 1) & (step > 0) & (True if untransformed is None else ~untransformed)
    if mode == "blended" and moving.any():
        scale = np.where(lengths == 1, np.median(step[moving]), scale)  # one value shows no step: take that of others
    if untransformed is not None:
        scale = np.where(untransformed, own, scale)
    floor = np.where(np.minimum.reduceat(values, first) >= 0, 0.0, -np.inf)
    return Scaling(transform, anchor, scale, floor, typical_step, untransformed, values[first])


def _either(untransformed: Bools, transform: Transform, otherwise: Transform, numbers: Floats) -> Floats:
    """[S, …] `otherwise` for untransformed series [S], `transform` for the rest."""
    selected = untransformed.reshape(-1, *(1,) * (numbers.ndim - 1))
    return np.where(selected, otherwise(numbers), transform(np.where(selected, 1.0, numbers)))


def _typical_step(scale: Floats) -> float:
    """Mean step of the series that are not constant; 1 if all are."""
    moving = scale[scale > 0]
    return float(moving.mean()) if len(moving) else 1.0


def trailing_means(z: Floats, offsets: Ints, steps: int) -> Floats:
    """[N] m_t: mean of the last `steps` z up to t, of fewer at the start of a series."""
    return trailing_sum(z, offsets, steps) / np.minimum(observation_counts(offsets), steps)


def observation_counts(offsets: Ints) -> Ints:
    """[N] number of values of the series up to each step: 1 at the first."""
    lengths = np.diff(offsets)
    return np.arange(1, offsets[-1] + 1) - np.repeat(offsets[:-1], lengths)


def trailing_sum(values: Floats, offsets: Ints, steps: int) -> Floats:
    """[N] sum of the last `steps` values of the series up to each one.

    Composed of sums of 1, 2, 4 … values: log(steps) passes, and no rounding error reaches further than `steps`.
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
    """[N] value `steps` before each one; 0 before the series."""
    before = np.concatenate([np.zeros(min(steps, len(values))), values[: max(len(values) - steps, 0)]])
    return np.where(age > steps, before, 0.0)


def seasonal_profiles(
    z: Floats, level: Floats, offsets: Ints, *, settled: int, season: int, seasons: int, beyond: int = 0
) -> Floats:
    """Return p_t: mean deviation of the next step's phase from the level before it, over the last `seasons` seasons.

    With r_t = z_t − m_{t-1}, p_t is the mean of r_{t+1-jm} over j = 1 … seasons, of those that are known and whose
    level had `settled` steps to look at; 0 where there is none. Causal: nothing in p_t comes from after t.

    Args:
        z: [N], flat.
        level: [N] m_t.
        offsets: [S + 1].
        settled: steps of a full level window.
        season: m, steps in a season.
        seasons: number of seasons to average.
        beyond: further steps after the end of each series.

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
    """[S] mean |z_{t+1} - m_t| of each series; 0 for a single value."""
    steps = np.abs(np.diff(z, append=z[-1]) + z - level)
    steps[offsets[1:] - 1] = 0.0  # a series' last value has no next one
    mean: Floats = np.add.reduceat(steps, offsets[:-1]) / np.maximum(np.diff(offsets) - 1, 1)
    return mean
