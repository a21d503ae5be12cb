"""Integrated gradients of an ensemble: attributions of its forecast to past values.

Members with different preprocessings read the past in different z. The path from the expected past to the actual one is
straight in each of them, and the attribution of a value is the sum over them: attributions sum to the whole change.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast

import numpy as np

from lstmcast.explain import attribution
from lstmcast.explain.explained_past import FIRST_SERIES
from lstmcast.explain.forecast_gradient import sensitivity
from lstmcast.forecasting.ensemble.direct_member import DirectMember
from lstmcast.forecasting.ensemble.ensemble import BoundEnsemble
from lstmcast.forecasting.ensemble.members import LinearMember, LstmMember
from lstmcast.nn import multistep
from lstmcast.preprocessing.panel_scaling import BoundPanel
from lstmcast.preprocessing.scaling import Scaling
from lstmcast.preprocessing.windows import WindowDataset
from lstmcast.types import Bools, Floats

NODES = {16: 1e-3, 64: 1e-2, 512: np.inf}  # nodes, and the completeness error up to which they suffice


@dataclass(frozen=True)
class MemberAttribution:
    """The members that share a preprocessing, bound to one series.

    Attributes:
        bound: the series.
        lstm: the networks; None: no LSTM has this preprocessing.
        weight: [H] of these members in the forecast.
        lstm_fraction: [H] of the LSTM in that weight.
        jacobian: [H, T] gradient of the part of the other members, which are linear in the past, or taken as linear.
        offset: [H] forecast of the other members from a past of zeros.
        limit: [H] z, largest deviation from the forecast of the other members.
    """

    bound: BoundPanel
    lstm: LstmMember | None
    weight: Floats
    lstm_fraction: Floats
    jacobian: Floats
    offset: Floats
    limit: Floats

    def transform(self, values: Floats) -> Floats:
        """[…] values to z."""
        return np.asarray(self.bound.scaling.forward(values[None])[0])

    def relative_scale(self, other: BoundPanel) -> Floats:
        """[T] derivative of its z of each past value by the z of another preprocessing."""
        if self.bound is other:
            return np.ones(len(other.windows.z))
        return _ratio(*(_unbounded(bound).derivative(bound.windows.z[None])[0] for bound in (other, self.bound)))


def member_attributions(bound: BoundEnsemble, weights: Floats, horizon: int) -> list[MemberAttribution]:
    """The members of the forecast of one series, by preprocessing.

    Args:
        bound: the ensemble, and the one series up to the origin.
        weights: [M, H] of the members.
        horizon: H.
    """
    ensemble, found = bound.ensemble, []
    for index, panel in enumerate(bound.panels):
        own = [
            (member, weight)
            for member, weight in zip(ensemble.members, weights, strict=True)
            if member.preprocessing == index and weight.any()
        ]
        if not own:
            continue
        total = np.sum([weight for _, weight in own], axis=0)
        fractions = [(member, weight / np.where(total > 0, total, 1.0)) for member, weight in own]
        lstm = next((member for member, _ in own if isinstance(member, LstmMember)), None)
        jacobian = np.zeros((horizon, len(panel.windows.z)))
        offset = np.zeros(horizon)
        for member, fraction in fractions:
            if not isinstance(member, LstmMember):
                gradient = cast("LinearMember", member).gradient(panel, horizon)
                jacobian += fraction[:, None] * gradient
            if isinstance(member, DirectMember):
                offset += fraction * (_last_forecast(member, panel, horizon) - gradient @ panel.windows.z)
        lstm_fraction = next((fraction for member, fraction in fractions if member is lstm), np.zeros(horizon))
        limit = np.full(horizon, np.inf) if index else ensemble.deviation_limit(horizon)
        found.append(MemberAttribution(panel, lstm, total, lstm_fraction, jacobian, offset, limit))
    return found


def _last_forecast(member: DirectMember, bound: BoundPanel, horizon: int) -> Floats:
    """[H] forecast from the end of the only series."""
    return np.asarray(member.forecast(bound, FIRST_SERIES, bound.panel.lengths - 1, horizon).z[0])


def _rest_weights(parts: Sequence[MemberAttribution]) -> list[Floats]:
    """[H] weights of all parts but the first, of sum 1."""
    total = np.sum([part.weight for part in parts[1:]], axis=0)
    return [
        np.where(total > 0, part.weight / np.where(total > 0, total, 1.0), 1 / (len(parts) - 1)) for part in parts[1:]
    ]


def _unbounded(bound: BoundPanel) -> Scaling:
    """Return the scaling without the floor, which limits forecasts but not past values."""
    return replace(bound.scaling, floor=np.full(1, -np.inf))


def _ratio(slope: Floats, other: Floats) -> Floats:
    """Divide one derivative by another; 0 on a floor."""
    return np.divide(slope, other, out=np.zeros_like(slope), where=other > 0)


def integrated(parts: Sequence[MemberAttribution], baseline: Sequence[Floats]) -> tuple[Floats, Floats, float]:
    """Return attributions [H, T], reference [H] and completeness error, with more nodes until the error is small.

    Args:
        parts: of the forecast.
        baseline: [T] expected past in z of each part.
    """
    for count, enough in NODES.items():
        found = _integral(parts, baseline, count)
        if found[2] <= enough:
            break
    return found


def _integral(
    parts: Sequence[MemberAttribution], baseline: Sequence[Floats], count: int
) -> tuple[Floats, Floats, float]:
    """Integrate with `count` nodes."""
    nodes, weights = attribution.quadrature_nodes(count)
    nodes = np.concatenate([nodes, [0.0, 1.0]])[:, None]  # [M, 1]
    deltas = [part.bound.windows.z - begin for part, begin in zip(parts, baseline, strict=True)]
    along = PathForecast.of(parts, [begin + nodes * delta for begin, delta in zip(baseline, deltas, strict=True)])
    gradients, _ = along.gradient(np.concatenate([weights, [0.0, 0.0]]))
    attributions = np.sum([delta * gradient for delta, gradient in zip(deltas, gradients, strict=True)], axis=0)
    reference, forecast = along.forecasts[-2:]
    return attributions, reference, attribution.completeness_error(attributions, forecast - reference)


@dataclass(frozen=True)
class _PathPoint:
    """Forecasts of one part from M pasts.

    Attributes:
        member: the part.
        windows: the M pasts.
        by_network: [networks, M, H] z of each network.
        z: [M, H] with the other members.
    """

    member: MemberAttribution
    windows: WindowDataset
    by_network: Floats
    z: Floats

    @classmethod
    def of(cls, part: MemberAttribution, points: Floats) -> _PathPoint:
        """Forecast from [M, T] z."""
        lstm, (count, steps) = part.lstm, points.shape
        offsets = np.arange(count + 1, dtype=np.int64) * steps
        read, first = part.bound.windows, np.zeros(count, dtype=np.int64)
        drivers = read.drivers and read.drivers.take(first, first, first + steps - 1)
        observed = np.ones(points.size, dtype=np.bool_)
        windows = WindowDataset.from_panel(points.ravel(), observed, offsets, read.spec, drivers)
        linear, arguments = (
            points @ part.jacobian.T + part.offset,
            (np.arange(count), np.full(count, steps - 1), len(part.jacobian)),
        )
        if lstm is None:
            return cls(part, windows, np.empty((0, *linear.shape)), linear)
        mirrored = np.repeat(lstm.mirrors(part.bound, FIRST_SERIES), count)
        each = np.stack(
            [
                multistep.forecast([network], lstm.head, windows, *arguments, mirrored=mirrored)[0]
                for network in lstm.networks
            ]
        )
        return cls(part, windows, each, part.lstm_fraction * each.mean(axis=0) + linear)

    def gradient(self, slopes: Floats) -> tuple[Floats, Floats]:
        """Gradients of the H steps, summed over the pasts with [M, H] slopes: see `PathForecast.gradient`."""
        member, linear = self.member, slopes.sum(axis=0)[:, None] * self.member.jacobian
        if (lstm := member.lstm) is None:
            return linear, np.zeros((len(linear), self.windows.spec.context))
        signs = (1, -1) if lstm.mirrors(member.bound, FIRST_SERIES).all() else (1,)
        found = [
            sensitivity(network, lstm.head, _signed(self.windows, sign), sign * z, member.lstm_fraction * slopes)
            for sign in signs
            for network, z in zip(lstm.networks, self.by_network, strict=True)
        ]
        values = np.mean([gradient.values for gradient in found], axis=0) + linear
        return values, np.mean([gradient.inputs for gradient in found], axis=0)


def _signed(windows: WindowDataset, sign: int) -> WindowDataset:
    """The series, or for a sign of −1 their mirror images."""
    return WindowDataset.from_panel(sign * windows.z, windows.observed, windows.offsets, windows.spec, windows.drivers)


@dataclass(frozen=True)
class PathForecast:
    """Forecast of all parts from M pasts.

    Attributes:
        points: forecasts of the parts.
        by_member: [M, H] forecasts of the parts, in z of the first.
        z: [M, H] forecasts of the ensemble, in z of the first.
        clipped: [M, H] whether the deviation of the first from the others is at its limit.
    """

    points: tuple[_PathPoint, ...]
    by_member: tuple[Floats, ...]
    z: Floats
    clipped: Bools

    @classmethod
    def of(cls, parts: Sequence[MemberAttribution], points: Sequence[Floats]) -> PathForecast:
        """Forecast from [M, T] z of each part."""
        found = tuple(_PathPoint.of(part, z) for part, z in zip(parts, points, strict=True))
        own, *rest = found
        by_member = (
            own.z,
            *(
                parts[0].transform(other.member.bound.inverse_transform(other.z[None], FIRST_SERIES)[0])
                for other in rest
            ),
        )
        limit = parts[0].limit
        rest_weights = _rest_weights(parts)
        middle = np.asarray(sum(weight * z for weight, z in zip(rest_weights, by_member[1:], strict=True)))
        middle = middle if rest else by_member[0]  # a single part does not deviate from itself
        away = by_member[0] - middle
        z = middle + parts[0].weight * np.clip(away, -limit, limit)
        return cls(found, by_member, z, np.abs(away) > limit)

    @property
    def own(self) -> BoundPanel:
        """Panel of the first part."""
        return self.points[0].member.bound

    @property
    def forecasts(self) -> Floats:
        """[M, H] in the unit of the target."""
        return np.asarray(self.own.inverse_transform(self.z[None], FIRST_SERIES)[0], dtype=np.float64)

    def gradient(self, weights: Floats) -> tuple[list[Floats], Floats]:
        """Gradients of the H steps, summed over the pasts with [M] weights, in the target's unit for a unit of z.

        Returns:
            With respect to each past z of each part, [H, T] each, and to the inputs of the first LSTM at each step
            of the context, [H, L].
        """
        scaling = self.own.scaling
        slopes = scaling.derivative(self.z[None])[0] * weights[:, None]  # [M, H]
        found = []
        clipped_weights = [np.zeros(()), *_rest_weights([point.member for point in self.points])]
        for k, (point, z) in enumerate(zip(self.points, self.by_member, strict=True)):
            own = point is self.points[0]
            chain = (
                1.0
                if own
                else _ratio(point.member.bound.scaling.derivative(point.z[None])[0], scaling.derivative(z[None])[0])
            )
            weight = np.where(self.clipped, clipped_weights[k], point.member.weight)
            found.append(point.gradient(weight * slopes * chain))
        return [values for values, _ in found], found[0][1]
