"""What each unit of a network follows: the level, the season, the last change, or none of them. Plain arrays.

A unit follows what its cell state correlates with most over the steps it read. A season may be followed early or late,
so its strongest wave is taken with both its sine and its cosine: the multiple correlation. Letters: T steps, U units.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

NOTHING = "none of these"
MIN_CORRELATION = 0.5  # a weaker correlation is called none


@dataclass(frozen=True)
class UnitCorrelation:
    """What one unit follows.

    Attributes:
        component: the name of it, or `NOTHING`.
        correlation: with it, or with the nearest of them; of a season 0 to 1, else −1 to 1.
    """

    component: str
    correlation: float


def unit_correlations(cells: Floats, signals: Mapping[str, Floats]) -> tuple[UnitCorrelation, ...]:
    """Find what each unit follows.

    Args:
        cells: [T, U] cell states.
        signals: name to [T, k]: one column, or several that together are followed (sine and cosine of a wave).

    Returns:
        U findings. A unit or a signal that stands still correlates with nothing.
    """
    found = {name: _correlations(cells, signal) for name, signal in signals.items()}
    return tuple(_nearest({name: float(row[u]) for name, row in found.items()}) for u in range(cells.shape[1]))


def order(followings: tuple[UnitCorrelation, ...], names: tuple[str, ...]) -> list[int]:
    """Units group by group, in the order of `names` and `NOTHING` last; in a group, from most alike to most opposed."""
    rank = {name: k for k, name in enumerate((*names, NOTHING))}
    return sorted(range(len(followings)), key=lambda u: (rank[followings[u].component], -followings[u].correlation))


def dominant_harmonic(z: Floats, season: int) -> Floats:
    """The wave that says most of the usual season.

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
