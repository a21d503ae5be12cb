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
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import NamedTuple

import numpy as np

from lstmcast.statistical.ridge import RidgeFit, fit_ridge
from lstmcast.types import Bools, Floats, Ints

HALF_LIVES = (np.inf, 120.0, 30.0)  # seasons after which a row counts half
ERROR_EXPONENT = 4.0  # of the inverse errors that weight the fits
QUANTILES = (0.1, 0.3, 0.5, 0.7, 0.9)  # of a numeric covariate, at which its effect may bend
NUMERIC_VALUES = 5  # distinct values that a numeric covariate exceeds
NEWEST_PARTS, PARTS, BENT_PARTS = 48, 8, 4  # means of a block: of the newest one, of others, of bent covariates
MAX_LAGS = 12  # steps of the level, and of the lags of blocks of one step
SEASONS_AVERAGED = (1, 2, 4, 8)
MAX_ROWS = 2_000
MIN_ROWS = 12

Drivers = Callable[[int], Floats]
"""Returns the covariates [R, b, K] of all rows, as they were known k blocks before."""


@dataclass(frozen=True)
class Blocks:
    """One series as rows of blocks: R known ones, and A ahead of the last origin.

    Attributes:
        values: [R + A, b] z; NaN ahead.
        observed: [R + A] true if most steps of a block were observed.
        calendar: [R + A, b, C] calendar features.
        drivers: covariates [R + A, b, K] as known k blocks before each row.
        season: blocks of a season.
        year: blocks of a year if the season is shorter, else 0.
        fitted: number of rows, from the first, that a fit may use.
        half_lives: memory of the fits, in seasons.
        max_rows: number of newest rows that a fit uses at most.
    """

    values: Floats
    observed: Bools
    calendar: Floats
    drivers: Drivers
    season: int
    year: int
    fitted: int
    half_lives: tuple[float, ...] = HALF_LIVES
    max_rows: int = MAX_ROWS

    @property
    def size(self) -> int:
        """b, the steps of a block."""
        return int(self.values.shape[1])

    @property
    def level_blocks(self) -> int:
        """Blocks of the level."""
        return 1 if self.size > 1 else min(self.season, MAX_LAGS)

    @cached_property
    def means(self) -> Floats:
        """[R + A] mean of each block."""
        return np.asarray(self.values.mean(axis=1))

    @cached_property
    def _sums(self) -> Floats:
        return np.concatenate([[0.0], np.cumsum(np.nan_to_num(self.means))])

    @property
    def required_blocks(self) -> int:
        """Blocks up to the origin on which features depend."""
        near = MAX_LAGS + self.season
        return max(SEASONS_AVERAGED[-1] * self.season, near, self.year + self.level_blocks + self.season)

    def mean_until(self, rows: Ints, blocks: int) -> Floats:
        """[N] mean of `blocks` blocks that end with rows [N]; NaN where there are fewer."""
        begin = rows - blocks + 1
        inside = begin >= 0
        mean = (self._sums[np.maximum(rows + 1, 0)] - self._sums[np.maximum(begin, 0)]) / blocks
        return np.where(inside, mean, np.nan)

    def lagged(self, rows: Ints, by: int) -> Floats:
        """[N, b] values `by` blocks before rows [N]; NaN before the first."""
        return _shifted(self.values, rows - by)


@dataclass(frozen=True)
class ProbedBlocks(Blocks):
    """Blocks of which each of N requested rows reads one value that is larger by 1.

    Attributes:
        at: [N] block of that value.
        element: [N] its step within the block.
    """

    at: Ints = field(kw_only=True)
    element: Ints = field(kw_only=True)

    def mean_until(self, rows: Ints, blocks: int) -> Floats:
        """See `Blocks`."""
        is_inside = (self.at <= rows) & (self.at > rows - blocks)
        return super().mean_until(rows, blocks) + is_inside / (blocks * self.size)

    def lagged(self, rows: Ints, by: int) -> Floats:
        """See `Blocks`."""
        found = super().lagged(rows, by)
        found[np.arange(len(rows)), self.element] += rows - by == self.at
        return found


class Label(NamedTuple):
    """Part of the forecast: `past` with the level, or one `calendar` feature or `covariate` by number."""

    part: str
    number: int = 0


PAST = Label("past")


@dataclass(frozen=True)
class Features:
    """Features of the rows of one lead.

    Attributes:
        values: [N, p].
        labels: [p] part of the forecast that a feature belongs to.
        level: [N] the level at the origin.
    """

    values: Floats
    labels: tuple[Label, ...]
    level: Floats


def features_of(blocks: Blocks, rows: Ints, lead: int) -> Features:
    """Features of the blocks at rows [N], as known `lead` blocks before."""
    level = blocks.mean_until(rows - lead, blocks.level_blocks)
    past = [level[:, None], *_past(blocks, rows, lead, level)]
    calendar = np.concatenate(list(_calendar(blocks, rows)), axis=1)
    drivers = _driver_parts(blocks, rows, lead)
    labels = [PAST] * sum(part.shape[1] for part in past)
    labels += [Label("calendar", k % blocks.calendar.shape[2]) for k in range(calendar.shape[1])]
    labels += [label for label, part in drivers for _ in range(part.shape[1])]
    return Features(np.concatenate([*past, calendar, *(part for _, part in drivers)], axis=1), tuple(labels), level)


def _past(blocks: Blocks, rows: Ints, lead: int, level: Floats) -> Iterator[Floats]:
    """Features of past values, relative to the level."""
    season, base = blocks.season, level[:, None]
    near = 3 if blocks.size > 1 else min(season, MAX_LAGS)
    seasonal = season * -(-lead // season)
    yield _parts(blocks.lagged(rows, lead) - base, NEWEST_PARTS)
    for lag in dict.fromkeys([*range(lead + 1, lead + near), seasonal]):
        yield _parts(blocks.lagged(rows, lag) - base, PARTS)
    for count in SEASONS_AVERAGED:
        if 1 < count * season <= len(blocks.values) // 4:
            yield (blocks.mean_until(rows - lead, count * season) - level)[:, None]
    if blocks.year:
        yield from _year_before(blocks, rows, lead)


def _year_before(blocks: Blocks, rows: Ints, lead: int) -> Iterator[Floats]:
    """Change of the level to the season around the target, and of that to the target, a year before; 0 if unknown."""
    half = blocks.season // 2
    around = blocks.mean_until(np.minimum(rows - blocks.year + half, rows - lead), blocks.season)
    level = blocks.mean_until(rows - lead - blocks.year, blocks.level_blocks)
    yield np.nan_to_num(around - level)[:, None]
    yield np.nan_to_num(blocks.lagged(rows, blocks.year) - around[:, None])


def _calendar(blocks: Blocks, rows: Ints) -> Iterator[Floats]:
    """Calendar features of the first and of the last step of a block, if that is on another day."""
    first, last = blocks.calendar[rows, 0], blocks.calendar[rows, -1]
    yield first
    if not np.array_equal(first, last):
        yield last


def _driver_parts(blocks: Blocks, rows: Ints, lead: int) -> list[tuple[Label, Floats]]:
    """Features of the covariates: at the target and the block before it, or, if unknown there, at the origin."""
    parts: list[tuple[Label, Floats]] = []
    for k, (values, known) in enumerate(_driver_tables(blocks, lead)):
        for curve in _curves(values, blocks.fitted):
            positions = [_shifted(curve, rows), _shifted(curve, rows - 1)] if known else [_shifted(curve, rows - lead)]
            parts += [(Label("covariate", k), part) for part in positions]
    return parts


def _driver_tables(blocks: Blocks, lead: int) -> Iterator[tuple[Floats, bool]]:
    """Each covariate [R + A, b] as known `lead` blocks before, and True; if unknown there, as known then, and False."""
    ahead, now = blocks.drivers(lead), blocks.drivers(0)
    for k in range(ahead.shape[2]):
        known = not np.isnan(ahead[..., k]).all()
        yield (ahead if known else now)[..., k], known


def _curves(values: Floats, fitted: int) -> Iterator[Floats]:
    """[R, c] parts of a covariate [R, b], and of what of it is above its quantiles in the fitted rows."""
    past = values[:fitted]
    distinct = np.unique(past[~np.isnan(past)])
    if len(distinct) <= NUMERIC_VALUES:
        yield _parts(values, BENT_PARTS)
        return
    yield _parts(values, PARTS)
    for knot in np.quantile(past[~np.isnan(past)], QUANTILES).tolist():
        yield _parts(np.maximum(values - knot, 0.0), BENT_PARTS)


def _shifted(table: Floats, rows: Ints) -> Floats:
    """[N, …] rows of a table; NaN before the first."""
    inside = (rows >= 0).reshape(-1, *(1,) * (table.ndim - 1))
    return np.where(inside, table[np.maximum(rows, 0)], np.nan)


def _parts(block: Floats, most: int) -> Floats:
    """[N, b] blocks to [N, c] means of equal parts, at most about `most` of them."""
    size = block.shape[1]
    count = next((c for c in range(min(size, most), 0, -1) if size % c == 0), 1)
    return block if count == size else np.asarray(block.reshape(len(block), count, size // count).mean(axis=2))


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
        for k, (values, known) in enumerate(_driver_tables(blocks, lead) if grids else ()):
            if k in grids:
                own = np.flatnonzero([label == Label("covariate", k) for label in features.labels])
                responses[k][:, columns] = fit.response(own, _constant(values[: blocks.fitted], grids[k], known=known))
    ahead = slice(horizon)
    return Decomposition({k: part[ahead] for k, part in parts.items()}, {k: r[:, ahead] for k, r in responses.items()})


def _constant(past: Floats, grid: Floats, *, known: bool) -> Floats:
    """[n + 1, k] features of a covariate at values [n] that last, and at its mean."""
    every = np.append(grid, np.nanmean(past))
    table = np.concatenate([past, np.repeat(every[:, None], past.shape[1], axis=1)])
    curves = [curve[len(past) :] for curve in _curves(table, len(past))]
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
