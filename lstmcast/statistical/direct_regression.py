"""Direct regression: a ridge regression for each step ahead on the past, the calendar and covariates.

A row is a block of consecutive steps: a day of hours, or one step of days and longer. All steps of a block are targets
that share features, so that each hour has coefficients of its own. For a block k ahead of the origin, the target is its
difference to the level at the origin. The features are the level, the newest blocks and the block one season before the
target relative to that level, means of past seasons, changes of a year ago, the calendar of the target, and the
covariates at the target, the block before it and the origin. Numeric covariates bend at five quantiles. The forecast
averages fits with long, medium and short memory, weighted by their leave-one-out errors of recent rows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np

from lstmcast.statistical.direct_features import (
    PAST,
    Blocks,
    Features,
    Label,
    ProbedBlocks,
    curves_of,
    driver_tables,
    features_of,
)
from lstmcast.statistical.ridge import RidgeFit, fit_ridge
from lstmcast.types import Floats, Ints

ERROR_EXPONENT = 4.0  # of the inverse errors that weight the fits
MIN_ROWS = 12


@dataclass(frozen=True)
class LeadFit:
    """Fits with different memory for one lead, and their weights.

    Attributes:
        fits: the regressions.
        weights: [F], of sum 1.
    """

    fits: tuple[RidgeFit, ...]
    weights: Floats

    def predict(self, features: Features) -> Floats:
        """[N, b] z of the blocks; an unknown feature counts as its mean."""
        means = [fit.predict(features.values) for fit in self.fits]
        return np.asarray(np.tensordot(self.weights, means, 1) + features.level[:, None])

    def effects(self, features: Features) -> Floats:
        """[p, b] part of each feature of the only row: its distance from the mean, times its coefficients."""
        each = [np.nan_to_num(fit.standardized(features.values))[0][:, None] * fit.coefficients for fit in self.fits]
        return np.asarray(np.tensordot(self.weights, each, 1))

    def response(self, columns: Ints, values: Floats) -> Floats:
        """[n - 1, b] effects of other values [n, k] of some features [k], relative to the last row."""
        change = values[:-1] - values[-1]
        each = [(change / fit.scale[columns]) @ fit.coefficients[columns] for fit in self.fits]
        return np.asarray(np.tensordot(self.weights, each, 1))


def forecast(blocks: Blocks, origins: Ints, horizon: int) -> Floats:
    """Forecast [N, H] z from the ends of rows [N], all at least `blocks.fitted` - 1."""
    z = np.empty((len(origins), -(-horizon // blocks.size) * blocks.size))
    for lead in range(1, z.shape[1] // blocks.size + 1):
        columns = slice((lead - 1) * blocks.size, lead * blocks.size)
        fit = fit_lead(blocks, lead)
        features = features_of(blocks, origins + lead, lead)
        z[:, columns] = fit.predict(features) if fit else features.level[:, None]
    return z[:, :horizon]


def gradient(blocks: Blocks, origin: int, horizon: int) -> Floats:
    """Jacobian [H, (origin + 1) b] of the forecast from the end of a row, coefficients held fixed."""
    size, first = blocks.size, max(0, origin + 1 - blocks.required_blocks)
    at, element = np.divmod(np.arange(first * size, (origin + 1) * size), size)
    probes = ProbedBlocks(**{each.name: getattr(blocks, each.name) for each in fields(blocks)}, at=at, element=element)
    jacobian = np.zeros((-(-horizon // size) * size, (origin + 1) * size))
    for lead in range(1, len(jacobian) // size + 1):
        fit, row = fit_lead(blocks, lead), np.array([origin + lead])
        actual, probed = features_of(blocks, row, lead), features_of(probes, np.repeat(row, len(at)), lead)
        change = fit.predict(probed) - fit.predict(actual) if fit else (probed.level - actual.level)[:, None]
        jacobian[(lead - 1) * size : lead * size, first * size :] = change.T
    return jacobian[:horizon]


@dataclass(frozen=True)
class Decomposition:
    """Forecast of H steps as a sum.

    Attributes:
        parts: [H] z of each label; that of the past includes the means of all features.
        responses: [n, H] z by covariate: effects of values that last, relative to the mean of the fitted rows.
    """

    parts: Mapping[Label, Floats]
    responses: Mapping[int, Floats]


def decompose(blocks: Blocks, origin: int, horizon: int, grids: Mapping[int, Floats]) -> Decomposition:
    """Divide the forecast from the end of a row; `grids` are values [n] of covariates, by index."""
    size = blocks.size
    steps = -(-horizon // size) * size
    parts: dict[Label, Floats] = defaultdict(lambda: np.zeros(steps))
    responses = {k: np.zeros((len(grid), steps)) for k, grid in grids.items()}
    for lead in range(1, steps // size + 1):
        columns, fit = slice((lead - 1) * size, lead * size), fit_lead(blocks, lead)
        features = features_of(blocks, np.array([origin + lead]), lead)
        parts[PAST][columns] = features.level[0]
        if fit is None:
            continue
        parts[PAST][columns] += np.tensordot(fit.weights, [each.intercept for each in fit.fits], 1)
        for label, effect in zip(features.labels, fit.effects(features), strict=True):
            parts[label][columns] += effect
        for k, (values, known) in enumerate(driver_tables(blocks, lead) if grids else ()):
            if k in grids:
                own = np.flatnonzero([label == Label("covariate", k) for label in features.labels])
                responses[k][:, columns] = fit.response(own, _constant(values[: blocks.fitted], grids[k], known=known))
    ahead = slice(horizon)
    return Decomposition({k: part[ahead] for k, part in parts.items()}, {k: r[:, ahead] for k, r in responses.items()})


def _constant(past: Floats, grid: Floats, *, known: bool) -> Floats:
    """[n + 1, k] features of a covariate at values [n] that last, and at its mean."""
    every = np.append(grid, np.nanmean(past))
    table = np.concatenate([past, np.repeat(every[:, None], past.shape[1], axis=1)])
    curves = [curve[len(past) :] for curve in curves_of(table, len(past))]
    return np.concatenate([curve for curve in curves for _ in range(2 if known else 1)], axis=1)


def fit_lead(blocks: Blocks, lead: int) -> LeadFit | None:
    """Fit one lead to the rows that are known; None if they are too few."""
    rows = np.arange(max(lead, blocks.fitted - blocks.max_rows), blocks.fitted)
    features = features_of(blocks, rows, lead)
    targets = blocks.values[rows] - features.level[:, None]
    usable = np.isfinite(features.values).all(axis=1) & np.isfinite(targets).all(axis=1) & blocks.observed[rows]
    if usable.sum() < MIN_ROWS:
        return None
    age = (blocks.fitted - 1 - rows[usable]) / (1 if blocks.size > 1 else blocks.season)
    lives = [life for life in blocks.half_lives if life == np.inf or life < 2 * age.max(initial=0)] or [np.inf]
    fits = tuple(fit_ridge(features.values[usable], targets[usable], np.exp2(-age / life)) for life in lives)
    errors = np.array([max(fit.recent_error, np.finfo(float).tiny) for fit in fits])
    weights = (errors.min() / errors) ** ERROR_EXPONENT
    return LeadFit(fits, weights / weights.sum())
