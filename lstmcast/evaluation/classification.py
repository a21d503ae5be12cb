"""Scores of labels, probabilities and symbols, as functions of plain arrays.

Probabilities […, H] stand beside what came, 1 or 0, NaN where it is not known; where nothing is known a score is
undefined (NaN). Brier (1950); reliability and its error as in Murphy (1973) and Naeini et al. (2015).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from lstmcast.types import Floats, Ints

TEST_FRACTION, VALIDATION_FRACTION = 0.2, 0.1  # shares of the series of each label
MIN_SERIES_TO_VALIDATE = 3  # series of a label, of which one may judge and one may stop
TINY = 1e-12  # the least probability that is scored
CHUNK = 1 << 22  # distances held at once


@dataclass(frozen=True)
class StratifiedSplit:
    """Which of S series learn, decide when to stop, and judge: indices, ascending."""

    train: Ints
    validation: Ints
    test: Ints


def stratified_split(labels: Ints, seed: int) -> StratifiedSplit:
    """Draw the held-out series of each label by itself, so that every label is judged by its share.

    A label of two series judges with one, a label of one series is only learnt from.

    Args:
        labels: [S] the label of each series, from 0.
        seed: of the draw.
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
    """[S] which of `count` parts judges each series: those of each label are dealt out in turn, in random order."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    dealt = np.empty(len(labels), dtype=np.int64)
    dealt[order] = np.arange(len(labels)) % count
    return dealt


def class_frequencies(labels: Ints, count: int) -> Floats:
    """[C] how much of the series has each label."""
    frequencies: Floats = np.bincount(labels, minlength=count) / len(labels)
    return frequencies


def baseline_classifiers(known: Floats, labels: Ints, queries: Floats) -> Mapping[str, Ints]:
    """What simple rules say of series, from the known ones: name to [B] labels.

    Args:
        known: [K, D] series whose labels are known, all numbers of a series in a row.
        labels: [K] their labels.
        queries: [B, D] the series asked about.
    """
    return {
        "most_frequent": np.full(len(queries), np.bincount(labels).argmax()),
        "nearest_centroid": _nearest_centroid(known, labels, queries),
        "nearest_neighbour": nearest_neighbor(known, labels, queries),
    }


def nearest_neighbor(known: Floats, labels: Ints, queries: Floats) -> Ints:
    """The label of the known series that lies nearest to each of [B, D]."""
    return labels[_nearest(known, queries)]


def _nearest_centroid(known: Floats, labels: Ints, queries: Floats) -> Ints:
    """The label whose series lie nearest in the mean."""
    there = np.unique(labels)
    return there[_nearest(np.stack([known[labels == label].mean(axis=0) for label in there]), queries)]


def _nearest(known: Floats, queries: Floats) -> Ints:
    """[B] which of [K, D] lies nearest to each of [B, D], by Euclid; the first of several."""
    lengths, size = (known**2).sum(axis=1), max(1, CHUNK // len(known))
    parts = [queries[k : k + size] for k in range(0, len(queries), size)]
    return np.concatenate([(lengths - 2 * part @ known.T).argmin(axis=1) for part in parts])


def confusion(actual: Ints, predicted: Ints, count: int) -> Ints:
    """[C, C] how many series of each label (row) were given each label (column)."""
    return np.bincount(actual * count + predicted, minlength=count * count).reshape(count, count)


def named_scores(actual: Ints, predicted: Ints) -> dict[str, float]:
    """Scores of [B] labels: the share that is right, and the mean of that share over the labels that came."""
    right = actual == predicted
    return {
        "accuracy": float(right.mean()),
        "balanced_accuracy": float(np.mean([right[actual == label].mean() for label in np.unique(actual)])),
    }


def chance_scores(actual: Ints, probabilities: Floats) -> dict[str, float]:
    """Scores of probabilities [B, C]: −log of that of the label that came, and Σ (p − 1[came])² (Brier), both means."""
    own = probabilities[np.arange(len(actual)), actual]
    return {
        "cross_entropy": float(-np.log(np.maximum(own, TINY)).mean()),
        "brier": float(((probabilities**2).sum(axis=1) - 2 * own + 1).mean()),
    }


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


def bits_per_symbol(logs: Floats, actual: Ints) -> Floats:
    """−log₂ of the probability of what came; its mean is the cross-entropy in bits a symbol.

    Args:
        logs: [B, V] natural logarithms of the probabilities.
        actual: [B] codes, each 0 … V − 1.

    Returns:
        [B] 0 or more; infinite where the probability was 0.
    """
    log_prob = np.take_along_axis(logs, actual[:, None], axis=1)[:, 0]
    return np.asarray(np.abs(log_prob / np.log(2)), dtype=np.float64)


def top_k_hits(logs: Floats, actual: Ints, k: int) -> Floats:
    """[B] 1 where what came is among the k likeliest of V, else 0; of equally likely symbols the first ones count.

    Args:
        logs: [B, V] logarithms of the probabilities, or anything that grows with them.
        actual: [B] codes.
        k: 1: whether it was the likeliest.
    """
    most_likely = np.argsort(-logs, axis=1, kind="stable")[:, :k]
    return np.asarray((most_likely == actual[:, None]).any(axis=1), dtype=np.float64)
