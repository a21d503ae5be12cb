"""Half-widths of intervals from the forecast errors of a series itself, on top of those of other series.

The mean absolute error A(h) of a series h steps ahead, relative to the one P(h) that is typical for its class, is

    log(A(h) / P(h)) = a + b · log h + c · log(P(h) / P(1)) + w(log h)

with normal a, b and c of the standard deviations PRIOR, and a random walk w. It is estimated from the errors at past
origins, in windows of leads (g/2, g] with g = 1, 2, 4, …: with c = −1 the errors do not grow as those of the class do.
An estimate from n independent errors has the variance VARIANCE / n, and its logarithm is too small by about BIAS / n.
Errors that grow with the lead are sums of steps, and those of overlapping forecasts are alike: a past of N steps has
about N / g independent ones. Errors that do not grow come from each outcome alone, and are all independent. The
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

PRIOR = (0.6, 0.15, 0.7)  # standard deviations of a, b and c
WANDERING = 0.35  # standard deviation of w(log 2h) − w(log h)
VARIANCE, FEW_STEPS = 1.25, 100  # a past of N steps has a variance larger by (FEW_STEPS / N)²
WIDENING = 1.25  # of the quantiles, for an uncertain size; 1 if the leads were independent
BIAS = 0.5
SHAPE_ERRORS = 30  # independent errors that count as much as the shape of the class
SHAPE_STEPS = 10  # a lead has a shape of its own in a past of this many times its steps
MIN_RATIO = 0.05  # of the quantile of a side to the mean absolute error
EXACT = 1e-9  # z: a series whose errors are all smaller is continued exactly: its intervals cover rounding alone
ROUNDING = 1e-7  # fraction of the width of the class that covers rounding
NO_PRECISION = 1e-9  # of a window without errors
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
    sides = np.empty((2, *below.shape))
    x = _regressors(typical)
    observed = _observed(past, typical, x)
    most = np.maximum.accumulate(observed.independent, axis=1)
    for g, (leads, log_mean, log_variance) in enumerate(_posterior(x, observed)):
        size, seen = typical[:, leads] * np.exp(log_mean), past.errors[..., : leads.stop]
        trust = 1 - log_variance / _variance(x[:, leads])
        trust = trust * most[:, g, None] / (most[:, g, None] + SHAPE_ERRORS)
        widening = 1 + WIDENING * (scores[:, None, None] ** 2 + 1) * log_variance / 2
        largest = np.abs(seen).max(axis=(1, 2), initial=0.0, where=~np.isnan(seen))
        exact = (most[:, :1] > 0) & (largest[:, None] <= EXACT)
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


@dataclass(frozen=True)
class _Observed:
    """Mean errors in G windows of leads, relative to those of the class.

    Attributes:
        x: [B, G, 3] regressors, averaged over the errors of a window.
        log_size: [B, G] 0 where nothing is known.
        independent: [B, G] number of independent errors; 0 where nothing is known.
        precision: [B, G] of `log_size`.
    """

    x: Floats
    log_size: Floats
    independent: Floats
    precision: Floats


def _observed(past: PastErrors, typical: Floats, x: Floats) -> _Observed:
    """Average the errors of each window, and the regressors of their leads."""
    lead = np.minimum(np.arange(past.errors.shape[-1]), typical.shape[1] - 1)
    means, counts = window_means(np.abs(past.errors) / typical[:, None, lead])
    weights = (~np.isnan(past.errors)).sum(axis=1)[..., None]  # [B, H, 1]
    begins = np.concatenate([[0], lead_windows(len(lead))[:-1]])
    mean_x = np.add.reduceat(weights * x[:, lead], begins, axis=1) / np.maximum(counts, 1)[..., None]
    independent = _independent(past, counts)
    few = np.square(FEW_STEPS / np.maximum(past.steps, 1))[:, None]
    log_size = np.log(np.maximum(means, NEGLIGIBLE)) + BIAS / np.maximum(independent, 1)
    return _Observed(mean_x, np.where(counts > 0, log_size, 0.0), independent, independent / (VARIANCE * (1 + few)))


def _independent(past: PastErrors, counts: Ints) -> Floats:
    """[B, G] number of independent errors in each window; 0 where nothing is known."""
    sizes, _ = window_means(np.abs(past.errors))
    grown = 1 - np.square(np.minimum(sizes[:, :1] / np.where(sizes > 0, sizes, np.inf), 1.0))  # part of the variance
    steps = np.maximum(past.steps, 1)[:, None]
    outcomes = np.maximum(np.minimum(counts, steps), 1)
    ends = lead_windows(past.errors.shape[-1])
    return np.where(counts > 0, 1 / (np.square(grown) * ends / steps + 1 / outcomes), 0.0)


def _posterior(x: Floats, observed: _Observed) -> Iterator[tuple[slice, Floats, Floats]]:
    """Yield, for the leads of each window, the mean and the variance of log(A / P), [B, leads]: Bayesian regression."""
    prior = _covariance(observed.x, observed.x)
    noise = 1 / np.maximum(observed.precision, NO_PRECISION)
    begin = 0
    for g, end in enumerate(np.minimum(lead_windows(x.shape[1]), x.shape[1]).tolist(), start=1):
        ahead = x[:, begin:end]
        known = prior[:, :g, :g] + noise[:, :g, None] * np.eye(g)
        across = _covariance(ahead, observed.x[:, :g])
        gain = np.linalg.solve(known, across.swapaxes(1, 2)).swapaxes(1, 2)  # [B, leads, g]
        variance = _variance(ahead) - (gain * across).sum(axis=2)
        yield slice(begin, end), np.einsum("bhg,bg->bh", gain, observed.log_size[:, :g]), variance
        begin = end


def _covariance(x: Floats, other: Floats) -> Floats:
    """[B, H, G] prior covariance of log(A / P) at the leads with regressors [B, H, 3] and [B, G, 3]."""
    linear: Floats = np.einsum("bhi,bgi->bhg", x * np.square(PRIOR), other)
    wandering = WANDERING**2 / np.log(2) * np.minimum(x[:, :, None, 1], other[:, None, :, 1])
    return np.asarray(linear + wandering)


def _variance(x: Floats) -> Floats:
    """[B, H] prior variance of log(A / P)."""
    return np.asarray(np.square(x * PRIOR).sum(axis=2) + WANDERING**2 / np.log(2) * x[..., 1])


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
