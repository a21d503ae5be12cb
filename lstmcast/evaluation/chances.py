"""How good probabilities are: one formula a function, on plain arrays.

Probabilities […, H] stand beside what came, 1 or 0, NaN where it is not known; where nothing is known a score is
undefined (NaN). Brier (1950); reliability and its error as in Murphy (1973) and Naeini et al. (2015).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

MIN_PROBABILITY = 1e-6  # no probability counts as nearer to impossible: a logarithm would end all comparison
BINS = 10


def brier(actual: Floats, predicted: Floats) -> Floats:
    """Mean (p − y)². […, H] each to […]; 0 is perfect, 0.25 what a coin says."""
    return _mean((predicted - actual) ** 2)


def log_loss(actual: Floats, predicted: Floats) -> Floats:
    """Mean −log of the probability given to what came, in nats. […, H] each to […]."""
    sure = np.clip(predicted, MIN_PROBABILITY, 1 - MIN_PROBABILITY)
    return _mean(-(actual * np.log(sure) + (1 - actual) * np.log(1 - sure)))


def accuracy(actual: Floats, predicted: Floats) -> Floats:
    """The share of steps where the likelier of yes and no came; a probability of a half says no. […, H] to […]."""
    right = ((predicted > 0.5) == (actual > 0.5)).astype(np.float64)
    return _mean(np.where(np.isnan(actual), np.nan, right))


@dataclass(frozen=True)
class Reliability:
    """How often it came true, for all that was given about the same probability; K groups that hold something.

    Attributes:
        predicted: [K] the mean probability, ascending. observed: [K] the share of yeses. counts: [K] of how many.
    """

    predicted: Floats
    observed: Floats
    counts: Ints

    @property
    def error(self) -> float:
        """The calibration error: the mean |said − came| over all single probabilities; NaN where there are none."""
        total = int(self.counts.sum())
        return float((np.abs(self.predicted - self.observed) * self.counts).sum() / total) if total else float("nan")


def reliability(actual: Floats, predicted: Floats, bins: int = BINS) -> Reliability:
    """Group by probability, in `bins` groups of equal width. Arrays of one shape; NaN in `observed` is left out."""
    known = ~np.isnan(actual)
    p, y = predicted[known], actual[known]
    which = np.minimum((p * bins).astype(np.int64), bins - 1)
    counts = np.bincount(which, minlength=bins)
    held = counts > 0
    mean_predicted, frequency = (np.bincount(which, weights=v, minlength=bins)[held] / counts[held] for v in (p, y))
    return Reliability(mean_predicted, frequency, counts[held])


def _mean(errors: Floats) -> Floats:
    """[…, H] to […]: the mean of what is not NaN."""
    known = ~np.isnan(errors)
    count = known.sum(axis=-1)
    total = np.where(known, errors, 0.0).sum(axis=-1)
    return np.asarray(np.where(count > 0, total / np.maximum(count, 1), np.nan), dtype=np.float64)
