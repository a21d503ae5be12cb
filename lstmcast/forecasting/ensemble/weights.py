"""Weights of the members of an ensemble, at each forecast origin."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from lstmcast.forecasting.ensemble.members import Member
from lstmcast.preprocessing.panel_scaling import BoundPanel
from lstmcast.results import MemberName
from lstmcast.statistical import ensemble
from lstmcast.types import Floats, Ints


@dataclass(frozen=True)
class EnsembleWeights:
    """The rule that weights the members of an ensemble.

    Exponential smoothing and the LSTM that share a preprocessing divide a common weight. The fraction of smoothing can
    depend on the length of a series, and on the errors of both over its last horizon. All members but the trained LSTM,
    whose errors on its training data are too small, can be weighted at each lead by their errors at past origins.

    Attributes:
        fixed: [M] weights of the members; their sum is 1.
        smoothing_half_length: known values at which the fraction of smoothing is half of the fixed one; 0: the length
            does not matter.
        adaptive: whether the errors over the last horizon of a series change the fraction.
        past_origins: past origins of each series whose errors change the weights; 0: none (see `past_forecasts`).
    """

    fixed: tuple[float, ...]
    smoothing_half_length: int = 0
    adaptive: bool = False
    past_origins: int = 0

    def at(self, members: Sequence[Member], panels: Sequence[BoundPanel], series: Ints, origins: Ints) -> Floats:
        """[M, B] weights at B origins.

        Args:
            members: of the ensemble.
            panels: the panel for each preprocessing.
            series: [B] index of the series.
            origins: [B] last known step, counted from the first value of the series.
        """
        weights = np.repeat(np.array(self.fixed)[:, None], len(series), axis=1)
        if not self.smoothing_half_length and not self.adaptive:
            return weights
        for lstm, smooth in self._pairs(members):
            total, bound = self.fixed[lstm] + self.fixed[smooth], panels[members[lstm].preprocessing]
            fraction = self.smoothing_fraction(
                self.fixed[smooth] / total, bound.known_steps(series, origins), bound.windows.spec.season_length
            )
            if self.adaptive:
                error, other = (recent_errors(members[k], bound, series, origins) for k in (smooth, lstm))
                fraction = ensemble.inverse_error_weight(error, other, fraction)
            weights[smooth], weights[lstm] = total * fraction, total * (1 - fraction)
        return weights

    def smoothing_fraction(self, fraction: float, known: Ints, season: int) -> Floats:
        """[B] the fraction of exponential smoothing where [B] values are known, from the fixed one."""
        known = np.minimum(known, ensemble.history_length(season))
        return np.asarray(fraction / (1 + np.square(self.smoothing_half_length / known)))

    def uses(self, members: Sequence[Member], k: int) -> bool:
        """Return True if member k can have a weight above zero."""
        in_pair = self.smoothing_half_length > 0 or self.adaptive
        return self.fixed[k] > 0 or (in_pair and k in [lstm for lstm, _ in self._pairs(members)])

    def _pairs(self, members: Sequence[Member]) -> Iterator[tuple[int, int]]:
        """LSTM and exponential smoothing of each preprocessing where the latter has a weight, as indices of members."""
        for smooth, member in enumerate(members):
            if member.name is MemberName.SMOOTHING and self.fixed[smooth] > 0:
                yield from (
                    (lstm, smooth)
                    for lstm, other in enumerate(members)
                    if other.preprocessing == member.preprocessing and lstm != smooth
                )


def recent_errors(member: Member, bound: BoundPanel, series: Ints, origins: Ints) -> Floats:
    """[B] mean |z − f| of a member over the last horizon before each origin; 1 where too little is known.

    The networks may have been trained on these values. One that serves many series rarely overfits any of them.
    """
    windows, polyphase, steps = bound.windows, bound.preprocessing.polyphase, bound.trial_steps
    parts, ends = polyphase.origins(series, origins)
    selected = np.flatnonzero(ends + 1 >= steps + max(3, 2 * windows.spec.season_length))
    before = parts[selected], ends[selected] - steps
    actual = windows.z[(windows.offsets[before[0]] + before[1])[:, None] + np.arange(1, steps + 1)]
    errors = np.ones(len(parts))
    errors[selected] = np.abs(member.forecast(bound, *before, steps).z - actual).mean(axis=1)
    return polyphase.mean(errors)


def weighted_mean(z: Sequence[Floats], weights: Floats) -> Floats:
    """Mean of [B, H] forecasts with [M, B, H] weights; that of equal weights where all are 0."""
    if len(z) == 1:
        return z[0]
    total = weights.sum(axis=0)
    weights = np.where(total > 0, weights, 1.0)
    mean: Floats = sum(weight * part for weight, part in zip(weights, z, strict=True))
    return np.asarray(mean / weights.sum(axis=0))
