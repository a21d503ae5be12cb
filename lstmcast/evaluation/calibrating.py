"""Probabilities that come true as often as they say: a line through log-odds (Platt 1999), found on held-out steps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

STEPS = 50  # of Newton's method, at most
CLOSE = 1e-10
PLAIN = np.array([1.0, 0.0])  # slope and shift of log-odds as they are
TRUST = 1.0  # yeses and noes' worth of belief that the log-odds are right as they are


@dataclass(frozen=True)
class Platt:
    """Log-odds a become slope · a + shift; as they are where the slope is 1 and the shift 0."""

    slope: float = 1.0
    shift: float = 0.0

    def probability(self, logits: Floats) -> Floats:
        """Log-odds of any shape to probabilities."""
        return np.asarray(0.5 * np.tanh(0.5 * (self.slope * logits + self.shift)) + 0.5, dtype=np.float64)


def platt(logits: Floats, came: Floats) -> Platt:
    """The line that makes what came likeliest, by Newton's method; a weak belief in the log-odds keeps it finite.

    Args:
        logits: log-odds of any shape.
        came: 1 or 0, NaN where it is not known.

    Returns:
        Log-odds as they are where nothing is known, or where more of one should mean less of the other.
    """
    known = ~np.isnan(came)
    a, y = logits[known].astype(np.float64), came[known]
    design, line = np.stack([a, np.ones_like(a)]), PLAIN
    for _ in range(STEPS):
        p = Platt(*line).probability(a)
        gradient = design @ (p - y) + TRUST * (line - PLAIN)
        curvature = (design * (p * (1 - p))) @ design.T + TRUST * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        while _cost(line - step, a, y) > _cost(line, a, y) and np.abs(step).max() > CLOSE:
            step = step / 2  # far from the best line a whole step may lead further away
        line = line - step
        if np.abs(step).max() < CLOSE:
            break
    return Platt(float(line[0]), float(line[1])) if np.isfinite(line).all() and line[0] > 0 else Platt()


def _cost(line: Floats, a: Floats, y: Floats) -> float:
    """−log of how likely a line makes what came, and of the belief in the log-odds."""
    odds = line[0] * a + line[1]
    belief = TRUST / 2 * float(((line - PLAIN) ** 2).sum())
    return belief + float((np.logaddexp(0.0, odds) - y * odds).sum())
