"""What a forecast owes to each past value, where one or two groups of networks speak, each with smoothing beside it.

Each group reads the past in z of its own. The way from the usual past to the one that came is straight in both at once,
and a value gets what its two readings did: so attributions sum to the whole change.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from lstmcast.data.panel import Panel
from lstmcast.evaluation import attribution
from lstmcast.forecaster.running import BoundPipeline, ForecastPipeline
from lstmcast.model import recursion
from lstmcast.model.scaling import Scaling
from lstmcast.model.sensitivity import sensitivity
from lstmcast.model.smoothing_gradient import smoothing_gradient
from lstmcast.model.windows import WindowDataset

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

NODES = {16: 1e-3, 64: 1e-2, 512: np.inf}  # points on the way to the past that came: as many until they miss no more
ONE = np.zeros(1, np.int64)  # the one series


@dataclass(frozen=True)
class MemberAttribution:
    """One group of networks with its smoothing, beside the one series.

    Attributes:
        running: runner and series; the runner's share of smoothing is that of this forecast.
        share: its own share of the forecast.
        smoothing: [H, T] the gradient of exponential smoothing's part of what it says.
        limit: [H] how far what it says may lie from the other group's, in its z.
    """

    running: BoundPipeline
    share: float
    smoothing: Floats
    limit: Floats

    @classmethod
    def of(cls, runner: ForecastPipeline, past: Panel, share: float, horizon: int) -> MemberAttribution:
        """Make ready."""
        running = replace(runner, beside=None).on(past)
        (smoothing,) = running.share(ONE, past.lengths - 1).tolist()
        held = replace(running, runner=replace(running.runner, smoothing=smoothing, half=0, tried=False))
        limit = runner.beside.limit(horizon) if runner.beside else np.full(horizon, np.inf)
        if not smoothing:
            return cls(held, share, np.zeros((horizon, len(past.values))), limit)
        gradient = smoothing_gradient(held.windows.z, horizon, season=runner.shape.season, trial=runner.horizon)
        return cls(held, share, smoothing * gradient, limit)

    def reading(self, values: Floats) -> Floats:
        """[…] values as z."""
        return np.asarray(self.running.scaling.forward(values[None])[0])

    def finer(self, other: BoundPipeline) -> Floats:
        """[T] how much its z of each past value grows with the other's."""
        if self.running is other:
            return np.ones(len(other.windows.z))
        return _ratio(*(_unbounded(running).slope(running.windows.z[None])[0] for running in (other, self.running)))


def _unbounded(running: BoundPipeline) -> Scaling:
    """The scaling of past values: no forecast falls below the floor, but a value that lies on it may move."""
    return replace(running.scaling, floor=np.full(1, -np.inf))


def _ratio(one: Floats, other: Floats) -> Floats:
    """One slope over another; 0 on a floor, where nothing moves."""
    return np.divide(one, other, out=np.zeros_like(one), where=other > 0)


def integrated(parts: Sequence[MemberAttribution], usual: Sequence[Floats]) -> tuple[Floats, Floats, float]:
    """Attribution [H, T], reference [H] and completeness error: from the usual past straight to the one that came.

    Args:
        parts: of the forecast.
        usual: [T] the usual past, as each of them reads it.
    """
    for count, enough in NODES.items():
        found = _integral(parts, usual, count)
        if found[2] <= enough:
            break
    return found


def _integral(parts: Sequence[MemberAttribution], usual: Sequence[Floats], count: int) -> tuple[Floats, Floats, float]:
    """The same by `count` points."""
    places, weights = attribution.nodes(count)
    places = np.concatenate([places, [0.0, 1.0]])[:, None]  # [M, 1]
    ways = [part.running.windows.z - begin for part, begin in zip(parts, usual, strict=True)]
    along = PathForecast.of(parts, [begin + places * way for begin, way in zip(usual, ways, strict=True)])
    gradients, _ = along.gradient(np.concatenate([weights, [0.0, 0.0]]))
    shares = np.sum([way * gradient for way, gradient in zip(ways, gradients, strict=True)], axis=0)
    reference, said = along.forecasts[-2:]
    return shares, reference, attribution.completeness_error(shares, said - reference)


@dataclass(frozen=True)
class _PathPoint:
    """What one part says of M pasts.

    Attributes:
        part: who speaks.
        windows: the M pasts.
        each: [networks, M, H] what each network says, in z.
        z: [M, H] what it says with its smoothing.
    """

    part: MemberAttribution
    windows: WindowDataset
    each: Floats
    z: Floats

    @classmethod
    def of(cls, part: MemberAttribution, points: Floats) -> _PathPoint:
        """Ask for the forecasts from [M, T] z."""
        runner, (count, steps) = part.running.runner, points.shape
        offsets = np.arange(count + 1, dtype=np.int64) * steps
        windows = WindowDataset.over(points.ravel(), np.ones(points.size, dtype=np.bool_), offsets, runner.shape)
        asked = windows, np.arange(count), np.full(count, steps - 1), len(part.smoothing)
        each = np.stack([recursion.forecast([network], runner.head, *asked)[0] for network in runner.networks])
        z = (1 - runner.smoothing) * each.mean(axis=0) + points @ part.smoothing.T
        return cls(part, windows, each, z)

    def gradient(self, slopes: Floats) -> tuple[Floats, Floats]:
        """Gradients of the H steps, summed over the pasts with [M, H] slopes: see `PathForecast.gradient`."""
        runner = self.part.running.runner
        found = [
            sensitivity(network, runner.head, self.windows, z, (1 - runner.smoothing) * slopes)
            for network, z in zip(runner.networks, self.each, strict=True)
        ]
        values = np.mean([one.values for one in found], axis=0) + slopes.sum(axis=0)[:, None] * self.part.smoothing
        return values, np.mean([one.inputs for one in found], axis=0)


@dataclass(frozen=True)
class PathForecast:
    """The forecast from M pasts of the series, all parts together.

    Attributes:
        sayings: of the parts, own first.
        theirs: [M, H] what each part says, in the z of the first.
        z: [M, H] the forecasts in it.
        strayed: [M, H] where the first lies as far from the others as it may, and a little more is no more.
    """

    sayings: tuple[_PathPoint, ...]
    theirs: tuple[Floats, ...]
    z: Floats
    strayed: Bools

    @classmethod
    def of(cls, parts: Sequence[MemberAttribution], points: Sequence[Floats]) -> PathForecast:
        """Forecast from [M, T] z, as each part reads them."""
        sayings = tuple(_PathPoint.of(part, z) for part, z in zip(parts, points, strict=True))
        own, *others = sayings
        theirs = own.z, *(parts[0].reading(other.part.running.back(other.z[None], ONE)[0]) for other in others)
        middle, limit = theirs[-1], parts[0].limit  # where one part speaks, it lies nowhere from itself
        away = theirs[0] - middle
        z = middle + parts[0].share * np.clip(away, -limit, limit)
        return cls(sayings, theirs, z, np.abs(away) > limit)

    @property
    def own(self) -> BoundPipeline:
        """The first part's."""
        return self.sayings[0].part.running

    @property
    def forecasts(self) -> Floats:
        """[M, H] in the target's unit."""
        return np.asarray(self.own.back(self.z[None], ONE)[0], dtype=np.float64)

    def gradient(self, weights: Floats) -> tuple[list[Floats], Floats]:
        """Gradients of the H steps, summed over the pasts with [M] weights, in the target's unit for a unit of z.

        Returns:
            With respect to each past value as each part reads it, [H, T] each, and to what the networks of the first
            read at each step of the context, [H, L].
        """
        scaling = self.own.scaling
        slopes = scaling.slope(self.z[None])[0] * weights[:, None]  # [M, H]
        found = []
        for saying, z in zip(self.sayings, self.theirs, strict=True):
            own = saying is self.sayings[0]
            chain = (
                1.0 if own else _ratio(saying.part.running.scaling.slope(saying.z[None])[0], scaling.slope(z[None])[0])
            )
            share = np.where(self.strayed, 0.0 if own else 1.0, saying.part.share)
            found.append(saying.gradient(share * slopes * chain))
        return [values for values, _ in found], found[0][1]
