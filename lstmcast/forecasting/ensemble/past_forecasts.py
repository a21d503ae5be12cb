"""Forecasts of the members of an ensemble from past origins of the series themselves.

Their errors weight the members at each lead, and set the widths of the intervals of a series. The past origins lie on a
fixed grid of steps, so that a forecast does not depend on values after its origin, nor on those long before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lstmcast.calibration.error_growth import PastErrors, lead_windows, window_means
from lstmcast.forecasting.ensemble.members import Member, forecast_series
from lstmcast.preprocessing.panel_scaling import BoundPanel
from lstmcast.statistical import ensemble
from lstmcast.types import Floats, Ints

MAX_ORIGINS, MIN_ORIGINS = 32, 8  # past origins of one series
MAX_VALUES = 1_000_000  # values that all past forecasts of a panel may read
SPACINGS = np.array([1, 2, 3, 5, 11, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71])  # steps: all phases occur
MIN_PAST = 12  # steps before the first past origin, or two seasons
EXPONENT = 4.0  # of the inverse errors, with many independent past forecasts
HALF_FORECASTS = 2.0  # independent past forecasts at which it is half of that
SMALLEST_ERROR = 1e-12  # z


@dataclass(frozen=True)
class PastForecasts:
    """Forecasts from past origins, for B origins.

    Attributes:
        z: [M, U, H] forecasts of the members from U distinct past origins, in z of one preprocessing.
        actual: [U, H] z; NaN after the end of a series.
        rows: [B, K] past origins of each origin, as indices of U.
        known: [B, K] leads whose outcome was known at the origin; 0: no past origin.
        steps: [B] steps that the past origins of an origin cover.
    """

    z: Floats
    actual: Floats
    rows: Ints
    known: Ints
    steps: Ints

    def _outcomes(self) -> Floats:
        """[B, K, H] actual z; NaN where not yet known."""
        ahead = np.arange(1, self.actual.shape[1] + 1)
        return np.where(ahead <= self.known[..., None], self.actual[self.rows], np.nan)

    def weights(self, prior: Floats, horizon: int) -> Floats:
        """[M, B, horizon] weights: those of `prior` [M, B], divided by a power of the mean errors at each lead."""
        outcomes, (members, origins) = self._outcomes(), prior.shape
        found = np.empty((members, origins, horizon))
        errors = np.stack([window_means(np.abs(z[self.rows] - outcomes))[0] for z in self.z])  # [M, B, G]
        _, counts = window_means(outcomes)
        last = np.maximum(np.cumsum(counts > 0, axis=1) - 1, 0)  # the last window with a known outcome so far
        errors = np.maximum(np.take_along_axis(errors, np.broadcast_to(last, errors.shape), axis=2), SMALLEST_ERROR)
        ends = lead_windows(self.actual.shape[1])
        independent = np.minimum(self.steps[:, None] / ends[last], np.maximum(counts[:, :1], 1)) * (counts[:, :1] > 0)
        exponent = EXPONENT * independent / (independent + HALF_FORECASTS)
        logs = np.log(np.maximum(prior, np.finfo(float).tiny))[..., None] - exponent * np.log(
            errors / errors.min(axis=0)
        )
        at, between = _positions(horizon)
        for m in range(members):
            found[m] = logs[m][:, at] * (1 - between) + logs[m][:, np.minimum(at + 1, len(ends) - 1)] * between
        found = np.exp(found - found.max(axis=0))
        found *= (prior > 0)[..., None]
        return np.asarray(found / found.sum(axis=0))

    def errors(self, weights: Floats) -> PastErrors:
        """Signed errors of the weighted mean of the members with weights [M, B, h] at the leads up to h."""
        horizon = self.actual.shape[1]
        lead = np.minimum(np.arange(horizon), weights.shape[2] - 1)
        mean = np.zeros((*self.rows.shape, horizon))
        for z, weight in zip(self.z, weights, strict=True):
            mean += weight[:, None, lead] * z[self.rows]
        outcomes = self._outcomes()
        first = np.nan_to_num(outcomes[:, 0, :1])[..., None]
        moves = (np.where(np.isnan(outcomes), first, outcomes) != first).any(axis=(1, 2))
        return PastErrors(outcomes - mean, np.where((self.known > 0).any(axis=1), self.steps, 0), moves)


def _positions(horizon: int) -> tuple[Ints, Floats]:
    """Window below each lead, and the position between it and the next on a logarithmic scale."""
    exponent = np.log2(np.arange(1, horizon + 1))
    at = np.floor(exponent).astype(np.int64)
    return at, exponent - at


@dataclass(frozen=True)
class _Grid:
    """Past origins of B origins.

    Attributes:
        keys: [B, K] series · stride + step; that of another past origin where `known` is 0.
        stride: more than the number of steps of any series.
        known: [B, K] leads whose outcome was known at the origin; 0: no past origin.
        steps: [B] steps between the first past origin and the origin.
    """

    keys: Ints
    stride: int
    known: Ints
    steps: Ints

    @classmethod
    def of(cls, bound: BoundPanel, series: Ints, origins: Ints, count: int) -> _Grid:
        """Place at most `count` past origins for each origin."""
        panel, season = bound.panel, bound.windows.spec.season_length * bound.preprocessing.polyphase.count
        lowest = np.maximum.reduce(
            [
                np.minimum(max(2 * season, MIN_PAST), origins - 2),
                origins - history_steps(bound),
                (origins + 1) // 4,
                np.ones_like(origins),
            ]
        )
        needed = -(-np.maximum(origins - lowest, 0) // count)
        spacing = SPACINGS[np.minimum(np.searchsorted(SPACINGS, needed), len(SPACINGS) - 1)]
        newest = (panel.starts[series] + origins - 1) // spacing * spacing - panel.starts[series]
        past = newest[:, None] - spacing[:, None] * np.arange(count)
        known = np.where(past >= lowest[:, None], origins[:, None] - past, 0)
        stride = int(panel.lengths.max()) + 1
        keys = series[:, None] * stride + past
        valid = keys[known > 0]
        keys = np.where(known > 0, keys, valid[0] if len(valid) else series[0] * stride)
        return cls(keys, stride, known, known.max(axis=1, initial=0))


def history_steps(bound: BoundPanel) -> int:
    """Steps before an origin in which its past origins lie."""
    return bound.preprocessing.polyphase.count * ensemble.history_length(bound.windows.spec.season_length)


def origin_count(n_series: int, history: int) -> int:
    """Number of past origins of each series of a panel; 0 if it has too many series.

    Args:
        n_series: S.
        history: values that a past forecast reads.
    """
    count = min(MAX_ORIGINS, MAX_VALUES // max(1, n_series * history))
    return count if count >= MIN_ORIGINS else 0


def past_forecasts(
    members: Sequence[Member],
    panels: Sequence[BoundPanel],
    scale: int,
    series: Ints,
    origins: Ints,
    horizon: int,
    count: int,
) -> PastForecasts:
    """Forecast from the past origins of B origins.

    Args:
        members: of the ensemble.
        panels: the panel for each preprocessing.
        scale: index of the preprocessing whose z is the unit.
        series: [B] index of the series.
        origins: [B] last known step, counted from the first value of the series.
        horizon: steps ahead; the past forecasts reach the next power of two.
        count: K, past origins of each origin at most.
    """
    grid = _Grid.of(panels[scale], series, origins, count)
    distinct, rows = np.unique(grid.keys, return_inverse=True)
    past_series, past_origins = np.divmod(distinct, grid.stride)
    steps = int(lead_windows(horizon)[-1])
    z = np.empty((len(members), len(distinct), steps))
    for m, member in enumerate(members):
        panel = panels[member.preprocessing]
        forecast = forecast_series(member.scored, panel, past_series, past_origins, steps).z
        z[m] = rescale(forecast, panel, panels[scale], past_series)
    actual = panels[scale].actual(past_series, past_origins, steps)
    covariates = panels[scale].panel.covariates
    if covariates is not None and covariates.horizon is not None:  # forecasts of later steps lack known covariates
        actual = np.where(np.arange(steps) < covariates.horizon, actual, np.nan)
    return PastForecasts(z, actual, rows.reshape(grid.known.shape), grid.known, grid.steps)


def rescale(z: Floats, panel: BoundPanel, other: BoundPanel, series: Ints) -> Floats:
    """[B, H] z of one preprocessing to z of another."""
    return z if panel is other else other.transform(panel.inverse_transform(z, series), series)
