"""Conformal calibration: how far the held-out forecasts were off says how wide an interval must be.

The score of a held-out forecast is |z − ẑ| in a unit of its own: the series' recent spread; where the network says
quantiles, how far from its forecast it put the bound on that side; or, where little is held out, the half-width of an
interval that was calibrated elsewhere. An interval is the forecast ± the unit times a
quantile of those scores at each step ahead (split conformal prediction: Vovk et al. 2005; Lei et al. 2018; with
quantiles: Romano et al. 2019), so it is never negative, and bounds of a forecast made in logs are positive. What is
promised is marginal coverage, over origins and series, as long as the future resembles the held-out past.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lstmcast.types import Bools, Floats, Ints

MIN_ORIGINS_PER_STEP = 200  # scores of one step ahead, from which its own quantile is better than the pooled one


@dataclass(frozen=True)
class Calibration:
    """Interval half-widths, in units of their own for each forecast (see `bounds`).

    Attributes:
        levels: [Q] in percent, ascending.
        widths: [Q, H].
    """

    levels: tuple[float, ...]
    widths: Floats

    def widths_at(self, horizon: int, *, growing: bool = False) -> Floats:
        """[Q, horizon] widths; beyond the calibrated H they grow with the root of the step, as a random walk's do.

        Where the unit is `growing` already, they stay as they are.
        """
        known = self.widths.shape[1]
        ahead = np.arange(1, horizon + 1)
        growth = 1.0 if growing else np.sqrt(np.maximum(ahead / known, 1.0))
        widths: Floats = self.widths[:, np.minimum(ahead, known) - 1] * growth
        return widths

    def bounds(self, z: Floats, below: Floats, above: Floats, *, growing: bool = False) -> tuple[Floats, Floats]:
        """The intervals around forecasts, in z.

        Args:
            z: [B, H] forecasts.
            below: [Q, B, H], or [1, B, H] for all levels: the unit of each lower half, positive.
            above: the same for the upper halves.
            growing: whether these units grow with the step by themselves.

        Returns:
            Lower and upper, each [Q, B, H]; an outer interval holds every inner one.
        """
        widths = self.widths_at(z.shape[1], growing=growing)[:, None]  # [Q, 1, H]
        lower, upper = (np.maximum.accumulate(widths * scale, axis=0) for scale in (below, above))
        return z - lower, z + upper


def calibrate(scores: Floats, levels: Sequence[float], *, trust: float = 1.0) -> Calibration:
    """Quantiles of held-out scores for each level and step ahead.

    Where a step has few scores of its own, all steps are pooled after dividing by each step's typical score, which is
    made to grow with the step.

    Args:
        scores: [Q, B, H], or [1, B, H] for all levels; NaN where they are not known.
        levels: in percent, between 0 and 100, ascending.
        trust: the power to which a width is taken: less than 1 brings it nearer to 1, which is what it usually is where
            the unit of scores is a half-width that was calibrated elsewhere.
    """
    of_level = zip(np.broadcast_to(scores, (len(levels), *scores.shape[1:])), levels, strict=True)
    widths = [_widths(each, level) ** trust for each, level in of_level]
    return Calibration(tuple(levels), np.stack(widths) if widths else np.empty((0, scores.shape[2])))


def _widths(scores: Floats, level: float) -> Floats:
    """[B, H] scores to [H] half-widths of one level."""
    known = ~np.isnan(scores)
    if not known.any():  # nothing ever moved
        return np.zeros(scores.shape[1])
    if known.sum(axis=0).min() >= MIN_ORIGINS_PER_STEP:
        return np.array([_quantile(column[~np.isnan(column)], level) for column in scores.T])
    typical = _typical(scores)
    return _quantile((scores / typical)[known], level) * typical


def cross_coverage(
    scores: Floats, groups: Ints, levels: Sequence[float], *, overlapping: Bools | None = None, trust: float = 1.0
) -> tuple[Floats, Floats]:
    """The coverage of intervals on origins that did not calibrate them: each fold against the widths of the others.

    Args:
        scores: as for `calibrate`.
        groups: [B] the fold of each origin.
        levels: in percent, ascending.
        overlapping: [B, B] which origins share outcomes: those near to a fold do not calibrate for it.
        trust: as for `calibrate`.

    Returns:
        In all [Q], and at each step ahead [Q, H]; NaN where nothing could be held against anything.
    """
    hits = np.full((len(levels), *scores.shape[1:]), np.nan)
    for fold in np.unique(groups):
        out = groups == fold
        calibrating = ~(out if overlapping is None else out | overlapping[:, out].any(axis=1))
        if np.isnan(scores[:, calibrating]).all():
            continue
        widths = calibrate(scores[:, calibrating], levels, trust=trust).widths  # [Q, H]
        hits[:, out] = np.where(np.isnan(scores[:, out]), np.nan, scores[:, out] <= widths[:, None])
    known = ~np.isnan(hits)
    hit = np.where(known, hits, 0.0)
    return _ratio(hit.sum(axis=(1, 2)), known.sum(axis=(1, 2))), _ratio(hit.sum(axis=1), known.sum(axis=1))


def _quantile(scores: Floats, level: float) -> float:
    """The conformal quantile: the ⌈(n + 1)·level⌉-th smallest of n scores, the largest where there are too few."""
    n = len(scores)
    rank = min(math.ceil((n + 1) * level / 100), n)
    return float(np.partition(scores, rank - 1)[rank - 1])


def _typical(scores: Floats) -> Floats:
    """[H] mean score of each step, never 0 and never falling from one step to the next; 1 where all are 0."""
    known = ~np.isnan(scores)
    mean = _ratio(np.where(known, scores, 0.0).sum(axis=0), known.sum(axis=0))
    mean = np.maximum.accumulate(np.nan_to_num(mean))
    smallest = mean[mean > 0].min(initial=np.inf)
    return np.maximum(mean, smallest if np.isfinite(smallest) else 1.0)


def _ratio(part: Floats, total: Ints) -> Floats:
    with np.errstate(invalid="ignore"):
        return np.where(total > 0, part / np.maximum(total, 1), np.nan)
