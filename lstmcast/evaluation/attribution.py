"""What a forecast owes to each past value: integrated gradients, and how far back effects lie. Plain arrays.

The attribution of a forecast f to a value z_t is (z_t − z′_t) ∫₀¹ ∂f/∂z_t (z′ + α(z − z′)) dα, where z′ is the past as
it would be expected to look (Sundararajan, Taly & Yan 2017, Axiomatic Attribution for Deep Networks, equation 1). The
attributions of all values sum to f(z) − f(z′), which they call completeness; what the numeric integral misses of that
sum can be measured. Letters: H steps ahead, T past values, oldest first.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def quadrature_nodes(count: int) -> tuple[Floats, Floats]:
    """Places on [0, 1] and their weights, [count] each: Gauss-Legendre, exact for polynomials up to 2 · count − 1."""
    nodes, weights = np.polynomial.legendre.leggauss(count)
    return (nodes + 1) / 2, weights / 2


def baseline_input(z: Floats, season: int) -> Floats:
    """The past as it would usually look: the mean of each value's phase, or of all where two seasons are not known.

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
    """How far attributions miss the change they explain.

    Args:
        attribution: [H, T].
        change: [H] f(z) − f(z′).

    Returns:
        The largest |sum − change| over the steps ahead, as a share of the largest |change|; 0 where nothing changes.
    """
    error, size = np.abs(attribution.sum(axis=1) - change).max(), np.abs(change).max()
    return float(error / size) if size > 0 else float(error)


def within(effects: Floats, fraction: float) -> int:
    """How many last steps hold this share of [T] effects; 0 where there is no effect at all."""
    cumulative = np.cumsum(effects[::-1])
    if not len(cumulative) or cumulative[-1] <= 0:
        return 0
    return int(np.searchsorted(cumulative, fraction * cumulative[-1] * (1 - 1e-12))) + 1


def half_life(forget: Floats) -> Floats:
    """Steps after which half of a cell is forgotten, if its forget gate goes on as it did.

    Args:
        forget: [T, U] forget gates, 0 to 1.

    Returns:
        [U] ln ½ over the mean of ln f: 0 where a gate was shut, infinite where it was always open.
    """
    with np.errstate(divide="ignore"):
        kept = np.log(forget.astype(np.float64)).mean(axis=0)
        steps: Floats = np.log(0.5) / kept
    return np.abs(steps)
