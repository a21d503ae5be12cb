"""Split conformal calibration: interval widths from hold-out residuals.

The score of a hold-out forecast is |z − ẑ| / unit. The unit is the recent dispersion of the series, the distance to the
predicted quantile on that side, or, with few hold-out origins, the half-width of an interval calibrated on other data.
The bounds are the forecast ± the unit times a quantile of the scores at each step ahead (Vovk et al. 2005; Lei et al.
2018; with quantiles: Romano et al. 2019). The guarantee is marginal coverage, over origins and series, while the future
resembles the hold-out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lstmcast.types import Bools, Floats, Ints

MIN_ORIGINS_PER_STEP = 200  # scores of a step from which its own quantile is better than the pooled one


@dataclass(frozen=True)
class Calibration:
    """Interval half-widths, in the unit of each forecast (see `bounds`).

    Attributes:
        levels: [Q] in percent, ascending.
        widths: [Q, H].
    """

    levels: tuple[float, ...]
    widths: Floats

    def widths_at(self, horizon: int, *, growing: bool = False) -> Floats:
        """[Q, horizon] widths; beyond the calibrated H they grow with √step, unless the unit is `growing` itself."""
        known = self.widths.shape[1]
        ahead = np.arange(1, horizon + 1)
        growth = 1.0 if growing else np.sqrt(np.maximum(ahead / known, 1.0))
        widths: Floats = self.widths[:, np.minimum(ahead, known) - 1] * growth
        return widths

    def bounds(self, z: Floats, below: Floats, above: Floats, *, growing: bool = False) -> tuple[Floats, Floats]:
        """Lower and upper bounds, each [Q, B, H], around forecasts in z; intervals are nested.

        Args:
            z: [B, H] forecasts.
            below, above: [Q, B, H], or [1, B, H] for all levels: the positive units of both halves.
            growing: whether the units grow with the step.
        """
        widths = self.widths_at(z.shape[1], growing=growing)[:, None]  # [Q, 1, H]
        lower, upper = (np.maximum.accumulate(widths * scale, axis=0) for scale in (below, above))
        return z - lower, z + upper


def unit_calibration(calibration: Calibration) -> Calibration:
    """Widths of 1 for the same levels and steps: the units of the forecasts are the half-widths."""
    return Calibration(calibration.levels, np.ones_like(calibration.widths))


def calibrate(scores: Floats, levels: Sequence[float], *, trust: float = 1.0) -> Calibration:
    """Quantiles of hold-out scores for each level and step ahead.

    If a step has few scores, all steps are pooled after division by the mean score of each step.

    Args:
        scores: [Q, B, H], or [1, B, H] for all levels; NaN where unknown.
        trust: exponent of the widths; below 1 it shrinks them to 1, the unit calibrated on other data.
    """
    by_level = zip(np.broadcast_to(scores, (len(levels), *scores.shape[1:])), levels, strict=True)
    widths = [_widths(level_scores, level) ** trust for level_scores, level in by_level]
    return Calibration(tuple(levels), np.stack(widths) if widths else np.empty((0, scores.shape[2])))


def _widths(scores: Floats, level: float) -> Floats:
    """[H] half-widths of one level from [B, H] scores; 0 without scores."""
    known = ~np.isnan(scores)
    if not known.any():
        return np.zeros(scores.shape[1])
    if known.sum(axis=0).min() >= MIN_ORIGINS_PER_STEP:
        return np.array([_quantile(column[~np.isnan(column)], level) for column in scores.T])
    mean = _mean_scores(scores)
    return _quantile((scores / mean)[known], level) * mean


def cross_coverage(
    scores: Floats,
    groups: Ints,
    levels: Sequence[float],
    *,
    overlapping: Bools | None = None,
    trust: float = 1.0,
    inside: Floats | None = None,
) -> tuple[Floats, Floats]:
    """Cross-validated coverage: each fold of origins is compared with widths calibrated on the other folds.

    Args:
        scores, levels, trust: as for `calibrate`.
        groups: [B] the fold of each origin.
        overlapping: [B, B] pairs of origins that share outcomes; such origins do not calibrate for each other.
        inside: [Q, B, H] 1 where an outcome is inside an interval that is not calibrated, 0 outside; NaN: calibrated.

    Returns:
        Coverage over all steps [Q] and at each step ahead [Q, H]; NaN where undefined.
    """
    hits = np.full((len(levels), *scores.shape[1:]), np.nan)
    for fold in np.unique(groups):
        out = groups == fold
        calibrating = ~(out if overlapping is None else out | overlapping[:, out].any(axis=1))
        if np.isnan(scores[:, calibrating]).all():
            continue
        widths = calibrate(scores[:, calibrating], levels, trust=trust).widths  # [Q, H]
        hits[:, out] = np.where(np.isnan(scores[:, out]), np.nan, scores[:, out] <= widths[:, None])
    if inside is not None:
        hits = np.where(np.isnan(inside) | np.isnan(scores), hits, inside)
    known = ~np.isnan(hits)
    hit = np.where(known, hits, 0.0)
    return _ratio(hit.sum(axis=(1, 2)), known.sum(axis=(1, 2))), _ratio(hit.sum(axis=1), known.sum(axis=1))


def _quantile(scores: Floats, level: float) -> float:
    """The conformal quantile: the ⌈(n + 1)·level⌉-th smallest of n scores, the largest where there are too few."""
    n = len(scores)
    rank = min(math.ceil((n + 1) * level / 100), n)
    return float(np.partition(scores, rank - 1)[rank - 1])


def _mean_scores(scores: Floats) -> Floats:
    """[H] mean score of each step, made positive and non-decreasing; 1 where all are 0."""
    known = ~np.isnan(scores)
    mean = _ratio(np.where(known, scores, 0.0).sum(axis=0), known.sum(axis=0))
    mean = np.maximum.accumulate(np.nan_to_num(mean))
    smallest = mean[mean > 0].min(initial=np.inf)
    return np.maximum(mean, smallest if np.isfinite(smallest) else 1.0)


def _ratio(part: Floats, total: Ints) -> Floats:
    with np.errstate(invalid="ignore"):
        return np.where(total > 0, part / np.maximum(total, 1), np.nan)
