"""Half-widths of intervals from the forecast errors of a series itself, on top of those of other series.

The mean absolute error A(h) of a series h steps ahead, relative to the one P(h) that is typical for its class, is

    log(A(h) / P(h)) = a + b · log h + c · log(P(h) / P(1))        a, b, c normal, with the standard deviations PRIOR

and is estimated from the errors at past origins, in windows of leads (g/2, g] with g = 1, 2, 4, …: with c = −1 the
errors do not grow as those of the class do. An estimate from n independent errors has the variance VARIANCE / n, and
its logarithm is too small by about BIAS / n. Errors overlap: a past of N steps has about N / g independent ones. The
half-width of a level is the estimated A(h) times the ratio of its quantile to the mean absolute error: that of the
series where its errors are many, else that of the class. The half-width at a lead depends on the windows up to it, so
that a longer forecast begins with the shorter one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from lstmcast.arrays import row_quantiles
from lstmcast.types import Bools, Floats, Ints

PRIOR = (0.5, 0.15, 0.7)  # standard deviations of a, b and c
VARIANCE, FEW_STEPS = 1.5, 100  # a past of N steps has a variance larger by (FEW_STEPS / N)²
WIDENING = 1.5  # of the quantiles, for an uncertain size; 1 if the leads were independent
BIAS = 0.5
SHAPE_ERRORS = 20  # independent errors that count as much as the shape of the class
SHAPE_STEPS = 10  # a lead has a shape of its own in a past of this many times its steps
MIN_RATIO = 0.05  # of the quantile of a side to the mean absolute error
EXACT = 1e-9  # z: a series whose errors are all smaller is continued exactly: its intervals cover rounding alone
ROUNDING = 1e-7  # fraction of the width of the class that covers rounding
NEGLIGIBLE = 1e-4  # of the typical error: smaller ones count as this
MEAN_ABSOLUTE_NORMAL = float(np.sqrt(2 / np.pi))


@dataclass(frozen=True)
class PastErrors:
    """Signed errors of the forecasts from K past origins, before each of B origins.

    Attributes:
        errors: [B, K, H] NaN where the outcome was not yet known.
        steps: [B] N, steps of the past that they cover; 0 for none.
        moves: [B] whether the outcomes differ from each other.
    """

    errors: Floats
    steps: Ints
    moves: Bools


def lead_windows(horizon: int) -> Ints:
    """[G] last leads of the windows: 1, 2, 4, … up to the first power of two that covers the horizon."""
    return np.asarray(2 ** np.arange(int(np.ceil(np.log2(horizon))) + 1), dtype=np.int64)


def window_means(absolute: Floats) -> tuple[Floats, Ints]:
    """Average over origins and the leads of each window.

    Args:
        absolute: [..., K, H]; NaN where unknown; H is a power of two.

    Returns:
        Means [..., G], 0 where nothing is known, and the counts [..., G].
    """
    known = ~np.isnan(absolute)
    ends = lead_windows(absolute.shape[-1])
    begins = np.concatenate([[0], ends[:-1]])
    total, count = (
        np.add.reduceat(each.sum(axis=-2), begins, axis=-1) for each in (np.where(known, absolute, 0.0), known)
    )
    return total / np.maximum(count, 1), count


def half_widths(past: PastErrors, below: Floats, above: Floats, levels: Sequence[float]) -> tuple[Floats, Floats]:
    """Update the half-widths of a class of series by the errors of each series.

    Args:
        past: the errors.
        below, above: [Q, B, H] half-widths of the class; positive, H at most that of the errors.
        levels: [Q] in percent, ascending.

    Returns:
        The half-widths below and above the forecast, [Q, B, H] each; nested.
    """
    scores = np.array([NormalDist().inv_cdf(0.5 + level / 200) for level in levels])
    typical = (below[0] + above[0]) / 2 / scores[0] * MEAN_ABSOLUTE_NORMAL  # [B, H]
    means, counts = window_means(np.abs(past.errors))
    sides = np.empty((2, *below.shape))
    x = _regressors(typical)
    for leads, log_mean, log_variance in _posterior(x, means, counts, past, typical):
        size, seen = typical[:, leads] * np.exp(log_mean), past.errors[..., : leads.stop]
        trust = 1 - log_variance / np.square(x[:, leads] * PRIOR).sum(axis=2)
        independent = np.minimum(past.steps, counts[:, 0])[:, None]
        trust = trust * independent / (independent + SHAPE_ERRORS)
        widening = 1 + WIDENING * (scores[:, None, None] ** 2 + 1) * log_variance / 2
        largest = np.abs(seen).max(axis=(1, 2), initial=0.0, where=~np.isnan(seen))
        exact = (counts[:, :1] > 0) & (largest[:, None] <= EXACT)
        ratios = _quantile_ratios(past, typical[:, : leads.stop], levels)
        for side, (ratio, width) in enumerate(zip(ratios, (below, above), strict=True)):
            own = np.log(np.maximum(ratio, MIN_RATIO)[..., None] * widening)
            of_class = np.log(width[..., leads] / typical[:, leads])
            own_width = size * np.exp(trust * own + (1 - trust) * of_class)
            rounding = ROUNDING * past.moves[:, None] * width[..., leads]
            sides[side][..., leads] = np.where(exact, rounding, own_width)
    return np.maximum.accumulate(sides[0], axis=0), np.maximum.accumulate(sides[1], axis=0)


def _regressors(typical: Floats) -> Floats:
    """[B, H, 3] regressors of log(A / P) at each lead."""
    ahead = np.broadcast_to(np.log(np.arange(1, typical.shape[1] + 1)), typical.shape)
    return np.stack([np.ones_like(typical), ahead, np.log(typical / typical[:, :1])], axis=2)


def _posterior(
    x: Floats, means: Floats, counts: Ints, past: PastErrors, typical: Floats
) -> Iterator[tuple[slice, Floats, Floats]]:
    """Yield, for the leads of each window, the mean and the variance of log(A / P), [B, leads]: Bayesian regression."""
    ends, horizon = lead_windows(past.errors.shape[-1]), typical.shape[1]
    at = np.minimum(ends, horizon) - 1
    known = counts > 0
    independent = np.minimum(past.steps[:, None] / ends, np.maximum(counts[:, :1], 1))
    observed = np.log(np.maximum(means / typical[:, at], NEGLIGIBLE)) + BIAS / np.maximum(independent, 1)
    few = np.square(FEW_STEPS / np.maximum(past.steps, 1))[:, None]
    precision = known * independent / (VARIANCE * (1 + few))
    window = x[:, at]  # [B, G, 3]
    normal = np.cumsum(np.einsum("bgi,bg,bgj->bgij", window, precision, window), axis=1)
    total = np.cumsum(np.einsum("bgi,bg->bgi", window, precision * np.where(known, observed, 0.0)), axis=1)
    covariance = np.linalg.inv(normal + np.diag(np.power(PRIOR, -2.0)))
    beta = np.einsum("bgij,bgj->bgi", covariance, total)
    begins = np.concatenate([[0], ends[:-1]])
    for g, (begin, end) in enumerate(zip(begins.tolist(), np.minimum(ends, horizon).tolist(), strict=True)):
        ahead = x[:, begin:end]
        variance = np.einsum("bhi,bij,bhj->bh", ahead, covariance[:, g], ahead)
        yield slice(begin, end), np.einsum("bhi,bi->bh", ahead, beta[:, g]), variance


def _quantile_ratios(past: PastErrors, size: Floats, levels: Sequence[float]) -> tuple[Floats, Floats]:
    """[Q, B] quantiles of the errors below and above, relative to their mean absolute value, at short leads.

    Args:
        past: the errors.
        size: [B, H] typical size of the errors at the leads to use.
        levels: [Q] in percent.
    """
    horizon = size.shape[1]
    near = np.arange(1, horizon + 1) <= np.maximum(past.steps // SHAPE_STEPS, 1)[:, None]  # [B, H]
    relative = np.where(near[:, None], past.errors[..., :horizon] / size[:, None], np.nan).reshape(len(size), -1)
    count = (~np.isnan(relative)).sum(axis=1)
    mean = np.where(count > 0, np.nansum(np.abs(relative), axis=1) / np.maximum(count, 1), 1.0)
    relative /= np.where(mean > 0, mean, 1.0)[:, None]
    tails = np.array([(1 - level / 100) / 2 for level in levels])
    return -row_quantiles(relative, tails.tolist()), row_quantiles(relative, (1 - tails).tolist())
