"""Why a forecast is what it is: what each past value did to it, how far back the network looks, what its gates do.

The forecast is explained as the user sees it: networks and exponential smoothing in their shares, recursion or direct
head, level and profile, and the way back from z to the target's unit. The members of the smoothing are trusted as they
are (see `smoothing_gradient`); that another past would have trusted others, and scaled z otherwise, is left out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from lstmcast.data.panel import Panel
from lstmcast.errors import UsageError
from lstmcast.evaluation import attribution
from lstmcast.evaluation.following import Following, following, strongest_wave
from lstmcast.forecast import Forecast
from lstmcast.forecaster.phases import WHOLE
from lstmcast.forecaster.running import Running, last_steps
from lstmcast.forecaster.trained import Forecaster
from lstmcast.model import recursion
from lstmcast.model.gates import trace
from lstmcast.model.scaling import levels
from lstmcast.model.sensitivity import sensitivity
from lstmcast.model.smoothing_gradient import smoothing_gradient
from lstmcast.model.windows import Windows

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

NODES = (16, 64)  # points on the way from the expected past to the one that came: more where few miss too much
CLOSE = 1e-3  # a completeness error that is small enough
SIGNALS = ("level", "season", "last change")


@dataclass(frozen=True)
class Inside:
    """What the first network did while it read its context: the last L steps; U units, of all layers.

    Attributes:
        forget, input, output: [L, U] the gates, 0 to 1.
        cell: [L, U] the cell states.
        followings: [U] what each unit follows.
        half_lives: [U] steps after which half a cell is forgotten.
        memory: [L] how much the forecast would change with what was read at each step; the largest is 1.
    """

    forget: Floats
    input: Floats
    output: Floats
    cell: Floats
    followings: tuple[Following, ...]
    half_lives: Floats
    memory: Floats


@dataclass(frozen=True)
class Explanation:
    """One forecast, explained; all numbers in the target's unit, T past values, oldest first.

    Attributes:
        forecast: of the one series.
        positions: [T] where on the calendar the past values lie.
        values: [T] they themselves.
        expected: [T] what they would usually have been: the mean of their phase of the season.
        reference: [H] the forecast had every past value been as expected.
        attribution: [H, T] what each value did to each step of the forecast; over T they sum to forecast − reference.
        error: what they miss of that sum, as a share of it (see `completeness_error`).
        effect: [T] by how much the forecast would move, in the mean over its steps, had a value been a usual step off.
        season: steps in a season.
        inside: the gates.
        networks: how many networks are averaged; those of the first are shown inside.
        smoothing: the share of exponential smoothing in the forecast, 0 to 1.
    """

    forecast: Forecast
    positions: Ints
    values: Floats
    expected: Floats
    reference: Floats
    attribution: Floats
    error: float
    effect: Floats
    season: int
    inside: Inside
    networks: int
    smoothing: float

    @property
    def importance(self) -> Floats:
        """[T] how much each value did, whichever way: the mean of |attribution| over the steps ahead."""
        return np.asarray(np.abs(self.attribution).mean(axis=0), dtype=np.float64)


def explain(forecaster: Forecaster, panel: Panel, series: int = 0, origin: int | None = None) -> Explanation:
    """Explain the forecast of one series.

    Args:
        forecaster: whose.
        panel: the data.
        series: which of its series.
        origin: the last known step, counted from the series' first value; None: its last one.

    Raises:
        UsageError: the origin is not a step of the series, or its first one; or pretrained networks see only phases.
        ModelError: the forecast grows beyond every number.
        DataError: the panel is not one that the model can forecast (see `Forecaster.predict`).
    """
    if forecaster.runner.phases != WHOLE:
        raise UsageError(
            f"steps of {panel.calendar.label} are forecast apart from each other by these networks, and cannot be "
            "explained together: train a model of these data with train.start: scratch"
        )
    if forecaster.runner.beside:
        raise UsageError(
            "pretrained networks speak in these forecasts too: explain one trained with train.start: scratch"
        )
    length = int(panel.lengths[series])
    origin = length - 1 if origin is None else origin
    if not 1 <= origin < length:
        raise UsageError(f"origin: must be a step from 1 to {length - 1} of the series (got {origin})")
    past = last_steps(panel.select(np.array([series])).drop_last(length - 1 - origin), forecaster.runner.reach)
    forecast = forecaster.predict(past)
    (share,) = forecaster.runner.on(past).share(np.zeros(1, np.int64), past.lengths - 1).tolist()
    running = replace(forecaster.runner, smoothing=share, half=0, tried=False).on(past)
    usual = attribution.expected(running.windows.z, running.windows.shape.season)
    smoothing = _smoothing(running, forecast.horizon)
    shares, reference, error = _integrated(running, usual, smoothing)
    now = _Along.of(running, running.windows.z[None], smoothing)
    local, memory = now.gradient(np.ones(1))
    return Explanation(
        forecast=forecast,
        positions=past.starts[0] + np.arange(len(usual)),
        values=past.values,
        expected=running.back(usual[None], np.zeros(1, np.int64))[0],
        reference=reference,
        attribution=shares,
        error=error,
        effect=np.abs(local).mean(axis=0),
        season=running.windows.shape.season,
        inside=_inside(running, memory.mean(axis=0)),
        networks=len(forecaster.runner.networks),
        smoothing=share,
    )


def _smoothing(running: Running, horizon: int) -> Floats:
    """[H, T] the gradient of exponential smoothing's part of the forecast; zeros where it has none."""
    runner, z = running.runner, running.windows.z
    if not runner.smoothing:
        return np.zeros((horizon, len(z)))
    return runner.smoothing * smoothing_gradient(z, horizon, season=runner.shape.season, trial=runner.horizon)


def _integrated(running: Running, usual: Floats, smoothing: Floats) -> tuple[Floats, Floats, float]:
    """Attribution [H, T], reference [H] and completeness error: from the usual past straight to the one that came."""
    for count in NODES:
        found = _integral(running, usual, smoothing, count)
        if found[2] <= CLOSE:
            break
    return found


def _integral(running: Running, usual: Floats, smoothing: Floats, count: int) -> tuple[Floats, Floats, float]:
    """The same by `count` points."""
    z = running.windows.z
    places, weights = attribution.nodes(count)
    ends = np.array([0.0, 1.0])
    points = usual + np.concatenate([places, ends])[:, None] * (z - usual)  # [M, T]
    along = _Along.of(running, points, smoothing)
    gradient, _ = along.gradient(np.concatenate([weights, 0 * ends]))
    shares = (z - usual) * gradient
    reference, said = along.forecasts[-2:]
    return shares, reference, attribution.completeness_error(shares, said - reference)


@dataclass(frozen=True)
class _Along:
    """The forecast from M pasts of the series.

    Attributes:
        running: runner and series.
        windows: the M pasts.
        said: [networks, M, H] what each network says, in z.
        smoothing: [H, T] the gradient of exponential smoothing's part.
        z: [M, H] the forecasts.
    """

    running: Running
    windows: Windows
    said: Floats
    smoothing: Floats
    z: Floats

    @classmethod
    def of(cls, running: Running, points: Floats, smoothing: Floats) -> _Along:
        """Forecast from [M, T] z."""
        runner, (count, steps) = running.runner, points.shape
        offsets = np.arange(count + 1, dtype=np.int64) * steps
        windows = Windows.over(points.ravel(), np.ones(points.size, dtype=np.bool_), offsets, runner.shape)
        asked = windows, np.arange(count), np.full(count, steps - 1), len(smoothing)
        said = np.stack([recursion.forecast([network], runner.head, *asked)[0] for network in runner.networks])
        z = (1 - runner.smoothing) * said.mean(axis=0) + points @ smoothing.T
        return cls(running, windows, said, smoothing, z)

    @property
    def forecasts(self) -> Floats:
        """[M, H] in the target's unit."""
        return np.asarray(self.running.back(self.z[None], np.zeros(1, np.int64))[0], dtype=np.float64)

    def gradient(self, weights: Floats) -> tuple[Floats, Floats]:
        """Gradients of the H steps, summed over the pasts with [M] weights, in the target's unit for a unit of z.

        Returns:
            With respect to each past value, [H, T], and to what the networks read at each step of the context, [H, L].
        """
        runner = self.running.runner
        slopes = self.running.scaling.of(np.zeros(1, np.int64)).slope(self.z[None])[0] * weights[:, None]  # [M, H]
        found = [
            sensitivity(network, runner.head, self.windows, z, (1 - runner.smoothing) * slopes)
            for network, z in zip(runner.networks, self.said, strict=True)
        ]
        values = np.mean([one.values for one in found], axis=0) + slopes.sum(axis=0)[:, None] * self.smoothing
        return values, np.mean([one.inputs for one in found], axis=0)


def _inside(running: Running, memory: Floats) -> Inside:
    """The gates of the first network over the steps of its context that the series has."""
    windows, network = running.windows, running.runner.networks[0]
    z, shape = windows.z, windows.shape
    steps = min(shape.context, len(z))
    x = windows.inputs(np.zeros(1, np.int64), np.array([len(z) - shape.context]), shape.context)
    layers = trace(network, x)
    forget, entering, output, cell = (
        np.concatenate([getattr(layer, name)[0, -steps:] for layer in layers], axis=1).astype(np.float64)
        for name in "fioc"
    )
    return Inside(
        forget=forget,
        input=entering,
        output=output,
        cell=cell,
        followings=following(cell, {name: signal[-steps:] for name, signal in _signals(z, shape.season).items()}),
        half_lives=attribution.half_life(forget),
        memory=memory[-steps:] / max(memory[-steps:].max(), 1e-300),
    )


def _signals(z: Floats, season: int) -> dict[str, Floats]:
    """What a unit may follow, [T, k] each: the mean of the last season (or five values), the season, the change."""
    offsets = np.array([0, len(z)])
    level = levels(z, offsets, season if season > 1 else 5)[:, None]
    signals = {"level": level, "last change": np.diff(z, prepend=z[0])[:, None]}
    return signals | ({"season": strongest_wave(z, season)} if 1 < season <= len(z) // 2 else {})
