"""Features of a direct regression: one series as rows of blocks, and what a row shows at a lead."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np

from lstmcast.types import Bools, Floats, Ints

HALF_LIVES = (np.inf, 120.0, 30.0)  # seasons after which a row counts half
MAX_ROWS = 2_000
QUANTILES = (0.1, 0.3, 0.5, 0.7, 0.9)  # of a numeric covariate, at which its effect may bend
NUMERIC_VALUES = 5  # distinct values that a numeric covariate exceeds
NEWEST_PARTS, PARTS, BENT_PARTS = 48, 8, 4  # means of a block: of the newest one, of others, of bent covariates
MAX_LAGS = 12  # steps of the level, and of the lags of blocks of one step
SEASONS_AVERAGED = (1, 2, 4, 8)

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
    for k, (values, known) in enumerate(driver_tables(blocks, lead)):
        for curve in curves_of(values, blocks.fitted):
            positions = [_shifted(curve, rows), _shifted(curve, rows - 1)] if known else [_shifted(curve, rows - lead)]
            parts += [(Label("covariate", k), part) for part in positions]
    return parts


def driver_tables(blocks: Blocks, lead: int) -> Iterator[tuple[Floats, bool]]:
    """Each covariate [R + A, b] as known `lead` blocks before, and True; if unknown there, as known then, and False."""
    ahead, now = blocks.drivers(lead), blocks.drivers(0)
    for k in range(ahead.shape[2]):
        known = not np.isnan(ahead[..., k]).all()
        yield (ahead if known else now)[..., k], known


def curves_of(values: Floats, fitted: int) -> Iterator[Floats]:
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
