"""Integrated-gradients arithmetic, effect half-lives, and unit correlations.

The attribution of a forecast f to a value z_t is (z_t − z′_t) ∫₀¹ ∂f/∂z_t (z′ + α(z − z′)) dα, where z′ is the
expected past (Sundararajan, Taly & Yan 2017, Axiomatic Attribution for Deep Networks, equation 1). The
attributions of all values sum to f(z) − f(z′), which is called completeness; the error of the numeric integral is
measured by it. Letters: H steps ahead, T past values, oldest first.

A unit follows the signal with the largest correlation to its cell state. A season may be followed with a lead or a lag,
so the multiple correlation with sine and cosine of its dominant harmonic is used. Letters: T steps, U units.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from lstmcast.types import Floats


def quadrature_nodes(count: int) -> tuple[Floats, Floats]:
    """Return [count] Gauss-Legendre nodes on [0, 1] and weights; exact for polynomials up to 2 · count − 1."""
    nodes, weights = np.polynomial.legendre.leggauss(count)
    return (nodes + 1) / 2, weights / 2


def baseline_input(z: Floats, season: int) -> Floats:
    """Return the expected past: the mean of each seasonal phase, or of all values if fewer than two seasons are known.

    Args:
        z: [T].
        season: m, steps in a season; 1: none.

    Returns:
        [T].
    """
    phase = np.arange(len(z)) % (season if len(z) >= 2 * season else 1)
    means: Floats = np.bincount(phase, z) / np.bincount(phase)
    return means[phase]


def completeness_error(attribution: Floats, change: Floats) -> float:
    """Return the completeness error of attributions.

    Args:
        attribution: [H, T].
        change: [H] f(z) − f(z′).

    Returns:
        The largest |sum − change| over the steps ahead, as a fraction of the largest |change|; 0 without change.
    """
    error, size = np.abs(attribution.sum(axis=1) - change).max(), np.abs(change).max()
    return float(error / size) if size > 0 else float(error)


def within(effects: Floats, fraction: float) -> int:
    """Return the number of last steps with this fraction of [T] effects; 0 without any effect."""
    cumulative = np.cumsum(effects[::-1])
    if not len(cumulative) or cumulative[-1] <= 0:
        return 0
    return int(np.searchsorted(cumulative, fraction * cumulative[-1] * (1 - 1e-12))) + 1


def half_life(forget: Floats) -> Floats:
    """Return the half-life of a cell state at the mean of its forget gate.

    Args:
        forget: [T, U] forget gates, 0 to 1.

    Returns:
        [U] ln ½ over the mean of ln f, in steps: 0 for a closed gate, infinite for one that was always open.
    """
    with np.errstate(divide="ignore"):
        kept = np.log(forget.astype(np.float64)).mean(axis=0)
        steps: Floats = np.log(0.5) / kept
    return np.abs(steps)


NOTHING = "none of these"
MIN_CORRELATION = 0.5  # weaker correlations count as none


@dataclass(frozen=True)
class UnitCorrelation:
    """Signal that a unit follows.

    Attributes:
        component: its name, or `NOTHING`.
        correlation: with the signal of largest correlation; for a season 0 to 1, else −1 to 1.
    """

    component: str
    correlation: float


def unit_correlations(cells: Floats, signals: Mapping[str, Floats]) -> tuple[UnitCorrelation, ...]:
    """Find the signal that each unit follows.

    Args:
        cells: [T, U] cell states.
        signals: name to [T, k]: one column, or several (sine and cosine of a harmonic).

    Returns:
        U correlations; constant units and signals correlate with nothing.
    """
    found = {name: _correlations(cells, signal) for name, signal in signals.items()}
    return tuple(_nearest({name: float(row[u]) for name, row in found.items()}) for u in range(cells.shape[1]))


def order(followings: tuple[UnitCorrelation, ...], names: tuple[str, ...]) -> list[int]:
    """Order units by signal, in the order of `names`, with `NOTHING` last; by falling correlation for each signal."""
    rank = {name: k for k, name in enumerate((*names, NOTHING))}
    return sorted(range(len(followings)), key=lambda u: (rank[followings[u].component], -followings[u].correlation))


def dominant_harmonic(z: Floats, season: int) -> Floats:
    """Return the harmonic with the largest amplitude in the mean season.

    Args:
        z: [T] values, two seasons at least.
        season: m ≥ 2.

    Returns:
        [T, 2] its cosine and sine at each step.
    """
    phase = np.arange(len(z)) % season
    means = np.bincount(phase, z) / np.bincount(phase)
    strengths = np.abs(np.fft.rfft(means - means.mean()))
    angle = 2 * np.pi * int(np.argmax(strengths[1:]) + 1) * np.arange(len(z)) / season
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def _nearest(correlations: Mapping[str, float]) -> UnitCorrelation:
    name = max(correlations, key=lambda key: abs(correlations[key]))
    best = correlations[name]
    return UnitCorrelation(name if abs(best) >= MIN_CORRELATION else NOTHING, best)


def _correlations(cells: Floats, signal: Floats) -> Floats:
    """[U] correlation of [T, U] cells with one column (signed), or multiple correlation with several."""
    units, parts = cells - cells.mean(axis=0), signal - signal.mean(axis=0)
    spread = np.sqrt(np.square(units).sum(axis=0))
    inputs, sizes, _ = np.linalg.svd(parts, full_matrices=False)
    inputs = inputs[:, sizes > 1e-9 * (1 + np.abs(signal).max())]
    projections = inputs.T @ (units / np.where(spread > 1e-9, spread, np.inf))  # [k, U]
    if parts.shape[1] > 1:
        return np.asarray(np.sqrt(np.square(projections).sum(axis=0)), dtype=np.float64)
    sign = np.sign((parts.T @ inputs).sum())
    return np.asarray(sign * projections.sum(axis=0), dtype=np.float64)
