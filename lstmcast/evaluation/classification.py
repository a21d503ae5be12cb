"""Scores of labels, probabilities and symbols, as functions of plain arrays.

Actual events […, H] are 1 or 0, NaN where unknown; a score without known values is NaN. Brier (1950); reliability and
calibration error as in Murphy (1973) and Naeini et al. (2015).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from lstmcast.evaluation.metrics import mean_known
from lstmcast.types import Floats, Ints

TEST_FRACTION, VALIDATION_FRACTION = 0.2, 0.1  # of the series of each label
MIN_SERIES_TO_VALIDATE = 3  # series of a label from which one is used for validation
EPSILON = 1e-12  # lower bound of probabilities in the cross-entropy of labels
CHUNK_SIZE = 1 << 22  # distances per array


@dataclass(frozen=True)
class StratifiedSplit:
    """Indices of the training, validation and test series, ascending."""

    train: Ints
    validation: Ints
    test: Ints


def stratified_split(labels: Ints, seed: int) -> StratifiedSplit:
    """Split series [S] with integer labels into parts in which all labels have the same fractions.

    A label of two series has one in the test part; a label of one series is only in the training part.
    """
    rng = np.random.default_rng(seed)
    role = np.zeros(len(labels), dtype=np.int64)
    for label in np.unique(labels):
        own = rng.permutation(np.flatnonzero(labels == label))
        n_test = max(1, round(TEST_FRACTION * len(own))) if len(own) > 1 else 0
        n_validation = max(1, round(VALIDATION_FRACTION * len(own))) if len(own) >= MIN_SERIES_TO_VALIDATE else 0
        role[own[:n_test]], role[own[n_test : n_test + n_validation]] = 2, 1
    return StratifiedSplit(*(np.flatnonzero(role == k) for k in range(3)))


def folds(labels: Ints, count: int, seed: int) -> Ints:
    """Assign each of [S] series to one of `count` stratified folds, at random."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    fold = np.empty(len(labels), dtype=np.int64)
    fold[order] = np.arange(len(labels)) % count
    return fold


def class_frequencies(labels: Ints, count: int) -> Floats:
    """[C] relative frequencies of labels."""
    frequencies: Floats = np.bincount(labels, minlength=count) / len(labels)
    return frequencies


def baseline_classifiers(known: Floats, labels: Ints, queries: Floats) -> Mapping[str, Ints]:
    """Labels [B] predicted by simple rules, by name, for queries [B, D] from known series [K, D] with labels [K]."""
    return {
        "most_frequent": np.full(len(queries), np.bincount(labels).argmax()),
        "nearest_centroid": _nearest_centroid(known, labels, queries),
        "nearest_neighbor": nearest_neighbor(known, labels, queries),
    }


def nearest_neighbor(known: Floats, labels: Ints, queries: Floats) -> Ints:
    """[B] labels of the nearest known series."""
    return labels[_nearest(known, queries)]


def _nearest_centroid(known: Floats, labels: Ints, queries: Floats) -> Ints:
    """[B] labels of the nearest class mean."""
    classes = np.unique(labels)
    return classes[_nearest(np.stack([known[labels == label].mean(axis=0) for label in classes]), queries)]


def _nearest(known: Floats, queries: Floats) -> Ints:
    """[B] index of the nearest of [K, D] by Euclidean distance; the first on ties."""
    lengths, size = (known**2).sum(axis=1), max(1, CHUNK_SIZE // len(known))
    parts = [queries[k : k + size] for k in range(0, len(queries), size)]
    return np.concatenate([(lengths - 2 * part @ known.T).argmin(axis=1) for part in parts])


def confusion(actual: Ints, predicted: Ints, count: int) -> Ints:
    """Confusion matrix [C, C]: counts by actual label (row) and predicted label (column)."""
    return np.bincount(actual * count + predicted, minlength=count * count).reshape(count, count)


def named_scores(actual: Ints, predicted: Ints) -> dict[str, float]:
    """Accuracy, and balanced accuracy: the mean accuracy over the actual labels, of [B] labels."""
    right = actual == predicted
    return {
        "accuracy": float(right.mean()),
        "balanced_accuracy": float(np.mean([right[actual == label].mean() for label in np.unique(actual)])),
    }


def chance_scores(actual: Ints, probabilities: Floats) -> dict[str, float]:
    """Mean cross-entropy and mean Brier score Σ (p − y)² of probabilities [B, C]."""
    own = probabilities[np.arange(len(actual)), actual]
    return {
        "cross_entropy": float(-np.log(np.maximum(own, EPSILON)).mean()),
        "brier": float(((probabilities**2).sum(axis=1) - 2 * own + 1).mean()),
    }


MIN_PROBABILITY = 1e-6  # lower bound of probabilities in the log loss of events
BIN_COUNT = 10


def brier(actual: Floats, predicted: Floats) -> Floats:
    """Mean (p − y)². […, H] each to […]."""
    return mean_known((predicted - actual) ** 2)


def log_loss(actual: Floats, predicted: Floats) -> Floats:
    """Mean −log of the probability of the outcome, in nats. […, H] each to […]."""
    p = np.clip(predicted, MIN_PROBABILITY, 1 - MIN_PROBABILITY)
    return mean_known(-(actual * np.log(p) + (1 - actual) * np.log(1 - p)))


def accuracy(actual: Floats, predicted: Floats) -> Floats:
    """Fraction of steps where p > ½ equals the outcome. […, H] each to […]."""
    right = ((predicted > 0.5) == (actual > 0.5)).astype(np.float64)
    return mean_known(np.where(np.isnan(actual), np.nan, right))


@dataclass(frozen=True)
class Reliability:
    """Reliability diagram of K non-empty bins: mean probabilities, ascending, observed frequencies, and counts."""

    predicted: Floats
    observed: Floats
    counts: Ints

    @property
    def error(self) -> float:
        """Expected calibration error: the count-weighted mean |p − frequency|; NaN without bins."""
        total = int(self.counts.sum())
        return float((np.abs(self.predicted - self.observed) * self.counts).sum() / total) if total else float("nan")


def reliability(actual: Floats, predicted: Floats, bins: int = BIN_COUNT) -> Reliability:
    """Compute the reliability diagram in bins of equal width; arrays of one shape, NaN in `actual` is ignored."""
    known = ~np.isnan(actual)
    p, y = predicted[known], actual[known]
    bin_index = np.minimum((p * bins).astype(np.int64), bins - 1)
    counts = np.bincount(bin_index, minlength=bins)
    used = counts > 0
    mean, frequency = (np.bincount(bin_index, weights=v, minlength=bins)[used] / counts[used] for v in (p, y))
    return Reliability(mean, frequency, counts[used])


def bits_per_symbol(logs: Floats, actual: Ints) -> Floats:
    """[B] −log₂ of the probability of the actual symbol [B], from log probabilities [B, V]; inf for probability 0."""
    log_prob = np.take_along_axis(logs, actual[:, None], axis=1)[:, 0]
    return np.asarray(np.abs(log_prob / np.log(2)), dtype=np.float64)


def top_k_hits(logs: Floats, actual: Ints, k: int) -> Floats:
    """[B] 1 if the actual symbol [B] is among the k most likely of [B, V], else 0; ties go to the lower code."""
    most_likely = np.argsort(-logs, axis=1, kind="stable")[:, :k]
    return np.asarray((most_likely == actual[:, None]).any(axis=1), dtype=np.float64)
